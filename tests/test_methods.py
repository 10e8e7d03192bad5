"""The contract of a decoding method, proven for every method of the registry: what it emits, what its record says
about its canvas, where its chance comes from, what it refuses, and, for the greedy-exact ones, that its text is its
reference's."""

import dataclasses
import random
import re
import sys

import pytest
import torch
from toys import EOS, MASK, hashes, prompt, tinies, tiny

from decoders import registry
from decoders.errors import BadParam, Incompatible, UnknownName
from decoders.params import Params
from decoders.run import Recording, run
from decoders.trace import GUARANTEES, KINDS, Commit, Decide, Finish, Forward, Judge, Propose, Round, Trace

ATTENTION = ("llama-full", "qwen3-block")
REVISING = {m.id for m in registry.METHODS if m.revises}
REMASKING = {m.id for m in registry.METHODS if m.remasks}
SHARED = {f.name for f in dataclasses.fields(Params)}


def settings(method, attention: str, most: int = 8):
    """{} and then every setting of the method's own knobs, one at a time: all choices, small whole numbers, ends of
    ranges; those that a model of that attention takes."""
    yield {}
    for knob in method.params.knobs():
        if knob.name in SHARED:
            continue
        if knob.kind is bool:
            values = [True, False]
        elif knob.choices:
            values = list(knob.choices)
        elif knob.kind is int:
            values = list(range(int(knob.lo), int(min(knob.hi, knob.lo + most - 1)) + 1))
        else:
            values = [knob.lo, (knob.lo + knob.hi) / 2, knob.hi]
        yield from (
            {knob.name: value} for value in values if not method.params.read({knob.name: value}).misfits(attention)
        )


def greedy(method, attention: str):
    """The settings for which a greedy-exact method promises its reference's tokens: those without a temperature or
    an approximate cache, and those whose knobs do not take the promise back."""
    every = [(own, method.params.read(own)) for own in settings(method, attention) if not own.get("temperature")]
    return [own for own, par in every if method.promise(par)[0] == "greedy-exact" and not par.loose]


def promised(recording, target, ids, known):
    """The run that a recording promises the tokens of: its settings say which decoder's, and share theirs with it."""
    name = recording.method.promise(recording.params)[1]
    knobs = recording.params.shared(registry.method(name).params)
    key = name, tuple(knobs.items())
    if key not in known:
        known[key] = run(name, target, ids, level="timing", **knobs)
    return known[key]


def main(models):
    """The model that a run is about: that of the first role."""
    return next(iter(models.values()))


def blank(trace) -> int:
    """What stands at a position that is not filled yet: the mask, or nothing (-1) where the text grows."""
    return -1 if trace.attention == "causal" else MASK


def recordings(method, **shared):
    several = any(len(kinds) > 1 for kinds in method.roles.values())
    for kind in ATTENTION if several else ATTENTION[-1:]:
        for own in settings(method, main(tinies(method, kind)).spec.attention, most=3):
            for seed in (0, 3):
                yield Recording(
                    method, tinies(method, kind, seed), prompt(5), **{"max_new": 10, "block": 8, **shared, **own}
                )


# ------------------------------------------------------------ declarations
def test_cites_its_paper(method):
    assert re.fullmatch(r"\d{4}\.\d{4,5}", method.arxiv)
    assert f"arXiv:{method.arxiv}" in sys.modules[method.decode.__module__].__doc__
    assert re.search(r"\(.+ \d{4}\)", method.paper)


def test_declares_a_known_guarantee_and_a_reference_that_exists(method):
    assert method.guarantee in GUARANTEES
    if method.guarantee == "reference":
        assert method.reference == ""
    else:
        assert registry.method(method.reference).guarantee == "reference"
        assert method.reference_label
    assert method.promise(method.params()) == (method.guarantee, method.reference)
    for own in settings(method, next(iter(method.roles.values()))[0]):
        guarantee, reference = method.promise(method.params.read(own))
        assert guarantee in GUARANTEES and (reference == "") == (guarantee == "reference")
        assert not reference or registry.method(reference)


