"""Which hypotheses did one call check, and where did the walk stop?

Above: the verification tree of the round under the cursor. The root is the state committed before the round, batch
row 0; every other node is a drafted fill, checked by the row written beside it. Below: the batch as it was sent, a
line per row and a column per position, so that the price of the round is seen and not only its gain.

A tree may branch. Two orders of the same fills are two nodes that one row checks: both name it. A batch of many
branches is drawn from left to right, so that each node has a line for its label.

A chain of drafts that may be many positions wide (PSD, FreeDave) has two axes: a row per depth, and in it the
positions that the depth fills. Depth 0 is what the round filled in without a draft; the walk goes from depth to depth,
and what lies behind the deepest consistent draft is thrown away.

A node is `drafted` until the cursor has passed the round's `Judge`, then what its verdict says. What the last
accepted row filled in by itself hangs below it as `bonus` (or `corrected`). A round that first decides whether a
verification is worth its call has a `route`; a packed input has a `strip` instead of a table of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import networkx as nx
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from decoders.trace import Commit, Decide, Forward, Judge, Node, Propose, RoundView, Trace, Verdict
from viz import theme
from viz.base import View, round_at

ROOT = -1
FREE = -2
MAX_COLUMNS = 160
# Between neighbouring leaves, in tree units: room for the label that stands to the right of a node.
LEAF_GAP = 1.7
# Calls that neither make drafts nor check them: filling the cache, and measuring what no decoder needs.
ASIDE = ("prefill", "extend", "measure")
# Positions of one depth that the figure draws side by side; the page takes as many as it has room for.
ABREAST = 12
# More leaves than this side by side, and their labels run into each other.
MAX_ABREAST = 5


class Twig(NamedTuple):
    """One node as drawn: `x`, `y` in tree units (the root at 0, 0, a level is 1 down), `step` its number on the
    accepted path. `q` is the drafter's probability, `p` the verifier's, `rank` the place of the token among what the
    verifier would fill in there (0: behind all that were recorded, None: not known); `other` is where the verifier
    filled in something else (-1: nowhere)."""

    id: int
    parent: int
    x: float
    y: float
    row: int
    fills: tuple[tuple[int, int], ...]
    label: str
    state: str
    step: int
    why: str
    q: float | None = None
    p: float | None = None
    score: float | None = None
    bar: float | None = None
    rank: int | None = None
    other: int = -1


class Depth(NamedTuple):
    """What one depth of a chain of drafts fills in: depth 0 (`id` ROOT) without a draft, the next ones by the draft
    `id`, FREE what the last accepted row adds itself. `tokens` are (pos, text, said): what the row above fills in there
    instead, "" where it agrees, None where that is not known."""

    id: int
    tokens: tuple[tuple[int, str, str | None], ...]


class Route(NamedTuple):
    """Whether the round found a verification worth its call: `choice` is "yes" or "no", `about` the positions it was
    about, `facts` the numbers behind it, `rule` their comparison in words ("" where no bar is known)."""

    choice: str
    about: tuple[int, ...]
    facts: tuple[tuple[str, float], ...]
    rule: str


class Fed(NamedTuple):
    """One token of a packed input in the order fed: `kind` is known, draft or mask; `line` counts how often its
    position was fed before it."""

    pos: int
    text: str
    kind: str
    line: int
    state: str


class TreeInfo(NamedTuple):
    """The round `n` under the cursor. `rows[r]` lists the (pos, token) that batch row r adds to the root; `cells`
    (rows x columns) are the states of the fed positions `columns`; `at` is the event after which the verdicts are
    known. `depths` are those of a chain as wide as it is deep, () where a tree tells it all.
    `beat` is 0 before there are drafts, 1 when they are proposed, 2 when the call has read them, 3 when they are
    judged; `calls` how many calls the run had made by then."""

    at: int
    n: int
    twigs: tuple[Twig, ...]
    rows: tuple[tuple[tuple[int, int], ...], ...]
    columns: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    sentence: str
    cost: str
    beat: int = 0
    calls: int = 0
    route: Route | None = None
    strip: tuple[Fed, ...] = ()
    depths: tuple[Depth, ...] = ()


def info(trace: Trace, at: int) -> TreeInfo:
    """The tree of the round that the cursor is in."""
    view = round_at(trace, at)
    if view is None:
        return TreeInfo(at, -1, (), (), (), (), (), "The run has not begun: step forward.", "")
    events = trace.events[view.start : max(at, view.start)][: view.stop - view.start]
    nodes = [node for event in events if isinstance(event, Propose) for node in event.nodes]
    verdicts = {v.node: v for event in events if isinstance(event, Judge) for v in event.verdicts}
    # What comes before the last draft made the drafts, or was kept without any: the call that checks comes after.
    drafted = max((i + 1 for i, event in enumerate(events) if isinstance(event, Propose)), default=0)
    calls = [e for e in events[drafted:] if isinstance(e, Forward) and e.role not in ASIDE]
    call = next((e for e in calls if e.role == "verify"), calls[-1] if calls else None)
    added = ("bonus", "corrected", "unmasked")
    free = [(e, c) for c in events[drafted:] if isinstance(c, Commit) for e in c.edits if e.why in added]
    ground = [(e.pos, e.after) for c in events[:drafted] if isinstance(c, Commit) for e in c.edits if e.why in added]
    canvas = trace.canvas_at(view.start + drafted)
    route = _route(trace, events)
    beat = 3 if verdicts else 2 if nodes and call else 1 if nodes else 0

    def words(fills: tuple[tuple[int, int], ...]) -> str:
        return ", ".join(f"+{pos} ‘{theme.piece(trace, token)}’" for pos, token in fills)

    known = {node.id: node for node in nodes}
    graph = nx.DiGraph()
    graph.add_node(ROOT)
    for node in nodes:
        # Of several parents (a lattice) the one on the accepted path, so that the path is drawn in one piece.
        kept = [p for p in node.parents if p in verdicts and verdicts[p].outcome == "accepted"]
        graph.add_edge((kept or node.parents or (ROOT,))[-1], node.id)
    # In judging order, which is the order of the walk; drafting order differs where drafts are no chain.
    accepted = [v.node for v in verdicts.values() if v.outcome == "accepted"]
    last = accepted[-1] if accepted else ROOT
    if free:
        graph.add_edge(last, FREE)
    place = _layout(graph)

    def twig(node: Node) -> Twig:
        verdict = verdicts.get(node.id)
        state = verdict.outcome if verdict else "drafted"
        step = accepted.index(node.id) + 1 if node.id in accepted else 0
        parent = next(iter(graph.predecessors(node.id)))
        return Twig(
            node.id,
            parent,
            *place[node.id],
            node.row,
            node.fills,
            words(node.fills),
            state,
            step,
            _why(trace, node, verdict),
            node.q,
            verdict.p if verdict else None,
            verdict.score if verdict else None,
            verdict.bar if verdict else None,
            _rank(node, verdict, call, known),
            verdict.choice[0] if verdict and verdict.outcome == "rejected" else -1,
        )

    twigs = [
        Twig(ROOT, ROOT, *place[ROOT], 0, (), "committed so far", "committed", 0, "row 0: the canvas before this round")
    ]
    twigs += [twig(node) for node in nodes]
    if free:
        edit = free[0][0]
        fills = tuple((e.pos, e.after) for e, _ in free)
        twigs.append(
            Twig(
                FREE,
                last,
                *place[FREE],
                -1,
                fills,
                words(fills),
                edit.why,
                len(accepted) + 1 if nodes else 0,
                f"{_author(nodes)}, p {theme.equals(edit.p)}",
                p=edit.p,
            )
        )
    rows = _rows(nodes, call)
    columns, cells, texts = _table(
        trace, canvas, rows, call, {node.id: t for node, t in zip(nodes, twigs[1:], strict=False)}, nodes
    )
    strip = _strip(trace, call, {fill: t.state for t in twigs[1:] if t.id >= 0 for fill in t.fills})
    depths = _depths(trace, nodes, verdicts, call, ground, free) if _deep(nodes, ground) else ()
    made = sum(isinstance(event, Forward) for event in trace.events[: max(at, view.start)])
    sentence, cost = _sentences(view, nodes, verdicts, free, call, route)
    if depths:
        sentence = _told(view.n, nodes, verdicts, ground)
    if at < view.stop:
        sentence = _beat(view, nodes, call, beat, made, sentence)
    return TreeInfo(
        at, view.n, tuple(twigs), rows, columns, cells, texts, sentence, cost, beat, made, route, strip, depths
    )


def _deep(nodes: list[Node], ground: list[tuple[int, int]]) -> bool:
    """Whether the drafts are a chain of states with rows of their own, and one state adds several positions to the one
    before, or the round filled in some before it drafted."""
    chained = all(node.parents == ((nodes[i - 1].id,) if i else ()) for i, node in enumerate(nodes))
    return (
        bool(nodes)
        and chained
        and all(node.row for node in nodes)
        and (bool(ground) or any(len(node.fills) > 1 for node in nodes))
    )


def _depths(trace: Trace, nodes, verdicts, call: Forward | None, ground, free) -> tuple[Depth, ...]:  # noqa: ANN001
    said = {(b.row, b.pos): b.top[0][0] for b in (call.beliefs if call else ()) if b.top}
    out, above = [Depth(ROOT, tuple((pos, theme.piece(trace, token), None) for pos, token in ground))], 0
    for node in nodes:
        tokens = []
        for pos, token in node.fills:
            other = said.get((above, pos)) if node.id in verdicts else None
            seen = None if other is None else "" if other == token else theme.piece(trace, other)
            tokens.append((pos, theme.piece(trace, token), seen))
        out.append(Depth(node.id, tuple(tokens)))
        above = node.row
    if free:
        kept = sum(v.outcome == "accepted" for v in verdicts.values())
        tokens = tuple((e.pos, theme.piece(trace, e.after), None) for e, _ in free)
        out.insert(1 + kept, Depth(FREE, tokens))
    return tuple(out)


def _told(n: int, nodes: list[Node], verdicts: dict[int, Verdict], ground: list[tuple[int, int]]) -> str:
    """A chain of drafts in words: how wide each depth is, and how deep the consistent ones reach."""
    deep, widths = len(nodes), [len(node.fills) for node in nodes]
    said = (
        f"Round {n} fills in {_many(len(ground), 'position')} without a draft (depth 0) and drafts "
        if ground
        else (f"Round {n} drafts ")
    )
    said += f"depth{'s 1 to' if deep > 1 else ''} {deep} (+{', +'.join(map(str, widths))})"
    if not verdicts:
        return f"{said}; nothing has judged them yet."
    kept = sum(v.outcome == "accepted" for v in verdicts.values())
    if not kept:
        return f"{said}. No depth is consistent: {_many(sum(widths), 'drafted token')} thrown away."
    end = f"{sum(widths[:kept])} of {_many(sum(widths), 'drafted token')} accepted"
    lost = sum(widths[kept:])
    return f"{said}. Depth {kept} is the deepest consistent draft: {end}{f', {lost} thrown away' if lost else ''}."


def _many(n: int, one: str) -> str:
    return f"{n} {one}{'s' * (n != 1)}"


def _route(trace: Trace, events) -> Route | None:  # noqa: ANN001
    """The round's decision whether to verify, and the bar that its number was held against."""
    found = next((e for e in events if isinstance(e, Decide) and e.what == "verify"), None)
    # Where nothing was drafted there was nothing to decide.
    if found is None or not found.about:
        return None
    facts, par = dict(found.because), trace.params
    rule = ""
    if "score" in facts and par.get("policy") == "score_hysteresis":
        rule = f"score {facts['score']:.2f}; on from {par.get('on', 0):g}, off below {par.get('off', 0):g}"
    elif "score" in facts and "tau_score" in par:
        rule = f"score {facts['score']:.2f} {'≥' if facts['score'] >= par['tau_score'] else '<'} {par['tau_score']:g}"
    elif "least" in facts:
        rule = f"{facts['span']:g} masks {'≥' if facts['span'] >= facts['least'] else '<'} {facts['least']:g}"
    return Route(found.choice, found.about, found.because, rule)


