"""S2D2: blocks of one position are autoregressive, so the model can check its own drafts."""

import pytest
import torch
from toys import hashed, prompt, tiny

from decoders import masks
from decoders.canvas import Canvas
from decoders.context import Context
from decoders.methods.s2d2 import verify
from decoders.run import Recording, run
from decoders.sampling import Guess
from decoders.trace import Commit, Decide, Forward, Judge, Propose

ALWAYS = {"policy": "mask_span_length", "min_span": 1}


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


@pytest.mark.parametrize("length", [8, 11])
def test_a_row_of_the_2l_call_is_the_autoregressive_step_with_one_mask_appended(length):
    model, ids = tiny("qwen3-block"), prompt(length)
    canvas = Canvas(ids, 16 - length, block=8, mask=model.spec.mask, eos=(), origin=0)
    context = Context(model, canvas, encode="causal")
    list(context.settle())
    drafts = {pos: Guess(pos, (7 * pos) % 40, 0.5) for pos in range(length, 16)}
    seen = verify(context, canvas, drafts, list(drafts))
    for i, pos in enumerate(drafts):
        before = [*ids, *(drafts[p].token for p in range(length, pos)), model.spec.mask]
        see = masks.causal(0, len(before), model.device)
        logits, _ = model.forward(before, role="one", see=see)
        assert torch.allclose(logits.at(pos).double().softmax(-1), seen.probs[i], atol=1e-4)


@pytest.mark.parametrize("block", [8, 4])
def test_greedy_and_always_verifying_it_is_the_models_own_text_in_blocks_of_one(block):
    """Ours: what is kept is the verifier's best token, what is not kept is replaced by it."""
    for seed in range(4):
        model = tiny("qwen3-block", seed)
        ours = run("s2d2", model, prompt(9), accept="greedy", **ALWAYS, max_new=24 - 9, block=block, early_stop=False)
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
    from decoders.methods.s2d2 import S2D2, judge
    from decoders.sampling import Seen

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


def test_always_verifying_with_drawn_drafts_it_samples_the_models_blocks_of_one():
    """Chi-square against the enumerated distribution of two tokens; 36 cells at most, the 99.9 % point is below 70."""
    model = hashed(5, vocab=6, eos=0, attention="block", block=2, peak=1.0)
    exact, n = enumerate_text(model, [1, 2], 2), 600
    counts = dict.fromkeys(exact, 0)
    for seed in range(n):
        trace = run("s2d2", model, [1, 2], **ALWAYS, temperature=1.0, seed=seed, max_new=2, block=2, level="timing")
        counts[trace.tokens[2:]] += 1
    assert sum((counts[t] - n * p) ** 2 / (n * p) for t, p in exact.items() if p) < 60
