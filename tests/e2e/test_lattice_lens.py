"""The lattice lens searches as DiffuSpec does: with a run's own settings it finds the path of the run in every round,
with others the path that decoders/methods/diffuspec.py finds. It is used by mouse and by keyboard, and says so where
what it shows is simulated or cannot be known."""

import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from serving import ROOT, Bare

from decoders.methods.diffuspec import DiffuSpec, prune, search
from decoders.trace import (
    Belief,
    Commit,
    Decide,
    Edit,
    Finish,
    Forward,
    Judge,
    Node,
    Propose,
    Round,
    Trace,
    Verdict,
)
from tests.views.view_samples import make
from viz.views.lattice import VIEW, score

NAME = "diffuspec-apples"
FIND = """([slots, context, eos, par, rows]) => {
  const { prune, search, ngrams } = Unmasked.lattice;
  const kept = slots.map((slot) => prune(slot, par.tau, par.m_max).kept);
  const cut = slots.map((slot, i) => slot.slice(0, kept[i]));
  const found = search(cut, context, new Set(eos), par, rows.length ? ngrams(rows) : null);
  return {kept, path: found.path.map((k, i) => cut[i][k][0]), score: found.score};
}"""
THROUGH = """([slots, context, eos, par, rows]) => {
  const { through, search, ngrams } = Unmasked.lattice, stop = new Set(eos), logp = ngrams(rows);
  const best = (some, beam) => search(some, context, stop, {...par, beam}, logp).score;
  const pairs = through(slots, context, stop, par, logp), out = [];
  for (let i = 1; i < slots.length; i++)
    slots[i - 1].forEach((u, a) => slots[i].forEach((v, b) => {
      if (stop.has(u[0])) return;
      const goesOn = (slot, j) => slot.filter((c) => j > i || !stop.has(c[0]));
      const some = slots.map((slot, j) => (j === i - 1 ? [u] : j === i ? [v] : goesOn(slot, j)));
      out.push([pairs[i][a][b], best(some, 1e6)]);
    }));
  return out;
}"""


def load(name: str) -> Trace:
    return Trace.load(ROOT / "assets" / "traces" / f"{name}.json.gz")


class Lens(Bare):
    """A recorded run in the lens."""

    def show(self, name: str, n: int = 1, old: bool = False):
        trace = load(name)
        if old:
            events = tuple(replace(e, among=(), ngrams=()) if isinstance(e, Decide) else e for e in trace.events)
            trace = replace(trace, events=events)
        self.load(trace)
        self.page.evaluate("at => { p.open('lattice'); p.seek(at) }", trace.rounds[n].stop)
        self.page.wait_for_function(
            "n => document.querySelector('.um-lattice-now text')?.textContent === n", arg=str(n)
        )
        return self.page


@pytest.fixture
def lens(browser):
    opened = Lens(browser, VIEW, width=1280)
    yield opened
    opened.close()


def rounds(trace: Trace):
    """What each round's path was searched in: the event, the text before it, and the drafted tokens."""
    for view in trace.rounds:
        for event in view.of(Decide):
            if event.among:
                drafts = [token for node in view.of(Propose)[0].nodes for _, token in node.fills]
                yield event, trace.canvas_at(view.start), drafts


def found(page, trace: Trace, event: Decide, text: list[int], slots, **par) -> dict:
    return page.evaluate(FIND, [slots, text[-2:], list(trace.eos), par, event.ngrams])


def test_with_the_runs_own_settings_the_lens_finds_the_path_of_the_run_in_every_round(lens):
    page, trace = lens.page, load(NAME)
    own = {key: trace.params[key] for key in ("tau", "m_max", "beam", "lam")}
    seen = 0
    for event, text, drafts in rounds(trace):
        ours = found(page, trace, event, text, event.among, **own)
        assert ours["path"] == drafts
        assert sum(ours["kept"]) == dict(event.because)["candidates"]
        seen += 1
    assert seen == len(trace.rounds) == 3


class Rows:
    """The recorded rows in the place of the 3-gram they were taken from."""

    def __init__(self, event: Decide):
        self.table = {tokens: (logp, weight) for tokens, logp, weight in event.ngrams}

    def one(self, gram: tuple[int, ...]) -> float:
        return self.table[gram][0] if gram in self.table else self.table.get(gram[:-1], (0, 0))[1] + self.one(gram[1:])

    def logps(self, contexts, tokens):
        return np.array([[self.one((*context[-2:], token)) for token in tokens] for context in contexts])


