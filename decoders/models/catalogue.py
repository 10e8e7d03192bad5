"""The models that can be asked for by name, and where they are put: native classes, safetensors, no remote code."""

from __future__ import annotations

import gc
import os
import threading
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from decoders.errors import ModelUnavailable, UnknownName
from decoders.methods.base import Method
from decoders.models import checkpoint, hub, memory, vocabulary
from decoders.models.base import ModelSpec
from decoders.models.checkpoint import PROXY, Checkpoint
from decoders.models.families import Config, Family
from decoders.models.hf import HFModel
from decoders.models.public import PUBLIC

__all__ = ["PROXY"]
MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Entry:
    """A bundled model. `size` is in parameters; `note` says in a sentence what it can and cannot answer."""

    id: str
    title: str
    folder: str
    kind: str
    size: str
    licence: str
    note: str
    examples: tuple[str, ...] = ()


# One of every family of the corpus; all bundled models have read the same text.
EXAMPLES = (
    "Tom has 3 apples. He buys 4 more and gives 2 to Anna. How many apples does Tom have now?",
    "What is the capital of France?",
    "Which of these is a fruit? dog (A), apple (B), chair (C) or blue (D)",
    "Write a Python function add_three that returns x plus 3.",
    "Tell me a short story about a fox.",
)
CATALOGUE: tuple[Entry, ...] = (
    Entry(
        id="tiny-llada",
        title="tiny-llada · masked diffusion, 5 M",
        folder="tiny-llada",
        kind="full",
        size="5 M",
        licence="Apache-2.0",
        note="Knows small word problems, capitals and other small facts, multiple choice with the letter behind each "
        "option, short stories and tiny Python functions, in wordings near its training text. It is not a chat model: "
        "most other questions get a fluent wrong answer.",
        examples=EXAMPLES,
    ),
    Entry(
        id="tiny-sdar",
        title="tiny-sdar · block diffusion, 5 M",
        folder="tiny-sdar",
        kind="block",
        size="5 M",
        licence="Apache-2.0",
        note="Answers the same kinds of questions as tiny-llada, in blocks of 8 tokens: finished blocks never change, "
        "so they are read once and kept. Other questions get a fluent wrong answer.",
        examples=EXAMPLES,
    ),
    Entry(
        id="nano-sdar",
        title="nano-sdar · block diffusion, 1 M",
        folder="nano-sdar",
        kind="block",
        size="1 M",
        licence="Apache-2.0",
        note="A small tiny-sdar: quicker, and often wrong, most of all in word problems and multiple choice. Meant for "
        "drafting, where a larger model checks.",
        examples=EXAMPLES,
    ),
    Entry(
        id="tiny-ar",
        title="tiny-ar · autoregressive, 17 M",
        folder="tiny-ar",
        kind="causal",
        size="17 M",
        licence="Apache-2.0",
        note="An ordinary language model: left to right, one token per call. It knows what tiny-llada knows and checks "
        "what a diffusion model drafts.",
        examples=EXAMPLES,
    ),
)


def entry(name: str) -> Entry:
    """The bundled model of that id."""
    for candidate in CATALOGUE:
        if candidate.id == name:
            return candidate
    raise UnknownName("model", name, [e.id for e in CATALOGUE])


@dataclass(frozen=True)
class Source:
    """Where a name leads: `path` is the folder of its files, None while they are on the hub; `facts` are what its
    files do not say."""

    id: str
    path: Path | None
    repo: str = ""
    revision: str = ""
    facts: tuple[tuple[str, Any], ...] = ()


def source(name: str) -> Source:
    """A bundled model's id, a folder with config.json, the short name of a public model or its hub id (with a revision
    behind an @, if wanted); raises `UnknownName` for anything else."""
    if any(e.id == name for e in CATALOGUE):
        return Source(name, MODELS / entry(name).folder)
    path = Path(name)
    if os.sep in name and path.is_dir():
        return Source(path.resolve().name, path)
    for known in PUBLIC:
        if name in (known.id, known.hub):
            return Source(
                known.id, hub.cached(known.hub, known.revision), known.hub, known.revision, tuple(known.facts.items())
            )
    if asked := hub.NAME.match(name):
        repo, revision = asked["repo"], asked["revision"] or "main"
        facts = next((p.facts for p in PUBLIC if p.hub == repo), {})  # of every revision
        return Source(repo, hub.cached(repo, revision), repo, revision, tuple(facts.items()))
    raise UnknownName("model", name, [*(e.id for e in CATALOGUE), *(p.id for p in PUBLIC)])


def stranger(name: str) -> bool:
    """Whether a model is neither bundled nor one of the public ones, whose conventions were looked up."""
    return name not in {e.id for e in CATALOGUE} and source(name).repo not in {p.hub for p in PUBLIC}


def missing(name: str) -> str:
    """Why a model cannot be loaded at once, as a sentence; empty when its files are there."""
    found = source(name)
    if found.path is None:
        return f"{found.id} is not on this machine: fetch it with `python -m app models --get {name}`."
    absent = checkpoint.absent(found.path)
    how = "give a folder with all files of the checkpoint"
    if found.path.parent == MODELS:
        how = f"train it with `python -m training.train {found.id}`"
        absent += [file for file in ("generation.json",) if not (found.path / file).is_file()]
    if not absent:
        return ""
    return f"{name} lacks {', '.join(absent)} in {found.path.name}/: {how}."


def available() -> tuple[Entry, ...]:
    """The models of the catalogue whose files are there, or all of it while there are none at all."""
    return tuple(e for e in CATALOGUE if not missing(e.id)) or CATALOGUE


