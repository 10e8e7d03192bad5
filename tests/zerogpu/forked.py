"""The page as ZeroGPU runs it: its models run in a forked process and nowhere else. Run by tests/test_space.py in an
interpreter of its own, where `spaces` is the file beside this one."""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import gradio as gr
import pytest
import spaces
import torch

from app import race, space, ui
from app.handlers import Handlers, endpoint, polite
from decoders.errors import ModelUnavailable
from decoders.methods import stepwise
from decoders.models import catalogue
from decoders.models.catalogue import Placement
from decoders.models.hf import HFModel
from decoders.registry import METHODS
from decoders.registry import method as find
from decoders.trace import Commit, Edit, Round, Trace
from viz.assets import ASSETS
from viz.registry import views

PROMPT = "What is the capital of France?"
QUOTA = "You have exceeded your free ZeroGPU quota (9s requested vs. 3s left). Try again in 0:30:00. "


@pytest.fixture(autouse=True)
def platform(monkeypatch):
    """A Space whose models are loaded, a platform that has a card, and a page whose own process runs no model."""
    if not space._kept:
        space.preload(())
    for name, value in (("asked", []), ("refusal", None), ("lives", 10**9)):
        monkeypatch.setattr(spaces, name, value)
    here, run = os.getpid(), HFModel._run

    def elsewhere(*args, **how):
        assert os.getpid() != here, "a model ran in the page's own process"
        return run(*args, **how)

    monkeypatch.setattr(HFModel, "_run", elsewhere)


@pytest.fixture
def act() -> Handlers:
    act = Handlers(METHODS, views())
    for name, trace in recorded().items():
        act.store.add(trace=trace, name=f"bundled:{name}")
    return act


@cache
def recorded() -> dict[str, Trace]:
    names, folder = ("ssd-apples", "facts-capital", "stepwise-apples"), ASSETS / "traces"
    return {name: replace(Trace.load(folder / f"{name}.json.gz"), provenance="replay") for name in names}


def decode(act: Handlers, method: str = "ssd", compare: bool = True, **knobs):
    return act.decode(method, "tiny-llada", PROMPT, 0, compare, {"max_new": 16, **knobs})


def mine(act: Handlers) -> list[str]:
    return [run for run in act.store.ids() if not run.startswith("bundled:")]


def refuse(monkeypatch, message: str = QUOTA, title: str = "ZeroGPU quota exceeded") -> None:
    monkeypatch.setattr(spaces, "refusal", gr.Error(message, title=title, print_exception=False))


# ------------------------------------------------------------ what comes across
def test_the_run_of_another_process_is_kept_here_whole_with_its_reference(act):
    messages = [json.loads(text) for text, _, _ in decode(act)]
    trace = act.store.get(mine(act)[0]).trace
    assert [e for m in messages for e in m["events"]] == json.loads(trace.to_json())["events"]
    assert trace.finish in ("eos", "length") and "Paris" in trace.text
    assert trace.reference.method == "stepwise" and trace.difference() is None
    assert trace.provenance == "measured" and Trace.from_bytes(trace.to_bytes()).events == trace.events
    assert len(spaces.asked) == 1


def test_a_reference_that_is_wanted_later_is_a_job_of_its_own(act):
    list(decode(act, compare=False))
    (run,) = mine(act)
    assert act.store.get(run).trace.reference is None

    class Event:
        _data = {"run": run}

    said = json.loads(act.reference(Event()))
    assert said["end"]["reference"]["method"] == "stepwise" and said["events"] == []
    assert act.store.get(run).trace.difference() is None and len(spaces.asked) == 2


