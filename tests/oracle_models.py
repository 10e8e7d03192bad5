"""The tiny random models that the reference decoders were recorded on, and the recorded draws.

The weights are seeded and peaky, so that confidences spread over 0.1..0.99 and a threshold of 0.9 or 0.5 divides the
positions. The order in which `state_dict` draws is part of the recording: change it and every oracle fails."""

import gzip
import json
import math
from functools import cache
from pathlib import Path

import torch
import transformers

DATA = Path(__file__).resolve().parent / "data" / "oracles"

MASK, EOS, PAD, BOS = 95, 94, 93, 92
VOCAB, WIDTH, LAYERS = 96, 48, 2
FAMILIES = ("llama", "qwen2", "qwen3", "glm4moe", "qwen3moe")
EXPERTS, EXPERT_WIDTH = 8, 24


@cache
def recorded() -> dict[str, dict[str, dict]]:
    """Group -> name -> case: call, kwargs, model, prompt, output, stats, calls, rand, multinomial, error."""
    return json.loads(gzip.decompress((DATA / "cases.json.gz").read_bytes()))


class Replay:
    """Hands out recorded draws in their order."""

    def __init__(self, case: dict):
        self.rands, self.multinomials = list(case["rand"]), list(case["multinomial"])

    def rand(self, n: int) -> torch.Tensor:
        drawn = self.rands.pop(0)
        assert len(drawn) == n, f"the release drew {len(drawn)} numbers here, we asked for {n}"
        return torch.tensor(drawn, device="cpu")

    def multinomial(self, probs: torch.Tensor, n: int) -> torch.Tensor:
        return torch.tensor(self.multinomials.pop(0), device="cpu")

    @property
    def exhausted(self) -> bool:
        return not self.rands and not self.multinomials


def heads(family: str) -> tuple[int, int, int]:
    """(query heads, key heads, size of a head)."""
    return {"llama": (4, 4, 12), "glm4moe": (4, 2, 16)}.get(family, (4, 2, 12))


def state_dict(family: str, seed: int, peak: float) -> dict[str, torch.Tensor]:
    """Weights under the names of the transformers class."""
    g = torch.Generator("cpu").manual_seed(seed * 1000 + FAMILIES.index(family))
    q, kv, size = heads(family)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, device="cpu")

    def weight(out: int, into: int, scale: float = 1.0) -> torch.Tensor:
        return noise(out, into) * (scale / math.sqrt(into))

    def norm(n: int) -> torch.Tensor:
        return 1.0 + 0.1 * noise(n)

    sd = {"model.embed_tokens.weight": noise(VOCAB, WIDTH)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        sd[at + "input_layernorm.weight"] = norm(WIDTH)
        sd[at + "self_attn.q_proj.weight"] = weight(q * size, WIDTH, 1.5)
        sd[at + "self_attn.k_proj.weight"] = weight(kv * size, WIDTH, 1.5)
        sd[at + "self_attn.v_proj.weight"] = weight(kv * size, WIDTH, 1.5)
        sd[at + "self_attn.o_proj.weight"] = weight(WIDTH, q * size, 1.5)
        if family == "qwen2":
            for name, n in (("q", q), ("k", kv), ("v", kv)):
                sd[at + f"self_attn.{name}_proj.bias"] = 0.3 * noise(n * size)
        if family in ("qwen3", "qwen3moe", "glm4moe"):
            sd[at + "self_attn.q_norm.weight"] = norm(size)
            sd[at + "self_attn.k_norm.weight"] = norm(size)
        sd[at + "post_attention_layernorm.weight"] = norm(WIDTH)
        if family == "qwen3moe" or (family == "glm4moe" and layer):
            sd[at + "mlp.gate.weight"] = weight(EXPERTS, WIDTH)
            if family == "glm4moe":
                sd[at + "mlp.gate.e_score_correction_bias"] = 0.05 * noise(EXPERTS)
            sd[at + "mlp.experts.gate_up_proj"] = torch.stack([weight(2 * EXPERT_WIDTH, WIDTH) for _ in range(EXPERTS)])
            sd[at + "mlp.experts.down_proj"] = torch.stack([weight(WIDTH, EXPERT_WIDTH) for _ in range(EXPERTS)])
            if family == "glm4moe":
                sd[at + "mlp.shared_experts.gate_proj.weight"] = weight(EXPERT_WIDTH, WIDTH)
                sd[at + "mlp.shared_experts.up_proj.weight"] = weight(EXPERT_WIDTH, WIDTH)
                sd[at + "mlp.shared_experts.down_proj.weight"] = weight(WIDTH, EXPERT_WIDTH)
        else:
            sd[at + "mlp.gate_proj.weight"] = weight(80, WIDTH)
            sd[at + "mlp.up_proj.weight"] = weight(80, WIDTH)
            sd[at + "mlp.down_proj.weight"] = weight(WIDTH, 80)
    sd["model.norm.weight"] = norm(WIDTH)
    sd["lm_head.weight"] = noise(VOCAB, WIDTH) * (peak / math.sqrt(WIDTH))
    for token in (MASK, PAD, BOS):  # a score of 0 is never the best
        sd["lm_head.weight"][token] = 0.0
    return sd


def build(family: str, seed: int = 0, peak: float = 3.0) -> transformers.PreTrainedModel:
    """The native model; `qwen3moe_nonorm` is LLaDA-MoE, whose expert weights are not normalised again."""
    plain = not family.endswith("_nonorm")
    family = family.removesuffix("_nonorm")
    q, kv, size = heads(family)
    theta = {"llama": 500_000.0, "glm4moe": 600_000.0}.get(family, 10_000.0)
    rope = {"rope_type": "default", "rope_theta": theta}
    common = {
        "vocab_size": VOCAB,
        "hidden_size": WIDTH,
        "intermediate_size": 80,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": q,
        "num_key_value_heads": kv,
        "head_dim": size,
        "rms_norm_eps": 1e-5 if family == "llama" else 1e-6,
        "max_position_embeddings": 512,
        "tie_word_embeddings": False,
        "rope_parameters": rope,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": EOS,
        "attn_implementation": "sdpa",
    }
    name, own = {
        "llama": ("Llama", {"attention_bias": False, "mlp_bias": False}),
        "qwen2": ("Qwen2", {"use_sliding_window": False}),
        "qwen3": ("Qwen3", {"attention_bias": False, "use_sliding_window": False}),
        "qwen3moe": (
            "Qwen3Moe",
            {
                "attention_bias": False,
                "num_experts": EXPERTS,
                "num_experts_per_tok": 2,
                "norm_topk_prob": plain,
                "moe_intermediate_size": EXPERT_WIDTH,
                "decoder_sparse_step": 1,
                "mlp_only_layers": [],
            },
        ),
        "glm4moe": (
            "Glm4Moe",
            {
                "attention_bias": False,
                "use_qk_norm": True,
                "n_routed_experts": EXPERTS,
                "n_shared_experts": 1,
                "num_experts_per_tok": 2,
                "n_group": 4,
                "topk_group": 2,
                "norm_topk_prob": True,
                "moe_intermediate_size": EXPERT_WIDTH,
                "first_k_dense_replace": 1,
                "routed_scaling_factor": 2.5,
            },
        ),
    }[family]
    if family == "glm4moe":
        rope["partial_rotary_factor"] = 0.5
    net = getattr(transformers, f"{name}ForCausalLM")(getattr(transformers, f"{name}Config")(**common, **own))
    missing, unexpected = net.load_state_dict(state_dict(family, seed, peak), strict=False)
    assert not unexpected and all("inv_freq" in key for key in missing)
    return net.float().eval()
