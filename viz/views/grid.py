"""What did every position hold at the end of every round, and how did it get there?

The page draws this lens itself, from the same trace; this file says what it must show. The state of position `pos` at
the end of a round, looking only at the events of that round that the cursor has passed. The first rule that applies:

1. `pos < prompt_len`: prompt.
2. An edit of this round changed it: the last one says how. Remasked when it puts the mask back, corrected when `why` is
   corrected or revised, else its `why`: unmasked, accepted, bonus.
3. It is not filled and a node of this round fills it: drafted while the round has no `Judge`; else accepted when a
   verdict accepts such a node (its commit is still to come), rejected when one rejects such a node, else unreached.
4. It is filled and lies behind the first end-of-sequence token of the generated part: after_eos.
5. It is filled, by an earlier round: committed.
6. Masked; absent when a growing canvas is not that long yet.

The token of a cell is the canvas token, except under rule 3: there it is the token of the first accepted node that
fills the position, or of the first node that does.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import plotly.graph_objects as go

from decoders.trace import Commit, Event, Judge, Propose, Trace
from viz import theme
from viz.base import View, round_at

# Writing into more cells than this makes Plotly take seconds per draw.
MAX_LABELS = 1500


class GridInfo(NamedTuple):
    """One row per round begun before the cursor, one column per position.

    `rounds` round numbers; `stops` for each row the cursor that shows it as it stands here; `states`, `tokens`,
    `texts` (rounds x positions): state name, token id (-1: absent), text for showing. `blocks` are the first
    positions of blocks.
    """

    at: int
    rounds: tuple[int, ...]
    stops: tuple[int, ...]
    states: tuple[tuple[str, ...], ...]
    tokens: tuple[tuple[int, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    prompt_len: int
    blocks: tuple[int, ...]
    counts: dict[str, int]
    sentence: str


def info(trace: Trace, at: int) -> GridInfo:
    """The states of all positions, up to the cursor: one row per round."""
    width = _width(trace)
    canvas = [*trace.canvas, *[-1] * (width - len(trace.canvas))]
    rounds, stops, states, tokens = [], [], [], []
    for view in trace.rounds:
        if view.start >= at:
            break
        stop = min(view.stop, at)
        row = _row(trace, canvas, trace.events[view.start : stop])
        rounds.append(view.n)
        stops.append(stop)
        states.append(tuple(state for state, _ in row))
        tokens.append(tuple(token for _, token in row))
    pieces = {token: theme.piece(trace, token) for row in tokens for token in set(row)} | {-1: ""}
    texts = tuple(tuple(pieces[token] for token in row) for row in tokens)
    counts = dict(Counter(states[-1])) if states else {}
    return GridInfo(
        at,
        tuple(rounds),
        tuple(stops),
        tuple(states),
        tuple(tokens),
        texts,
        trace.prompt_len,
        tuple(range(trace.prompt_len, width, trace.block)),
        counts,
        _sentence(trace, at, counts),
    )


def _width(trace: Trace) -> int:
    """Columns: the canvas, and what was committed or drafted beyond its end in a growing run."""
    last = len(trace.canvas) - 1
    for event in trace.events:
        if isinstance(event, Commit):
            last = max([last, *(edit.pos for edit in event.edits)])
        elif isinstance(event, Propose):
            last = max([last, *(pos for node in event.nodes for pos, _ in node.fills)])
    return last + 1


def _row(trace: Trace, canvas: list[int], events: tuple[Event, ...]) -> list[tuple[str, int]]:
    """(state, token) of each position after `events`, the events of one round; `canvas` is brought up to date."""
    edits: dict[int, str] = {}
    drafts: dict[int, list[tuple[int, int]]] = {}
    accepted: set[int] = set()
    rejected: set[int] = set()
    judged = False
    for event in events:
        if isinstance(event, Propose):
            for node in event.nodes:
                for pos, token in node.fills:
                    drafts.setdefault(pos, []).append((node.id, token))
        elif isinstance(event, Judge):
            judged = True
            accepted |= {v.node for v in event.verdicts if v.outcome == "accepted"}
            rejected |= {v.node for v in event.verdicts if v.outcome == "rejected"}
        elif isinstance(event, Commit):
            for edit in event.edits:
                canvas[edit.pos] = edit.after
                why = "corrected" if edit.why == "revised" else edit.why
                edits[edit.pos] = "remasked" if edit.after == trace.mask else why
    ends = [pos for pos in range(trace.prompt_len, len(canvas)) if canvas[pos] in trace.eos]
    end = ends[0] if ends else len(canvas)

    row = []
    for pos, token in enumerate(canvas):
        filled = token not in (trace.mask, -1)
        if pos < trace.prompt_len:
            state = "prompt"
        elif pos in edits:
            state = edits[pos]
        elif pos in drafts and not filled:
            kept = [draft for node, draft in drafts[pos] if node in accepted]
            token = (kept or [draft for _, draft in drafts[pos]])[0]
            failed = any(node in rejected for node, _ in drafts[pos])
            state = "drafted" if not judged else "accepted" if kept else "rejected" if failed else "unreached"
        elif pos > end and filled:
            state = "after_eos"
        else:
            state = "committed" if filled else "absent" if token == -1 else "masked"
        row.append((state, token))
    return row


def _sentence(trace: Trace, at: int, counts: dict[str, int]) -> str:
    view = round_at(trace, at)
    if view is None:
        return f"Nothing has happened yet: {len(trace.canvas) - trace.prompt_len} positions wait."
    order = ("drafted", "unmasked", "accepted", "rejected", "unreached", "corrected", "bonus", "remasked")
    done = ", ".join(f"{counts[name]} {name}" for name in order if name in counts) or "nothing yet"
    return f"Round {view.n} of {trace.rounds[-1].n}: {done}; {counts.get('masked', 0)} still masked."


def plot(info: GridInfo, dark: bool = False) -> go.Figure:
    """States as discrete colours, with the token and the glyph in each cell while there is room to write."""
    names = theme.STATES
    top = len(names) - 1
    colours = [theme.state(name, dark).fill for name in names]
    # Each state takes one flat band of the scale.
    scale = [[edge, colours[i]] for i in range(len(names)) for edge in (i / len(names), (i + 1) / len(names))]
    width = len(info.states[0]) if info.states else 0
    rows = [str(n) for n in info.rounds]
    figure = go.Figure(
        go.Heatmap(
            z=[[names.index(state) for state in row] for row in info.states],
            x=list(range(width)),
            y=rows,
            colorscale=scale,
            zmin=-0.5,
            zmax=top + 0.5,
            showscale=False,
            xgap=1,
            ygap=1,
            customdata=[[[stop, pos, None] for pos in range(width)] for stop in info.stops],
            hovertext=[
                [
                    f"position {pos}, round {n}<br>{state.replace('_', ' ')}: {theme.literal(text)}"
                    for pos, (state, text) in enumerate(zip(states, texts, strict=True))
                ]
                for n, states, texts in zip(info.rounds, info.states, info.texts, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    if width * len(rows) <= MAX_LABELS:
        _labels(figure, info, dark)
    for start in info.blocks:
        figure.add_vline(
            x=start - 0.5, line_color=theme.colour("muted", dark), line_width=2 if start == info.prompt_len else 1
        )
    if rows:
        edge = len(rows) - 1
        figure.add_shape(
            type="rect",
            x0=-0.5,
            x1=width - 0.5,
            y0=edge - 0.5,
            y1=edge + 0.5,
            line_color=theme.colour("ring", dark),
            line_width=2,
        )
    figure.update_layout(template=theme.template(dark), height=140 + 30 * max(len(rows), 1), margin={"t": 20})
    figure.update_xaxes(
        title="position on the canvas", showgrid=False, range=[-0.5, max(width, 1) - 0.5], dtick=_tick(width)
    )
    figure.update_yaxes(title="round", showgrid=False, type="category", range=[max(len(rows), 1) - 0.5, -0.5])
    return figure


def _labels(figure: go.Figure, info: GridInfo, dark: bool) -> None:
    """Token and glyph as one text trace per state, because a heatmap has a single text colour."""
    room = max(1, 90 // max(len(info.states[0]), 1)) if info.states else 1
    cells: dict[str, list[tuple[int, str, str]]] = {}
    for n, states, texts in zip(info.rounds, info.states, info.texts, strict=True):
        for pos, (state, text) in enumerate(zip(states, texts, strict=True)):
            glyph = theme.GLYPHS[state]
            short = text if len(text) <= room else text[: room - 1] + "…"
            label = glyph if state in ("masked", "remasked") else f"{glyph} {theme.literal(short)}".strip()
            if label:
                cells.setdefault(state, []).append((pos, str(n), label))
    for state, found in cells.items():
        figure.add_scatter(
            x=[c[0] for c in found],
            y=[c[1] for c in found],
            text=[c[2] for c in found],
            mode="text",
            hoverinfo="skip",
            textfont={"family": theme.MONO, "size": 11, "color": theme.state(state, dark).text},
            showlegend=False,
            name=state,
        )


def _tick(width: int) -> int:
    return next(step for step in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 4096) if width <= 24 * step or step == 4096)


VIEW = View(
    id="grid",
    title="Token grid",
    question="What did every position hold at the end of every round, and how did it get there?",
    needs=frozenset({"round"}),
    info=info,
    plot=plot,
    order=10,
    medium="player",
)
