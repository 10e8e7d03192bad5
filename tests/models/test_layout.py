"""Rows beside each other and rows one behind the other say the same."""

import pytest
import torch
from toys import KINDS, prompt, tiny

from decoders.models.base import Cache
from decoders.models.hf import PACK_FROM, HFModel


def laid(kind: str, layout: str) -> HFModel:
    model = tiny(kind)
    return HFModel(model.net, None, model.spec, layout=layout)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("cached", [0, 8])
def test_packed_rows_give_the_logits_of_rows_beside_each_other(kind, cached):
    rows = [prompt(8, seed) for seed in range(4)]
    said = []
    for layout in ("batch", "packed"):
        model, cache = laid(kind, layout), Cache()
        if cached:
            model.forward(prompt(cached, 9), role="prefill", cache=cache, keep=cached)
        logits, call = model.many(rows, role="verify", cache=cache if cached else None)
        assert (call.batch, call.length, call.cached) == (4, 8, cached)
        assert len(cache) == cached
        said.append(logits)
    for beside, behind in zip(*said, strict=True):
        assert beside.rows.shape == behind.rows.shape
        torch.testing.assert_close(behind.rows, beside.rows, atol=3e-5, rtol=0)
        positions = range(cached + beside.shift, cached + 8)
        torch.testing.assert_close(behind.gather(positions), beside.gather(positions), atol=3e-5, rtol=0)


def test_rows_are_packed_where_copies_of_a_long_cache_would_cost_more_than_keys_of_other_rows():
    packs = laid("qwen3-block", "auto")._packs
    assert packs(5, 8, PACK_FROM) and packs(9, 32, 256)
    assert not packs(5, 8, PACK_FROM - 1)
    assert not packs(9, 32, 192)
    assert not packs(1, 8, 256)
    assert laid("qwen3-block", "packed")._packs(2, 96, 0)
    assert not laid("qwen3-block", "batch")._packs(9, 8, 256)


def test_a_layout_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"^layout 'heap': must be one of auto, batch, packed\.$"):
        laid("qwen3-block", "heap")
