"""A small model drafts a few tokens one after the other, a large one checks all of them in one call.

Yaniv Leviathan, Matan Kalman, Yossi Matias, "Fast Inference from Transformers via Speculative Decoding", 2023,
Algorithm 1; arXiv:2211.17192. The letters are the paper's: M_p is the target, M_q the drafter, gamma the number of
guesses. At temperature 0 a guess is accepted while it is the target's best token, and the text is token for token the
target's own (`ar`). Above it a guess x is accepted with probability min(1, p(x) / q(x)), the first rejected one is
drawn anew from norm(max(0, p - q)), and if all are accepted one more is drawn from p: whatever the drafter says, the
text has the target's own distribution (the paper's appendix A.1), though no seed gives the text that `ar` draws.

A drafter may be causal, or block-causal in blocks of one position, where it is autoregressive too (as S2D2 has it,
arXiv:2603.25702): the next token is read off one mask fed behind the text, in the same call that reads what is new.
Both keep keys and values of what they read and forget what was rejected. The drafter reads the target's token ids, so
both need one tokenizer; its mask is never drafted.

Where the paper is silent: nothing is drafted behind an end of text, and one token of the budget is never drafted,
because the check itself yields it. Left out: truncated sampling (top-k, nucleus), lenience (appendix A.5), and the
choice of gamma (section 3.5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain, judge
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, knob
from decoders.sampling import Guess, drawn
from decoders.trace import Event, Judge, Propose, Round


@dataclass(frozen=True)
class Speculative(Params):
    gamma: int = knob(4, "tokens drafted per round", lo=1, hi=8, step=1, symbol="γ")
    temperature: float = knob(
        0.0, "0 is greedy, 1 the target's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T"
    )


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: Speculative, rng: Chance) -> Iterator[Event]:
    target, drafter, n = Context(models["target"], canvas), Context(models["draft"], canvas, ones=True), 0
    while not canvas.finished:
        yield Round(n, canvas.block)

        # Sample gamma guesses from M_q, one after the other.
        j, drafts, q = len(canvas.ids), list[Guess](), list[torch.Tensor]()
        gamma = min(par.gamma, canvas.limit - j - 1)
        while len(drafts) < gamma and not (drafts and drafts[-1].token in canvas.eos):
            text, here = [*canvas.ids, *(draft.token for draft in drafts)], [j + len(drafts)]
            seen = drafter.look([text], [here], "draft", keep=True)
            yield seen.call
            guesses, probs = drawn(seen, here, par.temperature, 0, 1.0, drafter.model.spec.mask, rng)
            drafts, q = [*drafts, *guesses], [*q, probs[0]]
        if drafts:
            yield Propose(chain([[draft] for draft in drafts]))

        # Run M_p on all prefixes in ONE call.
        text, where = [*canvas.ids, *(draft.token for draft in drafts)], list(range(j, j + len(drafts) + 1))
        ask = [[draft.fill for draft in drafts]]
        seen = target.look([text], [where], "verify" if drafts else "decode", ask=ask, keep=True)
        yield seen.call

        # Keep what is accepted, and one token more.
        verdicts, written = judge(drafts, q, seen, par.temperature, target.model.spec.mask, rng)
        if drafts:
            yield Judge(verdicts)
        if written[:-1]:
            yield canvas.write(written[:-1], "accepted")
        if not canvas.finished:
            why = "corrected" if len(written) <= len(drafts) else "bonus" if drafts else "unmasked"
            yield canvas.write(written[-1:], why)
        n += 1


METHOD = Method(
    id="speculative",
    title="Speculative decoding",
    paper="Speculative decoding (Leviathan et al. 2023)",
    arxiv="2211.17192",
    guarantee="greedy-exact",
    params=Speculative,
    decode=decode,
    emits=frozenset({"round", "forward", "propose", "judge", "commit", "finish"}),
    summary="A small model drafts token by token, an autoregressive one checks all drafts in one call. Same text as "
    "the autoregressive model alone, or, at a temperature, text of the same distribution.",
    cost="1 to γ+1 calls: γ of the draft model, and one of the target over γ + 1 tokens, for 1 to γ + 1 tokens.",
    reference="ar",
    reference_label="autoregressive (R4, one token per call)",
    roles={"target": ("causal",), "draft": ("causal", "block")},
)