def _rank(node: Node, verdict: Verdict | None, call: Forward | None, known: dict[int, Node]) -> int | None:
    """The place of the node's token among the recorded tokens of the row that judged it."""
    if verdict is None or call is None or not node.fills:
        return None
    pos, token = node.fills[0]
    row = max(0, known[node.parents[-1]].row) if node.parents else 0
    for belief in call.beliefs:
        if belief.pos == pos and belief.row == row:
            tokens = [t for t, _ in belief.top]
            if token not in tokens:
                return 0
            rank = tokens.index(token)
            # Another row than the one that judged, or a reshaped distribution: its order would be a guess.
            return rank + 1 if abs(belief.top[rank][1] - verdict.p) < 0.01 else None
    return None


def _strip(trace: Trace, call: Forward | None, drafts: dict[tuple[int, int], str]) -> tuple[Fed, ...]:
    """A packed input, token by token."""
    out, before = [], dict[int, int]()
    for pos, token in call.fed if call else ():
        state = "masked" if token == trace.mask else drafts.get((pos, token), "")
        kind = "mask" if token == trace.mask else "draft" if state else "known"
        out.append(Fed(pos, theme.piece(trace, token), kind, before.get(pos, 0), state or "committed"))
        before[pos] = before.get(pos, 0) + 1
    return tuple(out)


