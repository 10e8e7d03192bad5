"""Section 7 of the design, for the whole page and in every lens; docs/acceptance.md says where the rest is tested."""

import io
import re
from dataclasses import replace
from itertools import combinations

import pytest
from serving import ROOT, lenses, open_lens

from decoders.models import catalogue
from decoders.trace import Trace

needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
# No space in it: spaces are shown as dots.
HOSTILE = "<img/src=x/onerror=pwn=1>${window.pwn=1}{{x}}`\\"
PLAYER = "document.querySelector('.unmasked').unmasked"


def state(page) -> dict:
    return page.evaluate(f"() => {PLAYER}.state()")


def open_file(page, path) -> None:
    page.locator("input[type=file]").first.set_input_files(str(path))


@pytest.fixture
def bare(browser):
    """An empty player with every style sheet and script of the page, without a server."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_content('<div class="unmasked"></div>')
    for path in (ROOT / "assets" / "player.css", *sorted((ROOT / "assets" / "lenses").glob("*.css"))):
        page.add_style_tag(path=str(path))
    page.add_script_tag(path=str(ROOT / "assets" / "player.js"))
    yield page
    page.close()


def test_ten_arrow_keys_are_ten_sentences_and_no_request_in_every_lens_and_none_asks_another_host(watch, page_url):
    w = watch(page_url)
    page, seen = w.page, {}
    for name in lenses(page):
        open_lens(page, name, whole=True)
        page.keyboard.press("Home")
        page.wait_for_timeout(300)  # the address follows the reader
        before, sentences = len(w.requests), []
        for _ in range(10):
            page.keyboard.press("ArrowRight")
            sentences.append(page.locator(".um-status").inner_text())
        seen[name] = len(set(sentences)), w.requests[before:]
    page.locator(".um-exportbtn").click()
    assert seen == dict.fromkeys(lenses(page), (10, []))
    assert len(seen) >= 7
    assert w.foreign == []
    w.clean()


@pytest.mark.parametrize("run", ["ssd", "diffuspec", "simsd"])
def test_hostile_text_is_shown_literally_and_never_acts_in_any_lens(watch, page_url, tmp_path, run):
    trace = Trace.load(ROOT / "assets" / "traces" / f"{run}-apples.json.gz")
    vocab = {id: HOSTILE if id not in trace.specials else text for id, text in trace.vocab.items()}
    hostile = replace(trace, vocab=vocab, prompt=HOSTILE, title=HOSTILE, model=HOSTILE, reference=None)
    w = watch(page_url)
    page = w.page
    open_file(page, hostile.save(tmp_path / "hostile.json.gz"))
    page.wait_for_function("text => document.querySelector('.um-title').innerText.includes(text)", arg=HOSTILE)
    middle = hostile.rounds[len(hostile.rounds) // 2].stop
    page.evaluate(f"at => {PLAYER}.seek(at, {{pos: {trace.prompt_len + 2}}})", middle)
    elements = "() => document.querySelectorAll('.unmasked :is(img, script, iframe)').length"
    for name in lenses(page):
        open_lens(page, name)
        page.mouse.move(640, 700)
        page.mouse.move(660, 720)  # a tooltip
        assert page.evaluate(elements) == 0, name
        shown = page.locator(".unmasked").inner_text()
        assert "onerror=pwn" in shown and "${window.pwn=1}" in shown and "[object" not in shown, name
    page.locator(".um-exportbtn").click()
    assert page.evaluate(elements) == 0
    assert page.evaluate("() => 'pwn' in window") is False
    w.clean()


@needs_weights
def test_one_runs_at_a_time_the_next_is_told_of_the_queue_and_starts_when_the_first_stops(watch, page_url):
    one, two = watch(page_url), watch(page_url)
    measured = "() => document.querySelector('.um-prov').innerText.includes('MEASURED')"
    over = "() => document.querySelector('.um-badge').innerText !== ''"
    for w, place in ((one, "Peru"), (two, "Egypt")):
        w.page.locator("#prompt textarea").fill(f"What is the capital of {place}?")
    one.page.locator("#run").click()
    one.page.wait_for_function(measured, timeout=60_000)
    two.page.locator("#run").click()
    two.page.get_by_text("queue: 1/1").wait_for(timeout=60_000)
    one.page.locator("#stop").click()
    two.page.wait_for_function("() => document.querySelector('.um-text').textContent.includes('Egypt')", timeout=60_000)
    two.page.wait_for_function(over, timeout=60_000)
    one.page.locator("#run").click()
    one.page.wait_for_function(measured, timeout=60_000)
    for w in (one, two):
        w.clean()


def palettes() -> dict[str, dict[str, str]]:
    """theme: variable of player.css: #rrggbb; the dark one as the page sets it and as the system does."""
    css = (ROOT / "assets" / "player.css").read_text()
    light, dark, system = [
        dict(re.findall(r"--um-([\w-]+): (#[0-9A-F]{6});", block))
        for block in re.findall(r"color-scheme: (?:light|dark);(.*?)\n *\}", css, re.S)
    ]
    return {"light": light, "dark": dark, "dark by the system": system}


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2 of two colours #rrggbb."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "dark by the system"])
def test_text_has_a_contrast_of_4_5_on_everything_it_stands_on(theme):
    colours = palettes()[theme]
    sheets = (ROOT / "assets" / "player.css", *(ROOT / "assets" / "lenses").glob("*.css"))
    used = {name for sheet in sheets for name in re.findall(r"[ ;{]color: var\(--um-([\w-]+)\)", sheet.read_text())}
    # `page` is text on what is drawn in the colour of text; `rejected` is the dot beside "live".
    inks = {name for name in used if name.endswith("-ink")}
    assert used - inks == {"soft", "text", "page", "rejected"} and len(inks) >= 10
    pairs = [(name, name.removesuffix("-ink")) for name in inks] + [("page", "text")]
    pairs += [(ink, ground) for ink in ("soft", "text") for ground in ("page", "panel", "hover")]
    low = {pair: ratio for pair in pairs if (ratio := round(contrast(colours[pair[0]], colours[pair[1]]), 2)) < 4.5}
    assert low == {}


