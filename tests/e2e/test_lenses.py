"""A lens may bring a script: it is made when opened, told where the cursor is, asked about clicks, and heard in the
inspector; a sentence stands in its place where there is nothing to draw."""

import json
from dataclasses import replace

import pytest
from serving import ROOT, Bare

from app.stage import PLOTLY
from decoders.trace import Trace
from tests.samples import tiny_trace
from viz.registry import view

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)}"
VIEWS = [
    {"id": "toy", "title": "Toy", "question": "What?", "needs": [], "medium": "script", "order": 60},
    {"id": "late", "title": "Late", "question": "When?", "needs": ["judge"], "medium": "script", "order": 70},
    {"id": "bars", "title": "Bars", "question": "How many?", "needs": [], "medium": "plotly", "order": 30},
]
LENSES = """
window.log = [];
Unmasked.lens("toy", (stage) => {
  log.push("made");
  window.toy = stage;
  return {
    show(payload, cursor) { log.push(["show", payload.n, cursor]); stage.box.textContent = "n is " + payload.n; },
    cursor(cursor) { log.push(["cursor", cursor]); },
    csv: () => [["n"], [1]],
    destroy() { log.push("gone"); },
  };
});
Unmasked.lens("late", (stage) => ({ show() {} }));
Unmasked.lens("bars", (stage) => ({
  adapt(figure, extra) { figure.layout.title = { text: "twice " + extra.n }; return figure; },
  show(extra, cursor) { log.push(["extra", extra.n, cursor.at]); },
  pick(point) { log.push(["pick", point.x]); return point.x === 1; },
}));
Unmasked.lens("alone", (stage) => ({ show(payload, cursor) { stage.box.textContent = "alone at " + cursor.at; } }),
  { title: "Alone", question: "Who?", order: 40 });
Unmasked.tool(({ bar, stage }) => {
  const b = document.createElement("button");
  b.textContent = "which?";
  b.onclick = () => {
    const now = stage.current();
    log.push(["tool", now.view.id, !!(now.lens && now.lens.csv), !!now.plot]);
  };
  bar.append(b);
});
"""
PLOT = "document.querySelector('.um-plot')"
MOUNT = """views => {
  window.asked = [];
  window.p = Unmasked.mount(document.querySelector('.unmasked'), {views, figure: async (ask) => {
    asked.push(ask);
    if (ask.view === 'late') return {payload: {empty: 'Nothing yet.'}};
    if (ask.view === 'toy') return {payload: {n: ask.at}, alt: 'x'};
    const bar = {type: 'bar', x: [1, 2], y: [3, 4], customdata: [[4, 2, null], [8, 3, null]]};
    return {data: [bar], layout: {height: 300}, extra: {n: ask.at}, alt: 'Two bars.'};
  }});
}"""


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_content('<div class="unmasked"></div>')
    page.add_style_tag(path=str(ROOT / "assets" / "player.css"))
    for script in ({"path": str(PLOTLY)}, {"path": str(ROOT / "assets" / "player.js")}, {"content": LENSES}):
        page.add_script_tag(**script)
    page.evaluate(MOUNT, VIEWS)
    page.evaluate("text => p.load(JSON.parse(text), {run: 'x'})", tiny_trace(piece=HOSTILE).to_json())
    yield page
    page.close()


def log(page) -> list:
    out = page.evaluate("() => log.splice(0)")
    return json.loads(json.dumps(out))


def open_toy(page) -> None:
    page.locator(".um-tab", has_text="Toy").click()
    page.wait_for_selector(".um-lens[data-lens=toy]:has-text('n is')")


def inspector(page) -> str:
    return page.locator(".um-inspector").inner_text()


def cell(page):
    return page.evaluate("() => p.state().cell")


def test_lenses_stand_in_their_order_with_those_of_the_browser_between(page):
    names = page.locator(".um-tab > span:last-child").all_inner_texts()
    assert names == ["Grid", "Bars", "Alone", "Toy", "Late"]


def test_a_script_is_made_once_and_shown_the_payload_of_each_step(page):
    assert log(page) == []
    open_toy(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".um-lens[data-lens=toy]:text-is('n is 3')")
    here = {"run": "x", "pos": None, "node": None, "cell": None}
    assert log(page) == [
        "made",
        ["show", 0, {**here, "at": 0, "step": 0, "round": None}],
        ["show", 3, {**here, "at": 3, "step": 1, "round": 0}],
    ]
    page.keyboard.press("k")
    assert log(page) == [["cursor", {**here, "at": 3, "step": 1, "round": 0, "pos": 2}]]
    page.evaluate("() => p.destroy()")
    assert log(page) == ["gone"]


def test_what_a_script_notes_stands_in_the_inspector_as_text_until_the_cursor_moves(page):
    open_toy(page)
    page.evaluate("text => { toy.note('Cell ' + text, ['One.', text]); toy.seek(3, {cell: [1, 2]}) }", HOSTILE)
    assert cell(page) == [1, 2]
    assert f"Cell {HOSTILE}" in inspector(page) and "One." in inspector(page)
    assert page.locator(".um-inspector img").count() == 0
    page.keyboard.press("ArrowRight")
    assert cell(page) is None and "Cell" not in inspector(page)


