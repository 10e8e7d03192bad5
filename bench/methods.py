"""Every method on every bundled model, on the same held-out prompts: what it saves, what it costs, what it gets right.

`python -m bench methods --n 50`: all in one process, prompt by prompt, so that a slow moment of the machine hits all of
them. The first line of a model is its reference decoder, and each ratio is against that line.

- Calls, rows x tokens and tokens are sums over the prompts. A call belongs to the target if `Forward.model` names the
  first role's model; what a draft model reads or drafts is counted under "calls" alone.
- Speed-ups are medians over the prompts of reference time / method time: by the clock (the method's own work included)
  and inside the model's forward calls alone.
- Rounds are those with a verdict. "accepted" counts the drafted tokens written a round, MAT the same and the verifier's
  own token (bonus or correction); what a policy fills without a check (PSD, S2D2) is in neither.
- A text is the generated tokens before the end of text, and is "same" if it equals the reference's.
"""

import argparse
import datetime
import itertools
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.lines import Plan, asked_for, plans
from decoders import registry
from decoders.errors import UsageError
from decoders.models import catalogue, measured
from decoders.models.base import Model
from decoders.run import Recording, hardware
from decoders.trace import Commit, Judge, Trace
from training.corpus import FAMILIES, HELD_OUT, Item, grade, items
from training.evaluate import SEED, SLOTS


@dataclass(frozen=True)
class Sample:
    """What one run on one prompt gave: `wall` seconds by the clock, `seconds` inside the model; `right` is None where
    the family has no grader."""

    filled: int
    calls: int
    target_calls: int
    cost: int
    wall: float
    seconds: float
    rounds: int
    accepted: int
    own: int
    right: bool | None
    text: tuple[int, ...]


def sample(trace: Trace, wall: float, right: bool | None) -> Sample:
    """Counts what is in a trace; see the head of this file for what each number means."""
    rounds = [r for r in trace.rounds if r.of(Judge)]
    whys = [edit.why for r in rounds for commit in r.of(Commit) for edit in commit.edits]
    return Sample(
        filled=round(trace.tokens_per_call * trace.calls),
        calls=trace.calls,
        target_calls=sum(call.model == trace.model for call in trace.forwards),
        cost=trace.rows_tokens,
        wall=wall,
        seconds=trace.seconds,
        rounds=len(rounds),
        accepted=whys.count("accepted"),
        own=whys.count("bonus") + whys.count("corrected"),
        right=right,
        text=trace.ids,
    )


def row(samples: Sequence[Sample], reference: Sequence[Sample]) -> dict[str, Any]:
    """The numbers of a line from its samples and the reference's on the same prompts, in the same order. A ratio to 0
    is None, and is left out of a median."""

    def total(name: str, of: Sequence[Sample] = samples) -> int:
        return sum(getattr(s, name) for s in of)

    def ratio(a: float, b: float) -> float | None:
        return round(a / b, 4) if b else None

    def faster(name: str) -> float | None:
        pairs = [(getattr(ref, name), getattr(s, name)) for ref, s in zip(reference, samples, strict=True)]
        ratios = [a / b for a, b in pairs if b]
        return round(statistics.median(ratios), 4) if ratios else None

    rounds, graded = total("rounds"), [s.right for s in samples if s.right is not None]
    return {
        "tokens_per_call": ratio(total("filled"), total("calls")),
        "calls": ratio(total("calls"), len(samples)),
        "fewer_calls": ratio(total("calls", reference), total("calls")),
        "target_calls": ratio(total("target_calls"), len(samples)),
        "fewer_target_calls": ratio(total("target_calls", reference), total("target_calls")),
        "rows_tokens": ratio(total("cost"), len(samples)),
        "more_rows_tokens": ratio(total("cost"), total("cost", reference)),
        "speedup": faster("wall"),
        "model_speedup": faster("seconds"),
        "accepted_a_round": ratio(total("accepted"), rounds),
        "mat": ratio(total("accepted") + total("own"), rounds),
        "right": sum(graded),
        "graded": len(graded),
        "same": sum(s.text == ref.text for s, ref in zip(samples, reference, strict=True)),
    }


def once(plan: Plan, models: Mapping[str, Model], prompt: str, max_new: int) -> tuple[Trace, float]:
    """One run and its seconds by the clock; reading the prompt and building the trace are not in them."""
    cast = {role: models[name] for role, name in plan.models.items()}
    recording = Recording(plan.method, cast, prompt, level="timing", **{"max_new": max_new, **plan.knobs})
    wall = timed(recording)
    return recording.trace, wall


def timed(recording: Recording) -> float:
    """Runs to the end and returns its seconds by the clock."""
    began = time.perf_counter()
    for _ in recording:
        pass
    return time.perf_counter() - began