def test_the_two_dark_palettes_are_one():
    assert palettes()["dark"] == palettes()["dark by the system"]
    assert palettes()["dark"].keys() == palettes()["light"].keys()


@pytest.mark.parametrize("theme", ["", "dark"])
def test_every_state_has_a_glyph_of_its_own_and_looks_different_without_colour(bare, theme):
    image = pytest.importorskip("PIL.Image", reason="pillow comes with gradio")
    glyphs = bare.evaluate("() => Unmasked.kit.GLYPH")
    assert len(set(glyphs.values())) == len(glyphs) and "" not in glyphs.values()
    states = bare.evaluate("() => Unmasked.kit.STATES")
    # What was there before and what lies behind the end are told by having none; `absent` is not drawn.
    assert set(states) - set(glyphs) == {"absent", "prompt", "committed", "tail"}
    states.remove("absent")
    bare.evaluate(
        """([states, glyphs, theme]) => {
          document.body.className = theme;
          const box = document.querySelector('.unmasked');
          box.style.filter = 'grayscale(1)';
          box.replaceChildren(...states.map((s) => {
            const chip = document.createElement('span');
            chip.className = 'um-chip';
            Object.assign(chip.dataset, {s, g: glyphs[s] || ''});
            chip.style.cssText = 'width: 60px; padding: 0 15px 0 5px';
            chip.textContent = 'the';
            return chip;
          }));
        }""",
        [states, glyphs, theme],
    )
    chips = bare.locator(".um-chip")
    pixels = {}
    for i, name in enumerate(states):
        picture = image.open(io.BytesIO(chips.nth(i).screenshot())).convert("L").resize((60, 26))
        pixels[name] = picture.tobytes()
    alike = [
        (a, b) for a, b in combinations(states, 2)
        if sum(abs(x - y) > 48 for x, y in zip(pixels[a], pixels[b], strict=True)) < 12
    ]  # fmt: skip
    assert alike == []


def test_every_lens_fits_a_phone_without_scrolling_sideways(watch, page_url):
    w = watch(page_url)
    page, wide = w.page, {}
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate(f"() => {PLAYER}.seek(60, {{pos: 40}})")
    for name in lenses(page):
        open_lens(page, name)
        wide[name] = page.evaluate("() => document.documentElement.scrollWidth")
        assert page.locator(".um-spine .um-slider").bounding_box()["width"] > 200
    assert max(wide.values()) <= 360, wide
    # However a lens was opened, its tab is among those that there is room for.
    inside = """() => { const [tab, rail] = ['.um-tab[aria-selected=true]', '.um-rail'].map(
      (q) => document.querySelector(q).getBoundingClientRect());
      return tab.left >= rail.left && tab.right <= rail.right; }"""
    assert [page.evaluate(f"() => {PLAYER}.open('{id}')") and page.evaluate(inside) for id in ("grid", "race")] == [
        True,
        True,
    ]
    w.clean()


def test_a_click_on_a_cell_of_the_heatmap_has_the_inspector_name_its_rule(watch, page_url):
    w = watch(page_url)
    page = w.page
    open_lens(page, "Accept/reject")
    page.locator(".um-heatmap-area").click(position={"x": 12, "y": 8})
    page.wait_for_function(
        "() => document.querySelector('.um-inspector .um-rule')?.innerText.length > 10", timeout=5_000
    )
    now = state(page)
    assert now["pos"] is not None
    assert str(now["pos"]) in page.locator(".um-inspector").inner_text()
    w.clean()


def test_every_lens_is_opened_by_its_key_and_from_the_tab_list_and_nothing_moves_for_who_asked_for_that(
    watch, page_url
):
    w = watch(page_url, reduced_motion="reduce")
    page = w.page
    chosen = "() => document.querySelector('.um-tab[aria-selected=true] > span:last-child').textContent"
    names = lenses(page)
    page.locator(".um-text").focus()
    opened = []
    for number in range(1, len(names) + 1):
        page.keyboard.press(str(number % 10))
        opened.append(page.evaluate(chosen))
        open_lens(page, opened[-1])
        page.locator(".um-tab[aria-selected=true]").focus()
        moving = page.evaluate("""() => [...document.querySelectorAll('.unmasked *')].filter((e) => {
          const s = getComputedStyle(e);
          return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none' || s.scrollBehavior === 'smooth';
        }).map((e) => e.className.baseVal ?? e.className)""")
        assert moving == [], opened[-1]
        # One tab is in the tab order, and Tab leads from it into the lens or past it, never nowhere.
        assert page.locator(".um-tab[tabindex='0']").count() == 1
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement !== document.body")
    assert opened == names
    w.clean()
