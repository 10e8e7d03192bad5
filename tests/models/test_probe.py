"""What a model's conventions are can be measured on the model: the truth is found, wrong declarations are named with
the entry that would change them, and nothing is claimed about a model that knows nothing."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from checkpoints import write
from toys import Toy, tiny

from app.__main__ import main
from decoders.models import catalogue, probe
from decoders.models.probe import Margin, conformance, measure

TRUE = {
    "tiny-llada": ("self", 0, "full", 32),
    "tiny-sdar": ("self", 0, "block", 8),
    "nano-sdar": ("self", 0, "block", 8),
    "tiny-ar": ("next", -1, "causal", 32),
}
VOCAB, MASK, DECOY = 14, 13, 12
TEXTS = [([3, 1, 4], [(7 * i + k) % 10 for i in range(3, 15)]) for k in range(6)]


def bundled(name):
    return pytest.param(
        name,
        marks=[
            pytest.mark.weights,
            pytest.mark.skipif(bool(catalogue.missing(name)), reason=f"assets/models/{name} has no weights"),
        ],
    )


def strict(rows="self", attention="full", block=4, **spec):
    """A model that knows its texts by heart while it is read as it was trained, and guesses one token off otherwise:
    it knows one mask, and no call in which a position sees more of what follows than it may."""

    def score(pos, seen):
        ids = dict(seen)
        own = pos - (rows == "next")
        far = max(ids) - own
        text = next((k for k in range(6) if any(ids.get(i) == (7 * i + k) % 10 for i in range(3, own + 1))), 0)
        wrong = DECOY in ids.values() and MASK not in ids.values()
        if attention == "causal":
            wrong |= MASK in ids.values() or far > 0
        if attention == "block":
            wrong |= far >= block + (rows == "next")
        if attention == "full":
            wrong |= far == 0 and 3 <= own < 12
        right = (7 * pos + text + wrong) % 10
        return [4.0 if t == right else 0.0 for t in range(VOCAB)]

    return Toy(score, vocab=VOCAB, mask=MASK if attention != "causal" else -1, eos=(11,), rows=rows,
               attention=attention, block=block, context=64, id="strict", **spec)  # fmt: skip


def report(toy, **said):
    return measure(toy, TEXTS, {MASK: "<mask>", DECOY: "<decoy>"}, replace(toy.spec, **said))


def found(seen):
    return {f.about: f.found for f in seen.findings}


# ------------------------------------------------------------ models that are known
@pytest.mark.parametrize("name", [bundled(name) for name in TRUE])
def test_the_conventions_of_the_bundled_models_are_found(name):
    seen = probe.probe(name)
    rows, mask, attention, block = TRUE[name]
    assert seen.informative and seen.agrees and not seen.warnings, seen.sentences
    assert (
        found(seen)
        == {
            "full": {"mask": "0", "rows": rows, "attention": "full"},
            "block": {"mask": "0", "rows": rows, "attention": "block", "block": str(block)},
            "causal": {"attention": "causal"},
        }[attention]
    )
    assert all(f.margin.sure for f in seen.findings if f.about in ("rows", "attention"))
    assert len(seen.checks) == 4 and seen.loss < 1 < 10 < seen.chance


@pytest.mark.parametrize("name, said, entry", [
    ("nano-sdar", {"rows": "next"}, '{"rows": "self"}'),
    ("nano-sdar", {"mask": 100}, '{"mask": 0}'),
    ("nano-sdar", {"attention": "full"}, '{"attention": "block", "block": 32}'),
    ("tiny-llada", {"attention": "block", "block": 8}, '{"attention": "full"}'),
    ("tiny-ar", {"attention": "full", "mask": 0},
     '{"attention": "causal", "rows": "next", "mask": -1}'),
])  # fmt: skip
@pytest.mark.weights
def test_a_wrong_declaration_of_a_bundled_model_is_caught_and_not_overruled(name, said, entry):
    if catalogue.missing(name):
        pytest.skip(f"assets/models/{name} has no weights")
    model = catalogue.load(name)
    words = model.tokenizer
    texts = [(model.encode(question), words(answer)["input_ids"]) for question, answer in probe.TEXTS]
    texts = texts if "attention" in said else texts[:4]
    masks = probe.candidates(replace(catalogue.described(name), spec=replace(model.spec, **said)), words)
    seen = measure(model, texts, masks, replace(model.spec, **said))
    assert [f.entry for f in seen.findings if not f.agrees] == [entry], seen.sentences
    (warning,) = seen.warnings
    assert warning.startswith(f"{name}: ") and warning.endswith(f"{entry} in generation.json would change it.")
    assert model.spec == catalogue.load(name).spec


# ------------------------------------------------------------ models that are made for it
@pytest.mark.parametrize("rows", ["self", "next"])
@pytest.mark.parametrize("attention, block", [("full", 4), ("block", 4), ("block", 8)])
def test_what_a_strict_model_was_trained_for_is_found(rows, attention, block):
    seen = report(strict(rows, attention, block))
    assert seen.agrees, seen.sentences
    expected = {"mask": "13", "rows": rows, "attention": attention}
    assert found(seen) == expected | ({"block": str(block)} if attention == "block" else {})


def test_each_wrong_declaration_of_a_strict_model_is_named_with_its_entry():
    toy = strict("next", "block", 4)
    for said, about, entry in (
        ({"rows": "self"}, "rows", '{"rows": "next"}'),
        ({"mask": DECOY}, "mask", '{"mask": 13}'),
        ({"mask": 3}, "mask", '{"mask": 13}'),
        ({"block": 16}, "block", '{"block": 4}'),
        ({"attention": "full"}, "attention", '{"attention": "block", "block": 4}'),
        ({"attention": "causal"}, "attention", '{"attention": "block", "mask": 13, "rows": "next", "block": 4}'),
    ):
        seen = report(toy, **said)
        assert [(f.about, f.entry) for f in seen.findings if not f.agrees] == [(about, entry)], seen.sentences


def test_a_causal_model_is_told_from_one_that_reads_masks():
    seen = report(strict("next", "causal"))
    assert seen.agrees and found(seen) == {"attention": "causal"}
    seen = report(strict("next", "causal"), attention="block", mask=MASK)
    assert seen.warnings == [f"strict: {seen.findings[0].sentence}"]
    assert seen.findings[0].entry == '{"attention": "causal", "rows": "next", "mask": -1}'
    alone = measure(strict("next", "causal"), TEXTS, {})
    assert alone.agrees and "no token looks like a mask" in alone.findings[0].sentence


def test_differences_that_may_be_chance_change_nothing():
    assert Margin(0.5, 0.1).sure and not Margin(0.5, 0.2).sure and not Margin(0.04, 0.001).sure
    assert str(Margin(0.643, 0.091)) == "0.64 ± 0.09"


@pytest.mark.parametrize("family", ["llada", "dream", "sdar", "llada2", "a2d-qwen3"])
def test_nothing_is_told_of_a_random_checkpoint(tmp_path, family):
    for seed in (0, 1):
        seen = probe.probe(str(write(tmp_path / f"{family}-{seed}", family, seed)))
        assert not seen.informative and seen.findings == () and not seen.agrees
        assert "the model predicts no better than chance" in seen.warnings[0]
        assert all(check.holds for check in seen.checks) and len(seen.checks) == 4
        assert json.dumps(seen.json()) and seen.json()["findings"] == []
    catalogue._loaded.clear()


def test_a_tokenizer_that_can_write_nothing_is_said():
    seen = measure(strict(), [([1], [2])], {MASK: ""})
    assert seen.sentences == ["strict: its tokenizer can write none of the texts: nothing can be told from it."]
    assert seen.warnings == seen.sentences and not seen.agrees


# ------------------------------------------------------------ what holds for any model
def test_a_model_that_does_not_keep_the_conventions_is_found_out():
    class Deaf(Toy):
        """Does not listen to `see`."""

        def many(self, rows, *, see=None, **how):
            return super().many(rows, see=None, **how)

    class Mixed(Toy):
        """The second row of a batch leaks into the first."""

        def many(self, rows, **how):
            return super().many([[t + len(rows) - 1 for t in row] for row in rows], **how)

    def bad(kind, peak=1.0):
        def score(pos, seen):
            return [peak * ((sum(i * t for i, t in seen) + pos * k) % 11) for k in range(VOCAB)]

        toy = kind(score, vocab=VOCAB, mask=MASK, context=64)
        return [check.name for check in conformance(toy, [1, 2, 3, 4, 5, 6, 7, 8]) if not check.holds]

    assert bad(Toy) == []
    assert "A token that is masked out changes nothing" in bad(Deaf)
    assert bad(Mixed) == ["A row in a batch is the row alone"]
    assert bad(Toy, float("nan")) == ["Logits are finite"]


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full", "llama-causal"])
def test_every_kind_of_network_keeps_them(kind):
    checks = conformance(tiny(kind), list(range(1, 20)))
    assert [check.holds for check in checks] == [True] * 4
    assert checks[0].difference == 0 and 0 < checks[1].limit < 0.1


# ------------------------------------------------------------ the command line
def cli(capsys, *argv):
    code = main(list(argv))
    return code, *capsys.readouterr()


def test_a_random_folder_is_not_run_unless_its_probe_is_left_out(capsys, tmp_path):
    folder = str(write(tmp_path / "mine", "a2d-qwen3"))
    ask = ["run", "ssd", "--model", folder, "--prompt", "hi you", "--max-new", "8", "--json"]
    code, out, err = cli(capsys, *ask)
    assert (code, out) == (3, "") and "mine: the model predicts no better than chance (loss " in err
    assert err.splitlines()[-1].endswith("nothing can be told from it. Check the folder, or run it with --no-probe.")
    code, out, err = cli(capsys, *ask, "--no-probe")
    assert code == 0 and json.loads(out)["model"] == "mine" and "measuring" not in err


@pytest.mark.weights
@pytest.mark.skipif(bool(catalogue.missing("nano-sdar")), reason="assets/models/nano-sdar has no weights")
def test_a_folder_whose_files_are_wrong_is_run_with_a_warning_and_a_bundled_model_without_a_word(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(probe, "TEXTS", probe.TEXTS[:4])
    folder = shutil.copytree(catalogue.MODELS / "nano-sdar", tmp_path / "mine")
    facts = json.loads((folder / "generation.json").read_text())
    (folder / "generation.json").write_text(json.dumps({**facts, "rows": "next"}))
    ask = ["--prompt", "What is the capital of France?", "--max-new", "8"]
    code, out, err = cli(capsys, "run", "stepwise", "--model", str(folder), *ask)
    assert code == 0 and '{"rows": "self"} in generation.json would change it.]' in err
    code, out, err = cli(capsys, "run", "stepwise", "--model", "nano-sdar", *ask)
    assert code == 0 and "measuring" not in err and "generation.json" not in err
    code, out, _ = cli(capsys, "models", "--probe", str(folder), "--json")
    seen = json.loads(out)
    assert code == 0 and (seen["id"], seen["agrees"], seen["said"]["rows"]) == ("mine", False, "next")
    assert [f["about"] for f in seen["findings"] if not f["agrees"]] == ["rows"]
    assert {"name", "holds", "difference", "limit"} == set(seen["checks"][0])
    assert torch.get_default_dtype() == torch.float32
