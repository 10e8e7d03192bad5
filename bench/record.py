"""Records assets/traces anew: the runs that a visitor sees before pressing anything, with their reference runs.

`python -m bench record` decodes with the bundled models on this machine; the traces carry its name and today's date.
"""

import argparse
import sys
from typing import Any

from app.stage import ASSETS
from decoders.run import run

PROMPT = "Tom has 3 apples. He buys 4 more and gives 2 to Anna. How many apples does Tom have now?"
RUNS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("ssd-apples", "ssd", PROMPT, {"n": 4}),
    ("stepwise-apples", "stepwise", PROMPT, {}),
    ("threshold-apples", "threshold", PROMPT, {"threshold": 0.9}),
    ("threshold-story-fast", "threshold", "Tell me a short story about a fox.", {"threshold": 0.3, "max_new": 96}),
    ("ssd-function", "ssd", "Write a Python function add_three that returns x plus 3.", {"n": 4}),
    ("ssd-story", "ssd", "Tell me a short story about a fox.", {"n": 4, "max_new": 96}),
)


def main(argv: list[str]) -> int:
    argparse.ArgumentParser(prog="python -m bench record", description=__doc__.splitlines()[0]).parse_args(argv)  # type: ignore[union-attr]
    for name, method, prompt, knobs in RUNS:
        run(
            method, "tiny-llada", prompt, reference=True, level="timing", **knobs
        )  # warm-up, so that the first call is not slow
        trace = run(method, "tiny-llada", prompt, reference=True, **knobs)
        path = trace.save(ASSETS / "traces" / f"{name}.json.gz")
        print(f"{path.name}: {path.stat().st_size} bytes, {trace.calls} calls, {trace.text!r}", file=sys.stderr)
    return 0
