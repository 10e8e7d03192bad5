"""Unmasks anywhere in the text at once: a noise level falls from 1 to eps, and each step fills its share of all masks.

Jiacheng Ye et al., "Dream 7B: Diffusion Large Language Models", 2025; arXiv:2508.15487; the released
`diffusion_generate`, whose names the settings keep. S steps over the times linspace(1, eps, S + 1): going from t to s
a masked position is due with chance 1 - s / t. `origin` rolls dice for each position; the others fill
int(masks (1 - s / t)) positions, all in the last step, by confidence: the token's probability (`maskgit_plus`), the
lead of the best token over the second (`topk_margin`), or the negative entropy (`entropy`). With `alg_temp` the
positions are drawn from softmax(confidence / alg_temp). Without `cache` there are no blocks: `block` only says where
early stopping looks. `confidence_threshold` is Fast-dLLM's rule for Dream (arXiv:2505.22618, its release): the share is
even, those of it that miss tau wait for the next step, and steps are added until none is left.

With `cache` the text is filled block by block, as in that release, with keys that are out of date (approximate, see
`Context`): each block has its part of the S steps and all of the times. Where a position is predicted by the row before
it, the first call in a block fills the block's first position and nothing else, because that row is not computed again.
`confidence_threshold` then fills all that reach tau. Every `alg` may be used; the release knows the last one and takes
the others for `entropy`.

As in the release a step whose share is none still costs its call (int() makes that the first one when S is the number
of masks), and top_p comes before top_k. Ours: `early_stop`, the mask is never drawn and holds no mass, an uneven share
under `confidence_threshold`, and no calls once the text is full. Left out: the hooks. The authors' README samples with
entropy, T = 0.2 and p = 0.95; the default here is greedy, to be compared with stepwise decoding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, cache_knob, knob
from decoders.policies import shares
from decoders.sampling import Guess, shaped
from decoders.trace import Decide, Event, Round

ALGS = ("entropy", "topk_margin", "maskgit_plus", "origin", "confidence_threshold")


@dataclass(frozen=True)
class Dream(Params):
    steps: int = knob(0, "denoising steps for all G positions; 0 is one per position", lo=0, hi=512, step=1, symbol="S")
    alg: str = knob("entropy", "which positions a step fills", choices=ALGS)
    alg_temp: float = knob(0.0, "0: the most confident positions; above: drawn by confidence", lo=0.0, hi=2.0, step=0.1)
    threshold: float = knob(
        0.9, "confidence that confidence_threshold asks for", lo=0.0, hi=1.0, step=0.01, symbol="τ", rare=True
    )
    temperature: float = knob(0.0, "0 is greedy, 1 the model's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T")
    top_p: float = knob(1.0, "keep the tokens that hold this much mass", lo=0.05, hi=1.0, step=0.05, symbol="p")
    top_k: int = knob(0, "then keep this many tokens; 0 is all", lo=0, hi=200, step=1, symbol="k", rare=True)
    eps: float = knob(0.001, "noise level at the end", lo=0.0001, hi=0.5, step=0.0001, rare=True)
    cache: str = cache_knob()


def due(i: int, steps: int, eps: float) -> float:
    """The chance 1 - s / t that a masked position is unmasked in step i of `steps`; 1 in the last."""
    t, s = (1 - (1 - eps) * j / steps for j in (i, i + 1))
    return 1.0 if i >= steps - 1 else 1 - s / t


def read(
    probs: torch.Tensor, where: Sequence[int], par: Dream, mask: int, chance: Chance
) -> tuple[list[Guess], list[float]]:
    """A token for each position of `where`, drawn at a temperature, else the best, and how sure the rule is of the
    position; `probs` [n, V] are the model's."""
    gone = torch.tensor([mask], device=probs.device)
    probs = shaped(probs.index_fill(-1, gone, 0.0), par.temperature or 1.0, 0, par.top_p)
    probs = shaped(probs, 1.0, par.top_k, 1.0)
    best = probs.argmax(-1)
    token = torch.tensor(chance.tokens(probs), device=probs.device) if par.temperature else best
    p = probs.gather(1, token[:, None])[:, 0]
    sure = p
    if par.alg == "topk_margin":
        two = probs.topk(2).values
        sure = two[:, 0] - two[:, 1]
    if par.alg == "entropy":
        sure = (probs * (probs + 1e-10).log()).sum(-1)
    tokens, ps, sures = torch.stack([token.to(p.dtype), p, sure]).tolist()
    return [Guess(pos, int(t), q) for pos, t, q in zip(where, tokens, ps, strict=True)], sures


