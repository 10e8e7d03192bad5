"""What a checkpoint's conventions are, measured on the checkpoint itself in a few seconds.

A wrong mask id, shift or attention raises no error: the model answers, only badly. So some tokens of short texts that
nearly every model can continue are masked, and the loss of the true tokens (nats a token) is compared under each
reading: which token is the mask, whether row i predicts position i or i + 1, who sees whom. Differences are paired,
token by token, and count where they are more than `SURE` standard errors; nothing is ever overruled. Four experiments:

- scattered: 15 and 50 % of an answer are masked. Tells the mask and the shift.
- infill: a few masks, clean text on both sides. A model that predicts the same tokens better from the clean text to
  their left, by more than a nat, is causal; a full model profits from the right side across blocks.
- room: the text, then hundreds of masks. Full attention sees them all, which a block-causal model has never met.
- entering: a block of masks behind the text, for each block size.

`conformance` adds what has to hold for any model that is read correctly, whatever it was trained for."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

from decoders.models import catalogue
from decoders.models.base import Cache, Model, ModelSpec
from decoders.models.catalogue import Placement
from decoders.models.checkpoint import Checkpoint

# Sums, facts, code and a story that leave little choice, in wordings that the bundled models were trained on too.
TEXTS = (
    (
        "Tom has 3 apples. He buys 4 more and gives 2 to Anna. How many apples does Tom have now?",
        "First, 3 + 4 = 7. Then, 7 - 2 = 5. The answer is 5.",
    ),
    (
        "There are 16 people on a train. 2 people get off. 4 people get on. 7 people get off. How many people are on "
        "the train?",
        "16 - 2 = 14. 14 + 4 = 18. 18 - 7 = 11. The answer is 11.",
    ),
    ("Anna has 12 books. She gives 5 to Ben. How many books does Anna have left?", "12 - 5 = 7. The answer is 7."),
    ("Sam has 4 boxes with 6 pens in each box. How many pens does Sam have?", "4 * 6 = 24. The answer is 24."),
    ("What is the capital of France?", "The capital of France is Paris."),
    ("What is the capital of Japan?", "The capital of Japan is Tokyo."),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    ("Write a Python function add_three that returns x plus 3.", "def add_three(x):\n    return x + 3"),
    (
        "Tell me a short story about a fox.",
        "Once upon a time there was a curious fox in a cave. One day the fox lost a golden key. The fox showed it to a "
        "bee. They walked all day and sang songs. The fox was never lonely again.",
    ),
)
SHARES = (0.15, 0.5)
SIZES = (1, 4, 8, 16, 32)
ROOM = 448
CUTS = 4
FIRST = 3
"""Tokens behind a cut that are compared in the room."""
SURE = 3.0
LEAST = 0.05
"""Nats: a smaller difference is none, however sure."""
CAUSAL = 1.0
"""Nats by which masks have to be worse than clean text to the left, which shifted diffusion models read well too."""


class Reading(NamedTuple):
    """How a call is made and understood. A mask of -1 leaves the text as it is."""

    mask: int
    rows: str
    attention: str
    block: int = 0


class Margin(NamedTuple):
    """How much lower one loss is than another on the same tokens, and the standard error of that, both in nats."""

    nats: float
    error: float

    @property
    def sure(self) -> bool:
        return self.nats > LEAST and self.nats > SURE * self.error

    def __str__(self) -> str:
        return f"{self.nats:.2f} ± {self.error:.2f}"


@dataclass(frozen=True)
class Finding:
    """One convention: what the files (or the family) say, what fits best, the losses by reading, and by how much the
    best is better than what was said (than the second best, where they agree). `entry` of generation.json would change
    it."""

    about: str
    said: str
    found: str
    losses: Mapping[str, float]
    margin: Margin
    agrees: bool
    sentence: str
    entry: str = ""


@dataclass(frozen=True)
class Check:
    """Something that holds for every model that is read correctly: the largest difference of logits, and what rounding
    may make of it."""

    name: str
    difference: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.difference <= self.limit


@dataclass(frozen=True)
class Report:
    """`loss` is that of the reading that fits best, `chance` that of the other tokens of the same answers in place of
    the true ones, both in nats over `tokens` masked tokens. Without `informative` there are no findings."""

    id: str
    spec: ModelSpec
    tokens: int
    texts: int
    loss: float
    chance: float
    informative: bool
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    masks: Mapping[int, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return self.informative and all(f.agrees for f in self.findings) and all(c.holds for c in self.checks)

    @property
    def warnings(self) -> list[str]:
        """A sentence for each thing that is not as the files say, or not as it has to be."""
        if not self.informative:
            return [self.nothing]
        wrong = [f"{self.id}: {f.sentence}" for f in self.findings if not f.agrees]
        return wrong + [f"{self.id}: {_said(c)}" for c in self.checks if not c.holds]

    @property
    def nothing(self) -> str:
        if not self.tokens:
            return f"{self.id}: its tokenizer can write none of the texts: nothing can be told from it."
        return (
            f"{self.id}: the model predicts no better than chance (loss {self.loss:.1f}, chance {self.chance:.1f} nats "
            f"over {self.tokens} tokens): nothing can be told from it."
        )

    @property
    def sentences(self) -> list[str]:
        """The whole report."""
        if not self.tokens:
            return [self.nothing]
        head = f"{self.id}: {self.tokens} masked tokens of {self.texts} short texts; loss {self.loss:.2f} nats at best"
        found = [f.sentence for f in self.findings] if self.informative else [self.nothing]
        return [f"{head}, {self.chance:.1f} by chance.", *found, *map(_said, self.checks)]

    def json(self) -> dict[str, Any]:
        """The object that `python -m app models --probe MODEL --json` prints."""
        return {
            "id": self.id,
            "agrees": self.agrees,
            "informative": self.informative,
            "tokens": self.tokens,
            "texts": self.texts,
            "loss": _round(self.loss),
            "chance": _round(self.chance),
            "said": {
                "rows": self.spec.rows, "mask": self.spec.mask, "attention": self.spec.attention,
                "block": self.spec.block,
            },
            "findings": [
                {
                    "about": f.about, "said": f.said, "found": f.found, "agrees": f.agrees,
                    "losses": {name: _round(loss) for name, loss in f.losses.items()},
                    "margin": _round(f.margin.nats), "error": _round(f.margin.error), "sentence": f.sentence,
                    "entry": f.entry,
                } for f in self.findings
            ],
            "checks": [
                {"name": c.name, "holds": c.holds, "difference": float(f"{c.difference:.2g}"),
                 "limit": float(f"{c.limit:.2g}")} for c in self.checks
            ],
            "warnings": self.warnings,
        }  # fmt: skip


def probe(name: str, placement: Placement = Placement()) -> Report:  # noqa: B008 (it is frozen)
    """The report on a model that the catalogue can load: an id, a folder or a hub id."""
    found = catalogue.described(name)
    model = catalogue.load(name, placement)
    words = model.tokenizer
    assert words is not None, "what the catalogue loads has a tokenizer"
    texts = [(model.encode(question), _ids(words, answer)) for question, answer in TEXTS]
    if not words.chat_template:
        texts = [
            (_ids(words, question + "\n"), answer) for (question, _), (_, answer) in zip(TEXTS, texts, strict=True)
        ]
    return measure(model, texts, candidates(found, words))


def candidates(found: Checkpoint, words: PreTrainedTokenizerBase) -> dict[int, str]:
    """Ids that may be the mask, best reasons first, and what they are called: what the files and the family say, what
    the tokenizer calls its mask, and tokens whose name looks like one."""
    vocab = words.get_vocab()
    named = sorted(id for token, id in vocab.items() if re.fullmatch(r"[<\[{].*mask.*[>\]}]", token, re.IGNORECASE))
    ids = [found.spec.mask, found.config.get("mask_token_id"), words.mask_token_id, found.family.mask, *named[:4]]
    names = {id: token for token, id in vocab.items()}
    return {id: names.get(id, "") for id in ids if id is not None and 0 <= id < found.spec.vocab_size}


def measure(
    model: Model,
    texts: Sequence[tuple[Sequence[int], Sequence[int]]],
    masks: Mapping[int, str],
    said: ModelSpec | None = None,
) -> Report:
    """The report on a loaded model. `texts` are (prompt ids, answer ids), `masks` the candidates and their names;
    `said` is what is compared with the measurements, if not the model's own facts."""
    said = said or model.spec
    texts = [(list(p), list(a)) for p, a in texts if p and len(a) > FIRST + 2]
    bench = _Bench(model, texts)
    checks = conformance(model, [*texts[0][0], *texts[0][1]][:24]) if texts else ()
    if not texts:
        return Report(said.id, said, 0, 0, 0.0, 0.0, False)
    scattered = {reading: bench.scattered(reading) for reading in _first(said, masks)}
    mask, rows, _, _ = best = min(scattered, key=lambda r: _mean(scattered[r]))
    if best.mask >= 0:
        more = [Reading(mask, rows, "block", size) for size in SIZES]
        scattered |= {r: bench.scattered(r) for r in more if r not in scattered}
        best = min(scattered, key=lambda r: _mean(scattered[r]))
    chance = bench.scattered(best, chance=True)
    loss, guess = _mean(scattered[best]), _mean(chance)
    better = _margin(chance, scattered[best])
    known = better.nats > max(0.5, (SURE + 1) * better.error) and loss < math.log(said.vocab_size)
    findings = _Findings(bench, said, masks, scattered).all() if known else ()
    return Report(said.id, said, bench.tokens, len(texts), loss, guess, known, findings, checks, masks)


