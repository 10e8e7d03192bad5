"""How long the page's player takes for one step: `python bench/scrub.py [--json]`.

Builds a made-up run of 128 positions and 128 rounds with drafts and verdicts, opens the player in headless Chromium
from a plain file, seeks through all rounds forward and back with a pinned position, and times each seek together with
the layout it forces. Ends with status 1 if the 95th percentile is 32 ms or more (two frames).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from decoders.trace import (  # noqa: E402
    Belief,
    Commit,
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

ASSETS = ROOT / "assets"
LIMIT_MS = 32.0
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WORDS = " the cat sat on a mat and then it looked at me with eyes of green light because nobody else was home".split(
    " "
)[1:]

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>scrub</title><style>{css}</style></head>
<body style="margin:16px"><div class="unmasked"></div><script>{js}</script></body></html>"""

# Seeks step by step; reading a rectangle of a chip and of the status line makes the browser finish style and layout.
SCRUB = """([ats, pos, frames]) => new Promise((done) => {
  const root = document.querySelector('.unmasked');
  const chip = root.querySelector('.um-chip'), status = root.querySelector('.um-status');
  const times = [];
  let i = 0;
  const one = () => {
    const start = performance.now();
    player.seek(ats[i], i === 0 ? {pos} : undefined);
    chip.getBoundingClientRect(); status.getBoundingClientRect();
    times.push(performance.now() - start);
    if (++i === ats.length) return done(times);
    if (frames) requestAnimationFrame(one); else one();
  };
  one();
})"""


def synthetic(positions: int = 128, rounds: int = 128, drafts: int = 4, prompt_len: int = 8, seed: int = 0) -> Trace:
    """A made-up draft-verify run that fills one position a round; `drafts` drafts are turned down in each."""
    rng = random.Random(seed)
    vocab = {0: "<mask>", 1: "<eos>"} | {i + 2: " " + word for i, word in enumerate(WORDS)}
    pick = lambda: rng.randrange(2, len(vocab))  # noqa: E731
    block = max(1, positions // 4)
    order = []
    for start in range(0, positions, block):
        span = range(start, min(start + block, positions))
        order += rng.sample(span, len(span))
    canvas = [pick() for _ in range(prompt_len)] + [0] * positions
    events: list = []
    left = [prompt_len + pos for pos in order]

    def beliefs(row: int) -> list[Belief]:
        out = []
        for pos in left:
            p = 0.2 + 0.7 * rng.random()
            out.append(Belief(pos, ((pick(), p), (pick(), (1 - p) * 0.6), (pick(), (1 - p) * 0.2)), 3.0 * (1 - p), row))
        return out

    for n in range(1, rounds + 1):
        if not left:
            break
        take = max(1, round(len(left) / (rounds - n + 1)))
        events.append(Round(n, (left[0] - prompt_len) // block))
        tried = left[1 : 1 + drafts]
        nodes = [
            Node(i, ((pos, pick()),), 0.5 * rng.random(), (i - 1,) if i else (), i + 1) for i, pos in enumerate(tried)
        ]
        if nodes:
            events.append(Propose(tuple(nodes)))
        events.append(
            Forward("verify", prompt_len + positions, len(nodes) + 1, beliefs=tuple(beliefs(0)), seconds=0.01)
        )
        if nodes:
            outcomes = ["rejected"] + ["unreached"] * (len(nodes) - 1)
            verdicts = [
                Verdict(n.id, word, 0.1, 0.0, 1.0, (left[0], 2)) for n, word in zip(nodes, outcomes, strict=True)
            ]
            events.append(Judge(tuple(verdicts)))
        why = "bonus" if nodes else "unmasked"
        edits = [Edit(pos, 0, pick(), why, 0.5 + 0.5 * rng.random()) for pos in left[:take]]
        left = left[take:]
        events.append(Commit(tuple(edits)))
    events.append(Finish("length"))
    return Trace(
        method="made-up",
        title="Made-up run",
        paper="",
        guarantee="approximate",
        model="no model",
        models={},
        params={},
        seed=seed,
        prompt="",
        prompt_len=prompt_len,
        canvas=tuple(canvas),
        block=block,
        mask=0,
        eos=(1,),
        vocab=vocab,
        events=tuple(events),
        specials=(0, 1),
        provenance="simulated",
    )


def quantile(times: list[float], q: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def chromium() -> str | None:
    """The system's browser if there is one; None lets Playwright use its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)


def measure(trace: Trace, frames: bool = False) -> dict[str, float]:
    """p50, p95 and max of one seek in ms; `frames` waits for an animation frame between seeks, as a real drag does."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (a development dependency)

    html = PAGE.format(css=(ASSETS / "player.css").read_text(), js=(ASSETS / "player.js").read_text())
    stops = [view.stop for view in trace.rounds]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        page_file = Path(folder) / "scrub.html"
        page_file.write_text(html)
        browser = p.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(page_file.as_uri())
            load = page.evaluate(
                """(t) => {
                  const start = performance.now();
                  window.player = Unmasked.mount(document.querySelector('.unmasked'), {});
                  player.load(t, {run: 'bench'});
                  document.body.getBoundingClientRect();
                  return performance.now() - start;
                }""",
                json.loads(trace.to_json()),
            )
            page.evaluate(SCRUB, [stops, trace.prompt_len + 5, False])  # warm-up: compiles the code
            times = page.evaluate(SCRUB, [[*stops, *reversed(stops)], trace.prompt_len + 5, frames])
            final = page.evaluate("(at) => { player.seek(at); return player.state().tokens; }", len(trace.events))
        finally:
            browser.close()
    if errors:
        raise SystemExit(f"The player raised {errors[0]}")
    if tuple(final) != trace.tokens:
        raise SystemExit("The player's final canvas differs from the trace's.")
    return {
        "positions": len(trace.canvas) - trace.prompt_len,
        "rounds": len(trace.rounds),
        "seeks": len(times),
        "load_ms": round(load, 1),
        "p50_ms": round(quantile(times, 0.5), 2),
        "p95_ms": round(quantile(times, 0.95), 2),
        "max_ms": round(max(times), 2),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scrub", description="How long the page's player takes for one step.")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    parser.add_argument("--positions", type=int, default=128, help="positions to fill (default 128)")
    parser.add_argument("--rounds", type=int, default=128, help="rounds (default 128)")
    parser.add_argument("--frames", action="store_true", help="wait for an animation frame between seeks")
    args = parser.parse_args(argv)
    result = measure(synthetic(args.positions, args.rounds), args.frames)
    if args.json:
        print(json.dumps(result))
    else:
        print("{positions} positions x {rounds} rounds, {seeks} seeks: ".format(**result), end="")
        print("p50 {p50_ms} ms, p95 {p95_ms} ms, max {max_ms} ms; load {load_ms} ms".format(**result))
    return int(result["p95_ms"] >= LIMIT_MS)


if __name__ == "__main__":
    raise SystemExit(main())
