"""What a visitor takes home: figures, tables and files are those of the run on screen, and come back unchanged."""

import csv
import io
import json
import struct
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from serving import DRAWN, ROOT

from decoders.trace import Trace
from tests.samples import tiny_trace
from viz import exports

TRACES = sorted((ROOT / "assets" / "traces").glob("*.json.gz"))
SHOWN = ROOT / "assets" / "traces" / "ssd-apples.json.gz"  # the page opens with it
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '=1+1 ${alert(1)} {{x}} <img src=x onerror=alert(1)> "`,\\ &lt;b&gt;'


@pytest.fixture(scope="module")
def player(browser):
    page = browser.new_page()
    page.set_content('<div class="unmasked"></div>')
    page.add_style_tag(path=str(ROOT / "assets" / "player.css"))
    page.add_script_tag(path=str(ROOT / "assets" / "player.js"))
    page.add_script_tag(path=str(ROOT / "assets" / "lenses" / "export.js"))
    page.evaluate("() => { window.p = Unmasked.mount(document.querySelector('.unmasked'), {views: []}) }")
    yield page
    page.close()


def state(page) -> dict:
    return page.evaluate("() => document.querySelector('.unmasked').unmasked.state()")


def take(page, kind: str) -> tuple[str, bytes]:
    """Clicks an entry of the export menu; the file's name and bytes. Chromium drops, without a word, what a page
    downloads beyond ten files within one second (kBurstDownloadLimit): visitors are slower, and so are these tests."""
    if page.locator(".um-menu").is_hidden():
        page.locator(".um-exportbtn").click()
    with page.expect_download(timeout=30_000) as download:
        page.locator(f".um-item[data-as={kind}]").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def upload(page, path) -> None:
    page.locator("input[type=file]").first.set_input_files(str(path))


