"""Runs our decoders on a recorded case of shared/oracles: the reference's keyword arguments become our settings.

`python ../shared/oracles/compare_impl.py tests/oracle_impl.py llada dllm` prints the comparison;
tests/test_oracles.py asserts it.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tiny  # noqa: E402  (the oracles' own module, on the path of whoever runs this)

from decoders.models.base import ModelSpec  # noqa: E402
from decoders.models.hf import HFModel  # noqa: E402
from decoders.run import run as decode  # noqa: E402


def settings(call: str, kwargs: dict) -> tuple[str, dict] | None:
    """(method, knobs) for a reference call, or None where no method of ours claims to reproduce it yet."""
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
    return None


def run(case, model, rng):
    chosen = settings(case["call"], case["kwargs"])
    if chosen is None:
        return None
    method, knobs = chosen
    spec = ModelSpec("oracle", 96, tiny.MASK_ID, (tiny.EOS_ID,))
    trace = decode(
        method, HFModel(model, None, spec), case["prompt"], seed=case["torch_seed"], early_stop=False, **knobs
    )
    return {"output": list(trace.tokens), "nfe": trace.calls}
