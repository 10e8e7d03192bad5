"""The models that can be asked for by name, and how they are loaded: native classes, safetensors, no remote code."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
import transformers

from decoders.errors import ModelUnavailable, UnknownName
from decoders.methods.base import Method
from decoders.models.base import Model, ModelSpec
from decoders.models.hf import HFModel
from decoders.ngram import NGram

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"
PROXY = "trigram.safetensors"
CLASSES = ("LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")


@dataclass(frozen=True)
class Entry:
    """A model one can ask for. `size` is in parameters; `note` says in a sentence what it can and cannot answer."""

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
    for candidate in CATALOGUE:
        if candidate.id == name:
            return candidate
    raise UnknownName("model", name, [e.id for e in CATALOGUE])


def folder(name: str) -> Path:
    """Where the files of a model are: a catalogue id, or a directory with config.json and generation.json."""
    path = Path(name)
    if os.sep in name and path.is_dir():
        return path
    return MODELS / entry(name).folder


def missing(name: str) -> str:
    """Why a model cannot be loaded, as a sentence; empty when its files are there."""
    path = folder(name)
    absent = [file for file in ("config.json", "generation.json", "tokenizer.json") if not (path / file).is_file()]
    if not _weights(path):
        absent.append("model.safetensors")
    if not absent:
        return ""
    return f"{name} lacks {', '.join(absent)} in {path.name}/: train it with `python -m training.train {path.name}`."


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


def _weights(path: Path) -> bool:
    return any(file.name != PROXY for file in path.glob("*.safetensors"))


@cache
def _facts(path: Path) -> tuple[dict, dict]:
    try:
        return json.loads((path / "config.json").read_text()), json.loads((path / "generation.json").read_text())
    except FileNotFoundError as error:
        raise ModelUnavailable(
            f"{path.name}/{Path(error.filename).name} is missing: train the model with "
            f"`python -m training.train {path.name}`."
        ) from error


def spec(name: str) -> ModelSpec:
    """The facts of a model, without loading its weights."""
    config, facts = _facts(folder(name))
    eos = facts["eos"]
    return ModelSpec(
        id=folder(name).name,
        vocab_size=config["vocab_size"],
        mask=facts["mask"],
        eos=tuple(eos) if isinstance(eos, list) else (eos,),
        rows=facts.get("rows", "self"),
        attention=facts.get("attention", "full"),
        block=facts.get("block") or 32,
        context=facts.get("context", config["max_position_embeddings"]),
    )


def default_block(name: str) -> int | None:
    """The block size a model was trained for, or None while its files are missing."""
    try:
        return spec(name).block
    except ModelUnavailable:
        return None


_lock = threading.Lock()
_loaded: dict[tuple[str, str], Model] = {}


def load(name: str, device: str | None = None) -> Model:
    """The model, loaded once per process and device: bf16 on CUDA, fp32 elsewhere (exactness is compared in fp32)."""
    where = torch.device(device or pick_device())
    key = (str(folder(name)), str(where))
    with _lock:
        if key not in _loaded:
            _loaded[key] = _load(folder(name), spec(name), where)
        return _loaded[key]


def _load(path: Path, spec: ModelSpec, device: torch.device) -> Model:
    config, _ = _facts(path)
    kind = config["architectures"][0]
    if kind not in CLASSES:
        raise ModelUnavailable(f"No adapter for {kind}: known are {', '.join(CLASSES)}; add one in decoders/models/.")
    if not _weights(path):
        raise ModelUnavailable(
            f"{path.name} has no *.safetensors file: weights in other formats are not read; convert them."
        )
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    net = getattr(transformers, kind).from_pretrained(
        path, dtype=dtype, attn_implementation="sdpa", use_safetensors=True, local_files_only=True
    )
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)
    proxy = NGram.load(path / PROXY) if (path / PROXY).is_file() else None
    return HFModel(net.to(device), tokenizer, replace(spec, specials=tuple(tokenizer.all_special_ids)), proxy)


def pick_device() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
