"""Fills every masked position of the block whose confidence passes a bar, and always the best one.

Chengyue Wu et al., "Fast-dLLM: Training-free Acceleration of Diffusion LLM by Enabling KV Cache and Parallel
Decoding", 2025, section 3.3, Algorithm 1 and the factor rule; arXiv:2505.22618. `threshold` keeps all c >= tau.
`factor` keeps the n most confident with the largest n such that (n + 1)(1 - c_(n)) < f, which Theorem 1 makes safe
for f <= 1: the bar for the n-th best is 1 - f / (n + 1), it falls as n grows, so the rule reads the sorted
confidences until one misses its bar.

`cache` is section 3.2, for models that see the whole canvas (block-causal ones have their exact cache): the call that
enters a block feeds everything and keeps the keys; later ones feed what begins with the block (prefix) or the block
alone (dual) and take the other keys as they were, although every fill changes them. A run is compared with stepwise
decoding without cache. Left out: the call that earlier releases make in a block which the first call filled.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.denoise import denoise
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, cache_knob, fold_knob, knob
from decoders.sampling import Guess, Seen
from decoders.trace import Decide, Event


@dataclass(frozen=True)
class Threshold(Params):
    threshold: float = knob(0.9, "confidence needed to be filled in", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    rule: str = knob(
        "threshold", "a fixed bar, or one that falls with the number kept", choices=("threshold", "factor")
    )
    factor: float = knob(1.0, "how much error the factor rule allows", lo=0.05, hi=8.0, step=0.05, symbol="f")
    cache: str = cache_knob()
    fold: bool = fold_knob()


def passing(confidences: list[float], par: Threshold) -> int:
    """How many of the confidences, sorted downwards, are filled in; at least one."""
    if par.rule == "threshold":
        return max(1, sum(c >= par.threshold for c in confidences))
    for i, c in enumerate(confidences):
        if i and c < 1 - par.factor / (i + 2):
            return i
    return len(confidences)


def decode(models: Mapping[str, Model], canvas: Canvas, par: Threshold, rng: Chance) -> Iterator[Event]:
    def choose(seen: Seen, order: list[Guess]) -> tuple[list[Guess], Decide]:
        # Fill all that pass the bar, at least the best.
        k = passing([g.p for g in order], par)
        rule = ("threshold", par.threshold) if par.rule == "threshold" else ("factor", par.factor)
        least = round(order[k - 1].p, 4)
        because = rule, ("masked", len(order)), ("best", round(order[0].p, 4)), ("kept least", least)
        return order[:k], Decide("how many", str(k), because=because)

    yield from denoise(models, canvas, choose, stale=par.cache, fold=par.fold)


METHOD = Method(
    id="threshold",
    title="Confidence threshold",
    paper="Fast-dLLM: confidence-aware parallel decoding (Wu et al. 2025)",
    arxiv="2505.22618",
    guarantee="approximate",
    params=Threshold,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Fills all positions that are confident enough at once. Fewer calls, and text that may differ from "
    "stepwise.",
    cost="1 call of 1 row for 1 to B tokens: all that pass the bar.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
