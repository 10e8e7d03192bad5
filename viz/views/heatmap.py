"""Which drafts survive: by place in the draft, and round by round?

Rows are the rounds that judged drafts, columns the place in the draft, 1 to K, and a last column for the token that
the last accepted state filled in by itself (bonus or corrected). In a tree the place is the depth: drafts of one depth
are alternatives for one step of the walk, so they are one try, accepted if one of them was. A round that found its
verification not worth the call is a row of its own, and no number counts it. Above: how often a place was accepted
given that the walk got there. Right: accepted tokens per round. The draft acceptance rate (accepted / drafted tokens)
and the chance that one draft is accepted (accepted / reached places) are different numbers, and both are printed.

On the page assets/lenses/heatmap.js counts the same, for any selection of rounds and also by position.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from decoders.trace import Commit, Decide, Judge, Node, Propose, Trace
from viz import theme
from viz.base import View, round_at

# Fewer tries than this say little: the bar is grey. Glyphs need MAX_LABELS cells
# or fewer for speed, and MAX_ROWS rows or fewer to have room.
FEW = 5
MAX_LABELS = 1500
MAX_ROWS = 60
LOW, LOW_ROUNDS, FULL_ROUNDS = 0.1, 6, 12
# Which draft of a depth tells what became of it.
ORDER = ("accepted", "rejected", "unreached")


class HeatmapInfo(NamedTuple):
    """`cells[i][j]` is the state of place j + 1 in the i-th round, `tokens` what the draft that decided it said, `pos`
    where; a round that skipped its verification has none, and in `skipped` the number of its drafts (0: it verified).
    `extra` are the tokens filled in besides the drafts, `kinds` their state ("": none).
    `reached[j]`, `accepted[j]` count places;
    `lengths[i]` are accepted tokens, `totals[i]` with the extra ones; `histogram[n]` counts rounds that accepted n;
    `now` is the row of the cursor (-1: none). `rate` is accepted / drafted tokens, a token drafted at a position
    counted once in its round (`RoundView.fates`), `chance` accepted / reached places; None before the first verdict."""

    rounds: tuple[int, ...]
    ats: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    tokens: tuple[tuple[str, ...], ...]
    pos: tuple[tuple[int, ...], ...]
    nodes: tuple[tuple[int, ...], ...]
    extra: tuple[int, ...]
    kinds: tuple[str, ...]
    reached: tuple[int, ...]
    accepted: tuple[int, ...]
    lengths: tuple[int, ...]
    totals: tuple[int, ...]
    histogram: tuple[int, ...]
    rate: float | None
    chance: float | None
    skipped: tuple[int, ...]
    now: int
    warnings: tuple[str, ...]
    sentence: str


def places(nodes: list[Node]) -> dict[int, int]:
    """The place of each draft, from 1: its depth, or its number where all are guesses beside each other."""
    if not any(node.parents or node.row > 0 for node in nodes):
        return {node.id: i + 1 for i, node in enumerate(nodes)}
    out: dict[int, int] = {}
    for node in nodes:
        out[node.id] = 1 + max((out.get(parent, 0) for parent in node.parents), default=0)
    return out


def info(trace: Trace, at: int) -> HeatmapInfo:
    """All judged rounds of the run, whether the cursor has passed them or not; `now` marks where it is."""
    rounds, ats, cells, tokens, where, nodes, extra, kinds, skipped = [], [], [], [], [], [], [], [], []
    lengths = list[int]()
    here, now, judged, kept = round_at(trace, at), -1, 0, 0
    for view in trace.rounds:
        verdicts = {v.node: v for judge in view.of(Judge) for v in judge.verdicts}
        aside = [d for d in view.of(Decide) if d.what == "verify" and d.choice == "no" and d.about]
        if not verdicts and not aside:
            continue
        drafts = [node for propose in view.of(Propose) for node in propose.nodes if node.id in verdicts]
        fates = list(view.fates().values())
        judged += len(fates)
        kept += fates.count("accepted")
        lengths.append(fates.count("accepted"))
        place, walk = places(drafts), dict[int, Node]()
        for node in sorted(drafts, key=lambda node: ORDER.index(verdicts[node.id].outcome)):
            walk.setdefault(place[node.id], node)
        path = [walk[j] for j in sorted(walk)]
        if here is not None and view.n <= here.n:
            now = len(rounds)
        rounds.append(view.n)
        ats.append(view.stop)
        cells.append(tuple(verdicts[node.id].outcome for node in path))
        tokens.append(tuple(" ".join(theme.piece(trace, token) for _, token in node.fills) for node in path))
        where.append(tuple(node.fills[0][0] if node.fills else -1 for node in path))
        nodes.append(tuple(node.id for node in path))
        whys = [e.why for c in view.of(Commit) for e in c.edits if e.why not in ("accepted", "remasked", "revised")]
        extra.append(len(whys))
        kinds.append(whys[0] if whys else "")
        skipped.append(0 if verdicts else int(dict(aside[0].because).get("span", len(aside[0].about))))
    longest = max((len(row) for row in cells), default=0)
    count = [Counter(row[j] for row in cells if j < len(row)) for j in range(longest)]
    accepted = tuple(c["accepted"] for c in count)
    reached = tuple(c["accepted"] + c["rejected"] for c in count)
    totals = tuple(n + more for n, more in zip(lengths, extra, strict=True))
    checked = [i for i, span in enumerate(skipped) if not span]
    rate = kept / judged if judged else None
    chance = sum(accepted) / sum(reached) if sum(reached) else None
    tally = Counter(lengths[i] for i in checked)
    histogram = tuple(tally[n] for n in range(max(tally) + 1)) if tally else ()
    sentence = "No drafts were judged."
    if rate is not None and chance is not None:
        sentence = (
            f"{kept} of {judged} drafted tokens were accepted: a rate of {rate:.0%}. That is not the chance that one "
            f"draft is accepted: of the {sum(reached)} places that the walk reached, {sum(accepted)} were "
            f"accepted ({chance:.0%}). {sum(lengths) / len(checked):.2f} accepted per round, "
            f"{sum(totals[i] for i in checked) / len(checked):.2f} tokens with the bonus."
        )
        aside = len(skipped) - len(checked)
        if aside:
            sentence += f" {aside} round{'s' * (aside > 1)} skipped the verification."
    return HeatmapInfo(
        tuple(rounds),
        tuple(ats),
        tuple(cells),
        tuple(tokens),
        tuple(where),
        tuple(nodes),
        tuple(extra),
        tuple(kinds),
        reached,
        accepted,
        tuple(lengths),
        totals,
        histogram,
        rate,
        chance,
        tuple(skipped),
        now,
        _warnings([rounds[i] for i in checked], [cells[i] for i in checked]),
        sentence,
    )


def _warnings(rounds: list[int], cells: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Runs of rounds in which nearly nothing, or everything, was accepted: both often mean degenerate text."""
    out = []
    shares = [row.count("accepted") / len(row) for row in cells if row]
    for test, most, text in (
        (
            lambda s: s < LOW,
            LOW_ROUNDS,
            "acceptance below 10% for {n} rounds in a row (from round {r}): the drafts are guesses",
        ),
        (
            lambda s: s == 1,
            FULL_ROUNDS,
            "everything accepted for {n} rounds in a row (from round {r}): is the text repeating itself?",
        ),
    ):
        start = 0
        for i, share in enumerate([*shares, -1.0]):
            if i == len(shares) or not test(share):
                if i - start >= most:
                    out.append(text.format(n=i - start, r=rounds[start]))
                start = i + 1
    return tuple(out)


