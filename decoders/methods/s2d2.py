"""The model checks its own drafts: a block is drafted at once, and the same weights in blocks of one verify it.

Han et al., "S2D2: Fast Decoding for Diffusion LLMs via Training-Free Self-Speculation", 2026; arXiv:2603.25702;
the released `generate_ssd_policy` for SDAR, Fast-dLLM v2 and LLaDA2. A block-diffusion model with blocks of one
position is autoregressive. Each step drafts all masks of the block in one call. A routing policy (`decoders.routing`)
decides whether a second call is worth it: over the block with its drafts and as many masks again at the same positions
(2L mask), whose rows are the autoregressive distributions q. The first run of masks is then accepted from the left with
probability min(1, (q/p)^gamma); the first rejected position is drawn from the residual (q - p)+. What a step is still
short of its share of S is filled as block diffusion would.

The release has a form for each family of models; here they are one loop:
- SDAR: as above, with AR-like caching (`causal_cache`, `causal_prefix`), which the papers' settings for the other
  families leave off.
- Fast-dLLM v2: a model that predicts a position from the row before it needs no masks to verify, so its second call is
  the drafts alone, read token by token. Drafts are made and verified in sub-blocks (`sub`), the call that encodes a
  full block gives the next one's first token, a run may end within a block, and without `resample` a rejected position
  stays masked. All of it but `sub` follows from the model.
- LLaDA2: `editing` replaces what the draft call would say otherwise by now, before anything is verified, and a block is
  done when nothing changes (see `decoders.methods.llada2`).

Kept from the release: at temperature 0 drafts are greedy but acceptance is drawn, so the text depends on the seed, and
top-k and nucleus cut q and not p; a span that is wholly accepted yields no extra token. Ours: `accept="greedy"` keeps
drafts that are the verifier's best token and puts that token where they are not, no dice: always verifying, with
AR-like caching, it is the model's own blocks-of-one text. `editing` reads the block as block diffusion does, whatever
`causal_prefix` says. `ahead` lets a verification draft the next block as well, A more masks in the same call: with
AR-like caching they see what a draft call of their own would if all drafts stay, so the text is the same, and where it
comes so far the next block costs one call instead of two. Left out: the release's broken entropy bound and its block
cache, which is approximate.
"""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from decoders import masks
from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain, walk
from decoders.errors import BadParam
from decoders.methods.base import Method
from decoders.models.base import Logits, Model
from decoders.params import Params, fold_knob, knob
from decoders.policies import STRATEGIES, shares, strategy
from decoders.routing import ESTIMATORS, POLICIES, Bandit, Hysteresis, acceptance, entropies, expected_length
from decoders.sampling import Guess, Seen, drawn, look, shaped
from decoders.trace import Decide, Event, Finish, Judge, Propose, Round, Verdict

# What the release takes for an estimator's own number, where none is given.
DEFAULTS = {"hard_margin_threshold": 0.05, "hard_entropy_threshold": 0.5}


