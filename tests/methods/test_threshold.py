"""Confidence-aware parallel decoding is Fast-dLLM's: everything above the bar and at least the best one, and a factor
rule whose bar falls with the number kept."""

import pytest
import torch
from toys import LETTERS, hashed, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.methods.threshold import METHOD, Threshold, passing
from decoders.run import run
from decoders.trace import Commit, Decide

CONFIDENCES = [0.99, 0.99, 0.96, 0.90, 0.87, 0.83, 0.51, 0.18, 0.10]


@pytest.mark.parametrize(
    "tau, kept", [(0.0, 9), (0.1, 9), (0.5, 7), (0.87, 5), (0.9, 4), (0.95, 3), (0.99, 2), (1.0, 1)]
)
def test_the_threshold_keeps_all_that_reach_it_and_at_least_the_best(tau, kept):
    assert passing(CONFIDENCES, Threshold(threshold=tau)) == kept


@pytest.mark.parametrize("factor, kept", [(0.1, 2), (0.5, 4), (1.0, 5), (1.5, 6), (4.0, 7)])
def test_the_factor_rule_keeps_the_largest_n_whose_bar_is_met(factor, kept):
    """The n-th best needs 1 - f / (n + 1): with f = 1, 0.87 passes as the fifth (0.8333) and 0.83 misses as the sixth
    (0.857)."""
    assert passing(CONFIDENCES, Threshold(rule="factor", factor=factor)) == kept


@pytest.mark.parametrize("rule", ["threshold", "factor"])
def test_the_best_one_is_kept_however_unsure(rule):
    assert passing([0.01, 0.01, 0.005], Threshold(rule=rule, threshold=0.9, factor=0.05)) == 1
    assert passing([0.01], Threshold(rule=rule, threshold=0.9, factor=0.05)) == 1


def test_the_bar_of_the_second_best_is_one_minus_f_over_three():
    third = 1 - 0.6 / 3
    assert passing([0.9, third + 1e-9, 0.1], Threshold(rule="factor", factor=0.6)) == 2
    assert passing([0.9, third - 1e-9, 0.1], Threshold(rule="factor", factor=0.6)) == 1


def play(script, *, block, **knobs):
    model = scripted(script)
    canvas = Canvas(spell("X"), len(next(iter(script))) - 1, block=block, mask=9, eos=(), origin=1)
    events = list(METHOD.decode({"model": model}, canvas, Threshold(block=block, **knobs), torch.Generator("cpu")))
    written = [[f"{LETTERS[e.after]}@{e.pos}" for e in event.edits] for event in events if isinstance(event, Commit)]
    return written, events, canvas


def test_all_that_pass_are_filled_at_once_but_only_inside_the_block():
    script = {
        "XMMMMM": "A@1 .5, B@2 .95, C@3 .92, D@4 .99, E@5 .98",
        "XMBCMM": "F@1 .4",
        "XFBCMM": "D@4 .99, E@5 .98",
    }
    written, events, canvas = play(script, block=3, threshold=0.9)
    assert written == [["B@2", "C@3"], ["F@1"], ["D@4", "E@5"]]
    assert "".join(LETTERS[t] for t in canvas.ids) == "XFBCDE"
    assert canvas.finished == "length"


def test_the_decision_carries_the_rule_the_bar_and_the_numbers():
    _, events, _ = play({"XMM": "A@1 .95, B@2 .5", "XAM": "B@2 .6"}, block=2, threshold=0.9)
    first = next(event for event in events if isinstance(event, Decide))
    assert (first.what, first.choice) == ("how many", "1")
    assert first.because == (("threshold", 0.9), ("masked", 2), ("best", 0.95), ("kept least", 0.95))
    _, events, _ = play({"XMM": "A@1 .95, B@2 .6"}, block=2, rule="factor", factor=1.5)
    first = next(event for event in events if isinstance(event, Decide))
    assert (first.choice, first.because) == ("2", (("factor", 1.5), ("masked", 2), ("best", 0.95), ("kept least", 0.6)))


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
def test_a_threshold_of_one_is_stepwise_decoding(kind):
    ours = run("threshold", tiny(kind), prompt(9), threshold=1.0, max_new=12, block=8)
    theirs = run("stepwise", tiny(kind), prompt(9), max_new=12, block=8)
    assert ours.tokens == theirs.tokens and ours.calls == theirs.calls
    assert [e for e in ours.events if isinstance(e, Commit)] == [e for e in theirs.events if isinstance(e, Commit)]
    assert max(e.p for event in ours.events if isinstance(event, Commit) for e in event.edits) < 1


def test_a_threshold_of_zero_fills_a_block_per_call():
    trace = run("threshold", tiny("llama-full"), prompt(3), threshold=0.0, max_new=20, block=8, early_stop=False)
    assert [len(e.edits) for e in trace.events if isinstance(e, Commit)] == [8, 8, 4]
    assert trace.calls == 3 and trace.tokens_per_call == pytest.approx(20 / 3)


def test_a_lower_bar_never_costs_more_calls_on_a_model_that_does_not_change_its_mind():
    calls = [
        run("threshold", hashed(1, sway=0.0, eos=0), [1], threshold=tau, max_new=16, block=8).calls
        for tau in (1.0, 0.8, 0.6, 0.4, 0.2)
    ]
    assert calls == sorted(calls, reverse=True) and calls[0] == 16 and calls[-1] < 8
