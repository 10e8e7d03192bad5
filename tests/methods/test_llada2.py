"""LLaDA2 fills what is sure and takes back what it no longer believes, in the block it is working on."""

import pytest
from toys import LETTERS, prompt, scripted, spell, tiny

from decoders.run import run
from decoders.trace import Commit, Decide, Finish

SURE = {"threshold": 0.8, "edit_threshold": 0.8, "max_new": 2, "block": 2}


def changes(trace):
    """Per round, what changed: "1A" filled position 1 with A, "1A>C" replaced the A there."""
    return [
        [
            f"{e.pos}{LETTERS[e.before] + '>' if e.why == 'revised' else ''}{LETTERS[e.after]}"
            for event in view.of(Commit)
            for e in event.edits
        ]
        for view in trace.rounds
    ]


def test_all_masks_above_the_bar_are_filled_and_one_more_call_looks_whether_anything_changes():
    model = scripted({"XMM": "A@1 .9, B@2 .85", "XAB": "A@1 .9, B@2 .5"})
    trace = run("llada2", model, spell("X"), **SURE)
    assert changes(trace) == [["1A", "2B"], []]
    assert [call.role for call in trace.forwards] == ["denoise", "edit"]
    assert trace.finish == "length"


@pytest.mark.parametrize(
    "least, first", [(1, ["1A"]), (2, ["1A", "3C"]), (3, ["1A", "3C", "2B"]), (9, ["1A", "3C", "2B"])]
)
def test_where_fewer_pass_than_the_least_number_the_most_confident_are_filled(least, first):
    script = {"XMMM": "A@1 .9, B@2 .3, C@3 .4"}
    for state in ("XAMM", "XAMC", "XABC"):
        script[state] = "A@1 .9, B@2 .9, C@3 .9"
    trace = run("llada2", scripted(script), spell("X"), **{**SURE, "max_new": 3, "block": 3, "least": least})
    assert changes(trace)[0] == first


def test_a_token_is_replaced_in_the_call_that_fills_another():
    model = scripted({"XMM": "A@1 .9, B@2 .5", "XAM": "C@1 .85, B@2 .81", "XCB": "C@1 .9, B@2 .9"})
    trace = run("llada2", model, spell("X"), **SURE)
    assert changes(trace) == [["1A"], ["2B", "1A>C"], []]
    assert [d.choice for view in trace.rounds for d in view.of(Decide)] == ["1 and 0", "1 and 1", "0 and 0"]
    edit = trace.rounds[1].of(Commit)[1].edits[0]
    assert (edit.pos, LETTERS[edit.before], LETTERS[edit.after], edit.why) == (1, "A", "C", "revised")
    assert edit.p == pytest.approx(0.85, abs=1e-5)


def test_doubt_below_the_bar_changes_nothing_but_is_counted():
    model = scripted({"XMM": "A@1 .9, B@2 .9", "XAB": "C@1 .79, B@2 .9"})
    trace = run("llada2", model, spell("X"), **SURE)
    assert changes(trace) == [["1A", "2B"], []]
    assert dict(trace.rounds[1].of(Decide)[0].because)["would differ"] == 1


@pytest.mark.parametrize("bar, edits", [(0.09, [["1A>X"]]), (0.1, [[]])])
def test_a_token_has_to_be_surer_than_the_bar_not_as_sure(bar, edits):
    """Ten letters of equal probability are 0.1 each, exactly, and the first of them is X."""
    model = scripted({"XM": "A@1 .9", "XA": "X@0 .9", "XX": "X@1 .9"})
    trace = run("llada2", model, spell("X"), max_new=1, block=1, edit_threshold=bar, post=1)
    assert changes(trace)[1:] == edits


@pytest.mark.parametrize("post, calls", [(0, 1), (1, 2), (2, 3), (5, 6)])
def test_a_model_that_never_settles_is_left_after_so_many_calls_without_a_mask(post, calls):
    model = scripted({"XMM": "A@1 .9, B@2 .9", "XAB": "C@1 .9, B@2 .9", "XCB": "A@1 .9, B@2 .9"})
    trace = run("llada2", model, spell("X"), **SURE, post=post)
    assert trace.calls == calls
    assert changes(trace) == [["1A", "2B"], *[["1A>C"], ["1C>A"]] * 3][:calls]


def test_calls_with_a_mask_do_not_count_as_calls_without_one():
    model = scripted({"XMM": "A@1 .9, B@2 .1", "XAM": "A@1 .9, B@2 .2", "XAB": "C@1 .9, B@2 .9"})
    trace = run("llada2", model, spell("X"), **SURE, post=1)
    assert changes(trace) == [["1A"], ["2B"], ["1A>C"]]


