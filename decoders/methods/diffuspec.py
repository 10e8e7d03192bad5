"""A diffusion model drafts many tokens in one call, an autoregressive model checks them in one call.

Guanghao Li et al., "DiffuSpec: Unlocking Diffusion Language Models for Speculative Decoding", 2025, Algorithm 1 and
equations 5, 7, 8, 10, 11; arXiv:2510.02358. The letters are the paper's. A drafter proposes tokens for k_t masked slots
after the text x_1:j at once, so its tokens do not depend on each other left to right. Causal-consistency path search
(CPS) therefore looks for a path through the candidates of all slots, scored by the drafter and by a 3-gram of the
target's training text; adaptive draft length (ADL) sets k from what was drafted and accepted so far.

At temperature 0 the text is token for token the target's own (`ar`), whatever the drafter says. Left out: temperature
above 0. A path that was searched for is no sample of the drafter, so the paper's rule min(1, p/q) would not be
unbiased, and a rule that is comes with sampling.

Where the paper is silent: k is rounded down; slots end with the first one whose best token ends the text; such a token
is a candidate elsewhere only where it is among the M_i, because paths are sums and an early end would win for being
short; with S > 1 the ceil(k/S) surest slots are filled per pass and keep the scores of that pass. The first check also
reads the prompt. The drafter reads the target's own token ids, so both need one tokenizer. One token of the budget is
never drafted: the check itself yields it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import walk
from decoders.errors import ModelUnavailable
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.ngram import NGram
from decoders.params import Params, knob
from decoders.sampling import by_confidence
from decoders.trace import Decide, Event, Judge, Node, Propose, Round

Slot = Sequence[tuple[int, float]]
"""The candidates of one position: (token, the drafter's probability), most probable first."""


@dataclass(frozen=True)
class DiffuSpec(Params):
    k_max: int = knob(30, "longest draft, and the first one", lo=1, hi=64, step=1, symbol="k max")
    k_min: int = knob(20, "shortest draft (never above the longest)", lo=1, hi=64, step=1, symbol="k min")
    delta: int = knob(10, "how much a draft may grow when all of it is accepted", lo=0, hi=32, step=1, symbol="δ")
    rho: float = knob(0.5, "weight of the newest round in the averages", lo=0.05, hi=1.0, step=0.05, symbol="ρ")
    beam: int = knob(3, "paths kept while searching", lo=1, hi=8, step=1, symbol="B")
    tau: float = knob(0.8, "probability that the candidates of a slot cover", lo=0.05, hi=1.0, step=0.05, symbol="τ")
    m_max: int = knob(15, "most candidates per slot", lo=1, hi=32, step=1, symbol="M max")
    lam: float = knob(0.5, "weight of the drafter against the 3-gram", lo=0.0, hi=1.0, step=0.05, symbol="λ")
    proxy: str = knob("trigram", "who else scores a path; none: the drafter alone", choices=("trigram", "none"))
    passes: int = knob(1, "calls of the drafter per draft", lo=1, hi=8, step=1, symbol="S")


def prune(candidates: Slot, tau: float) -> Slot:
    """Equation 7: the smallest number of candidates that covers `tau`, or all (M_max) where they do not."""
    covered = 0.0
    for m, (_, p) in enumerate(candidates, 1):
        covered += p
        if covered >= tau - 1e-12:  # 0.7 + 0.1 is less than 0.8 in binary
            return candidates[:m]
    return candidates


def search(
    lattice: Sequence[Slot], text: Sequence[int], eos: frozenset[int], par: DiffuSpec, proxy: NGram | None
) -> tuple[int, ...]:
    """Equation 8: the path with the highest sum of lambda log q + (1 - lambda) log p_3gram that a beam of B finds. A
    path that has ended keeps its score. Ties go to what the drafter finds more probable."""
    beams: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    lam = par.lam if proxy is not None else 1.0
    for slot in lattice:
        longer: list[tuple[tuple[int, ...], float]] = []
        for path, score in beams:
            if path and path[-1] in eos:
                longer.append((path, score))
                continue
            causal = [0.0] * len(slot)
            if proxy is not None:
                causal = proxy.logp([*text[-2:], *path[-2:]], [token for token, _ in slot]).tolist()
            for (token, q), l_ng in zip(slot, causal, strict=True):
                longer.append(((*path, token), score + lam * math.log(max(q, 1e-300)) + (1 - lam) * l_ng))
        beams = sorted(longer, key=lambda beam: -beam[1])[: par.beam]
    return beams[0][0]


@dataclass
class Lengths:
    """Equations 10 and 11: moving averages of how many tokens were drafted before an end, and how many accepted."""

    generated: float = 0.0
    accepted: float = 0.0

    def following(self, l_gen: int, l_acc: int, par: DiffuSpec) -> int:
        """k of the next round."""
        self.generated += par.rho * (l_gen - self.generated)
        self.accepted += par.rho * (l_acc - self.accepted)
        k = self.generated + par.delta * (self.accepted >= self.generated)
        return int(max(min(par.k_min, par.k_max), min(par.k_max, k)))


@torch.inference_mode()
def decode(models: Mapping[str, Model], canvas: Canvas, par: DiffuSpec, rng: Chance) -> Iterator[Event]:
    target, drafter, proxy = models["target"], models["draft"], None
    if par.proxy == "trigram" and (proxy := target.proxy) is None:
        raise ModelUnavailable(f"{target.spec.id} has no trigram.safetensors: fit one, or choose proxy = none.")
    context, lengths, k_t, n = Context(target, canvas), Lengths(), par.k_max, 0
    while not canvas.finished:
        yield Round(n, canvas.block)
        j = len(canvas.ids)
        k, path, slots, l_gen = min(k_t, canvas.limit - j - 1), (), dict[int, Slot](), 0
        if k:
            # (1) Draft: the text and k masks, S passes; the surest slots are filled first.
            mask, block = drafter.spec.mask, drafter.spec.block
            board = Canvas(canvas.ids, k, block=block, mask=mask, eos=canvas.eos, origin=0, top=canvas.top)
            while not board.filled:
                open_ = board.open(k)
                seen = Context(drafter, board, cached=False).look([board.ids], [open_], "draft", most=par.m_max)
                yield seen.call
                sure = by_confidence(seen.guesses[0])[: math.ceil(k / par.passes)]
                slots |= {g.pos: seen.best[0][open_.index(g.pos)] for g in sure}
                board.write(sure, "unmasked")
            raw = board.ids[j:]
            l_gen = next((i for i, token in enumerate(raw) if token in canvas.eos), k)

            # (2) CPS: prune the lattice, search a path through it.
            lattice = [prune(slots[j + i], par.tau) for i in range(min(l_gen + 1, k))]
            path = search(lattice, canvas.ids, canvas.eos, par, proxy)
            changed = sum(a != b for a, b in zip(path, raw, strict=False))
            size = ("slots", len(lattice)), ("candidates", sum(map(len, lattice))), ("changed", changed)
            yield Decide("path", f"{len(path)} tokens", tuple(range(j, j + len(path))), size)
            q = [round(dict(slot)[token], 6) for slot, token in zip(lattice, path, strict=False)]
            yield Propose(tuple(Node(i, ((j + i, t),), q[i], (i - 1,) if i else (), 0) for i, t in enumerate(path)))

        # (3) Verify: one call of the target over the path; accept while it would have said the same.
        fills = [(j + i, token) for i, token in enumerate(path)]
        where = list(range(j, j + len(path) + 1))
        seen = context.look([[*canvas.ids, *path]], [where], "verify" if path else "decode", ask=[fills])
        yield seen.call
        said = seen.guesses[0]
        kept, verdicts = walk(fills, [g.fill for g in said], seen.asked[0])
        if verdicts:
            yield Judge(verdicts)
        if kept:
            yield canvas.write(said[:kept], "accepted")
        if not canvas.finished:
            yield canvas.write([said[kept]], "corrected" if kept < len(path) else "bonus" if path else "unmasked")

        # (4) ADL: the length of the next draft.
        if path:
            k_t = lengths.following(l_gen, kept, par)
            averages = (
                ("average drafted", round(lengths.generated, 4)),
                ("average accepted", round(lengths.accepted, 4)),
            )
            yield Decide("next draft length", str(k_t), because=(("drafted", l_gen), ("accepted", kept), *averages))
        n += 1


METHOD = Method(
    id="diffuspec",
    title="DiffuSpec",
    paper="DiffuSpec (Li et al. 2025)",
    arxiv="2510.02358",
    guarantee="greedy-exact",
    params=DiffuSpec,
    decode=decode,
    emits=frozenset({"round", "forward", "propose", "judge", "decide", "commit", "finish"}),
    summary="A diffusion model drafts, an autoregressive model checks. Same text as the autoregressive model alone, in "
    "fewer of its calls.",
    cost="1 to S+1 calls: S of the draft model over the text and the masks, and one of the target over k + 1 tokens, "
    "for 1 to k + 1 tokens.",
    reference="ar",
    reference_label="autoregressive (R4, one token per call)",
    roles={"target": ("causal",), "draft": ("full", "block")},
)