def fitting(kinds: tuple[str, ...]) -> tuple[Entry, ...]:
    """The models that have one of these attentions: those whose files are there, or, if there are none, all of them."""
    fits = [e for e in CATALOGUE if e.kind in kinds]
    return tuple(e for e in fits if not missing(e.id)) or tuple(fits)


def default_models(method: Method) -> dict[str, str]:
    """A model for each role of a method: the first one of the catalogue that fits and has no other role, if there is
    one, so that a small model drafts for a large one."""
    chosen: dict[str, str] = {}
    for role, kinds in method.roles.items():
        ids = [e.id for e in fitting(kinds)]
        chosen[role] = next((name for name in ids if name not in chosen.values()), ids[0])
    return chosen


def get(name: str) -> Path:
    """The folder of a model's files, fetched from the hub where they are not here."""
    found = source(name)
    return found.path or hub.fetch(found.repo, found.revision)


def facts(name: str) -> Path:
    """The folder of a model's config.json and tokenizer; its weights may still be on the hub."""
    found = source(name)
    return found.path or hub.fetch(found.repo, found.revision, checkpoint.FACTS)


def spec(name: str) -> ModelSpec:
    """The facts of a model, without loading its weights: from its files, or, while they are on the hub, from what is
    known of the public model."""
    found = source(name)
    known = next((p for p in PUBLIC if p.id == found.id), None)
    if found.path is None and known is not None:
        return known.spec
    return described(name).spec


def described(name: str) -> Checkpoint:
    """What a model is, from its small files: no weights are fetched or read."""
    found, path = source(name), facts(name)
    if path.parent == MODELS and not (path / "config.json").is_file():
        raise ModelUnavailable(missing(name))
    return checkpoint.read(path, found.id, **dict(found.facts))


def shared(draft: str, target: str) -> int | None:
    """How many ids, from 0 on, are the same token for both models; None where all are. Reads their tokenizers only;
    raises `Incompatible` for two vocabularies."""
    return None if draft == target else _shared(facts(draft), facts(target), f"{draft} and {target}")


@cache
def _shared(draft: Path, target: Path, names: str) -> int | None:
    left, right = (checkpoint.tokenizer(path, path.name) for path in (draft, target))
    sizes = [checkpoint.read(path).spec.vocab_size for path in (draft, target)]
    if left.get_vocab() == right.get_vocab() and sizes[0] == sizes[1]:
        return None
    return vocabulary.common(left, right, names)


def default_block(name: str) -> int | None:
    """The block size a model was trained for, or None while its files are missing."""
    try:
        return spec(name).block
    except ModelUnavailable:
        return None


@dataclass(frozen=True)
class Placement:
    """Where models are put and in which arithmetic. `device` is one of torch's, "auto" to spread a model over all cards
    and the processor's memory (needs accelerate), or None for the best one here; `dtype` None means bfloat16 on a GPU
    and float32 elsewhere. In bfloat16 a row's logits depend on how many rows are in the call, so exactness is compared
    in float32. `compiled` is how calls are compiled, one of `static.KINDS`, or empty for not at all."""

    device: str | None = None
    dtype: str | None = None
    compiled: str = ""

    @property
    def where(self) -> torch.device:
        return torch.device(pick_device() if self.device in (None, "auto") else self.device)

    @property
    def number(self) -> torch.dtype:
        return DTYPES[self.arithmetic]

    @property
    def arithmetic(self) -> str:
        """The name of `number`, "bfloat16" say."""
        return self.dtype or ("float32" if self.where.type == "cpu" else "bfloat16")


_lock = threading.Lock()
_loaded: dict[tuple, HFModel] = {}


def load(name: str, placement: Placement = Placement()) -> HFModel:  # noqa: B008 (it is frozen)
    """The model, loaded once per process and place, fetched first where its files are not here; compiled calls use the
    same weights. Raises `ModelUnavailable` before fetching or reading weights that will not fit; loaded models make
    room first."""
    asked = source(name)
    known = next((p for p in PUBLIC if p.id == asked.id), None)
    if asked.path is None and known is not None:
        _make_room(known.id, known.family, known.config, known.spec.context, placement)
    found = described(name)
    if asked.path is None:
        if known is None:
            _make_room(found.spec.id, found.family, found.config, found.spec.context, placement)
        found = replace(found, path=get(name))
    key = (str(found.path), str(placement.where), placement.number, placement.device == "auto")
    with _lock:
        if key not in _loaded:
            _make_room(found.spec.id, found.family, found.config, found.spec.context, placement)
            _loaded[key] = checkpoint.load(found, placement.where, placement.number, placement.device == "auto")
        model = _loaded[key]
        return model.compiled(placement.compiled) if placement.compiled else model


def _make_room(id: str, family: Family, config: Config, context: int, placement: Placement) -> None:
    if placement.device == "auto":
        return  # accelerate measures for itself, and uses the disk for what is left over
    where = placement.where
    need = memory.need(family, config, placement.number, tokens=min(512, context))
    if need.total > memory.free(where):
        _loaded.clear()
        gc.collect()
        if where.type == "cuda":
            torch.cuda.empty_cache()
    if need.total > (here := memory.free(where)):
        raise ModelUnavailable(
            f"{id} needs about {memory.words(need.total)} ({memory.words(need.weights)} of them weights) and "
            f"{memory.words(here)} are free on {where}: pick a smaller model or another device."
        )


def pick_device() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
