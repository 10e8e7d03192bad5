"""What a view is: one question about a trace, answered by plain numbers first and a figure second."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from decoders.trace import RoundView, Trace
from viz import theme


@dataclass(frozen=True)
class View:
    """A view asks what happened, never who did it: `needs` holds event kinds, as in `Trace.kinds`.

    `info(trace, at)` returns a NamedTuple of plain values with at least `sentence: str`, the answer in words, which
    is also the text alternative of the figure. `plot(info, dark=False)` draws it and looks at nothing else. `order`
    sorts the views. `medium` says who draws on the page: "plotly"; "player" where the player itself draws the same
    numbers; or "script" where `assets/lenses/<id>.js` draws what `data(info)` returns. `data` gives plain JSON values
    (finite numbers); beside a Plotly figure they travel as `extra`, for that script's controls. A dict with `empty`, a
    sentence, is shown in place of the view. Points that can be clicked carry customdata `[at, pos, node]`: the cursor
    to jump to, the position and the node (None: none).
    """

    id: str
    title: str
    question: str
    needs: frozenset[str]
    info: Callable[[Trace, int], Any]
    plot: Callable[..., go.Figure]
    order: int
    medium: str = "plotly"
    data: Callable[[Any], dict[str, Any]] | None = None

    def fits(self, trace: Trace) -> bool:
        return self.needs <= trace.kinds

    def why_not(self, trace: Trace) -> str:
        """One sentence naming the kinds of events that are missing; empty when the view fits."""
        missing = sorted(self.needs - trace.kinds)
        if not missing:
            return ""
        kinds = " and ".join(missing)
        return f"{self.title} needs {kinds} events, and this run of {trace.title} has none."

    def listed(self) -> dict[str, Any]:
        """What the page has to know of a view before it asks for a figure, ready for JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "question": self.question,
            "needs": sorted(self.needs),
            "medium": self.medium,
            "order": self.order,
        }

    def draw(self, trace: Trace, at: int | None = None, dark: bool = False) -> go.Figure:
        """The figure after the first `at` events (all of them by default)."""
        return self.plot(self.info(trace, len(trace.events) if at is None else at), dark=dark)

    def answer(self, trace: Trace, at: int, dark: bool = False) -> dict[str, Any]:
        """What the page draws from after the first `at` events, ready for JSON: a Plotly figure (`data`, `layout`, and
        `extra` where the view has data of its own), or `payload` for a script; with `alt`, the answer in words. A view
        that does not fit answers `empty`, a sentence. A figure comes without `theme.template`: hundreds of them share
        it, so it travels once, as `theme.template_json(dark)`."""
        if not self.fits(trace):
            return {"empty": self.why_not(trace)}
        info = self.info(trace, at)
        out: dict[str, Any] = {"alt": info.sentence}
        extra = None if self.data is None else self.data(info)
        if self.medium == "script":
            return out | {"payload": extra}
        out |= json.loads(str(self.plot(info, dark=dark).to_json()))
        if out["layout"].get("template") == theme.template_json(dark):
            del out["layout"]["template"]
        return out if extra is None else out | {"extra": extra}


def round_at(trace: Trace, at: int) -> RoundView | None:
    """The round under the cursor: the last one whose `Round` event is among the first `at` events."""
    begun = [view for view in trace.rounds if view.start < at]
    return begun[-1] if begun else None
