"""FreeDave plans steps of a decoder and checks them in one call: the text is that decoder's, whatever a step is."""

import pytest
import torch
from toys import LETTERS, hashed, outcomes, prompt, scripted, spell, tiny, written

from decoders.canvas import Canvas
from decoders.methods.freedave import METHOD, FreeDave
from decoders.run import run
from decoders.trace import Decide, Forward, Judge, Propose


def play(script, *, block, eos="", **knobs):
    model = scripted(script, eos=eos)
    spec, length = model.spec, len(next(iter(script))) - 1
    canvas = Canvas(spell("X"), length, block=block, mask=spec.mask, eos=spec.eos, origin=1)
    events = list(METHOD.decode({"model": model}, canvas, FreeDave(block=block, **knobs), torch.Generator("cpu")))
    fed = [["".join(LETTERS[t] for t in row) for row in call] for call in model.fed]
    return fed, events, "".join(LETTERS[t] for t in canvas.ids)


# The model does not change its mind until D, where it rather says F.
ONE_BY_ONE = {
    "XMMMMM": "A@1 .9, B@2 .8, C@3 .7, D@4 .6, E@5 .5",
    "XAMMMM": "B@2 .8, C@3 .7, D@4 .6, E@5 .5",
    "XABMMM": "C@3 .7, D@4 .6, E@5 .5",
    "XABCMM": "F@4 .7, E@5 .5",
    "XABCDM": "E@5 .5",
    "XABCFM": "E@5 .5",
}


def test_the_states_after_each_planned_step_are_the_rows_of_one_call():
    """The first step is the reference's own: d steps are d rows. What the last kept row said plans the next ones."""
    fed, events, text = play(ONE_BY_ONE, block=5, draft_steps=4)
    assert fed == [["XMMMMM"], ["XAMMMM", "XABMMM", "XABCMM", "XABCDM"], ["XABCFM"]]
    assert outcomes(events)[0] == ["accepted", "accepted", "rejected"]
    rejected = next(e for e in events if isinstance(e, Judge)).verdicts[2]
    assert rejected.choice == (4, LETTERS.index("F"))
    assert written(events) == [
        ("unmasked", ["A@1"]),
        ("accepted", ["B@2"]),
        ("accepted", ["C@3"]),
        ("unmasked", ["F@4"]),
        ("accepted", ["E@5"]),
    ]
    assert text == "XABCFE"


def test_without_a_draft_it_is_the_reference_call_for_call():
    for seed in range(4):
        for own in ({}, {"k": 3}, {"sampling": "dynamic", "threshold": 0.5}):
            trace = run(
                "freedave", hashed(seed, eos=1), [1, 2], draft_steps=1, max_new=12, block=5, **own, reference=True
            )
            assert trace.calls == trace.reference.calls and trace.difference() is None
            assert not trace.kinds & {"propose", "judge"}


# Steps of two: A and B, then C and D, then E.
TWO_BY_TWO = {
    "XMMMMM": "A@1 .9, B@2 .8, C@3 .7, D@4 .6, E@5 .5",
    "XABMMM": "D@4 .8, C@3 .7, E@5 .5",
    "XABCDM": "F@5 .9",
}


def test_a_static_step_of_k_is_the_same_step_whatever_the_order_inside_it():
    fed, events, text = play(TWO_BY_TWO, block=5, draft_steps=3, k=2)
    assert fed == [["XMMMMM"], ["XABMMM", "XABCDM"]]
    proposed = next(e for e in events if isinstance(e, Propose))
    assert [[f"{LETTERS[t]}@{pos}" for pos, t in node.fills] for node in proposed.nodes] == [["C@3", "D@4"], ["E@5"]]
    assert [(node.q, node.parents, node.row) for node in proposed.nodes] == [(0.6, (), 1), (0.5, (0,), -1)]
    assert outcomes(events) == [["accepted", "rejected"]]
    assert text == "XABCDF", "what the last kept row says itself fills the block without a call"


def test_one_wrong_token_of_a_wide_step_rejects_the_step():
    script = {**TWO_BY_TWO, "XABMMM": "C@3 .8, F@4 .7, E@5 .5", "XABCFM": "E@5 .9"}
    _, events, text = play(script, block=5, draft_steps=3, k=2)
    assert outcomes(events) == [["rejected", "unreached"], ["accepted"]]
    verdict = next(e for e in events if isinstance(e, Judge)).verdicts[0]
    assert verdict.choice == (4, LETTERS.index("F")), "C was agreed on; what the row would fill instead is F"
    assert written(events)[1] == ("unmasked", ["C@3", "F@4"]) and text == "XABCFE"


