"""A checkpoint as its authors publish it (their key names, their config.json, their tokenizer's files, their code
beside it) is read by a native class, gives the logits of their modelling file, and decodes with every method that it
is allowed."""

import json

import oracle_models
import pytest
import torch
from checkpoints import WEIGHTS, write
from safetensors.torch import load_file, save_file
from test_device import KNOBS, check_devices
from test_forward_oracles import CASES, compare
from toys import cast, tiny

from decoders import registry
from decoders.errors import ModelUnavailable
from decoders.models import catalogue, checkpoint, families
from decoders.models.catalogue import Placement
from decoders.models.hf import HFModel
from decoders.ngram import NGram
from decoders.run import run

# The recorded forwards of the authors' modelling files, and the family each is of.
RECORDED = {
    "a2d_qwen3": "a2d-qwen3",
    "dream_dllm": "dream",
    "dream_fastdllm": "dream",
    "fast_v2": "fast-v2",
    "llada2_dllm20": "llada2",
    "llada2_dllm21": "llada2",
    "llada2_s2d2": "llada2",
    "llada_moe": "llada-moe",
    "llada_dllm": "llada",
    "llada_fastdllm": "llada",
    "sdar": "sdar",
}
CPU = torch.device("cpu")
LOADED: dict[tuple, HFModel] = {}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """(family, seed) -> its model, through the catalogue's path."""

    def load(family: str, seed: int = 0) -> HFModel:
        if (family, seed) not in LOADED:
            folder = write(tmp_path_factory.mktemp(family), family, seed)
            LOADED[family, seed] = catalogue.load(str(folder))
        return LOADED[family, seed]

    yield load
    LOADED.clear()
    catalogue._loaded.clear()


def test_every_family_has_a_checkpoint_here_and_every_recording_a_family():
    assert set(WEIGHTS) == {f.id for f in families.FAMILIES} - {"llama", "qwen2", "qwen3"}
    assert set(RECORDED) == set(CASES)


@pytest.mark.parametrize("name, case", [(name, case) for name, cases in CASES.items() for case in cases])
def test_what_is_loaded_gives_the_logits_of_the_authors_modelling_file(oracles, loaded, name, case):
    recorded = torch.load(oracles / f"forward_{name}.pt", weights_only=True)
    compare(loaded(RECORDED[name], recorded["seed"]), recorded["cases"][case], case)


@pytest.mark.parametrize("family", WEIGHTS)
def test_the_facts_are_those_of_the_file_and_of_the_family_where_it_is_silent(loaded, family):
    spec, own = loaded(family).spec, families.named(family)
    assert (spec.vocab_size, spec.mask, spec.eos, spec.context) == (96, 95, (94,), 512)
    assert (spec.rows, spec.attention) == (own.rows, own.attention)
    assert spec.block == {"sdar": 4, "sdar-moe": 4, "fast-v2": 8, "llada2": 8}.get(family, 32)


@pytest.mark.parametrize("family", WEIGHTS)
def test_a_prompt_stands_in_the_familys_template_and_comes_back_as_text(loaded, family):
    model = loaded(family)
    ids = model.encode("hi <|mask|> you")
    words = [model.text(token) for token in ids]
    head, tail = {
        "llada": (["<|startoftext|>", "<|user|>"], ["<|end|>", "<|assistant|>"]),
        "llada2": (["<role>", *"HUMAN", "</role>"], ["<|end|>", "<role>", *"ASSISTANT", "</role>"]),
        "a2d-qwen3": (["<|user|>"], ["<|end|>", "<|no|>"]),
    }.get(family, (["<|user|>"], ["<|end|>"]))
    assert words[: len(head)] == head and words[len(words) - len(tail) :] == tail
    # "<", "|" and ">" are no letters of this vocabulary; what matters is that no special token came of them.
    assert "".join(words[len(head) : len(words) - len(tail)]) == "hi mask you"


