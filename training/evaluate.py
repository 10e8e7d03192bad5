"""Held-out accuracy of a model under a decoding method.

`python -m training.evaluate tiny-llada --method stepwise --n 200 [--json]` asks `n` held-out questions of each family,
in the 64 slots and with the block size the model was trained for, and grades what comes out.  Stories have no right
answer; they are run for their tokens per call only.  Intervals are 95 % Wilson score intervals.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass

from decoders.run import run
from training.corpus import FAMILIES, HELD_OUT, grade, items

SEED = 1  # other questions than the ones watched during training, which use seed 99
SLOTS = 64


@dataclass(frozen=True)
class Result:
    """One family: share of right answers with its 95 % interval (None without a grader), and speed."""

    accuracy: float | None
    low: float | None
    high: float | None
    n: int
    tokens_per_call: float


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of `right` in `n`."""
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def evaluate(model: str, method: str, n: int, family: str, **knobs) -> Result:
    """Ask `n` held-out questions of one family; tokens per call is all tokens over all forward calls."""
    grades, tokens, calls = [], 0, 0
    for item in items(family, HELD_OUT, n, SEED):
        trace = run(method, model, item.prompt, level="timing", **{"max_new": SLOTS, **knobs})
        grades.append(grade(item, trace.text))
        calls += trace.calls
        tokens += round(trace.tokens_per_call * trace.calls)
    speed = round(tokens / calls, 3)
    if None in grades:
        return Result(None, None, None, n, speed)
    low, high = wilson(sum(grades), n)
    return Result(round(sum(grades) / n, 4), round(low, 4), round(high, 4), n, speed)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model of the catalogue")
    parser.add_argument("--method", default="stepwise", help="a decoding method (default: stepwise)")
    parser.add_argument("--n", type=int, default=200, help="questions per family (default: 200)")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="a setting of the method")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    if arguments.n < 1:
        parser.error("--n must be at least 1.")
    knobs = dict(setting.split("=", 1) for setting in arguments.set)
    results = {}
    if not arguments.json:
        print(f"{'family':8} {'accuracy':>9}  {'95 % interval':>15} {'n':>5} {'tokens/call':>12}")
    for family in FAMILIES:
        result = results[family] = evaluate(arguments.model, arguments.method, arguments.n, family, **knobs)
        if not arguments.json:
            share = "-" if result.accuracy is None else f"{result.accuracy:.1%}"
            between = "-" if result.low is None else f"{result.low:.1%} to {result.high:.1%}"
            print(f"{family:8} {share:>9}  {between:>15} {result.n:5} {result.tokens_per_call:12.2f}", flush=True)
    if arguments.json:
        print(json.dumps({"families": {family: asdict(result) for family, result in results.items()}}))


if __name__ == "__main__":
    main()
