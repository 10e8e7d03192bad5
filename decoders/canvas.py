"""The sequence being decoded: the prompt, then positions to fill.

`write` is the only way to change it, and the call that changes it returns the event that says so, so the record
cannot drift from the state. Blocks are the semi-autoregressive blocks of LLaDA and SDAR: counted from the end of the
prompt for models that see the whole canvas, and from position 0 for block-causal models, whose attention mask is cut
there. The canvas of a causal model holds no masks: it starts as the prompt alone and grows to the right."""

from collections.abc import Iterable, Sequence

from decoders.sampling import Guess
from decoders.trace import Commit, Edit


class Canvas:
    """Token ids `ids` [P + G]: P prompt tokens, G positions that start as `mask`; with `grows`, P tokens that become
    up to `limit` = P + G by writing at the end.

    `top` is how many tokens a method should record per position it looked at (0 records none; see `Recording.level`).
    """

    def __init__(
        self,
        prompt: Sequence[int],
        max_new: int,
        *,
        block: int,
        mask: int,
        eos: Iterable[int],
        origin: int,
        early_stop: bool = True,
        top: int = 5,
        grows: bool = False,
    ):
        self.ids = [*prompt, *([] if grows else [mask] * max_new)]
        self.grows, self.limit = grows, len(prompt) + max_new
        self.prompt_len, self.block_len, self.mask = len(prompt), block, mask
        self.eos, self.origin, self.early_stop, self.top = frozenset(eos), origin, early_stop, top

    def block_of(self, pos: int) -> int:
        return (pos - self.origin) // self.block_len

    def block_end(self, pos: int) -> int:
        """One past the last position of the block that holds `pos`."""
        return min(len(self.ids), self.origin + (self.block_of(pos) + 1) * self.block_len)

    @property
    def block(self) -> int:
        """The leftmost block with a mask in it, or of a growing canvas the block of its next position."""
        if self.grows:
            return self.block_of(min(len(self.ids), self.limit - 1))
        return (
            self.block_of(self.ids.index(self.mask, self.prompt_len))
            if not self.filled
            else self.block_of(len(self.ids) - 1)
        )

    @property
    def filled(self) -> bool:
        if self.grows:
            return len(self.ids) == self.limit
        return self.mask not in self.ids[self.prompt_len :]

    def open(self, at_least: int = 1, ids: Sequence[int] | None = None) -> list[int]:
        """Masked positions of the leftmost unfinished block, and of the blocks after it until there are `at_least`;
        on a growing canvas the next `at_least` positions."""
        ids = self.ids if ids is None else ids
        if self.grows:
            return list(range(len(ids), min(len(ids) + at_least, self.limit)))
        found: list[int] = []
        for pos in range(self.prompt_len, len(ids)):
            if ids[pos] != self.mask:
                continue
            if len(found) >= at_least and self.block_of(pos) != self.block_of(found[-1]):
                break
            found.append(pos)
        return found

    def sub_block(self, size: int = 0) -> range:
        """The positions of the leftmost sub-block with a mask in it: `size` positions (0 is the whole block), counted
        from the start of the block."""
        first, size = self.open()[0], size or self.block_len
        start = first - (first - self.origin) % self.block_len % size
        return range(start, min(start + size, self.block_end(first)))

    @property
    def ended(self) -> bool:
        """Whether the text has an end with no mask before it, even inside a block."""
        text = self.ids[self.prompt_len :]
        end = next((i for i, token in enumerate(text) if token in self.eos), None)
        return end is not None and self.mask not in text[:end]

    def ends(self, ids: Sequence[int]) -> str | None:
        """Why decoding of the state `ids` is over: "length" (no mask left), "eos" (its block is full and holds an
        end-of-sequence; only with `early_stop`), or None. A pure function, so that a speculated state can be asked
        too. A growing canvas is a block of one position after the other: it ends right after the end-of-sequence."""
        if self.grows:
            if self.early_stop and not self.eos.isdisjoint(ids[self.prompt_len :]):
                return "eos"
            return "length" if len(ids) >= self.limit else None
        first = next((pos for pos in range(self.prompt_len, len(ids)) if ids[pos] == self.mask), None)
        done = len(ids) if first is None else max(self.prompt_len, self.origin + self.block_of(first) * self.block_len)
        if self.early_stop and not self.eos.isdisjoint(ids[self.prompt_len : done]):
            return "eos"
        return "length" if first is None else None

    @property
    def finished(self) -> str | None:
        return self.ends(self.ids)

    def write(self, guesses: Iterable[Guess], why: str) -> Commit:
        """Fills in the guesses, each at its own position; returns what changed, in the order given. On a growing
        canvas the position after the last one is written by appending (before: -1, nothing)."""
        edits = []
        for guess in guesses:
            if self.grows and guess.pos == len(self.ids) < self.limit:
                self.ids.append(-1)
            edits.append(Edit(guess.pos, self.ids[guess.pos], guess.token, why, round(guess.p, 6)))
            self.ids[guess.pos] = guess.token
        return Commit(tuple(edits))
