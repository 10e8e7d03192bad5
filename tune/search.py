"""Looks for settings of a method that are fast and good at once, with optuna, and leaves the same table as a sweep.

Every trial is a point: all prompts are asked, its two numbers are told to optuna (TPE with two objectives), which says
what to try next. A search that is begun again with the same file asks optuna the same questions and finds the answers
in the journal, so it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from decoders import registry
from decoders.errors import BadParam, ModelUnavailable, UnknownName, UsageError
from decoders.params import Knob
from tune import front, spec, sweep, table
from tune.spec import Plan

# Points by which optuna finds its way before it models anything.
STARTUP = 8
# A trial is one point alone: nothing to be faster than, and no card that it was asked about.
NO_OBJECTIVES = ("speedup", "modelled")


@dataclass(frozen=True)
class Search:
    """`knobs` are to be found within their declared ranges, or within `ranges` (lo, hi) by name; `fixed` stay as they
    are. `speed` and `quality` are numbers of `tune.front`."""

    method: str
    models: str | Mapping[str, str]
    prompts: Any
    knobs: tuple[str, ...]
    trials: int = 24
    speed: str = "tokens_per_call"
    quality: str = "accuracy"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1

    def __post_init__(self) -> None:
        known = {knob.name for knob in registry.method(self.method).params.knobs()}
        if not self.knobs:
            raise UsageError("knobs: name at least one that is to be found.")
        for name in (*self.knobs, *self.fixed, *self.ranges):
            if name not in known:
                raise UnknownName("knob", name, known)
        if not 1 <= self.trials <= spec.MOST_POINTS:
            raise BadParam(f"trials = {self.trials}: must be from 1 to {spec.MOST_POINTS}.")
        for name, known_as in ((self.speed, front.SPEEDS), (self.quality, front.QUALITIES)):
            if name not in known_as or name in NO_OBJECTIVES:
                raise UnknownName("objective", name, [n for n in known_as if n not in NO_OBJECTIVES])

    def given(self, knobs: Mapping[str, Any]) -> dict[str, Any]:
        """The spec of a point with these settings."""
        one = dict(self.models) if isinstance(self.models, Mapping) else self.models
        return {
            "models": [one],
            "methods": {self.method: {**self.fixed, **knobs}},
            "prompts": self.prompts,
            "repeats": self.repeats,
        }


def search(
    asked: Search,
    journal: sweep.Journal,
    workers: sweep.Workers = sweep.Workers(),  # noqa: B008 (it is frozen)
    folder: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """Makes the trials and yields each row; the table holds all of them when it ends."""
    try:
        import optuna  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise ModelUnavailable("A search needs optuna, which is not installed: pip install '.[search]'.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    knobs = {k.name: k for k in registry.method(asked.method).params.knobs()}
    ways: Any = ["maximize" if front.better(name) else "minimize" for name in (asked.speed, asked.quality)]
    study = optuna.create_study(
        directions=ways,
        sampler=optuna.samplers.TPESampler(seed=asked.seed, n_startup_trials=min(STARTUP, asked.trials)),
    )
    plans: list[Plan] = []
    rows: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        at_once = workers.open(stack)
        for _ in range(asked.trials):
            trial = study.ask()
            chosen = {name: _suggest(trial, knobs[name], asked.ranges.get(name)) for name in asked.knobs}
            plan = spec.plan(asked.given(chosen), folder)
            plans.append(plan)
            yield from sweep.make(plan, journal, at_once)
            rows |= journal.rows(plan)
            numbers = table.points(table.frame(rows[r.key] for r in plan.runs))[0]
            told: Any = [numbers.get(asked.speed), numbers.get(asked.quality)]
            if None in told:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, told)
    journal.close(_joined(plans), rows)


def _joined(plans: Sequence[Plan]) -> Plan:
    """One plan of all trials; a point that was tried twice is in it once."""
    points = {p.id: p for plan in plans for p in plan.points}
    runs = {r.key: r for plan in plans for r in plan.runs}
    return Plan(tuple(points.values()), tuple(runs.values()))


def _suggest(trial: Any, knob: Knob, span: tuple[float, float] | None) -> Any:
    if knob.kind is bool:
        return trial.suggest_categorical(knob.name, [False, True])
    if knob.choices:
        return trial.suggest_categorical(knob.name, list(knob.choices))
    lo, hi = span or (knob.lo, knob.hi)
    if lo is None or hi is None or not knob.lo <= lo <= hi <= knob.hi:  # type: ignore[operator]
        raise BadParam(f"{knob.name} from {lo} to {hi}: must lie within {knob.range}.")
    if knob.kind is int:
        return trial.suggest_int(knob.name, int(lo), int(hi), step=int(knob.step or 1))
    return round(trial.suggest_float(knob.name, float(lo), float(hi), step=knob.step), 6)
