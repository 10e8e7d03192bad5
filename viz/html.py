"""A run as one HTML file that opens from disk without a network: the player, its lenses, the trace and every figure.

Nothing of the run is written as text. Trace and figures stand in the file as base64 of their gzipped JSON, so no token
can end a script or begin a tag; the player shows them by `textContent`, as everywhere.

This is no method of `Trace`: `decoders` must load without plotly, and knows nothing of views.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Iterable

from decoders.trace import Trace
from viz import theme
from viz.assets import ASSETS, PLOTLY, SCRIPTS, STYLES
from viz.base import View
from viz.registry import views as all_views

# Nothing may be loaded from anywhere; Plotly compiles some of its code, hence unsafe-eval.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:"
)


def to_html(trace: Trace, *, dark: bool | None = None, views: Iterable[View] | None = None) -> str:
    """The report on `trace` as the text of one file, with every view that fits it (of `views`, by default all) at the
    end of every round.

    It opens in the reader's own theme, or in the dark (`dark=True`) or light one, and can be switched. About 2.2 MB, of
    which 1.96 are plotly.js; every figure is drawn in both themes, which takes about half a second for a round.
    """
    shown = [v for v in (all_views() if views is None else views) if v.medium != "player"]
    head = [f"<style>{path.read_text(encoding='utf-8')}</style>" for path in (*STYLES, ASSETS / "report.css")]
    run = json.dumps(_content(trace, shown), allow_nan=False)
    packs = {"um-run": run.encode(), "um-plotly": PLOTLY.read_bytes()}
    body = [f'<script type="text/plain" id="{id}">{_pack(data)}</script>' for id, data in packs.items()]
    body += [f"<script>{path.read_text(encoding='utf-8')}</script>" for path in (*SCRIPTS, ASSETS / "report.js")]
    chosen = {None: "", True: ' class="dark"', False: ' class="light"'}[dark]
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"{chosen}>',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(theme.visible(trace.title))} · Unmasked</title>",
            *head,
            "</head><body>",
            "<noscript>This report is drawn by its own scripts: allow JavaScript for this file.</noscript>",
            '<div class="unmasked"></div>',
            *body,
            "</body></html>",
            "",
        ]
    )


def _content(trace: Trace, shown: list[View]) -> dict:
    """What report.js unpacks. `stops` are cursors; `figures[view][theme][i]` answers for `stops[i]`, and a view drawn
    by a script has one theme, "any"."""
    stops = sorted({0, *(view.stop for view in trace.rounds), len(trace.events)})
    figures = {}
    for view in shown:
        themes = {"any": False} if view.medium == "script" else {"light": False, "dark": True}
        figures[view.id] = {
            name: [view.answer(trace, at, dark) for at in (stops if view.fits(trace) else ())]
            for name, dark in themes.items()
        }
    return {
        "trace": json.loads(trace.to_json()),
        "views": [view.listed() for view in shown],
        "stops": stops,
        "figures": figures,
        "templates": {"light": theme.template_json(False), "dark": theme.template_json(True)},
    }


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
