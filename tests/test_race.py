"""The server's half of the race: which runs of a prompt are here, and methods run one after another, timed alone."""

import json
from dataclasses import replace

import pytest

from app import race, space
from app.handlers import Handlers
from app.space import Job
from app.store import Entry, Store
from decoders.errors import UsageError
from decoders.models import catalogue
from decoders.models.catalogue import Placement
from decoders.registry import METHODS
from decoders.registry import method as find
from decoders.run import run
from decoders.trace import Forward
from tests.samples import tiny_trace

needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
PROMPT = "What is the capital of France?"


@pytest.fixture
def store() -> Store:
    """Two bundled runs of one prompt, a bundled run of another, and a visitor's own run of the first."""
    store = Store()
    store.add(trace=tiny_trace(), name="bundled:ssd")
    step = replace(tiny_trace(), method="stepwise", title="Stepwise", guarantee="reference", params={})
    store.add(trace=step, name="bundled:stepwise")
    store.add(trace=tiny_trace(prompt="other"), name="bundled:other")
    store.add(trace=replace(tiny_trace(), params={"n": 3}))
    return store


def mine(store: Store) -> str:
    return next(run for run in store.ids() if not run.startswith("bundled:"))


def short(method: str) -> dict:
    """A finished run to race against, in a store of its own."""
    store = Store()
    entry = store.add(trace=replace(run(method, "tiny-llada", PROMPT, max_new=8), provenance="measured"))
    return {"store": store, "run": entry.id}


def test_runs_of_the_prompt_are_listed_in_the_order_of_the_methods_and_no_others(store):
    listed = race.runs(store, METHODS, {"run": "bundled:ssd"})["runs"]
    assert [r["run"] for r in listed] == ["bundled:stepwise", "bundled:ssd"]


def test_a_visitors_run_is_listed_only_for_the_page_that_knows_its_id(store):
    ask = {"run": "bundled:ssd", "seen": [mine(store), "gone", 7]}
    listed = race.runs(store, METHODS, ask)["runs"]
    assert [r["run"] for r in listed] == ["bundled:stepwise", "bundled:ssd", mine(store)]


def test_a_run_is_listed_with_its_reference_decoder_and_the_settings_that_are_its_own(store):
    here = race.runs(store, METHODS, {"run": mine(store)})["runs"][-1]
    assert (here["reference"], here["settings"], here["calls"]) == ("stepwise", "N = 3", 2)


def test_a_run_that_is_gone_is_said(store):
    assert "run it again" in race.runs(store, METHODS, {"run": "nobody"})["error"]
    assert "run it again" in race.runs(store, METHODS, {})["error"]


def test_a_run_that_is_still_going_is_not_listed(store):
    store.get("bundled:stepwise").done.clear()
    assert [r["run"] for r in race.runs(store, METHODS, {"run": "bundled:ssd"})["runs"]] == ["bundled:ssd"]


def test_no_two_methods_have_the_same_marker(store):
    looks = race.runs(store, METHODS, {"run": "bundled:ssd"})["looks"]
    assert len(looks) == len(METHODS) == len({marker for _, _, marker in looks.values()})


def test_methods_get_the_model_of_the_run_where_it_fits_and_no_model_twice():
    like = replace(tiny_trace(), model="tiny-sdar")
    assert race._models(find("ssd"), Entry("x", finished=like)) == {"model": "tiny-sdar"}
    assert race._models(find("diffuspec"), Entry("x", finished=like)) == {"target": "tiny-ar", "draft": "tiny-llada"}
    assert race._models(find("simsd"), Entry("x", finished=replace(like, model="nano-sdar"))) == {
        "target": "nano-sdar",
        "draft": "tiny-sdar",
    }


def test_a_model_that_was_named_by_a_visitor_is_raced_by_the_name_that_was_given():
    trace = replace(tiny_trace(), model="mine", attention="block")
    job = Job(find("block"), {"model": "/models/mine"}, PROMPT)
    assert race._models(find("ssd"), Entry("x", finished=trace, job=job)) == {"model": "/models/mine"}
    assert race._models(find("stepwise"), Entry("x", finished=trace)) == {"model": "tiny-llada"}
    assert race._models(find("ar"), Entry("x", finished=trace, job=job)) == {"model": "tiny-ar"}


def test_the_reference_takes_the_settings_of_the_run_and_others_its_length_alone():
    like = replace(tiny_trace(), params={"n": 2, "max_new": 16, "block": 4, "cache": "dual"})
    assert race._knobs(find("stepwise"), like, "like", {}) == {"max_new": 16, "block": 4}
    assert race._knobs(find("ssd"), like, "default", {"n": 5}) == {"max_new": 16}
    page = {"n": 5, "block": 32, "max_new": 24}
    assert race._knobs(find("ssd"), like, "page", page) == {"max_new": 24, "n": 5, "block": 32}


@needs_weights
@pytest.mark.parametrize(("model", "block"), [("tiny-llada", 4), ("tiny-sdar", 32)])
def test_the_pages_block_size_is_that_of_a_lane_on_the_pages_model_and_no_others(model, block):
    here = short("stepwise")
    ask = {"run": here["run"], "methods": ["ssd"], "settings": "page"}
    *_, done, _ = race.race(here["store"], METHODS, ask, {"ssd": {"n": 2, "block": 4}}, model)
    assert here["store"].get(done["run"]).trace.block == block


