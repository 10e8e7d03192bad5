"""Trees of drafts by hand: which states get a row, which nodes lead to them, and the way down that the rows choose."""

import pytest

from decoders.sampling import Guess
from decoders.trace import Node, Verdict
from decoders.trees import MAX_NODES, State, Tree, descend, grow

A, A2, B, B2, C, C2 = (
    Guess(1, 11, 0.9),
    Guess(1, 12, 0.05),
    Guess(2, 21, 0.6),
    Guess(2, 22, 0.3),
    Guess(3, 31, 0.5),
    Guess(3, 32, 0.4),
)


def one_by_one(state):
    """A chain: A, then B, then C."""
    return [A, B, C][len(state) : len(state) + 1]


def two_tokens(state):
    """The two best tokens of the next position."""
    return [[A, A2], [B, B2], [C, C2], ()][len(state)]


def two_positions(state):
    """One of the next two positions that are left."""
    return [draft for draft in (A, B, C) if draft not in state][:2]


def sets(tree: Tree) -> list[str]:
    return ["".join(sorted("ABC"[g.pos - 1] for g in row)) for row in tree.rows]


def test_a_chain_is_a_row_for_each_state_on_the_way():
    tree = grow(one_by_one, budget=16, full=9)
    assert tree.rows == [State(), State([A]), State([A, B]), State([A, B, C])]
    assert tree.nodes == (
        Node(0, ((1, 11),), 0.9, (), 1),
        Node(1, ((2, 21),), 0.6, (0,), 2),
        Node(2, ((3, 31),), 0.5, (1,), 3),
    )


def test_the_chain_comes_first_and_then_always_the_most_probable_state():
    """.9 * .3 = .27 for A B2, then .9 * .6 * .4 = .216 for A B C2, then .9 * .3 * .5 = .135 for A B2 C; A2 alone has
    .05 and comes after .108 for A B2 C2."""
    tree = grow(two_tokens, budget=8, full=9)
    assert tree.rows[:4] == [State(), State([A]), State([A, B]), State([A, B, C])]
    assert tree.rows[4:] == [State([A, B2]), State([A, B, C2]), State([A, B2, C]), State([A, B2, C2])]
    assert State([A2]) in grow(two_tokens, budget=9, full=9).rows


def test_nodes_name_their_parents_and_rows_in_depth_first_order():
    tree = grow(two_tokens, budget=6, full=9)
    assert [(node.fills[0], node.parents, node.row) for node in tree.nodes] == [
        ((1, 11), (), 1),
        ((2, 21), (0,), 2),
        ((3, 31), (1,), 3),
        ((3, 32), (1,), 5),
        ((2, 22), (0,), 4),
    ]


def test_two_orders_of_the_same_drafts_are_two_nodes_with_one_row():
    tree = grow(two_positions, budget=16, full=9)
    assert sets(tree) == ["", "A", "AB", "ABC", "B", "AC", "BC"]
    assert len(set(tree.rows)) == len(tree.rows), "no state is sent twice"
    ways = {}
    for node in tree.nodes:
        ways.setdefault(node.row, []).append(node.id)
    assert {row: len(ids) for row, ids in ways.items()} == {1: 1, 2: 2, 3: 4, 4: 1, 5: 1, 6: 1}
    assert [tree.nodes[i].parents for i in ways[2]] == [(0,), (tree.nodes[ways[2][1]].parents[0],)]


@pytest.mark.parametrize("budget", [1, 2, 3, 5, 7])
def test_there_are_never_more_rows_than_the_budget(budget):
    for options in (one_by_one, two_tokens, two_positions):
        tree = grow(options, budget=budget, full=9)
        assert len(tree.rows) == min(budget, 4 if options is one_by_one else 15)
        assert all(0 < node.row < budget for node in tree.nodes)


def test_a_state_without_masks_is_a_node_without_a_row():
    tree = grow(two_tokens, budget=16, full=2)
    assert [node.row for node in tree.nodes if len(node.parents) == 0] == [1, 2]
    assert {node.row for node in tree.nodes if node.parents} == {-1}
    assert len(tree.rows) == 3


