"""Fills many positions at once, drafts the next steps from the same confidences, and checks all drafts in one call.

Sun et al., "PSD: Pushing the Pareto Frontier of Diffusion LLMs via Parallel Speculative Decoding", 2026;
arXiv:2605.15609. Three stages: an unmasking policy fills what is sure (space); the other masked positions, most
confident first, become drafts of depth 1 to d (time); one batched call evaluates all depths, and the deepest draft that
agrees with the updated predictions is kept (hierarchical acceptance).

What the abstract leaves open is a setting here, or decided so: a depth adds `inc` positions (1). A draft is consistent
if every token it adds is what the state before it predicts (`token`), if the state is part of what the policy would
make of the state before it (`subset`, as FreeDave++ does), or if it is exactly that (`exact`: then the text is the
policy's own, and with policy `top-1` this is SSD). The predictions of the kept draft's row are those of the next
round, so a round is one call. Drafts go on in the next block once theirs is full.
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
from decoders.policies import confident, local_leap
from decoders.sampling import Guess, by_confidence
from decoders.trace import Decide, Event, Judge, Propose, Round, Verdict


@dataclass(frozen=True)
class PSD(Params):
    depth: int = knob(3, "drafts checked at once, each deeper than the one before", lo=1, hi=7, step=1, symbol="d")
    policy: str = knob(
        "confidence", "what is filled without a check", choices=("confidence", "localleap", "top-1"), symbol="π"
    )
    acceptance: str = knob("token", "when a draft agrees with the predictions", choices=("token", "subset", "exact"))
    threshold: float = knob(0.9, "confidence needed to be filled in", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    relaxed: float = knob(
        0.75, "LocalLeap: confidence needed near a sure one", lo=0.0, hi=1.0, step=0.01, symbol="τ′", rare=True
    )
    radius: int = knob(4, "LocalLeap: how near, in positions", lo=0, hi=32, step=1, symbol="W", rare=True)
    inc: int = knob(1, "positions that each depth adds", lo=1, hi=8, step=1, rare=True)
    fold: bool = fold_knob()


def pick(canvas: Canvas, guesses: Sequence[Guess], par: PSD) -> list[Guess]:
    """The policy: which guesses about the leftmost unfinished block of a state are filled in."""
    order = by_confidence([g for g in guesses if canvas.block_of(g.pos) == canvas.block_of(guesses[0].pos)])
    if par.policy == "localleap":
        return local_leap(order, par.threshold, par.relaxed, par.radius)
    return order[:1] if par.policy == "top-1" else confident(order, par.threshold)


def agrees(adds: Sequence[Guess], guesses: Sequence[Guess], successor: Sequence[Guess], rule: str) -> bool:
    """Whether a deeper state, which `adds` to one with these `guesses` and this policy `successor`, is consistent."""
    predicted = {g.fill for g in (guesses if rule == "token" else successor)}
    return all(g.fill in predicted for g in adds) and (rule != "exact" or len(adds) == len(successor))


def deepest(canvas: Canvas, states: Sequence, drafts: Sequence, said: Sequence[Sequence[Guess]], par: PSD) -> int:
    """Hierarchical acceptance: how many drafts are kept, jumping from a consistent state to the deepest one after."""

    def consistent(k: int, adds: Sequence[Guess]) -> bool:
        return agrees(adds, said[k], pick(canvas, said[k], par), par.acceptance)

    return leap(drafts, consistent, lambda k: canvas.ends(states[k]) is not None, far=par.acceptance != "token")


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: PSD, rng: Chance) -> Iterator[Event]:
    context, n, reach = Context(models["model"], canvas, fold=par.fold), 0, par.depth * par.inc
    guesses: list[Guess] = []
    while not canvas.finished:
        yield Round(n, canvas.block)
        if not guesses:
            yield from context.settle()
            seen = context.look([canvas.ids], [canvas.open(reach + 1)], "draft")
            yield seen.call
            guesses = seen.guesses[0]

        # (1) Space: the policy fills what is sure.
        chosen = pick(canvas, guesses, par)
        because = ("predicted", len(guesses)), ("best", round(chosen[0].p, 4)), ("kept least", round(chosen[-1].p, 4))
        yield Decide("how many", str(len(chosen)), because=because)
        yield canvas.write(chosen, "unmasked")
        if canvas.finished:
            break

        # (2) Time: the rest, most confident first, as drafts of growing depth.
        rest = sorted(by_confidence([g for g in guesses if g not in chosen]), key=lambda g: canvas.block_of(g.pos))
        drafts = [rest[i : i + par.inc] for i in range(0, min(reach, len(rest)), par.inc)]
        states = states_of(canvas, drafts)
        if drafts:
            yield Propose(chain(drafts, len(states)))

        # (3) All depths in ONE call; the deepest consistent one is kept, and its row predicts the next round.
        yield from context.settle()
        where = [canvas.open(reach + 1, state) for state in states]
        ask = [[g.fill for g in drafts[k]] if k < len(drafts) else [] for k in range(len(states))]
        seen = context.look(states, where, "verify" if drafts else "draft", ask=ask)
        yield seen.call
        kept, verdicts = deepest(canvas, states, drafts, seen.guesses, par), []
        for k, p in enumerate(min(asked) for asked in seen.asked[: len(drafts)]):
            said = {g.pos: g for g in seen.guesses[k]}
            reached = k == kept and not canvas.ends(states[k])
            outcome = "accepted" if k < kept else "rejected" if reached else "unreached"
            choice = said[drafts[k][0].pos].fill
            if outcome == "rejected":
                # Where it disagrees; or, where only the policy does, what that would fill first.
                own = [g.fill for g in drafts[k]]
                others = [said[pos].fill for pos, _ in own if said[pos].fill not in own]
                others += [g.fill for g in pick(canvas, seen.guesses[k], par) if g.fill not in own]
                choice = next(iter(others), choice)
            verdicts.append(Verdict(k, outcome, round(p, 6), float(k < kept), 1.0, choice))
        if verdicts:
            yield Judge(tuple(verdicts))
        for draft in drafts[:kept]:
            yield canvas.write(draft, "accepted")
        guesses = seen.guesses[kept] if kept < len(states) else []
        n += 1


METHOD = Method(
    id="psd",
    title="PSD",
    paper="Parallel Speculative Decoding (Sun et al. 2026)",
    arxiv="2605.15609",
    guarantee="approximate",
    params=PSD,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "propose", "judge", "commit", "finish"}),
    summary="Fills all sure positions at once and checks drafts of the next steps in one batched call. Few calls; text "
    "that may differ from stepwise.",
    cost="1 to 2 calls, as a rule 1, of d + 1 rows, for what the policy fills and the deepest draft that agrees.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