def _author(nodes: list[Node]) -> str:
    """Where a token comes from that is no draft."""
    if not nodes:
        return "kept without a draft"
    return f"what {'the last accepted row' if nodes[0].row > 0 else 'the verifier'} fills in itself"


def _layout(graph: nx.DiGraph) -> dict[int, tuple[float, float]]:
    """Tidy: leaves side by side in the order of their ids, a parent over the middle of its children, levels by
    depth."""
    x: dict[int, float] = {}
    leaves = 0
    for node in nx.dfs_postorder_nodes(graph, ROOT):
        below = [x[child] for child in graph.successors(node)]
        if below:
            x[node] = sum(below) / len(below)
        else:
            x[node], leaves = leaves * LEAF_GAP, leaves + 1
    middle = x[ROOT]
    levels = {node: depth for depth, level in enumerate(nx.topological_generations(graph)) for node in level}
    return {node: (x[node] - middle, -float(levels[node])) for node in graph}


def _why(trace: Trace, node: Node, verdict: Verdict | None) -> str:
    """The rule and its numbers, as a sentence."""
    if verdict is None:
        return f"drafted with q {theme.equals(node.q)}; not judged yet"
    numbers = f"q {theme.equals(node.q)}, p {theme.equals(verdict.p)}"
    judge = "the row above" if node.row > 0 else "the verifier"
    if verdict.outcome == "accepted":
        if verdict.choice in node.fills:
            return f"accepted: {judge} makes the same choice ({numbers})"
        return f"accepted: {numbers}, score {verdict.score:.3g} ≥ bar {verdict.bar:.3g}"
    if verdict.outcome == "unreached":
        return f"not reached: a draft before it was rejected ({numbers})"
    pos, token = verdict.choice
    when = "first" if pos not in [where for where, _ in node.fills] else "instead"
    other = (
        f"{judge} fills position {pos} with ‘{theme.piece(trace, token)}’ {when}" if pos >= 0 else "score below the bar"
    )
    # A mere match is yes or no: its numbers say nothing more.
    matched = verdict.bar == 1 and verdict.score in (0, 1)
    score = "" if matched else f", score {theme.probability(verdict.score)} < bar {verdict.bar:.3g}"
    return f"rejected: {other} ({numbers}{score})"


