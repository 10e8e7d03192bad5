"""Fills a block by a threshold, and takes back what the model no longer believes: token editing.

Tiwei Bie et al., "LLaDA2.0: Scaling Up Diffusion Language Models to 100B", 2025, and "LLaDA2.1: Speeding Up Text
Diffusion via Token Editing", 2026; arXiv:2512.15745 and arXiv:2602.08676; the released `generate`. Each call predicts
the whole block. Masks with more than tau_mask are filled (mask to token), or the `least` most confident where fewer
have it; tokens of this block that would be others now, with more than tau_edit, are replaced (token to token). A block
is done when it has no mask and a call changes nothing, or after `post` calls without a mask in it; then it is never
touched again. The papers' speedy and quality modes are low and high values of tau_mask.

LLaDA2.0 is `editing` off and `schedule` 32: the steps of a block share its positions evenly, and a step fills all above
tau if they are its share, else its share. Ours: finished blocks are kept in a cache, exact because they see nothing
later (`cache` off feeds all of it again, as the release does), a share is never more than the masks that are left, and
`early_stop` is theirs, off there by default. Left out: temperature, and editing of earlier blocks.
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
from decoders.policies import shares, strategy
from decoders.trace import Decide, Event, Round


@dataclass(frozen=True)
class LLaDA2(Params):
    threshold: float = knob(0.95, "confidence that fills a mask", lo=0.0, hi=1.0, step=0.01, symbol="τ mask")
    least: int = knob(1, "masks filled per call at least", lo=1, hi=32, step=1)
    editing: bool = knob(True, "replace tokens the model no longer believes (LLaDA2.1)")
    edit_threshold: float = knob(0.9, "confidence that replaces a token", lo=0.0, hi=1.0, step=0.01, symbol="τ edit")
    post: int = knob(16, "most calls on a block without masks", lo=0, hi=64, step=1)
    schedule: int = knob(0, "steps that share a block evenly (LLaDA2.0); 0 is none", lo=0, hi=512, step=1, rare=True)
    cache: bool = knob(True, "keep keys and values of finished blocks", rare=True)


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: LLaDA2, rng: Chance) -> Iterator[Event]:
    context, n, done = Context(models["model"], canvas, cached=par.cache), 0, True
    block, clean, steps, mine = 0, 0, list[int](), list[int]()
    while not (done and canvas.finished):
        # A new block: its positions may change until it is done.
        if done:
            block, clean, mine = canvas.block, 0, canvas.open()
            steps = shares(canvas.block_len, par.schedule) if par.schedule else []
        yield Round(n, block)
        yield from context.settle(block)

        # Predict the block: its masks, and what was filled in before.
        masked = [pos for pos in mine if canvas.ids[pos] == canvas.mask]
        where = mine if par.editing else masked
        seen = context.look([canvas.ids], [where], "denoise" if masked else "edit")
        yield seen.call

        # Mask to token: all above tau, or the step's share. Token to token: what would be something else now.
        share = min(steps.pop(0) if steps else par.least, len(masked))
        fill = strategy([g for g in seen.guesses[0] if g.pos in masked], "dynamic", share, par.threshold)
        other = [g for g in seen.guesses[0] if canvas.ids[g.pos] not in (canvas.mask, g.token)]
        edits = [g for g in other if g.p > par.edit_threshold]
        because = ("masked", len(masked)), ("share", share), ("would differ", len(other))
        yield Decide("fill and edit", f"{len(fill)} and {len(edits)}", tuple(g.pos for g in edits), because)
        if fill:
            yield canvas.write(fill, "unmasked")
        if edits:
            yield canvas.write(edits, "revised")

        # Done when there is no mask and a call changed nothing, or when there were calls enough without one.
        clean += not masked
        full = len(fill) == len(masked)
        done = full and (not par.editing or clean >= par.post or not (masked or edits))
        n += 1


METHOD = Method(
    id="llada2",
    title="LLaDA2",
    paper="LLaDA2.1: threshold decoding with token editing (Bie et al. 2026)",
    arxiv="2602.08676",
    guarantee="approximate",
    params=LLaDA2,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Fills all that is sure at once, and takes tokens back that the model would no longer say.",
    cost="1 call of 1 row for 0 to B tokens: once all are filled in, further calls only edit.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
    revises=True,
)
