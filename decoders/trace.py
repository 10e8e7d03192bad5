"""What a decoding run leaves behind: a header and a flat list of events.

Seven kinds of event, plain values only. Only a `Commit` changes the sequence, so the sequence at any moment is the
initial canvas folded over the commits before it. Views, the page's player, the CLI report and the tests all read this
and nothing else. Importing this module costs neither torch nor gradio nor plotly.

Words used everywhere: `pos` is a position on the canvas (0 is the first prompt token), `at` a number of events already
seen (0..len(events)), `token` a vocabulary id. Probabilities are in 0..1, entropies in nats, times in seconds.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, get_args

from decoders.errors import TraceError

SCHEMA = 1

# What the reader accepts; a larger file is refused with a sentence, never half read.
MAX_FILE_BYTES = 8 * 2**20
MAX_JSON_BYTES = 64 * 2**20
MAX_SLOTS = 4096
MAX_CALLS = 4096
MAX_EVENTS = 40_000
MAX_CANDIDATES = 32
MAX_AHEAD = 512
MAX_NGRAMS = 4096
MAX_TEXT = 20_000

PROVENANCE = ("measured", "replay", "simulated")
GUARANTEES = ("reference", "exact", "greedy-exact", "approximate")
REASONS = ("eos", "length", "stopped", "error")
OUTCOMES = ("accepted", "rejected", "unreached")
WHYS = ("unmasked", "accepted", "bonus", "corrected", "revised", "remasked")
ATTENTIONS = ("full", "block", "causal")


@dataclass(frozen=True, slots=True)
class Belief:
    """What one forward call said about one position: its `top` tokens with probabilities, best first, and its entropy.

    `row` is the row of the batch (the hypothesis) that said so. The mass outside `top` is `1 - sum(p)`.
    """

    pos: int
    top: tuple[tuple[int, float], ...]
    entropy: float
    row: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A hypothetical edit: the tokens it fills in, on top of what its parents fill in.

    A chain names the previous node as parent, a tree a shared one, a lattice every node of the previous position;
    parallel guesses name none. `q` is the drafter's probability, `row` the batch row that evaluates this hypothesis
    (-1: none)."""

    id: int
    fills: tuple[tuple[int, int], ...]
    q: float
    parents: tuple[int, ...] = ()
    row: int = -1


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verifier's answer about a node. Accepted means `score >= bar` and every parent accepted; `p` is the
    verifier's probability of the node's token, `choice` the (pos, token) that the verifier would have taken instead
    of the node's."""

    node: int
    outcome: str
    p: float
    score: float
    bar: float
    choice: tuple[int, int] = (-1, -1)


@dataclass(frozen=True, slots=True)
class Edit:
    """Position `pos` changes from token `before` to token `after`, because of `why`; `p` is the model's probability
    of it, or, where a token is masked again ("remasked"), of the token that was there."""

    pos: int
    before: int
    after: int
    why: str
    p: float = 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """A draft-verify round, or one denoising step, begins; `block` is the semi-autoregressive block being filled."""

    n: int
    block: int


@dataclass(frozen=True, slots=True)
class Forward:
    """One call of one model: `batch` rows of `length` fed tokens each, on top of `cached` positions held in a KV cache.

    `mask` numbers the distinct explicit attention masks of a run (0: the model's own rule); the first call that uses
    one carries it in `sees`, one tuple of (start, stop) key spans per query row. `fed` lists the (pos, token) of a
    packed input; empty means the canvas in order. `start` is the first canvas position fed; what is cached lies left of
    it or, with an approximate cache, on both sides of what is fed. `seconds` is measured in
    the model adapter, so it holds neither drawing nor recording, and it is left out of comparisons. So is `padded`: the
    token positions that a compiled model computed on top of these, to fill up a shape that it knows."""

    role: str
    length: int
    batch: int = 1
    cached: int = 0
    start: int = 0
    beliefs: tuple[Belief, ...] = ()
    fed: tuple[tuple[int, int], ...] = ()
    mask: int = 0
    sees: tuple[tuple[tuple[int, int], ...], ...] = ()
    model: str = "model"
    seconds: float = field(default=0.0, compare=False)
    padded: int = field(default=0, compare=False)

    @property
    def cost(self) -> int:
        """Rows x tokens: how many token positions this call processed."""
        return self.batch * self.length


