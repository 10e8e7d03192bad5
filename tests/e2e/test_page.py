"""A visitor's journey in a real browser: first paint, run, scrub, ask, stop, hostile input, files, phone."""

import base64
import json

import pytest
from serving import choose

from decoders.models import catalogue
from decoders.trace import Trace
from tests.samples import tiny_trace

needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
HOSTILE = "${alert(1)} {{x}} <img src=x onerror=alert(1)> ` \\"


STATE = "document.querySelector('.unmasked').unmasked.state()"


def status(page) -> str:
    return page.locator(".um-status").inner_text()


def focus_player(page) -> None:
    page.locator(".unmasked").evaluate("e => e.querySelector('.um-text').focus()")


def open_file(page, path) -> None:
    page.locator("input[type=file]").first.set_input_files(str(path))


def state(page) -> dict:
    return page.evaluate("() => document.querySelector('.unmasked').unmasked.state()")


def test_the_first_paint_is_a_recorded_trace_and_no_model_is_loaded(watch, page_url):
    w = watch(page_url)
    assert "REPLAY" in w.page.locator(".um-prov").inner_text()
    assert state(w.page)["steps"] > 3
    # Not at its start: at the first round that accepted and rejected something.
    assert "accepted" in status(w.page) and "rejected" in status(w.page)
    w.clean()


def test_changed_controls_are_told_beside_the_title_until_they_are_back_or_a_run_is_picked(watch, page_url):
    w = watch(page_url)
    page, note = w.page, w.page.locator(".um-stale")
    prompt = page.locator("#prompt textarea")
    was = prompt.input_value()
    prompt.fill(was + " Please.")
    note.get_by_text("The controls have changed since: press Run.").wait_for()
    prompt.fill(was)
    page.wait_for_function("() => document.querySelector('.um-stale').textContent === ''")
    choose(page, "#method", "FreeDave")
    note.get_by_text("press Run").wait_for()
    choose(page, "#shelf", "Stepwise: Tom has")
    page.wait_for_function("() => document.querySelector('.um-stale').textContent === ''", timeout=20_000)
    w.clean()


def test_what_help_offers_to_try_first_is_done(watch, page_url):
    w = watch(page_url)
    page = w.page
    seen = []
    for i in range(5):
        focus_player(page)
        page.keyboard.press("?")
        page.wait_for_function("() => document.querySelectorAll('.um-try:not([hidden])').length === 5", timeout=20_000)
        page.locator(".um-try").nth(i).click()
        if i < 4:
            run, lens = [("ssd", "heatmap"), ("ssd", "mask"), ("code-vowels", "lattice"), ("story-fox-fast", "race")][i]
            page.wait_for_function(
                f"() => {STATE}.run?.startsWith('bundled:{run}') && {STATE}.lens === '{lens}'", timeout=20_000
            )
        seen.append(page.locator(".um-help").is_hidden())
    assert seen == [True] * 5
    assert page.locator(".um-menu").is_visible()
    w.clean()


