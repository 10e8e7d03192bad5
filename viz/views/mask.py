"""Who may see whom in the calls of this round, and by which rule?

The permissions of attention, not its weights. Rows are queries (the tokens that a call feeds), columns are keys (what
is cached, then what is fed). Every cell is open or closed by one rule, and the rule is a sentence. Rules live in
`RULES` and nowhere else: the page fills their templates in, cell by cell.

What a call without a mask of its own (`Forward.mask` 0) may see follows from its model's rule: full, block-causal or
causal. An explicit mask is compared with the layouts that decoders are known to use. The one that gives the same
permissions, cell for cell, explains it; if none does, the cells say only what the mask says. What the trace does not
tell is said beside the matrix (`Call.doubt`), never guessed in silence.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import plotly.graph_objects as go

from decoders.trace import Forward, Node, Propose, Round, RoundView, Trace
from viz import theme
from viz.base import View, round_at

# More keys than this are drawn as tiles.
MANY = 256
TILES = 64


class Rule(NamedTuple):
    """One reason for a cell. `look` is its colour, `title` its place in the legend; `sentence` is a template: {q} and
    {k} name query and key, {qn} and {kn} are what there is to say about them (`Key.note`)."""

    open: bool
    look: str
    title: str
    sentence: str


RULES: dict[str, Rule] = {
    "self": Rule(True, "self", "itself", "Query {q} sees itself."),
    "prompt": Rule(True, "prefix", "prompt", "Query {q} may see {k}: prompt, always visible."),
    "full": Rule(
        True, "block", "full attention", "Query {q} may see {k}: full attention hides nothing, left or right."
    ),
    "left": Rule(True, "prefix", "to the left", "Query {q} may see {k}: it stands to the left; causal."),
    "earlier": Rule(True, "prefix", "earlier block", "Query {q} may see {k}: an earlier block; block-causal."),
    "same": Rule(
        True, "block", "same block", "Query {q} may see {k}: the same block, which is read in both directions."
    ),
    "behind": Rule(
        True, "block", "behind the causal part", "Query {q} may see {k}: it stands behind what is read token by token."
    ),
    "draft": Rule(True, "reference", "draft of this row", "Query {q} may see {k}: {kn}, filled in for this row."),
    "ancestor": Rule(
        True, "reference", "own branch", "Query {q} may see {k}: {kn}, on its own branch; it builds on it."
    ),
    "before": Rule(
        True, "reference", "drafts before", "Query {q} may see {k}: a draft before it, as in blocks of one position."
    ),
    "revealed": Rule(
        True, "reference", "drafted by then", "Query {q} ({qn}) may see {k}: {kn}, so it lay there by then."
    ),
    "masked": Rule(
        True, "block", "still masked then", "Query {q} ({qn}) may see {k}: {kn}, so a mask lay there until then."
    ),
    "shadow": Rule(
        True, "block", "shadows", "Query {q} may see {k}: a shadow too, so a mask: it tells nothing about the token."
    ),
    "kept": Rule(
        True, "prefix", "kept key", "Query {q} sees {k} as it was computed {kn}: nothing it read has changed since."
    ),
    "stale": Rule(True, "stale", "stale key", "Query {q} sees {k} as it was computed {kn}."),
    "shown": Rule(
        True, "block", "open by the mask", "Query {q} may see {k}: the call's own mask says so; the trace not why."
    ),
    "right": Rule(False, "later", "to the right", "Query {q} may not see {k}: it stands to the right; causal."),
    "later": Rule(False, "later", "later block", "Query {q} may not see {k}: a later block; block-causal."),
    "guess": Rule(
        False, "later", "a guess", "Query {q} may not see {k}: a guess, and what is known is read without guesses."
    ),
    "aside": Rule(
        False, "later", "masks aside", "Query {q} may not see {k}: a mask that is fed to be read off, not to be seen."
    ),
    "unrevealed": Rule(
        False, "later", "drafted later", "Query {q} ({qn}) may not see {k}: {kn}, so it did not lie there yet."
    ),
    "answer": Rule(
        False, "sibling", "its own answer", "Query {q} may not see {k}: the token it has to tell; it would be told."
    ),
    "sibling": Rule(
        False, "sibling", "sibling branch", "Query {q} may not see {k}: {kn}, of a sibling branch; it would leak the "
        "alternative."
    ),
    "filled": Rule(
        False, "sibling", "no mask any more", "Query {q} ({qn}) may not see {k}: {kn}, so its draft stood there."
    ),
    "alone": Rule(
        False, "sibling", "another step", "Query {q} may not see {k}: every mask is a step of its own."
    ),
    "hidden": Rule(
        False, "sibling", "closed by the mask", "Query {q} may not see {k}: the call's own mask says so; the trace not "
        "why."
    ),
    "unknown": Rule(False, "sibling", "not recorded", "Whether query {q} may see {k} is not in the trace."),
}  # fmt: skip

# group of tokens: (name of its bar, what is said behind a token of it).
GROUPS: dict[str, tuple[str, str]] = {
    "prompt": ("prompt", ""),
    "committed": ("committed", ""),
    "block": ("current block", ""),
    "drafted": ("drafted", "draft"),
    "masks": ("masks", ""),
    "copies": ("mask copies", "mask copy"),
}

# look: (light, dark, glyph). A closed later key has the colour of the page on purpose.
LOOKS: dict[str, tuple[str, str, str]] = {
    "self": ("#16202B", "#F3F6FA", "■"),
    "prefix": ("#9AA7B8", "#5C6878", "▪"),
    "block": ("#2F7FC1", "#4DA3E8", "▣"),
    "reference": ("#E0A100", "#F2B84B", "•"),
    "later": ("#FFFFFF", "#0F1318", "□"),
    "sibling": ("#F6C9B0", "#5A2C1A", "╱"),
    "stale": ("#2F7FC1", "#4DA3E8", "◥"),
}

Runs = tuple[tuple[int, str], ...]
"""A row of the matrix from left to right: (stop, rule) of each run of keys with one rule."""


class Key(NamedTuple):
    """A token that a call sees, cached or fed. `note` is what sentences may say about it; `rule`, where it is not "",
    takes the place of an open cell's rule in its column."""

    pos: int
    text: str
    group: str
    cached: bool = False
    note: str = ""
    rule: str = ""