@pytest.mark.parametrize(
    "par",
    [
        {"tau": 0.95, "m_max": 4, "beam": 1, "lam": 0.5},
        {"tau": 1.0, "m_max": 8, "beam": 3, "lam": 0.0},
        {"tau": 0.99, "m_max": 8, "beam": 8, "lam": 0.25},
        {"tau": 0.5, "m_max": 2, "beam": 2, "lam": 1.0},
        {"tau": 1.0, "m_max": 3, "beam": 5, "lam": 0.7},
    ],
    ids=str,
)
def test_with_other_settings_the_lens_finds_what_diffuspec_would(lens, par):
    page, trace = lens.page, load(NAME)
    for event, text, _ in rounds(trace):
        ours = found(page, trace, event, text, event.among, **par)
        lattice = [prune(slot[: par["m_max"]], par["tau"]) for slot in event.among]
        assert ours["kept"] == [len(slot) for slot in lattice]
        settings = DiffuSpec(beam=par["beam"], lam=par["lam"])
        path = search(lattice, text, frozenset(trace.eos), settings, cast(Any, Rows(event)))
        assert tuple(ours["path"]) == path
        alone = page.evaluate(FIND, [event.among, text[-2:], list(trace.eos), par, []])
        assert tuple(alone["path"]) == search(lattice, text, frozenset(trace.eos), settings, None)


def test_the_score_of_an_edge_is_that_of_the_best_path_through_both_its_ends(lens):
    """Compared with a beam so wide that it keeps every path; token 9 ends a path."""
    rows = [[[t], -1.0 - t / 10, -0.3] for t in range(10)] + [
        [[1, 4], -0.2, -0.1],
        [[2, 5, 6], -0.05, 0],
        [[0, 2], -0.4, 0],
    ]
    slots = [[[1, 0.5], [2, 0.3]], [[4, 0.6], [5, 0.2], [9, 0.1]], [[6, 0.5], [7, 0.4]], [[8, 0.9], [9, 0.05]]]
    pairs = lens.page.evaluate(THROUGH, [slots, [3, 0], [9], {"lam": 0.4}, rows])
    assert len(pairs) == 2 * 3 + 2 * 2 + 2 * 2
    for exact, forced in pairs:
        assert exact == pytest.approx(forced, abs=1e-9)


def knob(page, sign: str):
    return page.locator(f".um-lattice-knob input[aria-label^='{sign},']")


def drag(page, sign: str, value: float) -> None:
    knob(page, sign).evaluate("(el, v) => { el.value = v; el.dispatchEvent(new Event('input')) }", str(value))


def test_a_slider_shows_a_simulated_path_and_reset_takes_it_back(lens):
    page = lens.show(NAME, 1)
    chip, said = page.locator(".um-lattice-what .um-simulated"), page.locator(".um-lattice-said")
    assert not chip.is_visible() and page.locator(".um-lattice-scroll .um-lattice-sim").count() == 0
    drag(page, "λ", 1)
    assert chip.is_visible() and chip.inner_text() == "SIMULATED"
    assert said.inner_text().startswith("SIMULATED: 55 candidates in the lattice, S = ")
    assert page.locator(".um-lattice-scroll .um-lattice-sim").count() == 1
    page.get_by_role("button", name="Reset").click()
    assert not chip.is_visible() and page.locator(".um-lattice-scroll .um-lattice-sim").count() == 0


def test_what_was_not_recorded_is_said_and_not_guessed(lens):
    page = lens.show(NAME, 1)
    drag(page, "τ", 1)
    said = page.locator(".um-lattice-said").inner_text()
    assert re.match(r"τ = 1 with M max = 15 needs up to k = 15 candidates at position \d+; this run kept 8, ", said)
    assert page.locator(".um-lattice-scroll.um-lattice-short").count() == 1
    drag(page, "M max", 8)
    assert page.locator(".um-lattice-short").count() == 0


def test_an_old_recording_greys_the_sliders_and_says_why(lens):
    """A run from before the candidates were recorded is the new one without them."""
    page = lens.show(NAME, 1, old=True)
    assert [knob(page, sign).is_disabled() for sign in ("τ", "M max", "B", "λ")] == [True] * 4
    assert page.locator(".um-lattice-said").inner_text() == (
        "This run kept no candidates of its path search: record it again to try other settings."
    )
    page.evaluate("() => p.seek(p.state().at, {pos: 30})")
    assert page.locator(".um-lattice-node").count() > 50


def test_by_keyboard_the_candidates_are_walked_pinned_and_paired(lens):
    page = lens.show(NAME, 1)
    page.locator(".um-lattice-node[tabindex='0']").focus()
    at = page.evaluate("() => p.state().at")
    here = "() => document.activeElement.getAttribute('data-key')"
    assert page.evaluate(here) == "29:0"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(here) == "30:1"
    assert page.evaluate("() => p.state().at") == at, "the arrow keys did not step through the run"
    page.keyboard.press("Enter")
    state = page.evaluate("() => p.state()")
    assert (state["pos"], state["cell"]) == (30, "30:1")
    text = page.locator(".um-inspector").inner_text()
    assert "Drafter: q = " in text and "better candidates already cover the mass τ = 0.8" in text
    assert "running S = " in text and "3-gram after" in text
    page.keyboard.press("Shift+Enter")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    assert "SIMULATED: a path through" in page.locator(".um-inspector").inner_text()
    assert page.locator(".um-lattice-what .um-simulated").is_visible()