def test_a_note_on_hover_is_a_preview_and_the_pinned_one_comes_back(page):
    open_toy(page)
    page.evaluate("() => { toy.seek(3, {cell: 'a'}); toy.note('Cell a', ['Pinned.']) }")
    page.evaluate("() => toy.note('Cell b', ['Hovered.'], true)")
    assert "Hovered." in inspector(page) and "Pinned." not in inspector(page)
    assert "preview" in inspector(page)
    page.evaluate("() => toy.note()")
    assert "Pinned." in inspector(page)


def test_escape_unpins_the_cell_first_then_the_position(page):
    open_toy(page)
    page.evaluate("() => { toy.seek(3, {pos: 4, cell: 'a'}); toy.note('Cell a', ['Pinned.']) }")
    page.keyboard.press("Escape")
    assert cell(page) is None and "Pinned." not in inspector(page) and "Position 4" in inspector(page)
    page.keyboard.press("Escape")
    assert page.evaluate("() => p.state().pos") is None


def test_an_empty_payload_is_a_sentence_and_so_is_a_missing_kind_of_event(page):
    page.locator(".um-tab", has_text="Late").click()
    page.wait_for_function("() => document.querySelector('.um-note').innerText === 'Nothing yet.'")
    page.evaluate("text => p.load({...JSON.parse(text), events: []}, {run: 'y'})", tiny_trace().to_json())
    assert "records no verdicts" in page.locator(".um-note").inner_text()


def test_a_plotly_lens_adapts_the_figure_hears_of_it_and_may_answer_a_click(page):
    page.locator(".um-tab", has_text="Bars").click()
    page.wait_for_selector(".um-plot .main-svg")
    page.wait_for_function("() => log.length > 0")
    assert page.evaluate("() => document.querySelector('.um-plot').layout.title.text") == "twice 0"
    assert page.locator(".um-plot").get_attribute("aria-label") == "Two bars."
    assert log(page) == [["extra", 0, 0]]
    click = "x => document.querySelector('.um-plot').emit('plotly_click', {points: [{x, customdata: [8, 3, null]}]})"
    page.evaluate(click, 1)
    assert page.evaluate("() => p.state().at") == 0
    page.evaluate(click, 2)
    assert page.evaluate("() => [p.state().at, p.state().pos]") == [8, 3]


def test_a_lens_of_the_browser_alone_draws_without_asking(page):
    page.locator(".um-tab", has_text="Alone").click()
    page.keyboard.press("End")
    assert page.locator(".um-lens[data-lens=alone]").inner_text() == "alone at 10"
    assert page.evaluate("() => asked") == []


def test_a_tool_learns_what_is_on_screen(page):
    button = page.locator(".um-tools button")
    button.click()
    open_toy(page)
    button.click()
    page.locator(".um-tab", has_text="Bars").click()
    page.wait_for_selector(".um-plot .main-svg")
    button.click()
    assert [entry for entry in log(page) if entry[0] == "tool"] == [
        ["tool", "grid", True, False],
        ["tool", "toy", True, False],
        ["tool", "bars", False, True],
    ]


def test_the_grid_exports_a_row_for_each_position_and_round(page):
    rows = page.evaluate("() => { const s = p.root.unmasked; return s.current().lens.csv() }")
    assert rows[0] == ["round", "position", "state", "token", "text"]
    assert rows[1:3] == [[0, 0, "prompt", 0, "<q>"], [0, 1, "prompt", 1, "hello"]]
    assert [0, 3, "unmasked", 3, HOSTILE] in rows and [1, 4, "rejected", 4, " a"] in rows


def test_a_zoom_survives_twenty_updates_of_a_live_run(browser):
    whole = Trace.load(ROOT / "assets" / "traces" / "stepwise-apples.json.gz")
    bare, stops = Bare(browser, view("confidence")), [0, *(r.stop for r in whole.rounds)]
    page = bare.page

    def stream(n: int) -> None:
        """The events of round `n`, and the figure that they make."""
        bare.trace = replace(whole, events=whole.events[: stops[n]])
        body = json.loads(whole.to_json())
        page.evaluate("([e, v]) => p.push(e, v)", [body["events"][stops[n - 1] : stops[n]], body["vocab"]])
        page.wait_for_function(f"n => {PLOT}?.data?.reduce((sum, trace) => sum + trace.x.length, 0) === n", arg=n)

    page.evaluate("t => { const {events, ...head} = JSON.parse(t); p.begin(head, {run: 'x'}); }", whole.to_json())
    page.locator(".um-tab", has_text="Confidence").click()
    for n in range(1, 6):
        stream(n)
    area = page.locator(".um-plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    before, middle = page.evaluate(f"() => {PLOT}.layout.xaxis.range"), box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    page.wait_for_function(f"before => {PLOT}.layout.xaxis.range[1] < before", arg=before[1])
    zoomed = page.evaluate(
        f"() => {{ window.node = {PLOT}.querySelector('.main-svg'); return {PLOT}.layout.xaxis.range; }}"
    )
    for n in range(6, 26):
        stream(n)
        assert page.evaluate(f"() => {PLOT}.layout.xaxis.range") == zoomed, f"update {n - 5}"
    assert page.evaluate(f"() => {PLOT}.querySelector('.main-svg') === window.node"), "drawn anew, not into the old one"
    bare.close()
