"""Public models by name: what is known of them before a download, and what is said when one cannot be had."""

import json

import httpx
import pytest
import torch
from checkpoints import write
from huggingface_hub import errors
from safetensors.torch import load_file, save_file

from app.__main__ import main
from decoders.errors import Incompatible, ModelUnavailable, UnknownName
from decoders.models import catalogue, checkpoint, families, hub, memory, vocabulary
from decoders.models.base import Logits
from decoders.models.catalogue import Placement
from decoders.models.public import PAIRS, PINS, PUBLIC, public
from decoders.registry import METHODS
from decoders.run import Recording, run

# Billions of parameters by the model cards' own sizes in bfloat16 (2 bytes each).
CARDS_GB = {
    "llada-8b": 16.0, "llada-moe": 14.7, "dream-7b": 15.2, "sdar-1.7b": 4.1, "sdar-4b": 8.8, "sdar-8b": 16.4,
    "sdar-30b-a3b": 61.1, "fast-dllm-v2-1.5b": 3.1, "fast-dllm-v2-7b": 15.2, "llada2.0-mini": 32.5,
    "qwen3-0.6b-mdlm": 1.2, "qwen2.5-coder-0.5b-mdlm": 1.0, "qwen2.5-7b": 15.2, "qwen3-8b": 16.4,
}  # fmt: skip


@pytest.mark.parametrize("name, size", CARDS_GB.items())
def test_the_weights_are_as_large_as_the_cards_say(name, size):
    known = public(name)
    assert round(2 * memory.parameters(known.family, known.config) / 1e9, 1) == pytest.approx(size, abs=0.05)


def test_every_public_model_has_facts_that_hold_together_and_some_method():
    assert len({p.id for p in PUBLIC}) == len({p.hub for p in PUBLIC}) == len(PUBLIC) == 23
    for known in PUBLIC:
        spec = known.spec
        assert spec.attention == "causal" or 0 <= spec.mask < spec.vocab_size
        assert any(spec.attention in kinds for m in METHODS for kinds in m.roles.values())
        assert known.revision == "main" or len(known.revision) == 40
    assert set(PINS) < {p.hub for p in PUBLIC} and len(PINS) == 21
    assert public("dream-7b").spec.rows == "next" and public("dream-7b").spec.context == 2048
    assert (public("sdar-8b").spec.block, public("llada2.1-mini").spec.block) == (4, 32)


def test_every_pair_has_one_vocabulary_or_a_smaller_common_one_and_the_roles_of_its_methods():
    for pair in PAIRS:
        draft, target = public(pair.draft), public(pair.target)
        for name in pair.methods:
            method = next(m for m in METHODS if m.id == name)
            assert target.spec.attention in method.roles["target"], pair
            assert draft.spec.attention in method.roles["draft"], pair
        assert abs(draft.spec.vocab_size - target.spec.vocab_size) in (0, 128)


# ------------------------------------------------------------ memory
def test_needs_are_weights_the_cache_and_the_largest_call():
    family, config = families.named("sdar"), public("sdar-8b").config
    need = memory.need(family, config, torch.bfloat16, tokens=1000, rows=1)
    assert need.weights == 2 * 8_190_735_360
    assert need.cache == 2 * 36 * 8 * 128 * 1000 * 2
    assert need.call == 1000 * (151936 + 2 * 12288 + 4 * 4096) * 2
    double = memory.need(family, config, torch.bfloat16, tokens=1000, rows=2)
    assert double.call == 2 * need.call + need.cache
    assert memory.need(family, config, torch.float32, tokens=1000, rows=1).total == 2 * need.total
    assert [memory.words(n) for n in (16_381_470_720, 99_999_999, 1)] == ["16.4 GB", "100 MB", "1 MB"]


def test_a_model_that_does_not_fit_is_refused_before_it_is_fetched(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda device: 20_000_000_000)
    monkeypatch.setattr(hub, "fetch", lambda *args: pytest.fail("it was fetched"))
    with pytest.raises(
        ModelUnavailable, match=r"^llada-8b needs about 39.1 GB \(32.1 GB of them weights\) and 20.0 GB "
    ):
        catalogue.load("llada-8b", Placement("cpu"))


def test_loaded_models_make_room(tmp_path, monkeypatch):
    folder, other = write(tmp_path / "a", "sdar"), write(tmp_path / "b", "sdar", 1)
    first = catalogue.load(str(folder))
    assert catalogue.load(str(folder)) is first
    frees = iter([0, 10**9])
    monkeypatch.setattr(memory, "free", lambda device: next(frees))
    catalogue.load(str(other))
    monkeypatch.undo()
    assert catalogue.load(str(folder)) is not first


