"""Serving a page in a process of its own, and noticing what goes wrong on a page."""

import json
from pathlib import Path

from bench.browser import ROOT as ROOT
from bench.browser import served
from decoders.trace import Trace
from viz.assets import PLOTLY

# A lens has drawn: its tab is chosen and its figure, its own box or a sentence is there; `whole`: for every step.
DRAWN = """([name, whole]) => {
  const root = document.querySelector('.unmasked'), state = root.unmasked.state();
  const seen = (q) => [...root.querySelectorAll(q)].some((e) => e.getClientRects().length && e.textContent);
  if (root.querySelector('.um-tab[aria-selected=true] > span:last-child').textContent !== name) return false;
  if (whole && state.lacking) return false;
  const box = root.querySelector(`.um-lens[data-lens="${state.lens}"]`);
  // Its points come from the server once, after its frame.
  if (state.lens === 'tune' && !box?.querySelector('.um-tune-spot')) return false;
  return state.lens === 'grid' || (seen('.um-note') && root.querySelector('.um-note').textContent !== 'Drawing…')
    || (box && !box.hidden && (box.childElementCount > 0 || seen('.um-plot .main-svg')));
}"""


MOUNT = """views => {
  Unmasked.tool(({ stage }) => { window.stage = stage; });
  const figure = async (ask) => JSON.parse(await answer(ask));
  window.p = Unmasked.mount(document.querySelector('.unmasked'), { views, figure });
}"""


def serve(code: list[str], tmp: Path):
    """Starts a page in a process of its own and waits until it answers; yields its address."""
    with served(code, tmp) as (url, _):
        yield url


def choose(page, menu: str, name: str) -> None:
    """Picks the entry whose text contains `name` from the menu with that element id."""
    page.locator(f"{menu} input").click()
    page.get_by_role("option", name=name).click()


class Watched:
    """A page and what went wrong on it: console errors, dialogs, requests to other hosts."""

    def __init__(self, context, url: str):
        self.url, self.errors, self.foreign, self.dialogs, self.requests = url, [], [], [], []
        self.page = context.new_page()
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))
        self.page.on("request", self._request)

    def _request(self, request):
        self.requests.append(request.url)
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(request.url)

    def clean(self) -> None:
        """Asserts that nothing went wrong."""
        wrong = {"errors": self.errors, "foreign": self.foreign, "dialogs": self.dialogs}
        assert not any(wrong.values()), wrong


class Bare:
    """A page with a player and the scripts of the lenses of `views`, without a server: this process answers from
    `trace`. On the page `p` is the player and `stage` what a tool is given."""

    trace: Trace

    def __init__(self, browser, *views, width: int = 1200):
        self.errors: list[str] = []
        self.page = page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        known = {view.id: view for view in views}
        page.expose_function(
            "answer", lambda ask: json.dumps(known[ask["view"]].answer(self.trace, ask["at"]), allow_nan=False)
        )
        page.set_content('<div class="unmasked"></div>')
        for name in ("player", *(f"lenses/{view.id}" for view in views if view.medium == "script")):
            page.add_style_tag(path=str(ROOT / "assets" / f"{name}.css"))
            page.add_script_tag(path=str(ROOT / "assets" / f"{name}.js"))
        if any(view.medium == "plotly" for view in views):
            page.add_script_tag(path=str(PLOTLY))
        page.evaluate(MOUNT, [view.listed() for view in views])

    def load(self, trace) -> None:
        """Shows another run, from its first step."""
        self.trace = trace
        self.page.evaluate("t => p.load(JSON.parse(t), {run: String(Math.random())})", trace.to_json())

    def close(self) -> None:
        """Closes the page and asserts that nothing went wrong on it."""
        self.page.close()
        assert self.errors == []


def lenses(page) -> list[str]:
    """The names on the lens tabs, from left to right."""
    return page.locator(".um-tab > span:last-child").all_inner_texts()


def open_lens(page, name: str, whole: bool = False) -> None:
    """Opens a lens and waits until it has drawn its step (or says why it has nothing); `whole`: holds every step."""
    page.locator(".um-tab", has_text=name).click()
    page.wait_for_function(DRAWN, arg=[name, whole], timeout=60_000)
