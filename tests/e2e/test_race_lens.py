"""The race lens: its arithmetic against literal values, and runs of one prompt that are played, compared and added to.

The arithmetic is asked in the browser, where it lives; the lens is driven on recorded runs without a server, and once
on the page itself, where methods are run for it."""

import json
import re

import pytest
from serving import ROOT

from decoders.models import catalogue
from decoders.trace import Trace
from tests.samples import tiny_trace

needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)}"
MOUNT = """([traces, known, first]) => {
  Unmasked.lens('probe', (stage) => { window.probe = stage; return {show() {}}; }, {title: 'Probe', order: 90});
  window.sent = [];
  const host = {trace: async (run) => structuredClone(traces[run]), runs: async () => known, seen: new Set(),
    send: (name, data) => sent.push([name, data])};
  window.p = Unmasked.mount(document.querySelector('.unmasked'), host);
  p.load(structuredClone(traces[first]), {run: first});
}"""
CALLS = [
    {"call": 1, "kind": "draft", "drafter": True, "seconds": 0.1, "tokens": 0, "commits": 0},
    {"call": 2, "kind": "draft", "drafter": True, "seconds": 0.1, "tokens": 0, "commits": 0},
    {"call": 3, "kind": "verify", "drafter": False, "seconds": 0.2, "tokens": 2, "commits": 2},
    {"call": 4, "kind": "verify", "drafter": False, "seconds": 0.1, "tokens": 5, "commits": 1},
]
STEP = {"title": "Stepwise", "method": "stepwise", "guarantee": "reference", "model": "m", "hardware": "cpu"}
STEP |= {"calls": 32, "seconds": 0.4, "cost": 3200, "prompt": [7, 8], "ids": list(range(20))}
SSD = STEP | {"title": "SSD", "method": "ssd", "guarantee": "greedy-exact", "reference": "stepwise"}
SSD |= {"calls": 15, "seconds": 0.36, "cost": 7040}


@pytest.fixture
def lone(browser):
    """A page with the player and the race, without a server: `lone(names, first)` mounts it on recorded runs."""
    contexts = []

    def open(names=("stepwise", "ssd"), first="ssd", width=1360, dark=False, also=(), **known):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_content(f'<body class="{"dark" if dark else ""}"><div class="unmasked"></div></body>')
        for sheet in ("player.css", "lenses/race.css"):
            page.add_style_tag(path=str(ROOT / "assets" / sheet))
        for script in ("player.js", "lenses/race.js"):
            page.add_script_tag(path=str(ROOT / "assets" / script))
        page.errors = []
        page.on("pageerror", lambda e: page.errors.append(str(e)))
        page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
        traces = {n: Trace.load(ROOT / "assets" / "traces" / f"{n}-apples.json.gz") for n in names} | dict(also)
        known = {"runs": [listed(n, t) for n, t in traces.items()], "methods": [], "looks": {}} | known
        page.evaluate(MOUNT, [{n: json.loads(t.to_json()) for n, t in traces.items()}, known, first])
        return page

    yield open
    for context in contexts:
        context.close()


def listed(run: str, trace: Trace) -> dict:
    reference = trace.reference.method if trace.reference else ""
    named = {"run": run, "method": trace.method, "title": trace.title, "model": trace.model, "calls": trace.calls}
    return named | {"provenance": trace.provenance, "settings": "", "reference": reference}


def race(page, call: str, *given):
    """Asks one function of the arithmetic."""
    return page.evaluate(f"given => Unmasked.race.{call}(...given)", list(given))


def opened(page):
    page.evaluate("() => p.open('race')")
    page.wait_for_selector(".um-race-lane")
    return page


def titles(page) -> list[str]:
    return page.locator(".um-race-title").all_inner_texts()


def add(page, run: str) -> None:
    n = len(titles(page))
    page.locator(".um-race-adder select").select_option(run)
    page.wait_for_function("n => document.querySelectorAll('.um-race-lane').length === n", arg=n + 1)


def rule(page, name: str) -> None:
    page.locator(f".um-race-rule input[value={name}]").check(force=True)


def slide(page, part: float) -> None:
    page.locator(".um-race .um-slider").evaluate(
        "(e, part) => { e.value = String(part * Number(e.max)); e.dispatchEvent(new Event('input')); }", part
    )


