"""Which path through the drafter's candidates was checked, and why not another?

A column per position, the drafter's candidates from the most probable down, and three paths: the locally best token of
each position, the path that was drafted, and the part of it that the verifier accepted, with the verifier's own token
behind it. Where the run recorded among what its path was chosen (`Decide.among`), each candidate says whether it was in
the lattice and why not; elsewhere the candidates are what the drafting call believed.

What was searched comes from the events alone; how a path search with other settings would end is computed on the page
(assets/lenses/lattice.js) from the same numbers, and called simulated there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from decoders.trace import (
    Belief,
    Commit,
    Decide,
    Event,
    Finish,
    Forward,
    Judge,
    Node,
    Propose,
    RoundView,
    Trace,
    Verdict,
)
from viz import theme
from viz.base import View, round_at

# The page moves a window over the columns that it is given; a still figure has room for fewer.
COLUMNS, DRAWN, RANKS = 256, 64, 8
WHYS = {
    "lattice": "in the lattice",
    "mass": "not in the lattice: better candidates cover the mass τ already",
    "limit": "not in the lattice: over M max, the most candidates per position",
    "end": "not in the lattice: behind the drafted end of the text",
    "seen": "a candidate of the call that drafted",
}
_EDGES = 5  # opacities of edges, so that a figure has a trace for each and not one per edge


class Candidate(NamedTuple):
    """A token of a position with the drafter's probability, and why it is in the lattice or not, a key of WHYS."""

    token: int
    text: str
    p: float
    why: str


class Column(NamedTuple):
    """The candidates of a position, the most probable first."""

    pos: int
    candidates: tuple[Candidate, ...]


class Step(NamedTuple):
    """A token of the drafted path, or the verifier's own: `q`, `p` as the drafter and the verifier see it (-1: not
    known), `node` the drafted node (-1: none)."""

    pos: int
    token: int
    text: str
    state: str
    node: int = -1
    q: float = -1.0
    p: float = -1.0


class Bar(NamedTuple):
    """A round of the strip: tokens drafted, tokens accepted, the length decided for the next draft (0: none), and
    the cursor that shows it."""

    n: int
    stop: int
    proposed: int
    accepted: int
    following: int


class LatticeInfo(NamedTuple):
    """The round `n` under the cursor. `settings` are those of the search (None: there was none), `decide` the index of
    the event that recorded it (-1: none), `context` the last two tokens before the first column, `name` what the path
    is called; `empty` says why there is nothing to draw."""

    at: int
    n: int
    columns: tuple[Column, ...]
    path: tuple[Step, ...]
    own: Step | None
    name: str
    settings: dict[str, float] | None
    decide: int
    context: tuple[int, ...]
    bars: tuple[Bar, ...]
    sentence: str
    empty: str = ""


def info(trace: Trace, at: int) -> LatticeInfo:
    """The lattice of the round that the cursor is in, as far as the events before the cursor tell."""
    view, bars = round_at(trace, at), _bars(trace)
    if view is None:
        said = _unbegun(trace)
        return LatticeInfo(at, -1, (), (), None, "", None, -1, (), bars, said, said)
    events = trace.events[view.start : max(at, view.start)][: view.stop - view.start]
    nodes = [node for event in events if isinstance(event, Propose) for node in event.nodes]
    verdicts = {v.node: v for event in events if isinstance(event, Judge) for v in event.verdicts}
    path = _path(trace, nodes, verdicts)
    edits = [edit for event in events if isinstance(event, Commit) for edit in event.edits]
    free = next((e for e in edits if nodes and e.why in ("bonus", "corrected", "unmasked")), None)
    own = free and Step(free.pos, free.after, theme.piece(trace, free.after), free.why, -1, -1.0, free.p)
    searched = next((i for i, e in enumerate(events) if isinstance(e, Decide) and e.among), -1)
    settings, context = None, tuple(trace.canvas_at(view.start)[-2:])
    # A draft may have been made by a call of the round before.
    number = trace.rounds.index(view)
    before = trace.rounds[number - 1].start if number and nodes else view.start
    drafted = next((i for i, e in enumerate(events) if isinstance(e, Propose)), len(events))
    believed = _believed(trace.events[before : view.start + drafted], {f[0]: n for n in nodes for f in n.fills[::-1]})
    if searched >= 0:
        settings = _settings(trace)
        columns = _lattice(trace, events[searched], settings, believed)
        name = "causal-consistency path (CPS)"
    else:
        columns = _seen(trace, believed, path)
        name = "drafted path" if path else ""
        if not nodes:
            done = [edit for edit in edits if edit.why == "unmasked"]
            path = tuple(Step(e.pos, e.after, theme.piece(trace, e.after), e.why, -1, e.p) for e in done)
    sentence, empty = _sentences(
        trace, view, columns, path, own, nodes, events[searched] if settings else None, context
    )
    decide = view.start + searched if settings else -1
    return LatticeInfo(at, view.n, columns, path, own, name, settings, decide, context, bars, sentence, empty)


