"""The bench of one model: which lines it has, in which order they run, what it says of a text, a card and a compiled
line. No time is asserted."""

import json
from types import SimpleNamespace

import pytest
import torch
from models.checkpoints import write

from bench import gpu
from bench.gpu import Line, Ran, difference, lines, measure, once, summed, table
from bench.lines import Plan
from bench.methods import Sample
from decoders import registry
from decoders.errors import UnknownName
from decoders.models import catalogue, static
from decoders.models.catalogue import Placement


@pytest.fixture
def folders(tmp_path):
    """(a model that sees everything, a block-causal one, a smaller one of the same family)"""
    yield tuple(str(write(tmp_path / name, *what)) for name, *what in
                (("full", "a2d-qwen3"), ("blocks", "sdar", 0), ("small", "sdar", 1)))  # fmt: skip
    catalogue._loaded.clear()


def named(found: list[Line]) -> list[str]:
    return [line.name for line in found]


# ------------------------------------------------------------ lines
def test_a_model_has_its_baseline_first_and_every_method_that_takes_it(folders):
    full, blocks, _ = folders
    found, skipped = lines(full)
    assert named(found) == ("stepwise fixed-k threshold eb klass localleap ssd freedave psd wino dream llada2".split())
    assert skipped == {}
    found, skipped = lines(blocks)
    assert named(found)[:2] == ["stepwise", "stepwise fold"]
    assert {"block one by one", "block", "s2d2", "fast-v2"} < set(named(found)) and "dream" not in named(found)
    assert skipped == {"simsd": "wants a drafter with block attention: name one with --draft"}


def test_a_drafter_is_the_one_that_is_named_if_it_fits(folders):
    full, blocks, small = folders
    line = next(line for line in lines(blocks, small)[0] if line.plan.method.id == "simsd")
    assert (line.name, line.plan.models) == (f"simsd with {small}", {"target": blocks, "draft": small})
    assert "simsd" in lines(blocks, full)[1], "a model of full attention cannot draft for it"


def test_methods_are_asked_for_by_name_and_the_baseline_comes_along(folders):
    full, blocks, _ = folders
    assert named(lines(full, asked=["ssd"])[0]) == ["stepwise", "ssd"]
    found, skipped = lines(blocks, asked=["dream", "stepwise"])
    assert named(found) == ["stepwise", "stepwise fold"]
    assert skipped == {"dream": f"needs full attention; {blocks} is block"}
    with pytest.raises(UnknownName, match="no method named 'sdd'; did you mean ssd[?]"):
        lines(full, asked=["sdd"])


# ------------------------------------------------------------ order and repetition
def line(name: str, compiled: str = "") -> Line:
    return Line(Plan("m", name, registry.method(name), {"model": "m"}, {}), compiled)


def test_every_line_is_warmed_up_and_then_answers_a_prompt_before_the_next(monkeypatch):
    done = []

    def fake(line, placement, prompt, max_new):
        done.append((line.name, prompt))
        trace = SimpleNamespace(tokens=(1, 2, 3), prompt_len=1, padded=0)
        other = SimpleNamespace(method=registry.method("stepwise"), params="defaults")
        is_reference = line.plan.method.id == "stepwise"
        recording = SimpleNamespace(trace=trace, params="defaults", rival=lambda: None if is_reference else other)
        return recording, 1.0, None

    monkeypatch.setattr(gpu, "once", fake)
    monkeypatch.setattr(gpu, "sample", lambda trace, wall, right: Sample(2, 2, 2, 8, wall, 0.5, 0, 0, 0, None, (2, 3)))
    rows = measure([line("stepwise"), line("ssd"), line("ssd", "padded")], Placement("cpu"), ["a", "b"], 8)
    assert done == [(name, prompt) for prompt in "aab" for name in ("stepwise", "ssd", "ssd (padded)")]
    # The reference was not run again for the second line: it would have had to be iterated over.
    assert [(r["against"], r["identical"]) for r in rows] == [("", 2), ("stepwise", 2), ("ssd", 2)]


