"""A sweep's spec: what it comes to, what is refused whole, and what keeps its row as a fault."""

import math

import pytest
import yaml

from decoders.errors import UnknownName, UsageError
from tune import spec
from tune.prompts import of_file, of_lines

SMALL = {"models": ["tiny-sdar"], "methods": {"ssd": {"n": [2, 4]}}, "prompts": {"family": "word", "n": 2}}


def made(**more):
    return spec.plan({**SMALL, **more})


def test_a_grid_is_every_combination_of_its_values_on_every_model_that_fits():
    plan = made(
        models=["tiny-llada", "tiny-sdar"],
        methods={"psd": {"depth": [3, 7], "threshold": {"from": 0.9, "to": 0.99, "steps": 3}}},
    )
    assert len(plan.points) == 2 * 2 * 3 and len(plan.runs) == 24
    assert [(p.model, *p.knobs.values()) for p in plan.points[:2]] == [
        ("tiny-llada", 3, 0.9),
        ("tiny-llada", 3, 0.945),
    ]
    assert sorted({p.knobs["threshold"] for p in plan.points}) == [0.9, 0.945, 0.99]
    assert not plan.faults and not plan.left_out


def test_a_point_is_the_same_in_whatever_order_its_settings_are_written():
    one = spec.Point("psd", {"model": "tiny-sdar"}, {"depth": 3, "threshold": 0.9})
    other = spec.Point("psd", {"model": "tiny-sdar"}, {"threshold": 0.9, "depth": 3})
    assert one.id == other.id != one._replace(knobs={"depth": 3, "threshold": 0.8}).id


def test_a_model_that_a_method_does_not_take_is_left_out_and_named_once():
    plan = made(models=["tiny-llada", "tiny-sdar"], methods={"s2d2": {}, "block": {}, "ssd": {}})
    assert [(p.method, p.model) for p in plan.points] == [
        ("s2d2", "tiny-sdar"),
        ("block", "tiny-sdar"),
        ("ssd", "tiny-llada"),
        ("ssd", "tiny-sdar"),
    ]
    assert plan.left_out == ("tiny-llada does not go with s2d2, block.",)


def test_the_pairs_that_are_named_are_meant_and_otherwise_the_second_model_is_the_usual_one():
    named = made(models=[{"target": "tiny-ar", "draft": "nano-sdar"}, "tiny-ar"], methods={"diffuspec": {}, "ar": {}})
    assert [dict(p.models) for p in named.points] == [
        {"target": "tiny-ar", "draft": "nano-sdar"},
        {"model": "tiny-ar"},
    ]
    usual = made(models=["tiny-ar"], methods={"diffuspec": {}})
    assert [dict(p.models) for p in usual.points] == [{"target": "tiny-ar", "draft": "tiny-llada"}]


def test_what_cannot_be_run_is_one_fault_and_the_rest_is_planned():
    plan = made(
        models=["tiny-sdar"],
        methods={
            "ssd": {"n": [2, 99]},
            "threshold": {"threshold": [0.5, math.nan]},
            "sssd": {},
            "ar": {},
            "stepwise": {"cache": ["none", "dual"]},
        },
    )
    assert [(p.method, p.fault) for p in plan.faults] == [
        ("ssd", "n = 99: must be between 1 and 8."),
        ("threshold", "threshold = nan: must be a number from 0 to 1."),
        ("sssd", "There is no method named 'sssd'; did you mean ssd?"),
        ("ar", "ar fits none of the models that were named: model needs causal attention."),
        ("stepwise", "cache = dual: tiny-sdar has block attention; use cache = none."),
    ]
    # A fault has nothing to do with prompts: one row. The three others have one for each of the two prompts.
    assert len(plan.runs) == 3 * 2 + 5


def test_a_model_that_does_not_exist_is_a_fault_of_its_points():
    plan = made(models=["tiny-sdr", "tiny-sdar"])
    assert [(p.model, p.fault.split(";")[0]) for p in plan.points] == [
        ("tiny-sdr", "There is no model named 'tiny-sdr'"),
        ("tiny-sdr", "There is no model named 'tiny-sdr'"),
        ("tiny-sdar", ""),
        ("tiny-sdar", ""),
    ]


def test_a_random_sample_has_as_many_points_as_asked_for_and_is_the_same_again():
    asked = {"methods": {"psd": {"depth": [1, 3, 5, 7], "threshold": {"from": 0.5, "to": 0.99}}}, "sample": 10}
    one, two = made(**asked), made(**asked)
    assert len(one.points) == 10 and one.points == two.points
    assert len({p.knobs["threshold"] for p in one.points}) == 10
    assert all(0.5 <= p.knobs["threshold"] <= 0.99 for p in one.points)
    other = made(**{**asked, "sample": {"n": 10, "seed": 1}})
    assert other.points != one.points


