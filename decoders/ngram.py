"""A 3-gram over token ids: how likely is a token after the two before it, without calling a network?

DiffuSpec (arXiv:2510.02358, section on causal-consistency path search) scores drafts with a 3-gram fitted on training
text. The paper names KenLM and no unit; counting token ids needs no text, so candidates are compared as they are.
Our smoothing is add-k with k = 0.1, its k V pseudo counts going where the shorter context says instead of to all
tokens alike:

    P(w | a b) = (c(a b w) + k V P(w | b)) / (c(a b) + k V),   P(w | b) and P(w) likewise,   the last resort 1 / V

which is a distribution for every context, seen or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file


@dataclass(frozen=True, eq=False)
class NGram:
    """Counts of 1-, 2- and 3-grams of `vocab` tokens.

    `keys[n - 1]` holds the n-grams as numbers in base `vocab`, sorted, so that all continuations of a context stand
    side by side; `counts[n - 1]` how often each occurred."""

    vocab: int
    keys: tuple[np.ndarray, ...]
    counts: tuple[np.ndarray, ...]
    k: float = 0.1

    @classmethod
    def fit(
        cls, sequences: Iterable[Sequence[int]], *, vocab: int, k: float = 0.1, max_bytes: int = 1_450_000
    ) -> NGram:
        """Counts the sequences, none reaching into the next. The rarest 3-grams (and 2-grams, should they take more
        than half of it) are left out until the file is smaller than `max_bytes`."""
        documents = [np.asarray(s, dtype=np.int64) for s in sequences]
        tokens = np.concatenate([np.empty(0, np.int64), *documents])
        if len(tokens) == 0:
            raise ValueError("an n-gram needs text: the sequences hold no tokens.")
        if tokens.min() < 0 or tokens.max() >= vocab:
            raise ValueError(f"token ids must be between 0 and {vocab - 1}.")
        place = np.concatenate([np.empty(0, np.int64), *[np.arange(len(d)) for d in documents]])
        keys, counts = [], []
        grams = tokens
        room = (max_bytes - 1000) // (_width(vocab) + 4)
        for n in (1, 2, 3):
            if n > 1:
                grams = grams[:-1] * vocab + tokens[n - 1 :]
            key, count = np.unique(grams[place[n - 1 :] >= n - 1], return_counts=True)
            frequent = _frequent(count, room // 2 if n == 2 else room)
            keys.append(key[frequent])
            counts.append(count[frequent].astype(np.int64))
            room -= len(keys[-1])
        return cls(vocab, tuple(keys), tuple(counts), k)

    def logp(self, context: Sequence[int], tokens: Sequence[int]) -> np.ndarray:
        """Natural logarithms of P(token | the last two of `context`), one for each of `tokens`."""
        tail, words = list(context[-2:]), np.asarray(tokens, dtype=np.int64)
        p, spread = np.full(len(words), 1 / self.vocab), self.k * self.vocab
        for n in range(1 + len(tail)):
            base = 0
            for token in tail[len(tail) - n :]:
                base = (base + token) * self.vocab
            keys, sums = self.keys[n], self._sums[n]
            lo, hi = np.searchsorted(keys, (base, base + self.vocab))
            at = np.searchsorted(keys[lo:hi], base + words) + lo
            hit = (
                (at < hi) & (keys[np.minimum(at, len(keys) - 1)] == base + words) if hi > lo else np.zeros(len(p), bool)
            )
            count = np.where(hit, sums[np.minimum(at + 1, len(keys))] - sums[np.minimum(at, len(keys))], 0)
            p = (count + spread * p) / (sums[hi] - sums[lo] + spread)
        return np.log(p)

    @cached_property
    def _sums(self) -> tuple[np.ndarray, ...]:
        """Running sums of the counts, so that the count of a context is a difference."""
        return tuple(np.concatenate([[0], np.cumsum(c)]) for c in self.counts)

    def save(self, path: str | Path) -> Path:
        path, dtype = Path(path), np.uint32 if _width(self.vocab) == 4 else np.int64
        arrays = {f"keys{n}": key.astype(dtype) for n, key in enumerate(self.keys, 1)}
        arrays |= {f"counts{n}": count.astype(np.uint32) for n, count in enumerate(self.counts, 1)}
        save_file(arrays, path, metadata={"vocab": str(self.vocab), "k": repr(self.k)})
        return path

    @classmethod
    def load(cls, path: str | Path) -> NGram:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata()
            keys, counts = (
                tuple(file.get_tensor(f"{name}{n}").astype(np.int64) for n in (1, 2, 3)) for name in ("keys", "counts")
            )
        return cls(int(facts["vocab"]), keys, counts, float(facts["k"]))


def _width(vocab: int) -> int:
    """Bytes of a key in a file: up to 1625 tokens every 3-gram is a number of 32 bits."""
    return 4 if vocab**3 <= 2**32 else 8


def _frequent(count: np.ndarray, room: int) -> np.ndarray:
    """Which n-grams stay: all that occur at least c times, with the smallest c that leaves at most `room`."""
    c = 1 if len(count) <= room else int(np.sort(count)[::-1][room]) + 1
    return count >= c
