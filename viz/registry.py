"""The views, found by looking into `viz/views`: a new view is one new file.

A file that cannot be used stops the discovery. Skipping it would hide a broken view until somebody misses it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from types import ModuleType

import viz.views
from decoders.trace import KINDS
from viz.assets import LENSES
from viz.base import View


class BrokenView(Exception):
    """A file in the package of views that is not a view; the message names the file and what is wrong with it."""


@cache
def views(package: ModuleType = viz.views) -> tuple[View, ...]:
    """Every view of a package, sorted by `order`."""
    found: dict[str, View] = {}
    for module in pkgutil.iter_modules(package.__path__):
        view = _load(f"{package.__name__}.{module.name}", f"{package.__path__[0]}/{module.name}.py")
        if view.id in found:
            raise BrokenView(f"{package.__path__[0]}/{module.name}.py: another view has the id {view.id!r} already.")
        found[view.id] = view
    return tuple(sorted(found.values(), key=lambda view: (view.order, view.id)))


def view(id: str, package: ModuleType = viz.views) -> View:
    """The view with this id; a KeyError that lists the known ids otherwise."""
    for candidate in views(package):
        if candidate.id == id:
            return candidate
    raise KeyError(f"There is no view {id!r}; known: {', '.join(v.id for v in views(package))}.")


def _load(name: str, file: str) -> View:
    try:
        view = getattr(importlib.import_module(name), "VIEW", None)
    except Exception as error:
        raise BrokenView(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(view, View):
        raise BrokenView(f"{file} must define VIEW = View(...), see docs/adding-a-view.md.")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", view.id):
        raise BrokenView(f"{file}: the id {view.id!r} must be lower-case letters, digits, - and _.")
    if unknown := view.needs - KINDS.keys():
        raise BrokenView(f"{file} needs {', '.join(sorted(unknown))}: kinds of events are {', '.join(KINDS)}.")
    if view.medium not in ("plotly", "player", "script"):
        raise BrokenView(f'{file}: medium {view.medium!r} must be "plotly", "player" or "script".')
    if not callable(view.info) or not callable(view.plot) or not (view.data is None or callable(view.data)):
        raise BrokenView(f"{file}: info, plot and data must be functions.")
    if view.medium == "script" and view.data is None:
        raise BrokenView(f'{file}: medium "script" needs data, the function that gives the script what to draw.')
    if view.medium == "script" and not (LENSES / f"{view.id}.js").is_file():
        raise BrokenView(f'{file}: medium "script" needs the file assets/lenses/{view.id}.js.')
    return view
