"""Decoders say where their tensors live: nothing in a run relies on torch's default device.

There is no GPU in CI, so the default device is set to "meta", where tensors have no data: any tensor that a decoder
makes without naming the model's device lands there and cannot meet the model's own, as a CPU tensor could not meet a
GPU's. (torch's attention on the CPU takes a mask on "meta" for no mask at all, without a word, so what the network is
given is checked too.)"""

import pytest
import torch
from toys import hashed, prompt, tinies, tiny

from decoders import masks, sampling
from decoders.methods import stepwise
from decoders.run import run

KNOBS = {
    "stepwise": {"temperature": 0.7, "cfg": 0.5},
    "fixed-k": {"k": 3},
    "threshold": {"rule": "factor"},
    "eb": {"gamma": 2.0, "order": "margin"},
    "ssd": {"tree": "topk"},
    "freedave": {"sampling": "dynamic", "threshold": 0.5, "eager": True},
    "klass": {"history": 1, "kl": 2.0, "threshold": 0.0},
    "ar": {"temperature": 0.7},
    "speculative": {"temperature": 0.7, "gamma": 2},
    "dream": {"temperature": 0.7, "alg_temp": 0.5, "top_p": 0.9},
    "s2d2": {"temperature": 0.7, "editing": True, "sub": 3},
    "fast-v2": {"temperature": 0.7, "block_cache": True, "sub": 4},
    "diffuspec": {"passes": 3, "k_max": 4, "temperature": 0.7, "accept": "paper"},
    "prompt-lookup": {"temperature": 0.7},
    "wino": {"wide": 0.3},
}


def check_devices(net, args, kwargs):
    for name, value in kwargs.items():
        if isinstance(value, torch.Tensor) and value.device.type != "cpu":
            raise RuntimeError(f"{name} is on {value.device}")


@pytest.fixture
def elsewhere():
    # Built on the CPU before the default moves.
    nets = [tiny(kind).net for kind in ("llama-full", "qwen3-block", "qwen2-next-full", "llama-causal")]
    nets.append(tiny("llama-causal", blur=0.4).net)
    hooks = [net.register_forward_pre_hook(check_devices, with_kwargs=True) for net in nets]
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
@pytest.mark.parametrize("block", [8, 5])
def test_every_method_runs_where_its_model_is(elsewhere, method, kind, block):
    assert torch.empty(1).device.type == "meta"
    for knobs in ({}, KNOBS.get(method.id, {})):
        trace = run(method, tinies(method, kind), prompt(11), max_new=9, block=block, early_stop=False, **knobs)
        assert trace.finish == "length" and trace.calls > 0


@pytest.mark.parametrize("kind", ["llama-full", "qwen2-next-full"])
@pytest.mark.parametrize(
    "name, cache", [("stepwise", "prefix"), ("threshold", "dual"), ("dream", "dual"), ("ssd", "eager")]
)
def test_keys_that_are_out_of_date_are_kept_where_the_model_is(elsewhere, name, cache, kind):
    trace = run(name, tiny(kind), prompt(11), max_new=9, block=4, early_stop=False, cache=cache)
    assert trace.finish == "length" and {call.length for call in trace.forwards} > {20}


def test_the_same_text_comes_out(method, request):
    here = run(method, tinies(method, "qwen3-block"), prompt(11), max_new=9, block=5)
    request.getfixturevalue("elsewhere")
    assert run(method, tinies(method, "qwen3-block"), prompt(11), max_new=9, block=5).events == here.events


def careless_block_causal(start, length, block, device):
    index = torch.arange(start + length) // block
    return index[start:, None] >= index[None, :]


def careless_full(start, length, device):
    return torch.ones(length, start + length, dtype=torch.bool)


@pytest.mark.parametrize("kind, name, careless", [
    ("qwen3-block", "block_causal", careless_block_causal),
    ("llama-full", "full", careless_full),
])  # fmt: skip
def test_a_mask_made_without_a_device_would_be_noticed(elsewhere, method, monkeypatch, kind, name, careless):
    made = []
    monkeypatch.setattr(masks, name, lambda *args: made.append(name) or careless(*args))
    try:
        run(method, tinies(method, kind), prompt(11), max_new=9, block=8)
    except (RuntimeError, NotImplementedError) as error:
        assert made and "meta" in str(error)
        return
    if made:
        pytest.fail(f"{method.id} used a mask on another device and nothing was said.")
    pytest.skip("makes no such mask")


def test_a_draw_made_without_a_device_would_be_noticed(elsewhere, monkeypatch):
    careful = torch.rand

    def careless(*shape, device=None, **how):
        return careful(*shape, **how)

    monkeypatch.setattr(stepwise.torch, "rand", careless)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        run("stepwise", tiny("llama-full"), prompt(4), max_new=4, block=4, temperature=1.0)


def test_an_index_made_without_a_device_would_be_noticed(elsewhere, monkeypatch):
    careful = torch.tensor

    def careless(data, *, device=None, **how):
        return careful(data, **how)

    monkeypatch.setattr(sampling.torch, "tensor", careless)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        run("ssd", tiny("llama-full"), prompt(4), max_new=4, block=4)


def test_the_default_device_is_back_after_these_tests():
    assert torch.empty(1).device.type == "cpu"
    assert run("ssd", hashed(0), [1, 2], max_new=4, block=4).calls > 0
