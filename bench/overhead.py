"""What recording costs: the same prompt decoded without a recorder, and at each recording level, in turn.

`python -m bench overhead`: medians of ratios to the bare generator, whose events are drained and dropped.
"""

import argparse
import statistics
import time

from decoders.models import catalogue
from decoders.run import LEVELS, Recording

PROMPT = "Tom has 3 apples. He buys 4 more and gives 2 to Anna. How many apples does Tom have now?"


def once(method: str, model, level: str | None, max_new: int) -> float:
    """Seconds for one decode; level None pulls the method's events past the recorder."""
    recording = Recording(method, model, PROMPT, level=level or "timing", max_new=max_new, early_stop=False)
    began = time.perf_counter()
    for _ in recording._events if level is None else recording:
        pass
    return time.perf_counter() - began


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench overhead", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", default="tiny-llada")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args(argv)
    model = catalogue.load(args.model)
    print(f"{'':<12}{'bare ms':>9}" + "".join(f"{level:>9}" for level in LEVELS))
    for method in ("stepwise", "ssd"):
        once(method, model, None, 32)
        bare, ratios = [], {level: [] for level in LEVELS}
        for _ in range(args.rounds):
            base = once(method, model, None, 64)
            bare.append(base)
            for level in LEVELS:
                ratios[level].append(once(method, model, level, 64) / base)
        print(
            f"{method:<12}{statistics.median(bare) * 1e3:>9.1f}"
            + "".join(f"{statistics.median(r):>9.3f}" for r in ratios.values())
        )
    return 0
