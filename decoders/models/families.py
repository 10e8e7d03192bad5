"""The layouts in which public checkpoints are published, and the native transformers class that reads each of them.

A family says how the keys of a config.json and of the weights become those of the native class, and which conventions
its models keep. None of it needs the authors' own modelling files. Facts: the checkpoints' config.json and modelling
files, each compared with the native class on the same weights (tests/models/test_families.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import transformers
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Concatenate, MergeModulelist, Split, WeightConverter, WeightRenaming

from decoders.errors import ModelUnavailable

Config = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Family:
    """`architectures` are the names by which a config.json says that it is one; `net` is the native class. `config`
    translates its contents into arguments of the native configuration, `keys` renames weights (one capture group a
    pattern: transformers honours no more). `rows`, `attention`, `mask`, `eos` and `block` are what its checkpoints
    have in common, unless their own files say otherwise; `template` are options of the chat template."""

    id: str
    title: str
    architectures: tuple[str, ...]
    net: str
    rows: str = "self"
    attention: str = "full"
    mask: int = -1
    eos: tuple[int, ...] = ()
    block: int = 32
    config: Callable[[Config], dict[str, Any]] = lambda config: _same(config)
    keys: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Any] = field(default_factory=dict)

    def native(self, config: Config) -> transformers.PretrainedConfig:
        """The native configuration for the contents of a config.json."""
        return self.model.config_class(**self.config(config))  # pyright: ignore[reportOptionalCall]

    @property
    def model(self) -> type[transformers.PreTrainedModel]:
        return LLaDA2ForCausalLM if self.net == "LLaDA2ForCausalLM" else getattr(transformers, self.net)


class LLaDA2ForCausalLM(transformers.Glm4MoeForCausalLM):
    """Glm4Moe under a name of its own, so that the conversions below are applied to LLaDA2's checkpoints only."""

    @classmethod
    def _can_set_experts_implementation(cls) -> bool:
        # transformers looks for a decorator in the source of the class's file, this one, and would fall back to a loop
        # over experts that waits for numbers of the device; a CUDA graph cannot record that.
        return True


_EXPERTS = "mlp.experts.*."
register_checkpoint_conversion_mapping(
    "LLaDA2ForCausalLM",
    [
        WeightRenaming("model.word_embeddings", "model.embed_tokens"),
        WeightRenaming("attention.dense", "self_attn.o_proj"),
        WeightRenaming("attention.query_layernorm", "self_attn.q_norm"),
        WeightRenaming("attention.key_layernorm", "self_attn.k_norm"),
        WeightRenaming("mlp.gate.expert_bias", "mlp.gate.e_score_correction_bias"),
        WeightConverter(
            "attention.query_key_value",
            ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            operations=[Split(dim=0)],
        ),
        WeightConverter(
            [f"{_EXPERTS}gate_proj.weight", f"{_EXPERTS}up_proj.weight"],
            "mlp.experts.gate_up_proj",
            operations=[MergeModulelist(dim=0), Concatenate(dim=1)],
        ),
        WeightConverter(f"{_EXPERTS}down_proj.weight", "mlp.experts.down_proj", operations=[MergeModulelist(dim=0)]),
    ],
    overwrite=True,
)

# What describes the file and not the network, and what would have transformers look for the authors' code.
_NOT_OURS = (
    "architectures auto_map model_type torch_dtype dtype transformers_version _name_or_path use_cache "
    "attn_implementation _attn_implementation attention_dropout quantization_config"
).split()


def _rope(config: Config, theta: float, **more: Any) -> dict[str, Any]:
    given = config.get("rope_parameters") or {}
    theta = config.get("rope_theta", given.get("rope_theta", theta))
    return {"rope_type": "default", "rope_theta": float(theta), **more}


def _same(config: Config, **more: Any) -> dict[str, Any]:
    """The native names already; whatever the native class does not know is left in it without harm."""
    kept = {name: value for name, value in config.items() if name not in _NOT_OURS}
    if not kept.get("rope_scaling"):
        kept["rope_parameters"] = _rope(config, 10_000.0)
    for name in ("rope_theta", "rope_scaling"):
        if "rope_parameters" in kept:
            kept.pop(name, None)
    return {**kept, **more}


def _llada(config: Config) -> dict[str, Any]:
    heads = config["n_heads"]
    return {
        "vocab_size": vocabulary(config),
        "hidden_size": config["d_model"],
        "intermediate_size": config.get("mlp_hidden_size") or config["mlp_ratio"] * config["d_model"],
        "num_hidden_layers": config["n_layers"],
        "num_attention_heads": heads,
        "num_key_value_heads": config.get("n_kv_heads") or heads,
        "max_position_embeddings": config["max_sequence_length"],
        "rms_norm_eps": config.get("rms_norm_eps", 1e-5),
        "rope_parameters": _rope(config, 500_000.0),
        "tie_word_embeddings": bool(config.get("weight_tying", False)),
        "attention_bias": False,
        "mlp_bias": False,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": config.get("eos_token_id"),
    }


def _llada_moe(config: Config) -> dict[str, Any]:
    inner = config.get("expert_intermediate_size") or config["moe_intermediate_size"]
    # Without a shared expert and without a dense first layer; the experts' weights are not normalised again.
    return _same(config, moe_intermediate_size=inner, norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[])


