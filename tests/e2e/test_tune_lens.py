"""The tuning lens, in a real page: the front, the run behind every point, a sweep of one's own."""

import base64
import json

import pytest
import yaml
from serving import DRAWN, serve

from tune import front, spec, sweep, table
from tune.estimate import SHIPPED

# Settings of three methods on the three diffusion models: 24 points.
ASKED = {
    "models": ["tiny-llada", "tiny-sdar", "nano-sdar"],
    "methods": {
        "ssd": {"n": [2, 4, 8]},
        "threshold": {"threshold": [0.6, 0.75, 0.9]},
        "s2d2": {"policy": ["score_threshold", "mask_span_length", "never"]},
    },
    "prompts": {"family": "facts", "n": 1},
}
STATE = "document.querySelector('#player .unmasked').unmasked.state()"


@pytest.fixture(scope="module")
def shipped():
    return table.load(SHIPPED)


@pytest.fixture
def tuned(watch, page_url):
    def open(path="/", **options):
        watched = watch(page_url, path, **options)
        page = watched.page
        page.evaluate("document.querySelector('#player .unmasked').unmasked.open('tune')")
        page.wait_for_function(DRAWN, arg=["Tune", False])
        page.wait_for_selector(".um-tune-spot", timeout=60_000)
        return watched

    return open


def picks(page):
    return {c.get_attribute("data-pick"): c.inner_text() for c in page.locator(".um-tune-card").all()}


def test_the_shipped_sweep_is_drawn_with_the_front_that_python_finds(tuned, shipped):
    watched = tuned()
    page, points = watched.page, table.points(shipped)
    chosen = front.choose(points, lose=1.0)
    drawn = [p for p in points if p["tokens_per_call"] is not None and p["accuracy"] is not None]
    assert page.locator(".um-tune-spot").count() == len(drawn) > 20
    numbered = page.eval_on_selector_all(
        ".um-tune-spot:has(text)",
        "(all) => all.map((g) => [Number(g.querySelector('text').textContent), g.dataset.point])",
    )
    assert sorted(numbered) == [[n, points[i]["id"]] for n, i in enumerate(chosen.front, 1)]
    assert page.locator(".um-tune-spot.um-tune-dominated").count() == len(drawn) - len(chosen.front)
    for name, i in (("knee", chosen.knee), ("best", chosen.best), ("exact", chosen.exact)):
        assert points[i]["method"] in picks(page)[name] and points[i]["model"] in picks(page)[name], name
    watched.clean()


def test_an_engineer_finds_settings_of_tiny_sdar_that_lose_no_more_than_a_point(tuned, shipped):
    watched = tuned()
    page = watched.page
    page.get_by_role("button", name="tiny-sdar", exact=True).click()
    page.wait_for_function(
        "document.querySelectorAll('.um-tune-chip[aria-pressed=true]')[0].textContent === 'tiny-sdar'"
    )
    points = [p for p in table.points(shipped) if p["model"] == "tiny-sdar"]
    best = points[front.choose(points, lose=1.0).best]
    card = page.locator(".um-tune-card[data-pick=best]")
    assert f"{best['method']} · tiny-sdar" in card.inner_text()
    for name, value in best["settings"].items():
        assert f"{name} = {str(value).lower() if isinstance(value, bool) else value}" in card.inner_text()
    limit = page.locator(".um-tune-limit input")
    limit.fill("0")
    limit.press("Enter")
    none_lost = points[front.choose(points, lose=0.0).best]
    page.wait_for_function(
        "(name) => document.querySelector('.um-tune-card[data-pick=best]').textContent.includes(name)",
        arg=none_lost["method"],
    )
    watched.clean()


def test_hovering_a_point_shows_it_in_both_pictures_with_all_its_settings(tuned):
    watched = tuned()
    page = watched.page
    spot = page.locator(".um-tune-spot:not(.um-tune-dominated)").first
    point = spot.get_attribute("data-point")
    spot.locator(".um-tune-mark").hover()
    assert page.locator(f".um-tune-line[data-point='{point}']").get_attribute("class").split()[-1] == "um-tune-hover"
    tip = page.locator(".um-tune-tip").inner_text()
    assert "CPU" in tip and "calls" in tip and "on the front" in tip
    watched.clean()


