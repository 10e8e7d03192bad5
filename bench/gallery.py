"""Draws every lens of every bundled run on the real page and notes what went wrong: `python -m bench gallery FOLDER`.

Saves a picture of each lens x run in light and dark at 1280 px and in light at 360 px, in the middle of the run, and in
light also at its end; of the whole page once in each look; contact sheets, one per lens and look
(`sheet-tree-dark.png`); and `found.json`. Ends with status 1 if the page logged an error, a lens failed to draw, or the
page was wider than its window.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from app.ui import TRACES, build, settings
from decoders.trace import Propose, Trace
from viz.registry import views


class Look(NamedTuple):
    """`width` and `height` of the window in CSS pixels."""

    name: str
    width: int
    height: int
    dark: bool = False
    end: bool = False


LOOKS = (
    Look("light", 1280, 1000),
    Look("dark", 1280, 1000, dark=True),
    Look("phone", 360, 780),
    Look("end", 1280, 1000, end=True),
)
# Side of a thumbnail's box in a contact sheet, and how many stand in a row.
THUMB, COLUMNS = {"light": 620, "dark": 620, "end": 620, "phone": 360}, {"light": 3, "dark": 3, "end": 3, "phone": 6}
TALLEST = 2400  # pixels of one picture that a sheet shows
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SETTLE_MS = 120

SHOW = """async ([text, run, lens, at]) => {
  const api = document.querySelector('.unmasked').unmasked;
  const race = document.querySelector('.um-race');
  if (text && race) race.race.lanes = []; // each run brings the lanes of a page that was opened with it
  if (text) api.load(JSON.parse(text), {run});
  api.open(lens);
  api.seek(at);
}"""
# The lens has drawn, or says why it has nothing; the race has fetched its other runs.
DRAWN = """() => {
  const root = document.querySelector('.unmasked'), lens = root.unmasked.state().lens;
  const seen = (q) => [...root.querySelectorAll(q)].some((e) => e.getClientRects().length && e.textContent);
  if (lens === 'grid') return true;
  if (seen('.um-note')) return root.querySelector('.um-note').textContent !== 'Drawing…';
  const box = root.querySelector(`.um-lens[data-lens="${lens}"]`);
  if (lens === 'race') return seen('.um-race-lane') || (box && box.textContent.length > 40);
  return (box && !box.hidden && box.childElementCount > 0) || seen('.um-plot .main-svg');
}"""
# What can be told without eyes: sideways scrolling, cut text, labels drawn over each other.
LOOK_AT = """() => {
  const root = document.querySelector('.unmasked'), page = document.scrollingElement, out = {};
  const note = root.querySelector('.um-note');
  out.failed = note && note.getClientRects().length && /could not be/.test(note.textContent) ? note.textContent : '';
  const all = [...root.querySelectorAll('*')], name = (e) => e.className.baseVal ?? e.className;
  out.wide = page.scrollWidth <= page.clientWidth ? null
    : all.filter((e) => e.getBoundingClientRect().right > page.clientWidth + 1).slice(0, 4).map(name);
  out.cut = all.filter((e) => e.getClientRects().length && e.childElementCount === 0 && e.textContent.trim()
    && getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
    && !/um-(chip|aloud|map)/.test(name(e))).map((e) => `${name(e)}: ${e.textContent.slice(0, 60)}`);
  const texts = [...root.querySelectorAll('svg text')].filter((e) => e.textContent.trim() && e.getClientRects().length
    && getComputedStyle(e).visibility !== 'hidden').slice(0, 400).map((e) => [e, e.getBoundingClientRect()]);
  out.over = [];
  for (let i = 0; i < texts.length && out.over.length < 6; i++) for (let j = i + 1; j < texts.length; j++) {
    const [a, p] = texts[i], [b, q] = texts[j];
    const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (x > 3 && y > 5) out.over.push(`${a.textContent.slice(0, 30)} / ${b.textContent.slice(0, 30)}`);
  }
  out.out = texts.filter(([e, r]) => { const s = e.ownerSVGElement.getBoundingClientRect();
    return r.left < s.left - 2 || r.right > s.right + 2 || r.top < s.top - 2 || r.bottom > s.bottom + 2; })
    .map(([e]) => e.textContent.slice(0, 40)).slice(0, 6);
  return out;
}"""


def moment(trace: Trace, end: bool = False) -> int:
    """How many events have happened where there is most to see: at the end of the round of the middle half with most
    drafts (of the middle round where there are none), or at the end of the run."""
    if end:
        return len(trace.events)
    rounds = trace.rounds
    quarter = len(rounds) // 4
    middle = rounds[quarter : len(rounds) - quarter] or rounds

    def drafts(i: int) -> tuple[int, float]:
        view = middle[i]
        nodes = sum(len(e.nodes) for e in trace.events[view.start : view.stop] if isinstance(e, Propose))
        return nodes, -abs(i - (len(middle) - 1) / 2)

    return middle[max(range(len(middle)), key=drafts)].stop


def shots(page: Any, folder: Path, traces: dict[str, Trace], lenses: list[str], looks: list[Look]) -> Iterator[dict]:
    """Takes the pictures, `FOLDER/LENS/LOOK/RUN.png`, and yields what was seen on each: {lens, look, run, failed, wide,
    cut, over, out}."""
    for look in looks:
        page.set_viewport_size({"width": look.width, "height": look.height})
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", look.dark)
        for name, trace in traces.items():
            shown = replace(trace, provenance="replay").to_json()
            for lens in lenses:
                page.evaluate(SHOW, [shown, f"bundled:{name}", lens, moment(trace, look.end)])
                shown = ""
                page.wait_for_function(DRAWN, timeout=30_000)
                page.wait_for_timeout(SETTLE_MS * (3 if lens == "race" else 1))
                path = folder / lens / look.name / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                page.locator(".unmasked").screenshot(path=path, animations="disabled")
                yield {"lens": lens, "look": look.name, "run": name, **page.evaluate(LOOK_AT)}
        (folder / "page").mkdir(exist_ok=True)
        page.screenshot(path=folder / "page" / f"{look.name}.png", full_page=True, animations="disabled")


def sheet(folder: Path, lens: str, look: str) -> Path | None:
    """One picture of all of a lens's pictures in a look, with their names underneath; None if there are none."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - a test requirement

    paths = sorted((folder / lens / look).glob("*.png"))
    if not paths:
        return None
    width, columns, font = THUMB[look], COLUMNS[look], ImageFont.load_default(22)
    thumbs = []
    for path in paths:
        with Image.open(path) as picture:
            part = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, TALLEST)))
            thumbs.append(part.resize((width, part.height * width // part.width)))
    rows = [thumbs[i : i + columns] for i in range(0, len(thumbs), columns)]
    heights = [max(t.height for t in row) + 40 for row in rows]
    whole = Image.new("RGB", (columns * (width + 12), sum(heights)), "#808080")
    draw, top, names = ImageDraw.Draw(whole), 0, iter(path.stem for path in paths)
    for row, height in zip(rows, heights, strict=True):
        for i, thumb in enumerate(row):
            whole.paste(thumb, (i * (width + 12), top))
            draw.text((i * (width + 12) + 6, top + thumb.height + 6), next(names), "white", font)
        top += height
    out = folder / f"sheet-{lens}-{look}.png"
    whole.save(out)
    return out


def main(argv: list[str]) -> int:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a test requirement

    parser = argparse.ArgumentParser(prog="python -m bench gallery", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lens", action="append", help="only this lens (may be repeated)")
    parser.add_argument("--run", action="append", help="only this bundled run (may be repeated)")
    parser.add_argument("--look", action="append", choices=[look.name for look in LOOKS])
    args = parser.parse_args(argv)
    traces = {p.name.removesuffix(".json.gz"): Trace.load(p) for p in sorted(TRACES.glob("*.json.gz"))}
    traces = {name: trace for name, trace in traces.items() if not args.run or name in args.run}
    looks = [look for look in LOOKS if not args.look or look.name in args.look]
    known = ["grid", *[view.id for view in views() if view.medium != "player"], "race"]
    lenses = [lens for lens in known if not args.lens or lens in args.lens]
    demo = build().queue()
    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **settings())
    errors: list[str] = []
    found: list[dict] = []
    with sync_playwright() as p:
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = p.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        page = browser.new_page(color_scheme="light", reduced_motion="reduce")
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(url)
        page.wait_for_selector("#player .unmasked .um-chip", state="attached", timeout=60_000)
        for seen in shots(page, args.folder, traces, lenses, looks):
            found.append(seen | {"errors": list(errors)})
            errors.clear()
        browser.close()
    demo.close()
    for lens in lenses:
        for look in looks:
            sheet(args.folder, lens, look.name)
    wrong = [one for one in found if one["errors"] or one["failed"] or one["wide"]]
    (args.folder / "found.json").write_text(json.dumps(found, indent=1, ensure_ascii=False))
    print(f"{len(found)} pictures of {len(traces)} runs, {len(wrong)} with errors or wider than the window")
    for one in wrong:
        print({key: value for key, value in one.items() if value}, file=sys.stderr)
    return int(bool(wrong))
