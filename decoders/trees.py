"""Trees of drafts: which hypothetical states one batched call looks at, and the way down that its rows choose.

A state is a set of drafts filled in on top of the canvas. Every row of the call is one state, and no two rows are the
same one. A node is one way to get to a state: what is filled in last, on top of what its parent fills in. Two orders of
the same drafts are two nodes with one row (the states are a DAG, the nodes its paths), so that a walk which has judged
one order never needs a verdict about the other.
"""

from collections.abc import Callable, Collection, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from decoders.drafts import Fill
from decoders.sampling import Guess
from decoders.trace import Node, Verdict

State = frozenset[Guess]
Options = Callable[[State], Sequence[Guess]]
"""From a state to the drafts that may be filled in next, the likeliest first."""

ROOT = -1
MAX_NODES = 128
"""Of many rows that differ in order alone there are many more ways; the least probable ones are left out, and a walk
that comes there ends early, with its row's own choice."""


class Tree(NamedTuple):
    """`rows[r]` is the state of row r, row 0 the canvas as it is; `nodes` have their parents before them."""

    rows: list[State]
    nodes: tuple[Node, ...]

    def row_above(self, node: Node) -> int:
        """The row whose choice decides about a node: its parent's, or the canvas's own."""
        return self.nodes[node.parents[0]].row if node.parents else 0

    def questions(self) -> list[list[Fill]]:
        """For each row, the fills whose probability it is asked for: those of the nodes it decides about."""
        asked: list[dict[Fill, None]] = [{} for _ in self.rows]
        for node in self.nodes:
            asked[self.row_above(node)][node.fills[0]] = None
        return [list(fills) for fills in asked]


def grow(options: Options, budget: int, full: int, skip: float = 1.0) -> Tree:
    """The chain of first options, then always the state whose tokens are most probable together, until there are
    `budget` rows; each option that is passed over to take a later one counts as a factor `skip`. A state of `full`
    drafts has no mask left: nothing can be asked there, so it is a node without a row."""
    rows, reached, found = list[State](), set[State](), 0
    queue: list[tuple[bool, float, int, State]] = [(False, -1.0, 0, State())]
    while queue and len(rows) < budget:
        aside, p, _, state = heappop(queue)
        if state in reached:
            continue
        reached.add(state)
        if len(state) < full:
            rows.append(state)
        for i, draft in enumerate(options(state)):
            found += 1
            heappush(queue, (aside or i > 0, p * draft.p * skip**i, found, state | {draft}))

    ways = _ways(options, reached, skip)
    named = {State(), *(state for _, _, state in ways)}
    rows = [state for state in rows if state in named]
    at = {state: row for row, state in enumerate(rows)}
    nodes = [
        Node(i, (draft.fill,), round(draft.p, 6), parents, at.get(state, -1))
        for i, (draft, parents, state) in enumerate(ways)
    ]
    return Tree(rows, tuple(nodes))


def _ways(options: Options, reached: Collection[State], skip: float) -> list[tuple[Guess, tuple[int, ...], State]]:
    """The ways to states that were reached, depth first: what is filled in last, the number of the way it goes on from
    (none: from the root), and the state. Of more than `MAX_NODES` the chain and the most probable ones stay."""
    queue: list[tuple[bool, float, int, tuple[Guess, ...]]] = [(False, -1.0, 0, ())]
    best, found = set[tuple[Guess, ...]](), 0
    while queue and len(best) <= MAX_NODES:  # the root is one of them
        aside, p, _, way = heappop(queue)
        best.add(way)
        for i, draft in enumerate(options(State(way))):
            if State(way) | {draft} in reached:
                found += 1
                heappush(queue, (aside or i > 0, p * draft.p * skip**i, found, (*way, draft)))

    ways: list[tuple[Guess, tuple[int, ...], State]] = []

    def below(way: tuple[Guess, ...], parents: tuple[int, ...]) -> None:
        for draft in options(State(way)):
            if (*way, draft) in best:
                ways.append((draft, parents, State(way) | {draft}))
                below((*way, draft), (len(ways) - 1,))

    below((), ())
    return ways


def descend(
    tree: Tree, said: Sequence[Fill], asked: Sequence[Sequence[float]], over: Sequence[bool]
) -> tuple[list[Node], tuple[Verdict, ...]]:
    """From the root always to the child that is exactly what its row says, until none is: the nodes on that way, and a
    verdict for each node. `asked[r]` answers `tree.questions()[r]`; below a row whose text is `over`
    nothing is reached."""
    way, verdicts, on = list[Node](), list[Verdict](), {ROOT}
    p = [dict(zip(fills, ps, strict=True)) for fills, ps in zip(tree.questions(), asked, strict=True)]
    for node in tree.nodes:
        row, fill = tree.row_above(node), node.fills[0]
        reached = (node.parents or (ROOT,))[0] in on and not over[row]
        keep = reached and said[row] == fill
        outcome = "accepted" if keep else "rejected" if reached else "unreached"
        verdicts.append(Verdict(node.id, outcome, round(p[row][fill], 6), float(keep), 1.0, said[row]))
        if keep:
            on.add(node.id)
            way.append(node)
    return way, tuple(verdicts)
