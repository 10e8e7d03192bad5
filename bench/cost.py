"""The cost model of `tune.roofline` against the clock of this machine: `python -m bench cost`.

Every line of `bench methods` decodes held-out prompts, prompt by prompt; its calls are then MODELLED on this machine's
card, and the ratio to the model's first line (the reference decoder) is compared with the measured one, inside forward
calls and by the clock. Nothing of these prompts went into the fit. `--fit` measures the machine anew, fits launch costs
and reach to forward calls, and what methods do outside of calls to other prompts: assets/cards/this-cpu.json, where the
error of a check of all lines is kept too. `--sweep` checks against the runs of a sweep's table instead of making any.
"""

import argparse
import datetime
import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.lines import Plan, asked_for, plans
from bench.methods import prompts, timed
from decoders import registry
from decoders.errors import UsageError
from decoders.models import catalogue
from decoders.models.base import Model
from decoders.run import Recording
from training.corpus import Item
from training.evaluate import SEED, SLOTS
from tune import machine
from tune import table as table_of
from tune.calls import Call, profile
from tune.cards import HERE, this_cpu
from tune.estimate import SHIPPED
from tune.roofline import Card, modelled

# The prompts that the seconds outside of calls are fitted to; the held-out ones have another seed.
FIT_SEED = SEED + 1


# What is compared: seconds inside calls, by the clock, of the processor.
ERRORS = ("calls", "clock", "busy")


class Sample(NamedTuple):
    """A run of a line on a prompt: its calls, seconds inside them, by the clock and of the processor (which a busy
    machine does not stretch by making it wait), and what it worked on besides."""

    model: str
    name: str
    prompt: int
    calls: tuple[Call, ...]
    seconds: float
    wall: float
    busy: float
    rounds: int

    @property
    def tasks(self) -> tuple[float, ...]:
        """What the seconds outside of calls are paid for: each call, each fed token, each round."""
        n = sum(c.n for c in self.calls)
        return n, sum(c.n * c.batch * c.length for c in self.calls), self.rounds


