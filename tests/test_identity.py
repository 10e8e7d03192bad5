"""The identities that methods claim, on the bundled models: the same tokens on a hundred held-out prompts each."""

import pytest

from bench import identity

N, POSITIONS = 100, 20  # more than two blocks of eight; `python -m bench identity` decodes all 64


def test_the_prompts_are_a_hundred_different_ones_of_all_families():
    assert len(set(identity.prompts(N))) == N


@pytest.mark.parametrize(
    ("claim", "cast"),
    list(identity.pairs()),
    ids=lambda x: "-".join(x.values()) if isinstance(x, dict) else f"{identity.said(x.left)}, {x.right.method}",
)
def test_both_write_the_same_tokens(claim, cast):
    counts = identity.compare(claim, cast, identity.prompts(N), POSITIONS)
    assert counts["same"] == N
    assert not claim.calls or counts["same_calls"] == N


def test_a_claim_that_is_not_true_is_seen():
    wrong = identity.Claim(identity.Run("threshold", {"threshold": 0.3}), identity.Run("stepwise"), ())
    assert identity.compare(wrong, {"model": "tiny-llada"}, identity.prompts(20), POSITIONS)["same"] < 20
