"""Approximate caches: keys that are kept from the call that enters a block, while every fill changes what they would
be. What that saves, what it gets wrong, where it is no approximation at all, and what a run with one claims."""

import pytest
import torch
from toys import MASK, hashed, prompt, tiny

from decoders.errors import BadParam, Incompatible
from decoders.models.base import Cache
from decoders.run import Recording, run
from decoders.trace import Commit, Forward

FULL = ["llama-full", "qwen2-next-full"]
CACHES = ["prefix", "dual"]
SIZE = {"max_new": 16, "block": 8, "early_stop": False}


def steps(trace):
    """(canvas before, call) of every call, one per round."""
    return [(trace.canvas_at(view.start), call) for view in trace.rounds for call in view.of(Forward)]


def believed(logits, positions):
    """What a call with these logits would have recorded: per position the five best tokens and their probabilities."""
    out = {}
    for pos in positions:
        best = logits.at(pos).double().softmax(-1).topk(5)
        out[pos] = dict(zip(best.indices.tolist(), best.values.tolist(), strict=True))
    return out


def agree(call, expected) -> bool:
    """Equal up to the four digits that are recorded."""
    return all(
        token in expected[b.pos] and abs(p - expected[b.pos][token]) < 2e-4 for b in call.beliefs for token, p in b.top
    )


# ------------------------------------------------------------ what it costs
@pytest.mark.parametrize(
    "cache, lengths, cost",
    [
        ("none", [22] * 16, 352),
        ("prefix", [22, *[16] * 7, 22, *[8] * 7], 212),
        ("dual", [22, *[8] * 7, 22, *[8] * 7], 156),
    ],
)
def test_the_call_that_enters_a_block_feeds_everything_and_the_others_what_the_cache_lacks(cache, lengths, cost):
    trace = run("stepwise", tiny("llama-full"), prompt(6), cache=cache, **SIZE)
    assert [call.length for call in trace.forwards] == lengths
    assert trace.rows_tokens == cost and trace.calls == 16
    # Everything is seen, and what is not fed comes from the cache: left of the block, or also right of it.
    assert all(call.length + call.cached == 22 and call.sees == () for call in trace.forwards)
    assert {call.start for call in trace.forwards if call.length < 22} == (set() if cache == "none" else {6, 14})


def test_with_the_threshold_a_block_that_its_first_call_fills_costs_no_other():
    trace = run("threshold", tiny("llama-full"), prompt(6), threshold=0.0, cache="dual", **SIZE)
    assert [call.length for call in trace.forwards] == [22, 22]


# ------------------------------------------------------------ what it says
@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("cache", CACHES)
def test_the_first_call_in_a_block_says_what_the_model_says_and_the_others_do_not(kind, cache):
    model = tiny(kind, 3)
    trace = run("stepwise", model, prompt(6), cache=cache, **SIZE)
    right = []
    for ids, call in steps(trace):
        logits, _ = model.forward(ids, role="x")
        right.append(agree(call, believed(logits, [b.pos for b in call.beliefs])))
    assert right == [True, *[False] * 7, True, *[False] * 7]


@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("cache", CACHES)
def test_the_others_see_the_canvas_as_it_was_when_the_block_was_entered_and_what_is_fed_as_it_is(kind, cache):
    """Without any cache: one call over the old canvas, which sees itself alone, and behind it a copy of what is fed,
    which sees the old canvas outside of its own positions, and itself."""
    model, size, old = tiny(kind, 3), 22, []
    trace = run("stepwise", model, prompt(6), cache=cache, **SIZE)
    checked = 0
    for ids, call in steps(trace):
        if call.length == size:
            old = ids
            continue
        a, b = call.start, call.start + call.length
        see = torch.zeros(size + call.length, size + call.length, dtype=torch.bool)
        see[:size, :size] = see[size:, :a] = see[size:, b:size] = see[size:, size:] = True
        where = [*range(size), *range(a, b)]
        rows, _ = model.forward([*old, *ids[a:b]], role="x", pos=where, see=see)
        rows.rows, rows.start, rows.before = rows.rows[size:], a, rows.rows[a - 1]
        assert agree(call, believed(rows, [belief.pos for belief in call.beliefs]))
        checked += 1
    assert checked == 14