def _rows(nodes: list[Node], call: Forward | None) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The fills of each batch row: those of its node and of all the node's ancestors."""
    known = {node.id: node for node in nodes}
    rows: dict[int, tuple[tuple[int, int], ...]] = {0: ()}
    for node in nodes:
        fills, at = list(node.fills), node
        while at.parents:
            at = known[at.parents[-1]]
            fills = [*at.fills, *fills]
        if node.row >= 0:
            rows[node.row] = tuple(fills)
    count = call.batch if call else max(rows) + 1
    return tuple(rows.get(r, ()) for r in range(count))


def _states(nodes: list[Node], twigs: dict[int, Twig]) -> dict[int, dict[tuple[int, int], str]]:
    """What became of the fills of each row: one fill may be accepted on one branch and never reached on another. Where
    several nodes share a row, the accepted one speaks for it."""
    known = {node.id: node for node in nodes}
    out: dict[int, dict[tuple[int, int], str]] = {}
    for node in sorted(nodes, key=lambda node: twigs[node.id].state == "accepted"):
        mine, at = out.setdefault(node.row, {}), node
        mine.update(dict.fromkeys(at.fills, twigs[at.id].state))
        while at.parents:
            at = known[at.parents[-1]]
            mine.update(dict.fromkeys(at.fills, twigs[at.id].state))
    return out


def _table(trace: Trace, canvas: list[int], rows, call: Forward | None, twigs: dict[int, Twig], nodes: list[Node]):  # noqa: ANN202
    """Columns, states and texts of the batch as sent; long canvases are cut to the positions from the first open one
    on."""
    start, length = (call.start, call.length) if call else (0, len(canvas))
    # A packed input has no column per position, and a table of it would not be what was sent.
    if call and call.fed or not (call or nodes):
        return (), (), ()
    # A growing canvas is shorter than what is sent: its drafts stand behind its end.
    stop = start + length
    canvas = [*canvas, *[-1] * (stop - len(canvas))]
    first = next((pos for pos in range(start, stop) if canvas[pos] == trace.mask), start)
    begin = max(start, min(first - 4, stop - MAX_COLUMNS)) if stop - start > MAX_COLUMNS else start
    columns = tuple(range(begin, min(stop, begin + MAX_COLUMNS)))
    states = _states(nodes, twigs)
    cells, texts = [], []
    for number, row in enumerate(rows):
        own, known = dict(row), states.get(number, {})
        line, words = [], []
        for pos in columns:
            if pos in own:
                line.append(known.get((pos, own[pos]), "drafted"))
                words.append(theme.piece(trace, own[pos]))
            else:
                line.append(
                    "prompt"
                    if pos < trace.prompt_len
                    else {trace.mask: "masked", -1: "absent"}.get(canvas[pos], "committed")
                )
                words.append("" if canvas[pos] == -1 else theme.piece(trace, canvas[pos]))
        cells.append(tuple(line))
        texts.append(tuple(words))
    return columns, tuple(cells), tuple(texts)


