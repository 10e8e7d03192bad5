"""The commands that choose settings: `sweep`, `front`, `search`. Translates arguments and prints."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from decoders.errors import UsageError
from tune import copies, front, spec, sweep, table
from tune.estimate import SHIPPED, estimate, words
from tune.search import Search, search
from viz.report import plain

COMMANDS = ("sweep", "front", "search")
# What is shown of a point: heading, number, width, digits.
SHOWN = (
    ("TPF", "tokens_per_call", 7, 2),
    ("calls", "calls", 7, 1),
    ("rows x tok", "rows_tokens", 11, 0),
    ("ms", "wall", 8, 1),
    ("faster", "speedup", 7, 2),
    ("length", "acceptance_length", 7, 2),
    ("right", "accuracy", 7, 3),
    ("points", "points", 7, 1),
    ("agree", "agreement", 7, 3),
    ("perpl.", "perplexity", 7, 2),
)
LEGEND = (
    "faster: times faster than the model's reference decoder, median over prompts, by the clock; points: right answers "
    "against it, prompt by prompt. Numbers in front of a line are its place on the front; others are dominated."
)


def parsers(commands: Any) -> None:
    """Adds the commands."""
    one = commands.add_parser(
        "sweep",
        help="run many settings on many prompts",
        description="Runs every point of a spec (YAML: models, methods with lists of values, prompts) and writes one "
        "row a run. The same command goes on where it was stopped.",
    )
    one.add_argument("spec", type=Path, help="the spec; its format is in docs/tuning.md")
    one.add_argument("--out", type=Path, help="the table: .parquet, .csv or .jsonl")
    one.add_argument("--dry", action="store_true", help="say what would be run and how long it will take, and stop")
    one.add_argument(
        "--check",
        type=Path,
        metavar="TABLE",
        help="compare with another table of the same spec: counts and texts must be equal, speeds within intervals",
    )
    _workers(one)
    two = commands.add_parser("front", help="which settings of a sweep nothing else beats")
    two.add_argument("table", type=Path, nargs="?", default=SHIPPED, help="a sweep's table (default: the shipped one)")
    two.add_argument("--speed", choices=[n for n in front.SPEEDS if n != "modelled"], default="tokens_per_call")
    two.add_argument("--quality", choices=list(front.QUALITIES), default="accuracy")
    two.add_argument("--model", action="append", metavar="ID", help="only points of this model")
    two.add_argument("--method", action="append", metavar="ID", help="only points of this method")
    two.add_argument("--lose", type=float, metavar="POINTS", help="the fastest that loses at most so many points")
    two.add_argument("--least", type=float, metavar="Q", help="the fastest that reaches this quality")
    two.add_argument("--all", action="store_true", help="dominated points too")
    two.add_argument("--json", action="store_true", help="print JSON instead")
    three = commands.add_parser(
        "search",
        help="let optuna look for settings that are fast and good",
        description="Tunes knobs of one method on one model for two objectives and writes the same table as a sweep.",
    )
    three.add_argument("method")
    three.add_argument("--model", required=True, help="a model, or role=model,role=model")
    three.add_argument("--knobs", required=True, nargs="+", metavar="NAME[=LO:HI]", help="what is to be found")
    three.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="what stays as it is")
    three.add_argument("--prompts", default="graded:5", metavar="FAMILY:N|FILE", help="default: %(default)s")
    three.add_argument("--trials", type=int, default=24)
    three.add_argument("--speed", default="tokens_per_call")
    three.add_argument("--quality", default="accuracy")
    three.add_argument("--seed", type=int, default=0, help="of optuna")
    three.add_argument("--repeats", type=int, default=1)
    three.add_argument("--out", type=Path, required=True, help="the table: .parquet, .csv or .jsonl")
    _workers(three)


def _workers(one: argparse.ArgumentParser) -> None:
    one.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: one a core)")
    one.add_argument("--backend", choices=sweep.BACKENDS, default="processes")
    one.add_argument("--address", default="", help="of the cluster's scheduler; without one a cluster is started here")


def main(args: argparse.Namespace) -> None:
    """Runs one of the commands."""
    # Many processes, each of which would draw bars while it loads a model.
    os.environ.setdefault("TQDM_DISABLE", "1")
    {"sweep": _sweep, "front": _front, "search": _search}[args.command](args)


def _sweep(args: argparse.Namespace) -> None:
    plan = spec.load(args.spec)
    workers = sweep.Workers(args.backend, args.jobs, args.address)
    if args.out is None and not args.dry:
        raise UsageError("--out: name the table to write, sweep.parquet say.")
    journal = sweep.Journal(_writable(args.out)) if args.out else None
    there = journal.rows(plan) if journal else {}
    todo = [run for run in plan.runs if run.key not in there]
    _say(f"{plan}{f', {len(there)} of them made already' if there else ''}")
    for sentence in plan.left_out:
        _say(sentence)
    for point in plan.faults:
        _say(f"{point.method} {json.dumps(dict(point.knobs))} cannot be run: {point.fault}")
    guess = estimate(todo)
    if todo:
        known = "" if guess.known == 1 else f"; {1 - guess.known:.0%} of it is a guess"
        _say(f"about {words(guess.seconds / workers.count)} with {workers.count} at once{known}")
    if args.dry:
        return
    assert journal is not None
    try:
        _watch(sweep.run(plan, journal, workers), len(there), len(plan.runs))
    except KeyboardInterrupt:
        _say(f"\nstopped; the same command goes on from {journal.path.name}")
        raise
    made = table.load(journal.out)
    _report(made)
    if args.check:
        _check(made, table.load(args.check))


def _check(made: table.Table, other: table.Table) -> None:
    apart = table.differences(made, other)
    names = ("tokens_per_call", "calls", "rows_tokens", "accuracy", "agreement", "perplexity", "speedup")
    drift = table.drift(table.points(made), table.points(other), names)
    for sentence in (*apart, *drift):
        _say(sentence)
    if apart or drift:
        raise UsageError(
            f"The tables differ: {len(apart)} columns, and {len(drift)} numbers outside of both intervals."
        )
    _say(f"the same as the other table: {len(made)} runs, speeds within their intervals")


def _watch(rows: Iterable[Mapping[str, Any]], done: int, total: int) -> None:
    failed = 0
    for row in rows:
        done += 1
        failed += bool(row["error"])
        end = "" if done < total else "\n"
        bad = f", {failed} with an error" if failed else ""
        print(f"\r{done} of {total} runs{bad}", end=end, file=sys.stderr, flush=True)


def _report(made: table.Table) -> None:
    errors = made[made["error"] != ""]
    for sentence, group in errors.groupby("error", sort=False):
        _say(f"{len(group)} x {sentence}")
    found = table.points(made)
    _print(found, front.choose(found), True)


def _front(args: argparse.Namespace) -> None:
    if args.lose is not None and args.quality != "accuracy":
        raise UsageError(f"--lose {args.lose:g}: points are lost in accuracy; for {args.quality} name --least.")
    made = table.load(args.table)
    found = table.points(made)
    for asked, name in ((args.model, "model"), (args.method, "method")):
        if asked:
            found = [p for p in found if p[name] in asked]
    if not found:
        raise UsageError("The table has no such points: name another --model or --method.")
    chosen = front.choose(found, args.speed, args.quality, args.least, args.lose)
    picks = {"knee": chosen.knee, "best": chosen.best, "exact": chosen.exact}
    if args.json:
        body = {"points": found, "front": chosen.front, **picks}
        print(json.dumps(body, ensure_ascii=False))
        return
    _print(found, chosen, args.all)
    wanted = f"loses at most {args.lose:g} points" if args.lose is not None else f"{args.quality} {args.least}"
    said = {"knee": "the knee", "best": f"the fastest that {wanted}", "exact": "the fastest with its reference's text"}
    for name, i in picks.items():
        if i is not None:
            prompt = made[made["point"] == found[i]["id"]].iloc[0]
            print(f"\n{said[name]}: {_named(found[i])}")
            print(plain(copies.command(found[i], prompt["prompt"], int(prompt["seed"]))))


def _named(point: Mapping[str, Any]) -> str:
    others = "".join(f" with {name}" for name in list(point["models"].values())[1:])
    settings = ", ".join(f"{name} = {value}" for name, value in point["settings"].items()) or "defaults"
    return f"{point['method']} on {point['model']}{others}: {settings}"


def _print(found: list[dict[str, Any]], chosen: front.Chosen, everything: bool) -> None:
    place = {i: n for n, i in enumerate(chosen.front, 1)}
    shown = [i for i in range(len(found)) if everything or i in place]
    shown.sort(key=lambda i: place.get(i, len(found) + i))
    wide = max((len(_named(found[i])) for i in shown), default=0)
    print(" " * (wide + 5) + "".join(f"{head:>{width}}" for head, _, width, _ in SHOWN) + f"{'same':>9}")
    for i in shown:
        point = found[i]
        cells = []
        for _, name, width, digits in SHOWN:
            value = point.get(name)
            value = value * 1000 if name == "wall" and value is not None else value
            cells.append(f"{'-' if value is None else format(value, f'.{digits}f'):>{width}}")
        same = f"{point['identical']}/{point['compared']}" if point.get("compared") else "-"
        print(f"{place.get(i, ''):>3}  {_named(point):<{wide}}{''.join(cells)}{same:>9}")
    print(f"\n{LEGEND}")


def _search(args: argparse.Namespace) -> None:
    knobs, ranges = [], {}
    for asked in args.knobs:
        name, _, span = asked.partition("=")
        name = name.replace("-", "_")
        knobs.append(name)
        if span:
            lo, _, hi = span.partition(":")
            try:
                ranges[name] = (float(lo), float(hi))
            except ValueError as error:
                raise UsageError(f"--knobs {asked}: a range is NAME=LO:HI, two numbers.") from error
    fixed = {}
    for asked in args.set:
        name, found, value = asked.partition("=")
        if not found:
            raise UsageError(f"--set {asked}: must be KNOB=VALUE.")
        fixed[name.replace("-", "_")] = yaml.safe_load(value)
    models: str | dict[str, str] = args.model
    if "=" in args.model:
        models = dict(part.split("=", 1) for part in args.model.split(",") if "=" in part)
    family, colon, n = args.prompts.rpartition(":")
    prompts = {"family": family, "n": int(n)} if colon and n.isdigit() else {"file": args.prompts}
    asked = Search(
        args.method.strip(),
        models,
        prompts,
        tuple(knobs),
        args.trials,
        args.speed,
        args.quality,
        fixed,
        ranges,
        args.seed,
        args.repeats,
    )
    journal = sweep.Journal(_writable(args.out))
    per_trial = len(spec.plan(asked.given({}), Path()).runs)
    _say(f"{asked.trials} trials x {per_trial} runs")
    workers = sweep.Workers(args.backend, args.jobs, args.address)
    _watch(search(asked, journal, workers, Path()), 0, asked.trials * per_trial)
    found = table.points(table.load(journal.out))
    _print(found, front.choose(found, args.speed, args.quality), True)


def _writable(out: Path) -> Path:
    if out.suffix not in (".parquet", ".csv", ".jsonl"):
        raise UsageError(f"--out {out}: a table is written as .parquet, .csv or .jsonl; name it so.")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: the folder {out.parent} does not exist; make it first.")
    return out


def _say(sentence: str) -> None:
    print(plain(sentence), file=sys.stderr)