class Lane(NamedTuple):
    """One row of the batch: the keys (index, key) in which it differs from the call's."""

    title: str
    keys: tuple[tuple[int, Key], ...] = ()


class Call(NamedTuple):
    """One forward call. `keys` are `cached` cached ones and then the fed tokens, which are the queries; query i reads
    `rows[line[i]]`. `at` is the cursor behind the call, `doubt` what the trace does not tell; `unsure` is said behind
    each cell's sentence, where that puts the whole rule in doubt."""

    at: int
    role: str
    model: str
    rule: str
    doubt: str
    cached: int
    keys: tuple[Key, ...]
    rows: tuple[Runs, ...]
    line: tuple[int, ...]
    lanes: tuple[Lane, ...]
    unsure: str = ""

    @property
    def fullest(self) -> int:
        """The row of the batch that holds most: the one worth showing first."""
        return max(range(len(self.lanes)), key=lambda i: (len(self.lanes[i].keys), -i))

    def keys_of(self, lane: int = 0) -> tuple[Key, ...]:
        """The keys of a row of the batch."""
        keys = list(self.keys)
        for i, key in self.lanes[lane].keys:
            keys[i] = key
        return tuple(keys)

    def base(self, query: int, key: int) -> str:
        """The rule of a cell, whatever the token of the key."""
        runs = self.rows[self.line[query]]
        return runs[bisect_right(runs, key, key=lambda run: run[0])][1]

    def rule_of(self, query: int, key: int, lane: int = 0) -> str:
        """The rule of a cell: the name of an entry of `RULES`."""
        base = self.base(query, key)
        if not RULES[base].open:
            return base
        own = next((k for i, k in self.lanes[lane].keys if i == key), self.keys[key]).rule
        return "self" if key == self.cached + query else own or base

    def sentence(self, query: int, key: int, lane: int = 0) -> str:
        """What there is to say about a cell."""
        keys = self.keys_of(lane)
        return told(keys[self.cached + query], keys[key], self.rule_of(query, key, lane)) + self.unsure

    @property
    def open(self) -> int:
        """How many cells are open."""
        each = [sum((stop - start) * RULES[rule].open for start, (stop, rule) in _starts(runs)) for runs in self.rows]
        return sum(each[i] for i in self.line)

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.line) * len(self.keys)


class MaskInfo(NamedTuple):
    """The calls of round `n`, and which of them is shown first. `block` positions from `origin` on are a block.
    `before` says so where the run has not begun; `closed` is the cursor of the next round with closed cells, after the
    last one again the first (-1: no other round has any)."""

    at: int
    n: int
    calls: tuple[Call, ...]
    first: int
    block: int
    origin: int
    sentence: str
    before: str = ""
    closed: int = -1


def named(key: Key) -> str:
    """A token in a sentence: position, text, and what kind of token it is where that is not plain."""
    kind = GROUPS[key.group][1]
    return f"{key.pos} ‘{key.text}’" + (f" ({kind})" if kind else "")


def told(query: Key, key: Key, rule: str) -> str:
    """The sentence of a cell."""
    parts = {"q": named(query), "k": ("cached key " if key.cached else "key ") + named(key)}
    # One pass, so that braces in a token stay what they are.
    return _fill(RULES[rule].sentence, {**parts, "qn": query.note, "kn": key.note})


def _fill(template: str, parts: dict[str, str]) -> str:
    head, *rest = template.split("{")
    return head + "".join(parts[name] + tail for name, _, tail in (part.partition("}") for part in rest))


def info(trace: Trace, at: int) -> MaskInfo:
    """The calls of the round under the cursor, those after the cursor too: a mask is no result."""
    origin = 0 if trace.attention == "block" else trace.prompt_len
    view, before = round_at(trace, at), ""
    if view is None:
        # A mask is no result: the first one may be looked at before the first step.
        view = next((view for view in trace.rounds if view.of(Forward)), None)
        if view is None:
            return MaskInfo(at, -1, (), 0, trace.block, origin, "The run has not begun: step forward.")
        before = f"Before the first step: this is the first call, of round {view.n}."
    calls = tuple(
        _Reading(trace, view, offset).call() for offset, e in enumerate(view.events) if isinstance(e, Forward)
    )
    if not calls:
        return MaskInfo(at, view.n, (), 0, trace.block, origin, f"Round {view.n} makes no call.")
    # What checks or predicts tokens says more about a method than what fills its cache or drafts for it.
    order = ("verify", "denoise", "decode", "edit", "draft")
    first = min(range(len(calls)), key=lambda i: order.index(calls[i].role) if calls[i].role in order else len(order))
    first = 0 if before else first
    call = calls[first]
    size = f"{len(call.line)} queries x {len(call.keys)} keys, {_count(call.open)} of {_count(call.cells)} cells open"
    sentence = f"{before} Round {view.n}, {call.role} call of {call.model}: {size}. {call.rule}".strip()
    return MaskInfo(at, view.n, calls, first, trace.block, origin, sentence, before, _closed(trace, view))


