"""The player agrees with Python: on every bundled trace, every state of every position at every round is the same."""

import pytest
from serving import ROOT

from decoders.trace import Trace
from viz.views.grid import info

TRACES = sorted((ROOT / "assets" / "traces").glob("*.json.gz"))
# The same states under other names.
WORDS = {"tail": "after_eos", "revised": "corrected"}


@pytest.fixture
def player(browser):
    page = browser.new_page()
    page.set_content('<div class="unmasked"></div>')
    page.add_style_tag(path=str(ROOT / "assets" / "player.css"))
    page.add_script_tag(path=str(ROOT / "assets" / "player.js"))
    page.evaluate("() => { window.p = Unmasked.mount(document.querySelector('.unmasked'), {views: []}) }")
    yield page
    page.close()


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.name)
def test_states_and_text_of_the_player_are_those_of_the_python_view(player, path):
    trace = Trace.load(path)
    player.evaluate("text => window.p.load(JSON.parse(text), {run: 'x'})", trace.to_json())
    python = info(trace, len(trace.events))
    for row, stop in enumerate(python.stops):
        state = player.evaluate("at => { window.p.seek(at); return window.p.state() }", stop)
        shown = [WORDS.get(s, s) for s in state["states"]]
        assert shown == list(python.states[row]), f"round {python.rounds[row]}"
        assert state["tokens"] == trace.canvas_at(stop)
    assert player.evaluate("() => window.p.state().text") == trace.text


def test_streaming_in_pieces_ends_where_loading_at_once_does(player):
    trace = Trace.load(TRACES[0])
    text = trace.to_json()
    whole = player.evaluate(
        "text => { window.p.load(JSON.parse(text), {run: 'x'}); window.p.seek(1e9); return window.p.state() }", text
    )
    pieces = player.evaluate(
        """text => {
          const {events, vocab, ...header} = JSON.parse(text);
          window.p.begin({...header, vocab: {}, reference: null}, {run: 'y'});
          for (let i = 0; i < events.length; i += 3) window.p.push(events.slice(i, i + 3), vocab);
          window.p.finish({reference: header.reference});
          window.p.seek(1e9);
          return window.p.state();
        }""",
        text,
    )
    for key in ("states", "tokens", "text", "numbers", "badge", "steps"):
        assert pieces[key] == whole[key], key
