"""The page as it is served carries a recorded run, so that it is seen before Gradio has loaded; no text of it acts."""

import asyncio
import json
from html.parser import HTMLParser

import pytest

from app import early
from app.ui import build
from decoders.trace import Trace
from tests.samples import tiny_trace
from viz.registry import views

HOSTILE = "</script><!-- ]]> ${alert(1)} <img src=x onerror=alert(1)> \u2028"


class Read(HTMLParser):
    """Tag names, and what stands in the script with the run."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.run, self._in = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._in = dict(attrs).get("id") == "um-run"

    def handle_data(self, data):
        self.run += data if self._in else ""


def served(body: bytes, made=(b"<link>", b"<div></div>"), path="/", method="GET", status=200) -> tuple[dict, bytes]:
    """What comes out of the middleware when the application answers `body` in two pieces."""

    class Blocks:
        early = made

    class App:
        def get_blocks(self):
            return Blocks()

    async def application(scope, receive, send):
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:]})

    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "app": App()}
    asyncio.run(early.Early(application)(scope, None, send))  # type: ignore[arg-type]
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


def test_the_first_recorded_run_of_the_menu_is_carried_as_a_replay():
    head, body = build().early  # type: ignore[attr-defined]
    carried = json.loads(Read(body.decode()).run)
    assert carried["run"] == "bundled:ssd-apples" and carried["trace"]["provenance"] == "replay"
    assert carried["trace"]["method"] == "ssd"
    assert [view["id"] for view in carried["host"]["views"]][:2] == ["lattice", "tree"]
    assert head.decode().index("player.js") < head.decode().index("lenses/mask.js") < head.decode().index("early.js")


def test_no_text_of_the_carried_run_ends_the_element_that_it_stands_in():
    trace = tiny_trace()
    text = Trace.to_json(trace).replace(json.dumps(trace.prompt), json.dumps(HOSTILE), 1)
    _, body = early.page("bundled:x", text, views())
    read = Read(body.decode())
    assert json.loads(read.run)["trace"]["prompt"] == HOSTILE
    assert read.tags == ["div", "div", "h1", "p", "strong", "aside", "div", "div", "script"]


def test_it_stands_in_the_head_and_in_front_of_gradios_element_and_the_length_is_right():
    start, body = served(b"<html><head><title>t</title></head><body><gradio-app></gradio-app></body>")
    assert body == b"<html><head><link><title>t</title></head><body><div></div><gradio-app></gradio-app></body>"
    assert dict(start["headers"])[b"content-length"] == str(len(body)).encode()


@pytest.mark.parametrize(
    "asked",
    [{"path": "/config"}, {"method": "HEAD"}, {"status": 401}, {"made": None}],
)
def test_other_answers_pass_as_they_are(asked):
    page = b"<html><head></head><body><gradio-app></gradio-app></body>"
    assert served(page, **asked)[1] == page


def test_who_has_to_log_in_sees_gradios_form():
    page = b'<html><head></head><script>{"auth_required":true}</script><gradio-app></gradio-app>'
    assert served(page)[1] == page
