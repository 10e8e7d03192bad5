"""The command line prints what was asked, and a sentence with the right exit code when it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main, parser
from decoders.models import catalogue
from decoders.registry import METHODS
from decoders.registry import method as find
from decoders.trace import Trace
from viz import exports

ROOT = Path(__file__).resolve().parents[1]

needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
ASK = ["--model", "tiny-llada", "--prompt", "What is the capital of France?", "--max-new", "32"]


def run(capsys, *argv):
    code = main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


@needs_weights
def test_run_prints_one_json_object_with_the_three_costs_apart(capsys):
    code, out, _ = run(capsys, "run", "ssd", *ASK, "--n", "4", "--json")
    result = json.loads(out)
    assert code == 0
    assert {"text", "ids", "calls", "rows_tokens", "seconds", "tokens_per_call", "finish", "guarantee"} <= set(result)
    assert result["guarantee"] == "greedy-exact"
    assert result["finish"] in ("eos", "length")
    assert result["rows_tokens"] > result["calls"]


@needs_weights
def test_ssd_prints_the_text_of_stepwise_with_fewer_calls(capsys):
    ssd = json.loads(run(capsys, "run", "ssd", *ASK, "--json")[1])
    stepwise = json.loads(run(capsys, "run", "stepwise", *ASK, "--json")[1])
    assert ssd["ids"] == stepwise["ids"]
    assert ssd["calls"] < stepwise["calls"]


SUM = ["--model", "tiny-ar", "--prompt", "What is 12 + 7 - 5?"]


@needs_weights
@pytest.mark.parametrize("draft", ["nano-sdar", "tiny-ar"], ids=["block_drafter", "causal_drafter"])
def test_speculative_decoding_prints_the_text_of_ar(capsys, draft):
    code, out, err = run(capsys, "run", "speculative", *SUM, "--draft", draft, "--reference")
    assert code == 0 and out == run(capsys, "run", "ar", *SUM)[1]
    assert "[identical to autoregressive" in err


@needs_weights
def test_prompt_lookup_prints_the_text_of_ar_with_fewer_calls(capsys):
    ours, theirs = (json.loads(run(capsys, "run", id, *SUM, "--json")[1]) for id in ("prompt-lookup", "ar"))
    assert ours["ids"] == theirs["ids"] and ours["calls"] < theirs["calls"]


@needs_weights
def test_a_drawn_run_is_not_compared_and_the_command_line_says_so(capsys):
    argv = ["run", "speculative", *SUM, "--draft", "nano-sdar", "--max-new", "4", "--temperature", "1", "--reference"]
    code, _, err = run(capsys, *argv)
    assert code == 0 and "[not compared: at a temperature the text is drawn, and two draws differ]" in err
    assert "identical" not in err and "differs" not in err


@needs_weights
def test_a_saved_trace_is_what_view_reports_on(capsys, tmp_path):
    path = tmp_path / "t.json.gz"
    code, out, _ = run(capsys, "run", "ssd", *ASK, "--out", str(path), "--reference")
    assert code == 0 and path.stat().st_size > 500
    code, report, _ = run(capsys, "view", str(path))
    assert code == 0 and out.strip() in report and "2510.04147" in report
    viewed = json.loads(run(capsys, "view", str(path), "--json")[1])
    assert viewed["reference"]["identical"] is True


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["run", "sssd", *ASK], 2, "did you mean ssd?"),
        (["run", "ssd", "--prompt", "hi", "--model", "tiny-lada"], 2, "did you mean tiny-llada?"),
        (["run", "ssd", "--prompt", "hi", "--n", "99"], 2, "n = '99': must be between 1 and 8."),
        (["run", "ssd", "--prompt", "hi", "--n", "two"], 2, "n = 'two': must be a number"),
        (["run", "ssd", "--prompt", "hi", "--gamma", "2"], 2, "unrecognized arguments: --gamma"),
        (["run", "ssd", "--prompt", "  "], 2, "The prompt is empty"),
        (["run", "ssd"], 2, "--prompt"),
        (["run", "ssd", "--prompt", "hi", "--out", "/nowhere/at/all.json"], 2, "does not exist"),
        (["view", "/nowhere.json"], 4, "cannot be read"),
        (["frobnicate"], 2, "invalid choice"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code(capsys, argv, code, said):
    got, out, err = run(capsys, *argv)
    assert (got, out) == (code, "")
    assert said in err and err.count("\n") == 1


def test_a_malformed_trace_exits_4_and_names_the_field(capsys, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"schema": 1, "vocab": {"0": "a"}, "canvas": [0, 7]}')
    code, _, err = run(capsys, "view", str(path))
    assert code == 4 and "canvas[1] = 7" in err


def test_methods_and_models_are_listed_as_text_and_as_json(capsys):
    assert "ssd" in run(capsys, "methods")[1]
    listed = json.loads(run(capsys, "methods", "--json")[1])
    diffusion = (
        "stepwise fixed-k threshold eb klass localleap ssd freedave psd wino dream block s2d2 fast-v2 llada2 simsd"
    )
    assert [m["id"] for m in listed] == [*diffusion.split(), "ar", "prompt-lookup", "speculative", "diffuspec"]
    assert {k["name"]: k["symbol"] for k in next(m for m in listed if m["id"] == "ssd")["knobs"]}["n"] == "N"
    models = {m["id"]: m for m in json.loads(run(capsys, "models", "--json")[1])["models"]}
    assert list(models)[:5] == ["tiny-llada", "tiny-sdar", "nano-sdar", "tiny-ar", "llada-8b-base"]
    assert [m["attention"] for m in models.values()][:4] == ["full", "block", "block", "causal"]


def test_models_without_files_are_listed_with_the_reason_and_not_chosen(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    models = {m["id"]: m for m in json.loads(run(capsys, "models", "--json")[1])["models"]}
    assert models["tiny-ar"]["missing"] == (
        "tiny-ar lacks config.json, tokenizer.json, model.safetensors, generation.json in tiny-ar/: train it with "
        "`python -m training.train tiny-ar`."
    )
    assert "Not available: tiny-ar lacks" in run(capsys, "models")[1]
    code, out, err = run(capsys, "run", "ar", "--prompt", "hi")
    assert (code, out) == (3, "") and "lacks config.json" in err and err.count("\n") == 1
    for id in ("tiny-sdar", "tiny-ar"):
        (tmp_path / id).mkdir()
        for file in ("config.json", "generation.json", "tokenizer.json", "model.safetensors"):
            (tmp_path / id / file).touch()
    assert catalogue.default_models(find("stepwise")) == {"model": "tiny-sdar"}
    assert catalogue.default_models(find("diffuspec")) == {"target": "tiny-ar", "draft": "tiny-sdar"}
    assert catalogue.default_models(find("simsd")) == {"target": "tiny-sdar", "draft": "tiny-sdar"}
    assert catalogue.default_models(find("speculative")) == {"target": "tiny-ar", "draft": "tiny-sdar"}
    (tmp_path / "nano-sdar").mkdir()
    for file in ("config.json", "generation.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / "nano-sdar" / file).touch()
    assert catalogue.default_models(find("simsd")) == {"target": "tiny-sdar", "draft": "nano-sdar"}
    assert catalogue.missing("tiny-ar") == ""
    (tmp_path / "tiny-ar" / "model.safetensors").rename(tmp_path / "tiny-ar" / catalogue.PROXY)
    assert "lacks model.safetensors" in catalogue.missing("tiny-ar"), "the 3-gram is no weights"


def test_a_method_of_two_models_has_a_flag_for_each(capsys):
    args = parser(METHODS).parse_args(["run", "diffuspec", "--prompt", "x", "--draft", "nano-sdar"])
    assert (args.model, args.draft) == ("tiny-ar", "nano-sdar")
    args = parser(METHODS).parse_args(["run", "speculative", "--prompt", "x"])
    assert (args.model, args.draft) == ("tiny-ar", "tiny-sdar")
    code, out, err = run(capsys, "run", "diffuspec", "--prompt", "hi", "--draft", "tiny-lada")
    assert (code, out) == (2, "") and "did you mean tiny-llada?" in err
    assert run(capsys, "run", "ssd", "--prompt", "hi", "--draft", "x")[0] == 2


def test_terminal_escapes_from_a_trace_are_not_sent_to_the_terminal(capsys, tmp_path):
    from tests.samples import tiny_trace

    path = tiny_trace(piece="\x1b[31mred").save(tmp_path / "t.json")
    _, out, _ = run(capsys, "view", str(path))
    assert "\x1b" not in out and "[31mred" in out


def test_the_command_line_does_not_import_gradio():
    code = "import sys, app.__main__; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ------------------------------------------------------------ exports
RECORDED = ROOT / "assets" / "traces" / "ssd-apples.json.gz"


@pytest.mark.parametrize("format", [name for name in exports.FORMATS if name != "specspecs"])
def test_export_writes_the_same_bytes_to_a_file_and_to_standard_output(capsysbinary, tmp_path, format):
    out = tmp_path / "run.out"
    assert main(["export", str(RECORDED), "--as", format, "-o", str(out)]) == 0
    assert main(["export", str(RECORDED), "--as", format]) == 0
    printed, err = capsysbinary.readouterr()
    assert printed == out.read_bytes() == exports.write(Trace.load(RECORDED), format)
    assert len(printed) > 500 and err == b""


def test_export_writes_parquet_for_specspecs(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    assert main(["export", str(RECORDED), "--as", "specspecs", "--out", str(tmp_path / "s.zip")]) == 0
    assert (tmp_path / "s.zip").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    "argv, code, said",
    [
        ([str(RECORDED), "--as", "pdf"], 2, "invalid choice: 'pdf'"),
        ([str(RECORDED)], 2, "the following arguments are required: --as"),
        (["nowhere.json", "--as", "json"], 4, "nowhere.json cannot be read: No such file or directory"),
        ([str(RECORDED), "--as", "json", "-o", "no/such/folder/x"], 2, "--out no/such/folder/x: cannot be written (No"),
        ([str(RECORDED.parent / "ar-apples.json.gz"), "--as", "specspecs"], 4, "has no judge events: specspecs holds"),
    ],
    ids=["format", "no_format", "no_file", "no_folder", "no_drafts"],
)
def test_an_export_that_cannot_be_made_is_refused_in_one_sentence(capsys, argv, code, said):
    got, out, err = run(capsys, "export", *argv)
    assert (got, out) == (code, "") and said in err and err.count("\n") == 1
