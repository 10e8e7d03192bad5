"""Drafts by copying: what followed the last few tokens when they stood in the text before, checked in one call.

Apoorv Saxena, "Prompt Lookup Decoding", 2023 (a repository, no paper), and before it Nan Yang et al., "Inference with
Reference: Lossless Acceleration of Large Language Models" (LLMA), 2023, section 3; arXiv:2304.04487. The last n-gram of
prompt and text is looked up in prompt and text, the longest one first; the tokens that followed it there are drafts.
One call of the model checks them all: they are accepted while each is the model's own best token, and that call also
says what comes after them. At temperature 0 the text is token for token the model's own (`ar`). Above it a copied token
is accepted with the model's own probability of it, and one that is not is replaced by a draw among all others: a copy
is speculative sampling (arXiv:2211.17192) from a drafter that says one token, so the text has the model's own
distribution.

Of several places the most recent one counts (the release takes the first). A place may overlap the n-gram it matches,
and what is copied ends where the text ends. Nothing is copied from behind an end of text, and one token of the budget
is never drafted: the check itself yields it. A copy has no probability, so its nodes say q = 1. LLMA's references are
documents that are given, here they are prompt and text.
Left out: several copies at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain, judge
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, knob
from decoders.sampling import Guess
from decoders.trace import Decide, Event, Judge, Propose, Round


@dataclass(frozen=True)
class PromptLookup(Params):
    ngram: int = knob(3, "longest n-gram looked up, in tokens", lo=1, hi=5, step=1, symbol="n")
    drafts: int = knob(8, "tokens copied at most", lo=1, hi=16, step=1, symbol="k")
    temperature: float = knob(0.0, "0 is greedy, 1 the model's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T")


def lookup(ids: Sequence[int], ngram: int) -> tuple[int, int]:
    """(start, n) of the most recent earlier place of the last n tokens, for the longest n up to `ngram` that has one;
    n = 0 if not even the last token stood there before."""
    for n in range(min(ngram, len(ids) - 1), 0, -1):
        tail = list(ids[-n:])
        for start in range(len(ids) - n - 1, -1, -1):
            if list(ids[start : start + n]) == tail:
                return start, n
    return 0, 0


def until_end(tokens: Sequence[int], eos: frozenset[int]) -> list[int]:
    """The tokens up to the first one that ends the text, that one included."""
    return list(tokens[: next((i + 1 for i, token in enumerate(tokens) if token in eos), len(tokens))])


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: PromptLookup, rng: Chance) -> Iterator[Event]:
    context, n = Context(models["model"], canvas), 0
    while not canvas.finished:
        yield Round(n, canvas.block)

        # Look the end of the text up, and copy what followed it.
        j, (start, length) = len(canvas.ids), lookup(canvas.ids, par.ngram)
        source, room = start + length, min(par.drafts, canvas.limit - j - 1)
        copied = until_end(canvas.ids[source : source + room], canvas.eos) if length else []
        because = ("matched", length), ("copied", len(copied))
        yield Decide("copy", f"{len(copied)} tokens", tuple(range(start, source)), because)
        drafts = [Guess(j + i, token, 1.0) for i, token in enumerate(copied)]
        if drafts:
            yield Propose(chain([[draft] for draft in drafts]))

        # Check all of it in ONE call; accept while the model would have said the same, or by a draw.
        fills, where = [draft.fill for draft in drafts], list(range(j, j + len(drafts) + 1))
        how = {"ask": [fills], "keep": par.temperature > 0}
        seen = context.look([[*canvas.ids, *copied]], [where], "verify" if drafts else "decode", **how)
        yield seen.call
        verdicts, written = judge(drafts, None, seen, par.temperature, context.model.spec.mask, rng)
        if drafts:
            yield Judge(verdicts)
        if written[:-1]:
            yield canvas.write(written[:-1], "accepted")

        # What the model says behind the accepted ones comes free.
        if not canvas.finished:
            why = "corrected" if len(written) <= len(drafts) else "bonus" if drafts else "unmasked"
            yield canvas.write(written[-1:], why)
        n += 1


METHOD = Method(
    id="prompt-lookup",
    title="Prompt lookup",
    paper="Prompt lookup decoding (Saxena 2023), LLMA (Yang et al. 2023)",
    arxiv="2304.04487",
    guarantee="greedy-exact",
    params=PromptLookup,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "propose", "judge", "commit", "finish"}),
    summary="No second model: drafts are copied from where the last tokens stood before. Same text as the "
    "autoregressive model alone, or, at a temperature, text of the same distribution, in fewer calls where text "
    "repeats.",
    cost="1 call of 1 row and up to k + 1 tokens for 1 to k + 1 tokens.",
    reference="ar",
    reference_label="autoregressive (R4, one token per call)",
    roles={"model": ("causal",)},
)
