"""The page in another language: how it is asked for, that the reader stays in place, that all of it is said."""

import json
import re

import pytest
from serving import ROOT, lenses, open_lens
from test_axe import violations
from test_first_look import Held

from app import words
from decoders.trace import Trace
from viz.html import to_html

PLAYER = "document.querySelector('.unmasked').unmasked"
LANG = "() => document.documentElement.lang"
HEADING = {"en": "Recorded runs, to look at without waiting", "de": "Aufgezeichnete Läufe, ohne Warten zu sehen"}
# What a reader sees or has read aloud, without token text and without what is marked as English.
SHOWN = """() => {
  const not = '[lang=en], .um-text, .um-race-text, .um-race-prompt, .gallery, script, style', out = new Set();
  const seen = (e) => e.checkVisibility({visibilityProperty: true}) && !e.closest(not);
  const names = ['title', 'placeholder', 'aria-label', 'aria-valuetext', 'aria-description', 'aria-roledescription'];
  for (const root of document.querySelectorAll('#head, #side, .unmasked')) {
    const walk = document.createTreeWalker(root, 5); // elements and texts
    for (let node = root; node; node = walk.nextNode()) {
      const text = node.nodeType === Node.TEXT_NODE;
      if (!seen(text ? node.parentElement : node)) continue;
      for (const said of text ? [node.data] : names.map((n) => node.getAttribute(n) || '')) out.add(said.trim());
    }
  }
  return [...out].filter(Boolean);
}"""
FIELDS = """() => [...document.querySelectorAll('#side input, #side textarea')]
  .map(e => e.type === 'checkbox' ? e.checked : e.value)"""
