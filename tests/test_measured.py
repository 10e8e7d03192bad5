"""Numbers of a model belong to its weights: those of other weights are never shown, and the cards hold no others."""

import json

import pytest

from decoders.models import catalogue, measured
from training import card

BUNDLED = [entry.id for entry in catalogue.CATALOGUE if not catalogue.missing(entry.id)]
FAMILIES = {"word": 0.9, "code": 0.85, "facts": 0.5, "choice": 1.0}


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model folder with weights, of which nothing has been measured."""
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    (tmp_path / "tiny-llada").mkdir()
    (tmp_path / "tiny-llada" / "model.safetensors").write_bytes(b"some weights")
    return tmp_path / "tiny-llada"


def keep_accuracy() -> None:
    families = {family: {"accuracy": share, "n": 20} for family, share in FAMILIES.items()}
    measured.keep("tiny-llada", "accuracy", {"n": 20, "families": {**families, "story": {"accuracy": None, "n": 20}}})


def test_a_model_that_was_not_measured_has_no_numbers(model):
    assert measured.read("tiny-llada") == {}
    assert measured.accuracy("tiny-llada") == ""
    assert measured.accuracy("nano-sdar") == ""


def test_what_was_measured_is_said_in_one_sentence(model):
    keep_accuracy()
    assert measured.accuracy("tiny-llada") == (
        "Measured on 20 held-out questions of each kind, one token per call: word problems 90%, Python functions "
        "85%, facts 50%, multiple choice 100% right."
    )


def test_numbers_of_other_weights_are_not_shown_and_go_when_the_new_ones_are_measured(model):
    keep_accuracy()
    (model / "model.safetensors").write_bytes(b"better weights")
    assert measured.read("tiny-llada") == {} and measured.accuracy("tiny-llada") == ""
    measured.keep("tiny-llada", "threshold", {"n": 3})
    assert list(json.loads((model / "measured.json").read_text())) == ["threshold"]


def test_two_measurements_of_the_same_weights_are_both_kept(model):
    keep_accuracy()
    measured.keep("tiny-llada", "threshold", {"n": 3})
    assert list(measured.read("tiny-llada")) == ["accuracy", "threshold"]


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_model_was_measured_with_the_weights_it_ships(name):
    result = measured.read(name)["accuracy"]
    assert result["n"] >= 200
    assert set(result["families"]) == {"word", "code", "facts", "choice", "story"}


@pytest.mark.parametrize("name", BUNDLED)
def test_every_card_is_what_its_command_writes(name):
    assert (catalogue.MODELS / name / "README.md").read_text(encoding="utf-8") == card.card(name)
