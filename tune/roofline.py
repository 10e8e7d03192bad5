"""What a forward call asks of a machine, and the time a roofline gives it: bytes, FLOPs and launches of a `Call`.

Nothing here is measured: every second that comes out is MODELLED and has to be shown as such. The formula, its
assumptions and how far it is off on the one machine where it can be checked are in docs/cost.md. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from decoders.errors import UsageError
from tune.calls import Call

# Numbers that a layer's kernels read or write for each token, as multiples of the widths of what they work on: the
# ends of every matrix product, two norms, two sums, the rotation of queries and keys, the gate's product.
STREAM, INNER, HEADS = 16, 7, 6
# Kernels of a layer as transformers launches them one by one: 7 matrix products, 2 norms of 6, the rotation's 12, the
# gate's 2, 2 sums, attention, the cache's 2. Counted in its modelling files; a fused layer has fewer.
KERNELS = 38
# What decoders.models.hf does with several rows on many cached keys: one behind the other in a single masked row.
PACK_FROM, PACK_SHARE = 128, 0.8
BOUNDS: tuple[str, ...] = ("memory", "compute", "launch")


@dataclass(frozen=True)
class Dims:
    """The sizes of a decoder: `inner` is the width of a dense layer's feed-forward part, `kv` the number of key-value
    heads of `dim` each. Of a mixture `experts` are there in a layer, `active` of them for a token, each `expert` wide,
    and `shared` ones for every token; its first `dense` layers have none. `attention` is the model's own rule (full,
    block or causal), `context` how many positions it was trained for."""

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv: int
    dim: int
    vocab: int
    tied: bool = False
    attention: str = "causal"
    context: int = 0
    experts: int = 0
    active: int = 0
    expert: int = 0
    shared: int = 0
    dense: int = 0

    @classmethod
    def of(cls, name: str, config: Mapping[str, Any], attention: str = "causal", context: int = 0) -> Dims:
        """From the contents of a config.json, whoever's names it has; raises `UsageError` where a size is missing."""

        def size(*names: str, default: int | None = None) -> int:
            for key in names:
                if config.get(key) is not None:
                    return int(config[key])
            if default is None:
                raise UsageError(f"{name}: config.json has no {names[0]}, which its cost depends on; add it.")
            return default

        hidden, heads = size("hidden_size", "d_model"), size("num_attention_heads", "n_heads")
        experts = size("num_experts", "n_routed_experts", default=0)
        inner = size("intermediate_size", "mlp_hidden_size", default=int(config.get("mlp_ratio", 4) * hidden))
        return cls(
            name,
            size("num_hidden_layers", "n_layers"),
            hidden,
            inner,
            heads,
            size("num_key_value_heads", "n_kv_heads", default=heads),
            size("head_dim", default=hidden // heads),
            size("embedding_size", "vocab_size"),
            bool(config.get("tie_word_embeddings", config.get("weight_tying", False))),
            attention,
            context or size("max_position_embeddings", "max_sequence_length", default=0),
            experts,
            size("num_experts_per_tok", default=0) if experts else 0,
            size("moe_intermediate_size", "expert_intermediate_size", default=inner) if experts else 0,
            size("num_shared_experts", "n_shared_experts", default=0) if experts else 0,
            size("first_k_dense_replace", default=0) if experts else 0,
        )

    @property
    def attending(self) -> int:
        """Weights of a layer's four attention matrices."""
        return self.hidden * self.dim * 2 * (self.heads + self.kv)

    @property
    def routed(self) -> int:
        """How many layers are mixtures."""
        return self.layers - self.dense if self.experts else 0

    def feeding(self, experts: float) -> float:
        """Weights of a mixture's layer, the router included, when that many of its experts are read."""
        return 3 * self.hidden * self.expert * (experts + self.shared) + self.hidden * self.experts

    @property
    def parameters(self) -> int:
        """Weights in all, tied ones once; norms and biases, less than a thousandth, are left out."""
        fed = (self.layers - self.routed) * 3 * self.hidden * self.inner + self.routed * self.feeding(self.experts)
        return int(self.layers * self.attending + fed + self.vocab * self.hidden * (1 if self.tied else 2))

    @property
    def keys(self) -> int:
        """Numbers that a token's keys and values take in all layers."""
        return self.layers * 2 * self.kv * self.dim

    def touched(self, tokens: int) -> float:
        """How many experts of a layer `tokens` tokens read, if each token's are drawn evenly and on their own."""
        return self.experts * (1 - (1 - self.active / self.experts) ** tokens) if self.experts else 0.0


class Work(NamedTuple):
    """What a call asks for: floating-point operations, and bytes read or written, apart for weights, keys and values,
    and activations (logits among them); `tokens` are the fed positions of all rows."""

    flops: float
    weights: float
    kv: float
    activations: float
    tokens: int

    @property
    def bytes(self) -> float:
        return self.weights + self.kv + self.activations


def work(dims: Dims, rows: int, length: int, cached: int, size: int) -> Work:
    """Of `rows` rows of `length` fed tokens on `cached` ones each, in numbers of `size` bytes. Weights are read once
    a call, of a mixture those of the experts that somebody asks for; each row reads its own keys and values and writes
    the new ones; each kernel reads what it works on and writes what comes out; every fed token gets its logits."""
    d, tokens, keys = dims, rows * length, cached + length
    dense = d.layers * d.attending + (d.layers - d.routed) * 3 * d.hidden * d.inner
    head, fed = d.vocab * d.hidden, d.expert * (d.active + d.shared) if d.routed else d.inner
    through = dense + d.routed * d.feeding(d.active)
    flops = 2 * tokens * (through + head) + d.layers * 4 * tokens * keys * d.heads * d.dim
    read = dense + d.routed * d.feeding(d.touched(tokens)) + head + tokens * d.hidden
    kv = d.keys * rows * (keys + length)
    a_layer = STREAM * d.hidden + INNER * fed + HEADS * (d.heads + 2 * d.kv) * d.dim
    return Work(flops, size * read, size * kv, size * tokens * (d.layers * a_layer + d.vocab), tokens)


@dataclass(frozen=True)
class Card:
    """A machine: `bandwidth` in bytes/s and `peak` in FLOP/s of its `dtype` as `source` gives them, `memory` in bytes.
    `reach` are the shares of bandwidth and peak that real kernels get, `blend` is the power of the mean that joins the
    two times (infinite: the larger one alone). A call costs its host `call` seconds and `layer` more for each layer;
    a card works `ahead` of its host, a processor is its own. `kernel` are the seconds a kernel takes at least, and
    the only ones that are left of `layer` where calls are compiled into a graph; 0 where there are no graphs."""

    id: str
    title: str
    bandwidth: float
    peak: float
    memory: float
    dtype: str
    source: str
    url: str = ""
    reach: tuple[float, float] = (1.0, 1.0)
    blend: float = math.inf
    call: float = 0.0
    layer: float = 0.0
    kernel: float = 0.0
    ahead: bool = False

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return 4 if self.dtype == "float32" else 2


class Modelled(NamedTuple):
    """MODELLED, never measured. `seconds` of a run's calls; `bound` is what most of them go to (memory, compute or
    launch) and `shares` how the seconds fall to the three; `needs` bytes for weights, keys and values, and `fits` in
    the card's memory or not; `compiled` if graphs were counted on."""

    seconds: float
    bound: str
    shares: dict[str, float]
    flops: float
    bytes: float
    needs: float
    fits: bool
    compiled: bool


class Moment(NamedTuple):
    """Seconds of one call, and what binds it."""

    seconds: float
    bound: str


def moment(dims: Dims, asked: Work, card: Card, compiled: bool = False) -> Moment:
    """MODELLED seconds of one call: the roofline joined with what launching it costs."""
    memory = asked.bytes / (card.bandwidth * card.reach[0])
    compute = asked.flops / (card.peak * card.reach[1])
    longer = max(memory, compute)
    # Scaled by the larger one, so that no power overflows or vanishes.
    joined = longer if math.isinf(card.blend) else longer * _mean(memory / longer, compute / longer, card.blend)
    gaps = card.kernel * KERNELS * dims.layers
    host = card.call + (0.0 if compiled and card.kernel else card.layer * dims.layers)
    # A card works while its host launches what comes next; a processor does one after the other.
    seconds = max(host, joined + gaps) if card.ahead else host + joined + gaps
    launch = max(host, gaps) if card.ahead else host + gaps
    return Moment(seconds, "launch" if launch > joined else "memory" if memory >= compute else "compute")


def _mean(a: float, b: float, power: float) -> float:
    return (a**power + b**power) ** (1 / power)


def packed(call: Call, cached: int) -> bool:
    """Whether its rows are laid one behind the other: see `PACK_FROM`."""
    return call.batch > 1 and cached >= PACK_FROM and cached >= PACK_SHARE * call.batch * call.length


def shapes(profile: Sequence[Call], dims: Mapping[str, Dims], batch: int = 1, context: int = 0):
    """(model, rows, length, cached, calls) of each call when `batch` such texts are decoded in step and `context` more
    tokens lie before each. Where nothing is cached they are fed with every call; a model with a cache reads them with
    its first call, as its prompt, and has them cached from then on."""
    begun: set[str] = set()
    for call in profile:
        if call.model not in dims:
            raise UsageError(f"{call.model}: the sizes of this model are not known here; name one that is (as-if).")
        of = dims[call.model]
        first = call.model not in begun and of.attention != "full"
        begun.add(call.model)
        for n, fed in ((1, True), (call.n - 1, False)) if first else ((call.n, of.attention == "full"),):
            if not n:
                continue
            reads = fed and not (of.attention == "full" and call.cached)
            length = call.length + context * reads
            cached = call.cached + context * (not reads)
            if packed(call, cached):
                yield call.model, batch, call.batch * length, cached, n
            else:
                yield call.model, batch * call.batch, length, cached, n


def modelled(
    profile: Sequence[Call],
    dims: Mapping[str, Dims],
    card: Card,
    batch: int = 1,
    context: int = 0,
    compiled: bool = False,
) -> Modelled:
    """What the calls of a run (`tune.calls.profile`) would take on a card: MODELLED. `dims` are the sizes of its models
    by the names that the calls have; another model's under such a name asks what the same calls would cost there.
    `batch` texts are decoded in step, `context` more tokens lie before each. Raises `UsageError` for a model whose
    sizes are not in `dims`."""
    seconds = flops = moved = 0.0
    shares, kept = dict.fromkeys(BOUNDS, 0.0), dict.fromkeys([call.model for call in profile], 0)
    for name, rows, length, cached, n in shapes(profile, dims, batch, context):
        asked = work(dims[name], rows, length, cached, card.size)
        took = moment(dims[name], asked, card, compiled)
        seconds, flops, moved = seconds + n * took.seconds, flops + n * asked.flops, moved + n * asked.bytes
        shares[took.bound] += n * took.seconds
        kept[name] = max(kept[name], batch * cached + rows * length)
    needs = sum(card.size * (dims[name].parameters + dims[name].keys * tokens) for name, tokens in kept.items())
    bound = max(BOUNDS, key=lambda name: shares[name])
    parts = {name: share / seconds if seconds else 0.0 for name, share in shares.items()}
    return Modelled(seconds, bound, parts, flops, moved, needs, needs <= card.memory, compiled and card.kernel > 0)


def ratio(run: Sequence[Call], plain: Sequence[Call], dims: Mapping[str, Dims], card: Card, **where: Any) -> float:
    """MODELLED time of a run over that of plain decoding: above 1 it is slower. `where` is `batch`, `context` and
    `compiled` of `modelled`."""
    return modelled(run, dims, card, **where).seconds / modelled(plain, dims, card, **where).seconds


MOST = {"batch": 1024, "context": 32_768}


def crossover(
    run: Sequence[Call], plain: Sequence[Call], dims: Mapping[str, Dims], card: Card, along: str, **where: Any
) -> int | None:
    """The smallest `batch` (1 to 1024) or `context` (0 to 32768) at which a run is MODELLED to be slower than plain
    decoding; None where there is none. Looked for on a scale of doublings and, below the first one that is slower, by
    halves: a stretch that is slower and lies between two doublings is not seen."""

    def slower(at: int) -> bool:
        return ratio(run, plain, dims, card, **{**where, along: at}) > 1

    low = None
    for high in scale(along):
        if not slower(high):
            low = high
            continue
        while low is not None and high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if slower(middle) else (middle, high)
        return high
    return None


def scale(along: str) -> list[int]:
    """The doublings that `crossover` and the charts look at: 1, 2, 4, ... 1024 texts; 0, 64, 128, ... 32768 tokens."""
    first = 1 if along == "batch" else 64
    steps = [first << i for i in range((MOST[along] // first).bit_length())]
    return steps if along == "batch" else [0, *steps]
