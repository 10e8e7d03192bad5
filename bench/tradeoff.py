"""What a setting costs in right answers and what it brings in speed, on held-out prompts of the graded families.

`python -m bench tradeoff --model tiny-llada` sweeps the confidence threshold against one token a call;
`--vary block` sweeps the block size of stepwise decoding, `--vary psd` the depth and the policy of PSD.  Every setting
answers the same prompts, so the differences in points are paired; the interval is that of the paired difference (normal
approximation)."""

import argparse
import json
import math
import statistics
from typing import Any

from decoders.models import catalogue, measured
from decoders.run import run
from training.corpus import FAMILIES, HELD_OUT, grade, items
from training.evaluate import SEED, SLOTS

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BLOCKS = (1, 2, 4, 8, 16, 32)
PSD = tuple((depth, threshold) for depth in (3, 7) for threshold in (0.9, 0.95, 0.99))


def settings(vary: str, block: int) -> list[tuple[str, str, dict[str, Any]]]:
    """(name, method, knobs); the first one is what the others are compared with."""
    if vary == "block":
        first = [("block " + str(block), "stepwise", {"block": block})]
        return first + [(f"block {b}", "stepwise", {"block": b}) for b in BLOCKS if b != block]
    if vary == "psd":
        psd = [(f"psd d={d} {t}", "psd", {"depth": d, "threshold": t}) for d, t in PSD]
        return [("stepwise", "stepwise", {}), *psd]
    return [("stepwise", "stepwise", {}), *((f"threshold {t}", "threshold", {"threshold": t}) for t in THRESHOLDS)]


def measure(model: str, n: int, vary: str) -> dict[str, Any]:
    """Answers `n` held-out prompts of each graded family under every setting, prompt by prompt."""
    net = catalogue.load(model)
    asked = [item for family in FAMILIES for item in items(family, HELD_OUT, n, SEED) if item.grader]
    plans = settings(vary, net.spec.block)
    right: dict[str, list[bool]] = {name: [] for name, *_ in plans}
    calls, tokens = dict.fromkeys(right, 0), dict.fromkeys(right, 0)
    for item in asked:
        for name, method, knobs in plans:
            trace = run(method, net, item.prompt, level="timing", max_new=SLOTS, **knobs)
            right[name].append(bool(grade(item, trace.text)))
            calls[name] += trace.calls
            tokens[name] += round(trace.tokens_per_call * trace.calls)
    base = right[plans[0][0]]
    out: dict[str, Any] = {"model": model, "n": n, "compared_with": plans[0][0], "settings": {}}
    for name, answers in right.items():
        differences = [int(a) - int(b) for a, b in zip(answers, base, strict=True)]
        families = {}
        for family in dict.fromkeys(item.family for item in asked):
            mine = [a for a, item in zip(answers, asked, strict=True) if item.family == family]
            families[family] = round(100 * sum(mine) / len(mine), 1)
        out["settings"][name] = {
            "tokens_per_call": round(tokens[name] / calls[name], 2),
            "accuracy": round(100 * sum(answers) / len(answers), 2),
            "points": round(100 * statistics.mean(differences), 2),
            "plus_minus": round(196 * statistics.pstdev(differences) / math.sqrt(len(differences)), 2),
            "families": families,
        }
    return out


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench tradeoff", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", default="tiny-llada")
    parser.add_argument("--n", type=int, default=100, help="held-out prompts of each graded family")
    parser.add_argument("--vary", choices=("threshold", "block", "psd"), default="threshold")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="keep the result for the model's card")
    args = parser.parse_args(argv)
    result = measure(args.model, args.n, args.vary)
    if args.save:
        measured.keep(args.model, args.vary, {"seed": SEED, **result})
    if args.json:
        print(json.dumps(result))
        return 0
    print(f"{args.model}, {args.n} held-out prompts a family, points against {result['compared_with']}")
    for name, r in result["settings"].items():
        families = "  ".join(f"{family} {share:.1f}" for family, share in r["families"].items())
        print(
            f"{name:<15}{r['tokens_per_call']:>7.2f} tok/call{r['accuracy']:>8.1f} %"
            f"{r['points']:>+8.1f} ± {r['plus_minus']:<5.1f}{families}"
        )
    return 0
