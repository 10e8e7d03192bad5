"""How sure was the model of each token when it was filled in?

A dot per filled position: its round across, those of one round side by side, its probability upwards, its state as
colour and shape. Where the algorithm compared with a fixed number (a `Decide` that carries a threshold), that number is
a line: dots below it were filled in only because something has to be in every round.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import plotly.graph_objects as go

from decoders.trace import Commit, Decide, Trace
from viz import theme
from viz.base import View

_GAP, _WIDTH = 0.16, 0.8  # of a round: between two of its dots, and the most that all of them take
_TICKS = 12  # rounds that are named, at most: as many as a phone has room for
_SHAPES = {
    "unmasked": "circle",
    "accepted": "square",
    "bonus": "star",
    "corrected": "diamond",
    "revised": "diamond-open",
}


class Dot(NamedTuple):
    """One filled position: `at` is the cursor that shows it, `p` in 0..1."""

    round: int
    at: int
    pos: int
    p: float
    why: str
    text: str


class ConfidenceInfo(NamedTuple):
    """`dots` in the order of filling; `seen` of them are before the cursor; `threshold` None where no rule had one;
    `below` counts dots under it."""

    dots: tuple[Dot, ...]
    seen: int
    threshold: float | None
    below: int
    sentence: str


def info(trace: Trace, at: int) -> ConfidenceInfo:
    """Every filled position of the run."""
    dots, threshold = [], None
    seen = 0
    for view in trace.rounds:
        for offset, event in enumerate(view.events):
            if isinstance(event, Decide):
                threshold = next((value for name, value in event.because if name == "threshold"), threshold)
            if isinstance(event, Commit):
                here = view.start + offset + 1
                fills = [edit for edit in event.edits if edit.after != trace.mask]
                dots += [Dot(view.n, here, e.pos, e.p, e.why, theme.piece(trace, e.after)) for e in fills]
                seen += len(fills) * (here <= at)
    below = sum(dot.p < threshold for dot in dots) if threshold is not None else 0
    if not dots:
        sentence = "Nothing was filled in."
    else:
        least = min(dots, key=lambda dot: dot.p)
        sentence = f"The least sure token is ‘{least.text}’ at position {least.pos}, "
        sentence += f"filled in with p {theme.equals(least.p)}."
        if threshold is not None:
            sentence += f" {below} of {len(dots)} were below the threshold {threshold:g}."
    return ConfidenceInfo(tuple(dots), seen, threshold, below, sentence)


def _spread(dots: tuple[Dot, ...]) -> list[float]:
    """Where each dot stands on the axis of rounds: the dots of a round side by side, in the order of filling."""
    sizes, seen = Counter(dot.round for dot in dots), Counter[int]()
    out = []
    for dot in dots:
        step = min(_GAP, _WIDTH / sizes[dot.round])
        out.append(dot.round + (seen[dot.round] - (sizes[dot.round] - 1) / 2) * step)
        seen[dot.round] += 1
    return out


def plot(info: ConfidenceInfo, dark: bool = False) -> go.Figure:
    """Probability at filling, over rounds; what the cursor has not reached yet is faint."""
    figure, across = go.Figure(), _spread(info.dots)
    for why in dict.fromkeys(dot.why for dot in info.dots):
        mine = [i for i, dot in enumerate(info.dots) if dot.why == why]
        # Two traces, because the legend takes the look of a trace's first dot.
        passed, ahead = [i for i in mine if i < info.seen], [i for i in mine if i >= info.seen]
        for some, opacity in ((passed, 1.0), (ahead, 0.25)):
            if not some:
                continue
            dots = [info.dots[i] for i in some]
            figure.add_scatter(
                x=[across[i] for i in some],
                y=[dot.p for dot in dots],
                mode="markers",
                name=why,
                legendgroup=why,
                showlegend=some is passed or not passed,
                marker={
                    "symbol": _SHAPES.get(why, "circle"),
                    "size": 10,
                    "color": theme.state("corrected" if why == "revised" else why, dark).fill,
                    "line": {"color": theme.colour("muted", dark), "width": 1},
                    "opacity": opacity,
                },
                customdata=[[dot.at, dot.pos, None] for dot in dots],
                hoverinfo="text",
                hovertext=[
                    f"position {dot.pos}: {theme.literal(dot.text)}<br>"
                    f"p {theme.literal(theme.equals(dot.p))}, {why} in round {dot.round}"
                    for dot in dots
                ],
            )
    if info.threshold is not None:
        figure.add_hline(
            y=info.threshold,
            line={"color": theme.colour("threshold", dark), "dash": "dash", "width": 2},
            annotation={"text": f"threshold {info.threshold:g}", "font": {"color": theme.colour("threshold", dark)}},
        )
    figure.update_layout(
        template=theme.template(dark),
        height=400,
        showlegend=True,
        legend={"x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"t": 40},
    )
    first, last = min((dot.round for dot in info.dots), default=0), max((dot.round for dot in info.dots), default=0)
    every = math.ceil((last - first + 1) / _TICKS)
    ticks = [n for n in range(first, last + 1) if n % every == 0]
    figure.update_xaxes(title="round", tickvals=ticks, tickangle=0, autorangeoptions=_exactly(first - 0.6, last + 0.6))
    low = min([dot.p for dot in info.dots] + [1.0 if info.threshold is None else info.threshold])
    # Most runs are sure of most tokens: the axis begins at the tenth below the least sure one.
    low = max(0.0, math.floor(10 * low - 0.3) / 10)
    figure.update_yaxes(
        title="probability when filled in",
        autorangeoptions=_exactly(low - 0.03 * (1 - low), 1 + 0.04 * (1 - low)),
        tickformat=".2f" if low > 0.5 else ".1f",
    )
    return figure


def _exactly(low: float, high: float) -> dict:
    """The range that an axis chooses by itself. One that is given (`range`) would end a reader's zoom when it moves."""
    return {"include": [low, high], "minallowed": low, "maxallowed": high}


VIEW = View(
    id="confidence",
    title="Confidence",
    question="How sure was the model of each token when it was filled in?",
    needs=frozenset({"commit"}),
    info=info,
    plot=plot,
    order=95,
)
