"""One model on one card: every method it allows, timed against its baseline on the same prompts.

`python -m bench gpu --model sdar-1.7b [--draft ID] [--compile]`: all lines in one process, each line on a prompt before
the next prompt comes, after a warm-up.  The first line is the baseline: one token a call (stepwise, or ar for causal
models).  Where the model is on a processor, the same is measured there.

- A text is the generated tokens before its end; tokens: of a prompt's text.  TPF: tokens of the texts per forward call,
  of any model, prefill and cache extension included.  tok/s: median over the prompts of tokens / seconds by the clock.
- wall, model: medians of the baseline's time / this line's on the same prompt, by the clock and inside forward calls.
  Times inside calls are a GPU's own events, or the processor's clock.
- rows x tok: positions fed a prompt; padded: what compiled calls computed on top, in percent of that.
- memory: the most that was allocated on the cards during a run (weights included).  CUDA graphs keep memory of theirs
  reserved that is not in it: the JSON has both.  On a processor there is one peak for the whole process.
- text: on how many prompts every token, what follows the end included, is that of the reference that the method is
  compared with (of a compiled line: of the same line with ordinary calls), and where the first difference is, counted
  from the end of the prompt.
- A run in which a shape was compiled is not counted but made again.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from bench.lines import Plan, Setting
from bench.methods import Sample, prompts, row, sample, timed
from decoders import registry
from decoders.errors import ExplorerError, Incompatible
from decoders.methods.base import Method
from decoders.models import catalogue, memory
from decoders.models.catalogue import Placement
from decoders.models.hf import HFModel
from decoders.models.public import PAIRS
from decoders.models.static import KINDS, Static
from decoders.run import Recording, hardware
from training.evaluate import SEED

# A method that is not named here has one line, at its defaults. "block one by one" is S2D2's baseline: the model's own
# autoregressive mode.
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "stepwise": (Setting("stepwise"), Setting("stepwise fold", {"fold": True})),
    "block": (Setting("block one by one", {"block": 1, "strategy": "sequential"}), Setting("block")),
}
AGAIN = 3


@dataclass(frozen=True)
class Line:
    """`compiled` is how its calls are compiled, empty for ordinary ones."""

    plan: Plan
    compiled: str = ""

    @property
    def name(self) -> str:
        return self.plan.name + (f" ({self.compiled})" if self.compiled else "")


@dataclass(frozen=True)
class Ran:
    """A run: its counts, the positions that padding added, the bytes (allocated, reserved) it took at most, or None
    where nobody counts them, and the first generated token that is not its reference's (None: all are, or there is
    none)."""

    sample: Sample
    padded: int
    memory: tuple[int, int] | None
    against: str
    differs: int | None


def partner(method: Method, role: str, model: str, draft: str) -> str:
    """The model for another role than the first one: the one that was asked for, one that is known to go with the
    model and is here, or the catalogue's choice for a bundled one; empty where there is none."""
    if draft:
        return draft if catalogue.spec(draft).attention in method.roles[role] else ""
    for pair in PAIRS:
        if pair.target == model and method.id in pair.methods and catalogue.source(pair.draft).path is not None:
            return pair.draft
    bundled = {e.id for e in catalogue.CATALOGUE}
    name = catalogue.default_models(method)[role] if model in bundled else ""
    return name if name and not catalogue.missing(name) else ""


def lines(model: str, draft: str = "", asked: Sequence[str] = ()) -> tuple[list[Line], dict[str, str]]:
    """The lines of a model, its baseline first, and why a method that was asked for, or wants a drafter, has none.
    Raises `UnknownName` for a method that does not exist."""
    for name in asked:
        registry.method(name)
    kind, out, skipped = catalogue.spec(model).attention, [], {}
    for method in sorted(registry.METHODS, key=lambda m: m.guarantee != "reference"):
        first, *others = method.roles
        if kind not in method.roles[first]:
            if method.id in asked:
                skipped[method.id] = f"needs {' or '.join(method.roles[first])} attention; {model} is {kind}"
            continue
        if asked and out and method.id not in asked:
            continue  # the first line is the baseline, asked for or not
        cast = {first: model, **{role: partner(method, role, model, draft) for role in others}}
        if not all(cast.values()):
            kinds = " or ".join(method.roles[others[0]])
            skipped[method.id] = f"wants a drafter with {kinds} attention: name one with --draft"
            continue
        for setting in SETTINGS.get(method.id, (Setting(method.id),)):
            if method.params.read(setting.knobs).misfits(kind) or asked and out and method.id not in asked:
                continue
            if setting.knobs.get("fold") and kind != "block":
                continue  # there are no finished blocks to encode
            name = " with ".join([setting.name, *list(cast.values())[1:]])
            out.append(Line(Plan(model, name, method, cast, dict(setting.knobs))))
    return out, skipped


def begin(line: Line, placement: Placement, prompt: str, max_new: int) -> Recording:
    """A run that has not begun; its models are loaded. A 3-gram lies beside few targets."""
    where = replace(placement, compiled=line.compiled)
    knobs = {"max_new": max_new, **line.plan.knobs}
    asks = any(knob.name == "proxy" for knob in line.plan.method.params.knobs())
    if asks and catalogue.load(line.plan.model, where).proxy is None:
        knobs["proxy"] = "none"
    return Recording(line.plan.method, line.plan.models, prompt, level="timing", placement=where, **knobs)


