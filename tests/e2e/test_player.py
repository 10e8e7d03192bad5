"""The player agrees with Python: on every bundled trace, every state of every position at every round is the same, and
so is what it says about the reference run."""

from dataclasses import replace

import pytest
from serving import ROOT, Bare
from toys import timed_run

from decoders.trace import Forward, Trace
from tests.views.view_samples import mixed
from viz.views.grid import info

TRACES = sorted((ROOT / "assets" / "traces").glob("*.json.gz"))
COMPARED = [path for path in TRACES if Trace.load(path).reference]
# The same states under other names.
WORDS = {"tail": "after_eos", "revised": "corrected"}


@pytest.fixture(scope="module")
def player(browser):
    """One page for all: each test loads a run of its own."""
    bare = Bare(browser)
    yield bare.page
    bare.close()


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


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.name)
def test_the_headline_counts_drafted_tokens_as_python_does(player, path):
    trace = Trace.load(path)
    player.evaluate("text => window.p.load(JSON.parse(text), {run: 'x'})", trace.to_json())
    player.evaluate("n => window.p.seek(n)", len(trace.events))
    now = player.evaluate("() => window.p.state().numbers")
    assert (now["accepted"], now["judged"]) == trace.acceptance
    length = now["judgedTokens"] / now["judgedRounds"] if now["judgedRounds"] else None
    assert length == trace.acceptance_length


def test_a_token_drafted_in_many_orders_is_counted_once_in_the_headline_and_in_the_sentence(player):
    """Eight nodes hold four tokens; two are accepted. In the middle of the round nothing is judged yet."""
    player.evaluate("text => window.p.load(JSON.parse(text), {run: 'x'})", mixed().to_json())
    told = []
    for at in (2, 3, 4, 8):
        player.evaluate("at => window.p.seek(at)", at)
        tile = player.locator(".um-num:has(.um-label:text('accepted'))").inner_text().split("\n")[-2:]
        told.append((tile, player.locator(".um-status").inner_text().split(": ")[1].split(";")[0]))
    assert told == [
        (["–", "0/0, length –"], "4 drafted"),
        (["–", "0/0, length –"], "4 drafted"),
        (["50%", "2/4, length 0.0"], "4 drafted, 2 accepted, 2 rejected"),
        (["50%", "2/4, length 3.0"], "4 drafted, 2 accepted, 2 rejected, 1 bonus"),
    ]


def badge(player, trace: Trace) -> tuple[str, str, int | None]:
    """What the badge is and says, and the position that a click on it leads to (None: it leads nowhere)."""
    player.evaluate("text => window.p.load(JSON.parse(text), {run: 'x'})", trace.to_json())
    player.evaluate("() => document.querySelector('.um-badge').click()")
    state = player.evaluate("() => window.p.state()")
    return state["badge"]["kind"], state["badge"]["text"], state["pos"]


@pytest.mark.parametrize("path", COMPARED, ids=lambda p: p.name)
def test_the_badge_says_what_python_says_about_the_reference(player, path):
    trace = Trace.load(path)
    first, start = trace.difference(), trace.prompt_len
    ours, theirs = trace.tokens[start:], trace.reference.tokens[start:]
    equal = sum(a == b for a, b in zip(ours, theirs, strict=False))
    kind, text, pos = badge(player, trace)
    assert pos == first
    if trace.guarantee == "approximate":
        assert kind == "approx"
    else:
        assert kind == ("same" if first is None else "differs")
    assert (f"position {first}" if kind == "differs" else f"{equal}/{max(len(ours), len(theirs))}") in text


def test_the_badge_finds_the_first_difference_where_drafts_reached_further_than_the_text(player):
    trace = Trace.load(ROOT / "assets" / "traces" / "diffuspec-apples.json.gz")
    ref, n = trace.reference, len(trace.tokens)
    other, more = ref.tokens[0], ref.tokens[-1]
    assert trace.guarantee == "greedy-exact" and ref.tokens == trace.tokens
    for tokens, first in (
        ((*ref.tokens[: n - 3], other, *ref.tokens[n - 2 :]), n - 3),
        (ref.tokens[: n - 2], n - 2),
        ((*ref.tokens, more), n),
    ):
        changed = replace(trace, reference=replace(ref, tokens=tokens))
        assert changed.difference() == first
        kind, text, _ = badge(player, changed)
        assert kind == "differs" and f"position {first}" in text