# A and B are sure. After them C and D are; drafts add one each, so the step of the first row skips a state.
SURE = {
    "XMMMMM": "A@1 .95, B@2 .92, C@3 .8, D@4 .7, E@5 .6",
    "XABMMM": "C@3 .95, D@4 .92, E@5 .6",
    "XABCMM": "F@4 .95, E@5 .6",
    "XABCDM": "E@5 .6",
}


@pytest.mark.parametrize("match", ["exact", "subset"])
def test_a_dynamic_step_takes_all_that_are_sure_and_may_jump_over_states(match):
    fed, events, text = play(SURE, block=5, draft_steps=4, sampling="dynamic", match=match)
    assert written(events)[0] == ("unmasked", ["A@1", "B@2"])
    assert fed == [["XMMMMM"], ["XABMMM", "XABCMM", "XABCDM"]]
    assert outcomes(events) == [["accepted", "accepted", "accepted"]]
    assert text == "XABCDE", "the row of ABC, which would say F, is not on the way"


# From AB on all three are sure, but the last draft ends at D: a part of that step.
PART = {**SURE, "XABMMM": "C@3 .95, D@4 .94, E@5 .93", "XABCDM": "F@5 .95"}


@pytest.mark.parametrize("match, text", [("exact", "XABCDE"), ("subset", "XABCDF")])
def test_a_part_of_a_step_is_enough_for_subset_and_not_for_exact(match, text):
    """This is where the release's rule leaves the text of `threshold`."""
    _, events, out = play(PART, block=5, draft_steps=3, sampling="dynamic", match=match)
    assert out == text
    assert outcomes(events) == [["accepted"] * 2 if match == "subset" else ["rejected", "unreached"]]


BLOCKS = {
    "XMMMM": "A@1 .9, B@2 .8, C@3 .7, D@4 .6",
    "XAMMM": "B@2 .8, C@3 .7, D@4 .6",
    "XABMM": "C@3 .7, D@4 .6",
    "XABCM": "D@4 .6",
}


def test_a_block_begins_with_a_call_of_its_own_unless_eager():
    fed, _, text = play(BLOCKS, block=2, draft_steps=4)
    assert fed == [["XMMMM"], ["XAMMM"], ["XABMM"], ["XABCM"]] and text == "XABCD"
    fed, events, text = play(BLOCKS, block=2, draft_steps=4, eager=True)
    assert fed == [["XMMMM"], ["XAMMM", "XABMM", "XABCM"]] and text == "XABCD"
    assert outcomes(events) == [["accepted"] * 3]


def test_a_planned_step_behind_the_end_of_the_text_is_unreached():
    script = {
        "XMMMM": "A@1 .9, H@2 .8, C@3 .7, D@4 .6",
        "XAMMM": "H@2 .8, C@3 .7, D@4 .6",
        "XAHMM": "C@3 .7, D@4 .6",
        "XAHCM": "D@4 .6",
    }
    _, events, text = play(script, block=2, draft_steps=4, eager=True, eos="H")
    assert outcomes(events) == [["accepted", "unreached", "unreached"]] and text == "XAHMM"


STEPS = [
    ({}, "stepwise"),
    ({"draft_steps": 8}, "stepwise"),
    ({"k": 2}, "fixed-k"),
    ({"k": 3, "draft_steps": 3}, "fixed-k"),
    ({"sampling": "dynamic", "threshold": 0.6}, "threshold"),
    ({"sampling": "dynamic", "threshold": 0.4, "draft_steps": 7}, "threshold"),
]


