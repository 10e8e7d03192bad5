"""Sure positions are anchors, and near an anchor less confidence is enough.

Fanheng Kong et al., "Accelerating Diffusion LLM Inference via Local Determinism Propagation", 2025, section 3;
arXiv:2510.07081. A masked position whose confidence reaches tau is an anchor. Within W positions of one, tau' < tau
fills a position too, because what is settled settles its neighbourhood; elsewhere tau stays. The best one is always
filled. Defaults are those of the authors' release (0.9, 0.75, 4).

Left out: their early exit at end-of-sequence, which is `early_stop` here, for every method.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.denoise import denoise
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.policies import local_leap
from decoders.sampling import Guess, Seen
from decoders.trace import Decide, Event


@dataclass(frozen=True)
class LocalLeap(Params):
    threshold: float = knob(0.9, "confidence that makes an anchor", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    relaxed: float = knob(0.75, "confidence needed near an anchor", lo=0.0, hi=1.0, step=0.01, symbol="τ′")
    radius: int = knob(4, "how far an anchor reaches, in positions", lo=0, hi=32, step=1, symbol="W")
    fold: bool = fold_knob()


def decode(models: Mapping[str, Model], canvas: Canvas, par: LocalLeap, rng: Chance) -> Iterator[Event]:
    def choose(seen: Seen, order: list[Guess]) -> tuple[list[Guess], Decide]:
        # Fill the anchors and what is sure enough near them.
        chosen = local_leap(order, par.threshold, par.relaxed, par.radius)
        anchors = tuple(sorted(g.pos for g in order if g.p >= par.threshold))
        because = ("anchors", len(anchors)), ("near them", len(chosen) - len(anchors) if anchors else 0)
        return chosen, Decide("how many", str(len(chosen)), anchors, (*because, ("masked", len(order))))

    yield from denoise(models, canvas, choose, fold=par.fold)


METHOD = Method(
    id="localleap",
    title="LocalLeap",
    paper="LocalLeap: local determinism propagation (Kong et al. 2025)",
    arxiv="2510.07081",
    guarantee="approximate",
    params=LocalLeap,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Sure positions are anchors; near one, less confidence is enough. Fewer calls than a threshold alone.",
    cost="1 call of 1 row for 1 to B tokens: the sure ones and their neighbours.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
