"""Knobs: one parser for the command line's strings, the page's floats and JSON, and one sentence for each mistake."""

import math
from dataclasses import dataclass

import pytest

from decoders import registry
from decoders.errors import BadParam, UnknownName
from decoders.params import Knob, Params, knob


@dataclass(frozen=True)
class Sample(Params):
    gamma: int = knob(4, "tokens drafted per round", lo=1, hi=16, step=1, symbol="γ")
    warm: float = knob(1.0, "0 is greedy", lo=0.0, hi=2.0, step=0.05)
    rule: str = knob("low", "who goes first", choices=("low", "high"))


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"gamma": "7"}, 7),
        ({"gamma": 7.0}, 7),
        ({"gamma": "7.0"}, 7),
        ({"gamma": 1}, 1),
        ({"gamma": 16}, 16),
    ],
)
def test_whole_numbers_come_from_strings_and_from_sliders_floats(given, expected):
    value = Sample.read(given).gamma
    assert value == expected and type(value) is int


@pytest.mark.parametrize("given, expected", [("0.5", 0.5), (2, 2.0), (0, 0.0), (1e-3, 0.001)])
def test_numbers_become_floats(given, expected):
    value = Sample.read({"warm": given}).warm
    assert value == expected and type(value) is float


@pytest.mark.parametrize(
    "given, expected",
    [("yes", True), ("No", False), ("TRUE", True), ("0", False), (1, True), (True, True), ("off", False)],
)
def test_switches_read_the_usual_words(given, expected):
    assert Sample.read({"early_stop": given}).early_stop is expected


def test_what_is_not_given_keeps_its_default():
    assert Sample.read({}) == Sample(max_new=64, block=32, early_stop=True, gamma=4, warm=1.0, rule="low")


@pytest.mark.parametrize(
    "given, message",
    [
        ({"gamma": 99}, "gamma = 99: must be between 1 and 16."),
        ({"gamma": 0}, "gamma = 0: must be between 1 and 16."),
        ({"gamma": 2.5}, "gamma = 2.5: must be a whole number from 1 to 16."),
        ({"gamma": "four"}, "gamma = 'four': must be a number from 1 to 16."),
        ({"gamma": True}, "gamma = True: must be a number from 1 to 16."),
        ({"gamma": None}, "gamma = None: must be a number from 1 to 16."),
        ({"gamma": [4]}, "gamma = [4]: must be a number from 1 to 16."),
        ({"gamma": math.nan}, "gamma = nan: must be a number from 1 to 16."),
        ({"gamma": "inf"}, "gamma = 'inf': must be a number from 1 to 16."),
        ({"gamma": 10**400}, f"gamma = {10**400}: must be a number from 1 to 16."),
        ({"warm": "-0.1"}, "warm = '-0.1': must be between 0 and 2."),
        ({"warm": "nan"}, "warm = 'nan': must be a number from 0 to 2."),
        ({"rule": "middle"}, "rule = 'middle': must be one of low, high."),
        ({"rule": 1}, "rule = 1: must be one of low, high."),
        ({"early_stop": "perhaps"}, "early_stop = 'perhaps': must be yes or no."),
        ({"early_stop": 2}, "early_stop = 2: must be yes or no."),
        ({"max_new": 513}, "max_new = 513: must be between 1 and 512."),
    ],
)
def test_a_wrong_value_is_one_sentence_with_the_name_the_value_and_the_rule(given, message):
    with pytest.raises(BadParam) as caught:
        Sample.read(given)
    assert str(caught.value) == message


def test_an_unknown_knob_suggests_the_nearest_or_lists_all():
    with pytest.raises(UnknownName, match="^There is no knob named 'gama'; did you mean gamma[?]$"):
        Sample.read({"gama": 3})
    with pytest.raises(
        UnknownName, match="^There is no knob named 'xyz'; known: block, early_stop, gamma, max_new, rule, warm[.]$"
    ):
        Sample.read({"xyz": 3})


def test_knobs_are_declared_once_and_a_methods_own_come_first():
    assert [k.name for k in Sample.knobs()] == ["gamma", "warm", "rule", "max_new", "block", "early_stop"]
    gamma = Sample.knobs()[0]
    assert gamma == Knob("gamma", int, 4, "tokens drafted per round", 1, 16, 1, (), "γ")
    assert (gamma.label, gamma.range) == ("γ · gamma", "1 to 16")
    assert [k.range for k in Sample.knobs()[1:3]] == ["0 to 2", "low | high"]
    assert [k.range for k in Sample.knobs()[4:]] == ["1 to 512", "yes or no"]
    assert Sample.knobs()[1].label == "warm"


def test_shared_settings_are_those_the_other_method_has_too():
    @dataclass(frozen=True)
    class Other(Params):
        warm: float = knob(0.0, "x", lo=0, hi=2)
        steps: int = knob(1, "x", lo=1, hi=2)

    assert Sample(max_new=5, warm=0.5).shared(Other) == {"max_new": 5, "block": 32, "early_stop": True, "warm": 0.5}


def test_every_knob_of_every_method_has_help_and_a_range_that_holds_its_default():
    for method in registry.METHODS:
        for k in method.params.knobs():
            assert 5 <= len(k.help) <= 100 and not k.help.endswith("."), (method.id, k.name)
            assert k.read(k.default) == k.default and k.read(str(k.default)) == k.default
            if k.kind in (int, float):
                assert k.lo < k.hi and k.step > 0, (method.id, k.name)
                assert k.read(k.lo) == k.lo and k.read(k.hi) == k.hi
            else:
                assert k.kind is bool or (k.kind is str and len(k.choices) >= 2), (method.id, k.name)
