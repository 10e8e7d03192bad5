"""Fills sub-blocks by a threshold; the call that caches a full block also says the first token of the next one.

Chengyue Wu et al., "Fast-dLLM v2: Efficient Block-Diffusion LLM", 2025; arXiv:2509.26328; the released `generate`. A
model adapted from an autoregressive one predicts a position from the row before it. In a block of B the sub-blocks of
`sub` positions are filled from left to right: each call predicts the whole block, and of the sub-block all masks with
p > tau are filled, and the most probable one always. A full block joins the cache, exact because no block sees a later
one, and the last row of that call is the autoregressive prediction of the next position, taken as it is.

A prompt that ends where a block ends gives the first token that way too (the release never reads a prompt of exactly
one block). Models that predict a position from its own row have no such token: their blocks begin masked. Sub-blocks
are counted from the start of the block, prompt included. At a temperature tokens are drawn for the whole sub-block, as
in the release, and p is the probability in that distribution. With `early_stop` a run ends as in the release, within a
block, when nothing before the end is masked.

`block_cache` (the release's `use_block_cache`, the paper's sub-block cache) is approximate: the call that enters a
sub-block feeds the whole block and keeps its keys; later ones feed the sub-block alone and take the keys around it as
they were. Where a position is predicted by the row before it, the whole block is fed until the sub-block's first
position is filled, as in the release: its row is not in the sub-block.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, knob
from decoders.policies import strategy
from decoders.sampling import drawn
from decoders.trace import Decide, Event, Finish, Round


@dataclass(frozen=True)
class FastV2(Params):
    sub: int = knob(8, "positions per sub-block", lo=1, hi=512, step=1)
    threshold: float = knob(0.9, "confidence needed to be filled in", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    temperature: float = knob(0.0, "0 is greedy, 1 the model's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T")
    top_p: float = knob(
        0.95, "draw among the tokens that hold this much mass", lo=0.05, hi=1.0, step=0.05, symbol="p", rare=True
    )
    block_cache: bool = knob(False, "feed the sub-block alone, on keys of the block that are out of date; approximate")


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: FastV2, rng: Chance) -> Iterator[Event]:
    context, n, shift = Context(models["model"], canvas), 0, models["model"].spec.shift
    while not canvas.finished:
        if canvas.early_stop and canvas.ended:
            yield Finish("eos")
            return
        yield Round(n, canvas.block)
        n += 1

        # A full block is encoded, and the row of its last token is the next one's first.
        if seam := (yield from context.settle(seam=True)):
            yield canvas.write(seam, "unmasked")
            continue

        # The leftmost sub-block with a mask. Draws are made for all of it, so that a seed means the same text.
        window = canvas.sub_block(par.sub)
        masked = [pos for pos in canvas.open() if pos in window]
        where = [pos for pos in window if pos >= max(context.start, shift)] if par.temperature else masked

        # Predict the block, or on its keys the sub-block; of that fill all that pass the bar, at least the best.
        if par.block_cache:
            context.enter(window.start, window.stop, again=shift > 0 and canvas.ids[window.start] == canvas.mask)
        seen = context.look([canvas.ids], [where], "denoise", keep=True)
        yield seen.call
        guesses, _ = drawn(seen, where, par.temperature, 0, par.top_p, canvas.mask, rng)
        guesses = [g for g in guesses if canvas.ids[g.pos] == canvas.mask]
        chosen = strategy(guesses, "dynamic", 1, par.threshold)
        because = ("threshold", par.threshold), ("masked", len(masked)), ("best", round(max(g.p for g in guesses), 4))
        yield Decide("how many", str(len(chosen)), tuple(masked), because)
        yield canvas.write(chosen, "unmasked")


METHOD = Method(
    id="fast-v2",
    title="Fast-dLLM v2",
    paper="Fast-dLLM v2: hierarchical block diffusion (Wu et al. 2025)",
    arxiv="2509.26328",
    guarantee="approximate",
    params=FastV2,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Sub-block after sub-block inside a block, an exact cache between blocks, and one autoregressive token at "
    "each seam.",
    cost="1 call of 1 row for 1 to a sub-block of tokens, or, at the seam of a block, the call that encodes it.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
    roles={"model": ("block",)},
)
