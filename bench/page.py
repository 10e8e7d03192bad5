"""What the page costs its visitors and its server: `python -m bench page [--json] [PART ...]`.

`app.py` runs in a process of its own and a headless Chromium opens it. Ends with status 1 if a limit is missed. Times
depend on the machine and on what else it does; bytes and requests do not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from bench.browser import FLAGS, ROOT, chromium, served
from bench.madeup import made_up
from bench.record import PAIR, PROMPT, SDAR, SMALL
from decoders.run import run
from decoders.trace import Trace
from viz.registry import views

KB = 1000
LOADS = 5  # cold loads of the page
VIEWERS, STEPS = 30, 12
OPENS = ROOT / "assets" / "traces" / "ssd-apples.json.gz"  # the run that the page opens with
SCRUBBED = 48  # rounds that a lens is stepped through, evenly spread
LENSES = [*(view.id for view in views()), "race"]
WALK = ["grid", "heatmap", "tree", "mask", "confidence"]
SIZE = 256  # positions and rounds of the made-up run
# The server draws or counts a step of the other lenses: a run of SIZE rounds would keep it busy for minutes.
DRAWN_HERE, FEW = ("grid", "heatmap", "race"), 32
LONG = 128  # tokens of the recorded runs
RUNS: dict[str, tuple[str | dict[str, str], dict[str, Any]]] = {
    "ssd": ("tiny-llada", {"n": 4}),
    "psd": ("tiny-llada", {"depth": 3}),
    "s2d2": (SDAR, {}),
    "simsd": (SMALL, {"leak": True}),
    "diffuspec": (PAIR, {}),
}

PAINTED = """() => {
  const look = () => {
    const root = document.querySelector('.unmasked');
    if (!root || !root.querySelector('.um-chip') || !root.querySelector('.um-status').textContent) return false;
    requestAnimationFrame(() => { window.painted = performance.now(); });
    return true;
  };
  const watcher = new MutationObserver(() => { if (look()) watcher.disconnect(); });
  watcher.observe(document, {childList: true, subtree: true, characterData: true});
}"""
# Gradio has taken the player that the page came with.
# Gradio 6.31 asks for a frame sixty times a second for ever, for the loading sign that it has taken away: 4 % of a core
# a page. Thirty visitors have thirty machines; here, once a second has to do.
CALM = """() => {
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) =>
    /statustracker/.test(new Error().stack) ? setTimeout(() => frame(draw), 1000) : frame(draw);
}"""
READY = "() => document.querySelector('#player .unmasked .um-chip') && document.querySelector('.unmasked').unmasked"
STATE = "document.querySelector('.unmasked').unmasked.state()"
# A lens is open: it has drawn, or says why not, and a finished run's figures are all here (or as many as are kept).
OPENED = f"""id => {{
  const root = document.querySelector('.unmasked'), state = {STATE};
  if (state.lens !== id || root.querySelector('.um-note')?.textContent === 'Drawing…') return false;
  // Looked at ten times a second: what has not changed for three seconds is as many as are kept.
  window.still = state.lacking === window.lacked ? (window.still || 0) + 1 : 0;
  window.lacked = state.lacking;
  return window.still >= (state.lacking ? 30 : 1);
}}"""
# Steps through `ats` there and back, a frame apart. A step is over when its promises have run and the page is laid out.
SCRUB = """([ats, pos]) => {
  const player = document.querySelector('.unmasked').unmasked, times = [];
  const later = () => new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  });
  return (async () => {
    player.seek(ats[0], {pos});
    for (const at of [...ats, ...ats.slice().reverse()]) {
      await new Promise(requestAnimationFrame);
      const start = performance.now();
      player.seek(at);
      await later();
      document.body.getBoundingClientRect();
      times.push(performance.now() - start);
    }
    return times;
  })();
}"""


class Row(NamedTuple):
    """One number: of which part, of what, in `unit`, and what it has to stay below (None: told, not judged)."""

    part: str
    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def missed(self) -> bool:
        return self.limit is not None and self.value > self.limit


class Bench:
    """One server, one browser and what is opened on them."""

    def __init__(self, browser, url: str, pid: int, folder: Path):
        self.browser, self.url, self.pid, self.folder = browser, url, pid, folder
        self.errors: list[str] = []

    def open(self, path: str = "/", listen: Callable[[Any], None] = lambda page: None, calm: bool = False):
        """The page in a fresh context: nothing is cached."""
        page = self.browser.new_context(viewport={"width": 1360, "height": 900}).new_page()
        if calm:
            page.add_init_script(f"({CALM})()")
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(f"({PAINTED})()")
        listen(page)
        page.goto(self.url + path)
        page.wait_for_function(READY, timeout=120_000)
        return page


def show(page, lens: str) -> None:
    """Opens a lens and waits until its figures of all steps are here."""
    ask(page, lens)
    await_figures(page, lens)


def ask(page, lens: str) -> None:
    page.evaluate("id => { window.lacked = -1; document.querySelector('.unmasked').unmasked.open(id); }", lens)


def await_figures(page, lens: str) -> None:
    page.wait_for_function(OPENED, arg=lens, timeout=300_000, polling=100)


def quantile(times: list[float], q: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def first_paint(bench: Bench) -> list[Row]:
    """From DOMContentLoaded until the recorded run's chips and sentence have had a frame to be drawn in."""
    times = []
    for _ in range(LOADS):
        page = bench.open()
        page.wait_for_function("() => window.painted")
        ready = "performance.getEntriesByType('navigation')[0].domContentLoadedEventStart"
        times.append(page.evaluate(f"() => window.painted - {ready}"))
        page.context.close()
    return [
        Row("first paint", f"median of {LOADS} cold loads", statistics.median(times), "ms"),
        Row("first paint", f"longest of {LOADS} cold loads", max(times), "ms", 1000),
    ]