def collect(lines: Sequence[Plan], models: Mapping[str, Model], asked: Sequence[Item], max_new: int) -> list[Sample]:
    """Every line answers a prompt before the next prompt comes. Each line is warmed up first."""
    out = []
    for plan in lines:
        sample(plan, models, asked[0].prompt, max_new, 0)
    for n, item in enumerate(asked):
        for plan in lines:
            out.append(sample(plan, models, item.prompt, max_new, n))
        print(f"\rprompt {n + 1} of {len(asked)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return out


def swept(path: Path) -> list[Sample]:
    """The runs of a sweep's table as samples, each model's reference decoder first. A table does not say how long the
    processor was at work: its clock stands for that."""
    runs = table_of.load(path)
    runs = runs[runs["calls"].notna()]
    prompts_of = {unit: i for i, unit in enumerate(dict.fromkeys(zip(runs["prompt_id"], runs["seed"], strict=True)))}
    firsts = {p["against"] for p in table_of.points(runs)}
    rows = sorted(runs.to_dict("records"), key=lambda row: row["point"] not in firsts)
    return [
        Sample(
            model=row["model"],
            name=" ".join([row["method"], row["models"], row["settings"]]),
            prompt=prompts_of[row["prompt_id"], row["seed"]],
            calls=tuple(Call(*call) for call in json.loads(row["profile"])),
            seconds=row["model_seconds"],
            wall=row["wall_median"],
            busy=row["wall_median"],
            rounds=int(row["rounds"]),
        )
        for row in rows
    ]


def sample(plan: Plan, models: Mapping[str, Model], prompt: str, max_new: int, n: int) -> Sample:
    """One run on prompt number `n`; reading the prompt and building the trace are in none of its times."""
    cast = {role: models[name] for role, name in plan.models.items()}
    recording = Recording(plan.method, cast, prompt, level="timing", **{"max_new": max_new, **plan.knobs})
    began = time.thread_time()
    wall = timed(recording)
    busy, trace = time.thread_time() - began, recording.trace
    calls = profile(trace.forwards)
    return Sample(plan.model, plan.name, n, calls, trace.seconds, wall, busy, len(trace.rounds))


def outside(samples: Sequence[Sample]) -> list[float]:
    """Seconds a call, a fed token and a round, by least squares of what is left over relative to each run's clock;
    none below 0."""
    rows = np.array([[x / s.wall for x in s.tasks] for s in samples])
    left = np.array([(s.wall - s.seconds) / s.wall for s in samples])
    used = list(range(rows.shape[1]))
    while used:
        found = np.linalg.lstsq(rows[:, used], left, rcond=None)[0]
        if (found >= 0).all():
            break
        used.pop(int(found.argmin()))
    out = [0.0] * rows.shape[1]
    for i, value in zip(used, found if used else (), strict=True):
        out[i] = float(f"{value:.3g}")
    return out


def compared(samples: Sequence[Sample], card: Card, paid: Sequence[float]) -> list[dict[str, Any]]:
    """A row for each line: medians over the prompts of time / time of its model's first line, measured and MODELLED,
    inside calls, by the clock and of the processor."""
    sizes = machine.sizes()
    said = {id(s): modelled(s.calls, sizes, card).seconds for s in samples}
    first: dict[tuple[str, int], Sample] = {}
    for s in samples:
        first.setdefault((s.model, s.prompt), s)

    def clock(s: Sample) -> float:
        return said[id(s)] + sum(a * b for a, b in zip(s.tasks, paid, strict=True))

    rows = []
    for (model, name), group in itertools.groupby(
        sorted(samples, key=lambda s: (s.model, s.name)), key=lambda s: (s.model, s.name)
    ):
        pairs = [(s, first[model, s.prompt]) for s in group]
        if all(s is ref for s, ref in pairs):
            continue
        row: dict[str, Any] = {"model": model, "name": name}
        for key, of in {
            "calls": lambda s: s.seconds,
            "calls_modelled": lambda s: said[id(s)],
            "clock": lambda s: s.wall,
            "busy": lambda s: s.busy,
            "clock_modelled": clock,
        }.items():
            row[key] = statistics.median(of(s) / of(ref) for s, ref in pairs)
        row["busy_modelled"] = row["clock_modelled"]
        for key in ERRORS:
            row[f"{key}_error"] = row[f"{key}_modelled"] / row[key] - 1
        rows.append(row)
    order = {pair: i for i, pair in enumerate(dict.fromkeys((s.model, s.name) for s in samples))}
    return sorted(rows, key=lambda r: order[r["model"], r["name"]])


def median_error(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    """The median of |modelled / measured - 1| over the lines."""
    return statistics.median(abs(r[f"{key}_error"]) for r in rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """As text, one table a model; MODELLED numbers stand behind a ~."""
    wide, out = max(len(r["name"]) for r in rows), []
    for model, group in itertools.groupby(rows, key=lambda r: r["model"]):
        out.append(
            f"\n{model:<{wide}}{'in calls':>10}{'MODELLED':>10}{'off':>7}{'by clock':>10}{'MODELLED':>10}{'off':>7}"
        )
        for r in group:
            cells = "".join(
                f"{r[key]:>10.2f}{'~' + format(r[key + '_modelled'], '.2f'):>10}{r[key + '_error']:>+7.0%}"
                for key in ERRORS
            )
            out.append(f"{r['name']:<{wide}}{cells}")
    return "\n".join(out)


def by_shape(card: Card, timed: Sequence[machine.Timed]) -> str:
    """How far single calls are off, by fed tokens, cached ones, rows and model: the median of |modelled / measured - 1|
    and the median of modelled / measured - 1."""
    off = [math.exp(e) - 1 for e in machine.errors(timed, machine.sizes(), card)]
    groups = {
        "fed tokens": lambda c: f"{2 ** int(math.log2(c.batch * c.length))}+",
        "cached": lambda c: str(c.cached),
        "rows": lambda c: str(c.batch),
        "model": lambda c: c.model,
    }
    out = [f"{'':<12}{'':<12}{'shapes':>7}{'error':>8}{'bias':>8}"]
    for name, of in groups.items():
        parts: dict[str, list[float]] = {}
        for t, e in zip(timed, off, strict=True):
            parts.setdefault(of(t.call), []).append(e)
        for part in sorted(parts, key=lambda text: (len(text), text)):
            each = parts[part]
            error = statistics.median(map(abs, each))
            out.append(f"{name:<12}{part:<12}{len(each):>7}{error:>8.0%}{statistics.median(each):>+8.0%}")
            name = ""
    return "\n".join(out)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench cost", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--fit", action="store_true", help="measure and fit this machine anew first: some minutes")
    parser.add_argument("--n", type=int, default=10, help="held-out prompts, the families in turn")
    parser.add_argument("--models", nargs="+", default=[], metavar="ID", help="first-role models (default: all)")
    parser.add_argument("--methods", nargs="+", default=[], metavar="ID", help="besides the references (default: all)")
    parser.add_argument("--max-new", type=int, default=SLOTS, help="positions to generate")
    parser.add_argument("--sweep", type=Path, nargs="?", const=SHIPPED, metavar="TABLE", help="check against its runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the tables")
    args = parser.parse_args(argv)
    if args.n < 1:
        parser.error(f"--n {args.n}: must be at least 1.")
    try:
        here = [e for e in catalogue.CATALOGUE if not catalogue.missing(e.id)]
        lines = asked_for(plans(registry.METHODS, here), args.methods, args.models)
        names = dict.fromkeys(name for plan in lines for name in plan.models.values())
        models = {name: catalogue.load(name) for name in names}
        if args.fit:
            refit(models, args.max_new)
        found = json.loads(HERE.read_text(encoding="utf-8"))
        card = this_cpu(found)
        samples = swept(args.sweep) if args.sweep else collect(lines, models, prompts(args.n), args.max_new)
        asked = len({s.prompt for s in samples})
    except UsageError as error:
        parser.error(str(error))
    timed = [machine.Timed(Call(m, rows, fed, kept, 1), t) for m, rows, fed, kept, t in found["forwards"]]
    rows = compared(samples, card, found["outside"])
    errors = {key: round(median_error(rows, key), 4) for key in ERRORS}
    if not args.methods and not args.models:
        checked = {"date": datetime.date.today().isoformat(), "prompts": asked, "lines": len(rows), **errors}
        write(found | {"validated": checked})
    result = {
        "hardware": found["hardware"],
        "fitted": found["date"],
        "prompts": asked,
        "max_new": args.max_new,
        "median_error": errors,
        "rows": [{k: round(v, 4) if isinstance(v, float) else v for k, v in r.items()} for r in rows],
    }
    if args.json:
        print(json.dumps(result))
        return 0
    fit = json.dumps({k: v for k, v in found["fit"].items() if k != "others"})
    bounds = f"{found['bandwidth'] / 1e9:.1f} GB/s, {found['peak'] / 1e9:.1f} GFLOP/s"
    print(f"{found['hardware']}, fitted {found['date']}: {bounds}; {fit}")
    print(f"outside of calls: {found['outside']} s a call, a fed token, a round")
    print("\nsingle calls of the fit\n" + by_shape(card, timed))
    print(f"\n{asked} held-out prompts, {args.max_new} positions; time / time of the model's first line")
    print(table(rows))
    print(
        f"\nmedian error of {len(rows)} lines: {errors['calls']:.1%} in calls, {errors['clock']:.1%} by the clock, "
        f"{errors['busy']:.1%} of the processor's time"
    )
    return 0


def refit(models: Mapping[str, Model], max_new: int) -> None:
    """Measures this machine and keeps what came out."""
    found = machine.measure()
    here = [e for e in catalogue.CATALOGUE if not catalogue.missing(e.id)]
    every = plans(registry.METHODS, here)
    asked, held = prompts(4, FIT_SEED), {item.prompt for item in prompts(50)}
    asked = [item for item in asked if item.prompt not in held]
    names = dict.fromkeys(name for plan in every for name in plan.models.values())
    samples = collect(every, {name: models.get(name) or catalogue.load(name) for name in names}, asked, max_new)
    found["outside"] = outside(samples)
    write(found)


def write(found: Mapping[str, Any], path: Path = HERE) -> None:
    """As JSON, a shape a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = ",\n  ".join(json.dumps(shape) for shape in found["forwards"])
    rest = json.dumps({k: v for k, v in found.items() if k != "forwards"}, indent=1)
    path.write_text(f'{rest[:-2]},\n "forwards": [\n  {shapes}\n ]\n}}\n', encoding="utf-8")