def test_a_run_in_which_a_shape_was_compiled_is_made_again(monkeypatch):
    made, runs = [5], []

    def timed(recording):
        made[0] += len(runs) < 1
        runs.append(made[0])
        return float(len(runs))

    monkeypatch.setattr(gpu, "begin", lambda *_: "a recording")
    monkeypatch.setattr(gpu, "shapes", lambda _: made[0])
    monkeypatch.setattr(gpu, "timed", timed)
    assert once(line("ssd", "padded"), Placement("cpu"), "x", 8) == ("a recording", 2.0, None)
    made[0], runs[:] = 0, []
    monkeypatch.setattr(gpu, "shapes", lambda _: made.append(0) or len(made))
    assert once(line("ssd", "padded"), Placement("cpu"), "x", 8)[1] == 3.0, "not for ever"


def test_the_memory_is_what_all_cards_held_at_most_in_the_run(monkeypatch):
    held = {0: (10, 20), 1: (1, 4)}
    done = []
    monkeypatch.setattr(gpu, "begin", lambda *_: done.append("loaded") or SimpleNamespace(models={}))
    monkeypatch.setattr(gpu, "timed", lambda _: done.append("run") or 1.0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda card: done.append(card))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda card: held[card][0])
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda card: held[card][1])
    assert once(line("ssd"), Placement("cuda"), "x", 8)[1:] == (1.0, (11, 24))
    assert done == ["loaded", 0, 1, "run"]


# ------------------------------------------------------------ numbers
def test_a_difference_is_counted_from_the_end_of_the_prompt():
    assert difference((1, 2, 3, 4), (1, 2, 3, 4), 2) is None
    assert difference((1, 2, 3, 4), (1, 2, 3, 5), 2) == 1
    assert difference((1, 2), (1, 2, 3), 2) == 0


def test_tokens_before_the_end_are_counted_and_times_are_medians():
    slow = Sample(8, 10, 10, 100, 4.0, 2.0, 0, 0, 0, None, (1,) * 8)
    fast = Sample(8, 4, 3, 300, 1.0, 0.5, 2, 5, 1, None, (1,) * 6)
    base = [Ran(slow, 0, (100, 200), "", None)] * 3
    mine = [Ran(fast, 30, (90, 300), "stepwise", differs) for differs in (None, 7, 3)]
    got = summed(line("ssd", "graphs"), mine, base)
    assert got["name"] == "ssd (graphs)" and got["tokens"] == 6.0
    assert (got["tpf"], got["tok_s"], got["model_tok_s"]) == (1.5, 6.0, 12.0)  # 18 tokens, 12 calls
    assert (got["wall"], got["model"], got["calls"], got["target_calls"]) == (4.0, 4.0, 4.0, 3.0)
    assert (got["rows_tokens"], got["padded"]) == (300.0, 0.1)
    assert (got["allocated_bytes"], got["reserved_bytes"]) == (90, 300)
    assert (got["against"], got["identical"], got["first_difference"]) == ("stepwise", 1, 3)
    assert got["runs"][0] == {"wall": 1.0, "seconds": 0.5, "text": 6}
    first = summed(line("stepwise"), base, base)
    heads, one, two = (text.split() for text in table([first, got], 3).splitlines())
    assert heads == "tokens TPF tok/s wall model forwards rows x tok padded memory text".split()
    assert one == "stepwise 8.0 0.80 2.0 1.00 1.00 10.0 100 0 % 1 MB is a reference".split()
    assert two == ("ssd (graphs) 6.0 1.50 6.0 4.00 4.00 4.0 300 10 % 1 MB 1/3 as stepwise, else from token 3".split())


# ------------------------------------------------------------ the whole of it
ASK = ("--prompts", "2", "--max-new", "9", "--device", "cpu")


