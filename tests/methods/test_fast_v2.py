"""Fast-dLLM v2: sub-blocks inside a block, an exact cache between blocks, one autoregressive token at every seam."""

import pytest
import torch
from toys import LETTERS, hashed, prompt, scripted, spell, tiny

from decoders.run import run
from decoders.trace import Commit, Decide, Finish, Forward

SCRIPT = {
    "XMMM": "A@1 .5, B@2 .95, C@3 .95",
    "XAMM": "B@2 .95, C@3 .5",
    "XABM": "C@3 .3",
    "XABC": "D@4 .4",
    "XABC DMMM": "E@5 .6, F@6 .95, G@7 .99",
    "XABC DEMM": "F@6 .92, G@7 .95",
    "XABC DEFG": "A@8 .5",
}
SIZE = {"max_new": 8, "block": 4, "sub": 2, "threshold": 0.9}


def model(script, **spec):
    script = {state.replace(" ", ""): said for state, said in script.items()}
    return scripted(script, **{"attention": "block", "rows": "next", **spec})


def written(trace):
    """Per round, what was filled: "1A" is position 1 with A."""
    return [[f"{e.pos}{LETTERS[e.after]}" for event in view.of(Commit) for e in event.edits] for view in trace.rounds]


def test_sub_blocks_are_filled_from_the_left_by_the_bar_and_a_full_block_says_the_next_ones_first_token():
    """B is sure from the start, but stands in the second sub-block; C waits because B passed the bar and C did not."""
    trace = run("fast-v2", model(SCRIPT), spell("X"), **SIZE)
    assert written(trace) == [["1A"], ["2B"], ["3C"], ["4D"], ["5E"], ["7G", "6F"], ["8A"]]
    assert [call.role for call in trace.forwards] == [*["denoise"] * 3, "prefill", "denoise", "denoise", "extend"]
    assert [(call.start, call.length) for call in trace.forwards] == [*[(0, 4)] * 4, *[(4, 4)] * 3]
    assert [view.events[0].block for view in trace.rounds] == [0, 0, 0, 1, 1, 1, 2]


def test_the_seam_is_shown_like_every_other_prediction():
    trace = run("fast-v2", model(SCRIPT), spell("X"), **SIZE)
    (belief,) = trace.rounds[3].events[1].beliefs
    assert (belief.pos, LETTERS[belief.top[0][0]], belief.top[0][1]) == (4, "D", 0.4)
    assert trace.rounds[3].of(Commit)[0].edits[0].p == pytest.approx(0.4, abs=1e-6)
    assert trace.rounds[3].of(Decide) == []


def test_a_model_that_predicts_from_its_own_row_has_no_seam_and_its_blocks_begin_masked():
    script = {**SCRIPT, "XABC MMMM": "D@4 .91, E@5 .3"}
    trace = run("fast-v2", model(script, rows="self"), spell("X"), **{**SIZE, "max_new": 7})
    assert written(trace) == [["1A"], ["2B"], ["3C"], ["4D"], ["5E"], ["7G", "6F"]]
    assert [call.role for call in trace.forwards] == [*["denoise"] * 3, "prefill", *["denoise"] * 3]


@pytest.mark.parametrize("length", [8, 16])
def test_a_prompt_that_ends_with_a_block_is_read_and_gives_the_first_token(length):
    net, ids = tiny("qwen2-next-block"), prompt(length)
    trace = run("fast-v2", net, ids, max_new=6, block=8, sub=4, early_stop=False)
    assert [(call.role, call.length) for call in trace.forwards][:2] == [("prefill", length), ("denoise", 6)]
    ((edit,),) = [event.edits for event in trace.rounds[0].of(Commit)]
    assert (edit.pos, edit.after) == (length, int(net.many([ids], role="x")[0][0].rows[-1].argmax()))


def test_every_seam_is_what_the_model_says_after_all_the_text_before_it():
    net = tiny("qwen2-next-block")
    trace = run("fast-v2", net, prompt(5), max_new=28, block=8, sub=4, threshold=0.5, early_stop=False)
    rows = [net.many([trace.tokens[:seam]], role="x")[0][0].rows for seam in (8, 16, 24, 32)]
    found = [trace.tokens[seam] for seam in (8, 16, 24, 32)]
    assert found == [int(whole[-1].argmax()) for whole in rows]
    assert found != [int(whole[-2].argmax()) for whole in rows]


def test_a_prompt_that_ends_inside_a_block_is_followed_by_masks_and_not_by_a_seam():
    trace = run("fast-v2", tiny("qwen2-next-block"), prompt(13), max_new=3, block=8, threshold=1.0, early_stop=False)
    assert [(call.role, call.length) for call in trace.forwards] == [("prefill", 8), *[("denoise", 8)] * 3]
    assert [belief.pos for belief in trace.forwards[0].beliefs] == []
    assert trace.rounds[0].of(Commit)[0].edits[0].pos in (13, 14, 15)


@pytest.mark.parametrize("sub, order", [(1, True), (8, False), (64, False)])
def test_sub_blocks_of_one_position_are_left_to_right_and_long_ones_the_whole_block(sub, order):
    net = hashed(2, attention="block", rows="next", block=8, eos=0)
    trace = run("fast-v2", net, [1, 2, 3], max_new=21, block=8, sub=sub, threshold=1.0)
    places = [e.pos for event in trace.events if isinstance(event, Commit) for e in event.edits]
    assert (places == sorted(places)) == order
    assert sorted(places) == list(range(3, 24))