def surest(where: Sequence[int], sures: Sequence[float], k: int, par: Dream, size: int, chance: Chance) -> list[int]:
    """The k of the positions `where` that are filled, surest first, or drawn without replacement with `alg_temp`. Over
    the canvas of `size` positions, as in the release: a nucleus of one token makes ties, and topk decides them."""
    scores = torch.full((size,), -torch.inf, dtype=torch.float64, device="cpu")
    scores[torch.tensor(where, dtype=torch.long, device="cpu")] = torch.tensor(sures, dtype=torch.float64, device="cpu")
    if not k or not par.alg_temp or par.alg in ("origin", "confidence_threshold"):
        return scores.topk(k).indices.tolist()
    # A weight of zero could not be drawn, and k may be all of them.
    weights = (scores / par.alg_temp).softmax(0).clamp(min=1e-300)
    return chance.several(weights.masked_fill(scores == -torch.inf, 0.0), k)


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: Dream, rng: Chance) -> Iterator[Event]:
    model, size, whole = models["model"], len(canvas.ids), par.cache == "none"
    context, blocks = Context(model, canvas, stale=par.cache), 1
    least = size if whole else 1
    if not whole:
        blocks += canvas.block_of(size - 1) - canvas.block
    n, i, owed, steps, block, schedule = 0, 0, 0, 0, -1, list[int]()
    while not canvas.finished:
        # The times begin, with a cache anew in every block.
        if not n or not whole and canvas.block != block:
            block, masks, i, owed = canvas.block, len(canvas.open(least)), 0, 0
            steps = max(1, par.steps // blocks) if par.steps else masks
            schedule = shares(masks, steps)
        yield Round(n, canvas.block)
        yield from context.settle()

        # Predict every masked position of the whole text, or of the block.
        where, first = canvas.open(least), context.fresh and model.spec.shift
        seen = context.look([canvas.ids], [where], "denoise", keep=True)
        yield seen.call
        assert seen.probs is not None

        # How many, or who, is due at this time.
        chance, probs = due(i, steps, par.eps), seen.probs
        because = ("masked", len(where)), ("1 - s/t", round(chance, 6))
        if first:
            where, probs, k, because = where[:1], probs[:1], 1, (("masked", len(where)), ("first of the block", 1))
        elif par.alg == "origin":
            luck = rng.uniform(len(where)).tolist()
            rows = [row for row, u in enumerate(luck) if u < chance]
            where, k = [where[row] for row in rows], len(rows)
            probs = probs[torch.tensor(rows, dtype=torch.long, device=probs.device)]
        elif par.alg == "confidence_threshold":
            k = owed = owed + (schedule[i] if i < len(schedule) else 0) if whole else len(where)
            because = ("masked", len(where)), ("share", k), ("threshold", par.threshold)
        else:
            k = int(len(where) * chance)

        # Choose a token for each, then the positions.
        guesses, sures = read(probs, where, par, canvas.mask, rng) if where else ([], [])
        chosen = surest(where, sures, k, par, size, rng)
        if par.alg == "confidence_threshold":
            sure = dict(zip(where, sures, strict=True))
            chosen = [pos for pos in chosen if sure[pos] >= par.threshold] or chosen[:1]
            owed -= len(chosen)
        yield Decide("how many", str(len(chosen)), because=because)
        if chosen:
            said = {g.pos: g for g in guesses}
            yield canvas.write([said[pos] for pos in chosen], "unmasked")
        n, i = n + 1, i + 1


METHOD = Method(
    id="dream",
    title="Dream",
    paper="Dream 7B: diffusion_generate (Ye et al. 2025)",
    arxiv="2508.15487",
    guarantee="approximate",
    params=Dream,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Fills the whole text at once, without blocks: a step fills a share of all masks, the surest or by chance.",
    cost="1 call of 1 row for G / S tokens.",
    reference="stepwise",
    reference_label="stepwise (R1, as many steps, block after block)",
    roles={"model": ("full",)},
)
