"""WINO (arXiv:2507.18578) drafts what has more than tau1, masks again what has less than tau2 where its own token is
not seen, and ends."""

import math

import pytest
from toys import LETTERS, hashed, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.context import Context
from decoders.methods.wino import shadowed
from decoders.run import run
from decoders.sampling import Guess
from decoders.trace import Commit, Decide, Finish, Forward, Trace
from viz.registry import views

SURE = {"wide": 0.6, "narrow": 0.8}


def script(states: dict[str, str], **spec):
    """A scripted model that takes a shadow for the mask it is: what it says about position 1 in "XMB" is what that
    position's shadow says in "XAB"."""
    model = scripted(states, **spec)
    inner, mask = model.score, model.spec.mask

    def score(pos, seen):
        known = dict(sorted(seen, key=lambda pair: pair[1] != mask))
        return inner(pos, tuple(known.items()))

    model.score = score
    return model


def changes(trace):
    """Per round, what changed: "1A" filled position 1 with A, "1-" masked it again."""
    return [
        [f"{e.pos}{'-' if e.why == 'remasked' else LETTERS[e.after]}" for event in view.of(Commit) for e in event.edits]
        for view in trace.rounds
    ]


def decisions(trace, what):
    return [event for event in trace.events if isinstance(event, Decide) and event.what == what]


# ------------------------------------------------------------ rounds by hand
ROUND = {
    "XMMMM": "A@1 .9, B@2 .7, C@3 .3, D@4 .2",
    # After A and B: C and D are drafted; without A the model still says A, without B it says B with .3 only.
    "XABMM": "C@3 .9, D@4 .7",
    "XMBMM": "A@1 .95",
    "XAMMM": "B@2 .3, C@3 .9, D@4 .7",
    # B is open again; what was drafted is checked, A and C hold, D does not, but one draft alone takes nothing back.
    "XAMCD": "E@2 .8",
    "XMMCD": "A@1 .9",
    "XAMMD": "C@3 .9",
    "XAMCM": "D@4 .1",
}


def test_a_round_by_hand():
    trace = run("wino", script(ROUND), spell("X"), **SURE, max_new=4, block=4)
    assert changes(trace) == [["1A", "2B"], ["3C", "4D", "2-"], ["2E"]]
    assert "".join(LETTERS[t] for t in trace.tokens) == "XAECD" and trace.finish == "length"
    taken = trace.rounds[1].of(Commit)[1].edits[0]
    assert (LETTERS[taken.before], LETTERS[taken.after], taken.why, taken.p) == ("B", "M", "remasked", 0.3)
    assert [(c.role, c.batch, c.start, c.cached, c.length) for c in trace.forwards] == [
        ("denoise", 1, 0, 0, 9),
        ("verify", 1, 0, 0, 9),
        ("verify", 1, 0, 0, 9),
    ]


def test_the_reasons_and_the_number_of_tokens_taken_back_are_in_the_record():
    trace = run("wino", script(ROUND), spell("X"), **SURE, max_new=4, block=4)
    assert decisions(trace, "draft") == [
        Decide("draft", "2 of 4", (1, 2), (("threshold", 0.6), ("masked", 4), ("above", 2), ("at most", 5))),
        Decide("draft", "2 of 2", (3, 4), (("threshold", 0.6), ("masked", 2), ("above", 2), ("at most", 5))),
        Decide("draft", "1 of 1", (2,), (("threshold", 0.6), ("masked", 1), ("above", 1), ("at most", 5))),
    ]
    assert decisions(trace, "take back") == [
        Decide("take back", "1 of 2", (2,), (("bar", 0.8), ("checked", 2), ("below", 1), ("at most", 1))),
        Decide("take back", "0 of 3", (), (("bar", 0.8), ("checked", 3), ("below", 1), ("at most", 0))),
    ]


def test_one_call_drafts_and_checks_and_the_shadow_stands_at_the_positions_of_the_block():
    model = script(ROUND)
    trace = run("wino", model, spell("X"), **SURE, max_new=4, block=4)
    assert ["".join(LETTERS[t] for t in rows[0]) for rows in model.fed] == ["XMMMMMMMM", "XABMMMMMM", "XAMCDMMMM"]
    assert [pos for pos, _ in trace.forwards[1].fed] == [0, 1, 2, 3, 4, 1, 2, 3, 4]
    sees = trace.forwards[0].sees
    assert sees[:5] == (((0, 5),),) * 5, "nothing but shadows sees a shadow"
    assert sees[5:] == tuple(((0, pos), (pos + 1, 9)) for pos in (1, 2, 3, 4))
    assert {call.mask for call in trace.forwards} == {1}


# ------------------------------------------------------------ the bars
@pytest.mark.parametrize("wide, first", [(0.09, ["1X", "2X"]), (0.1, ["1X"])])
def test_a_mask_has_to_be_surer_than_tau1_not_as_sure_and_the_best_is_always_filled(wide, first):
    """Ten letters of equal probability are 0.1 each, exactly, and the first of them is X."""
    blank = {state: "A@0 .9" for state in ("XMM", "XXM", "XMX", "XXX")}
    assert changes(run("wino", script(blank), spell("X"), wide=wide, narrow=0.0, max_new=2, block=2))[0] == first


