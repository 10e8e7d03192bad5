"""Which layout of several rows is faster here: beside each other, or one behind the other in a single masked row?

`python -m bench layout --model tiny-sdar`: both layouts of `many` (`HFModel.layout`) on the same rows, in turn, for
some numbers of rows, lengths and cached positions; the median of the ratios batch time / packed time.  Above 1 packed
rows are faster.  The largest difference between the logits of both is printed, too.
"""

import argparse
import itertools
import statistics
import time

import torch

from decoders.errors import UsageError
from decoders.models import catalogue
from decoders.models.base import Cache
from decoders.models.hf import HFModel

ROWS, LENGTHS, CACHED = (2, 5, 9), (8, 32, 96), (0, 64, 256)


def compare(model: HFModel, n: int, length: int, cached: int, rounds: int) -> tuple[float, float]:
    """(median of batch time / packed time, largest difference of the logits) for `n` rows on `cached` positions."""
    draw = torch.Generator().manual_seed(n)
    ids = torch.randint(5, model.spec.vocab_size, (n + 1, max(length, cached)), generator=draw).tolist()
    cache = Cache()
    if cached:
        model.forward(ids[n][:cached], role="prefill", cache=cache, keep=cached)
    rows = [row[:length] for row in ids[:n]]
    ratios, apart = [], 0.0
    for turn in range(rounds + 1):
        took, out = {}, {}
        for model.layout in ("batch", "packed"):
            began = time.perf_counter()
            out[model.layout], _ = model.many(rows, role="verify", cache=cache)
            took[model.layout] = time.perf_counter() - began
        if turn:  # the first turn warms up
            ratios.append(took["batch"] / took["packed"])
        pairs = zip(out["batch"], out["packed"], strict=True)
        apart = max(apart, *(float((a.rows - b.rows).abs().max()) for a, b in pairs))
    return statistics.median(ratios), apart


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench layout", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", default="tiny-sdar")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args(argv)
    try:
        loaded = catalogue.load(args.model)
    except UsageError as error:
        parser.error(str(error))
    assert isinstance(loaded, HFModel)
    model = HFModel(loaded.net, loaded.tokenizer, loaded.spec)
    print(f"{'rows':>5}{'length':>8}{'cached':>8}{'batch/packed':>14}{'apart':>10}")
    for n, length, cached in itertools.product(ROWS, LENGTHS, CACHED):
        if cached and model.spec.attention == "full" or n * length + cached > 1200:
            continue
        ratio, apart = compare(model, n, length, cached, args.rounds)
        print(f"{n:>5}{length:>8}{cached:>8}{ratio:>14.2f}{apart:>10.1e}", flush=True)
    return 0
