"""Every view draws every kind of run at every moment, names its axes, shows text as text; a new view is one file."""

import importlib
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go
import pytest

sys.path.insert(0, str(Path(__file__).parent / "views"))

from view_samples import NASTY, SAMPLES, nasty, ssd  # noqa: E402

from viz import theme  # noqa: E402
from viz.base import View  # noqa: E402
from viz.registry import BrokenView, view, views  # noqa: E402

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adding-a-view.md"
SCRIPT = """from viz.base import View
VIEW = View("{id}", "A", "B?", frozenset(), dict, dict, 1, "{medium}", {data})"""
CASES = [(v, name) for v in views() for name in SAMPLES if v.fits(SAMPLES[name]())]


@pytest.mark.parametrize(("view", "name"), CASES, ids=lambda x: getattr(x, "id", x))
def test_a_view_draws_at_every_moment_in_both_themes_and_names_its_axes(view, name):
    trace = SAMPLES[name]()
    for at in range(len(trace.events) + 1):
        shown = view.info(trace, at)
        assert shown.sentence
        for dark in (False, True):
            layout = json.loads(view.plot(shown, dark=dark).to_json())["layout"]
            axes = {k: a for k, a in layout.items() if re.fullmatch(r"[xy]axis\d*", k)}
            assert axes and all(a.get("title", {}).get("text") for a in axes.values()), sorted(axes)


@pytest.mark.parametrize(("view", "name"), [c for c in CASES if c[1] == "nasty"], ids=lambda x: getattr(x, "id", x))
def test_markup_in_tokens_stays_text_in_figures(view, name):
    trace = nasty()
    for at in range(len(trace.events) + 1):
        figure = view.plot(view.info(trace, at)).to_json()
        assert "<b>" not in figure and "\\u003cb\\u003e" not in figure
        assert "${alert" not in figure and "%{z}" not in figure


class Shown(NamedTuple):
    sentence: str
    n: int


def test_a_view_answers_the_page_with_what_its_medium_draws_from():
    asked = dict(
        title="N", question="?", needs=frozenset({"commit"}), order=1, info=lambda trace, at: Shown("n is 3.", 3)
    )
    plotted = View(id="n", plot=lambda info, dark: go.Figure(go.Bar(y=[info.n])), **asked)
    assert plotted.answer(ssd(), 2).keys() == {"alt", "data", "layout"}
    assert plotted.answer(ssd(), 2)["data"][0]["y"] == [3]
    both = replace(plotted, data=lambda info: {"n": info.n})
    assert both.answer(ssd(), 2)["extra"] == {"n": 3}
    assert replace(both, medium="script").answer(ssd(), 2) == {"alt": "n is 3.", "payload": {"n": 3}}
    unfit = replace(both, needs=frozenset({"finish"}))
    assert unfit.answer(replace(ssd(), events=()), 0) == {
        "empty": "N needs finish events, and this run of SSD has none."
    }


def test_literal_switches_plotlys_markup_off():
    assert theme.literal(NASTY) == "&lt;b&gt;x&lt;/b&gt; &#36;{alert(1)} {{x}} &#37;{z}"


def test_needs_are_kinds_of_events_and_a_missing_one_is_named():
    for v in views():
        assert v.needs <= {"round", "forward", "propose", "judge", "decide", "commit", "finish"}
    assert view("tree").fits(ssd())


@pytest.fixture
def package(tmp_path, monkeypatch, request):
    name = f"toy_views_{request.node.name[:20]}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return folder, lambda: importlib.import_module(name)


def test_the_view_of_the_page_is_found_from_one_file_and_draws(package):
    folder, load = package
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    assert len(blocks) == 1
    (folder / "calls.py").write_text(blocks[0])
    found = views(load())
    assert [v.id for v in found] == ["calls"]
    shown = found[0].info(ssd(), 9)
    assert (shown.costs, shown.sentence) == ((10, 50, 40), "3 calls, 100 rows x tokens.")
    assert found[0].plot(shown).layout.yaxis.title.text == "rows x tokens"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("VIEW = 3", "must define VIEW"),
        ("import nonsense_module", "cannot be imported"),
        ("", "must define VIEW"),
        (SCRIPT.format(id="attn", medium="canvas", data="dict"), 'must be "plotly", "player" or "script"'),
        (SCRIPT.format(id="attn", medium="script", data="None"), "needs data"),
        (
            SCRIPT.format(id="attn", medium="script", data="dict"),
            "needs the file assets/lenses/attn.js",
        ),
        (SCRIPT.format(id="attn", medium="plotly", data="3"), "info, plot and data must be functions"),
    ],
)
def test_a_broken_view_stops_the_discovery_and_is_named(tmp_path, monkeypatch, text, said):
    name = f"broken_views_{abs(hash(text))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / name / "bad.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BrokenView, match=said) as caught:
        views(importlib.import_module(name))
    assert "bad.py" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" the", "·the"), ("the", "the"), ("\n", "⏎"), ("\t", "⇥"), ("", "∅"), ("\u200b", "∅"),
        ("    x", "·×4x"), ("  x", "··x"),
        ("<0xE2>", "⋯"), ("<0xC3><0xA9>", "é"), ("\x1b[31m", "␛[31m"), ("\u202ex", "⟨U+202E⟩x"), ("<b>", "<b>"),
    ],
)  # fmt: skip
def test_a_token_is_shown_with_its_whitespace_and_without_anything_that_acts(text, shown):
    assert theme.piece(replace(ssd(), vocab={5: text}), 5) == shown


def test_special_tokens_are_shown_by_name():
    assert [theme.piece(ssd(), token) for token in (0, 1, 99)] == ["⟨mask⟩", "⟨endoftext⟩", "#99"]


def test_every_state_can_be_read_in_both_themes():
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for name in theme.STATES:
        for dark in (False, True):
            ink = theme.state(name, dark)
            low, high = sorted((light(ink.fill), light(ink.text)))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, dark)