def test_many_orders_of_few_states_are_cut_to_a_bounded_number_of_nodes_and_no_row_goes_unnamed():
    """Of five sure drafts nearly all 32 sets are rows, and they have 325 orders."""
    drafts = [Guess(i, i, 0.999 if i < 5 else 0.1) for i in range(8)]
    tree = grow(lambda state: [g for g in drafts if g not in state], budget=32, full=9)
    assert len(tree.nodes) == MAX_NODES == 128
    assert {0, *(node.row for node in tree.nodes)} == set(range(len(tree.rows)))
    assert [node.row for node in tree.nodes[:8]] == [1, 2, 3, 4, 5, 6, 7, 8], "the chain is whole"
    # Cut depth first, the root would have one child: all 128 ways would begin with draft 0.
    assert [node.fills[0][0] for node in tree.nodes if not node.parents] == [0, 1, 2, 3, 4]


def test_an_option_that_overtakes_better_ones_counts_for_less():
    """All tokens are as sure: without `skip` the states with fewer drafts come first, with it those near the chain."""
    drafts = [Guess(i, i, 0.9) for i in range(4)]
    options = lambda state: [g for g in drafts if g not in state]  # noqa: E731

    def rows(skip):
        return ["".join(str(g.pos) for g in sorted(row)) for row in grow(options, 9, full=9, skip=skip).rows]

    assert rows(1.0) == ["", "0", "01", "012", "0123", "1", "2", "3", "02"]
    assert rows(0.5) == ["", "0", "01", "012", "0123", "1", "02", "013", "2"]


def test_each_row_is_asked_about_its_own_children_once():
    tree = grow(two_positions, budget=16, full=9)
    asked = dict(zip(sets(tree), tree.questions(), strict=True))
    assert asked == {
        "": [(1, 11), (2, 21)],
        "A": [(2, 21), (3, 31)],
        "AB": [(3, 31)],
        "ABC": [],
        "B": [(1, 11), (3, 31)],
        "AC": [(2, 21)],
        "BC": [(1, 11)],
    }


def walk(options, said, over=()):
    tree = grow(options, budget=16, full=9)
    names = sets(tree)
    asked = [[0.5] * len(fills) for fills in tree.questions()]
    return descend(tree, [said.get(name, (9, 9)) for name in names], asked, [name in over for name in names])


def test_the_walk_takes_the_child_that_is_exactly_what_the_row_says():
    """B first, then A: that is the row of A and B, from which C is said."""
    way, verdicts = walk(two_positions, {"": (2, 21), "B": (1, 11), "AB": (3, 31)})
    assert [node.fills[0] for node in way] == [(2, 21), (1, 11), (3, 31)]
    assert [node.row for node in way] == [4, 2, 3]
    outcomes = {(v.node, v.outcome) for v in verdicts}
    assert (0, "rejected") in outcomes, "A was a child of the root, and the root said B"
    assert len([1 for _, outcome in outcomes if outcome == "accepted"]) == 3
    assert all(v.outcome == "unreached" for v in verdicts if (0,) == way[0].parents or v.node in range(1, way[0].id)), (
        "what hangs below A was never reached, though two of its rows are on the way"
    )


def test_the_right_token_at_another_position_and_another_token_at_the_right_one_are_no_match():
    assert walk(two_tokens, {"": (2, 11)})[0] == []
    assert walk(two_tokens, {"": (1, 13)})[0] == []
    assert [node.fills[0] for node in walk(two_tokens, {"": (1, 12)})[0]] == [(1, 12)]


def test_nothing_is_reached_below_a_state_whose_text_is_over():
    way, verdicts = walk(one_by_one, {"": (1, 11), "A": (2, 21), "AB": (3, 31)}, over=("A",))
    assert len(way) == 1
    assert verdicts == (
        Verdict(0, "accepted", 0.5, 1.0, 1.0, (1, 11)),
        Verdict(1, "unreached", 0.5, 0.0, 1.0, (2, 21)),
        Verdict(2, "unreached", 0.5, 0.0, 1.0, (3, 31)),
    )
