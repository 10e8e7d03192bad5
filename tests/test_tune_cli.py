"""The commands that choose settings, and what they say."""

import json

import pytest

from app.__main__ import main
from tune import sweep, table
from tune.estimate import SHIPPED

SPEC = """models: [nano-sdar]
methods: {stepwise: {}, ssd: {n: [2, 99]}}
prompts: {family: facts, n: 2}
knobs: {max_new: 8}
"""


@pytest.fixture
def asked(tmp_path):
    (tmp_path / "s.yaml").write_text(SPEC)
    return tmp_path / "s.yaml"


def test_what_a_sweep_will_cost_is_said_before_it_and_dry_runs_nothing(asked, capsys):
    assert main(["sweep", str(asked), "--dry", "--jobs", "1"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("3 points x 2 prompts: 5 runs\n")
    assert 'ssd {"max_new": 8, "n": 99} cannot be run: n = 99: must be between 1 and 8.' in said
    assert "with 1 at once" in said
    assert list(asked.parent.iterdir()) == [asked]


@pytest.mark.weights
def test_a_sweep_writes_its_table_and_says_its_front_and_begun_again_makes_nothing(asked, capsys):
    out = asked.parent / "t.csv"
    assert main(["sweep", str(asked), "--out", str(out), "--jobs", "1"]) == 0
    printed = capsys.readouterr()
    assert "1 x n = 99: must be between 1 and 8." in printed.err
    assert "stepwise on nano-sdar" in printed.out and "ssd on nano-sdar" in printed.out
    made = table.load(out)
    assert len(made) == 5 and set(made["seed"]) == {0}
    before = out.read_bytes()
    assert main(["sweep", str(asked), "--out", str(out), "--jobs", "1", "--check", str(out)]) == 0
    assert "5 of them made already" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.weights
def test_a_table_that_is_not_the_other_one_is_an_error(asked, capsys):
    out, other = asked.parent / "t.jsonl", asked.parent / "o.jsonl"
    assert main(["sweep", str(asked), "--out", str(out), "--jobs", "1"]) == 0
    rows = table.load(out)
    rows.loc[0, "calls"] += 1
    table.save(rows, other)
    assert main(["sweep", str(asked), "--out", str(out), "--check", str(other)]) == 2
    said = capsys.readouterr().err
    assert "calls differs in 1 of 5 runs" in said and "The tables differ: 1 columns" in said


def test_what_cannot_be_swept_is_one_sentence(asked, capsys):
    for arguments, sentence in (
        (["sweep", str(asked)], "--out: name the table to write, sweep.parquet say."),
        (["sweep", str(asked), "--out", "t.xlsx"], "--out t.xlsx: a table is written as .parquet, .csv or .jsonl"),
        (["sweep", str(asked), "--out", "/nowhere/t.csv"], "the folder /nowhere does not exist"),
        (["sweep", "none.yaml", "--out", "t.csv"], "none.yaml cannot be read"),
        (["front", "none.parquet"], "none.parquet cannot be read"),
        (["front", "--lose", "1", "--quality", "perplexity"], "points are lost in accuracy"),
        (["front", "--model", "gpt"], "The table has no such points"),
        (["search", "psd", "--model", "tiny-sdar", "--knobs", "dept", "--out", "t.csv"], "did you mean depth?"),
        (
            ["search", "psd", "--model", "tiny-sdar", "--knobs", "depth", "--speed", "speedup", "--out", "t.csv"],
            "There is no objective named 'speedup'",
        ),
        (["search", "psd", "--model", "tiny-sdar", "--knobs", "depth=9", "--out", "t.csv"], "a range is NAME=LO:HI"),
    ):
        assert main(arguments) == 2, arguments
        assert sentence in capsys.readouterr().err, arguments


def test_the_shipped_front_is_printed_with_what_to_take_and_the_commands_that_run_it(capsys):
    assert main(["front", "--model", "tiny-sdar", "--lose", "1"]) == 0
    printed = capsys.readouterr().out
    assert "the fastest that loses at most 1 points: " in printed
    assert "the fastest with its reference's text: " in printed
    assert printed.count(".venv/bin/python -m app run ") == 3
    assert main(["front", "--json", "--model", "tiny-sdar"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert {p["model"] for p in body["points"]} == {"tiny-sdar"} and body["front"]


@pytest.mark.weights
def test_the_shipped_table_was_made_with_the_weights_that_ship():
    from decoders.models.measured import fingerprint

    rows = table.load(SHIPPED)
    used = {name: sign for weights in set(rows["weights"]) - {""} for name, sign in json.loads(weights).items()}
    assert used == {name: fingerprint(name) for name in ("tiny-llada", "tiny-sdar", "nano-sdar", "tiny-ar")}
    from tune import spec

    plan = spec.load(SHIPPED.with_suffix(".yaml"))
    assert list(rows["key"]) == [run.key for run in plan.runs]
    assert (rows["error"] == "").all()


@pytest.mark.weights
def test_runs_of_the_shipped_table_are_the_same_when_they_are_made_again():
    from tune import spec, work

    rows = table.load(SHIPPED).set_index("key")
    runs = spec.load(SHIPPED.with_suffix(".yaml")).runs
    for run in runs[5 :: len(runs) // 12]:
        made, kept = table.frame([work.measure(run)]).iloc[0], rows.loc[run.key]
        for name in ("text", "calls", "rows_tokens", "filled", "identical", "profile"):
            assert made[name] == kept[name], (run.point, run.prompt.id, name)


@pytest.mark.weights
def test_a_search_leaves_the_table_of_a_sweep_and_goes_on_where_it_was_stopped(tmp_path, capsys):
    pytest.importorskip("optuna", reason="optuna is not installed: pip install '.[search]'")

    def command(out):
        knobs = ["--knobs", "threshold=0.3:0.95", "rule", "--set", "max_new=16", "--prompts", "facts:2"]
        where = ["--trials", "6", "--jobs", "1", "--out", str(out)]
        return main(["search", "threshold", "--model", "nano-sdar", *knobs, *where])

    whole, begun = tmp_path / "whole.jsonl", tmp_path / "begun.jsonl"
    assert command(whole) == 0
    rows = table.load(whole)
    found = table.points(rows)
    assert 3 <= len(found) <= 6 and (rows["error"] == "").all()
    assert all(0.3 <= p["settings"]["threshold"] <= 0.95 and p["settings"]["max_new"] == 16 for p in found)
    # Stopped in the middle: the journal has some of the rows.
    with sweep.Journal(begun).path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows.head(5).to_dict("records"))
    assert command(begun) == 0
    assert table.differences(table.load(begun), rows) == []
