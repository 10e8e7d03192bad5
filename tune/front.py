"""Which points nothing else beats, and which of them to take.

Points are compared in two numbers: a speed and a quality. One that is at least as good in both and better in one
dominates; those that nothing dominates are the front (Pareto)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from decoders.errors import UnknownName

# The number, whether more of it is better.
SPEEDS = {
    "tokens_per_call": True,
    "speedup": True,
    "calls": False,
    "rows_tokens": False,
    "wall": False,
    "modelled": False,
}
QUALITIES = {"accuracy": True, "agreement": True, "perplexity": False}


class Chosen(NamedTuple):
    """Indices into the points, or None: `front` from the fastest to the best; `knee` is farthest from the line between
    its ends, both numbers scaled to the front's own range; `best` the fastest of those that reach the quality asked
    for; `exact` the fastest of those that promise the reference's text and kept that promise in every run."""

    front: tuple[int, ...]
    knee: int | None
    best: int | None
    exact: int | None


def better(name: str) -> bool:
    """Whether more of it is better; raises `UnknownName`."""
    known = SPEEDS | QUALITIES
    if name not in known:
        raise UnknownName("axis", name, known)
    return known[name]


def choose(
    points: Sequence[Mapping[str, Any]],
    speed: str = "tokens_per_call",
    quality: str = "accuracy",
    least: float | None = None,
    lose: float | None = None,
) -> Chosen:
    """The front in these two numbers. `least` is the quality asked for; `lose`, with accuracy, asks instead for points
    that lose at most so many points against their model's reference decoder, prompt by prompt."""
    up, good = better(speed), better(quality)
    known = [i for i, p in enumerate(points) if p.get(speed) is not None and p.get(quality) is not None]

    def place(i: int) -> tuple[float, float]:
        x, y = float(points[i][speed]), float(points[i][quality])
        return (x if up else -x), (y if good else -y)

    at = {i: place(i) for i in known}
    front = [i for i in known if not any(_dominates(at[j], at[i]) for j in known)]
    front.sort(key=lambda i: (-at[i][0], at[i][1]))
    # Of equal points the first one stands for all.
    front = list({at[i]: i for i in reversed(front)}.values())[::-1]

    def reaches(i: int) -> bool:
        if lose is not None:
            lost = points[i].get("points")
            return lost is not None and lost >= -lose - 1e-9
        return least is not None and (at[i][1] >= (least if good else -least) - 1e-9)

    enough = [i for i in known if reaches(i)]
    exact = [i for i in known if _exact(points[i])]
    return Chosen(tuple(front), _knee(front, at), _fastest(enough, at), _fastest(exact, at))


def _dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a != b


def _fastest(some: Sequence[int], at: Mapping[int, tuple[float, float]]) -> int | None:
    return max(some, key=lambda i: at[i]) if some else None


def _exact(point: Mapping[str, Any]) -> bool:
    promised = point.get("guarantee") in ("greedy-exact", "reference")
    return promised and point.get("compared", 0) > 0 and point.get("identical") == point.get("compared")


def _knee(front: Sequence[int], at: Mapping[int, tuple[float, float]]) -> int | None:
    if not front:
        return None
    xs, ys = [at[i][0] for i in front], [at[i][1] for i in front]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    if not wide or not high:
        return front[0]
    # The line between the two ends, in a unit square; the front bulges away from it.
    return max(front, key=lambda i: (at[i][0] - min(xs)) / wide + (at[i][1] - min(ys)) / high)
