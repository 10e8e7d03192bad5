"""A diffusion model drafts many tokens in one call, an autoregressive model checks them in one call.

Guanghao Li et al., "DiffuSpec: Unlocking Diffusion Language Models for Speculative Decoding", 2025, Algorithm 1 and
equations 5, 7, 8, 10, 11; arXiv:2510.02358. The letters are the paper's. A drafter proposes tokens for k_t masked slots
after the text x_1:j at once, so its tokens do not depend on each other left to right. Causal-consistency path search
(CPS) therefore looks for a path through the candidates of all slots, scored by the drafter and by a 3-gram of the
target's training text; adaptive draft length (ADL) sets k from what was drafted and accepted so far.

At temperature 0 the text is token for token the target's own (`ar`), whatever the drafter says. Above it a draft is
accepted with probability min(1, p / q), equation 1, q being the drafter's probability of it given the drafts before it
and masks behind (equation 6: one more call of the drafter, one row per draft), and the first rejected one is drawn anew
from norm(max(0, p - q)). The paper says that the classical proof of unbiasedness applies. It needs drafts drawn from q,
and a path that was searched for is none, so that text has not the target's distribution: `accept="paper"` is
approximate, and said to be. Our default `point-mass` takes the path for what it is, one token per position: a draft is
accepted with the target's own probability p of it, the first rejected one is replaced by a draw among all others, and
the text has exactly the target's distribution (the drafter is not called again). The paper's runs are greedy.

Where the paper is silent: k is rounded down; slots end with the first one whose best token ends the text; such a token
is a candidate elsewhere only where it is among the M_i, because paths are sums and an early end would win for being
short; with S > 1 the ceil(k/S) surest slots are filled per pass and keep the scores of that pass; a temperature shapes
q as it shapes p, and neither the path nor its length. The first check also reads the prompt. The drafter reads the
target's own token ids, so both need one tokenizer. One token of the budget is never drafted: the check itself yields
it."""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.context import Context
from decoders.drafts import chain, judge
from decoders.errors import ModelUnavailable
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.ngram import NGram
from decoders.params import Params, knob
from decoders.sampling import Guess, by_confidence, shaped
from decoders.trace import MAX_NGRAMS, Decide, Event, Forward, Judge, Propose, Round

Slot = Sequence[tuple[int, float]]
"""The candidates of one position: (token, the drafter's probability), most probable first."""
WIDE = 8  # as many as the lattice view draws


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
    temperature: float = knob(
        0.0, "0 is greedy, 1 the target's own distribution", lo=0.0, hi=2.0, step=0.05, symbol="T"
    )
    accept: str = knob(
        "point-mass",
        "above temperature 0: exact in distribution, or the paper's min(1, p/q), which is not",
        choices=("point-mass", "paper"),
    )


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
        live = [path for path, _ in beams if not (path and path[-1] in eos)]
        if not live:
            break
        said = [[0.0] * len(slot)] * len(live)
        if proxy is not None:
            said = proxy.logps([[*text[-2:], *path[-2:]] for path in live], [token for token, _ in slot]).tolist()
        causal = dict(zip(live, said, strict=True))
        for path, score in beams:
            if path not in causal:
                longer.append((path, score))
                continue
            for (token, q), l_ng in zip(slot, causal[path], strict=True):
                longer.append(((*path, token), score + lam * math.log(max(q, 1e-300)) + (1 - lam) * l_ng))
        beams = sorted(longer, key=lambda beam: -beam[1])[: par.beam]
    return beams[0][0]


def chosen(
    path: Sequence[int],
    raw: Sequence[int],
    lattice: Sequence[Slot],
    slots: Sequence[Slot],
    canvas: Canvas,
    proxy: NGram | None,
) -> Decide:
    """What was chosen and, unless the run is only timed, among what: the pruned candidates and, so that other settings
    can be tried on the record, the best `WIDE` ones, with the 3-grams that score them."""
    j, changed = len(canvas.ids), sum(a != b for a, b in zip(path, raw, strict=False))
    size = ("slots", len(lattice)), ("candidates", sum(map(len, lattice))), ("changed", changed)
    about, what = tuple(range(j, j + len(path))), f"{len(path)} tokens"
    if not canvas.top:
        return Decide("path", what, about, size)
    wide = [slot[: max(WIDE, len(kept))] for slot, kept in zip(slots, lattice, strict=True)]
    # Six significant digits: six decimals would make 0 of the candidates far down, whose logarithms are compared.
    among = tuple(tuple((token, float(f"{p:.6g}")) for token, p in slot) for slot in wide)
    ngrams = proxy.backoff(canvas.ids, [[token for token, _ in slot] for slot in wide]) if proxy is not None else ()
    return Decide("path", what, about, size, among, ngrams if len(ngrams) <= MAX_NGRAMS else ())


