"""Runs our decoders on a recorded case: the reference's keyword arguments become our settings.

tests/test_oracles.py asserts the comparison on the recordings in tests/data/oracles. Where the folder of all recordings
lies beside the checkout, `python ../shared/oracles/compare_impl.py tests/oracle_impl.py llada dllm` prints it.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from decoders import masks  # noqa: E402
from decoders.models.base import ModelSpec  # noqa: E402
from decoders.models.hf import HFModel  # noqa: E402
from decoders.policies import shares  # noqa: E402
from decoders.run import run as decode  # noqa: E402

VOCAB, MASK, EOS, PAD = 96, 95, 94, 93
"""Of the tiny models that were recorded."""


def settings(call: str, kwargs: dict, prompt: int) -> tuple[str, dict] | None:
    """(method, knobs) for a reference call on a prompt of that many tokens, or None where no method of ours claims to
    reproduce it yet."""
    if call == "llada.generate":
        if kwargs.get("logits_eos_inf") or kwargs.get("confidence_eos_eot_inf"):
            return None
        knobs = {name: kwargs[name] for name in ("steps", "remasking", "temperature")}
        return "stepwise", {
            "max_new": kwargs["gen_length"],
            "block": kwargs["block_length"],
            "cfg": kwargs.get("cfg_scale", 0.0),
            **knobs,
        }
    if call in FAST and not kwargs["temperature"]:
        size = {"max_new": kwargs["gen_length"], "block": kwargs["block_length"], "cache": FAST[call]}
        if kwargs.get("factor"):
            return "threshold", {**size, "rule": "factor", "factor": kwargs["factor"]}
        if kwargs["threshold"] is not None:
            return "threshold", {**size, "threshold": kwargs["threshold"]}
        return "stepwise", {**size, "steps": kwargs["steps"]}
    if call == "dllm.fast" and not kwargs.get("use_cache") and not kwargs.get("temperature"):
        size = {"max_new": kwargs["max_new_tokens"], "block": kwargs["block_size"]}
        if kwargs.get("factor"):
            return "threshold", {**size, "rule": "factor", "factor": kwargs["factor"]}
        if kwargs.get("threshold") is not None:
            return "threshold", {**size, "threshold": kwargs["threshold"]}
    if call in ("dllm.mdlm", "dllm.bd3lm") and not kwargs.keys() - {*DLLM, "cfg_scale"}:
        size, blocks = kwargs["block_size"], -(-kwargs["max_new_tokens"] // kwargs["block_size"])
        if kwargs["steps"] % blocks or kwargs["max_new_tokens"] % size:
            return None
        steps = kwargs["steps"] // blocks
        if linear(size, steps) != shares(size, steps):
            return None  # dllm rounds its schedule, LLaDA and SDAR give the larger shares to the first steps
        knobs = {"max_new": kwargs["max_new_tokens"], "block": size}
        if call == "dllm.mdlm" or kwargs.get("cfg_scale"):
            return "stepwise", {**knobs, "steps": kwargs["steps"], "cfg": kwargs.get("cfg_scale", 0.0)}
        return "block", {**knobs, "steps": steps, "strategy": "static"}
    if call in ("dream.diffusion_generate", "dreamfast.diffusion_generate"):
        knobs = {"steps": kwargs["steps"], "alg": kwargs["alg"]}
        for name, default in (("temperature", 0.0), ("alg_temp", 0.0), ("top_p", 1.0), ("top_k", 0), ("eps", 1e-3)):
            knobs[name] = kwargs.get(name) or default
        return "dream", {"max_new": kwargs["max_new_tokens"], "threshold": kwargs.get("threshold", 0.9), **knobs}
    if call == "dreamfastblock.diffusion_generate" and not kwargs.get("temperature"):
        # Whatever is not `confidence_threshold` is `entropy` there.
        alg = kwargs["alg"] if kwargs["alg"] == "confidence_threshold" else "entropy"
        return "dream", {
            "max_new": kwargs["max_new_tokens"],
            "block": kwargs["block_length"],
            "steps": kwargs["steps"],
            "alg": alg,
            "threshold": kwargs.get("threshold", 0.9),
            "cache": "dual" if kwargs["dual_cache"] else "prefix",
        }
    if call == "v2.generate" or call == "v2.ssd" and not kwargs.get("use_block_cache"):
        # As many blocks as fit, the one of the prompt's end included, and the token after the last.
        size = kwargs["block_size"]
        blocks = prompt // size + kwargs["max_new_tokens"] // size
        knobs = {
            "sub": kwargs.get("small_block_size", 8),
            "threshold": kwargs.get("threshold", 1.0),
            "temperature": kwargs.get("temperature", 0.0),
            "top_p": kwargs.get("top_p", 0.95),
        }
        knobs |= {"block": size, "max_new": blocks * size + 1 - prompt}
        if call == "v2.generate":
            return "fast-v2", knobs | {"block_cache": kwargs.get("use_block_cache", False)}
        return "s2d2", knobs | routing(kwargs, tau=0.0)
    if call == "l2.ssd" and kwargs.get("num_to_transfer", 1) == 1:
        size, new = kwargs["block_length"], kwargs["gen_length"]
        knobs = {
            "threshold": kwargs["threshold"],
            "editing": True,
            "edit_threshold": kwargs["editing_threshold"],
            "post": kwargs.get("max_post_steps", 16),
            "temperature": kwargs.get("temperature", 0.0),
            "top_k": kwargs.get("top_k") or 0,
            "top_p": kwargs.get("top_p") or 1.0,
            "early_stop": kwargs.get("eos_early_stop", False),
        }
        knobs |= {"block": size, "max_new": -(-(prompt + new) // size) * size - prompt}
        return "s2d2", knobs | routing(kwargs, tau=0.0)
    if call == "l2.generate":
        size, new = kwargs["block_length"], kwargs["gen_length"]
        knobs = {
            "threshold": kwargs["threshold"],
            "edit_threshold": kwargs["editing_threshold"],
            "least": kwargs.get("num_to_transfer", 1),
            "post": kwargs.get("max_post_steps", 16),
            "early_stop": kwargs.get("eos_early_stop", False),
            "cache": False,
        }
        return "llada2", {"block": size, "max_new": -(-(prompt + new) // size) * size - prompt, **knobs}
    if call in ("sdar.generate", "s2d2.base", "s2d2.ssd") and kwargs["remasking_strategy"] != "entropy_bounded":
        # The release rounds the canvas up to whole blocks; it stops after the block in which the text ends.
        size = kwargs["block_length"]
        names = {"sequential": "sequential", "low_confidence_static": "static", "low_confidence_dynamic": "dynamic"}
        knobs = {
            "block": size,
            "steps": kwargs["denoising_steps"],
            "strategy": names[kwargs["remasking_strategy"]],
            "threshold": kwargs["confidence_threshold"],
            "top_k": kwargs.get("top_k", 0),
            "temperature": kwargs.get("temperature", 1.0) if kwargs.get("do_sample", call == "sdar.generate") else 0.0,
        }
        knobs["max_new"] = -(-(prompt + kwargs["gen_length"]) // size) * size - prompt
        return ("block", knobs) if call != "s2d2.ssd" else ("s2d2", knobs | routing(kwargs, tau=-1.0))
    return None


FAST = {
    "fastdllm.generate": "none",
    "fastdllm.generate_with_prefix_cache": "prefix",
    "fastdllm.generate_with_dual_cache": "dual",
}
DLLM = ("max_new_tokens", "block_size", "steps")


def linear(masks: int, steps: int) -> list[int]:
    """dllm's schedule of a block: every step its part of what is left, rounded; steps without a part are not run."""
    found = []
    for left in range(steps, 0, -1):
        share = int(masks / left + 0.5)
        masks -= share
        found += [share] if share else []
    return found