def calls_now(page) -> list[str]:
    """What each lane says of its forward calls, "12 of 32"."""
    return [
        t.replace("forward calls", "").strip()
        for t in page.locator(".um-race-nums > div:nth-child(4)").all_inner_texts()
    ]


def test_each_rule_puts_the_calls_of_a_lane_on_its_own_clock(lone):
    page = lone()
    assert race(page, "clock", CALLS, "wall") == pytest.approx([0, 0.1, 0.2, 0.4, 0.5])
    assert race(page, "clock", CALLS, "passes") == [0, 0.125, 0.25, 1, 2]
    assert race(page, "clock", CALLS, "tokens") == [0, 0, 0, 2, 5]
    assert race(page, "clock", CALLS, "progress") == [0, 0.25, 0.5, 0.75, 1]


def test_many_calls_of_a_draft_model_take_half_of_the_tick_of_the_main_call_they_lead_to(lone):
    eight = [CALLS[0]] * 8 + [CALLS[2]] + [CALLS[0]]
    assert race(lone(), "clock", eight, "passes") == [0, *[i / 16 for i in range(1, 9)], 1, 1.125]


def test_a_clock_of_tokens_does_not_run_backwards_where_tokens_are_taken_back(lone):
    back = [CALLS[2] | {"tokens": n} for n in (3, 2, 4)]
    assert race(lone(), "clock", back, "tokens") == [0, 3, 3, 4]


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        ("wall", {0: 0, 0.09: 0, 0.1: 1, 0.39: 2, 0.4: 3, 0.5: 4, 9: 4}),
        ("passes", {0: 0, 0.125: 1, 0.9: 2, 1: 3, 1.99: 3, 2: 4}),
        ("tokens", {0: 0, 1: 0, 2: 3, 4.9: 3, 5: 4}),
        ("progress", {0: 0, 0.25: 1, 0.74: 2, 1: 4}),
    ],
)
def test_a_lane_stands_behind_the_last_call_that_is_finished(lone, rule, places):
    page = lone()
    ends = race(page, "clock", CALLS, rule)
    assert {t: race(page, "callAt", ends, t, rule) for t in places} == places


def test_the_arrow_keys_stop_wherever_any_lane_moves(lone):
    page = lone()
    assert race(page, "moments", [[0, 1, 3], [0, 2, 3, 4]]) == [0, 1, 2, 3, 4]
    assert race(page, "span", [[0, 1, 3], [0, 2, 3, 4]]) == 4


def test_bars_lie_end_to_end_and_time_outside_the_calls_stands_last(lone):
    page = lone()
    keep = (
        "bars => bars.map(b => [b.from, b.to, b.kind, b.commits].map(x => typeof x === 'number' ? +x.toFixed(6) : x))"
    )
    bars = "(...a) => (" + keep + ")(Unmasked.race.gantt(...a))"
    assert page.evaluate(f"given => ({bars})(...given)", [CALLS, "time", 0.05]) == [
        [0, 0.1, "draft", 0],
        [0.1, 0.2, "draft", 0],
        [0.2, 0.4, "verify", 2],
        [0.4, 0.5, "verify", 1],
        [0.5, 0.55, "overhead", 0],
    ]
    assert page.evaluate(f"given => ({bars})(...given)", [CALLS, "passes", 0.05]) == [
        [0, 0.125, "draft", 0],
        [0.125, 0.25, "draft", 0],
        [0.25, 1, "verify", 2],
        [1, 2, "verify", 1],
    ]


def test_the_calls_of_a_run_are_read_with_their_costs_and_what_they_brought(lone):
    page = lone(names=(), also={"tiny": tiny_trace()}, first="tiny")
    page.evaluate("() => p.open('probe')")
    keys = ["call", "kind", "drafter", "rows", "cost", "stop", "tokens", "filled", "commits"]
    rows = page.evaluate("keys => Unmasked.race.callsOf(probe.model()).map(c => keys.map(k => c[k]))", keys)
    # Position 5 is the end of sequence: filled, and no token of the text.
    assert rows == [[1, "draft", False, 1, 6, 5, 1, 1, 1], [2, "verify", False, 3, 18, 10, 2, 3, 2]]


