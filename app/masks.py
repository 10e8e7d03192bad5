"""Masks of other methods on one prompt: for each kind of mask a call of a finished run, for the mask lens to show."""

import json
from collections.abc import Mapping
from typing import Any

from app import words
from app.drawn import Drawn
from app.race import alike
from app.store import Entry, Store
from decoders.methods.base import Method
from viz.views.mask import Landmark, landmarks

# What a caption says of a run.
HEAD = "method title paper model models params seed hardware versions recorded provenance".split()


def masks(store: Store, methods: tuple[Method, ...], drawn: Drawn, ask: Mapping[str, Any]) -> dict:
    """{"masks": [{kind, run, at, call, closed, head}, ...]}: of each kind of mask that occurs in the finished runs of
    the prompt of the run `ask["run"]` one call, from a reference decoder where one has it, else the largest; `closed`
    counts its closed cells. `ask["seen"]` are ids that the page knows. {"error": sentence} if the run is gone."""
    here = store.get(ask.get("run"))
    if here is None:
        return {"error": words.GONE}
    best: dict[str, tuple[tuple, Entry, Landmark]] = {}
    for entry in alike(store, methods, here, ask.get("seen")):
        for kind, mark in _landmarks(entry, drawn).items():
            rank = entry.trace.guarantee == "reference", mark.size
            if kind not in best or rank > best[kind][0]:
                best[kind] = rank, entry, mark
    return {"masks": [_listed(kind, entry, mark) for kind, (_, entry, mark) in best.items()]}


def _landmarks(entry: Entry, drawn: Drawn) -> dict[str, Landmark]:
    """Read once for all viewers of a run."""
    text = drawn.get((entry.id, "landmarks"), lambda: json.dumps(landmarks(entry.trace)))
    return {
        kind: Landmark(at, call, tuple(size), closed) for kind, (at, call, size, closed) in json.loads(text).items()
    }


def _listed(kind: str, entry: Entry, mark: Landmark) -> dict:
    header = entry.trace.header()
    head = {name: header[name] for name in HEAD}
    return {"kind": kind, "run": entry.id, "at": mark.at, "call": mark.call, "closed": mark.closed, "head": head}