def _beat(view: RoundView, nodes, call: Forward | None, beat: int, calls: int, after: str) -> str:  # noqa: ANN001
    """What a round that is still going on has come to."""
    if beat == 1:
        n = len(nodes)
        return (
            f"Beat 1 of 3, draft: round {view.n} puts {n} draft{'s' * (n != 1)} forward; nothing has checked them yet."
        )
    if beat == 2 and call:
        what = f"all {call.batch} rows" if call.batch > 1 else f"all {call.length} tokens"
        return f"Beat 2 of 3, one forward pass: call {calls} reads {what} at once; no verdict yet."
    return f"Beat 3 of 3, verdicts: {after[0].lower()}{after[1:]}" if beat == 3 else after


def _sentences(view: RoundView, nodes, verdicts, free, call: Forward | None, route: Route | None) -> tuple[str, str]:  # noqa: ANN001
    cost = ""
    if call:
        gained = list(view.fates().values()).count("accepted") * bool(verdicts) + len(free)
        cost = f"{call.batch} row{'s' * (call.batch > 1)} × {call.length} positions = {call.cost} positions processed"
        if verdicts or not nodes:
            cost += f" for {gained} token{'s' * (gained != 1)}"
    if route and route.choice == "no":
        why = f": {route.rule}" if route.rule else ""
        kept = f"{len(free)} token{'s' * (len(free) != 1)} of the draft call {'are' if len(free) != 1 else 'is'} kept"
        return f"Round {view.n} skips the verification{why}. {kept} without a check.", cost
    if not nodes and call is None and free:
        are = "are" if len(free) != 1 else "is"
        return f"Round {view.n} makes no call: {_many(len(free), 'prediction')} of the last one {are} kept.", cost
    if not nodes:
        best = "the best is" if len(free) < 2 else f"{len(free)} of them are"
        return f"Round {view.n} checks no drafts: its call predicts every masked position, and {best} kept.", cost
    if not verdicts:
        return (
            f"Round {view.n} puts {len(nodes)} drafts forward; the call that checks them has not been judged yet.",
            cost,
        )
    kept = sum(v.outcome == "accepted" for v in verdicts.values())
    if _branches(nodes):
        rows = len({node.row for node in nodes if node.row > 0}) + 1
        return (
            f"Round {view.n} checks {_many(len(view.fates()), 'drafted token')} as a tree of {len(nodes)} nodes on "
            f"{rows} rows in one call and keeps a path of {kept}: {_way_out(nodes, verdicts)}.",
            cost,
        )
    stop = next((v for v in verdicts.values() if v.outcome == "rejected"), None)
    end = "none was turned down"
    if stop is not None:
        place = [node.id for node in nodes].index(stop.node) + 1
        end = f"draft {place} is the first that was turned down"
    return f"Round {view.n} checks {len(nodes)} drafts in one call and keeps {kept}: {end}.", cost


def _branches(nodes: list[Node]) -> bool:
    """Whether this is a tree with rows of its own and more than one way down."""
    parents = [node.parents for node in nodes]
    return max(map(len, parents)) <= 1 and len(set(parents)) < len(parents) and any(node.row > 0 for node in nodes)


def _way_out(nodes: list[Node], verdicts: dict[int, Verdict]) -> str:
    """Why the walk down a branching tree went no further."""
    last = next((node.id for node in reversed(nodes) if verdicts[node.id].outcome == "accepted"), None)
    below = [verdicts[node.id].outcome for node in nodes if node.parents == (() if last is None else (last,))]
    if "rejected" in below:
        return (
            f"the row at its end chose none of {len(below)} branches"
            if len(below) > 1
            else "the row at its end chose otherwise"
        )
    return "the text ends there" if below else "nothing hangs below its end"


def data(info: TreeInfo) -> dict[str, Any]:
    """What assets/lenses/tree.js draws. The table is sent as its root row and what each row has in its place."""
    if info.n < 0:
        return {"empty": info.sentence}
    own = ("drafted", "accepted", "rejected", "unreached")
    root = info.cells[0] if info.cells else ()
    return {
        "at": info.at,
        "n": info.n,
        "beat": info.beat,
        "calls": info.calls,
        "sentence": info.sentence,
        "cost": info.cost,
        "twigs": [t._asdict() for t in info.twigs],
        "sideways": _branching(info),
        "depths": [[d.id, [list(token) for token in d.tokens]] for d in info.depths],
        "route": info.route._asdict() if info.route else None,
        "strip": [list(fed) for fed in info.strip],
        "table": {
            "start": info.columns[0] if info.columns else 0,
            "root": [[state, text] for state, text in zip(root, info.texts[0] if info.texts else (), strict=True)],
            "rows": [
                [[pos, state, text] for pos, state, text in zip(info.columns, line, words, strict=True) if state in own]
                for line, words in zip(info.cells, info.texts, strict=True)
            ],
        },
    }


