"""The page's handlers are functions of values: they stream, stop, open files and refuse politely."""

import inspect
import json
import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import gradio as gr
import pytest
from models.checkpoints import write

from app import stage, words
from app.drawn import Drawn
from app.guest import Guest, meet
from app.handlers import Handlers, endpoint, polite
from app.links import Settings
from app.store import MAX_RUNS, Store
from app.ui import _choices, _drafters, _measure, _meet, _menu, _panels, _picked, build
from decoders.errors import UnknownName, UsageError
from decoders.models import catalogue, checkpoint, hub, memory
from decoders.models.catalogue import Placement
from decoders.registry import METHODS
from decoders.registry import method as find
from decoders.trace import MAX_FILE_BYTES, Trace
from tests.samples import tiny_trace
from viz import theme
from viz.base import View
from viz.registry import views

needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
PROMPT = "What is the capital of France?"


@pytest.fixture
def act() -> Handlers:
    return Handlers(METHODS, views())


def replayed(messages: list[str]) -> tuple[dict, list]:
    """What a player holds after these messages: the header and all events."""
    header, events = {}, []
    for text in messages:
        m = json.loads(text)
        assert m["seq"] == len(events)
        events += m["events"]
        header |= m.get("begin", {}) | m.get("end", {})
        header["vocab"] |= m["vocab"]
    return header, events


@needs_weights
def test_the_messages_of_a_run_add_up_to_its_trace(act):
    out = list(act.decode("ssd", "tiny-llada", PROMPT, 0, True, {"n": 4, "max_new": 32}))
    header, events = replayed([text for text, _, _ in out])
    trace = act.store.get(out[0][1]).trace
    rebuilt = Trace.from_bytes(json.dumps({**header, "events": events}).encode())
    assert rebuilt.events == trace.events
    assert rebuilt.reference.method == "stepwise"
    assert rebuilt.difference() is None
    assert Trace.load(out[-1][2]).events == trace.events


@needs_weights
def test_a_drawn_run_is_not_compared_and_says_what_it_promises(act):
    knobs = {"temperature": 1.0, "max_new": 6}
    out = list(act.decode("speculative", "tiny-ar", PROMPT, 0, True, knobs, "nano-sdar"))
    header, _ = replayed([text for text, _, _ in out])
    assert header["guarantee"] == "exact" and header["reference"] is None
    assert header["models"] == {"target": "tiny-ar", "draft": "nano-sdar"}


@needs_weights
def test_no_message_carries_an_event_twice_and_the_first_comes_before_any_decoding(act):
    stream = act.decode("stepwise", "tiny-llada", PROMPT, 0, False, {"max_new": 32})
    first = json.loads(next(stream)[0])
    assert first["events"] == [] and first["begin"]["method"] == "stepwise"
    stream.close()


@needs_weights
def test_stop_ends_the_run_within_one_step_and_keeps_what_there_was(act):
    stream = act.decode("stepwise", "tiny-llada", PROMPT, 0, True, {"max_new": 64})
    _, run, _ = next(stream)
    next(stream)
    before = len(act.store.get(run).live.events)
    act.store.get(run).stop.set()
    rest = list(stream)
    trace = act.store.get(run).trace
    assert trace.finish == "stopped"
    assert len(trace.events) - before <= 5
    assert trace.reference is None
    assert json.loads(rest[-1][0])["end"]["method"] == "stepwise"


@needs_weights
def test_a_closed_tab_ends_the_run(act):
    stream = act.decode("stepwise", "tiny-llada", PROMPT, 0, True, {"max_new": 64})
    _, run, _ = next(stream)
    stream.close()
    entry = act.store.get(run)
    assert entry.done.is_set() and entry.trace.finish == "stopped"


@pytest.mark.parametrize("name", ["a/b", "../../x", "x" * 80])
def test_a_run_is_saved_in_its_own_folder_whatever_it_calls_itself(act, tmp_path, name):
    path = replace(tiny_trace(), method=name, model=name).save(tmp_path / "t.json.gz")
    _, _, saved = act.open(str(path))
    assert Path(saved).parent.parent == act.files and Trace.load(saved).model == name