def refine(context: Context, board: Canvas, par: DiffuSpec) -> Generator[Forward, None, dict[int, Slot]]:
    """Equation 5: fills the masks of the board in S passes, the surest first, and returns the candidates of each. The
    drafter's `context` keeps full blocks of text from round to round."""
    slots, k = dict[int, Slot](), len(board.ids) - board.prompt_len
    context.canvas = board
    yield from context.settle(board.block_of(board.prompt_len))
    while not board.filled:
        open_ = board.open(k)
        seen = context.look([board.ids], [open_], "draft", most=par.m_max)
        yield seen.call
        sure = by_confidence(seen.guesses[0])[: math.ceil(k / par.passes)]
        slots |= {g.pos: seen.best[0][open_.index(g.pos)] for g in sure}
        board.write(sure, "unmasked")
    return slots


def left_to_right(
    drafter: Model, board: Canvas, path: Sequence[int], temperature: float
) -> tuple[Forward, Sequence[torch.Tensor]]:
    """Equation 6: the drafter's distributions [V] of each token of the path after those before it and before masks."""
    j, k, mask = board.prompt_len, len(board.ids) - board.prompt_len, drafter.spec.mask
    states = [[*board.ids[:j], *path[:i], *[mask] * (k - i)] for i in range(len(path))]
    where = [[j + i] for i in range(len(path))]
    seen = Context(drafter, board, cached=False).look(states, where, "draft", keep=True)
    assert seen.probs is not None
    return seen.call, list(shaped(seen.probs, temperature, mask=mask))


def promise(par: DiffuSpec) -> tuple[str, str]:
    """Above temperature 0 the paper's rule has not the target's distribution."""
    return "approximate" if par.temperature and par.accept == "paper" else "greedy-exact", "ar"


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
    drafting: Context | None = None
    while not canvas.finished:
        yield Round(n, canvas.block)
        j = len(canvas.ids)
        k, path, drafts, q, l_gen = min(k_t, canvas.limit - j - 1), (), list[Guess](), None, 0
        if k:
            # (1) Draft: the text and k masks, S passes; the surest slots are filled first.
            mask, block = drafter.spec.mask, drafter.spec.block
            board = Canvas(canvas.ids, k, block=block, mask=mask, eos=canvas.eos, origin=0, top=canvas.top)
            drafting = drafting or Context(drafter, board, fold=True)
            slots = yield from refine(drafting, board, par)
            raw = board.ids[j:]
            l_gen = next((i for i, token in enumerate(raw) if token in canvas.eos), k)

            # (2) CPS: prune the lattice, search a path through it.
            lattice = [prune(slots[j + i], par.tau) for i in range(min(l_gen + 1, k))]
            path = search(lattice, canvas.ids, canvas.eos, par, proxy)
            yield chosen(path, raw, lattice, [slots[j + i] for i in range(len(lattice))], canvas, proxy)
            drafts = [Guess(j + i, t, dict(slot)[t]) for i, (slot, t) in enumerate(zip(lattice, path, strict=False))]
            if par.temperature and par.accept == "paper":
                call, q = left_to_right(drafter, board, path, par.temperature)
                yield call
                drafts = [Guess(*g.fill, max(float(row[g.token]), 1e-300)) for g, row in zip(drafts, q, strict=True)]
            yield Propose(chain([[g] for g in drafts]))

        # (3) Verify: one call of the target over the path; accept while it would have said the same, or by a draw.
        how = {"ask": [[g.fill for g in drafts]], "keep": par.temperature > 0}
        where = list(range(j, j + len(path) + 1))
        seen = context.look([[*canvas.ids, *path]], [where], "verify" if path else "decode", **how)
        yield seen.call
        verdicts, written = judge(drafts, q, seen, par.temperature, target.spec.mask, rng)
        kept = len(written) - 1
        if verdicts:
            yield Judge(verdicts)
        if kept:
            yield canvas.write(written[:-1], "accepted")
        if not canvas.finished:
            yield canvas.write(written[-1:], "corrected" if kept < len(path) else "bonus" if path else "unmasked")

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
    summary="A diffusion model drafts, an autoregressive model checks. The drafter's guesses form a lattice; a "
    "causal-consistency path (CPS) through it is what is checked. Same text as the autoregressive model alone, "
    "or, at a temperature, text of the same distribution, in fewer of its calls.",
    cost="1 to S+1 calls: S of the draft model over the text and the masks, and one of the target over k + 1 tokens, "
    "for 1 to k + 1 tokens; the paper's rule at a temperature takes one more, of k rows.",
    reference="ar",
    reference_label="autoregressive (R4, one token per call)",
    roles={"target": ("causal",), "draft": ("full", "block")},
    depends=promise,
)