# Looks at each frame.
WATCH = """(() => {
  window.frames_ = new Set();
  const look = () => {
    for (const q of ['#um-early p', '#um-early aside', '#head p', '#side']) {
      const e = document.querySelector(q);
      if (e && e.checkVisibility()) frames_.add(e.innerText.slice(0, 60));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
# Words that Python puts into a figure or a menu, and that a table has too.
PYTHONS = {"accepted", "row 0", "full attention", "block"}  # a method's id among them


def says(page, code: str) -> None:
    """Waits until the page around the player and the player speak the language."""
    page.wait_for_function(
        """([code, heading]) => document.documentElement.lang === code
          && document.querySelector('#side')?.innerText.includes(heading)""",
        arg=[code, HEADING[code]],
    )
    first = page.locator(".um-tab > span:last-child").first.inner_text()
    assert first == {"en": "Grid", "de": "Raster"}[code]


def patterns(page) -> tuple[list[re.Pattern], list[re.Pattern]]:
    """What English sentences that read otherwise in German look like when they are filled in, and the German ones."""
    found: tuple[set[str], set[str]] = set(), set()
    for table in page.evaluate("Unmasked.tables()").values():
        ours, theirs = table.get("en", {}), table.get("de", {})
        for key in ours.keys() & theirs.keys():
            for english, german in zip(flat(ours[key]), flat(theirs[key]), strict=True):
                if english != german:
                    found[0].update(english.split("|"))
                    found[1].update(german.split("|"))
    return tuple([re.compile(pattern(text), re.S) for text in texts if words_of(text)] for texts in found)  # type: ignore


def flat(said) -> list[str]:
    return [said] if isinstance(said, str) else [text for part in said for text in flat(part)]


def words_of(text: str) -> list[str]:
    """The words of a sentence besides its values."""
    return re.findall(r"[^\W\d]{3,}", re.sub(r"\{\w+\}", " ", text))


def pattern(text: str) -> str:
    """Where a sentence has hardly a word of its own its values are single words."""
    hole = ".+?" if len(words_of(text)) > 2 else r"\\S+"
    return re.sub(r"\\\{\w+\\\}", hole, re.escape(text.strip()))


def test_english_is_spoken_until_another_language_is_asked_for_whatever_the_browser_prefers(watch, page_url):
    w = watch(page_url, locale="de-DE")
    says(w.page, "en")
    button = w.page.locator(".um-language")
    assert (button.inner_text(), button.get_attribute("lang")) == ("DE", "de")
    assert button.get_attribute("aria-label") == "Deutsch (L)"
    w.clean()


def test_the_key_the_button_and_the_address_switch_the_language_and_the_last_choice_is_remembered(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.keyboard.press("l")
    says(page, "de")
    page.reload()
    says(page, "de")
    button = page.locator(".um-language")
    assert (button.inner_text(), button.get_attribute("aria-label")) == ("EN", "English (L)")
    button.click()
    says(page, "en")
    page.reload()
    says(page, "en")
    # An address asks for this visit and is not remembered; the key changes what it asks for.
    page.goto(page_url + "/?lang=de")
    says(page, "de")
    page.keyboard.press("L")
    says(page, "en")
    assert page.url.startswith(page_url + "/?lang=en")
    page.goto(page_url + "/?lang=de")
    says(page, "de")
    page.goto(page_url + "/?lang=xx")
    says(page, "en")
    w.clean()


def test_the_key_is_a_letter_like_any_other_in_the_prompt(watch, page_url):
    w = watch(page_url)
    w.page.locator("#prompt textarea").fill("")
    w.page.locator("#prompt textarea").press_sequentially("all lanes")
    assert w.page.evaluate(LANG) == "en"
    assert w.page.locator("#prompt textarea").input_value() == "all lanes"


def test_the_reader_stays_where_he_is_and_nothing_is_asked_of_the_server(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator("#prompt textarea").fill("What is the capital of France?")
    page.locator("#knob-ssd-n input[type=number]").fill("3")
    page.locator("#knob-ssd-n input[type=number]").blur()
    page.wait_for_timeout(400)
    page.locator(".um-stale").filter(has_text="press Run").wait_for()
    page.locator(".um-spine select").nth(1).select_option("beat")
    page.locator(".um-spine select").nth(0).select_option("2")
    page.evaluate(f"() => {PLAYER}.seek(60, {{pos: 40}})")
    open_lens(page, "Verification tree", whole=True)
    page.locator(".um-nums button").first.click()
    page.evaluate("() => scrollTo(0, 120)")
    top = "() => document.querySelector('.um-railrow').getBoundingClientRect().top"
    above = page.evaluate(top)
    before = page.evaluate(f"() => {PLAYER}.state()")
    values, asked = page.evaluate(FIELDS), len(w.requests)
    page.keyboard.press("l")
    says(page, "de")
    page.wait_for_timeout(500)
    after = page.evaluate(f"() => {PLAYER}.state()")
    said = ("status", "badge")
    assert {k: v for k, v in after.items() if k not in said} == {k: v for k, v in before.items() if k not in said}
    assert (after["lens"], after["pos"], after["unit"]) == ("tree", 40, "beat")
    assert after["status"].startswith("Schritt ") and before["status"].startswith("Step ")
    now = page.evaluate(FIELDS)
    assert [v for v in now if v not in values] == ["SSD · Diffusion"]
    assert page.locator(".um-spine select").nth(0).input_value() == "2"
    assert page.locator(".um-def").inner_text().startswith("Token · Erzeugte Token")
    assert page.locator(".um-stale").inner_text() == "Die Einstellungen wurden seitdem geändert: „Starten“ drücken."
    assert abs(page.evaluate(top) - above) < 40, "lines above may be more or fewer in German"
    # Only a file of Gradio's own words.
    assert [url for url in w.requests[asked:] if not re.search(r"/assets/de-[\w-]+\.js$", url)] == []
    page.keyboard.press("l")
    says(page, "en")
    assert page.evaluate(f"() => {PLAYER}.state()") == before and page.evaluate(FIELDS) == values
    w.clean()


def test_controls_that_are_as_the_run_was_are_not_called_changed_by_another_language(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator("#method input").focus()  # from now on the player compares
    page.locator(".um-title").click()
    page.keyboard.press("l")
    says(page, "de")
    page.locator("#seed input").focus()
    page.keyboard.press("Tab")
    page.wait_for_timeout(400)
    assert page.locator(".um-stale").inner_text() == ""


def test_what_is_played_goes_on(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.keyboard.press("Home")
    page.locator(".um-spine select").nth(0).select_option("0.25")
    page.locator(".um-play").click()
    page.keyboard.press("l")
    says(page, "de")
    assert page.evaluate(f"() => {PLAYER}.state().playing") is True
    assert page.locator(".um-play").get_attribute("aria-label") == "Anhalten (Leertaste)"
    page.wait_for_function(f"() => {PLAYER}.state().step > 1")


def test_a_lens_keeps_what_the_reader_did_in_it(watch, page_url):
    w = watch(page_url)
    page = w.page
    open_lens(page, "Accept/reject", whole=True)
    page.locator(".um-heatmap-bin").nth(1).click()
    assert "in the grid: rounds that accepted exactly 1" in page.locator(".um-marking").inner_text()
    open_lens(page, "Mask", whole=True)
    page.locator(".um-mask-next").wait_for(state="attached")
    page.locator(".um-mask-steps button", has_text="SimSD").click()
    page.locator(".um-mask-whose", has_text="SimSD").wait_for()
    open_lens(page, "Race")
    page.locator(".um-race-chip").first.wait_for(state="attached")
    page.locator(".um-race-rule", has_text="tokens").click()
    asked = len(w.requests)
    page.locator(".um-title").click()
    page.keyboard.press("l")
    says(page, "de")
    assert page.locator(".um-race-rule input:checked + span").inner_text() == "Token"
    assert page.locator(".um-race-lane").count() == 2
    open_lens(page, "Maske")
    assert page.locator(".um-mask-whose").inner_text().startswith("AUFZEICHNUNG")
    assert "Verglichen mit der Maske dieses Laufs" in page.locator(".um-mask-because").inner_text()
    open_lens(page, "Annahme")
    assert page.locator(".um-heatmap-bin.um-heatmap-chosen").count() == 1
    assert "im Raster unterstrichen: Runden mit genau 1 angenommenen" in page.locator(".um-marking").inner_text()
    asks = [url for url in w.requests[asked:] if "component_server" in url]
    assert asks == []
    w.clean()


@pytest.mark.parametrize("run", ["ssd-apples", "code-vowels", "story-fox-fast"])
def test_in_german_no_sentence_of_the_tables_is_english_in_any_view(watch, page_url, run):
    w = watch(page_url, f"/?lang=de#run=bundled:{run}&lens=grid&step=2")
    page = w.page
    says(page, "de")
    english, german = patterns(page)
    assert len(english) > 400

    def wrong() -> list[str]:
        shown = page.evaluate(SHOWN)
        assert len(shown) > 60
        said = [text for text in shown if not any(p.fullmatch(text) for p in german) and text not in PYTHONS]
        return [text for text in said if any(p.fullmatch(text) for p in english)]

    left: dict[str, list[str]] = {}
    for name in lenses(page):
        open_lens(page, name)
        if name == "Rennen":
            page.locator(".um-race-lane").first.wait_for(state="attached")
        page.locator(".um-chip").nth(20).evaluate("e => e.click()")
        left[name] = wrong()
    page.keyboard.press("?")
    left["help"] = wrong()
    page.keyboard.press("Escape")
    page.locator(".um-exportbtn").click()
    left["export"] = wrong()
    assert left == {name: [] for name in left}
    w.clean()


def test_what_python_says_of_a_method_is_marked_as_english_and_the_page_says_that_it_is(watch, page_url):
    w = watch(page_url, "/?lang=de")
    page = w.page
    says(page, "de")
    assert page.locator("#about").get_attribute("lang") == "en"
    assert page.locator("#head p").inner_text().endswith("sowie die Sätze in den Abbildungen sind englisch.")
    assert page.locator("#head p strong").inner_text() == "Starten"
    page.keyboard.press("l")
    says(page, "en")
    assert page.locator("#head p").inner_text() == f"{words.TAGLINE} {words.INTRO}".replace("**", "")


def test_what_gradio_draws_later_is_translated_too(watch, page_url):
    w = watch(page_url, "/?lang=de#run=bundled:nobody")
    page = w.page
    says(page, "de")
    page.locator(".toast-body", has_text="Nicht alles aus der Adresse dieser Seite wurde hier gefunden").wait_for()
    page.locator("#method input").click()
    page.get_by_role("option", name="Stepwise · Referenz").click()
    page.wait_for_function("() => document.querySelector('#method input').value === 'Stepwise · Referenz'")
    assert page.locator("#settings").get_by_text("Weitere Einstellungen").count() >= 1
    assert page.locator("#prompt textarea").get_attribute("placeholder").startswith("Fragen Sie etwas")
    page.keyboard.press("Escape")
    page.locator(".um-title").click()
    page.keyboard.press("l")
    says(page, "en")
    assert page.locator("#method input").input_value() == "Stepwise · reference"


def test_the_page_is_german_from_its_first_frame_where_that_was_chosen(browser, page_url):
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    page.goto(page_url)
    page.wait_for_selector("#player .unmasked .um-chip", state="attached", timeout=30_000)
    page.keyboard.press("l")
    page.close()
    context.add_init_script(WATCH)
    early = Held(context, page_url)
    early.page.wait_for_selector("#um-early .um-chip")
    assert early.page.locator("#um-early aside").inner_text().startswith("Die Bedienung wird geladen.")
    assert early.page.evaluate(LANG) == "de"
    early.release()
    says(early.page, "de")
    shown = early.page.evaluate("() => [...frames_]")
    assert len(shown) >= 3
    assert [text for text in shown if re.search(r"Watch a diffusion|The controls|Recorded runs|Method \(", text)] == []
    early.watched.clean()
    context.close()


def test_a_report_speaks_german_by_its_button_and_by_its_key_without_a_network(browser, tmp_path):
    report = tmp_path / "report.html"
    report.write_text(to_html(Trace.load(ROOT / "assets" / "traces" / "ssd-apples.json.gz")), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1360, "height": 900}, offline=True)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(f"file://{report}")
    page.wait_for_selector(".unmasked .um-chip", timeout=30_000)
    before = page.evaluate(f"() => {PLAYER}.state()")
    page.locator(".um-language").click()
    assert lenses(page)[:5] == ["Raster", "Gitter", "Prüfbaum", "Maske", "Annahme"]
    assert page.evaluate(LANG) == "de"
    after = page.evaluate(f"() => {PLAYER}.state()")
    assert (after["at"], after["lens"], after["run"]) == (before["at"], before["lens"], before["run"])
    open_lens(page, "Annahme")
    assert "entworfenen Token wurden angenommen" in page.locator(".um-heatmap-sentence").inner_text()
    page.keyboard.press("l")
    assert (
        page.evaluate(LANG) == "en"
        and "drafted tokens were accepted" in page.locator(".um-heatmap-sentence").inner_text()
    )
    assert errors == []
    context.close()


@pytest.mark.parametrize(("width", "theme"), [(1360, "light"), (360, "dark")])
def test_axe_finds_nothing_serious_in_german(watch, page_url, width, theme):
    w = watch(page_url, f"/?lang=de&__theme={theme}")
    page, found = w.page, {}
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(f"() => {PLAYER}.seek(60, {{pos: 40}})")
    found["page"] = violations(page)
    for name in lenses(page)[1:]:
        open_lens(page, name)
        found[name] = violations(page, ".unmasked")
    assert not any(found.values()), found


@pytest.mark.parametrize("run", ["ssd-apples", "code-vowels", "story-fox-fast"])
def test_a_phone_needs_no_scrolling_to_the_side_in_german(watch, page_url, run):
    w = watch(page_url, f"/?lang=de#run=bundled:{run}&lens=grid&step=2")
    page = w.page
    page.set_viewport_size({"width": 360, "height": 800})
    wide = {}
    for name in lenses(page):
        open_lens(page, name)
        wide[name] = page.evaluate("() => document.documentElement.scrollWidth")
    page.keyboard.press("?")
    wide["help"] = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide == {name: 360 for name in wide}
    # The buttons of the transport and the three for language, theme and help share a line.
    tops = page.evaluate(
        "() => [...document.querySelectorAll('.um-spine .um-btn')].map(e => e.getBoundingClientRect().top)"
    )
    assert len(tops) == 8 and len({json.dumps(top) for top in tops}) == 1