def weight(bench: Bench) -> list[Row]:
    """Bytes, each response gzipped by itself, of the page as it opens and of every lens opened once."""
    replies = []
    page = bench.open(listen=lambda page: page.on("response", lambda reply: replies.append(reply)))
    for lens in LENSES:
        show(page, lens)
    sizes, sent = Counter(), Counter()
    # What mounts the player travels inside Gradio's own description of the page.
    sizes["own"] += len(gzip.compress((ROOT / "assets" / "mount.js").read_bytes()))
    for reply in replies:
        kind = _kind(reply.request)
        if kind:
            body = reply.body()
            sizes[kind] += len(gzip.compress(body))
            sent[kind] += reply.request.sizes()["responseBodySize"]
    page.context.close()
    names = {
        "own": "our scripts and styles",
        "trace": "runs fetched besides the one it opens with",
        "figures": "that run's figures, every lens and step",
        "document": "the page: Gradio's description, mount.js, the first run",
        "plotly": "plotly.js",
        "gradio": "Gradio's own bundle",
    }
    limits = {"own": 300.0}
    return [Row("weight, gzip", names[kind], sizes[kind] / KB, "kB", limits.get(kind)) for kind in names] + [
        Row("weight, as sent", names[kind], sent[kind] / KB, "kB") for kind in names
    ]


def _kind(request) -> str:
    url, body = request.url, request.post_data or ""
    if url.endswith("plotly.min.js"):
        return "plotly"
    if "/gradio_api/file=" in url:
        return "own"
    if "component_server" in url:
        return "trace" if '"fn_name":"trace"' in body else "figures"
    if url.startswith(("data:", "blob:")) or "heartbeat" in url or "/queue/" in url:
        return ""
    return "document" if request.is_navigation_request() else "gradio"


def traces(bench: Bench) -> list[Row]:
    """Runs of 128 tokens, recorded as `bench record` does; what comes after the end of the text is decoded too."""
    rows = []
    for method, (models, knobs) in RUNS.items():
        trace = run(method, models, PROMPT, max_new=LONG, early_stop=False, **knobs)
        size = trace.save(bench.folder / f"{method}.json.gz").stat().st_size
        rows.append(Row("128-token trace, gzip", f"{method}, {len(trace.rounds)} rounds", size / KB, "kB", 300.0))
    return rows


