"""The conventions every model keeps, stated once.

- One sequence, no batch axis: ids [L], logits [L, V]. Several hypotheses of equal length go through `many` in one call.
- The shift lives in `Logits`: `.at(i)` is the distribution of the token at position i, `.after(i)` of the one that
  follows it. Whether the checkpoint predicts a position from its own row (LLaDA, SDAR) or from the row before (causal
  models, Dream) is decided there and nowhere else.
- `see[q, k]` is True where query q may attend to key k. None is the model's own rule (`spec.attention`).
- A `Cache` holds keys and values of tokens that will not change, or that are taken as they were. A call reads it; only
  the first `keep` tokens it feeds are added to it, so drafts leave it as it was.
- The adapter times itself and returns the `Forward` event; a method adds what it looked at (`sampling.look`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from decoders.ngram import NGram
from decoders.trace import Forward


@dataclass(frozen=True)
class ModelSpec:
    """Facts about a checkpoint. `rows`: "self" predicts a position from its own row, "next" from the row before.
    `attention`: "full", "block" (blocks of `block`, counted from 0) or "causal". `mask` is -1 for models without one.
    `context` is the longest sequence in tokens; `eos` are the ids that end a text."""

    id: str
    vocab_size: int
    mask: int
    eos: tuple[int, ...]
    rows: str = "self"
    attention: str = "full"
    block: int = 32
    context: int = 512
    specials: tuple[int, ...] = ()

    @property
    def shift(self) -> int:
        """A position is predicted by the row this many positions before it."""
        return 1 if self.rows == "next" else 0


class Logits:
    """Scores for the positions `start..start+len(rows)` of one sequence: rows [T, V] as the network returned them.

    `before` [V] is the network's row for position start - 1, kept by the cache, for models that predict the next
    position."""

    def __init__(self, rows: torch.Tensor, start: int, shift: int, before: torch.Tensor | None = None):
        self.rows, self.start, self.shift, self.before = rows, start, shift, before

    def gather(self, positions: Sequence[int]) -> torch.Tensor:
        """[n, V] for n positions; raises IndexError for a position that this call did not predict."""
        index = [pos - self.start - self.shift for pos in positions]
        rows = self.rows
        if any(i == -1 for i in index) and self.shift and self.before is not None:
            rows, index = torch.cat([self.before[None], rows]), [i + 1 for i in index]
        for pos, i in zip(positions, index, strict=True):
            if not 0 <= i < len(rows):
                raise IndexError(
                    f"position {pos} is not predicted by a call over {self.start}..{self.start + len(self.rows)}"
                )
        return rows[torch.tensor(index, dtype=torch.long, device=rows.device)]

    def at(self, pos: int) -> torch.Tensor:
        """[V]: the distribution of the token at `pos`."""
        return self.gather([pos])[0]

    def after(self, pos: int) -> torch.Tensor:
        """[V]: the distribution of the token that follows `pos`."""
        return self.at(pos + 1)


class Cache:
    """Keys and values per layer, each [1, heads, n, dim], of the n leftmost positions. Exact, if nothing in it will
    change. A cache made by `around` has a gap: a call that fills it names its positions (`pos`)."""

    def __init__(self, layers: Sequence[tuple[torch.Tensor, torch.Tensor]] = (), last: torch.Tensor | None = None):
        self.layers, self.last = list(layers), last

    def __len__(self) -> int:
        return self.layers[0][0].shape[2] if self.layers else 0

    def crop(self, n: int) -> None:
        """Forgets all but the first n positions."""
        if n < len(self):
            self.layers = [(k[:, :, :n], v[:, :, :n]) for k, v in self.layers] if n else []
            self.last = None

    def around(self, start: int, stop: int, last: torch.Tensor | None) -> "Cache":
        """All but the positions start..stop, which the next call feeds anew; `last` is the row before them. The order
        of keys is nothing to attention: a key knows its position."""
        both = [[torch.cat([x[:, :, :start], x[:, :, stop:]], 2) for x in layer] for layer in self.layers]
        return Cache([(k, v) for k, v in both], last)


class Model(Protocol):
    """What a method may ask of a model."""

    spec: ModelSpec
    proxy: NGram | None
    """A 3-gram of the model's training text, where one lies next to its weights: a cheap left-to-right judge."""

    @property
    def device(self) -> torch.device:
        """Where the weights are, and so where every tensor of a run has to be."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The arithmetic of the weights."""
        ...

    def encode(self, prompt: str) -> list[int]:
        """Token ids of the prompt inside the model's chat template; the prompt's own text never becomes a special
        token."""
        ...

    def text(self, token: int) -> str:
        """The piece of text of one id; bytes that are not UTF-8 on their own as `<0xE2>`."""
        ...

    def forward(
        self,
        ids: Sequence[int],
        *,
        role: str,
        pos: Sequence[int] | None = None,
        see: torch.Tensor | None = None,
        cache: Cache | None = None,
        keep: int = 0,
    ) -> tuple[Logits, Forward]:
        """One sequence: ids [L] after the cached positions, or at `pos`; see [L, len(cache) + L]; the first `keep`
        tokens join the cache."""
        ...

    def many(
        self,
        rows: Sequence[Sequence[int]],
        *,
        role: str,
        pos: Sequence[int] | None = None,
        see: torch.Tensor | None = None,
        cache: Cache | None = None,
        keep: int = 0,
    ) -> tuple[list[Logits], Forward]:
        """Several sequences of equal length on the same cache, in one call; the cache is left as it was, or joined by
        the first `keep` tokens, in which all rows agree."""
        ...