@pytest.mark.parametrize("eager", [False, True], ids=["block_by_block", "eager"])
@pytest.mark.parametrize("attention", ["full", "block"])
@pytest.mark.parametrize("own, reference", STEPS, ids=lambda v: v if isinstance(v, str) else "")
def test_the_text_is_that_of_the_decoder_whose_steps_are_planned(own, reference, attention, eager):
    """The block-causal toys keep finished blocks in their exact cache."""
    saved = 0
    for seed in range(20):
        model = hashed(
            seed,
            sway=0.15 * (seed % 4),
            eos=seed % 2,
            attention=attention,
            rows="next" if seed % 3 == 0 else "self",
            block=4,
        )
        shared = {"max_new": 8 + seed % 9, "block": 6 + seed % 4, "early_stop": seed % 5 > 0, "level": "timing"}
        trace = run("freedave", model, [1, 2, 3][: 1 + seed % 3], **shared, **own, eager=eager, reference=True)
        assert trace.guarantee == "greedy-exact" and trace.reference.method == reference
        assert trace.difference() is None and trace.calls <= trace.reference.calls
        saved += trace.reference.calls - trace.calls
    assert saved > 0


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full", "qwen2-next-block"])
@pytest.mark.parametrize(
    "own, reference", [STEPS[0], STEPS[2], STEPS[4]], ids=lambda v: v if isinstance(v, str) else ""
)
def test_it_holds_on_transformers_with_their_caches(kind, own, reference):
    for eager in (False, True):
        trace = run(
            "freedave", tiny(kind, 3), prompt(6, 1), max_new=13, block=8, early_stop=False, eager=eager, **own,
            reference=True,
        )  # fmt: skip
        assert trace.reference.method == reference and trace.difference() is None
        assert trace.calls <= trace.reference.calls


@pytest.mark.parametrize("attention", ["full", "block"])
@pytest.mark.parametrize("d", [2, 5])
def test_eager_steps_of_one_token_are_the_chain_of_ssd_state_by_state(attention, d):
    """d planned steps are d rows; SSD fills the first of them at the end of the round before, and drafts N = d - 1."""
    for seed in range(6):
        model = hashed(seed, sway=0.4, eos=seed % 2, attention=attention, block=4)
        shared = {"max_new": 13, "block": 4}
        fed = []
        for method, own in (("freedave", {"draft_steps": d, "eager": True}), ("ssd", {"n": d - 1})):
            model.fed.clear()
            run(method, model, [1, 2], **shared, **own)
            fed.append([*model.fed])
        assert fed[0] == fed[1]


def test_what_a_run_promises_depends_on_its_steps():
    promises = {
        (): ("greedy-exact", "stepwise"),
        (("k", 2),): ("greedy-exact", "fixed-k"),
        (("match", "subset"),): ("greedy-exact", "stepwise"),
        (("sampling", "dynamic"), ("k", 2)): ("greedy-exact", "threshold"),
        (("sampling", "dynamic"), ("match", "subset")): ("approximate", "threshold"),
    }
    for knobs, promise in promises.items():
        assert METHOD.promise(FreeDave(**dict(knobs))) == promise
    trace = run("freedave", hashed(1), [1, 2], k=2, max_new=6, block=3, reference=True)
    assert trace.reference.label == "Fixed k"
    trace = run("freedave", hashed(1), [1, 2], max_new=6, block=3, reference=True)
    assert trace.reference.label == "stepwise (R1, one token per call)"
    trace = run("freedave", hashed(1), [1], sampling="dynamic", match="subset", max_new=6, block=3, reference=True)
    assert (trace.guarantee, trace.reference.method) == ("approximate", "threshold")


def test_static_subsets_are_exact():
    """All static steps of a block are equally large, so a part of one is all of it."""
    for seed in range(8):
        for k in (1, 2, 3):
            ours = [
                run("freedave", hashed(seed, eos=1), [1], k=k, match=match, max_new=11, block=5)
                for match in ("exact", "subset")
            ]
            assert ours[0].events == ours[1].events


def test_no_call_has_more_rows_than_steps_and_every_round_says_how_much_it_fills_itself():
    for d in (1, 3, 8):
        trace = run("freedave", hashed(2, eos=0), [1, 2], draft_steps=d, max_new=18, block=9, eager=True)
        for view in trace.rounds:
            assert all(call.batch <= d for call in view.of(Forward))
            assert [decision.what for decision in view.of(Decide)] == ["how many"]


def test_a_model_that_never_changes_its_mind_costs_the_least_possible_calls():
    """A block of 8: one call, then d steps a call, the last of which needs none: ceil((8 - 1) / d) more."""
    model = hashed(1, sway=0.0, eos=0)
    for d, calls in ((1, 8), (2, 5), (4, 3), (7, 2), (8, 2)):
        assert run("freedave", model, [1, 2, 3], draft_steps=d, max_new=8, block=8).calls == calls
