"""LocalLeap: what is sure is an anchor, and only near an anchor is less confidence enough."""

import pytest
from toys import prompt, tiny

from decoders.policies import confident, local_leap
from decoders.run import run
from decoders.sampling import Guess, by_confidence
from decoders.trace import Commit, Decide


def order(*confidences: float) -> list[Guess]:
    return by_confidence([Guess(pos, 1, p) for pos, p in enumerate(confidences)])


def positions(guesses: list[Guess]) -> list[int]:
    return sorted(g.pos for g in guesses)


@pytest.mark.parametrize(
    "radius, filled", [(0, [1]), (1, [0, 1]), (2, [0, 1, 3]), (4, [0, 1, 3, 5]), (9, [0, 1, 3, 5, 6])]
)
def test_within_the_radius_of_an_anchor_the_relaxed_bar_counts_and_elsewhere_the_strict_one(radius, filled):
    #                 0    1     2    3    4    5     6
    guesses = order(0.8, 0.95, 0.7, 0.8, 0.5, 0.75, 0.89)
    assert positions(local_leap(guesses, 0.9, 0.75, radius)) == filled


def test_a_position_that_is_no_anchor_itself_does_not_spread():
    # 2 is near the anchor 0, 4 is near 2 only.
    assert positions(local_leap(order(0.95, 0.1, 0.8, 0.1, 0.8), 0.9, 0.75, 2)) == [0, 2]


def test_without_an_anchor_only_the_best_is_filled():
    assert positions(local_leap(order(0.8, 0.85, 0.8), 0.9, 0.75, 4)) == [1]
    assert positions(confident(order(0.8, 0.85, 0.8), 0.9)) == [1]


def test_the_values_of_the_bars_themselves_pass():
    assert positions(local_leap(order(0.9, 0.75), 0.9, 0.75, 1)) == [0, 1]
    assert positions(confident(order(0.9, 0.95, 0.2), 0.9)) == [0, 1]


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block"])
def test_with_equal_bars_it_is_the_confidence_threshold(kind):
    ours = run("localleap", tiny(kind), prompt(9), threshold=0.05, relaxed=0.05, max_new=12, block=8)
    theirs = run("threshold", tiny(kind), prompt(9), threshold=0.05, max_new=12, block=8)
    assert [e for e in ours.events if isinstance(e, Commit)] == [e for e in theirs.events if isinstance(e, Commit)]
    assert ours.calls == theirs.calls < 12


def test_the_decision_names_the_anchors():
    trace = run("localleap", tiny("llama-full"), prompt(9), threshold=0.05, relaxed=0.0, radius=1, max_new=8, block=8)
    first = next(e for e in trace.events if isinstance(e, Decide))
    written = next(e for e in trace.events if isinstance(e, Commit))
    sure = [e.pos for e in written.edits if e.p >= 0.05]
    assert list(first.about) == sorted(sure)
    assert dict(first.because)["near them"] == len(written.edits) - len(sure)
    assert all(any(abs(e.pos - pos) <= 1 for pos in sure) for e in written.edits)