def routing(kwargs: dict, tau: float) -> dict:
    """The knobs of S2D2 that have other names and defaults in the release; `tau` is the form's own default."""
    names = {
        "do_verify_policy": ("policy", "mask_span_length"),
        "token_acceptance_estimator": ("estimator", "hard_margin_threshold"),
        "score_penalty_coef": ("penalty", 2.0),
        "do_verify_score_threshold": ("tau_score", tau),
        "hysteresis_threshold_on": ("on", 0.0),
        "hysteresis_threshold_off": ("off", -1.0),
        "min_ssd_span_length": ("min_span", 1),
        "ssd_ratio_tempering_factor": ("tempering", 1.0),
        "allow_resample": ("resample", True),
        "ssd_ratio_threshold": ("keep_ratio", -1.0),
        "ssd_threshold_all_spans": ("all_spans", False),
        "cache_ver": ("causal_cache", False),
        "draft_ver": ("causal_prefix", False),
    }
    knobs = {ours: kwargs.get(theirs, default) for theirs, (ours, default) in names.items()}
    knobs["score"] = kwargs.get("do_verify_score_type", "difference_dynamic").removeprefix("difference_")
    return knobs


class Recorded:
    """The draws of the recorded run, in their order."""

    def __init__(self, rng):
        self.rng = rng

    def uniform(self, *shape, dtype=None):
        return self.rng.rand(*shape)

    def tokens(self, probs):
        return [int(token) for token in self.rng.multinomial(probs, 1).flatten()]

    def several(self, weights, k):
        return [int(index) for index in self.rng.multinomial(weights, k).flatten()]


