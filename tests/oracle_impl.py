"""Runs our decoders on a recorded case of tests/data/oracles: the reference's keyword arguments become our settings.

`python tests/data/oracles/compare_impl.py tests/oracle_impl.py llada dllm` prints the comparison;
tests/test_oracles.py asserts it.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tiny  # noqa: E402  (the oracles' own module, on the path of whoever runs this)

from decoders.models.base import ModelSpec  # noqa: E402
from decoders.models.hf import HFModel  # noqa: E402
from decoders.run import run as decode  # noqa: E402


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
    if call == "fastdllm.generate" and not kwargs["temperature"]:
        size = {"max_new": kwargs["gen_length"], "block": kwargs["block_length"]}
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
    if call in ("dream.diffusion_generate", "dreamfast.diffusion_generate"):
        knobs = {"steps": kwargs["steps"], "alg": kwargs["alg"]}
        for name, default in (("temperature", 0.0), ("alg_temp", 0.0), ("top_p", 1.0), ("top_k", 0), ("eps", 1e-3)):
            knobs[name] = kwargs.get(name) or default
        return "dream", {"max_new": kwargs["max_new_tokens"], "threshold": kwargs.get("threshold", 0.9), **knobs}
    if call == "v2.generate" and not kwargs.get("use_block_cache"):
        # As many blocks as fit, the one of the prompt's end included, and the token after the last.
        size = kwargs["block_size"]
        blocks = prompt // size + kwargs["max_new_tokens"] // size
        knobs = {
            "sub": kwargs.get("small_block_size", 8),
            "threshold": kwargs.get("threshold", 1.0),
            "temperature": kwargs.get("temperature", 0.0),
            "top_p": kwargs.get("top_p", 0.95),
        }
        return "fast-v2", {"block": size, "max_new": blocks * size + 1 - prompt, **knobs}
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
        return ("block", knobs) if call != "s2d2.ssd" else ("s2d2", knobs | routing(kwargs))
    return None


def routing(kwargs: dict) -> dict:
    """The knobs of S2D2 that have other names and defaults in the release."""
    names = {
        "do_verify_policy": ("policy", "mask_span_length"),
        "token_acceptance_estimator": ("estimator", "hard_margin_threshold"),
        "score_penalty_coef": ("penalty", 2.0),
        "do_verify_score_threshold": ("tau_score", -1.0),
        "hysteresis_threshold_on": ("on", 0.0),
        "hysteresis_threshold_off": ("off", -1.0),
        "min_ssd_span_length": ("min_span", 1),
        "ssd_ratio_tempering_factor": ("tempering", 1.0),
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


def run(case, model, rng):
    chosen = settings(case["call"], case["kwargs"], len(case["prompt"]))
    if chosen is None:
        return None
    method, knobs = chosen
    if method == "dream":
        spec = ModelSpec("oracle", 96, tiny.MASK_ID, (tiny.EOS_ID,), rows="next")
        chance = Recorded(rng) if rng is not None else None
        trace = decode(method, HFModel(model, None, spec), case["prompt"], chance=chance, early_stop=False, **knobs)
        return {"output": list(trace.tokens)}  # the recordings of these hold no calls
    if method == "fast-v2":
        eos = (case["kwargs"]["stop_token"],)
        spec = ModelSpec("oracle", 96, tiny.MASK_ID, eos, rows="next", attention="block", block=knobs["block"])
        chance = Recorded(rng) if rng is not None else None
        trace = decode(method, HFModel(model, None, spec), case["prompt"], chance=chance, **knobs)
        output = list(trace.tokens)
        ends = [pos for pos, token in enumerate(output) if token in eos and pos >= len(case["prompt"])]
        return {"output": output[: ends[0] + 1] if ends else output, "nfe": trace.calls}
    if method == "llada2":
        spec = ModelSpec("oracle", 96, tiny.MASK_ID, (tiny.EOS_ID,), attention="block", block=knobs["block"])
        trace = decode(method, Additive(model, None, spec), case["prompt"], **knobs)
        # The release fills whole blocks and gives back what was asked for, up to the end of the text.
        output = list(trace.tokens[: len(case["prompt"]) + case["kwargs"]["gen_length"]])
        ends = [pos for pos, token in enumerate(output) if token == tiny.EOS_ID and pos >= len(case["prompt"])]
        return {"output": output[: ends[0] + 1] if ends else output, "nfe": trace.calls}
    if method not in ("block", "s2d2"):
        wrapped = HFModel(model, None, ModelSpec("oracle", 96, tiny.MASK_ID, (tiny.EOS_ID,)))
        trace = decode(method, wrapped, case["prompt"], seed=case["torch_seed"], early_stop=False, **knobs)
        return {"output": list(trace.tokens), "nfe": trace.calls}
    eos = tuple(case["kwargs"]["stopping_criteria_idx"])
    spec = ModelSpec("oracle", 96, tiny.MASK_ID, eos, attention="block", block=knobs["block"])
    chance = Recorded(rng) if rng is not None else None
    trace = decode(method, HFModel(model, None, spec), case["prompt"], chance=chance, **knobs)
    # The release also encodes the last block, which nothing reads, and cuts the text at its end.
    p = trace.prompt_len
    return {"output": list(trace.tokens[:p] + trace.ids), "nfe": trace.calls + 1}
