"""Arithmetic and other models on the page: the switch goes with the address, a model is looked at before it is run."""

import shutil

import pytest
from models.checkpoints import write
from serving import choose, serve

from decoders.models import catalogue

pytestmark = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)
PROMPT = "What is the capital of France?"


def ran(page) -> str:
    """Runs the prompt and returns what the page says of where it ran."""
    page.locator("#prompt textarea").fill(PROMPT)
    page.locator("#run").click()
    page.wait_for_function("() => location.hash.startsWith('#c=')", timeout=60_000)
    page.wait_for_function("() => document.querySelector('.unmasked').textContent.includes('MEASURED')")
    return page.locator(".unmasked").inner_text()


def test_the_arithmetic_of_a_run_stands_in_its_address_and_comes_back_with_it(watch, page_url):
    w = watch(page_url)
    w.page.locator("#dtype label", has_text="bfloat16").click()
    assert "threads, bfloat16" in ran(w.page)
    again = watch(page_url, "/" + w.page.evaluate("location.hash"))
    again.page.wait_for_function("() => document.querySelector('#dtype input').checked", timeout=20_000)
    assert again.page.locator("#prompt textarea").input_value() == PROMPT
    assert again.page.locator("text=left out:").count() == 0
    w.clean()
    again.clean()


def test_a_visitors_model_is_looked_at_measured_chosen_and_run_and_a_wrong_one_leaves_everything_as_it_was(
    watch, browser, tmp_path
):
    folder = shutil.copytree(catalogue.MODELS / "tiny-sdar", tmp_path / "<b>mine")
    for url in serve(["app.py", "--allow-model-loading"], tmp_path):
        w = watch(url)
        page = w.page
        page.set_viewport_size({"width": 360, "height": 800})

        def look(name, page=w.page) -> None:
            page.locator("#named input").fill(str(name))
            page.locator("#named input").press("Enter")
            page.locator("#look").click()

        look(folder)
        said = page.locator("#met textarea")
        said.wait_for(timeout=20_000)
        assert said.input_value().startswith("<b>mine: ") and "block attention in blocks of 8;" in said.input_value()
        assert "mine" not in page.locator("#model input").input_value()
        page.locator("#check").click()
        page.wait_for_function(
            "() => document.querySelector('#model input').value.startsWith('<b>mine · ')", timeout=120_000
        )
        assert "masked tokens of" in said.input_value() and not page.locator("#check").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        look("/nowhere")
        page.locator(".toast-body", has_text="There is no model named '/nowhere'").wait_for(timeout=20_000)
        look(write(tmp_path / "chance", "sdar"))
        page.locator("#check").click()
        page.locator(".toast-body", has_text="no better than chance").wait_for(timeout=60_000)
        mine = page.locator("#model input").input_value()
        assert mine.startswith("<b>mine · ") and "MEASURED" in ran(page)
        choose(page, "#method", "S2D2")
        page.wait_for_timeout(1000)
        assert page.locator("#model input").input_value() == mine
        w.clean()