def _branching(info: TreeInfo) -> bool:
    """Whether two drafts hang below the same state; what is filled in without a draft is no branch."""
    parents = [t.parent for t in info.twigs if t.id >= 0]
    return len(set(parents)) < len(parents)


def plot(info: TreeInfo, dark: bool = False) -> go.Figure:
    """The tree, or the depths by their width, and below it the batch as a table."""
    wide = len(info.columns) > 0
    parents = {t.parent for t in info.twigs}
    leaves = sum(t.id not in parents for t in info.twigs)
    sideways = leaves > MAX_ABREAST and any(t.row > 0 for t in info.twigs)
    tree_px = 40 * leaves + 40 if sideways else 52 * (_depth(info) + 1) + 10
    if info.depths:
        tree_px = 40 * (len(_lines(info)) + 1)
    table_px = 26 * len(info.cells) if wide else 0
    name = "drafts: depth × spatial width" if info.depths else "verification tree"
    figure = make_subplots(
        rows=2 if wide else 1,
        row_heights=[tree_px, table_px] if wide else [1.0],
        vertical_spacing=110 / (tree_px + table_px + 110),
        subplot_titles=(name, "the batch as sent") if wide else (name,),
    )
    figure.update_layout(
        template=theme.template(dark), showlegend=False, height=tree_px + table_px + (250 if wide else 150)
    )
    if info.depths:
        _draw_depths(figure, info, dark)
    else:
        _draw_tree(figure, info, dark, sideways)
    if wide:
        _draw_table(figure, info, dark)
    figure.add_annotation(
        text=theme.literal(" · ".join(filter(None, (_routed(info.route), info.cost or info.sentence)))),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        yshift=44,
        xanchor="left",
        font={"color": theme.colour("muted", dark), "size": 13},
    )
    figure.update_annotations(selector={"text": name}, x=0, xanchor="left")
    figure.update_annotations(selector={"text": "the batch as sent"}, x=0, xanchor="left")
    figure.update_layout(margin={"t": 72, "l": 64, "b": 52})
    return figure


def _draw_tree(figure: go.Figure, info: TreeInfo, dark: bool, sideways: bool) -> None:
    # Where a node stands on the figure: a tree drawn from left to right has its levels across, its leaves down.
    places = {t.id: (-t.y, -t.x) if sideways else (t.x, t.y) for t in info.twigs}
    # One trace per look of a line and one for all nodes: plotly.py takes 3 ms for each trace.
    lines: dict[tuple[str, float, str], tuple[list[float | None], list[float | None]]] = {}
    for t in info.twigs[1:]:
        (up_x, up_y), (x, y) = places[t.parent], places[t.id]
        on_path = t.step > 0
        ink = (
            theme.state(t.state, dark).fill
            if on_path
            else theme.colour("few" if t.state == "unreached" else "muted", dark)
        )
        dash = "solid" if on_path or t.state == "rejected" else "dot"
        xs, ys = lines.setdefault((ink, 5 if on_path else 1.5, dash), ([], []))
        xs += [up_x, x, None]
        ys += [up_y, y, None]
    for (ink, width, dash), (xs, ys) in lines.items():
        line = {"color": ink, "width": width, "dash": dash}
        figure.add_scatter(x=xs, y=ys, mode="lines", hoverinfo="skip", line=line, row=1, col=1)
    texts, hover = [], []
    for t in info.twigs:
        row = f"row {t.row} · " if t.row >= 0 else ""
        told = row + t.label
        if sideways:
            # From left to right there is no room beside a node: above it stand the number of its row and its fill.
            told = "row 0" if t.id == ROOT else f"{t.row} · {t.label}" if t.row > 0 else t.label
        step = f"{t.step}. " if t.step else ""
        texts.append(f"{'' if sideways else '  '}{step}{theme.literal(told)}")
        hover.append(f"{theme.literal(row + t.label)}<br>{theme.literal(t.why)}")
    figure.add_scatter(
        x=[places[t.id][0] for t in info.twigs],
        y=[places[t.id][1] for t in info.twigs],
        mode="markers+text",
        text=texts,
        textposition="top center" if sideways else "middle right",
        textfont={"family": theme.MONO, "size": 10 if sideways else 12, "color": theme.colour("ink", dark)},
        marker={
            "size": 24,
            "color": [theme.state(t.state, dark).fill for t in info.twigs],
            "opacity": [0.55 if t.state == "unreached" else 1 for t in info.twigs],
            "line": {
                "color": [theme.colour("ring" if t.state == "drafted" else "muted", dark) for t in info.twigs],
                "width": 1.5,
            },
        },
        customdata=[[info.at, t.fills[0][0] if t.fills else None, t.id if t.id >= 0 else None] for t in info.twigs],
        hovertext=hover,
        hoverinfo="text",
        name="hypotheses",
        row=1,
        col=1,
    )
    _glyphs(figure, [(*places[t.id], t.state) for t in info.twigs], 13, dark, row=1)
    span, deep = max((abs(t.x) for t in info.twigs), default=0), _depth(info)
    branches = {"title": "branches", "showgrid": False, "showticklabels": False}
    levels = {
        "title": "drafts filled in",
        "showgrid": False,
        "tickvals": [i if sideways else -i for i in range(deep + 1)],
        "ticktext": [str(i) for i in range(deep + 1)],
    }
    if sideways:
        figure.update_xaxes(**levels, range=[-0.3, deep + 1], row=1, col=1)
        across = [y for _, y in places.values()]
        figure.update_yaxes(**branches, range=[min(across) - 1, max(across) + 1], row=1, col=1)
    else:
        figure.update_xaxes(**branches, range=[-span - 0.3, span + 1.9], row=1, col=1)
        figure.update_yaxes(**levels, dtick=1, range=[-deep - 0.6, 0.6], row=1, col=1)


