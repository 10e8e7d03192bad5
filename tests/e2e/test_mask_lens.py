"""The mask lens on the page: what it draws is what Python says, cell by cell; it is read by pointer and by keyboard."""

import json
from dataclasses import replace

import pytest
from serving import ROOT, Bare

from decoders.trace import Forward, Round, Trace
from tests.views.view_samples import NASTY, make, nasty, ssd
from viz.views.mask import MANY, RULES, VIEW, info

TRACES = sorted((ROOT / "assets" / "traces").glob("*.json.gz"))
SIMSD = Trace.load(ROOT / "assets" / "traces" / "simsd-apples.json.gz")


class Lens(Bare):
    """The mask lens; on the page `lens` is what its script made."""

    def show(self, trace: Trace, at: int) -> None:
        self.page.evaluate("() => { if (window.lens) lens.data = null; }")
        self.load(trace)
        self.page.locator(".um-tab", has_text="Mask").click()
        self.seek(at)

    def seek(self, at: int) -> None:
        self.page.evaluate("at => p.seek(at)", at)
        n = info(self.trace, at).n
        self.page.wait_for_function(
            "n => (window.lens = stage.current().lens) && lens.data && lens.data.round === n && !lens.stage.box.hidden",
            arg=n,
        )
        self.page.wait_for_selector(".um-mask-canvas")

    def cell(self, q: int | None, k: int | None) -> dict:
        """Where a cell, or the name of a row or a column, is on the canvas."""
        return self.page.evaluate(
            """([q, k]) => { const l = lens, v = l.view;
              return {x: k === null ? l.left - 40 : l.left + (k - v.k + .5) * l.size,
                      y: q === null ? l.top - 40 : l.top + (q - v.q + .5) * l.size}; }""",
            [q, k],
        )

    def hover(self, q, k):
        self.page.locator(".um-mask-canvas").hover(position=self.cell(q, k))

    def click(self, q, k):
        self.page.locator(".um-mask-canvas").click(position=self.cell(q, k))

    def said(self) -> str:
        return self.page.locator(".um-mask-said").inner_text()

    def entry(self, title: str):
        return self.page.locator(".um-mask-entry", has_text=title)


@pytest.fixture
def lens(browser, request):
    opened = Lens(browser, VIEW, width=getattr(request, "param", 1200))
    yield opened
    opened.close()


def check(trace: Trace):
    """The first round's call that checks, in the run of SimSD: 12 queries, 36 keys, 24 of them cached."""
    shown = info(trace, trace.rounds[0].stop)
    return shown.calls[shown.first]