def shapes(recording: Recording) -> int:
    """How many shapes its models have compiled so far."""
    nets = [getattr(model, "model", model) for model in recording.models.values()]
    return sum(net.static.made for net in nets if isinstance(net, HFModel) and net.static is not None)


def once(line: Line, placement: Placement, prompt: str, max_new: int) -> tuple[Recording, float, Any]:
    """A finished run, its seconds by the clock and its memory. Made again while shapes were compiled in it."""
    cards = range(torch.cuda.device_count()) if placement.where.type == "cuda" else ()
    for turn in range(AGAIN):
        recording = begin(line, placement, prompt, max_new)
        for card in cards:
            torch.cuda.reset_peak_memory_stats(card)
        before = shapes(recording)
        wall = timed(recording)
        if shapes(recording) == before or turn == AGAIN - 1:
            break
    held = [(torch.cuda.max_memory_allocated(card), torch.cuda.max_memory_reserved(card)) for card in cards]
    return recording, wall, tuple(map(sum, zip(*held, strict=True))) if held else None


def difference(ours: Sequence[int], theirs: Sequence[int], start: int) -> int | None:
    """How many tokens after `start` the first difference is, None where there is none."""
    pairs = itertools.zip_longest(ours, theirs)
    return next((i - start for i, (a, b) in enumerate(pairs) if a != b), None)


def measure(asked: Sequence[Line], placement: Placement, texts: Sequence[str], max_new: int) -> list[dict[str, Any]]:
    """One row a line: every line answers a prompt before the next prompt comes. Each line is warmed up first."""
    ran: list[list[Ran]] = [[] for _ in asked]
    for line in asked:
        print(f"\r{'warm-up: ' + line.name:<70}", end="", file=sys.stderr, flush=True)
        once(line, placement, texts[0], max_new)
    for n, text in enumerate(texts, 1):
        # What was written with ordinary calls on this prompt, by method and settings: a reference runs once.
        written: dict[Any, tuple[int, ...]] = {}
        for line, mine in zip(asked, ran, strict=True):
            print(f"\r{f'prompt {n} of {len(texts)}: {line.name}':<70}", end="", file=sys.stderr, flush=True)
            recording, wall, held = once(line, placement, text, max_new)
            trace, key = recording.trace, (line.plan.method.id, recording.params)
            rival = recording.rival()
            if line.compiled:
                against, expected = line.plan.name, written[key]
            elif rival is not None:
                written[key], against = trace.tokens, rival.method.id
                key = (rival.method.id, rival.params)
                if key not in written:
                    for _ in rival:
                        pass
                    written[key] = rival.trace.tokens
                expected = written[key]
            else:  # a reference; those behind the first one are other ways to write its text
                written[key] = trace.tokens
                against = asked[0].name if line is not asked[0] else ""
                expected = next(iter(written.values()))
            differs = difference(trace.tokens, expected, trace.prompt_len)
            mine.append(Ran(sample(trace, wall, None), trace.padded, held, against, differs))
    print(f"\r{'':<70}\r", end="", file=sys.stderr)
    return [summed(line, mine, ran[0]) for line, mine in zip(asked, ran, strict=True)]


def summed(line: Line, mine: Sequence[Ran], base: Sequence[Ran]) -> dict[str, Any]:
    """A row from a line's runs and the baseline's on the same prompts."""
    samples = [r.sample for r in mine]
    numbers = row(samples, [r.sample for r in base])
    tokens, calls, cost = (sum(of) for of in zip(*((len(s.text), s.calls, s.cost) for s in samples), strict=True))
    differ = [r.differs for r in mine if r.differs is not None]
    held = [r.memory for r in mine if r.memory is not None]
    return {
        "name": line.name,
        "method": line.plan.method.id,
        "models": line.plan.models,
        "knobs": line.plan.knobs,
        "compiled": line.compiled,
        "guarantee": line.plan.method.guarantee,
        "tokens": tokens / len(mine),
        "tpf": round(tokens / calls, 4),
        "tok_s": round(statistics.median(len(s.text) / s.wall for s in samples), 3),
        "model_tok_s": round(statistics.median(len(s.text) / s.seconds if s.seconds else 0.0 for s in samples), 3),
        "wall": numbers["speedup"],
        "model": numbers["model_speedup"],
        "calls": numbers["calls"],
        "target_calls": numbers["target_calls"],
        "rows_tokens": numbers["rows_tokens"],
        "padded": round(sum(r.padded for r in mine) / cost, 4),
        "accepted_a_round": numbers["accepted_a_round"],
        "allocated_bytes": max((a for a, _ in held), default=None),
        "reserved_bytes": max((b for _, b in held), default=None),
        "against": mine[0].against,
        "identical": len(mine) - len(differ),
        "first_difference": min(differ, default=None),
        "runs": [{"wall": r.sample.wall, "seconds": r.sample.seconds, "text": len(r.sample.text)} for r in mine],
    }