def _lines(info: TreeInfo) -> list[tuple[int, str, tuple[tuple[int, str, str | None], ...]]]:
    """The lines of the figure from the top: (id of the depth, its name on its first line, tokens). The one behind the
    deepest consistent draft has no tokens: there a rule is drawn."""
    twigs = {t.id: t for t in info.twigs}
    out, deepest, number = list[tuple[int, str, tuple]](), -1, -1
    for depth in info.depths:
        number += depth.id != FREE
        row = twigs[depth.id].row
        name = "then" if depth.id == FREE else f"{number} · row {row}" if row >= 0 else str(number)
        for i in range(0, max(1, len(depth.tokens)), ABREAST):
            out.append((depth.id, name if not i else "", depth.tokens[i : i + ABREAST]))
        if depth.id in (ROOT, FREE) or twigs[depth.id].state == "accepted":
            deepest = len(out)
    if info.beat == 3:
        out.insert(deepest, (FREE, "", ()))
    return out


def _draw_depths(figure: go.Figure, info: TreeInfo, dark: bool) -> None:
    """A line per depth (more, where one is wider than `ABREAST`), in it a cell per position that the depth fills."""
    twigs, lines = {t.id: t for t in info.twigs}, _lines(info)
    states = {t.id: "unmasked" if t.id == ROOT else t.state for t in info.twigs}
    names = tuple(dict.fromkeys(states[id_] for id_, _, tokens in lines if tokens))
    scale = [[(i + d) / len(names), theme.state(name, dark).fill] for i, name in enumerate(names) for d in (0, 1)]
    spots = [(x, y, id_, *token) for y, (id_, _, tokens) in enumerate(lines) for x, token in enumerate(tokens, 1)]
    wide = max((x for x, *_ in spots), default=1)
    z = [[names.index(states[id_]) if x < len(tokens) else None for x in range(wide)] for id_, _, tokens in lines]
    figure.add_heatmap(
        x=list(range(1, wide + 1)),
        y=list(range(len(lines))),
        z=z,
        zmin=-0.5,
        zmax=len(names) - 0.5,
        colorscale=scale,
        showscale=False,
        xgap=4,
        ygap=6,
        hoverinfo="skip",
        row=1,
        col=1,
    )
    for name in names:
        mine = [spot for spot in spots if states[spot[2]] == name]
        # Of a rejected depth only what the row above fills in otherwise, where that is known.
        marks = ["" if name == "rejected" and said == "" else theme.GLYPHS[name] for *_, said in mine]
        figure.add_scatter(
            x=[spot[0] for spot in mine],
            y=[spot[1] for spot in mine],
            mode="text",
            text=[
                f"{mark} {pos}<br>{theme.literal(text if len(text) < 9 else text[:7] + '…')}".strip()
                for mark, (_, _, _, pos, text, _) in zip(marks, mine, strict=True)
            ],
            textfont={"family": theme.MONO, "size": 11, "color": theme.state(name, dark).text},
            customdata=[[info.at, pos, id_ if id_ >= 0 else None] for _, _, id_, pos, _, _ in mine],
            hovertext=[
                f"position {pos}: {theme.literal(text)}<br>"
                f"{theme.literal('filled in without a draft' if id_ == ROOT else twigs[id_].why)}"
                for _, _, id_, pos, text, _ in mine
            ],
            hoverinfo="text",
            name=name,
            row=1,
            col=1,
        )
    rule = next((y for y, (_, _, tokens) in enumerate(lines) if y and not tokens), None)
    if info.beat == 3 and rule is not None:
        kept = sum(t.state == "accepted" for t in info.twigs)
        lost = any(tokens for _, _, tokens in lines[rule + 1 :])
        figure.add_scatter(
            x=[0.55, ABREAST + 0.5],
            y=[rule, rule],
            mode="lines",
            line={"color": theme.state("accepted" if kept else "rejected", dark).fill, "width": 3},
            hoverinfo="skip",
            row=1,
            col=1,
        )
        said = f"✓ deepest consistent draft: depth {kept}" if kept else "✕ no depth is consistent"
        figure.add_scatter(
            x=[ABREAST + 0.5],
            y=[rule],
            mode="text",
            text=[said + (" · below: thrown away" if lost else "")],
            textposition="top left",
            textfont={"color": theme.colour("ink", dark), "size": 12},
            hoverinfo="skip",
            name="deepest",
            row=1,
            col=1,
        )
    figure.update_xaxes(
        title="positions that the depth fills in (spatial width)",
        range=[0.5, ABREAST + 0.6],
        dtick=1,
        showgrid=False,
        row=1,
        col=1,
    )
    figure.update_yaxes(
        title="depth",
        range=[len(lines) - 0.5, -0.5],
        tickvals=[y for y, (_, name, _) in enumerate(lines) if name],
        ticktext=[name for _, name, _ in lines if name],
        showgrid=False,
        row=1,
        col=1,
    )


