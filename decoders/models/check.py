"""What a model can run and what it takes, on this machine or another, told without loading it."""

from __future__ import annotations

from dataclasses import dataclass

from decoders.methods.base import Method
from decoders.models import catalogue, checkpoint, measured, memory
from decoders.models.base import ModelSpec
from decoders.models.catalogue import Placement
from decoders.models.public import PAIRS, PUBLIC


@dataclass(frozen=True)
class Checked:
    """`needs` and `free` are bytes; `methods` are the roles it can take in each method, `refused` says why it has none
    in the others; `pairs` are the drafters or targets it is known to go with."""

    id: str
    hub_id: str
    revision: str
    family: str
    licence: str
    spec: ModelSpec
    parameters: int
    needs: memory.Need
    free: int
    here: bool
    methods: dict[str, tuple[str, ...]]
    refused: dict[str, str]
    pairs: tuple[str, ...]
    about: str

    @property
    def fits(self) -> bool:
        return self.needs.total <= self.free

    def json(self) -> dict:
        """The row of `python -m app models --json`."""
        return {
            "id": self.id,
            "hub_id": self.hub_id,
            "revision": self.revision,
            "family": self.family,
            "licence": self.licence,
            "attention": self.spec.attention,
            "rows": self.spec.rows,
            "mask": self.spec.mask,
            "eos": list(self.spec.eos),
            "block": self.spec.block,
            "context": self.spec.context,
            "vocab": self.spec.vocab_size,
            "parameters": self.parameters,
            "needs_gb": round(self.needs.total / memory.GB, 3),
            "weights_gb": round(self.needs.weights / memory.GB, 3),
            "free_gb": round(self.free / memory.GB, 3),
            "fits": self.fits,
            "here": self.here,
            "methods": list(self.methods),
            "roles": {name: list(roles) for name, roles in self.methods.items()},
            "refused": self.refused,
            "pairs": list(self.pairs),
            "about": self.about,
        }


def check(methods: tuple[Method, ...], placement: Placement, *, tokens: int = 512, rows: int = 8) -> list[Checked]:
    """Every model that is known by name: the bundled ones whose files are here, then the public ones. For a text of
    `tokens` and calls of up to that many rows."""
    free = memory.free(placement.where)
    found = []
    for entry in catalogue.CATALOGUE:
        if catalogue.missing(entry.id):
            continue
        files = checkpoint.read(catalogue.get(entry.id), entry.id)
        about = f"{entry.note} {measured.accuracy(entry.id)}".rstrip()
        found.append((entry.id, "", "", files.family, entry.licence, files.config, files.spec, True, about))
    for known in PUBLIC:
        here = catalogue.source(known.id).path is not None
        found.append(
            (known.id, known.hub, known.revision, known.family, known.licence, known.config, known.spec, here, "")
        )
    out = []
    for id, hub, revision, family, licence, config, spec, here, about in found:
        roles = {m.id: tuple(r for r, kinds in m.roles.items() if spec.attention in kinds) for m in methods}
        refused = {m.id: _reason(m, spec) for m in methods if not roles[m.id]}
        pairs = [p.draft if p.target == id else p.target for p in PAIRS if id in (p.draft, p.target)]
        need = memory.need(family, config, placement.number, tokens=min(tokens, spec.context), rows=rows)
        out.append(
            Checked(
                id,
                hub,
                revision,
                family.id,
                licence,
                spec,
                memory.parameters(family, config),
                need,
                free,
                here,
                {name: taken for name, taken in roles.items() if taken},
                refused,
                tuple(dict.fromkeys(pairs)),
                about,
            )  # fmt: skip
        )
    return out


def _reason(method: Method, spec: ModelSpec) -> str:
    kinds = sorted({kind for kinds in method.roles.values() for kind in kinds})
    return f"{method.id} needs {' or '.join(kinds)} attention; this model's is {spec.attention}."