def test_a_click_on_a_bar_goes_to_its_round(lens):
    page = lens.show(NAME, 0)
    bar = page.get_by_role("button", name="round 2: 10 proposed, 10 accepted, next length 20")
    bar.click()
    page.wait_for_selector(".um-lattice-sentence:has-text('Round 2:')")
    assert page.evaluate("() => p.state().round") == 2


def test_rounds_whose_path_differs_are_marked_and_the_first_one_is_offered(lens):
    page = lens.show(NAME, 2)
    marked = [bar.locator(".um-lattice-differs").all_text_contents() for bar in page.locator(".um-lattice-round").all()]
    assert marked == [["≠"], ["≠"], []]
    assert "the path differs at 2 positions" in page.locator(".um-lattice-round").nth(1).get_attribute("aria-label")
    offer = page.get_by_role("button", name="First round where the path differs (round 0)")
    offer.click()
    page.wait_for_selector(".um-lattice-sentence:has-text('Round 0:')")
    assert not page.locator(".um-lattice-first").first.is_visible()


def test_the_round_in_which_the_paths_own_choice_was_accepted_is_marked_and_offered_first(lens):
    page = lens.show("code-vowels", 0)
    marked = [bar.locator(".um-lattice-differs").all_text_contents() for bar in page.locator(".um-lattice-round").all()]
    assert marked == [["≠"], ["≠✓"]]
    assert page.locator(".um-lattice-table tr:has(td) td:last-child").all_inner_texts() == ["✕ rejected"]
    page.get_by_role("button", name="First round where the path differs and the target accepts it (round 1)").click()
    page.wait_for_selector(".um-lattice-sentence:has-text('Round 1:')")
    assert page.evaluate("() => p.state().pos") == 37
    assert page.locator(".um-lattice-table tr:has(td) td:last-child").all_inner_texts() == ["✓ accepted"]
    assert not page.locator(".um-lattice-first").first.is_visible()


def test_each_changed_position_is_listed_with_both_tokens_and_their_numbers(lens):
    page = lens.show(NAME, 1)
    rows = page.locator(".um-lattice-table tr:has(td)")
    assert [row.split() for row in rows.all_inner_texts()] == [
        "43 ‘.’ 0.16 −1.57 −16.73 ‘·=·’ 0.19 −3.81 −17.74 · not reached".split(),
        "44 ‘.’ 0.15 −11.42 −23.38 ‘5’ 0.20 −13.68 −24.37 · not reached".split(),
    ]
    page.get_by_role("button", name="Pin position 44").click()
    assert page.evaluate("() => p.state().pos") == 44
    for cell in (page.evaluate("() => p.state().cell"), "44:0"):  # on the path, and the one that it replaced
        page.locator(f".um-lattice-node[data-key='{cell}']").click()
        assert (
            "On the path ‘.’: q = 0.15, 3-gram ln P = −11.42, running S = −23.38. "
            "Locally best ‘5’: q = 0.20, 3-gram ln P = −13.68, running S = −24.37."
        ) in page.locator(".um-inspector").inner_text()
    lens.show(NAME, 2)
    assert rows.count() == 0


def test_where_the_beam_ended_worse_a_wider_one_is_tried(lens):
    page = lens.show(NAME, 1)
    assert page.locator(".um-lattice-wider").inner_text() == (
        "SIMULATED: no beam up to B = 8 would reach the score of the locally best tokens; B = 4 would end with "
        "S = −26.57 (the run had B = 3)."
    )
    # The same by the method's own search, and its score.
    trace = load(NAME)
    event, text, _ = list(rounds(trace))[1]
    slots = [prune(slot[: trace.params["m_max"]], trace.params["tau"]) for slot in event.among]
    path = search(slots, text, frozenset(trace.eos), DiffuSpec(beam=4), cast(Any, Rows(event)))
    own = [(token, dict(slot)[token]) for token, slot in zip(path, slots, strict=True)]
    assert f"{score(own, text[-2:], event, 0.5):.2f}" == "-26.57"
    lens.show(NAME, 0)
    assert page.locator(".um-lattice-wider").is_hidden(), "there the path scores more"


MINI = ".um-lattice-mini"


