"""Guesses are the argmax and its softmax probability, ties go left, and all that a call says is read in one pass."""

import math

import pytest
import torch

from decoders import sampling
from decoders.models.base import Logits
from decoders.sampling import Guess, by_confidence, look
from decoders.trace import Forward

CALL = Forward("x", 4)


def rows(*probabilities, start=0, shift=0):
    return Logits(torch.tensor([[math.log(p) for p in row] for row in probabilities]), start, shift)


A = rows([0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.25, 0.5, 0.25], [0.34, 0.33, 0.33])
C = rows([0.12, 0.8, 0.08], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2])
B = rows([0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2])


def test_a_guess_is_the_best_token_with_its_softmax_probability():
    (guesses,) = look(CALL, [A], [[0, 1, 3]], top=0).guesses
    assert [(g.pos, g.token, round(g.p, 6)) for g in guesses] == [(0, 0, 0.7), (1, 2, 0.6), (3, 0, 0.34)]
    assert guesses[0].fill == (0, 0)


def test_guesses_come_in_the_order_asked_for_and_from_their_own_row():
    first, second = look(CALL, [A, B], [[2, 0], [1]], top=0).guesses
    assert [(g.pos, g.token, round(g.p, 6)) for g in first] == [(2, 1, 0.5), (0, 0, 0.7)]
    assert [(g.pos, g.token, round(g.p, 6)) for g in second] == [(1, 0, 0.9)]


def test_a_window_is_read_at_canvas_positions():
    window = rows([0.7, 0.2, 0.1], [0.1, 0.3, 0.6], start=10)
    (guesses,) = look(CALL, [window], [[11, 10]], top=0).guesses
    assert [(g.pos, g.token) for g in guesses] == [(11, 2), (10, 0)]
    shifted = rows([0.7, 0.2, 0.1], [0.1, 0.3, 0.6], start=10, shift=1)
    (guesses,) = look(CALL, [shifted], [[11, 12]], top=0).guesses
    assert [(g.pos, g.token) for g in guesses] == [(11, 0), (12, 2)]


def test_beliefs_are_the_best_tokens_with_row_and_entropy():
    seen = look(CALL, [A, C], [[0], [3, 0]], top=2)
    assert [(b.pos, b.row, b.top) for b in seen.call.beliefs] == [
        (0, 0, ((0, 0.7), (1, 0.2))),
        (3, 1, ((0, 0.5), (1, 0.3))),
        (0, 1, ((1, 0.8), (0, 0.12))),
    ]
    assert [b.entropy for b in seen.call.beliefs] == [0.8018, 1.0297, 0.635]
    assert CALL.beliefs == (), "the call that came in is left as it was"


def test_the_recorded_probabilities_of_the_whole_vocabulary_sum_to_one():
    seen = look(CALL, [A], [[0, 1, 2, 3]], top=8)
    assert [len(b.top) for b in seen.call.beliefs] == [3, 3, 3, 3]
    for belief in seen.call.beliefs:
        assert sum(p for _, p in belief.top) == pytest.approx(1, abs=2e-4)


def test_at_level_timing_nothing_is_recorded_and_the_guesses_are_the_same():
    bare, full = look(CALL, [A, B], [[0, 1], [3]], top=0), look(CALL, [A, B], [[0, 1], [3]], top=5)
    assert bare.call.beliefs == () and bare.guesses == full.guesses


@pytest.mark.parametrize("top", [0, 2])
def test_the_probability_of_tokens_asked_about_comes_from_their_row_and_position(top):
    seen = look(CALL, [A, B], [[0, 2], [1, 3]], top=top, ask=[[(2, 0), (0, 1)], [(3, 2)]])
    assert [[round(p, 6) for p in row] for row in seen.asked] == [[0.25, 0.2], [0.2]]


def test_nothing_asked_nothing_answered():
    assert look(CALL, [A], [[0]], top=0, ask=[[]]).asked == [[]]
    assert look(CALL, [A], [[0]], top=0).asked == []


@pytest.mark.parametrize("extra", [{}, {"top": 2}, {"top": 3, "most": 2, "ask": [[(0, 1)], []], "keep": True}])
def test_entropies_are_nats_of_the_whole_distribution_in_the_order_asked_for_and_not_rounded(extra):
    """-.7 ln .7 - .2 ln .2 - .1 ln .1 = .249672 + .321888 + .230259, and so on."""
    seen = look(CALL, [A, C], [[1, 0], [3]], **{"top": 0, "mask": 2, **extra}, entropies=True)
    assert [[round(h, 6) for h in row] for row in seen.entropies] == [[0.897946, 0.801819], [1.029653]]
    assert all(h != round(h, 6) for row in seen.entropies for h in row)
    plain = look(CALL, [A, C], [[1, 0], [3]], **{"top": 0, "mask": 2, **extra})
    assert plain.entropies == [] and plain[:4] == seen[:4], "and nothing else changes"


def test_confidences_closer_than_single_precision_keep_their_order():
    tight = Logits(torch.tensor([[20.0, 0.0], [21.0, 0.0]]), 0, 0)
    (guesses,) = look(CALL, [tight], [[0, 1]], top=0).guesses
    assert (
        float(torch.tensor(guesses[0].p, dtype=torch.float32))
        == float(torch.tensor(guesses[1].p, dtype=torch.float32))
        == 1.0
    )
    assert guesses[0].p < guesses[1].p < 1
    assert [g.pos for g in by_confidence(guesses)] == [1, 0]


def test_ties_go_to_the_smaller_position():
    guesses = [Guess(5, 0, 0.5), Guess(2, 1, 0.5), Guess(9, 2, 0.7), Guess(3, 3, 0.5)]
    assert [g.pos for g in by_confidence(guesses)] == [9, 2, 3, 5]


def test_gumbel_noise_is_exp_of_the_logit_over_minus_log_u_to_the_temperature():
    """Row 0: 0.7 / (-ln .1)^1 = .304, 0.2 / (-ln .9) = 1.898, 0.1 / (-ln .5) = .144, so token 1 is drawn; its p is
    the clean .2."""
    uniform = torch.tensor([[0.1, 0.9, 0.5]], dtype=torch.float64)
    (guesses,) = look(CALL, [A], [[0]], top=0, temperature=1.0, uniform=uniform).guesses
    assert [(g.token, round(g.p, 6)) for g in guesses] == [(1, 0.2)]
    cooler = look(CALL, [A], [[0]], top=0, temperature=0.3, uniform=uniform).guesses[0][0]
    assert cooler.token == 0, "at T = .3: .7 / 2.303^.3 = .545 against .2 / .105^.3 = .393"


def test_one_transfer_to_the_host_for_everything_a_call_says(monkeypatch):
    """A GPU step waits once: tolist of one tensor, whatever is recorded and asked."""
    count, original = [], torch.Tensor.tolist

    def counted(self):
        count.append(self.shape)
        return original(self)

    monkeypatch.setattr(sampling.torch.Tensor, "tolist", counted)
    look(CALL, [A, B], [[0, 1], [2]], top=3, ask=[[(0, 1)], [(2, 2)]], most=2, entropies=True, keep=True)
    assert len(count) == 1
