"""The walk along a chain of drafts, by hand: what is kept, what is rejected, and what nobody looked at."""

import pytest
import torch

from decoders.drafts import chain, judge, walk
from decoders.sampling import Guess, Seen
from decoders.trace import Forward, Node, Verdict

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


class Dice:
    """One uniform number for every draft, and the tokens drawn; keeps what they were drawn from."""

    def __init__(self, u: float, token: int):
        self.u, self.token, self.asked = u, token, list[list[float]]()

    def uniform(self, n, dtype=None):
        return torch.full((n,), self.u, dtype=dtype)

    def tokens(self, probs):
        self.asked.append(probs[0].tolist())
        return [self.token]


ROWS = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]], dtype=torch.float64)
SAID = Seen([[Guess(4, 0, 0.7), Guess(5, 0, 0.5)]], [[0.7]], Forward("verify", 2), (), ROWS)


@pytest.mark.parametrize("u, token, written", [(0.69, 1, [(4, 0), (5, 1)]), (0.7, 2, [(4, 2)]), (0.99, 1, [(4, 1)])])
def test_a_draft_that_was_not_drawn_is_accepted_with_the_targets_probability_of_it_or_replaced_by_another(
    u, token, written
):
    dice = Dice(u, token)
    (verdict,), guesses = judge([Guess(4, 0, 0.3)], None, SAID, 1.0, -1, dice)
    assert (verdict.outcome == "accepted") == (u < 0.7) and verdict.score == pytest.approx(0.7)
    assert [g.fill for g in guesses] == written
    assert dice.asked == [pytest.approx([0.5, 0.25, 0.25] if u < 0.7 else [0.0, 0.2, 0.1])]