def test_one_command_measures_a_model_and_says_on_what(folders, capsys):
    full, _, _ = folders
    argv = ["--model", full, "--methods", "ssd", "threshold", *ASK]
    assert gpu.main([*argv, "--compile", "padded", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert [(r["name"], r["against"]) for r in out["rows"]] == [
        ("stepwise", ""),
        ("stepwise (padded)", "stepwise"),
        ("threshold", "stepwise"),
        ("threshold (padded)", "threshold"),
        ("ssd", "stepwise"),
        ("ssd (padded)", "ssd"),
    ]
    rows = {r["name"]: r for r in out["rows"]}
    for name in ("stepwise", "stepwise (padded)", "threshold (padded)", "ssd", "ssd (padded)"):
        assert (rows[name]["identical"], rows[name]["first_difference"]) == (2, None)
    for name in ("stepwise", "threshold", "ssd"):
        plain, compiled = rows[name], rows[f"{name} (padded)"]
        assert plain["padded"] == 0 < compiled["padded"] < 0.35
        assert [plain[key] for key in ("calls", "rows_tokens")] == [compiled[key] for key in ("calls", "rows_tokens")]
    assert rows["stepwise"]["wall"] == rows["stepwise"]["model"] == 1.0
    assert (out["torch"], out["dtype"], out["cuda"]) == (torch.__version__, "float32", None)
    assert out["hardware"].startswith("CPU ") and len(out["commit"]) >= 7 and out["process_peak_bytes"] > 10**8
    assert out["placement"] == {"device": "cpu", "dtype": None, "compiled": "padded"}
    assert gpu.main([*argv, "--dtype", "bfloat16"]) == 0
    said = capsys.readouterr().out
    assert "full: 2 held-out prompts, 9 positions" in said and ", bfloat16, torch " in said
    assert "the process held " in said and "is a reference" in said and "(padded)" not in said


def test_another_way_to_be_the_reference_is_compared_with_the_baseline(folders, capsys):
    assert gpu.main(["--model", folders[1], "--methods", "stepwise", *ASK, "--json"]) == 0
    first, fold = json.loads(capsys.readouterr().out)["rows"]
    assert (first["against"], fold["against"], fold["identical"]) == ("", "stepwise", 2)
    assert fold["calls"] < first["calls"]


def test_two_models_are_measured_together(folders, capsys):
    _, blocks, small = folders
    assert gpu.main(["--model", blocks, "--draft", small, "--methods", "simsd", *ASK, "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert [r["method"] for r in out["rows"]] == ["stepwise", "simsd"]
    assert out["models"] == {blocks: "blocks", small: "small"}
    assert out["rows"][1]["calls"] > out["rows"][1]["target_calls"] > 0


def test_a_compiled_line_that_lets_padding_be_seen_is_caught(folders, capsys, monkeypatch):
    careful = static.padded

    def careless(*args):
        ids, where, see = careful(*args)
        return ids, where, torch.ones_like(see)

    monkeypatch.setattr(static, "padded", careless)
    full, _, _ = folders
    assert gpu.main(["--model", full, "--methods", "ssd", "--compile", "padded", *ASK, "--json"]) == 0
    rows = {r["name"]: r for r in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["ssd"]["identical"] == 2
    assert rows["ssd (padded)"]["identical"] < 2 and rows["ssd (padded)"]["first_difference"] is not None


@pytest.mark.parametrize("more, said", [
    (["--prompts", "0"], "--prompts 0: must be at least 1."),
    (["--methods", "sssd"], "There is no method named 'sssd'; did you mean ssd?"),
    (["--compile", "graphs"], "compile = 'graphs': needs a CUDA device, the model is on cpu; use inductor."),
    (["--device", "cuda:99"], "--device cuda:99: "),
    (["--max-new", "0"], "max_new = 0: must be between 1 and 512."),
])  # fmt: skip
def test_it_refuses_in_a_sentence(folders, capsys, more, said):
    with pytest.raises(SystemExit) as ended:
        gpu.main(["--model", folders[0], *ASK, *more])
    assert ended.value.code == 2 and said in capsys.readouterr().err
