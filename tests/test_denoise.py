"""The plain denoising loop asks about the block, tells the rule, writes what the rule chooses, and goes on."""

import pytest
import torch
from toys import scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.denoise import denoise
from decoders.trace import Commit, Decide, Forward, Round

SCRIPT = {"XMMM": "A@1 .5, B@2 .9, C@3 .99", "XMBM": "D@1 .6", "XDBM": "C@3 .7", "XABM": "C@3 .7"}
WHY = Decide("how many", "1")


def play(choose, **how):
    canvas = Canvas(spell("X"), 3, block=2, mask=9, eos=(), origin=1)
    return list(denoise({"model": scripted(SCRIPT)}, canvas, choose, **how)), canvas


def test_a_round_is_a_call_a_decision_and_a_commit():
    events, canvas = play(lambda seen, order: (order[:1], WHY))
    assert [type(e) for e in events] == [Round, Forward, Decide, Commit] * 3
    assert [(e.n, e.block) for e in events if isinstance(e, Round)] == [(0, 0), (1, 0), (2, 1)]
    assert {e.role for e in events if isinstance(e, Forward)} == {"denoise"}
    assert canvas.ids == spell("XDBC")
    assert {e.why for event in events if isinstance(event, Commit) for e in event.edits} == {"unmasked"}


def test_the_rule_is_told_about_the_masked_positions_of_the_block_and_no_others():
    told = []

    def choose(seen, order):
        told.append(([g.pos for g in seen.guesses[0]], [g.pos for g in order]))
        return order[:1], WHY

    play(choose)
    assert told == [([1, 2], [2, 1]), ([1], [1]), ([3], [3])]


def test_what_a_rule_needs_beyond_the_guesses_comes_with_the_same_call():
    seen = []
    play(lambda said, order: seen.append(said) or (order, WHY), entropies=True, most=2, keep=True)
    assert [len(row) for row in seen[0].entropies] == [2] and len(seen[0].best[0][0]) == 2
    assert seen[0].probs.shape == (2, 10)


def test_finished_blocks_are_encoded_before_the_next_is_asked_about():
    canvas = Canvas([1] * 8, 16, block=8, mask=47, eos=(), origin=0)
    events = list(denoise({"model": tiny("qwen3-block")}, canvas, lambda seen, order: (order, WHY)))
    calls = [(e.role, e.cached, e.length) for e in events if isinstance(e, Forward)]
    assert calls == [("prefill", 0, 8), ("denoise", 8, 8), ("extend", 8, 8), ("denoise", 16, 8)]


def test_a_rule_that_chooses_nothing_is_a_mistake_and_not_an_endless_loop():
    with pytest.raises(AssertionError, match="chooses nothing"):
        play(lambda seen, order: ([], WHY))


def test_nothing_is_kept_for_gradients():
    kept = []
    play(lambda seen, order: kept.append(torch.is_inference_mode_enabled()) or (order, WHY))
    assert kept == [True, True]
    assert not torch.is_inference_mode_enabled()