def _closed(trace: Trace, here: RoundView) -> int:
    """The cursor behind the next round that has closed cells, cyclically; -1: none but perhaps this one."""
    after = trace.rounds.index(here) + 1
    for view in (*trace.rounds[after:], *trace.rounds[: after - 1]):
        if any(_Reading(trace, view, i).closes for i, e in enumerate(view.events) if isinstance(e, Forward)):
            return view.stop
    return -1


def _count(n: int) -> str:
    """With a thin space between thousands, as the page writes numbers."""
    return f"{n:,}".replace(",", "\u2009")


def _starts(runs: Runs) -> Iterator[tuple[int, tuple[int, str]]]:
    start = 0
    for run in runs:
        yield start, run
        start = run[0]


class _Reading:
    """One call, read in its surroundings: what was on the canvas, what had been proposed."""

    def __init__(self, trace: Trace, view: RoundView, offset: int):
        self.trace, self.view, self.event = trace, view, view.start + offset
        self.forward: Forward = view.events[offset]  # type: ignore[assignment]
        self.canvas = trace.canvas_at(self.event)
        before, after = view.events[:offset], view.events[offset + 1 :]
        self.nodes: list[Node] = [node for e in before if isinstance(e, Propose) for node in e.nodes]
        self.coming = {pos: t for e in after if isinstance(e, Propose) for node in e.nodes for pos, t in node.fills}
        self.past = [e for e in before if isinstance(e, Forward) and e.model == self.forward.model]
        self.doubts: list[str] = []
        self.unsure = ""
        fed, cached = self.forward.fed, self.forward.cached
        start, length = self.forward.start, len(fed) or self.forward.length
        if fed and len(fed) != self.forward.length:
            self.doubts.append(f"The call fed {self.forward.length} tokens, and the trace lists {len(fed)} of them.")
        self.packed = bool(fed)
        # Cached keys lie left of what is fed; with an approximate cache the others lie right of it.
        left = min(cached, start)
        beyond = max((pos for pos, _ in fed), default=start + length - 1) + 1
        self.held = [*range(left), *range(beyond, beyond + cached - left)]
        self.fed = [pos for pos, _ in fed] if fed else list(range(start, start + length))
        self.rule, self.size = self._own()

    # ------------------------------------------------------------ tokens
    def call(self) -> Call:
        call = self.forward
        lanes = [self._keys(row) for row in range(call.batch)]
        rows, line, rule, notes, keyed = self._matrix(lanes[0])
        lanes = [self._finish(keys, notes, keyed) for keys in lanes]
        known = call.batch > 1 and any(fills for row, fills in self._rows.items() if row > 0)
        if call.batch > 1 and not known:
            self.doubts.append("The trace does not say what each row of this call held; all rows have this one mask.")
        titles = [self._lane(row, known) for row in range(call.batch)]
        differ = [
            tuple((i, key) for i, (key, base) in enumerate(zip(keys, lanes[0], strict=True)) if key != base)
            for keys in lanes
        ]
        lane = tuple(Lane(title, keys) for title, keys in zip(titles, differ, strict=True))
        doubt = " ".join(dict.fromkeys(self.doubts))
        return Call(
            self.event + 1, call.role, call.model, rule, doubt, len(self.held), lanes[0], rows, line, lane, self.unsure
        )

    @property
    def closes(self) -> bool:
        """Whether a cell of this call is closed; read without its keys, because it is asked of many calls."""
        call, n = self.forward, len(self.fed)
        keys = len(self.held) + n
        if not call.mask:
            rows, _ = _own_rows(self.rule, self.size, len(self.held), n)
            return any(not RULES[rule].open for runs in rows for _, rule in runs)
        sees = self._sees()
        return len(sees) != n or any(_clip(spans, keys) != ((0, keys),) for spans in sees)

    def _sees(self) -> Sequence[Spans]:
        """The rows of this call's own mask, which the first call that used it holds; () if the trace lost them."""
        return next((f.sees for f in self.trace.forwards if f.mask == self.forward.mask and f.sees), ())

    @cached_property
    def _rows(self) -> dict[int, dict[tuple[int, int], Node]]:
        """The fills of each row of the batch: those of its node and of the node's ancestors."""
        known = {node.id: node for node in self.nodes}
        rows: dict[int, dict[tuple[int, int], Node]] = {}
        for node in self.nodes:
            if node.row < 0:
                continue
            row, queue, seen = rows.setdefault(node.row, {}), [node.id], set[int]()
            while queue:
                at = queue.pop()
                if at in seen or at not in known:
                    continue
                seen.add(at)
                row |= dict.fromkeys(known[at].fills, known[at])
                # Rows of a lattice or of two orders hold the same fills by any of their ways.
                queue += known[at].parents[:1]
        return rows

    def _lane(self, row: int, known: bool) -> str:
        if not known:
            return f"row {row}"
        count = len(self._rows.get(row, {}))
        return f"row {row}: the canvas" + (f" and {count} draft{'s' * (count > 1)}" if count else "")

    def _keys(self, row: int) -> list[Key]:
        fills = {pos: (token, node) for (pos, token), node in self._rows.get(row, {}).items()}
        held = [self._key(pos, None, fills, cached=True) for pos in self.held]
        if not self.packed:
            return held + [self._key(pos, None, fills) for pos in self.fed]
        seen, out = set(self.held), []
        for pos, token in self.forward.fed:
            again = pos in seen and token == self.trace.mask
            out.append(self._key(pos, token, fills) if not again else Key(pos, "⟨mask⟩", "copies"))
            seen.add(pos)
        return held + out

    def _key(self, pos: int, token: int | None, fills: dict, cached: bool = False) -> Key:
        """The token at a position, as far as the trace tells."""
        canvas, trace = self.canvas, self.trace
        have = canvas[pos] if pos < len(canvas) else None
        plain = have is not None and have != trace.mask
        note = ""
        if plain and (token is None or token == have):
            group, token = self._group(pos), have
        elif token is None and pos in fills:
            token, node = fills[pos]
            group, note = "drafted", f"draft {node.id + 1}"
        elif token is None:
            token = self._ahead(pos) if have is None else None
            group = "masks" if token is None else "drafted"
            note = "" if token is None else "a draft"
        else:
            group = "masks" if token == trace.mask else "drafted"
            node = next((n for n in self.nodes if (pos, token) in n.fills), None)
            note = f"draft {node.id + 1}" if node and group == "drafted" else ""
        text = "⟨mask⟩" if token is None or group == "masks" else theme.piece(trace, token)
        return Key(pos, text, group, cached, note)

    def _group(self, pos: int) -> str:
        if pos < self.trace.prompt_len:
            return "prompt"
        first, stop = self._block_span()
        return "block" if first <= pos < stop else "committed"

    def _block_span(self) -> tuple[int, int]:
        trace = self.trace
        if trace.attention == "causal":
            return 0, 0
        origin = 0 if trace.attention == "block" else trace.prompt_len
        begin = next(event for event in self.view.events if isinstance(event, Round)).block
        return origin + begin * trace.block, origin + (begin + 1) * trace.block

    def _ahead(self, pos: int) -> int | None:
        """The token fed beyond the end of a growing canvas; None for a mask. A mask is what a call predicts at a
        position that it feeds; what was predicted there before, or proposed later, is a draft."""
        call = self.forward
        if not self.nodes and any(belief.pos == pos for belief in call.beliefs):
            return None
        if not self.nodes and not call.beliefs:
            self.doubts.append(
                "This run was recorded without beliefs: which tokens beyond the text are masks is a guess."
            )
            return None
        for earlier in reversed(self.past):
            # A pass over many masks fills the surest ones with its best tokens; what is proposed later may differ.
            if len(earlier.beliefs) > 1:
                top = next((b.top for b in earlier.beliefs if b.pos == pos), ())
                if token := next((t for t, _ in top if t != self.trace.mask), None):
                    return token
        return self.coming.get(pos)

    # ------------------------------------------------------------ rules
    def _own(self) -> tuple[str, int]:
        """(full, block or causal, positions per block): the rule of this call's model where no mask is given."""
        trace, call = self.trace, self.forward
        if call.model in (trace.model, "model"):  # "model" is what a call says that names none
            return trace.attention, trace.block
        if known := trace.attentions.get(call.model):
            # A mask of its own is one for the blocks of the canvas, where that has blocks.
            return known.kind, trace.block if call.mask and trace.attention == "block" else known.block or trace.block
        if call.mask:
            return trace.attention, trace.block
        end = self.fed[-1] + 1
        rule, why = trace.attention, f"it is read as {trace.model} is"
        if trace.attention == "causal":
            inside = [belief for belief in call.beliefs if belief.pos < end]
            if inside and len(inside) == len(call.beliefs):
                rule, why = (
                    "full",
                    "it predicts masks that it is fed, so it is read as full attention, though it may be block-causal",
                )
            else:
                why = "it is read as causal"
        self.doubts.append(f"The trace does not say by which rule {call.model} attends: {why}.")
        self.unsure = f" The rule of {call.model} is not in the trace."
        return rule, trace.block

    def _matrix(self, keys: list[Key]):  # noqa: ANN202
        """Rows as runs, the row of each query, the rule in words, notes of keys by index, and whether open cells take
        the rule of their key."""
        call, n = self.forward, len(self.fed)
        if not call.mask:
            rows, line = _own_rows(self.rule, self.size, len(self.held), n)
            return rows, line, _WORDS[self.rule].format(b=self.size), {}, True
        sees = self._sees()
        said = f"Explicit mask {call.mask}: "
        if len(sees) != n:
            self.doubts.append(f"The trace names mask {call.mask}, and does not hold its {n} rows.")
            return (((len(keys), "unknown"),),), (0,) * n, said + "not recorded.", {}, False
        given = [_clip(spans, len(keys)) for spans in sees]
        for layout in _LAYOUTS:
            found = layout(self, keys, given)
            if found and all(_opened(runs) == spans for runs, spans in zip(found[0], given, strict=True)):
                rows, line = _unique(found[0])
                return rows, line, said + found[1], found[2], not self.packed
        rows, line = _unique([_shown(spans, len(keys)) for spans in given])
        self.doubts.append("No layout known here gives this mask: its cells say what is open, not why.")
        return rows, line, said + "open and closed as the trace has it.", {}, False

    def _finish(self, keys: list[Key], notes: dict[int, str], keyed: bool) -> tuple[Key, ...]:
        """Keys with their notes, and the rules that their columns have."""
        stale = self._stale()
        out = []
        for i, key in enumerate(keys):
            key = key._replace(note=notes.get(i, key.note))
            if i < len(stale) and stale[i]:
                since, changed = stale[i]  # type: ignore[misc]
                key = key._replace(rule="stale" if changed else "kept", note=since + changed)
            elif key.group == "prompt" and (keyed or i < len(self.held)):
                key = key._replace(rule="prompt")
            elif key.group == "drafted" and keyed:
                key = key._replace(rule="draft", note=key.note or "a draft")
            out.append(key)
        return tuple(out)

    # ------------------------------------------------------------ caches that are out of date
    def _stale(self) -> list[tuple[str, str] | None]:
        """For each cached key of an approximate cache: when it was computed, and what has changed since ("": nothing).
        A key is out of date as soon as a position changed that it could see when it was computed."""
        if self.rule == "causal" or not self.held:
            return []
        # A block-causal model's keys are exact, unless they are of the block that is being filled.
        first = 0 if self.rule == "full" else self.fed[0] // self.size * self.size
        doubtful = [pos for pos in self.held if pos >= first]
        if not doubtful:
            return []
        left, when = set(doubtful), dict[int, int]()
        for i in range(self.event - 1, -1, -1):
            event = self.trace.events[i]
            if not left:
                break
            if isinstance(event, Forward) and event.model == self.forward.model and event.batch == 1 and not event.fed:
                mine = left & set(range(event.start, event.start + event.length))
                when |= dict.fromkeys(mine, i)
                left -= mine
        told = {i: self._since(i) for i in set(when.values())}
        return [None if pos not in when else self._note(told[when[pos]], pos) for pos in self.held]

    def _since(self, event: int) -> tuple[str, list[int]]:
        """Where a call stands in the run, and the positions that have changed since."""
        was = self.trace.canvas_at(event)
        begun = [e for e in self.trace.events[:event] if isinstance(e, Round)]
        words = f"in round {begun[-1].n}, block {begun[-1].block}" if begun else "before the first round"
        return words, [pos for pos, (a, b) in enumerate(zip(was, self.canvas, strict=False)) if a != b]

    def _note(self, since: tuple[str, list[int]], pos: int) -> tuple[str, str]:
        words, changed = since
        if self.rule == "block":
            changed = [p for p in changed if p // self.size <= pos // self.size]
        if not changed:
            return words, ""
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return words, f" (stale: position {changed[0]}{more} changed since)"


_WORDS = {
    "full": "Full attention: every position sees every other.",
    "block": "Block-causal in blocks of {b}: a position sees its own block and those before it.",
    "causal": "Causal: a position sees itself and what stands to its left.",
}


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _own_rows(rule: str, size: int, held: int, n: int) -> tuple[tuple[Runs, ...], tuple[int, ...]]:
    """What a model sees by its own rule. It counts keys, not positions: the cached ones come first."""
    keys = held + n
    if rule == "full":
        return (((keys, "full"),),), (0,) * n
    return _unique([_by_place(rule, size, held + i, keys) for i in range(n)])


def _by_place(rule: str, size: int, place: int, keys: int) -> Runs:
    if rule == "causal":
        return _runs([(place + 1, "left"), (keys, "right")])
    first = place // size * size
    return _runs([(first, "earlier"), (min(first + size, keys), "same"), (keys, "later")])


def _runs(parts: Sequence[tuple[int, str]]) -> Runs:
    """Without empty runs, and with neighbours of one rule joined."""
    out: list[tuple[int, str]] = []
    for stop, rule in parts:
        if stop <= (out[-1][0] if out else 0):
            continue
        if out and out[-1][1] == rule:
            out.pop()
        out.append((stop, rule))
    return tuple(out)


def _unique(rows: Sequence[Runs]) -> tuple[tuple[Runs, ...], tuple[int, ...]]:
    places: dict[Runs, int] = {}
    line = tuple(places.setdefault(runs, len(places)) for runs in rows)
    return tuple(places), line


Spans = tuple[tuple[int, int], ...]


def _clip(spans: Sequence[Sequence[int]], keys: int) -> Spans:
    """Spans in order, inside the keys, joined where they touch."""
    out: list[tuple[int, int]] = []
    for a, b in sorted((a, min(b, keys)) for a, b in spans if a < min(b, keys)):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)