def test_the_calls_of_another_model_than_the_texts_are_a_drafters(lone):
    page = lone(names=("speculative",), first="speculative")
    page.evaluate("() => p.open('probe')")
    told = page.evaluate("() => Unmasked.race.callsOf(probe.model()).map(c => c.kind + c.drafter)")
    assert (told.count("drafttrue"), told.count("verifyfalse"), len(told)) == (22, 6, 28)


def test_the_first_difference_is_a_canvas_position_and_a_shorter_text_differs_behind_its_end(lone):
    page = lone()
    text = {"prompt": [7, 8], "ids": [1, 2, 3]}
    assert race(page, "divergence", text, text) == {"first": -1, "same": 3, "total": 3, "differ": 0}
    assert race(page, "divergence", text, text | {"ids": [1, 9, 3]}) == {"first": 3, "same": 2, "total": 3, "differ": 1}
    assert race(page, "divergence", text, text | {"ids": [1, 2]}) == {"first": 4, "same": 2, "total": 3, "differ": 1}
    assert race(page, "divergence", text, text | {"prompt": [7, 9]}) is None


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({}, "same", "= identical (20/20)"),
        ({"ids": [*range(19), 99]}, "differs", "≠ differs from position 21"),
        ({"guarantee": "approximate"}, "approx", "~ approximate by design · same text here (20/20)"),
        (
            {"guarantee": "approximate", "ids": [0, 9, 9, *range(3, 20)]},
            "approx",
            "~ approximate by design · 2 tokens differ from position 3",
        ),
        ({"model": "other", "ids": [5]}, "other", "≠ differs from position 2"),
        ({"reference": "ar"}, "other", "= identical (20/20)"),
        ({"prompt": [1]}, "none", "? not comparable: another tokenizer"),
    ],
)
def test_the_badge_says_identical_differs_or_approximate_and_blames_only_who_promised(lone, change, kind, said):
    told = race(lone(), "badge", SSD | change, STEP)
    assert (told["kind"], told["text"]) == (kind, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "SSD: 2.1× fewer calls, 1.1× faster, 2.2× the rows × tokens, identical text."),
        ({"seconds": 0.76}, "SSD: 2.1× fewer calls, 1.9× the time, 2.2× the rows × tokens, identical text."),
        ({"seconds": 0.39, "cost": 3200}, "SSD: 2.1× fewer calls, the same time, identical text."),
        (
            {"calls": 8, "seconds": 0.118, "cost": 800, "ids": [*range(13), *[99] * 7]},
            "SSD: 4.0× fewer calls, 3.4× faster, 4.0× fewer rows × tokens, 7 tokens differ from position 15.",
        ),
        ({"calls": 40, "seconds": 0, "cost": 3200}, "SSD: 1.3× as many calls, no times recorded, identical text."),
        ({"model": "other", "ids": [9]}, "SSD: 2.1× fewer calls, 20 tokens differ from position 2."),
        ({"hardware": "gpu"}, "SSD: 2.1× fewer calls, identical text."),
    ],
)
def test_the_line_at_the_finish_holds_measured_numbers_and_no_time_of_another_model_or_machine(lone, change, said):
    assert race(lone(), "podium", SSD | change, STEP) == said


def test_the_pace_by_wall_clock_is_a_round_factor_and_the_race_lasts_at_most_ten_seconds(lone):
    page = lone()
    assert [race(page, "pace", end, "wall") for end in (0.8, 2.5, 30)] == pytest.approx([10, 2, 0.2])
    assert [race(page, "pace", end, "passes") for end in (2, 400)] == pytest.approx([0.25, 0.025])
    assert race(page, "marks", 0.797, 8) == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_run_meets_its_reference_and_the_sentence_of_the_rule_is_always_there(lone):
    page = opened(lone(names=("threshold", "ssd", "stepwise")))
    assert titles(page) == ["Stepwise", "SSD"]
    assert page.locator(".um-race .um-badge").inner_text() == "= identical (18/18)"
    said = {}
    for name in ("passes", "tokens", "progress", "wall"):
        rule(page, name)
        said[name] = page.locator(".um-race-sentence").inner_text()
    assert said == {
        "passes": "One tick = one call of the main model; a draft model's call is a thin tick.",
        "tokens": "The same number of committed tokens in each lane.",
        "progress": "The same share of each lane's own forward calls.",
        "wall": "Each lane plays at its measured speed on this machine; drawing is not in it.",
    }
    assert page.errors == []


