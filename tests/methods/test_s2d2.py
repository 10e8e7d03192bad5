"""S2D2: blocks of one position are autoregressive, so the model can check its own drafts."""

import pytest
import torch
from toys import LETTERS, hashed, prompt, scripted, spell, tiny

from decoders import masks
from decoders.canvas import Canvas
from decoders.context import Context
from decoders.errors import BadParam
from decoders.methods.s2d2 import S2D2, Draft, Router, judge, verify
from decoders.run import Recording, run
from decoders.sampling import Guess, Seen
from decoders.trace import Commit, Decide, Finish, Forward, Judge, Propose

ALWAYS = {"policy": "mask_span_length", "min_span": 1}
PLAIN = {"causal_cache": False, "causal_prefix": False}
"""Without AR-like caching, as in the papers' settings for Fast-dLLM v2 and LLaDA2."""


def test_the_2l_mask_lets_the_ith_mask_see_the_drafts_before_i_and_itself():
    see = masks.one_mask_each(2, 3, torch.device("cpu")).int().tolist()
    assert see == [
        [1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 1, 0, 0],
        [1, 1, 1, 0, 0, 0, 1, 0],
        [1, 1, 1, 1, 0, 0, 0, 1],
    ]


def test_masks_of_the_next_block_see_the_drafts_and_each_other_and_nobody_sees_them():
    see = masks.one_mask_each(1, 2, torch.device("cpu"), ahead=2).int().tolist()
    assert see == [
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [1, 1, 1, 0, 0, 1, 1],
        [1, 1, 1, 0, 0, 1, 1],
    ]


@pytest.mark.parametrize(
    "knobs",
    [{}, {"accept": "greedy", **ALWAYS}, {"temperature": 0.7}, {"causal_prefix": False}, {"also_sure": True}],
    ids=["paper", "greedy", "drawn", "prefix not causal", "also sure"],
)
def test_drafting_the_next_block_with_the_verification_changes_no_token_and_saves_calls(knobs):
    """A block all of whose drafts stay is followed by one that needs no draft call; the others cost what they did."""
    fewer = 0
    for seed in range(4):
        for model in (tiny("qwen3-block", seed), hashed(seed, attention="block", block=8, peak=4.0)):
            shape = {"max_new": 40, "block": 8, "seed": seed, "early_stop": False, "fold": bool(seed % 2)}
            ours, plain = (run("s2d2", model, prompt(9 + seed), ahead=on, **shape, **knobs) for on in (True, False))
            assert ours.tokens == plain.tokens
            # Judged whole, and followed by another block.
            bare = [r for r in ours.rounds if not any(call.role == "draft" for call in r.of(Forward))]
            drafts = [c for c in plain.forwards if c.role == "draft"]
            assert len(bare) == len(drafts) - sum(c.role == "draft" for c in ours.forwards)
            fewer += len(bare)
            for call in ours.forwards:
                rows = {b.pos: b.row for b in call.beliefs}
                assert set(rows.values()) <= {0, 1}
                assert call.role == "verify" or set(rows.values()) <= {0}
    assert fewer > 8


def test_drafting_ahead_needs_a_cache_that_reads_token_by_token_and_whole_blocks():
    for knobs in ({"causal_cache": False}, {"editing": True}, {"sub": 4}):
        with pytest.raises(BadParam, match="ahead = yes: needs"):
            run("s2d2", tiny("qwen3-block"), prompt(9), ahead=True, **knobs)


@pytest.mark.parametrize("kind", ["qwen3-block", "qwen2-next-block"])
@pytest.mark.parametrize("length", [8, 11])
def test_what_the_second_call_says_of_a_position_is_the_autoregressive_step_with_one_mask_appended(kind, length):
    """Rows that predict themselves are read off a mask each, shifted ones off the draft before."""
    model, ids = tiny(kind), prompt(length)
    canvas = Canvas(ids, 16 - length, block=8, mask=model.spec.mask, eos=(), origin=0)
    context = Context(model, canvas, encode="causal")
    list(context.settle())
    drafts = {pos: Guess(pos, (7 * pos) % 40, 0.5) for pos in range(length, 16)}
    seen, _ = verify(context, canvas, list(drafts.values()), len(drafts), S2D2())
    assert seen.call.length == (16 if kind == "qwen3-block" else 8)
    for i, pos in enumerate(drafts):
        before = [*ids, *(drafts[p].token for p in range(length, pos)), model.spec.mask]
        see = masks.causal(0, len(before), model.device)
        logits, _ = model.forward(before, role="one", see=see)
        assert torch.allclose(logits.at(pos).double().softmax(-1), seen.probs[i], atol=1e-4)