def test_ids_are_unique_and_lower_case():
    ids = [m.id for m in registry.METHODS]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z0-9-]+", i) for i in ids)


def test_an_unknown_method_is_answered_with_the_nearest_one():
    with pytest.raises(UnknownName, match="^There is no method named 'stepwize'; did you mean stepwise[?]$"):
        registry.method("stepwize")


def test_emits_exactly_the_kinds_it_declares_and_takes_back_what_it_says_it_does(method):
    shown, whys = set(), set()
    for recording in recordings(method):
        for event in recording:
            shown.add(type(event).__name__.lower())
            whys |= {edit.why for edit in event.edits} if isinstance(event, Commit) else set()
    assert shown == method.emits
    assert shown <= set(KINDS)
    assert ("revised" in whys) == method.revises
    assert ("remasked" in whys) == method.remasks


# ------------------------------------------------------------ the record
def test_a_round_makes_as_many_calls_as_its_cost_says(method):
    least, most = re.match(r"(\d)(?: to (\S+))? calls?[:, ]", method.cost).groups()
    counted = set()
    for recording in recordings(method):
        for _ in recording:
            pass
        for view in recording.trace.rounds[:-1]:
            asked = [call.role for call in view.of(Forward)]
            # A call that fills the cache counts where nothing else was asked: its last row gives a token.
            counted.add(len([role for role in asked if role not in ("prefill", "extend")]) or len(asked))
    assert min(counted) >= int(least)
    if most is None:
        assert counted == {int(least)}
    elif most.isdigit():
        assert max(counted) == int(most)
    else:
        assert max(counted) > 1


def test_starts_with_a_round_and_ends_with_its_only_finish(trace):
    assert isinstance(trace.events[0], Round)
    assert [type(e) for e in trace.events].count(Finish) == 1 and isinstance(trace.events[-1], Finish)
    assert [r.n for r in trace.rounds] == list(range(len(trace.rounds)))


def test_the_run_ends_full_or_at_the_end_of_the_text(trace):
    left = trace.prompt_len + 20 - len([token for token in trace.tokens if token != MASK])
    ended = not set(EOS).isdisjoint(trace.tokens[trace.prompt_len :])
    assert trace.finish == ("eos" if ended else "length")
    assert ended or left == 0


@pytest.mark.parametrize("kind", ATTENTION)
def test_the_commits_so_far_give_the_live_canvas_after_every_event(method, kind):
    recording = Recording(method, tinies(method, kind), prompt(6), max_new=18, block=8)
    for n, _ in enumerate(recording, 1):
        assert recording.trace.canvas_at(n) == recording.canvas.ids


def test_every_edit_knows_what_was_there_and_changes_it(trace):
    canvas = list(trace.canvas)
    for event in trace.events:
        if isinstance(event, Commit):
            assert event.edits
            for edit in event.edits:
                if trace.attention == "causal" and edit.pos == len(canvas):
                    canvas.append(-1)
                assert edit.before == canvas[edit.pos] != edit.after
                # Only what a method put there itself is replaced, and only by a method that says it does that.
                assert (edit.why in ("revised", "remasked")) == (edit.before != blank(trace))
                assert edit.why != "revised" or trace.method in REVISING
                assert (edit.why == "remasked") == (edit.after == blank(trace))
                assert edit.why != "remasked" or trace.method in REMASKING
                assert (0 if edit.why == "remasked" else 1e-9) <= edit.p <= 1
                canvas[edit.pos] = edit.after


def test_the_prompt_is_never_touched(trace):
    assert trace.prompt_len == 11
    assert trace.tokens[:11] == trace.canvas[:11] == tuple(prompt(11))
    assert all(edit.pos >= 11 for event in trace.events if isinstance(event, Commit) for edit in event.edits)