def _opened(runs: Runs) -> Spans:
    return _clip([(start, stop) for start, (stop, rule) in _starts(runs) if RULES[rule].open], runs[-1][0])


def _shown(spans: Spans, keys: int) -> Runs:
    parts = [part for a, b in spans for part in ((a, "hidden"), (b, "shown"))]
    return _runs([*parts, (keys, "hidden")])


def _sees(spans: Spans, key: int) -> bool:
    return any(a <= key < b for a, b in spans)


# ------------------------------------------------------------ explicit masks
# A layout says how a mask may have come about: a row of runs for each query, the rule in words, notes of keys. It is
# believed only if those runs are open exactly where the mask is.
Found = tuple[list[Runs], str, dict[int, str]] | None


def _plain(call: _Reading, keys: list[Key], given: list[Spans]) -> Found:
    """Causal, block-causal or full over keys in order."""
    held, n = len(call.held), len(keys)
    for rule, size in (("causal", 1), ("block", call.size), ("full", 1), *(("block", 2**i) for i in range(1, 11))):
        rows, line = _own_rows(rule, size, held, len(given))
        if all(_opened(rows[i]) == spans for i, spans in zip(line, given, strict=True)):
            return [rows[i] for i in line], _lower(_WORDS[rule].format(b=size)), {}
    # The left part token by token, as an autoregressive model reads it, the rest with everything.
    part = next((i for i, spans in enumerate(given) if spans == ((0, n),)), len(given))
    rows = [_by_place("causal", 1, held + i, n) for i in range(part)]
    rows += [_runs([(held + part, "left"), (n, "behind")])] * (len(given) - part)
    first = keys[held + part].pos if part < len(given) else 0
    return rows, f"causal up to position {first}, which is filled; from there on everything that is fed is seen.", {}