@pytest.mark.parametrize("kind", ["qwen3-block", "qwen2-next-block"])
@pytest.mark.parametrize("block, sub", [(8, 0), (4, 0), (8, 3)])
def test_greedy_and_always_verifying_it_is_the_models_own_text_in_blocks_of_one(kind, block, sub):
    """Ours: what is kept is the verifier's best token, what is not kept is replaced by it."""
    for seed in range(4):
        model, shape = tiny(kind, seed), {"max_new": 24 - 9, "block": block, "sub": sub}
        ours = run("s2d2", model, prompt(9), accept="greedy", **ALWAYS, **shape, early_stop=False)
        theirs = run("stepwise", model, prompt(9), max_new=24 - 9, block=1, early_stop=False)
        assert ours.tokens == theirs.tokens


def test_never_verifying_is_dynamic_block_diffusion_call_for_call():
    for seed in range(4):
        shared = {"threshold": 0.6, "steps": 4, "max_new": 15, "block": 8}
        model = hashed(seed, attention="block", block=8)
        ours = run("s2d2", model, [1, 2, 3], policy="never", causal_cache=False, causal_prefix=False, **shared)
        theirs = run("block", model, [1, 2, 3], strategy="dynamic", **shared)
        assert ours.tokens == theirs.tokens and ours.calls == theirs.calls


def test_a_verifying_step_is_two_calls_and_the_second_one_feeds_the_block_twice():
    trace = run("s2d2", tiny("qwen3-block"), prompt(11), **ALWAYS, max_new=13, block=8, early_stop=False)
    for view in trace.rounds:
        draft, check = [c for c in view.of(Forward) if c.role in ("draft", "verify")]
        assert (draft.length, check.length) == (8, 16)
        assert [pos for pos, _ in check.fed] == [*range(check.start, check.start + 8)] * 2
        assert {token for _, token in check.fed[8:]} == {trace.mask}