def test_a_round_says_which_block_it_fills_first(trace):
    origin = 0 if trace.attention == "block" else trace.prompt_len
    for view in trace.rounds:
        first = [*trace.canvas_at(view.start), MASK].index(MASK, trace.prompt_len)
        block = (first - origin) // trace.block
        # A method that revises may stay in a block that is full, the one before the first mask.
        last = (max(first - 1, trace.prompt_len) - origin) // trace.block
        assert view.events[0].block in ({block, last} if trace.method in REVISING else {block})


def test_verdicts_are_about_all_nodes_of_their_round_in_order(trace):
    for view in trace.rounds:
        proposed = [node.id for event in view.of(Propose) for node in event.nodes]
        judged = [verdict.node for event in view.of(Judge) for verdict in event.verdicts]
        assert judged == proposed


def test_accepted_means_the_score_reaches_the_bar_and_every_parent_is_accepted(method):
    judged = 0
    for recording in recordings(method, max_new=16):
        for _ in recording:
            pass
        for view in recording.trace.rounds:
            parents = {node.id: node.parents for event in view.of(Propose) for node in event.nodes}
            accepted: set[int] = set()
            for verdict in (v for event in view.of(Judge) for v in event.verdicts):
                good = verdict.score >= verdict.bar and accepted.issuperset(parents[verdict.node])
                assert good == (verdict.outcome == "accepted")
                if good:
                    accepted.add(verdict.node)
                judged += 1
    assert (judged > 0) == ("judge" in method.emits)


def test_accepted_drafts_and_nothing_else_are_committed_as_accepted(trace):
    for view in trace.rounds:
        fills = {node.id: node.fills for event in view.of(Propose) for node in event.nodes}
        accepted = [
            fill
            for event in view.of(Judge)
            for v in event.verdicts
            if v.outcome == "accepted"
            for fill in fills[v.node]
        ]
        assert [(e.pos, e.after) for event in view.of(Commit) for e in event.edits if e.why == "accepted"] == accepted


def test_beliefs_are_probabilities_best_first_at_positions_that_were_fed(trace):
    looked = 0
    for call in trace.forwards:
        for belief in call.beliefs:
            ps = [p for _, p in belief.top]
            assert len(ps) == 5 and ps == sorted(ps, reverse=True) and 0 <= sum(ps) <= 1.0003
            assert 0 <= belief.row < call.batch
            # Causal models predict the position after the one they were fed.
            after = call.model.startswith("tiny-llama-causal")
            assert call.start + after <= belief.pos < call.start + call.length + after
            looked += 1
    assert looked


def test_the_three_costs_are_sums_over_the_forward_calls(trace):
    calls = [event for event in trace.events if isinstance(event, Forward)]
    assert trace.calls == len(calls) > 0
    assert trace.rows_tokens == sum(call.batch * call.length for call in calls)
    assert trace.seconds == sum(call.seconds for call in calls) > 0


def test_the_timing_level_records_the_same_run_without_beliefs(method):
    full = run(method, tinies(method, "llama-full"), prompt(5), max_new=9, block=4)
    bare = run(method, tinies(method, "llama-full"), prompt(5), max_new=9, block=4, level="timing")
    assert all(not call.beliefs for call in bare.forwards)

    def plain(event):
        if isinstance(event, Forward):
            return dataclasses.replace(event, beliefs=())
        # What a path was chosen among is what the model believed, too.
        return dataclasses.replace(event, among=(), ngrams=()) if isinstance(event, Decide) else event

    assert [plain(event) for event in full.events] == list(bare.events)


def test_finished_blocks_of_block_causal_models_are_fed_once(method):
    if "block" not in next(iter(method.roles.values())) or len(method.roles) > 1:
        pytest.skip("its main model is not block-causal, or it has two that are")
    trace = run(method, tiny("qwen3-block"), prompt(17), max_new=15, block=8, early_stop=False)
    kept = [call for call in trace.forwards if call.role in ("prefill", "extend")]
    assert [(c.role, c.cached, c.length, c.batch) for c in kept][0] == ("prefill", 0, 16, 1)
    assert all(c.role == "extend" and c.cached % 8 == 0 for c in kept[1:])
    assert sum(call.length for call in kept) <= 24
    assert all(call.start == call.cached for call in trace.forwards)


