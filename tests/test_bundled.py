"""The bundled checkpoints: small, quick to load, safetensors only, and what they say to five prompts each."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from decoders.models import catalogue
from decoders.run import run

MODELS = Path(__file__).resolve().parents[1] / "assets" / "models"
BUNDLED = [entry.id for entry in catalogue.CATALOGUE if not catalogue.missing(entry.id)]
PINNED = json.loads((Path(__file__).parent / "data" / "pinned.json").read_text())


def test_the_two_diffusion_models_of_the_first_page_are_bundled():
    assert {"tiny-llada", "tiny-sdar"} <= set(BUNDLED)


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
    for heading in ("## Held-out accuracy", "## Data", "## Training"):
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
