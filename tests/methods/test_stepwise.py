"""Stepwise decoding is LLaDA's low-confidence remasking: the schedule of a block, who is filled first, what
temperature, guidance and random remasking change, and what they do not."""

import math

import pytest
import torch
from toys import LETTERS, Toy, hashed, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.methods.stepwise import METHOD, Stepwise, shares
from decoders.run import Recording, run
from decoders.trace import Commit, Decide


def edits(trace):
    return [[(e.pos, e.after) for e in event.edits] for event in trace.events if isinstance(event, Commit)]


@pytest.mark.parametrize(
    "masks, steps, expected",
    [
        (16, 5, [4, 3, 3, 3, 3]),
        (16, 16, [1] * 16),
        (16, 1, [16]),
        (7, 3, [3, 2, 2]),
        (3, 5, [1, 1, 1]),
        (0, 4, []),
    ],
)
def test_masks_are_divided_evenly_and_the_first_steps_take_what_is_left_over(masks, steps, expected):
    assert shares(masks, steps) == expected


def test_one_token_per_call_most_confident_first_leftmost_block_first():
    script = {
        "XMMMM": "A@1 .5, B@2 .6, C@3 .9, D@4 .8",
        "XMBMM": "A@1 .7, C@3 .9, D@4 .8",
        "XABMM": "C@3 .4, D@4 .8",
        "XABMD": "E@3 .3",
    }
    model = scripted(script)
    canvas = Canvas(spell("X"), 4, block=2, mask=9, eos=(), origin=1)
    events = list(METHOD.decode({"model": model}, canvas, Stepwise(block=2), torch.Generator("cpu")))
    written = [
        [(e.pos, LETTERS[e.after], e.why, e.p) for e in event.edits] for event in events if isinstance(event, Commit)
    ]
    assert written == [
        [(2, "B", "unmasked", 0.6)],
        [(1, "A", "unmasked", 0.7)],
        [(4, "D", "unmasked", 0.8)],
        [(3, "E", "unmasked", 0.3)],
    ]
    assert "".join(LETTERS[t] for t in canvas.ids) == "XABED"


def test_without_a_schedule_every_call_fills_one_token():
    trace = run("stepwise", tiny("llama-full"), prompt(4), max_new=13, block=5, early_stop=False)
    assert trace.calls == 13
    assert [len(step) for step in edits(trace)] == [1] * 13


@pytest.mark.parametrize(
    "steps, max_new, block, per_call",
    [
        (4, 16, 8, [4, 4, 4, 4]),
        (6, 16, 8, [3, 3, 2, 3, 3, 2]),
        (1, 16, 8, [8, 8]),
        (16, 16, 8, [1] * 16),
        (5, 12, 12, [3, 3, 2, 2, 2]),
        (4, 10, 8, [4, 4, 1, 1]),
    ],
)
def test_steps_are_shared_out_over_the_blocks(steps, max_new, block, per_call):
    trace = run("stepwise", tiny("llama-full"), prompt(4), steps=steps, max_new=max_new, block=block, early_stop=False)
    assert [len(step) for step in edits(trace)] == per_call
    assert trace.calls == len(per_call)


def test_a_step_says_how_many_it_keeps_and_why():
    trace = run("stepwise", tiny("llama-full"), prompt(4), steps=2, max_new=8, block=8)
    decisions = [event for event in trace.events if isinstance(event, Decide)]
    assert [(d.what, d.choice, d.because[0]) for d in decisions] == [
        ("how many", "4", ("masked", 8)),
        ("how many", "4", ("masked", 4)),
    ]
    for decision, commit in zip(decisions, (e for e in trace.events if isinstance(e, Commit)), strict=True):
        said = dict(decision.because)
        assert said["best"] == pytest.approx(commit.edits[0].p, abs=1e-4)
        assert said["kept least"] == pytest.approx(commit.edits[-1].p, abs=1e-4)
        assert [e.p for e in commit.edits] == sorted((e.p for e in commit.edits), reverse=True)