def test_every_cell_of_every_bundled_run_says_what_python_says(lens):
    for path in TRACES:
        trace = Trace.load(path)
        # The last rounds of some runs fill in what is left and call nobody.
        view = next(r for r in trace.rounds[len(trace.rounds) // 2 :: -1] if r.of(Forward))
        lens.show(trace, view.stop)
        shown = info(trace, view.stop)
        call = shown.calls[shown.first]
        rows = json.loads(lens.page.evaluate("() => JSON.stringify(lens.csv())"))[1:]
        assert len(rows) == len(call.line) * len(call.keys), path.name
        for i, row in enumerate(rows):
            q, k = divmod(i, len(call.keys))
            rule = RULES[call.rule_of(q, k, call.fullest)]
            assert row[6:] == [int(rule.open), rule.title, call.sentence(q, k, call.fullest)], path.name


def test_a_cell_previews_its_rule_and_a_click_pins_it_in_the_inspector(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    call = check(SIMSD)
    lens.hover(8, 31)
    assert lens.said() == (
        "Query 28 ‘⟨mask⟩’ (mask copy) (position drafted in step 2) may see key 31 ‘·= ’ (draft): drafted in step 1, "
        "so it lay there by then."
    )
    lens.click(8, 28)
    assert lens.page.locator(".um-cell .um-inname").inner_text() == "may not see: its own answer"
    assert call.sentence(8, 28) in lens.page.locator(".um-cell").inner_text()
    cursor = lens.page.evaluate("() => lens.stage.cursor()")
    assert (cursor["pos"], cursor["cell"]) == (28, {"q": 8, "k": 28})
    # Another round: what was said about this one is gone.
    lens.seek(SIMSD.rounds[1].stop)
    assert lens.page.locator(".um-cell").count() == 0 and lens.said().startswith("Point at a cell")


def test_rows_and_columns_are_counted(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    lens.click(9, None)
    assert lens.said() == (
        "Query 29 ‘⟨mask⟩’ (mask copy) sees 32 of 36 keys: 1 itself, 28 prompt, 2 drafted by then, 1 still masked then."
    )
    lens.click(None, 31)
    assert lens.said() == ("Key 31 ‘·= ’ (draft) is read by 7 of 12 queries: 1 itself, 6 drafted by then.")
    assert lens.page.evaluate("() => lens.stage.cursor().pos") == 31


def test_the_keyboard_reaches_every_cell_and_leaves_the_step_alone(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    at = lens.page.evaluate("() => lens.stage.cursor().at")
    lens.page.locator(".um-mask-frame").focus()
    for key in ("End", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        lens.page.keyboard.press(key)
    call = check(SIMSD)
    assert lens.page.locator(".um-mask .um-aloud").inner_text() == call.sentence(1, 33)
    lens.page.keyboard.press("Enter")
    assert lens.page.evaluate("() => [lens.stage.cursor().at, lens.stage.cursor().cell]") == [at, {"q": 1, "k": 33}]
    lens.page.keyboard.press("c")
    assert lens.said().startswith("Key 29 ‘⟨mask⟩’ (mask copy) is read by")


def test_the_legend_counts_and_shows_one_rule_alone(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    assert lens.page.locator(".um-mask-entry").all_inner_texts()[2].split() == "may see drafted by then 12".split()
    before = lens.page.evaluate("() => lens.base.toDataURL()")
    lens.entry("drafted by then").click()
    assert lens.entry("drafted by then").get_attribute("aria-pressed") == "true"
    assert lens.page.evaluate("() => lens.base.toDataURL()") != before
    lens.entry("drafted by then").click()
    assert lens.page.evaluate("() => lens.base.toDataURL()") == before


def test_what_another_rule_would_do_is_outlined_and_counted(lens):
    lens.show(ssd(), 9)
    against = lens.page.get_by_label("Outline against")
    against.select_option("causal")
    # 10 queries, 10 keys, all open: a causal model would close the 45 above the diagonal.
    assert lens.page.locator(".um-mask-note").inner_text() == "45 of 100 cells would differ."
    against.select_option("full")
    assert lens.page.locator(".um-mask-note").inner_text() == "No cell would differ."


def test_calls_and_rows_of_a_batch_are_chosen_and_the_choice_outlives_the_round(lens):
    old = replace(SIMSD, attentions={})  # a file from before the rule of a second model was recorded
    lens.show(old, old.rounds[0].stop)
    picker = lens.page.get_by_label("Call", exact=True)
    assert picker.input_value() == "6"
    picker.select_option(label="3. draft, nano-sdar")
    assert "The trace does not say by which rule nano-sdar attends" in lens.page.locator(".um-mask-doubt").inner_text()
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    picker.select_option(label="3. draft, nano-sdar")
    assert lens.page.locator(".um-mask-doubt").is_hidden()
    lens.seek(SIMSD.rounds[1].stop)
    assert "draft, nano-sdar" in lens.page.locator(".um-mask-rule").inner_text()
    lens.show(ssd(), 9)
    rows = lens.page.get_by_label("Row of the batch")
    assert rows.locator("option").all_inner_texts()[4] == "row 4: the canvas and 4 drafts"
    assert rows.input_value() == "4"
    assert "they never see each other" in lens.page.locator(".um-mask-doubt").inner_text()
    assert lens.entry("draft of this row").inner_text().split()[-1] == "36"
    rows.select_option("0")
    assert lens.entry("draft of this row").count() == 0


def test_markup_in_tokens_stays_text(lens):
    lens.show(nasty(), 9)
    lens.hover(0, 3)
    assert f"‘{NASTY}’" in lens.said()
    assert lens.page.locator(".um-mask b").all_inner_texts() == ["verify, model"]


def test_a_mask_of_more_than_256_keys_is_tiles_that_zoom_in(lens):
    trace = make([Round(0, 0), Forward("denoise", MANY + 64)], (2,) * (MANY + 64), 2, attention="causal")
    lens.show(trace, 2)
    assert (
        lens.said() == "320 keys are too many to draw one by one: a tile is 5 by 5 cells. Click one to see its cells."
    )
    back = lens.page.get_by_role("button", name="All tiles")
    assert not back.is_visible()
    lens.hover(30, 30)
    assert lens.said() == "Queries 150 to 154, keys 150 to 154: 15 of 25 cells open."
    lens.click(30, 30)
    lens.hover(152, 151)
    assert lens.said() == "Query 152 ‘Capital’ may see key 151 ‘Capital’: it stands to the left; causal."
    back.click()
    assert not back.is_visible()


@pytest.mark.parametrize("lens", [360], indirect=True)
def test_a_narrow_page_scrolls_the_matrix_and_not_itself(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    frame = lens.page.locator(".um-mask-frame")
    assert frame.evaluate("e => e.scrollWidth > e.clientWidth")
    assert lens.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    frame.focus()
    lens.page.keyboard.press("End")
    assert frame.evaluate("e => e.scrollLeft") > 0


def test_a_node_that_is_pinned_brings_the_row_of_the_batch_that_evaluates_it(lens):
    trace = Trace.load(next(path for path in TRACES if path.name.startswith("ssd-apples")))
    view = trace.rounds[2]
    lens.show(trace, view.stop)
    for node in (1, 0):
        lens.page.evaluate("([at, node]) => p.seek(at, {node})", [view.stop, node])
        lens.page.wait_for_function("row => lens.lane === row", arg=node + 1)
        assert lens.page.locator(".um-mask-pick select").nth(-2).input_value() == str(node + 1)