def test_a_race_is_one_job_and_every_method_is_warmed_up_on_the_card_it_is_timed_on(act):
    list(decode(act, compare=False))
    (run,) = mine(act)
    told = list(race.race(act.store, METHODS, {"run": run, "methods": ["stepwise", "ssd"]}, {}))
    both = ["Stepwise", "SSD"]
    assert [n["title"] for n in told if n.get("warm")] == both == [n["title"] for n in told if "done" in n]
    assert told[-1] == {"end": True} and len(spaces.asked) == 2
    runs = [act.store.get(n["run"]).trace for n in told if "done" in n]
    assert [t.method for t in runs] == ["stepwise", "ssd"] and runs[0].tokens == runs[1].tokens
    assert all(n["outside"] > 0 for n in told if "done" in n)


SWEEP = "models: [tiny-llada]\nmethods: {ssd: {n: [2, 4], max_new: 8}}\nprompts: {family: facts, n: 2}\n"


def sweep(act, **ask):
    return [json.loads(text)["sweep"] for text in act.sweep({"id": 1, **ask})]


def test_a_turn_of_a_sweep_asks_for_a_card_once_and_its_rows_are_kept_here(act):
    told = sweep(act, spec=SWEEP)
    assert (told[-1]["done"], told[-1]["of"], told[-1]["more"]) == (4, 4, False)
    rows = act.sweeps.get(told[-1]["sweep"]).rows.values()
    assert [row["error"] for row in rows] == [""] * 4 and all(row["identical"] for row in rows)
    assert spaces.asked == [17]


def test_a_sweep_that_loses_its_card_keeps_what_came_and_goes_on_with_another(act, monkeypatch):
    monkeypatch.setattr(spaces, "lives", 2)
    told = sweep(act, spec=SWEEP)
    assert told[-1]["error"].startswith("There is no GPU for this now (GPU task aborted)")
    id = told[0]["sweep"]
    assert len(act.sweeps.get(id).rows) == 2
    monkeypatch.setattr(spaces, "lives", 10**9)
    assert sweep(act, sweep=id)[-1]["more"] is False and len(act.sweeps.get(id).rows) == 4


def test_an_endpoint_answers_from_there(act):
    out = endpoint(find("ssd"), act)(PROMPT, max_new=16, reference=True)
    assert "Paris" in out["text"] and out["reference"]["identical"] is True and len(spaces.asked) == 1


def test_a_tensor_that_would_cross_is_caught(act, monkeypatch):
    def careless(models, canvas, params, chance):
        yield Round(0, 0)
        yield Commit((Edit(canvas.prompt_len, canvas.mask, 3, "unmasked", torch.tensor(0.5)),))

    careful = find("stepwise")
    monkeypatch.setattr(act, "methods", (replace(careful, decode=_by_name(monkeypatch, careless)),))
    with pytest.raises(gr.Error, match="PicklingError"):
        list(decode(act, "stepwise", compare=False))
    monkeypatch.setattr(act, "methods", METHODS)
    with pytest.raises(Exception, match="a tensor would cross"):
        list(decode(act, n=torch.tensor(2)))


def _by_name(monkeypatch, decode):
    """A method is pickled by the name of its function."""
    decode.__module__, decode.__qualname__ = stepwise.__name__, "careless"
    monkeypatch.setattr(stepwise, "careless", decode, raising=False)
    return decode


# ------------------------------------------------------------ what goes wrong
@pytest.mark.parametrize(
    "knobs, model, said",
    [({"n": 99}, "tiny-llada", "n = 99: must be between 1 and 8."), ({}, "tiny-ar", "pick another model")],
)
def test_wrong_settings_are_said_before_a_card_is_asked_for(act, knobs, model, said):
    with pytest.raises(gr.Error, match=said) as caught:
        next(polite(act.decode)("ssd", model, PROMPT, 0, True, knobs))
    assert caught.value.title == "Check the settings" and spaces.asked == [] and mine(act) == []


def test_what_only_the_other_process_finds_is_one_sentence_too(act, monkeypatch):
    def broke(*args):
        raise ModelUnavailable("tiny-llada lacks a card.")
        yield

    monkeypatch.setattr(space, "work", broke)
    with pytest.raises(gr.Error, match="^'tiny-llada lacks a card.'$"):
        next(polite(act.decode)("ssd", "tiny-llada", PROMPT, 0, True, {}))
    assert len(spaces.asked) == 1


