"""A fixed number per call, the baseline of Fast-dLLM's Figure 5: the k most confident of the block, however sure."""

import pytest
import torch
from toys import LETTERS, hashed, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.methods.fixed_k import METHOD, FixedK
from decoders.run import run
from decoders.trace import Commit, Decide


def play(script, *, block, **knobs):
    model = scripted(script)
    canvas = Canvas(spell("X"), len(next(iter(script))) - 1, block=block, mask=9, eos=(), origin=1)
    events = list(METHOD.decode({"model": model}, canvas, FixedK(block=block, **knobs), torch.Generator("cpu")))
    written = [[f"{LETTERS[e.after]}@{e.pos}" for e in event.edits] for event in events if isinstance(event, Commit)]
    return written, [event for event in events if isinstance(event, Decide)]


# The best two are D and E, but they are in the next block.
SCRIPT = {
    "XMMMMM": "A@1 .5, B@2 .92, C@3 .95, D@4 .99, E@5 .98",
    "XMBCMM": "F@1 .4",
    "XFBCMM": "D@4 .2, E@5 .3",
}


def test_the_k_best_of_the_block_are_filled_however_sure_and_the_last_call_takes_what_is_left():
    written, decisions = play(SCRIPT, block=3, k=2)
    assert written == [["C@3", "B@2"], ["F@1"], ["E@5", "D@4"]]
    assert [(d.what, d.choice, d.because) for d in decisions] == [
        ("how many", "2", (("masked", 3), ("best", 0.95), ("kept least", 0.92))),
        ("how many", "1", (("masked", 1), ("best", 0.4), ("kept least", 0.4))),
        ("how many", "2", (("masked", 2), ("best", 0.3), ("kept least", 0.2))),
    ]


def test_a_large_k_fills_a_block_and_no_more():
    written, _ = play({"XMMMM": SCRIPT["XMMMMM"], "XABMM": "D@3 .2, E@4 .3"}, block=2, k=16)
    assert written == [["B@2", "A@1"], ["E@4", "D@3"]]


def test_ties_go_to_the_smaller_position():
    written, _ = play({"XMMM": "A@1 .5, A@2 .5, A@3 .5", "XAAM": "A@3 .5"}, block=3, k=2)
    assert written == [["A@1", "A@2"], ["A@3"]]


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
@pytest.mark.parametrize("seed", [0, 3])
def test_one_per_call_is_stepwise_decoding_event_for_event(kind, seed):
    ours = run("fixed-k", tiny(kind, seed), prompt(9), k=1, max_new=12, block=8)
    assert ours.events == run("stepwise", tiny(kind, seed), prompt(9), max_new=12, block=8).events


@pytest.mark.parametrize("k, calls", [(1, 20), (2, 10), (3, 8), (4, 5), (5, 5), (8, 3), (16, 3)])
def test_calls_are_counted_block_by_block(k, calls):
    """Blocks of 8, 8 and 4 positions."""
    trace = run("fixed-k", tiny("llama-full"), prompt(3), k=k, max_new=20, block=8, early_stop=False)
    assert trace.calls == calls


@pytest.mark.parametrize("peak", [0.1, 8.0])
def test_a_sure_model_is_asked_as_often_as_an_unsure_one(peak):
    trace = run("fixed-k", hashed(1, peak=peak, eos=0), [1], k=2, max_new=16, block=8)
    best = [dict(e.because)["best"] for e in trace.events if isinstance(e, Decide)]
    assert trace.calls == 8 and (max(best) < 0.15) == (peak < 1)


def test_two_per_call_are_the_default():
    assert FixedK().k == 2