def test_every_view_is_saved_as_a_picture_a_vector_figure_and_a_table(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(60)")
    caption = exports.caption(Trace.load(SHOWN))
    for tab in page.locator(".um-tab").all():
        tab.click()
        page.wait_for_function(DRAWN, arg=[tab.locator("span").last.inner_text(), False], timeout=30_000)
        lens = state(page)["lens"]
        if lens == "race":  # its box says first that the runs are being fetched
            page.locator(".um-race-chip").first.wait_for(state="attached", timeout=30_000)
        if lens == "lessons":  # a list of texts, which has no figure
            continue
        if lens == "tune":
            page.locator(".um-tune-spot").first.wait_for(state="attached", timeout=30_000)
        if lens == "cards":
            page.locator(".um-cards-chart").first.wait_for(state="attached", timeout=30_000)
        name, data = take(page, "svg")
        assert name == f"ssd-tiny-llada-{lens}-step10.svg"
        figure = ET.fromstring(data)
        texts = [t.text or "" for t in figure.iter(SVG + "text")]
        assert len(texts) > 10, f"{lens}: text is text"
        assert caption in " ".join(t for t in texts), lens
        assert {e.tag.removeprefix(SVG) for e in figure.iter()} & {"script", "foreignObject"} == set()
        assert all(not v.startswith(("http", "//")) for e in figure.iter() for k, v in e.items() if k.endswith("href"))
        assert float(figure.get("width")) >= 320 and float(figure.get("height")) > 100, lens
        name, data = take(page, "png")
        assert name.endswith(".png") and data[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">I", data[16:20])[0] >= 1600
        name, data = take(page, "csv")
        table = list(csv.reader(io.StringIO(data.decode(), newline="")))
        assert len(table) >= 5 and {len(row) for row in table} == {len(table[0])}, lens
    assert lens == "confidence", "the last of all"
    w.clean()


def test_the_table_of_the_grid_holds_the_states_on_screen(watch, page_url):
    w = watch(page_url)
    w.page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(1e9)")
    rows = list(csv.DictReader(io.StringIO(take(w.page, "csv")[1].decode(), newline="")))
    last = [row for row in rows if row["round"] == rows[-1]["round"]]
    assert [row["state"] for row in last] == state(w.page)["states"]
    drafts = ("rejected", "unreached")  # such a row names what was drafted there
    tokens = state(w.page)["tokens"]
    assert all(int(row["token"]) == tokens[i] for i, row in enumerate(last) if row["state"] not in drafts)


@pytest.mark.parametrize("format", [name for name in exports.FORMATS if name != "specspecs"])
def test_a_file_of_the_run_is_the_one_that_python_writes(watch, page_url, format):
    w = watch(page_url)
    name, data = take(w.page, format)
    trace = replace(Trace.load(SHOWN), provenance="replay")
    assert (name, data) == (exports.FORMATS[format].name(trace), exports.write(trace, format))
    w.clean()


def test_what_a_format_has_no_word_for_is_said_in_the_page(watch, page_url, tmp_path):
    w = watch(page_url)
    upload(w.page, ROOT / "assets" / "traces" / "stepwise-apples.json.gz")
    w.page.wait_for_function("() => document.querySelector('.um-title').innerText === 'Stepwise'", timeout=30_000)
    w.page.locator(".um-exportbtn").click()
    w.page.locator(".um-item[data-as=specspecs]").click()
    w.page.locator(".um-said", has_text="Not exported:").wait_for(timeout=20_000)
    assert "This run of Stepwise has no judge events" in w.page.locator(".um-said").inner_text()
    w.clean()


def test_the_menu_opens_moves_and_closes_by_keyboard_and_leaves_the_cursor_alone(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(60, {pos: 40})")
    button, focused = page.locator(".um-exportbtn"), "() => document.activeElement.textContent"
    assert (button.get_attribute("aria-haspopup"), button.get_attribute("aria-expanded")) == ("menu", "false")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert page.evaluate(focused) == "Picture (PNG)"
    for key, name in (
        ("ArrowDown", "Vector figure (SVG)"), ("End", "Report (HTML)"), ("ArrowDown", "Picture (PNG)"),
        ("ArrowUp", "Report (HTML)"), ("Home", "Picture (PNG)"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert page.evaluate(focused) == name
    page.keyboard.press("Escape")
    assert page.locator(".um-menu").is_hidden() and button.get_attribute("aria-expanded") == "false"
    assert page.evaluate("() => document.activeElement.className").endswith("um-exportbtn")
    now = state(page)
    assert (now["at"], now["pos"]) == (60, 40)
    button.click()
    page.locator(".um-title").click()
    assert page.locator(".um-menu").is_hidden()
    w.clean()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_menu_stays_inside_the_screen(watch, page_url, theme):
    w = watch(page_url, f"/?__theme={theme}")
    w.page.set_viewport_size({"width": 360, "height": 740})
    w.page.locator(".um-exportbtn").click()
    box = w.page.locator(".um-menu").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    assert w.page.evaluate("() => document.documentElement.scrollWidth") <= 360
    w.clean()


def test_the_caption_is_copied_and_is_the_one_of_python(browser, page_url):
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=page_url)
    page = context.new_page()
    page.goto(page_url)
    page.wait_for_selector(".unmasked .um-chip", timeout=30_000)
    page.locator(".um-exportbtn").click()
    page.locator(".um-item[data-as=caption]").click()
    page.locator(".um-said", has_text="Caption copied.").wait_for(timeout=10_000)
    exact = "= identical (64/64 positions) to stepwise (R1, one token per call)."
    assert page.evaluate("() => navigator.clipboard.readText()") == f"{exports.caption(Trace.load(SHOWN))} {exact}"
    context.close()


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.name)
def test_browser_and_python_write_the_same_caption(player, path):
    trace = Trace.load(path)
    assert player.evaluate("text => Unmasked.caption(JSON.parse(text))", trace.to_json()) == exports.caption(trace)


def test_hostile_text_is_text_in_an_exported_figure_and_no_formula_in_an_exported_table(watch, page_url, tmp_path):
    w = watch(page_url)
    page = w.page
    upload(page, tiny_trace(piece=HOSTILE, prompt=HOSTILE).save(tmp_path / "hostile.json.gz"))
    page.wait_for_function("() => document.querySelectorAll('.um-chip').length === 6", timeout=30_000)
    page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(1e9)")
    figure = ET.fromstring(take(page, "svg")[1])
    assert HOSTILE in [t.text for t in figure.iter(SVG + "text")]
    assert {e.tag.removeprefix(SVG) for e in figure.iter()} & {"img", "script", "b"} == set()
    rows = list(csv.DictReader(io.StringIO(take(page, "csv")[1].decode(), newline="")))
    assert "'" + HOSTILE in {row["text"] for row in rows}
    w.clean()


def test_a_run_that_was_exported_and_opened_again_is_the_same_at_every_step(player, tmp_path):
    for path in TRACES:
        trace = Trace.load(path)
        (tmp_path / "again.json").write_bytes(exports.write(trace, "json"))
        snapshots = []
        for one in (trace, Trace.load(tmp_path / "again.json")):
            player.evaluate("text => window.p.load(JSON.parse(text), {run: 'x'})", one.to_json())
            snapshots.append(
                player.evaluate(
                    """n => { const all = []; for (let at = 0; at <= n; at++) { window.p.seek(at, {pos: 30});
                       all.push(JSON.stringify(window.p.state()) + document.querySelector('.um-inspector').innerText); }
                       return all; }""",
                    len(trace.events),
                )
            )
        assert snapshots[0] == snapshots[1], path.name


def test_files_that_are_no_traces_are_refused_by_path_and_the_old_run_goes_on(watch, page_url, tmp_path):
    w = watch(page_url)
    page = w.page
    before = state(page)["text"]
    body = json.loads(Trace.load(SHOWN).to_json())
    call = next(i for i, event in enumerate(body["events"]) if event["kind"] == "forward" and i > 2)
    body["events"][call]["length"] = -7
    (tmp_path / "one.json").write_text(json.dumps(body))
    (tmp_path / "two.json").write_text('{"schema": 1, "vocab": {"0": 5}}')
    for name, said in (
        ("one", f"events[{call}].length = -7: must be between 1 and"),
        ("two", "vocab.0 = 5: must be a string."),
    ):
        upload(page, tmp_path / f"{name}.json")
        page.locator(".toast-body", has_text=said).first.wait_for(timeout=20_000)
    assert state(page)["text"] == before
    page.locator(".um-text").evaluate("e => e.focus()")
    page.keyboard.press("Home")
    sentences = set()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        sentences.add(page.locator(".um-status").inner_text())
    assert len(sentences) == 5
    w.clean()
