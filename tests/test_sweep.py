"""Sweeps: every run once, whatever stops, hangs, crashes or is lost on the way."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from decoders.errors import UsageError
from tune import spec, sweep, table, work
from tune.sweep import Journal, Workers

ROOT = Path(__file__).resolve().parents[1]
SPEC = {
    "models": ["nano-sdar"],
    "methods": {"stepwise": {}, "ssd": {"n": [2, 4]}, "threshold": {"threshold": [0.6, 0.9]}},
    "prompts": {"family": "facts", "n": 2},
    "knobs": {"max_new": 16},
    "judge": "",
}


def plan(**more):
    return spec.plan({**SPEC, **more})


def fake(run):
    """A row without a model."""
    return work.measure(run._replace(point=run.point._replace(fault="fake"))) | {"key": run.key, "error": ""}


def dies(folder, times, run):
    """Kills its worker `times` times for every run of ssd with n = 4; `folder` remembers how often it did."""
    mark = folder / run.key
    if run.point.knobs.get("n") == 4 and len(mark.read_text() if mark.exists() else "") < times:
        with mark.open("a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return fake(run)


def counted(rows):
    return Counter(row["key"] for row in rows)


@pytest.mark.weights
def test_a_row_says_what_the_run_gave_as_the_trace_of_the_same_run_does():
    from decoders.run import run as decode

    made = plan(methods={"ssd": {"n": [4]}}, judge="tiny-ar", repeats=2).runs[0]
    row = work.measure(made)
    trace = decode("ssd", "nano-sdar", made.prompt.text, n=4, max_new=16, reference=True)
    assert row["error"] == "" and row["guarantee"] == "greedy-exact"
    assert (row["text"], row["calls"], row["rows_tokens"]) == (trace.text, trace.calls, trace.rows_tokens)
    assert row["tokens_per_call"] == trace.tokens_per_call
    assert row["acceptance_length"] == trace.acceptance_length == row["written"] / row["rounds"]
    assert (row["identical"], row["agreement"], row["reference"]) == (True, 1.0, "stepwise")
    assert row["reference_calls"] == trace.reference.calls
    assert 0 < row["wall_low"] <= row["wall_median"] <= row["wall_high"] and row["repeats"] == 2
    assert sum(call[1] * call[2] * call[4] for call in json.loads(row["profile"])) == trace.rows_tokens
    assert row["judged_tokens"] == len(trace.ids) and row["nats"] > 0
    assert json.loads(row["params"])["n"] == 4


@pytest.mark.weights
def test_a_text_that_leaves_its_reference_says_where_and_how_much_is_the_same():
    from decoders.run import run as decode

    made = plan(methods={"threshold": {"threshold": [0.0]}}, prompts={"family": "word", "n": 1}).runs[0]
    row = work.measure(made)
    trace = decode("threshold", "nano-sdar", made.prompt.text, threshold=0.0, max_new=16, reference=True)
    assert row["identical"] is False and row["first_divergence"] == trace.difference()
    assert 0 <= row["agreement"] < 1


@pytest.mark.weights
def test_agreement_is_over_the_longer_of_the_two_texts():
    from decoders.run import run as decode

    lengths = set()
    for made in plan(
        methods={"threshold": {"threshold": [0.0]}}, prompts={"family": "choice", "n": 4}, knobs={"max_new": 48}
    ).runs:
        row = work.measure(made)
        ours = decode("threshold", "nano-sdar", made.prompt.text, threshold=0.0, max_new=48).ids
        theirs = decode("stepwise", "nano-sdar", made.prompt.text, max_new=48).ids
        lengths.add(len(theirs) - len(ours))
        same = sum(a == b for a, b in zip(ours, theirs, strict=False))
        assert row["agreement"] == same / max(len(ours), len(theirs))
    assert min(lengths) < 0 < max(lengths)


def test_a_row_that_comes_twice_is_counted_once(tmp_path, monkeypatch):
    def twice(chunk, at_once, measure):
        for run in chunk:
            yield from (measure(run), measure(run))

    monkeypatch.setattr(sweep, "_parallel", twice)
    made = plan()
    rows = list(sweep.run(made, Journal(tmp_path / "t.jsonl"), Workers(jobs=1), fake))
    assert counted(rows) == {r.key: 1 for r in made.runs}
    assert len(table.load(tmp_path / "t.jsonl")) == len(made.runs)


@pytest.mark.weights
def test_a_reference_decoder_agrees_with_itself():
    row = work.measure(plan(methods={"stepwise": {}}).runs[0])
    assert (row["agreement"], row["identical"], row["guarantee"]) == (1.0, True, "reference")
    assert row["reference_calls"] == row["calls"]


def test_what_is_wrong_with_one_point_is_in_its_row_and_the_others_are_made(tmp_path):
    made = plan(methods={"ssd": {"n": [2, 99]}, "threshold": {"threshold": [math.nan]}, "nothing": {}})
    rows = list(sweep.run(made, Journal(tmp_path / "t.jsonl"), Workers(jobs=1)))
    errors = {row["error"] for row in rows if row["error"]}
    assert errors == {
        "n = 99: must be between 1 and 8.",
        "threshold = nan: must be a number from 0 to 1.",
        next(e for e in errors if e.startswith("There is no method named 'nothing'")),
    }
    assert len([row for row in rows if not row["error"]]) == 2  # ssd n = 2 on two prompts
    assert len(table.load(tmp_path / "t.jsonl")) == 5


def test_runs_are_made_prompt_by_prompt_and_the_table_stands_in_the_plans_order(tmp_path):
    made = plan()
    prompts = [r.prompt.id for r in sweep.order(made.runs)]
    assert prompts == sorted(prompts) and len(set(prompts[:5])) == 1
    list(sweep.run(made, Journal(tmp_path / "t.parquet"), Workers(jobs=1), fake))
    assert list(table.load(tmp_path / "t.parquet")["key"]) == [r.key for r in made.runs]


def test_a_sweep_that_was_left_goes_on_with_what_is_not_there(tmp_path):
    made, out = plan(), tmp_path / "t.parquet"
    first = sweep.run(made, Journal(out), Workers(jobs=1), fake)
    begun = [next(first) for _ in range(4)]
    first.close()
    assert not out.exists() and Journal(out).path.exists()
    rest = list(sweep.run(made, Journal(out), Workers(jobs=1), fake))
    assert counted(begun + rest) == counted(fake(r) for r in made.runs)
    assert out.exists() and not Journal(out).path.exists()
    assert list(sweep.run(made, Journal(out), Workers(jobs=1), fake)) == []


def test_a_line_that_was_cut_off_is_a_run_that_was_not_made(tmp_path):
    made, journal = plan(), Journal(tmp_path / "t.jsonl")
    for r in made.runs[:3]:
        journal.keep(fake(r))
    whole = journal.path.read_text()
    journal.path.write_text(whole[:-20])
    assert set(journal.rows(made)) == {r.key for r in made.runs[:2]}
    journal.keep(fake(made.runs[3]))
    assert set(journal.rows(made)) == {made.runs[i].key for i in (0, 1, 3)}
    journal.keep(fake(made.runs[0]) | {"text": "again"})
    assert "text" not in journal.rows(made)[made.runs[0].key]


def test_another_spec_with_the_same_file_takes_what_both_have(tmp_path):
    out = tmp_path / "t.parquet"
    list(sweep.run(plan(methods={"ssd": {"n": [2]}}), Journal(out), Workers(jobs=1), fake))
    wider = plan(methods={"ssd": {"n": [2, 4]}})
    assert len(list(sweep.run(wider, Journal(out), Workers(jobs=1), fake))) == 2
    assert len(table.load(out)) == 4


@pytest.mark.parametrize(("times", "lost"), [(1, 0), (99, 2)])
def test_runs_of_a_lost_worker_are_made_again_and_only_the_one_that_kills_is_given_up(tmp_path, times, lost):
    made = plan()
    rows = list(sweep.run(made, Journal(tmp_path / "t.jsonl"), Workers(jobs=2), partial(dies, tmp_path, times)))
    assert counted(rows) == {r.key: 1 for r in made.runs}
    given_up = [row for row in rows if row["error"]]
    assert [json.loads(row["settings"])["n"] for row in given_up] == [4] * lost
    assert all(row["error"] == "The worker was lost 3 times while it made this run." for row in given_up)


@pytest.mark.weights
def test_a_sweep_that_is_killed_half_way_and_begun_again_has_the_table_of_one_that_was_not(tmp_path):
    asked = tmp_path / "s.yaml"
    asked.write_text(json.dumps({**SPEC, "prompts": {"family": "facts", "n": 4}}))

    def command(out):
        args = ["-m", "app", "sweep", str(asked), "--out", str(out), "--jobs", "1"]
        return subprocess.Popen([sys.executable, *args], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    killed, whole = tmp_path / "killed.parquet", tmp_path / "whole.parquet"
    going, journal = command(killed), Journal(killed)
    for _ in range(600):
        if journal.path.is_file() and journal.path.read_text().count("\n") >= 3:
            break
        time.sleep(0.1)
    going.kill()
    going.communicate()
    kept = journal.path.read_text().count("\n")
    assert 3 <= kept < 20 and not killed.exists()
    for out in (killed, whole):
        process = command(out)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert len(table.load(whole)) == 20
    assert table.differences(table.load(killed), table.load(whole)) == []


def test_two_dask_workers_make_each_run_once_although_one_is_killed(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed: pip install '.[dask]'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
    made = plan()
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        workers = Workers("dask", address=cluster.scheduler_address)
        rows = list(sweep.run(made, Journal(tmp_path / "t.jsonl"), workers, partial(dies, tmp_path, 1)))
    assert counted(rows) == {r.key: 1 for r in made.runs}
    killed = [r.key for r in made.runs if (tmp_path / r.key).exists()]
    assert killed == [r.key for r in made.runs if r.point.knobs.get("n") == 4]
    assert {row["workers"] for row in rows} == {2.0} and not any(row["error"] for row in rows)


def test_where_runs_are_made_is_checked_before_anything_is():
    with pytest.raises(UsageError, match="backend = 'slurm': must be one of processes, dask, ray"):
        Workers("slurm")
    with pytest.raises(UsageError, match="name a backend with it"):
        Workers(address="tcp://x:1")
    with pytest.raises(UsageError, match="jobs = -1"):
        Workers(jobs=-1)


# ------------------------------------------------------------ graders
def graded(line, tmp_path, own=""):
    asked = {"lines": json.dumps({"prompt": "What is 2 + 2?", **line})}
    made = plan(methods={"stepwise": {}}, prompts=asked).runs[0]
    return work.measure(made._replace(grader=own))


@pytest.mark.weights
def test_a_persons_own_grader_is_asked_in_a_process_of_its_own_and_what_goes_wrong_is_in_the_row(tmp_path, monkeypatch):
    monkeypatch.setattr("tune.grading.SECONDS", 3.0)
    monkeypatch.setattr("tune.grading.score.__defaults__", ("", 3.0))
    file = tmp_path / "mine.py"
    file.write_text(
        "import os, time\n"
        "def half(text, prompt): return 0.5 if prompt['text'] == 'What is 2 + 2?' else 0\n"
        "def hangs(text, prompt): time.sleep(60)\n"
        "def crashes(text, prompt): raise KeyError('no')\n"
        "def dies(text, prompt): os._exit(7)\n"
        "def wild(text, prompt): return 7\n"
        "def nothing(text, prompt): return None\n"
    )
    said = {name: graded({}, tmp_path, f"{file}:{name}") for name in ("half", "hangs", "crashes", "dies", "wild")}
    assert said["half"]["accuracy"] == 0.5 and said["half"]["error"] == ""
    assert said["hangs"]["error"] == "grader hangs ran longer than 3 s and was stopped."
    assert said["crashes"]["error"] == "grader crashes failed (KeyError: 'no')."
    assert said["dies"]["error"] == "grader dies failed (exit status 7)."
    assert said["wild"]["error"] == "grader wild answered 7.0: a score must be from 0 to 1."
    assert all(row["calls"] > 0 for row in said.values())
    assert math.isnan(graded({}, tmp_path, f"{file}:nothing")["accuracy"])


@pytest.mark.weights
def test_a_regular_expression_that_never_ends_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("tune.grading.score.__defaults__", ("", 3.0))
    assert graded({"grader": ["regex", "."]}, tmp_path)["accuracy"] == 1.0
    row = graded({"grader": ["regex", "(.*)*(.*)*(.*)*(.*)*#"]}, tmp_path)
    assert row["error"] == "grader regex ran longer than 3 s and was stopped."
    assert graded({"grader": ["regex", "("]}, tmp_path)["error"].startswith("grader regex failed (re.error: missing )")


@pytest.mark.weights
def test_an_answer_in_python_that_hangs_is_a_wrong_answer():
    from training.corpus import Item, grade

    endless = Item("code", "", "", ("asserts", ("assert f(1) == 1",)))
    assert grade(endless, "def f(x):\n    while True: pass") is False
