"""The heatmap counts what it says it counts: rate and chance are different numbers, and the bonus is no draft."""

from dataclasses import replace

from view_samples import CAT, PA, S, mixed, routed, ssd, tree

from decoders.trace import Commit, Edit, Finish, Judge, Node, Propose, Round, Verdict
from viz import theme
from viz.views.heatmap import VIEW, info, places, plot


def test_cells_are_the_verdicts_by_place_in_the_draft_of_rounds_that_judged():
    shown = info(ssd(), 9)
    assert shown.rounds == (2, 3)
    assert shown.cells == (("accepted", "accepted", "rejected", "unreached"), ("accepted", "accepted", "accepted"))
    assert shown.pos == ((3, 4, 5, 6), (5, 7, 9))


def test_a_place_counts_only_when_the_walk_got_there():
    shown = info(ssd(), 9)
    assert shown.reached == (2, 2, 2, 0)
    assert shown.accepted == (2, 2, 1, 0)


def test_the_rate_is_of_all_drafts_and_the_chance_of_those_reached():
    shown = info(ssd(), 9)
    assert round(shown.rate, 4) == 0.7143
    assert round(shown.chance, 4) == 0.8333
    assert shown.sentence == (
        "5 of 7 drafted tokens were accepted: a rate of 71%. That is not the chance that one draft is accepted: of the "
        "6 places that the walk reached, 5 were accepted (83%). 2.50 accepted per round, 3.50 tokens with the bonus."
    )


def test_accepted_length_is_told_with_and_without_the_bonus():
    shown = info(ssd(), 9)
    assert (shown.lengths, shown.extra, shown.totals) == ((2, 3), (1, 1), (3, 4))
    assert shown.histogram == (0, 0, 1, 1)


def test_the_cursor_marks_the_last_judged_round_it_has_begun():
    assert [info(ssd(), at).now for at in (0, 3, 4, 9, 10, 15)] == [-1, -1, 0, 0, 1, 1]


def streak(outcome: str, rounds: int):
    events = []
    for n in range(rounds):
        events += [Round(n, 0), Propose((Node(0, ((2, 3),), 0.5),))]
        events += [
            Judge((Verdict(0, outcome, 0.5, float(outcome == "accepted"), 1.0),)),
            Commit((Edit(3, 0, 3, "bonus"),)),
        ]
    return replace(ssd(), events=(*events, Finish("length")))


def test_long_runs_of_nothing_and_of_everything_are_warned_about():
    assert info(streak("rejected", 5), 1).warnings == ()
    assert info(streak("rejected", 6), 1).warnings == (
        "acceptance below 10% for 6 rounds in a row (from round 0): the drafts are guesses",
    )
    assert info(streak("accepted", 11), 1).warnings == ()
    assert "12 rounds in a row" in info(streak("accepted", 12), 1).warnings[0]
    texts = [a.text for a in plot(info(streak("accepted", 12), 1)).layout.annotations]
    assert any("⚠ everything accepted" in text for text in texts)


def test_a_click_goes_to_the_end_of_the_round_and_pins_the_draft():
    heat = next(t for t in plot(info(ssd(), 9)).data if t.type == "heatmap")
    assert list(heat.customdata[0][2]) == [9, 5, 2]


def test_what_a_round_adds_without_a_draft_is_shown_as_what_it_is():
    assert info(ssd(), 9).kinds == ("bonus", "bonus")
    assert info(tree(), 8).kinds == ("corrected",)
    glyphs = [text for trace in plot(info(tree(), 8)).data if trace.type == "scatter" for text in trace.text]
    assert "↻" in glyphs and "★" not in glyphs
    bars = next(t for t in plot(info(tree(), 8)).data if t.name == "without a draft")
    assert list(bars.marker.color) == [theme.state("corrected").fill]


def test_a_revision_of_an_earlier_token_is_not_one_more_token():
    events = (*ssd().events[:8], Commit((Edit(2, 5, 7, "revised"),)), Finish("stopped"))
    assert info(replace(ssd(), events=events), 9).extra == (0,)


def test_a_long_run_draws_with_traces_and_not_with_an_annotation_per_cell():
    # plotly.py adds annotations in time that grows with the square of their number.
    assert len(plot(info(streak("rejected", 40), 1)).layout.annotations) == 1


def fill(heat, row, column):
    """The colour that Plotly gives a cell: the band of the scale that its number falls into."""
    share = (heat.z[row][column] - heat.zmin) / (heat.zmax - heat.zmin)
    return max((edge, i) for i, (edge, _) in enumerate(heat.colorscale) if edge <= share)[1]


