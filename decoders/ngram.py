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
        return self.logps([context], tokens)[0]

    def logps(self, contexts: Sequence[Sequence[int]], tokens: Sequence[int]) -> np.ndarray:
        """[contexts, tokens]: `logp` for several contexts of one length, or each of two tokens or more, in one pass."""
        tails = [list(context[-2:]) for context in contexts]
        grams = np.asarray([[*tail, token] for tail in tails for token in tokens], dtype=np.int64)
        return np.log(self._p(grams.reshape(-1, len(tails[0]) + 1))).reshape(len(tails), len(tokens))

    def _p(self, grams: np.ndarray) -> np.ndarray:
        """P(last token | the others) of n-grams [N, n], n up to 3."""
        p, spread = np.full(len(grams), 1 / self.vocab), self.k * self.vocab
        for n in range(grams.shape[1]):
            part = grams[:, grams.shape[1] - 1 - n :]
            key = self._key(part)
            at, end = (np.searchsorted(self.keys[n], k) for k in (key, key + 1))
            p = (self._sums[n][end] - self._sums[n][at] + spread * p) / (self._behind(part[:, :-1]) + spread)
        return p

    def _key(self, grams: np.ndarray) -> np.ndarray:
        return grams @ self.vocab ** np.arange(grams.shape[1] - 1, -1, -1, dtype=np.int64)

    def _behind(self, contexts: np.ndarray) -> np.ndarray:
        """How often anything was counted behind each context [N, n]."""
        n, key = contexts.shape[1], self._key(contexts) * self.vocab
        at, end = (np.searchsorted(self.keys[n], k) for k in (key, key + self.vocab))
        return self._sums[n][end] - self._sums[n][at]

    def backoff(
        self, context: Sequence[int], slots: Sequence[Sequence[int]]
    ) -> tuple[tuple[tuple[int, ...], float, float], ...]:
        """The part of this model that scores every path with a token of each of `slots` after `context`, in the
        back-off form of ARPA files: (tokens, ln P of the last one after the others, ln of the weight behind them).

        P(w | a b) is that of the row a b w, or where there is none the weight of a b (1 without a row) times P(w | b),
        found likewise. All candidates have a row of one token. Five decimals."""
        columns = [*[[token] for token in context[-2:]], *slots]
        spread, rows = self.k * self.vocab, []
        for n in (1, 2, 3):
            found = {gram for i in range(n, len(columns) + 1) for gram in self._seen(columns[i - n : i])}
            grams = np.asarray(sorted(found), dtype=np.int64).reshape(len(found), n)
            logp = np.log(self._p(grams))
            weight = np.log(spread / (self._behind(grams) + spread)) if n < 3 else np.zeros(len(grams))
            values = logp.round(5).tolist(), weight.round(5).tolist()
            rows += list(zip(map(tuple, grams.tolist()), *values, strict=True))
        return tuple(rows)

    def _seen(self, columns: Sequence[Sequence[int]]) -> set[tuple[int, ...]]:
        """Which n-grams with a token of each column were counted, or have others counted behind them; of one token all
        of them."""
        n = len(columns)
        grams = np.stack(np.meshgrid(*[np.asarray(c, np.int64) for c in columns], indexing="ij"), -1).reshape(-1, n)
        key = self._key(grams)
        at, end = (np.searchsorted(self.keys[n - 1], k) for k in (key, key + 1))
        hit = (end > at) | (n == 1)
        if n < 3:
            hit |= self._behind(grams) > 0
        return set(map(tuple, grams[hit].tolist()))

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