def test_a_file_is_opened_as_a_replay_and_can_be_saved_again(act, tmp_path):
    path = tiny_trace().save(tmp_path / "t.json.gz")
    text, run, saved = act.open(str(path))
    assert json.loads(text) == {"run": run, "load": True}
    assert json.loads(act.trace({"run": run}))["provenance"] == "replay"
    assert Trace.load(saved).events == tiny_trace().events


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not json", "not JSON"),
        (b"[1]", "must be an object|is a JSON object"),
        (b"x" * (MAX_FILE_BYTES + 1), "at most 8388608"),
        (tiny_trace().to_json().replace('"draft"', "7").encode(), r"events\[1\].role = 7"),
    ],
)
def test_a_bad_file_is_one_sentence_and_the_store_is_unchanged(act, tmp_path, content, said):
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(gr.Error, match=said):
        polite(act.open)(str(path))
    assert len(act.store._entries) == 0


@pytest.mark.parametrize(
    ("method", "model", "prompt", "knobs", "said"),
    [
        ("ssd", "tiny-llada", "   ", {}, "The prompt is empty"),
        ("ssd", "tiny-llada", PROMPT, {"n": 99}, "n = 99: must be between 1 and 8."),
        ("ssd", "tiny-lada", PROMPT, {}, "did you mean tiny-llada?"),
        ("sssd", "tiny-llada", PROMPT, {}, "did you mean ssd?"),
        ("ssd", "tiny-llada", "x" * 20_001, {}, "at most 20000"),
    ],
)
def test_wrong_settings_are_a_toast_of_one_sentence(act, method, model, prompt, knobs, said):
    with pytest.raises(gr.Error, match=said) as caught:
        next(polite(act.decode)(method, model, prompt, 0, True, knobs))
    assert str(caught.value.message).count("\n") == 0
    assert len(act.store._entries) == 0


@needs_weights
def test_a_prompt_longer_than_the_context_says_how_much_room_there_is(act):
    with pytest.raises(gr.Error, match="room for 512 together"):
        next(polite(act.decode)("ssd", "tiny-llada", "word " * 600, 0, True, {}))


def test_every_view_answers_with_a_figure_or_a_sentence(act):
    entry = act.store.add(trace=tiny_trace())
    for view in views():
        for at in (0, 5, 10, 10_000, -3, None, "x"):
            figure = act.figure({"run": entry.id, "view": view.id, "at": at, "dark": True})
            assert "data" in figure or "payload" in figure or figure["empty"]
    assert "no longer" in act.figure({"run": "nobody", "view": "tree", "at": 0})["empty"]


def test_many_figures_are_those_asked_for_in_that_order_with_one_template(act):
    entry = act.store.add(trace=tiny_trace())
    ask = {"run": entry.id, "view": "confidence", "dark": True}
    reply = json.loads(act.figures({**ask, "ats": [10, 3, "x", 10_000]}))
    alone = [act.figure({**ask, "at": at}) for at in (10, 3, 10, 10)]
    assert reply["template"] == alone[0]["layout"]["template"] == theme.template_json(True)
    assert all("template" not in figure["layout"] for figure in reply["figures"])
    for figure in reply["figures"]:
        figure["layout"]["template"] = reply["template"]
    assert reply["figures"] == alone and alone[0] != alone[1]
    assert json.loads(act.figures({**ask, "ats": None}))["figures"] == []
    assert len(json.loads(act.figures({**ask, "ats": [1] * 500}))["figures"]) == 64
    assert "no longer" in json.loads(act.figures({**ask, "run": "nobody", "ats": [1]}))["figures"][0]["empty"]


def counted(view: View) -> tuple[View, list[int]]:
    asked = []

    def info(trace, at):
        asked.append(at)
        return view.info(trace, at)

    return replace(view, info=info), asked