def test_a_brush_on_an_axis_leaves_a_part_of_the_points_in_every_picture_by_mouse_and_by_keyboard(tuned, shipped):
    watched = tuned()
    page = watched.page
    every = page.locator(".um-tune-line").count()
    handle = page.locator(".um-tune-handle[data-axis=tokens_per_call][data-end=low]")
    handle.focus()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.axis") == "tokens_per_call"
    out = page.locator(".um-tune-line.um-tune-out").count()
    assert 0 < out < every
    gone = page.eval_on_selector_all(".um-tune-line.um-tune-out", "(all) => all.map((p) => p.dataset.point)")
    speeds = {p["id"]: p["tokens_per_call"] for p in table.points(shipped) if p["tokens_per_call"] is not None}
    assert max(speeds.get(p, 0) for p in gone) < min(v for p, v in speeds.items() if p not in gone)
    assert str(every - out) in page.locator(".um-tune-row .um-faint").first.inner_text()
    page.get_by_role("button", name="Let go of all axes").click()
    assert page.locator(".um-tune-line.um-tune-out").count() == 0
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] - 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 9, box["y"] - 90, steps=4)
    page.mouse.up()
    assert 0 < page.locator(".um-tune-line.um-tune-out").count() < every
    watched.clean()


def test_a_click_on_a_point_makes_its_run_and_shows_its_whole_trace(tuned, shipped):
    watched = tuned()
    page = watched.page
    card = page.locator(".um-tune-card[data-pick=exact]")
    points = table.points(shipped)
    point = points[front.choose(points, lose=1.0).exact]
    row = shipped[(shipped["point"] == point["id"]) & (shipped["error"] == "")].iloc[0]
    card.click()
    page.wait_for_function(f"!String({STATE}.run).startsWith('bundled') && !{STATE}.live", timeout=60_000)
    state = page.evaluate(STATE)
    assert state["text"] == row["text"] and state["lens"] == "tune"
    assert page.locator("#prompt textarea").input_value() == row["prompt"]
    assert state["numbers"]["calls"] == row["calls"]
    assert "identical" in state["badge"]["text"] or point["guarantee"] == "reference"
    assert page.locator(".toast-body").count() == 0
    watched.clean()


def test_the_runs_of_a_point_are_listed_and_each_can_be_loaded(tuned, shipped):
    watched = tuned()
    page = watched.page
    page.locator(".um-tune-plot").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".um-tune-runs summary").click()
    page.wait_for_selector(".um-tune-table tr:nth-child(3)")
    points = table.points(shipped)
    mine = shipped[shipped["point"] == points[front.choose(points).front[0]]["id"]]
    assert page.locator(".um-tune-table tr").count() == len(mine) + 1
    page.locator(".um-tune-table tr").nth(2).get_by_role("button").click()
    page.wait_for_function(f"!String({STATE}.run).startsWith('bundled') && !{STATE}.live", timeout=60_000)
    assert page.locator("#prompt textarea").input_value() == mine.iloc[1]["prompt"]
    watched.clean()


def test_a_point_is_copied_as_a_link_that_leads_back_to_its_settings(tuned, watch, page_url):
    watched = tuned()
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".um-tune-plot").focus()
    page.keyboard.press("ArrowRight")
    copied = {}
    for kind in ("Python", "Command", "Link", "Spec (YAML)"):
        page.locator(".um-tune-detail").get_by_role("button", name=kind, exact=True).click()
        page.wait_for_function(
            "[...document.querySelectorAll('.um-tune-detail [role=status]')].some((e) => e.textContent === 'Copied.')"
        )
        copied[kind] = page.evaluate("navigator.clipboard.readText()")
    assert copied["Python"].startswith("from decoders.run import run\n")
    assert copied["Command"].startswith(".venv/bin/python -m app run ")
    assert set(yaml.safe_load(copied["Spec (YAML)"])) == {"models", "methods", "prompts"}
    settings = json.loads(base64.urlsafe_b64decode(copied["Link"].split("#c=")[1] + "=="))
    other = watch(page_url, copied["Link"].removeprefix(page_url))
    other.page.wait_for_function(
        "(p) => document.querySelector('#prompt textarea')?.value === p", arg=settings["prompt"]
    )
    watched.clean()