def _unbegun(trace: Trace) -> str:
    """At the first step: what a finished run has to show here, or who has."""
    over = bool(trace.events) and isinstance(trace.events[-1], Finish)
    if not over or any(isinstance(e, Decide) and e.what == "path" for e in trace.events):
        return "The run has not begun: step forward to the first lattice."
    return f"{trace.title} searches no lattice; DiffuSpec does: open a run of DiffuSpec to see one."


def data(info: LatticeInfo) -> dict[str, Any]:
    """The same as plain JSON, without what the page has already: texts of tokens, and the bars."""
    return {
        "n": info.n,
        "at": info.at,
        "columns": [[pos, [[c.token, c.p, c.why] for c in candidates]] for pos, candidates in info.columns],
        "path": [[s.pos, s.token, s.state, s.node, s.q, s.p] for s in info.path],
        "own": info.own and [info.own.pos, info.own.token, info.own.state, info.own.p],
        "name": info.name,
        "settings": info.settings,
        "decide": info.decide,
        "context": list(info.context),
        "sentence": info.sentence,
        "empty": info.empty,
    }


def _bars(trace: Trace) -> tuple[Bar, ...]:
    bars = []
    for view in trace.rounds:
        proposed = len({fill for e in view.of(Propose) for node in e.nodes for fill in node.fills})
        accepted = list(view.fates().values()).count("accepted")
        following = [int(e.choice) for e in view.of(Decide) if e.what == "next draft length" and e.choice.isdigit()]
        bars.append(Bar(view.n, view.stop, proposed, accepted, following[-1] if following else 0))
    return tuple(bars)


def _settings(trace: Trace) -> dict[str, float]:
    """The settings of the search by their names in the run; what a run does not name does not limit."""
    names = {"tau": 1.0, "m_max": float(RANKS), "beam": 1.0, "lam": 1.0, "temperature": 0.0}
    return {name: float(trace.params.get(name, other)) for name, other in names.items()}


def _lattice(
    trace: Trace, event: Event, par: Mapping[str, float], believed: Mapping[int, Belief]
) -> tuple[Column, ...]:
    """The recorded candidates, and behind the end of the drafted text what the drafter believed there."""
    assert isinstance(event, Decide)
    columns = []
    for pos, slot in enumerate(event.among, event.about[0]):
        mass, row = 0.0, []
        for rank, (token, p) in enumerate(slot):
            # Equation 7 of DiffuSpec; 0.7 + 0.1 is less than 0.8 in binary.
            why = "mass" if mass >= par["tau"] - 1e-12 else "limit" if rank >= par["m_max"] else "lattice"
            row.append(Candidate(token, theme.piece(trace, token), p, why))
            mass += p
        columns.append(Column(pos, tuple(row)))
    behind = [pos for pos in sorted(believed) if pos >= event.about[0] + len(event.among)]
    for pos in behind[: COLUMNS - len(columns)]:
        row = [Candidate(token, theme.piece(trace, token), p, "end") for token, p in believed[pos].top[:RANKS]]
        columns.append(Column(pos, tuple(row)))
    return tuple(columns[:COLUMNS])