@dataclass(frozen=True, slots=True)
class Propose:
    """Tokens put forward, not yet believed, in drafting order."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Judge:
    """The verifier's answers, in judging order."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Decide:
    """A choice the algorithm made about itself, and the named numbers that made it.

    A choice of tokens may list what it was made among: `among[i]` are the candidates of position `about[0] + i`,
    (token, probability), best first. `ngrams` then is the part of a 3-gram model that scores every path through them,
    in rows as in an ARPA file: (tokens, ln P of the last one after the others, ln of the back-off weight behind
    them)."""

    what: str
    choice: str
    about: tuple[int, ...] = ()
    because: tuple[tuple[str, float], ...] = ()
    among: tuple[tuple[tuple[int, float], ...], ...] = ()
    ngrams: tuple[tuple[tuple[int, ...], float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """The sequence changes. Nothing else changes it."""

    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the run ended: `eos`, `length` (the canvas is full), `stopped` (by the visitor) or `error`."""

    reason: str


Event = Round | Forward | Propose | Judge | Decide | Commit | Finish
KINDS: dict[str, type] = {cls.__name__.lower(): cls for cls in get_args(Event)}


class Attention(NamedTuple):
    """The rule by which a model attends where a call has no mask of its own: `full`, `block` (in blocks of `block`
    positions, counted from 0) or `causal`; `block` is 0 for the other two."""

    kind: str
    block: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """What the exactness badge compares with: the tokens and the three costs of the reference decoder, run by us."""

    method: str
    label: str
    tokens: tuple[int, ...]
    calls: int
    rows_tokens: int
    seconds: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class RoundView:
    """One round of a trace: `start..stop` are event indices; the rest is picked out for the reader's convenience."""

    n: int
    start: int
    stop: int
    events: tuple[Event, ...]

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def fates(self) -> dict[tuple[int, int], str]:
        """What became of each drafted token (pos, token) that was judged: of its outcomes in all the branches and
        orders it stands in, the one that comes first in `OUTCOMES`."""
        outcomes = {v.node: v.outcome for judge in self.of(Judge) for v in judge.verdicts}
        nodes = [node for propose in self.of(Propose) for node in propose.nodes if node.id in outcomes]
        out: dict[tuple[int, int], str] = {}
        for node in sorted(nodes, key=lambda node: OUTCOMES.index(outcomes[node.id])):
            for fill in node.fills:
                out.setdefault(fill, outcomes[node.id])
        return out


@dataclass(frozen=True, eq=False)
class Trace:
    """A run: who ran what on which canvas, and the events in order.

    `canvas` holds the token ids before the first event (prompt, then masks); a causal run starts with the prompt
    alone and grows. `vocab` maps every id that occurs to its text; pieces that are not valid UTF-8 on their own are
    written as `<0xE2><0x82>`. `attention` is the kind of the model that the run is about, `attentions` the rule of
    every model by the name that its calls have; files from before there were `attentions` have none. `dtype` is the
    arithmetic of the weights, "" in files from before it was written down. Compared and hashed by identity, because the
    page keeps traces in session state and hashing 10,000 events for each update would cost tens of milliseconds."""

    method: str
    title: str
    paper: str
    guarantee: str
    model: str
    models: dict[str, str]
    params: dict[str, Any]
    seed: int
    prompt: str
    prompt_len: int
    canvas: tuple[int, ...]
    block: int
    mask: int
    eos: tuple[int, ...]
    vocab: dict[int, str]
    events: tuple[Event, ...]
    attention: str = "full"
    attentions: dict[str, Attention] = field(default_factory=dict)
    specials: tuple[int, ...] = ()
    hardware: str = ""
    dtype: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    recorded: str = ""
    provenance: str = "measured"
    level: str = "trace"
    reference: Reference | None = None
    schema: int = SCHEMA

    SCHEMA: ClassVar[int] = SCHEMA

    # ------------------------------------------------------------ derived, never stored
    def canvas_at(self, at: int | None = None) -> list[int]:
        """The token ids after the first `at` events (all of them by default)."""
        tokens = list(self.canvas)
        for event in self.events[:at]:
            if isinstance(event, Commit):
                for edit in event.edits:
                    if edit.pos == len(tokens):
                        tokens.append(edit.after)
                    else:
                        tokens[edit.pos] = edit.after
        return tokens

    @cached_property
    def rounds(self) -> tuple[RoundView, ...]:
        """The events grouped by `Round`; a `Finish` belongs to the last one."""
        starts = [(i, event.n) for i, event in enumerate(self.events) if isinstance(event, Round)]
        stops = [*(i for i, _ in starts[1:]), len(self.events)]
        return tuple(RoundView(n, a, b, self.events[a:b]) for (a, n), b in zip(starts, stops, strict=False))

    @cached_property
    def forwards(self) -> tuple[Forward, ...]:
        return tuple(event for event in self.events if isinstance(event, Forward))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The event kinds that occur, as lower-case words; what a view's `needs` is checked against."""
        return frozenset(type(event).__name__.lower() for event in self.events)

    @property
    def calls(self) -> int:
        """Forward calls of any model, prefill and cache extension included."""
        return len(self.forwards)

    @property
    def rows_tokens(self) -> int:
        """Token positions processed, summed over rows and calls."""
        return sum(call.cost for call in self.forwards)

    @property
    def padded(self) -> int:
        """Token positions that compiled calls computed on top of those, to fill up their shapes."""
        return sum(call.padded for call in self.forwards)

    @property
    def seconds(self) -> float:
        """Time inside the model's forward calls, in seconds; drawing and recording are not in it."""
        return sum(call.seconds for call in self.forwards)

    @cached_property
    def tokens(self) -> tuple[int, ...]:
        """The final canvas, prompt included."""
        return tuple(self.canvas_at())

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The generated tokens up to, not including, the first end-of-sequence; masks that are left end it too."""
        out = []
        for token in self.tokens[self.prompt_len :]:
            if token in self.eos or token == self.mask:
                break
            out.append(token)
        return tuple(out)

    @property
    def text(self) -> str:
        """The generated text, decoded as a whole so that characters split over tokens are whole again."""
        return self.decode(self.ids)

    def decode(self, tokens: tuple[int, ...] | list[int]) -> str:
        return b"".join(piece_bytes(self.vocab.get(token, "")) for token in tokens).decode("utf-8", "replace")

    @property
    def tokens_per_call(self) -> float:
        """TPF: positions filled per forward call, the tail after end-of-sequence included, as the papers count it."""
        filled = sum(token != self.mask for token in self.tokens[self.prompt_len :])
        return filled / self.calls if self.calls else 0.0

    @property
    def finish(self) -> str:
        last = self.events[-1] if self.events else None
        return last.reason if isinstance(last, Finish) else "stopped"

    @property
    def acceptance(self) -> tuple[int, int]:
        """(accepted, drafted) tokens over the run. A token drafted at a position counts once in a round, in however
        many branches or orders it stands; one that was not reached was paid for too, so it counts as drafted."""
        fates = [fate for view in self.rounds for fate in view.fates().values()]
        return fates.count("accepted"), len(fates)

    @property
    def acceptance_length(self) -> float | None:
        """Tokens filled in per round that judged drafts, the verifier's own (bonus or corrected) and what the round
        kept without a draft included; None where nothing was judged."""
        judged = [view for view in self.rounds if view.of(Judge)]
        filled = sum(edit.why not in ("remasked", "revised") for v in judged for c in v.of(Commit) for edit in c.edits)
        return filled / len(judged) if judged else None

    def difference(self) -> int | None:
        """The first canvas position where this run and its reference differ, or None when they are identical."""
        if self.reference is None:
            raise TraceError("This trace has no reference run: record one with run(..., reference=True).")
        ours, theirs = self.tokens, self.reference.tokens
        for pos in range(max(len(ours), len(theirs))):
            if pos >= len(ours) or pos >= len(theirs) or ours[pos] != theirs[pos]:
                return pos
        return None

    # ------------------------------------------------------------ files
    def header(self) -> dict[str, Any]:
        """Everything but the events, as JSON values."""
        out: dict[str, Any] = {}
        for f in fields(self):
            if f.name == "events":
                continue
            value = getattr(self, f.name)
            if f.name == "vocab":
                value = {str(k): v for k, v in value.items()}
            elif isinstance(value, Reference):
                value = {g.name: getattr(value, g.name) for g in fields(value)}
            out[f.name] = value
        return out

    def to_json(self) -> str:
        body = {**self.header(), "events": [event_json(event) for event in self.events]}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def to_bytes(self) -> bytes:
        """Gzipped JSON; the same trace gives the same bytes (no time stamp in the gzip header)."""
        return gzip.compress(self.to_json().encode(), mtime=0)

    def save(self, path: str | Path) -> Path:
        path = Path(path)
        path.write_bytes(self.to_bytes() if path.suffix == ".gz" else self.to_json().encode())
        return path

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        path = Path(path)
        try:
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise TraceError(
                    f"{path.name} has {size} bytes: a trace may have at most {MAX_FILE_BYTES}; record a shorter run."
                )
            data = path.read_bytes()
        except OSError as error:
            raise TraceError(f"{path} cannot be read: {error.strerror}; give the path of a trace file.") from error
        return cls.from_bytes(data)

    @classmethod
    def from_bytes(cls, data: bytes) -> Trace:
        """Reads gzipped or plain JSON; raises `TraceError` naming the offending field."""
        if len(data) > MAX_FILE_BYTES:
            raise TraceError(
                f"The trace has {len(data)} bytes: at most {MAX_FILE_BYTES} are allowed; record a shorter run."
            )
        if data[:2] == b"\x1f\x8b":
            try:
                # Bounded, so that a small file cannot unpack into all of the machine's memory.
                unpacker = zlib.decompressobj(wbits=31)
                data = unpacker.decompress(data, MAX_JSON_BYTES)
                if unpacker.unconsumed_tail:
                    raise TraceError(f"The trace unpacks to more than {MAX_JSON_BYTES} bytes; record a shorter run.")
                if not unpacker.eof:
                    raise TraceError(
                        "The trace is cut off in the middle of its gzip stream: save or download it again."
                    )
            except zlib.error as error:
                raise TraceError(f"The trace is not valid gzip ({error}): save or download it again.") from error
        try:
            body = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        except UnicodeDecodeError as error:
            raise TraceError(
                f"The trace is not UTF-8 text (byte {error.start}): give a file that this program saved."
            ) from error
        except json.JSONDecodeError as error:
            raise TraceError(
                f"The trace is not JSON (line {error.lineno}, column {error.colno}): give a file that we saved."
            ) from error
        except RecursionError as error:
            raise TraceError("The trace is nested too deeply: give a file that this program saved.") from error
        except ValueError as error:  # Python refuses to read integers of more than 4300 digits
            raise TraceError(
                "The trace has a number with too many digits: give a file that this program saved."
            ) from error
        if _HALF.search(data):
            try:
                json.dumps(body, ensure_ascii=False).encode()
            except UnicodeEncodeError as error:
                raise TraceError("The trace has half a character (an unpaired \\u escape): save it again.") from error
        return _read(body)


# ------------------------------------------------------------ JSON, one event at a time
def event_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object with its `kind`; fields at their default are left out, parts are positional arrays.

    belief [pos, entropy, row, [[token, p], ...]] · node [id, [[pos, token], ...], q, [parents], row] ·
    verdict [node, outcome, p, score, bar, [pos, token]] · edit [pos, before, after, why, p]
    """
    kind = type(event).__name__.lower()
    out: dict[str, Any] = {"kind": kind}
    match event:
        case Round(n, block):
            out |= {"n": n, "block": block}
        case Forward():
            for f in fields(event):
                value = getattr(event, f.name)
                if f.name == "beliefs":
                    value = [[b.pos, b.entropy, b.row, b.top] for b in value]
                if value not in ((), [], 0, 0.0, "model") or f.name in ("role", "length"):
                    out[f.name] = value
        case Propose(nodes):
            out["nodes"] = [[n.id, n.fills, n.q, n.parents, n.row] for n in nodes]
        case Judge(verdicts):
            out["verdicts"] = [[v.node, v.outcome, v.p, v.score, v.bar, v.choice] for v in verdicts]
        case Decide():
            out |= {f.name: getattr(event, f.name) for f in fields(event)}
            out = {key: value for key, value in out.items() if value or key not in ("among", "ngrams")}
        case Commit(edits):
            out["edits"] = [[e.pos, e.before, e.after, e.why, e.p] for e in edits]
        case Finish(reason):
            out["reason"] = reason
    return out


def piece_bytes(piece: str) -> bytes:
    """The UTF-8 bytes of a vocabulary piece; `<0xE2><0x82>` stands for the bytes E2 82."""
    if _BYTE_PIECE.fullmatch(piece):
        return bytes(int(h, 16) for h in re.findall(r"0x([0-9A-F]{2})", piece))
    return piece.encode("utf-8", "replace")


# JSON can spell half a character, which is neither shown nor saved; files of ours have no such escapes.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_BYTE_PIECE = re.compile(r"(?:<0x[0-9A-F]{2}>)+")


def _no_constant(name: str) -> float:
    raise TraceError(f"The trace contains {name}: every number must be finite.")


class _Field:
    """A JSON value that knows its path, so that every complaint can name it."""

    __slots__ = ("path", "value")

    def __init__(self, path: str, value: Any):
        self.path, self.value = path, value

    def fail(self, rule: str) -> TraceError:
        shown = json.dumps(self.value, ensure_ascii=False, default=str)
        return TraceError(f"{self.path} = {shown if len(shown) <= 60 else shown[:57] + '...'}: {rule}.")

    def get(self, key: str, default: Any = ...) -> _Field:
        if not isinstance(self.value, dict):
            raise self.fail("must be an object")
        path = f"{self.path}.{key}" if self.path else key
        if key not in self.value:
            if default is ...:
                raise TraceError(f"{path} is missing: give a file that this program saved.")
            return _Field(path, default)
        return _Field(path, self.value[key])

    def items(self, most: int = MAX_EVENTS, exactly: int | None = None) -> Iterator[_Field]:
        if not isinstance(self.value, list | tuple):
            raise self.fail("must be an array")
        if exactly is not None and len(self.value) != exactly:
            raise self.fail(f"must have {exactly} entries")
        if len(self.value) > most:
            raise TraceError(f"{self.path} has {len(self.value)} entries: at most {most} are allowed.")
        return (_Field(f"{self.path}[{i}]", value) for i, value in enumerate(self.value))

    def integer(self, lo: int = 0, hi: int = 2**31) -> int:
        if type(self.value) is not int:
            raise self.fail("must be an integer")
        if not lo <= self.value <= hi:
            raise self.fail(f"must be between {lo} and {hi}")
        return self.value

    def number(self, lo: float = -1e300, hi: float = 1e300) -> float:
        # By comparing: an integer of 400 digits is not finite as a float, and asking raises. NaN fails it too.
        if type(self.value) not in (int, float) or not abs(self.value) <= 1e300:
            raise self.fail("must be a finite number")
        if not lo <= self.value <= hi:
            raise self.fail(f"must be between {lo:g} and {hi:g}")
        return self.value

    def string(self, among: tuple[str, ...] = (), most: int = MAX_TEXT) -> str:
        if not isinstance(self.value, str):
            raise self.fail("must be a string")
        if among and self.value not in among:
            raise self.fail(f"must be one of {', '.join(among)}")
        if len(self.value) > most:
            raise TraceError(f"{self.path} has {len(self.value)} characters: at most {most} are allowed.")
        return self.value

    def ints(self, lo: int = 0, hi: int = 2**31, most: int = MAX_EVENTS) -> tuple[int, ...]:
        return tuple(item.integer(lo, hi) for item in self.items(most))

    def words(self, most: int = 64) -> dict[str, str]:
        if not isinstance(self.value, dict) or len(self.value) > most:
            raise self.fail(f"must be an object of at most {most} strings")
        return {key: self.get(key).string(most=500) for key in self.value}


class _Reader:
    """Checks events against the canvas while reading them, so that a trace that loads can be drawn."""

    def __init__(self, canvas: tuple[int, ...], vocab: dict[int, str], mask: int, grows: bool):
        self.tokens, self.vocab, self.calls, self.spare = list(canvas), vocab, 0, MAX_AHEAD if grows else 0
        self.mask = mask
        self.open: set[int] = set()

    def ahead(self, f: _Field) -> int:
        """A position that a draft or a belief may speak of: on the canvas, or beyond the end of one that grows."""
        return f.integer(0, min(MAX_SLOTS, len(self.tokens) + self.spare) - 1)

    def token(self, f: _Field) -> int:
        if f.integer() not in self.vocab:
            raise f.fail("must be an id listed in vocab")
        return f.value

    def pair(self, f: _Field) -> tuple[int, int]:
        a, b = f.items(exactly=2)
        return self.ahead(a), self.token(b)

    def candidates(self, f: _Field) -> tuple[tuple[int, float], ...]:
        pairs = []
        for item in f.items(MAX_CANDIDATES):
            token, p = item.items(exactly=2)
            pairs.append((self.token(token), p.number(0, 1)))
        return tuple(pairs)

    def belief(self, f: _Field) -> Belief:
        pos, entropy, row, top = f.items(exactly=4)
        return Belief(self.ahead(pos), self.candidates(top), entropy.number(0, 100), row.integer(0, 4096))

    def ngram(self, f: _Field) -> tuple[tuple[int, ...], float, float]:
        tokens, logp, backoff = f.items(exactly=3)
        gram = tuple(self.token(t) for t in tokens.items(3))
        if not gram:
            raise tokens.fail("must have one to three tokens")
        return gram, logp.number(), backoff.number()

    def node(self, f: _Field) -> Node:
        ident, fills, q, parents, row = f.items(exactly=5)
        # Parents come first, so the graph has no cycle.
        for parent in parents.items(MAX_SLOTS):
            if parent.integer() not in self.open:
                raise parent.fail("must be the id of an earlier node of this round")
        if ident.integer() in self.open:
            raise ident.fail("must differ from the ids before it")
        self.open.add(ident.value)
        return Node(
            ident.value,
            tuple(self.pair(p) for p in fills.items(MAX_SLOTS)),
            q.number(0, 1),
            parents.ints(),
            row.integer(-1, 4096),
        )

    def verdict(self, f: _Field) -> Verdict:
        node, outcome, p, score, bar, choice = f.items(exactly=6)
        if node.integer() not in self.open:
            raise node.fail("must be the id of a node proposed in this round")
        accepted = outcome.string(OUTCOMES) == "accepted"
        if accepted and score.number() < bar.number():
            raise score.fail(f"an accepted node needs a score of at least its bar {bar.value:g}")
        where, what = choice.items(exactly=2)
        if what.integer(-1) >= 0:
            self.token(what)
        return Verdict(
            node.value,
            outcome.value,
            p.number(0, 1),
            score.number(),
            bar.number(),
            (where.integer(-1, len(self.tokens) + self.spare), what.value),
        )

    def edit(self, f: _Field) -> Edit:
        pos, before, after, why, p = f.items(exactly=5)
        at, new = pos.integer(0, len(self.tokens)), self.token(after)
        if at == len(self.tokens):
            if len(self.tokens) >= MAX_SLOTS:
                raise pos.fail(f"a canvas has at most {MAX_SLOTS} positions")
            self.tokens.append(before.integer(-1))
        elif before.integer() != self.tokens[at]:
            raise before.fail(f"position {at} holds token {self.tokens[at]} at this moment")
        self.tokens[at] = new
        if (why.string(WHYS) == "remasked") != (new == self.mask):
            raise why.fail('must be "remasked" where, and only where, the mask is put back')
        return Edit(at, before.value, new, why.value, p.number(0, 1))

    def event(self, f: _Field) -> Event:
        kind = f.get("kind").string(tuple(KINDS))
        if kind == "round":
            self.open = set()
            return Round(f.get("n").integer(), f.get("block").integer())
        if kind == "forward":
            self.calls += 1
            if self.calls > MAX_CALLS:
                raise TraceError(f"{f.path} is forward call {self.calls}: at most {MAX_CALLS} are allowed.")
            sees = tuple(
                tuple(
                    (s.value[0], s.value[1])
                    for s in row.items(MAX_SLOTS)
                    if all(x.integer() >= 0 for x in s.items(exactly=2))
                )
                for row in f.get("sees", ()).items(2 * MAX_SLOTS)
            )
            return Forward(
                role=f.get("role").string(most=40),
                length=f.get("length").integer(1, 4 * MAX_SLOTS),
                batch=f.get("batch", 1).integer(1, 4096),
                cached=f.get("cached", 0).integer(0, MAX_SLOTS),
                start=f.get("start", 0).integer(0, MAX_SLOTS),
                beliefs=tuple(self.belief(b) for b in f.get("beliefs", ()).items(MAX_SLOTS * 16)),
                fed=tuple(self.pair(p) for p in f.get("fed", ()).items(4 * MAX_SLOTS)),
                mask=f.get("mask", 0).integer(0, 4096),
                sees=sees,
                model=f.get("model", "model").string(most=40),
                seconds=f.get("seconds", 0.0).number(0, 1e6),
                padded=f.get("padded", 0).integer(),
            )
        if kind == "propose":
            return Propose(tuple(self.node(n) for n in f.get("nodes").items(MAX_SLOTS)))
        if kind == "judge":
            return Judge(tuple(self.verdict(v) for v in f.get("verdicts").items(MAX_SLOTS)))
        if kind == "decide":
            because = []
            for item in f.get("because", ()).items(64):
                name, number = item.items(exactly=2)
                because.append((name.string(most=80), number.number()))
            return Decide(
                f.get("what").string(most=80),
                f.get("choice").string(most=200),
                f.get("about", ()).ints(),
                tuple(because),
                tuple(self.candidates(c) for c in f.get("among", ()).items(MAX_SLOTS)),
                tuple(self.ngram(n) for n in f.get("ngrams", ()).items(MAX_NGRAMS)),
            )
        if kind == "commit":
            return Commit(tuple(self.edit(e) for e in f.get("edits").items(MAX_SLOTS)))
        return Finish(f.get("reason").string(REASONS))


def _attentions(f: _Field) -> dict[str, Attention]:
    if not isinstance(f.value, dict) or len(f.value) > 64:
        raise f.fail("must be an object of at most 64 models")
    out = {}
    for name in f.value:
        kind, block = f.get(name).items(exactly=2)
        blocks = kind.string(ATTENTIONS) == "block"
        if block.integer(int(blocks), MAX_SLOTS) and not blocks:
            raise block.fail(f"must be 0, because {kind.value} attention has no blocks")
        out[name] = Attention(kind.value, block.value)
    return out


def _read(body: Any) -> Trace:
    top = _Field("", body)
    if not isinstance(body, dict):
        raise TraceError("A trace is a JSON object: give a file that this program saved.")
    schema = top.get("schema").integer()
    if schema > SCHEMA:
        raise TraceError(f"schema = {schema}: this program reads trace schema {SCHEMA} and older; update it.")
    vocab = {}
    entries = top.get("vocab")
    if not isinstance(entries.value, dict) or len(entries.value) > 300_000:
        raise entries.fail("must be an object from token id to text")
    for key in entries.value:
        if not key.isascii() or not key.isdigit() or len(key) > 10:
            raise _Field(f"vocab.{key}", key).fail("must be a token id in decimal digits")
        vocab[int(key)] = entries.get(key).string(most=400)
    canvas = top.get("canvas").ints(most=MAX_SLOTS)
    for i, token in enumerate(canvas):
        if token not in vocab:
            raise _Field(f"canvas[{i}]", token).fail("must be an id listed in vocab")
    if not canvas:
        raise _Field("canvas", []).fail("must have at least one position")
    attention = top.get("attention", "full").string(ATTENTIONS)
    model = top.get("model").string(most=200)
    attentions = _attentions(top.get("attentions", {}))
    if model in attentions and attentions[model].kind != attention:
        raise top.get("attentions").get(model).fail(f'must be "{attention}", as attention says')
    mask = top.get("mask").integer(-1)
    reader = _Reader(canvas, vocab, mask, grows=attention == "causal")
    events = tuple(reader.event(f) for f in top.get("events").items())
    params = top.get("params")
    if not isinstance(params.value, dict) or len(params.value) > 64:
        raise params.fail("must be an object of at most 64 settings")
    for key, value in params.value.items():
        field_ = params.get(key)
        if isinstance(value, str):
            field_.string(most=500)
        elif not isinstance(value, bool):
            field_.number()
    reference = None
    if (ref := top.get("reference", None)).value is not None:
        reference = Reference(
            ref.get("method").string(most=80),
            ref.get("label").string(most=200),
            ref.get("tokens").ints(most=MAX_SLOTS),
            ref.get("calls").integer(),
            ref.get("rows_tokens").integer(hi=2**53),
            ref.get("seconds").number(0, 1e6),
        )
    return Trace(
        method=top.get("method").string(most=80),
        title=top.get("title").string(most=200),
        paper=top.get("paper").string(most=200),
        guarantee=top.get("guarantee").string(GUARANTEES),
        model=model,
        models=top.get("models").words(),
        params=dict(params.value),
        seed=top.get("seed").integer(-(2**63), 2**63),
        prompt=top.get("prompt").string(),
        prompt_len=top.get("prompt_len").integer(0, len(canvas)),
        canvas=canvas,
        block=top.get("block").integer(1, MAX_SLOTS),
        mask=mask,
        eos=top.get("eos").ints(most=64),
        vocab=vocab,
        events=events,
        attention=attention,
        attentions=attentions,
        specials=top.get("specials", ()).ints(most=4096),
        hardware=top.get("hardware", "").string(most=200),
        dtype=top.get("dtype", "").string(most=20),
        versions=top.get("versions", {}).words(),
        recorded=top.get("recorded", "").string(most=40),
        provenance=top.get("provenance", "measured").string(PROVENANCE),
        level=top.get("level", "trace").string(most=20),
        reference=reference,
        schema=schema,
    )
