"""From logits to guesses: the one place where probabilities are computed, and the one host sync of a step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from decoders.chance import Chance
from decoders.models.base import Logits
from decoders.trace import Belief, Forward


class Guess(NamedTuple):
    """The model's token for position `pos` and its probability `p` there."""

    pos: int
    token: int
    p: float

    @property
    def fill(self) -> tuple[int, int]:
        return self.pos, self.token


class Seen(NamedTuple):
    """What a call said: `guesses[r]` for the asked positions of row r, in their order; `asked[r]` the probabilities
    of the tokens asked about in row r; `call` the forward event, now with its beliefs; `best[r]` the most probable
    (token, p) of each asked position, if they were asked for; `probs` [positions of all rows, V] the probabilities
    themselves, on the model's device, if they were to be kept; `entropies[r]` the entropy in nats of each asked
    position, not rounded, if they were asked for."""

    guesses: list[list[Guess]]
    asked: list[list[float]]
    call: Forward
    best: Sequence[Sequence[list[tuple[int, float]]]] = ()
    probs: torch.Tensor | None = None
    entropies: Sequence[list[float]] = ()


def look(
    call: Forward,
    rows: Sequence[Logits],
    where: Sequence[Sequence[int]],
    *,
    top: int,
    ask: Sequence[Sequence[tuple[int, int]]] = (),
    mask: int = -1,
    uniform: torch.Tensor | None = None,
    temperature: float = 0.0,
    most: int = 0,
    keep: bool = False,
    entropies: bool = False,
) -> Seen:
    """Reads `rows[r]` at the positions `where[r]`, all rows in one pass and with one transfer to the host.

    The guess is the argmax, or with `temperature` the Gumbel-max draw that LLaDA makes: argmax of exp(l) / (-log u)^T
    with `uniform` u [positions of row 0, V] in float64. Its `p` is the clean softmax probability either way.
    Probabilities are float64 (float32 on mps, which has nothing wider) so that a confidence of 0.99999999 still has
    an order, and so that the reference and the speculative decoder round alike. `ask[r]` lists (pos, token) pairs
    whose probability is wanted. The id `mask` is never a guess, whatever its probability: filling a position with the
    mask would leave it open, and a decoder would ask for it for ever. `top` tokens per position are recorded in
    `call.beliefs`; 0 records nothing. The `most` best tokens, the mask left out and nothing rounded, are `best`: what
    an algorithm reads must not depend on what is recorded; for the same reason `entropies` are those of `top` before
    rounding, the mask's share included. With `keep` the probabilities stay on the device too."""
    logits = torch.cat([row.gather(positions) for row, positions in zip(rows, where, strict=True)])
    wide = torch.float32 if logits.device.type == "mps" else torch.float64
    probs = logits.to(wide).softmax(-1)
    if mask >= 0:
        logits = logits.index_fill(-1, torch.tensor([mask], device=logits.device), -torch.inf)
    if temperature:
        noise = (-uniform.to(logits.device, wide).log()) ** temperature  # type: ignore[union-attr]
        token = (logits.to(wide).exp() / noise).argmax(-1)
    else:
        token = logits.argmax(-1)
    parts = [token.to(wide), probs.gather(1, token[:, None])[:, 0]]
    if top or entropies:
        parts.append(torch.special.entr(probs).sum(-1))
    if top:
        best = probs.topk(min(top, probs.shape[-1]))
        parts += [best.values.flatten(), best.indices.to(wide).flatten()]
    most = min(most, probs.shape[-1] - (mask >= 0))
    if most:
        shown = probs if mask < 0 else probs.index_fill(-1, torch.tensor([mask], device=logits.device), -1.0)
        wanted = shown.topk(most)
        parts += [wanted.values.flatten(), wanted.indices.to(wide).flatten()]
    offsets, n = [], 0
    for positions in where:
        offsets.append(dict(zip(positions, range(n, n + len(positions)), strict=True)))
        n += len(positions)
    pairs = [(offsets[r][pos], token_) for r, row in enumerate(ask) for pos, token_ in row]
    if pairs:
        index = torch.tensor(pairs, device=logits.device)
        parts.append(probs[index[:, 0], index[:, 1]])
    host = torch.cat(parts).tolist()

    guesses, i = [], 0
    for positions in where:
        guesses.append([Guess(pos, int(host[i + j]), host[n + i + j]) for j, pos in enumerate(positions)])
        i += len(positions)
    beliefs: tuple[Belief, ...] = ()
    if top:
        k, at = min(top, probs.shape[-1]), 3 * n
        belief = []
        for r, positions in enumerate(where):
            for pos in positions:
                j = offsets[r][pos]
                ps, ids = host[at + j * k : at + (j + 1) * k], host[at + (n + j) * k : at + (n + j + 1) * k]
                pairs_ = tuple((int(t), round(p, 4)) for t, p in zip(ids, ps, strict=True))
                belief.append(Belief(pos, pairs_, round(max(0.0, host[2 * n + j]), 4), r))
        beliefs = tuple(belief)
    tail = iter(host[len(host) - len(pairs) :])
    asked = [[next(tail) for _ in row] for row in ask]
    end = len(host) - len(pairs)
    ps, ids = host[end - 2 * n * most : end - n * most], host[end - n * most : end]
    rows_ = [[(int(ids[j]), ps[j]) for j in range(i * most, (i + 1) * most)] for i in range(n)]
    best = [[rows_[at[pos]] for pos in positions] for at, positions in zip(offsets, where, strict=True)]
    nats: list[list[float]] = []
    if entropies:
        nats = [[max(0.0, host[2 * n + at[pos]]) for pos in row] for at, row in zip(offsets, where, strict=True)]
    call = replace(call, beliefs=beliefs)
    return Seen(guesses, asked, call, best if most else (), probs if keep else None, nats)


