"""The in-house models: their sizes, how one grows out of another, and how their files are written."""

import copy
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from training import tokenizer as tok

MODELS = Path(__file__).resolve().parent.parent / "assets" / "models"


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama with tied embeddings and heads of 32."""

    hidden: int
    feed_forward: int
    layers: int


TINY = Shape(256, 704, 6)
SHAPES = {
    "trunk": TINY,
    "tiny-llada": TINY,
    "tiny-sdar": TINY,
    "nano-trunk": Shape(128, 352, 5),
    "nano-sdar": Shape(128, 352, 5),
    "tiny-ar": Shape(256, 704, 20),
}
# What decoding has to know about a checkpoint (generation.json). Causal models have no mask token.
_DIFFUSION = {"mask": tok.MASK, "eos": tok.EOS, "rows": "self"}
FACTS = {
    "tiny-llada": {**_DIFFUSION, "block": 32, "family": "llada", "attention": "full"},
    "tiny-sdar": {**_DIFFUSION, "block": 8, "family": "sdar", "attention": "block"},
    "nano-sdar": {**_DIFFUSION, "block": 8, "family": "sdar", "attention": "block"},
    "tiny-ar": {"mask": -1, "eos": tok.EOS, "rows": "next", "block": 32, "family": "llama", "attention": "causal"},
}


def build(name: str, seed: int) -> PreTrainedModel:
    """A freshly initialised model of that name's shape."""
    shape = SHAPES[name]
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=tok.VOCAB_SIZE,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.hidden // 32,
        num_key_value_heads=shape.hidden // 32,
        head_dim=32,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=None,
        eos_token_id=tok.EOS,
        pad_token_id=tok.PAD,
    )
    return LlamaForCausalLM(config)


def compute(name: str) -> int:
    """Weights that a forward call multiplies each token with, the tied output matrix included."""
    s = SHAPES[name]
    return s.layers * (4 * s.hidden**2 + 3 * s.hidden * s.feed_forward) + tok.VOCAB_SIZE * s.hidden


def weights(name: str, checkpoints: Path) -> dict[str, torch.Tensor]:
    """The float32 weights of a trained model: its checkpoint, or else the bfloat16 files it was exported to."""
    path = checkpoints / f"{name}.pt"
    if path.exists():
        return torch.load(path, weights_only=True, map_location="cpu")["model"]
    exported = MODELS / name / "model.safetensors"
    if not exported.exists():
        raise FileNotFoundError(f"{name} is not trained yet: run `python -m training.train {name}` first.")
    return {key: value.float() for key, value in load_file(exported).items()}


def stages(name: str, checkpoints: Path) -> list[dict]:
    """The training that led to `weights(name, checkpoints)`, first stage first, as `train` wrote it down."""
    path, exported = checkpoints / f"{name}.pt", MODELS / name / "training.json"
    if path.exists():
        return torch.load(path, weights_only=True, map_location="cpu").get("stages", [])
    return json.loads(exported.read_text(encoding="utf-8"))["stages"] if exported.exists() else []


def start_from(model: PreTrainedModel, source: dict[str, torch.Tensor]) -> None:
    """Load the weights of a model with the same width and at most as many layers, without changing what it computes.

    Additional layers are spread evenly between the old ones.  Their output matrices are zero, so that at first they
    add nothing to the residual stream; all their other matrices keep their random initialisation.
    """
    have = 1 + max(int(key.split(".")[2]) for key in source if key.startswith("model.layers."))
    want = model.config.num_hidden_layers
    home = [i * want // have for i in range(have)]
    state = {key: value for key, value in source.items() if not key.startswith("model.layers.")}
    for key, value in source.items():
        if key.startswith("model.layers."):
            _, _, old, rest = key.split(".", 3)
            state[f"model.layers.{home[int(old)]}.{rest}"] = value
    for i in set(range(want)) - set(home):
        for part in ("self_attn.o_proj", "mlp.down_proj"):
            key = f"model.layers.{i}.{part}.weight"
            state[key] = torch.zeros_like(model.state_dict()[key])
    state.setdefault("lm_head.weight", state["model.embed_tokens.weight"])  # tied, so the files hold it once
    missing, unexpected = model.load_state_dict(state, strict=False)
    new = {f"model.layers.{i}." for i in set(range(want)) - set(home)}
    wrong = [key for key in missing if not any(key.startswith(prefix) for prefix in new)]
    if wrong or unexpected:
        raise ValueError(f"weights of another shape: missing {wrong[:3]}, unexpected {unexpected[:3]}.")


def export(model: PreTrainedModel, name: str, trained: list[dict]) -> None:
    """Write config.json, model.safetensors (bfloat16), generation.json, training.json (the stages that were `trained`)
    and the tokenizer, each replaced in one move."""
    folder = MODELS / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        copy.deepcopy(model).bfloat16().save_pretrained(temporary)
        Path(temporary, "generation.json").write_text(json.dumps(FACTS[name], indent=2) + "\n", encoding="utf-8")
        Path(temporary, "training.json").write_text(json.dumps({"stages": trained}, indent=2) + "\n", encoding="utf-8")
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tok.MODEL_DIR / file, Path(temporary, f"copy-{file}"))
            os.replace(Path(temporary, f"copy-{file}"), folder / file)
        for file in ("config.json", "model.safetensors", "generation.json", "training.json"):
            Path(temporary, file).chmod(0o644)
            os.replace(Path(temporary, file), folder / file)
