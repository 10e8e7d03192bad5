"""Do two decoders write the same text? The identities that the methods claim, on held-out prompts of all families.

`python -m bench identity --n 100`: every claim on every bundled model it holds for, in float32, with both runs at the
same settings.  "same" counts prompts whose tokens are equal one by one, end of text and fill included; some claims say
that the calls are equal too.  tests/test_identity.py asserts the same claims.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import methods
from decoders.errors import UsageError
from decoders.models import catalogue
from decoders.models.base import Model
from decoders.run import run
from training.evaluate import SLOTS

SEED = 31  # other prompts than those of accuracies and speeds


@dataclass(frozen=True)
class Run:
    """A method with the settings that the claim is about."""

    method: str
    knobs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """`left` writes what `right` writes, under each of the `casts` of models (the right run takes the first role's)."""

    left: Run
    right: Run
    casts: Sequence[dict[str, str]]
    calls: bool = False


def _alone(*names: str) -> list[dict[str, str]]:
    return [{"model": name} for name in names]


FULL_AND_BLOCK = _alone("tiny-llada", "tiny-sdar", "nano-sdar")
BLOCK = _alone("tiny-sdar", "nano-sdar")
NEVER = Run("s2d2", {"policy": "never", "causal_cache": False, "causal_prefix": False})
ALWAYS = Run("s2d2", {"accept": "greedy", "policy": "mask_span_length", "min_span": 1, "early_stop": False})
AR = Run("ar")
CLAIMS = (
    Claim(Run("ssd"), Run("stepwise"), FULL_AND_BLOCK),
    Claim(Run("ssd", {"tree": "topk"}), Run("stepwise"), _alone("tiny-llada", "tiny-sdar")),
    Claim(Run("ssd", {"tree": "mixed_order"}), Run("stepwise"), _alone("tiny-llada", "tiny-sdar")),
    Claim(Run("ssd", {"cache": "dual"}), Run("stepwise", {"cache": "dual"}), _alone("tiny-llada")),
    Claim(Run("ssd", {"tree": "mixed_order", "n": 8, "fold": True}), Run("stepwise"), BLOCK),
    Claim(Run("freedave"), Run("stepwise"), FULL_AND_BLOCK),
    Claim(Run("freedave", {"sampling": "dynamic"}), Run("threshold"), _alone("tiny-llada", "tiny-sdar")),
    Claim(Run("psd", {"policy": "confidence", "acceptance": "exact"}), Run("threshold"), FULL_AND_BLOCK),
    Claim(Run("psd", {"policy": "localleap", "acceptance": "exact"}), Run("localleap"), FULL_AND_BLOCK),
    Claim(
        Run("psd", {"policy": "top-1", "acceptance": "exact", "depth": 4}), Run("ssd", {"n": 4}), FULL_AND_BLOCK, True
    ),
    Claim(NEVER, Run("block", {"strategy": "dynamic"}), BLOCK, True),
    Claim(Run("s2d2", {"ahead": True, "fold": True}), Run("s2d2"), BLOCK),
    Claim(Run("block", {"fold": True}), Run("block"), BLOCK),
    Claim(ALWAYS, Run("stepwise", {"block": 1, "early_stop": False}), BLOCK),
    Claim(
        Run("diffuspec"),
        AR,
        [{"target": "tiny-ar", "draft": name} for name in ("tiny-llada", "tiny-sdar", "nano-sdar")],
    ),
    Claim(Run("speculative"), AR, [{"target": "tiny-ar", "draft": name} for name in ("nano-sdar", "tiny-sdar")]),
    Claim(Run("prompt-lookup"), AR, _alone("tiny-ar")),
)


def pairs(claims: Sequence[Claim] = CLAIMS) -> Iterator[tuple[Claim, dict[str, str]]]:
    """Every claim with every cast of models that it is made for."""
    for claim in claims:
        for cast in claim.casts:
            yield claim, cast


def prompts(n: int) -> list[str]:
    """The first `n` held-out prompts, the families in turn."""
    return [item.prompt for item in methods.prompts(n, SEED)]


def compare(claim: Claim, cast: dict[str, str], asked: Sequence[str], max_new: int) -> dict[str, int]:
    """On how many prompts the tokens are the same, and the calls; and how many calls both took in all."""
    models: dict[str, Model] = {role: catalogue.load(name) for role, name in cast.items()}
    counts = {"prompts": len(asked), "same": 0, "same_calls": 0, "calls": 0, "reference_calls": 0}
    for prompt in asked:
        left, right = (
            run(side.method, of, prompt, level="timing", max_new=max_new, **side.knobs)
            for side, of in ((claim.left, models), (claim.right, next(iter(models.values()))))
        )
        counts["same"] += left.tokens == right.tokens
        counts["same_calls"] += left.calls == right.calls
        counts["calls"] += left.calls
        counts["reference_calls"] += right.calls
    return counts


def said(side: Run) -> str:
    """A run in words: the method and its settings."""
    return " ".join([side.method, *(f"{knob}={value}" for knob, value in side.knobs.items())])


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench identity", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--n", type=int, default=100, help="held-out prompts, the families in turn")
    parser.add_argument("--max-new", type=int, default=SLOTS, help="positions to generate")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead of the table")
    args = parser.parse_args(argv)
    if args.n < 1:
        parser.error(f"--n {args.n}: must be at least 1.")
    asked, broken = prompts(args.n), 0
    try:
        for claim, cast in pairs():
            counts = compare(claim, cast, asked, args.max_new)
            broken += counts["same"] < args.n or claim.calls and counts["same_calls"] < args.n
            what = f"{said(claim.left)} == {said(claim.right)}"
            if args.json:
                print(json.dumps({"claim": what, "models": cast, **counts}), flush=True)
                continue
            calls = f", calls the same {counts['same_calls']}" if claim.calls else ""
            print(
                f"{counts['same']:>4} of {args.n} the same{calls}; {counts['calls']} calls against "
                f"{counts['reference_calls']}: {what}, {' with '.join(cast.values())}",
                flush=True,
            )
    except UsageError as error:
        parser.error(str(error))
    return min(broken, 1)