# ------------------------------------------------------------ chance
@pytest.mark.parametrize("kind", ATTENTION)
def test_the_seed_is_the_only_source_of_chance(method, kind):
    for own in settings(method, main(tinies(method, kind)).spec.attention, most=3):
        knobs = {"max_new": 7, "block": 4, **own}
        torch.manual_seed(1)
        random.seed(1)
        before, python = torch.get_rng_state(), random.getstate()
        first = run(method, tinies(method, kind), prompt(4), seed=5, **knobs)
        assert torch.equal(torch.get_rng_state(), before), f"{own} draws from torch's global generator"
        assert random.getstate() == python, f"{own} draws from Python's global generator"
        torch.manual_seed(2)
        assert run(method, tinies(method, kind), prompt(4), seed=5, **knobs).events == first.events


def test_ending_a_run_early_does_not_change_what_came_before(method):
    whole = list(Recording(method, tinies(method, "llama-full"), prompt(5), max_new=12, block=4))
    half = Recording(method, tinies(method, "llama-full"), prompt(5), max_new=12, block=4)
    events = iter(half)
    assert [next(events) for _ in range(8)] == whole[:8]


# ------------------------------------------------------------ files
def test_survives_a_file(trace):
    again = Trace.from_bytes(trace.to_bytes())
    assert again.events == trace.events
    assert again.header() == trace.header()
    assert (again.text, again.tokens, again.calls) == (trace.text, trace.tokens, trace.calls)


def test_survives_a_file_without_its_beliefs(method):
    """At level "timing" the tokens of verdicts are named by the verdicts alone."""
    for seed in range(6):
        trace = run(method, hashes(method, seed, sway=0.6), [1, 2, 3], max_new=12, block=6, level="timing")
        assert Trace.from_bytes(trace.to_bytes()).events == trace.events


# ------------------------------------------------------------ stopping
def test_closes_cleanly_half_way(method):
    recording = Recording(method, tinies(method, "llama-full"), prompt(5), max_new=12, block=4)
    events = iter(recording)
    for _ in range(6):
        next(events)
    recording.close()
    assert recording.events[-1] == Finish("stopped") and len(recording.events) == 7
    assert list(events) == [] and list(recording) == []
    recording.close()
    assert len(recording.events) == 7
    assert recording.trace.finish == "stopped"
    assert Trace.from_bytes(recording.trace.to_bytes()).events == tuple(recording.events)


def test_closing_the_iterator_is_closing_the_run(method):
    recording = Recording(method, tinies(method, "llama-full"), prompt(5), max_new=12, block=4)
    events = iter(recording)
    next(events)
    events.close()
    assert recording.events[-1] == Finish("stopped")


# ------------------------------------------------------------ refusals
def test_refuses_values_outside_its_knobs(method):
    for knob in method.params.knobs():
        wrong = [object(), None]
        if knob.choices:
            wrong += ["no such choice", 3]
        elif knob.kind is bool:
            wrong += ["maybe", 2]
        else:
            wrong += [knob.lo - 1, knob.hi + 1, float("nan"), float("inf"), "many", "", True]
        for value in wrong:
            with pytest.raises(BadParam, match=f"^{knob.name} = .*: must be .*[.]$"):
                Recording(method, tinies(method, "llama-full"), prompt(3), **{knob.name: value})


def test_refuses_knobs_it_does_not_have(method):
    with pytest.raises(UnknownName, match="^There is no knob named 'max_mew'; did you mean max_new[?]$"):
        Recording(method, tinies(method, "llama-full"), prompt(3), max_mew=3)


def test_refuses_a_model_whose_attention_it_cannot_use(method):
    for role, attentions in method.roles.items():
        if "causal" not in attentions:
            given = {**tinies(method, "llama-full"), role: tiny("llama-causal")}
            with pytest.raises(Incompatible, match="attention: tiny-llama-causal is causal; pick another model[.]$"):
                Recording(method, given, prompt(3))