def _seen(trace: Trace, believed: Mapping[int, Belief], path: Sequence[Step]) -> tuple[Column, ...]:
    """What the drafting call believed; a draft that it does not list stands alone or last, with its own q."""
    drafted = {step.pos: step for step in path}
    places = sorted({*believed, *drafted})
    first = places.index(min(drafted)) if drafted else 0
    columns = []
    for pos in places[max(0, min(first, len(places) - COLUMNS)) :][:COLUMNS]:
        top = list(believed[pos].top[:RANKS]) if pos in believed else []
        if pos in drafted and drafted[pos].token not in dict(top):
            top = [*top[: RANKS - 1], (drafted[pos].token, max(drafted[pos].q, 0.0))]
        columns.append(Column(pos, tuple(Candidate(t, theme.piece(trace, t), p, "seen") for t, p in top)))
    return tuple(columns)


def _believed(events: Sequence[Event], drafts: Mapping[int, Node]) -> dict[int, Belief]:
    """What the call that drafted believed about each position: for a draft the last belief that gives it its q, for
    another position the row that most drafts came from; without drafts the last call, row 0."""
    said = [(i, b) for i, event in enumerate(events) if isinstance(event, Forward) for b in event.beliefs]

    def made(belief: Belief) -> bool:
        node = drafts[belief.pos]
        p = dict(belief.top).get(dict(node.fills)[belief.pos])
        # A node of several fills has the q of its least sure one; beliefs have four digits.
        return p is not None and (len(node.fills) > 1 or abs(p - node.q) < 1e-4)

    votes = Counter((i, b.row) for i, b in said if b.pos in drafts and made(b))
    calls = [i for i, _ in said]
    source = (
        max(votes, key=lambda key: (votes[key], key)) if votes else (max(calls, default=-1), 0) if not drafts else ()
    )
    return {b.pos: b for i, b in said if (made(b) if b.pos in drafts else (i, b.row) == source)}


def _path(trace: Trace, nodes: Sequence[Node], verdicts: Mapping[int, Verdict]) -> tuple[Step, ...]:
    """One path through the drafts, by position: the accepted one where there is one, else the first."""
    known, line = {node.id: node for node in nodes}, list[Node]()
    if any(node.parents for node in nodes):
        kept = [v.node for v in verdicts.values() if v.outcome == "accepted"]
        at: Node | None = known[kept[-1]] if kept else next(node for node in nodes if not node.parents)
        above = at
        while above.parents:
            above = known[next((p for p in above.parents if p in kept), above.parents[0])]
            line.insert(0, above)
        while at is not None:
            line.append(at)
            at = next((node for node in nodes if at.id in node.parents), None)
    else:
        line = list(nodes)
    steps = dict[int, Step]()
    for node in line:
        verdict = verdicts.get(node.id)
        state, p = (verdict.outcome, verdict.p) if verdict else ("drafted", -1.0)
        for pos, token in node.fills:
            steps.setdefault(pos, Step(pos, token, theme.piece(trace, token), state, node.id, node.q, p))
    return tuple(steps[pos] for pos in sorted(steps))


def score(path: Sequence[tuple[int, float]], context: Sequence[int], event: Decide, lam: float) -> float:
    """S of DiffuSpec's equation 8 (arXiv:2510.02358), in nats: the sum of lam ln q + (1 - lam) ln P of the 3-gram over
    the (token, q) of a path behind the tokens `context`; ln q alone where no 3-gram was recorded."""
    table = {tokens: (logp, weight) for tokens, logp, weight in event.ngrams}

    def logp(gram: tuple[int, ...]) -> float:
        return table[gram][0] if gram in table else table.get(gram[:-1], (0.0, 0.0))[1] + logp(gram[1:])

    text, total = list(context), 0.0
    for token, q in path:
        text.append(token)
        drafter = math.log(max(q, 1e-300))
        total += lam * drafter + (1 - lam) * logp(tuple(text[-3:])) if table else drafter
    return total