def test_a_cell_is_drawn_in_the_colour_and_with_the_glyph_of_its_state():
    for trace, states in (
        (ssd(), ("accepted", "accepted", "rejected", "unreached", "bonus")),
        (tree(), ("accepted", "rejected", "corrected")),
    ):
        for dark in (False, True):
            figure = plot(info(trace, 9), dark=dark)
            heat = next(t for t in figure.data if t.type == "heatmap")
            glyphs = {(t.x[i], t.y[i]): t.text[i] for t in figure.data if t.type == "scatter" for i in range(len(t.x))}
            for column, state in enumerate(states):
                assert heat.colorscale[fill(heat, 0, column)][1] == theme.state(state, dark).fill
                assert glyphs[column + 1, 0] == theme.GLYPHS[state]


def test_a_step_moves_the_frame_around_the_round_and_nothing_else():
    first, second = (plot(info(ssd(), view.stop)) for view in ssd().rounds if view.of(Judge))
    assert [(s.y0, s.y1) for figure in (first, second) for s in figure.layout.shapes] == [(-0.5, 0.5), (0.5, 1.5)]
    assert first.data == second.data
    assert plot(info(ssd(), 0)).layout.shapes == ()


# ------------------------------------------------------------ trees, and rounds that skipped their verification
def test_the_place_of_a_draft_in_a_tree_is_its_depth_and_a_depth_is_one_try():
    """Eight nodes of four tokens, three deep: the walk takes two steps and stops at the third."""
    nodes = mixed().events[1].nodes
    assert places(list(nodes)) == {0: 1, 1: 2, 2: 3, 3: 1, 4: 2, 5: 3, 6: 1, 7: 2}
    shown = info(mixed(), 9)
    assert shown.cells == (("accepted", "accepted", "rejected"),) and shown.nodes == ((3, 4, 5),)
    assert (shown.reached, shown.accepted, shown.lengths, shown.histogram) == ((1, 1, 1), (1, 1, 0), (2,), (0, 0, 1))
    assert shown.rate == 2 / 4 and shown.chance == 2 / 3


def test_a_draft_with_several_parents_lies_below_the_deepest():
    fills = ((2, 3),)
    nodes = [Node(0, fills, 0.5), Node(1, fills, 0.5, (0,)), Node(2, fills, 0.5, (0, 1))]
    assert places(nodes) == {0: 1, 1: 2, 2: 3}


def test_a_draft_of_several_tokens_is_one_place_and_several_tokens():
    first, second = Node(0, ((3, PA), (4, S)), 0.5, (), 1), Node(1, ((5, CAT),), 0.5, (0,), 2)
    judge = Judge((Verdict(0, "accepted", 0.5, 1.0, 1.0), Verdict(1, "rejected", 0.5, 0.0, 1.0)))
    kept = Commit((Edit(3, 0, PA, "accepted"), Edit(4, 0, S, "accepted")))
    shown = info(replace(ssd(), events=(Round(0, 0), Propose((first, second)), judge, kept, Finish("stopped"))), 4)
    assert (shown.cells, shown.lengths, shown.histogram) == ((("accepted", "rejected"),), (2,), (0, 0, 1))
    assert shown.rate == 2 / 3 and shown.chance == 1 / 2


def test_guesses_beside_each_other_keep_their_number():
    assert places([Node(4, ((2, 3),), 0.5), Node(7, ((3, 3),), 0.5)]) == {4: 1, 7: 2}


def test_a_round_that_skipped_its_verification_is_a_row_that_no_number_counts():
    shown = info(routed(), 13)
    assert (shown.rounds, shown.skipped) == ((0, 1), (3, 0))
    assert shown.cells == ((), ("accepted", "rejected")) and shown.kinds == ("unmasked", "corrected")
    assert (shown.rate, shown.histogram, shown.totals) == (0.5, (0, 1), (1, 2))
    assert shown.sentence.endswith(
        "1.00 accepted per round, 2.00 tokens with the bonus. 1 round skipped the verification."
    )
    assert ["» verify skipped"] in [list(t.text) for t in plot(shown).data if t.name == "verify skipped"]


def test_the_page_is_sent_only_what_it_does_not_count_itself():
    assert sorted(VIEW.answer(ssd(), 9)["payload"]) == ["sentence", "warnings"]
    assert VIEW.answer(replace(ssd(), events=(Round(0, 0), Propose(()), Judge(()))), 1)["payload"] == {
        "empty": "No drafts were judged."
    }
