"""One run of a sweep, measured: plain values go in and a row comes out, in this process or in another.

A run is made as often as its `repeats` say, after a warm-up of its first calls where the process has not run that
method on those models yet. Counts and text come from one of them (all are equal: same seed, same events), times from
all. What goes wrong is the row's `error`, one sentence, and nothing else stops."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Any, NamedTuple

from decoders import registry
from decoders.errors import ExplorerError
from decoders.models import catalogue, measured
from decoders.models.catalogue import Placement
from decoders.run import Recording, hardware
from decoders.trace import Forward, Judge, Trace
from training.evaluate import surprise
from tune import grading
from tune.calls import profile
from tune.spec import Run

WARM_UP_CALLS = 3
MOST_REFERENCES = 4096


class _Reference(NamedTuple):
    tokens: tuple[int, ...]
    ids: tuple[int, ...]
    calls: int
    name: str


# Of this process: what was warmed up, and the reference runs, which many settings share.
_warm: set[tuple] = set()
_references: OrderedDict[tuple, _Reference] = OrderedDict()


class Stopped(Exception):
    """Whoever asked for the run does not want it any more."""


def measure(run: Run, stop: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """The row of a run: see `tune.table.COLUMNS`. `stop`, asked after each event, ends it with `Stopped`."""
    point, prompt = run.point, run.prompt
    row: dict[str, Any] = {
        "key": run.key,
        "point": point.id,
        "method": point.method,
        "model": point.model,
        "models": json.dumps(dict(point.models)),
        "settings": json.dumps(dict(point.knobs), sort_keys=True),
        "prompt_id": prompt.id,
        "family": prompt.family,
        "prompt": prompt.text,
        "seed": run.seed,
        "repeats": run.repeats,
        "graded": bool(run.grader or prompt.grader),
        "error": point.fault or prompt.fault,
    }
    if row["error"]:
        return row
    try:
        row |= _measured(run, stop)
    except ExplorerError as error:
        row["error"] = str(error)
    except Stopped:
        raise
    except Exception as error:  # a fault in a method or a model is one row's, and its class helps to find it
        row["error"] = f"{type(error).__name__}: {error}"
    return row


def _measured(run: Run, stop: Callable[[], bool]) -> dict[str, Any]:
    point = run.point
    method, placement = registry.method(point.method), Placement(dtype=run.dtype)

    def recording() -> Recording:
        where = {"seed": run.seed, "level": "timing", "placement": placement}
        return Recording(method, dict(point.models), run.prompt.text, **where, **point.knobs)

    kind = (method.id, tuple(point.models.items()), placement)
    if kind not in _warm:
        with closing(recording()) as first:
            calls = 0
            for event in first:
                _ask(stop)
                calls += isinstance(event, Forward)
                if calls == WARM_UP_CALLS:
                    break
        _warm.add(kind)
    walls, inside = [], []
    for _ in range(run.repeats):
        made = recording()
        begin = time.perf_counter()
        for _event in made:
            _ask(stop)
        walls.append(time.perf_counter() - begin)
        inside.append(made.trace.seconds)
    return _row(run, made, walls, inside, stop)


def _row(
    run: Run, made: Recording, walls: list[float], inside: list[float], stop: Callable[[], bool]
) -> dict[str, Any]:
    trace = made.trace
    accepted, judged = trace.acceptance
    filled = round(trace.tokens_per_call * trace.calls)
    rounds = sum(bool(view.of(Judge)) for view in trace.rounds)
    row = {
        "params": json.dumps(asdict(made.params)),
        "guarantee": made.guarantee,
        "text": trace.text,
        "tokens": len(trace.ids),
        "filled": filled,
        "calls": trace.calls,
        "tokens_per_call": filled / trace.calls if trace.calls else math.nan,
        "target_calls": sum(call.model == trace.model for call in trace.forwards),
        "rows_tokens": trace.rows_tokens,
        "wall_median": statistics.median(walls),
        "wall_low": min(walls),
        "wall_high": max(walls),
        "model_seconds": statistics.median(inside),
        "rounds": rounds,
        "written": round((trace.acceptance_length or 0.0) * rounds),
        "accepted": accepted,
        "judged": judged,
        "acceptance_length": math.nan if trace.acceptance_length is None else trace.acceptance_length,
        "profile": json.dumps([list(call) for call in profile(trace.forwards)]),
        "hardware": hardware(made.model.device, made.model.dtype),
        "weights": json.dumps({name: _weights(name) for name in run.point.models.values()}),
    }
    row |= _compared(made, trace, stop) if run.reference else {}
    try:
        score = grading.score(run.prompt, trace.text, run.grader)
        row["accuracy"] = math.nan if score is None else score
    except grading.GraderFailed as error:
        row["error"] = str(error)
    judge = run.judge and _judge(run.judge, made)
    if judge and trace.ids:
        row["nats"] = surprise(judge, run.prompt.text, trace.ids)
        row["judged_tokens"] = len(trace.ids)
    return row


def _ask(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped


def _compared(made: Recording, trace: Trace, stop: Callable[[], bool]) -> dict[str, Any]:
    """Against the run that the method's promise is about; a reference decoder agrees with itself."""
    rival = made.rival()
    if rival is None:
        if made.drawn or made.guarantee != "reference":
            return {}
        return {"agreement": 1.0, "identical": True, "reference": trace.method, "reference_calls": trace.calls}
    key = (rival.method.id, rival.model.spec.id, str(rival.model.dtype), rival.params, rival.seed, rival.start)
    if key not in _references:
        for _ in rival:
            _ask(stop)
        other = rival.trace
        _references[key] = _Reference(other.tokens, other.ids, other.calls, other.method)
        while len(_references) > MOST_REFERENCES:
            _references.popitem(last=False)
    theirs = _references[key]
    longest = max(len(trace.ids), len(theirs.ids))
    same = sum(a == b for a, b in zip(trace.ids, theirs.ids, strict=False))
    whole, other = trace.tokens, theirs.tokens
    apart = [i for i in range(max(len(whole), len(other))) if whole[i : i + 1] != other[i : i + 1]]
    return {
        "agreement": same / longest if longest else 1.0,
        "identical": not apart,
        "first_divergence": apart[0] if apart else math.nan,
        "reference": theirs.name,
        "reference_calls": theirs.calls,
    }


def _judge(name: str, made: Recording):
    """The causal model that says how likely a text is, where it reads the same tokens; None elsewhere."""
    bundled = {entry.id for entry in catalogue.CATALOGUE}
    if name not in bundled or made.model.spec.id not in bundled or catalogue.missing(name):
        return None
    return catalogue.load(name)


def _weights(name: str) -> str:
    return measured.fingerprint(name) if name in {entry.id for entry in catalogue.CATALOGUE} else ""