def test_tokens_a_second_leave_out_prompt_warm_up_listener_and_tail(player, monkeypatch):
    trace = timed_run(monkeypatch, call=0.25)
    shown = {}
    for at in (trace.rounds[1].stop, len(trace.events)):
        player.evaluate("([t, at]) => { p.load(JSON.parse(t), {run: 'x'}); p.seek(at); }", [trace.to_json(), at])
        shown[at] = player.locator(".um-num .um-value").all_inner_texts()[:3]
    # Two calls of 0.25 s have filled two positions; all eight filled four before the end of the text.
    assert list(shown.values()) == [["2", "500\u202fms", "4.0"], ["4", "2.00\u202fs", "2.0"]]


def test_the_badge_says_how_much_is_equal_and_to_what(player):
    kind, text, _ = badge(player, Trace.load(ROOT / "assets" / "traces" / "ssd-apples.json.gz"))
    assert (kind, text) == ("same", "= identical (64/64 positions) to stepwise (R1, one token per call)")


@pytest.mark.parametrize(
    ("provenance", "said"),
    [
        ("measured", "MEASURED · H100, 2026-01-02"),
        ("replay", "REPLAY · recorded on H100, 2026-01-02"),
        ("simulated", "SIMULATED"),
    ],
)
def test_the_chip_says_whether_a_run_was_measured_and_where_and_when(player, provenance, said):
    trace = replace(Trace.load(TRACES[0]), provenance=provenance, hardware="H100", recorded="2026-01-02")
    badge(player, trace)
    assert player.locator(".um-prov").inner_text() == said


def test_a_run_without_its_reference_offers_it_and_says_how_long_it_will_take(browser):
    bare = Bare(browser)  # of its own, because this one is mounted with another host
    player = bare.page
    trace = Trace.load(ROOT / "assets" / "traces" / "ssd-apples.json.gz")
    # 32 positions, one call each: as long as the shortest call of the run, 0.1 s.
    slow = [
        replace(e, seconds=0.1 + 0.1 * (i > 9)) if isinstance(e, Forward) else e for i, e in enumerate(trace.events)
    ]
    trace = replace(trace, events=tuple(slow), reference=None, provenance="measured")
    player.evaluate("() => Unmasked.mount(window.p.root, {reference: (run) => { window.asked = run; }})")
    said = player.evaluate(
        """text => {
          const api = document.querySelector('.unmasked').unmasked;
          api.load(JSON.parse(text), {run: 'x'});
          return api.state().badge.text;
        }""",
        trace.to_json(),
    )
    assert said == "? reference not run · Run it, about 3\u202fs"
    player.locator(".um-badge").click()
    assert player.evaluate("() => window.asked") == "x"
    bare.close()


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


TRACES_OF = ROOT / "assets" / "traces"


def load(player, name: str, **options) -> Trace:
    trace = Trace.load(TRACES_OF / f"{name}.json.gz")
    player.evaluate("([t, o]) => window.p.load(JSON.parse(t), {run: 'x', ...o})", [trace.to_json(), options])
    return trace


@pytest.mark.parametrize(
    ("rounds", "at"),
    [
        ([[], ["accepted"], ["accepted", "rejected"], ["rejected", "accepted"]], 30),
        ([[], ["rejected", "unreached"], ["accepted"]], 20),
        ([[], [], [], []], 20),
        ([], 0),
    ],
)
def test_a_run_opens_where_something_was_accepted_and_rejected_else_judged_else_in_its_middle(player, rounds, at):
    code = """rounds => Unmasked.opening(rounds.map((fates, i) => (
      {stop: 10 * (i + 1), fates: fates.length ? new Map(fates.map((f, k) => [k + ":1", f])) : undefined})))"""
    assert player.evaluate(code, rounds) == at


def test_only_a_run_that_is_asked_to_opens_inside(player):
    load(player, "ssd-apples")
    assert player.evaluate("() => p.state().step") == 0
    load(player, "ssd-apples", opening=True)
    assert player.evaluate("() => [p.state().step, p.state().counts.accepted]") == [2, 1]
    assert player.evaluate("() => p.restore({pos: '40'})") == []
    assert player.evaluate("() => p.state().step") == 2
    assert player.evaluate("() => p.restore({step: '0'})") == []
    assert player.evaluate("() => p.state().step") == 0