@pytest.mark.parametrize("narrow, back", [(0.1, []), (0.11, ["1-"])])
def test_a_token_stays_with_tau2_and_goes_with_less(narrow, back):
    states = {
        "XMMMM": "A@1 .9, B@2 .9",
        "XABMM": "C@3 .9, D@4 .9",
        "XMBMM": "B@2 .9",
        "XAMMM": "B@2 .9",
        "XMBCD": "A@1 .9",
    }
    states |= {"XMMCD": "A@1 .9", "XMBMD": "C@3 .9", "XMBCM": "D@4 .9"}
    trace = run("wino", script(states), spell("X"), wide=0.6, narrow=narrow, max_new=4, block=4)
    assert changes(trace)[1] == ["3C", "4D", *back]


def doubting(support: dict[int, float], first: int):
    """A model for a prompt of one and a block of eight: it drafts `first` tokens, then all others, and shadows, which
    see sixteen tokens and not nine, support each of the first as much as said."""

    def score(pos, seen):
        p = 0.99 if pos <= first or any(token != 5 for where, token in seen if where) else 0.5
        p = support[pos] if len(seen) > 9 and pos in support else p
        return [math.log(p), math.log(1 - p), *[-30.0] * 4]

    model = hashed(0, vocab=6, eos=0)
    model.score = score
    return model


@pytest.mark.parametrize("first, back", [(1, []), (2, ["1-"]), (3, ["1-", "3-"]), (4, ["1-", "3-", "4-"])])
def test_fewer_are_taken_back_than_the_call_before_drafted_the_least_supported_first(first, back):
    model = doubting({1: 0.1, 2: 0.4, 3: 0.2, 4: 0.3}, first)
    trace = run("wino", model, [0], **SURE, max_new=8, block=8, cap=False)
    assert len(trace.rounds[0].of(Commit)[0].edits) == first
    assert [f"{e.pos}-" for e in trace.rounds[1].of(Commit)[-1].edits if e.why == "remasked"] == back
    assert dict(decisions(trace, "take back")[0].because) == {
        "bar": 0.8,
        "checked": first,
        "below": first,
        "at most": first - 1,
    }


@pytest.mark.parametrize("masked, most", [(3, 3), (5, 5), (8, 5), (20, 14), (28, 19), (40, 20)])
def test_a_call_drafts_at_most_the_releases_share_of_the_masks(masked, most):
    model = hashed(0, vocab=5, eos=0)
    trace = run("wino", model, [1], wide=0.0, narrow=0.0, max_new=masked, block=masked)
    assert decisions(trace, "draft")[0].choice == f"{most} of {masked}"
    chosen = [e.p for e in trace.rounds[0].of(Commit)[0].edits]
    assert chosen == sorted(chosen, reverse=True), "the surest ones"
    whole = run("wino", model, [1], wide=0.0, narrow=0.0, max_new=masked, block=masked, cap=False)
    assert whole.calls == 1 and decisions(whole, "draft")[0].choice == f"{masked} of {masked}"


# ------------------------------------------------------------ it ends
def test_after_k_calls_at_least_k_positions_of_the_block_are_filled():
    """A model that supports nothing (tau2 = 1) and changes its mind with every token: there are calls after which fewer
    positions are filled than before them, and still no block takes more calls than it has positions."""
    losses = taken = 0
    for seed in range(12):
        model = hashed(seed, vocab=6, eos=0, sway=2.0, peak=2.0)
        trace = run("wino", model, [1, 2], wide=0.2 * (seed % 3), narrow=1.0, max_new=18, block=9, cap=seed % 2 == 0)
        assert trace.finish == "length" and len(trace.rounds) <= 18
        for block in (0, 1):
            rounds = [view for view in trace.rounds if view.events[0].block == block]
            span = slice(2 + 9 * block, 11 + 9 * block)
            filled = [sum(t != 5 for t in trace.canvas_at(view.stop)[span]) for view in rounds]
            assert all(n >= k for k, n in enumerate(filled, 1)) and len(rounds) <= 9
            losses += sum(b < a for a, b in zip(filled, filled[1:], strict=False))
        taken += sum(len(event.about) for event in decisions(trace, "take back"))
    assert losses > 3 and taken > 50


