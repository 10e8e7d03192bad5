"""Which runs the mask lens shows masks of: finished ones of the prompt, the reference decoder's before others."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.drawn import Drawn
from app.masks import masks
from app.store import Store
from decoders.registry import METHODS
from decoders.trace import Trace

TRACES = Path(__file__).resolve().parents[1] / "assets" / "traces"


@pytest.fixture
def store() -> Store:
    store = Store()
    for name in ("ar-apples", "diffuspec-apples", "simsd-apples", "stepwise-apples", "facts-capital"):
        trace = replace(Trace.load(TRACES / f"{name}.json.gz"), provenance="replay")
        store.add(trace=trace, name=f"bundled:{name}")
    return store


def listed(store: Store, **ask) -> dict[str, tuple[str, int]]:
    answer = masks(store, METHODS, Drawn(), {"run": "bundled:simsd-apples", **ask})
    return {step["kind"]: (step["run"], step["call"]) for step in answer["masks"]}


def test_each_kind_of_mask_is_shown_by_one_run_of_the_prompt(store):
    # DiffuSpec's calls are larger than AR's, and AR is the reference decoder.
    assert listed(store) == {
        "full": ("bundled:stepwise-apples", 0),
        "block": ("bundled:simsd-apples", 0),
        "temporal": ("bundled:simsd-apples", 6),
        "causal": ("bundled:ar-apples", 0),
    }


def test_runs_that_go_on_and_runs_of_other_visitors_are_left_out(store):
    store.get("bundled:ar-apples").done.clear()
    assert listed(store)["causal"] == ("bundled:diffuspec-apples", 1)
    own = store.add(trace=Trace.load(TRACES / "wino-apples.json.gz"))
    assert "shadows" not in listed(store)
    assert listed(store, seen=[own.id, "gone", 7])["shadows"] == (own.id, 0)


def test_a_mask_comes_with_what_its_caption_has_to_say(store):
    answer = masks(store, METHODS, Drawn(), {"run": "bundled:facts-capital"})
    (step,) = answer["masks"]
    assert (step["kind"], step["run"]) == ("full", "bundled:facts-capital")
    assert step["closed"] == 0, "full attention"
    head = step["head"]
    assert (head["title"], head["model"], head["provenance"]) == ("SSD", "tiny-llada", "replay")
    assert head["hardware"].startswith("CPU ") and "events" not in head and "vocab" not in head


def test_a_run_that_is_gone_is_said(store):
    assert "run it again" in masks(store, METHODS, Drawn(), {"run": "nobody"})["error"]
    assert "run it again" in masks(store, METHODS, Drawn(), {})["error"]