@dataclass(frozen=True)
class S2D2(Params):
    policy: str = knob("score_threshold", "when a draft is verified", choices=POLICIES)
    estimator: str = knob(
        "soft_entropy_negexp", "how acceptance is guessed from the draft", choices=ESTIMATORS, rare=True
    )
    sharpness: float = knob(
        0.0, "the estimator's m, h, g, c or T; 0 is its default", lo=0.0, hi=4.0, step=0.05, rare=True
    )
    score: str = knob("static", "cost c, or c for each sure position", choices=("static", "dynamic"), rare=True)
    penalty: float = knob(1.0, "what a verification must gain", lo=0.0, hi=8.0, step=0.25, symbol="c")
    tau_score: float = knob(0.0, "verify from this score on", lo=-8.0, hi=8.0, step=0.25, symbol="τ score")
    on: float = knob(0.0, "hysteresis: starts to verify above", lo=-8.0, hi=8.0, step=0.25, symbol="τ on", rare=True)
    off: float = knob(-1.0, "hysteresis: stops below", lo=-8.0, hi=8.0, step=0.25, symbol="τ off", rare=True)
    min_span: int = knob(
        1, "span length: verify from this many masks on", lo=1, hi=64, step=1, symbol="τ span", rare=True
    )
    beta: float = knob(1.0, "bandit: how much it explores", lo=0.0, hi=4.0, step=0.1, symbol="β", rare=True)
    accept: str = knob("ratio", "the paper's draw, or the verifier's best token (ours)", choices=("ratio", "greedy"))
    tempering: float = knob(1.0, "exponent of q/p", lo=0.0, hi=4.0, step=0.1, symbol="γ", rare=True)
    resample: bool = knob(
        True, "redraw the first rejected position; no keeps its draft, or its mask if rows are shifted", rare=True
    )
    keep_ratio: float = knob(
        -1.0, "also keep drafts with this q/p; negative is off", lo=-1.0, hi=1.0, step=0.05, rare=True
    )
    all_spans: bool = knob(False, "keep_ratio looks at every drafted mask", rare=True)
    also_sure: bool = knob(False, "after a verification, fill the other sure ones too", rare=True)
    causal_cache: bool = knob(True, "prompt and finished blocks are read token by token (AR-like caching)", rare=True)
    causal_prefix: bool = knob(True, "and so is what is filled at the left of the block", rare=True)
    sub: int = knob(0, "positions per sub-block (Fast-dLLM v2); 0 is the block", lo=0, hi=512, step=1, rare=True)
    editing: bool = knob(False, "replace tokens the model no longer believes (LLaDA2.1)", rare=True)
    edit_threshold: float = knob(
        0.9, "confidence that replaces a token", lo=0.0, hi=1.0, step=0.01, symbol="τ edit", rare=True
    )
    post: int = knob(16, "editing: most calls on a block without masks", lo=0, hi=64, step=1, rare=True)
    steps: int = knob(
        0, "denoising steps per block; 0 is one per position", lo=0, hi=512, step=1, symbol="S", rare=True
    )
    strategy: str = knob("dynamic", "what a step fills beside", choices=STRATEGIES, rare=True)
    threshold: float = knob(0.85, "confidence that fills a position early", lo=0.0, hi=1.0, step=0.01, symbol="τ")
    temperature: float = knob(0.0, "0 is greedy, 1 the model's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T")
    top_k: int = knob(0, "draw among this many tokens; 0 is all", lo=0, hi=200, step=1, symbol="k", rare=True)
    top_p: float = knob(
        1.0, "draw among the tokens that hold this much mass", lo=0.05, hi=1.0, step=0.05, symbol="p", rare=True
    )
    fold: bool = fold_knob()
    ahead: bool = knob(
        False,
        "a verification drafts the next block too, used if all of this one stays (ours; not on shifted rows)",
        rare=True,
    )

    def __post_init__(self) -> None:
        if self.ahead and (self.editing or self.sub or not self.causal_cache):
            raise BadParam("ahead = yes: needs causal_cache = yes, editing = no and sub = 0; change these or ahead.")


@dataclass(frozen=True)
class Draft:
    """What the first call of a step said: a guess for each masked position of the sub-block, the first run of them with
    the distributions `probs` [len(span), V] it was drawn from, how many positions of the sub-block are no masks, and
    whether tokens were replaced."""

    masked: list[Guess]
    span: list[Guess]
    probs: torch.Tensor
    filled: int
    edited: bool


class Router:
    """Whether to verify, and why: what the policies remember outlives the block."""

    def __init__(self, par: S2D2, size: int):
        self.par, self.size, self.bucket = par, size, 0
        self.hysteresis, self.bandit = Hysteresis(par.on, par.off), Bandit(par.beta, size)

    def decide(self, draft: Draft):
        """With nothing to verify the score is below every bar."""
        span, probs = draft.span, draft.probs
        if not span:
            self.hysteresis.is_on = False
            return False, ()
        par = self.par
        if par.policy == "mask_span_length":
            return len(span) >= par.min_span, (("span", len(span)), ("least", par.min_span))
        if par.policy == "contextual_bandit_ucb":
            self.bucket = self.bandit.bucket(len(span), draft.filled, float(entropies(probs).mean()))
            return self.bandit.decide(self.bucket), (("span", len(span)), ("bucket", self.bucket))
        if par.policy == "never":
            return False, (("span", len(span)),)
        number = par.sharpness or DEFAULTS.get(par.estimator, 1.0)
        sure, p = sum(g.p > par.threshold for g in draft.masked), torch.tensor([g.p for g in span], device=probs.device)
        expected = expected_length(acceptance(par.estimator, probs, p.to(probs.dtype), number).tolist())
        score = expected - par.penalty * (1 if par.score == "static" else sure)
        go = self.hysteresis.decide(score) if par.policy == "score_hysteresis" else score >= par.tau_score
        return go, (("span", len(span)), ("E[K]", round(expected, 4)), ("sure", sure), ("score", round(score, 4)))


