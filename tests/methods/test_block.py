"""Block diffusion is SDAR's: a schedule inside a block, three strategies, finished blocks in an exact cache."""

import pytest
from toys import hashed, prompt, tiny

from decoders.policies import shares, strategy
from decoders.run import run
from decoders.sampling import Guess
from decoders.trace import Commit, Decide

GUESSES = [Guess(pos, 1, p) for pos, p in enumerate((0.5, 0.9, 0.86, 0.2, 0.85))]


@pytest.mark.parametrize(
    "name, quota, chosen",
    [
        ("sequential", 2, [0, 1]),
        ("static", 2, [1, 2]),
        ("static", 3, [1, 2, 4]),
        ("dynamic", 1, [1, 2]),
        ("dynamic", 2, [1, 2]),
        ("dynamic", 3, [1, 2, 4]),
    ],
)
def test_sequential_is_leftmost_static_is_surest_and_dynamic_is_all_above_the_bar_or_the_share(name, quota, chosen):
    """0.85 itself is not above 0.85: two are, and with a share of three the surest three are filled instead."""
    assert sorted(g.pos for g in strategy(GUESSES, name, quota, 0.85)) == chosen


@pytest.mark.parametrize("size, steps, expected", [(16, 5, [4, 3, 3, 3, 3]), (7, 4, [2, 2, 2, 1]), (3, 8, [1, 1, 1])])
def test_the_steps_share_a_block_evenly_and_the_first_take_what_is_left_over(size, steps, expected):
    assert shares(size, steps) == expected


def written(trace) -> list[list[int]]:
    return [[e.pos for e in event.edits] for event in trace.events if isinstance(event, Commit)]


def test_with_one_position_a_step_and_the_static_strategy_it_is_stepwise_decoding():
    ours = run("block", tiny("qwen3-block"), prompt(9), strategy="static", max_new=15, block=8)
    theirs = run("stepwise", tiny("qwen3-block"), prompt(9), max_new=15, block=8)
    assert (ours.tokens, ours.calls) == (theirs.tokens, theirs.calls)


def test_sequential_fills_from_the_left():
    trace = run("block", tiny("qwen3-block"), prompt(9), strategy="sequential", max_new=15, block=8, early_stop=False)
    assert written(trace) == [[pos] for pos in range(9, 24)]


@pytest.mark.parametrize("steps, calls", [(1, 1), (2, 2), (4, 4), (8, 8)])
def test_a_block_takes_as_many_calls_as_it_has_steps(steps, calls):
    trace = run("block", tiny("qwen3-block"), prompt(8), strategy="static", steps=steps, max_new=8, block=8)
    assert sum(call.role == "denoise" for call in trace.forwards) == calls
    assert [len(w) for w in written(trace)] == [8 // steps] * steps


def test_a_share_larger_than_what_is_left_overwrites_nothing():
    """A prompt of 9 leaves 7 masks in its block of 8: shares of 3, 3 and 2 meet 7, 4 and 1."""
    trace = run("block", tiny("qwen3-block"), prompt(9), strategy="static", steps=3, max_new=7, block=8)
    assert [len(w) for w in written(trace)] == [3, 3, 1]
    assert sorted(sum(written(trace), [])) == list(range(9, 16))


def test_dynamic_fills_all_above_the_bar_and_the_decision_says_how_many():
    trace = run("block", hashed(1, attention="block", block=8, eos=0), [1, 2], threshold=0.6, max_new=14, block=8)
    for view in trace.rounds:
        (decide,), (commit,) = view.of(Decide), view.of(Commit)
        numbers = dict(decide.because)
        assert len(commit.edits) == int(decide.choice) == max(numbers["share"], numbers["above τ"])
        if numbers["above τ"] > 1:
            assert all(e.p > 0.6 for e in commit.edits)
    assert trace.calls < 14


def test_at_a_temperature_the_seed_decides_and_p_is_the_probability_of_the_drawn_token():
    model = hashed(3, attention="block", block=4, eos=0)
    runs = [run("block", model, [1], temperature=1.0, max_new=11, block=4, seed=seed) for seed in (0, 0, 1, 2)]
    assert runs[0].tokens == runs[1].tokens
    assert len({r.tokens for r in runs}) > 1
    greedy = run("block", model, [1], temperature=1.0, top_k=1, max_new=11, block=4, seed=5, strategy="sequential")
    assert {e.p for event in greedy.events if isinstance(event, Commit) for e in event.edits} == {1.0}
    plain = run("block", model, [1], max_new=11, block=4, strategy="sequential")
    assert greedy.tokens == plain.tokens
