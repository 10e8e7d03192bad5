"""A served page and a headless Chromium; without a Chromium these tests are skipped and say so."""

from pathlib import Path

import pytest
from serving import Watched, serve

from bench.browser import FLAGS, chromium


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def page_url(tmp_path_factory, browser):
    yield from serve(["app.py"], tmp_path_factory.mktemp("gradio"))


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make e2e installs it")
    with playwright.sync_playwright() as p:
        try:
            browser = p.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        except playwright.Error as error:
            pytest.skip(f"no Chromium here (make e2e gets one): {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def watch(browser):
    contexts = []

    def open(url: str, path: str = "/", **options) -> Watched:
        context = browser.new_context(viewport={"width": 1360, "height": 900}, **options)
        contexts.append(context)
        watched = Watched(context, url)
        watched.page.goto(url + path)
        watched.page.wait_for_selector("#player .unmasked .um-chip", state="attached", timeout=30_000)
        return watched

    yield open
    for context in contexts:
        context.close()
