"""What other programs read of a run: the numbers of the export are those of the trace, and no cell is a formula."""

import csv
import io
import json
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from decoders.errors import TraceError, UsageError
from decoders.trace import Commit, Edit, Forward, Judge, Node, Propose, Round, Trace, Verdict
from tests.samples import EOS, MASK, tiny_trace
from viz import exports
from viz.exports.specspecs import SpecStep, spec_steps

TRACES = sorted((Path(__file__).resolve().parents[1] / "assets" / "traces").glob("*.json.gz"))
every_trace = pytest.mark.parametrize("path", TRACES, ids=lambda p: p.name)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# ------------------------------------------------------------ one row per position
def test_a_row_says_when_and_why_a_position_was_filled_and_what_was_tried_before():
    table = rows(exports.tokens_csv(tiny_trace()))
    assert [row["position"] for row in table] == ["2", "3", "4", "5"]
    assert table[0] == {
        "position": "2", "block": "0", "token_id": "3", "text": " the", "state": "committed", "round": "1", "step": "2",
        "call": "2", "why": "accepted", "p": "0.6", "changes": "1",
        "history": "round 1 drafted 3 (q 0.6); round 1 accepted 3 (p 0.6, score 1, bar 1); round 1 accepted 3",
    }  # fmt: skip
    assert table[2]["state"] == "masked" and table[2]["round"] == table[2]["why"] == table[2]["p"] == ""
    assert table[2]["history"] == "round 1 drafted 4 (q 0.5); round 1 rejected 4 (p 0.2, score 0, bar 1)"
    assert (table[3]["why"], table[3]["text"], table[3]["state"]) == ("bonus", "<|eos|>", "committed")


