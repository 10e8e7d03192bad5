"""Blocks that are encoded by the next call (`fold`): fewer calls, and not one token that differs."""

import pytest
from toys import hashed, hashes, prompt, tinies

from decoders.errors import Incompatible
from decoders.registry import METHODS, method
from decoders.run import run

SIZE = {"max_new": 19, "early_stop": False}
FOLDING = [m for m in METHODS if any(k.name == "fold" for k in m.params.knobs())]


def encoding(trace):
    return [call for call in trace.forwards if call.role in ("prefill", "extend")]


def test_the_methods_with_an_exact_block_cache_fold_but_those_that_edit_or_read_the_seam():
    exact = {m.id for m in METHODS if all("block" in kinds for kinds in m.roles.values())}
    assert exact - {m.id for m in FOLDING} == {"fast-v2", "llada2", "wino"}


@pytest.mark.parametrize("block", [4, 8], ids=["blocks of 4", "the model's own blocks"])
@pytest.mark.parametrize("name", [m.id for m in FOLDING])
def test_the_text_is_the_same_and_the_calls_that_only_encoded_are_gone(name, block):
    asked, size = method(name), {**SIZE, "block": block}
    for models in (tinies(asked, "qwen3-block"), hashes(asked, attention="block", block=8)):
        own, folded = (run(asked, models, prompt(11), fold=fold, **size) for fold in (False, True))
        assert folded.tokens == own.tokens
        # The full blocks of 11 prompt tokens, and those that are filled after them.
        assert len(encoding(own)) >= 2 * len(asked.roles)
        assert folded.calls == own.calls - len(encoding(own))
        assert encoding(folded) == []


def test_what_is_encoded_beside_the_block_sees_what_it_would_have_seen_alone():
    """Read token by token (S2D2's cache) the prompt's block is causal also where the rest of the call is not."""
    model = hashed(attention="block", block=8)
    knobs = {"policy": "never", "causal_prefix": False, "fold": True, **SIZE, "block": 8}
    first = run("s2d2", model, prompt(8), **knobs).forwards[0]
    assert (first.start, first.length) == (0, 16)
    assert first.sees == (*(((0, q + 1),) for q in range(8)), *[((0, 16),)] * 8)
    plain = run("s2d2", model, prompt(8), **{**knobs, "causal_cache": False}).forwards[0]
    assert plain.sees == (), "the model's own rule, in which earlier blocks do not see later ones"


def test_the_rows_of_a_verification_carry_the_finished_block_and_keep_it_once():
    trace = run("ssd", hashed(attention="block", block=4), prompt(8), n=3, fold=True, block=4, max_new=12)
    lengths = [(call.cached, call.start, call.batch, call.length) for call in trace.forwards]
    assert all(cached == start for cached, start, *_ in lengths)
    assert [n for _, _, rows, n in lengths if rows > 1 and n > 4], "some rows begin with a block that is kept"
    assert [b for b, *_ in lengths] == sorted(b for b, *_ in lengths), "what is kept once is never fed again"
    assert {b for b, *_ in lengths} == {0, 8, 12, 16}


def test_a_model_that_sees_everything_has_no_blocks_to_fold():
    with pytest.raises(Incompatible, match="fold"):
        run("stepwise", hashed(attention="full"), prompt(8), fold=True, **SIZE)
