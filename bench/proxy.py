"""Does the 3-gram help DiffuSpec? The path search with and without it on the same held-out prompts of all families.

`python -m bench proxy --n 40 [--draft tiny-llada] [--save]`: accepted drafts, accepted drafts a round, and calls of the
target.  Text and draft lengths do not depend on luck here (temperature 0), so the difference is paired by prompt; its
interval is a normal approximation."""

import argparse
import json
import math
import statistics
from typing import Any

from decoders.models import catalogue, measured
from decoders.run import run
from decoders.trace import Judge
from training.corpus import FAMILIES, HELD_OUT, items
from training.evaluate import SEED, SLOTS

PROXIES = ("trigram", "none")


def measure(target: str, draft: str, n: int) -> dict[str, Any]:
    """DiffuSpec at its defaults but for the proxy, on `n` prompts of each family."""
    models = {"target": catalogue.load(target), "draft": catalogue.load(draft)}
    asked = [item.prompt for family in FAMILIES for item in items(family, HELD_OUT, n, SEED)]
    rates: dict[str, list[float]] = {proxy: [] for proxy in PROXIES}
    totals = {proxy: {"accepted": 0, "drafted": 0, "rounds": 0, "target_calls": 0, "calls": 0} for proxy in PROXIES}
    for prompt in asked:
        for proxy in PROXIES:
            trace = run("diffuspec", models, prompt, level="timing", max_new=SLOTS, proxy=proxy)
            accepted, drafted = trace.acceptance
            rounds = sum(isinstance(event, Judge) for event in trace.events)
            own = sum(call.role != "draft" for call in trace.forwards)
            counts = {"accepted": accepted, "drafted": drafted, "rounds": rounds, "target_calls": own}
            for key, value in {**counts, "calls": trace.calls}.items():
                totals[proxy][key] += value
            rates[proxy].append(accepted / max(1, rounds))
    gains = [a - b for a, b in zip(*rates.values(), strict=True)]
    settings = {
        proxy: {
            "acceptance": round(t["accepted"] / t["drafted"], 4),
            "accepted_a_round": round(t["accepted"] / t["rounds"], 3),
            **t,
        }
        for proxy, t in totals.items()
    }
    half = 1.96 * statistics.pstdev(gains) / math.sqrt(len(gains))
    out = {"target": target, "draft": draft, "n": n, "prompts": len(asked), "settings": settings}
    return {**out, "difference": round(statistics.mean(gains), 4), "plus_minus": round(half, 4)}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench proxy", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--target", default="tiny-ar")
    parser.add_argument("--draft", default="tiny-llada")
    parser.add_argument("--n", type=int, default=40, help="held-out prompts of each family")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="keep the result for the target's card")
    args = parser.parse_args(argv)
    result = measure(args.target, args.draft, args.n)
    if args.save:
        drafter = {"draft_weights": measured.fingerprint(args.draft)}
        measured.keep(args.target, "proxy", {"seed": SEED, **drafter, **result})
    if args.json:
        print(json.dumps(result))
        return 0
    print(f"{args.draft} drafts for {args.target}, {result['prompts']} held-out prompts")
    for proxy, r in result["settings"].items():
        print(
            f"{proxy:<9}{100 * r['acceptance']:6.1f} % accepted {r['accepted_a_round']:7.2f} a round"
            f"{r['target_calls']:7} calls of the target{r['calls']:7} of both"
        )
    print(f"accepted a round, trigram minus none: {result['difference']:+.3f} ± {result['plus_minus']:.3f}")
    return 0