def test_a_fault_is_no_lack_of_a_card_and_the_run_says_error(act, monkeypatch):
    def faulty(models, canvas, params, chance):
        yield Round(0, 0)
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(act, "methods", (replace(find("stepwise"), decode=_by_name(monkeypatch, faulty)),))
    with pytest.raises(gr.Error, match="ZeroDivisionError"):
        list(decode(act, "stepwise"))
    entry = act.store.get(mine(act)[0])
    assert entry.trace.finish == "error" and entry.done.is_set()


def test_stop_ends_the_other_process_and_keeps_what_came(act):
    stream = decode(act, "stepwise", max_new=256, early_stop=False)
    _, run, _ = next(stream)
    while not act.store.get(run).trace.calls:
        next(stream)
    act.store.get(run).stop.set()
    rest = list(stream)
    trace = act.store.get(run).trace
    assert trace.finish == "stopped" and 0 < trace.calls < 100 and trace.reference is None
    assert json.loads(rest[-1][0])["end"]["method"] == "stepwise" and act.store.get(run).done.is_set()


def test_a_closed_tab_ends_the_other_process(act):
    stream = decode(act, "stepwise", max_new=256, early_stop=False)
    _, run, _ = next(stream)
    stream.close()
    assert act.store.get(run).done.is_set() and act.store.get(run).trace.finish == "stopped"


# ------------------------------------------------------------ no card
@pytest.mark.parametrize(
    "title, message",
    [
        ("ZeroGPU quota exceeded", QUOTA),
        ("ZeroGPU illegal duration", "The requested GPU duration (9s) is larger than the maximum allowed"),
        ("ZeroGPU queue timeout", "No GPU was available after 60s. Retry later"),
        ("ZeroGPU pending credits exceeded", "You have too many ZeroGPU credits allocated."),
        ("ZeroGPU client error", "No GPU was available"),
    ],
)
def test_without_a_card_a_recorded_run_is_shown_and_called_one(act, monkeypatch, title, message):
    refuse(monkeypatch, message, title)
    with pytest.warns(UserWarning) as told:
        ((text, run, saved),) = decode(act)
    assert json.loads(text) == {"run": "bundled:facts-capital", "load": True} and run == "bundled:facts-capital"
    assert json.loads(act.trace({"run": run}))["provenance"] == "replay"
    assert Path(saved).is_file() and mine(act) == []
    assert str(told[0].message) == (
        f"There is no GPU for this run now ({message.strip().rstrip('.')}). "
        "What you see is a recorded run of SSD, of the same prompt."
    )


def test_the_recorded_run_may_be_of_another_prompt_and_says_so(act, monkeypatch):
    refuse(monkeypatch)
    with pytest.warns(UserWarning, match="a recorded run of Stepwise, of another prompt[.]$"):
        ((_, run, _),) = decode(act, "stepwise")
    assert run == "bundled:stepwise-apples"


def test_a_method_without_a_recorded_run_an_endpoint_a_race_and_a_reference_say_why_they_have_nothing(act, monkeypatch):
    list(decode(act, compare=False))
    (run,) = mine(act)
    refuse(monkeypatch)
    said = (
        r"There is no GPU for this now \(You have exceeded .* in 0:30:00\): look at a recorded run, or try again later"
    )
    with pytest.raises(gr.Error, match=said):
        next(polite(act.decode)("psd", "tiny-llada", PROMPT, 0, True, {}))
    with pytest.raises(gr.Error, match=said):
        endpoint(find("ssd"), act)(PROMPT)
    (text,) = act.race({"id": 1, "run": run, "methods": ["ssd"]}, {})
    assert json.loads(text)["race"]["error"].startswith("There is no GPU for this now (You have exceeded")

    class Event:
        _data = {"run": run}

    with pytest.raises(gr.Error, match=said):
        polite(act.reference)(Event())
    assert mine(act) == [run]


