"""Tiny random checkpoints as their authors would publish them: config, weights under the original names, tokenizer.

The weights are those of tests/oracle_models.py, so that what is loaded can be compared with the recorded forwards."""

import json
from pathlib import Path

import oracle_models
import tokenizers
import torch
from safetensors.torch import save_file
from tokenizers import decoders as tokenizer_decoders
from tokenizers import models as tokenizer_models
from tokenizers import pre_tokenizers

from decoders.models import families

# Our family -> the weights of oracle_models it is made of.
WEIGHTS = {
    "llada": "llama",
    "llada-moe": "qwen3moe",
    "dream": "qwen2",
    "sdar": "qwen3",
    "sdar-moe": "qwen3moe",
    "fast-v2": "qwen2",
    "llada2": "glm4moe",
    "a2d-qwen3": "qwen3",
    "a2d-qwen2": "qwen2",
}
LLADA = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "q_proj",
    "self_attn.k_proj": "k_proj",
    "self_attn.v_proj": "v_proj",
    "self_attn.o_proj": "attn_out",
    "post_attention_layernorm": "ff_norm",
    "mlp.gate_proj": "ff_proj",
    "mlp.up_proj": "up_proj",
    "mlp.down_proj": "ff_out",
    "embed_tokens": "wte",
    "norm": "ln_f",
    "lm_head": "ff_out",
}
LLADA2 = {
    "model.embed_tokens": "model.word_embeddings",
    "self_attn.o_proj": "attention.dense",
    "self_attn.q_norm": "attention.query_layernorm",
    "self_attn.k_norm": "attention.key_layernorm",
    "mlp.gate.e_score_correction_bias": "mlp.gate.expert_bias",
}


def published(family: str, seed: int = 0, peak: float = 3.0) -> dict[str, torch.Tensor]:
    """The weights under the names of the family's own checkpoints."""
    native = oracle_models.state_dict(WEIGHTS[family], seed, peak)
    if family == "llada":
        return {_llada(name): value for name, value in native.items()}
    out = _unstacked(native) if "moe" in WEIGHTS[family] else native
    return _llada2(out) if family == "llada2" else out


def _llada(name: str) -> str:
    parts = name.removesuffix(".weight").removeprefix("model.").split(".", 2)
    if parts[0] == "layers":
        return f"model.transformer.blocks.{parts[1]}.{LLADA[parts[2]]}.weight"
    return f"model.transformer.{LLADA[parts[0]]}.weight"


