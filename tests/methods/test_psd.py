"""PSD: space, then time, then one batched check that keeps the deepest draft that agrees."""

import pytest
import torch
from toys import LETTERS, hashed, outcomes, prompt, scripted, spell, tiny, written

from decoders.canvas import Canvas
from decoders.methods.psd import METHOD, PSD
from decoders.run import run
from decoders.trace import Forward, Judge, Propose


def play(script, *, block, **knobs):
    model = scripted(script)
    first = spell("X")
    canvas = Canvas(first, len(next(iter(script))) - 1, block=block, mask=model.spec.mask, eos=(), origin=1)
    rng = torch.Generator("cpu").manual_seed(0)
    events = list(METHOD.decode({"model": model}, canvas, PSD(block=block, **knobs), rng))
    return model, events, "".join(LETTERS[t] for t in canvas.ids)


# A and B are sure; C, then D, then E are drafts. With C filled in, the model still says D and E.
STEADY = {
    "XMMMMM": "A@1 .95, B@2 .92, C@3 .8, D@4 .7, E@5 .6",
    "XABMMM": "C@3 .8, D@4 .7, E@5 .6",
    "XABCMM": "D@4 .8, E@5 .7",
    "XABCDM": "E@5 .8",
}


def test_the_sure_ones_are_filled_and_the_rest_is_drafted_by_confidence_and_checked_in_one_call():
    model, events, text = play(STEADY, block=5, depth=3)
    assert ["".join(LETTERS[t] for t in row) for row in model.fed[1]] == ["XABMMM", "XABCMM", "XABCDM"]
    assert len(model.fed) == 2
    proposed = next(e for e in events if isinstance(e, Propose))
    assert [[f"{LETTERS[t]}@{pos}" for pos, t in node.fills] for node in proposed.nodes] == [["C@3"], ["D@4"], ["E@5"]]
    assert [(node.q, node.parents, node.row) for node in proposed.nodes] == [
        (0.8, (), 1),
        (0.7, (0,), 2),
        (0.6, (1,), -1),
    ]
    assert outcomes(events) == [["accepted"] * 3]
    assert written(events) == [("unmasked", ["A@1", "B@2"]), *(("accepted", [fill]) for fill in ("C@3", "D@4", "E@5"))]
    assert text == "XABCDE"


# After C the model would rather say F at 4, and is sure of it.
CHANGED = {
    "XMMMMM": "A@1 .95, B@2 .92, C@3 .8, D@4 .7, E@5 .6",
    "XABMMM": "C@3 .8, D@4 .7, E@5 .6",
    "XABCMM": "F@4 .97, E@5 .7",
    "XABCDM": "E@5 .8",
    "XABCFM": "E@5 .8",
}


def test_a_draft_that_the_state_before_it_contradicts_ends_the_walk_and_that_states_predictions_go_on():
    model, events, text = play(CHANGED, block=5, depth=3)
    assert outcomes(events)[0] == ["accepted", "rejected", "unreached"]
    rejected = next(e for e in events if isinstance(e, Judge)).verdicts[1]
    assert rejected.choice == (4, LETTERS.index("F"))
    assert written(events)[2] == ("unmasked", ["F@4"]), "the policy reads row 1, no call in between"
    assert len(model.fed) == 3
    assert text == "XABCFE"


# From AB the policy takes the single best one, D; the draft C was the best of the call before.
ORDER = {
    "XMMMM": "A@1 .95, B@2 .92, C@3 .8, D@4 .7",
    "XABMM": "D@4 .85, C@3 .8",
    "XABCM": "D@4 .8",
    "XABMD": "E@3 .8",
}


@pytest.mark.parametrize(
    "acceptance, first, text",
    [("token", "accepted", "XABCD"), ("subset", "rejected", "XABED"), ("exact", "rejected", "XABED")],
)
def test_only_token_acceptance_ignores_which_position_the_policy_would_have_filled(acceptance, first, text):
    _, events, out = play(ORDER, block=4, depth=2, acceptance=acceptance)
    assert (outcomes(events)[0][0], out) == (first, text)


# From AB the policy takes both C and D.
JUMP = {
    "XMMMMM": "A@1 .95, B@2 .92, C@3 .8, D@4 .7, E@5 .6",
    "XABMMM": "C@3 .95, D@4 .92, E@5 .6",
    "XABCMM": "F@4 .95, E@5 .6",
    "XABCDM": "E@5 .8",
    "XABCFM": "E@5 .8",
}


