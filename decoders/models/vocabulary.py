"""Whether two models mean the same by a token id, told from their tokenizers before weights are loaded.

A drafter made from a causal model often has a few tokens more than its target (a mask, say), or another number of
unused rows at the end of its embedding. What it may draft then are the ids that mean the same in both."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import transformers

from decoders.errors import Incompatible
from decoders.models.base import Logits, Model, ModelSpec
from decoders.trace import Forward


def common(
    draft: transformers.PreTrainedTokenizerBase, target: transformers.PreTrainedTokenizerBase, names: str
) -> int:
    """The number n of ids 0..n-1 that are the same token in both; those behind are added ones of either. Raises
    `Incompatible` where the vocabularies themselves differ; `names` says whose."""
    left, right = ({id: token for token, id in t.get_vocab().items()} for t in (draft, target))
    both = sorted(left.keys() & right.keys())
    n = next((id for id in both if left[id] != right[id]), None)
    added = {id for t in (draft, target) for id in t.added_tokens_decoder}
    if n is not None and n not in added:
        raise Incompatible(
            f"{names} have different vocabularies: token {n} is {left[n]!r} in one and {right[n]!r} in the other; pick "
            "models of one family."
        )
    # Where one knows an id that the other does not, and from there on.
    missing = next((id for id in sorted(left.keys() | right.keys()) if (id in left) != (id in right)), None)
    ends = [end for end in (n, missing) if end is not None]
    return min(ends, default=max(both, default=-1) + 1)


class Aligned:
    """A drafter in its target's vocabulary: it gives no chance to an id that is not the same token in both, and its
    logits have as many columns as the target's."""

    def __init__(self, model: Model, n: int, width: int):
        self.model, self.n, self.width = model, n, width
        self.spec: ModelSpec = model.spec
        self.proxy, self.encode, self.text = model.proxy, model.encode, model.text

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    def forward(self, ids: Sequence[int], **how) -> tuple[Logits, Forward]:
        """As `Model.forward`; rows [len(ids), width], -inf from column n on."""
        rows, call = self.model.forward(ids, **how)
        return self._narrow(rows), call

    def many(self, rows: Sequence[Sequence[int]], **how) -> tuple[list[Logits], Forward]:
        """As `Model.many`; rows as those of `forward`."""
        seen, call = self.model.many(rows, **how)
        return [self._narrow(row) for row in seen], call

    def _narrow(self, seen: Logits) -> Logits:
        before = None if seen.before is None else self._columns(seen.before[None])[0]
        return Logits(self._columns(seen.rows), seen.start, seen.shift, before)

    def _columns(self, rows: torch.Tensor) -> torch.Tensor:
        out = rows.new_full((len(rows), self.width), float("-inf"))
        out[:, : self.n] = rows[:, : self.n]
        return out
