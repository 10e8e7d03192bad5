"""Plans the next d steps of its reference decoder from one call, and checks all of them in the next.

Wu and Zhang, "Free Draft-and-Verification: Toward Lossless Parallel Decoding for Diffusion Large Language Models"
(FreeDave), 2025; arXiv:2510.00294. From the abstract: candidates decoded in parallel are verified by the model itself,
and with one token per step the sequence is that of stepwise decoding. The rest is what the authors' release
(cychomatica/FreeDave) does; we did not have the body of the paper. A step is what the reference fills in by one call:
the k most confident positions of the block (`static` sampling: `fixed-k`, and stepwise with k = 1), or all that reach a
threshold, else the best (`dynamic`: `threshold`). Step after step is taken from the same confidences. The first is what
the reference does anyway; the states after 1, 2, ... d steps are the rows of ONE call, and where a state's own next
step, by its own row, leads to a later state, the walk goes on there. The last one's row plans the next d steps.

With k = 1 this is SSD's chain of d rows (N = d - 1), found at the same time. What differs: SSD drafts single tokens
against one token per step, here a step is whatever the reference's step is, so drafts may be many tokens wide and the
promise is about `fixed-k` or `threshold`; and unless `eager`, drafts end with their block, each block begins with a
call of its own, and its last step needs none. (The release's eager mode looks anew at each block too; ours goes on
from the row that the walk ended in, as SSD does.)

`match`: `exact` asks for equal states, and is lossless in every setting (in dynamic sampling that is ours); `subset`
is the release's rule, a state that holds a part of what the step would fill is enough. In static sampling they are the
same, because all steps are equally large; in dynamic sampling (the release's FreeDave++) the text may then differ from
the reference's.

Left out: temperatures (the release checks one draw against another), left-to-right steps, the rule that Dream's first
position of a block is filled by the call before it, approximate caches, and the tree attention that packs the rows into
one sequence: it computes the same numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain, leap, states_of
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.policies import confident
from decoders.sampling import Guess, by_confidence
from decoders.trace import Decide, Event, Judge, Propose, Round, Verdict


@dataclass(frozen=True)
class FreeDave(Params):
    draft_steps: int = knob(4, "steps planned ahead, and most rows per call", lo=1, hi=8, step=1, symbol="d")
    sampling: str = knob("static", "a step fills k positions, or all that are sure", choices=("static", "dynamic"))
    k: int = knob(1, "static: positions per step", lo=1, hi=16, step=1, symbol="k")
    threshold: float = knob(0.9, "dynamic: confidence needed to be filled in", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    match: str = knob("exact", "when a step leads to a planned state", choices=("exact", "subset"))
    eager: bool = knob(False, "plan into the next block")
    fold: bool = fold_knob()

    @property
    def ahead(self) -> int:
        """How many positions a call is asked about at least: those of the block, or what d steps may need."""
        return self.draft_steps * (self.k if self.sampling == "static" else 1) if self.eager else 1


def step(canvas: Canvas, guesses: Sequence[Guess], par: FreeDave) -> list[Guess]:
    """What the reference decoder fills in, given its guesses about a state."""
    block = canvas.block_of(guesses[0].pos)
    order = by_confidence([g for g in guesses if canvas.block_of(g.pos) == block])
    return order[: par.k] if par.sampling == "static" else confident(order, par.threshold)


def plan(canvas: Canvas, guesses: Sequence[Guess], par: FreeDave) -> list[list[Guess]]:
    """The next steps, as if what the model believes did not change on the way."""
    steps, left = list[list[Guess]](), list(guesses)
    while left and len(steps) < par.draft_steps:
        steps.append(step(canvas, left, par))
        left = [g for g in left if g not in steps[-1]]
    return steps


def accepted(drafts: Sequence, steps: Sequence[Sequence[Guess]], over: Sequence[bool], par: FreeDave) -> int:
    """How many drafts are kept, given the step that each state would take itself, and whether its text is over."""

    def leads(k: int, adds: Sequence[Guess]) -> bool:
        filled = {g.fill for g in steps[k]}
        return all(g.fill in filled for g in adds) and (par.match == "subset" or len(adds) == len(filled))

    return leap(drafts, leads, lambda k: over[k])


def verdicts(
    drafts: Sequence, steps: Sequence, over: Sequence[bool], asked: Sequence, kept: int
) -> tuple[Verdict, ...]:
    """One for each draft; its choice is what the state before it would fill in and the draft does not, if anything."""
    out = []
    for k, draft in enumerate(drafts):
        outcome = "accepted" if k < kept else "rejected" if k == kept and not over[k] else "unreached"
        choice = next((g for g in steps[k] if g.fill not in {d.fill for d in draft}), draft[0]).fill
        out.append(Verdict(k, outcome, round(min(asked[k]), 6), float(k < kept), 1.0, choice))
    return tuple(out)


def promise(par: FreeDave) -> tuple[str, str]:
    """Lossless relative to the decoder whose steps are planned; with subsets of dynamic steps it is not."""
    if par.sampling == "dynamic":
        return "greedy-exact" if par.match == "exact" else "approximate", "threshold"
    return "greedy-exact", "stepwise" if par.k == 1 else "fixed-k"


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: FreeDave, rng: Chance) -> Iterator[Event]:
    context, n, guesses = Context(models["model"], canvas, fold=par.fold), 0, list[Guess]()
    while not canvas.finished:
        block = canvas.block
        yield Round(n, block)
        n += 1
        if not guesses:
            yield from context.settle()
            seen = context.look([canvas.ids], [canvas.open(par.ahead)], "draft")
            yield seen.call
            guesses = seen.guesses[0]

        # The first planned step is the reference's own.
        first, *drafts = plan(canvas, guesses, par)
        because = ("predicted", len(guesses)), ("best", round(first[0].p, 4)), ("kept least", round(first[-1].p, 4))
        yield Decide("how many", str(len(first)), because=because)
        yield canvas.write(first, "unmasked")

        # The states after it, after one more step, ...: those with something left to predict in the block.
        states = states_of(canvas, drafts)
        if not par.eager:
            states = [state for state in states if canvas.block_of(canvas.open(1, state)[0]) == block]
        guesses = []
        if canvas.finished or not states:
            continue
        if drafts:
            yield Propose(chain(drafts, len(states)))

        # All of them in ONE call.
        yield from context.settle()
        where = [canvas.open(par.ahead, state) for state in states]
        ask = [[g.fill for g in drafts[i]] if i < len(drafts) else [] for i in range(len(states))]
        seen = context.look(states, where, "verify" if drafts else "draft", ask=ask)
        yield seen.call

        # From state to state, as long as the step that a row would take leads to a planned one.
        over = [canvas.ends(state) is not None for state in states]
        steps = [step(canvas, said, par) for said in seen.guesses]
        kept = accepted(drafts, steps, over, par)
        if drafts:
            yield Judge(verdicts(drafts, steps, over, seen.asked, kept))
        for draft in drafts[:kept]:
            yield canvas.write(draft, "accepted")
        guesses = seen.guesses[kept] if kept < len(states) else []


METHOD = Method(
    id="freedave",
    title="FreeDave",
    paper="Free Draft-and-Verification (Wu and Zhang 2025)",
    arxiv="2510.00294",
    guarantee="greedy-exact",
    params=FreeDave,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "propose", "judge", "commit", "finish"}),
    summary="Plans the next steps of a decoder from one call and checks them all in the next. Same text as stepwise, "
    "or as fixed-k or threshold where those are the steps, in fewer calls.",
    cost="0 to 2 calls, as a rule 1, of up to d rows, for the tokens of 1 to d steps of the reference.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
    depends=promise,
)