def own(page, asked):
    """Opens the form and puts a spec into it."""
    page.locator(".um-tune-own > summary").click()
    page.locator(".um-tune-spec > summary").click()
    page.locator(".um-tune-spec textarea").fill(asked)


def saved(page, kind):
    with page.expect_download() as heard:
        page.locator(".um-tune-save").get_by_role("button", name=kind).click()
    return heard.value.path()


def test_a_sweep_of_24_points_has_the_same_table_on_the_page_and_on_the_command_line(tuned, tmp_path):
    from app.__main__ import main

    watched = tuned()
    page, asked = watched.page, yaml.safe_dump(ASKED)
    own(page, asked)
    page.wait_for_selector("text=24 points × 1 prompts = 24 runs")
    page.get_by_role("button", name="Run the sweep").click()
    page.wait_for_selector("text=All 24 runs are made.", timeout=180_000)
    assert page.locator(".um-tune-line").count() == 24
    here = saved(page, "Parquet").rename(tmp_path / "page.parquet")
    (tmp_path / "s.yaml").write_text(asked)
    assert main(["sweep", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "cli.parquet"), "--jobs", "1"]) == 0
    assert table.differences(table.load(here), table.load(tmp_path / "cli.parquet")) == []
    watched.clean()


def test_a_sweep_that_is_stopped_keeps_what_is_done_and_goes_on(tuned, tmp_path):
    watched = tuned()
    page = watched.page
    asked = {**ASKED, "prompts": {"family": "word", "n": 2}}
    own(page, yaml.safe_dump(asked))
    page.get_by_role("button", name="Run the sweep").click()
    page.wait_for_function(
        "/^[1-9]\\d* of 48/.test(document.querySelector('.um-tune-progress').textContent)", timeout=60_000
    )
    page.get_by_role("button", name="Stop", exact=True).last.click()
    page.wait_for_selector("text=they are kept here", timeout=30_000)
    done = int(page.locator(".um-tune-progress").inner_text().split("with ")[1].split(" ")[0])
    assert 0 < done < 48
    page.reload()
    page.wait_for_selector("#player .unmasked .um-chip", state="attached", timeout=30_000)
    page.evaluate("document.querySelector('#player .unmasked').unmasked.open('tune')")
    page.wait_for_selector(".um-tune-bar option:nth-child(2)", state="attached", timeout=60_000)
    page.locator(".um-tune-bar select").first.select_option(index=1)
    page.locator(".um-tune-own > summary").click()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector("text=All 48 runs are made.", timeout=240_000)
    rows = table.load(saved(page, "Parquet").rename(tmp_path / "stopped.parquet"))
    assert sorted(rows["key"]) == sorted(r.key for r in spec.plan(asked).runs)
    assert (rows["error"] == "").all()
    watched.clean()


