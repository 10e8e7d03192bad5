"""The walk along a chain of drafts, by hand: what is kept, what is rejected, and what nobody looked at."""

from decoders.drafts import chain, walk
from decoders.sampling import Guess
from decoders.trace import Node, Verdict

FILLS = [(4, 7), (5, 8), (6, 9)]


def outcomes(verdicts) -> list[str]:
    return [v.outcome for v in verdicts]


def test_the_walk_stops_at_the_first_draft_that_is_not_what_the_verifier_says():
    """The third draft agrees, but it stands on one that does not: its agreement counts for nothing."""
    kept, verdicts = walk(FILLS, [(4, 7), (5, 1), (6, 9)], [0.9, 0.2, 0.12345678])
    assert kept == 1
    assert verdicts == (
        Verdict(0, "accepted", 0.9, 1.0, 1.0, (4, 7)),
        Verdict(1, "rejected", 0.2, 0.0, 1.0, (5, 1)),
        Verdict(2, "unreached", 0.123457, 0.0, 1.0, (6, 9)),
    )


def test_the_same_token_at_another_position_is_another_choice():
    assert walk([(4, 7)], [(5, 7)], [0.5])[0] == 0


def test_more_may_be_said_than_was_drafted():
    """A verifier also says what would follow the last draft."""
    kept, verdicts = walk(FILLS, [*FILLS, (7, 1)], [0.5, 0.5, 0.5])
    assert kept == 3 and outcomes(verdicts) == ["accepted"] * 3


def test_a_walk_that_may_not_go_on_rejects_nothing():
    kept, verdicts = walk(FILLS, FILLS, [0.5, 0.5, 0.5], reach=1)
    assert kept == 1 and outcomes(verdicts) == ["accepted", "unreached", "unreached"]
    assert [v.score for v in verdicts] == [1.0, 0.0, 0.0]
    assert outcomes(walk(FILLS, FILLS, [0.5, 0.5, 0.5], reach=0)[1]) == ["unreached"] * 3


def test_scores_and_bars_replace_the_comparison_and_are_kept_for_drafts_behind_the_walk_too():
    """The first draft is not what the verifier would say, and is kept: its score reaches its bar exactly."""
    kept, verdicts = walk(
        FILLS, [(4, 1), (5, 8), (6, 9)], [0.3, 0.2, 0.1], scores=[0.5, 0.2, 1.0], bars=[0.5, 0.3, 0.1]
    )
    assert kept == 1
    assert [(v.outcome, v.score, v.bar, v.choice) for v in verdicts] == [
        ("accepted", 0.5, 0.5, (4, 1)),
        ("rejected", 0.2, 0.3, (5, 8)),
        ("unreached", 1.0, 0.1, (6, 9)),
    ]


def test_a_chain_without_drafts_is_no_walk():
    assert walk([], [(4, 7)], []) == (0, ())


def test_a_draft_is_checked_by_the_row_of_its_state_or_by_none():
    drafts = [[Guess(4, 7, 0.9)], [Guess(5, 8, 0.5), Guess(6, 9, 0.25)]]
    assert chain(drafts, 2) == (Node(0, ((4, 7),), 0.9, (), 1), Node(1, ((5, 8), (6, 9)), 0.25, (0,), -1))
