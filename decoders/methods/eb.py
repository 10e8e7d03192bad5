"""Fills as many positions as their joint uncertainty allows: a budget of entropy per call.

Heli Ben-Hamu et al., "Accelerated Sampling from Masked Diffusion Models via Entropy Bounded Unmasking" (EB-Sampler),
2025, equation 2; arXiv:2505.24857. Filling several positions at once errs by how much their tokens depend on each
other, and that is at most sum(H) - max(H), the entropies of all of them but the largest. Positions are ordered by an
error proxy (confidence, entropy or margin), and the largest prefix with sum(H) - max(H) <= gamma is filled. One
position alone costs nothing, so at least one is filled; the bound never falls as the prefix grows. gamma is the
paper's letter. Entropies are in nats and of the model's whole distribution; the margin is between its two best tokens.

Left out: drawing the tokens at a temperature; each is the most probable one. The default gamma is ours: 0.1 lets small
models fill several tokens per call. d2Cache, which carries this sampler for 8B models, uses 0.001.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from decoders.canvas import Canvas
from decoders.chance import Chance
from decoders.denoise import denoise
from decoders.methods.base import Method
from decoders.models.base import Model
from decoders.params import Params, fold_knob, knob
from decoders.sampling import Guess, Seen
from decoders.trace import Decide, Event


@dataclass(frozen=True)
class EB(Params):
    gamma: float = knob(0.1, "entropy a call may leave unresolved, in nats", lo=0.0, hi=4.0, step=0.001, symbol="γ")
    order: str = knob("confidence", "what is filled first", choices=("confidence", "entropy", "margin"))
    fold: bool = fold_knob()


def bounds(entropies: Sequence[float]) -> list[float]:
    """sum(H) - max(H) in nats of the first 1, 2, ... of the entropies; it starts at 0 and never falls."""
    out, total, largest = [], 0.0, 0.0
    for h in entropies:
        # What is smaller than the largest adds itself; a new largest adds the old one.
        total, largest = total + min(h, largest), max(h, largest)
        out.append(total)
    return out


def decode(models: Mapping[str, Model], canvas: Canvas, par: EB, rng: Chance) -> Iterator[Event]:
    def choose(seen: Seen, order: list[Guess]) -> tuple[list[Guess], Decide]:
        # Order the masked positions by the error proxy, ties to the smaller position.
        entropy = {g.pos: h for g, h in zip(seen.guesses[0], seen.entropies[0], strict=True)}
        if par.order == "entropy":
            order = sorted(order, key=lambda g: (entropy[g.pos], g.pos))
        elif par.order == "margin":
            margin = {g.pos: p - q for g, ((_, p), (_, q)) in zip(seen.guesses[0], seen.best[0], strict=True)}
            order = sorted(order, key=lambda g: (-margin[g.pos], g.pos))

        # Fill the largest prefix whose bound is within gamma.
        bound = bounds([entropy[g.pos] for g in order])
        k = sum(b <= par.gamma for b in bound)
        because = [("gamma", par.gamma), ("masked", len(order)), ("bound", round(bound[k - 1], 4))]
        if k < len(order):
            because.append(("with one more", round(bound[k], 4)))
        return order[:k], Decide("how many", str(k), because=tuple(because))

    yield from denoise(models, canvas, choose, fold=par.fold, entropies=True, most=2)


METHOD = Method(
    id="eb",
    title="EB-Sampler",
    paper="EB-Sampler: entropy bounded unmasking (Ben-Hamu et al. 2025)",
    arxiv="2505.24857",
    guarantee="approximate",
    params=EB,
    decode=decode,
    emits=frozenset({"round", "forward", "decide", "commit", "finish"}),
    summary="Fills positions as long as the entropy of all but the least certain one stays within a budget: many where "
    "the text is plain, one where it is not.",
    cost="1 call of 1 row for 1 to B tokens: as many as the budget γ allows.",
    reference="stepwise",
    reference_label="stepwise (R1, one token per call)",
)
