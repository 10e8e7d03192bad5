"""Which masked positions of a block to fill, given what one call predicted: pure functions from guesses to guesses.

Guesses are those of one block; an `order` is most confident first (`sampling.by_confidence`), and at least its first
guess is returned. `tau` and other bars are probabilities in 0..1, distances are positions.
"""

from collections.abc import Sequence

from decoders.sampling import Guess, by_confidence


def shares(masks: int, steps: int) -> list[int]:
    """How many of `masks` positions each of `steps` steps fills: even, the first ones take what is left over."""
    return [share for i in range(steps) if (share := masks // steps + (i < masks % steps))]


STRATEGIES = ("dynamic", "static", "sequential")


def strategy(guesses: Sequence[Guess], name: str, quota: int, tau: float) -> list[Guess]:
    """SDAR's remasking strategies: the first `quota` positions (`sequential`), the most confident ones (`static`), or
    all with more than `tau` if they are that many (`dynamic`)."""
    if name == "sequential":
        return sorted(guesses, key=lambda g: g.pos)[:quota]
    order = by_confidence(guesses)
    sure = [g for g in order if g.p > tau]
    return sure if name == "dynamic" and len(sure) >= quota else order[:quota]


def confident(order: Sequence[Guess], tau: float) -> list[Guess]:
    """All whose probability is at least `tau` (Fast-dLLM, arXiv:2505.22618)."""
    return [g for g in order if g.p >= tau] or list(order[:1])


def local_leap(order: Sequence[Guess], tau: float, relaxed: float, radius: int) -> list[Guess]:
    """Anchors reach `tau`; within `radius` positions of an anchor `relaxed` is enough (LocalLeap, arXiv:2510.07081)."""
    anchors = [g.pos for g in order if g.p >= tau]
    chosen = [
        g for g in order if g.p >= tau or g.p >= relaxed and any(abs(g.pos - anchor) <= radius for anchor in anchors)
    ]
    return chosen or list(order[:1])
