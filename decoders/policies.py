"""Which masked positions of a block to fill, given what one call predicted: pure functions from guesses to guesses.

Each takes the guesses of one block, most confident first (`sampling.by_confidence`), and returns at least the first.
"""

from collections.abc import Sequence

from decoders.sampling import Guess


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