def _one_each(call: _Reading, keys: list[Key], given: list[Spans]) -> Found:
    """Drafts that are token-causal, and behind them one mask for each, alone with the drafts before it (S2D2). Masks of
    the next block may follow: they see the drafts and each other."""
    held, half = len(call.held), sum(key.group == "copies" for key in keys)
    ahead = len(given) - 2 * half
    if [key.group == "copies" for key in keys[held:]] != [False] * half + [True] * half + [False] * ahead:
        return None
    rows, n = [], len(keys)
    for i in range(half):
        rows.append(_runs([(held + i + 1, "left"), (held + half, "right"), (n, "aside")]))
    for i in range(half):
        own = held + half + i
        parts = [(held, "left"), (held + i, "before"), (held + i + 1, "answer"), (held + half, "right")]
        rows.append(_runs([*parts, (own, "alone"), (own + 1, "left"), (n, "alone")]))
    rows += [_runs([(held + half, "left"), (held + 2 * half, "alone"), (n, "same")])] * ahead
    words = "what is fed is token-causal, and behind it one mask a position sees what stands before it and itself."
    if ahead:
        words = f"{words} The masks of the next block see the drafts and each other."
    return rows, words, {}


def _temporal(call: _Reading, keys: list[Key], given: list[Spans]) -> Found:
    """Known tokens, n drafts and n masks; drafts and masks see what lay on the canvas when each draft was made
    (SimSD). The order of the drafts is in the mask: the later one was made, the more drafts it sees."""
    held, n = len(call.held), sum(key.group == "copies" for key in keys)
    data, masks = len(keys) - 2 * n, len(keys) - n
    if not n or data < held or any(key.group != "copies" for key in keys[masks:]):
        return None
    if [key.pos for key in keys[data:masks]] != [key.pos for key in keys[masks:]]:
        return None
    counts = [sum(_sees(given[data - held + i], data + j) for j in range(n)) for i in range(n)]
    times = [sorted(set(counts)).index(count) for count in counts]
    base = [(key.pos // call.size, key) for key in keys[:data]]

    def known(place: int) -> list[tuple[int, str]]:
        mine = keys[place].pos // call.size
        return [(i + 1, _known(block, mine, key)) for i, (block, key) in enumerate(base)]

    rows = []
    for i in range(data - held):
        rows.append(_runs([*known(held + i), (len(keys), "guess")]))
    for i in range(n):
        drafts = [(data + j + 1, "revealed" if times[j] <= times[i] else "unrevealed") for j in range(n)]
        blank = [(masks + j + 1, "masked" if times[i] < times[j] else "filled") for j in range(n)]
        rows.append(_runs([*known(data + i), *drafts, *blank]))
    for i in range(n):
        late = ["answer" if i == j else "revealed" if times[j] < times[i] else "unrevealed" for j in range(n)]
        blank = [(masks + j + 1, "masked" if times[i] <= times[j] else "filled") for j in range(n)]
        rows.append(_runs([*known(masks + i), *((data + j + 1, rule) for j, rule in enumerate(late)), *blank]))
    notes = {data + j: f"drafted in step {t + 1}" for j, t in enumerate(times)}
    notes |= {masks + j: f"position drafted in step {t + 1}" for j, t in enumerate(times)}
    return rows, "a draft, and its mask, see what lay on the canvas when the draft was made.", notes


def _known(block: int, mine: int, key: Key) -> str:
    return "prompt" if key.group == "prompt" else "earlier" if block < mine else "same"


def _shadows(call: _Reading, keys: list[Key], given: list[Spans]) -> Found:
    """Text that sees itself, and behind it masks that see all but the token of their own position (WINO)."""
    held, n = len(call.held), sum(key.group == "copies" for key in keys)
    text = len(keys) - n
    if not n or any(key.group != "copies" for key in keys[text:]):
        return None

    def seen(rule: str) -> list[tuple[int, str]]:
        return [(i + 1, "prompt" if key.group == "prompt" else rule) for i, key in enumerate(keys[:text])]

    rule = "full" if call.rule == "full" else "same"
    rows = [_runs([*seen(rule), (len(keys), "aside")])] * (text - held)
    for i in range(n):
        if keys[text + i].pos in call.held:
            # It stands for a cached row: what is fed is a later block to it.
            first = [(i + 1, "prompt" if key.group == "prompt" else "earlier") for i, key in enumerate(keys[:held])]
            last = [(text + j + 1, "shadow" if keys[text + j].pos in call.held else "later") for j in range(n)]
            rows.append(_runs([*first, (text, "later"), *last]))
            continue
        hidden = next((j for j in range(text) if not _sees(given[text - held + i], j)), -1)
        # A model that predicts a position from the row before reads the token behind the shadow off it.
        if hidden < 0 or keys[hidden].pos - keys[text + i].pos not in (0, 1):
            return None
        parts = seen(rule)
        parts[hidden] = (hidden + 1, "answer")
        rows.append(_runs([*parts, (len(keys), "shadow")]))
    return rows, "the text sees itself; a shadow mask behind it sees all but the token of its own position.", {}


def _branches(call: _Reading, keys: list[Key], given: list[Spans]) -> Found:
    """A tree in one row: a draft sees the text and its own ancestors."""
    held = len(call.held)
    at: dict[int, int] = {}
    parents: dict[int, tuple[int, ...]] = {}
    for node in call.nodes:
        place = next(
            (i for i, f in enumerate(call.forward.fed) if f in node.fills and held + i not in at.values()), None
        )
        if place is None:
            return None
        at[node.id], parents[node.id] = held + place, node.parents
    above: dict[int, set[int]] = {}
    for node in call.nodes:
        up = [p for p in parents[node.id] if p in at]
        above[at[node.id]] = {at[p] for p in up}.union(*(above[at[p]] for p in up))
    if not above:
        return None
    rows = []
    for i in range(len(given)):
        place, parts = held + i, []
        for j in range(len(keys)):
            drafted = j in above
            if j == place or place in above and j in above[place]:
                rule = "ancestor" if drafted else "left"
            elif not drafted:
                rule = "left" if place in above or j < place else "right"
            else:
                rule = "sibling" if place in above and place not in above[j] else "right"
            parts.append((j + 1, rule))
        rows.append(_runs(parts))
    return rows, "a draft sees the text and its own branch, not the other branches.", {}


_LAYOUTS: tuple[Callable[[_Reading, list[Key], list[Spans]], Found], ...] = (
    lambda call, keys, given: None if call.packed else _plain(call, keys, given),
    lambda call, keys, given: _one_each(call, keys, given) if call.packed else None,
    lambda call, keys, given: _temporal(call, keys, given) if call.packed else None,
    lambda call, keys, given: _shadows(call, keys, given) if call.packed else None,
    lambda call, keys, given: _branches(call, keys, given) if call.packed else None,
)


# ------------------------------------------------------------ one call of each kind
class Landmark(NamedTuple):
    """The call of a run that shows a kind of mask best: number `call` of the round that ends at cursor `at`. `size` is
    what it is preferred for: a larger one shows more, or is easier to read; `closed` counts its closed cells."""

    at: int
    call: int
    size: tuple[int, int]
    closed: int = 0


# A mask is of the first of these kinds whose rules it has; "" is none: two kinds in one call explain neither.
KINDS: tuple[tuple[set[str], str], ...] = (
    ({"revealed"}, "temporal"),
    ({"alone", "same"}, ""),
    ({"alone"}, "doubled"),
    ({"shadow"}, "shadows"),
    ({"sibling"}, "tree"),
    ({"behind"}, ""),
    ({"same"}, "block"),
    ({"left"}, "causal"),
    ({"full"}, "full"),
)


# So many queries of a packed call show how it is built; more are harder to read.
ENOUGH = 8


def landmarks(trace: Trace) -> dict[str, Landmark]:
    """For each kind of mask that occurs in a run the call that shows it best: the one with most queries, of packed
    calls with enough of them the one with fewest keys; for a tree in rows the call with most rows. The first of equal
    ones."""
    calls: dict[tuple, tuple[tuple[int, int, int], RoundView, int, int]] = {}
    for view in trace.rounds:
        offsets = [offset for offset, event in enumerate(view.events) if isinstance(event, Forward)]
        for number, offset in enumerate(offsets):
            event: Forward = view.events[offset]  # type: ignore[assignment]
            # Calls with one mask differ in size only, so one of them is read.
            key, size = (event.model, event.mask, event.batch > 1), (event.batch, event.length, -event.cached)
            if key not in calls or size > calls[key][0]:
                calls[key] = size, view, number, offset
    out: dict[str, Landmark] = {}
    for _, view, number, offset in calls.values():
        call = _Reading(trace, view, offset).call()
        rows, queries = len(call.lanes), len(call.line)
        kind = _kind(call) if rows == 1 else "tree" if _branching(call) else ""
        plenty = queries if not view.events[offset].fed else min(queries, ENOUGH)  # type: ignore[union-attr]
        mark = Landmark(
            view.stop, number, (plenty, -len(call.keys)) if rows == 1 else (rows, 0), call.cells - call.open
        )
        if kind and not call.unsure and (kind not in out or mark.size > out[kind].size):
            out[kind] = mark
    return out


def _kind(call: Call) -> str:
    used = {rule for runs in call.rows for _, rule in runs}
    return next((kind for rules, kind in KINDS if rules <= used), "")


def _branching(call: Call) -> bool:
    """Whether two rows of the batch hold different drafts at one place."""
    drafts: dict[int, set[str]] = {}
    for lane in call.lanes:
        for i, key in lane.keys:
            if key.group == "drafted":
                drafts.setdefault(i, set()).add(key.text)
    return any(len(texts) > 1 for texts in drafts.values())


# ------------------------------------------------------------ for the page
def data(info: MaskInfo) -> dict[str, Any]:
    """What assets/lenses/mask.js draws: rules and groups by number, keys as columns, rows as runs."""
    if not info.calls:
        return {"empty": info.sentence, "sentence": info.sentence}
    present = set[str]().union(*map(_used, info.calls))
    used = [rule for rule in RULES if rule in present]
    number = {rule: i for i, rule in enumerate(used)}
    return {
        "sentence": info.sentence,
        "round": info.n,
        "before": info.before,
        "closed": info.closed,
        "first": info.first,
        "self": number["self"],
        "block": info.block,
        "origin": info.origin,
        "rules": [[int(rule.open), rule.look, rule.title, rule.sentence] for rule in map(RULES.__getitem__, used)],
        "groups": {name: list(words) for name, words in GROUPS.items()},
        "looks": {name: list(look) for name, look in LOOKS.items()},
        "calls": [_call_data(call, number) for call in info.calls],
    }


def _used(call: Call) -> set[str]:
    lanes = [key.rule for lane in call.lanes for _, key in lane.keys]
    return {"self", *(rule for runs in call.rows for _, rule in runs), *(key.rule for key in call.keys), *lanes}


def _call_data(call: Call, number: dict[str, int]) -> dict[str, Any]:
    groups = list(GROUPS)

    def plain(key: Key) -> list:
        return [key.pos, key.text, groups.index(key.group), number.get(key.rule, -1), key.note]

    return {
        "at": call.at,
        "role": call.role,
        "model": call.model,
        "rule": call.rule,
        "full": call.rule == _WORDS["full"],
        "doubt": call.doubt,
        "unsure": call.unsure,
        "cached": call.cached,
        "lane": call.fullest,
        "keys": [plain(key) for key in call.keys],
        "rows": [[x for stop, rule in runs for x in (stop, number[rule])] for runs in call.rows],
        "line": list(call.line),
        "lanes": [[lane.title, [[i, *plain(key)] for i, key in lane.keys]] for lane in call.lanes],
    }


# ------------------------------------------------------------ for notebooks and exports
def plot(info: MaskInfo, dark: bool = False) -> go.Figure:
    """The matrix of the call shown first; more than 256 keys as tiles, coloured by the share that is open."""
    figure = go.Figure()
    figure.update_layout(template=theme.template(dark), height=420, showlegend=True)
    figure.update_xaxes(title="key (cached, then fed)", side="top", constrain="domain")
    figure.update_yaxes(title="query (fed)", autorange="reversed")
    if info.calls:
        call = info.calls[info.first]
        (_tiles if len(call.keys) > MANY else _cells)(figure, call, dark)
    figure.add_annotation(
        text=theme.literal(info.sentence), xref="paper", yref="paper", x=0, y=0, yshift=-30,
        xanchor="left", yanchor="top", font={"color": theme.colour("muted", dark), "size": 13},
    )  # fmt: skip
    return figure


def _cells(figure: go.Figure, call: Call, dark: bool) -> None:
    lane, queries = call.fullest, range(len(call.line))
    keys = call.keys_of(lane)
    matrix = [[call.rule_of(q, k, lane) for k in range(len(keys))] for q in queries]
    counts = Counter(rule for row in matrix for rule in row)
    said = [
        [
            theme.literal(told(keys[call.cached + q], key, rule) + call.unsure)
            for key, rule in zip(keys, row, strict=True)
        ]
        for q, row in enumerate(matrix)
    ]
    for rule in (rule for rule in RULES if rule in counts):
        light, night, glyph = LOOKS[RULES[rule].look]
        ink = night if dark else light
        figure.add_heatmap(
            z=[[1 if cell == rule else None for cell in row] for row in matrix],
            hovertext=said,
            hoverinfo="text",
            colorscale=[[0, ink], [1, ink]],
            showscale=False,
            xgap=1,
            ygap=1,
            customdata=[[[call.at, key.pos, None] for key in keys] for _ in queries],
        )
        # A heatmap has no place in the legend that says its colour: a square without points has.
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={
                "symbol": "square",
                "size": 12,
                "color": ink,
                "line": {"color": theme.colour("muted", dark), "width": 1},
            },
            name=f"{glyph} {'may see' if RULES[rule].open else 'may not'}: {RULES[rule].title} ({counts[rule]})",
        )
    cell = max(8, min(22, 900 // len(keys)))
    every = -(-11 // cell)
    for axis, tokens in ((figure.update_xaxes, keys), (figure.update_yaxes, keys[call.cached :])):
        shown = range(0, len(tokens), every)
        axis(
            tickvals=list(shown),
            ticktext=[theme.literal(f"{tokens[i].text} {tokens[i].pos}") for i in shown],
            tickfont={"family": theme.MONO, "size": 10},
            showgrid=False,
        )
    figure.update_xaxes(tickangle=-90)
    if call.cached:
        figure.add_vline(x=call.cached - 0.5, line={"color": theme.colour("remasked", dark), "width": 2})
    figure.update_layout(
        height=cell * len(call.line) + 300, width=cell * len(keys) + 220,
        legend={"orientation": "h", "y": 0, "yref": "paper", "yanchor": "top", "x": 0},
        margin={"t": 130, "b": 130},
    )  # fmt: skip
    figure.update_layout(legend={"y": -60 / (cell * len(call.line) + 40)})


def _tiles(figure: go.Figure, call: Call, dark: bool) -> None:
    """Shares of open cells, in tiles of as many cells as it takes."""
    size = -(-len(call.keys) // TILES)
    across, down = -(-len(call.keys) // size), -(-len(call.line) // size)
    filled = [[0] * across for _ in range(down)]
    for q, i in enumerate(call.line):
        for start, (stop, rule) in _starts(call.rows[i]):
            if RULES[rule].open:
                for tile in range(start // size, -(-stop // size)):
                    filled[q // size][tile] += min(stop, (tile + 1) * size) - max(start, tile * size)
    area = [
        [min(size, len(call.line) - y * size) * min(size, len(call.keys) - x * size) for x in range(across)]
        for y in range(down)
    ]
    share = [[f / a for f, a in zip(fs, areas, strict=True)] for fs, areas in zip(filled, area, strict=True)]
    ink = LOOKS["block"][dark]
    figure.add_heatmap(
        x=[x * size for x in range(across)],
        y=[y * size for y in range(down)],
        z=share,
        zmin=0,
        zmax=1,
        colorscale=[[0, theme.colour("page", dark)], [1, ink]],
        colorbar={"title": {"text": "open"}},
        hovertemplate=f"queries %{{y}}..+{size}, keys %{{x}}..+{size}: %{{z:.0%}} open<extra></extra>",
    )
    figure.update_layout(height=700)


VIEW = View(
    id="mask",
    title="Mask",
    question="Who may see whom in the calls of this round, and by which rule?",
    needs=frozenset({"forward"}),
    info=info,
    plot=plot,
    order=35,
    medium="script",
    data=data,
)