def _sentences(
    trace: Trace,
    view: RoundView,
    columns: Sequence[Column],
    path: Sequence[Step],
    own: Step | None,
    nodes: Sequence[Node],
    event: Event | None,
    context: Sequence[int],
) -> tuple[str, str]:
    """The answer, and why nothing is drawn."""
    if isinstance(event, Decide):
        return f"Round {view.n}: {_searched(trace, columns, path, own, event, context)}", ""
    if not nodes and len(columns) < 2:
        if trace.level == "timing":
            said = "This run was recorded without predictions (level timing), so there are no candidates to draw."
        elif columns:
            said = (
                f"{trace.title} looked at one position in this round: there is no lattice of one. DiffuSpec searches a "
                "path through a lattice; SSD, PSD and speculative decoding draft a path."
            )
        else:
            said = f"{trace.title} recorded no candidates in this round up to the cursor: step on, or open DiffuSpec."
        return said, said
    if not nodes:
        when = "nothing in this round" if "propose" in trace.kinds else "nothing"
        return (
            f"{trace.title} drafts {when}: these are candidates that its call saw at "
            f"{_many(len(columns), 'position')}; it fills in {len(path)}. DiffuSpec searches such a lattice.",
            "",
        )
    if any(isinstance(e, Decide) and e.what == "path" for e in view.events):
        said = "This run was recorded without the candidates of its path search; record it again to see the lattice."
        return f"{said} Drawn is what the drafter believed, and the path.", ""
    children = Counter(node.parents[-1] if node.parents else -1 for node in nodes)
    accepted = sum(step.state == "accepted" for step in path)
    if any(node.parents for node in nodes) and max(children.values()) > 1:
        said = f"{trace.title} drafts a tree of {len(nodes)} nodes: one of its paths is drawn here."
    else:
        said = f"{trace.title} drafts one token per position; the lattice is its single path."
    judged = any(step.state != "drafted" for step in path)
    said += " Open the verification tree."
    return said + (f" {accepted} of {_many(len(path), 'draft')} accepted." if judged else ""), ""


def right(trace: Trace) -> tuple[int, str, str] | None:
    """The first token of a searched path that was not the locally best one of its position and was accepted: the
    position, its text, and that of the locally best token."""
    for view in trace.rounds:
        kept = {pos: token for (pos, token), outcome in view.fates().items() if outcome == "accepted"}
        for event in view.of(Decide):
            for i, slot in enumerate(event.among):
                pos = event.about[0] + i
                best = slot[0][0]
                if pos in kept and (token := kept[pos]) != best:
                    return pos, theme.piece(trace, token), theme.piece(trace, best)
    return None


def _searched(
    trace: Trace,
    columns: Sequence[Column],
    path: Sequence[Step],
    own: Step | None,
    event: Decide,
    context: Sequence[int],
) -> str:
    inside = [column for column in columns if column.candidates and column.candidates[0].why != "end"]
    kept = sum(c.why == "lattice" for column in inside for c in column.candidates)
    said = f"{kept} candidates at {_many(len(inside), 'position')} are in the lattice."
    if not path:
        return f"{said} The path through them comes next."
    best = {column.pos: column.candidates[0] for column in inside}
    other = [step for step in path if step.token != best[step.pos].token]
    if other:
        lam = float(trace.params.get("lam", 1.0))
        own_score = score([(s.token, s.q) for s in path], context, event, lam)
        greedy = score([(best[s.pos].token, best[s.pos].p) for s in path], context, event, lam)
        fates = {"accepted": " (accepted)", "rejected": " (rejected)", "unreached": " (not reached)"}
        changes = [f"at {s.pos} ‘{s.text}’ instead of ‘{best[s.pos].text}’{fates.get(s.state, '')}" for s in other]
        said += (
            f" The causal-consistency path (CPS) leaves the locally best token at {_many(len(other), 'position')}: "
            f"{', '.join(changes)}."
        )
        if own_score < greedy:  # a beam keeps the prefixes that are best so far, and they may end worse
            said += (
                f" The beam ended worse than the locally best tokens here: S = {_minus(own_score)} against "
                f"{_minus(greedy)}."
            )
        else:
            said += f" It scores S = {_minus(own_score)}, the locally best tokens {_minus(greedy)}."
    else:
        said += " The causal-consistency path (CPS) takes the locally best token everywhere."
    accepted = sum(step.state == "accepted" for step in path)
    if all(step.state == "drafted" for step in path):
        return f"{said} It is not judged yet."
    end = f", then says ‘{own.text}’ at {own.pos}" if own else ""
    return f"{said} The target accepts {accepted} of {len(path)}{end}."