def test_filled_per_call_is_the_fields_number_and_names_what_lies_behind_the_end(player):
    trace = load(player, "ssd-apples")
    player.evaluate("() => p.seek(1e9)")
    tile = player.locator(".um-num:has(.um-label:text('filled / call'))")
    assert tile.locator(".um-value").inner_text() == "2.13" == f"{trace.tokens_per_call:.2f}"
    assert tile.locator(".um-of").inner_text() == "1.20 tokens"
    top = player.locator(".um-spine").bounding_box()["y"]
    tile.click()
    said = player.locator(".um-def").inner_text()
    assert said.endswith("Here: 32 filled / 15 forward calls; 14 of them lie behind the end.")
    assert player.locator(".um-spine").bounding_box()["y"] == top
    player.evaluate("() => p.seek(p.state().at, {pos: 40})")
    player.keyboard.press("Escape")
    assert player.locator(".um-def").is_hidden() and player.evaluate("() => p.state().pos") == 40
    player.keyboard.press("Escape")
    assert player.evaluate("() => p.state().pos") is None


def test_an_approximate_run_says_where_it_first_differs_and_marks_every_place(player):
    trace = load(player, "story-fox-fast")
    badge = player.locator(".um-badge")
    said = "~ lossy: 57/64 positions agree with stepwise, first differs at 14: ‘ curious’ there, ‘ time’ here"
    assert badge.inner_text() == said
    assert badge.evaluate("e => getComputedStyle(e).textDecorationLine") == "underline"
    differ = [i for i, (a, b) in enumerate(zip(trace.tokens, trace.reference.tokens, strict=True)) if a != b]
    dotted = player.evaluate("() => [...document.querySelectorAll('.um-differs')].map((e) => Number(e.dataset.pos))")
    assert dotted == differ and len(differ) == 7
    assert player.locator(".um-differing").inner_text().split() == ["differs", "from", "reference", "7"]
    badge.click()
    assert player.evaluate("() => [p.state().pos, p.state().step]") == [14, 2]
    assert player.locator(".um-refhas").inner_text() == "Differs from the reference: stepwise has ‘ curious’ here."


def test_a_run_equal_to_its_reference_or_without_one_has_no_dots(player):
    trace = load(player, "ssd-apples")
    same = player.locator(".um-differs").count(), player.locator(".um-differing").is_hidden()
    fast = replace(Trace.load(TRACES_OF / "story-fox-fast.json.gz"), reference=None)
    player.evaluate("t => p.load(JSON.parse(t), {run: 'y'})", fast.to_json())
    assert trace.difference() is None
    assert same == (0, True)
    assert player.locator(".um-differs").count() == 0 and player.locator(".um-differing").is_hidden()


def test_the_legend_and_the_sentence_of_diffuspec_count_the_same_drafts(player):
    load(player, "diffuspec-apples", opening=True)
    status = player.locator(".um-status").inner_text()
    assert "18 drafted, 11 accepted, 1 rejected, 6 not reached, 1 corrected" in status
    assert "from 17 drafted and 11 accepted before the end of the text" in status and "(drafted" not in status
    legend = player.locator(".um-legend").inner_text().split("\n")
    assert legend[0] == "At this step:" and "corrected (its draft was rejected)" in legend and "drafted" not in legend
    player.evaluate("() => p.restore({unit: 'beat'})")
    assert "drafted" in player.locator(".um-legend").inner_text().split("\n")


def test_help_lists_as_many_digits_as_views_and_hides_what_leads_nowhere(player):
    load(player, "ssd-apples")
    player.keyboard.press("?")
    keys = player.locator(".um-key", has_text="choose a view").locator(".um-cap").all_inner_texts()
    assert keys == ["1", str(player.locator(".um-tab").count())]
    # This page has the grid alone, no other run and no export menu.
    assert player.locator(".um-tries").is_hidden()
    assert {"R1 … R4", "p̂", "CPS", "ADL", "TPF"} <= set(player.locator(".um-terms dt").all_inner_texts())
    player.keyboard.press("Escape")
    assert player.locator(".um-help").is_hidden()


def test_changed_controls_are_told_until_another_run_comes(player):
    load(player, "ssd-apples")
    player.evaluate("() => p.stale(true)")
    assert player.locator(".um-stale").inner_text() == "The controls have changed since: press Run."
    load(player, "story-fox-fast")
    assert player.locator(".um-stale").inner_text() == ""
