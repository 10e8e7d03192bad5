"""The bench: which lines it has, what it counts in a run, how counts become numbers. No time is asserted."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from toys import hashed

from bench import methods as bench
from bench.lines import SETTINGS, Setting, asked_for, plans
from bench.methods import Sample, measure, prompts, row, sample, table
from decoders import registry
from decoders.errors import UnknownName
from decoders.models import catalogue
from decoders.registry import METHODS
from decoders.trace import Commit, Edit, Finish, Forward, Judge, Round, Verdict
from tests.samples import MASK, tiny_trace
from training.corpus import FAMILIES


@pytest.fixture
def everything(monkeypatch):
    """All models of the catalogue have their files, or seem to."""
    monkeypatch.setattr(catalogue, "missing", lambda name: "")
    return catalogue.CATALOGUE


def named(*ids: str):
    return [registry.method(name) for name in ids]


# ------------------------------------------------------------ which lines there are
def test_the_lines_of_a_model_are_what_fits_it_and_its_reference_comes_first(everything):
    lines = plans(named("ssd", "stepwise", "block", "s2d2", "simsd", "diffuspec", "ar"), everything)
    under = {e.id: [plan.name for plan in lines if plan.model == e.id] for e in everything}
    ssd = ["ssd N=2", "ssd N=4", "ssd N=8", "ssd N=4 top-2", "ssd N=4 mixed"]
    folded = [setting.name for setting in SETTINGS["ssd"] if setting.knobs.get("fold")]
    block = [setting.name for name in ("block", "s2d2") for setting in SETTINGS[name]]
    simsd = [f"{setting.name} with nano-sdar" for setting in SETTINGS["simsd"]]
    assert folded == ["ssd N=2 fold", "ssd N=4 fold", "ssd N=8 mixed 32 fold"]
    own = ["ssd N=2 fold", "ssd N=4 fold", "ssd N=8 mixed 32", "ssd N=8 mixed 32 fold"]
    assert under == {
        "tiny-llada": ["stepwise", *ssd, "ssd N=8 mixed 32"],
        "tiny-sdar": ["stepwise", "stepwise fold", *ssd, *own, *block, *simsd],
        "nano-sdar": ["stepwise", "stepwise fold", *ssd, *own, *block],
        "tiny-ar": ["ar", "diffuspec with tiny-llada", "diffuspec with tiny-sdar", "diffuspec with nano-sdar"],
    }
    casts = [plan.models for plan in lines if plan.method.id == "simsd"]
    assert casts == [{"target": "tiny-sdar", "draft": "nano-sdar"}] * len(SETTINGS["simsd"])


def test_a_method_that_the_table_does_not_name_has_one_line_at_its_defaults(everything):
    new = replace(registry.method("threshold"), id="new")
    pair = replace(registry.method("diffuspec"), id="pair")
    lines = [plan for plan in plans([*METHODS, new, pair], everything) if plan.method in (new, pair)]
    assert [(plan.model, plan.name, plan.knobs) for plan in lines] == [
        ("tiny-llada", "new", {}),
        ("tiny-sdar", "new", {}),
        ("nano-sdar", "new", {}),
        ("tiny-ar", "pair with tiny-llada", {}),
    ]
    assert lines[-1].models == {"target": "tiny-ar", "draft": "tiny-llada"}


def test_every_registered_method_has_a_line_and_the_table_names_only_what_there_is(everything):
    assert {plan.method.id for plan in plans(METHODS, everything)} == {m.id for m in METHODS}
    for name, settings in SETTINGS.items():
        method = registry.method(name)
        assert len({setting.name for setting in settings}) == len(settings)
        for setting in settings:
            method.params.read(setting.knobs)
            assert {*setting.models, setting.every or next(iter(method.roles))} <= set(method.roles)


def test_a_model_that_is_not_here_has_no_line_and_drafts_for_nobody(everything):
    here = [e for e in everything if e.id != "tiny-sdar"]
    lines = plans(named("stepwise", "ar", "diffuspec"), here)
    assert [plan.name for plan in lines if plan.model == "tiny-ar"] == [
        "ar",
        "diffuspec with tiny-llada",
        "diffuspec with nano-sdar",
    ]
    assert {plan.model for plan in lines} == {"tiny-llada", "nano-sdar", "tiny-ar"}
    pair = replace(registry.method("diffuspec"), id="pair")
    assert [plan.name for plan in plans([registry.method("ar"), pair], everything[-1:])] == ["ar"]


def test_the_table_may_choose_the_models_of_a_method_of_two(everything, monkeypatch):
    turned = Setting("turned", models={"target": "nano-sdar", "draft": "tiny-sdar"})
    monkeypatch.setitem(SETTINGS, "simsd", (turned,))
    (plan,) = plans(named("simsd"), everything)
    assert (plan.model, plan.name, plan.models) == ("nano-sdar", "turned with tiny-sdar", turned.models)


def test_a_choice_of_methods_and_models_keeps_each_models_reference(everything):
    lines = plans(named("stepwise", "threshold", "ssd", "ar"), everything)
    names = [(plan.model, plan.name) for plan in asked_for(lines, ["threshold"], ["tiny-llada", "tiny-ar"])]
    assert names == [
        ("tiny-llada", "stepwise"),
        ("tiny-llada", "threshold 0.9"),
        ("tiny-llada", "threshold 0.6"),
        ("tiny-llada", "threshold 0.9 dual"),
        ("tiny-ar", "ar"),
    ]
    assert [plan.model for plan in lines if plan.name == "threshold 0.9 dual"] == ["tiny-llada"], "others refuse it"
    assert asked_for(lines, [], []) == lines
    with pytest.raises(UnknownName, match="no method named 'thresold'; did you mean threshold[?]"):
        asked_for(lines, ["thresold"], [])
    with pytest.raises(UnknownName, match="no model named 'tiny-lada'; did you mean tiny-llada[?]"):
        asked_for(lines, [], ["tiny-lada"])


def test_the_prompts_are_held_out_questions_of_all_families_in_turn():
    asked = prompts(7)
    assert [item.family for item in asked] == [*FAMILIES, *FAMILIES[:2]]
    assert len({item.prompt for item in asked}) == 7
    assert prompts(3) == asked[:3]


# ------------------------------------------------------------ what is counted in a run
def edit(pos: int, why: str) -> Edit:
    return Edit(pos, MASK, 3, why, 0.5)


def test_a_run_is_counted_by_call_round_and_token():
    said = (Verdict(0, "accepted", 0.6, 1.0, 1.0),)
    events = (
        Round(0, 0),
        Forward("extend", 2, model="toy"),
        Forward("draft", 6, model="small", seconds=0.25),
        Commit((edit(2, "accepted"),)),  # nothing was judged in this round
        Round(1, 0),
        Forward("draft", 6, model="small"),
        Forward("verify", 5, 3, model="toy", seconds=0.5),
        Judge(said),
        Commit((edit(3, "accepted"),)),
        Commit((edit(4, "corrected"),)),
        Round(2, 0),
        Judge(said),
        Commit((edit(5, "unmasked"),)),
        Finish("length"),
    )
    trace = replace(tiny_trace(), events=events, models={"target": "toy", "draft": "small"})
    assert sample(trace, 2.0, True) == Sample(
        filled=4,
        calls=4,
        target_calls=2,
        cost=2 + 6 + 6 + 15,
        wall=2.0,
        seconds=0.75,
        rounds=2,
        accepted=1,
        own=1,
        right=True,
        text=(3, 3, 3, 3),
    )


def test_a_text_is_what_stands_before_its_end():
    short = sample(tiny_trace(), 1.0, None)
    assert (short.filled, short.text) == (3, (3, 3))  # then a mask, then the end
    assert (short.accepted, short.own, short.rounds) == (1, 1, 1)


# ------------------------------------------------------------ how counts become numbers
BASE = Sample(10, 10, 10, 100, 8.0, 4.0, 0, 0, 0, True, (1, 2))
FAST = Sample(10, 5, 2, 300, 2.0, 2.0, 2, 6, 2, False, (1, 2))


def test_counts_are_compared_as_sums_and_times_as_medians():
    reference = [BASE, replace(BASE, calls=20, target_calls=20, wall=9.0), replace(BASE, wall=1.0, seconds=1.0)]
    ours = [FAST, replace(FAST, calls=10, rounds=4, accepted=6), replace(FAST, text=(1,), right=None, wall=4.0)]
    assert row(ours, reference) == {
        "tokens_per_call": 1.5,  # 30 tokens in 20 calls
        "calls": 6.6667,
        "fewer_calls": 2.0,  # 40 and 20
        "target_calls": 2.0,
        "fewer_target_calls": 6.6667,  # 40 and 6
        "rows_tokens": 300.0,
        "more_rows_tokens": 3.0,
        "speedup": 4.0,  # of 4, 4.5 and 0.25
        "model_speedup": 2.0,  # of 2, 2 and 0.5
        "accepted_a_round": 2.25,  # 18 in 8 rounds
        "mat": 3.0,  # 24 in 8 rounds
        "right": 0,
        "graded": 2,
        "same": 2,
    }


def test_the_reference_against_itself_is_one_everywhere_and_what_does_not_occur_is_no_number():
    numbers = row([BASE], [BASE])
    for name in ("fewer_calls", "fewer_target_calls", "more_rows_tokens", "speedup", "model_speedup"):
        assert numbers[name] == 1.0
    assert numbers["accepted_a_round"] is None and numbers["mat"] is None
    assert (numbers["right"], numbers["graded"], numbers["same"]) == (1, 1, 1)
    assert row([replace(BASE, seconds=0.0)], [BASE])["model_speedup"] is None


def test_the_table_has_a_head_for_each_model_and_a_dash_for_no_number():
    rows = [{"model": "a", "name": "ref", **row([BASE], [BASE])}, {"model": "b", "name": "x", **row([FAST], [BASE])}]
    a, ref, b, x = (line.split() for line in table(rows, 1).splitlines() if line)
    assert (a[0], b[0]) == ("a", "b") and a[1:] == b[1:]
    assert ref == "ref 1.00 10.0 1.00 10.0 1.00 100 1.00 1.00 1.00 - - 1/1 1/1".split()
    assert x == "x 2.00 5.0 2.00 2.0 5.00 300 3.00 4.00 2.00 3.00 4.00 0/1 1/1".split()


# ------------------------------------------------------------ the whole of it, on toys
def toy(name: str):
    kind = catalogue.entry(name).kind
    facts = {"attention": "causal", "rows": "next"} if kind == "causal" else {"attention": kind}
    return hashed(4, id=name, block=8, **facts)


def test_every_line_answers_a_prompt_before_the_next_and_was_warmed_up(everything, monkeypatch):
    lines = plans(named("stepwise", "ssd"), everything[:1])
    done = []

    def once(plan, models, prompt, max_new):
        done.append((plan.name, prompt))
        return tiny_trace(), 1.0

    monkeypatch.setattr(bench, "once", once)
    asked = [SimpleNamespace(prompt=text, grader="") for text in "ab"]
    monkeypatch.setattr(bench, "grade", lambda item, text: None)
    measure(lines, {}, asked, 8)
    names = ["stepwise", "ssd N=2", "ssd N=4", "ssd N=8", "ssd N=4 top-2", "ssd N=4 mixed", "ssd N=8 mixed 32"]
    assert done == [(name, prompt) for prompt in "aab" for name in names]


def test_exact_methods_keep_the_references_text_in_fewer_calls_of_the_target(everything):
    lines = plans(named("stepwise", "ssd", "ar", "diffuspec"), [e for e in everything if e.id != "nano-sdar"])
    models = {name: toy(name) for plan in lines for name in plan.models.values()}
    rows = measure(lines, models, prompts(3), 16)
    assert [(r["model"], r["name"]) for r in rows] == [(plan.model, plan.name) for plan in lines]
    for r in rows:
        assert r["same"] == 3 and r["graded"] == 3
        if r["method"] in ("stepwise", "ar"):
            assert (r["fewer_calls"] > 1, r["more_rows_tokens"]) == (r["name"] == "stepwise fold", 1.0)
            assert r["mat"] is None
        else:
            assert r["fewer_target_calls"] > 1 and r["more_rows_tokens"] > 1
            assert r["mat"] > r["accepted_a_round"] > 0
        assert (r["calls"] > r["target_calls"]) == (r["method"] == "diffuspec")
    # More drafts, more rows: the settings reach the method.
    spent = {r["name"]: r["more_rows_tokens"] for r in rows if r["model"] == "tiny-llada" and r["method"] == "ssd"}
    assert 2 < spent["ssd N=2"] < spent["ssd N=4"] < spent["ssd N=8"]
    assert spent["ssd N=4"] < min(spent["ssd N=4 top-2"], spent["ssd N=4 mixed"])


def test_the_command_writes_its_numbers_down_and_refuses_in_a_sentence(everything, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(catalogue, "load", toy)
    monkeypatch.setattr(bench.measured, "fingerprint", lambda name: f"weights of {name}")
    path = tmp_path / "results" / "m.json"
    argv = ["--n", "2", "--models", "tiny-llada", "--methods", "threshold", "--max-new", "8"]
    assert bench.main([*argv, "--save", str(path), "--json"]) == 0
    saved = json.loads(path.read_text())
    assert saved == json.loads(capsys.readouterr().out)
    assert (saved["prompts"], saved["max_new"], saved["weights"]) == (2, 8, {"tiny-llada": "weights of tiny-llada"})
    assert [r["name"] for r in saved["rows"]] == [
        "stepwise",
        "threshold 0.9",
        "threshold 0.6",
        "threshold 0.9 dual",
    ]
    assert bench.main(argv) == 0
    assert "threshold 0.6" in capsys.readouterr().out
    for wrong, said in (
        (["--n", "0"], "--n 0: must be at least 1."),
        (["--methods", "sssd"], "There is no method named 'sssd'; did you mean ssd?"),
        (["--max-new", "0"], "max_new = 0: must be between 1 and 512."),
    ):
        with pytest.raises(SystemExit) as ended:
            bench.main([*argv, *wrong])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