def drafted(
    context: Context, canvas: Canvas, par: S2D2, mine: Sequence[int], chance: Chance, ready: Seen | None = None
) -> Generator[Event, None, Draft]:
    """One call over the block whose positions `mine` are not the prompt's, unless the last verification has made it
    already (`ready`). Tokens that it would not say again are replaced at once, so that what is verified stands behind
    what will be there."""
    masked = [pos for pos in mine if canvas.ids[pos] == canvas.mask]
    window = canvas.sub_block(par.sub) if masked else range(0)
    masked = [pos for pos in masked if pos in window]
    # Draws are made for all of the sub-block, as the release does, so that a seed means the same text.
    drawing = [pos for pos in window if pos >= context.model.spec.shift] if par.temperature else masked
    filled = [pos for pos in mine if canvas.ids[pos] != canvas.mask] if par.editing else []
    where, see = sorted({*drawing, *filled}), None
    if par.causal_prefix and not par.editing:
        length = canvas.block_end(mine[0]) - context.start
        see = masks.prefix_causal(context.start, length, masked[0], context.model.device)
    seen = ready or context.look([canvas.ids], [where], "draft" if masked else "edit", keep=True, see=see)
    if not ready:
        yield seen.call
    guesses, probs = drawn(seen, where, par.temperature, par.top_k, par.top_p, canvas.mask, chance)
    said = {g.pos: g for g in guesses}

    other = [said[pos] for pos in filled if said[pos].token != canvas.ids[pos]]
    edits = [g for g in other if g.p > par.edit_threshold]
    if par.editing:
        yield Decide("edit", str(len(edits)), tuple(g.pos for g in edits), (("would differ", len(other)),))
    if edits:
        yield canvas.write(edits, "revised")
    span = [pos for i, pos in enumerate(masked) if pos == masked[0] + i]
    at = torch.tensor([where.index(pos) for pos in span], dtype=torch.long, device=probs.device)
    rest = len(window) - len(masked)
    return Draft([said[pos] for pos in masked], [said[pos] for pos in span], probs[at], rest, bool(edits))


def verify(
    context: Context, canvas: Canvas, drafts: Sequence[Guess], count: int, par: S2D2
) -> tuple[Seen, Seen | None]:
    """One call over the block up to the end of the sub-block whose masks are drafted, read at the first `count` of them
    as blocks of one would: from the row before each, or else from a mask of its own (2L mask). With `ahead`, where the
    drafts reach the end of the block: also what it says about the next one, if all of them stay; the cache then holds
    the block as if they did."""
    start, stop, model = context.start, canvas.sub_block(par.sub).stop, context.model
    fills, more = {g.pos: g.token for g in drafts}, range(0)
    block = [fills.get(pos, canvas.ids[pos]) for pos in range(start, stop)]
    where, ask = [[g.pos for g in drafts[:count]]], [[g.fill for g in drafts[:count]]]
    if model.spec.shift:
        see = masks.causal(start, len(block), model.device)
        logits, call = model.forward(block, role="verify", see=see, cache=context.cache)
        rows = [logits]
    else:
        if par.ahead and where[0][-1] == stop - 1 and stop < len(canvas.ids):
            more = range(stop, canvas.block_end(stop))
            where, ask = [*where, list(more)], [*ask, []]
        pos, ids = [*[*range(start, stop)] * 2, *more], block + [canvas.mask] * (len(block) + len(more))
        see, keep = masks.one_mask_each(start, len(block), model.device, len(more)), len(block) if more else 0
        logits, call = model.forward(ids, role="verify", pos=pos, see=see, cache=context.cache, keep=keep)
        rows = [Logits(logits.rows[len(block) : 2 * len(block)], start, 0)]
        rows += [Logits(logits.rows[2 * len(block) :], stop, 0)] * (len(more) > 0)
        call = replace(call, fed=tuple(zip(pos, ids, strict=True)))
    seen = look(call, rows, where, top=canvas.top, mask=canvas.mask, ask=ask, keep=True)
    assert seen.probs is not None
    return seen._replace(probs=seen.probs[:count]), seen._replace(
        guesses=seen.guesses[1:], probs=seen.probs[count:]
    ) if more else None


