"""A recording: what it keeps while a run happens, how masks are numbered, what it is compared with, and when it may
be stopped."""

import pytest
import torch
import transformers
from toys import EOS, MASK, Toy, hashed, prompt, timed_run, tiny

from decoders.run import Recording, run
from decoders.trace import Commit, Finish, Judge, Propose, Trace


def test_the_vocabulary_names_every_token_that_occurs(trace):
    seen = {*trace.canvas, *trace.tokens, trace.mask, *trace.eos} - {-1}
    for call in trace.forwards:
        seen |= {token for belief in call.beliefs for token, _ in belief.top}
    for view in trace.rounds:
        seen |= {token for event in view.of(Propose) for node in event.nodes for _, token in node.fills}
        seen |= {v.choice[1] for event in view.of(Judge) for v in event.verdicts if v.choice[1] >= 0}
    if trace.reference:
        seen |= set(trace.reference.tokens)
    assert set(trace.vocab) == seen
    assert trace.vocab[EOS[0]] == f"<{EOS[0]}>"


def test_the_header_says_who_ran_what_where():
    trace = run("threshold", tiny("qwen3-block"), prompt(9), seed=4, threshold=0.5, max_new=6, level="full")
    assert (trace.method, trace.model, trace.models, trace.seed) == (
        "threshold",
        "tiny-qwen3-block",
        {"model": "tiny-qwen3-block"},
        4,
    )
    assert trace.paper == "Fast-dLLM: confidence-aware parallel decoding (Wu et al. 2025), arXiv:2505.22618"
    assert trace.params == {
        "max_new": 6,
        "block": 8,
        "early_stop": True,
        "threshold": 0.5,
        "rule": "threshold",
        "factor": 1.0,
        "cache": "none",
        "fold": False,
    }
    assert (trace.attention, trace.block, trace.mask, trace.eos, trace.level) == ("block", 8, MASK, EOS, "full")
    assert trace.attentions == {"tiny-qwen3-block": ("block", 8)}
    assert (trace.prompt, trace.prompt_len, trace.canvas) == ("", 9, (*prompt(9), *[MASK] * 6))
    assert set(EOS) | {MASK} == set(trace.specials)
    assert trace.versions == {"torch": torch.__version__, "transformers": transformers.__version__}
    assert trace.hardware.startswith("CPU ") and trace.dtype == "float32"
    assert trace.provenance == "measured" and len(trace.recorded) == 10


@pytest.mark.parametrize("level, top", [("timing", 0), ("trace", 5), ("full", 8)])
def test_a_level_says_how_many_tokens_are_recorded_per_position(level, top):
    trace = run("stepwise", tiny("llama-full"), prompt(4), max_new=3, block=4, level=level)
    assert {len(belief.top) for call in trace.forwards for belief in call.beliefs} == ({top} if top else set())


def test_the_block_defaults_to_the_models_own():
    assert run("stepwise", tiny("qwen3-block"), prompt(3), max_new=2).block == 8
    assert run("stepwise", tiny("qwen3-block"), prompt(3), max_new=2, block=3).block == 3
    assert run("stepwise", tiny("llama-full"), prompt(3), max_new=2).block == 32


def test_a_mask_is_written_down_once_and_named_by_number_after_that():
    trace = run("stepwise", tiny("qwen3-block"), prompt(3), max_new=6, block=4, early_stop=False)
    carried = [(call.mask, len(call.sees)) for call in trace.forwards]
    shapes = [(call.role, call.cached, call.length) for call in trace.forwards]
    first = {}
    for (number, rows), shape in zip(carried, shapes, strict=True):
        assert number > 0
        assert rows == (0 if number in first else shape[2])
        first.setdefault(number, shape)
    assert shapes[:2] == [("denoise", 0, 4), ("prefill", 0, 4)]
    assert len(first) < len(carried)
    assert trace.forwards[0].sees == (((0, 4),),) * 4


def test_the_models_own_mask_is_number_zero_and_not_written():
    trace = run("stepwise", tiny("qwen3-block"), prompt(3), max_new=6, block=8)
    assert {(call.mask, call.sees) for call in trace.forwards} == {(0, ())}


