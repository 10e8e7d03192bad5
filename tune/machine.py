"""The machine at hand, measured: bandwidth by a triad, peak by a matrix product, and forward calls of the bundled
models at a designed set of shapes, to which launch costs and the reach of real kernels are fitted.

`python -m bench cost --fit` does it and keeps what came out in assets/cards/this-cpu.json."""

from __future__ import annotations

import datetime
import itertools
import math
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
import transformers

from decoders.models import catalogue
from decoders.models.base import Cache, ModelSpec
from decoders.models.hf import HFModel
from tune.calls import Call
from tune.cards import BUNDLED, dims
from tune.roofline import Card, Dims, moment, packed, work

# Shapes of the design: rows, lengths and cached positions, as far as a call stays below MOST fed tokens and fits in
# what its model was trained for; EACH of them for a model, drawn once.
ROWS, LENGTHS, CACHED, MOST, EACH = (1, 2, 5, 9, 17, 28), (1, 4, 8, 16, 24, 40, 64, 96), (0, 32, 64, 160, 320), 900, 44
# A text of the bundled models has at least this many tokens where all of it is fed.
TEXT = 40
# Powers of the mean that joins the two times of a roofline; 0 stands for infinite, which JSON does not know.
BLENDS = (1.0, 1.5, 2.0, 3.0, 5.0, 0.0)
# A random model with weights that no cache holds: it tells memory's share from the launches', which grow alike with the
# layers of the bundled ones.
WIDE = Dims("wide", layers=4, hidden=1024, inner=2816, heads=16, kv=16, dim=64, vocab=2000, tied=True, context=512)


class Timed(NamedTuple):
    """A shape and what it took: the median of its seconds in the model adapter."""

    call: Call
    seconds: float


def bandwidth(megabytes: float = 400.0, turns: int = 12) -> float:
    """Bytes/s of a = b + c on arrays of that size together, which no cache holds: two read, one written. The best of
    the turns, as it is a bound."""
    n = int(megabytes * 1e6 / 12)
    a, b, c = (np.ones(n, np.float32) for _ in range(3))
    best = math.inf
    for _ in range(turns):
        began = time.perf_counter()
        np.add(b, c, out=a)
        best = min(best, time.perf_counter() - began)
    return 12 * n / best


def peak(width: int = 1024, turns: int = 12) -> float:
    """FLOP/s of a float32 product of two square matrices by torch, as its threads are set; the best of the turns."""
    a, b = torch.rand(width, width), torch.rand(width, width)
    best = math.inf
    for _ in range(turns):
        began = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - began)
    return 2 * width**3 / best


def wide() -> Any:
    """The random model of `WIDE` as the adapter's."""
    config = transformers.LlamaConfig(
        vocab_size=WIDE.vocab,
        hidden_size=WIDE.hidden,
        intermediate_size=WIDE.inner,
        num_hidden_layers=WIDE.layers,
        num_attention_heads=WIDE.heads,
        num_key_value_heads=WIDE.kv,
        max_position_embeddings=WIDE.context,
        tie_word_embeddings=WIDE.tied,
        attn_implementation="sdpa",  # pyright: ignore[reportCallIssue]
    )
    torch.manual_seed(0)
    net = transformers.LlamaForCausalLM(config)
    spec = ModelSpec("wide", WIDE.vocab, mask=0, eos=(1,), rows="next", attention="causal", context=WIDE.context)
    return HFModel(net, None, spec)


def design(model: str, full: bool, context: int, seed: int = 0) -> list[Call]:
    """The shapes that are measured of a model. Where it is `full`, nothing is cached and the text fed whole."""
    out = [
        Call(model, rows, length, cached, 1)
        for rows, length, cached in itertools.product(ROWS, LENGTHS, CACHED)
        if rows * length <= MOST and length + cached <= context and not (full and (cached or length < TEXT))
    ]
    return random.Random(f"{model} {seed}").sample(out, min(EACH, len(out)))