def shaped(probs: torch.Tensor, temperature: float, top_k: int = 0, top_p: float = 1.0, mask: int = -1) -> torch.Tensor:
    """The distributions probs [n, V] at a temperature above 0, cut to the `top_k` best tokens (0: all) and then to the
    smallest set that holds `top_p` of the mass; the token that crosses it stays. Nothing is left to the id `mask` (-1:
    the model has none). Rows sum to 1 again."""
    if mask >= 0:
        probs = probs.index_fill(-1, torch.tensor([mask], device=probs.device), 0.0)
    scores = probs.log() / temperature
    if 0 < top_k < scores.shape[-1]:
        least = scores.topk(top_k).values[:, -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    if top_p < 1.0:
        ordered, index = scores.softmax(-1).sort(-1, descending=True)
        outside = ordered.cumsum(-1) - ordered > top_p
        scores = scores.masked_fill(torch.zeros_like(outside).scatter(-1, index, outside), -torch.inf)
    return scores.softmax(-1)


def drawn(
    seen: Seen, where: Sequence[int], temperature: float, top_k: int, top_p: float, mask: int, chance: Chance
) -> tuple[list[Guess], torch.Tensor]:
    """A token for each position of `where`, and the distributions [n, V] they are drawn from (greedy: the plain ones).
    The mask is never drawn."""
    assert seen.probs is not None
    if not temperature:
        return seen.guesses[0], seen.probs
    probs = shaped(seen.probs, temperature, top_k, top_p, mask)
    tokens = chance.tokens(probs)
    p = probs.gather(1, torch.tensor(tokens, device=probs.device)[:, None])[:, 0].tolist()
    return [Guess(*guess) for guess in zip(where, tokens, p, strict=True)], probs


def by_confidence(guesses: Sequence[Guess]) -> list[Guess]:
    """Most probable first; ties go to the smaller position, so that equal runs are equal."""
    return sorted(guesses, key=lambda g: (-g.p, g.pos))