def scrub(bench: Bench) -> list[Row]:
    """A step there and back through up to SCRUBBED rounds, in every lens; the made-up runs, then the recorded ones if
    they are."""
    others = [lens for lens in LENSES if lens not in DRAWN_HERE]
    files = {
        f"{SIZE} x {rounds}": (bench.folder / f"madeup{rounds}.json.gz", lenses)
        for rounds, lenses in ((SIZE, DRAWN_HERE), (FEW, others))
    }
    for name, (file, _) in files.items():
        made_up(*map(int, name.split(" x "))).save(file)
    files |= {f"{name} {LONG}": (bench.folder / f"{name}.json.gz", LENSES) for name in RUNS}
    page, rows = bench.open(), []
    for name, (file, lenses) in files.items():
        if not file.exists():
            continue
        trace, last = Trace.load(file), page.evaluate(f"() => {STATE}.run")
        page.locator("input[type=file]").first.set_input_files(str(file))
        page.wait_for_function(f"run => {STATE}.run !== run", arg=last, timeout=60_000)
        stops = [view.stop for view in trace.rounds]
        stops = stops[:: max(1, len(stops) // SCRUBBED)]
        for lens in lenses:
            start = time.monotonic()
            show(page, lens)
            print(f"  {name}, {lens}: figures in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
            requests: list[str] = []
            page.on("request", lambda request, seen=requests: seen.append(request.url))
            page.evaluate(SCRUB, [stops[:20], trace.prompt_len + 5])  # a warm-up: compiles the code
            requests.clear()
            times = page.evaluate(SCRUB, [stops, trace.prompt_len + 5])
            limit = 32.0 if trace.provenance == "simulated" else None
            rows.append(Row(f"step, p95, {name}", lens, quantile(times, 0.95), "ms", limit))
            if requests:
                rows.append(Row(f"requests, {name}", lens, len(requests), "", 0))
        page.evaluate("at => document.querySelector('.unmasked').unmasked.seek(at)", len(trace.events))
        if tuple(page.evaluate(f"() => {STATE}.tokens")) != trace.tokens:
            raise SystemExit(f"{name}: the player's final canvas differs from the trace's.")
    page.context.close()
    return rows


def viewers(bench: Bench) -> list[Row]:
    """Thirty visitors of one run who step through several lenses at once: what that asks of the server."""
    server = psutil.Process(bench.pid)

    def spent() -> float:
        times = server.cpu_times()
        return times.user + times.system

    requests: list[str] = []
    # Where an arrow key goes; what lies between is fetched when a reader chooses to step by less than a round.
    stops = [view.stop for view in Trace.load(OPENS).rounds[: STEPS // 2]]
    began = spent()
    pages = [bench.open(listen=_count(requests), calm=True) for _ in range(VIEWERS)]
    opened, fetched, steps, asked, busy, took = spent() - began, 0, 0, 0, 0.0, 0.0
    for lens in WALK:
        requests.clear()
        # All at once: one after the other, thirty waits of seconds would be added up.
        for page in pages:
            ask(page, lens)
        for page in pages:
            await_figures(page, lens)
        print(f"  {lens}: figures of {len(pages)} pages are there", file=sys.stderr, flush=True)
        for page in pages:  # a first step: a font may come with it, once a visit
            page.evaluate(f"ask => ({SCRUB})(ask)", [stops[:1], 40])
        fetched += len(requests)
        requests.clear()
        before, start = spent(), time.monotonic()
        for page in pages:
            page.evaluate(f"ask => {{ window.walk = ({SCRUB})(ask); }}", [stops, 40])
        steps += sum(len(page.evaluate("() => window.walk")) for page in pages)
        busy, took, asked = busy + spent() - before, took + time.monotonic() - start, asked + len(requests)
    before = spent()
    time.sleep(took)
    idle = spent() - before
    for page in pages:
        page.context.close()
    part = f"{VIEWERS} viewers, {len(WALK)} lenses"
    return [
        Row(part, "server CPU to open all pages", opened, "s"),
        Row(part, "requests for figures, before stepping", fetched, ""),
        Row(part, f"requests in {steps} steps", asked, "", 0),
        Row(part, f"server CPU in {took:.0f} s of stepping", busy, "s"),
        Row(part, f"server CPU in {took:.0f} s without", idle, "s"),
    ]


def _count(requests: list[str]) -> Callable[[Any], None]:
    def listen(page) -> None:
        # A heartbeat is asked for once a visit and stays open.
        page.on("request", lambda r: None if "heartbeat" in r.url else requests.append(r.url))

    return listen


PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "paint": first_paint,
    "weight": weight,
    "traces": traces,
    "scrub": scrub,
    "viewers": viewers,
}


def table(rows: list[Row]) -> str:
    """A line for each number, under the name of its part; what is missed says so."""
    lines, part = [], None
    for row in rows:
        if row.part != part:
            lines.append(row.part)
            part = row.part
        limit = "" if row.limit is None else f"limit {row.limit:g} {row.unit}" + (": MISSED" if row.missed else "")
        lines.append(f"  {row.what:<52}{row.value:>10.{0 if not row.unit else 1}f} {row.unit:<4}{limit}".rstrip())
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (the other measurements need no browser)

    parser = argparse.ArgumentParser(prog="python -m bench page", description="What the page costs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all, in this order)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    args = parser.parse_args(argv)
    if unknown := set(args.parts) - PARTS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(PARTS)}.")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as p:
        folder = Path(name)
        with served(["app.py"], folder) as (url, pid):
            browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
            bench = Bench(browser, url, pid, folder)
            for part, measure in PARTS.items():
                if not args.parts or part in args.parts:
                    print(f"{part} ...", file=sys.stderr, flush=True)
                    found = measure(bench)
                    rows += found
                    if not args.json:  # as they come: the last part takes minutes
                        print(table(found), flush=True)
            browser.close()
    if bench.errors:
        raise SystemExit(f"The page raised {bench.errors[0]}")
    if args.json:
        print(json.dumps([row._asdict() for row in rows]))
    return int(any(row.missed for row in rows))
