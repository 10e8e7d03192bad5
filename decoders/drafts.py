"""Chains of drafts: each fills in some positions on top of the one before."""

from collections.abc import Sequence

from decoders.canvas import Canvas
from decoders.sampling import Guess
from decoders.trace import Node


def states_of(canvas: Canvas, drafts: Sequence[Sequence[Guess]]) -> list[list[int]]:
    """The canvas with the first 0, 1, 2, ... drafts filled in; one with no mask left is left out, because there is
    nothing to predict in it."""
    states = [list(canvas.ids)]
    for draft in drafts:
        filled = {g.pos: g.token for g in draft}
        states.append([filled.get(pos, token) for pos, token in enumerate(states[-1])])
    if canvas.mask not in states[-1][canvas.prompt_len :]:
        states.pop()
    return states


def chain(drafts: Sequence[Sequence[Guess]], rows: int) -> tuple[Node, ...]:
    """The drafts as nodes, each the child of the one before and evaluated by the row of its state, if it has one of the
    `rows`."""
    return tuple(
        Node(
            k,
            tuple(g.fill for g in draft),
            round(min(g.p for g in draft), 6),
            (k - 1,) if k else (),
            k + 1 if k + 1 < rows else -1,
        )
        for k, draft in enumerate(drafts)
    )
