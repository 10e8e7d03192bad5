"""Autoregressive decoding: the model's best token after the other, the same text with the cache and without."""

import pytest
from toys import EOS, LETTERS, hashed, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.context import Context
from decoders.models.base import Cache
from decoders.run import run
from decoders.sampling import Guess
from decoders.trace import Commit, Edit, Trace

CHAIN = {"X": "A@1 .9", "XA": "B@2 .5", "XAB": "H@3 .8", "XABH": "C@4 .7"}


def causal(script, **spec):
    return scripted(script, attention="causal", rows="next", id="target", **spec)


def letters(ids) -> str:
    return "".join(LETTERS[i] for i in ids)


def test_one_call_one_token_each_read_once():
    model = causal(CHAIN)
    trace = run("ar", model, spell("X"), max_new=4)
    assert letters(trace.tokens) == "XABHC" and trace.finish == "length"
    assert [letters(rows[0]) for rows in model.fed] == ["X", "A", "B", "H"]
    assert [(c.role, c.cached, c.length) for c in trace.forwards] == [
        ("prefill", 0, 1),
        ("decode", 1, 1),
        ("decode", 2, 1),
        ("decode", 3, 1),
    ]
    commits = [event for event in trace.events if isinstance(event, Commit)]
    assert commits[1] == Commit((Edit(2, -1, LETTERS.index("B"), "unmasked", 0.5),))


def test_without_the_cache_everything_is_read_again():
    model = causal(CHAIN)
    assert letters(run("ar", model, spell("X"), max_new=4, cache=False).tokens) == "XABHC"
    assert [letters(rows[0]) for rows in model.fed] == ["X", "XA", "XAB", "XABH"]


def test_ends_right_after_the_end_of_the_text_or_goes_on_past_it():
    trace = run("ar", causal(CHAIN, eos="H"), spell("X"), max_new=4)
    assert (letters(trace.tokens), letters(trace.ids), trace.finish) == ("XABH", "AB", "eos")
    assert letters(run("ar", causal(CHAIN, eos="H"), spell("X"), max_new=4, early_stop=False).tokens) == "XABHC"


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_cache_changes_nothing_but_the_price(temperature):
    model = tiny("llama-causal")
    for seed in range(20):
        how = {"max_new": 24, "early_stop": seed % 2 == 0, "temperature": temperature, "seed": seed}
        kept = run("ar", model, prompt(1 + seed, seed), **how)
        again = run("ar", model, prompt(1 + seed, seed), cache=False, **how)
        assert kept.tokens == again.tokens and kept.calls == again.calls == len(kept.tokens) - kept.prompt_len
        assert kept.rows_tokens == len(kept.tokens) - 1
        assert again.rows_tokens == sum(range(again.prompt_len, len(again.tokens)))


def test_asking_twice_and_changing_ones_mind_are_answered_as_without_a_cache():
    """Position 6 was read from the cached row of 5 the second time, were that row not fed again; a token that turned
    out otherwise must leave the cache with everything after it."""
    model, ids = tiny("llama-causal"), prompt(9)
    canvas = Canvas(ids[:6], 9, block=4, mask=-1, eos=(), origin=6, grows=True)
    kept, bare = Context(model, canvas), Context(model, canvas, cached=False)
    other = [*ids[:4], (ids[4] + 1) % 40, *ids[5:]]
    for state, first in ((ids, 6), (ids, 6), (ids, 9), (other, 9), (ids[:5], 5)):
        ours, theirs = (c.look([state], [[first, len(state)][: 1 + (first < len(state))]], "x") for c in (kept, bare))
        assert [g.token for g in ours.guesses[0]] == [g.token for g in theirs.guesses[0]]
        assert ours.call.cached + ours.call.length == len(state)


def test_the_text_is_the_argmax_of_whole_forward_calls():
    model, ids = tiny("llama-causal"), prompt(7)
    expected = list(ids)
    while len(expected) < 7 + 12:
        expected.append(int(model.forward(expected, role="x", cache=Cache())[0].after(len(expected) - 1).argmax()))
    assert list(run("ar", model, ids, max_new=12, early_stop=False).tokens) == expected


def test_temperature_one_draws_from_the_models_own_distribution():
    """P(A) = .7 after X, so of 400 draws about 280 are A (four standard deviations are 37)."""
    model = causal({"X": "A@1 .7"})
    drawn = [letters(run("ar", model, spell("X"), max_new=1, temperature=1.0, seed=s).tokens) for s in range(400)]
    assert 243 < drawn.count("XA") < 317


def test_the_canvas_grows_by_writing_at_its_end_and_nowhere_else():
    canvas = Canvas([1, 2], 2, block=4, mask=-1, eos=(9,), origin=2, grows=True)
    assert (canvas.ids, canvas.open(), canvas.open(5), canvas.finished) == ([1, 2], [2], [2, 3], None)
    assert canvas.write([Guess(2, 5, 0.5), Guess(3, 6, 0.25)], "accepted") == Commit(
        (Edit(2, -1, 5, "accepted", 0.5), Edit(3, -1, 6, "accepted", 0.25))
    )
    assert (canvas.ids, canvas.filled, canvas.finished, canvas.open()) == ([1, 2, 5, 6], True, "length", [])
    with pytest.raises(IndexError):
        canvas.write([Guess(4, 7, 0.5)], "accepted")
    assert canvas.ends([1, 2, 9]) == "eos" and canvas.ends([1, 9]) is None


def test_a_model_without_a_mask_leaves_none_in_the_record():
    trace = run("ar", tiny("llama-causal"), prompt(3), max_new=5)
    assert trace.mask == -1 and -1 not in trace.vocab and trace.canvas == tuple(prompt(3))
    assert Trace.from_bytes(trace.to_bytes()).events == trace.events


def test_toys_and_transformers_agree_about_where_a_text_ends():
    finishes = {run("ar", tiny("llama-causal", s), prompt(4, s), max_new=40).finish for s in range(6)}
    finishes |= {run("ar", hashed(s, attention="causal", rows="next"), [1], max_new=3).finish for s in range(6)}
    assert finishes == {"eos", "length"} and EOS
