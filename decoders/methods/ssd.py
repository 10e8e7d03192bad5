"""Drafts with the model's own confident predictions and checks N of them, plus the present state, in one batched call.

Gao et al., "Self Speculative Decoding for Diffusion Large Language Models" (SSD), 2025, Figure 2; arXiv:2510.04147.
Every forward call predicts all masked positions. The best one is what stepwise decoding would fill in; the next N,
block by block and by confidence, are drafts. Row k of the next call is the canvas with the first k drafts filled in:
the states that stepwise decoding would pass through if every draft were right. A draft is accepted only if the row
before it makes the same choice, the same position AND the same token; one more token (the bonus) is what the last
accepted row chooses itself, and that row's other predictions are the next drafts, so drafting costs no call.

The output is token for token that of stepwise decoding with one token per step: without cache on models that see the
whole canvas, and with the exact cache on block-causal ones (modes a of the two that are exact; a draft may reach into
the next block). Left out: trees other than the paper's chain, sampling (the paper is greedy), and the approximate
dual cache the paper times with. Ours: rows whose state has no mask left are not sent, and `early_stop` ends where
stepwise would."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain, states_of, walk
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, knob
from decoders.sampling import Guess, by_confidence
from decoders.trace import Event, Judge, Propose, Round


@dataclass(frozen=True)
class SSD(Params):
    n: int = knob(4, "drafts checked per call; N + 1 rows", lo=1, hi=8, step=1, symbol="N")


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: SSD, rng: Chance) -> Iterator[Event]:
    context, n, drafts = Context(models["model"], canvas), 0, list[Guess]()

    def ordered(guesses: list[Guess]) -> list[Guess]:
        """Block by block, most confident first: the order in which stepwise decoding would fill these in."""
        return sorted(by_confidence(guesses), key=lambda g: canvas.block_of(g.pos))

    while not canvas.finished:
        yield Round(n, canvas.block)
        yield from context.settle()

        # Row k holds the first k drafts: the path of stepwise decoding, if the drafts are right.
        states = states_of(canvas, [[draft] for draft in drafts])
        if drafts:
            yield Propose(chain([[draft] for draft in drafts], len(states)))

        # All rows in ONE call.
        where = [canvas.open(par.n + 1, state) for state in states]
        ask = [[drafts[k].fill] if k < len(drafts) else [] for k in range(len(states))]
        seen = context.look(states, where, "verify" if drafts else "draft", ask=ask)
        yield seen.call
        order = [ordered(guesses) for guesses in seen.guesses]

        # Walk down the chain while a row's own choice is the draft that was put there, and the text has not ended.
        said, p = [row[0].fill for row in order], [asked[0] for asked in seen.asked[: len(drafts)]]
        reach = next((k for k in range(len(drafts)) if canvas.ends(states[k])), len(drafts))
        kept, verdicts = walk([draft.fill for draft in drafts], said, p, reach=reach)
        if drafts:
            yield Judge(verdicts)
        for draft in drafts[:kept]:
            yield canvas.write([draft], "accepted")

        # The last accepted row's own choice comes free, and what it believed next are the new drafts.
        if not canvas.finished:
            yield canvas.write(order[kept][:1], "bonus" if drafts else "unmasked")
            drafts = order[kept][1 : 1 + par.n]
        n += 1


METHOD = Method(
    id="ssd",
    title="SSD",
    paper="Self Speculative Decoding (Gao et al. 2025)",
    arxiv="2510.04147",
    guarantee="greedy-exact",
    params=SSD,
    decode=decode,
    emits=frozenset({"round", "forward", "propose", "judge", "commit", "finish"}),
    summary="The model drafts N tokens for itself and checks them in one batched call. Same text as stepwise, "
    "fewer calls, more rows per call.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
