"""A link opens a recorded run or fills in the controls; what it names and is not there is left out and said."""

from dataclasses import replace

import pytest

from app import links
from app.guest import Guest
from app.links import read
from app.stage import ASSETS
from decoders.registry import METHODS
from decoders.registry import method as find
from decoders.trace import Trace

SETTINGS = {
    "method": "ssd",
    "models": {"model": "tiny-llada"},
    "prompt": "What is ${alert(1)}?",
    "seed": 7,
    "knobs": {"n": 2, "max_new": 32, "block": 16},
}


def opened(data):
    return read(data, METHODS, lambda run: run == "bundled:ssd-apples")


def test_a_recorded_run_is_opened_and_parts_that_the_player_could_not_follow_are_named():
    assert opened({"run": "bundled:ssd-apples", "wrong": []}) == ("bundled:ssd-apples", None, ())
    link = opened({"run": "bundled:ssd-apples", "wrong": ["pos", "lens", "<b>"]})
    assert link == ("bundled:ssd-apples", None, ("view", "position"))


def test_settings_are_checked_before_they_reach_the_controls():
    link = opened({"settings": SETTINGS})
    assert link.run is None and link.wrong == ()
    assert link.settings == (find("ssd"), {"model": "tiny-llada"}, "What is ${alert(1)}?", 7, SETTINGS["knobs"], "")


def test_the_arithmetic_of_a_link_is_one_that_is_known_or_none():
    for given, dtype in (("bfloat16", "bfloat16"), ("<b>", ""), ([1], ""), (None, "")):
        assert opened({"settings": {**SETTINGS, "dtype": given}}).settings.dtype == dtype


def test_a_link_may_name_a_model_of_the_visitors_menu_where_it_fits_and_no_other():
    mine = Guest("me/mine", "me/mine", "SDAR", "block", 4)
    settings = {**SETTINGS, "models": {"model": "me/mine"}}
    assert opened({"settings": settings}).wrong == ("settings",)
    assert read({"settings": settings}, METHODS, bool, (mine,)).settings.models == {"model": "me/mine"}
    assert read({"settings": settings}, METHODS, bool, (replace(mine, attention="causal"),)).wrong == ("settings",)


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "sssd"},
        {"method": ["ssd"]},
        {"models": {}},
        {"models": {"model": "tiny-ar"}},
        {"models": {"model": ["x"]}},
        {"models": "tiny-llada"},
        {"prompt": 3},
        {"prompt": "x" * 1_000_001},
        {"seed": -1},
        {"seed": True},
        {"seed": 1.5},
        {"knobs": {"n": 99}},
        {"knobs": {"nn": 1}},
        {"knobs": {"n": [1]}},
        {"knobs": [1]},
    ],
)
def test_settings_that_are_wrong_anywhere_are_left_out_whole(changed):
    assert opened({"settings": {**SETTINGS, **changed}}) == (None, None, ("settings",))


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (None, ()),
        ([], ()),
        ({}, ()),
        ({"wrong": "run"}, ()),
        ({"wrong": [["run"], {}]}, ()),
        ({"run": "bundled:nothing", "wrong": ["run"]}, ("run",)),
        ({"run": "someone-elses"}, ("run",)),
        ({"run": ["bundled:ssd-apples"]}, ("run",)),
        ({"settings": ""}, ("settings",)),
        ({"settings": []}, ("settings",)),
    ],
)
def test_what_is_no_link_opens_nothing(data, wrong):
    assert opened(data) == (None, None, wrong)


@pytest.mark.parametrize("path", sorted((ASSETS / "traces").glob("*.json.gz")), ids=lambda p: p.name)
def test_a_recorded_run_is_settings_for_the_controls(path):
    trace = Trace.load(path)
    asked = links.of(trace, METHODS)
    assert asked is not None
    assert (asked.method.id, asked.prompt, asked.seed) == (trace.method, trace.prompt, trace.seed)
    assert asked.models == trace.models and asked.knobs == trace.params


def test_a_run_that_cannot_be_made_here_is_none():
    trace = Trace.load(ASSETS / "traces" / "ssd-apples.json.gz")
    for wrong in ({"method": "gone"}, {"models": {"model": "gone"}}, {"params": {**trace.params, "gone": 1}}):
        assert links.of(replace(trace, **wrong), METHODS) is None
