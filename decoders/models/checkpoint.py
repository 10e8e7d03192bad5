"""A folder of checkpoint files, published under whatever names, as a `Model`: what it is, and how it is loaded.

Only config.json, the tokenizer's files and *.safetensors are read; code that lies beside them is never run."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers

from decoders.errors import ModelUnavailable
from decoders.models import families
from decoders.models.base import ModelSpec
from decoders.models.families import Family
from decoders.models.hf import HFModel
from decoders.ngram import NGram

PROXY = "trigram.safetensors"
# All that is read of a folder, and so all that is fetched of a repository: what says what it is, and the weights.
FACTS = ("*.json", "*.txt", "*.jinja", "tokenizer.model")
FILES = (*FACTS, "*.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds, known without loading weights. `config` is the contents of its config.json."""

    path: Path
    config: dict[str, Any]
    family: Family
    spec: ModelSpec


def read(path: Path, id: str = "", **facts: Any) -> Checkpoint:
    """The checkpoint in a folder. `facts` are fields of `ModelSpec` that are known better than from its files; ours
    have them in generation.json."""
    return _read(path, id or path.name, tuple(sorted(facts.items())))


@cache
def _read(path: Path, id: str, facts: tuple[tuple[str, Any], ...]) -> Checkpoint:
    config = _json(path / "config.json")
    if config is None:
        raise ModelUnavailable(f"{id}: {path.name}/config.json is missing: give the folder of a whole checkpoint.")
    family = families.family(config, id)
    given = {**(_json(path / "generation.json") or {}), **dict(facts)}
    return Checkpoint(path, config, family, describe(id, config, family, given))


def describe(id: str, config: dict[str, Any], family: Family, facts: dict[str, Any]) -> ModelSpec:
    """The facts of a checkpoint from the contents of its config.json; those that are given here come first."""
    native = family.native(config)
    known = {**_published(config, family), **facts}
    eos = known["eos"]
    spec = ModelSpec(
        id=id,
        vocab_size=native.vocab_size,
        mask=known["mask"],
        eos=tuple(eos) if isinstance(eos, list | tuple) else (eos,),
        rows=known["rows"],
        attention=known["attention"],
        block=known.get("block") or 32,
        context=known.get("context") or native.max_position_embeddings,
    )
    needed = {"eos": spec.eos} if spec.attention == "causal" else {"eos": spec.eos, "mask": (spec.mask,)}
    for name, tokens in needed.items():
        for token in tokens:
            if not 0 <= token < spec.vocab_size:
                raise ModelUnavailable(
                    f"{id}: the {name} token {token} is not one of its {spec.vocab_size} tokens; name it in a file "
                    f'generation.json beside config.json, as {{"{name}": 0}}.'
                )
    return spec


def _published(config: dict[str, Any], family: Family) -> dict[str, Any]:
    """What the files of a published checkpoint say, and its family where they are silent."""
    mask, eos = config.get("mask_token_id"), config.get("eos_token_id")
    own = () if eos is None else tuple(eos) if isinstance(eos, list) else (eos,)
    size = families.vocabulary(config)
    return {
        "mask": family.mask if mask is None else mask,
        "eos": own + tuple(token for token in family.eos if token not in own and token < size),
        "rows": family.rows,
        "attention": family.attention,
        "block": config.get("block_size") or config.get("bd_size") or family.block,
    }


def absent(path: Path) -> list[str]:
    """The files that a folder needs and has not got."""
    files = [] if (path / "config.json").is_file() else ["config.json"]
    if not any((path / name).is_file() for name in ("tokenizer.json", "vocab.json", "tokenizer.model")):
        files.append("tokenizer.json")
    if not weights(path):
        files.append("model.safetensors")
    index = _json(path / "model.safetensors.index.json") or {}
    return files + [name for name in sorted(set(index.get("weight_map", {}).values())) if not (path / name).is_file()]


def weights(path: Path) -> list[Path]:
    """The weight files of a folder."""
    return sorted(file for file in path.glob("*.safetensors") if file.name != PROXY)


def load(found: Checkpoint, device: torch.device, dtype: torch.dtype, spread: bool = False) -> HFModel:
    """The model on a device. `spread` lets accelerate lay it over all cards and the processor's memory, `device` is
    then where its first layer is. Raises `ModelUnavailable` where the weights are not those that the class has."""
    path, id = found.path, found.spec.id
    if lacks := absent(path):
        other = " Weights in other formats are not read: convert them." if "model.safetensors" in lacks else ""
        raise ModelUnavailable(f"{id} lacks {', '.join(lacks)} in {path.name}/.{other}")
    if spread and importlib.util.find_spec("accelerate") is None:
        raise ModelUnavailable(
            f"{id}: laying a model over several devices needs accelerate: run `pip install accelerate`, or name one "
            "device."
        )
    loaded: Any = found.family.model.from_pretrained(
        path,
        config=found.family.native(found.config),
        key_mapping=dict(found.family.keys) or None,
        dtype=dtype,
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        device_map="auto" if spread else None,
    )
    net, info = loaded
    wrong = {kind: sorted(info[f"{kind}_keys"]) for kind in ("missing", "unexpected", "mismatched")}
    for kind, names in wrong.items():
        if names:
            raise ModelUnavailable(
                f"{id}: {len(names)} {kind} weights, {names[0]} among them: {found.family.title} has other ones; "
                "check that config.json and the weights belong together."
            )
    proxy = NGram.load(path / PROXY) if (path / PROXY).is_file() else None
    words = tokenizer(path, id)
    spec = replace(found.spec, specials=tuple(words.all_special_ids))
    return HFModel(net if spread else net.to(device), words, spec, proxy, template=found.family.template)


def tokenizer(path: Path, id: str) -> transformers.PreTrainedTokenizerBase:
    """The tokenizer of a folder, by its files and not by the class that its configuration names, which may be the
    authors' own (Dream)."""
    if (path / "tokenizer.json").is_file():
        return transformers.PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)
    if (path / "vocab.json").is_file() and (path / "merges.txt").is_file():
        return transformers.Qwen2Tokenizer.from_pretrained(path, local_files_only=True)
    try:
        return transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (ImportError, OSError, ValueError) as error:
        raise ModelUnavailable(f"{id}: its tokenizer cannot be read ({error}); add a tokenizer.json.") from error


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelUnavailable(f"{path.parent.name}/{path.name} is not JSON ({error}): fetch it again.") from error
