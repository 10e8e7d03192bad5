"""KLASS fills what is stable and sure: KL(p_t || p_{t-1}) below a bar for some calls in a row, and confident
(arXiv:2511.05664)."""

import math

import pytest
import torch
from toys import LETTERS, Toy, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.methods.klass import KLASS, METHOD, History, divergence
from decoders.run import run
from decoders.trace import Commit, Decide


def rows(*probabilities: list[float]) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.float64)


def play(script, *, block, **knobs):
    model = scripted(script)
    canvas = Canvas(spell("X"), len(next(iter(script))) - 1, block=block, mask=9, eos=(), origin=1)
    events = list(METHOD.decode({"model": model}, canvas, KLASS(block=block, **knobs), torch.Generator("cpu")))
    written = [[f"{LETTERS[e.after]}@{e.pos}" for e in event.edits] for event in events if isinstance(event, Commit)]
    return written, [event for event in events if isinstance(event, Decide)]


# ------------------------------------------------------------ the divergence
def test_the_divergence_is_of_the_new_prediction_from_the_old_one():
    """.95 ln(.95/.9) + .05 ln(.05/.1) = .0513639 - .0346574; the other way round .0206542."""
    new, old = rows([0.95, 0.05], [0.9, 0.1]), rows([0.9, 0.1], [0.95, 0.05])
    assert divergence(new, old).tolist() == pytest.approx([0.0167065, 0.0206542], abs=1e-7)


def test_what_was_impossible_before_is_far_and_what_is_impossible_now_is_not():
    """.5 ln .5 + .5 ln(.5 / 1e-12) = 13.1224; ln 2 the other way round."""
    kl = divergence(rows([0.5, 0.5], [1, 0], [1, 0]), rows([1, 0], [0.5, 0.5], [1, 0])).tolist()
    assert kl == pytest.approx([13.1224, 0.6931, 0], abs=1e-4) and kl[2] == 0


def test_it_is_never_negative_by_rounding():
    """Below a bar of 0 there is nothing, so that bar means: never stable."""
    torch.manual_seed(0)
    p = torch.randn(200, 50, dtype=torch.float64).softmax(-1)
    q = (p + 1e-17 * torch.arange(50)) / (1 + 1e-14)
    assert min(divergence(p, q).tolist()) == 0.0


def test_a_history_counts_calls_in_a_row():
    history = History(bar=0.01)
    a, b = [0.9, 0.1], [0.1, 0.9]
    assert history.add([4, 7], rows(a, a)) == {4: math.inf, 7: math.inf}
    assert history.calm == {4: 0, 7: 0}
    assert history.add([4, 7], rows(a, b)) == {4: 0.0, 7: pytest.approx(1.7578, abs=1e-4)}
    assert history.calm == {4: 1, 7: 0}
    history.add([7], rows(b))
    assert history.calm == {7: 1}
    history.add([8, 9], rows(b, b))
    assert history.calm == {8: 0, 9: 0}, "another block: both begin anew"


def test_a_change_as_large_as_the_bar_is_not_below_it():
    history = History(bar=0.0)
    for _ in range(3):
        history.add([4], rows([0.9, 0.1]))
    assert history.calm == {4: 0}


# ------------------------------------------------------------ the rule
# C and F stay as they are. D goes from .91 to .95, which is .95 ln(.95/.91) + .05 ln(.05/.09) = .01148 (and .01376 the
# other way round). E jumps. A stays, but is not sure.
SCRIPT = {
    "XMMMMMM": "A@1 .6, B@2 .95, C@3 .93, D@4 .91, E@5 .5, F@6 .92",
    "XMBMMMM": "A@1 .6, C@3 .93, D@4 .95, E@5 .97, F@6 .92",
    "XMBMMEM": "A@1 .6, C@3 .93, D@4 .95, F@6 .92",
    "XMBCMEF": "A@1 .6, D@4 .95",
    "XMBCDEF": "A@1 .6",
    "XMBCMMF": "A@1 .6, D@4 .95, E@5 .97",
    "XMBMDEM": "A@1 .6, C@3 .93, F@6 .92",
    "XABCMEF": "D@4 .95",
}
TWO = [["B@2"], ["E@5"], ["C@3", "F@6"], ["D@4"], ["A@1"]]


@pytest.mark.parametrize("knobs, filled", [
    ({}, TWO),
    ({"kl": 0.0114}, TWO),
    # D counts as stable.
    ({"kl": 0.0116}, [["B@2"], ["E@5"], ["D@4", "C@3", "F@6"], ["A@1"]]),
    # One call is enough, so C and F go in the second one, and E after it has stayed.
    ({"history": 1}, [["B@2"], ["C@3", "F@6"], ["E@5", "D@4"], ["A@1"]]),
    # Nothing but the best is ever filled before three comparisons.
    ({"history": 3}, [["B@2"], ["E@5"], ["D@4"], ["C@3", "F@6"], ["A@1"]]),
    # A is sure enough.
    ({"threshold": 0.55}, [["B@2"], ["E@5"], ["C@3", "F@6", "A@1"], ["D@4"]]),
])  # fmt: skip
def test_stable_and_sure_positions_are_filled_together_and_otherwise_the_best_one(knobs, filled):
    assert play(SCRIPT, block=6, **knobs)[0] == filled


