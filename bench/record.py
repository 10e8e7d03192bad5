"""Records assets/traces anew: the runs that a visitor sees before pressing anything, with their reference runs.

`python -m bench record` decodes with the bundled models on this machine; the traces carry its name and today's date.
"""

import argparse
import sys
from typing import Any

from app.stage import ASSETS
from decoders.models import catalogue
from decoders.run import run

PROMPT = "Tom has 3 apples. He buys 4 more and gives 2 to Anna. How many apples does Tom have now?"
SHOP = "Mia has 20 dollars. She buys 4 books for 3 dollars each. How much money does Mia have left?"
CAPITAL = "What is the capital of France?"
BABY = "What do you call a baby horse?"
CHOICE = "Which of these is a fruit? dog (A), apple (B), chair (C) or blue (D)"
CODE_CHOICE = "Which Python function returns the length of a list? max (A), sum (B), len (C), abs (D)"
FUNCTION = "Write a Python function add_three that returns x plus 3."
VOWELS = "Write a function that counts the vowels in a string."
FOX = "Tell me a short story about a fox."
ROBOT = "Write a story about a lonely robot in a city."
LLADA, SDAR, AR = "tiny-llada", "tiny-sdar", "tiny-ar"
PAIR = {"target": AR, "draft": LLADA}
SMALL = {"target": SDAR, "draft": "nano-sdar"}
MIXED = {"n": 8, "tree": "mixed_order", "width": 3, "budget": 32, "fold": True}
# name, method, models, prompt, settings: one run of every method on PROMPT, then two of every family.
RUNS: tuple[tuple[str, str, str | dict[str, str], str, dict[str, Any]], ...] = (
    ("ssd-apples", "ssd", LLADA, PROMPT, {"n": 4}),
    ("stepwise-apples", "stepwise", LLADA, PROMPT, {}),
    ("fixed-k-apples", "fixed-k", LLADA, PROMPT, {"k": 4}),
    ("threshold-apples", "threshold", LLADA, PROMPT, {"threshold": 0.9}),
    ("eb-apples", "eb", LLADA, PROMPT, {}),
    ("klass-apples", "klass", LLADA, PROMPT, {}),
    ("localleap-apples", "localleap", LLADA, PROMPT, {}),
    ("freedave-apples", "freedave", LLADA, PROMPT, {"draft_steps": 4}),
    ("psd-apples", "psd", LLADA, PROMPT, {"depth": 3}),
    ("wino-apples", "wino", LLADA, PROMPT, {}),
    ("ssd-tree-apples", "ssd", LLADA, PROMPT, {"n": 4, "tree": "topk"}),
    ("ssd-mixed-apples", "ssd", SDAR, PROMPT, MIXED),
    ("dream-apples", "dream", LLADA, PROMPT, {"steps": 16, "max_new": 32}),
    ("block-apples", "block", SDAR, PROMPT, {}),
    ("s2d2-apples", "s2d2", SDAR, PROMPT, {}),
    ("s2d2-ahead-apples", "s2d2", SDAR, PROMPT, {"fold": True, "ahead": True}),
    ("fast-v2-apples", "fast-v2", SDAR, PROMPT, {}),
    ("llada2-apples", "llada2", SDAR, PROMPT, {"threshold": 0.7, "edit_threshold": 0.5}),
    ("simsd-apples", "simsd", SMALL, PROMPT, {"leak": True}),
    ("ar-apples", "ar", AR, PROMPT, {}),
    ("prompt-lookup-apples", "prompt-lookup", AR, PROMPT, {}),
    ("speculative-apples", "speculative", {"target": AR, "draft": "nano-sdar"}, PROMPT, {}),
    ("diffuspec-apples", "diffuspec", PAIR, PROMPT, {}),
    ("word-shop-fast", "threshold", SDAR, SHOP, {"threshold": 0.3}),
    ("word-shop-blocks", "ssd", SDAR, SHOP, {"n": 4}),
    ("facts-capital", "ssd", LLADA, CAPITAL, {"n": 4}),
    ("facts-baby", "stepwise", SDAR, BABY, {}),
    ("choice-fruit", "ssd", LLADA, CHOICE, {"n": 4}),
    ("choice-code", "threshold", SDAR, CODE_CHOICE, {"threshold": 0.9}),
    ("code-function", "ssd", LLADA, FUNCTION, {"n": 4}),
    ("code-vowels", "diffuspec", PAIR, VOWELS, {}),
    ("story-fox-stepwise", "stepwise", LLADA, FOX, {}),
    ("story-fox-fast", "threshold", LLADA, FOX, {"threshold": 0.5}),
    ("story-fox-wino", "wino", LLADA, FOX, {"wide": 0.4}),
    ("story-robot", "ssd", SDAR, ROBOT, {"n": 4}),
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench record", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    names = [name for name, *_ in RUNS]
    parser.add_argument("names", nargs="*", metavar="NAME", help="which runs (default: all)")
    args = parser.parse_args(argv)
    if unknown := set(args.names) - set(names):
        parser.error(f"{', '.join(sorted(unknown))}: no such run; there are {', '.join(names)}.")
    for name, method, models, prompt, knobs in RUNS:
        if args.names and name not in args.names:
            continue
        needed = models.values() if isinstance(models, dict) else [models]
        if reason := next(filter(None, map(catalogue.missing, needed)), ""):
            print(f"{name} is not recorded: {reason}", file=sys.stderr)
            continue
        # A warm-up, so that the first call is not slow.
        run(method, models, prompt, reference=True, level="timing", **knobs)
        trace = run(method, models, prompt, reference=True, **knobs)
        path = trace.save(ASSETS / "traces" / f"{name}.json.gz")
        print(f"{path.name}: {path.stat().st_size} bytes, {trace.calls} calls, {trace.text!r}", file=sys.stderr)
    return 0