def test_sub_blocks_are_counted_from_the_start_of_the_block_not_from_the_prompt():
    """After a prompt of 11 the sub-blocks of 4 are 8..11 and 12..15: one mask, then four."""
    net = hashed(2, attention="block", rows="next", block=8, eos=0)
    trace = run("fast-v2", net, list(range(11)), max_new=5, block=8, sub=4, threshold=1.0)
    assert [d.about for view in trace.rounds for d in view.of(Decide)][:2] == [(11,), (12, 13, 14, 15)]


class Asked:
    """Chance that notes how many draws it was asked for, and takes the best."""

    def __init__(self):
        self.sizes = []

    def tokens(self, probs):
        self.sizes.append(len(probs))
        return probs.argmax(-1).tolist()


@pytest.mark.parametrize(
    "length, sizes", [(10, [4, 4]), (1, [3, 4]), (8, [4, 4])], ids=["known tokens too", "no row for 0", "after a seam"]
)
def test_draws_are_made_for_all_of_the_sub_block_that_the_model_predicts(length, sizes):
    net, asked = hashed(2, attention="block", rows="next", block=8, eos=0), Asked()
    settings = {"max_new": 8 - length % 8, "block": 8, "sub": 4, "threshold": 0.0, "temperature": 1.0}
    run("fast-v2", net, list(range(length)), chance=asked, **settings)
    assert asked.sizes == sizes


def test_at_a_temperature_the_nucleus_limits_what_is_drawn_and_p_is_the_probability_of_the_draw():
    net = hashed(3, attention="block", rows="next", block=4, eos=0)
    settings = {"max_new": 13, "block": 4, "sub": 4}
    hot = [run("fast-v2", net, [1], temperature=1.5, top_p=1.0, seed=seed, **settings).tokens for seed in range(4)]
    assert len(set(hot)) > 1
    narrow = run("fast-v2", net, [1], temperature=1.5, top_p=0.05, seed=3, threshold=1.0, **settings)
    drawn = [e.p for view in narrow.rounds if view.of(Decide) for e in view.of(Commit)[0].edits]
    assert set(drawn) == {1.0}


def test_the_run_ends_inside_a_block_when_the_text_does_and_no_mask_stands_before_its_end():
    script = {
        "XMMM": "H@2 .95, A@1 .5, B@3 .5",
        "XMHM": "A@1 .5, B@3 .3",
        "XAHM": "B@3 .3",
    }
    net = model(script, eos="H")
    trace = run("fast-v2", net, spell("X"), max_new=3, block=4, sub=4)
    assert written(trace) == [["2H"], ["1A"]]
    assert trace.events[-1] == Finish("eos")
    whole = run("fast-v2", net, spell("X"), max_new=3, block=4, sub=4, early_stop=False)
    assert written(whole) == [["2H"], ["1A"], ["3B"]]


def test_the_decision_says_the_bar_the_masks_of_the_sub_block_and_the_best_of_them():
    trace = run("fast-v2", model(SCRIPT), spell("X"), **SIZE)
    decide = trace.rounds[1].of(Decide)[0]
    assert (decide.choice, decide.about) == ("1", (2, 3))
    assert decide.because == (("threshold", 0.9), ("masked", 2), ("best", pytest.approx(0.95, abs=1e-4)))
    assert torch.is_inference_mode_enabled() is False


# ------------------------------------------------------------ the cache of sub-blocks
@pytest.mark.parametrize("rows", ["next", "self"])
def test_with_the_block_cache_calls_feed_the_block_until_its_sub_block_begins_known_and_then_that_alone(rows):
    """Shifted rows: the first position of a sub-block is predicted by the row before it, which is not in it. Others
    need the whole block once."""
    kind = {"next": "qwen2-next-block", "self": "qwen3-block"}[rows]
    sizes = {"max_new": 11, "block": 8, "sub": 4, "threshold": 1.0, "early_stop": False}
    trace = run("fast-v2", tiny(kind), prompt(13), block_cache=True, **sizes)
    entered, kept = None, 0
    for view in trace.rounds:
        for call in view.of(Forward):
            if call.role != "denoise":
                continue
            before = trace.canvas_at(view.start)
            first = before.index(trace.mask)
            sub = first - first % 4
            whole = entered != sub or rows == "next" and before[sub] == trace.mask
            assert (call.start, call.length) == ((first - first % 8, 8) if whole else (sub, 4))
            assert call.cached == (call.start if whole else first - first % 8 + 4)
            entered, kept = sub, kept + (not whole)
    assert kept > 2
    assert [(call.start, call.length) for call in trace.forwards if call.role != "denoise"] == [(0, 8), (8, 8)]


@pytest.mark.parametrize("kind", ["qwen2-next-block", "qwen3-block"])
def test_the_block_cache_changes_nothing_on_one_layer_and_something_on_two(kind):
    changed, saved = {1: 0, 2: 0}, 0
    sizes = {"max_new": 14, "block": 8, "sub": 4, "threshold": 0.6, "early_stop": False, "level": "timing"}
    for layers in changed:
        for seed in range(5):
            model, ids = tiny(kind, seed, layers=layers), prompt(9 + seed, seed)
            plain, cached = (run("fast-v2", model, ids, block_cache=kept, **sizes) for kept in (False, True))
            saved += plain.rows_tokens - cached.rows_tokens
            changed[layers] += cached.tokens != plain.tokens
    assert changed[1] == 0 < changed[2] and saved > 0


def test_a_sub_block_that_begins_the_text_has_no_row_before_it():
    net = hashed(2, attention="block", rows="next", block=8, eos=0)
    plain, cached = (
        run("fast-v2", net, [1], max_new=15, block=8, sub=4, block_cache=kept, temperature=0.7)
        for kept in (False, True)
    )
    assert cached.finish == plain.finish == "length"