def test_the_decision_names_the_stable_positions_and_counts_the_ready_ones():
    _, decisions = play(SCRIPT, block=6)
    first, second, third = decisions[:3]
    assert (first.what, first.choice, first.about) == ("how many", "1", ())
    assert first.because == (("threshold", 0.9), ("masked", 6), ("stable", 0), ("ready", 0))
    assert second.because == (("threshold", 0.9), ("masked", 5), ("stable", 0), ("ready", 0), ("least KL", 0.0))
    assert (third.choice, third.about) == ("2", (1, 3, 6))
    assert third.because == (("threshold", 0.9), ("masked", 4), ("stable", 3), ("ready", 2), ("least KL", 0.0))


def test_the_least_divergence_is_told():
    _, decisions = play({"XMM": "A@1 .99, B@2 .91", "XAM": "B@2 .95"}, block=2)
    assert [dict(d.because).get("least KL") for d in decisions] == [None, 0.011477]


def test_a_change_of_mind_begins_the_count_anew():
    """C is calm, moves from .93 to .97 (.0154) in the third call, and is calm again: in the fourth call it has been
    calm twice, but not twice in a row."""
    script = {
        "XMMMMMM": "A@1 .99, B@2 .3, C@3 .93, D@4 .3, E@5 .3, F@6 .3",
        "XAMMMMM": "B@2 .98, C@3 .93, D@4 .5, E@5 .5, F@6 .3",
        "XABMMMM": "C@3 .97, D@4 .98, E@5 .3, F@6 .3",
        "XABMDMM": "C@3 .97, E@5 .98, F@6 .3",
        "XABMDEM": "C@3 .97, F@6 .3",
        "XABCDEM": "F@6 .3",
    }
    written, decisions = play(script, block=6)
    assert written == [["A@1"], ["B@2"], ["D@4"], ["E@5"], ["C@3"], ["F@6"]]
    assert [dict(d.because)["ready"] for d in decisions] == [0, 0, 0, 0, 1, 0]


def test_a_block_entered_afresh_has_no_history():
    """Nothing ever changes here; still each block is watched for a call before more than one is filled."""
    said = "A@1 .95, B@2 .94, C@3 .93, D@4 .95, E@5 .94, F@6 .93"
    script = {state: said for state in ("XMMMMMM", "XAMMMMM", "XABCMMM", "XABCDMM")}
    assert play(script, block=3, history=1)[0] == [["A@1"], ["B@2", "C@3"], ["D@4"], ["E@5", "F@6"]]


def test_a_confidence_equal_to_the_bar_passes():
    certain = Toy(lambda pos, seen: [0.0, -math.inf, -math.inf], vocab=3, mask=2)
    trace = run("klass", certain, [0], threshold=1.0, history=1, max_new=4, block=4)
    assert [[e.pos for e in event.edits] for event in trace.events if isinstance(event, Commit)] == [[1], [2, 3, 4]]


# ------------------------------------------------------------ limits
@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
@pytest.mark.parametrize("knobs", [{"kl": 0.0, "threshold": 0.0, "history": 1}, {"kl": 2.0, "threshold": 1.0}])
def test_never_stable_or_never_sure_is_stepwise_decoding(kind, knobs):
    ours = run("klass", tiny(kind), prompt(9), max_new=12, block=8, **knobs)
    theirs = run("stepwise", tiny(kind), prompt(9), max_new=12, block=8)
    assert ours.calls == theirs.calls
    assert [e for e in ours.events if isinstance(e, Commit)] == [e for e in theirs.events if isinstance(e, Commit)]


@pytest.mark.parametrize("history, calls", [(1, 6), (2, 9), (3, 12), (4, 14)])
def test_a_model_that_does_not_change_its_mind_is_watched_for_n_calls_per_block(history, calls):
    """Blocks of 8, 8 and 4 positions: one each for n calls, then the rest at once."""
    still = Toy(lambda pos, seen: [1.0, 0.0, -30.0], vocab=3, mask=2)
    how = {"max_new": 20, "block": 8, "threshold": 0.5}
    trace = run("klass", still, [0], history=history, **how)
    written = [len(e.edits) for e in trace.events if isinstance(e, Commit)]
    rest = [*[1] * history, 8 - history]
    assert written == [*rest, *rest, *[1] * min(history, 4), *[4 - history] * (history < 4)]
    assert trace.calls == calls


def test_a_call_waits_for_the_device_twice_once_there_is_something_to_compare(monkeypatch):
    count, original = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: count.append(1) or original(self))
    trace = run("klass", tiny("llama-full"), prompt(5), max_new=12, block=8, early_stop=False)
    assert len(count) == 2 * trace.calls - 2, "two blocks, and the first call of each has nothing to compare"


def test_what_is_recorded_changes_nothing():
    runs = [
        run("klass", tiny("llama-full", 3), prompt(5), kl=0.5, threshold=0.1, max_new=16, block=8, level=level)
        for level in ("timing", "full")
    ]
    first, second = ([e for e in trace.events if isinstance(e, Commit | Decide)] for trace in runs)
    assert first == second and runs[0].calls < 16


def test_the_defaults_are_those_of_the_release():
    assert (KLASS().threshold, KLASS().kl, KLASS().history) == (0.9, 0.01, 2)