@pytest.mark.parametrize("acceptance, text", [("token", "XABCFE"), ("subset", "XABCDE"), ("exact", "XABCDE")])
def test_subset_and_exact_jump_over_a_state_that_the_policy_would_skip(acceptance, text):
    _, events, out = play(JUMP, block=5, depth=3, acceptance=acceptance)
    assert out == text
    assert outcomes(events)[0][1] == ("rejected" if acceptance == "token" else "accepted")


# From AB the policy takes C, D and E, but with depth 2 the drafts end at D: a part of what the policy would do.
PART = {**JUMP, "XABMMM": "C@3 .95, D@4 .94, E@5 .93", "XABCDM": "F@5 .8"}


@pytest.mark.parametrize("acceptance, text", [("subset", "XABCDF"), ("exact", "XABCDE")])
def test_subset_takes_a_part_of_what_the_policy_would_fill_and_exact_does_not(acceptance, text):
    _, events, out = play(PART, block=5, depth=2, acceptance=acceptance)
    assert out == text
    assert outcomes(events)[0] == (["accepted"] * 2 if acceptance == "subset" else ["rejected", "unreached"])


def test_each_depth_adds_inc_positions():
    model, events, text = play(STEADY, block=5, depth=2, inc=2)
    proposed = next(e for e in events if isinstance(e, Propose))
    assert [len(node.fills) for node in proposed.nodes] == [2, 1]
    assert text == "XABCDE"


POLICIES = [
    ("confidence", "threshold", {"threshold": 0.6}),
    ("localleap", "localleap", {"threshold": 0.8, "relaxed": 0.5}),
]


@pytest.mark.parametrize("policy, method, knobs", POLICIES)
@pytest.mark.parametrize("attention", ["full", "block"])
def test_exact_acceptance_gives_the_text_of_the_policy_alone_in_fewer_calls(policy, method, knobs, attention):
    saved = 0
    for seed in range(12):
        model = hashed(seed, sway=0.3, eos=seed % 2, attention=attention, block=8)
        shared = {"max_new": 19, "block": 8, **knobs}
        ours = run("psd", model, [1, 2, 3], policy=policy, acceptance="exact", depth=3, **shared)
        theirs = run(method, model, [1, 2, 3], **shared)
        assert ours.tokens == theirs.tokens and ours.finish == theirs.finish
        saved += theirs.calls - ours.calls
    assert saved > 12


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block"])
@pytest.mark.parametrize("depth", [1, 4])
def test_exact_with_the_best_one_alone_is_ssd_call_for_call(kind, depth):
    ours = run("psd", tiny(kind), prompt(9), policy="top-1", acceptance="exact", depth=depth, max_new=18, block=8)
    theirs = run("ssd", tiny(kind), prompt(9), n=depth, max_new=18, block=8)
    assert ours.tokens == theirs.tokens
    assert [(c.batch, c.length, c.cached) for c in ours.forwards] == [
        (c.batch, c.length, c.cached) for c in theirs.forwards
    ]


def test_a_round_is_one_call_of_at_most_depth_plus_one_rows():
    for depth in (1, 3, 7):
        trace = run("psd", hashed(2, sway=0.4, eos=0), [1, 2], depth=depth, max_new=24, block=8)
        for view in trace.rounds[1:]:
            calls = view.of(Forward)
            assert len(calls) <= 1 and all(call.batch <= depth + 1 for call in calls)
        assert len(trace.rounds[0].of(Forward)) == 2


def test_deeper_drafts_never_cost_more_calls_on_a_model_that_does_not_change_its_mind():
    model = hashed(1, sway=0.0, eos=0)
    calls = [run("psd", model, [1], depth=d, max_new=24, block=8).calls for d in (1, 3, 5, 7)]
    assert calls == sorted(calls, reverse=True) and calls[0] > calls[-1]


def test_a_draft_behind_a_finished_text_is_unreached():
    script = {
        "XMMMM": "A@1 .95, H@2 .8, B@3 .7, C@4 .6",
        "XAMMM": "H@2 .8, B@3 .7, C@4 .6",
        "XAHMM": "B@3 .7, C@4 .6",
        "XAHBM": "C@4 .6",
    }
    model = scripted(script, eos="H")
    canvas = Canvas(spell("X"), 4, block=2, mask=model.spec.mask, eos=model.spec.eos, origin=1)
    events = list(METHOD.decode({"model": model}, canvas, PSD(block=2, depth=3), torch.Generator("cpu")))
    assert outcomes(events) == [["accepted", "unreached", "unreached"]]
    assert "".join(LETTERS[t] for t in canvas.ids) == "XAHMM" and canvas.finished == "eos"
