"""The identities that methods claim, on the bundled models: the same tokens on held-out prompts of all families.

A hundred prompts a claim take twelve minutes of a core; `python -m bench identity --n 100` runs them."""

import pytest

from bench import identity
from decoders import masks
from decoders.canvas import Canvas
from decoders.context import Context
from decoders.methods.s2d2 import S2D2, verify
from decoders.models import catalogue
from decoders.sampling import Guess

N, POSITIONS = 20, 20  # more than two blocks of eight


def test_the_prompts_are_different_ones_of_all_families():
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


def test_the_rows_of_s2d2s_2l_mask_are_one_mask_autoregressive_steps_of_tiny_sdar():
    model, farthest = catalogue.load("tiny-sdar"), 0.0
    for n, text in enumerate(identity.prompts(N)):
        ids = model.encode(text)
        ids = ids[: len(ids) // 8 * 8 + n % 8]
        end = len(ids) // 8 * 8 + 8
        canvas = Canvas(ids, end - len(ids), block=8, mask=model.spec.mask, eos=(), origin=0)
        context = Context(model, canvas, encode="causal")
        list(context.settle())
        drafts = {pos: Guess(pos, 5 + (31 * pos + n) % 1900, 0.5) for pos in range(len(ids), end)}
        seen, _ = verify(context, canvas, list(drafts.values()), len(drafts), S2D2())
        i, pos = n % len(drafts), len(ids) + n % len(drafts)
        before = [*ids, *(drafts[p].token for p in range(len(ids), pos)), model.spec.mask]
        logits, _ = model.forward(before, role="one", see=masks.causal(0, len(before), model.device))
        farthest = max(farthest, float((logits.at(pos).double().softmax(-1) - seen.probs[i]).abs().max()))
    assert farthest < 1e-4
