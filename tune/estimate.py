"""How long a sweep will take, said before it begins.

From what the same methods took on the same models in the sweep that ships with the program; where there is none, from
what the model's other methods took. A busy or slower machine takes longer, a faster one less."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tune import table
from tune.spec import Run

SWEEPS = Path(__file__).resolve().parents[1] / "assets" / "sweeps"
SHIPPED = SWEEPS / "bundled.parquet"
# What a run of a small model took in the mean, seconds: while there is no sweep to look it up in.
UNKNOWN = 0.4


class Estimate(NamedTuple):
    """`seconds` of one worker; `known` is the share of runs whose method and model were measured."""

    seconds: float
    known: float


@cache
def _measured() -> tuple[Mapping[tuple[str, str], float], Mapping[str, float]]:
    """Seconds of a run by (method, model), and by model."""
    pairs: dict[tuple[str, str], list[float]] = defaultdict(list)
    models: dict[str, list[float]] = defaultdict(list)
    if SHIPPED.is_file():
        found = table.load(SHIPPED)
        for method, model, wall in zip(found["method"], found["model"], found["wall_median"], strict=True):
            if wall == wall:
                pairs[method, model].append(wall)
                models[model].append(wall)
    return {k: statistics.fmean(v) for k, v in pairs.items()}, {k: statistics.fmean(v) for k, v in models.items()}


def estimate(runs: Iterable[Run]) -> Estimate:
    """Of these runs one after another, each with its repeats, and with the reference runs that they share."""
    pairs, models = _measured()
    total, known, n, references = 0.0, 0, 0, set()
    for run in runs:
        if run.point.fault or run.prompt.fault:
            continue
        n += 1
        pair = run.point.method, run.point.model
        known += pair in pairs
        once = pairs.get(pair, models.get(run.point.model, UNKNOWN))
        total += once * run.repeats
        if run.reference and (run.point.model, run.prompt.id, run.seed) not in references:
            references.add((run.point.model, run.prompt.id, run.seed))
            total += models.get(run.point.model, UNKNOWN)
    return Estimate(total, known / n if n else 0.0)


def words(seconds: float) -> str:
    """A span of time as a person says it: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
