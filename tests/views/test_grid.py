"""The state of every position at the end of every round, and at a cursor in the middle of one."""

from dataclasses import replace

from view_samples import EOS, M, S, ssd, stepwise, tree

from viz.views.grid import info


def test_a_judged_round_shows_accepted_rejected_unreached_and_bonus():
    shown = info(ssd(), 9)
    assert shown.states[-1] == (
        "prompt", "prompt", "committed", "accepted", "accepted", "rejected", "bonus", "masked", "masked", "masked",
    )  # fmt: skip


def test_an_unreached_draft_is_told_from_a_rejected_one():
    # Position 6 is a draft behind the rejected one until the bonus fills it.
    assert info(ssd(), 7).states[-1][3:7] == ("accepted", "accepted", "rejected", "unreached")


def test_before_the_judge_drafts_are_drafts():
    assert info(ssd(), 5).states[-1][3:7] == ("drafted", "drafted", "drafted", "drafted")


def test_a_token_taken_back_is_remasked_and_a_changed_one_corrected():
    shown = info(stepwise(), 12)
    assert shown.states == (
        ("prompt", "prompt", "unmasked", "masked", "masked", "unmasked"),
        ("prompt", "prompt", "remasked", "unmasked", "masked", "committed"),
        ("prompt", "prompt", "unmasked", "corrected", "unmasked", "committed"),
    )


def test_what_lies_behind_the_end_of_the_text_is_a_tail():
    assert info(ssd(), 16).states[-1][5:] == ("accepted", "committed", "accepted", "bonus", "accepted")


def test_a_growing_canvas_has_no_positions_before_they_are_filled():
    assert info(tree(), 1).states[0] == ("prompt", "prompt", "absent", "absent", "absent")


def test_the_sentence_counts_the_round_under_the_cursor():
    assert info(ssd(), 9).sentence == "Round 2 of 3: 2 accepted, 1 rejected, 1 bonus; 3 still masked."


def test_only_what_is_filled_behind_the_end_of_the_text_is_a_tail():
    # Round 1 again, with end of text at position 4 and a token behind it, at 6, from the start.
    canvas = (*ssd().canvas[:4], EOS, M, S, M, M, M)
    shown = info(replace(ssd(), canvas=canvas, events=ssd().events[:3]), 3)
    assert shown.states[-1][3:] == ("masked", "committed", "masked", "after_eos", "masked", "masked", "masked")
