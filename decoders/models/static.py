"""A network's calls at a few fixed shapes, so that each is compiled, or recorded as a CUDA graph, once and used again.

A call of some rows, tokens and cached keys is padded up to one of the sizes of `size`. Padded keys are hidden by the
mask; padded queries and rows see something (a softmax over nothing is no number) and what comes out of them is thrown
away. So the logits are those of the call as it was, up to the order of sums."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.functional import pad
from transformers import PreTrainedModel
from transformers.cache_utils import Cache as Layered
from transformers.cache_utils import DynamicLayer

from decoders.errors import Incompatible, ModelUnavailable

Layer = tuple[torch.Tensor, torch.Tensor]
Called = tuple[torch.Tensor, list[Layer]]

KINDS = ("auto", "graphs", "inductor", "padded")
# A shape holds its logits for as long as it is remembered; decoding one text takes 5 to 20 shapes.
MOST = 64
RECOMPILES = 1024


class Read(DynamicLayer):
    """The cached keys and values of one layer [1, heads, n, dim], or none. A call reads them and leaves them as they
    were: `fresh` are those of the tokens that it fed."""

    def __init__(self, past: Layer | None = None):
        super().__init__()
        self.past, self.is_initialized = past, True
        self.fresh: Any = None

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Layer:
        self.fresh = key_states, value_states
        if self.past is None:
            return key_states, value_states
        keys, values = (old.expand(len(key_states), -1, -1, -1) for old in self.past)
        return torch.cat([keys, key_states], 2), torch.cat([values, value_states], 2)

    def get_seq_length(self) -> int:
        return 0 if self.past is None else self.past[0].shape[2]


def call(
    net: PreTrainedModel,
    name: str,
    ids: torch.Tensor,
    where: torch.Tensor,
    see: torch.Tensor,
    past: Sequence[Layer] | None,
) -> Called:
    """Logits [n, L, V] of ids [n, L] at the positions `where` [n, L] under the mask `see` [L, C + L], and the keys and
    values [n, heads, L, dim] of each layer. `past` is what is cached, [] while nothing is, None where nothing will be;
    `name` is the argument that the network takes it by."""
    layers: list[Any] = [Read(layer) for layer in past or ()]
    if past is not None and not layers:
        layers = [Read() for _ in range(net.config.num_hidden_layers)]
    named = {name: Layered(layers=layers)} if layers else {}
    out = net(input_ids=ids, attention_mask=see[None, None], position_ids=where, use_cache=bool(layers), **named)
    return out.logits, [layer.fresh for layer in layers]


def size(n: int, parts: int = 4) -> int:
    """The smallest size that `n` fits in, of 1, 2, .. and from there on `parts` to each doubling (8, 10, 12, 14, 16,
    20, ...), so that less than 1/parts is padding."""
    step = max(1, (1 << (n - 1).bit_length()) // 2 // parts)
    return -(-n // step) * step


class Shape(NamedTuple):
    """Rows, tokens a row and cached keys of a padded call; `keeps` if it gives keys and values back."""

    rows: int
    length: int
    cached: int
    keeps: bool

    @classmethod
    def of(cls, rows: int, length: int, cached: int, keeps: bool) -> "Shape":
        """The shape that a call is padded to. Padded keys cost little, so there are fewer sizes of them."""
        return cls(size(rows), size(length), size(cached, 2) if cached else 0, keeps)


def padded(
    ids: torch.Tensor, where: torch.Tensor, see: torch.Tensor, shape: Shape
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arguments of `call` in a shape: the keys of the cache end at `shape.cached` whatever it holds, and a padded
    query sees itself alone."""
    n, length = ids.shape
    cached = see.shape[1] - length
    more = (0, shape.length - length, 0, shape.rows - n)
    wide = see.new_zeros(shape.length, shape.cached + shape.length)
    wide[:length, :cached] = see[:, :cached]
    wide[:length, shape.cached : shape.cached + length] = see[:, cached:]
    wide[length:, shape.cached + length :].fill_diagonal_(True)
    return pad(ids, more), pad(where, more), wide


def record(run: Callable[[], Called], device: torch.device, pool: Any) -> Callable[[], Called]:
    """A CUDA graph of `run`, which reads and writes the same memory each time; its result is that of the last replay of
    any graph of the pool."""
    with torch.cuda.device(device):
        # Libraries set themselves up in a first call, which cannot be recorded.
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            run()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads (the page has some) may use the card meanwhile.
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            out = run()

    def again() -> Called:
        graph.replay()
        return out

    return again


