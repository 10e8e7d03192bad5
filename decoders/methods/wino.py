"""Drafts everything that is fairly sure, and takes back in the next call what the model no longer supports.

Feng Hong et al., "Wide-In, Narrow-Out: Revokable Decoding for Efficient and Effective DLLMs" (WINO), 2025, equations
2 to 4; arXiv:2507.18578; the authors' release (`decoding_wino`). The letters are the paper's. Masks of the block with
more than tau1 are filled (wide in); tokens of the block, drafted in earlier calls, that have less than tau2 are masks
again (narrow out). Both are read off ONE call. A shadow block of masks is fed behind the text, at the positions of the
block: each sees everything but the token at its own position, so its row says what would stand there without it.
Nothing else sees the shadows, so drafts are what they would be without them. The token is hidden from its shadow only:
from the second layer on the other positions, which have seen it, give some of it away (both tested).

The limits are the release's, the equations have none. A call drafts at least one token, and at most 0.7 of the masks,
but 5 may always be and more than 20 never (`cap`). A call takes back fewer tokens than the call before it drafted, the
least supported first, and none if it drafts but one itself. So it ends: after k calls at least k positions of the block
are filled, and a block never takes more calls than it has positions. What the last call of a block fills in is not
checked by another one.

Block-causal models work too: behind the cache a call is the block and its shadow. In models that predict a position
from the row before it, the shadow stands there. Left out: temperature (the release draws drafts with Gumbel noise)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from decoders import masks
from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.methods.base import Method
from decoders.models.base import Logits, Model
from decoders.params import Params, knob
from decoders.sampling import Guess, Seen, by_confidence, look
from decoders.trace import Decide, Event, Round


@dataclass(frozen=True)
class Wino(Params):
    wide: float = knob(0.6, "confidence above which a mask is filled", lo=0.0, hi=1.0, step=0.01, symbol="τ1")
    narrow: float = knob(0.9, "confidence below which a token is taken back", lo=0.0, hi=1.0, step=0.01, symbol="τ2")
    cap: bool = knob(True, "a call drafts at most 0.7 of the masks, 5 to 20 (the release)", rare=True)


def shadowed(context: Context, canvas: Canvas, mine: Sequence[int]) -> Seen:
    """One call over the text and a shadow of the block's positions `mine`. Masks are read at their own rows; of the
    tokens the shadow says how probable they are, in `asked`, in order."""
    start, model, shift = context.start, context.model, context.model.spec.shift
    stop = len(canvas.ids) if context.cache is None else canvas.block_end(mine[0])
    at = [pos - shift for pos in mine]
    where, ids = [*range(start, stop), *at], [*canvas.ids[start:stop], *([canvas.mask] * len(mine))]
    see = masks.shadow(masks.full(start, stop - start, model.device), at, mine)
    logits, call = model.forward(ids, role="denoise", pos=where, see=see, cache=context.cache)
    kept = [(pos, canvas.ids[pos]) for pos in mine if canvas.ids[pos] != canvas.mask]
    filled = torch.tensor([[canvas.ids[pos] != canvas.mask] for pos in mine], device=model.device)
    rows = torch.where(filled, logits.rows[stop - start :], logits.gather(mine))
    call = replace(call, role="verify" if kept else "denoise", fed=tuple(zip(where, ids, strict=True)))
    return look(call, [Logits(rows, mine[0], 0)], [mine], top=canvas.top, mask=canvas.mask, ask=[kept])


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: Wino, rng: Chance) -> Iterator[Event]:
    context, n, block, mine, before = Context(models["model"], canvas), 0, -1, list[int](), 0
    while not canvas.finished:
        # A new block: its positions may be taken back until none of them is a mask.
        if canvas.block != block:
            block, mine = canvas.block, canvas.open()
        yield Round(n, block)
        yield from context.settle()

        # Predict the masks and check the tokens, in one call.
        seen = shadowed(context, canvas, mine)
        yield seen.call
        masked = by_confidence([g for g in seen.guesses[0] if canvas.ids[g.pos] == canvas.mask])
        tokens = [pos for pos in mine if canvas.ids[pos] != canvas.mask]
        checked = [Guess(pos, canvas.mask, p) for pos, p in zip(tokens, seen.asked[0], strict=True)]

        # Wide in (equation 2): all above tau1, at least the best.
        sure = [g for g in masked if g.p > par.wide]
        most = min(max(int(0.7 * len(masked)), 5), 20) if par.cap else len(masked)
        drafts = sure[:most] or masked[:1]
        because = ("threshold", par.wide), ("masked", len(masked)), ("above", len(sure)), ("at most", most)
        yield Decide("draft", f"{len(drafts)} of {len(masked)}", tuple(g.pos for g in drafts), because)

        # Narrow out (equation 3): what has less than tau2, fewer than were drafted the last time.
        doubted = sorted((g for g in checked if g.p < par.narrow), key=lambda g: (g.p, g.pos))
        room = max(before - 1, 0) if len(drafts) > 1 else 0
        back = doubted[:room]
        if checked:
            because = ("bar", par.narrow), ("checked", len(checked)), ("below", len(doubted)), ("at most", room)
            yield Decide("take back", f"{len(back)} of {len(checked)}", tuple(g.pos for g in back), because)

        # Equation 4: both at once.
        yield canvas.write(drafts, "unmasked")
        if back:
            yield canvas.write(back, "remasked")
        before = len(drafts)
        n += 1


METHOD = Method(
    id="wino",
    title="WINO",
    paper="WINO: wide-in, narrow-out (Hong et al. 2025)",
    arxiv="2507.18578",
    guarantee="approximate",
    params=Wino,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Drafts all that is fairly sure, checks every token of the block against the rest in the same call, and "
    "masks again what is not supported.",
    cost="1 call of 1 row, and behind it as many shadow masks as the block has positions, for 0 to B tokens net.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
    remasks=True,
)
