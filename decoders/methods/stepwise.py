"""Fills the most confident masked position of the leftmost unfinished block, one forward call per step.

Shen Nie et al., "Large Language Diffusion Models" (LLaDA), 2025, low-confidence remasking; arXiv:2502.09992. With one
token per step this is the reference decoder R1 that SSD promises to reproduce. The letters are the paper's: G
positions, blocks of B, a schedule of `steps` that divides the masks of a block as evenly as possible, larger shares
first.

`cache` is Fast-dLLM's (Wu et al. 2025, section 3.2; arXiv:2505.22618), for models that see the whole canvas: the first
call in a block feeds everything and fills positions like any other; later ones feed the rest of the canvas (prefix) or
the block alone (dual), on keys that are out of date. That is approximate: R1 is this decoder without it.

Kept from the released `generate`: the temperature is Gumbel-max noise in float64 while the confidence stays the clean
softmax probability, and classifier-free guidance masks the prompt. Left out: suppressing end-of-sequence tokens.
Ours: `early_stop`, noise that is drawn for the whole canvas with a cache too, and steps whose share is zero are not run
(the release calls the model there and changes nothing).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.errors import BadParam
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, cache_knob, fold_knob, knob
from decoders.policies import shares
from decoders.sampling import by_confidence
from decoders.trace import Decide, Event, Round


@dataclass(frozen=True)
class Stepwise(Params):
    steps: int = knob(
        0, "denoising steps for all G positions; 0 is one token per step", lo=0, hi=512, step=1, symbol="S"
    )
    remasking: str = knob("low_confidence", "what decides who stays masked", choices=("low_confidence", "random"))
    temperature: float = knob(0.0, "Gumbel noise on the tokens; 0 is greedy", lo=0.0, hi=2.0, step=0.05, symbol="T")
    cfg: float = knob(0.0, "classifier-free guidance, doubles the rows; 0 is off", lo=0.0, hi=4.0, step=0.1, symbol="w")
    cache: str = cache_knob()
    fold: bool = fold_knob()

    def __post_init__(self) -> None:
        if self.cfg and self.cache != "none":
            raise BadParam(f"cfg = {self.cfg:g}: guidance masks the prompt, which a cache holds; use cache = none.")


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: Stepwise, rng: Chance) -> Iterator[Event]:
    context = Context(models["model"], canvas, cached=not par.cfg, stale=par.cache, fold=par.fold)
    vocab = models["model"].spec.vocab_size
    blocks = 1 + canvas.block_of(len(canvas.ids) - 1) - canvas.block
    n, schedule, block = 0, [], -1
    while not canvas.finished:
        # A new block: divide its masks over its share of the steps.
        if canvas.block != block:
            block, masks = canvas.block, len(canvas.open())
            schedule = shares(masks, max(1, par.steps // blocks) if par.steps else masks)
        yield Round(n, block)
        yield from context.settle()

        # Predict every masked position of the block.
        how = {}
        where = canvas.open()
        if par.temperature:
            # Drawn for the whole canvas, as the release does, so that a seed means the same text there and here.
            u = rng.uniform(len(canvas.ids), vocab, dtype=torch.float64)
            how = {"temperature": par.temperature, "uniform": u[torch.tensor(where, device=u.device)]}
        seen = context.look([canvas.ids], [where], "denoise", cfg=par.cfg, **how)
        yield seen.call

        # Low confidence (or chance) stays masked; the best k are kept.
        k, guesses = schedule.pop(0), seen.guesses[0]
        if par.remasking == "random":
            luck = rng.uniform(1, len(canvas.ids))[0].tolist()
            order = [
                g
                for _, g in sorted(zip((-luck[g.pos] for g in guesses), guesses, strict=True), key=lambda pair: pair[0])
            ]
        else:
            order = by_confidence(guesses)
        yield Decide(
            "how many",
            str(k),
            because=(("masked", len(order)), ("best", round(order[0].p, 4)), ("kept least", round(order[k - 1].p, 4))),
        )
        yield canvas.write(order[:k], "unmasked")
        n += 1


METHOD = Method(
    id="stepwise",
    title="Stepwise",
    paper="LLaDA: low-confidence remasking (Nie et al. 2025)",
    arxiv="2502.09992",
    guarantee="reference",
    params=Stepwise,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="One forward call, one token: the most confident masked position of the block. Slow, and what the others "
    "are measured against.",
    cost="1 call of 1 row, 2 with guidance, for 1 token (G / S tokens with fewer steps).",
)