def forwards(models: Mapping[str, Any], calls: Sequence[Call], turns: int = 7) -> list[Timed]:
    """The median seconds of each shape. All shapes are gone through once a turn, in a new order, so that a slow moment
    of the machine hits no shape more than others; the first turn warms up. Each call is made twice and the second one
    counts: in a run, too, the one before was of the same model, and left what it could in the processor's caches."""
    draw = random.Random(0)
    ids = {name: [draw.randrange(5, m.spec.vocab_size) for _ in range(1024)] for name, m in models.items()}
    caches: dict[tuple[str, int], Any] = {}
    took: dict[Call, list[float]] = {call: [] for call in calls}
    for turn in range(turns + 1):
        for call in draw.sample(list(calls), len(calls)):
            model, text = models[call.model], ids[call.model]
            key = call.model, call.cached
            if key not in caches:
                cache = caches[key] = Cache()
                if call.cached:
                    model.forward(text[: call.cached], role="prefill", cache=cache, keep=call.cached)
            rows = [text[i : i + call.length] for i in range(call.batch)]
            cache = caches[key] if model.spec.attention != "full" else None
            model.many(rows, role="verify", cache=cache)
            _, forward = model.many(rows, role="verify", cache=cache)
            if turn:
                took[call].append(forward.seconds)
        print(f"\rturn {turn} of {turns}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [Timed(call, statistics.median(seconds)) for call, seconds in took.items()]


def predicted(call: Call, dims: Dims, card: Card) -> float:
    """MODELLED seconds of one call as it was measured, packed where the adapter packs it."""
    rows, length = (1, call.batch * call.length) if packed(call, call.cached) else (call.batch, call.length)
    return moment(dims, work(dims, rows, length, call.cached, card.size), card).seconds


def errors(timed: Iterable[Timed], sizes: Mapping[str, Dims], card: Card) -> list[float]:
    """ln(modelled / measured) of each shape."""
    return [math.log(predicted(t.call, sizes[t.call.model], card) / t.seconds) for t in timed]


def fit(timed: Sequence[Timed], sizes: Mapping[str, Dims], card: Card) -> dict[str, Any]:
    """The four numbers that make `card` agree best with what was measured, in squares of ln(modelled / measured): a
    call's and a layer's launch in seconds and the shares of bandwidth and peak; `error` is the median of
    |modelled / measured - 1| and `others` the same for the other blends. Of the blends the best is taken whose shares
    are below 1: a kernel that beats what the machine can do is a fit that puts one time into the other's place."""
    found = []
    for blend in BLENDS:
        start = [math.log(x) for x in (3e-4, 2e-4, 0.3, 0.8)]
        logs, squares = _least(lambda x, b=blend: errors(timed, sizes, _as(card, x, b)), start)
        call, layer, memory, compute = (math.exp(x) for x in logs)
        off = [abs(math.exp(e) - 1) for e in errors(timed, sizes, _as(card, logs, blend))]
        rounded = {
            "call": float(f"{call:.3g}"),
            "layer": float(f"{layer:.3g}"),
            "memory": round(memory, 3),
            "compute": round(compute, 3),
        }
        found.append((max(memory, compute) > 1, squares, {"blend": blend, **rounded, "error": round(_median(off), 4)}))
    best = min(found, key=lambda f: f[:2])[2]
    return best | {"others": [f[2] for f in found if f[2] is not best]}


def _as(card: Card, logs: Sequence[float], blend: float) -> Card:
    call, layer, memory, compute = (math.exp(x) for x in logs)
    return replace(card, call=call, layer=layer, reach=(memory, compute), blend=blend or math.inf)


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))


def _least(off: Callable[[Sequence[float]], Sequence[float]], start: Sequence[float]) -> tuple[list[float], float]:
    """(x, its sum of squares) with the least squares of `off(x)`, by Levenberg and Marquardt."""
    x, damp, step = np.array(start, dtype=float), 1e-2, 1e-5
    now = np.array(off(start))
    for _ in range(60):
        slope = np.stack([(np.array(off((x + step * e).tolist())) - now) / step for e in np.eye(len(x))], 1)
        square = slope.T @ slope
        # A number that nothing depends on would run away: no step is longer than a factor of e.
        far = np.linalg.solve(square + damp * np.diag(np.diag(square) + 1e-9), slope.T @ now)
        further = x - np.clip(far, -1, 1)
        then = np.array(off(further.tolist()))
        if then @ then < now @ now:
            done = now @ now - then @ then < 1e-9
            x, now, damp = further, then, damp / 3
            if done:
                break
        else:
            damp *= 4
    return x.tolist(), float(now @ now)


def processor() -> str:
    """The processor's name, and how many threads are used of how many."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {torch.get_num_threads()} of {os.cpu_count()} threads"


def measure(turns: int = 4) -> dict[str, Any]:
    """All of it, as it is kept: takes some minutes."""
    models = {name: catalogue.load(name) for name in BUNDLED} | {WIDE.name: wide()}
    calls = [c for name, m in models.items() for c in design(name, m.spec.attention == "full", m.spec.context)]
    bounds = {"bandwidth": float(f"{bandwidth():.4g}"), "peak": float(f"{peak():.4g}")}
    found = {
        "date": datetime.date.today().isoformat(),
        "hardware": processor(),
        "memory": psutil.virtual_memory().total,
        **bounds,
    }
    timed = forwards(models, calls, turns)
    bare = Card("this-cpu", "", bounds["bandwidth"], bounds["peak"], found["memory"], "float32", "")
    found["fit"] = fit(timed, sizes(), bare)
    found["forwards"] = [[*t.call[:4], float(f"{t.seconds:.4g}")] for t in timed]
    return found


def sizes() -> dict[str, Dims]:
    """Of all models that are measured."""
    return {name: dims(name) for name in BUNDLED} | {WIDE.name: WIDE}