def test_viewers_share_the_figures_of_a_finished_run_and_a_live_run_is_drawn_anew():
    view, asked = counted(next(v for v in views() if v.id == "confidence"))
    act = Handlers(METHODS, (view,))
    ended, live = act.store.add(trace=tiny_trace()), act.store.add(trace=tiny_trace())
    live.done.clear()
    for entry in (ended, ended, live, live):
        act.figures({"run": entry.id, "view": "confidence", "ats": [3, 10]})
    assert asked == [3, 10, 3, 10, 3, 10]
    act.figures({"run": ended.id, "view": "confidence", "ats": [3], "dark": True})
    assert asked[6:] == [3]


def test_drawn_figures_stay_within_their_budget_and_the_one_asked_for_last_stays_longest():
    drawn = Drawn(most=10)
    for key in "abac":
        assert drawn.get(key, lambda key=key: key * 4) == key * 4
    assert drawn.size == 8
    assert drawn.get("a", lambda: "new") == "aaaa" and drawn.get("b", lambda: "new") == "new"


def test_the_player_is_loaded_before_the_lenses_these_by_their_names_then_what_they_say(monkeypatch, tmp_path):
    names = [str(path.relative_to(stage.ASSETS)) for path in stage.SCRIPTS]
    lenses, spoken = ([n for n in names if n.startswith(f"{folder}/")] for folder in ("lenses", "words"))
    assert names == ["player.js", *sorted(lenses), *sorted(spoken), "page.js"]
    assert "lenses/race.js" in lenses and "words/de/race.js" in spoken
    monkeypatch.setattr(stage, "SCRIPTS", [tmp_path / "player.js", tmp_path / "a.js"])
    made = stage.player(views(), "")
    assert re.findall(r'src="[^"]*/([\w.]+)"', made.head) == ["player.js", "a.js"]
    shown = json.loads(made.props["views"])
    assert [(v["id"], v["medium"]) for v in shown if v["id"] == "confidence"] == [("confidence", "plotly")]
    assert "grid" not in [v["id"] for v in shown] and [v["order"] for v in shown] == sorted(v["order"] for v in shown)


def test_run_ids_cannot_be_guessed_and_the_oldest_runs_go_first():
    store = Store()
    first = store.add(trace=tiny_trace())
    shipped = store.add(trace=tiny_trace(), name="bundled:x")
    for _ in range(MAX_RUNS):
        store.add(trace=tiny_trace())
    assert len(first.id) >= 20
    assert store.get(first.id) is None
    assert store.get(shipped.id) is shipped
    assert store.get(None) is None and store.get(["a"]) is None


OWN_BLOCKS = (("tiny-llada", {}), ("tiny-sdar", {"block": 0}), ("tiny-sdar", {"block": 4}))


@needs_weights
def test_each_method_is_an_endpoint_with_its_knobs_as_arguments(act):
    call = endpoint(find("ssd"), act)
    out = call(PROMPT, "tiny-llada", max_new=32)
    assert out["method"] == "ssd" and out["params"]["max_new"] == 32 and out["calls"] > 0
    # Without a block size each model decodes in its own.
    blocks = [call(PROMPT, model, max_new=16, **given)["params"]["block"] for model, given in OWN_BLOCKS]
    assert blocks == [32, 8, 4]
    with pytest.raises(gr.Error, match="must be between 1 and 8"):
        call(prompt=PROMPT, n=99)


def test_the_page_builds_and_offers_one_public_endpoint_per_method():
    demo = build()
    public = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"}
    assert public == {m.id for m in METHODS}


def test_no_text_of_a_run_is_ever_part_of_a_template():
    assert "{{" not in stage.TEMPLATE and "${" not in stage.TEMPLATE
    acts = r"\.(?:innerHTML|outerHTML|insertAdjacentHTML)|document\.write|\beval\(|new Function"
    for path in [*stage.SCRIPTS, *(stage.ASSETS / name for name in ("mount.js", "early.js", "report.js"))]:
        assert re.findall(acts, path.read_text()) == [], path.name


def test_reference_is_refused_politely_for_a_run_that_has_none(act):
    class Event:
        _data = {"run": "nobody"}

    with pytest.raises(UsageError):
        act.reference(Event())


