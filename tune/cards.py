"""The cards that a run's time is MODELLED for, each with the source of its figures, and the models it can be asked of.

Bandwidth, peak and memory are the makers'. Peaks are dense ones (makers print twice as much, with 2:4 sparsity) of the
16-bit arithmetic, accumulated in 32 bits. The makers' own sheets could not be opened from where this was written
(no network); each figure was compared with at least one other published table that quotes it (2026-11-29), and what
did not agree is said at the card. What the cards have in common, `reach`, `blend`, `call` and `layer`, is fitted on
the machine at hand and carried over to them, which is an assumption: see docs/cost.md."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from decoders.errors import UnknownName, UsageError
from decoders.models.public import public
from tune.roofline import Card, Dims

ASSETS = Path(__file__).resolve().parents[1] / "assets"
HERE = ASSETS / "cards" / "this-cpu.json"
MODELS = ASSETS / "models"
GB, TERA = 1e9, 1e12
# Seconds between the beginnings of two kernels of a recorded graph that have nothing to do: an assumption, of the
# order that NVIDIA's posts on CUDA graphs show; not measured here.
KERNEL = 2e-6

LISTED: tuple[Card, ...] = (
    Card(
        "t4",
        "NVIDIA T4, 16 GB",
        # 256 bit x 10 Gbit/s; some sheets print 300. Without bfloat16: 16-bit figures are float16's.
        320 * GB,
        65 * TERA,
        16 * GB,
        "float16",
        "NVIDIA T4 Tensor Core GPU, product brief",
        "https://www.nvidia.com/en-us/data-center/tesla-t4/",
    ),
    Card(
        "l4",
        "NVIDIA L4, 24 GB",
        300 * GB,
        # 242 with sparsity; 125 by clock and cores in some tables.
        121 * TERA,
        24 * GB,
        "bfloat16",
        "NVIDIA L4 Tensor Core GPU datasheet",
        "https://www.nvidia.com/en-us/data-center/l4/",
    ),
    Card(
        "a100",
        "NVIDIA A100 SXM, 80 GB",
        2039 * GB,
        312 * TERA,
        80 * GB,
        "bfloat16",
        "NVIDIA A100 Tensor Core GPU datasheet",
        "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/"
        "nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf",
    ),
    Card(
        "h100",
        "NVIDIA H100 SXM, 80 GB",
        3350 * GB,
        # 1,979 with sparsity.
        989 * TERA,
        80 * GB,
        "bfloat16",
        "NVIDIA H100 Tensor Core GPU datasheet",
        "https://www.nvidia.com/en-us/data-center/h100/",
    ),
    Card(
        "h200",
        "NVIDIA H200 SXM, 141 GB",
        4800 * GB,
        989 * TERA,
        141 * GB,
        "bfloat16",
        "NVIDIA H200 Tensor Core GPU datasheet",
        "https://www.nvidia.com/en-us/data-center/h200/",
    ),
    Card(
        "rtx4090",
        "GeForce RTX 4090, 24 GB",
        1008 * GB,
        # With 32-bit sums; 330 with 16-bit ones.
        165.2 * TERA,
        24 * GB,
        "bfloat16",
        "NVIDIA Ada GPU architecture whitepaper, appendix A",
        "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf",
    ),
)


@cache
def machine(path: Path = HERE) -> dict[str, Any]:
    """What `python -m bench cost --fit` measured and fitted on the machine at hand: see `tune.machine`."""
    return json.loads(path.read_text(encoding="utf-8"))


def this_cpu(found: Mapping[str, Any] | None = None) -> Card:
    """The machine that was measured, as a card."""
    found = found or machine()
    fit = found["fit"]
    return Card(
        "this-cpu",
        f"This machine ({found['hardware']})",
        found["bandwidth"],
        found["peak"],
        found["memory"],
        "float32",
        f"measured {found['date']}, python -m bench cost --fit",
        reach=(fit["memory"], fit["compute"]),
        blend=fit["blend"] or math.inf,
        call=fit["call"],
        layer=fit["layer"],
    )


def cards() -> tuple[Card, ...]:
    """The measured machine and the listed cards. Their kernels are assumed to get the shares of bandwidth and peak that
    they get on the machine at hand, and its processor to launch them."""
    here = this_cpu()
    return here, *(
        replace(
            card,
            reach=here.reach,
            blend=here.blend,
            call=here.call,
            layer=here.layer,
            kernel=KERNEL,
            ahead=True,
        )
        for card in LISTED
    )


def card(name: str) -> Card:
    """By its id, in any case."""
    known = cards()
    for one in known:
        if one.id == name.lower():
            return one
    raise UnknownName("card", name, [one.id for one in known])


# Bundled models by what their attention is, and public ones that a run can be asked as.
BUNDLED = {"tiny-llada": "full", "tiny-sdar": "block", "nano-sdar": "block", "tiny-ar": "causal"}


@cache
def dims(name: str) -> Dims:
    """The sizes of a bundled or public model; raises `UsageError` for any other."""
    if name in BUNDLED:
        path = MODELS / name / "config.json"
        if not path.is_file():
            raise UsageError(f"{name} lacks config.json in {name}/: train it with `python -m training.train {name}`.")
        return Dims.of(name, json.loads(path.read_text(encoding="utf-8")), BUNDLED[name])
    known = public(name)
    return Dims.of(known.id, known.config, known.facts.get("attention") or known.family.attention)
