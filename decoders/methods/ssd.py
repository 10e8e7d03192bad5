"""Drafts with the model's own confident predictions and checks N of them, plus the present state, in one batched call.

Gao et al., "Self Speculative Decoding for Diffusion Large Language Models" (SSD), 2025, Figure 2; arXiv:2510.04147.
Every forward call predicts all masked positions. The best one is what stepwise decoding would fill in; the next N,
block by block and by confidence, are drafts. Row k of the next call is the canvas with the first k drafts filled in:
the states that stepwise decoding would pass through if every draft were right. A draft is accepted only if the row
before it makes the same choice, the same position AND the same token; one more token (the bonus) is what the last
accepted row chooses itself, and that row's other predictions are the next drafts, so drafting costs no call.

That chain is the paper's main setting. The abstract speaks of hierarchical verification trees, a summary of mixed-order
strategies that jump predictions, Table 2 of top-k candidates; how such trees are built we did not find, so these are
ours. `topk`: the children of a state are the k best tokens of the next position. `mixed_order`: they are the next k
positions of its block, so one may be skipped and filled later; both orders of two drafts are nodes, with one row. Every
tree holds the chain first, then the most probable states, up to a budget of rows, and none is deeper than N.
Acceptance is the same: a row's own choice has to be exactly one of its children.

The output is token for token that of stepwise decoding with one token per step: without cache on models that see the
whole canvas, and with the exact cache on block-causal ones; a draft may reach into the next block. The paper times with
Fast-dLLM's dual cache, which is approximate, and does not say what happens where a block ends; both answers are here.
`dual`: no draft passes the end of the block; the next one is entered by the call that feeds everything, and drafted
from it. That is token for token stepwise decoding with the same cache. `eager`: calls also feed the blocks that hold N
positions behind the block, and what is accepted there was judged on keys that stepwise decoding would have renewed:
approximate. Left out: sampling (the paper is greedy). Ours: rows whose state has no mask left are not sent, and
`early_stop` ends where stepwise would."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.sampling import Guess, Seen, by_confidence
from decoders.trace import Event, Judge, Propose, Round
from decoders.trees import Options, State, descend, grow

SKIP = 0.5
"""Mixed order: how much less likely than its token is a position for each better one that it overtakes. On 10 held-out
questions (tiny-sdar, blocks of 16, N = 8, 32 rows) 1 made 11.1 calls, 0.5 10.9."""


@dataclass(frozen=True)
class SSD(Params):
    n: int = knob(4, "drafts checked per call, one on top of the other", lo=1, hi=8, step=1, symbol="N")
    tree: str = knob("chain", "which states a call checks", choices=("chain", "topk", "mixed_order"))
    width: int = knob(
        2, "topk: tokens per position; mixed_order: positions that may be next", lo=1, hi=5, step=1, symbol="k"
    )
    budget: int = knob(16, "most rows per call; a chain has N + 1", lo=2, hi=32, step=1, rare=True)
    cache: str = knob(
        "none",
        "keys that are out of date; dual equals stepwise with dual, eager crosses blocks: approximate",
        choices=("none", "dual", "eager"),
        attention=("full",),
        loose=("eager",),
    )
    fold: bool = fold_knob()

    @property
    def ahead(self) -> int:
        """How many positions the drafts of a tree may be about."""
        return self.n + (self.width - 1 if self.tree == "mixed_order" else 0)


def options(canvas: Canvas, drafts: Sequence[Sequence[Guess]], par: SSD) -> Options:
    """What a state may go on with, given for each position, in the order in which stepwise decoding would fill them,
    its drafts with the best token first."""

    def after(state: State) -> Sequence[Guess]:
        filled = {draft.pos for draft in state}
        left = [here for here in drafts if here[0].pos not in filled]
        if not left or len(state) == par.n:
            return ()
        if par.tree == "mixed_order":
            # Stepwise decoding leaves no block before it is full.
            block = canvas.block_of(left[0][0].pos)
            return [here[0] for here in left[: par.width] if canvas.block_of(here[0].pos) == block]
        return left[0]

    return after


def alternatives(seen: Seen, row: int, order: Sequence[Guess], width: int) -> list[list[Guess]]:
    """The guesses of a row, each followed by the next best tokens of its position, `width` in all, if the call told
    them; tokens that the model as good as excludes are not worth a row."""
    best = dict(zip((g.pos for g in seen.guesses[row]), seen.best[row], strict=True)) if seen.best else {}
    others = [[Guess(g.pos, t, p) for t, p in best.get(g.pos, ()) if t != g.token and round(p, 6)] for g in order]
    return [[g, *more][:width] for g, more in zip(order, others, strict=True)]


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: SSD, rng: Chance) -> Iterator[Event]:
    stale, ahead = "none" if par.cache == "none" else "dual", par.ahead if par.cache == "eager" else 0
    context, n = Context(models["model"], canvas, stale=stale, ahead=ahead, fold=par.fold), 0
    drafts: list[list[Guess]] = []

    def ordered(guesses: list[Guess]) -> list[Guess]:
        """Block by block, most confident first: the order in which stepwise decoding would fill these in."""
        return sorted(by_confidence(guesses), key=lambda g: canvas.block_of(g.pos))

    while not canvas.finished:
        yield Round(n, canvas.block)
        yield from context.settle()

        # A row for each state that stepwise decoding may pass through; a chain: the one path, if the drafts are right.
        # A refresh of the cache has one row.
        masked = canvas.ids[canvas.prompt_len : context.stop].count(canvas.mask)
        skip = SKIP if par.tree == "mixed_order" else 1.0
        tree = grow(options(canvas, [] if context.fresh else drafts, par), par.budget, masked, skip)
        fills = [dict(draft.fill for draft in state) for state in tree.rows]
        states = [[fill.get(pos, token) for pos, token in enumerate(canvas.ids)] for fill in fills]
        if tree.nodes:
            yield Propose(tree.nodes)

        # All rows in ONE call.
        where = [[pos for pos in canvas.open(par.ahead + 1, state) if pos < context.stop] for state in states]
        most = par.width if par.tree == "topk" else 0
        seen = context.look(states, where, "verify" if tree.nodes else "draft", ask=tree.questions(), most=most)
        yield seen.call
        order = [ordered(guesses) for guesses in seen.guesses]

        # Walk down the tree while a row's own choice is a child of its state, and the text has not ended.
        said, over = [row[0].fill for row in order], [canvas.ends(state) is not None for state in states]
        way, verdicts = descend(tree, said, seen.asked, over)
        if tree.nodes:
            yield Judge(verdicts)
        for node in way:
            yield canvas.write([Guess(*node.fills[0], node.q)], "accepted")

        # The last accepted row's own choice comes free, and what it believed next are the new drafts.
        # Where the block is full and calls may not be asked about the next one, there is no such row.
        row = way[-1].row if way else 0
        if not canvas.finished and row >= 0:
            yield canvas.write(order[row][:1], "bonus" if tree.nodes else "unmasked")
            drafts = alternatives(seen, row, order[row][1 : 1 + par.ahead], par.width)
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
    cost="1 call of N + 1 rows (a tree: up to its budget) for 1 to N + 1 tokens.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