def test_the_model_menus_offer_what_fits_the_method():
    stepwise, diffuspec = find("stepwise"), find("diffuspec")
    assert _choices(stepwise, 1, "tiny-llada") == {"choices": [], "value": None, "visible": False}
    assert _choices(stepwise, 0, "tiny-ar")["value"] == "tiny-llada"
    assert [id for _, id in _choices(diffuspec, 0, "tiny-llada")["choices"]] == ["tiny-ar"]
    assert {id for _, id in _choices(diffuspec, 1, None)["choices"]} <= {"tiny-llada", "tiny-sdar", "nano-sdar"}
    about, model, draft, *panels = _panels(METHODS, "diffuspec", "tiny-llada", None)
    assert (model["value"], model["visible"], draft["visible"]) == ("tiny-ar", True, True)
    assert [panel["visible"] for panel in panels] == [m.id == "diffuspec" for m in METHODS]


def test_a_drafter_may_be_causal_or_block_causal_but_not_the_model_it_drafts_for():
    speculative = find("speculative")
    assert [id for _, id in _choices(speculative, 0, None)["choices"]] == ["tiny-ar"]
    menu = _choices(speculative, 1, None, "tiny-ar")
    assert [id for _, id in menu["choices"]] == ["tiny-sdar", "nano-sdar"]
    assert menu["value"] == "tiny-sdar" and menu["visible"]
    assert _choices(speculative, 1, "nano-sdar", "tiny-ar")["value"] == "nano-sdar"
    assert _choices(speculative, 1, "tiny-ar", "tiny-ar")["value"] == "tiny-sdar"
    # For another target a causal model may draft too.
    assert [id for _, id in _choices(speculative, 1, "tiny-ar", "nano-sdar")["choices"]] == ["tiny-sdar", "tiny-ar"]
    assert _choices(speculative, 1, "tiny-ar", "nano-sdar")["value"] == "tiny-ar"
    _, model, draft, *_ = _panels(METHODS, "speculative", "tiny-llada", "tiny-llada")
    assert (model["value"], draft["value"]) == ("tiny-ar", "tiny-sdar")
    assert [id for _, id in draft["choices"]] == ["tiny-sdar", "nano-sdar"]


def test_another_model_makes_room_for_the_one_it_replaces_in_the_menu_of_drafters():
    draft = _drafters(METHODS, "simsd", "nano-sdar", "nano-sdar")
    assert ([id for _, id in draft["choices"]], draft["value"]) == (["tiny-sdar"], "tiny-sdar")
    draft = _drafters(METHODS, "simsd", "tiny-sdar", "tiny-sdar")
    assert ([id for _, id in draft["choices"]], draft["value"]) == (["nano-sdar"], "nano-sdar")
    assert _drafters(METHODS, "stepwise", "tiny-sdar", None)["visible"] is False


def test_where_there_is_only_one_model_it_drafts_for_itself(monkeypatch):
    monkeypatch.setattr(catalogue, "CATALOGUE", tuple(e for e in catalogue.CATALOGUE if e.id == "tiny-ar"))
    menu = _choices(find("speculative"), 1, None, "tiny-ar")
    assert [id for _, id in menu["choices"]] == ["tiny-ar"] and menu["value"] == "tiny-ar"


def test_the_method_menu_names_every_method_once_with_its_group_and_keeps_groups_together():
    menu = _menu(METHODS)
    assert sorted(name for _, name in menu) == sorted(m.id for m in METHODS)
    groups = [text.rsplit(" · ", 1)[1] for text, _ in menu]
    assert [group for group, _ in groupby(groups)] == ["reference", "diffusion", "block", "autoregressive"]
    shown = {name: text for text, name in menu}
    assert shown["stepwise"] == "Stepwise · reference" and shown["ar"] == "Autoregressive · reference"
    assert shown["ssd"] == "SSD · diffusion" and shown["s2d2"] == "S2D2 · block"
    assert shown["diffuspec"] == "DiffuSpec · autoregressive"