def _llada2(config: Config) -> dict[str, Any]:
    kept = _same(config)
    experts = {
        "n_routed_experts": config.get("num_experts") or config.get("n_routed_experts"),
        "n_shared_experts": config.get("num_shared_experts") or config.get("n_shared_experts") or 1,
    }
    partial = float(config.get("partial_rotary_factor", 0.5))
    for name in ("num_experts", "num_shared_experts", "partial_rotary_factor"):
        kept.pop(name, None)
    rope = _rope(config, 600_000.0, partial_rotary_factor=partial)
    bias = bool(config.get("use_qkv_bias", False))
    return {**kept, **experts, "rope_parameters": rope, "attention_bias": bias, "use_qk_norm": True}


_LLADA_BLOCK = r"^model\.transformer\.blocks\.(\d+)\."
_LLADA_KEYS = {
    r"^model\.transformer\.wte": "model.embed_tokens",
    r"^model\.transformer\.ln_f": "model.norm",
    r"^model\.transformer\.ff_out": "lm_head",
    **{
        rf"{_LLADA_BLOCK}{theirs}\.": rf"model.layers.\1.{native}."
        for theirs, native in {
            "attn_norm": "input_layernorm",
            "ff_norm": "post_attention_layernorm",
            "q_proj": "self_attn.q_proj",
            "k_proj": "self_attn.k_proj",
            "v_proj": "self_attn.v_proj",
            "attn_out": "self_attn.o_proj",
            "ff_proj": "mlp.gate_proj",
            "up_proj": "mlp.up_proj",
            "ff_out": "mlp.down_proj",
        }.items()
    },
}

_QWEN_EOS = (151645, 151643)
FAMILIES: tuple[Family, ...] = (
    Family(
        id="llada",
        title="LLaDA",
        architectures=("LLaDAModelLM", "LLaDAModel"),
        net="LlamaForCausalLM",
        mask=126336,
        eos=(126081, 126348),
        config=_llada,
        keys=_LLADA_KEYS,
    ),
    Family(
        id="llada-moe",
        title="LLaDA-MoE",
        architectures=("LLaDAMoEModelLM", "LLaDAMoEModel"),
        net="Qwen3MoeForCausalLM",
        mask=156895,
        eos=(156892,),
        config=_llada_moe,
    ),
    Family(
        id="dream",
        title="Dream",
        architectures=("DreamModel", "DreamForCausalLM"),
        net="Qwen2ForCausalLM",
        rows="next",
        mask=151666,
        eos=(151643, 151645),
    ),
    Family(
        id="sdar",
        title="SDAR",
        architectures=("SDARForCausalLM",),
        net="Qwen3ForCausalLM",
        attention="block",
        mask=151669,
        eos=_QWEN_EOS,
        block=4,
    ),
    Family(
        id="sdar-moe",
        title="SDAR-MoE",
        architectures=("SDARMoeForCausalLM",),
        net="Qwen3MoeForCausalLM",
        attention="block",
        mask=151669,
        eos=_QWEN_EOS,
        block=4,
    ),
    Family(
        id="fast-v2",
        title="Fast-dLLM v2",
        architectures=("Fast_dLLM_QwenForCausalLM",),
        net="Qwen2ForCausalLM",
        rows="next",
        attention="block",
        mask=151665,
        eos=(151645,),
        block=32,
    ),
    Family(
        id="llada2",
        title="LLaDA2",
        architectures=("LLaDA2MoeModelLM",),
        net="LLaDA2ForCausalLM",
        attention="block",
        mask=156895,
        eos=(156892,),
        block=32,
        config=_llada2,
    ),
    Family(
        id="a2d-qwen3",
        title="A2D (Qwen3)",
        architectures=("A2DQwen3LMHeadModel",),
        net="Qwen3ForCausalLM",
        mask=151669,
        eos=_QWEN_EOS,
        template={"enable_thinking": False},
    ),
    Family(
        id="a2d-qwen2",
        title="A2D (Qwen2.5)",
        architectures=("A2DQwen2LMHeadModel",),
        net="Qwen2ForCausalLM",
        mask=151665,
        eos=_QWEN_EOS,
    ),
    # Native checkpoints: the bundled ones, whose generation.json says the rest, and plain causal models as targets.
    Family(
        id="llama",
        title="Llama",
        architectures=("LlamaForCausalLM",),
        net="LlamaForCausalLM",
        rows="next",
        attention="causal",
    ),
    Family(
        id="qwen2",
        title="Qwen2",
        architectures=("Qwen2ForCausalLM",),
        net="Qwen2ForCausalLM",
        rows="next",
        attention="causal",
    ),
    Family(
        id="qwen3",
        title="Qwen3",
        architectures=("Qwen3ForCausalLM",),
        net="Qwen3ForCausalLM",
        rows="next",
        attention="causal",
        template={"enable_thinking": False},
    ),
)


def vocabulary(config: Config) -> int:
    """How many tokens a config.json's contents speak of."""
    return config.get("embedding_size") or config["vocab_size"]


def family(config: Config, name: str) -> Family:
    """The family of a config.json's contents; `name` says whose in the error."""
    said = config.get("architectures") or ["none"]
    for candidate in FAMILIES:
        if said[0] in candidate.architectures:
            return candidate
    known = ", ".join(sorted(a for f in FAMILIES for a in f.architectures))
    raise ModelUnavailable(
        f"{name}: the architecture {said[0]} has no native class here; known are {known}: add a family in "
        "decoders/models/families.py."
    )


def named(id: str) -> Family:
    """The family of that id."""
    return next(f for f in FAMILIES if f.id == id)
