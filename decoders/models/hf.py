"""Any native transformers decoder as a `Model`: Llama for LLaDA, Qwen2 for Dream, Qwen3 for SDAR, and causal models.

The three attention rules differ only in the mask that is built here. Facts about masks, positions and caches in
transformers 5.x are in docs/decisions.md; each was measured before it was relied on."""

import inspect
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from decoders import masks
from decoders.models import static
from decoders.models.base import Cache, Logits, ModelSpec
from decoders.ngram import NGram
from decoders.trace import Forward

LAYOUTS = ("auto", "batch", "packed")
# Copies of the cache are what packing saves, keys of other rows what it wastes. Measured on two CPU cores
# (`python -m bench layout`): packed is up to 2.9 times as fast above both limits, slower or equal below.
PACK_FROM, PACK_SHARE = 128, 0.8
_SLOT = "\ue000prompt\ue000"


class HFModel:
    """`net` is a loaded `*ForCausalLM` with sdpa attention, in eval mode; `tokenizer` may be None for models fed with
    ids. `layout` is how `many` feeds its rows: `batch` beside each other, each with a copy of the cached keys, or
    `packed` one behind the other in one row whose mask keeps them apart, with the cached keys there once; `auto` takes
    what was measured to be faster. The logits are the same up to rounding. `template` are options of the chat
    template; a tokenizer without one, of a model that is no chat model, gets the prompt as it is. `compiled` is one of
    `static.KINDS`, or empty for ordinary calls; see there."""

    def __init__(
        self,
        net: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase | None,
        spec: ModelSpec,
        proxy: NGram | None = None,
        layout: str = "auto",
        template: Mapping[str, Any] | None = None,
        compiled: str = "",
    ):
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r}: must be one of {', '.join(LAYOUTS)}.")
        if net.config._attn_implementation != "sdpa":
            # eager attention adds a boolean mask as +1 instead of applying it, without a word.
            raise ValueError(f"attention {net.config._attn_implementation!r} misreads boolean masks: load with sdpa.")
        self.net, self.tokenizer, self.spec, self.proxy = net.eval(), tokenizer, spec, proxy
        self.layout, self.template = layout, dict(template or {})
        self._pieces: dict[int, str] = {}
        self._lead: tuple[list[int], str] | None = None
        # transformers 5.24 renamed the argument, and warns about the old name.
        self._cache = "cache" if "cache" in inspect.signature(net.forward).parameters else "past_key_values"
        self.static = static.Static(net, self._cache, compiled) if compiled else None
        self._compiled: dict[str, HFModel] = {}

    def compiled(self, kind: str) -> "HFModel":
        """The same weights with compiled calls (`static.KINDS`): one model for each kind, so that what was compiled is
        there the next time. Raises `Incompatible` where that kind is not to be had."""
        if kind not in self._compiled:
            parts = (self.net, self.tokenizer, self.spec, self.proxy, self.layout, self.template)
            self._compiled[kind] = HFModel(*parts, kind)
        return self._compiled[kind]

    @property
    def device(self) -> torch.device:
        # Apple's GPU has no float64, in which probabilities are compared: there, logits come to the processor.
        return torch.device("cpu") if self.net.device.type == "mps" else self.net.device

    @property
    def dtype(self) -> torch.dtype:
        return self.net.dtype

    # ------------------------------------------------------------ text
    def encode(self, prompt: str) -> list[int]:
        assert self.tokenizer is not None, "a model without tokenizer is fed with ids"
        frame = _SLOT
        if self.tokenizer.chat_template:
            said = [{"role": "user", "content": _SLOT}]
            frame = str(
                self.tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False, **self.template)
            )
        left, right = frame.split(_SLOT)
        ids: list[int] = []
        for text, literal in ((left, False), (prompt, True), (right, False)):
            # Literal text is split even where it spells a special token: a visitor may type "<|mask|>".
            ids += (
                self.tokenizer(text, add_special_tokens=False, split_special_tokens=literal)["input_ids"]
                if text
                else []
            )
        return ids

    def text(self, token: int) -> str:
        if token not in self._pieces:
            self._pieces[token] = self._piece(token)
        return self._pieces[token]

    def _piece(self, token: int) -> str:
        if self.tokenizer is None:
            return f"<{token}>"
        name = str(self.tokenizer.convert_ids_to_tokens(token))
        text = self._behind(token)
        if "\ufffd" not in text:
            return text
        if re.fullmatch(r"<0x[0-9A-F]{2}>", name):
            return name
        return "".join(f"<0x{_BYTE_OF[ch]:02X}>" if ch in _BYTE_OF else ch for ch in name)

    def _behind(self, token: int) -> str:
        """A token's text in the middle of a text: many decoders strip the blank of a first token."""
        if self._lead is None:
            ids = list(self.tokenizer("a", add_special_tokens=False)["input_ids"])  # pyright: ignore
            self._lead = ids, self._decoded(ids)
        ids, lead = self._lead
        text = self._decoded([*ids, token])
        return text.removeprefix(lead) if text.startswith(lead) else self._decoded([token])

    def _decoded(self, ids: list[int]) -> str:
        assert self.tokenizer is not None
        return str(self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    # ------------------------------------------------------------ forward
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
        rows, call = self._run([ids], role, pos, see, cache, keep)
        return rows[0], call

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
        return self._run(rows, role, pos, see, cache, keep)

    @torch.inference_mode()
    def _run(self, rows, role, pos, see, cache, keep) -> tuple[list[Logits], Forward]:
        device, start, length = self.net.device, len(cache) if cache is not None else 0, len(rows[0])
        own = see is None
        allowed = (self.own_mask(start, length) if own else see).to(device)
        positions = list(range(start, start + length) if pos is None else pos)
        n, packed = len(rows), self._packs(len(rows), length, start)
        ids = torch.tensor(rows, dtype=torch.long, device=device)
        where = torch.tensor(positions, dtype=torch.long, device=device).expand(n, -1)
        if packed:
            ids, where, allowed = ids.view(1, -1), where.reshape(1, -1), masks.packed(allowed, n)
        past, padding = cache.layers if cache is not None else None, 0
        if self.static is None:
            began = self._now()
            logits, fresh = static.call(self.net, self._cache, ids, where, allowed, past)
        else:
            shape = static.Shape.of(len(ids), ids.shape[1], start, past is not None)
            padding = shape.rows * shape.length - n * length
            self.static.prepare(shape, past or [])
            began = self._now()
            logits, fresh = self.static(ids, where, allowed, past, keep, shape)
        logits = logits.view(n, length, -1).to(self.device)
        seconds = self._since(began)
        before = cache.last if cache is not None else None
        first = positions[0]
        out = [Logits(row, first, self.spec.shift, before) for row in logits]
        if keep and cache is not None:
            held = cache.layers or [()] * len(fresh)
            # Copied, because a view would keep the drafts' keys alive as long as the cache lives.
            cache.layers = [
                (torch.cat([*old[:1], k[:1, :, :keep]], 2), torch.cat([*old[1:], v[:1, :, :keep]], 2))
                for old, (k, v) in zip(held, fresh, strict=True)
            ]
            cache.last = logits[0, keep - 1].clone()
        call = Forward(
            role,
            length,
            n,
            start,
            first,
            sees=() if own else masks.spans(see),
            model=self.spec.id,
            padded=padding,
            seconds=seconds,
        )
        return out, call

    def _packs(self, n: int, length: int, cached: int) -> bool:
        worth = cached >= PACK_FROM and cached >= PACK_SHARE * n * length
        return n > 1 and (self.layout == "packed" or self.layout == "auto" and worth)

    def own_mask(self, start: int, length: int) -> torch.Tensor:
        """[length, start + length]: who sees whom under `spec.attention`, for a call after `start` cached positions."""
        if self.spec.attention == "causal":
            return masks.causal(start, length, self.device)
        if self.spec.attention == "block":
            return masks.block_causal(start, length, self.spec.block, self.device)
        return masks.full(start, length, self.device)

    def _now(self) -> Any:
        """A moment on the clock of the model's device. A GPU notes it when it gets there: its calls return before they
        are done, and a clock of the processor would measure their launch."""
        if self.device.type != "cuda":
            return time.perf_counter()
        moment = torch.cuda.Event(enable_timing=True)
        moment.record(torch.cuda.current_stream(self.device))
        return moment

    def _since(self, began: Any) -> float:
        """Seconds since a moment, when the device has done what it was given."""
        now = self._now()
        if isinstance(now, float):
            return now - began
        now.synchronize()
        return began.elapsed_time(now) / 1000


def _byte_alphabet() -> dict[str, int]:
    """The printable stand-ins of byte-level BPE (GPT-2): character -> byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


_BYTE_OF = _byte_alphabet()
