"""What a sweep is to run: read from YAML (or a dict), checked, and written out as points and runs.

    models: [tiny-sdar, {target: tiny-ar, draft: tiny-llada}]
    methods:
      stepwise: {}
      ssd: {n: [2, 4, 8]}
      threshold: {threshold: {from: 0.5, to: 0.9, steps: 5}}
      s2d2: [{policy: [always, score_threshold]}, {tau_score: [-1, 1]}]
    prompts: {family: word, n: 20}
    knobs: {max_new: 64}
    seeds: [0]
    repeats: 3
    sample: {n: 24, seed: 0}

A point is a method with its models and settings; a run is a point on one prompt with one seed. What cannot be read as a
spec is refused whole. A point that cannot be run (an unknown method, a setting out of range) is a fault that keeps its
row in the table, and the others run."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from decoders import registry
from decoders.errors import ExplorerError, Incompatible, UnknownName, UsageError
from decoders.methods.base import Method
from decoders.models import catalogue
from tune.prompts import Prompt
from tune.prompts import read as read_prompts

MOST_POINTS = 10_000
MOST_RUNS = 1_000_000
KEYS = ("models", "methods", "prompts", "knobs", "seeds", "repeats", "sample", "grader", "judge", "dtype", "reference")
JUDGE = "tiny-ar"


@dataclass(frozen=True)
class Range:
    """A knob's numbers from `lo` to `hi`: `steps` of them in a grid, any of them in a random sample."""

    lo: float
    hi: float
    steps: int

    def grid(self, whole: bool) -> list[float | int]:
        span = [self.lo + (self.hi - self.lo) * i / max(1, self.steps - 1) for i in range(self.steps)]
        return list(dict.fromkeys(round(x) if whole else round(x, 6) for x in span))

    def draw(self, rng: random.Random, whole: bool) -> float | int:
        return rng.randint(round(self.lo), round(self.hi)) if whole else round(rng.uniform(self.lo, self.hi), 6)


class Point(NamedTuple):
    """A method with its models (by role) and the settings that were asked for; `fault` says why it cannot be run."""

    method: str
    models: Mapping[str, str]
    knobs: Mapping[str, Any]
    fault: str = ""

    @property
    def model(self) -> str:
        """The model that the text comes from."""
        return next(iter(self.models.values()), "")

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits: the same for the same method, models and settings, in any order of settings."""
        return _digest([self.method, dict(self.models), dict(sorted(self.knobs.items()))])


class Run(NamedTuple):
    """A point on a prompt with a seed, and how it is measured: plain values, on their way to another process."""

    point: Point
    prompt: Prompt
    seed: int = 0
    repeats: int = 1
    grader: str = ""
    judge: str = ""
    dtype: str | None = None
    reference: bool = True

    @property
    def key(self) -> str:
        """What the run is known by in a journal: everything that its counts and its text depend on."""
        asked = [self.prompt.id, self.prompt.text, self.seed, self.repeats, self.grader, self.judge, self.dtype]
        return _digest([self.point.id, self.point.fault, *asked, self.prompt.grader, self.reference])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Plan:
    """What a spec comes to: `runs` in order, those of a point next to each other in the order of prompts; `left_out`
    are sentences about pairs of method and model that do not go together and were not asked for by name."""

    points: tuple[Point, ...]
    runs: tuple[Run, ...]
    left_out: tuple[str, ...] = ()
    text: str = field(default="", compare=False)

    @property
    def faults(self) -> tuple[Point, ...]:
        return tuple(p for p in self.points if p.fault)

    def __str__(self) -> str:
        prompts = len({run.prompt.id for run in self.runs})
        return f"{len(self.points)} points x {prompts} prompts: {len(self.runs)} runs"


def load(path: Path) -> Plan:
    """The plan of a YAML file; its own folder is where its files are looked for."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): name a YAML file that describes a sweep."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error
    return parse(text, path.parent)


def parse(text: str, folder: Path | None = None) -> Plan:
    """The plan of a spec's text, YAML or JSON; without a folder it may name no files."""
    try:
        # An alias that stands for many others makes a short text into one that fills the memory.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise UsageError("The spec has an alias (*name): write out what it stands for.")
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise UsageError(f"The spec is not YAML{where}: write `models:`, `methods:` and `prompts:`.") from error
    except RecursionError as error:
        raise UsageError("The spec is nested too deeply: write `models:`, `methods:` and `prompts:`.") from error
    return plan(given, folder, text)


