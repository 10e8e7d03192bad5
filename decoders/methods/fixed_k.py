"""Fills the k most confident masked positions of the block per call, however sure the model is.

Chengyue Wu et al., "Fast-dLLM: Training-free Acceleration of Diffusion LLM by Enabling KV Cache and Parallel
Decoding", 2025, the fixed number of tokens per step that Figure 5 compares their threshold with; arXiv:2505.22618. A
baseline, not their proposal: it spends as many calls on a block where everything is plain as on one where nothing is.
`k` is our letter. With k = 1 it is stepwise decoding.

Left out: their approximate prefix and dual caches. The last call of a block fills what is left, if that is less than k.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.denoise import denoise
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.sampling import Guess, Seen
from decoders.trace import Decide, Event


@dataclass(frozen=True)
class FixedK(Params):
    k: int = knob(2, "positions filled per call", lo=1, hi=16, step=1, symbol="k")
    fold: bool = fold_knob()


def decode(models: Mapping[str, Model], canvas: Canvas, par: FixedK, rng: Chance) -> Iterator[Event]:
    def choose(seen: Seen, order: list[Guess]) -> tuple[list[Guess], Decide]:
        # Fill the k best.
        kept = order[: par.k]
        because = ("masked", len(order)), ("best", round(kept[0].p, 4)), ("kept least", round(kept[-1].p, 4))
        return kept, Decide("how many", str(len(kept)), because=because)

    yield from denoise(models, canvas, choose, fold=par.fold)


METHOD = Method(
    id="fixed-k",
    title="Fixed k",
    paper="Fast-dLLM: the fixed-k baseline of Figure 5 (Wu et al. 2025)",
    arxiv="2505.22618",
    guarantee="approximate",
    params=FixedK,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="The k most confident positions per call, however sure the model is. Up to k times fewer calls than "
    "stepwise; the text suffers where the model was not sure.",
    cost="1 call of 1 row for k tokens.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
