"""Chains of drafts: each fills in some positions on top of the one before, and stands only if that one does."""

from collections.abc import Callable, Sequence

from decoders.canvas import Canvas
from decoders.sampling import Guess
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