def test_a_card_that_is_taken_away_leaves_what_came_until_then(act, monkeypatch):
    monkeypatch.setattr(spaces, "lives", 9)
    with pytest.warns(UserWarning, match=r"^The GPU was taken away before the run had ended \(GPU task aborted\)[.] "):
        out = list(decode(act, "stepwise"))
    trace = act.store.get(mine(act)[0]).trace
    # The first of the nine is the header.
    assert len(trace.events) == 8 + 1 and trace.finish == "stopped" and Trace.load(out[-1][2]).events == trace.events


def test_a_card_that_is_taken_away_before_anything_came_leaves_a_recorded_run(act, monkeypatch):
    monkeypatch.setattr(spaces, "lives", 0)
    with pytest.warns(UserWarning, match=r"no GPU for this run now \(GPU task aborted\)[.] What you see is a recorded"):
        ((_, run, _),) = decode(act)
    assert run == "bundled:facts-capital"


# ------------------------------------------------------------ seconds, arithmetic
def test_the_usual_settings_of_every_method_ask_for_at_most_20_seconds():
    for method in METHODS:
        models = catalogue.default_models(method)
        job = space.Job(method, models, PROMPT, compare=True)
        assert 5 <= space.seconds((job,)) <= 20, method.id


def test_so_do_those_of_an_8b_model_whose_weights_the_worker_has_to_fetch(monkeypatch):
    monkeypatch.setattr(space, "_kept", {("llada-8b", "bfloat16"): 16_000_000_000})
    models, place = {"model": "llada-8b"}, Placement(dtype="bfloat16")
    for name, asked in (("stepwise", 20), ("ssd", 18), ("psd", 16)):
        assert space.estimate((space.Job(find(name), models, PROMPT, placement=place, compare=True),)) == asked


def test_tokens_method_and_reference_make_the_seconds(act):
    def asked(name: str, compare: bool = False, **knobs) -> int:
        return space.estimate((space.Job(find(name), {"model": "tiny-llada"}, PROMPT, knobs=knobs, compare=compare),))

    # 4 s for the process, 0.1 s for the weights, then 0.03 s a call: 0.5 a token with PSD, 1.5 x 1.14 stepwise.
    assert (asked("psd"), asked("stepwise"), asked("stepwise", max_new=512)) == (6, 8, 31)
    assert asked("ssd") < asked("ssd", compare=True) == 10
    one = space.Job(find("stepwise"), {"model": "tiny-llada"}, PROMPT, knobs={"max_new": 512})
    assert space.estimate((one,) * 3) == 84 and space.estimate((one,) * 9) == 120


def test_the_page_says_how_long_it_will_ask_for_a_card():
    labels = {getattr(block, "elem_id", None): block for block in ui.build().blocks.values()}
    assert labels["asks"].visible
    assert labels["asks"].value == (
        "This run asks for 10 s of GPU time; a visitor has a few minutes of it a day. Recorded runs need none."
    )
    assert ui.AT_ONCE == 4


def test_bundled_models_are_there_in_both_arithmetics_before_the_page_is_served(act):
    assert set(space._kept) == {(e.id, d) for e in catalogue.CATALOGUE for d in ("bfloat16", "float32")}
    out = list(act.decode("ssd", "tiny-llada", PROMPT, 0, False, {"max_new": 8}, None, "bfloat16"))
    assert json.loads(out[-1][0])["end"]["dtype"] == "bfloat16"


def test_another_arithmetic_than_a_model_was_loaded_in_is_refused_before_a_card_is_asked_for(act, monkeypatch):
    monkeypatch.setattr(space, "_kept", {("tiny-llada", "bfloat16"): 1})
    with pytest.raises(gr.Error, match="^'tiny-llada is here in bfloat16 only: choose that arithmetic.'$"):
        next(polite(act.decode)("ssd", "tiny-llada", PROMPT, 0, False, {}, None, "float32"))
    assert spaces.asked == []


def test_placements_are_those_of_the_machine():
    assert Placement().arithmetic == "float32"
