"""Our decoders reproduce what the authors' own generate functions did on the same weights: token for token, call for
call.

The recordings lie in ../shared/oracles (see its README); tests/oracle_impl.py translates the reference's arguments to
ours."""

import importlib
import json

import pytest
import torch

from decoders.methods.stepwise import shares
from decoders.methods.threshold import Threshold, passing
from decoders.models.base import Logits
from decoders.sampling import by_confidence, look
from decoders.trace import Forward

SUPPORTED = {
    ("llada", "lowconf_bl16_st16"),
    ("llada", "lowconf_bl8_st8"),
    ("llada", "random_remask"),
    ("llada", "cfg_1.5_attnmask"),
    ("llada", "fastdllm_generate_thr0.9"),
    ("dllm", "fastdllm_factor1.0"),
    ("dllm", "fastdllm_thr0.6"),
}


def cases(oracles):
    """(group, name) -> case, for all cases of the two groups that name a method of ours."""
    impl = importlib.import_module("oracle_impl")
    found = {}
    for group in ("llada", "dllm"):
        for name, case in json.loads((oracles / "data" / f"gen_{group}.json").read_text())["cases"].items():
            if not case["error"] and impl.settings(case["call"], case["kwargs"]) is not None:
                found[group, name] = case
    return found


def test_the_recorded_cases_that_we_claim_are_all_there(oracles):
    assert set(cases(oracles)) == SUPPORTED


@pytest.mark.parametrize("group, name", sorted(SUPPORTED))
def test_tokens_and_number_of_calls_are_the_references(oracles, group, name):
    impl, native = importlib.import_module("oracle_impl"), importlib.import_module("native")
    case = cases(oracles)[group, name]
    model = native.build(case["model"]["family"], case["model"]["seed"], peak=case["model"]["peak"])
    result = impl.run(case, model, None)
    assert result["output"] == case["output"]
    assert result["nfe"] == case["stats"].get("nfe", len(case["forwards"]))


def units(oracles, name):
    return [unit for unit in torch.load(oracles / "data" / "units.pt", weights_only=True) if unit["fn"] == name]


def test_the_schedule_is_lladas(oracles):
    found = units(oracles, "llada_num_transfer_tokens")
    assert len(found) == 5
    for unit in found:
        expected = [share for share in unit["output"].tolist() if share]
        assert shares(unit["inputs"]["n_masked"], unit["inputs"]["steps"]) == expected


@pytest.mark.parametrize("name, count", [("fastdllm_threshold", 4), ("fastdllm_factor", 6)])
def test_the_positions_that_pass_are_fast_dllms(oracles, name, count):
    found = units(oracles, name)
    assert len(found) == count
    rule = name.removeprefix("fastdllm_")
    for unit in found:
        given, masked = unit["inputs"], unit["inputs"]["mask"][0].nonzero()[:, 0].tolist()
        order = by_confidence(look(Forward("x", 12), [Logits(given["logits"][0], 0, 0)], [masked], top=0).guesses[0])
        kept = order[: passing([g.p for g in order], Threshold(rule=rule, **{rule: given[rule]}))]
        assert sorted(g.pos for g in kept) == unit["output"]["transfer"][0].nonzero()[:, 0].tolist()
        assert all(g.token == unit["output"]["x0"][0, g.pos] for g in order)


def test_gumbel_noise_is_lladas(oracles):
    (unit,) = units(oracles, "llada_gumbel")
    logits = unit["inputs"]["logits"][0]
    uniform = torch.rand(
        logits.shape, dtype=torch.float64, generator=torch.Generator("cpu").manual_seed(unit["inputs"]["torch_seed"])
    )
    seen = look(
        Forward("x", 12),
        [Logits(logits, 0, 0)],
        [range(12)],
        top=0,
        temperature=unit["inputs"]["temperature"],
        uniform=uniform,
    )
    assert [g.token for g in seen.guesses[0]] == unit["output"][0].tolist()
    greedy = look(Forward("x", 12), [Logits(logits, 0, 0)], [range(12)], top=0)
    assert [g.token for g in seen.guesses[0]] != [g.token for g in greedy.guesses[0]]