def test_what_is_wrong_with_a_spec_is_said_before_anything_runs_and_with_a_point_beside_the_others(tuned):
    watched = tuned()
    page = watched.page
    own(page, "models: [tiny-sdar]\nmethods: {ssd: {n: [2, 99]}, nosuch: {}}\nprompts: {family: facts, n: 1}\n")
    page.wait_for_selector("text=Not possible: n = 99: must be between 1 and 8.")
    page.wait_for_selector("text=There is no method named 'nosuch'")
    text = page.locator(".um-tune-spec textarea")
    for bad, sentence in (
        ("models: [", "The spec is not YAML"),
        (
            "models: [tiny-sdar]\nmethods: {psd: {depth: [1,2,3,4,5], inc: [1,2,3,4,5]}}\nprompts: {family: facts}",
            "at most 24 run on a page",
        ),
        ("models: [tiny-sdar]\nmethods: {ssd: {}}\nprompts: {file: /etc/passwd}", "files are for the command line"),
        (
            "models: [tiny-sdar]\nmethods: {ssd: {}}\nprompts: {family: facts, n: 1}\ngrader: x.py:f",
            "is for the command line only",
        ),
    ):
        text.fill(bad)
        page.wait_for_selector(f"text={sentence}")
        assert page.get_by_role("button", name="Run the sweep").is_disabled()
    text.fill("models: [tiny-sdar]\nmethods: {threshold: {threshold: [0.9, .nan]}}\nprompts: {family: facts, n: 1}")
    page.wait_for_selector("text=threshold = nan: must be a number from 0 to 1.")
    page.get_by_role("button", name="Run the sweep").click()
    page.wait_for_selector("text=All 2 runs are made.", timeout=60_000)
    assert page.locator(".um-tune-spot").count() == 1 and page.locator(".um-tune-line").count() == 2
    text.fill("models: [/etc]\nmethods: {ssd: {}}\nprompts: {family: facts, n: 1}")
    page.wait_for_selector("text=There is no model")
    watched.clean()


def test_a_visitors_own_prompts_and_graders_are_swept_and_a_grader_that_fails_stops_nothing(tuned, tmp_path):
    lines = tmp_path / "mine.jsonl"
    lines.write_text(
        '{"prompt": "What is the capital of France?", "grader": ["phrase", "Paris"]}\n'
        '{"prompt": "What is the capital of France?", "grader": ["regex", "("], "id": "broken"}\n'
        '{"prompt": "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"}\nno json\n'
    )
    watched = tuned()
    page = watched.page
    own(page, "models: [tiny-sdar]\nmethods: {stepwise: {}}\nprompts: {family: facts, n: 1}\n")
    page.locator(".um-tune-file input").set_input_files(lines)
    page.wait_for_selector("text=1 points × 4 prompts = 4 runs")
    page.get_by_role("button", name="Run the sweep").click()
    page.wait_for_selector("text=All 4 runs are made.", timeout=60_000)
    rows = table.load(saved(page, "Parquet").rename(tmp_path / "own.parquet"))
    assert sorted(e for e in rows["error"] if e)[0].startswith("grader regex failed")
    assert list(rows[rows["error"] == ""]["accuracy"].fillna(-1)) == [1.0, -1]
    page.locator(".um-tune-line").first.dispatch_event("click")
    page.locator(".um-tune-runs summary").click()
    page.wait_for_selector("text=<img src=x onerror=alert(1)>")
    assert page.locator(".um-tune img").count() == 0
    watched.clean()


def test_modelled_times_are_called_so_wherever_they_stand(tuned):
    watched = tuned()
    page = watched.page
    page.locator(".um-tune-bar select").nth(1).select_option("modelled")
    page.wait_for_selector(".um-tune-modelled")
    assert "MODELLED, not measured" in page.locator(".um-tune-modelled").inner_text()
    page.wait_for_function("document.querySelector('.um-tune-plot svg').textContent.includes('MODELLED time per run')")
    assert "MODELLED " in picks(page)["knee"]
    watched.clean()


def test_on_a_phone_nothing_is_wider_than_the_window(tuned):
    watched = tuned()
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.querySelector('.um-tune-plot svg').clientWidth <= 360")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    watched.clean()


def test_a_table_that_the_page_was_started_with_is_offered(browser, tmp_path):
    rows = list(
        sweep.run(spec.plan({**ASKED, "methods": {"ssd": {"n": [99]}}}), sweep.Journal(tmp_path / "mine.jsonl"))
    )
    assert rows[0]["error"]
    for url in serve(["app.py", "--sweep", str(tmp_path / "mine.jsonl")], tmp_path):
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#player .unmasked .um-chip", timeout=60_000)
        page.evaluate("document.querySelector('#player .unmasked').unmasked.open('tune')")
        page.wait_for_selector(".um-tune-bar option", state="attached", timeout=60_000)
        assert "mine.jsonl" in page.locator(".um-tune-bar select").first.inner_text()
        page.close()