@pytest.mark.parametrize("cache", CACHES)
def test_a_position_predicted_by_the_row_before_the_block_keeps_what_the_first_call_said(cache):
    """Dream's rows: the first position of a block is read off a row that is not computed again."""
    for kind, kept in (("qwen2-next-full", True), ("llama-full", False)):
        asked = []
        for seed in range(4):
            trace = run("stepwise", tiny(kind, seed), prompt(6), cache=cache, **SIZE)
            for start, calls in ((6, trace.forwards[:8]), (14, trace.forwards[8:])):
                asked.append([belief.top for call in calls for belief in call.beliefs if belief.pos == start])
        asked = [said for said in asked if len(said) > 1]
        assert asked and all((len(set(said)) == 1) == kept for said in asked)


# ------------------------------------------------------------ where it is no approximation
@pytest.mark.parametrize("method", ["stepwise", "threshold"])
@pytest.mark.parametrize("cache", CACHES)
def test_on_a_model_of_one_layer_nothing_is_out_of_date(method, cache):
    """Its keys know their own token and place, and outside of the block no token changes."""
    changed = 0
    for seed in range(6):
        knobs = {"max_new": 14, "block": (3, 7, 8)[seed % 3], "early_stop": seed % 2 == 0, "level": "timing"}
        for layers in (1, 2):
            model = tiny("llama-full", seed, layers=layers)
            plain = run(method, model, prompt(5, seed), **knobs)
            cached = run(method, model, prompt(5, seed), cache=cache, **knobs)
            if layers == 1:
                assert cached.tokens == plain.tokens and cached.calls == plain.calls
            changed += cached.tokens != plain.tokens
    assert changed, "on two layers some text must differ"


@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("cache", CACHES)
def test_in_blocks_of_one_position_every_call_enters_a_block_and_nothing_is_out_of_date(kind, cache):
    plain = run("stepwise", tiny(kind), prompt(6), max_new=7, block=1)
    assert run("stepwise", tiny(kind), prompt(6), max_new=7, block=1, cache=cache).events == plain.events


@pytest.mark.parametrize("kind", FULL)
def test_where_nothing_is_right_of_the_block_dual_is_prefix(kind):
    prefix, dual = (run("threshold", tiny(kind), prompt(6), cache=cache, max_new=9, block=64) for cache in CACHES)
    assert dual.events == prefix.events and dual.calls > 2
    prefix, dual = (run("threshold", tiny(kind), prompt(6), cache=cache, max_new=9, block=5) for cache in CACHES)
    assert dual.events != prefix.events


@pytest.mark.parametrize(
    "method, knobs", [("threshold", {"threshold": 1.0}), ("dream", {"alg": "confidence_threshold"})]
)
def test_one_token_per_call_is_stepwise_decoding_with_the_same_cache(method, knobs):
    for cache in CACHES:
        theirs = run("stepwise", tiny("llama-full", 1), prompt(6), cache=cache, **SIZE)
        ours = run(method, tiny("llama-full", 1), prompt(6), cache=cache, **SIZE, **{"threshold": 1.0, **knobs})
        assert ours.tokens == theirs.tokens and ours.rows_tokens == theirs.rows_tokens


def test_the_factor_rule_takes_a_cache_too():
    trace = run("threshold", tiny("llama-full"), prompt(6), rule="factor", factor=4.0, cache="dual", **SIZE)
    assert {call.length for call in trace.forwards} == {22, 8} and trace.calls < 16


def test_a_schedule_and_a_temperature_go_with_a_cache():
    for cache in CACHES:
        trace = run("stepwise", hashed(1, eos=0), [1, 2], steps=4, temperature=1.0, cache=cache, **SIZE)
        assert [len(e.edits) for e in trace.events if isinstance(e, Commit)] == [4, 4, 4, 4]


# ------------------------------------------------------------ what it claims
def compared(method, model, **knobs):
    recording = Recording(method, model, prompt(6), max_new=16, block=4, early_stop=False, **knobs)
    for _ in recording:
        pass
    recording.compare()
    return recording.trace


