"""How much memory a model will take, told before anything is loaded.

Weights are counted on the meta device from the configuration, so they are exact; keys, values, logits and activations
follow from the largest call that is planned and are estimates: an allocator's own waste is not in them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache

import psutil
import torch

from decoders.models.families import Config, Family

GB = 1e9


@dataclass(frozen=True)
class Need:
    """Bytes: the weights, the keys and values of the whole text, and what the largest call holds for a moment (copies
    of keys and values for its rows, logits, activations)."""

    weights: int
    cache: int
    call: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.call


def need(family: Family, config: Config, dtype: torch.dtype, *, tokens: int = 1024, rows: int = 8) -> Need:
    """For a text of `tokens` and a largest call of that many rows; `config` is the contents of a config.json."""
    native = family.native(config)
    size = dtype.itemsize
    heads = native.num_key_value_heads
    dim = getattr(native, "head_dim", None) or native.hidden_size // native.num_attention_heads
    kept = 2 * native.num_hidden_layers * heads * dim * tokens * size
    # Logits are returned in the weights' type and softened in float64 a position at a time; a layer's widest
    # activations are its inner ones.
    wide = 2 * native.intermediate_size + 4 * native.hidden_size
    fed = rows * tokens * (native.vocab_size + wide) * size
    return Need(parameters(family, config) * size, kept, kept * (rows - 1) + fed)


def parameters(family: Family, config: Config) -> int:
    """The number of parameters, tied ones once."""
    return _parameters(family, json.dumps(dict(config), sort_keys=True))


@cache
def _parameters(family: Family, config: str) -> int:
    with torch.device("meta"):
        net = family.model(family.native(json.loads(config)))
    return sum(p.numel() for p in net.parameters())


def free(device: torch.device) -> int:
    """Bytes that are free on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return psutil.virtual_memory().available


def words(size: int) -> str:
    """Bytes as a person reads them: 16.1 GB, 0.9 GB, 20 MB."""
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{math.ceil(size / 1e6)} MB"
