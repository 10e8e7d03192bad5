"""The mask lens on the page: what it draws is what Python says, cell by cell; it is read by pointer and by keyboard."""

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import pytest
from serving import ROOT, Bare, open_lens

from app.drawn import Drawn
from app.masks import masks
from app.store import Store
from decoders.registry import METHODS
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
        shown = info(self.trace, at)
        # The mask before the first step is one of round 0 too, drawn while the run was loading.
        self.page.wait_for_function(
            """([n, before]) => (window.lens = stage.current().lens) && lens.data && lens.data.round === n
              && (lens.data.before || "") === before && !lens.stage.box.hidden""",
            arg=[shown.n, shown.before],
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


# ------------------------------------------------------------ masks of other methods on the prompt
APPLES = ("ssd", "stepwise", "ar", "ssd-mixed", "ssd-tree", "simsd", "s2d2", "wino")
HOST = """() => {
  const host = stage.host, ask = async (f, what) => JSON.parse(await f(what));
  host.masks = async (what) => { const all = await ask(masksOf, what); window.answered = true; return all; };
  host.figures = (what) => ask(figuresOf, what);
}"""


class Story(Lens):
    """The mask lens on the first of `names`, with a host that knows the others."""

    def __init__(self, browser, names=APPLES, width: int = 1200, motion: bool = True):
        super().__init__(browser, VIEW, width=width)
        if not motion:
            self.page.emulate_media(reduced_motion="reduce")
        self.store = Store()
        for name in names:
            trace = replace(Trace.load(ROOT / "assets" / "traces" / f"{name}-apples.json.gz"), provenance="replay")
            self.store.add(trace=trace, name=f"bundled:{name}")
        self.trace = self.of(names[0])
        self.asked = 0
        self.page.expose_function("masksOf", self.masks)
        self.page.expose_function("figuresOf", self.figures)
        self.page.evaluate(HOST)
        text = self.trace.to_json()
        self.page.evaluate("([t, run]) => p.load(JSON.parse(t), {run})", [text, f"bundled:{names[0]}"])
        self.page.locator(".um-tab", has_text="Mask").click()
        self.seek(self.trace.rounds[2].stop)

    def of(self, name: str) -> Trace:
        entry = self.store.get(f"bundled:{name}")
        assert entry is not None
        return entry.trace

    def masks(self, ask: dict) -> str:
        self.listed = masks(self.store, METHODS, Drawn(), ask)["masks"]
        return json.dumps({"masks": self.listed})

    def figures(self, ask: dict) -> str:
        self.asked += ask["run"] != "bundled:ssd"  # the player asks for the rest of its own run meanwhile
        trace = self.of(ask["run"].removeprefix("bundled:"))
        return json.dumps({"figures": [VIEW.answer(trace, at) for at in ask["ats"]]})

    def call(self, kind: str):
        """What Python says of the call that stands for a kind."""
        step = next(step for step in self.listed if step["kind"] == kind)
        return info(self.of(step["run"].removeprefix("bundled:")), step["at"]).calls[step["call"]]

    @property
    def steps(self):
        return self.page.locator(".um-mask-steps .um-mask-entry:not(.um-mask-home)")

    def visit(self, i: int) -> None:
        self.steps.nth(i).click()
        self.settled(i)

    def settled(self, i: int | None) -> None:
        """Until step `i` (None: this run) is shown and nothing moves."""
        self.page.wait_for_function(
            "i => (lens.guest ? lens.known.indexOf(lens.guest) : null) === i && !lens.morph", arg=i
        )

    def table(self) -> list[list]:
        return json.loads(self.page.evaluate("() => JSON.stringify(lens.csv())"))[1:]

    def because(self) -> str:
        return self.page.locator(".um-mask-because").inner_text()


@pytest.fixture
def story(browser, request):
    opened = Story(browser, **getattr(request, "param", {}))
    opened.page.wait_for_selector(".um-mask-steps button")
    yield opened
    opened.close()


KINDS = ["causal", "full", "block", "tree", "temporal", "doubled", "shadows"]


def test_the_masks_of_other_methods_stand_in_one_order_and_are_those_of_real_calls(story):
    assert story.steps.all_inner_texts() == [
        "1. Causal · Autoregressive",
        "2. Full · Stepwise (all open)",
        "3. Block-causal · SSD",
        "4. Tree in rows · SSD (all open)",
        "5. Reference mask · SimSD",
        "6. [data | mask] · S2D2",
        "7. [text | shadows] · WINO",
    ]
    for i, kind in enumerate(KINDS):
        story.visit(i)
        call, rows = story.call(kind), story.table()
        n = len(call.keys)
        assert len(rows) == len(call.line) * n, kind
        for cell, row in enumerate(rows):
            rule = RULES[call.rule_of(cell // n, cell % n, call.fullest)]
            assert row[6:8] == [int(rule.open), rule.title], kind
        assert story.steps.nth(i).get_attribute("aria-pressed") == "true"


def test_each_step_says_whose_mask_it_is_and_why_and_what_changed_in_computed_numbers(story):
    said = []
    for i in range(len(KINDS)):
        story.visit(i)
        said.append(story.because().partition("Against ")[2])
    # 28 x 27 / 2 cells right of the diagonal; then 40 x 40 cells in blocks of 8 lack 10 x 64 behind the blocks.
    assert said[:3] == [
        "the mask of this run: 378 cells close of 784 that both have; 64 queries and 64 keys are not here.",
        "mask 1 (Causal): 378 cells open of 784 that both have; 64 queries and 64 keys are new.",
        "mask 2 (Full): 640 cells close of 1\u2009600 that both have; 52 queries and 52 keys are not here.",
    ]
    # The sentences of SimSD's mask and of S2D2's against it, counted once more from what Python says.
    for i in (4, 5):
        before, call = story.call(KINDS[i - 1]), story.call(KINDS[i])
        opened, closed, both = differences(before, call)
        assert both > 0 and f" of {both} that both have" in said[i].replace("\u2009", "")
        assert re.findall(r"(\d+) cells? (open|close)s?", said[i].replace("\u2009", "")) == [
            (str(n), way) for n, way in ((opened, "open"), (closed, "close")) if n
        ]
    story.visit(4)
    assert story.page.locator(".um-mask-whose").inner_text().split(" · ")[0].replace("\n", "") == (
        "REPLAYSimSD on tiny-sdar, verify call of round 0"
    )
    assert "recorded on CPU x86_64" in story.page.locator(".um-mask-whose").inner_text()
    assert story.because().startswith("One row takes the place of many")
    story.visit(3)
    assert "It runs on another model (tiny-llada) than mask 5 (Reference mask) (tiny-sdar)." in story.because()
    assert story.because().startswith("16 rows of one batch, a branch each") and "all 92 queries" in story.because()


def differences(a, b) -> tuple[int, int, int]:
    """(opened, closed, both) from call `a` to call `b` over cells with the same query and the same key in both."""

    def cells(call) -> dict:
        keys = call.keys_of(call.fullest)
        names, seen = [], Counter()
        for key in keys:
            name = (key.pos, key.group == "copies")
            names.append((*name, seen[name]))
            seen[name] += 1
        return {
            (names[call.cached + q], names[k]): RULES[call.rule_of(q, k)].open
            for q in range(len(call.line))
            for k in range(len(keys))
        }

    before, after = cells(a), cells(b)
    shared = before.keys() & after.keys()
    return (
        sum(after[c] and not before[c] for c in shared),
        sum(before[c] and not after[c] for c in shared),
        len(shared),
    )


def test_arrow_keys_step_through_the_masks_and_leave_the_cursor_of_this_run(story):
    page = story.page
    page.evaluate("() => p.seek(lens.stage.cursor().at, {pos: 30})")
    before = page.evaluate("() => lens.stage.cursor()")
    own = story.table()
    story.steps.first.focus()
    for key, step in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 6),
        ("ArrowRight", 6),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        story.settled(step)
        assert page.evaluate("() => document.activeElement.textContent").startswith(f"{step + 1}. ")
    page.keyboard.press("Escape")
    story.settled(None)
    assert page.evaluate("() => lens.stage.cursor()") == before
    assert story.table() == own and page.locator(".um-mask-whose").is_hidden()


def test_a_mask_that_was_shown_once_is_not_asked_for_again(story):
    story.visit(4)
    asked = story.asked
    for i in (5, 4, 5):
        story.visit(i)
    assert story.asked == asked + 1


def test_a_cell_of_another_run_is_told_and_pins_no_position_of_this_one(story):
    story.visit(4)
    pos = story.page.evaluate("() => lens.stage.cursor().pos")
    story.hover(8, 28)
    call = story.call("temporal")
    assert story.said() == call.sentence(8, 28)
    story.click(8, 28)
    assert story.page.locator(".um-cell .um-inname").inner_text() == "SimSD, may not see: its own answer"
    assert story.page.evaluate("() => lens.stage.cursor().pos") == pos


def test_back_and_a_step_of_this_run_both_end_the_visit(story):
    own = story.table()
    story.visit(1)
    story.page.get_by_role("button", name="Back to this run").click()
    story.settled(None)
    assert story.table() == own
    story.visit(2)
    view = story.trace.rounds[3]
    story.seek(view.stop)
    story.settled(None)
    assert story.table()[0][-1] == info(story.trace, view.stop).calls[0].sentence(0, 0, 4)


def test_what_two_masks_share_moves_and_what_changes_fades(story):
    story.visit(0)
    story.page.evaluate("() => { window.a = lens.scene(); }")
    story.visit(1)
    moved = story.page.evaluate(
        """() => {
          const {Morph} = Unmasked.mask, at = Morph.at;
          const b = lens.scene(), m = new Morph(a, b), row = m.rows.get('5'), late = m.rows.get('60');
          const size = (name) => m.looks.find((l) => l.was + '>' + l.is === name).cells.length / 2;
          const g = lens.canvas.getContext('2d'), dpr = window.devicePixelRatio, all = {};
          g.setTransform(dpr, 0, 0, dpr, 0, 0);
          for (const t of [0, 0.5, 1]) {
            g.clearRect(0, 0, 2000, 2000);
            m.draw(g, t, lens.colours, dpr);
            // Query 5, key 9: closed in the first, open in the second.
            const x = at(m.columns.get('9'), t) + 3, y = at(m.rows.get('5'), t) + 3;
            all[t] = [...g.getImageData(Math.round(x * dpr), Math.round(y * dpr), 1, 1).data];
          }
          const from = [a.top + 5 * a.size, b.top + 5 * b.size];
          return {at0: at(row, 0) - from[0], at1: at(row, 1) - from[1], half: at(row, 0.5) - (from[0] + from[1]) / 2,
            late: late.aAt, opened: size('later>prefix'), stays: size('prefix>prefix'), all};
        }"""
    )
    assert (moved["at0"], moved["at1"], moved["half"], moved["late"]) == (0, 0, 0, None)
    # Cells right of the diagonal open; those left of it stay; all that stands behind the prompt is new.
    assert (moved["opened"], moved["stays"]) == (378, 378)
    assert moved["all"]["0"][:3] == [255, 255, 255] and moved["all"]["1"][:3] == [154, 167, 184]
    assert 154 < moved["all"]["0.5"][0] < 255


def test_what_is_larger_than_the_next_mask_fades_and_is_not_cut_off(story):
    story.visit(1)
    heights = story.page.evaluate(
        """() => {
          const full = lens.canvas.height, step = lens.known[4];
          return lens.payload(step).then(async () => {
            await lens.visit(step);
            return [full, lens.base.height, lens.canvas.height, lens.morph !== null];
          });
        }"""
    )
    assert heights[1] < heights[0] == heights[2] and heights[3]
    story.settled(4)
    assert story.page.evaluate("() => lens.canvas.height === lens.base.height")


def test_where_all_is_open_that_is_said_and_the_masks_with_closed_cells_stand_below(story):
    page, lead = story.page, story.page.locator(".um-mask-lead")
    assert lead.inner_text() == ("Every cell is open here: this model sees the whole canvas. Masks with closed cells:")
    below = page.evaluate("() => document.querySelector('.um-mask-lead').nextElementSibling.className")
    assert below == "um-mask-story"
    assert "8\u2009464 of 8\u2009464 cells open" in page.locator(".um-mask-rule").inner_text()
    assert page.locator(".um-mask-next").is_hidden(), "no call of this run closes a cell"
    story.visit(0)
    assert lead.is_hidden() and page.locator(".um-mask-next").is_visible()
    page.locator(".um-mask-next").click()
    assert story.said() == story.call("causal").sentence(0, 1)


def test_before_the_first_step_the_first_call_is_shown_and_said_to_be_it(lens):
    lens.show(SIMSD, 0)
    lead = lens.page.locator(".um-mask-lead").inner_text()
    assert lead.startswith("Before the first step: this is the first call, of round 0.")
    assert lens.page.locator(".um-mask-rule b").inner_text() == "prefill, nano-sdar"


def test_the_next_closed_cell_is_found_in_this_call_in_another_one_and_in_another_round(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    call, button = check(SIMSD), lens.page.locator(".um-mask-next")
    shut = [(q, k) for q in range(12) for k in range(36) if not RULES[call.rule_of(q, k)].open]
    assert len(shut) == 432 - 368
    for q, k in shut[:3]:
        button.click()
        assert lens.page.evaluate("() => lens.stage.cursor().cell") == {"q": q, "k": k}
        assert lens.said() == call.sentence(q, k)
    lens.page.evaluate("([q, k]) => lens.pin({q, k})", list(shut[-1]))
    lens.page.locator(".um-mask-frame").focus()
    lens.page.keyboard.press("n")
    assert lens.said() == call.sentence(*shut[0]), "after the last one the first"
    # The prefill of two blocks closes cells; a call that drafts in the last block closes none.
    every = info(SIMSD, SIMSD.rounds[0].stop).calls
    whole = next(i for i, c in enumerate(every) if c.open == c.cells)
    lens.page.get_by_label("Call", exact=True).select_option(str(whole))
    assert button.inner_text() == "Next closed cell, in another call"
    button.click()
    shown = lens.page.evaluate("() => lens.call")
    assert shown != whole and every[shown].open < every[shown].cells
    ar = Trace.load(ROOT / "assets" / "traces" / "ar-apples.json.gz")
    lens.show(ar, ar.rounds[4].stop)
    assert button.inner_text() == "Next closed cell, in another round"
    button.click()
    lens.page.wait_for_function("() => lens.data && lens.data.round === 0 && lens.pinned")
    assert lens.page.evaluate("() => lens.stage.cursor().cell") == {"q": 0, "k": 1}
    assert lens.said() == info(ar, ar.rounds[0].stop).calls[0].sentence(0, 1)


def test_in_a_mask_of_tiles_the_next_closed_cell_is_zoomed_to(lens):
    lens.show(make([Round(0, 0), Forward("denoise", MANY + 64)], (2,) * (MANY + 64), 2, attention="causal"), 2)
    lens.page.locator(".um-mask-next").click()
    assert lens.said() == "Query 0 ‘Capital’ may not see key 1 ‘Capital’: it stands to the right; causal."
    assert lens.page.evaluate("() => lens.tiled") is False


@pytest.mark.parametrize("story", [{"motion": False}], indirect=True)
def test_without_motion_the_cells_that_changed_are_outlined_instead(story):
    story.visit(0)
    assert story.page.evaluate("() => [lens.morph, lens.changed.reduce((n, x) => n + x, 0)]") == [None, 378]
    outlined = story.page.evaluate("() => lens.base.toDataURL()")
    story.page.evaluate("() => { lens.changed = null; lens.paint(); }")
    assert story.page.evaluate("() => lens.base.toDataURL()") != outlined


@pytest.mark.parametrize("story", [{"width": 360}], indirect=True)
def test_the_masks_of_other_methods_fit_a_narrow_page(story):
    for i in (3, 6):
        story.visit(i)
        assert story.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_with_no_other_run_of_the_prompt_there_is_nothing_to_compare(browser, lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    assert lens.page.locator(".um-mask-story").is_hidden(), "a host that knows no runs, as in a report"
    alone = Story(browser, names=("simsd",))
    alone.page.wait_for_function("() => window.answered")
    assert [step["kind"] for step in alone.listed] == ["block", "temporal"]
    assert alone.page.locator(".um-mask-story").is_hidden()
    alone.close()


# ------------------------------------------------------------ exported figures
SVG = "{http://www.w3.org/2000/svg}"


def figure(lens) -> ET.Element:
    return ET.fromstring(lens.page.evaluate("() => new XMLSerializer().serializeToString(lens.figure())"))


def test_a_figure_has_one_path_for_each_rule_that_covers_its_cells(lens):
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    size = lens.page.evaluate("() => lens.size")
    call, drawn = check(SIMSD), {}
    for group in figure(lens).iter(SVG + "g"):
        if title := group.get("data-rule"):
            d = group[0].get("d")
            assert group[0].tag == SVG + "path" and d is not None and title not in drawn
            drawn[title] = sum(float(w) for w in re.findall(r"h(\d+(?:\.\d+)?)v", d)) / size
    cells = Counter(RULES[call.rule_of(q, k)].title for q in range(12) for k in range(36))
    assert drawn == cells


def test_the_words_of_a_figure_are_text_with_the_tokens_and_the_legend(lens):
    lens.show(nasty(), 9)
    texts = [t.text for t in figure(lens).iter(SVG + "text")]
    assert any(NASTY.startswith(str(t).removesuffix("…")) and str(t).startswith("<b>") for t in texts)
    shown = lens.page.locator(".um-mask-entry").all_inner_texts()
    assert [t for t in texts if str(t).startswith("may ")] == [" ".join(entry.split()) for entry in shown]
    assert {e.tag.removeprefix(SVG) for e in figure(lens).iter()} <= {"svg", "g", "rect", "path", "text"}


def test_a_mask_too_large_for_vectors_is_a_picture_and_its_caption_says_so(lens):
    wino = Trace.load(ROOT / "assets" / "traces" / "wino-apples.json.gz")
    lens.show(wino, wino.rounds[0].stop)
    assert lens.page.evaluate("() => [lens.figure().tagName, lens.about().note]") == [
        "CANVAS",
        "The cells are a picture, because there are more than 96 rows or columns.",
    ]
    lens.show(SIMSD, SIMSD.rounds[0].stop)
    assert lens.page.evaluate("() => [lens.figure().tagName, lens.about().note]") == ["svg", ""]


def test_on_the_page_a_figure_of_another_runs_mask_has_that_runs_caption(watch, page_url):
    w = watch(page_url)
    w.page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(60)")  # there are no calls before
    open_lens(w.page, "Mask")
    w.page.locator(".um-mask-steps button", has_text="SimSD").click()
    w.page.locator(".um-mask-whose", has_text="SimSD on tiny-sdar").wait_for()
    w.page.locator(".um-exportbtn").click()
    with w.page.expect_download(timeout=30_000) as download:
        w.page.locator(".um-item[data-as=svg]").click()
    assert download.value.suggested_filename == "simsd-tiny-sdar-mask-temporal.svg"
    words = " ".join(t.text or "" for t in ET.fromstring(download.value.path().read_bytes()).iter(SVG + "text"))
    assert "SimSD · Mask" in words and "verify call of round 0" in words
    assert "on target tiny-sdar + draft nano-sdar" in words
    w.clean()