def _first(said: ModelSpec, masks: Mapping[int, str]) -> list[Reading]:
    own = (said.attention, said.block) if said.attention == "block" else (said.attention, 0)
    kinds = dict.fromkeys([own, ("full", 0), ("causal", 0)])
    masked = [Reading(m, rows, *kind) for m in masks for rows in ("self", "next") for kind in kinds]
    return [*masked, Reading(-1, "next", "causal")]


class _Bench:
    """The experiments on one model. Losses are lists over the same tokens in the same order, so that they can be
    compared in pairs."""

    def __init__(self, model: Model, texts: Sequence[tuple[list[int], list[int]]]):
        self.model, self.texts = model, texts
        rng = Random(0)
        self.holes = [
            [
                sorted(rng.sample(range(len(p), len(p) + len(a)), max(1, round(share * len(a)))))
                for share in SHARES
            ] for p, a in texts
        ]  # fmt: skip
        # Both readings of a row come from one call.
        self._seen: dict[tuple, list[tuple[list[float], list[float]]]] = {}

    @property
    def tokens(self) -> int:
        return sum(len(places) for holes in self.holes for places in holes)

    def scattered(self, reading: Reading, chance: bool = False) -> list[float]:
        mask, rows, attention, block = reading
        key = (mask, attention, block)
        if key not in self._seen:
            self._seen[key] = [self._scatter(mask, attention, block, shift) for shift in (0, 1)]
        return self._seen[key][rows == "next"][chance]

    def _scatter(self, mask: int, attention: str, block: int, shift: int) -> tuple[list[float], list[float]]:
        loss, chance = [], []
        for (p, a), holes in zip(self.texts, self.holes, strict=True):
            ids = p + a
            states = [[mask if mask >= 0 and i in set(places) else t for i, t in enumerate(ids)] for places in holes]
            seen, _ = self.model.many(states, role="probe", see=_see(attention, block, len(ids)))
            others = sorted(set(a))
            for logits, places in zip(seen, holes, strict=True):
                for i, row in zip(places, _log(logits.rows, [i - shift for i in places]), strict=True):
                    loss.append(-float(row[ids[i]]))
                    wrong = [-float(row[t]) for t in others if t != ids[i]]
                    chance.append(statistics.fmean(wrong))
        return loss, chance

    def entering(self, mask: int, rows: str, attention: str, masks: int, block: int = 0, first: int = 1) -> list[float]:
        """The loss of the `first` tokens after some cuts, where the text ends and so many masks follow; blocks are
        counted so that one begins there."""
        loss = []
        for p, a in self.texts:
            ids = p + a
            for cut in sorted({len(p) + 1 + (len(a) - 1 - FIRST) * k // CUTS for k in range(CUTS)}):
                n = cut + max(first, min(masks, self.model.spec.context - cut))
                state = ids[:cut] + [mask] * (n - cut)
                loss += self._loss(state, ids, range(cut, cut + first), rows, _see(attention, block, n, cut))
        return loss

    def infill(
        self, mask: int, rows: str, attention: str, block: int = 0, span: int = 4, before: bool = False
    ) -> list[float]:
        """The loss of `span` tokens between clean ones, wherever they lie; blocks are counted so that one ends with
        them, or (`before`) begins."""
        loss = []
        for p, a in self.texts:
            ids = p + a
            for cut, end in self._spans(p, a, span):
                state = ids[:cut] + [mask] * (end - cut) + ids[end:]
                see = _see(attention, block, len(ids), cut if before else end)
                loss += self._loss(state, ids, range(cut, end), rows, see)
        return loss

    def clean(self, span: int) -> list[float]:
        """The loss of the tokens of `infill` as a causal model predicts them, from the clean text to their left."""
        loss = []
        for p, a in self.texts:
            ids = p + a
            seen, _ = self.model.forward(ids, role="probe", see=_see("causal", 0, len(ids)))
            where = [i for cut, end in self._spans(p, a, span) for i in range(cut, end)]
            loss += [-float(row[ids[i]]) for i, row in zip(where, _log(seen.rows, [i - 1 for i in where]), strict=True)]
        return loss

    def _spans(self, p: list[int], a: list[int], span: int) -> list[tuple[int, int]]:
        last = len(p) + len(a) - 2  # some clean text follows
        starts = range(len(p), max(len(p) + 1, last - span + 1), max(3, span // 2))
        return [(cut, min(cut + span, last)) for cut in starts if cut < last]

    def _loss(
        self, state: list[int], ids: list[int], places: Sequence[int], rows: str, see: torch.Tensor
    ) -> list[float]:
        seen, _ = self.model.forward(state, role="probe", see=see)
        shift = 1 if rows == "next" else 0
        found = _log(seen.rows, [i - shift for i in places])
        return [-float(row[ids[i]]) for i, row in zip(places, found, strict=True)]


class _Findings:
    """What the losses say about each convention, one after the other: later questions are asked under earlier
    answers."""

    def __init__(
        self,
        bench: _Bench,
        said: ModelSpec,
        masks: Mapping[int, str],
        scattered: Mapping[Reading, list[float]],
    ):
        self.bench, self.said, self.masks, self.scattered = bench, said, masks, scattered
        own = said.block if said.attention == "block" else 8
        self.own, self.span = own, min(max(own, 4), 8)

    def all(self) -> tuple[Finding, ...]:
        said = self.said.attention
        if not self.masks:
            loss = _mean(self.scattered[Reading(-1, "next", "causal")])
            sentence = f"Attention: causal (loss {loss:.2f}); no token looks like a mask, so nothing else was tried."
            return (Finding("attention", said, "causal", {"causal": loss}, Margin(0, 0), True, sentence),)
        masked = {r: loss for r, loss in self.scattered.items() if r.mask >= 0}
        best = min(masked, key=lambda r: _mean(masked[r]))
        left = self.bench.clean(4)
        wide = _best(
            self.bench.infill(best.mask, best.rows, attention, block, before=True)
            for attention, block in dict.fromkeys([("full", 0), (best.attention, best.block)])
        )
        margin, losses = _margin(wide, left), {"causal": _mean(left), "masks": _mean(wide)}
        at = f"loss {_mean(left):.2f} from the clean text to the left, {_mean(wide):.2f} at best with masks"
        if margin.sure and margin.nats > CAUSAL:
            entry = "" if said == "causal" else _entry({"attention": "causal", "rows": "next", "mask": -1})
            sentence = f"Attention: causal, row i predicts position i + 1, no mask ({at}); " + _same(said, entry)
            return (Finding("attention", said, "causal", losses, margin, not entry, sentence, entry),)
        if said != "causal":
            return (self._mask(masked, best.rows), self._rows(masked, best.mask), *self._attention(best))
        kind, size, _ = self._kind(best)
        entry = _entry({"attention": kind, "mask": best.mask, "rows": best.rows, **size})
        sentence = f"Attention: not causal, it reads masks ({at}); " + _same(said, entry)
        return (Finding("attention", said, kind, losses, margin, False, sentence, entry),)

    def _mask(self, masked: Mapping[Reading, list[float]], rows: str) -> Finding:
        lists = {m: _best(loss for r, loss in masked.items() if r.mask == m and r.rows == rows) for m in self.masks}
        found, margin, agrees = _choose(lists, self.said.mask)
        losses = {self._name(m): _mean(loss) for m, loss in lists.items()}
        entry = "" if agrees else _entry({"mask": found})
        sentence = _sentence(
            "Mask", f"token {self._name(found)}", losses, self._name(found), self._name(self.said.mask), margin, agrees,
            entry,
        )  # fmt: skip
        return Finding("mask", str(self.said.mask), str(found), losses, margin, agrees, sentence, entry)

    def _rows(self, masked: Mapping[Reading, list[float]], mask: int) -> Finding:
        lists = {
            rows: _best(loss for r, loss in masked.items() if (r.mask, r.rows) == (mask, rows))
            for rows in ("self", "next")
        }
        found, margin, agrees = _choose(lists, self.said.rows)
        words = {"self": "row i predicts position i", "next": "row i predicts position i + 1"}
        losses = {rows: _mean(loss) for rows, loss in lists.items()}
        entry = "" if agrees else _entry({"rows": found})
        sentence = _sentence("Shift", words[found], losses, found, words[self.said.rows], margin, agrees, entry)
        return Finding("rows", self.said.rows, found, losses, margin, agrees, sentence, entry)

    def _kind(self, best: Reading) -> tuple[str, dict[str, int], tuple[Margin, Margin]]:
        """Full or block-causal with its block size, and what full attention costs in the room and saves in infilling.
        What was said stays where neither is surely larger."""
        mask, rows, bench = best.mask, best.rows, self.bench
        first = min(FIRST, self.own)
        room = _margin(
            bench.entering(mask, rows, "full", ROOM, first=first),
            bench.entering(mask, rows, "block", self.own, self.own, first),
        )
        infill = _margin(
            bench.infill(mask, rows, "block", self.own, self.span), bench.infill(mask, rows, "full", span=self.span)
        )
        cost = Margin(room.nats - infill.nats, math.hypot(room.error, infill.error))
        found = "block" if cost.sure else "full" if Margin(-cost.nats, cost.error).sure else ""
        found = found or ("full" if self.said.attention == "causal" else self.said.attention)
        self.sizes: dict[int, list[float]] = {}
        if found == "block":
            # A shifted model predicts the first token of a block from the block before.
            n = 2 if rows == "next" else 1
            self.sizes = {s: bench.entering(mask, rows, "block", s, s, n) for s in sorted({*SIZES, self.own})}
        size = {} if found == "full" else {"block": max(self._alike())}
        return found, size, (room, infill)

    def _attention(self, best: Reading) -> tuple[Finding, ...]:
        found, size, (room, infill) = self._kind(best)
        said, agrees = self.said.attention, found == self.said.attention
        cost = Margin(room.nats - infill.nats, math.hypot(room.error, infill.error))
        losses = {"room: full - block": room.nats, "infill: block - full": infill.nats}
        saved = f"saves {infill}" if infill.nats > 0 else f"costs {Margin(-infill.nats, infill.error)}"
        why = f"full attention costs {room} nats before {ROOM} masks and {saved} between clean tokens"
        entry = "" if agrees else _entry({"attention": found, **size})
        sure = cost.sure or Margin(-cost.nats, cost.error).sure
        if sure:
            sentence = f"Attention: {_WORDS[found]} ({why}); " + _same(said, entry)
        else:
            sentence = f"Attention: {_WORDS[said]}, as the files say; the losses do not tell ({why})."
        out = [Finding("attention", said, found, losses, Margin(abs(cost.nats), cost.error), agrees, sentence, entry)]
        if found == said == "block":
            out.append(self._block())
        return tuple(out)

    def _alike(self) -> list[int]:
        """The block sizes that are not surely worse than the best one."""
        best = _best(self.sizes.values())
        return [size for size, loss in self.sizes.items() if not _margin(loss, best).sure]

    def _block(self) -> Finding:
        alike, said = self._alike(), self.said.block
        found = said if said in alike else max(alike)
        losses = {str(size): _mean(loss) for size, loss in self.sizes.items()}
        entry = "" if found == said else _entry({"block": found})
        margin = _margin(self.sizes[said], _best(self.sizes.values()))
        if entry:
            at = f"loss {losses[str(found)]:.2f}, {losses[str(said)]:.2f} with the files' {said}"
            sentence = f"Block size: {found} fits better ({at}): {entry} in generation.json would change it."
        elif len(alike) == 1:
            sentence = f"Block size: {found} (loss {losses[str(found)]:.2f}); the files say the same."
        else:
            sizes = ", ".join(map(str, alike))
            sentence = f"Block size: {said}, as the files say; the losses do not tell {sizes} apart."
        return Finding("block", str(said), str(found), losses, margin, not entry, sentence, entry)

    def _name(self, mask: int) -> str:
        return f"{mask} {self.masks.get(mask, '')}".rstrip()


def _sentence(
    about: str, found: str, losses: Mapping[str, float], key: str, said: str, margin: Margin, agrees: bool, entry: str
) -> str:
    rest = {name: loss for name, loss in losses.items() if name != key}
    other = min(rest.items(), key=lambda pair: pair[1], default=None)
    against = f", {other[1]:.2f} otherwise" if other else ", and no other token looks like one"
    measured = f"loss {losses[key]:.2f}{against}"
    if not agrees:
        return (
            f"{about}: {found} fits better ({measured}, {margin} apart); the files say {said}: {entry} in "
            "generation.json would change it."
        )
    if other and not margin.sure:
        return f"{about}: {said}, as the files say; the losses do not tell ({measured})."
    return f"{about}: {found} ({measured}); the files say the same."


def _choose(lists: Mapping[Any, list[float]], said: Any) -> tuple[Any, Margin, bool]:
    """(what fits, by how much, whether that is what was said). What was said stays where nothing is surely better."""
    best = min(lists, key=lambda key: _mean(lists[key]))
    if said in lists and not _margin(lists[said], lists[best]).sure:
        others = [_margin(loss, lists[said]) for key, loss in lists.items() if key != said]
        return said, min(others, default=Margin(0.0, 0.0)), True
    if said not in lists:
        return best, Margin(math.inf, 0.0), False
    return best, _margin(lists[said], lists[best]), False


_WORDS = {"full": "full", "block": "block-causal", "causal": "causal"}


def _same(said: str, entry: str) -> str:
    if not entry:
        return "the files say the same."
    return f"the files say {_WORDS[said]}: {entry} in generation.json would change it."


def _entry(facts: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f'"{k}": {v}' if isinstance(v, int) else f'"{k}": "{v}"' for k, v in facts.items()) + "}"


def _said(check: Check) -> str:
    if not check.limit and check.holds:
        return f"{check.name}."
    verdict = "yes" if check.holds else "no, so the native class may not be this model's; do not trust its text"
    return f"{check.name}: {verdict} (logits differ by {check.difference:.1e}, rounding explains {check.limit:.1e})."


def _see(attention: str, block: int, n: int, origin: int = 0) -> torch.Tensor:
    """[n, n]; blocks are counted from `origin` in both directions."""
    i = torch.arange(n, device="cpu")
    if attention == "full":
        return torch.ones(n, n, dtype=torch.bool, device="cpu")
    if attention == "block":
        i = (i - origin).div(block, rounding_mode="floor")
    return i[:, None] >= i[None, :]


def _log(rows: torch.Tensor, index: Sequence[int]) -> torch.Tensor:
    """[n, V] log probabilities of some rows, in float64 on the processor."""
    chosen = rows[torch.tensor(index, dtype=torch.long, device=rows.device)]
    return torch.log_softmax(chosen.to("cpu", torch.float64), -1)


def _ids(words: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids = words(text, add_special_tokens=False)["input_ids"]
    return [] if words.unk_token_id is not None and words.unk_token_id in ids else list(ids)


def _mean(loss: Sequence[float]) -> float:
    return statistics.fmean(loss)


def _best(losses) -> list[float]:
    return min(losses, key=_mean)


def _margin(worse: Sequence[float], better: Sequence[float]) -> Margin:
    apart = [a - b for a, b in zip(worse, better, strict=True)]
    return Margin(
        statistics.fmean(apart), statistics.stdev(apart) / math.sqrt(len(apart)) if len(apart) > 1 else math.inf
    )


def _round(number: float) -> float | None:
    return round(number, 4) if math.isfinite(number) else None


# ------------------------------------------------------------ structure
@torch.inference_mode()
def conformance(model: Model, ids: Sequence[int]) -> tuple[Check, ...]:
    """What holds for any weights if masks, positions, caches and rows are understood: in a few calls over `ids`."""
    ids = list(ids)
    n, half = len(ids), len(ids) // 2
    other = ids[:-1] + [ids[0] if ids[0] != ids[-1] else ids[-2]]
    causal = _see("causal", 0, n)
    whole, _ = model.forward(ids, role="probe")
    rows = whole.rows.to("cpu", torch.float32)
    finite = Check("Logits are finite", 0.0 if bool(rows.isfinite().all()) else math.inf, 0.0)
    if not finite.holds:
        return (finite,)
    limit = float(rows.abs().max()) * (1e-4 if model.dtype == torch.float32 else 5e-2)

    both, _ = model.many([ids, other], role="probe")
    left, _ = model.forward(ids, role="probe", see=causal)
    cache = Cache()
    model.forward(ids[:half], role="probe", see=causal[:half, :half], cache=cache, keep=half)
    later, _ = model.forward(ids[half:], role="probe", see=causal[half:], cache=cache)
    # The last token is hidden from all others by a causal mask.
    changed, _ = model.forward(other, role="probe", see=causal)
    return (
        finite,
        Check("A row in a batch is the row alone", _apart(both[0].rows, whole.rows), limit),
        Check("A cached call is the whole call", _apart(later.rows, left.rows[half:]), limit),
        Check("A token that is masked out changes nothing", _apart(changed.rows[:-1], left.rows[:-1]), limit),
    )


def _apart(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.to("cpu", torch.float32) - b.to("cpu", torch.float32)).abs().max())