# ------------------------------------------------------------ names
def test_names_lead_to_bundled_models_folders_public_models_and_hub_ids(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "cached", lambda repo, revision: asked.append((repo, revision)))
    assert catalogue.source("tiny-llada").path == catalogue.MODELS / "tiny-llada"
    assert catalogue.source(str(tmp_path)).path == tmp_path
    assert catalogue.source("dream-7b").repo == "Dream-org/Dream-v0-Instruct-7B"
    assert catalogue.source("Dream-org/Dream-v0-Instruct-7B").id == "dream-7b"
    assert catalogue.source("me/mine@v1.2").revision == "v1.2"
    assert catalogue.source("Dream-org/Dream-v0-Instruct-7B@main").facts == (("context", 2048),)
    known = ("tiny-llada", "dream-7b", "JetLM/SDAR-8B-Chat", "JetLM/SDAR-8B-Chat@main")
    assert [catalogue.stranger(name) for name in (*known, "me/mine", str(tmp_path))] == [False] * 4 + [True] * 2
    assert ("me/mine", "v1.2") in asked and asked[0][1] == PINS["Dream-org/Dream-v0-Instruct-7B"]
    for wrong in ("dreem-7b", "a/b/c", "../../no/such/folder"):
        with pytest.raises(UnknownName):
            catalogue.source(wrong)
    assert catalogue.missing("dream-7b") == (
        "dream-7b is not on this machine: fetch it with `python -m app models --get dream-7b`."
    )


def response(code: int) -> httpx.Response:
    return httpx.Response(code, request=httpx.Request("GET", "https://hub.invalid"))


@pytest.mark.parametrize("error, said", [
    (errors.GatedRepoError("x", response=response(403)), "me/mine is gated: accept its terms on its page"),
    (errors.RevisionNotFoundError("x", response=response(404)), "me/mine has no revision 'v9': name a branch"),
    (errors.RepositoryNotFoundError("x", response=response(404)), "There is no public repository me/mine: check"),
    (errors.OfflineModeIsEnabled("x"), "me/mine is not on this machine and the hub cannot be reached: connect"),
    (errors.LocalEntryNotFoundError("x"), "me/mine is not on this machine and the hub cannot be reached: connect"),
    (httpx.ReadTimeout("it took too long"), r"me/mine could not be fetched \(it took too long\): try again"),
    (OSError("disk full"), r"me/mine could not be fetched \(disk full\): try again"),
])  # fmt: skip
def test_what_goes_wrong_on_the_way_is_one_sentence(monkeypatch, error, said):
    def fail(*args, **how):
        raise error

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelUnavailable, match=f"^{said}"):
        hub.fetch("me/mine", "v9")


def test_only_what_is_read_is_fetched(tmp_path, monkeypatch):
    asked, folder = {}, write(tmp_path / "mine", "sdar")
    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", lambda repo, **how: asked.update(how) or folder)
    assert hub.fetch("me/mine", "main") == folder
    assert asked["allow_patterns"] == ["*.json", "*.txt", "*.jinja", "tokenizer.model", "*.safetensors"]
    hub.fetch("me/mine", "main", checkpoint.FACTS)
    assert asked["allow_patterns"] == ["*.json", "*.txt", "*.jinja", "tokenizer.model"]
    (folder / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match="^me/mine has no config.json: name a repository that holds a whole "):
        hub.fetch("me/mine", "main")


# ------------------------------------------------------------ two vocabularies
class Words:
    """As much of a tokenizer as is asked for."""

    def __init__(self, tokens, added=()):
        self.tokens, self.added_tokens_decoder = tokens, dict.fromkeys(added)

    def get_vocab(self):
        return {token: id for id, token in self.tokens.items()}


def test_the_common_ids_end_where_one_of_the_two_has_a_token_of_its_own():
    plain = {0: "a", 1: "b", 2: "<end>"}
    assert vocabulary.common(Words(plain), Words(plain), "x and y") == 3
    assert vocabulary.common(Words({**plain, 3: "<mask>"}, [3]), Words(plain), "x and y") == 3
    assert vocabulary.common(Words({**plain, 3: "<mask>"}, [3]), Words({**plain, 3: "<tool>"}, [3]), "x and y") == 3
    with pytest.raises(
        Incompatible, match="^x and y have different vocabularies: token 1 is 'b' in one and 'c' in the "
    ):
        vocabulary.common(Words(plain), Words({0: "a", 1: "c"}), "x and y")


def test_a_drafter_in_its_targets_vocabulary_never_drafts_an_id_of_its_own(tmp_path):
    model = catalogue.load(str(write(tmp_path / "fast", "fast-v2")))
    aligned = vocabulary.Aligned(model, 90, 100)
    seen, call = aligned.forward([1, 2, 95], role="draft")
    assert seen.rows.shape == (3, 100) and call.length == 3
    assert torch.equal(seen.rows[:, :90], model.forward([1, 2, 95], role="draft")[0].rows[:, :90])
    assert seen.rows[:, 90:].max() == float("-inf")
    assert isinstance(aligned.many([[1, 2]] * 2, role="draft")[0][1], Logits)
    assert (aligned.spec, aligned.device, aligned.dtype) == (model.spec, model.device, model.dtype)


