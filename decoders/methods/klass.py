"""Fills the positions about which the model is sure and has stopped changing its mind.

Seo Hyun Kim et al., "KLASS: KL-Guided Fast Inference in Masked Diffusion Models", 2025, KL-Adaptive Stability Sampling;
arXiv:2511.05664. p_t is what call t says about a masked position. The position is stable when KL(p_t || p_{t-1}) was
below a bar in each of the last n calls, and it is filled when it is stable and its confidence reaches tau; if there is
no such position, the single most confident one is filled. Defaults are those of the authors' release: 0.01, 2 and 0.9,
there called kl_threshold, kl_history_length and conf_threshold. So is 1e-12, added inside the logarithms.

The distributions of the last call stay on the model's device and only the divergences [n] come to the host: a second
transfer per call, after the one that every method has.

Where we differ: a block entered afresh has no history, because its positions were not asked about before (with an exact
cache they were not even fed); the release keeps comparing positions of later blocks while it fills earlier ones. Both
fill one position in the first n calls of a run. A confidence equal to tau passes, as everywhere here. Left out: filling
only the best of the stable positions, schedules that fill more than one when none is stable, and temperature.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.denoise import denoise
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.sampling import Guess, Seen
from decoders.trace import Decide, Event


@dataclass(frozen=True)
class KLASS(Params):
    threshold: float = knob(0.9, "confidence needed to be filled in", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    kl: float = knob(0.01, "a prediction that changed less is stable, in nats", lo=0.0, hi=2.0, step=0.001, symbol="ε")
    history: int = knob(2, "calls in a row it has to be stable for", lo=1, hi=4, step=1, symbol="n")
    fold: bool = fold_knob()


def divergence(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """KL(p || q) [n] in nats of the rows of p and q [n, V]; never negative."""
    return (p * ((p + 1e-12).log() - (q + 1e-12).log())).sum(-1).clamp(min=0.0)


class History:
    """What the last call said about each masked position, and for how many calls in a row (`calm`) that has changed by
    less than `bar` nats. When a call asks about other positions (a block entered afresh), all begin anew."""

    def __init__(self, bar: float):
        self.bar, self.calm, self.last = bar, dict[int, int](), dict[int, torch.Tensor]()

    def add(self, positions: Sequence[int], probs: torch.Tensor) -> dict[int, float]:
        """Takes in a call's probs [n, V]; returns how far each position moved, in nats, infinite without a history."""
        moved = [math.inf] * len(positions)
        if self.last.keys() >= set(positions):
            moved = divergence(probs, torch.stack([self.last[pos] for pos in positions])).tolist()
        kl = dict(zip(positions, moved, strict=True))
        self.calm = {pos: self.calm[pos] + 1 if kl[pos] < self.bar else 0 for pos in positions}
        self.last = dict(zip(positions, probs, strict=True))
        return kl


def decode(models: Mapping[str, Model], canvas: Canvas, par: KLASS, rng: Chance) -> Iterator[Event]:
    history = History(par.kl)

    def choose(seen: Seen, order: list[Guess]) -> tuple[list[Guess], Decide]:
        # Compare what this call says with what the last one said.
        assert seen.probs is not None
        kl = history.add([g.pos for g in seen.guesses[0]], seen.probs)
        stable = tuple(pos for pos, calls in history.calm.items() if calls >= par.history)

        # Fill all that are stable and sure, or else the best.
        ready = [g for g in order if g.pos in stable and g.p >= par.threshold]
        because = [("threshold", par.threshold), ("masked", len(order)), ("stable", len(stable)), ("ready", len(ready))]
        if (least := min(kl.values())) < math.inf:
            because.append(("least KL", round(least, 6)))
        chosen = ready or order[:1]
        return chosen, Decide("how many", str(len(chosen)), stable, tuple(because))

    yield from denoise(models, canvas, choose, fold=par.fold, keep=True)


METHOD = Method(
    id="klass",
    title="KLASS",
    paper="KLASS: KL-adaptive stability sampling (Kim et al. 2025)",
    arxiv="2511.05664",
    guarantee="approximate",
    params=KLASS,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Fills positions about which the model is sure and has not changed its mind for some calls. More careful "
    "than a threshold alone, and slower to start: each block has to be watched first.",
    cost="1 call of 1 row for 1 to B tokens.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
