"""Every kind of model adapter keeps the conventions of `decoders.models.base`, shown on tiny random configs built here:
the shift, who sees whom, what a cache holds, several rows in one call, explicit masks and positions."""

import pytest
import torch
from toys import EOS, KINDS, MASK, VOCAB, Toy, hashed, prompt, tiny

from decoders.models.base import Cache, Logits, ModelSpec
from decoders.models.hf import HFModel

IDS = prompt(19)
TOYS = {
    "toy-full": lambda: hashed(1, vocab=VOCAB),
    "toy-block": lambda: hashed(1, vocab=VOCAB, attention="block", block=8),
    "toy-next-causal": lambda: hashed(1, vocab=VOCAB, attention="causal", rows="next"),
}


@pytest.fixture(params=[*KINDS, *TOYS])
def model(request):
    return tiny(request.param) if request.param in KINDS else TOYS[request.param]()


@pytest.fixture(params=["qwen3-block", "llama-causal", "toy-block", "toy-next-causal"])
def cacheable(request):
    """Models whose finished positions do not change, so that a cache of them is exact."""
    return tiny(request.param) if request.param in KINDS else TOYS[request.param]()


@pytest.fixture(params=list(KINDS))
def native(request):
    return tiny(request.param)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    # Sums of another order: 1.3e-5 was measured on a processor with AVX2 only.
    torch.testing.assert_close(a, b, atol=3e-5, rtol=0)