def test_a_pair_with_other_numbers_of_tokens_drafts_and_verifies_and_the_text_is_the_targets(tmp_path):
    """As Fast-dLLM v2 1.5B (151 936 rows) before Qwen2.5-7B (152 064)."""
    draft = write(tmp_path / "draft", "fast-v2")
    target = write(tmp_path / "target", "fast-v2", 1)
    config = json.loads((target / "config.json").read_text())
    config |= {"architectures": ["Qwen2ForCausalLM"], "vocab_size": 128}
    (target / "config.json").write_text(json.dumps(config))
    weights = load_file(target / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = torch.cat([weights[name], torch.zeros(32, 48)])
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    models = {"target": str(target), "draft": str(draft)}
    trace = run("diffuspec", models, "hello you", reference=True, max_new=16, proxy="none", k_min=2, k_max=6)
    assert trace.difference() is None and trace.calls > 0
    words = json.loads((target / "tokenizer.json").read_text())
    words["model"]["vocab"]["é"] = words["model"]["vocab"].pop("b")
    (target / "tokenizer.json").write_text(json.dumps(words))
    catalogue._shared.cache_clear()
    with pytest.raises(Incompatible, match="have different vocabularies: token 1 is 'b' in one and 'é' in the other"):
        Recording("diffuspec", models, "hello you", max_new=8)


# ------------------------------------------------------------ the command line
def run_cli(capsys, *argv):
    code = main(list(argv))
    return code, *capsys.readouterr()


def test_the_check_says_what_fits_with_numbers(capsys, monkeypatch):
    monkeypatch.setattr(memory, "free", lambda device: 20_000_000_000)
    code, out, _ = run_cli(capsys, "models", "--check", "--device", "cpu", "--dtype", "bfloat16")
    assert code == 0 and out.splitlines()[0].endswith(
        "20.0 GB free; bfloat16, a text of 512 tokens, up to 8 rows a call"
    )
    lines = {line.split()[0]: line for line in out.splitlines() if " = " in line}
    assert len(lines) == 27
    assert lines["llada-8b"].split()[1:] == "fits 19.6 GB = 16.0 GB weights + 3.5 GB for a run, not here".split()
    assert lines["sdar-30b-a3b"].split()[1:4] == ["does", "not", "fit"]
    listed = json.loads(run_cli(capsys, "models", "--json", "--device", "cpu")[1])["models"]
    rows = {row["id"]: row for row in listed}
    sdar = rows["sdar-8b"]
    assert (sdar["hub_id"], sdar["family"], sdar["fits"], sdar["needs_gb"]) == (
        "JetLM/SDAR-8B-Chat",
        "sdar",
        False,
        37.131,
    )
    assert "simsd" in sdar["methods"] and sdar["pairs"] == ["sdar-1.7b"]
    assert sdar["refused"]["dream"] == "dream needs full attention; this model's is block."
    assert rows["tiny-llada"]["fits"] and rows["tiny-llada"]["here"] and not rows["tiny-llada"]["hub_id"]


def test_a_folder_is_run_from_the_command_line_in_the_arithmetic_that_is_asked_for(capsys, tmp_path):
    folder = str(write(tmp_path / "mine", "a2d-qwen3"))
    ask = ["run", "ssd", "--model", folder, "--prompt", "hi you", "--max-new", "8", "--json", "--no-probe"]
    code, out, _ = run_cli(capsys, *ask, "--dtype", "bfloat16")
    assert code == 0 and json.loads(out)["model"] == "mine"
    code, out, err = run_cli(capsys, *ask, "--device", "cuda:7")
    assert (code, out) == (2, "") and err.startswith("--device cuda:7: ") and err.count("\n") == 1


# ------------------------------------------------------------ exactness
@pytest.mark.skipif(bool(catalogue.missing("tiny-llada")), reason="assets/models/tiny-llada has no weights")
def test_ssd_differs_from_stepwise_in_bfloat16_where_rows_are_packed_and_is_identical_in_float32(monkeypatch):
    """Rows beside each other or one behind the other are added up in another order; in bfloat16 that turns a token. Of
    which text depends on the processor's kernels."""

    def differs(animal: str, dtype: str) -> bool:
        model = catalogue.load("tiny-llada", Placement("cpu", dtype))
        monkeypatch.setattr(model, "layout", "packed")
        prompt = f"Tell me a short story about a {animal}."
        return run("ssd", model, prompt, reference=True, n=4, early_stop=False).difference() is not None

    animals = ("dog", "fox", "cat", "bird", "horse", "king", "mouse", "bear")
    left = next((animal for animal in animals if differs(animal, "bfloat16")), None)
    assert left is not None
    assert not differs(left, "float32")
