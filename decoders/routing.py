"""S2D2's routing (arXiv:2603.25702): is a verification, which costs one more call, worth it at this step?

Estimators guess from the draft's distributions alone how likely each drafted token is to be accepted; the expected
number of accepted tokens of a span is E[K] = sum over k of the product of the first k of them. Policies turn that, or
the length of the span, into a decision.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

ESTIMATORS = (
    "soft_entropy_negexp",
    "soft_confidence_power",
    "soft_clipped_linear_margin",
    "soft_renyi_2_entropy",
    "hard_margin_threshold",
    "hard_entropy_threshold",
)
POLICIES = ("score_threshold", "score_hysteresis", "mask_span_length", "contextual_bandit_ucb", "never")


def entropies(probs: torch.Tensor) -> torch.Tensor:
    """H / log V of each row of probs [n, V]: 0 is certain, 1 uniform."""
    return torch.special.entr(probs).sum(-1) / math.log(probs.shape[-1])


def acceptance(name: str, probs: torch.Tensor, confidence: torch.Tensor, knob: float) -> torch.Tensor:
    """alpha [n], the estimated chance that each of n drafted tokens is accepted. `knob` is the estimator's own number:
    a margin m, an entropy h, a power g, a slope c or a temperature T."""
    if name == "soft_entropy_negexp":
        return torch.exp(-knob * entropies(probs))
    if name == "soft_confidence_power":
        return confidence**knob
    if name == "soft_renyi_2_entropy":
        return (probs**2).sum(-1)
    if name == "hard_entropy_threshold":
        return (entropies(probs) < knob).to(probs.dtype)
    best = probs.topk(2).values
    margin = best[:, 0] - best[:, 1]
    return (margin > knob).to(probs.dtype) if name == "hard_margin_threshold" else (knob * margin).clamp(0.0, 1.0)


def expected_length(alpha: Sequence[float]) -> float:
    """E[K]: the sum of the running products of alpha."""
    total, product = 0.0, 1.0
    for a in alpha:
        product *= a
        total += product
    return total


@dataclass
class Hysteresis:
    """On once the score passes `on`, off once it falls below `off`; begins off and outlives the block."""

    on: float
    off: float
    is_on: bool = False

    def decide(self, score: float) -> bool:
        self.is_on = score >= self.off if self.is_on else score > self.on
        return self.is_on


@dataclass
class Bandit:
    """A contextual bandit (UCB1) with two actions, per bucket of span length, progress in the block and entropy.

    The reward of an action is tokens per call: what a step committed, over 2 calls if it verified."""

    beta: float
    size: int
    bins: int = 2
    t: int = 0
    tried: dict[tuple[int, bool], int] = field(default_factory=dict)
    mean: dict[tuple[int, bool], float] = field(default_factory=dict)

    def bucket(self, span: int, filled: int, entropy: float) -> int:
        """`filled` positions of the block are not masked; `entropy` is the mean of the span's, normalised."""

        def bin_of(value: float, lo: float, hi: float) -> int:
            return max(0, min(self.bins - 1, int(self.bins * (value - lo) / (hi - lo)))) if hi > lo else 0

        parts = bin_of(span, 1, self.size), bin_of(filled / self.size, 0, 1), bin_of(entropy, 0, 1)
        return (parts[0] * self.bins + parts[1]) * self.bins + parts[2]

    def decide(self, bucket: int) -> bool:
        """The action with the highest upper confidence bound; one never tried is first, ties verify."""
        self.t += 1
        bounds = {}
        for action in (True, False):
            n = self.tried.get((bucket, action), 0)
            bonus = self.beta * math.sqrt(math.log(max(self.t, 1)) / n) if n else math.inf
            bounds[action] = self.mean.get((bucket, action), 0.0) + bonus
        return bounds[True] >= bounds[False]

    def learn(self, bucket: int, verified: bool, committed: int) -> None:
        key = bucket, verified
        n = self.tried[key] = self.tried.get(key, 0) + 1
        reward, old = committed / (2 if verified else 1), self.mean.get(key, 0.0)
        self.mean[key] = old + (reward - old) / n
