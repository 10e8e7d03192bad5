"""The public checkpoints that the explorer knows by a short name, and the pairs that draft and verify together.

Nothing of them is shipped: `python -m app models --get ID` fetches one from its hub. `config` holds what of its
config.json decides its size, under the file's own names, so that memory and conventions are told before a download.
Sources: the model cards, config.json and modelling files; conventions were checked as docs/decisions.md says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from decoders.errors import UnknownName
from decoders.models import checkpoint, families
from decoders.models.base import ModelSpec
from decoders.models.families import Family


@dataclass(frozen=True)
class Public:
    """A checkpoint on a hub; `facts` are fields of `ModelSpec` that its files do not say."""

    id: str
    hub: str
    family_id: str
    config: Mapping[str, Any]
    licence: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        """The commit that is fetched; the branch "main" where none is known."""
        return PINS.get(self.hub, "main")

    @property
    def family(self) -> Family:
        return families.named(self.family_id)

    @property
    def spec(self) -> ModelSpec:
        return checkpoint.describe(self.id, dict(self.config), self.family, dict(self.facts))


@dataclass(frozen=True)
class Pair:
    """A drafter and a target of one vocabulary, for the methods that have these two roles."""

    draft: str
    target: str
    methods: tuple[str, ...]


def _sizes(hidden: int, inner: int, layers: int, heads: int, kv: int, vocab: int, context: int, **more: Any) -> dict:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "vocab_size": vocab,
        "max_position_embeddings": context,
        "rope_theta": 1_000_000.0,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False,
        "use_sliding_window": False,
        **more,
    }


_LLADA = {
    "d_model": 4096,
    "mlp_hidden_size": 12288,
    "n_layers": 32,
    "n_heads": 32,
    "n_kv_heads": 32,
    "embedding_size": 126464,
    "vocab_size": 126464,
    "max_sequence_length": 4096,
    "rope_theta": 500_000.0,
    "rms_norm_eps": 1e-5,
    "weight_tying": False,
}
_LLADA_MOE = _sizes(
    2048, 8192, 16, 16, 16, 157184, 8192, rope_theta=50_000.0, rms_norm_eps=1e-5, num_experts=64,
    num_experts_per_tok=8, expert_intermediate_size=1024, head_dim=128,
)  # fmt: skip
# config.json speaks of 131072 positions; the model was trained on 2048.
_DREAM = _sizes(3584, 18944, 28, 28, 4, 152064, 2048)
_SDAR_30B = _sizes(
    2048, 6144, 48, 32, 4, 151936, 32768, head_dim=128, num_experts=128, num_experts_per_tok=8,
    moe_intermediate_size=768, norm_topk_prob=True,
)  # fmt: skip
_LLADA2 = _sizes(
    2048, 5120, 20, 16, 4, 157184, 32768, head_dim=128, rope_theta=600_000.0, partial_rotary_factor=0.5,
    num_experts=256, num_shared_experts=1, num_experts_per_tok=8, n_group=8, topk_group=4, norm_topk_prob=True,
    moe_intermediate_size=512, first_k_dense_replace=1, routed_scaling_factor=2.5, use_qkv_bias=False,
)  # fmt: skip
_QWEN3_06B = _sizes(1024, 3072, 28, 16, 8, 151936, 40960, head_dim=128, tie_word_embeddings=True)
_CODER_05B = _sizes(896, 4864, 24, 14, 2, 151936, 32768, tie_word_embeddings=True)

PUBLIC: tuple[Public, ...] = (
    Public("llada-8b-base", "GSAI-ML/LLaDA-8B-Base", "llada", _LLADA, "MIT"),
    Public("llada-8b", "GSAI-ML/LLaDA-8B-Instruct", "llada", _LLADA, "MIT"),
    Public("llada-1.5", "GSAI-ML/LLaDA-1.5", "llada", _LLADA, "see its card"),
    Public(
        "llada-moe-base",
        "inclusionAI/LLaDA-MoE-7B-A1B-Base",
        "llada-moe",
        _LLADA_MOE,
        "Apache-2.0",
    ),
    Public("llada-moe", "inclusionAI/LLaDA-MoE-7B-A1B-Instruct", "llada-moe", _LLADA_MOE, "Apache-2.0"),
    Public("dream-7b-base", "Dream-org/Dream-v0-Base-7B", "dream", _DREAM, "Apache-2.0", {"context": 2048}),
    Public("dream-7b", "Dream-org/Dream-v0-Instruct-7B", "dream", _DREAM, "Apache-2.0", {"context": 2048}),
    Public(
        "sdar-1.7b",
        "JetLM/SDAR-1.7B-Chat",
        "sdar",
        _sizes(2048, 6144, 28, 16, 8, 151936, 32768, head_dim=128),
        "Apache-2.0",
    ),
    Public(
        "sdar-4b",
        "JetLM/SDAR-4B-Chat",
        "sdar",
        _sizes(2560, 9728, 36, 32, 8, 151936, 32768, head_dim=128),
        "Apache-2.0",
    ),
    Public(
        "sdar-8b",
        "JetLM/SDAR-8B-Chat",
        "sdar",
        _sizes(4096, 12288, 36, 32, 8, 151936, 32768, head_dim=128),
        "Apache-2.0",
    ),
    Public("sdar-30b-a3b", "JetLM/SDAR-30B-A3B-Chat", "sdar-moe", _SDAR_30B, "Apache-2.0"),
    Public(
        "fast-dllm-v2-1.5b",
        "Efficient-Large-Model/Fast_dLLM_v2_1.5B",
        "fast-v2",
        _sizes(1536, 8960, 28, 12, 2, 151936, 32768, tie_word_embeddings=True),
        "Apache-2.0",
    ),
    Public(
        "fast-dllm-v2-7b",
        "Efficient-Large-Model/Fast_dLLM_v2_7B",
        "fast-v2",
        _sizes(3584, 18944, 28, 28, 4, 152064, 32768),
        "Apache-2.0",
    ),
    Public("llada2.0-mini", "inclusionAI/LLaDA2.0-mini", "llada2", _LLADA2, "Apache-2.0"),
    Public("llada2.1-mini", "inclusionAI/LLaDA2.1-mini", "llada2", _LLADA2, "Apache-2.0"),
    Public("qwen3-0.6b-mdlm", "dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1", "a2d-qwen3", _QWEN3_06B, "Apache-2.0"),
    Public(
        "qwen3-0.6b-bd3lm",
        "dllm-hub/Qwen3-0.6B-diffusion-bd3lm-v0.1",
        "a2d-qwen3",
        _QWEN3_06B,
        "Apache-2.0",
        facts={"attention": "block", "block": 32},
    ),
    Public(
        "qwen2.5-coder-0.5b-mdlm",
        "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-mdlm-v0.1",
        "a2d-qwen2",
        _CODER_05B,
        "Apache-2.0",
    ),
    Public(
        "qwen2.5-coder-0.5b-bd3lm",
        "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-bd3lm-v0.1",
        "a2d-qwen2",
        _CODER_05B,
        "Apache-2.0",
        facts={"attention": "block", "block": 32},
    ),
    # Causal targets, each of the vocabulary of a drafter above.
    Public(
        "qwen2.5-7b",
        "Qwen/Qwen2.5-7B-Instruct",
        "qwen2",
        _sizes(3584, 18944, 28, 28, 4, 152064, 32768, eos_token_id=[151645, 151643]),
        "Apache-2.0",
    ),
    Public(
        "qwen2.5-32b",
        "Qwen/Qwen2.5-32B-Instruct",
        "qwen2",
        _sizes(5120, 27648, 64, 40, 8, 152064, 32768, eos_token_id=[151645, 151643]),
        "Apache-2.0",
    ),
    Public(
        "qwen3-4b",
        "Qwen/Qwen3-4B",
        "qwen3",
        _sizes(2560, 9728, 36, 32, 8, 151936, 40960, head_dim=128, tie_word_embeddings=True, eos_token_id=151645),
        "Apache-2.0",
    ),
    Public(
        "qwen3-8b",
        "Qwen/Qwen3-8B",
        "qwen3",
        _sizes(4096, 12288, 36, 32, 8, 151936, 40960, head_dim=128, eos_token_id=151645),
        "Apache-2.0",
    ),
)
PAIRS: tuple[Pair, ...] = (
    Pair("dream-7b", "qwen2.5-7b", ("diffuspec",)),
    Pair("dream-7b", "qwen2.5-32b", ("diffuspec",)),
    Pair("qwen3-0.6b-mdlm", "qwen3-4b", ("diffuspec",)),
    Pair("qwen3-0.6b-mdlm", "qwen3-8b", ("diffuspec",)),
    Pair("qwen3-0.6b-bd3lm", "qwen3-8b", ("diffuspec", "speculative")),
    Pair("fast-dllm-v2-1.5b", "qwen2.5-7b", ("diffuspec", "speculative")),
    Pair("sdar-1.7b", "sdar-4b", ("simsd",)),
    Pair("sdar-1.7b", "sdar-8b", ("simsd",)),
    Pair("sdar-4b", "sdar-30b-a3b", ("simsd",)),
)

# Commits that public projects pin; none was found for the two that are missing here.
PINS: Mapping[str, str] = {
    "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-mdlm-v0.1": "a284e895a6248256baf2f60502e54aba61b24c1a",
    "dllm-hub/Qwen3-0.6B-diffusion-bd3lm-v0.1": "60f77bba67ba94231c16f5fb29bc66c500b038f1",
    "dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1": "c8d24a3f4adaeef46881b450e1bf7d1005203bd7",
    "Dream-org/Dream-v0-Base-7B": "6572adb5535263e4d1a337b56942ba48b6dee2a9",
    "Dream-org/Dream-v0-Instruct-7B": "05334cb9faaf763692dcf9d8737c642be2b2a6ae",
    "Efficient-Large-Model/Fast_dLLM_v2_1.5B": "25093b6f63300adfd57f72145083c8a528fe4f16",
    "Efficient-Large-Model/Fast_dLLM_v2_7B": "0661abf5f9f0ee338970d091052a26c8efa51974",
    "GSAI-ML/LLaDA-1.5": "84346fd91ba60252d260022201ad6fc5a3468fb2",
    "GSAI-ML/LLaDA-8B-Base": "0f2787f2d87eac5eed8a087d5ecd24277e6255b2",
    "GSAI-ML/LLaDA-8B-Instruct": "08b83a6feb34df1a6011b80c3c00c7563e963b07",
    "inclusionAI/LLaDA-MoE-7B-A1B-Base": "daccaf1ccbf263a427bc9ac2a23b0b004fb275bf",
    "inclusionAI/LLaDA-MoE-7B-A1B-Instruct": "783d3467f108d28ac0a78d3e41af16ab05cabd8d",
    "inclusionAI/LLaDA2.0-mini": "dad945cac317da394b390f82c7b40691d8a881ed",
    "inclusionAI/LLaDA2.1-mini": "20e64e2ad21644d0e5248586ed9c942cdd45de0f",
    "JetLM/SDAR-30B-A3B-Chat": "f5add2a159163a2a8f07e9da7dfcbfaadc73d6d4",
    "JetLM/SDAR-4B-Chat": "cd91dd7ba0282032e2127f023063da1e7059bf8a",
    "JetLM/SDAR-8B-Chat": "ac4528d2c076b04e02a03e6f430efa4385331ce8",
    "Qwen/Qwen2.5-32B-Instruct": "5ede1c97bbab6ce5cda5812749b4c0bdf79b18dd",
    "Qwen/Qwen2.5-7B-Instruct": "a09a35458c702b33eeacc393d103063234e8bc28",
    "Qwen/Qwen3-4B": "1cfa9a7208912126459214e8b04321603b3df60c",
    "Qwen/Qwen3-8B": "b968826d9c46dd6066d109eabc6255188de91218",
}


def public(name: str) -> Public:
    """The public checkpoint of that short name or hub id."""
    for entry in PUBLIC:
        if name in (entry.id, entry.hub):
            return entry
    raise UnknownName("public model", name, [entry.id for entry in PUBLIC])