def _unstacked(native: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out = {}
    for name, value in native.items():
        if name.endswith("experts.gate_up_proj"):
            at = name.removesuffix("gate_up_proj")
            for i, both in enumerate(value):
                gate, up = both.chunk(2)
                out |= {f"{at}{i}.gate_proj.weight": gate, f"{at}{i}.up_proj.weight": up}
        elif name.endswith("experts.down_proj"):
            out |= {f"{name.removesuffix('down_proj')}{i}.down_proj.weight": down for i, down in enumerate(value)}
        else:
            out[name] = value
    return out


def _llada2(native: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out = {}
    for name, value in native.items():
        if name.endswith("q_proj.weight"):
            parts = [native[name.replace("q_proj", f"{kind}_proj")] for kind in "qkv"]
            out[name.replace("self_attn.q_proj", "attention.query_key_value")] = torch.cat(parts)
        elif not name.endswith(("k_proj.weight", "v_proj.weight")):
            for ours, theirs in LLADA2.items():
                name = name.replace(ours, theirs)
            out[name] = value
    return out


def config(family: str) -> dict:
    """The contents of its config.json, in its own words."""
    weights = WEIGHTS[family]
    heads, kv, size = oracle_models.heads(weights)
    head = {
        "architectures": [families.named(family).architectures[0]],
        "auto_map": {"AutoModel": "modeling_theirs.TheirModel"},
        "model_type": "theirs",
        "vocab_size": oracle_models.VOCAB,
        "mask_token_id": oracle_models.MASK,
        "eos_token_id": oracle_models.EOS,
    }
    if family == "llada":
        return head | {
            "d_model": 48, "n_heads": heads, "n_kv_heads": kv, "n_layers": 2, "mlp_hidden_size": 80,
            "max_sequence_length": 512, "embedding_size": 96, "weight_tying": False, "rope_theta": 500_000.0,
            "rms_norm_eps": 1e-5,
        }  # fmt: skip
    head |= {
        "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": heads, "num_key_value_heads": kv,
        "head_dim": size, "intermediate_size": 80, "max_position_embeddings": 512, "tie_word_embeddings": False,
        "rms_norm_eps": 1e-6, "rope_theta": 600_000.0 if family == "llada2" else 10_000.0,
    }  # fmt: skip
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "norm_topk_prob": True}
    return head | {
        "fast-v2": {"bd_size": 8},
        "sdar": {"block_size": 4},
        "sdar-moe": {**experts, "moe_intermediate_size": 24, "block_size": 4},
        # Its weights are not normalised again, whatever its file says.
        "llada-moe": {**experts, "expert_intermediate_size": 24},
        "llada2": {
            **experts, "num_shared_experts": 1, "n_group": 4, "topk_group": 2, "moe_intermediate_size": 24,
            "first_k_dense_replace": 1, "routed_scaling_factor": 2.5, "partial_rotary_factor": 0.5,
            "use_qkv_bias": False, "block_size": 8,
        },
    }.get(family, {})  # fmt: skip


TEMPLATES = {
    "llada": "{{ '<|startoftext|><|user|>' + messages[0]['content'] + '<|end|><|assistant|>' }}",
    "llada2": "{{ '<role>HUMAN</role>' + messages[0]['content'] + '<|end|><role>ASSISTANT</role>' }}",
}
CHATML = (
    "{{ '<|user|>' + messages[0]['content'] + '<|end|>' }}{% if enable_thinking is defined %}{{ '<|no|>' }}{% endif %}"
)
LETTERS = "abcdefghijklmnopqrstuvwxyz .,?'0123456789AEHIMNSTU"
SPECIALS = ("<|startoftext|>", "<|user|>", "<|assistant|>", "<|end|>", "<|no|>", "<role>", "</role>", "<|mask|>")


def _words() -> dict[str, int]:
    """One letter a token, from 0."""
    return {{" ": "Ġ"}.get(ch, ch): i for i, ch in enumerate(LETTERS)}


def tokenizer(path: Path, family: str) -> None:
    """A byte-level vocabulary, as tokenizer.json, or as vocab.json and merges.txt where the authors ship those."""
    vocab = _words()
    special = {token: 80 + i for i, token in enumerate(SPECIALS)}
    special["<|mask|>"], special["<|end|>"] = oracle_models.MASK, oracle_models.EOS
    facts = {
        "chat_template": TEMPLATES.get(family, CHATML),
        "added_tokens_decoder": {
            str(id): {"content": token, "special": True, "lstrip": False, "rstrip": False, "normalized": False,
                      "single_word": False} for token, id in special.items()
        },
        "additional_special_tokens": list(special),
        "tokenizer_class": "DreamTokenizer" if family == "dream" else "PreTrainedTokenizerFast",
        "auto_map": {"AutoTokenizer": ["tokenization_theirs.TheirTokenizer", None]},
    }  # fmt: skip
    (path / "tokenizer_config.json").write_text(json.dumps(facts))
    if family == "dream":
        (path / "vocab.json").write_text(json.dumps(vocab))
        (path / "merges.txt").write_text("#version: 0.2\n")
        return
    raw = tokenizers.Tokenizer(tokenizer_models.BPE(vocab=vocab, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = tokenizer_decoders.ByteLevel()
    text = json.loads(raw.to_str())
    text["added_tokens"] = [{"id": int(id), **facts} for id, facts in facts["added_tokens_decoder"].items()]
    (path / "tokenizer.json").write_text(json.dumps(text))


def write(path: Path, family: str, seed: int = 0, peak: float = 3.0) -> Path:
    """The whole folder."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config(family)))
    (path / "modeling_theirs.py").write_text("raise RuntimeError('the code of a checkpoint was run')\n")
    (path / "tokenization_theirs.py").write_text("raise RuntimeError('the code of a checkpoint was run')\n")
    weights = {name: value.clone().contiguous() for name, value in published(family, seed, peak).items()}
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    tokenizer(path, family)
    return path