def test_only_the_first_run_of_masks_is_verified_and_its_first_rejected_position_is_always_filled():
    trace = run("s2d2", tiny("qwen3-block"), prompt(11), **ALWAYS, max_new=21, block=8, early_stop=False)
    rejected = 0
    for view in trace.rounds:
        canvas = trace.canvas_at(view.start)
        first = canvas.index(trace.mask)
        stop = next((p for p in range(first, (first // 8 + 1) * 8) if canvas[p] != trace.mask), (first // 8 + 1) * 8)
        nodes = [n.fills[0][0] for event in view.of(Propose) for n in event.nodes]
        assert nodes == list(range(first, stop))
        verdicts = [v for event in view.of(Judge) for v in event.verdicts]
        edits = [e for event in view.of(Commit) for e in event.edits]
        for v, pos in zip(verdicts, nodes, strict=True):
            if v.outcome == "rejected":
                assert [e.pos for e in edits if e.why == "corrected"] == [pos]
                rejected += 1
    assert rejected > 3


def test_without_redrawing_the_rejected_position_keeps_its_draft():
    trace = run("s2d2", tiny("qwen3-block"), prompt(11), **ALWAYS, resample=False, max_new=13, block=8)
    for view in trace.rounds:
        fills = dict(n.fills[0] for event in view.of(Propose) for n in event.nodes)
        assert all(e.after == fills[e.pos] for event in view.of(Commit) for e in event.edits)


def test_at_temperature_0_the_drafts_are_greedy_but_the_dice_still_decide():
    texts = {
        run("s2d2", tiny("qwen3-block"), prompt(9), **ALWAYS, seed=s, max_new=15, block=8).tokens for s in range(6)
    }
    assert len(texts) > 1
    greedy = {
        run("s2d2", tiny("qwen3-block"), prompt(9), **ALWAYS, accept="greedy", seed=s, max_new=15, block=8).tokens
        for s in range(3)
    }
    assert len(greedy) == 1


class Fixed:
    """A verifier of three tokens and a mask: draws are listed, distributions too."""

    def __init__(self, us, tokens):
        self.us, self.drawn, self.asked = us, tokens, []

    def uniform(self, *shape, dtype=None):
        return torch.tensor(self.us[: shape[0]])

    def tokens(self, probs):
        self.asked.append(probs)
        return [self.drawn]


def test_acceptance_is_q_over_p_and_the_residual_is_what_q_has_and_p_has_not():
    q = torch.tensor([[0.9, 0.1, 0.0, 0.0], [0.2, 0.5, 0.3, 0.0]], dtype=torch.float64)
    p = torch.tensor([[0.6, 0.4, 0.0, 0.0], [0.8, 0.1, 0.1, 0.0]], dtype=torch.float64)
    drafts = [Guess(4, 0, 0.6), Guess(5, 0, 0.8)]
    seen = Seen([[Guess(4, 0, 0.9), Guess(5, 1, 0.5)]], [[0.9, 0.2]], Forward("verify", 4), (), q)
    chance = Fixed([0.99, 0.3], 2)
    verdicts, instead, ratios = judge(drafts, 2, seen, p, S2D2(), chance)
    assert ratios == [1.0, pytest.approx(0.25)]
    assert [v.outcome for v in verdicts] == ["accepted", "rejected"]
    assert chance.asked[0].tolist() == [pytest.approx([0.0, 0.4, 0.2, 0.0])]
    assert instead == Guess(5, 2, 0.3)
    # With an exponent of one half the ratio is 0.5, and the same die accepts.
    verdicts, instead, _ = judge(drafts, 2, seen, p, S2D2(tempering=0.5), Fixed([0.99, 0.3], 2))
    assert [v.outcome for v in verdicts] == ["accepted", "accepted"] and instead is None


def test_a_draft_that_the_verifier_gives_nothing_is_rejected_even_by_a_die_of_0():
    q = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
    p = torch.tensor([[0.9, 0.1, 0.0]], dtype=torch.float64)
    seen = Seen([[Guess(4, 1, 1.0)]], [[0.0]], Forward("verify", 4), (), q)
    verdicts, instead, _ = judge([Guess(4, 0, 0.9)], 1, seen, p, S2D2(), Fixed([0.0], 1))
    assert verdicts[0].outcome == "rejected" and instead == Guess(4, 1, 1.0)


def test_the_score_is_the_expected_length_less_the_cost_and_decides_whether_to_verify():
    for tau, answers in ((-8.0, {"yes"}), (8.0, {"no"})):
        trace = run("s2d2", tiny("qwen3-block"), prompt(9), tau_score=tau, max_new=15, block=8)
        assert {e.choice for e in trace.events if isinstance(e, Decide)} == answers
    for score, c in (("static", 1.5), ("dynamic", 0.5)):
        trace = run(
            "s2d2", hashed(1, attention="block"), [1], score=score, penalty=c, threshold=0.5, max_new=15, block=8
        )
        for event in trace.events:
            if isinstance(event, Decide):
                n = dict(event.because)
                assert n["score"] == pytest.approx(n["E[K]"] - c * (1 if score == "static" else n["sure"]), abs=2e-4)
                assert event.choice == ("yes" if n["score"] >= 0 else "no")


def test_a_short_span_is_not_verified_with_a_minimum():
    trace = run("s2d2", tiny("qwen3-block"), prompt(9), policy="mask_span_length", min_span=3, max_new=15, block=8)
    for event in trace.events:
        if isinstance(event, Decide):
            assert event.choice == ("yes" if len(event.about) >= 3 else "no")


def test_fewer_steps_make_the_fallback_fill_what_the_verification_left_short():
    trace = run("s2d2", tiny("qwen3-block"), prompt(8), **ALWAYS, steps=2, max_new=16, block=8, early_stop=False)
    assert all(sum(len(e.edits) for e in view.of(Commit)) >= 4 for view in trace.rounds)
    assert len(trace.rounds) <= 4


def test_ar_like_caching_reads_prompt_and_finished_blocks_token_by_token():
    recording = Recording("s2d2", tiny("qwen3-block"), prompt(17), causal_cache=True, max_new=15, block=8)
    first = next(e for e in recording if isinstance(e, Forward))
    assert first.role == "prefill" and first.sees == tuple(((0, i + 1),) for i in range(16))


def enumerate_text(model, ids, n):
    """The exact distribution of `n` tokens of the model in blocks of one, {tokens: probability}."""
    out = {(): 1.0}
    for _ in range(n):
        longer = {}
        for text, p in out.items():
            rows, _ = model.forward(
                [*ids, *text, model.spec.mask], role="x", see=masks.causal(0, len(ids) + len(text) + 1, model.device)
            )
            probs = rows.at(len(ids) + len(text)).double()
            probs[model.spec.mask] = -torch.inf
            for token, q in enumerate(probs.softmax(-1).tolist()):
                if q:
                    longer[*text, token] = p * q
        out = longer
    return out


@pytest.mark.parametrize("rows, block", [("self", 2), ("next", 4)])
def test_always_verifying_with_drawn_drafts_it_samples_the_models_blocks_of_one(rows, block):
    """Chi-square against the enumerated distribution of two tokens; 36 cells at most, the 99.9 % point is below 70."""
    model = hashed(5, vocab=6, eos=0, attention="block", block=block, rows=rows, peak=1.0)
    exact, n = enumerate_text(model, [1, 2], 2), 600
    counts = dict.fromkeys(exact, 0)
    for seed in range(n):
        trace = run("s2d2", model, [1, 2], **ALWAYS, temperature=1.0, seed=seed, max_new=2, block=block, level="timing")
        counts[trace.tokens[2:]] += 1
    assert sum((counts[t] - n * p) ** 2 / (n * p) for t, p in exact.items() if p) < 60


def test_at_temperature_0_a_nucleus_cuts_what_the_verifier_says_and_not_the_draft():
    """Of 0.5, 0.3 and 0.2 a nucleus of 0.6 leaves 5/8 and 3/8."""
    q = torch.tensor([[0.5, 0.3, 0.2, 0.0]], dtype=torch.float64)
    p = torch.tensor([[0.8, 0.1, 0.1, 0.0]], dtype=torch.float64)
    seen = Seen([[Guess(4, 0, 0.5)]], [[0.5]], Forward("verify", 4), (), q)
    _, _, ratios = judge([Guess(4, 0, 0.8)], 1, seen, p, S2D2(top_p=0.6), Fixed([0.0], 1))
    assert ratios == [pytest.approx(0.625 / 0.8)]
    chance = Fixed([0.99], 1)
    judge([Guess(4, 0, 0.8)], 1, seen, p, S2D2(top_p=0.6), chance)
    assert chance.asked[0].tolist() == [pytest.approx([0.0, 0.275, 0.0, 0.0])]


# ------------------------------------------------------------ Fast-dLLM v2: shifted rows, sub-blocks, seam
@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("sub, temperature", [(2, 0.0), (3, 0.8), (8, 0.0)])
def test_never_verifying_on_shifted_rows_is_fast_dllm_v2_call_for_call(sub, temperature, early_stop):
    shared = {"sub": sub, "threshold": 0.6, "temperature": temperature, "top_p": 0.95, "early_stop": early_stop}
    for seed in range(4):
        for model in (hashed(seed, attention="block", rows="next", block=8), tiny("qwen2-next-block", seed)):
            ids = [token % 10 for token in prompt(3 + 5 * (seed % 2), seed)]
            ours = run("s2d2", model, ids, policy="never", **PLAIN, **shared, seed=seed, max_new=22, block=8)
            theirs = run("fast-v2", model, ids, **shared, seed=seed, max_new=22, block=8)
            assert (ours.tokens, ours.finish) == (theirs.tokens, theirs.finish)
            costs = [[(call.start, call.length, call.batch) for call in trace.forwards] for trace in (ours, theirs)]
            assert costs[0] == costs[1]


def test_with_shifted_rows_the_second_call_is_the_drafts_alone_up_to_the_end_of_the_sub_block():
    """A prompt of 9 in blocks of 8 with sub-blocks of 3: 8..10, 11..13 and the last two, 14 and 15."""
    net = tiny("qwen2-next-block")
    trace = run("s2d2", net, prompt(9), **ALWAYS, sub=3, max_new=16, block=8, early_stop=False)
    lengths, known = set(), {call.mask: call.sees for call in trace.forwards if call.sees}
    for view in trace.rounds:
        for check in [call for call in view.of(Forward) if call.role == "verify"]:
            (event,) = view.of(Propose)
            nodes = [node.fills[0][0] for node in event.nodes]
            stop = next(s for s in (11, 14, 16, 19, 22, 24) if s > nodes[0])
            assert nodes[0] >= stop - 3 and nodes[-1] < stop
            assert (check.start, check.start + check.length) == (nodes[0] // 8 * 8, stop)
            assert known[check.mask] == tuple(((0, pos + 1),) for pos in range(check.start, stop))
            assert {node.row for node in event.nodes} == {0} and check.fed == ()
            lengths.add(check.length)
    assert lengths == {3, 6, 8}


def test_sub_blocks_of_a_model_that_predicts_itself_are_verified_with_that_many_masks():
    net = tiny("qwen3-block")
    trace = run("s2d2", net, prompt(8), **ALWAYS, sub=3, max_new=8, block=8, early_stop=False)
    checks = {}
    for view in trace.rounds:
        for check in [call for call in view.of(Forward) if call.role == "verify"]:
            checks[view.of(Propose)[0].nodes[0].fills[0][0]] = check.length
    assert checks and all(n == 2 * next(s for s in (3, 6, 8) if s > pos - 8) for pos, n in checks.items())
    assert set(checks.values()) == {6, 12, 16}


@pytest.mark.parametrize("cache", [True, False])
def test_the_call_that_encodes_a_full_block_says_the_next_ones_first_token(cache):
    net = tiny("qwen2-next-block")
    trace = run("s2d2", net, prompt(5), **ALWAYS, causal_cache=cache, max_new=20, block=8, early_stop=False)
    assert len(trace.tokens) == 25
    see = masks.causal(0, 8, net.device) if cache else None
    first, _ = net.forward(trace.tokens[:8], role="x", see=see)
    assert trace.tokens[8] == int(first.rows[-1].argmax())
    seams = [view for view in trace.rounds if not view.of(Decide)]
    assert [[e.pos for c in view.of(Commit) for e in c.edits] for view in seams] == [[8], [16], [24]]
    assert [[call.role for call in view.of(Forward)] for view in seams] == [["prefill"], ["extend"], ["extend"]]


def test_with_ar_like_caching_the_first_draft_of_a_shifted_model_is_the_verifiers_own():
    """Its row is the last known token's, which both calls read from left to right; without, the draft saw the masks."""
    for settings, same in (({}, True), ({"causal_prefix": False}, False)):
        first = []
        for seed in range(3):
            trace = run("s2d2", tiny("qwen2-next-block", seed), prompt(9), **ALWAYS, **settings, max_new=23, block=8)
            first += [event.verdicts[0].score for event in trace.events if isinstance(event, Judge)]
        assert len(first) > 10 and all(score > 0.9999 for score in first) == same


def test_on_shifted_rows_a_run_ends_inside_a_block_when_nothing_before_the_end_is_masked():
    inside = 0
    for seed in range(12):
        for rows in ("next", "self"):
            model = hashed(seed, attention="block", rows=rows, block=8)
            trace = run("s2d2", model, [1, 2, 3], **ALWAYS, max_new=29, block=8)
            if trace.events[-1] != Finish("eos"):
                continue
            text = trace.tokens[3:]
            end = min(text.index(eos) for eos in trace.eos if eos in text)
            assert trace.mask not in text[:end]
            block = trace.tokens[(3 + end) // 8 * 8 : (3 + end) // 8 * 8 + 8]
            assert rows == "next" or trace.mask not in block
            inside += trace.mask in block
    assert inside > 2


def test_on_shifted_rows_a_rejected_position_that_is_not_redrawn_stays_masked():
    outcomes = set()
    for seed in range(3):
        settings = {**ALWAYS, **PLAIN, "resample": False, "threshold": 0.6, "max_new": 15, "block": 8}
        trace = run("s2d2", tiny("qwen2-next-block", seed), prompt(9), **settings, early_stop=False)
        for view in trace.rounds:
            edits = [e for event in view.of(Commit) for e in event.edits]
            assert edits and all(e.why in ("accepted", "unmasked") for e in edits)
            for event in view.of(Judge):
                kept = sum(v.outcome == "accepted" for v in event.verdicts)
                outcomes.add((kept > 0, kept == len(event.verdicts)))
                # Nothing accepted: the step fills what passes the bar, at least the best.
                assert {e.why for e in edits} == ({"accepted"} if kept else {"unmasked"})
                assert not kept or len(edits) == kept
    assert outcomes == {(False, False), (True, False), (True, True)}


# ------------------------------------------------------------ LLaDA2: token editing
@pytest.mark.parametrize("post", [0, 1, 16])
def test_never_verifying_with_editing_is_llada2_call_for_call(post):
    changed = 0
    for seed in range(4):
        shared = {"threshold": 0.5, "edit_threshold": 0.3, "post": post, "max_new": 23, "block": 8}
        model = tiny("qwen3-block", seed)
        ours = run("s2d2", model, prompt(9), policy="never", editing=True, **PLAIN, **shared)
        theirs = run("llada2", model, prompt(9), **shared)
        assert ours.tokens == theirs.tokens and ours.finish == theirs.finish
        assert [(c.start, c.length) for c in ours.forwards] == [(c.start, c.length) for c in theirs.forwards]
        changed += sum(e.why == "revised" for event in ours.events if isinstance(event, Commit) for e in event.edits)
    assert changed > 3


def test_a_token_is_replaced_before_the_rest_is_verified_and_the_verifier_reads_the_new_one():
    settings = {**ALWAYS, **PLAIN, "editing": True, "edit_threshold": 0.3, "max_new": 23, "block": 8}
    both = 0
    for seed in range(4):
        for view in run("s2d2", tiny("qwen3-block", seed), prompt(9), **settings).rounds:
            edits = [e for event in view.of(Commit) for e in event.edits if e.why == "revised"]
            checks = [call for call in view.of(Forward) if call.role == "verify"]
            if edits and checks:
                first, second = view.events.index(view.of(Commit)[0]), view.events.index(view.of(Propose)[0])
                assert first < second and view.of(Commit)[0].edits == tuple(edits)
                read = dict(checks[0].fed[: len(checks[0].fed) // 2])
                assert all(read[e.pos] == e.after for e in edits)
                both += 1
    assert both > 3


def test_a_block_without_masks_is_looked_at_again_and_never_verified():
    script = {"XMMM": "A@1 .9, B@2 .9, C@3 .9", "XABC": "A@1 .9, D@2 .9, C@3 .9", "XADC": "A@1 .9, D@2 .9, C@3 .5"}
    model = scripted(script, attention="block")
    trace = run("s2d2", model, spell("X"), policy="never", editing=True, **PLAIN, max_new=3, block=4)
    assert [call.role for call in trace.forwards] == ["draft", "edit", "edit"]
    edits = [[(e.pos, LETTERS[e.after], e.why) for c in view.of(Commit) for e in c.edits] for view in trace.rounds]
    assert edits[1:] == [[(2, "D", "revised")], []] and len(edits[0]) == 3
    assert [[d.what for d in view.of(Decide)] for view in trace.rounds] == [["edit", "verify"], ["edit"], ["edit"]]
    assert [view.of(Decide)[0].choice for view in trace.rounds] == ["0", "1", "0"]


def test_hysteresis_is_off_after_a_step_with_nothing_to_verify():
    router = Router(S2D2(policy="score_hysteresis", on=8.0, off=-8.0), 4)
    sure = [Guess(0, 1, 0.9)]
    draft = Draft(sure, sure, torch.tensor([[0.1, 0.9]], dtype=torch.float64), 3, False)
    router.hysteresis.is_on = True
    assert router.decide(draft)[0]
    assert router.decide(Draft([], [], torch.zeros(0, 2), 4, True)) == (False, ())
    assert not router.decide(draft)[0]


@pytest.mark.parametrize("kind, own", [
    ("qwen2-next-block", {"sub": 4}),
    ("qwen2-next-block", PLAIN),
    ("qwen3-block", {"editing": True, "edit_threshold": 0.3, **PLAIN}),
])  # fmt: skip
def test_the_greedy_acceptance_needs_no_dice_in_any_form(kind, own):
    shared = {**ALWAYS, **own, "max_new": 23, "block": 8, "early_stop": False}
    greedy, drawn = (
        {run("s2d2", tiny(kind), prompt(9), accept=accept, seed=seed, **shared).tokens for seed in range(3)}
        for accept in ("greedy", "ratio")
    )
    assert len(greedy) == 1 < len(drawn)
