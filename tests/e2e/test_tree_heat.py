"""The tree shows a round in three beats and leads from a node to its row and to the grid; the heatmap counts what
Python counts, for all rounds and for those that are chosen, by mouse and by keyboard."""

import json
from dataclasses import replace

import pytest
from serving import ROOT, Bare

from decoders.run import run
from decoders.trace import Commit, Edit, Finish, Judge, Node, Propose, Round, Trace, Verdict
from tests.toys import hashed
from tests.views.view_samples import NASTY, mixed, nasty, routed, ssd, tree, wide
from viz.registry import views
from viz.views import heatmap
from viz.views import tree as tree_view

NAMES = sorted(path.name.removesuffix(".json.gz") for path in (ROOT / "assets" / "traces").glob("*.json.gz"))
SHOWN = {view.id: view for view in views()}
LOOK = """() => {
  const out = Unmasked.heatmap.table(stage.model()), all = Unmasked.heatmap.count(out, false);
  return {
    rounds: out.map((r) => r.n), skipped: out.map((r) => r.skipped.length), extra: out.map((r) => r.extra.length),
    reached: [...all.reached], accepted: [...all.accepted], histogram: all.histogram,
    rate: all.rate, chance: all.chance,
  };
}"""
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('.um-tree-svg .um-tree-name')].map((t) => [t.textContent, t.getBBox()]);
  const over = (a, b, at, size) => a[at] < b[at] + b[size] && b[at] < a[at] + a[size];
  const hit = (a, b) => over(a[1], b[1], 'x', 'width') && over(a[1], b[1], 'y', 'height');
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => hit(a, b)).map((b) => [a[0], b[0]]));
}"""


def load(name: str) -> Trace:
    return Trace.load(ROOT / "assets" / "traces" / f"{name}.json.gz")


class Lens(Bare):
    """A run in one of the two lenses."""

    def show(self, view: str, trace: Trace, at: int | None = None):
        self.load(trace)
        self.page.evaluate("([v, at]) => { p.open(v); p.seek(at) }", [view, len(trace.events) if at is None else at])
        self.page.wait_for_function(
            f"() => document.querySelector('.um-{view}-scroll > svg')?.childElementCount > 2", timeout=5_000
        )
        self.page.wait_for_timeout(120)
        return self.page


@pytest.fixture
def lens(browser):
    opened = Lens(browser, SHOWN["tree"], SHOWN["heatmap"])
    yield opened
    opened.close()


def text(page, selector: str) -> str:
    return page.locator(selector).first.text_content()


# ------------------------------------------------------------------------------------------------ tree
def test_space_goes_through_draft_one_forward_pass_and_verdicts(lens):
    page = lens.show("tree", ssd(), 9)
    page.evaluate("() => p.restore({unit: 'beat', lens: 'tree', step: '2'})")
    told = []
    for _ in range(3):
        page.wait_for_timeout(150)
        state = page.evaluate("() => p.state().at")
        now = page.locator(".um-tree-beat[aria-current='step']").inner_text()
        svg = page.locator(".um-tree-svg").get_attribute("class").split()[1:]
        told.append((state, now, svg, page.locator(".um-tree-node.um-tree-drafted:not(.um-tree-legend *)").count()))
        page.locator(".um-transport button").nth(3).click()
    assert [t[:3] for t in told] == [
        (5, "1 draft", ["um-tree-proposed"]),
        (6, "2 one forward pass", ["um-tree-read"]),
        (7, "3 verdicts", []),
    ]
    assert told[0][3] and told[1][3] and not told[2][3]


def test_a_beat_is_a_button_that_goes_there(lens):
    page = lens.show("tree", ssd(), 9)
    page.get_by_role("button", name="2 one forward pass").click()
    page.wait_for_selector(".um-tree-sentence:has-text('Beat 2 of 3')")
    assert page.evaluate("() => p.state().at") == 6
    assert "2 calls so far (+1)" in text(page, ".um-tree-beats")
    assert page.locator(".um-tree-lit").count() == 5


def node(page, id_: int):
    return page.locator(f".um-tree-svg .um-tree-node[data-id='{id_}']")


def test_a_node_says_its_numbers_lights_its_row_and_leads_to_the_grid(lens):
    page = lens.show("tree", ssd(), 9)
    node(page, 2).locator(".um-tree-dot").click()
    said = page.locator(".um-inspector").inner_text()
    for line in (
        "Rejected: the row above fills position 6 with ‘·the’ first (q = 0.60, p = 0.30).",
        "p of the drafter: 0.60; p of the verifier: 0.30.",
        "Rank 2 for the row that judged it.",
    ):
        assert line in said
    assert page.locator(".um-tree-here").get_attribute("data-row") == "3"
    state = page.evaluate("() => p.state()")
    assert (state["node"], state["pos"]) == (2, 5)
    assert page.get_by_role("button", name="Its row in the mask").count() == 0, "there is no mask lens on this page"
    page.get_by_role("button", name="What stands there instead").click()
    assert page.evaluate("() => [p.state().at, p.state().pos]") == [9, 6]
    node(page, 2).locator(".um-tree-dot").click()
    page.get_by_role("button", name="In the grid").click()
    assert page.evaluate("() => [p.state().lens, p.state().pos]") == ["grid", 5]


def test_the_tree_is_walked_by_keyboard(lens):
    page = lens.show("tree", mixed(), 8)
    node(page, -1).focus()
    here = "() => Number(document.activeElement.dataset.id)"
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        seen.append(page.evaluate(here))
    assert seen[:3] == [0, 1, 0] and page.evaluate("() => p.state().at") == 8
    page.keyboard.press("Enter")
    assert page.evaluate("() => p.state().node") == seen[3]


def test_the_batch_is_shown_as_sent_and_can_be_folded_away(lens):
    page = lens.show("tree", ssd(), 9)
    assert text(page, ".um-tree-head .um-faint") == "5 rows × 10 positions = 50 positions processed for 3 tokens"
    assert page.locator(".um-tree-batch [data-row]").count() == 5
    toggle = page.get_by_role("button", name="The batch as sent")
    toggle.press("Enter")
    assert page.locator(".um-tree-batch [data-row]").count() == 0
    assert page.evaluate("() => document.activeElement.getAttribute('aria-expanded')") == "false"


def test_a_packed_row_has_its_masks_below_the_drafts_they_check(lens):
    page = lens.show("tree", load("simsd-apples"), load("simsd-apples").rounds[0].stop)
    assert "ONE row of 12 tokens, 4 known | 4 drafts | 4 masks" in text(page, ".um-tree-packed")
    marks = page.evaluate(
        "() => [...document.querySelectorAll('.um-tree-packed .um-tree-glyph')].map(t => [t.textContent, t.getBBox()])"
        ".map(([t, b]) => [t, Math.round(b.x + b.width / 2), b.y])"
    )
    drafts, masks = [m for m in marks if m[0] != "▢"][-4:], [m for m in marks if m[0] == "▢"]
    assert len(masks) == 4 and sorted(m[1] for m in masks) == sorted(d[1] for d in drafts)
    assert min(m[2] for m in masks) > max(d[2] for d in drafts)


def test_a_route_is_a_diamond_before_the_row_and_skipping_is_an_outcome(lens):
    page = lens.show("tree", routed(), 4)
    assert text(page, ".um-tree-route .um-tree-name") == "verify? no: score 0.50 < 1 · verify skipped"
    assert text(page, ".um-tree-route .um-tree-glyph") == "»"
    page = lens.show("tree", routed(), 13)
    assert text(page, ".um-tree-route .um-tree-name") == "verify? yes: score 1.50 ≥ 1"


def branches() -> Trace:
    return run(
        "ssd", hashed(3, sway=0.5, eos=0), [1, 2], tree="mixed_order", width=3, n=6, budget=32, max_new=18, block=9
    )


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize(
    "name", ["ssd-tree-apples", "diffuspec-apples", "s2d2-apples", "psd-apples", "freedave-apples", "branches"]
)
def test_no_label_of_a_tree_covers_another_and_the_page_does_not_roll_sideways(lens, name, width):
    trace = branches() if name == "branches" else load(name)
    lens.page.set_viewport_size({"width": width, "height": 900})
    for view in [view for view in trace.rounds if view.of(Propose)][:3]:
        page = lens.show("tree", trace, view.stop)
        assert page.evaluate(OVERLAPS) == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    if name == "branches":
        assert max(len(p.nodes) for p in trace.events if isinstance(p, Propose)) >= 16


def chips(page, id_: int) -> list[list[str]]:
    """Position, token and glyph of each position that a depth fills in, as drawn."""
    return [chip.locator("text").all_text_contents() for chip in node(page, id_).locator(".um-tree-chip").all()]


def test_a_chain_of_wide_drafts_is_drawn_by_depth_and_width(lens):
    page = lens.show("tree", wide(), 8)
    assert chips(page, -1) == [["2", "·is", "●"], ["3", "·Paris", "●"]]
    assert chips(page, 0) == [["4", ".", "✓"], ["5", "·the", "✓"], ["6", "·cat", "✓"]]
    assert chips(page, 1) == [["7", "·the"], ["8", "·cat", "✕"]], "the row above agrees at 7"
    assert chips(page, 2) == [["9", ".", "·"]]
    assert page.locator(".um-tree-svg .um-tree-bold").all_text_contents() == [
        "depth 0  +2", "depth 1  +3", "depth 2  +2", "depth 3  +1",
    ]  # fmt: skip
    assert text(page, ".um-tree-deepest") == "✓ deepest consistent draft: depth 1 · below: thrown away"
    rule = page.locator(".um-tree-rule").bounding_box()["y"]
    tops = [node(page, i).bounding_box()["y"] for i in (0, 1)]
    assert tops[0] < rule < tops[1]


def test_on_a_phone_the_reason_beside_a_depth_goes_on_in_further_lines_and_is_whole(lens):
    lens.page.set_viewport_size({"width": 360, "height": 900})
    page = lens.show("tree", wide(), 8)
    beside = page.locator(".um-tree-beside")
    lines = [" ".join(node(page, i).locator(".um-tree-beside").all_text_contents()) for i in range(3)]
    whys = [t.why for t in tree_view.info(wide(), 8).twigs if t.id >= 0]
    assert [line.replace("\u00a0", " ").split(" · ", 1)[1] for line in lines] == whys
    assert beside.count() > 4, "none is wrapped, so this says nothing"
    right = page.locator(".um-tree-svg").bounding_box()
    assert all(
        b["x"] + b["width"] <= right["x"] + right["width"] for b in map(lambda t: t.bounding_box(), beside.all())
    )
    tops = [node(page, 0).locator(".um-tree-beside").last, node(page, 0).locator(".um-tree-fill").first]
    assert tops[0].bounding_box()["y"] + tops[0].bounding_box()["height"] <= tops[1].bounding_box()["y"]


# ------------------------------------------------------------------------------------------------ folds
def ids(page) -> list[int]:
    return [int(n.get_attribute("data-id")) for n in page.locator(".um-tree-svg .um-tree-node").all()]


def test_of_a_long_tree_what_was_not_reached_is_folded_to_one_line_under_each_node(lens):
    trace = load("ssd-mixed-apples")
    page = lens.show("tree", trace, trace.rounds[2].stop)
    assert page.locator(".um-tree-folded").all_text_contents() == [
        "+… 79 more, not reached… 79 more, not reached\nEnter or a click unfolds them",
        "+… 34 more, not reached… 34 more, not reached\nEnter or a click unfolds them",
        "+… 8 more, not reached… 8 more, not reached\nEnter or a click unfolds them",
    ]
    assert len(ids(page)) == 130 - 121 + 3 and page.locator(".um-tree-svg").bounding_box()["height"] < 400
    assert text(page, ".um-tree-folds span") == "121 of 128 nodes were not reached and are folded."
    assert page.evaluate(OVERLAPS) == []
    lens.page.set_viewport_size({"width": 360, "height": 900})
    page = lens.show("tree", trace, trace.rounds[2].stop)
    assert page.locator(".um-tree-folded .um-tree-name").all_text_contents() == ["… 79 more", "… 34 more", "… 8 more"]
    assert page.locator(".um-tree-folded").first.get_attribute("aria-label") == "79 more nodes, not reached: unfold"


@pytest.mark.parametrize("key", ["Enter", " ", "click"])
def test_a_fold_is_unfolded_by_enter_space_and_a_click_and_all_are_by_a_button(lens, key):
    trace = load("ssd-mixed-apples")
    page = lens.show("tree", trace, trace.rounds[2].stop)
    at = page.evaluate("() => p.state().at")
    last = page.locator(".um-tree-folded").last
    last.click() if key == "click" else last.press(key)
    assert len(ids(page)) == 130 - 121 + 2 + 8 and page.locator(".um-tree-folded").count() == 2
    assert page.evaluate("() => document.activeElement.classList.contains('um-tree-unreached')")
    assert page.evaluate("() => [p.state().at, p.state().node]") == [at, None], "unfolding moves and pins nothing"
    show = page.locator(".um-tree-folds button")
    show.press("Enter")
    assert len(ids(page)) == 130 and page.evaluate(OVERLAPS) == []
    show.press("Enter")
    assert page.locator(".um-tree-folded").count() == 3


def test_a_pinned_node_is_not_left_in_a_fold_and_a_short_tree_has_none(lens):
    trace = load("ssd-mixed-apples")
    page = lens.show("tree", trace, trace.rounds[2].stop)
    unreached = [t for t in tree_view.info(trace, trace.rounds[2].stop).twigs if t.state == "unreached"][-1]
    page.evaluate("([at, node]) => p.seek(at, {pos: null, node})", [trace.rounds[2].stop, unreached.id])
    page.wait_for_selector(f".um-tree-pinned[data-id='{unreached.id}']")
    short = load("ssd-tree-apples")
    page = lens.show("tree", short, short.rounds[1].stop)
    page.wait_for_selector(".um-tree-sentence:has-text('Round 1 ')")
    assert page.locator(".um-tree-folded").count() == 0 and not page.locator(".um-tree-folds").is_visible()


def test_before_the_verdicts_no_depth_is_the_deepest(lens):
    page = lens.show("tree", wide(), 4)
    assert page.locator(".um-tree-deepest").count() == 0
    assert [glyph for *_, glyph in chips(page, 0)] == ["?"] * 3


def test_the_positions_of_a_depth_are_picked_by_mouse_and_by_keyboard(lens):
    page = lens.show("tree", wide(), 8)
    node(page, 0).locator("[data-slot='2'] rect").click()
    state = page.evaluate("() => p.state()")
    assert (state["node"], state["pos"]) == (0, 6)
    assert page.locator(".um-tree-here").get_attribute("data-row") == "1"
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    state = page.evaluate("() => p.state()")
    assert (state["node"], state["pos"], state["at"]) == (1, 8, 8)
    assert "fills position 8 with ‘⏎’ instead" in page.locator(".um-inspector").inner_text()
    page.get_by_role("button", name="In the grid").click()
    assert page.evaluate("() => [p.state().lens, p.state().pos]") == ["grid", 8]


def test_the_table_of_the_tree_is_what_is_drawn(lens):
    page = lens.show("tree", ssd(), 9)
    rows = page.evaluate("() => stage.current().lens.csv()")
    assert rows[0][:6] == ["round", "node", "parent", "row", "positions", "text"] and len(rows) == 6
    assert rows[3] == [
        2, 2, 1, 3, "5", "+5 ‘·the’", 0.6, 0.3, 2, 0, 1, "rejected", "",
        "rejected: the row above fills position 6 with ‘·the’ first (q = 0.60, p = 0.30)",
    ]  # fmt: skip


@pytest.mark.parametrize("view", ["tree", "heatmap"])
def test_text_of_tokens_is_never_markup(lens, view):
    page = lens.show(view, nasty(), 9)
    assert page.locator(f".um-lens[data-lens={view}] b:not(.um-tree-which)").count() == 0
    assert NASTY.replace(" ", "") in json.dumps(page.evaluate("() => stage.current().lens.csv()")).replace(
        " ", ""
    ).replace("·", "")


# ------------------------------------------------------------------------------------------------ heatmap
@pytest.mark.parametrize("name", [*NAMES, "ssd", "tree", "mixed", "routed", "wide", "branches"])
def test_the_page_counts_what_python_counts(lens, name):
    own = {"ssd": ssd, "tree": tree, "mixed": mixed, "routed": routed, "wide": wide, "branches": branches}
    trace = own[name]() if name in own else load(name)
    if not SHOWN["heatmap"].fits(trace):
        pytest.skip("no draft was judged")
    page = lens.show("heatmap", trace)
    ours, python = page.evaluate(LOOK), heatmap.info(trace, 0)
    assert (ours["rounds"], ours["skipped"], ours["extra"]) == tuple(
        map(list, (python.rounds, python.skipped, python.extra))
    )
    for key in ("reached", "accepted"):
        counted = {i + 1: n for i, n in enumerate(getattr(python, key)) if n}
        assert {k: n for k, n in ours[key] if n} == counted
    assert ours["histogram"] == list(python.histogram)
    assert (ours["rate"], ours["chance"]) == pytest.approx((python.rate, python.chance))


def choose(page, first: int, last: int) -> None:
    page.get_by_label("Rounds from").select_option(str(first))
    page.get_by_label("Rounds to").select_option(str(last))


WHOLE = (
    "5 of 7 drafted tokens were accepted, a rate of 71%; of the 6 places that the verifier got to, 5 were accepted "
    "(83%). 2.50 accepted and 3.50 tokens per round."
)


def test_chosen_rounds_are_counted_anew_and_said_in_a_sentence(lens):
    page = lens.show("heatmap", ssd(), 9)
    assert text(page, ".um-heatmap-sentence") == WHOLE
    assert "(71% of all drafted tokens) is not the chance that one draft is accepted (83% of the" in text(
        page, ".um-heatmap-note"
    )
    choose(page, 0, 0)
    assert text(page, ".um-heatmap-sentence") == (
        "Rounds 2 to 2 (1 of 2): 2 of 4 drafted tokens were accepted, a rate of 50%; of the 3 places that the "
        "verifier got to, 2 were accepted (67%). 2.00 accepted and 3.00 tokens per round. The tokens of these rounds "
        "are underlined in the grid."
    )
    assert page.locator(".um-heatmap-pale").count() == 1
    assert [b.get_attribute("aria-label").split(":")[0] for b in page.locator(".um-heatmap-bin").all()] == [
        "1 round accepted 2"
    ]
    page.get_by_role("button", name="All rounds").click()
    assert text(page, ".um-heatmap-sentence") == WHOLE and page.locator(".um-heatmap-pale").count() == 0


def test_rounds_are_chosen_by_dragging_over_their_axis_and_by_shift_and_arrows(lens):
    trace = load("ssd-apples")
    page = lens.show("heatmap", trace)
    page.locator(".um-heatmap-rule").scroll_into_view_if_needed()
    box, n = page.locator(".um-heatmap-rule").bounding_box(), len(heatmap.info(trace, 0).rounds)
    row = box["height"] / n
    page.mouse.move(box["x"] + 10, box["y"] + 2.5 * row)
    page.mouse.down()
    page.mouse.move(box["x"] + 12, box["y"] + 4.5 * row, steps=3)
    page.mouse.up()
    assert text(page, ".um-heatmap-sentence").startswith("Rounds 3 to 5 (3 of 14): 1 of 12 drafted tokens")
    page.get_by_role("button", name="All rounds").click()
    page.locator(".um-heatmap-area").focus()
    for key in ("ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert text(page, ".um-heatmap-sentence").startswith("Rounds 2 to 4 (3 of 14)")
    page.keyboard.press("Shift+ArrowUp")
    assert text(page, ".um-heatmap-sentence").startswith("Rounds 2 to 3 (2 of 14)")
    page.keyboard.press("Enter")
    assert page.evaluate("() => p.state().round") == 3


def test_a_bar_of_the_histogram_keeps_only_its_rounds_bright(lens):
    page = lens.show("heatmap", load("ssd-apples"))
    page.locator(".um-heatmap-bin").first.press("Enter")
    assert page.locator(".um-heatmap-pale").count() == 10
    assert text(page, ".um-heatmap-sentence").endswith(
        "Bright: the 4 rounds that accepted exactly 0; their tokens are underlined in the grid."
    )
    page.locator(".um-heatmap-bin").first.press("Enter")
    assert page.locator(".um-heatmap-pale").count() == 0


UNDERLINED = "() => [...document.querySelectorAll('.um-marked')].map((c) => [Number(c.dataset.pos), c.ariaDescription])"


def test_what_the_chosen_rounds_committed_is_underlined_in_the_grid_until_escape(lens):
    page = lens.show("heatmap", ssd(), 9)
    choose(page, 0, 0)
    assert page.evaluate("() => p.state().marks") == {"positions": [3, 4, 6], "label": "round 2"}
    page.evaluate("() => p.open('tree')")
    assert text(page, ".um-marking").startswith("underlined in the grid: round 2 (3 positions)")
    page.evaluate("() => p.open('grid')")
    assert page.evaluate(UNDERLINED) == [[3, "round 2"], [4, "round 2"], [6, "round 2"]]
    shadow = "(s) => getComputedStyle(document.querySelector(s)).boxShadow"
    assert page.evaluate(shadow, ".um-marked") != "none" == page.evaluate(shadow, ".um-chip:not(.um-marked)")
    page.keyboard.press("Escape")
    assert page.evaluate(UNDERLINED) == [] and not page.locator(".um-marking").is_visible()
    page.evaluate("() => p.open('heatmap')")
    assert text(page, ".um-heatmap-sentence") == WHOLE and page.locator(".um-heatmap-pale").count() == 0


def test_a_bar_of_the_histogram_underlines_its_rounds_and_another_run_forgets_them(lens):
    page = lens.show("heatmap", ssd(), 9)
    page.locator(".um-heatmap-bin").last.press("Enter")
    label = "rounds that accepted exactly 3"
    assert page.evaluate("() => p.state().marks") == {"positions": [5, 7, 8, 9], "label": label}
    page.locator(".um-heatmap-bin").last.press("Enter")
    assert page.evaluate("() => p.state().marks") is None
    page.locator(".um-heatmap-bin").last.press("Enter")
    lens.show("heatmap", mixed(), 8)
    assert page.evaluate("() => p.state().marks") is None and page.evaluate(UNDERLINED) == []


def test_escape_unpins_before_it_takes_the_underlines_away_and_so_does_their_button(lens):
    page = lens.show("heatmap", ssd(), 9)
    page.evaluate("() => { window.went = 0; p.open('grid'); p.seek(9, {pos: 5}) }")
    page.evaluate("() => stage.mark([3, 99, -1], '<b>mine</b>', () => went++)")
    page.keyboard.press("Escape")
    assert page.evaluate("() => [p.state().pos, p.state().marks]") == [None, {"positions": [3], "label": "<b>mine</b>"}]
    assert text(page, ".um-marking").startswith("underlined in the grid: <b>mine</b> (1 position)")
    page.locator(".um-marking").click()
    assert page.evaluate("() => [went, p.state().marks]") == [1, None]


def test_a_cell_leads_to_its_round_and_token_at_its_place_and_at_its_position(lens):
    page = lens.show("heatmap", ssd(), 15)
    area = page.locator(".um-heatmap-area")
    box = area.bounding_box()
    area.click(position={"x": box["width"] * 2.5 / 5, "y": box["height"] * 0.25})
    state = page.evaluate("() => p.state()")
    assert (state["at"], state["pos"], state["node"]) == (9, 5, 2)
    assert page.locator(".um-inspector").inner_text().count("Moved to step 2, the end of this round.") == 1
    assert page.locator(".um-heatmap-said p").all_text_contents() == [
        "Round 2. Drafted: ‘ the’ at position 5 (place 3 in the draft).",
        "Verdict: ✕ rejected because of the order, not the token. The verifier would fill in position 6 first, "
        "with ‘ the’.",
        "Probability of the drafted token: q = 0.60 from the drafter, p = 0.30 from the verifier.",
        "Moved to step 2, the end of this round.",
    ]
    page.evaluate("() => p.seek(16)")
    page.wait_for_selector(".um-heatmap-said:has-text('Point at a cell')")
    page.get_by_role("button", name="position on the canvas").click()
    box = area.bounding_box()
    area.click(position={"x": box["width"] * 6.5 / 7, "y": box["height"] * 0.75})
    state = page.evaluate("() => p.state()")
    assert (state["at"], state["pos"]) == (16, 9)


def cells(*verdicts: Verdict) -> Trace:
    """A round in which three drafts side by side got those verdicts."""
    nodes = tuple(Node(i, ((2 + i, 4 + i),), 0.5) for i in range(len(verdicts)))
    return replace(ssd(), events=(Round(0, 0), Propose(nodes), Judge(verdicts), Finish("length")))


def test_under_the_map_stands_whether_the_order_the_token_or_the_score_was_turned_down(lens):
    trace = cells(
        Verdict(0, "accepted", 0.75, 1.0, 1.0, (2, 4)),
        Verdict(1, "rejected", 0.2, 0.0, 1.0, (3, 8)),
        Verdict(2, "rejected", 0.1, 0.2, 0.5, (-1, -1)),
        Verdict(3, "unreached", 0.2, 0.0, 1.0),
    )
    page = lens.show("heatmap", trace)
    area, told = page.locator(".um-heatmap-area"), []
    box = area.bounding_box()
    for i in range(4):
        area.hover(position={"x": box["width"] * (i + 0.5) / 4, "y": box["height"] / 2})
        told.append(page.locator(".um-heatmap-said p").nth(1).text_content())
    assert told == [
        "Verdict: ✓ accepted. The verifier makes the same choice.",
        "Verdict: ✕ rejected because of the token. The verifier would fill in ‘ cat’ instead.",
        "Verdict: ✕ rejected because of the score. The score 0.2 is below its bar 0.5.",
        "Verdict: · not reached. The verifier stopped at an earlier draft of this round that it rejected, so this one "
        "was never decided.",
    ]
    page.mouse.move(1, 1)
    assert text(page, ".um-heatmap-said").startswith("Point at a cell")


@pytest.mark.parametrize("at", [0, 9, 16])
def test_the_legend_counts_the_whole_run_at_every_step(lens, at):
    page = lens.show("heatmap", ssd(), at)
    keys = page.locator(
        ".um-heatmap-legend > .um-heatmap-bold, .um-heatmap-legend .um-heatmap-key > span"
    ).all_text_contents()
    assert keys == ["The whole run:", "5 accepted", "1 rejected", "1 not reached", "2 bonus"]


def test_a_round_without_drafts_is_named_because_the_numbers_are_those_of_the_other_views(lens):
    page = lens.show("heatmap", load("ssd-apples"), 0)
    assert "Round 0 has no row: it drafted nothing that was judged." in text(page, ".um-heatmap-note")
    assert page.locator(".um-heatmap-svg .um-heatmap-end").all_text_contents()[3:6] == ["1", "2", "3"]


GAPS = """() => {
  const low = (q) => Math.max(...[...document.querySelectorAll(q)].map((e) => e.getBoundingClientRect().bottom));
  const figure = low('.um-figure') - low('.um-lens:not([hidden]) > :not([hidden])');
  return [figure, low('.unmasked') - low('.um-inspector > *')];
}"""


@pytest.mark.parametrize("view, at", [("tree", 3), ("tree", 9), ("heatmap", 9)])
def test_below_a_lens_and_its_inspector_a_phone_keeps_no_empty_room(lens, view, at):
    lens.page.set_viewport_size({"width": 360, "height": 900})
    page = lens.show(view, ssd(), at)
    assert max(page.evaluate(GAPS)) <= 24


def test_a_skipped_verification_is_an_outcome_of_its_own(lens):
    page = lens.show("heatmap", routed(), 13)
    assert page.locator(".um-heatmap-scroll .um-heatmap-in-skipped").all_text_contents() == ["»"] * 3
    assert "verify skipped" in text(page, ".um-heatmap-legend")
    assert text(page, ".um-heatmap-sentence").endswith("; 1 round skipped the verification.")
    choose(page, 0, 0)
    assert (
        text(page, ".um-heatmap-sentence") == "No draft was judged in these rounds: 1 round skipped the verification."
    )


def test_a_warning_is_a_sentence_of_the_page_and_not_cut_off_on_a_phone(lens):
    events = []
    for n in range(6):
        judge = Judge((Verdict(0, "rejected", 0.5, 0.0, 1.0),))
        events += [Round(n, 0), Propose((Node(0, ((2, 3),), 0.5),)), judge, Commit((Edit(3, 0, 3, "bonus"),))]
    lens.page.set_viewport_size({"width": 360, "height": 900})
    page = lens.show("heatmap", replace(ssd(), events=(*events, Finish("length"))))
    assert "acceptance below 10% for 6 rounds in a row" in text(page, ".um-heatmap-warnings")
    fits = "() => [...document.querySelectorAll('.um-heatmap-warnings p')].every(p => p.scrollWidth <= p.clientWidth)"
    assert page.evaluate(fits) and page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_table_of_the_heatmap_marks_the_chosen_rounds(lens):
    page = lens.show("heatmap", ssd(), 9)
    choose(page, 1, 1)
    rows = page.evaluate("() => stage.current().lens.csv()")
    assert rows[0] == ["round", "column", "place", "position", "node", "token", "text", "q", "p", "state", "chosen"]
    assert rows[3] == [2, "draft", 3, 5, 2, 7, " the", 0.6, 0.3, "rejected", "no"]
    assert [row[-1] for row in rows[1:]] == ["no"] * 5 + ["yes"] * 4
