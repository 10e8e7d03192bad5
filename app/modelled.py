"""`python -m app cards`: a saved run against plain decoding on other cards, MODELLED. See `tune.when`."""

import argparse
import json
from pathlib import Path
from typing import Any

from decoders.errors import UsageError
from decoders.trace import Trace
from tune.cards import LISTED
from tune.roofline import MOST
from tune.when import PLAIN, answer, plain, where


def flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    known = ", ".join(["this-cpu", *(card.id for card in LISTED)])
    parser.add_argument("trace", type=Path, help="a trace file")
    parser.add_argument(
        "--against", type=Path, metavar="TRACE", help="a plain run of the same prompt (default: the trace's reference)"
    )
    parser.add_argument("--card", default="h100", help=f"one of {known} (default: %(default)s)")
    parser.add_argument("--model", default="", metavar="ID", help="ask it with the sizes of this public model")
    parser.add_argument("--batch", type=int, default=1, help=f"texts decoded at once (1 to {MOST['batch']})")
    parser.add_argument("--context", type=int, default=0, help=f"tokens more before the text (0 to {MOST['context']})")
    parser.add_argument("--compile", action="store_true", help="count on compiled calls (CUDA graphs)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")


def cards(args: argparse.Namespace) -> None:
    """Prints what the model says, and what was measured."""
    trace, others = Trace.load(args.trace), []
    if args.against:
        other = Trace.load(args.against)
        if other.method not in PLAIN or other.prompt != trace.prompt or other.model != trace.model:
            raise UsageError(
                f"--against {args.against}: {other.method} on {other.model} is no plain run of this trace's prompt by "
                f"{trace.model}; name one of {' or '.join(PLAIN)}."
            )
        others = [other]
    asked = where(
        {
            "card": args.card,
            "like": args.model,
            "batch": args.batch,
            "context": args.context,
            "compiled": args.compile,
        }
    )
    said = answer(trace, plain(trace, others), asked)
    print(json.dumps(said, ensure_ascii=False) if args.json else text(said))


def text(said: dict[str, Any]) -> str:
    """The answer as a table, MODELLED numbers behind a ~, and in a sentence."""
    asked, names = said["asked"], said["sizes"]
    models = ", ".join(f"{name} with the sizes of {of}" if of != name else name for name, (of, *_) in names.items())
    told = "" if said["plain"]["exact"] else " (its calls told from totals)"
    lines = [f"{said['title']} against {said['plain']['label']}{told}"]
    measured = said["measured"]
    if measured["ratio"]:
        lines.append(
            f"measured  {measured['run']:.3f} s and {measured['plain']:.3f} s: x {measured['ratio']:.2f} of plain "
            f"decoding's time, {said['model']}, {measured['hardware']}"
        )
    if said["here"]:
        lines.append(f"MODELLED  {_pair(said['here'])}, the same models on {said['here']['title']}")
    lines += [
        "",
        f"MODELLED for {models}; batch {asked['batch']}, {asked['context']} tokens of context more"
        + (", compiled calls" if asked["compiled"] else ""),
        f"{'card':<10}{'run':>11}{'plain':>11}{'ratio':>8}  bound by",
    ]
    for row in said["rows"]:
        room = "" if row["fits"] else f"  (does not fit: {row['needs'] / 1e9:.0f} GB)"
        lines.append(
            f"{row['card']:<10}{'~' + _time(row['run']):>11}{'~' + _time(row['plain']):>11}"
            f"{'~' + format(row['ratio'], '.2f'):>8}  {row['bound']}{room}"
        )
    fit = said["fit"]
    return "\n".join(
        [
            *lines,
            "",
            f"{asked['card']}: {sentence(said)}",
            f"Assumed: kernels reach {fit['memory']:.0%} of bandwidth and {fit['compute']:.0%} of peak, as on "
            f"{fit['hardware']}; drafts are kept as in the recorded run. See docs/cost.md.",
        ]
    )


def sentence(said: dict[str, Any]) -> str:
    """The answer to: when is it slower than plain decoding?"""
    crossing = said["crossing"]
    parts = []
    for along, unit in (("batch", "texts at once"), ("context", "tokens of context more")):
        at, ideal = crossing[along], crossing[f"{along}_ideal"]
        if at is None:
            parts.append(f"not slower up to {MOST[along]} {unit}")
        else:
            other = "" if ideal is None else f" ({ideal} if kernels reached all of the card)"
            parts.append(f"slower than plain decoding from {at} {unit} on{other}")
    return "; ".join(parts) + "."


def _pair(row: dict[str, Any]) -> str:
    return f"~{row['run']:.3f} s and ~{row['plain']:.3f} s: x ~{row['ratio']:.2f}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