def test_a_model_without_files_says_so_in_the_menu_and_when_it_is_run(act, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    assert _choices(find("ar"), 0, None)["choices"] == [("tiny-ar · autoregressive, 17 M (not trained yet)", "tiny-ar")]
    with pytest.raises(gr.Error, match=r"tiny-ar lacks config.json, .* in tiny-ar/: train it with ") as caught:
        next(polite(act.decode)("ar", "tiny-ar", PROMPT, 0, False, {}))
    assert str(caught.value.message).count("\n") == 0
    assert build()


def test_a_method_of_two_models_takes_the_second_by_its_role(act):
    assert list(inspect.signature(endpoint(find("diffuspec"), act)).parameters)[:3] == ["prompt", "model", "draft"]
    assert "draft: id of a model with full or block attention" in endpoint(find("diffuspec"), act).__doc__
    with pytest.raises(gr.Error, match="did you mean nano-sdar[?]"):
        next(polite(act.decode)("diffuspec", "tiny-ar", PROMPT, 0, False, {}, "nano-sdr"))


def test_another_model_sets_every_block_size_to_the_one_it_was_trained_for():
    note, *blocks = _picked(3, "tiny-sdar")
    assert "blocks of 8" in note
    assert blocks == [8, 8, 8]


def test_settings_of_an_address_decide_the_models_of_their_method_and_the_block_size_of_their_model():
    knobs = {"block": 4}
    asked = Settings(find("s2d2"), {"model": "nano-sdar"}, "Hello", 7, knobs)
    _, model, *_ = _panels(METHODS, "s2d2", "tiny-llada", None, asked)
    assert model["value"] == "nano-sdar"
    assert _panels(METHODS, "ssd", "tiny-llada", None, asked)[1]["value"] == "tiny-llada"
    assert _picked(2, "nano-sdar", asked)[1:] == [4, 4]
    assert _picked(2, "tiny-sdar", asked)[1:] == [8, 8]


# ------------------------------------------------------------ other models, arithmetic
@pytest.mark.parametrize(
    "name", ["/etc", "../assets/models/tiny-llada", "JetLM/SDAR-1.7B-Chat", "sdar-1.7b", "me/mine@v1"]
)
def test_a_model_that_the_page_does_not_offer_is_refused_before_anything_is_read(act, monkeypatch, name):
    source = catalogue.source
    monkeypatch.setattr(
        catalogue, "source", lambda asked: pytest.fail("it was looked for") if asked == name else source(asked)
    )
    with pytest.raises(gr.Error, match="^\"There is no model on this page named '.*'; (known|did you mean)") as caught:
        next(polite(act.decode)("ssd", name, PROMPT, 0, True, {}))
    assert caught.value.title == "Check the settings"
    with pytest.raises(gr.Error, match="There is no model on this page named"):
        endpoint(find("ssd"), act)(PROMPT, name)
    with pytest.raises(gr.Error, match="There is no model on this page named"):
        endpoint(find("speculative"), act)(PROMPT, draft=name)


def test_a_model_that_the_owner_offers_or_any_where_visitors_may_load_is_let_through():
    mine = Guest("me/mine", "me/mine", "SDAR", "block", 4)
    offering, open_ = Handlers(METHODS, (), (mine,)), Handlers(METHODS, (), loading=True)
    assert offering.admit({"model": "me/mine"}) == open_.admit({"model": "me/mine"}) == {"model": "me/mine"}
    with pytest.raises(UnknownName):
        offering.admit({"model": "/etc"})


def elements(demo: gr.Blocks) -> set[str]:
    return {block.elem_id for block in demo.blocks.values() if getattr(block, "elem_id", None)}


def test_other_models_are_on_the_page_only_where_it_was_started_so(monkeypatch):
    usual, loading = elements(build()), elements(build(loading=True))
    assert loading - usual == {"named", "look", "check", "met"} and usual <= loading
    monkeypatch.setenv("UNMASKED_MODELS", "sdar-1.7b")
    demo = build(offered=("sdar-1.7b",))
    assert elements(demo) == usual
    (model,) = [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == "model"]
    assert ("sdar-1.7b · SDAR", "sdar-1.7b") in model.choices and model.value == "tiny-llada"


@pytest.fixture
def folder(tmp_path) -> str:
    """A tiny SDAR checkpoint, as its authors would publish one."""
    return str(write(tmp_path / "mine", "sdar"))


def test_a_visitors_model_is_described_before_it_is_loaded_and_gets_into_the_menus_it_fits(folder, monkeypatch):
    monkeypatch.setattr(catalogue, "load", lambda *args: pytest.fail("it was loaded"))
    monkeypatch.setattr(memory, "free", lambda device: 8_000_000_000)
    asked = (METHODS, f" {folder} ", "float32", "ssd", (), "tiny-llada", None)
    said, guests, model, _, check = _meet(*asked)
    assert said["value"].split("\n")[2] == words.UNMEASURED and check["visible"]
    assert (guests, model["value"]) == ((), "tiny-llada"), "nobody has measured it yet"
    said, guests, model, draft, check = _meet(*asked, "As measured.")
    assert said["value"].split("\n")[2] == "As measured." and not check["visible"]
    told = said["value"].split("\n")
    assert told[0] == (
        "mine: SDAR, block attention in blocks of 4; a position is predicted by its own row; mask 95, end 94; room for "
        "512 tokens."
    )
    assert told[1] == "Needs about 10 MB, 1 MB of them weights; 8.0 GB are free on cpu: it fits."
    assert told[3].startswith("As the model of Stepwise, ") and "S2D2" in told[3] and "Dream" not in told[3]
    assert told[4] == "As the draft model of SimSD, Speculative decoding, DiffuSpec."
    assert guests == (Guest(folder, "mine", "SDAR", "block", 4),)
    assert (model["value"], ("mine · SDAR", folder) in model["choices"], draft["visible"]) == (folder, True, False)
    again = _meet(METHODS, folder, "float32", "diffuspec", guests, "tiny-ar", "tiny-llada", "As measured.")
    assert again[1] == guests and (again[2]["value"], again[3]["value"]) == ("tiny-ar", folder)
    assert folder not in [id for _, id in _choices(find("ar"), 0, None, guests=guests)["choices"]]
    note, *blocks = _picked(2, folder, None, guests)
    assert blocks == [4, 4] and note.startswith("SDAR, block attention.")


def test_a_public_model_is_described_without_a_network_and_one_that_does_not_fit_stays_out_of_the_menus(monkeypatch):
    monkeypatch.setattr(hub, "fetch", lambda *args: pytest.fail("it was fetched"))
    monkeypatch.setattr(memory, "free", lambda device: 20_000_000_000)
    said, guests, model, _, check = _meet(
        METHODS, "GSAI-ML/LLaDA-8B-Instruct", "bfloat16", "ssd", (), "tiny-llada", None
    )
    assert "Needs about 19.6 GB, 16.0 GB of them weights; 20.0 GB are free on cpu: it fits." in said["value"]
    assert "the first run fetches them" in said["value"] and not check["visible"]
    assert [(g.name, g.attention) for g in guests] == [("llada-8b", "full")] and model["value"] == "llada-8b"
    said, guests, model, *_ = _meet(METHODS, "llada-8b", "float32", "ssd", (), "tiny-llada", None)
    assert "20.0 GB are free on cpu: it does not fit, so the menus do not have it." in said["value"]
    assert guests == () and model["value"] == "tiny-llada"


def test_of_an_unknown_repository_only_the_small_files_are_fetched(folder, monkeypatch):
    asked = []

    def fetch(repo, revision, files):
        asked.append((repo, revision, files))
        return Path(folder)

    monkeypatch.setattr(hub, "cached", lambda repo, revision: None)
    monkeypatch.setattr(hub, "fetch", fetch)
    said, guests, _, _, check = _meet(METHODS, "me/mine@v1", "float32", "ssd", (), "tiny-llada", None)
    assert asked == [("me/mine", "v1", checkpoint.FACTS)] and "model.safetensors" not in " ".join(checkpoint.FACTS)
    assert guests == () and check["visible"] and said["value"].startswith("me/mine: SDAR, ")


def test_a_folder_with_the_name_of_a_public_model_stays_that_folder(tmp_path):
    mine = str(write(tmp_path / "llada-8b", "sdar"))
    met = meet(mine, Placement())
    assert (met.guest.name, met.guest.family, met.here) == (mine, "SDAR", True)


def test_a_model_that_answers_no_better_than_chance_stays_out_of_the_menus(folder):
    with pytest.raises(gr.Error, match="mine: the model predicts no better than chance .* Check the folder[.]"):
        polite(_measure)(METHODS, folder, "float32", "ssd", (), "tiny-llada", None)


@needs_weights
def test_a_strangers_mask_shift_and_attention_are_measured_before_it_gets_into_the_menus():
    copy = str(catalogue.MODELS / "tiny-llada")
    said, guests, model, _, check = _measure(METHODS, copy, "float32", "ssd", (), "tiny-llada", None)
    assert "full attention" in said["value"] and "masked tokens of" in said["value"]
    assert [g.attention for g in guests] == ["full"] and model["value"] == copy and not check["visible"]


@pytest.mark.parametrize(
    "name, said",
    [
        ("/etc", "/etc lacks config.json, tokenizer.json, model.safetensors in etc/: give a folder"),
        ("", "There is no model named ''; "),
        ("sdar-1.7", "did you mean sdar-1.7b[?]"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_sentence(name, said):
    with pytest.raises(gr.Error, match=said) as caught:
        polite(_meet)(METHODS, name, "float32", "ssd", (), None, None)
    assert str(caught.value.message).count("\n") == 0


def test_a_visitors_model_is_run_raced_and_compared(folder):
    act = Handlers(METHODS, views(), loading=True)
    out = list(act.decode("ssd", folder, "Hello", 0, True, {"max_new": 8, "n": 2}))
    trace = act.store.get(out[-1][1]).trace
    assert trace.model == "mine" and trace.difference() is None
    told = [json.loads(text)["race"] for text in act.race({"run": out[-1][1], "methods": ["stepwise"]}, {})]
    assert told[-1]["end"] is True
    (run,) = [n["run"] for n in told if "done" in n]
    assert act.store.get(run).trace.model == "mine"


@needs_weights
def test_the_arithmetic_is_the_pages_for_run_reference_and_endpoint_and_comes_with_the_header(act):
    def ran(dtype):
        out = list(act.decode("ssd", "tiny-llada", PROMPT, 0, True, {"max_new": 8}, None, dtype))
        return act.store.get(out[-1][1]).trace, json.loads(out[0][0])["begin"]

    fast, begin = ran("bfloat16")
    assert begin["dtype"] == fast.dtype == "bfloat16" and fast.hardware.endswith(", bfloat16")
    assert fast.reference is not None
    assert [ran(dtype)[0].dtype for dtype in ("float32", None)] == ["float32", "float32"]
    call = endpoint(find("ssd"), act)
    assert call(PROMPT, max_new=4, dtype="bfloat16")["hardware"].endswith(", bfloat16")
    assert call(PROMPT, max_new=4)["hardware"].endswith("threads")
    with pytest.raises(gr.Error, match="dtype = 'int8': must be one of auto, float32, bfloat16, float16."):
        call(PROMPT, dtype="int8")


def test_the_page_has_a_switch_for_exactness_and_begins_with_what_suits_the_machine():
    (switch,) = [block for block in build().blocks.values() if getattr(block, "elem_id", None) == "dtype"]
    assert switch.value == "float32" and [value for _, value in switch.choices] == ["bfloat16", "float32"]
    assert "not bit for bit" in switch.info and "a lossless method may leave its reference by rounding" in switch.info
    assert "asks" not in {b.elem_id for b in build().blocks.values() if getattr(b, "elem_id", None) and b.visible}