def plot(info: HeatmapInfo, dark: bool = False) -> go.Figure:
    """The matrix with its margins: chance by place above, accepted length to the right, its histogram in the corner."""
    # Only the frame around a round moves with the cursor; copying the rest costs a quarter of making it.
    figure = go.Figure(_matrix(info._replace(now=-1), dark))
    if info.now >= 0:
        figure.add_shape(
            type="rect",
            x0=0.5,
            x1=len(info.reached) + 1.5,
            y0=info.now - 0.5,
            y1=info.now + 0.5,
            line={"color": theme.colour("ring", dark), "width": 2},
            row=2,
            col=1,
        )
    return figure


@lru_cache(maxsize=8)
def _matrix(info: HeatmapInfo, dark: bool) -> go.Figure:
    margin_px, gap_px, cells_px = 110, 76, min(720, 24 * max(4, len(info.rounds)))
    figure = make_subplots(
        rows=2,
        cols=2,
        column_widths=[0.68, 0.32],
        row_heights=[margin_px, cells_px],
        shared_xaxes=False,
        shared_yaxes=False,
        horizontal_spacing=0.09,
        vertical_spacing=gap_px / (margin_px + gap_px + cells_px),
    )
    k, ink = len(info.reached), theme.colour("ink", dark)
    figure.update_layout(
        template=theme.template(dark),
        showlegend=False,
        bargap=0.25,
        height=margin_px + gap_px + cells_px + 130,
        margin={"t": 70, "l": 64, "b": 60},
    )
    accepted, few = theme.state("accepted", dark).fill, theme.colour("few", dark)
    places = list(range(1, k + 1))
    chances = [a / r if r else None for a, r in zip(info.accepted, info.reached, strict=True)]
    figure.add_bar(
        x=places,
        y=chances,
        marker_color=[accepted if r >= FEW else few for r in info.reached],
        text=[f"n={r}" for r in info.reached],
        textposition="outside",
        cliponaxis=False,
        textfont={"color": theme.colour("muted", dark)},
        hovertemplate="place %{x}: accepted %{y:.0%} of the times it was reached<extra></extra>",
        row=1,
        col=1,
    )
    rows = list(range(len(info.rounds)))
    names = ("rejected", "unreached", "accepted", "bonus", "corrected", "unmasked")
    scale = [[(i + d) / len(names), theme.state(name, dark).fill] for i, name in enumerate(names) for d in (0, 1)]
    z, hover, data = [], [], []
    for i in rows:
        line = [names.index(state) for state in info.cells[i]] + [None] * (k - len(info.cells[i]))
        z.append([*line, names.index(info.kinds[i]) if info.kinds[i] else None])
        words = [
            f"round {info.rounds[i]}, draft {j + 1}: position {info.pos[i][j]} "
            f"{theme.literal(info.tokens[i][j])}<br>{state}"
            for j, state in enumerate(info.cells[i])
        ]
        hover.append(
            [*words, *[""] * (k - len(words)), f"round {info.rounds[i]}: {info.extra[i]} more without a draft"]
        )
        ids = [[info.ats[i], info.pos[i][j], info.nodes[i][j]] for j in range(len(info.cells[i]))]
        data.append([*ids, *[[info.ats[i], None, None]] * (k + 1 - len(ids))])
    figure.add_heatmap(
        x=[*places, k + 1],
        y=rows,
        z=z,
        zmin=-0.5,
        zmax=len(names) - 0.5,
        colorscale=scale,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertext=hover,
        hoverinfo="text",
        customdata=data,
        row=2,
        col=1,
    )
    # One text trace per state: a heatmap has one text colour, and an annotation per cell costs plotly.py time that
    # grows with their square (8 s for 40 rounds of 5 drafts, measured).
    if len(rows) <= MAX_ROWS and len(rows) * (k + 1) <= MAX_LABELS:
        for name in names:
            spots = [(j + 1, i) for i in rows for j, state in enumerate(info.cells[i]) if state == name]
            spots += [(k + 1, i) for i in rows if info.kinds[i] == name]
            if spots:
                figure.add_scatter(
                    x=[x for x, _ in spots],
                    y=[y for _, y in spots],
                    text=[theme.GLYPHS[name]] * len(spots),
                    mode="text",
                    hoverinfo="skip",
                    textfont={"color": theme.state(name, dark).text, "size": 12},
                    name=name,
                    row=2,
                    col=1,
                )
    aside = [i for i in rows if info.skipped[i]]
    if aside:
        figure.add_scatter(
            x=[0.6] * len(aside),
            y=aside,
            text=["» verify skipped"] * len(aside),
            mode="text",
            textposition="middle right",
            hoverinfo="skip",
            textfont={"color": theme.colour("muted", dark), "size": 12},
            name="verify skipped",
            row=2,
            col=1,
        )
    figure.add_bar(
        x=list(info.lengths),
        y=rows,
        orientation="h",
        marker_color=accepted,
        name="accepted",
        row=2,
        col=2,
        customdata=[[at, None, None] for at in info.ats],
        hovertemplate="%{x} accepted<extra></extra>",
    )
    figure.add_bar(
        x=list(info.extra),
        y=rows,
        orientation="h",
        marker_color=[theme.state(kind or "bonus", dark).fill for kind in info.kinds],
        name="without a draft",
        customdata=[[at, None, None] for at in info.ats],
        base=list(info.lengths),
        hovertemplate="%{x} more without a draft<extra></extra>",
        row=2,
        col=2,
    )
    figure.add_bar(
        x=list(range(len(info.histogram))),
        y=list(info.histogram),
        marker_color=accepted,
        row=1,
        col=2,
        hovertemplate="%{y} rounds accepted %{x}<extra></extra>",
    )
    figure.update_layout(barmode="overlay")
    labels = [str(n) for n in info.rounds]
    every = max(1, -(-len(rows) // 30))
    ticks = {
        "tickvals": rows[::every],
        "ticktext": labels[::every],
        "range": [len(rows) - 0.5, -0.5],
        "showgrid": False,
    }
    figure.update_xaxes(title="place in the draft", range=[0.5, k + 1.5], tickvals=places, row=1, col=1)
    figure.update_yaxes(title="accepted if reached", range=[0, 1.25], tickformat=".0%", dtick=0.5, row=1, col=1)
    more = [theme.GLYPHS[name] for name in ("bonus", "corrected", "unmasked") if name in info.kinds]
    figure.update_xaxes(
        title="place in the draft, then what was filled in without one",
        range=[0.5, k + 1.5],
        showgrid=False,
        row=2,
        col=1,
        tickvals=[*places, k + 1],
        ticktext=[*map(str, places), " ".join(more)],
    )
    figure.update_yaxes(title="round", **ticks, row=2, col=1)
    figure.update_xaxes(title="tokens in the round", dtick=1, rangemode="tozero", row=2, col=2)
    figure.update_yaxes(title="round", **ticks, row=2, col=2)
    figure.update_xaxes(title="accepted tokens", dtick=1, row=1, col=2)
    figure.update_yaxes(title="rounds", rangemode="tozero", row=1, col=2)
    figure.add_annotation(
        text=_headline(info),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        yshift=52,
        xanchor="left",
        yanchor="top",
        align="left",
        font={"color": ink, "size": 13},
    )
    return figure


def _headline(info: HeatmapInfo) -> str:
    if info.rate is None or info.chance is None:
        return info.sentence
    lines = [
        f"acceptance rate {info.rate:.0%} of all drafted tokens · p̂ = {info.chance:.2f} at the places that were reached"
    ]
    lines += [f"⚠ {warning}" for warning in info.warnings[:2]]
    return "<br>".join(lines)


def data(info: HeatmapInfo) -> dict[str, Any]:
    """What assets/lenses/heatmap.js does not count itself from the run."""
    if info.rate is None:
        return {"empty": info.sentence}
    return {"sentence": info.sentence, "warnings": list(info.warnings)}


VIEW = View(
    id="heatmap",
    title="Accept/reject",
    question="Which drafts survive: by place in the draft, and round by round?",
    needs=frozenset({"propose", "judge"}),
    info=info,
    plot=plot,
    order=40,
    medium="script",
    data=data,
)