def test_lanes_stand_where_the_rule_puts_them(lone):
    page = opened(lone())
    rule(page, "passes")
    slide(page, 10.5 / 32)
    assert calls_now(page) == ["10 of 32", "10 of 15"]
    rule(page, "progress")
    slide(page, 0.5)
    assert calls_now(page) == ["16 of 32", "7 of 15"]
    slide(page, 1)
    assert calls_now(page) == ["32 of 32", "15 of 15"]
    assert page.locator(".um-race-podium").all_inner_texts() == [
        "Stepwise: the reference, 32 calls, 421\u202fms in the model.",
        "SSD: 2.1× fewer calls, 1.9× the time, 2.2× the rows × tokens, identical text.",
    ]
    assert page.locator(".um-race-finish").inner_text() == "Against Stepwise; times on CPU x86_64, 1 of 2 threads."


def test_keys_move_the_race_while_it_has_the_focus_and_the_player_elsewhere(lone):
    page = opened(lone())
    rule(page, "passes")
    page.locator(".um-race").focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert calls_now(page) == ["3 of 32", "3 of 15"]
    # The player's cursor went along with the lane that is its run: three rounds, not six.
    assert page.evaluate("() => [p.state().step, p.state().playing]") == [3, False]
    page.keyboard.press(" ")
    page.wait_for_function("() => /Pause/.test(document.querySelector('.um-race .um-play').ariaLabel)")
    assert page.evaluate("() => p.state().playing") is False
    page.keyboard.press(" ")
    page.locator(".um-panel").focus()
    page.keyboard.press("End")
    assert calls_now(page)[1] == "15 of 15"
    page.keyboard.press("ArrowLeft")
    assert calls_now(page) == ["14 of 32", "14 of 15"]
    assert page.errors == []


def test_a_click_on_the_first_difference_takes_both_lanes_there(lone):
    page = opened(lone(names=("stepwise", "ar"), first="ar"))
    page.locator(".um-race .um-badge", has_text="differs from position 28").click()
    assert page.locator(".um-race-split").count() == 2
    assert {int(pos) for pos in page.locator(".um-race-split").evaluate_all("x => x.map(e => e.dataset.pos)")} == {28}
    assert page.locator(".um-race-time").inner_text() == "position 28 in both lanes"
    assert sorted(calls_now(page)) == ["1 of 23", "32 of 32"]
    said = page.locator(".um-inspector").inner_text()
    assert "Autoregressive wrote ‘First’ in call 1 (prefill)." in said
    assert "Stepwise wrote ‘3’ in call 32 (denoise)." in said
    assert page.evaluate("() => p.state().pos") == 28
    page.locator(".um-race").focus()
    page.keyboard.press("End")
    assert page.locator(".um-race-split").count() == 0
    assert page.errors == []


def test_lanes_are_added_up_to_four_and_removed_and_another_may_be_the_reference(lone):
    page = opened(lone(names=("stepwise", "threshold", "ssd", "psd", "diffuspec")))
    add(page, "threshold")
    add(page, "diffuspec")
    assert titles(page) == ["Stepwise", "SSD", "Confidence threshold", "DiffuSpec"]
    assert page.locator(".um-race-adder").inner_text() == "Four lanes at most: remove one first."
    assert "not the same model: compare texts, not times" in page.locator(".um-race-lane").last.inner_text()
    page.locator(".um-race-off").first.click()
    page.wait_for_function("() => document.querySelectorAll('.um-race-lane').length === 3")
    page.locator(".um-race-ref input").nth(2).check()
    assert page.locator(".um-race .um-badge").all_inner_texts() == ["≠ differs from position 28"] * 1 + [
        "~ approximate by design · 21 tokens differ from position 28"
    ]
    assert page.errors == []


def test_the_reference_decoder_is_one_click_away(lone):
    methods = [{"id": "stepwise", "title": "Stepwise", "model": "tiny-llada", "missing": False, "summary": ""}]
    page = opened(lone(names=("ssd", "threshold"), methods=methods))
    page.locator(".um-race-addref").click()
    assert page.evaluate("() => sent") == [
        ["race", {"id": 1, "run": "ssd", "methods": ["stepwise"], "settings": "like"}]
    ]
    news = "detail => document.querySelector('.unmasked').dispatchEvent(new CustomEvent('race', {detail}))"
    page.evaluate(news, {"id": 1, "error": "No such model."})
    assert page.locator(".um-race-state").inner_text() == "No such model."


