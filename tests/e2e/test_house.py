"""The house is proven: a method and a view, each one file that the page has never seen, appear in it and work.

The files are those printed in docs/adding-a-method.md and docs/adding-a-view.md, dropped into packages of this test.
The same toy method is found by the command line and by the HTTP API.
"""

import json
import re
from pathlib import Path

import pytest
from serving import choose, serve

from decoders.models import catalogue

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)

PAGE = """
import sys
sys.path.insert(0, sys.argv[1])
import toy_methods.leftmost, toy_views.calls
from app.ui import build, settings
from decoders.registry import METHODS
from viz.registry import views

demo = build((*METHODS, toy_methods.leftmost.METHOD), (*views(), toy_views.calls.VIEW))
demo.queue(max_size=8).launch(**settings())
"""
CLI = """
import sys
sys.path.insert(0, sys.argv[1])
import toy_methods.leftmost
from app.__main__ import main
from decoders.registry import METHODS

sys.exit(main(sys.argv[2:], (*METHODS, toy_methods.leftmost.METHOD)))
"""


def drop(folder: Path, page: str, package: str, name: str) -> None:
    """Writes the one example of a docs page into a new package."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.M | re.S)
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    (folder / package / f"{name}.py").write_text(code)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    drop(folder, "adding-a-method.md", "toy_methods", "leftmost")
    drop(folder, "adding-a-view.md", "toy_views", "calls")
    (folder / "page.py").write_text(PAGE)
    (folder / "cli.py").write_text(CLI)
    return folder


@pytest.fixture(scope="module")
def house(site, browser):
    yield from serve([str(site / "page.py"), str(site)], site)


def test_the_page_offers_the_new_method_with_its_knob_and_draws_the_new_view(watch, house):
    w = watch(house)
    page = w.page
    choose(page, "#method", "Left to right")
    page.locator("#about", has_text="as an autoregressive model has to").wait_for(timeout=20_000)
    page.locator("#knob-leftmost-k").wait_for(timeout=20_000)
    page.locator("#prompt textarea").fill("What is the capital of France?")
    page.locator("#run").click()
    page.wait_for_function("() => document.querySelector('.um-title').innerText === 'Left to right'", timeout=60_000)
    page.wait_for_function("() => /approximate/.test(document.querySelector('.um-badge').innerText)", timeout=60_000)
    page.locator(".um-tab", has_text="Calls").click()
    page.wait_for_selector(".um-plot .main-svg", timeout=30_000)
    assert "rows x tokens" in page.locator(".um-plot").inner_text()
    w.clean()


def test_the_http_api_has_an_endpoint_for_the_new_method(house):
    gradio_client = pytest.importorskip("gradio_client")
    client = gradio_client.Client(house, verbose=False)
    out = client.predict(prompt="What is the capital of France?", max_new=32, api_name="/leftmost")
    assert out["method"] == "leftmost" and out["params"]["k"] == 1 and out["calls"] > 0


def test_the_command_line_runs_the_new_method(site):
    import subprocess
    import sys

    argv = [
        sys.executable,
        str(site / "cli.py"),
        str(site),
        "run",
        "leftmost",
        "--prompt",
        "Hello",
        "--k",
        "2",
        "--json",
    ]
    done = subprocess.run(
        argv, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["method"] == "leftmost"
