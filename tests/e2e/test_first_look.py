"""The page before Gradio has loaded, and how the one becomes the other."""

import pytest
from serving import Watched

STATE = "document.querySelector('.unmasked').unmasked.state()"


class Held:
    """A page whose Gradio does not come before `release`."""

    def __init__(self, context, url: str, path: str = "/"):
        self.watched = Watched(context, url)
        self.page, self.routes, self.holds = self.watched.page, [], True
        self.page.route(
            "**/assets/index-*.js", lambda route: self.routes.append(route) if self.holds else route.continue_()
        )
        self.page.goto(url + path, wait_until="commit")

    def release(self):
        self.holds = False
        for route in self.routes:
            route.continue_()
        self.page.wait_for_selector("#player .unmasked .um-chip", state="attached", timeout=60_000)


@pytest.fixture
def held(browser, page_url):
    contexts = []

    def open(path: str = "/", **options) -> Held:
        contexts.append(browser.new_context(viewport={"width": 1360, "height": 900}, **options))
        return Held(contexts[-1], page_url, path)

    yield open
    for context in contexts:
        context.close()


def test_the_recorded_run_is_stepped_through_before_gradio_is_there_and_stays_where_it_was(held):
    early = held()
    page = early.page
    page.wait_for_selector("#um-early .um-chip")
    opened = page.evaluate(f"() => {STATE}.step")
    assert page.locator("gradio-app *").count() == 0
    page.locator(".um-text").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.locator(".um-chip").nth(40).click()
    before = page.evaluate(f"() => {STATE}")
    assert (opened, before["step"], before["run"]) == (2, 5, "bundled:ssd-apples") and before["pos"] is not None
    focused = page.evaluate("() => document.activeElement.className")
    early.release()
    assert page.evaluate(f"() => {STATE}") == before
    assert page.evaluate("() => document.activeElement.className") == focused != ""
    assert page.locator(".unmasked").count() == 1 and page.locator("#um-early, #um-run").count() == 0
    # It is the page's own player now: its address follows, its lenses are drawn, a run can be picked.
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.hash.includes('step=6')")
    early.watched.clean()


def test_what_was_scrolled_sideways_stays_there(held):
    early = held()
    page = early.page
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_selector("#um-early .um-chip")
    where = "() => Math.round(document.querySelector('.um-rail').scrollLeft)"
    page.evaluate("() => { document.querySelector('.um-rail').scrollLeft = 60; }")
    assert page.evaluate(where) == 60
    early.release()
    assert page.evaluate(where) == 60


def test_a_lens_that_was_opened_early_is_drawn_when_the_server_answers(held):
    early = held()
    page = early.page
    page.locator(".um-tab", has_text="Verification tree").click()
    assert page.locator(".um-note").inner_text() == "Drawing…"
    early.release()
    page.wait_for_selector(".um-tree-svg", timeout=30_000)
    early.watched.clean()


def test_the_frame_is_where_the_page_will_be(held):
    where = "e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width].map(Math.round); }"
    for width in (360, 760, 1360, 1920):
        early = held()
        early.page.set_viewport_size({"width": width, "height": 900})
        early.page.wait_for_selector("#um-early .um-chip")
        early.page.evaluate("() => document.fonts.ready.then(() => true)")
        before = early.page.locator(".unmasked").evaluate(where)
        early.release()
        early.page.wait_for_function(
            f"expected => JSON.stringify(({where})(document.querySelector('.unmasked'))) === expected",
            arg=str(before).replace(" ", ""),
            timeout=20_000,
        )


@pytest.mark.parametrize(("query", "scheme", "dark"), [("", "dark", True), ("?__theme=light", "dark", False)])
def test_it_is_as_dark_as_the_page_will_be(held, query, scheme, dark):
    early = held("/" + query, color_scheme=scheme)
    early.page.wait_for_selector("#um-early .um-chip")
    black = "rgb(15, 19, 24)"
    shown = early.page.locator("#um-early").evaluate("e => getComputedStyle(e).backgroundColor")
    assert (shown == black) == dark
    early.release()
    assert ("dark" in early.page.evaluate("() => [...document.body.classList]")) == dark


def test_an_address_of_another_run_is_never_shown_the_first_one(held):
    early = held("/#run=bundled:wino-apples&lens=grid&step=1")
    early.page.wait_for_function("() => window.Unmasked")
    early.page.wait_for_selector("#um-early", state="detached")
    early.release()
    early.page.wait_for_function(f"() => {STATE}.run === 'bundled:wino-apples'", timeout=20_000)
    early.watched.clean()