def test_temperature_the_same_seed_gives_the_same_text_and_others_give_others():
    texts = [
        run("stepwise", tiny("llama-full"), prompt(4), seed=seed, temperature=1.0, max_new=8, block=8).tokens
        for seed in (1, 1, 2, 3)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_temperature_zero_ignores_the_seed():
    texts = {run("stepwise", tiny("llama-full"), prompt(4), seed=seed, max_new=8, block=8).tokens for seed in (1, 2, 3)}
    assert len(texts) == 1


def test_temperature_changes_the_tokens_but_confidence_stays_the_clean_probability():
    """The edit's p is the softmax probability of the drawn token without noise, and the largest of them is filled
    first."""
    model = hashed(5, vocab=8, eos=0)
    recording = Recording("stepwise", model, [1, 2], seed=4, temperature=1.5, max_new=6, block=6, level="full")
    for _ in recording:
        pass
    surprising = 0
    for view in recording.trace.rounds:
        ((call,), (commit,)) = view.of(type(recording.trace.forwards[0])), view.of(Commit)
        (edit,) = commit.edits
        top = dict(next(belief.top for belief in call.beliefs if belief.pos == edit.pos))
        assert edit.p == pytest.approx(top[edit.after], abs=1e-4)
        surprising += top[edit.after] < max(top.values())
    assert surprising, "at T = 1.5 some token must differ from the greedy one"


def contrast(pos: int, seen: tuple[tuple[int, int], ...]) -> list[float]:
    """Token 0 with the prompt in sight, token 1 without it; the logits are (2, 1, 0, 0) and (0, 1, 0, 0)."""
    prompted = dict(seen).get(0) != 3
    return [2.0 if prompted else 0.0, 1.0, 0.0, -9.0]


def test_guidance_doubles_the_rows_and_masks_the_prompt_in_the_second():
    model = Toy(contrast, vocab=4, mask=3)
    trace = run("stepwise", model, [2, 2], cfg=1.5, max_new=2, block=2)
    assert [call.batch for call in trace.forwards] == [2, 2]
    assert model.fed[0] == [[2, 2, 3, 3], [3, 3, 3, 3]]
    assert trace.rows_tokens == 16


@pytest.mark.parametrize("attention, length", [("full", 2), ("block", 2), ("block", 9)])
def test_guidance_is_u_plus_w_plus_1_times_c_minus_u(attention, length):
    """Also where the prompt is longer than a block, so that a cache would hold it: the second row must not see it
    there."""
    model = Toy(contrast, vocab=4, mask=3, attention=attention, block=4)
    trace = run("stepwise", model, [2] * length, cfg=1.5, max_new=2, block=4, early_stop=False)
    guided = [0 + 2.5 * 2, 1.0, 0.0, -9.0]
    p = math.exp(guided[0]) / sum(math.exp(x) for x in guided)
    commits = [event for event in trace.events if isinstance(event, Commit)]
    assert [(e.after, e.p) for c in commits for e in c.edits] == [(0, round(p, 6))] * 2


def test_guidance_of_zero_is_no_guidance():
    assert [c.batch for c in run("stepwise", tiny("llama-full"), prompt(4), max_new=4, block=4).forwards] == [
        1,
        1,
        1,
        1,
    ]


def test_guidance_on_a_block_causal_model_equals_the_same_model_read_without_a_cache():
    """The unconditional pass of a cached run against two full passes by hand."""
    model, ids = tiny("qwen3-block", 3), prompt(10)
    trace = run("stepwise", model, ids, cfg=2.0, max_new=1, block=8)
    see = model.own_mask(0, 11)
    seen, _ = model.forward([*ids, 47], role="x", see=see)
    blind, _ = model.forward([47] * 11, role="x", see=see)
    logits = blind.at(10) + 3.0 * (seen.at(10) - blind.at(10))
    assert trace.tokens[10] == int(logits.argmax())
    edit = next(e for e in trace.events if isinstance(e, Commit)).edits[0]
    assert edit.p == pytest.approx(float(logits.double().softmax(-1).max()), abs=1e-4)


def test_random_remasking_is_seeded_and_ignores_confidence():
    def run_with(seed):
        return run("stepwise", hashed(6, sway=0.0, eos=0), [1, 2], seed=seed, remasking="random", max_new=8, block=8)

    orders = [tuple(step[0][0] for step in edits(run_with(seed))) for seed in range(4)]
    greedy = tuple(
        step[0][0] for step in edits(run("stepwise", hashed(6, sway=0.0, eos=0), [1, 2], max_new=8, block=8))
    )
    assert len({*orders, greedy}) == 5, "four seeds and the greedy order all differ"
    assert all(sorted(order) == list(range(2, 10)) for order in orders)
    assert edits(run_with(1)) == edits(run_with(1))
    assert len({run_with(seed).tokens for seed in range(4)}) == 1, (
        "a model that never changes its mind says the same in any order"
    )
