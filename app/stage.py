"""How a trace reaches the page: one `gr.HTML` that hosts the framework-free player of assets/.

Traces travel once, as text, into a JavaScript closure: never as a nested prop (seconds per tick, measured) and never
through a template (`{{value}}` holding `${...}` is executed in the visitor's browser). While a run goes on, each
message carries only the events since the last one; a player that missed some asks for the whole run."""

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import words
from decoders.trace import Event, Trace, event_json
from viz import assets
from viz.assets import ASSETS, PLOTLY, STYLES
from viz.base import View
from viz.exports import FORMATS

SCRIPTS = (*assets.SCRIPTS, ASSETS / "page.js")
STATIC = [*SCRIPTS, *STYLES, PLOTLY]

TEMPLATE = '<div class="unmasked"></div>'


def player(views: tuple[View, ...], value: str, *asked: Callable, **kw) -> gr.HTML:
    """The component; `value` is the newest message, a JSON string made by `message`, `load` or `news`. `asked` are what
    the player asks by their names: `trace`, `figure`, `figures`, `runs`, `masks`, `file`, `tune`, `cards`, `qr`.

    A factory and not a subclass, because Gradio writes a .pyi file beside the source of each component class.
    """
    known = facts(views)
    return gr.HTML(
        value=value,
        html_template=TEMPLATE,
        js_on_load=(ASSETS / "mount.js").read_text(),
        # Gradio loads these one after the other and mounts the player when the last one is there.
        head="".join(f'<script src="/gradio_api/file={path}"></script>' for path in SCRIPTS),
        apply_default_css=False,
        server_functions=[_plain(method) for method in asked],
        views=json.dumps(known["views"]),
        formats=json.dumps(known["formats"]),
        words=json.dumps(known["words"], ensure_ascii=False),
        plotly=known["plotly"],
        **kw,
    )


def facts(views: tuple[View, ...]) -> dict[str, Any]:
    """What the player is told once: lenses, formats of files, the page's sentences, where Plotly's script is."""
    return {
        "views": [view.listed() for view in views if view.medium != "player"],
        "formats": [[name, format.title] for name, format in FORMATS.items()],
        "words": words.table(),
        "plotly": f"/gradio_api/file={PLOTLY}",
    }


def _plain(method: Callable) -> Callable:
    """Gradio marks server functions with an attribute, which bound methods refuse."""

    def call(ask: dict):
        return method(ask)

    call.__name__ = method.__name__
    return call


def load(run: str) -> str:
    """Tells the player to fetch the whole run."""
    return json.dumps({"run": run, "load": True})


def news(what: str, id: object, **more: object) -> str:
    """How the race or the sweep (`what`) goes that the page calls `id`; see `app.race` and `app.sweeps`."""
    return json.dumps({what: {"id": id, **more}}, ensure_ascii=False)


def message(
    run: str,
    seq: int,
    events: list[Event],
    vocab: dict[int, str],
    *,
    begin: Trace | None = None,
    end: Trace | None = None,
) -> str:
    """The events from number `seq` on, with the texts of token ids not sent before; the header at the start and at
    the end."""
    body: dict = {
        "run": run,
        "seq": seq,
        "events": [event_json(e) for e in events],
        "vocab": {str(k): v for k, v in vocab.items()},
    }
    if begin is not None:
        body["begin"] = begin.header()
    if end is not None:
        body["end"] = end.header()
    return json.dumps(body, ensure_ascii=False, allow_nan=False)
