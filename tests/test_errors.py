"""Every mistake a person can make is answered with one sentence, at the door, and has an exit code."""

import pytest
from toys import hashed, prompt, tiny

from decoders.errors import (
    BadParam,
    BadPrompt,
    ExplorerError,
    Incompatible,
    ModelUnavailable,
    TraceError,
    UnknownName,
    UsageError,
)
from decoders.run import Recording, run
from decoders.trace import Trace


def one_sentence(text: str) -> bool:
    return "\n" not in text and text[-1] in ".?" and len(text) < 400 and not text.endswith("..")


@pytest.mark.parametrize("error, code", [
    (ExplorerError, 1), (UsageError, 2), (UnknownName, 2), (BadParam, 2), (BadPrompt, 2), (Incompatible, 2),
    (ModelUnavailable, 3), (TraceError, 4),
])  # fmt: skip
def test_exit_codes(error, code):
    assert issubclass(error, ExplorerError) and error.exit_code == code


def attempts():
    model = hashed(0)
    return {
        "unknown method": (UnknownName, lambda: Recording("sdd", model, [1])),
        "method far from any": (UnknownName, lambda: Recording("qqqqqq", model, [1])),
        "unknown model": (UnknownName, lambda: Recording("ssd", "tiny-lama", "hello")),
        "unknown knob": (UnknownName, lambda: Recording("ssd", model, [1], steps=4)),
        "knob out of range": (BadParam, lambda: Recording("ssd", model, [1], n=99)),
        "unknown level": (BadParam, lambda: Recording("ssd", model, [1], level="everything")),
        "negative seed": (BadParam, lambda: Recording("ssd", model, [1], seed=-1)),
        "seed too large": (BadParam, lambda: Recording("ssd", model, [1], seed=2**63)),
        "seed not a number": (BadParam, lambda: Recording("ssd", model, [1], seed="7")),
        "seed a bool": (BadParam, lambda: Recording("ssd", model, [1], seed=True)),
        "empty prompt": (BadPrompt, lambda: Recording("ssd", model, "")),
        "blank prompt": (BadPrompt, lambda: Recording("ssd", model, " \n\t")),
        "no tokens": (BadPrompt, lambda: Recording("ssd", model, [])),
        "text too long": (BadPrompt, lambda: Recording("ssd", model, "x" * 20_001)),
        "prompt too long for the model": (BadPrompt, lambda: Recording("ssd", model, [1] * 500, max_new=13)),
        "causal model": (Incompatible, lambda: Recording("ssd", tiny("llama-causal"), prompt(3))),
        "wrong roles": (Incompatible, lambda: Recording("ssd", {"target": model, "drafter": model}, [1])),
        "no roles": (Incompatible, lambda: Recording("ssd", {}, [1])),
        "no reference": (TraceError, lambda: run("ssd", model, [1], max_new=2).difference()),
        "no such file": (TraceError, lambda: Trace.load("/no/such/trace.json")),
        "a folder": (TraceError, lambda: Trace.load("/")),
    }


@pytest.mark.parametrize("name", attempts())
def test_each_mistake_gets_its_error_in_one_sentence(name):
    kind, attempt = attempts()[name]
    with pytest.raises(kind) as caught:
        attempt()
    assert type(caught.value) is kind and one_sentence(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("name, message", [
    ("unknown method", "There is no method named 'sdd'; did you mean ssd?"),
    (
        "unknown knob",
        "There is no knob named 'steps'; known: block, budget, cache, early_stop, fold, max_new, n, tree, width.",
    ),
    (
        "prompt too long for the model",
        "The prompt has 500 tokens and 13 are to be generated: toy has room for 512 together; "
        "shorten the prompt or lower max_new.",
    ),
    (
        "causal model",
        "ssd needs a model with full or block attention: tiny-llama-causal is causal; pick another model.",
    ),
    ("wrong roles", "ssd needs models for model: got target, drafter."),
    ("negative seed", "seed = -1: must be a whole number from 0 to 2^63 - 1."),
])  # fmt: skip
def test_the_sentences_name_the_thing_the_rule_and_the_next_step(name, message):
    with pytest.raises(ExplorerError) as caught:
        attempts()[name][1]()
    assert str(caught.value) == message


def test_a_prompt_that_just_fits_is_accepted():
    assert len(Recording("ssd", hashed(0), [1] * 500, max_new=12).canvas.ids) == 512


def test_settings_are_checked_before_the_model_is_even_looked_up():
    with pytest.raises(BadParam, match="^n = 99: "):
        Recording("ssd", "no such model", "hello", n=99)


def test_a_fault_inside_a_model_is_not_made_into_an_error_of_the_visitor():
    def broken(pos, seen):
        raise ZeroDivisionError("a bug")

    model = hashed(0)
    model.score = broken
    with pytest.raises(ZeroDivisionError):
        run("ssd", model, [1], max_new=2)