def plan(given: Any, folder: Path | None = None, text: str = "") -> Plan:
    """The plan of a spec. Raises `UsageError` for one that cannot be read; points that cannot be run become faults."""
    if not isinstance(given, Mapping):
        raise UsageError("The spec must be a mapping with `models`, `methods` and `prompts`.")
    for key in given:
        if key not in KEYS:
            raise UnknownName("part of a sweep's spec", str(key), KEYS)
    for key in ("models", "methods", "prompts"):
        if not given.get(key):
            raise UsageError(f"The spec has no {key}: name at least one.")
    models, methods = given["models"], given["methods"]
    if not isinstance(models, list) or not all(isinstance(m, str | Mapping) for m in models):
        raise UsageError(f"models = {models!r}: must be a list of names, or of {{role: name}}.")
    if isinstance(methods, list) and all(isinstance(m, str) for m in methods):
        methods = dict.fromkeys(methods)
    if not isinstance(methods, Mapping):
        raise UsageError(f"methods = {methods!r}: must be {{method: {{knob: [values]}}}}.")
    common = given.get("knobs") or {}
    if not isinstance(common, Mapping):
        raise UsageError(f"knobs = {common!r}: must be {{knob: value}}, for every method that has it.")
    seeds, repeats = given.get("seeds", [0]), given.get("repeats", 1)
    seeds = seeds if isinstance(seeds, list) else [seeds]
    if not seeds or not all(type(s) is int and 0 <= s < 2**53 for s in seeds):
        raise UsageError(f"seeds = {seeds!r}: must be whole numbers from 0 on.")
    if type(repeats) is not int or not 1 <= repeats <= 100:
        raise UsageError(f"repeats = {repeats!r}: must be a whole number from 1 to 100.")
    grader, judge, dtype = given.get("grader") or "", given.get("judge", JUDGE) or "", given.get("dtype")
    if grader and (folder is None or not isinstance(grader, str) or ":" not in grader):
        raise UsageError(f"grader = {grader!r}: must be path.py:function, and is for the command line only.")
    if grader:
        path, _, name = grader.rpartition(":")
        grader = f"{(folder or Path()) / path}:{name}"
    if dtype is not None and dtype not in catalogue.DTYPES:
        raise UsageError(f"dtype = {dtype!r}: must be one of {', '.join(catalogue.DTYPES)}.")
    if not isinstance(judge, str):
        raise UsageError(f"judge = {judge!r}: must be the name of a causal model, or empty.")
    reference = given.get("reference", True)
    points, left_out = _points(models, methods, common, given.get("sample"))
    prompts = read_prompts(given["prompts"], folder)
    measured = {"repeats": repeats, "grader": grader, "judge": judge, "dtype": dtype, "reference": bool(reference)}
    if len(points) * len(prompts) * len(seeds) > MOST_RUNS:
        raise UsageError(f"The spec asks for more than {MOST_RUNS} runs: sweep fewer values or prompts.")
    runs = [
        Run(point, prompt, seed, **measured)
        for point in points
        # Why a point cannot be run has nothing to do with prompts: it is said once.
        for prompt, seed in ([(prompts[0], seeds[0])] if point.fault else itertools.product(prompts, seeds))
    ]
    return Plan(tuple(points), tuple(runs), tuple(left_out), text or yaml.safe_dump(_plain(given), sort_keys=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _points(
    models: Sequence[str | Mapping[str, str]], methods: Mapping[str, Any], common: Mapping[str, Any], sample: Any
) -> tuple[list[Point], list[str]]:
    found: list[Point] = []
    left_out: list[tuple[str, str]] = []
    for name, grids in methods.items():
        try:
            method = registry.method(str(name))
        except UnknownName as error:
            found.append(Point(str(name), {}, {}, str(error)))
            continue
        mine = {k: v for k, v in common.items() if k in {knob.name for knob in method.params.knobs()}}
        casts, misfits = _casts(method, models)
        if not casts:
            found.append(
                Point(method.id, {}, {}, f"{method.id} fits none of the models that were named: {_needs(method)}.")
            )
            continue
        left_out += misfits
        for grid in grids if isinstance(grids, list) else [grids or {}]:
            if not isinstance(grid, Mapping):
                raise UsageError(f"methods: {method.id} = {grid!r}: must be {{knob: [values]}}, or a list of such.")
            settings = [mine | knobs for knobs in _settings(method, grid, sample, found)]
            for cast, knobs in itertools.product(casts, settings):
                found.append(Point(method.id, cast, knobs, _fault(method, cast, knobs)))
                if len(found) > MOST_POINTS:
                    raise UsageError(f"The spec has more than {MOST_POINTS} points: sweep fewer values.")
    found = list({(p.id, p.fault): p for p in found}.values())
    if isinstance(sample, Mapping) or sample:
        n, seed = _sample(sample)
        rng = random.Random(seed)
        whole = [p for p in found if not p.fault]
        chosen = set(rng.sample(range(len(whole)), min(n, len(whole))))
        kept = [p for i, p in enumerate(whole) if i in chosen]
        found = kept + [p for p in found if p.fault]
    by_model: dict[str, list[str]] = {}
    for method_id, names in left_out:
        by_model.setdefault(names, []).append(method_id)
    return found, [f"{names} does not go with {', '.join(dict.fromkeys(ids))}." for names, ids in by_model.items()]


def _needs(method: Method) -> str:
    return ", ".join(f"{role} needs {' or '.join(kinds)} attention" for role, kinds in method.roles.items())


def _sample(given: Any) -> tuple[int, int]:
    n, seed = (given.get("n"), given.get("seed", 0)) if isinstance(given, Mapping) else (given, 0)
    if type(n) is not int or not 1 <= n <= MOST_POINTS or type(seed) is not int:
        raise UsageError(f"sample = {given!r}: must be a number of points from 1 to {MOST_POINTS}, or {{n, seed}}.")
    return n, seed


def _settings(method: Method, grid: Mapping[str, Any], sample: Any, faults: list[Point]) -> Iterator[dict[str, Any]]:
    """The settings of one grid. With a random sample, ranges are drawn from: as many draws as points are wanted."""
    knobs = {knob.name: knob for knob in method.params.knobs()}
    values: dict[str, list[Any]] = {}
    ranges: dict[str, Range] = {}
    for name, given in grid.items():
        name = str(name)
        if isinstance(given, Mapping):
            whole = name in knobs and knobs[name].kind is int
            ranges[name] = span = _range(method.id, name, given)
            values[name] = span.grid(whole)
        else:
            values[name] = list(given) if isinstance(given, list) else [given]
        if not values[name]:
            raise UsageError(f"methods: {method.id}: {name} has no values: give at least one.")
    if sample and ranges:
        n, seed = _sample(sample)
        rng = random.Random(f"{seed}/{method.id}/{sorted(grid)}")
        for _ in range(n):
            draw = {name: rng.choice(values[name]) for name in values if name not in ranges}
            whole = {name: name in knobs and knobs[name].kind is int for name in ranges}
            yield draw | {name: span.draw(rng, whole[name]) for name, span in ranges.items()}
        return
    count = 1
    for options in values.values():
        count *= len(options)
    if count > MOST_POINTS:
        raise UsageError(f"methods: {method.id} has {count} settings: at most {MOST_POINTS}; sweep fewer values.")
    for chosen in itertools.product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def _range(method: str, name: str, given: Mapping[str, Any]) -> Range:
    lo, hi, steps = given.get("from"), given.get("to"), given.get("steps", 5)
    numbers = all(type(x) in (int, float) for x in (lo, hi))
    if set(given) - {"from", "to", "steps"} or not numbers or type(steps) is not int or not 1 <= steps <= 1000:
        raise UsageError(f"methods: {method}: {name} = {dict(given)!r}: must be a list, or {{from, to, steps}}.")
    return Range(float(lo), float(hi), steps)  # type: ignore[arg-type]


def _attention(name: str) -> str:
    """The attention of a model; empty where there is no such model, which is each point's own fault to say."""
    try:
        return catalogue.spec(name).attention
    except ExplorerError:
        return ""


def _casts(method: Method, models: Sequence[str | Mapping[str, str]]) -> tuple[list[dict[str, str]], list[tuple]]:
    """The models for each role: every one named that fits the first role, others by the catalogue's choice; a mapping
    says all roles itself, and is for methods with those roles. Besides, (method, models) that do not fit."""
    casts: list[dict[str, str]] = []
    left_out: list[tuple] = []
    first, *others = method.roles
    for given in models:
        if isinstance(given, Mapping):
            if set(map(str, given)) == set(method.roles):
                pair = {role: str(given[role]) for role in method.roles}
                if all(_attention(name) in ("", *method.roles[role]) for role, name in pair.items()):
                    casts.append(pair)
                else:
                    left_out.append((method.id, " with ".join(pair.values())))
            continue
        kind = _attention(given)
        if kind and kind not in method.roles[first]:
            left_out.append((method.id, given))
        elif others and any(isinstance(m, Mapping) and set(map(str, m)) == set(method.roles) for m in models):
            continue  # the pairs that were named are meant
        else:
            usual = catalogue.default_models(method)
            casts.append({first: given, **{role: usual[role] for role in others}})
    return casts, left_out


def _fault(method: Method, cast: Mapping[str, str], knobs: Mapping[str, Any]) -> str:
    """Why a point cannot be run, as far as that can be told before weights are loaded."""
    try:
        params = method.params.read(knobs)
        for name in cast.values():
            catalogue.source(name)
        for role, name in cast.items():
            spec = catalogue.spec(name)
            if spec.attention not in method.roles[role]:
                raise Incompatible(f"{method.id} on {name} as {role}: {spec.attention} attention does not fit.")
        spec = catalogue.spec(next(iter(cast.values())))
        for name, default in params.misfits(spec.attention).items():
            raise Incompatible(
                f"{name} = {getattr(params, name)}: {spec.id} has {spec.attention} attention; use {name} = {default}."
            )
    except ExplorerError as error:
        return str(error)
    return ""
