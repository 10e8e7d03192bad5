"""What a model has to be fed so that the open positions can be predicted: everything, or what its exact cache lacks."""

import functools
from collections.abc import Generator, Sequence
from typing import Any

import torch

from decoders import masks
from decoders.canvas import Canvas
from decoders.models.base import Cache, Logits, Model
from decoders.sampling import Guess, Seen, look
from decoders.trace import Forward


class Context:
    """A model looking at a canvas. Block-causal models keep finished blocks in a KV cache, which is exact because no
    later position is visible to them; models that see the whole canvas are fed the whole canvas, because any fill
    changes every hidden state. Causal models keep every token they were fed, drafts included; what turned out
    otherwise is cropped before the next call. `cached=False` feeds everything always, to a block-causal model up to the
    block that is looked at: guidance needs it, because its second row must not find the prompt in the cache.
    `encode="causal"` keeps finished blocks as an autoregressive model would have read them. With `fold` they are
    encoded by the next call that looks at the canvas instead of a call of their own: `due` positions at the left of
    what it feeds, which see what they would have seen alone. `ones` asks a block-causal model in blocks of one
    position, as if it were causal: the next token is read off one mask that is fed behind the text and never kept.

    `stale` is for models that see the whole canvas, and approximate (Fast-dLLM, arXiv:2505.22618): the call that enters
    a block feeds everything and keeps all keys as they are then, the refresh; later calls in the block feed its
    positions ("dual", and the blocks that hold `ahead` positions behind it) or those from its start on ("prefix"), and
    find the others as they were, although every fill has changed them. A row before what is fed is of that age too."""

    def __init__(
        self,
        model: Model,
        canvas: Canvas,
        *,
        cached: bool = True,
        encode: str = "block",
        fold: bool = False,
        ones: bool = False,
        stale: str = "none",
        ahead: int = 0,
    ):
        assert stale == "none" or model.spec.attention == "full", "other models keep keys that do not change"
        self.model, self.canvas, self.encode, self.fold = model, canvas, encode, fold
        self.due = 0
        self.stale, self.ahead = stale, ahead
        self.span: tuple[int, int] | None = None
        self.kept: Cache | None = None
        self.causal = model.spec.attention == "causal" or ones
        self.block = 1 if ones else canvas.block_len
        # A model that predicts a position from the row before it, as causal ones do, needs no mask there.
        self.behind = [model.spec.mask] if ones and not model.spec.shift else []
        self.cache = Cache() if cached and model.spec.attention in ("block", "causal") else None
        self.held: list[int] = []

    @property
    def start(self) -> int:
        """The first position that a call feeds: what lies left of it is in the cache."""
        return len(self.cache) if self.cache is not None else 0

    def settle(self, block: int | None = None, *, seam: bool = False) -> Generator[Forward, None, list[Guess]]:
        """Encodes blocks that will not change any more: those left of `block`, by default of the leftmost one with a
        mask. One call, only when there are such blocks. Causal models encode what is new together with what is asked,
        so there is no call of its own. With `seam` it returns what the call says about the first position after those
        blocks: one guess if it is masked and the model predicts a position from the row before, else none. With
        `stale` keys a new block is entered."""
        if self.stale != "none":
            first = self.canvas.origin + self.canvas.block * self.canvas.block_len
            end, size = self.canvas.block_end(first), len(self.canvas.ids)
            more = -(-self.ahead // self.canvas.block_len) * self.canvas.block_len
            self.enter(first, size if self.stale == "prefix" else min(size, end + more))
        if self.cache is None or self.causal:
            return []
        ids, canvas, have = self.canvas.ids, self.canvas, len(self.cache)
        final = (canvas.block if block is None else block) * canvas.block_len
        if final <= have:
            return []
        seam = seam and self.model.spec.shift > 0
        if self.fold and not seam:
            self.due = final - have
            return []
        see = self._see(have, final - have)
        if self.encode == "causal":
            see = masks.causal(have, final - have, self.model.device)
        role = "extend" if have else "prefill"
        rows, call = self.model.forward(ids[have:final], role=role, see=see, cache=self.cache, keep=final - have)
        if not seam or ids[final] != canvas.mask:
            yield call
            return []
        seen = look(call, [rows], [[final]], top=canvas.top, mask=canvas.mask)
        yield seen.call
        return seen.guesses[0]

    def enter(self, start: int, stop: int, *, again: bool = False) -> None:
        """From now on only start..stop is fed; the next call feeds everything once more if that is new, or `again`."""
        if again or self.span != (start, stop):
            self.kept = None
        self.span = start, stop

    @property
    def fresh(self) -> bool:
        """Whether the next call feeds everything and keeps its keys: such a call has one row."""
        return self.span is not None and self.kept is None

    @property
    def stop(self) -> int:
        """One past the last position that calls may be asked about until the next block is entered."""
        return self.span[1] if self.span is not None else len(self.canvas.ids)

    def look(
        self,
        states: Sequence[Sequence[int]],
        where: Sequence[Sequence[int]],
        role: str,
        *,
        cfg: float = 0.0,
        see: torch.Tensor | None = None,
        **how: Any,
    ) -> Seen:
        """One call over the hypotheses `states` (whole canvases), read at the positions `where[r]` of each; `how`
        goes to `sampling.look`, `see` replaces the mask. With `cfg` each state is paired with a copy whose prompt is
        masked and the logits become u + (cfg + 1)(c - u) (classifier-free guidance as in LLaDA's generate), in the same
        call."""
        assert not cfg or self.cache is None and self.span is None, "a cached prompt cannot be masked"
        if self.causal:
            self._crop(states, where)
        canvas, start, cache, pos = self.canvas, self.start, self.cache, None
        stop = (
            len(states[0])
            if self.causal or self.model.spec.attention != "block"
            else max(canvas.block_end(p) for positions in where for p in positions)
        )
        if self.span is not None and self.kept is not None:
            start, stop = self.span
            cache, pos = self.kept, range(start, stop)
        rows = [[*state[start:stop], *self.behind] for state in states]
        if cfg:
            blank = [canvas.mask] * canvas.prompt_len
            rows += [[*blank, *state[canvas.prompt_len :]][start:stop] for state in states]
        see = self._see(len(cache) if cache is not None else 0, len(rows[0])) if see is None else see
        if self.due:
            see = self.encoding(see, len(rows[0]))
        if self.span is not None and self.kept is None:
            assert len(rows) == 1, "the keys of several states cannot all be kept"
            whole = Cache(cache.layers, cache.last) if cache is not None else Cache()
            row, call = self.model.forward(rows[0], role=role, see=see, cache=whole, keep=len(rows[0]))
            # Of the rows, the one that predicts the first position of the span is not computed again.
            before = row.at(self.span[0]) if 0 < self.model.spec.shift <= self.span[0] else None
            self.kept, logits = whole.around(*self.span, before), [row]
        elif self.causal and self.cache is not None and len(rows) == 1:
            row, call = self.model.forward(rows[0], role=role, see=see, cache=self.cache, keep=stop - start)
            logits, self.held = [row], list(states[0])
        else:
            logits, call = self.model.many(rows, role=role, pos=pos, see=see, cache=cache, keep=self.due)
            self.due = 0
        if cfg:
            cond, free = logits[: len(states)], logits[len(states) :]
            logits = [
                Logits(u.rows + (cfg + 1) * (c.rows - u.rows), c.start, c.shift)
                for c, u in zip(cond, free, strict=True)
            ]
        return look(call, logits, where, top=canvas.top, mask=self.model.spec.mask, **how)

    def _crop(self, states: Sequence[Sequence[int]], where: Sequence[Sequence[int]]) -> None:
        """Forgets cached tokens that some state does not have, and those whose rows predict what is asked."""
        if self.cache is None:
            return
        first = min(pos for positions in where for pos in positions)
        n = min(len(self.held), first - self.model.spec.shift)
        while any(list(state[:n]) != self.held[:n] for state in states):
            n -= 1
        self.cache.crop(n)
        self.held = self.held[:n]

    def forget(self, start: int) -> None:
        """Drops what the cache holds from position `start` on."""
        if self.cache is not None:
            self.cache.crop(start)

    def encoding(self, see: torch.Tensor | None, length: int) -> torch.Tensor | None:
        """The mask `see` [L, start + L] of the next call, in which the `due` positions see what they would in a call of
        their own; None (the model's own rule) stays None where that is the same."""
        start, due, device = self.start, self.due, self.model.device
        if see is None and self.encode == "block":
            return None
        see = masks.block_causal(start, length, self.block, device) if see is None else see.clone()
        alone = masks.causal if self.encode == "causal" else functools.partial(masks.block_causal, block=self.block)
        see[:due] = False
        see[:due, : start + due] = alone(start, due, device=device)
        return see

    def _see(self, start: int, length: int) -> torch.Tensor | None:
        """None is the model's own rule; a block size other than the checkpoint's own needs its own mask."""
        if self.model.spec.attention != "block" or self.block == self.model.spec.block:
            return None
        return masks.block_causal(start, length, self.block, self.model.device)
