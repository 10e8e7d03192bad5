"""The plain denoising loop, for methods that differ in nothing but the rule that chooses what a call fills in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from decoders.canvas import Canvas
from decoders.context import Context
from decoders.models.base import Model
from decoders.sampling import Guess, Seen, by_confidence
from decoders.trace import Decide, Event, Round

Rule = Callable[[Seen, list[Guess]], tuple[Sequence[Guess], Decide]]
"""From what a call said, and its guesses with the most confident first, to the guesses to fill in (at least one) and
the decision that says why these."""


@torch.inference_mode()
def denoise(
    models: Mapping[str, Model], canvas: Canvas, choose: Rule, *, stale: str = "none", fold: bool = False, **how: Any
) -> Iterator[Event]:
    """Fills the canvas block by block: one call per round over the masked positions of the block, then what `choose`
    takes of them. `stale` and `fold` as in `Context`; `how` goes to `sampling.look`: what a rule needs to be told
    beyond the guesses."""
    context, n = Context(models["model"], canvas, stale=stale, fold=fold), 0
    while not canvas.finished:
        yield Round(n, canvas.block)
        yield from context.settle()

        # Predict every masked position of the block.
        seen = context.look([canvas.ids], [canvas.open()], "denoise", **how)
        yield seen.call

        # Fill in what the rule chooses.
        chosen, decision = choose(seen, by_confidence(seen.guesses[0]))
        assert chosen, "a rule that chooses nothing would ask the same again for ever"
        yield decision
        yield canvas.write(chosen, "unmasked")
        n += 1