def test_a_block_size_that_is_not_the_models_own_is_among_the_settings_of_a_lane(store):
    entry = store.add(trace=replace(tiny_trace(), model="tiny-llada", method="stepwise", block=8, params={"block": 8}))
    here = race._listed(entry, METHODS)
    assert here["settings"] == "B = 8"
    entry = store.add(trace=replace(tiny_trace(), model="toy", method="stepwise", block=8, params={"block": 8}))
    assert race._listed(entry, METHODS)["settings"] == ""


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ({"run": "gone", "methods": ["ssd"]}, "no longer on the server"),
        ({"run": "bundled:ssd", "methods": []}, "one to 4 different methods"),
        ({"run": "bundled:ssd", "methods": "ssd"}, "one to 4 different methods"),
        ({"run": "bundled:ssd", "methods": ["ssd", "ssd"]}, "one to 4 different methods"),
        ({"run": "bundled:ssd", "methods": ["ar", "ssd", "psd", "wino", "eb"]}, "one to 4 different methods"),
        ({"run": "bundled:ssd", "methods": ["sssd"]}, "did you mean ssd"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(store, ask, said):
    before = set(store.ids())
    with pytest.raises(UsageError, match=said):
        next(race.race(store, METHODS, ask, {}))
    assert set(store.ids()) == before


def test_a_run_without_a_prompt_text_cannot_be_raced(store):
    entry = store.add(trace=replace(tiny_trace(), prompt=""))
    with pytest.raises(UsageError, match="no prompt text"):
        next(race.race(store, METHODS, {"run": entry.id, "methods": ["ssd"]}, {}))


def test_a_refusal_reaches_the_lens_as_one_sentence_under_the_number_of_its_race():
    act = Handlers(METHODS, ())
    (text,) = act.race({"id": 3, "run": "gone", "methods": ["ssd"]}, {})
    news = json.loads(text)["race"]
    assert news["id"] == 3 and news["error"].startswith("This run is no longer on the server")


@needs_weights
def test_every_method_is_warmed_up_before_the_first_is_timed_and_each_ends_before_the_next_begins():
    here = short("stepwise")
    out = list(race.race(here["store"], METHODS, {"run": here["run"], "methods": ["stepwise", "ssd"]}, {}))
    kinds = [(n.get("i"), "warm" if "warm" in n else "done" if "done" in n else "calls") for n in out[:-1]]
    assert list(dict.fromkeys(kinds)) == [
        (1, "warm"),
        (2, "warm"),
        (1, "calls"),
        (1, "done"),
        (2, "calls"),
        (2, "done"),
    ]
    assert out[-1] == {"end": True}
    made = [here["store"].get(n["run"]).trace for n in out if "done" in n]
    assert [t.method for t in made] == ["stepwise", "ssd"]
    assert {(t.prompt, t.seed, t.model, t.params["max_new"], t.provenance) for t in made} == {
        (PROMPT, 0, "tiny-llada", 8, "measured")
    }
    assert made[0].tokens == made[1].tokens
    assert all(n["outside"] > 0 for n in out if "done" in n)


@needs_weights
def test_what_the_listener_does_meanwhile_is_not_counted(monkeypatch):
    class Clock:
        now = 0.0

        def perf_counter(self):
            self.now += 0.5
            return self.now

        monotonic = perf_counter

    clock = Clock()
    monkeypatch.setattr(space, "time", clock)
    told, outside = [], None
    for news in space.work((Job(find("stepwise"), {"model": "tiny-llada"}, PROMPT, knobs={"max_new": 8}),)):
        told += news.events
        outside = news.outside
        clock.now += 1000
    # Each step of the recording, and the one that finds the end, lies between two looks at the clock.
    assert outside + sum(e.seconds for e in told if isinstance(e, Forward)) == pytest.approx(0.5 * (len(told) + 1))


@needs_weights
def test_stop_ends_the_race_and_nothing_more_is_said():
    here = short("stepwise")
    stream = race.race(here["store"], METHODS, {"run": here["run"], "methods": ["stepwise", "ssd"]}, {})
    news = next(n for n in stream if "calls" in n)
    entry = here["store"].get(news["run"])
    entry.stop.set()
    rest = list(stream)
    assert not [n for n in rest if "done" in n or "end" in n or n["i"] == 2]
    assert entry.done.is_set() and entry.trace.finish == "stopped"


@needs_weights
def test_a_closed_tab_ends_the_race():
    here = short("stepwise")
    stream = race.race(here["store"], METHODS, {"run": here["run"], "methods": ["stepwise"]}, {})
    entry = here["store"].get(next(stream)["run"])
    assert not entry.done.is_set()
    stream.close()
    assert entry.done.is_set()


@needs_weights
def test_the_warm_up_of_a_method_is_its_first_three_calls_and_comes_before_any_that_is_timed(monkeypatch):
    here, warmed, make = short("stepwise"), [], Job.recording

    def watched(job, level="trace"):
        made = make(job, level)
        warmed.extend([made] if level == "timing" else [])
        return made

    monkeypatch.setattr(Job, "recording", watched)
    stream = race.race(here["store"], METHODS, {"run": here["run"], "methods": ["stepwise", "ssd"]}, {})
    next(n for n in stream if "calls" in n)
    assert [(made.trace.method, made.trace.calls) for made in warmed] == [("stepwise", 3), ("ssd", 3)]
    stream.close()


@needs_weights
def test_a_race_is_in_the_arithmetic_of_the_page_and_one_like_a_run_in_that_runs():
    here, fast = short("stepwise"), Placement("cpu", "bfloat16")
    for settings, dtype in (("default", "bfloat16"), ("like", "float32")):
        ask = {"run": here["run"], "methods": ["ssd"], "settings": settings}
        *_, done, _ = race.race(here["store"], METHODS, ask, {}, "", fast)
        assert here["store"].get(done["run"]).trace.dtype == dtype