def test_ranges_of_whole_knobs_are_whole_numbers():
    plan = made(methods={"ssd": {"n": {"from": 1, "to": 8, "steps": 3}}})
    assert [p.knobs["n"] for p in plan.points] == [1, 4, 8]


def test_common_settings_reach_every_method_that_has_them():
    plan = made(methods={"ssd": {"n": 2}, "threshold": {"threshold": 0.9}}, knobs={"max_new": 32, "n": 4})
    assert [dict(p.knobs) for p in plan.points] == [{"max_new": 32, "n": 2}, {"max_new": 32, "threshold": 0.9}]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("models: [a", "The spec is not YAML (line 1): write `models:`, `methods:` and `prompts:`."),
        ("3", "The spec must be a mapping with `models`, `methods` and `prompts`."),
        ("models: [tiny-sdar]", "The spec has no methods: name at least one."),
        ("a: &a [x, x]\nmodels: [*a, *a]", "The spec has an alias (*name): write out what it stands for."),
        ("model: tiny-sdar", "There is no part of a sweep's spec named 'model'; did you mean models?"),
    ],
)
def test_a_spec_that_cannot_be_read_is_refused_with_one_sentence(given, sentence):
    with pytest.raises(UsageError) as error:
        spec.parse(given)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"models": "tiny-sdar"}, "models = 'tiny-sdar': must be a list"),
        ({"seeds": [-1]}, "seeds = [-1]: must be whole numbers"),
        ({"repeats": 0}, "repeats = 0: must be a whole number from 1 to 100"),
        ({"sample": 0.5}, "sample = 0.5: must be a number of points"),
        ({"dtype": "int8"}, "dtype = 'int8': must be one of"),
        ({"grader": "mine.py:grade"}, "is for the command line only"),
        ({"prompts": {"file": "x.jsonl"}}, "files are for the command line"),
        ({"prompts": {"family": "word", "n": 0}}, "n = 0: must be a whole number of prompts"),
        ({"methods": {"ssd": {"n": []}}}, "ssd: n has no values"),
        ({"methods": {"ssd": {"n": {"from": 1}}}}, "must be a list, or {from, to, steps}"),
        ({"methods": {"ssd": 4}}, "methods: ssd = 4: must be"),
    ],
)
def test_what_is_wrong_with_a_spec_is_named(more, words):
    with pytest.raises(UsageError) as error:
        made(**more)
    assert words in str(error.value)


def test_a_family_that_does_not_exist_is_refused_with_the_nearest_one():
    with pytest.raises(UnknownName, match="did you mean word"):
        made(prompts={"family": "words", "n": 1})


def test_prompts_of_a_file_may_have_graders_and_a_line_that_is_none_keeps_its_place(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"prompt": "What is 2 + 2?", "grader": ["number", 4], "id": "sum"}\n'
        "not json\n\n"
        '{"prompt": ""}\n'
        '{"prompt": "Say yes.", "grader": ["telepathy", 1]}\n'
        '{"prompt": "Say no."}\n'
    )
    found = of_file(path)
    assert [(p.id, p.grader, bool(p.fault)) for p in found] == [
        ("sum", ("number", 4.0), False),
        ("mine-2", None, True),
        ("mine-4", None, True),
        ("mine-5", None, True),
        ("mine-6", None, False),
    ]
    assert found[1].fault.startswith("mine-2: is not JSON")
    assert found[3].fault.startswith("mine-5: grader 'telepathy' must be a list that begins with one of number")
    with pytest.raises(UsageError, match="cannot be read"):
        of_file(tmp_path / "none.jsonl")


def test_two_prompts_of_one_name_stay_two():
    text = '{"prompt": "a", "id": 1}\n{"prompt": "b", "id": 1}\n'
    plan = made(prompts={"lines": text})
    assert len({r.prompt.id for r in plan.runs}) == 2
    assert [p.text for p in of_lines(text)] == ["a", "b"]


def test_the_shipped_spec_has_every_method_and_no_faults():
    from decoders.registry import METHODS
    from tune.estimate import SHIPPED

    plan = spec.load(SHIPPED.with_suffix(".yaml"))
    assert {p.method for p in plan.points} == {m.id for m in METHODS}
    assert plan.faults == ()
    assert yaml.safe_load(plan.text)["prompts"][0]["family"] == "graded"