def test_a_base_model_has_no_template_and_gets_the_prompt_as_it_is(tmp_path):
    folder = write(tmp_path / "base", "dream")
    facts = json.loads((folder / "tokenizer_config.json").read_text())
    del facts["chat_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(facts))
    model = checkpoint.load(checkpoint.read(folder), CPU, torch.float32)
    assert [model.text(token) for token in model.encode("to be")] == [*"to be"]


# ------------------------------------------------------------ decoding
def allowed(method, family):
    return any(families.named(family).attention in kinds for kinds in method.roles.values())


def models_of(method, model):
    """Models for a method, this one where its attention is allowed."""

    def pick(kinds):
        if model.spec.attention in kinds:
            return model
        return oracle_model({"causal": "qwen2", "block": "qwen3", "full": "llama"}[kinds[0]], kinds[0])

    return cast(method, pick)


def oracle_model(weights: str, attention: str) -> HFModel:
    spec = checkpoint.ModelSpec(
        f"oracle-{attention}", 96, 95, (94,), "next" if attention == "causal" else "self", attention, 4
    )
    return HFModel(oracle_models.build(weights), None, spec, NGram.fit([PROMPT], vocab=96))


PROMPT = [3, 17, 5, 60, 8, 41, 2, 33, 9, 12, 7]


@pytest.mark.parametrize("family", WEIGHTS)
def test_a_family_decodes_with_every_method_that_it_is_allowed_and_every_tensor_is_where_it_is(loaded, method, family):
    if not allowed(method, family):
        pytest.skip("needs another attention")
    models = models_of(method, loaded(family))
    hooks = [m.net.register_forward_pre_hook(check_devices, with_kwargs=True) for m in set(models.values())]
    torch.set_default_device("meta")
    try:
        for knobs in ({}, KNOBS.get(method.id, {})):
            trace = run(method, models, PROMPT, max_new=9, block=4, early_stop=False, **knobs)
            assert trace.finish == "length" and trace.calls > 0 and 95 not in trace.tokens
    finally:
        torch.set_default_device(None)
        for hook in hooks:
            hook.remove()


def test_a_tensor_without_a_device_fails_in_a_family_too(loaded, monkeypatch):
    careful = torch.arange

    def careless(*args, device=None, **how):
        return careful(*args, **how)

    model = loaded("sdar")
    torch.set_default_device("meta")
    monkeypatch.setattr("decoders.masks.torch.arange", careless)
    try:
        with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
            run("s2d2", model, PROMPT, max_new=8, block=4)
    finally:
        torch.set_default_device(None)


# ------------------------------------------------------------ arithmetic
@pytest.mark.parametrize("family", WEIGHTS)
def test_a_family_decodes_in_bfloat16(tmp_path, family):
    folder = write(tmp_path / family, family)
    model = catalogue.load(str(folder), Placement(dtype="bfloat16"))
    assert model.dtype == torch.bfloat16
    method = {"full": "ssd", "block": "s2d2"}[model.spec.attention]
    trace = run(method, model, PROMPT, max_new=12, block=4, early_stop=False)
    assert len(trace.tokens) == 23 and trace.hardware.endswith("threads, bfloat16")


# ------------------------------------------------------------ several devices
def test_spreading_a_model_without_accelerate_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="^wide: laying a model over several devices needs accelerate: run `pip"):
        catalogue.load(str(write(tmp_path / "wide", "sdar")), Placement("auto"))


@pytest.mark.parametrize("family", WEIGHTS)
def test_a_spread_family_gives_the_same_logits(loaded, tmp_path, family):
    """With one device there is nothing to lay out, so accelerate's hooks are put on by hand: masks and caches pass."""
    accelerate = pytest.importorskip("accelerate", reason="accelerate is an optional package")
    spread = catalogue.load(str(write(tmp_path / family, family)), Placement("auto", "float32"))
    accelerate.dispatch_model(spread.net, {"": "cpu"}, force_hooks=True)
    assert spread.net._hf_hook is not None
    alone = loaded(family).forward(PROMPT, role="x")[0].rows
    assert torch.equal(spread.forward(PROMPT, role="x")[0].rows, alone)
    method = {"full": "ssd", "block": "s2d2"}[spread.spec.attention]
    assert run(method, spread, PROMPT, max_new=8, block=4, early_stop=False).finish == "length"


# ------------------------------------------------------------ refusals
def test_an_unknown_architecture_is_refused_by_its_name(tmp_path):
    folder = write(tmp_path / "odd", "sdar")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["MambaForCausalLM"]}))
    with pytest.raises(ModelUnavailable, match="^odd: the architecture MambaForCausalLM has no native class here; "):
        catalogue.spec(str(folder))


@pytest.mark.parametrize("change, said", [
    (lambda w: w.pop("model.layers.1.mlp.up_proj.weight"), "1 missing weights, model.layers.1.mlp.up_proj.weight "),
    (lambda w: w.update(other=torch.zeros(2)), "1 unexpected weights, other among them"),
])  # fmt: skip
def test_weights_that_are_not_the_families_are_refused(tmp_path, change, said):
    folder = write(tmp_path / "odd", "sdar")
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=f"^odd: {said}"):
        catalogue.load(str(folder))


def test_a_tied_model_may_store_its_head_as_well(tmp_path):
    """The A2D checkpoints do."""
    folder = write(tmp_path / "tied", "a2d-qwen3")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    net = catalogue.load(str(folder)).net
    assert torch.equal(net.lm_head.weight, weights["model.embed_tokens.weight"])
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    again = checkpoint.load(checkpoint.read(folder), CPU, torch.float32)
    assert torch.equal(again.net.lm_head.weight, net.lm_head.weight)


def test_pickled_weights_are_not_read(tmp_path):
    folder = write(tmp_path / "odd", "sdar")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        ModelUnavailable, match="^odd lacks model.safetensors in odd/. Weights in other formats are not "
    ):
        checkpoint.load(checkpoint.read(folder), CPU, torch.float32)


def test_a_shard_that_is_named_and_not_there_is_named(tmp_path):
    folder = write(tmp_path / "odd", "sdar")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"x": "model-2-of-2.safetensors"}}')
    assert checkpoint.absent(folder) == ["model-2-of-2.safetensors"]
    assert catalogue.missing(str(folder)) == (
        f"{folder} lacks model-2-of-2.safetensors in odd/: give a folder with all files of the checkpoint."
    )


def test_a_mask_outside_of_the_vocabulary_is_refused(tmp_path):
    folder = write(tmp_path / "odd", "sdar")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "mask_token_id"}))
    with pytest.raises(ModelUnavailable, match="^odd: the mask token 151669 is not one of its 96 tokens; name it in "):
        catalogue.spec(str(folder))
    (folder / "generation.json").write_text('{"mask": 95, "block": 16}')
    assert (checkpoint.read(folder, "named").spec.mask, checkpoint.read(folder, "named").spec.block) == (95, 16)


def test_methods_name_their_kinds_of_attention_so_that_every_family_has_some():
    assert {f: sum(allowed(m, f) for m in registry.METHODS) for f in ("llada", "sdar")} == {"llada": 13, "sdar": 17}
    assert tiny("llama-causal").spec.attention == "causal"
