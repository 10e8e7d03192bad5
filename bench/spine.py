"""Stepwise, threshold and SSD on the same held-out prompts, in one process: the three costs, and who keeps whose text.

`python -m bench spine --n 50`: prints a table and, with --json, one object. Wall-clock ratios are medians over
prompts of (method / stepwise on that prompt), each prompt decoded by all methods in turn after a warm-up, so that a
slow moment of the machine hits all of them."""

import argparse
import json
import statistics
from typing import Any

from decoders.models import catalogue
from decoders.run import run
from training.corpus import FAMILIES, HELD_OUT, grade, items

METHODS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("stepwise", "stepwise", {}),
    ("threshold 0.9", "threshold", {"threshold": 0.9}),
    ("threshold 0.6", "threshold", {"threshold": 0.6}),
    ("ssd N=2", "ssd", {"n": 2}),
    ("ssd N=4", "ssd", {"n": 4}),
    ("ssd N=8", "ssd", {"n": 8}),
)


def measure(model: str, n: int, max_new: int, block: int | None) -> dict[str, Any]:
    """Decodes n held-out prompts, the families in turn."""
    pools = [list(items(family, HELD_OUT, n // len(FAMILIES) + 1, seed=1)) for family in FAMILIES]
    prompts = [item for group in zip(*pools, strict=True) for item in group][:n]
    net = catalogue.load(model)
    size: dict[str, Any] = {"max_new": max_new} | ({"block": block} if block else {})
    run("stepwise", net, prompts[0].prompt, level="timing", **size)
    rows: dict[str, dict[str, list]] = {
        name: {k: [] for k in ("calls", "cost", "seconds", "same", "right", "tpf", "accepted")} for name, *_ in METHODS
    }
    for item in prompts:
        base = None
        for name, method, knobs in METHODS:
            trace = run(method, net, item.prompt, level="timing", **size, **knobs)
            base = base or trace
            row = rows[name]
            row["calls"].append(trace.calls)
            row["cost"].append(trace.rows_tokens)
            row["seconds"].append(trace.seconds / base.seconds)
            row["tpf"].append(trace.tokens_per_call)
            row["same"].append(trace.tokens == base.tokens)
            row["accepted"].append(trace.acceptance)
            verdict = grade(item, trace.text)
            if verdict is not None:
                row["right"].append(verdict)
    out = {
        "model": model,
        "prompts": len(prompts),
        "settings": size,
        "hardware": base.hardware if base else "",
        "methods": {},
    }
    first = rows[METHODS[0][0]]
    for name, row in rows.items():
        accepted, judged = map(sum, zip(*row["accepted"], strict=True))
        out["methods"][name] = {
            "tokens_per_call": statistics.mean(row["tpf"]),
            "calls": statistics.mean(row["calls"]),
            "calls_ratio": sum(row["calls"]) / sum(first["calls"]),
            "rows_tokens": statistics.mean(row["cost"]),
            "rows_tokens_ratio": sum(row["cost"]) / sum(first["cost"]),
            "wall_ratio_median": statistics.median(row["seconds"]),
            "identical": sum(row["same"]),
            "right": sum(row["right"]),
            "graded": len(row["right"]),
            "acceptance": accepted / judged if judged else None,
        }
    return out


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench spine", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", default="tiny-llada")
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--max-new", type=int, default=64)
    parser.add_argument("--block", type=int)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    result = measure(args.model, args.n, args.max_new, args.block)
    if args.json:
        print(json.dumps(result))
        return 0
    print(f"{args.model}, {result['prompts']} held-out prompts, {result['settings']}, {result['hardware']}")
    print(
        f"{'':<15}{'tok/call':>9}{'calls':>8}{'ratio':>7}{'rows x tok':>12}{'ratio':>7}{'wall':>7}"
        f"{'identical':>11}{'right':>9}{'accepted':>10}"
    )
    for name, r in result["methods"].items():
        accepted = "" if r["acceptance"] is None else f"{r['acceptance']:.0%}"
        print(
            f"{name:<15}{r['tokens_per_call']:>9.2f}{r['calls']:>8.1f}{r['calls_ratio']:>7.2f}{r['rows_tokens']:>12.0f}{r['rows_tokens_ratio']:>7.2f}"
            f"{r['wall_ratio_median']:>7.2f}{r['identical']:>8}/{result['prompts']:<3}{r['right']:>5}/{r['graded']:<3}{accepted:>9}"
        )
    return 0
