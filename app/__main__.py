"""The command line: `python -m app run | view | export | sweep | front | search | cards | methods | models`.
Translates arguments and prints.

Exit codes: 0, 2 (a usage error), 3 (a model is unavailable), 4 (a trace file is unreadable), 130 (interrupted).
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from app import modelled, tuning
from app.summary import summary
from decoders.errors import ExplorerError, ModelUnavailable, UsageError
from decoders.methods.base import Method
from decoders.models import catalogue, measured, memory
from decoders.models.catalogue import Placement
from decoders.models.check import Checked, check
from decoders.models.probe import probe
from decoders.models.public import PUBLIC
from decoders.models.static import KINDS
from decoders.registry import METHODS
from decoders.registry import method as find
from decoders.run import LEVELS, Recording, hardware
from decoders.trace import Reference, Trace
from viz.exports import FORMATS, write
from viz.report import plain, report


class _Parser(argparse.ArgumentParser):
    """One sentence instead of a usage dump, and our exit code for it."""

    def error(self, message: str):
        raise UsageError(f"{self.prog}: {message}; see {self.prog} --help.")


def parser(methods: tuple[Method, ...]) -> argparse.ArgumentParser:
    top = _Parser(prog="python -m app", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    commands = top.add_subparsers(dest="command", required=True, parser_class=_Parser)

    run = commands.add_parser(
        "run", help="decode a prompt", description="Decodes a prompt with a method; each method has its own knobs."
    )
    names = run.add_subparsers(dest="method", required=True, metavar="METHOD", parser_class=_Parser)
    for m in methods:
        one = names.add_parser(m.id, help=m.summary, description=f"{m.summary} {m.paper}, arXiv:{m.arxiv}.")
        for flag, (role, model) in zip(roles(m), catalogue.default_models(m).items(), strict=True):
            kinds = " or ".join(m.roles[role])
            one.add_argument(
                f"--{flag}",
                default=model,
                help=f"a model with {kinds} attention: an id, a folder or a hub id (default: {model})",
            )
        one.add_argument("--prompt", required=True, help="the prompt; - reads it from standard input")
        one.add_argument("--seed", type=int, default=0)
        one.add_argument(
            "--level", choices=sorted(LEVELS), default="trace", help="how much to record (default: %(default)s)"
        )
        one.add_argument(
            "--reference", action="store_true", help="also run the reference decoder and compare token by token"
        )
        _place(one)
        one.add_argument(
            "--compile",
            nargs="?",
            const="auto",
            default="",
            choices=KINDS,
            help="compile calls at a few padded shapes: CUDA graphs on a CUDA device, torch.compile elsewhere, which "
            "takes a C++ compiler and up to a minute a shape (default: no)",
        )
        one.add_argument(
            "--no-probe", action="store_true", help="do not measure a model that nobody here knows before it runs"
        )
        one.add_argument("--out", type=Path, help="save the trace (.json or .json.gz)")
        one.add_argument("--json", action="store_true", help="print one JSON object instead of the text")
        for knob in m.params.knobs():
            symbol = f"{knob.symbol}: " if knob.symbol else ""
            one.add_argument(
                f"--{knob.name.replace('_', '-')}",
                dest=f"knob:{knob.name}",
                metavar=knob.kind.__name__.upper(),
                help=f"{symbol}{knob.help} ({knob.range}; default {knob.default})".replace("%", "%%"),
            )

    view = commands.add_parser("view", help="report on a trace file as text")
    view.add_argument("trace", type=Path)
    view.add_argument("--at", type=int, help="only the first AT events")
    view.add_argument("--json", action="store_true", help="print a JSON summary instead")
    export = commands.add_parser("export", help="a trace file in the format of another program")
    export.add_argument("trace", type=Path)
    kinds = "; ".join(f"{name}: {format.help}" for name, format in FORMATS.items())
    export.add_argument("--as", dest="format", choices=sorted(FORMATS), required=True, help=kinds)
    export.add_argument("-o", "--out", type=Path, help="the file to write; without it standard output is written to")
    tuning.parsers(commands)
    what = "what another card would do: a run against plain decoding, modelled, not measured"
    modelled.flags(
        commands.add_parser("cards", help=what, description=f"{what[0].upper()}{what[1:]}. See docs/cost.md.")
    )
    for name, what in (("methods", "list the decoding methods and their knobs"), ("models", "list the models")):
        listing = commands.add_parser(name, help=what)
        listing.add_argument("--json", action="store_true", help="print JSON instead")
        if name == "methods":
            listing.add_argument("--markdown", action="store_true", help="print docs/methods.md")
        else:
            listing.add_argument(
                "--check", action="store_true", help="say which models fit on this machine, and why not"
            )
            listing.add_argument("--get", metavar="MODEL", help="fetch a public model and print its folder")
            listing.add_argument(
                "--probe",
                metavar="MODEL",
                help="measure a model's mask, shift and attention against what its files say",
            )
            _place(listing)
    return top


def roles(method: Method) -> list[str]:
    """The flags that name its models: the one the text comes from is `model`, others are called by their role."""
    return ["model", *list(method.roles)[1:]]


def run(args: argparse.Namespace, methods: tuple[Method, ...]) -> None:
    given = {
        name.removeprefix("knob:"): value
        for name, value in vars(args).items()
        if name.startswith("knob:") and value is not None
    }
    if args.out is not None and not args.out.absolute().parent.is_dir():
        raise UsageError(f"--out {args.out}: the folder {args.out.parent} does not exist; make it first.")
    prompt = sys.stdin.read() if args.prompt == "-" else args.prompt
    method = find(args.method, methods)
    models = {role: getattr(args, flag) for flag, role in zip(roles(method), method.roles, strict=True)}
    where = _placement(args)
    recording = Recording(method, models, prompt, seed=args.seed, level=args.level, placement=where, **given)
    if "proxy" not in given and getattr(recording.params, "proxy", "") == "none":
        alone = f"no 3-gram lies beside {recording.model.spec.id}, so the drafter alone scores its paths (proxy = none)"
        print(f"[{alone}]", file=sys.stderr)
    if not args.no_probe:
        for name in dict.fromkeys(models.values()):
            _warn(name, where)
    for _ in recording:
        pass
    if args.reference and recording.compare() is None and recording.drawn:
        print("[not compared: at a temperature the text is drawn, and two draws differ]", file=sys.stderr)
    trace = recording.trace
    if args.out is not None:
        trace.save(args.out)
    if args.json:
        print(json.dumps(summary(trace), ensure_ascii=False))
        return
    print(plain(trace.text))
    costs = _costs(trace)
    print(f"[{trace.title} on {trace.model}: {costs} · {trace.tokens_per_call:.2f} tokens per call]", file=sys.stderr)
    if trace.reference is not None:
        where = trace.difference()
        verdict = "identical to" if where is None else f"differs from position {where} from"
        print(f"[{verdict} {trace.reference.label}: {_costs(trace.reference)}]", file=sys.stderr)


def _warn(name: str, placement: Placement) -> None:
    """Measures a model that is neither bundled nor a known public one: what does not fit is said and left as it is."""
    if not catalogue.stranger(name):
        return
    print(f"[measuring how {name} is to be read; --no-probe leaves that out]", file=sys.stderr)
    report = probe(name, placement)
    if not report.informative:
        raise ModelUnavailable(f"{plain(report.nothing)} Check the folder, or run it with --no-probe.")
    for sentence in report.warnings:
        print(f"[{plain(sentence)}]", file=sys.stderr)


def _costs(ran: Trace | Reference) -> str:
    return f"{ran.calls} calls · {ran.rows_tokens} rows x tokens · {ran.seconds:.3f} s in the model"


def view(args: argparse.Namespace) -> None:
    trace = Trace.load(args.trace)
    if args.at is not None and not 0 <= args.at <= len(trace.events):
        raise UsageError(f"--at {args.at}: must be between 0 and {len(trace.events)}, the number of events.")
    print(json.dumps(summary(trace), ensure_ascii=False) if args.json else report(trace, args.at))


def export(args: argparse.Namespace) -> None:
    data = write(Trace.load(args.trace), args.format)
    if args.out is None:
        sys.stdout.buffer.write(data)
        return
    try:
        args.out.write_bytes(data)
    except OSError as error:
        raise UsageError(f"--out {args.out}: cannot be written ({error.strerror}); name another file.") from error


def list_methods(args: argparse.Namespace, methods: tuple[Method, ...]) -> None:
    if args.markdown:
        print(markdown(methods), end="")
        return
    if args.json:
        fields = ("name", "default", "help", "lo", "hi", "step", "choices", "symbol")
        print(
            json.dumps(
                [
                    {
                        "id": m.id,
                        "title": m.title,
                        "paper": m.paper,
                        "arxiv": m.arxiv,
                        "guarantee": m.guarantee,
                        "reference": m.reference or None,
                        "summary": m.summary,
                        "roles": {role: list(kinds) for role, kinds in m.roles.items()},
                        "emits": sorted(m.emits),
                        "knobs": [
                            {"kind": k.kind.__name__, **{f: getattr(k, f) for f in fields}} for k in m.params.knobs()
                        ],
                    }
                    for m in methods
                ],
                ensure_ascii=False,
            )
        )
        return
    for m in methods:
        print(f"{m.id:<12}{m.title} · {m.guarantee} · arXiv:{m.arxiv}\n{'':<12}{m.summary}")
        for k in m.params.knobs():
            print(f"{'':<14}--{k.name.replace('_', '-'):<14}{k.symbol:<3}{k.help} ({k.range}; default {k.default})")


COSTS = (
    "What a round costs is said in calls and rows. A row is the whole canvas (prompt and G positions) on models that "
    "see everything, the tokens from the cache to the end of the block on block-causal ones, and the tokens that are "
    "not in the cache on causal ones; rows x tokens is their product. Calls that only fill a cache come on top: one "
    "for the prompt, and on block-causal models one for each finished block."
)


def markdown(methods: tuple[Method, ...]) -> str:
    """docs/methods.md: one section a method, one row a knob."""
    lines = ["# Methods", "", "Written by `make docs` from the registry; do not edit.", "", COSTS, ""]
    for m in methods:
        against = f", token for token equal to `{m.reference}`" if m.guarantee == "greedy-exact" else ""
        if m.guarantee != "approximate":
            loose = [f"`{k.name}` = {' or '.join(k.loose)}" for k in m.params.knobs() if k.loose]
            against += "".join(f"; approximate with {values}" for values in loose)
        lines += [
            f"## {m.title} (`{m.id}`)",
            "",
            f"{m.summary}",
            "",
            f"{m.paper}, arXiv:{m.arxiv}. Guarantee: {m.guarantee}{against}.",
            "",
            f"A round: {m.cost}",
            "",
            "| knob | symbol | default | range | meaning |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{k.name}` | {k.symbol} | {k.default} | {k.range.replace('|', 'or')} | {k.help} |"
            for k in m.params.knobs()
        ]
        lines.append("")
    return "\n".join(lines)


def list_models(args: argparse.Namespace, methods: tuple[Method, ...]) -> None:
    placement = _placement(args)
    if args.get:
        if not (here := catalogue.source(args.get)).path:
            known = next((c for c in check(methods, placement) if c.id == here.id), None)
            size = f", {memory.words(known.parameters * 2)} in bfloat16" if known else ""
            print(f"[fetching {here.repo}@{here.revision}{size}]", file=sys.stderr)
        print(catalogue.get(args.get))
        return
    if args.probe:
        found = probe(args.probe, placement)
        print(json.dumps(found.json(), ensure_ascii=False) if args.json else plain("\n".join(found.sentences)))
        return
    checked = check(methods, placement)
    if args.json:
        listed = [c.json() | {"missing": ""} for c in checked]
        for e in catalogue.CATALOGUE:
            if reason := catalogue.missing(e.id):
                listed.append({"id": e.id, "hub_id": "", "fits": False, "methods": [], "missing": reason})
        print(json.dumps({"machine": _machine(placement, checked), "models": listed}, ensure_ascii=False))
        return
    if args.check:
        print(_machine(placement, checked))
        for c in checked:
            verdict = "fits" if c.fits else "does not fit"
            parts = f"{memory.words(c.needs.weights)} weights + {memory.words(c.needs.cache + c.needs.call)} for a run"
            print(f"{c.id:<26}{verdict:<14}{memory.words(c.needs.total):>8} = {parts}{'' if c.here else ', not here'}")
            print(f"{'':<26}{', '.join(c.methods)}")
            if c.pairs:
                print(f"{'':<26}goes with {', '.join(c.pairs)}")
        return
    for e in catalogue.CATALOGUE:
        print(f"{e.id:<12}{e.title} · {e.size} parameters · {e.licence}\n{'':<12}{e.note}")
        if right := measured.accuracy(e.id):
            print(f"{'':<12}{right}")
        if reason := catalogue.missing(e.id):
            print(f"{'':<12}Not available: {reason}")
    print(f"\nPublic models by name: {', '.join(p.id for p in PUBLIC)}.")
    print("A folder or hub id of the same architectures will do too; --check says what fits here.")


def _machine(placement: Placement, checked: list[Checked]) -> str:
    free = memory.words(checked[0].free if checked else memory.free(placement.where))
    number = str(placement.number).removeprefix("torch.")
    return f"{hardware(placement.where)}: {free} free; {number}, a text of 512 tokens, up to 8 rows a call"


def _placement(args: argparse.Namespace) -> Placement:
    try:
        placement = Placement(args.device, args.dtype, getattr(args, "compile", ""))
        memory.free(placement.where)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n")[0]
        raise UsageError(f"--device {args.device}: {reason}; name one that is here, as cpu or cuda:0.") from error
    return placement


def _place(parser: argparse.ArgumentParser) -> None:
    """The flags that say where models are put."""
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps, or auto to spread over all (default: the best here)")
    parser.add_argument(
        "--dtype",
        choices=sorted(catalogue.DTYPES),
        help="arithmetic (default: bfloat16 on a GPU, where batched rows are not bit for bit those of a single one; "
        "float32 elsewhere, in which exactness is compared)",
    )


def main(argv: Sequence[str] | None = None, methods: tuple[Method, ...] = METHODS) -> int:
    """Runs a command and returns its exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        if len(argv) > 1 and argv[0] == "run" and not argv[1].startswith("-"):
            find(argv[1], methods)  # says which one may have been meant, where argparse lists all
        args = parser(methods).parse_args(argv)
        if args.command == "run":
            run(args, methods)
        elif args.command == "view":
            view(args)
        elif args.command == "export":
            export(args)
        elif args.command in tuning.COMMANDS:
            tuning.main(args)
        elif args.command == "cards":
            modelled.cards(args)
        elif args.command == "methods":
            list_methods(args, methods)
        else:
            list_models(args, methods)
    except ExplorerError as error:
        print(plain(str(error)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