def _draw_table(figure: go.Figure, info: TreeInfo, dark: bool) -> None:
    names = sorted({state for line in info.cells for state in line}, key=theme.STATES.index)
    code = {name: i for i, name in enumerate(names)}
    steps = max(1, len(names))
    scale = []
    for i, name in enumerate(names):
        fill = theme.state(name, dark).fill
        scale += [[i / steps, fill], [(i + 1) / steps, fill]]
    hover = [
        [
            f"row {r}, position {pos}: {theme.literal(text)}<br>{state}"
            for pos, text, state in zip(info.columns, texts, line, strict=True)
        ]
        for r, (texts, line) in enumerate(zip(info.texts, info.cells, strict=True))
    ]
    figure.add_heatmap(
        x=list(info.columns),
        y=list(range(len(info.cells))),
        z=[[code[s] for s in line] for line in info.cells],
        zmin=-0.5,
        zmax=steps - 0.5,
        colorscale=scale,
        showscale=False,
        xgap=1 if len(info.columns) <= 64 else 0.4,
        ygap=3,
        hovertext=hover,
        hoverinfo="text",
        customdata=[[[info.at, pos, None] for pos in info.columns] for _ in info.cells],
        row=2,
        col=1,
    )
    own = ("drafted", "accepted", "rejected", "unreached")
    marks = [
        (float(pos), float(r), s)
        for r, line in enumerate(info.cells)
        for pos, s in zip(info.columns, line, strict=True)
    ]
    _glyphs(figure, [mark for mark in marks if mark[2] in own], 11, dark, row=2)
    figure.update_xaxes(title="position on the canvas", showgrid=False, row=2, col=1)
    figure.update_yaxes(title="batch row", showgrid=False, dtick=1, range=[len(info.cells) - 0.5, -0.5], row=2, col=1)


def _glyphs(figure: go.Figure, spots: list[tuple[float, float, str]], size: int, dark: bool, row: int) -> None:
    """A text trace per state, not an annotation per spot: plotly.py takes time with the square of their number."""
    for state in dict.fromkeys(state for _, _, state in spots if theme.GLYPHS[state]):
        mine = [(x, y) for x, y, s in spots if s == state]
        figure.add_scatter(
            x=[x for x, _ in mine],
            y=[y for _, y in mine],
            text=[theme.GLYPHS[state]] * len(mine),
            mode="text",
            hoverinfo="skip",
            textfont={"color": theme.state(state, dark).text, "size": size},
            name=state,
            row=row,
            col=1,
        )


def _routed(route: Route | None) -> str:
    return f"◇ verify? {route.choice}{': ' * bool(route.rule)}{route.rule}" if route else ""


def _depth(info: TreeInfo) -> int:
    return int(-min((t.y for t in info.twigs), default=0))


VIEW = View(
    id="tree",
    title="Verification tree",
    question="Which hypotheses did one call check, and where did the walk stop?",
    needs=frozenset({"propose", "judge"}),
    info=info,
    plot=plot,
    order=30,
    medium="script",
    data=data,
)
