"""The first thing a visitor sees: a recorded run, drawn before Gradio has loaded.

Gradio takes seconds until it mounts a component, whatever we do (measured: `python -m bench page paint`). So the page
it serves already carries the player, one run and a frame that looks like the page to come; `assets/mount.js` then moves
the player, with all that its reader has done in it, into Gradio's component."""

import html
import json
import re

import gradio as gr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import stage, words
from viz.assets import ASSETS
from viz.base import View

SCRIPTS = (*stage.SCRIPTS, ASSETS / "early.js")
STYLES = (*stage.STYLES, ASSETS / "early.css")
STATIC = (ASSETS / "early.js", ASSETS / "early.css")
# Written as Gradio's own page is; without them it is served as it came.
HEAD, BODY = b"<head>", b"<gradio-app"


def page(run: str, trace: str, views: tuple[View, ...]) -> tuple[bytes, bytes]:
    """What goes into the head and in front of Gradio's element: the recorded run `run`, whose JSON is `trace`."""
    head = "".join(f'<link rel="stylesheet" href="/gradio_api/file={path}">' for path in STYLES)
    # Deferred: in this order, and before Gradio's own script, which stands further down.
    head += "".join(f'<script defer src="/gradio_api/file={path}"></script>' for path in SCRIPTS)
    data = f'{{"run":{json.dumps(run)},"trace":{trace},"host":{json.dumps(stage.facts(views))}}}'
    lead = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(f"{words.TAGLINE} {words.INTRO}"))
    body = (
        f'<div id="um-early" hidden><div><h1>{html.escape(words.TITLE)}</h1><p>{lead}</p>'
        f"<aside>{html.escape(words.COMING)}</aside><div>{stage.TEMPLATE}</div></div></div>"
        # No text can end the element that it stands in.
        f'<script type="application/json" id="um-run">{data.replace("<", chr(92) + "u003c")}</script>'
    )
    return head.encode(), body.encode()


class Early:
    """Puts what `page` made, found as `early` at the served `gr.Blocks`, into the page's HTML."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        blocks: gr.Blocks | None = scope["app"].get_blocks() if scope["type"] == "http" else None
        made: tuple[bytes, bytes] | None = getattr(blocks, "early", None)
        if made is None or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            # Whoever has to log in first sees Gradio's form.
            if start["status"] == 200 and b'"auth_required":true' not in body:
                body = body.replace(HEAD, HEAD + made[0], 1).replace(BODY, made[1] + BODY, 1)
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, collect)