def sight(page) -> list[int]:
    """The first position in sight as the strip says it, and the column at the left edge of what is drawn."""
    return page.evaluate(
        "() => [Number(document.querySelector('.um-lattice-mini').getAttribute('aria-valuenow')), "
        "Math.round(document.querySelector('.um-lattice-scroll').scrollLeft)]"
    )


def test_a_strip_with_the_three_paths_stands_above_a_lattice_that_does_not_fit(lens):
    page = lens.show(NAME, 1)
    mini = page.locator(MINI)
    assert mini.is_visible()
    lines = {name: mini.locator(f".um-lattice-{name}").count() for name in ("greedy", "path", "verified", "window")}
    assert lines == {"greedy": 1, "path": 1, "verified": 1, "window": 1}
    assert mini.locator(".um-lattice-cross").text_content() == "✕"
    page.set_viewport_size({"width": 360, "height": 900})
    page.wait_for_function("() => document.querySelector('.um-lattice-mini').getBoundingClientRect().width < 340")
    assert mini.is_visible() and page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 2600, "height": 900})
    page.wait_for_function("() => getComputedStyle(document.querySelector('.um-lattice-mini')).display === 'none'")


def test_the_strip_moves_the_lattice_by_keyboard_and_not_the_run(lens):
    page = lens.show(NAME, 1)
    at = page.evaluate("() => p.state().at")
    page.locator(MINI).focus()
    seen = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
        seen.append(sight(page)[0])
    assert seen[:4] == [29, 30, 31, 30] and seen[4] > 34
    assert page.evaluate("() => [p.state().at, document.activeElement.getAttribute('role')]") == [at, "slider"]
    assert re.match(r"positions \d+ to 4\d of 29 to 48", page.locator(MINI).get_attribute("aria-valuetext"))
    last = page.evaluate(
        "() => { const s = document.querySelector('.um-lattice-scroll'); return s.scrollWidth - s.clientWidth }"
    )
    assert abs(sight(page)[1] - last) <= 16


def test_the_strip_is_dragged_and_a_click_beside_its_window_goes_there(lens):
    page = lens.show(NAME, 1)
    page.locator(MINI).focus()
    page.keyboard.press("Home")
    frame, strip = page.locator(".um-lattice-window").bounding_box(), page.locator(MINI).bounding_box()
    y = strip["y"] + strip["height"] / 2
    page.mouse.move(frame["x"] + 20, y)
    page.mouse.down()
    assert sight(page) == [29, 0], "taken by its middle, not moved to the pointer"
    page.mouse.move(frame["x"] + 120, y, steps=4)
    page.mouse.up()
    first, rolled = sight(page)
    assert first > 29 and rolled > 100
    page.mouse.move(frame["x"] + 200, y)
    assert sight(page) == [first, rolled], "let go"
    page.mouse.click(strip["x"] + strip["width"] - 3, y)
    assert sight(page)[0] > first


def test_a_lattice_longer_than_is_drawn_at_once_is_reached_with_the_strip(lens):
    beliefs = tuple(Belief(pos, ((8, 0.5), (7, 0.3)), 0.5) for pos in range(2, 102))
    events = (
        Round(0, 0),
        Forward("draft", 102, beliefs=beliefs),
        Propose((Node(0, ((2, 8),), 0.5), Node(1, ((3, 7),), 0.3, (0,)))),
        Forward("verify", 102),
        Judge((Verdict(0, "accepted", 0.5, 1.0, 1.0), Verdict(1, "rejected", 0.1, 0.0, 1.0, (3, 8)))),
        Commit((Edit(2, 0, 8, "accepted", 0.5),)),
        Finish("stopped"),
    )
    lens.load(make(list(events), (2, 3, *[0] * 100), 2, method="ssd", title="SSD"))
    page = lens.page
    page.evaluate("at => { p.open('lattice'); p.seek(at) }", len(events))
    page.wait_for_selector(".um-lattice-node[data-key='2:0']")
    assert page.locator(".um-lattice-node[data-key='101:0']").count() == 0
    page.locator(MINI).focus()
    page.keyboard.press("End")
    assert page.locator(".um-lattice-node[data-key='101:0']").count() == 1
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "slider"
    page.evaluate("() => p.seek(p.state().at, {pos: 4})")
    page.wait_for_selector(".um-lattice-node[data-key='4:0']")


def test_the_first_rejection_and_the_targets_own_token_are_marked_by_glyphs_too(lens):
    page = lens.show(NAME, 1)
    glyphs = page.locator(".um-lattice-scroll .um-lattice-glyph").all_text_contents()
    assert (glyphs.count("✓"), glyphs.count("✕"), glyphs.count("↻")) == (11, 1, 1)
    assert page.locator(".um-lattice-target .um-lattice-token").text_content() == "2"
