"""What a view is: one question about a trace, answered by plain numbers first and a figure second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from decoders.trace import RoundView, Trace


@dataclass(frozen=True)
class View:
    """A view asks what happened, never who did it: `needs` holds event kinds, as in `Trace.kinds`.

    `info(trace, at)` returns a NamedTuple of plain values with at least `sentence: str`, the answer in words, which
    is also the text alternative of the figure. `plot(info, dark=False)` draws it and looks at nothing else. `order`
    sorts the views. `medium` says who draws on the page: "plotly", or "player" where the page draws the same numbers
    itself. Points that can be clicked carry customdata `[at, pos, node]`: the cursor to jump to, the position and the
    node (None: none).
    """

    id: str
    title: str
    question: str
    needs: frozenset[str]
    info: Callable[[Trace, int], Any]
    plot: Callable[..., go.Figure]
    order: int
    medium: str = "plotly"

    def fits(self, trace: Trace) -> bool:
        return self.needs <= trace.kinds

    def why_not(self, trace: Trace) -> str:
        """One sentence naming the kinds of events that are missing; empty when the view fits."""
        missing = sorted(self.needs - trace.kinds)
        if not missing:
            return ""
        kinds = " and ".join(missing)
        return f"{self.title} needs {kinds} events, and this run of {trace.title} has none."

    def draw(self, trace: Trace, at: int | None = None, dark: bool = False) -> go.Figure:
        """The figure after the first `at` events (all of them by default)."""
        return self.plot(self.info(trace, len(trace.events) if at is None else at), dark=dark)


def round_at(trace: Trace, at: int) -> RoundView | None:
    """The round under the cursor: the last one whose `Round` event is among the first `at` events."""
    begun = [view for view in trace.rounds if view.start < at]
    return begun[-1] if begun else None