def test_what_stands_behind_the_end_of_sequence_is_called_so():
    trace = tiny_trace()
    edit = Commit((Edit(4, MASK, EOS, "unmasked", 0.5),))
    table = rows(exports.tokens_csv(replace(trace, events=(*trace.events[:-1], edit))))
    assert [row["state"] for row in table] == ["committed", "committed", "committed", "after_eos"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_token_that_a_spreadsheet_would_run_is_marked_as_text(start):
    piece = f'{start}HYPERLINK("http://x","y"),\n"'
    assert rows(exports.tokens_csv(tiny_trace(piece=piece)))[0]["text"] == "'" + piece


@pytest.mark.parametrize("piece", ['a "quoted" one', "x,y", "two\nlines", " =1", "é🙂"])
def test_other_token_text_comes_back_from_the_file_as_it_was(piece):
    assert rows(exports.tokens_csv(tiny_trace(piece=piece)))[0]["text"] == piece


@every_trace
def test_the_tokens_of_the_table_are_the_tokens_of_the_run(path):
    trace = Trace.load(path)
    table = rows(exports.tokens_csv(trace))
    assert tuple(int(row["token_id"]) for row in table) == trace.tokens[trace.prompt_len :]
    assert sum(row["state"] == "masked" for row in table) == trace.tokens.count(trace.mask)
    edits = Counter(e.pos for event in trace.events if isinstance(event, Commit) for e in event.edits)
    assert [int(row["changes"]) for row in table] == [edits[int(row["position"])] for row in table]


# ------------------------------------------------------------ one row per round
def test_a_row_counts_what_a_round_cost_and_what_it_did():
    one, two = rows(exports.steps_csv(tiny_trace()))
    assert one == {
        "round": "0", "block": "0", "calls": "1", "rows_tokens": "6", "seconds": "0.01", "drafted": "0", "judged": "0",
        "accepted": "0", "rejected": "0", "unreached": "0", "corrected": "0", "bonus": "0", "unmasked": "1",
        "revised": "0", "remasked": "0", "masked_left": "3",
    }  # fmt: skip
    assert two == {
        "round": "1", "block": "0", "calls": "1", "rows_tokens": "18", "seconds": "0.02", "drafted": "2", "judged": "2",
        "accepted": "1", "rejected": "1", "unreached": "0", "corrected": "0", "bonus": "1", "unmasked": "0",
        "revised": "0", "remasked": "0", "masked_left": "1",
    }  # fmt: skip


@every_trace
def test_the_rounds_add_up_to_the_run(path):
    trace = Trace.load(path)
    table = rows(exports.steps_csv(trace))
    total = {name: sum(float(row[name]) for row in table) for name in ("calls", "rows_tokens", "seconds")}
    assert (total["calls"], total["rows_tokens"]) == (trace.calls, trace.rows_tokens)
    assert total["seconds"] == pytest.approx(trace.seconds, abs=1e-6)
    assert (sum(int(r["accepted"]) for r in table), sum(int(r["judged"]) for r in table)) == trace.acceptance
    left = "" if trace.attention == "causal" else str(trace.tokens.count(trace.mask))
    assert table[-1]["masked_left"] == left


# ------------------------------------------------------------ a time line
def test_a_forward_call_is_a_complete_event_in_microseconds():
    body = json.loads(exports.chrome_trace(tiny_trace()))
    calls = [e for e in body["traceEvents"] if e.get("cat") == "forward"]
    assert [(e["ph"], e["name"], e["ts"], e["dur"]) for e in calls] == [
        ("X", "draft", 0.0, 10_000.0),
        ("X", "verify", 10_000.0, 20_000.0),
    ]
    assert calls[1]["args"] == {
        "call": 2, "role": "verify", "batch": 3, "length": 6, "cached": 0, "start": 0, "rows_tokens": 18,
    }  # fmt: skip
    verdicts = [e for e in body["traceEvents"] if e.get("cat") == "verdict"]
    assert [(e["ph"], e["name"], e["ts"], e["args"]["text"]) for e in verdicts] == [
        ("i", "accepted", 30_000.0, " the"),
        ("i", "rejected", 30_000.0, " a"),
    ]
    counters = [(e["name"], e["ts"], e["args"][e["name"]]) for e in body["traceEvents"] if e["ph"] == "C"]
    assert counters[:2] == [("tokens", 0.0, 0), ("masked", 0.0, 4)]
    assert counters[-2:] == [("tokens", 30_000.0, 3), ("masked", 30_000.0, 1)]


def test_two_models_are_two_processes_named_after_their_roles():
    trace = Trace.load(next(p for p in TRACES if p.name.startswith("speculative")))
    body = json.loads(exports.chrome_trace(trace))
    names = [e["args"]["name"] for e in body["traceEvents"] if e["name"] == "process_name"]
    assert len(trace.models) == 2
    assert names[0] == f"{trace.title}: rounds"
    assert set(names[1:]) == {f"{role}: {model}" for role, model in trace.models.items()}


@every_trace
def test_calls_follow_one_another_and_last_as_long_as_the_run(path):
    trace = Trace.load(path)
    events = json.loads(exports.chrome_trace(trace))["traceEvents"]
    calls = [e for e in events if e.get("cat") == "forward"]
    assert len(calls) == trace.calls
    for before, after in zip(calls, calls[1:], strict=False):
        assert after["ts"] == pytest.approx(before["ts"] + before["dur"], abs=0.01)
    assert calls[-1]["ts"] + calls[-1]["dur"] == pytest.approx(trace.seconds * 1e6, abs=1)
    rounds = [e for e in events if e.get("cat") == "round"]
    assert len(rounds) == len(trace.rounds) and all(e["dur"] >= 0 for e in rounds)
    tokens = [e["args"]["tokens"] for e in events if e["name"] == "tokens"]
    assert tokens[-1] == sum(t != trace.mask for t in trace.tokens[trace.prompt_len :])


# ------------------------------------------------------------ specspecs
def test_a_step_begins_with_the_token_emitted_before_and_ends_with_the_verifiers_own():
    assert spec_steps(tiny_trace()) == (
        SpecStep((), 0, 3, 0.01),
        SpecStep((3, 3, 4), 2, EOS, 0.03),
    )


def judged(nodes: tuple[Node, ...], outcomes: str, *edits: Edit) -> Trace:
    """One round in which these nodes get these verdicts (a, r, u) and these edits follow."""
    names = {"a": "accepted", "r": "rejected", "u": "unreached"}
    verdicts = tuple(Verdict(n.id, names[o], 0.5, float(o == "a"), 1.0) for n, o in zip(nodes, outcomes, strict=True))
    events = (Round(0, 0), Forward("verify", 6), Propose(nodes), Judge(verdicts), Commit(edits))
    return replace(tiny_trace(), events=events)


def test_of_a_tree_the_accepted_path_is_written_and_the_branch_that_ended_it():
    tree = (
        Node(0, ((2, 3),), 0.9), Node(1, ((2, 4),), 0.1), Node(2, ((3, 4),), 0.5, (0,)), Node(3, ((3, 3),), 0.4, (0,)),
        Node(4, ((4, 4),), 0.4, (2,)),
    )  # fmt: skip
    edits = Edit(2, MASK, 3, "accepted"), Edit(3, MASK, 0, "corrected")
    assert [s[:3] for s in spec_steps(judged(tree, "arrru", *edits))] == [((3, 4, 4), 1, 0)]
    assert [s[:3] for s in spec_steps(judged(tree, "rruuu", Edit(2, MASK, 0, "corrected")))] == [((3, 4, 4), 0, 0)]


def test_drafts_that_nothing_follows_end_with_the_last_accepted_one_as_the_emitted_token():
    chain = (Node(0, ((2, 3),), 0.9), Node(1, ((3, 4),), 0.9, (0,)))
    edits = Edit(2, MASK, 3, "accepted"), Edit(3, MASK, 4, "accepted")
    assert [s[:3] for s in spec_steps(judged(chain, "aa", *edits))] == [((3,), 1, 4)]


@every_trace
def test_the_tokens_that_specspecs_would_show_are_those_that_the_run_filled_in_in_that_order(path):
    trace = Trace.load(path)
    if "judge" not in trace.kinds:
        with pytest.raises(TraceError, match=r"has no judge events: specspecs holds drafts and verdicts"):
            spec_steps(trace)
        return
    shown = []
    for i, step in enumerate(spec_steps(trace)):
        overlap = min(i, 1)
        assert not overlap or step.draft[0] == shown[-1]
        shown += [*step.draft[overlap : step.accepted], step.emitted]
    assert shown == [e.after for event in trace.events if isinstance(event, Commit) for e in event.edits]


def test_a_run_that_takes_tokens_back_has_no_word_in_specspecs():
    trace = judged((Node(0, ((2, 3),), 0.9),), "a", Edit(2, MASK, 3, "accepted"), Edit(2, 3, 4, "revised"))
    with pytest.raises(TraceError, match="takes back the token at position 2"):
        spec_steps(trace)


def test_the_parquet_files_have_the_columns_and_types_that_specspecs_declares():
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    data = exports.specspecs_parquet(tiny_trace())
    assert data == exports.specspecs_parquet(tiny_trace())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tables = {name.split("-")[0]: pq.read_table(io.BytesIO(archive.read(name))) for name in archive.namelist()}
    types = {name: {f.name: str(f.type) for f in table.schema} for name, table in tables.items()}
    ids = {"run_id": "string", "sequence_id": "string"}
    for columns in types.values():  # pyarrow versions call the item of a list differently
        columns.update({k: v.replace("element: ", "item: ") for k, v in columns.items()})
    assert types["drafts"] == ids | {
        "step": "int32", "t": "timestamp[us]", "draft_tokens": "list<item: int64>", "acceptances": "list<item: bool>",
        "k": "int16", "acceptance_length": "int16", "emitted_token": "int32",
    }  # fmt: skip
    assert types["sequences"] == ids | {
        "t": "timestamp[us]", "prompt_token_ids": "list<item: int64>", "prompt_len": "int32",
    }  # fmt: skip
    first, second = tables["drafts"].to_pylist()
    assert (first["step"], first["draft_tokens"], first["k"], first["emitted_token"]) == (0, [], 0, 3)
    assert second["draft_tokens"] == [3, 3, 4] and second["acceptances"] == [True, True, False]
    assert (second["k"], second["acceptance_length"], second["emitted_token"]) == (3, 2, EOS)
    assert tables["sequences"].to_pylist()[0]["prompt_token_ids"] == [0, 1]


def test_without_pyarrow_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError) as caught:
        exports.specspecs_parquet(tiny_trace())
    assert str(caught.value) == "Parquet needs pyarrow, which is not installed: pip install pyarrow."


