"""Block diffusion: block after block, with a schedule of denoising steps inside a block and an exact KV cache.

Shuang Cheng et al., "SDAR: A Synergistic Diffusion-AutoRegression Paradigm for Scalable Sequence Generation", 2025;
arXiv:2510.06303; the released `block_diffusion_generate`. B positions are filled in S steps, as evenly as possible.
`sequential` fills the leftmost, `static` the most confident, `dynamic` all above tau, and the share of the step where
fewer are. A finished block joins the cache: exact, because no later block is visible to it.

Ours: a share never exceeds the masks that are left (the release then overwrites tokens that stand already, the
prompt's included), and the last block is not encoded. At temperature 0 the confidence is the plain softmax probability
(the release filters to one token there, and every confidence becomes 1).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.policies import STRATEGIES, shares, strategy
from decoders.sampling import drawn
from decoders.trace import Decide, Event, Round


@dataclass(frozen=True)
class Block(Params):
    steps: int = knob(0, "denoising steps per block; 0 is one per position", lo=0, hi=512, step=1, symbol="S")
    strategy: str = knob("dynamic", "which positions a step fills", choices=STRATEGIES)
    threshold: float = knob(0.85, "confidence that fills a position early", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    temperature: float = knob(0.0, "0 is greedy, 1 the model's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T")
    top_k: int = knob(0, "draw among this many tokens; 0 is all", lo=0, hi=200, step=1, symbol="k", rare=True)
    top_p: float = knob(
        1.0, "draw among the tokens that hold this much mass", lo=0.05, hi=1.0, step=0.05, symbol="p", rare=True
    )
    fold: bool = fold_knob()


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: Block, rng: Chance) -> Iterator[Event]:
    context, n, block, schedule = Context(models["model"], canvas, fold=par.fold), 0, -1, list[int]()
    while not canvas.finished:
        if canvas.block != block:
            block, schedule = canvas.block, shares(canvas.block_len, par.steps or canvas.block_len)
        yield Round(n, block)
        yield from context.settle()

        # Predict the block; draws are made for all of it, as the release does, so that a seed means the same text.
        open_ = canvas.open()
        where = list(range(context.start + context.due, canvas.block_end(open_[0]))) if par.temperature else open_
        seen = context.look([canvas.ids], [where], "denoise", keep=True)
        yield seen.call
        guesses, _ = drawn(seen, where, par.temperature, par.top_k, par.top_p, canvas.mask, rng)
        masked = [g for g in guesses if canvas.ids[g.pos] == canvas.mask]

        # Fill the step's share, or more if the strategy finds more that are sure.
        share = min(schedule.pop(0), len(masked))
        chosen = strategy(masked, par.strategy, share, par.threshold)
        because = ("share", share), ("masked", len(masked)), ("above τ", sum(g.p > par.threshold for g in masked))
        yield Decide("how many", str(len(chosen)), because=because)
        yield canvas.write(chosen, "unmasked")
        n += 1


METHOD = Method(
    id="block",
    title="Block diffusion",
    paper="SDAR: block diffusion decoding (Cheng et al. 2025)",
    arxiv="2510.06303",
    guarantee="approximate",
    params=Block,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Block after block with an exact cache; inside a block a schedule of steps, or all that is sure at once.",
    cost="1 call of 1 row for B / S tokens, or with the dynamic strategy for 1 to B.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
    roles={"model": ("block",)},
)
