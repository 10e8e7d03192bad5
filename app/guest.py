"""A model that is not in the catalogue, offered by whoever started the page or named by a visitor: what it is, told
before its weights are loaded or even fetched."""

from __future__ import annotations

from dataclasses import dataclass

from decoders.errors import ModelUnavailable
from decoders.methods.base import Method
from decoders.models import catalogue, memory
from decoders.models.base import ModelSpec
from decoders.models.catalogue import Placement
from decoders.models.families import Config, Family
from decoders.models.public import PUBLIC


@dataclass(frozen=True)
class Guest:
    """`name` is what the catalogue is asked for, `title` what a menu shows; `family` is a title of ours."""

    name: str
    title: str
    family: str
    attention: str
    block: int


@dataclass(frozen=True)
class Met:
    """A guest, and what it takes on this machine: `needs` and `free` are bytes, `here` says that its files are."""

    guest: Guest
    spec: ModelSpec
    needs: memory.Need
    free: int
    where: str
    here: bool

    @property
    def fits(self) -> bool:
        return self.needs.total <= self.free

    def roles(self, methods: tuple[Method, ...]) -> dict[str, list[str]]:
        """The titles of the methods it can run, by the role it has in them."""
        found: dict[str, list[str]] = {}
        for method in methods:
            for role, kinds in method.roles.items():
                if self.spec.attention in kinds:
                    found.setdefault("model" if role == next(iter(method.roles)) else role, []).append(method.title)
        return found


def meet(name: str, placement: Placement) -> Met:
    """Looks at a short name, hub id or folder. Of an unknown hub id only the small files are fetched. Raises
    `ExplorerError`."""
    name = name.strip()
    found = catalogue.source(name)
    # By what was asked for: a folder may have the name of a public model.
    known = next((p for p in PUBLIC if name in (p.id, p.hub)), None)
    family: Family
    config: Config
    if found.path is not None and (lacks := catalogue.missing(name)):
        raise ModelUnavailable(lacks)
    if found.path is None and known is not None:
        family, config, spec = known.family, known.config, known.spec
    else:
        files = catalogue.described(name)
        family, config, spec = files.family, files.config, files.spec
    guest = Guest(known.id if known else name, spec.id, family.title, spec.attention, spec.block)
    needs = memory.need(family, config, placement.number, tokens=min(512, spec.context))
    where = placement.where
    return Met(guest, spec, needs, memory.free(where), where.type, found.path is not None)


def described(met: Met, methods: tuple[Method, ...]) -> str:
    """What a visitor is told, as plain text of a line a matter."""
    spec, said = met.spec, memory.words
    sees = f"block attention in blocks of {spec.block}" if spec.attention == "block" else f"{spec.attention} attention"
    row = "its own row" if spec.shift == 0 else "the row before it"
    mask = f"mask {spec.mask}, " if spec.mask >= 0 else ""
    end = ", ".join(map(str, spec.eos))
    verdict = "it fits" if met.fits else "it does not fit, so the menus do not have it"
    lines = [
        f"{met.guest.title}: {met.guest.family}, {sees}; a position is predicted by {row}; {mask}end {end}; room for "
        f"{spec.context} tokens.",
        f"Needs about {said(met.needs.total)}, {said(met.needs.weights)} of them weights; {said(met.free)} are free on "
        f"{met.where}: {verdict}.",
    ]
    if met.fits and not met.here:
        lines.append("Its files are not here yet: the first run fetches them, which can take minutes.")
    for role, titles in met.roles(methods).items():
        lines.append(f"As the {'model' if role == 'model' else role + ' model'} of {', '.join(titles)}.")
    return "\n".join(lines)