# ------------------------------------------------------------ greedy-exact
EXACT = [m for m in registry.METHODS if m.guarantee == "greedy-exact"]

# (prompt length, max_new, block): prompts shorter than, equal to, and longer than a block, aligned and not; blocks of
# one token, blocks that do not divide max_new, blocks longer than everything.
SHAPES = [
    (1, 6, 4),
    (3, 9, 8),
    (8, 16, 8),
    (13, 14, 8),
    (21, 11, 8),
    (16, 8, 16),
    (5, 7, 1),
    (7, 12, 5),
    (4, 10, 64),
    (9, 1, 8),
]


@pytest.mark.parametrize("exact", EXACT, ids=lambda m: m.id)
@pytest.mark.parametrize("kind", [*ATTENTION, "qwen2-next-full"])
@pytest.mark.parametrize("early_stop", [True, False], ids=["early_stop", "to_the_end"])
def test_greedy_exact_text_is_the_references_in_never_more_calls(exact, kind, early_stop):
    ended, saved = 0, 0
    for seed, (length, max_new, block) in enumerate(SHAPES):
        shared = {"max_new": max_new, "block": block, "early_stop": early_stop}
        model = tinies(exact, kind, 3 if seed % 2 == 0 else 0)
        target, known = main(model), {}
        # A method with many knobs has too many settings for every shape: each shape gets its share of them.
        every = greedy(exact, target.spec.attention)
        share = 1 + len(every) // 12
        for own in every[seed % share :: share]:
            recording = Recording(exact, model, prompt(length, seed), level="timing", **shared, **own)
            for _ in recording:
                pass
            ours, theirs = recording.trace, promised(recording, target, prompt(length, seed), known)
            assert ours.tokens == theirs.tokens, f"{length=} {shared} {own}"
            assert ours.finish == theirs.finish
            # Calls of a drafter are another price: the promise is about the model that both have.
            calls = sum(call.model == target.spec.id for call in ours.forwards)
            assert calls <= theirs.calls
            saved += theirs.calls - calls
            filled = [token for token in theirs.tokens if token != MASK]
            ended += theirs.finish == "eos" and len(filled) < length + max_new
    assert saved > 0, "drafts were never accepted, so nothing was shown"
    assert (ended > 0) == early_stop, "the end of the text must occur, with room left behind it"


@pytest.mark.parametrize("exact", EXACT, ids=lambda m: m.id)
@pytest.mark.parametrize("attention", ["full", "block"])
@pytest.mark.parametrize("rows", ["self", "next"])
@pytest.mark.parametrize("early_stop", [True, False], ids=["early_stop", "to_the_end"])
def test_greedy_exact_holds_on_models_that_change_their_mind_often(exact, attention, rows, early_stop):
    """Toys whose confidences react strongly to every fill: drafts are rejected for position and for token, and blocks
    end."""
    outcomes, finishes = set(), set()
    for seed in range(12):
        model = hashes(exact, seed, sway=0.15 * (1 + seed % 4), eos=1, attention=attention, block=4, rows=rows)
        target = main(model)
        for block in (4, 3):
            shared = {"max_new": 11, "block": block, "early_stop": early_stop}
            ids = [token % 10 for token in prompt(1 + seed, seed)]
            recording = Recording(
                exact, model, ids, **shared, **random.Random(seed).choice(greedy(exact, target.spec.attention))
            )
            for _ in recording:
                pass
            reference = promised(recording, target, ids, {})
            assert recording.trace.tokens == reference.tokens
            assert sum(call.model == target.spec.id for call in recording.trace.forwards) <= reference.calls
            finishes.add(reference.finish)
            outcomes |= {v.outcome for e in recording.events if isinstance(e, Judge) for v in e.verdicts}
    assert outcomes == {"accepted", "rejected", "unreached"}
    assert finishes == ({"eos", "length"} if early_stop else {"length"})