@pytest.mark.parametrize("cache", CACHES)
def test_the_reference_decoder_with_a_cache_is_approximate_and_compared_with_itself_without(cache):
    model = tiny("llama-full")
    trace = compared("stepwise", model, cache=cache, steps=8)
    assert trace.guarantee == "approximate"
    assert (trace.reference.method, trace.reference.label) == ("stepwise", "Stepwise, cache = none")
    plain = run("stepwise", model, prompt(6), max_new=16, block=4, early_stop=False, steps=8)
    assert (trace.reference.tokens, trace.reference.rows_tokens) == (plain.tokens, plain.rows_tokens)
    assert plain.guarantee == "reference" and trace.difference() is not None


@pytest.mark.parametrize("method, knobs", [("threshold", {}), ("dream", {}), ("ssd", {"cache": "eager"})])
def test_an_approximate_run_is_compared_with_stepwise_decoding_without_cache(method, knobs):
    model = tiny("llama-full")
    trace = compared(method, model, **{"cache": "dual", **knobs})
    assert trace.guarantee == "approximate"
    assert trace.reference.tokens == run("stepwise", model, prompt(6), max_new=16, block=4, early_stop=False).tokens
    assert trace.reference.label.startswith("stepwise (R1") and "cache" not in trace.reference.label


def test_ssd_with_the_dual_cache_promises_the_tokens_of_stepwise_decoding_with_it_and_says_so():
    model = tiny("llama-full")
    trace = compared("ssd", model, cache="dual")
    assert trace.guarantee == "greedy-exact" and trace.difference() is None
    assert trace.reference.label == "stepwise (R1, one token per call), cache = dual"
    theirs = run("stepwise", model, prompt(6), max_new=16, block=4, early_stop=False, cache="dual")
    assert (trace.reference.tokens, trace.reference.rows_tokens) == (theirs.tokens, theirs.rows_tokens)


# ------------------------------------------------------------ what is refused
@pytest.mark.parametrize("method, cache", [("stepwise", "prefix"), ("threshold", "dual"), ("ssd", "eager")])
def test_a_model_with_an_exact_cache_refuses_an_approximate_one(method, cache):
    with pytest.raises(Incompatible) as caught:
        Recording(method, tiny("qwen3-block"), prompt(6), cache=cache)
    assert str(caught.value) == (
        f"cache = {cache}: tiny-qwen3-block has block attention and keeps an exact cache; use cache = none, or pick a "
        "model that sees the whole canvas."
    )
    assert Recording(method, tiny("qwen3-block"), prompt(6), cache="none").guarantee != "approximate" or (
        method == "threshold"
    )


def test_guidance_and_a_cache_are_refused_together():
    with pytest.raises(BadParam) as caught:
        Recording("stepwise", tiny("llama-full"), prompt(6), cfg=1.5, cache="dual")
    assert str(caught.value) == "cfg = 1.5: guidance masks the prompt, which a cache holds; use cache = none."


# ------------------------------------------------------------ the kept keys
def test_a_gap_in_a_cache_is_filled_by_a_call_that_names_its_positions():
    """The keys of a call over everything, less a window, and the window fed again: the same logits, on any model."""
    for model in (tiny("llama-full"), tiny("qwen2-next-full"), hashed(1, vocab=48)):
        ids = [*prompt(9), *[MASK] * 4, *prompt(6, 1)]
        kept = Cache()
        whole, _ = model.forward(ids, role="x", cache=kept, keep=len(ids))
        around = kept.around(9, 13, whole.rows[8])
        assert (len(kept), len(around)) == (19, 15)
        (window,), call = model.many([ids[9:13]], role="x", pos=range(9, 13), cache=around)
        torch.testing.assert_close(window.rows, whole.rows[9:13], atol=3e-5, rtol=0)
        torch.testing.assert_close(window.at(9), whole.at(9), atol=3e-5, rtol=0)
        assert (call.start, call.length, call.cached) == (9, 4, 15)
        with pytest.raises(IndexError, match="position 8 is not predicted by a call over 9..13"):
            window.at(8)


def test_a_run_with_a_cache_is_the_same_every_time_and_survives_a_file():
    first, again = (run("stepwise", tiny("llama-full"), prompt(6), cache="dual", **SIZE) for _ in range(2))
    assert first.events == again.events
    loaded = type(first).from_bytes(first.to_bytes())
    assert [(c.start, c.cached) for c in loaded.forwards] == [(c.start, c.cached) for c in first.forwards]
    assert loaded.params["cache"] == "dual"