def measure(lines: Sequence[Plan], models: Mapping[str, Model], asked: Sequence[Item], max_new: int) -> list[dict]:
    """One row per line: every line answers a prompt before the next prompt comes. Each line is warmed up first."""
    samples: list[list[Sample]] = [[] for _ in lines]
    for plan in lines:
        once(plan, models, asked[0].prompt, max_new)
    for n, item in enumerate(asked, 1):
        for plan, mine in zip(lines, samples, strict=True):
            trace, wall = once(plan, models, item.prompt, max_new)
            mine.append(sample(trace, wall, grade(item, trace.text)))
        print(f"\rprompt {n} of {len(asked)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    out, reference = [], {}
    for plan, mine in zip(lines, samples, strict=True):
        about = {"model": plan.model, "name": plan.name, "method": plan.method.id, "models": plan.models}
        out.append({**about, "knobs": plan.knobs, **row(mine, reference.setdefault(plan.model, mine))})
    return out


def prompts(n: int, seed: int = SEED) -> list[Item]:
    """The first `n` held-out items, the families in turn."""
    pools = [items(family, HELD_OUT, -(-n // len(FAMILIES)), seed) for family in FAMILIES]
    return [item for group in zip(*pools, strict=True) for item in group][:n]


# Heading, key in a row, width, digits.
COLUMNS = (
    ("tok/call", "tokens_per_call", 9, 2),
    ("calls", "calls", 7, 1),
    ("fewer", "fewer_calls", 7, 2),
    ("target's", "target_calls", 9, 1),
    ("fewer", "fewer_target_calls", 7, 2),
    ("rows x tok", "rows_tokens", 11, 0),
    ("more", "more_rows_tokens", 7, 2),
    ("clock", "speedup", 7, 2),
    ("model", "model_speedup", 7, 2),
    ("accepted", "accepted_a_round", 9, 2),
    ("MAT", "mat", 6, 2),
)

LEGEND = """fewer: times fewer than the model's first line; more: times as many. clock, model: times faster, by the
clock and inside forward calls. accepted: drafted tokens kept a round; MAT: with the verifier's own. same: as the first
line's text, of all prompts."""


def table(rows: Sequence[dict[str, Any]], prompts: int) -> str:
    """The rows on that many prompts as text, one table a model."""
    wide, lines = max(len(r["name"]) for r in rows), []
    for model, group in itertools.groupby(rows, key=lambda r: r["model"]):
        heads = "".join(f"{head:>{width}}" for head, _, width, _ in COLUMNS)
        lines.append(f"\n{model:<{wide}}{heads}{'right':>9}{'same':>9}")
        for r in group:
            cells = [f"{'-' if r[key] is None else format(r[key], f'.{n}f'):>{width}}" for _, key, width, n in COLUMNS]
            right, same = f"{r['right']}/{r['graded']}", f"{r['same']}/{prompts}"
            lines.append(f"{r['name']:<{wide}}{''.join(cells)}{right:>9}{same:>9}")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench methods", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--n", type=int, default=50, help="held-out prompts, the families in turn")
    parser.add_argument("--models", nargs="+", default=[], metavar="ID", help="first-role models (default: all)")
    parser.add_argument("--methods", nargs="+", default=[], metavar="ID", help="besides the references (default: all)")
    parser.add_argument("--max-new", type=int, default=SLOTS, help="positions to generate")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--save", type=Path, metavar="PATH", help="also write the JSON here")
    args = parser.parse_args(argv)
    if args.n < 1:
        parser.error(f"--n {args.n}: must be at least 1.")
    absent = {e.id: catalogue.missing(e.id) for e in catalogue.CATALOGUE}
    here = [e for e in catalogue.CATALOGUE if not absent[e.id]]
    for sentence in filter(None, absent.values()):
        print(sentence, file=sys.stderr)
    try:
        lines = asked_for(plans(registry.METHODS, here), args.methods, args.models)
        if not lines:
            parser.error("no model that was asked for has its files: train one, or ask for another.")
        names = dict.fromkeys(name for plan in lines for name in plan.models.values())
        models = {name: catalogue.load(name) for name in names}
        rows = measure(lines, models, prompts(args.n), args.max_new)
    except UsageError as error:
        parser.error(str(error))
    result = {
        "date": datetime.date.today().isoformat(),
        "hardware": hardware(models[lines[0].model].device),
        "weights": {name: measured.fingerprint(name) for name in names},
        "prompts": args.n,
        "seed": SEED,
        "max_new": args.max_new,
        "rows": rows,
    }
    if args.save:
        args.save.parent.mkdir(parents=True, exist_ok=True)
        args.save.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if args.json:
        print(json.dumps(result))
        return 0
    print(f"{args.n} held-out prompts, {args.max_new} positions, {result['hardware']}")
    print(table(rows, args.n), LEGEND, sep="\n\n")
    return 0
