"""The report is one file that opens from disk without a network, draws every lens, and shows hostile text as text."""

import pytest
from serving import ROOT, Watched

from decoders.trace import Trace
from tests.samples import tiny_trace
from viz.assets import SCRIPTS
from viz.html import to_html

PROMPT = "</script><script>window.pwn=1</script>"
PIECE = "<!--<script>${window.pwn=1} {{x}} <img src=x onerror=window.pwn=1> </script>"
STATE = "document.querySelector('.unmasked').unmasked.state()"


@pytest.fixture
def opened(browser, tmp_path):
    contexts = []

    def open(text: str, **options) -> Watched:
        (tmp_path / "report.html").write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1360, "height": 900}, offline=True, **options)
        contexts.append(context)
        watched = Watched(context, "file://")
        watched.page.goto(f"file://{tmp_path}/report.html")
        watched.page.wait_for_selector(".unmasked .um-chip", timeout=30_000)
        return watched

    yield open
    for context in contexts:
        context.close()


def open_every_lens(page) -> list[str]:
    """Opens one lens after the other; what stands where each of them draws."""
    drawn = []
    for tab in page.locator(".um-tab").all():
        tab.click()
        page.wait_for_function(
            """() => {
              const seen = (e) => e && !e.hidden && e.getClientRects().length > 0;
              const plot = document.querySelector('.um-plot'), note = document.querySelector('.um-note');
              return seen(document.querySelector('.um-grid')) || (seen(plot) && plot.querySelector('.main-svg'))
                || [...document.querySelectorAll('.um-lens')].some((box) => seen(box) && box.firstChild)
                || (seen(note) && note.innerText && note.innerText !== 'Drawing…');
            }""",
            timeout=30_000,
        )
        drawn.append(page.locator(".um-panel").inner_text())
    return drawn


@pytest.fixture(scope="module")
def recorded() -> str:
    return to_html(Trace.load(ROOT / "assets" / "traces" / "choice-fruit.json.gz"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_draws_every_lens_from_disk_without_a_network_in_the_theme_of_its_reader(opened, recorded, scheme):
    w = opened(recorded, color_scheme=scheme)
    page = w.page
    trace = Trace.load(ROOT / "assets" / "traces" / "choice-fruit.json.gz")
    page.keyboard.press("End")
    assert page.evaluate(f"() => {STATE}.text") == trace.text
    drawn = open_every_lens(page)
    assert len(drawn) >= 4 and all("could not be drawn" not in text for text in drawn)
    assert page.evaluate(f"() => {STATE}.dark") is (scheme == "dark")
    before = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("t")
    assert page.evaluate(f"() => {STATE}.dark") is (scheme == "light")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") != before
    open_every_lens(page)
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(300)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert {url.split(":")[0] for url in w.requests} <= {"file", "blob", "data"}
    assert [url for url in w.requests if url.startswith("file")] == [page.url]
    w.clean()


def test_hostile_text_in_a_report_is_shown_literally_and_never_acts(opened):
    w = opened(to_html(tiny_trace(piece=PIECE, prompt=PROMPT)))
    page = w.page
    page.keyboard.press("End")
    shown = page.locator(".um-text").text_content()
    assert PROMPT in shown and PIECE in shown
    open_every_lens(page)
    assert page.evaluate("() => window.pwn") is None
    assert page.locator(".unmasked img, .unmasked script").count() == 0
    w.clean()


def test_no_text_of_the_run_stands_in_the_file_itself():
    text = to_html(tiny_trace(piece=PIECE, prompt=PROMPT), views=())
    assert "window.pwn" not in text and PROMPT not in text
    scripts = 3 + len(SCRIPTS)  # the run, plotly and what opens them
    assert text.count("</script>") == text.count("<script") == scripts


def test_a_report_can_open_dark(opened):
    w = opened(to_html(tiny_trace(), dark=True, views=()), color_scheme="light")
    assert w.page.evaluate(f"() => {STATE}.dark") is True
    w.clean()
