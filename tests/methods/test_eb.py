"""EB-Sampler spends a budget of entropy: in order of an error proxy, the largest prefix with sum(H) - max(H) <= gamma
(arXiv:2505.24857)."""

import math

import pytest
import torch
from toys import Toy, hashed, prompt, tiny

from decoders.canvas import Canvas
from decoders.methods.eb import EB, METHOD, bounds
from decoders.run import run
from decoders.trace import Commit, Decide

MASK = 4


def says(rows: dict[int, list[float]]) -> Toy:
    """A model that says the same about a position whatever the others hold; the mask (token 4) gets what is left."""

    def score(pos: int, seen: tuple[tuple[int, int], ...]) -> list[float]:
        row = rows.get(pos, [0.25] * 4)
        return [math.log(p) if p > 1e-9 else -math.inf for p in (*row, 1 - sum(row))]

    return Toy(score, vocab=5, mask=MASK)


def play(rows, **knobs):
    canvas = Canvas([0], len(rows), block=8, mask=MASK, eos=(), origin=1)
    events = list(METHOD.decode({"model": says(rows)}, canvas, EB(**knobs), torch.Generator("cpu")))
    filled = [[e.pos for e in event.edits] for event in events if isinstance(event, Commit)]
    return filled, [event for event in events if isinstance(event, Decide)]


@pytest.mark.parametrize("entropies, bound", [
    ([0.1, 0.3, 0.2, 0.5], [0, 0.1, 0.3, 0.6]),
    ([0.5, 0.2, 0.3, 0.1], [0, 0.2, 0.5, 0.6]),
    ([2.0, 2.0], [0, 2.0]),
    ([3.0], [0]),
])  # fmt: skip
def test_the_bound_is_the_sum_of_all_entropies_but_the_largest(entropies, bound):
    assert bounds(entropies) == pytest.approx(bound, abs=1e-12)
    assert bounds(entropies)[0] == 0, "exactly: one position alone is always allowed"


# confidence  .5    .4    .6    so 3 1 2
# entropy    .6931 1.3322 1.1122 so 1 3 2
# margin      0     .2    .46   so 3 2 1
THREE = {1: [0.5, 0.5, 0, 0], 2: [0.4, 0.2, 0.2, 0.2], 3: [0.6, 0.14, 0.13, 0.13]}


@pytest.mark.parametrize("order, gamma, filled", [
    # bounds of the prefixes: 0, .6931, 1.8054
    ("confidence", 0.69, [[3], [1], [2]]),
    ("confidence", 0.7, [[3, 1], [2]]),
    ("confidence", 1.81, [[3, 1, 2]]),
    # 0, .6931, 1.8054
    ("entropy", 0.69, [[1], [3], [2]]),
    ("entropy", 0.7, [[1, 3], [2]]),
    ("entropy", 1.8, [[1, 3], [2]]),
    # 0, 1.1122, 1.8054; once 3 is filled: 0, .6931
    ("margin", 0.69, [[3], [2], [1]]),
    ("margin", 0.7, [[3], [2, 1]]),
    ("margin", 1.12, [[3, 2], [1]]),
    ("margin", 1.81, [[3, 2, 1]]),
])  # fmt: skip
def test_the_largest_prefix_within_gamma_is_filled_in_the_order_of_the_proxy(order, gamma, filled):
    assert play(THREE, order=order, gamma=gamma)[0] == filled


def test_ties_go_to_the_smaller_position_in_every_order():
    same = {pos: [0.7, 0.1, 0.1, 0.1] for pos in (1, 2, 3)}
    for order in ("confidence", "entropy", "margin"):
        assert play(same, order=order, gamma=0.95)[0] == [[1, 2], [3]]  # H = .9404 each


def test_the_margin_is_between_tokens_that_can_be_filled_in():
    """At 1 the mask is the best of all (.5): the margin is .3 - .2, less than .26 - .1 at 2."""
    rows = {1: [0.3, 0.2, 0, 0], 2: [0.26, 0.1, 0.08, 0.06]}
    assert play(rows, order="margin", gamma=0.0)[0] == [[2], [1]]
    assert play(rows, order="confidence", gamma=0.0)[0] == [[1], [2]]


def test_what_is_certain_costs_nothing():
    certain = {1: [1, 0, 0, 0], 2: [0, 1, 0, 0], 3: [0.5, 0.5, 0, 0], 4: [0, 0, 1, 0]}
    assert play(certain, gamma=0.0)[0] == [[1, 2, 4, 3]], "and one uncertain position comes free, as the largest"
    two = {**certain, 5: [0.5, 0.5, 0, 0]}
    assert play(two, gamma=0.0)[0] == [[1, 2, 4, 3], [5]]


def test_the_decision_says_how_far_the_budget_went():
    _, (first, last) = play(THREE, gamma=0.7)
    assert (first.what, first.choice) == ("how many", "2")
    assert first.because == (("gamma", 0.7), ("masked", 3), ("bound", 0.6931), ("with one more", 1.8054))
    assert (last.choice, last.because) == ("1", (("gamma", 0.7), ("masked", 1), ("bound", 0.0)))


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
def test_without_a_budget_it_is_stepwise_decoding(kind):
    ours = run("eb", tiny(kind), prompt(9), gamma=0.0, max_new=12, block=8)
    theirs = run("stepwise", tiny(kind), prompt(9), max_new=12, block=8)
    assert ours.tokens == theirs.tokens and ours.calls == theirs.calls
    assert [e for e in ours.events if isinstance(e, Commit)] == [e for e in theirs.events if isinstance(e, Commit)]


def test_a_larger_budget_never_costs_more_calls_on_a_model_that_does_not_change_its_mind():
    model = hashed(1, sway=0.0, eos=0)
    for order in ("confidence", "entropy", "margin"):
        calls = [
            run("eb", model, [1], gamma=g, order=order, max_new=16, block=8).calls for g in (0, 0.5, 1.0, 2.0, 4.0)
        ]
        assert calls == sorted(calls, reverse=True) and calls[0] == 16 and calls[-1] < 8


@pytest.mark.parametrize("order", ["confidence", "entropy", "margin"])
def test_what_is_recorded_changes_nothing(order):
    how = {"gamma": 0.8, "order": order, "max_new": 16, "block": 8}
    runs = [run("eb", hashed(2, eos=0), [1, 2], level=level, **how) for level in ("timing", "full")]
    first, second = ([e for e in trace.events if isinstance(e, Commit | Decide)] for trace in runs)
    assert first == second and 4 < runs[0].calls < 16


def test_a_call_waits_for_the_device_once(monkeypatch):
    count, original = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: count.append(1) or original(self))
    trace = run("eb", tiny("llama-full"), prompt(5), gamma=1.0, order="margin", max_new=12, block=8)
    assert len(count) == trace.calls > 0


def test_the_default_budget_is_a_tenth_of_a_nat_by_confidence():
    assert (EB().gamma, EB().order) == (0.1, "confidence")