def test_a_lattice_without_a_search_leads_to_the_round_in_which_one_was_right(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator(".um-tab", has_text="Lattice").click()
    offer = page.get_by_role("button", name="A round in which a causal-consistency path was right")
    offer.click()
    page.wait_for_selector(".um-lattice-sentence:has-text('at 37 ‘⟨eos⟩’ instead of ‘\"’ (accepted)')", timeout=20_000)
    shown = page.evaluate(f"() => [{STATE}.run, {STATE}.lens, {STATE}.round, {STATE}.pos]")
    assert shown == ["bundled:code-vowels", "lattice", 1, 37]
    # The column is in sight.
    page.wait_for_function(
        """() => { const [a, b] = [".um-lattice-scroll", ".um-lattice-here"].map(
          (q) => document.querySelector(q).getBoundingClientRect());
          return b.left >= a.left && b.right <= a.right; }"""
    )
    assert not offer.is_visible()
    # Of the other run with paths none was right.
    choose(page, "#shelf", "DiffuSpec (CPS, a causal-consistency path): Tom")
    page.wait_for_function(f"() => {STATE}.run === 'bundled:diffuspec-apples'", timeout=20_000)
    offer.wait_for()
    w.clean()


def test_typing_in_the_list_of_recorded_runs_looks_for_one(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator("#shelf input").click()
    page.keyboard.type("CPS")
    page.wait_for_function("() => document.querySelectorAll('li[role=option]').length === 2", timeout=20_000)
    assert all("CPS" in name for name in page.locator("li[role=option]").all_inner_texts())
    w.clean()


def test_the_tree_is_drawn_anew_at_each_of_ten_steps(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator(".um-tab", has_text="Verification tree").click()
    page.keyboard.press("Home")
    page.wait_for_function(f"() => {STATE}.lacking === 0", timeout=60_000)
    for _ in range(10):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f".um-tree-svg[aria-label='Verification tree of round {state(page)['round']}']")
    assert state(page)["step"] == 10
    w.clean()


@needs_weights
def test_a_visitor_runs_ssd_scrubs_clicks_a_cell_and_the_inspector_answers(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator("#prompt textarea").fill("What is the capital of Italy?")
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelector('.um-prov').innerText.includes('MEASURED')", timeout=60_000)
    page.wait_for_function("() => /identical/i.test(document.querySelector('.um-badge').innerText)", timeout=60_000)
    # It is none of the recorded ones.
    assert page.locator("#shelf input").input_value() == ""
    focus_player(page)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "of" in status(page)
    canvas = page.locator(".um-canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.6, "y": box["height"] * 0.3})
    pos = state(page)["pos"]
    assert pos is not None
    assert str(pos) in page.locator(".um-inspector").inner_text()
    w.clean()


@needs_weights
def test_another_model_brings_the_block_size_it_was_trained_for_and_decodes(watch, page_url):
    w = watch(page_url)
    page = w.page
    block = page.locator("#knob-ssd-block input[type=number]")
    assert block.input_value() == "32"
    choose(page, "#model", "tiny-sdar")
    page.wait_for_function("() => document.querySelector('#knob-ssd-block input[type=number]').value === '8'")
    page.locator("#prompt textarea").fill("What is the capital of Italy?")
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelector('.um-prov').innerText.includes('MEASURED')", timeout=60_000)
    page.wait_for_function("() => /identical/i.test(document.querySelector('.um-badge').innerText)", timeout=60_000)
    w.clean()


def test_the_tree_and_the_heatmap_open_and_plotly_keeps_its_zoom(watch, page_url):
    w = watch(page_url)
    page = w.page
    focus_player(page)
    page.keyboard.press("End")
    for name, drawn in (
        ("Verification tree", ".um-tree-svg circle"),
        ("Accept/reject", ".um-heatmap-svg rect"),
        ("Confidence", ".um-plot .main-svg"),
    ):
        page.locator(".um-tab", has_text=name).click()
        page.wait_for_selector(drawn, timeout=30_000)
    page.wait_for_timeout(800)
    whole = page.evaluate("() => document.querySelector('.um-plot').layout.xaxis.range")
    area = page.locator(".um-plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    zoomed = page.evaluate("() => document.querySelector('.um-plot').layout.xaxis.range")
    assert zoomed[1] - zoomed[0] < 0.6 * (whole[1] - whole[0])
    for _ in range(3):
        page.locator(".um-transport button").nth(1).click()
    page.wait_for_timeout(1200)
    assert page.evaluate("() => document.querySelector('.um-plot').layout.xaxis.range") == zoomed
    w.clean()


@needs_weights
def test_hostile_text_in_prompt_and_trace_is_shown_literally(watch, page_url, tmp_path):
    w = watch(page_url)
    page = w.page
    page.locator("#prompt textarea").fill(HOSTILE)
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelector('.um-prov').innerText.includes('MEASURED')", timeout=60_000)
    open_file(page, tiny_trace(piece=HOSTILE, prompt=HOSTILE).save(tmp_path / "hostile.json.gz"))
    page.wait_for_function("() => document.querySelector('.um-prov').innerText.includes('REPLAY')", timeout=30_000)
    focus_player(page)
    page.keyboard.press("End")
    assert HOSTILE in page.locator(".um-text").inner_text().replace("\u00b7", " ")
    for tab in page.locator(".um-tab").all():
        tab.click()
        page.wait_for_timeout(500)
    assert page.locator(".unmasked img").count() == 0
    w.clean()


def test_the_method_menu_is_short_and_works_from_the_keyboard(watch, page_url):
    w = watch(page_url)
    page = w.page
    assert page.locator("#method").bounding_box()["height"] < 110  # two lines of text, however many methods there are
    menu, before = page.locator("#method input"), page.locator("#about").inner_text()
    menu.focus()
    names = [option.get_attribute("aria-label") for option in page.locator("#method [role=option]").all()]
    following = names[names.index("SSD · diffusion") + 1]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => document.querySelector('#about').innerText.trim() !== before.trim()", arg=before, timeout=20_000
    )
    assert menu.input_value() == following
    w.clean()


@needs_weights
def test_stop_keeps_the_page_usable_and_the_next_run_starts(watch, page_url):
    w = watch(page_url)
    page = w.page
    choose(page, "#method", "Stepwise")
    page.locator("#prompt textarea").fill("Tell me a short story about a fox.")
    page.wait_for_timeout(500)
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelector('.um-prov').innerText.includes('MEASURED')", timeout=60_000)
    page.locator("#stop").click()
    page.wait_for_timeout(1500)
    page.locator("#prompt textarea").fill("What is the capital of Spain?")
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelector('.um-text').textContent.includes('Spain')", timeout=60_000)
    w.clean()


def test_a_bad_file_gets_a_sentence_with_the_field_and_the_page_goes_on(watch, page_url, tmp_path):
    w = watch(page_url)
    page = w.page
    bad = json.loads(tiny_trace().to_json())
    bad["events"][6]["verdicts"][0][2] = 1.7
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    shown = page.locator(".um-text").inner_text()
    open_file(page, path)
    page.wait_for_selector("text=events[6].verdicts[0][2] = 1.7: must be between 0 and 1.", timeout=20_000)
    assert page.locator(".um-text").inner_text() == shown
    focus_player(page)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert state(page)["step"] >= 1
    w.clean()


def test_an_empty_prompt_is_refused_in_a_sentence_and_nothing_is_lost(watch, page_url):
    w = watch(page_url)
    page = w.page
    shown = page.locator(".um-text").inner_text()
    page.locator("#prompt textarea").fill("   ")
    page.locator("#run").click()
    page.wait_for_selector("text=The prompt is empty", timeout=20_000)
    assert page.locator(".um-text").inner_text() == shown
    w.clean()


@needs_weights
def test_two_visitors_never_see_each_others_tokens(watch, page_url):
    one, two = watch(page_url), watch(page_url)
    for w, place in ((one, "Japan"), (two, "Egypt")):
        w.page.locator("#prompt textarea").fill(f"What is the capital of {place}?")
        w.page.locator("#run").click()
    for w, mine, other in ((one, "Japan", "Egypt"), (two, "Egypt", "Japan")):
        w.page.wait_for_function(
            f"() => document.querySelector('.um-text').textContent.includes('{mine}')", timeout=90_000
        )
        assert other not in w.page.locator(".um-text").text_content()
        w.clean()


def test_the_saved_file_is_the_trace_on_screen(watch, page_url, tmp_path):
    w = watch(page_url)
    with w.page.expect_download(timeout=20_000) as download:
        w.page.locator("#save").click()
    path = tmp_path / "saved.json.gz"
    download.value.save_as(path)
    assert Trace.load(path).text == state(w.page)["text"] or Trace.load(path).method == "ssd"


def test_the_address_follows_the_reader_and_brings_a_fresh_browser_to_the_same_place(watch, page_url):
    w = watch(page_url)
    page = w.page
    assert page.evaluate("() => location.hash") == ""
    choose(page, "#shelf", "Stepwise: Tom has")
    page.wait_for_function(f"() => {STATE}.run.includes('stepwise')", timeout=20_000)
    page.locator(".um-tab", has_text="Confidence").click()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(" + f"{STATE}.at, {{pos: 34}})")
    page.wait_for_function("() => location.hash.endsWith('&pos=34')")
    assert page.evaluate("() => location.hash") == "#run=bundled:stepwise-apples&lens=confidence&step=4&pos=34"
    before = state(page)
    fresh = watch(page_url, "/" + page.evaluate("() => location.hash"))
    fresh.page.wait_for_function(f"() => {STATE}.run === 'bundled:stepwise-apples'", timeout=20_000)
    fresh.page.wait_for_selector(".um-plot .main-svg", timeout=30_000)
    after = state(fresh.page)
    assert all(after[key] == before[key] for key in ("run", "lens", "step", "at", "pos", "status"))
    fresh.page.wait_for_function("() => document.querySelector('#shelf input').value.startsWith('Stepwise')")
    # The run that the page opens with can still be chosen.
    fresh.page.locator("#shelf input").click()
    fresh.page.get_by_role("option", name="SSD: Tom has").first.click()
    fresh.page.wait_for_function(f"() => {STATE}.run.startsWith('bundled:ssd')", timeout=20_000)
    fresh.clean()
    w.clean()


@pytest.mark.parametrize(
    ("hash", "parts"),
    [
        ("#run=bundled:nothing&step=3", "left out: run"),
        ("#run=bundled:ssd-apples&lens=<b>x</b>&step=999999&pos=-4", "left out: view, step, position"),
        ("#c=%00", "left out: settings"),
    ],
)
def test_an_address_that_is_not_understood_gets_one_sentence_and_the_page_works(watch, page_url, hash, parts):
    w = watch(page_url, "/" + hash)
    w.page.wait_for_selector(f"text={parts}", timeout=20_000)
    assert w.page.locator("text=left out:").count() == 1
    assert state(w.page)["run"].startswith("bundled:ssd")
    focus_player(w.page)
    w.page.keyboard.press("Home")
    w.page.keyboard.press("ArrowRight")
    assert state(w.page)["step"] == 1
    w.clean()


def test_an_address_with_settings_fills_in_the_controls(watch, page_url):
    settings = {
        "method": "s2d2",
        "models": {"model": "tiny-sdar"},
        "prompt": HOSTILE,
        "seed": 7,
        "knobs": {"max_new": 32, "block": 4},
    }
    code = base64.urlsafe_b64encode(json.dumps(settings).encode()).decode().rstrip("=")
    w = watch(page_url, f"/#c={code}")
    page = w.page
    page.wait_for_function("() => document.querySelector('#method input').value.startsWith('S2D2')", timeout=20_000)
    page.wait_for_function("() => document.querySelector('#model input').value.includes('sdar')", timeout=20_000)
    page.wait_for_timeout(1500)  # another model would bring its own block size
    assert page.locator("#prompt textarea").input_value() == HOSTILE
    assert page.locator("#seed input").input_value() == "7"
    assert page.locator("#knob-s2d2-max_new input[type=number]").input_value() == "32"
    assert page.locator("#knob-s2d2-block input[type=number]").input_value() == "4"
    w.clean()


def test_a_recorded_run_that_is_chosen_brings_its_settings_and_the_next_one_too(watch, page_url):
    w = watch(page_url)
    page = w.page
    for typed, method, prompt, threshold in (
        ("differs from stepwise at 14", "Confidence threshold", "Tell me a short story about a fox.", "0.5"),
        ("CPS", "DiffuSpec", "Write a function that counts the vowels", None),
    ):
        page.locator("#shelf input").click()
        page.locator("#shelf input").fill(typed)
        page.keyboard.press("Enter")
        page.wait_for_function("m => document.querySelector('#method input').value.startsWith(m)", arg=method)
        page.wait_for_function("p => document.querySelector('#prompt textarea').value.startsWith(p)", arg=prompt)
        if threshold:
            knob = page.locator("#knob-threshold-threshold input[type=number]")
            page.wait_for_function("([e, v]) => e.value === v", arg=[knob.element_handle(), threshold])
    assert page.locator("#draft input").input_value().startswith("tiny-llada")
    w.clean()
