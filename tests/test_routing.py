"""S2D2's routing: the estimators' formulas, E[K] as a sum of running products, a state with memory, a bandit."""

import math

import pytest
import torch

from decoders.routing import Bandit, Hysteresis, acceptance, entropies, expected_length

# Two of four tokens share the mass of the first row evenly; the second row is certain; the third uniform.
PROBS = torch.tensor(
    [[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.7, 0.3, 0.0, 0.0]], dtype=torch.float64
)
BEST = PROBS.max(-1).values


def test_the_entropy_is_normalised_by_the_logarithm_of_the_vocabulary():
    assert entropies(PROBS)[:3].tolist() == pytest.approx([0.5, 0.0, 1.0])


@pytest.mark.parametrize(
    "name, knob, alpha",
    [
        ("soft_entropy_negexp", 1.0, [math.exp(-0.5), 1.0, math.exp(-1.0)]),
        ("soft_entropy_negexp", 2.0, [math.exp(-1.0), 1.0, math.exp(-2.0)]),
        ("soft_confidence_power", 2.0, [0.25, 1.0, 0.0625]),
        ("soft_renyi_2_entropy", 1.0, [0.5, 1.0, 0.25]),
        ("soft_clipped_linear_margin", 1.0, [0.0, 1.0, 0.0, 0.4]),
        ("soft_clipped_linear_margin", 4.0, [0.0, 1.0, 0.0, 1.0]),
        ("hard_margin_threshold", 0.39, [0.0, 1.0, 0.0, 1.0]),
        ("hard_margin_threshold", 0.41, [0.0, 1.0, 0.0, 0.0]),
        ("hard_entropy_threshold", 0.6, [1.0, 1.0, 0.0]),
        ("hard_entropy_threshold", 0.4, [0.0, 1.0, 0.0]),
    ],
)
def test_an_estimator_is_its_formula(name, knob, alpha):
    assert acceptance(name, PROBS, BEST, knob)[: len(alpha)].tolist() == pytest.approx(alpha)


@pytest.mark.parametrize(
    "alpha, expected",
    [([], 0.0), ([1.0, 1.0, 1.0], 3.0), ([0.5, 0.5], 0.75), ([0.0, 1.0, 1.0], 0.0), ([0.9, 0.0], 0.9)],
)
def test_the_expected_length_is_the_sum_of_the_running_products(alpha, expected):
    assert expected_length(alpha) == pytest.approx(expected)


def test_hysteresis_starts_off_goes_on_above_on_and_off_below_off():
    state = Hysteresis(on=1.0, off=-1.0)
    assert [state.decide(s) for s in (0.5, 1.0, 1.1, 0.0, -1.0, -1.1, 0.5, 2.0)] == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "span, filled, entropy, bucket",
    [(1, 7, 0.9, 3), (2, 6, 0.6, 3), (3, 5, 0.4, 2), (5, 3, 0.1, 4), (6, 2, 0.7, 5), (8, 0, 1.0, 5), (8, 8, 1.0, 7)],
)
def test_a_bucket_counts_span_then_progress_then_entropy_in_halves(span, filled, entropy, bucket):
    assert Bandit(1.0, 8).bucket(span, filled, entropy) == bucket


def test_the_bandit_tries_both_actions_and_then_prefers_more_tokens_a_call():
    bandit = Bandit(beta=0.0, size=8)
    assert bandit.decide(0) is True, "untried, and ties verify"
    bandit.learn(0, True, 4)  # 2 tokens a call
    assert bandit.decide(0) is False, "the other one is untried"
    bandit.learn(0, False, 3)
    assert bandit.decide(0) is False
    bandit.learn(0, False, 0)  # its mean falls to 1.5
    assert bandit.decide(0) is True
    assert bandit.decide(1) is True, "another bucket knows nothing of it"


def test_the_more_it_explores_the_sooner_the_rarer_action_comes_back():
    choices = {}
    for beta in (0.0, 2.0):
        bandit = Bandit(beta, 8)
        choices[beta] = []
        for _ in range(30):
            action = bandit.decide(0)
            bandit.learn(0, action, 6 if action else 1)
            choices[beta].append(action)
    assert choices[0.0].count(False) == 1
    assert choices[2.0].count(False) > 1