class Additive(HFModel):
    """LLaDA2 as its release feeds it: the mask is a float of 0 and 1, which attention adds instead of applying."""

    def own_mask(self, start, length):
        return super().own_mask(start, length).float()


class Padded(HFModel):
    """A model whose first `pads` positions nobody sees: dllm fills the prompt's first block up on the left."""

    pads = 0

    def own_mask(self, start, length):
        see = masks.block_causal(start, length, self.spec.block, self.device)
        see[:, : self.pads] = False
        return see


def cut(tokens, prompt: int) -> list[int]:
    """Up to the end of the text, that token included."""
    ends = [pos for pos, token in enumerate(tokens) if token == EOS and pos >= prompt]
    return list(tokens[: ends[0] + 1] if ends else tokens)


def run(case, model, rng):
    """What our method says on that case, and its number of calls where the release's was recorded and means the same;
    None for a case that no method of ours claims."""
    call, kwargs, prompt = case["call"], case["kwargs"], case["prompt"]
    chosen = settings(call, kwargs, len(prompt))
    if chosen is None:
        return None
    method, knobs = chosen
    blocks = {"attention": "block", "block": knobs.get("block", 32)}
    chance = Recorded(rng) if rng is not None else None
    if method == "dream":
        wrapped = HFModel(model, None, spec(rows="next"))
        trace = decode(method, wrapped, prompt, chance=chance, early_stop=False, **knobs)
        return {"output": list(trace.tokens)}  # the recordings of these hold no calls
    if call in ("v2.generate", "v2.ssd"):
        wrapped = HFModel(model, None, spec(rows="next", **blocks))
        trace = decode(method, wrapped, prompt, chance=chance, **knobs)
        return {"output": cut(trace.tokens, len(prompt)), "nfe": trace.calls}
    if call in ("l2.generate", "l2.ssd"):
        # The release fills whole blocks and gives back what was asked for.
        trace = decode(method, Additive(model, None, spec(**blocks)), prompt, chance=chance, **knobs)
        return {"output": cut(trace.tokens[: len(prompt) + kwargs["gen_length"]], len(prompt)), "nfe": trace.calls}
    if call == "dllm.bd3lm":
        wrapped = Padded(model, None, spec(**blocks))
        wrapped.pads = -len(prompt) % knobs["block"]
        trace = decode(method, wrapped, [PAD] * wrapped.pads + prompt, early_stop=False, **knobs)
        found = {"output": list(trace.tokens)}
        # Guidance is one call of two rows here, and two calls on a cache there.
        return found if knobs.get("cfg") else {**found, "nfe": trace.calls}
    if method not in ("block", "s2d2"):
        trace = decode(method, HFModel(model, None, spec()), prompt, seed=case["torch_seed"], early_stop=False, **knobs)
        return {"output": list(trace.tokens), "nfe": trace.calls}
    eos = tuple(kwargs["stopping_criteria_idx"])
    wrapped = HFModel(model, None, ModelSpec("oracle", VOCAB, MASK, eos, **blocks))
    trace = decode(method, wrapped, prompt, chance=chance, **knobs)
    # The release also encodes the last block, which nothing reads, and cuts the text at its end.
    p = trace.prompt_len
    return {"output": list(trace.tokens[:p] + trace.ids), "nfe": trace.calls + 1}


def spec(**facts) -> ModelSpec:
    return ModelSpec("oracle", VOCAB, MASK, (EOS,), **facts)