def same(a, b) -> bool:
    return len(a) == len(b) and all(
        torch.equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


# ------------------------------------------------------------ the shift
def test_at_is_the_token_at_a_position_and_after_the_one_that_follows(model):
    logits, _ = model.forward(IDS, role="x")
    shift = {"self": 0, "next": 1}[model.spec.rows]
    assert logits.rows.shape == (19, VOCAB)
    for pos in (1, 7, 18):
        assert torch.equal(logits.at(pos), logits.rows[pos - shift])
        assert torch.equal(logits.after(pos - 1), logits.rows[pos - shift])
        assert torch.equal(logits.gather([pos, 3])[0], logits.at(pos))
    assert torch.equal(logits.gather([5, 2, 5]), torch.stack([logits.at(5), logits.at(2), logits.at(5)]))


def test_positions_a_call_did_not_predict_raise_instead_of_wrapping_around(model):
    logits, _ = model.forward(IDS, role="x")
    if model.spec.rows == "next":
        assert logits.at(19).shape == (VOCAB,)
        wrong = [0, -1, 20]
    else:
        assert logits.at(0).shape == (VOCAB,)
        wrong = [-1, 19]
    for pos in wrong:
        with pytest.raises(IndexError, match=f"^position {pos} is not predicted by a call over 0..19$"):
            logits.at(pos)


def test_the_first_position_after_a_cache_is_read_from_the_row_before_it():
    model = tiny("llama-causal")
    whole, _ = model.forward(IDS, role="x")
    cache = Cache()
    model.forward(IDS[:16], role="prefill", cache=cache, keep=16)
    window, _ = model.forward(IDS[16:], role="x", cache=cache)
    for pos in (16, 17, 19):
        close(window.at(pos), whole.at(pos))
    with pytest.raises(IndexError, match="position 15 is not predicted by a call over 16..19"):
        window.at(15)
    close(window.gather([18, 16]), whole.gather([18, 16]))


def test_the_row_before_belongs_to_the_last_kept_token_not_to_the_last_fed_one():
    model = tiny("llama-causal")
    whole, _ = model.forward(IDS, role="x")
    cache = Cache()
    model.forward(IDS[:10], role="x", cache=cache, keep=6)
    window, _ = model.forward(IDS[6:], role="x", cache=cache)
    close(window.at(6), whole.at(6))


def test_a_cropped_cache_forgets_the_row_before():
    model = tiny("llama-causal")
    cache = Cache()
    model.forward(IDS[:10], role="x", cache=cache, keep=10)
    cache.crop(6)
    window, _ = model.forward(IDS[6:], role="x", cache=cache)
    with pytest.raises(IndexError):
        window.at(6)
    assert window.at(7).shape == (VOCAB,)


def test_logits_of_a_self_row_window_start_at_its_first_position():
    rows = torch.arange(6.0).reshape(3, 2)
    logits = Logits(rows, 10, 0, before=torch.tensor([9.0, 9.0]))
    assert (
        logits.at(10).tolist() == [0.0, 1.0]
        and logits.at(12).tolist() == [4.0, 5.0]
        and logits.after(10).tolist() == [2.0, 3.0]
    )
    with pytest.raises(IndexError):
        logits.at(9)


def test_logits_of_a_next_row_window_start_one_before():
    logits = Logits(torch.arange(6.0).reshape(3, 2), 10, 1, before=torch.tensor([9.0, 8.0]))
    assert (
        logits.at(10).tolist() == [9.0, 8.0]
        and logits.at(11).tolist() == [0.0, 1.0]
        and logits.at(13).tolist() == [4.0, 5.0]
    )
    assert logits.gather([12, 10]).tolist() == [[2.0, 3.0], [9.0, 8.0]]
    with pytest.raises(IndexError):
        logits.at(14)


# ------------------------------------------------------------ own masks
def test_the_own_rule_of_a_full_model_is_is_causal_false():
    for kind in ("llama-full", "qwen2-next-full"):
        model = tiny(kind)
        with torch.inference_mode():
            expected = model.net(input_ids=torch.tensor([IDS]), is_causal=False, use_cache=False).logits[0]
        close(model.forward(IDS, role="x")[0].rows, expected)


def test_the_own_rule_of_a_causal_model_is_the_librarys_default():
    model = tiny("llama-causal")
    with torch.inference_mode():
        expected = model.net(input_ids=torch.tensor([IDS]), use_cache=False).logits[0]
    close(model.forward(IDS, role="x")[0].rows, expected)


def test_a_change_is_felt_exactly_where_the_attention_rule_says(model):
    """Change the token at 10: a causal model feels it from 10 on, one with blocks of 8 from 8 on, a full one
    everywhere."""
    changed = [*IDS[:10], (IDS[10] + 1) % EOS[0], *IDS[11:]]
    before, after = model.forward(IDS, role="x")[0].rows, model.forward(changed, role="x")[0].rows
    felt = (before - after).abs().amax(-1) > 1e-4
    first = {"full": 0, "block": 8, "causal": 10}[model.spec.attention]
    assert felt.nonzero()[:, 0].tolist() == list(range(first, 19))


def test_the_own_rule_and_the_same_mask_made_explicit_agree(model):
    see = torch.zeros(19, 19, dtype=torch.bool)
    for q in range(19):
        see[q, : {"full": 19, "block": min(19, (q // 8 + 1) * 8), "causal": q + 1}[model.spec.attention]] = True
    own, call = model.forward(IDS, role="x")
    given, explicit = model.forward(IDS, role="x", see=see)
    close(own.rows, given.rows)
    assert call.sees == () and len(explicit.sees) == 19
    assert explicit.sees[3] == {"full": ((0, 19),), "block": ((0, 8),), "causal": ((0, 4),)}[model.spec.attention]


def test_an_explicit_mask_is_obeyed_cell_by_cell(native):
    """A query that may see itself and position 2 only does not feel any other token."""
    see = torch.eye(6, dtype=torch.bool)
    see[:, 2] = True
    base = native.forward(IDS[:6], role="x", see=see)[0].rows
    other = native.forward([*IDS[:4], (IDS[4] + 1) % 40, IDS[5]], role="x", see=see)[0].rows
    assert ((base - other).abs().amax(-1) > 1e-5).nonzero()[:, 0].tolist() == [4]
    other = native.forward([*IDS[:2], (IDS[2] + 1) % 40, *IDS[3:6]], role="x", see=see)[0].rows
    assert ((base - other).abs().amax(-1) > 1e-5).nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


# ------------------------------------------------------------ the cache
def test_with_a_cache_the_logits_are_those_without(cacheable):
    whole, _ = cacheable.forward(IDS, role="x")
    cache = Cache()
    for start, stop in ((0, 8), (8, 16)):
        rows, call = cacheable.forward(IDS[start:stop], role="x", cache=cache, keep=8)
        close(rows.rows, whole.rows[start:stop])
        assert (call.cached, call.start, call.length) == (start, start, 8)
        assert len(cache) == stop
    rows, call = cacheable.forward(IDS[16:], role="x", cache=cache)
    close(rows.rows, whole.rows[16:])
    assert (call.cached, call.start, call.length, rows.start) == (16, 16, 3, 16)


def test_drafts_leave_the_cache_as_it_was_bit_for_bit(cacheable):
    cache = Cache()
    cacheable.forward(IDS[:8], role="prefill", cache=cache, keep=8)
    held, last = [(k.clone(), v.clone()) for k, v in cache.layers], cache.last.clone()
    cacheable.forward(IDS[8:13], role="draft", cache=cache)
    cacheable.many([IDS[8:13], IDS[9:14]], role="verify", cache=cache)
    assert len(cache) == 8 and same(cache.layers, held) and torch.equal(cache.last, last)


def test_only_the_first_keep_tokens_join_the_cache(cacheable):
    whole, part = Cache(), Cache()
    cacheable.forward(IDS[:8], role="x", cache=whole, keep=8)
    cacheable.forward(IDS[:8], role="x", cache=part, keep=8)
    cacheable.forward(IDS[8:19], role="x", cache=part, keep=8)
    cacheable.forward(IDS[8:16], role="x", cache=whole, keep=8)
    assert len(part) == len(whole) == 16
    for (a, b), (c, d) in zip(part.layers, whole.layers, strict=True):
        close(a, c)
        close(b, d)
    a, b = cacheable.forward(IDS[16:], role="x", cache=part)[0], cacheable.forward(IDS[16:], role="x", cache=whole)[0]
    close(a.rows, b.rows)


def test_crop_goes_back_to_a_shorter_cache(cacheable):
    cache = Cache()
    cacheable.forward(IDS[:8], role="x", cache=cache, keep=8)
    short = [(k.clone(), v.clone()) for k, v in cache.layers]
    cacheable.forward(IDS[8:16], role="x", cache=cache, keep=8)
    cache.crop(20)
    assert len(cache) == 16 and cache.last is not None
    cache.crop(8)
    assert len(cache) == 8 and same(cache.layers, short)
    whole, _ = cacheable.forward(IDS, role="x")
    rows, _ = cacheable.forward(IDS[8:], role="x", cache=cache)
    close(rows.rows, whole.rows[8:])
    cache.crop(0)
    assert len(cache) == 0 and cache.layers == []


# ------------------------------------------------------------ rows
def test_many_is_one_by_one_in_one_call(model):
    rows = [prompt(12, seed) for seed in range(5)]
    together, call = model.many(rows, role="verify")
    assert (call.role, call.batch, call.length, call.cost) == ("verify", 5, 12, 60)
    for row, logits in zip(rows, together, strict=True):
        close(logits.rows, model.forward(row, role="x")[0].rows)


def test_many_on_a_cache_is_one_by_one_on_it(cacheable):
    cache = Cache()
    cacheable.forward(IDS[:8], role="x", cache=cache, keep=8)
    rows = [prompt(6, seed) for seed in range(3)]
    together, call = cacheable.many(rows, role="verify", cache=cache)
    assert (call.batch, call.length, call.cached, call.start) == (3, 6, 8, 8)
    for row, logits in zip(rows, together, strict=True):
        one = cacheable.forward(row, role="x", cache=cache)[0]
        close(logits.rows, one.rows)
        close(logits.after(9), one.after(9))
        close(logits.gather([9]), one.gather([9]))


def test_the_same_call_gives_the_same_logits(model):
    assert torch.equal(model.forward(IDS, role="x")[0].rows, model.forward(IDS, role="x")[0].rows)


def test_a_call_describes_itself(native):
    _, call = native.forward(IDS, role="denoise")
    assert (call.role, call.length, call.batch, call.cached, call.start, call.mask, call.sees) == (
        "denoise",
        19,
        1,
        0,
        0,
        0,
        (),
    )
    assert call.model == native.spec.id and call.seconds > 0 and call.beliefs == ()


# ------------------------------------------------------------ positions
def test_positions_left_out_are_start_start_plus_one_and_so_on(native):
    close(native.forward(IDS, role="x")[0].rows, native.forward(IDS, role="x", pos=range(19))[0].rows)
    cache = Cache()
    see = torch.ones(4, 12, dtype=torch.bool)
    native.forward(IDS[:8], role="x", cache=cache, keep=8)
    out = native.forward(IDS[8:12], role="x", cache=cache, see=see)[0].rows
    close(out, native.forward(IDS[8:12], role="x", cache=cache, see=see, pos=range(8, 12))[0].rows)
    assert (out - native.forward(IDS[8:12], role="x", cache=cache, see=see, pos=range(4))[0].rows).abs().max() > 1e-2


def test_a_packed_two_l_pass_equals_sequential_passes(native):
    """S2D2's verifier: [draft | masks], each position twice, mask i sees the cache, the drafts before it and itself.
    Its row is what a causal pass over the drafts before it and one mask says, drawn one by one."""
    length, cached = 5, 8
    cache = Cache()
    causal = torch.ones(8, 8).tril().bool()
    native.forward(IDS[:8], role="x", see=causal, cache=cache, keep=8)
    draft = IDS[8:13]
    see = torch.zeros(2 * length, cached + 2 * length, dtype=torch.bool)
    see[:, :cached] = True
    see[:length, cached : cached + length] = torch.ones(length, length).tril().bool()
    see[length:, cached : cached + length] = torch.ones(length, length).tril(-1).bool()
    see[length:, cached + length :] = torch.eye(length).bool()
    where = [*range(cached, cached + length)] * 2
    packed, call = native.forward([*draft, *[MASK] * length], role="verify", pos=where, see=see, cache=cache)
    assert call.sees[length + 2] == ((0, 10), (15, 16))
    for i in range(length):
        steps = torch.ones(i + 1, cached + i + 1).tril(cached).bool()
        one, _ = native.forward([*draft[:i], MASK], role="x", see=steps, cache=cache)
        close(packed.rows[length + i], one.rows[i])


# ------------------------------------------------------------ refusals
def test_eager_attention_is_refused_because_it_misreads_boolean_masks():
    net = tiny("llama-full").net
    net.config._attn_implementation = "eager"
    try:
        with pytest.raises(ValueError, match="^attention 'eager' misreads boolean masks: load with sdpa[.]$"):
            HFModel(net, None, ModelSpec("x", VOCAB, MASK, EOS))
    finally:
        net.config._attn_implementation = "sdpa"


def test_the_network_is_put_into_eval_mode():
    net = tiny("llama-full").net
    net.train()
    assert not HFModel(net, None, tiny("llama-full").spec).net.training


def test_the_toy_of_these_tests_is_a_model_too():
    assert isinstance(TOYS["toy-full"](), Toy)
    assert {name for name in dir(HFModel) if not name.startswith("_")} - {"own_mask", "compiled"} <= set(dir(Toy))