def test_the_reference_runs_on_the_same_model_prompt_and_shared_settings():
    trace = run("ssd", tiny("llama-full", 3), prompt(6), reference=True, max_new=12, block=8, n=3, early_stop=False)
    alone = run("stepwise", tiny("llama-full", 3), prompt(6), max_new=12, block=8, early_stop=False)
    ref = trace.reference
    assert (ref.method, ref.label) == ("stepwise", "stepwise (R1, one token per call)")
    assert (ref.tokens, ref.calls, ref.rows_tokens) == (alone.tokens, 12, 12 * 18)
    assert trace.difference() is None and ref.seconds > 0


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block"])
def test_an_exact_method_does_not_differ_from_the_reference_it_ran(kind):
    trace = run("ssd", tiny(kind, 3), prompt(9), reference=True, max_new=20, block=8)
    assert trace.difference() is None and trace.reference.calls > trace.calls


def test_a_reference_run_can_be_stopped_and_then_there_is_none():
    recording = Recording("ssd", tiny("llama-full"), prompt(6), max_new=12, block=8)
    assert list(recording)
    asked = iter([False, False, False, True])
    assert recording.compare(lambda: next(asked)) is None
    assert recording.reference is None and next(asked, "used up") == "used up"
    assert recording.compare() is not None


def test_a_reference_method_has_no_reference():
    recording = Recording("stepwise", hashed(0), [1], max_new=2, block=2)
    assert list(recording) and recording.compare() is None and recording.trace.reference is None


def test_an_approximate_method_may_differ_and_the_trace_says_where():
    model, ids = hashed(3, sway=1.0, eos=0), [1, 2]
    trace = run("threshold", model, ids, reference=True, threshold=0.2, max_new=16, block=16)
    alone = run("stepwise", model, ids, max_new=16, block=16)
    where = trace.difference()
    assert where is not None and where >= 2
    assert trace.tokens[:where] == alone.tokens[:where] and trace.tokens[where] != alone.tokens[where]


def test_events_come_while_the_run_happens_and_can_be_taken_up_again():
    recording = Recording("stepwise", hashed(0), [1, 2], max_new=3, block=4, early_stop=False)
    events = iter(recording)
    first = [next(events) for _ in range(4)]
    assert recording.events == first and isinstance(first[-1], Commit)
    assert recording.trace.tokens.count(recording.canvas.mask) == 2
    rest = list(events)
    assert recording.events == first + rest and rest[-1] == Finish("length")
    assert list(recording) == []


def test_a_run_that_was_never_started_is_closed_as_stopped():
    recording = Recording("ssd", hashed(0), [1], max_new=3, block=4)
    recording.close()
    assert recording.events == [Finish("stopped")] and recording.trace.calls == 0


def test_prompts_are_encoded_by_the_model():
    recording = Recording("stepwise", hashed(0), "ab", max_new=1, block=4)
    assert recording.canvas.ids[:2] == [ord("a") % 13, ord("b") % 13] and recording.trace.prompt == "ab"


def test_a_run_is_timed_inside_its_calls_and_its_tokens_are_those_before_the_end_of_the_text(monkeypatch):
    """Prompt, warm-up, what the listener does and the tail count neither as tokens nor as time."""
    trace = timed_run(monkeypatch, call=0.25)
    assert (len(trace.tokens), trace.prompt_len, trace.tokens[11:]) == (19, 11, (5, 6, 7, 8, EOS[0], 9, 9, 9))
    assert [call.seconds for call in trace.forwards] == [0.25] * 8
    assert (trace.seconds, trace.ids) == (2.0, (5, 6, 7, 8))


def test_a_fault_in_a_model_ends_the_record_with_error_and_is_not_swallowed():
    def broken(pos, seen):
        raise ZeroDivisionError

    recording = Recording("stepwise", Toy(broken, vocab=10, mask=9), [1, 2], max_new=4, block=4)
    with pytest.raises(ZeroDivisionError):
        list(recording)
    assert recording.trace.finish == "error"
    assert Trace.from_bytes(recording.trace.to_bytes()).finish == "error"


@pytest.mark.parametrize(
    ("method", "knobs"), [("stepwise", {}), ("stepwise", {"temperature": 2.0}), ("threshold", {}), ("ssd", {})]
)
def test_a_model_that_prefers_the_mask_fills_every_position_all_the_same(method, knobs):
    """Filling a position with the mask would leave it open, and the decoder would ask for it for ever."""
    model = Toy(lambda pos, seen: [0.0] * 4 + [1.0] * 5 + [50.0], vocab=10, mask=9)
    trace = run(method, model, [1, 2], max_new=8, block=4, **knobs)
    assert trace.finish == "length"
    assert 9 not in trace.tokens
    assert all(
        0.0 < edit.p < 1e-9 or edit.p == 0.0
        for event in trace.events
        if isinstance(event, Commit)
        for edit in event.edits
    )