def test_a_block_without_a_mask_is_never_touched_again():
    for seed in range(4):
        trace = run("wino", tiny("llama-full", seed), prompt(5), narrow=0.99, max_new=24, block=8, early_stop=False)
        blocks = [view.events[0].block for view in trace.rounds]
        assert blocks == sorted(blocks) and set(blocks) == {0, 1, 2}
        for view in trace.rounds:
            block = view.events[0].block
            assert {(e.pos - 5) // 8 for event in view.of(Commit) for e in event.edits} == {block}


def test_an_end_of_the_text_may_be_taken_back_and_counts_when_its_block_is_full():
    """H ends a text. It stands at 1, and what stands there without it is A or H."""
    doubt = {"XMMMM": "H@1 .9, B@2 .9", "XHBMM": "C@3 .9, D@4 .9", "XMBMM": "A@1 .9", "XHMMM": "B@2 .9"}
    doubt |= {"XMBCD": "A@1 .9", "XMMCD": "B@2 .9", "XMBMD": "C@3 .9", "XMBCM": "D@4 .9"}
    trace = run("wino", script(doubt, eos="H"), spell("X"), **SURE, max_new=4, block=4)
    assert changes(trace) == [["1H", "2B"], ["3C", "4D", "1-"], ["1A"]] and trace.finish == "length"
    sure = {state + "MM": said for state, said in doubt.items()} | {"XMBMMMM": "H@1 .9"}
    trace = run("wino", script(sure, eos="H"), spell("X"), **SURE, max_new=6, block=4)
    assert changes(trace) == [["1H", "2B"], ["3C", "4D"]] and trace.events[-1] == Finish("eos")


# ------------------------------------------------------------ the shadow
@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full", "qwen2-next-block"])
def test_drafts_are_what_they_would_be_without_a_shadow(kind):
    """With nothing to take back it is the confidence threshold, in tokens, calls and confidences."""
    for seed in range(3):
        how = {"max_new": 20, "block": 8, "early_stop": False}
        ours = run("wino", tiny(kind, seed), prompt(11, seed), wide=0.6, narrow=0.0, cap=False, **how)
        theirs = run("threshold", tiny(kind, seed), prompt(11, seed), threshold=0.6, **how)
        assert ours.tokens == theirs.tokens and ours.calls == theirs.calls
        edits = [[e for event in t.events if isinstance(event, Commit) for e in event.edits] for t in (ours, theirs)]
        assert [(e.pos, e.after) for e in edits[0]] == [(e.pos, e.after) for e in edits[1]]
        assert [e.p for e in edits[0]] == pytest.approx([e.p for e in edits[1]], abs=1e-5)


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full", "qwen2-next-block"])
@pytest.mark.parametrize("layers", [1, 2])
def test_what_a_shadow_says_does_not_depend_on_its_own_token_in_one_layer(kind, layers):
    """With two it does: the others have seen the token. A shadow of the row before may lie in another block and see
    none of it."""
    model, said = tiny(kind, 1, layers=layers), {}
    for token in (3, 30):
        canvas = Canvas([1, 2, 3, 4, 5, 6, 7, 8], 8, block=8, mask=47, eos=(), origin=0)
        mine = canvas.open()
        canvas.write([Guess(9, 5, 1.0), Guess(10, token, 1.0), Guess(12, 7, 1.0)], "unmasked")
        context = Context(model, canvas)
        list(context.settle())
        beliefs = {b.pos: b for b in shadowed(context, canvas, mine).call.beliefs}
        said[token] = {pos: beliefs[pos] for pos in (9, 10, 12)}
    assert said[3][9] != said[30][9], "the others see it"
    assert (said[3][10] == said[30][10]) == (layers == 1)


def test_block_causal_models_feed_the_block_and_its_shadow_behind_the_cache():
    """A prompt of 11 in blocks of 8: three of its positions share a block, are fed, and have no shadow."""
    trace = run("wino", tiny("qwen3-block"), prompt(11), max_new=13, block=8, early_stop=False)
    calls = [call for call in trace.forwards if call.role not in ("prefill", "extend")]
    assert {(call.cached, call.length) for call in calls} == {(8, 8 + 5), (16, 8 + 8)}
    assert [pos for pos, _ in calls[0].fed] == [*range(8, 16), *range(11, 16)]
    assert sum(len(event.about) for event in decisions(trace, "take back")) > 0


def test_where_a_position_is_predicted_from_the_row_before_the_shadow_stands_there():
    trace = run("wino", tiny("qwen2-next-full"), prompt(6), max_new=4, block=4, early_stop=False)
    assert [pos for pos, _ in trace.forwards[0].fed] == [*range(10), 5, 6, 7, 8]
    assert trace.forwards[0].sees[10:] == tuple(((0, pos), (pos + 1, 14)) for pos in (6, 7, 8, 9))


# ------------------------------------------------------------ the record
def test_a_run_that_takes_back_survives_a_file_and_every_view_draws_it():
    trace = run("wino", tiny("llama-full", 2), prompt(4), wide=0.3, max_new=16, block=16, early_stop=False)
    trace = Trace.from_bytes(trace.to_bytes())
    assert any(e.why == "remasked" for round in trace.rounds[:4] for event in round.of(Commit) for e in event.edits)
    assert all(isinstance(call, Forward) and call.batch == 1 for call in trace.forwards)
    for view in views():
        if view.fits(trace):
            assert all(view.info(trace, at).sentence for at in range(len(trace.events) + 1))
            for round in trace.rounds[:4]:  # what every moment looks like is asked of smaller runs, in test_views.py
                view.draw(trace, round.stop)
