"""A small block-diffusion model drafts a block, a large one checks all of it in one call.

"SimSD: Simple Speculative Decoding in Diffusion Language Models", 2026; arXiv:2606.02544; the authors' release
(`speculative_decoding`). The draft model denoises the block, one position a step, and notes when each was revealed. The
target reads, in one call, the block's known tokens, the drafts (reference tokens) and one mask per draft at the same
position (RoPE-copy); a temporal mask shows every mask what lay on the canvas when its draft was revealed. Drafts are
accepted from the left: while they are the target's best token (`greedy_match`), or with probability min(1, q/p) and a
residual draw (`mrs`, which is unbiased only for drawn drafts, so it draws them).

It is approximate. With two layers or more a mask sees other masks that have already seen its own draft; `leak` measures
that: the mean total variation distance between what the target says here and what it says when the same states are
denoised one after the other, one extra row per draft, whose call is counted and shown as "measure".

Kept from the release: a wholly accepted block yields no extra token; `truncate` drops what follows the first rejected
position and drafts it again. Left out: several blocks at once, early stop of drafting, tails without the correction,
`target_argmax_all` and `redraft`. Ours: an end of text that is held back (`eos_min_prob`) is written all the same when
it is all that a round would write, so that every round moves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from decoders import masks
from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain
from decoders.methods.base import Method
from decoders.models.base import Logits, Model
from decoders.params import Params, fold_knob, knob
from decoders.policies import strategy
from decoders.sampling import Guess, Seen, drawn, look, shaped
from decoders.trace import Decide, Event, Finish, Forward, Judge, Propose, Round, Verdict


@dataclass(frozen=True)
class SimSD(Params):
    accept: str = knob("greedy_match", "how drafts are accepted", choices=("greedy_match", "mrs"))
    temperature: float = knob(1.0, "mrs: of drafts and target", lo=0.05, hi=2.0, step=0.05, symbol="T", rare=True)
    drafting: str = knob("static", "one position a step, or all sure ones", choices=("static", "dynamic"), rare=True)
    threshold: float = knob(
        0.9, "dynamic: confidence that fills a position", lo=0.0, hi=1.0, step=0.01, symbol="τ", rare=True
    )
    tail: str = knob(
        "truncate",
        "what becomes of the rest of a rejected block",
        choices=("truncate", "target_argmax", "draft_argmax"),
    )
    align: bool = knob(True, "masks stand at the positions of their drafts (RoPE-copy)")
    eos_min_prob: float = knob(
        0.0, "a correction may end the text if the target is this sure", lo=0.0, hi=1.0, step=0.05, rare=True
    )
    leak: bool = knob(False, "measure how far the check is from true sequential denoising")
    fold: bool = fold_knob()


@dataclass(frozen=True)
class Draft:
    """The drafted positions of a block from left to right, the step each was revealed in, and its distribution then."""

    guesses: list[Guess]
    times: list[int]
    probs: list[torch.Tensor]


def check(context: Context, canvas: Canvas, draft: Draft, align: bool) -> Seen:
    """One call of the target over known tokens, drafts and masks, read at the masks."""
    start, model, where = context.start, context.model, [g.pos for g in draft.guesses]
    known = list(range(start, where[0]))
    ids = [*canvas.ids[start : where[0]], *(g.token for g in draft.guesses), *([canvas.mask] * len(where))]
    copy = where if align else list(range(where[-1] + 1, where[-1] + 1 + len(where)))
    see = context.encoding(masks.temporal(start, len(known), draft.times, model.device), len(ids))
    at = [*known, *where, *copy]
    logits, call = model.forward(ids, role="verify", pos=at, see=see, cache=context.cache, keep=context.due)
    context.due = 0
    rows = Logits(logits.rows[len(known) + len(where) :], where[0], 0)
    call = replace(call, fed=tuple(zip([*known, *where, *where], ids, strict=True)))
    ask = [[g.fill for g in draft.guesses]]
    return look(call, [rows], [where], top=canvas.top, mask=canvas.mask, ask=ask, keep=True)


def leaked(context: Context, canvas: Canvas, draft: Draft, said: torch.Tensor) -> tuple[Forward, float]:
    """The mean total variation distance between `said` [n, V] and the target on the state that each draft was revealed
    in, all states in one call."""
    states = []
    for t in draft.times:
        filled = {g.pos: g.token for g, s in zip(draft.guesses, draft.times, strict=True) if s < t}
        states.append([filled.get(pos, token) for pos, token in enumerate(canvas.ids)])
    seen = context.look(states, [[g.pos] for g in draft.guesses], "measure", keep=True)
    assert seen.probs is not None
    return seen.call, float((seen.probs - said).abs().sum(-1).mean()) / 2


def judge(draft: Draft, seen: Seen, par: SimSD, mask: int, chance: Chance) -> tuple[list[Verdict], int, Guess | None]:
    """Verdicts from left to right, how many drafts are kept, and what stands instead of the first rejected one."""
    assert seen.probs is not None
    best, drafts = seen.guesses[0], draft.guesses
    q, p = seen.probs, torch.stack(draft.probs)
    if par.accept == "mrs":
        q = shaped(q.index_fill(-1, torch.tensor([mask], device=q.device), 0.0), par.temperature, 0, 1.0)
        own = q.gather(1, torch.tensor([[g.token] for g in drafts], device=q.device))[:, 0].tolist()
        scores = [min(1.0, a / max(g.p, 1e-12)) for a, g in zip(own, drafts, strict=True)]
        bars = chance.uniform(len(drafts)).tolist()
        fits = [u < r for u, r in zip(bars, scores, strict=True)]
    else:
        fits = [b.fill == g.fill for b, g in zip(best, drafts, strict=True)]
        scores, bars = [float(fit) for fit in fits], [1.0] * len(fits)
    k = next((i for i, fit in enumerate(fits) if not fit), len(fits))
    verdicts = []
    for i, (score, bar) in enumerate(zip(scores, bars, strict=True)):
        outcome = "accepted" if i < k else "rejected" if i == k else "unreached"
        verdicts.append(Verdict(i, outcome, round(seen.asked[0][i], 6), score, bar, best[i].fill))
    if k == len(fits):
        return verdicts, k, None
    if par.accept == "greedy_match":
        return verdicts, k, best[k]
    rest = (q[k] - p[k].to(q.device)).clamp(min=0.0)
    token = chance.tokens((rest if float(rest.sum()) else q[k])[None])[0]
    return verdicts, k, Guess(drafts[k].pos, token, float(q[k, token]))


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: SimSD, rng: Chance) -> Iterator[Event]:
    target, drafter = (Context(models[role], canvas, fold=par.fold) for role in ("target", "draft"))
    n = 0
    heat = par.temperature if par.accept == "mrs" else 0.0
    while not canvas.finished:
        yield Round(n, canvas.block)
        yield from drafter.settle()
        yield from target.settle()

        # (1) The small model denoises the block on a board of its own, and notes when it revealed what.
        open_, board, times, step = canvas.open(), list(canvas.ids), dict[int, int](), 0
        found, probs = dict[int, Guess](), dict[int, torch.Tensor]()
        while left := [pos for pos in open_ if pos not in found]:
            seen = drafter.look([board], [left], "draft", keep=True)
            yield seen.call
            guesses, dist = drawn(seen, left, heat, 0, 1.0, canvas.mask, rng)
            for g in strategy(guesses, par.drafting, 1, par.threshold):
                found[g.pos], times[g.pos], probs[g.pos] = g, step, dist[left.index(g.pos)]
                board[g.pos] = g.token
            step += 1
        draft = Draft([found[x] for x in open_], [times[x] for x in open_], [probs[x] for x in open_])
        yield Propose(chain([[g] for g in draft.guesses], 1))

        # (2) The large one checks all of it in one call.
        checked = check(target, canvas, draft, par.align)
        yield checked.call
        verdicts, kept, instead = judge(draft, checked, par, canvas.mask, rng)
        yield Judge(tuple(verdicts))
        if par.leak and checked.probs is not None:
            call, distance = leaked(target, canvas, draft, checked.probs)
            yield call
            yield Decide(
                "leak", f"{distance:.4f}", tuple(open_), (("total variation", distance), ("drafts", len(open_)))
            )

        # (3) Keep what was accepted and the correction; an end of text that the target is unsure of may be left out.
        if kept:
            yield canvas.write(draft.guesses[:kept], "accepted")
        unsure = instead is not None and instead.token in canvas.eos and instead.p < par.eos_min_prob
        if instead and not (unsure and kept):
            yield canvas.write([instead], "corrected")
        rest = {"truncate": [], "target_argmax": checked.guesses[0], "draft_argmax": draft.guesses}[par.tail]
        if rest := [g for g in rest if canvas.ids[g.pos] == canvas.mask]:
            yield canvas.write(rest, "unmasked")
        if canvas.early_stop and not canvas.finished and not canvas.eos.isdisjoint(canvas.ids[canvas.prompt_len :]):
            yield Finish("eos")  # inside a block: it is filled from the left, so nothing before the end is missing
            return
        n += 1


METHOD = Method(
    id="simsd",
    title="SimSD",
    paper="SimSD: Simple Speculative Decoding in Diffusion Language Models (June 2026)",
    arxiv="2606.02544",
    guarantee="approximate",
    params=SimSD,
    decode=decode,
    emits=frozenset({"round", "forward", "propose", "judge", "decide", "commit", "finish"}),
    summary="A small diffusion model drafts a block, a large one checks it in one call through a mask that shows each "
    "draft what lay there when it was made.",
    cost="2 to B+1 calls of 1 row: one of the draft model for each open position, and one of the target over up to 2 B "
    "tokens, for 1 to B tokens.",
    reference="stepwise",
    reference_label="stepwise (R1) of the target alone",
    roles={"target": ("block",), "draft": ("block",)},
)
