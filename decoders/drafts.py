"""Chains of drafts: each fills in some positions on top of the one before, and stands only if that one does."""

import math
from collections.abc import Callable, Sequence

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.sampling import Guess, Seen, shaped
from decoders.trace import Node, Verdict

Fill = tuple[int, int]
"""(pos, token)."""


def states_of(canvas: Canvas, drafts: Sequence[Sequence[Guess]], stop: int | None = None) -> list[list[int]]:
    """The canvas with the first 0, 1, 2, ... drafts filled in; one with no mask left (before `stop`) is left out,
    because there is nothing to predict in it."""
    states = [list(canvas.ids)]
    for draft in drafts:
        filled = {g.pos: g.token for g in draft}
        states.append([filled.get(pos, token) for pos, token in enumerate(states[-1])])
    if canvas.mask not in states[-1][canvas.prompt_len : stop]:
        states.pop()
    return states


def chain(drafts: Sequence[Sequence[Guess]], rows: int | None = None) -> tuple[Node, ...]:
    """The drafts as nodes, each the child of the one before and evaluated by the row of its state, if it has one of the
    `rows`; without them by row 0, which holds all drafts one behind the other."""
    return tuple(
        Node(
            k,
            tuple(g.fill for g in draft),
            round(min(g.p for g in draft), 6),
            (k - 1,) if k else (),
            0 if rows is None else k + 1 if k + 1 < rows else -1,
        )
        for k, draft in enumerate(drafts)
    )


def walk(
    fills: Sequence[Fill],
    said: Sequence[Fill],
    p: Sequence[float],
    *,
    reach: int | None = None,
    scores: Sequence[float] | None = None,
    bars: Sequence[float] | None = None,
) -> tuple[int, tuple[Verdict, ...]]:
    """Along a chain until the first draft that is not kept: how many are, and a verdict for each draft.

    Draft k fills in `fills[k]`; where it stands, the verifier takes `said[k]` and gives the draft the probability
    `p[k]`. A draft is kept if both are the same, or, given `scores` and `bars`, if its score reaches its bar. What lies
    behind the first one that is not kept, or behind the first `reach` drafts, is unreached."""
    kept, verdicts = 0, []
    for k, fill in enumerate(fills):
        reached = kept == k and (reach is None or k < reach)
        score = scores[k] if scores is not None else float(reached and said[k] == fill)
        bar = bars[k] if bars is not None else 1.0
        keep = reached and score >= bar
        outcome = "accepted" if keep else "rejected" if reached else "unreached"
        verdicts.append(Verdict(k, outcome, round(p[k], 6), score, bar, said[k]))
        kept += keep
    return kept, tuple(verdicts)


def leap(
    drafts: Sequence[Sequence[Guess]],
    agrees: Callable[[int, Sequence[Guess]], bool],
    over: Callable[[int], bool],
    *,
    far: bool = True,
) -> int:
    """How many drafts are kept: from a state to the deepest one after it that agrees, until none does or the text is
    `over(k)` in state k.

    `agrees(k, adds)`: whether what state k predicts is consistent with filling in `adds`, the next one or more drafts,
    at once. Without `far` only the next draft is looked at."""
    kept = 0
    while kept < len(drafts) and not over(kept):
        jump, adds = kept, list[Guess]()
        for k in range(kept, len(drafts) if far else kept + 1):
            adds += drafts[k]
            jump = k + 1 if agrees(kept, adds) else jump
        if jump == kept:
            break
        kept = jump
    return kept


def judge(
    drafts: Sequence[Guess],
    q: Sequence[torch.Tensor] | None,
    seen: Seen,
    temperature: float,
    mask: int,
    chance: Chance,
) -> tuple[tuple[Verdict, ...], list[Guess]]:
    """Speculative sampling (arXiv:2211.17192, Algorithm 1) of one token per draft: verdicts, and what is written, those
    that are accepted and one more. `seen` is the target on all prefixes, `mask` the target's (-1: it has none).

    `q` are the distributions [V] that the drafts were drawn from: then what is written has the target's distribution.
    None: they were not drawn, so each is the one token of its distribution, which is accepted with the target's own
    probability of it, and replaced by any other token; that too has the target's distribution."""
    fills, said = [draft.fill for draft in drafts], seen.guesses[0]
    if not temperature:
        kept, verdicts = walk(fills, [g.fill for g in said], seen.asked[0])
        return verdicts, said[: kept + 1]

    # Determine the number of accepted guesses: r_i > p_i(x_i) / q_i(x_i) rejects. r is below 1, so accepting what is
    # strictly above it makes the probability exact.
    assert seen.probs is not None
    p = shaped(seen.probs, temperature, mask=mask)
    x = torch.tensor([draft.token for draft in drafts], dtype=torch.long, device=p.device)
    own = p[:-1].gather(1, x[:, None])[:, 0].tolist()
    ratios = own if q is None else [min(1.0, a / draft.p) for a, draft in zip(own, drafts, strict=True)]
    bars = [math.nextafter(r, 1.0) for r in chance.uniform(len(drafts), dtype=torch.float64).tolist()]
    kept, verdicts = walk(fills, [g.fill for g in said], own, scores=ratios, bars=bars)

    # Adjust the distribution from M_p if one was rejected, and draw one token from it.
    last = p[kept]
    if kept < len(drafts):
        rest = last.index_fill(0, x[kept : kept + 1], 0.0) if q is None else last - q[kept].to(last.device)
        rest = rest.clamp(min=0.0)
        last = rest if float(rest.sum()) else last
    token = chance.tokens(last[None])[0]
    accepted = [Guess(*fill, a) for fill, a in zip(fills[:kept], own, strict=False)]
    return verdicts, [*accepted, Guess(said[kept].pos, token, float(p[kept, token]))]
