"""The bundled checkpoints: small, quick to load, safetensors only, and what they say to five prompts each."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from decoders.models import catalogue
from decoders.run import run
from training.corpus import FAMILIES, HELD_OUT, items

MODELS = Path(__file__).resolve().parents[1] / "assets" / "models"
BUNDLED = [entry.id for entry in catalogue.CATALOGUE if not catalogue.missing(entry.id)]
PINNED = json.loads((Path(__file__).parent / "data" / "pinned.json").read_text())


def test_a_model_of_each_attention_is_bundled():
    assert set(BUNDLED) == {"tiny-llada", "tiny-sdar", "nano-sdar", "tiny-ar"}


def test_all_models_together_stay_below_60_megabytes():
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) <= 60_000_000


def test_no_weights_in_other_formats():
    assert not [p.name for p in MODELS.rglob("*") if p.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".npz")]


@pytest.mark.parametrize("name", BUNDLED)
def test_the_weights_are_bfloat16(name):
    with safe_open(MODELS / name / "model.safetensors", "pt") as weights:
        assert {weights.get_tensor(key).dtype for key in weights.keys()} == {torch.bfloat16}  # noqa: SIM118


def test_all_models_share_one_tokenizer():
    assert len({(MODELS / name / "tokenizer.json").read_bytes() for name in BUNDLED}) == 1


@pytest.mark.parametrize("name", BUNDLED)
def test_every_model_has_a_card_with_data_recipe_accuracy_and_licence(name):
    card = (MODELS / name / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0")
    for heading in ("## Held-out accuracy", "## Data", "## Training", "core hours"):
        assert heading in card
    for family in ("word", "code", "facts", "choice", "story"):
        assert f"| {family} |" in card


@pytest.mark.parametrize(("name", "prompt"), [(name, prompt) for name in BUNDLED for prompt in PINNED[name]])
def test_a_bundled_model_answers_a_pinned_prompt_exactly(name, prompt):
    method = "ar" if catalogue.spec(name).attention == "causal" else "stepwise"
    assert run(method, name, prompt, level="timing", max_new=64).text == PINNED[name][prompt]


@pytest.mark.parametrize("name", BUNDLED)
def test_five_prompts_are_pinned(name):
    assert len(PINNED[name]) == 5


@pytest.mark.parametrize("name", BUNDLED)
def test_the_stored_weights_are_exactly_those_of_the_network(name):
    model = catalogue.load(name)
    with safe_open(MODELS / name / "model.safetensors", "pt") as weights:
        stored = set(weights.keys())
    assert stored == {key for key in model.net.state_dict() if key != "lm_head.weight"}  # tied


def test_greedy_decoding_of_tiny_ar_through_the_cache_is_that_without_a_cache():
    for item in [item for family in FAMILIES for item in items(family, HELD_OUT, 4, 21)]:
        cached, whole = (run("ar", "tiny-ar", item.prompt, level="timing", cache=c) for c in (True, False))
        assert cached.tokens == whole.tokens
        assert cached.rows_tokens < whole.rows_tokens


DIFFUSION = [name for name in BUNDLED if catalogue.spec(name).attention != "causal"]


@pytest.mark.parametrize("draft", DIFFUSION)
def test_diffuspec_with_a_bundled_drafter_writes_what_tiny_ar_writes_alone_in_fewer_of_its_calls(draft):
    saved = 0
    for item in [item for family in FAMILIES for item in items(family, HELD_OUT, 2, 22)]:
        models = {"target": "tiny-ar", "draft": draft}
        trace = run("diffuspec", models, item.prompt, level="timing", reference=True)
        assert trace.difference() is None
        saved += trace.reference.calls - sum(call.role != "draft" for call in trace.forwards)
    assert saved > 50


@pytest.mark.parametrize("name", DIFFUSION)
def test_ssd_on_a_bundled_model_writes_what_stepwise_writes(name):
    for item in [item for family in FAMILIES for item in items(family, HELD_OUT, 2, 23)]:
        assert run("ssd", name, item.prompt, level="timing", reference=True).difference() is None