def test_every_block_has_calls_of_its_own_without_a_mask():
    script = {
        "XMMMM": "A@1 .9, B@2 .85",
        "XABMM": "C@1 .9, B@2 .9",
        "XCBMM": "C@3 .9, D@4 .85",
        "XCBCD": "E@3 .9, D@4 .9",
    }
    trace = run("llada2", scripted(script), spell("X"), **{**SURE, "max_new": 4}, post=1)
    assert changes(trace) == [["1A", "2B"], ["1A>C"], ["3C", "4D"], ["3C>E"]]


def test_without_calls_after_the_last_mask_tokens_are_replaced_while_there_are_masks():
    model = scripted({"XMM": "A@1 .9, B@2 .5", "XAM": "C@1 .85, B@2 .81"})
    trace = run("llada2", model, spell("X"), **SURE, post=0)
    assert changes(trace) == [["1A"], ["2B", "1A>C"]]


def test_a_block_that_is_done_is_never_touched_again_and_a_round_names_the_block_it_works_on():
    script = {
        "XMMMM": "A@1 .9, B@2 .9",
        "XABMM": "A@1 .9, B@2 .9, C@3 .95, D@4 .9",
        "XABCD": "E@1 .99, F@2 .99, C@3 .9, E@4 .9",
        "XABCE": "F@1 .99, F@2 .99, C@3 .9, E@4 .9",
    }
    trace = run("llada2", scripted(script), spell("X"), **{**SURE, "max_new": 4})
    assert changes(trace) == [["1A", "2B"], [], ["3C", "4D"], ["4D>E"], []]
    assert [view.events[0].block for view in trace.rounds] == [0, 0, 1, 1, 1]


def test_the_prompt_is_not_asked_about_even_where_it_shares_a_block():
    model = tiny("qwen3-block")
    trace = run("llada2", model, prompt(11), max_new=20, block=8, threshold=0.3, edit_threshold=0.2)
    assert min(b.pos for call in trace.forwards for b in call.beliefs) == 11
    assert sum(e.why == "revised" for event in trace.events if isinstance(event, Commit) for e in event.edits) > 3


def test_without_editing_a_full_block_is_done_at_once():
    model = scripted({"XMM": "A@1 .9, B@2 .5", "XAM": "C@1 .9, B@2 .9"})
    trace = run("llada2", model, spell("X"), **SURE, editing=False)
    assert changes(trace) == [["1A"], ["2B"]]


@pytest.mark.parametrize("steps", [2, 5, 8])
def test_the_older_release_is_sdars_dynamic_rule_with_a_schedule(steps):
    ours = run(
        "llada2", tiny("qwen3-block"), prompt(9), editing=False, schedule=steps, threshold=0.6, max_new=23, block=8
    )
    theirs = run("block", tiny("qwen3-block"), prompt(9), steps=steps, threshold=0.6, max_new=23, block=8)
    assert (ours.tokens, ours.calls) == (theirs.tokens, theirs.calls)


def test_the_cache_changes_what_is_fed_and_not_what_is_said():
    """A prompt of 8 and three blocks of 8. Without a cache a call feeds all blocks up to its own."""
    settings = {"max_new": 24, "block": 8, "threshold": 0.3, "edit_threshold": 0.3, "early_stop": False}
    on = run("llada2", tiny("qwen3-block"), prompt(8), **settings)
    off = run("llada2", tiny("qwen3-block"), prompt(8), **settings, cache=False)
    assert on.tokens == off.tokens
    edits = [[(e.pos, e.after) for ev in t.events if isinstance(ev, Commit) for e in ev.edits] for t in (on, off)]
    assert edits[0] == edits[1] and len(edits[0]) > 24 + 3
    kept = [call for call in on.forwards if call.role in ("prefill", "extend")]
    assert [(call.role, call.start, call.length) for call in kept] == [
        ("prefill", 0, 8),
        ("extend", 8, 8),
        ("extend", 16, 8),
    ]
    assert {call.length for call in on.forwards} == {8}
    assert {(call.start, call.length) for call in off.forwards} == {(0, 16), (0, 24), (0, 32)}
    assert off.calls == on.calls - 3


def test_an_end_of_the_text_counts_when_its_block_is_done_because_it_may_be_taken_back():
    script = {
        "XMMMMMM": "H@1 .9, B@2 .9",
        "XHBMMMM": "A@1 .9, B@2 .9",
        "XABMMMM": "A@1 .9, B@2 .9, C@3 .95, H@4 .9",
        "XABCHMM": "C@3 .9, H@4 .9",
    }
    trace = run("llada2", scripted(script, eos="H"), spell("X"), **{**SURE, "max_new": 6})
    assert changes(trace) == [["1H", "2B"], ["1H>A"], [], ["3C", "4H"], []]
    assert trace.events[-1] == Finish("eos")
