"""Training: the optimiser, the growing of a model, the schedule, the sizes, and that a run can be interrupted."""

import pytest
import torch

from training import batches, shapes, train
from training.evaluate import wilson
from training.muon import Muon, orthogonal


def test_the_models_have_the_sizes_their_cards_state():
    counts = {name: sum(p.numel() for p in shapes.build(name, 0).parameters()) for name in shapes.FACTS}
    assert counts == {
        "tiny-llada": 5_332_224,
        "tiny-sdar": 5_332_224,
        "nano-sdar": 1_260_928,
        "tiny-ar": 16_578_816,
    }


def test_the_causal_target_has_at_least_three_times_the_compute_of_tiny_llada():
    assert shapes.compute("tiny-ar") / shapes.compute("tiny-llada") > 3.0


def test_the_draft_model_is_four_to_six_times_cheaper_than_tiny_sdar():
    assert 4.0 < shapes.compute("tiny-sdar") / shapes.compute("nano-sdar") < 6.0


def test_a_grown_model_computes_what_the_smaller_one_computed():
    small, large = shapes.build("trunk", 1).eval(), shapes.build("tiny-ar", 2).eval()
    shapes.start_from(large, small.state_dict())
    ids = torch.arange(5, 45)[None]
    with torch.no_grad():
        assert torch.allclose(small(ids).logits, large(ids).logits, atol=1e-4)


def test_weights_of_another_width_are_refused():
    with pytest.raises((ValueError, RuntimeError), match="shape|size"):
        shapes.start_from(shapes.build("tiny-sdar", 0), shapes.build("nano-sdar", 0).state_dict())


@pytest.mark.parametrize("shape", [(2, 16, 48), (2, 48, 16), (1, 32, 32)])
def test_muon_steps_have_singular_values_near_one(shape):
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
    assert 0.4 < float(values.min()) and float(values.max()) < 1.4


def test_muon_agrees_with_the_one_of_torch_to_bfloat16_precision():
    theirs, ours = (torch.nn.Parameter(torch.eye(24, 40)) for _ in range(2))
    other = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.0, adjust_lr_fn="original")
    mine = Muon([ours], lr=0.1)
    for step in range(3):
        gradient = torch.randn(24, 40, generator=torch.Generator().manual_seed(step))
        theirs.grad, ours.grad = gradient.clone(), gradient.clone()
        other.step()
        mine.step()
    assert torch.allclose(theirs, ours, atol=0.01)


def test_the_learning_rate_warms_up_stays_and_falls_to_zero():
    recipe = train.Recipe("causal", "", 1000, 8, 0.02, 0.003, 0.5)
    factors = [round(train.rate(recipe, step, 1000), 3) for step in (0, 19, 40, 500, 750, 999)]
    assert factors == [0.025, 0.5, 1.0, 1.0, 0.5, 0.002]


def test_what_a_model_starts_from_is_trained_first_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(shapes, "MODELS", tmp_path)
    assert train.plan("tiny-sdar") == ["trunk", "tiny-llada", "tiny-sdar"]
    (tmp_path / "trunk.pt").touch()
    assert train.plan("tiny-sdar") == ["tiny-llada", "tiny-sdar"]


def test_a_run_that_has_begun_goes_on_without_what_it_started_from(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(shapes, "MODELS", tmp_path)
    (tmp_path / "nano-sdar.pt").touch()
    assert train.plan("nano-sdar") == ["nano-sdar"]


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    # Two steps of the smallest model; not compiled, that takes longer than the steps.
    monkeypatch.setattr(torch, "compile", lambda f, **_: f)
    monkeypatch.setattr(train, "WARM_UP", 1)
    recipe = train.Recipe("causal", "", 2, 2, 0.02, 0.003, 0.0)
    monkeypatch.setitem(train.RECIPES, "nano-trunk", recipe)
    ends = {}
    for name, runs in (("straight", [2]), ("resumed", [1, 2])):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setattr(train, "CHECKPOINTS", folder)
        for steps in runs:
            train.train(0, 1, "", "nano-trunk", steps, "")
        ends[name] = torch.load(folder / "nano-trunk.pt", weights_only=True)
    assert ends["straight"]["step"] == ends["resumed"]["step"] == 2
    for key, value in ends["straight"]["model"].items():
        assert torch.equal(value, ends["resumed"]["model"][key])


def test_going_on_from_a_finished_run_is_a_stage_of_its_own_and_an_interrupted_one_is_not(tmp_path, monkeypatch):
    save = torch.save

    def save_and_stop(state, path):
        save(state, path)
        path.rename(tmp_path / "nano-trunk.pt")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "compile", lambda f, **_: f)
    monkeypatch.setattr(train, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0)
    monkeypatch.setitem(train.RECIPES, "nano-trunk", train.Recipe("causal", "", 2, 2, 0.02, 0.003, 0.0))
    train.train(0, 1, "", "nano-trunk", 1, "")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch, "save", save_and_stop)
        train.train(0, 1, "", "nano-trunk", 3, "")
    train.train(0, 1, "", "nano-trunk", 4, "")
    stages = torch.load(tmp_path / "nano-trunk.pt", weights_only=True)["stages"]
    assert [(s["start"], s["steps"], s["planned"]) for s in stages] == [("", 1, 1), ("nano-trunk", 3, 3)]


def test_a_stage_that_starts_from_a_shipped_model_draws_steps_that_were_not_drawn_before(tmp_path, monkeypatch):
    drawn = []
    batch = batches.batch
    monkeypatch.setattr(
        batches, "batch", lambda objective, step, *rest: drawn.append(step) or batch(objective, step, *rest)
    )
    monkeypatch.setattr(torch, "compile", lambda f, **_: f)
    monkeypatch.setattr(train, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(shapes, "weights", lambda *_: shapes.build("nano-trunk", 0).state_dict())
    earlier = [{"objective": "causal", "steps": 30}, {"objective": "blocks", "steps": 5}]
    monkeypatch.setattr(shapes, "stages", lambda *_: earlier)
    monkeypatch.setitem(train.RECIPES, "nano-trunk", train.Recipe("causal", "", 2, 2, 0.02, 0.003, 0.0))
    train.train(0, 1, "", "nano-trunk", 1, "nano-sdar")
    train.train(0, 1, "", "nano-trunk", 3, "nano-sdar")  # goes on
    assert drawn == [30, 31, 32]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words=1", "'words=1': 'words' is none of word, code."),
        ("word=x", "'word=x': write word=NUMBER."),
        ("word=0", "'word=0': a share must be above 0; leave word out instead."),
    ],
)
def test_shares_that_make_no_sense_are_refused_in_one_sentence(text, message):
    with pytest.raises(ValueError) as caught:
        train.shares(text, ("word", "code"))
    assert str(caught.value) == message


def test_shares_are_read_by_name():
    assert train.shares("code=3,word=0.5", ("word", "code")) == {"code": 3.0, "word": 0.5}


def test_wilson_intervals_match_published_values():
    # 81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I, method 3); 0 of 20: 0 to 0.1611.
    assert [round(bound, 4) for bound in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(bound, 4) for bound in wilson(0, 20)] == [0.0, 0.1611]