# Heading, key in a row, width, digits.
COLUMNS = (
    ("tokens", "tokens", 8, 1),
    ("TPF", "tpf", 6, 2),
    ("tok/s", "tok_s", 8, 1),
    ("wall", "wall", 7, 2),
    ("model", "model", 7, 2),
    ("forwards", "calls", 9, 1),
    ("rows x tok", "rows_tokens", 11, 0),
)


def table(rows: Sequence[dict[str, Any]], prompts: int) -> str:
    """The rows on that many prompts as text."""
    wide = max(len(r["name"]) for r in rows)
    heads = "".join(f"{head:>{width}}" for head, _, width, _ in COLUMNS)
    out = [f"{'':<{wide}}{heads}{'padded':>8}{'memory':>10}  text"]
    for r in rows:
        cells = [f"{'-' if r[key] is None else format(r[key], f'.{n}f'):>{width}}" for _, key, width, n in COLUMNS]
        held = "-" if r["allocated_bytes"] is None else memory.words(r["allocated_bytes"])
        text = f"{r['identical']}/{prompts} as {r['against']}" if r["against"] else "is a reference"
        if r["first_difference"] is not None:
            text += f", else from token {r['first_difference']}"
        if r["guarantee"] == "approximate" and not r["compiled"]:
            text += " (approximate)"
        out.append(f"{r['name']:<{wide}}{''.join(cells)}{100 * r['padded']:>6.0f} %{held:>10}  {text}")
    return "\n".join(out)


def commit() -> str:
    """The commit of this program, with a + where files were changed since; "unknown" outside a checkout."""
    root = Path(__file__).resolve().parents[1]

    def git(*argv: str) -> str:
        return subprocess.run(["git", *argv], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def peak() -> int | None:
    """The most memory that this process has held so far, in bytes; None where the system does not say."""
    try:
        import resource  # noqa: PLC0415 (not on every system)
    except ImportError:
        return None
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help="a bundled id, a public model's name, a folder or a hub id")
    parser.add_argument("--draft", default="", help="a drafter, for the methods that have one")
    parser.add_argument("--methods", nargs="+", default=[], metavar="ID", help="besides the baseline (default: all)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps or auto (default: the best here)")
    parser.add_argument("--dtype", choices=sorted(catalogue.DTYPES), help="default: bfloat16 on a GPU, else float32")
    parser.add_argument(
        "--compile", nargs="?", const="auto", default="", choices=KINDS, help="also every line with compiled calls"
    )
    parser.add_argument("--prompts", type=int, default=5, help="held-out prompts, the families in turn")
    parser.add_argument("--max-new", type=int, default=64, help="positions to generate")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    args = parser.parse_args(argv)
    if args.prompts < 1:
        parser.error(f"--prompts {args.prompts}: must be at least 1.")
    placement = Placement(args.device, args.dtype)
    try:
        memory.free(placement.where)
    except (RuntimeError, AssertionError) as error:
        parser.error(f"--device {args.device}: {str(error).splitlines()[0]}; name one that is here, as cpu or cuda:0.")
    try:
        plain, skipped = lines(args.model, args.draft, args.methods)
        if not plain:
            raise Incompatible(f"{args.model}: no method takes it: {skipped}.")
        model = catalogue.load(args.model, placement)
        kind = args.compile and Static.named(args.compile, model.device)
        asked = [line for p in plain for line in ([p, replace(p, compiled=kind)] if kind else [p])]
        texts = [item.prompt for item in prompts(args.prompts)]
        rows = measure(asked, placement, texts, args.max_new)
    except ExplorerError as error:
        parser.error(str(error))
    result = {
        "hardware": hardware(model.device, model.dtype),
        "dtype": str(model.dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "cuda": torch.version.cuda if model.device.type == "cuda" else None,
        "commit": commit(),
        "models": {name: _source(name) for line in plain for name in line.plan.models.values()},
        "placement": asdict(placement) | {"compiled": kind},
        "prompts": args.prompts,
        "seed": SEED,
        "max_new": args.max_new,
        "process_peak_bytes": peak(),
        "skipped": skipped,
        "rows": rows,
    }
    if args.json:
        print(json.dumps(result))
        return 0
    versions = f"torch {result['torch']}, transformers {result['transformers']}"
    versions += f", CUDA {result['cuda']}" if result["cuda"] else ""
    print(f"{', '.join(result['models'].values())}: {args.prompts} held-out prompts, {args.max_new} positions")
    print(f"{result['hardware']}, {result['dtype']}, {versions}, commit {result['commit']}")
    if model.device.type != "cuda" and result["process_peak_bytes"]:
        print(f"the process held {memory.words(result['process_peak_bytes'])} at most")
    print(table(rows, args.prompts))
    for name, reason in skipped.items():
        print(f"{name} is not here: {reason}")
    return 0


def _source(name: str) -> str:
    """A model's id, with its revision where it comes from a hub."""
    found = catalogue.source(name)
    return f"{found.repo}@{found.revision}" if found.repo else found.id
