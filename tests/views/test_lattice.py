"""The lattice says which candidates of a round were searched, why the others were not, and what became of the path."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from toys import LETTERS, scripted, spell
from view_samples import CAT, EOS, PA, RI, THE, M, S, make, mixed, ssd, stepwise, tree

from decoders.ngram import NGram
from decoders.run import run
from decoders.trace import Belief, Commit, Decide, Edit, Finish, Forward, Judge, Node, Propose, Round, Trace, Verdict
from viz.views.lattice import COLUMNS, VIEW, data, info, right, score

ROOT = Path(__file__).parents[2]


def searched(**params):
    """Two rounds on a text that grows from one token. Round 0 drafts THE CAT EOS among five candidates a slot; the
    target accepts THE and says PA. Round 1 drafts nothing."""
    slots = (
        ((THE, 0.5), (RI, 0.25), (CAT, 0.15), (S, 0.05), (PA, 0.05)),
        ((PA, 0.6), (CAT, 0.3), (S, 0.04), (RI, 0.03), (THE, 0.03)),
        ((EOS, 0.9), (S, 0.05), (RI, 0.02), (CAT, 0.02), (THE, 0.01)),
    )
    grams = (
        ((THE,), -2.0, -0.5),
        ((CAT,), -3.0, 0.0),
        ((PA,), -2.5, 0.0),
        ((EOS,), -1.0, 0.0),
        ((THE, CAT), -0.25, 0.0),
    )
    behind = (Belief(4, ((S, 0.7), (RI, 0.2)), 0.5), Belief(5, ((S, 0.7),), 0.5))
    events = [
        Round(0, 0),
        Forward("draft", 6, beliefs=(*(Belief(1 + i, slot, 0.5) for i, slot in enumerate(slots)), *behind)),
        Decide("path", "3 tokens", (1, 2, 3), (("slots", 3),), slots, grams),
        Propose((Node(0, ((1, THE),), 0.5), Node(1, ((2, CAT),), 0.3, (0,)), Node(2, ((3, EOS),), 0.9, (1,)))),
        Forward("verify", 4),
        Judge(
            (
                Verdict(0, "accepted", 0.8, 1.0, 1.0, (1, THE)),
                Verdict(1, "rejected", 0.1, 0.0, 1.0, (2, PA)),
                Verdict(2, "unreached", 0.1, 0.0, 1.0),
            )
        ),
        Commit((Edit(1, -1, THE, "accepted", 0.8),)),
        Commit((Edit(2, -1, PA, "corrected", 0.7),)),
        Decide("next draft length", "2", (), (("drafted", 2), ("accepted", 1))),
        Round(1, 0),
        Forward("decode", 1),
        Commit((Edit(3, -1, EOS, "unmasked", 0.9),)),
        Finish("eos"),
    ]
    params = {"tau": 0.9, "m_max": 2, "beam": 2, "lam": 0.5, **params}
    return make(events, (S,), 1, title="Path", method="path", attention="causal", mask=-1, params=params)


def whys(shown):
    return [[c.why for c in column.candidates] for column in shown.columns]


def test_each_candidate_says_whether_it_is_in_the_lattice_and_why_not():
    shown = info(searched(), 9)
    assert whys(shown)[:3] == [
        ["lattice", "lattice", "limit", "mass", "mass"],
        ["lattice", "lattice", "mass", "mass", "mass"],
        ["lattice", "mass", "mass", "mass", "mass"],
    ]
    assert whys(info(searched(m_max=4), 9))[0] == ["lattice", "lattice", "lattice", "mass", "mass"]
    assert whys(info(searched(m_max=1), 9))[1] == ["lattice", "limit", "mass", "mass", "mass"]


def test_behind_the_drafted_end_stands_what_the_drafter_believed_there():
    shown = info(searched(), 9)
    assert [column.pos for column in shown.columns] == [1, 2, 3, 4, 5]
    assert whys(shown)[3:] == [["end", "end"], ["end"]]


def test_the_path_the_verified_part_of_it_and_the_targets_own_token():
    shown = info(searched(), 9)
    assert [(s.pos, s.token, s.state) for s in shown.path] == [
        (1, THE, "accepted"),
        (2, CAT, "rejected"),
        (3, EOS, "unreached"),
    ]
    assert shown.own is not None and (shown.own.pos, shown.own.token, shown.own.state) == (2, PA, "corrected")
    assert shown.name == "causal-consistency path (CPS)" and shown.settings == {
        "tau": 0.9, "m_max": 2.0, "beam": 2.0, "lam": 0.5, "temperature": 0.0,
    }  # fmt: skip


def test_the_sentence_names_each_token_that_replaced_the_locally_best_one_and_both_scores():
    """S = 0.5 (ln .5 + ln .3 + ln .9 - 2 - .25 - 1) and, by the back-off weight behind THE, for PA -2.5 - .5."""
    path = 0.5 * (math.log(0.5 * 0.3 * 0.9) - 3.25)
    greedy = 0.5 * (math.log(0.5 * 0.6 * 0.9) - 6.0)
    assert info(searched(), 9).sentence == (
        "Round 0: 5 candidates at 3 positions are in the lattice. The causal-consistency path (CPS) leaves "
        "the locally best token at 1 position: at 2 ‘·cat’ instead of ‘·Paris’ (rejected). "
        f"It scores S = −{-path:.2f}, the locally best tokens −{-greedy:.2f}. "
        "The target accepts 1 of 3, then says ‘·Paris’ at 2."
    )
    event = searched().events[2]
    assert isinstance(event, Decide)
    assert score([(THE, 0.5), (CAT, 0.3), (EOS, 0.9)], [S], event, 0.5) == pytest.approx(path)
    assert score([(THE, 0.5)], [S], replace(event, ngrams=()), 0.5) == pytest.approx(math.log(0.5))


def test_a_beam_that_ended_worse_than_the_locally_best_tokens_is_said_to_have():
    """With the drafter alone, S = ln (.5 x .3 x .9) against ln (.5 x .6 x .9)."""
    said = info(searched(lam=1.0), 9).sentence
    assert "at 2 ‘·cat’ instead of ‘·Paris’ (rejected). " in said
    assert (
        f"The beam ended worse than the locally best tokens here: S = −{-math.log(0.135):.2f} against "
        f"−{-math.log(0.27):.2f}."
    ) in said
    assert "It scores" not in said and "ended worse" not in info(searched(), 9).sentence


def test_all_changed_positions_are_named():
    trace = Trace.load(ROOT / "assets" / "traces" / "diffuspec-apples.json.gz")
    said = info(trace, trace.rounds[1].stop).sentence
    assert "at 2 positions: at 43 ‘.’ instead of ‘·= ’ (not reached), at 44 ‘.’ instead of ‘5’ (not reached)." in said
    trace = Trace.load(ROOT / "assets" / "traces" / "code-vowels.json.gz")
    assert "at 21 ‘text’ instead of ‘s’ (rejected)." in info(trace, trace.rounds[0].stop).sentence
    assert 'at 37 ‘⟨eos⟩’ instead of ‘"’ (accepted).' in info(trace, trace.rounds[1].stop).sentence


def test_the_first_token_that_a_path_was_right_about_is_found_and_only_where_there_is_one():
    paths = [Trace.load(ROOT / "assets" / "traces" / f"{name}.json.gz") for name in ("code-vowels", "diffuspec-apples")]
    assert [right(trace) for trace in paths] == [(37, "⟨eos⟩", '"'), None]
    assert right(ssd()) is None


def test_before_the_first_step_a_method_without_a_lattice_names_the_one_that_has():
    assert info(ssd(), 0).sentence == "SSD searches no lattice; DiffuSpec does: open a run of DiffuSpec to see one."
    going = make([Round(0, 0)], (S,), 1, title="DiffuSpec")
    assert info(going, 0).sentence == "The run has not begun: step forward to the first lattice.", "nobody knows yet"


def test_only_what_the_cursor_has_passed_is_told():
    said = [info(searched(), at).sentence for at in range(6)]
    assert said[0] == "The run has not begun: step forward to the first lattice."
    assert said[1].startswith("Path recorded no candidates in this round up to the cursor")
    assert said[3].endswith("The path through them comes next.")
    assert said[4].endswith("It is not judged yet.")
    assert [s.state for s in info(searched(), 4).path] == ["drafted"] * 3 and info(searched(), 4).own is None


def test_the_bars_say_what_was_proposed_accepted_and_decided_next():
    assert [tuple(bar) for bar in info(searched(), 9).bars] == [(0, 9, 3, 1, 2), (1, 13, 0, 0, 0)]


def test_a_round_that_looked_at_one_position_has_no_lattice_and_says_who_has():
    shown = info(searched(), 13)
    assert shown.empty and "DiffuSpec" in shown.empty and data(shown)["empty"] == shown.empty
    timed = replace(make([Round(0, 0), Forward("denoise", 4), Finish("eos")], (S, M), 1), level="timing")
    assert "level timing" in info(timed, 3).empty


def test_a_chain_of_drafts_is_its_own_single_path():
    shown = info(ssd(), 9)
    assert shown.sentence == (
        "SSD drafts one token per position; the lattice is its single path. Open the verification tree. "
        "2 of 4 drafts accepted."
    )
    assert (shown.name, shown.settings, shown.decide) == ("drafted path", None, -1)
    assert [(s.pos, s.state) for s in shown.path] == [
        (3, "accepted"),
        (4, "accepted"),
        (5, "rejected"),
        (6, "unreached"),
    ]
    assert shown.own is not None and shown.own.state == "bonus"
    by_pos = {column.pos: column.candidates for column in shown.columns}
    assert [(c.token, c.p) for c in by_pos[3]] == [(PA, 0.8), (CAT, 0.1)], "the belief of the call that drafted it"
    assert [(c.token, c.p) for c in by_pos[4]] == [(S, 0.7)], "no call said anything about it"


def test_of_a_tree_one_path_is_drawn_the_accepted_one():
    shown = info(mixed(), 8)
    assert shown.sentence.startswith("SSD drafts a tree of 8 nodes: one of its paths is drawn here. Open the")
    assert [(s.pos, s.token, s.node) for s in shown.path] == [(3, PA, 4), (4, S, 3), (5, CAT, 5)]
    assert [(s.pos, s.node) for s in info(tree(), 8).path] == [(2, 0), (3, 2)]


def test_a_method_without_drafts_shows_what_its_call_saw_and_what_it_filled_in():
    beliefs = (Belief(2, ((RI, 0.6), (THE, 0.3)), 0.5), Belief(3, ((PA, 0.4),), 0.9))
    events = [e if not isinstance(e, Forward) else replace(e, beliefs=beliefs) for e in stepwise().events]
    shown = info(replace(stepwise(), events=tuple(events)), 4)
    assert shown.sentence.startswith("Threshold drafts nothing: these are candidates that its call saw at 2 positions;")
    assert [(s.pos, s.state) for s in shown.path] == [(2, "unmasked"), (5, "unmasked")] and shown.name == ""


def test_more_columns_than_can_be_drawn_are_cut_from_the_first_draft_on():
    beliefs = tuple(Belief(pos, ((RI, 0.9),), 0.1) for pos in range(2, 502))
    drafts = Propose((Node(0, ((100, RI),), 0.9),))
    trace = make([Round(0, 0), Forward("draft", 502, beliefs=beliefs), drafts], (S, S, *[M] * 500), 2)
    shown = info(trace, 3)
    assert (shown.columns[0].pos, len(shown.columns)) == (100, COLUMNS)


def test_a_run_of_diffuspec_gives_its_own_lattice():
    """Two candidates cover tau in slot 1; the 3-gram has read A B, so B it is where the drafter prefers C."""
    models = {
        "target": scripted({"X": "A@1 .9", "XA": "B@2 .8", "XAB": "C@3 .7"}, attention="causal", rows="next"),
        "draft": scripted({"XMM": "A@1 .9, C@2 .45, B@2 .4"}),
    }
    models["target"].proxy = NGram.fit([spell("XAB")] * 20, vocab=len(LETTERS))
    trace = run("diffuspec", models, spell("X"), max_new=3)
    shown = info(trace, trace.rounds[0].stop)
    assert [sum(c.why == "lattice" for c in column.candidates) for column in shown.columns] == [1, 2]
    assert [(LETTERS[s.token], s.state) for s in shown.path] == [("A", "accepted"), ("B", "accepted")]
    assert [LETTERS[c.token] for c in shown.columns[1].candidates[:2]] == ["C", "B"]
    assert "leaves the locally best token at 1 position: at 2 " in shown.sentence
    assert shown.decide == next(i for i, e in enumerate(trace.events) if isinstance(e, Decide))


def test_the_figure_draws_three_paths_and_what_is_outside_the_lattice_hollow():
    figure = VIEW.plot(info(searched(), 9))
    names = [t.name for t in figure.data if t.name]
    for name in (
        "locally best (greedy per position)",
        "causal-consistency path (CPS)",
        "verified prefix",
        "not in the lattice",
        "corrected",
    ):
        assert name in names
    hollow = next(t for t in figure.data if t.name == "not in the lattice")
    assert hollow.marker.color == "#FFFFFF" and "over M max" in hollow.hovertext[0]
    rejected = next(t for t in figure.data if t.name == "rejected")
    assert list(rejected.customdata[0]) == [9, 2, 1] and rejected.text[0].endswith("✕")
