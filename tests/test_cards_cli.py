"""`python -m app cards`: what it prints is labelled, what is wrong is one sentence and exit code 2."""

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.cards import cards
from app.modelled import sentence
from app.store import Store
from decoders.registry import METHODS
from decoders.trace import Trace
from tune.roofline import MOST

TRACES = Path(__file__).resolve().parents[1] / "assets" / "traces"


def path(name: str) -> str:
    return str(TRACES / f"{name}-apples.json.gz")


def run(capsys, *argv: str) -> tuple[int, str, str]:
    code = main(["cards", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_table_says_what_was_measured_and_marks_what_is_modelled(capsys):
    code, out, err = run(capsys, path("ssd"), "--against", path("stepwise"), "--card", "l4", "--model", "llada-8b")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "SSD against Stepwise"
    assert lines[1] == (
        "measured  0.797 s and 0.422 s: x 1.89 of plain decoding's time, tiny-llada, CPU x86_64, 1 of 2 threads"
    )
    assert lines[2].startswith("MODELLED  ~")
    assert lines[4] == "MODELLED for tiny-llada with the sizes of llada-8b; batch 1, 0 tokens of context more"
    table = lines[6:13]
    assert [line.split()[0] for line in table] == ["this-cpu", "t4", "l4", "a100", "h100", "h200", "rtx4090"]
    assert all(line.count("~") == 3 for line in table)
    assert table[1].endswith("(does not fit: 16 GB)") and "does not fit" not in table[2]
    assert lines[14].startswith("l4: ") and lines[15].startswith("Assumed: kernels reach ")


def test_one_json_object_holds_all_of_it(capsys):
    code, out, _ = run(capsys, path("speculative"), "--batch", "8", "--context", "512", "--compile", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["asked"] == {"card": "h100", "like": "", "batch": 8, "context": 512, "compiled": True}
    assert said["plain"] == {"label": "autoregressive (R4, one token per call)", "exact": False}
    assert {name: of for name, (of, *_) in said["sizes"].items()} == {"tiny-ar": "tiny-ar", "nano-sdar": "nano-sdar"}
    assert [row["compiled"] for row in said["rows"]] == [False, *[True] * 6]


def test_the_crossing_is_said_in_words():
    crossing = {"batch": 4, "batch_ideal": 3, "context": None, "context_ideal": None}
    assert sentence({"crossing": crossing}) == (
        "slower than plain decoding from 4 texts at once on (3 if kernels reached all of the card); "
        f"not slower up to {MOST['context']} tokens of context more."
    )


@pytest.mark.parametrize(
    "argv, says",
    [
        ((path("ssd"), "--card", "h300"), "There is no card named 'h300'; did you mean h200?"),
        ((path("ssd"), "--batch", "0"), "batch = 0: must be a whole number from 1 to 1024."),
        ((path("ssd"), "--model", "sdar-8b"), "There is no model with full attention to ask this run as"),
        ((path("ssd"), "--against", path("ar")), "ar on tiny-ar is no plain run of this trace's prompt by tiny-llada"),
        ((path("ssd"), "--against", path("threshold")), "name one of stepwise or ar."),
    ],
)
def test_what_is_wrong_is_one_sentence(capsys, argv, says):
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "") and says in err and len(err.splitlines()) == 1


# ------------------------------------------------------------ the page's question
def test_the_page_compares_with_a_recorded_run_of_the_prompt_or_one_that_it_has_shown():
    store = Store()
    ssd = store.add(trace=Trace.load(path("ssd")), name="bundled:ssd")
    assert cards(store, METHODS, {"run": ssd.id})["plain"]["exact"] is False
    mine = store.add(trace=Trace.load(path("stepwise")))
    assert cards(store, METHODS, {"run": ssd.id})["plain"]["exact"] is False, "somebody else's run is not looked at"
    said = cards(store, METHODS, {"run": ssd.id, "seen": [mine.id], "card": "t4", "batch": 2})
    assert said["plain"] == {"label": "Stepwise", "exact": True}
    assert (said["asked"]["card"], said["asked"]["like"], said["asked"]["batch"]) == ("t4", "llada-8b", 2)


def test_the_page_is_told_in_a_sentence_what_cannot_be_answered():
    store = Store()
    ssd = store.add(trace=Trace.load(path("ssd")), name="bundled:ssd")
    assert "batch = 'many'" in cards(store, METHODS, {"run": ssd.id, "batch": "many"})["error"]
    assert cards(store, METHODS, {"run": "gone"})["error"]