def _minus(x: float) -> str:
    return f"{x:.2f}".replace("-", "−")


def _many(n: int, what: str) -> str:
    return f"{n} {what}" + "s" * (n != 1)


# ------------------------------------------------------------ the figure
def plot(info: LatticeInfo, dark: bool = False) -> go.Figure:
    """The strip of rounds above, the lattice below; the opacity of an edge is the product of the two probabilities."""
    info = info._replace(columns=info.columns[:DRAWN])
    figure = make_subplots(rows=2, cols=1, row_heights=[0.2, 0.8], vertical_spacing=0.16)
    _strip(figure, info, dark)
    rank = {(col.pos, c.token): r for col in info.columns for r, c in enumerate(col.candidates, 1)}
    ink, line = theme.colour("muted", dark), theme.state("accepted", dark).fill

    def draw(points: Sequence[tuple[int, float] | None], **how: Any) -> None:
        xs, ys = [p and p[0] for p in points], [p and p[1] for p in points]
        figure.add_scatter(x=xs, y=ys, mode="lines", hoverinfo="skip", row=2, col=1, **how)

    bins: dict[int, list[tuple[int, float] | None]] = {}
    for left, right in zip(info.columns, info.columns[1:], strict=False):
        if right.pos != left.pos + 1:
            continue
        for a, u in enumerate(left.candidates, 1):
            for b, v in enumerate(right.candidates, 1):
                if (
                    u.why == v.why
                    and u.why in ("lattice", "seen")
                    and (level := math.ceil(_EDGES * u.p * v.p - 0.1)) > 0
                ):
                    bins.setdefault(level, []).extend([(left.pos, a), (right.pos, b), None])
    for level, points in sorted(bins.items()):
        draw(points, line={"color": ink, "width": 1}, opacity=level / _EDGES * 0.6, showlegend=False)
    if info.settings:
        greedy = [(col.pos, 0.94) for col in info.columns if col.candidates[0].why != "end"]
        draw(greedy, line={"color": ink, "width": 2, "dash": "dash"}, name="locally best (greedy per position)")
    if info.name:
        points = [(s.pos, rank.get((s.pos, s.token), 1)) for s in info.path]
        kept = next((i for i, s in enumerate(info.path) if s.state != "accepted"), len(points))
        if kept:
            draw(points[:kept], line={"color": line, "width": 12}, opacity=0.35, name="verified prefix")
        draw(points, line={"color": line, "width": 3}, name=info.name)
    _nodes(figure, info, rank, dark)
    figure.update_xaxes(title="position on the canvas", dtick=1 if len(info.columns) < 24 else None, row=2, col=1)
    figure.update_yaxes(title="rank", range=[RANKS + 0.6, -0.7], dtick=1, showgrid=False, row=2, col=1)
    figure.update_layout(template=theme.template(dark), height=560, legend={"y": -0.2}, barmode="overlay")
    return figure