class Static:
    """A network's calls at fixed shapes. `kind`: "graphs" records the network's own kernels, so that nothing but the
    padding differs from an ordinary call (CUDA only); "inductor" has torch.compile fuse them, and records the result
    where there are CUDA graphs; "padded" has the shapes and nothing else; "auto" is "graphs" on CUDA and "inductor"
    elsewhere. Safe to share between threads; made under `torch.inference_mode`, as it is used."""

    def __init__(self, net: PreTrainedModel, name: str, kind: str):
        self.device = net.device
        self.kind = self.named(kind, self.device)
        where = set(map(str, getattr(net, "hf_device_map", {}).values()))
        if len(where) > 1:
            raise Incompatible(f"A model spread over {', '.join(sorted(where))} cannot be compiled: use one device.")
        self.pool = torch.cuda.graph_pool_handle() if self.device.type == "cuda" else None
        self._lock = threading.RLock()
        self._calls: OrderedDict[Shape, tuple[Sequence[torch.Tensor], Callable[[], Called]]] = OrderedDict()
        self._past: dict[int, list[Layer]] = {}
        self._source: dict[int, weakref.ref] = {}
        self.made = 0
        self._call = lambda *args: call(net, name, *args)
        if self.kind == "inductor":
            # Without this, fused operations in bfloat16 would keep digits that the network's own kernels round away.
            exact: dict[str, Any] = {"emulate_precision_casts": True}
            self._call = torch.compile(self._call, dynamic=False, backend="inductor", options=exact)

    @staticmethod
    def named(kind: str, device: torch.device) -> str:
        """What a kind is on a device; raises `Incompatible` where it is not to be had."""
        cuda = device.type == "cuda"
        if kind not in KINDS:
            raise Incompatible(f"compile = {kind!r}: must be one of {', '.join(KINDS)}.")
        if kind == "graphs" and not cuda:
            raise Incompatible(f"compile = 'graphs': needs a CUDA device, the model is on {device}; use inductor.")
        return ("graphs" if cuda else "inductor") if kind == "auto" else kind

    def prepare(self, shape: Shape, layers: Sequence[Layer]) -> None:
        """Compiles or records a shape that is new: seconds, which no call's clock should hold. Raises
        `ModelUnavailable` where that fails."""
        with self._lock:
            if shape in self._calls:
                self._calls.move_to_end(shape)
                return
            self.made += 1
            inputs = [
                torch.zeros(shape.rows, shape.length, dtype=torch.long, device=self.device),
                torch.zeros(shape.rows, shape.length, dtype=torch.long, device=self.device),
                torch.ones(shape.length, shape.cached + shape.length, dtype=torch.bool, device=self.device),
            ]
            past = self._room(shape.cached, layers) if shape.keeps else None

            def run() -> Called:
                return self._call(*inputs, past)

            try:
                with torch._dynamo.config.patch(recompile_limit=RECOMPILES, accumulated_recompile_limit=RECOMPILES):
                    run()
                again = record(run, self.device, self.pool) if self.pool is not None else run
            except RuntimeError as error:
                reason = str(error).strip().split("\n")[0]
                raise ModelUnavailable(f"A call of {shape} cannot be compiled ({reason}): run without it.") from error
            self._calls[shape] = inputs, again
            if len(self._calls) > MOST:
                self._calls.popitem(last=False)

    def __call__(
        self,
        ids: torch.Tensor,
        where: torch.Tensor,
        see: torch.Tensor,
        layers: Sequence[Layer] | None,
        keep: int,
        shape: Shape,
    ) -> Called:
        """As `call`, with the keys and values of the first row's first `keep` tokens only. Nothing of what it returns
        changes later."""
        n, length = ids.shape
        with self._lock:
            self.prepare(shape, layers or [])
            inputs, again = self._calls[shape]
            for to, new in zip(inputs, padded(ids, where, see, shape), strict=True):
                to.copy_(new)
            if layers:
                self._fill(shape.cached, layers)
            logits, fresh = again()
            kept = [(k[:1, :, :keep].clone(), v[:1, :, :keep].clone()) for k, v in fresh] if keep else []
            return logits[:n, :length].clone(), kept

    def _room(self, cached: int, layers: Sequence[Layer]) -> list[Layer]:
        """Where the cached keys and values of calls of that size are put: the same memory for all of them."""
        if cached and cached not in self._past:
            self._past[cached] = [
                (k.new_zeros(1, k.shape[1], cached, k.shape[3]), v.new_zeros(1, v.shape[1], cached, v.shape[3]))
                for k, v in layers
            ]
        return self._past[cached] if cached else []

    def _fill(self, cached: int, layers: Sequence[Layer]) -> None:
        # A draft and the verification after it read the same cache, whose tensors are replaced, never written to.
        first, source = layers[0][0], self._source.get(cached)
        if source is not None and source() is first:
            return
        n = first.shape[2]
        room = [x[:, :, :n] for layer in self._past[cached] for x in layer]
        # One launch instead of two a layer.
        torch._foreach_copy_(room, [x for layer in layers for x in layer])  # type: ignore[reportPrivateImportUsage]
        self._source[cached] = weakref.ref(first)