def judge(
    drafts: Sequence[Guess], span: int, seen: Seen, p: torch.Tensor, par: S2D2, chance: Chance
) -> tuple[tuple[Verdict, ...], Guess | None, list[float]]:
    """Verdicts on the first `span` of the `drafts` that the verifier saw, what replaces the first rejected one, and the
    ratios of all. `p` [span, V] are the distributions that the span was drawn from."""
    assert seen.probs is not None
    q, best = seen.probs, seen.guesses[0]
    if par.temperature or par.top_k or par.top_p < 1.0:
        q = shaped(q, par.temperature or 1.0, par.top_k, par.top_p)
    at = torch.tensor([[g.token] for g in drafts], device=q.device)
    own = q.gather(1, at)[:, 0].tolist()
    if par.accept == "greedy":
        ratios, bars = [float(b.token == g.token) for b, g in zip(best, drafts, strict=True)], [1.0] * span
    else:
        ratios = [min(1.0, (a / max(g.p, 1e-12)) ** par.tempering) for a, g in zip(own, drafts, strict=True)]
        bars = [math.nextafter(u, 1.0) for u in chance.uniform(span).tolist()]  # accepted if u < r
    k, verdicts = walk([g.fill for g in drafts[:span]], [g.fill for g in best], own, scores=ratios, bars=bars)
    if k == span or not par.resample:
        return verdicts, drafts[k] if k < span else None, ratios
    if par.accept == "greedy":
        return verdicts, best[k], ratios
    rest = (q[k] - p[k]).clamp(min=0.0)
    token = chance.tokens((rest if float(rest.sum()) else q[k])[None])[0]
    return verdicts, Guess(drafts[k].pos, token, float(q[k, token])), ratios


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: S2D2, rng: Chance) -> Iterator[Event]:
    context = Context(models["model"], canvas, encode="causal" if par.causal_cache else "block", fold=par.fold)
    shift, router = context.model.spec.shift, Router(par, par.sub or canvas.block_len)
    n, done, block, clean, mine, schedule, ready = 0, True, 0, 0, list[int](), list[int](), None
    while not (done and canvas.finished):
        if shift and canvas.early_stop and canvas.ended:
            yield Finish("eos")
            return
        if done:
            block, clean, mine = canvas.block, 0, canvas.open()
            schedule = shares(canvas.block_len, par.steps or canvas.block_len)
        yield Round(n, block)
        n += 1
        if seam := (yield from context.settle(block, seam=True)):
            yield canvas.write(seam, "unmasked")
            continue

        # (1) Draft the block, or its leftmost sub-block with a mask.
        draft = yield from drafted(context, canvas, par, mine, rng, ready)
        masked, span, ready = draft.masked, draft.span, None

        # (2) Route: is a verification worth a call?
        go, because = router.decide(draft)
        if span:
            yield Decide("verify", "yes" if go else "no", tuple(g.pos for g in span), because)

        # (3) Verify from the left; the first rejected position is drawn from what the draft left over.
        if go:
            yield Propose(chain([[g] for g in span], None if shift else 1))
            looked = masked if par.all_spans else span
            start, (checked, ready) = context.start, verify(context, canvas, masked, len(looked), par)
            yield checked.call
            verdicts, instead, ratios = judge(looked, len(span), checked, draft.probs, par, rng)
            yield Judge(verdicts)
            kept = sum(v.outcome == "accepted" for v in verdicts)
            if kept:
                yield canvas.write(looked[:kept], "accepted")
            if ready and kept < len(masked):
                context.forget(start)  # the cache holds drafts that do not stand
                ready = None
            if instead and (par.resample or not shift):
                yield canvas.write([instead], "corrected")
            also = [g for g, r in zip(looked, ratios, strict=True) if 0 <= par.keep_ratio <= r]
            also += [g for g in masked if par.also_sure and g.p > par.threshold]
            also = [g for g in dict.fromkeys(also) if canvas.ids[g.pos] == canvas.mask]
            if also:
                yield canvas.write(also, "unmasked")

        # (4) What the step is short of its share, block diffusion fills.
        left = [g for g in masked if canvas.ids[g.pos] == canvas.mask]
        short = min(schedule.pop(0) if schedule else 1, len(masked)) - (len(masked) - len(left))
        if short > 0:
            yield canvas.write(strategy(left, par.strategy, short, par.threshold), "unmasked")
        if span and par.policy == "contextual_bandit_ucb":
            still = sum(canvas.ids[g.pos] == canvas.mask for g in masked)
            router.bandit.learn(router.bucket, go, len(masked) - still)

        # A block is done when it is full, and with editing when a call changed nothing or there were enough of them.
        clean += not masked
        full = all(canvas.ids[pos] != canvas.mask for pos in mine)
        done = full and (not par.editing or clean >= par.post or not (masked or draft.edited))


METHOD = Method(
    id="s2d2",
    title="S2D2",
    paper="S2D2: self-speculative block diffusion (Han et al. 2026)",
    arxiv="2603.25702",
    guarantee="approximate",
    params=S2D2,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "propose", "judge", "commit", "finish"}),
    summary="The model drafts a block at once and verifies it itself, one position at a time in its own blocks-of-one "
    "mode, in one more call.",
    cost="1 to 2 calls of 1 row: the block, and where verified 2 L more tokens (the block once more if rows are "
    "shifted), for 1 to L tokens.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
    roles={"model": ("block",)},
    revises=True,
)
