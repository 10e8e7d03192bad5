"""Attention permissions as boolean tensors [queries, keys]: True = may attend.

Always explicit and always bool: transformers reads a 4-D float 0/1 mask as additive, and takes a 2-D one for padding,
both without a word (measured, docs/decisions.md)."""

from collections.abc import Sequence

import torch

Spans = tuple[tuple[int, int], ...]


def full(start: int, length: int, device: torch.device) -> torch.Tensor:
    """Every query of `start..start+length` sees every key of `0..start+length`."""
    return torch.ones(length, start + length, dtype=torch.bool, device=device)


def causal(start: int, length: int, device: torch.device) -> torch.Tensor:
    """A query sees itself and what is left of it."""
    keys = torch.arange(start + length, device=device)
    return keys[start:, None] >= keys[None, :]


def block_causal(start: int, length: int, block: int, device: torch.device) -> torch.Tensor:
    """A query sees its own block of `block` positions and all blocks before; blocks are counted from position 0."""
    index = torch.arange(start + length, device=device) // block
    return index[start:, None] >= index[None, :]


def prefix_causal(start: int, length: int, first: int, device: torch.device) -> torch.Tensor:
    """Queries left of position `first` see what an autoregressive model would, the others everything."""
    see = full(start, length, device)
    see[: first - start] = causal(start, length, device)[: first - start]
    return see


def one_mask_each(start: int, length: int, device: torch.device, ahead: int = 0) -> torch.Tensor:
    """[2L + A, start + 2L + A] over a drafted block and as many masks at the same positions (S2D2's 2L mask): the
    drafts are token-causal, and the i-th mask sees the drafts before i and itself, so its row is the i-th
    autoregressive step. `ahead` masks of the next block see the drafts and each other."""
    size = 2 * length + ahead
    see = torch.zeros(size, start + size, dtype=torch.bool, device=device)
    see[:, :start] = True
    before = torch.ones(length, length, dtype=torch.bool, device=device)
    see[:length, start : start + length] = before.tril()
    see[length : 2 * length, start : start + length] = before.tril(-1)
    own = slice(start + length, start + 2 * length)
    see[length : 2 * length, own] = torch.eye(length, dtype=torch.bool, device=device)
    see[2 * length :] = True
    see[2 * length :, own] = False
    return see


def temporal(start: int, known: int, times: Sequence[int], device: torch.device) -> torch.Tensor:
    """[L, start + L], L = known + 2n, over `known` tokens of a block, n drafts and n masks (SimSD's temporal mask).

    `times[i]` is the step in which draft i was revealed. A draft sees the drafts revealed no later and the masks of
    those revealed later; a mask sees the drafts revealed before its own and the masks of the others: what lay on the
    canvas at that step. Known tokens see each other; everyone sees them and the cache."""
    t, n = torch.tensor(times, device=device), len(times)
    see = torch.zeros(known + 2 * n, start + known + 2 * n, dtype=torch.bool, device=device)
    see[:, : start + known] = True
    data, mask = slice(start + known, start + known + n), slice(start + known + n, None)
    see[known : known + n, data], see[known : known + n, mask] = t[:, None] >= t[None], t[:, None] < t[None]
    see[known + n :, data], see[known + n :, mask] = t[:, None] > t[None], t[:, None] <= t[None]
    return see


def packed(see: torch.Tensor, n: int) -> torch.Tensor:
    """[nL, start + nL]: `n` rows under the mask `see` [L, start + L], one behind the other; every row sees the cached
    keys as before and nothing of the other rows."""
    length = see.shape[0]
    start = see.shape[1] - length
    return torch.cat([see[:, :start].repeat(n, 1), torch.block_diag(*[see[:, start:]] * n).bool()], dim=1)


def shadow(see: torch.Tensor, at: Sequence[int], hidden: Sequence[int]) -> torch.Tensor:
    """[L + n, start + L + n]: `see` [L, start + L] and behind it n masks that nobody else sees (WINO's shadow block).
    The i-th sees what position `at[i]` sees, but not position `hidden[i]`; of the shadows it sees those that stand
    where it may look, hidden or not, because they are masks."""
    length, keys = see.shape
    rows, held = torch.tensor(at, device=see.device), torch.arange(keys, device=see.device) < keys - length
    # The row before the first one that is fed is in the cache; it sees the cache.
    alike = torch.cat([held[None], see])[rows - (keys - length) + 1]
    between = alike[:, rows]
    alike[torch.arange(len(at), device=see.device), torch.tensor(hidden, device=see.device)] = False
    above = torch.cat([see, see.new_zeros(length, len(at))], 1)
    return torch.cat([above, torch.cat([alike, between], 1)])


def spans(see: torch.Tensor) -> tuple[Spans, ...]:
    """The mask as (start, stop) runs of visible keys, one tuple per query row: small in a file and legible in a
    test."""
    rows = []
    for row in see.to("cpu", torch.int8).tolist():
        edges = [i for i in range(len(row) + 1) if (row[i - 1] if i else 0) != (row[i] if i < len(row) else 0)]
        rows.append(tuple(zip(edges[::2], edges[1::2], strict=True)))
    return tuple(rows)
