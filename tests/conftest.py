"""What the tests share: toy models, every method, and a recorded trace of each method on each kind of attention."""

from functools import cache

import oracle_models
import pytest
from toys import prompt, tinies

from decoders import registry
from decoders.run import run


@pytest.fixture(params=registry.METHODS, ids=lambda m: m.id)
def method(request):
    return request.param


@cache
def recorded(method_id: str, kind: str):
    models = tinies(registry.method(method_id), kind, 3)
    return run(method_id, models, prompt(11), seed=3, reference=True, max_new=20, block=8)


@pytest.fixture(params=[(m.id, kind) for m in registry.METHODS for kind in ("llama-full", "qwen3-block")], ids="-".join)
def trace(request):
    """20 tokens after a prompt of 11, in blocks of 8; with the reference run where the method has one."""
    return recorded(*request.param)


@pytest.fixture(scope="session")
def oracles():
    """The folder of recorded runs of the reference decoders."""
    return oracle_models.DATA