def test_a_single_run_of_a_prompt_says_what_is_missing(lone):
    page = opened(lone(names=("ssd",)))
    assert page.locator(".um-race-message").inner_text().startswith("Only this run of the prompt is here.")


def test_the_csv_has_a_row_a_call_and_the_figure_keeps_text_as_text(lone):
    odd = tiny_trace(piece=HOSTILE, prompt=HOSTILE)
    page = opened(lone(names=(), also={"one": odd, "two": odd}, first="one"))
    rows = page.evaluate("() => document.querySelector('.um-race').race.csv()")
    assert rows[0][:4] == ["lane", "method", "model", "provenance"] and len(rows) == 1 + 2 * 2
    assert rows[2][8:15] == [2, "verify", "toy", 10, 20, 3, 6]
    slide(page, 1)
    page.evaluate("() => document.body.append(window.shown = document.querySelector('.um-race').race.figure())")
    figure = page.evaluate("() => shown.textContent")
    assert HOSTILE in figure and "filled / call" in figure
    assert page.locator(".unmasked img, svg img, svg script").count() == 0
    assert page.evaluate("() => shown.querySelectorAll('rect[data-call]').length") == 4
    assert HOSTILE in page.locator(".um-race-prompt").inner_text()
    assert page.errors == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_needs_no_scrolling_to_the_side(lone, dark):
    page = opened(lone(names=("stepwise", "ssd", "diffuspec", "psd"), width=360, dark=dark))
    add(page, "psd")
    add(page, "diffuspec")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    fills = page.locator(".um-race-strip pattern rect").evaluate_all("x => x.map(e => e.getAttribute('fill'))")
    assert ("#5AA9F0" if dark else "#0B5FA5") in fills


@needs_weights
def test_methods_run_one_after_another_and_are_played_together(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator(".um-tab", has_text="Race").click()
    page.wait_for_selector(".um-race-lane")
    assert titles(page) == ["Stepwise", "SSD"]
    page.locator(".um-race-picker summary").click()
    assert page.locator(".um-race-go select").input_value() == "page"
    page.locator(".um-race-method input[value=stepwise]").uncheck()
    page.locator(".um-race-method input[value=psd]").check()
    page.evaluate("""() => {
      window.said = [];
      const state = document.querySelector('.um-race-state');
      new MutationObserver(() => said.push(state.textContent)).observe(state, {childList: true, subtree: true});
    }""")
    page.locator(".um-race-run").click()
    page.wait_for_function(
        "() => /All 2 runs/.test(document.querySelector('.um-race-state').textContent)", timeout=60_000
    )
    page.wait_for_function("() => document.querySelectorAll('.um-race .um-measured').length === 2", timeout=20_000)
    said = [re.sub(r", \d+ call.*", "", text) for text in page.evaluate("() => said")]
    assert list(dict.fromkeys(said))[-5:] == [
        "Warm-up 1 of 2: SSD …",
        "Warm-up 2 of 2: PSD …",
        "1 of 2: SSD",
        "2 of 2: PSD",
        "All 2 runs are done.",
    ]
    assert titles(page) == ["SSD", "PSD (τ = 0.9)"]
    page.locator(".um-race-addref").click()
    page.wait_for_function("() => document.querySelectorAll('.um-race-lane').length === 3", timeout=60_000)
    assert "Stepwise" in titles(page)
    w.clean()


@needs_weights
def test_a_race_is_stopped_and_can_be_run_again(watch, page_url):
    w = watch(page_url)
    page = w.page
    page.locator(".um-tab", has_text="Race").click()
    page.wait_for_selector(".um-race-lane")
    page.locator(".um-race-picker summary").click()
    page.locator(".um-race-run").click()
    page.wait_for_function(
        "() => /Warm-up|of 2/.test(document.querySelector('.um-race-state').textContent)", timeout=60_000
    )
    page.locator(".um-race-halt").click()
    assert page.locator(".um-race-state").inner_text() == "Stopped."
    page.locator(".um-race-run").click()
    page.wait_for_function(
        "() => /All 2 runs/.test(document.querySelector('.um-race-state').textContent)", timeout=60_000
    )
    w.clean()