def _strip(figure: go.Figure, info: LatticeInfo, dark: bool) -> None:
    ink, fill = theme.colour("muted", dark), theme.state("accepted", dark).fill
    shown: dict[str, Any] = {
        "x": [bar.n for bar in info.bars],
        "customdata": [[bar.stop, None, None] for bar in info.bars],
        "row": 1,
        "col": 1,
    }
    outline = {"color": "rgba(0,0,0,0)", "line": {"color": ink, "width": 1.5}}
    figure.add_bar(y=[b.proposed for b in info.bars], name="proposed", marker=outline, **shown)
    figure.add_bar(y=[b.accepted for b in info.bars], name="accepted ✓", marker={"color": fill}, **shown)
    if any(bar.following for bar in info.bars):
        look = {"color": theme.colour("threshold", dark), "shape": "hvh"}
        lengths = [bar.following or None for bar in info.bars]
        figure.add_scatter(y=lengths, mode="lines+markers", name="next length (ADL)", line=look, **shown)
    if info.n >= 0:
        here = {"x0": info.n - 0.5, "x1": info.n + 0.5, "y0": 0, "y1": 1, "yref": "y domain", "xref": "x"}
        figure.add_shape(fillcolor=ink, opacity=0.12, line_width=0, **here)
    figure.update_xaxes(title="round", dtick=1 if len(info.bars) < 30 else None, row=1, col=1)
    figure.update_yaxes(title="tokens", rangemode="tozero", row=1, col=1)


def _nodes(figure: go.Figure, info: LatticeInfo, rank: Mapping[tuple[int, int], int], dark: bool) -> None:
    """Area is probability. Nodes of the path carry the glyph of their state; what is not in the lattice is hollow."""
    steps = {(s.pos, s.token): s for s in info.path}
    groups: dict[str, list[tuple[float, float, float, str, str, list[int | None]]]] = {}
    for pos, candidates in info.columns:
        for r, c in enumerate(candidates, 1):
            step = steps.get((pos, c.token))
            group = step.state if step else "inside" if c.why in ("lattice", "seen") else "outside"
            hover = f"position {pos}, rank {r}: {c.text}, q = {c.p:.3g}; {WHYS[c.why]}"
            if step and step.p >= 0:
                hover += f"; {step.state}, target p = {step.p:.3g}"
            point = (pos, r, c.p, c.text, hover, [info.at, pos, step.node if step and step.node >= 0 else None])
            groups.setdefault(group, []).append(point)
    if info.own:
        own = info.own
        hover = f"position {own.pos}: {own.text}, the target's own token ({own.state}), p = {own.p:.3g}"
        groups.setdefault(own.state, []).append((own.pos, 0.1, 1.0, own.text, hover, [info.at, own.pos, None]))
    for group, points in groups.items():
        known = group not in ("inside", "outside")
        colour = theme.state(group, dark).fill if known else theme.colour("muted", dark)
        figure.add_scatter(
            x=[p[0] for p in points],
            y=[p[1] for p in points],
            mode="markers+text",
            text=[theme.literal(f"{p[3]} {theme.GLYPHS[group]}" if known else p[3]) for p in points],
            textposition="bottom center",
            textfont={"family": theme.MONO, "size": 10, "color": theme.colour("ink" if known else "muted", dark)},
            marker={
                "size": [4 + 20 * math.sqrt(p[2]) for p in points],
                "color": theme.colour("page", dark) if group == "outside" else colour,
                "opacity": 1,
                "line": {"color": colour, "width": 1.5},
            },
            hovertext=[theme.literal(p[4]) for p in points],
            hoverinfo="text",
            customdata=[p[5] for p in points],
            name={"inside": "candidate", "outside": "not in the lattice"}.get(group, group),
            row=2,
            col=1,
        )


VIEW = View(
    id="lattice",
    title="Lattice",
    question="Which path through the drafter's candidates was checked, and why not another?",
    needs=frozenset({"forward"}),
    info=info,
    plot=plot,
    order=15,
    medium="script",
    data=data,
)