# ------------------------------------------------------------ the caption, names
def test_the_caption_names_method_paper_model_settings_seed_hardware_versions_and_date():
    trace = replace(
        tiny_trace(), params={"n": 2, "tau": 0.5, "T": 1.0, "eager": True}, hardware="one GPU",
        versions={"torch": "2.13"}, recorded="2026-11-25", seed=7,
    )  # fmt: skip
    assert exports.caption(trace) == (
        "SSD (a paper, arXiv:2510.04147) on toy; n = 2, tau = 0.5, T = 1, eager = yes; seed 7; recorded on one GPU, "
        "torch 2.13, 2026-11-25."
    )
    two = replace(trace, models={"target": "big", "draft": "small"}, params={}, provenance="simulated", hardware="")
    assert exports.caption(replace(two, versions={}, recorded="")) == (
        "SSD (a paper, arXiv:2510.04147) on target big + draft small; seed 7; simulated, not measured."
    )


def test_a_file_name_holds_no_path_whatever_the_trace_calls_itself():
    trace = replace(tiny_trace(), method="../../etc", model="a/b:c\\d e\n")
    assert exports.FORMATS["tokens-csv"].name(trace) == "_.._etc-a_b_c_d_e_-tokens.csv"


def test_an_unknown_format_is_refused_and_the_known_ones_are_named():
    with pytest.raises(UsageError, match=r"format = 'pdf': must be one of json, tokens-csv, steps-csv"):
        exports.write(tiny_trace(), "pdf")


def test_the_json_export_is_the_trace():
    trace = Trace.load(TRACES[0])
    assert Trace.from_bytes(exports.write(trace, "json")).events == trace.events
