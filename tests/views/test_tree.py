"""The tree is the batch that was sent: its rows, what became of each, and where the walk stopped."""

from dataclasses import replace

from toys import hashed
from view_samples import CAT, EOS, PA, RI, SAT, THE, M, S, mixed, routed, ssd, stepwise, tree, wide

from decoders.run import run
from decoders.trace import Commit, Edit, Finish, Judge, Node, Propose, Round, Verdict
from viz.views.tree import FREE, ROOT, VIEW, info


def test_each_draft_hangs_below_the_one_before_it_and_names_its_batch_row():
    twigs = {t.id: t for t in info(ssd(), 9).twigs}
    assert [(twigs[i].parent, twigs[i].row, twigs[i].state) for i in range(4)] == [
        (ROOT, 1, "accepted"),
        (0, 2, "accepted"),
        (1, 3, "rejected"),
        (2, 4, "unreached"),
    ]
    assert [twigs[i].y for i in (ROOT, 0, 1, 2, 3)] == [0, -1, -2, -3, -4]


def test_the_bonus_hangs_below_the_last_accepted_draft_and_ends_the_numbered_path():
    twigs = {t.id: t for t in info(ssd(), 9).twigs}
    assert (twigs[FREE].parent, twigs[FREE].state, twigs[FREE].fills) == (1, "bonus", ((6, THE),))
    assert [twigs[i].step for i in (ROOT, 0, 1, 2, 3, FREE)] == [0, 1, 2, 0, 0, 3]


def test_a_row_of_the_batch_holds_its_own_draft_and_all_before_it():
    shown = info(ssd(), 9)
    assert shown.rows == (
        (),
        ((3, PA),),
        ((3, PA), (4, S)),
        ((3, PA), (4, S), (5, THE)),
        ((3, PA), (4, S), (5, THE), (6, CAT)),
    )
    assert shown.cost == "5 rows × 10 positions = 50 positions processed for 3 tokens"
    assert shown.cells[3] == (
        "prompt", "prompt", "committed", "accepted", "accepted", "rejected", "masked", "masked", "masked", "masked",
    )  # fmt: skip


def test_before_the_judge_every_node_is_only_drafted_and_there_is_no_bonus():
    shown = info(ssd(), 6)
    assert [t.state for t in shown.twigs] == ["committed", "drafted", "drafted", "drafted", "drafted"]


def test_a_rejection_says_what_the_row_above_would_have_filled_in_instead():
    twigs = {t.id: t for t in info(ssd(), 9).twigs}
    assert twigs[2].why == ("rejected: the row above fills position 6 with ‘·the’ first (q = 0.60, p = 0.30)")


def test_the_first_round_drafts_nothing_and_says_so():
    shown = info(ssd(), 3)
    assert [t.id for t in shown.twigs] == [ROOT, FREE]
    assert "Round 1 checks no drafts" in shown.sentence


def test_branches_stand_side_by_side_below_the_middle_of_their_parent():
    places = {t.id: (t.x, t.y) for t in info(tree(), 8).twigs}
    assert places[0][1] == places[1][1] == -1
    assert places[2][1] == places[4][1] == -2
    assert len({x for x, y in places.values() if y == -2}) == len([1 for _, y in places.values() if y == -2])
    assert places[0][0] == sum(places[i][0] for i in (2, 4, FREE)) / 3


def test_a_run_without_drafts_says_what_is_missing():
    assert not VIEW.fits(stepwise())
    assert (
        VIEW.why_not(stepwise())
        == "Verification tree needs judge and propose events, and this run of Threshold has none."
    )


def test_the_call_that_made_the_drafts_is_not_the_one_that_checks_them():
    assert info(tree(), 3).cost == ""
    assert info(tree(), 8).cost == "1 row × 8 positions = 8 positions processed for 2 tokens"


def test_a_packed_row_has_no_table_of_positions():
    assert info(tree(), 8).columns == ()


def test_a_revision_in_a_judged_round_is_no_node():
    events = (*ssd().events[:8], Commit((Edit(2, 5, 7, "revised", 0.5),)), Finish("stopped"))
    shown = info(replace(ssd(), events=events), 9)
    assert FREE not in [t.id for t in shown.twigs]
    VIEW.plot(shown)


def lattice():
    """Two nodes at position 2, two at position 3 that name both; the walk takes 0 and 3, judged in that order."""
    first = (Node(0, ((2, CAT),), 0.5), Node(1, ((2, THE),), 0.3))
    second = (Node(2, ((3, PA),), 0.5, (0, 1)), Node(3, ((3, CAT),), 0.4, (0, 1)))
    verdicts = (
        Verdict(3, "accepted", 0.6, 1.0, 0.4),
        Verdict(0, "accepted", 0.7, 1.0, 0.4),
        Verdict(1, "unreached", 0.1, 0.0, 1.0),
        Verdict(2, "unreached", 0.1, 0.0, 1.0),
    )
    events = (
        Round(0, 0),
        Propose((*first, *second)),
        Judge((verdicts[1], verdicts[0], *verdicts[2:])),
        Finish("stopped"),
    )
    return replace(ssd(), events=events)


def test_the_accepted_path_through_a_lattice_is_in_one_piece():
    twigs = {t.id: t for t in info(lattice(), 3).twigs}
    assert [(twigs[i].parent, twigs[i].step) for i in (0, 3)] == [(ROOT, 1), (0, 2)]


def test_a_rule_that_names_no_choice_is_told_by_its_score_and_bar():
    twigs = {t.id: t for t in info(lattice(), 3).twigs}
    assert twigs[3].why == "accepted: q = 0.40, p = 0.60, score 1 ≥ bar 0.4"


# ------------------------------------------------------------ a tree with rows of its own
def test_every_branch_hangs_below_its_own_parent_and_two_orders_name_the_same_row():
    twigs = {t.id: t for t in info(mixed(), 8).twigs}
    assert [(twigs[i].parent, twigs[i].row, twigs[i].state) for i in range(8)] == [
        (ROOT, 1, "rejected"),
        (0, 2, "unreached"),
        (1, 5, "unreached"),
        (ROOT, 3, "accepted"),
        (3, 2, "accepted"),
        (4, 5, "rejected"),
        (ROOT, 4, "rejected"),
        (6, 6, "unreached"),
    ]
    assert (twigs[FREE].parent, twigs[FREE].fills) == (4, ((5, THE),))
    assert [twigs[i].step for i in (3, 4, FREE)] == [1, 2, 3] and twigs[0].step == twigs[5].step == 0


def test_the_same_fill_is_accepted_in_one_row_and_rejected_in_another():
    """Paris at 3 was rejected as the first step and accepted as the second: row 1 and row 2 hold it."""
    shown = info(mixed(), 8)
    assert shown.rows[:4] == ((), ((3, PA),), ((4, S), (3, PA)), ((4, S),)) and shown.rows[4] == ((3, RI),)
    at_3, at_4 = shown.columns.index(3), shown.columns.index(4)
    assert [(cells[at_3], cells[at_4]) for cells in shown.cells] == [
        ("masked", "masked"),
        ("rejected", "masked"),
        ("accepted", "accepted"),
        ("masked", "accepted"),
        ("rejected", "masked"),
        ("accepted", "accepted"),
        ("rejected", "unreached"),
    ]
    assert [cells[shown.columns.index(5)] for cells in shown.cells].count("rejected") == 1
    assert shown.cost == "7 rows × 7 positions = 49 positions processed for 3 tokens"


def test_a_branching_tree_says_how_long_the_path_is_and_what_ended_it():
    assert info(mixed(), 8).sentence == (
        "Round 1 checks 4 drafted tokens as a tree of 8 nodes on 7 rows in one call and keeps a path of 2: "
        "the row at its end chose otherwise."
    )
    *events, judge = mixed().events[:4]
    none = Judge(
        tuple(replace(v, outcome="rejected" if v.node in (0, 3, 6) else "unreached", score=0.0) for v in judge.verdicts)
    )
    assert info(replace(mixed(), events=(*events, none)), 4).sentence.endswith(
        "keeps a path of 0: the row at its end chose none of 3 branches."
    )
    leaf = Judge(tuple(replace(v, outcome="accepted", score=1.0) if v.node in (3, 4, 5) else v for v in judge.verdicts))
    assert info(replace(mixed(), events=(*events, leaf)), 4).sentence.endswith(
        "path of 3: nothing hangs below its end."
    )
    over = Judge(tuple(replace(v, outcome="unreached") if v.node == 5 else v for v in judge.verdicts))
    assert info(replace(mixed(), events=(*events, over)), 4).sentence.endswith("path of 2: the text ends there.")


def test_a_token_turned_down_for_another_at_its_position_is_told_from_one_that_came_too_early():
    twigs = {t.id: t for t in info(mixed(), 8).twigs}
    assert "fills position 4 with ‘.’ first" in twigs[0].why
    assert "fills position 5 with ‘·the’ instead" in twigs[5].why


def test_many_branches_are_drawn_from_left_to_right_and_few_from_the_top():
    """Each node keeps a line of its own for its label."""
    few = VIEW.plot(info(mixed(), 8))
    assert few.layout.xaxis.title.text == "branches" and few.layout.yaxis.title.text == "drafts filled in"
    nodes = mixed().events[1].nodes
    more = Propose((*nodes, *(Node(8 + i, ((6, CAT + i),), 0.1, (), -1) for i in range(3))))
    trace = replace(mixed(), events=(mixed().events[0], more, mixed().events[2]))
    many = VIEW.plot(info(trace, 3))
    assert many.layout.xaxis.title.text == "drafts filled in" and many.layout.yaxis.title.text == "branches"
    (drawn,) = [t for t in many.data if t.type == "scatter" and t.mode == "markers+text"]
    spots = set(zip(drawn.x, drawn.y, strict=True))
    assert sorted({x for x, _ in spots}) == [0, 1, 2, 3] and len(spots) == len(more.nodes) + 1
    leaves = {8, 9, 10, 2, 5, 7}
    lines = {node: y for (_, _, node), y in zip(drawn.customdata, drawn.y, strict=True)}
    assert len({lines[leaf] for leaf in leaves}) == len(leaves)


def test_a_recorded_tree_of_ssd_is_drawn_as_it_was_sent():
    """The rows of the view are the rows that the model was fed."""
    model = hashed(3, sway=0.5, eos=0)
    for tree_ in ("topk", "mixed_order"):
        model.fed.clear()
        trace = run("ssd", model, [1, 2], tree=tree_, width=3, max_new=12, block=6)
        branched = 0
        for view, fed in zip(trace.rounds, model.fed, strict=True):
            shown, before = info(trace, view.stop), trace.canvas_at(view.start)
            for fills, row in zip(shown.rows, fed, strict=True):
                own = dict(fills)
                assert [own.get(pos, token) for pos, token in enumerate(before)] == row
            branched += "as a tree of" in shown.sentence
            VIEW.plot(shown)
        assert branched


# ------------------------------------------------------------ beats
def test_a_round_has_three_beats_drafted_read_and_judged():
    """After Propose, after the Forward that checks, after Judge."""
    assert [(info(ssd(), at).beat, info(ssd(), at).calls) for at in (4, 5, 6, 7, 9)] == [
        (0, 1),
        (1, 1),
        (2, 2),
        (3, 2),
        (3, 2),
    ]
    assert [info(ssd(), at).sentence for at in (5, 6, 7)] == [
        "Beat 1 of 3, draft: round 2 puts 4 drafts forward; nothing has checked them yet.",
        "Beat 2 of 3, one forward pass: call 2 reads all 5 rows at once; no verdict yet.",
        "Beat 3 of 3, verdicts: round 2 checks 4 drafts in one call and keeps 2: draft 3 is the first that was turned "
        "down.",
    ]
    assert [{t.state for t in info(ssd(), at).twigs if t.id >= 0} for at in (5, 6)] == [{"drafted"}] * 2
    assert info(ssd(), 5).cost == "" and info(ssd(), 6).cost == "5 rows × 10 positions = 50 positions processed"


def test_the_call_that_made_the_drafts_is_no_second_beat():
    assert [info(tree(), at).beat for at in (2, 3, 4, 5)] == [0, 1, 2, 3]


def test_what_was_kept_before_the_drafts_is_ground_and_not_their_bonus():
    """FreeDave fills in a token, drafts on top of it, and checks all of it in one call."""
    round_, propose, forward, judge, kept, _ = ssd().events[3:9]
    first = Commit((Edit(7, 0, EOS, "unmasked", 0.9),))
    trace = replace(ssd(), events=(round_, ssd().events[1], first, propose, forward, judge, kept))
    shown = info(trace, 7)
    assert FREE not in [t.id for t in shown.twigs] and shown.cost.endswith("for 2 tokens")
    assert shown.cells[0][7] == "committed"


def test_a_call_that_only_measures_is_not_the_batch_that_was_checked():
    events = list(ssd().events[:7])
    events.insert(6, replace(events[5], role="measure", batch=3, beliefs=()))
    assert info(replace(ssd(), events=tuple(events)), 8).cost == (
        "5 rows × 10 positions = 50 positions processed for 2 tokens"
    )


def test_a_call_behind_the_one_that_checks_changes_nothing():
    events = list(ssd().events[:7])
    events.insert(6, replace(events[5], role="draft", batch=1, beliefs=()))
    assert info(replace(ssd(), events=tuple(events)), 8).cost.startswith("5 rows × 10 positions")


def test_the_rank_of_a_draft_is_read_from_the_row_that_judged_it():
    """Row 0 gave Paris at 3; row 2 says cat before the at 5, and its p of the is .30, as in the verdict."""
    twigs = {t.id: t for t in info(ssd(), 9).twigs}
    assert [twigs[i].rank for i in (0, 1, 2, 3)] == [1, None, 2, None]
    assert (twigs[2].q, twigs[2].p, twigs[2].other) == (0.6, 0.3, 6) and twigs[0].other == -1


# ------------------------------------------------------------ a chain by depth and width
def test_a_depth_lists_the_positions_it_fills_and_where_the_row_above_disagrees():
    """Row 0 makes the choices of depth 1; row 1 the first of depth 2 and not the second; nothing judged depth 3."""
    assert info(wide(), 8).depths == (
        (ROOT, ((2, "·is", None), (3, "·Paris", None))),
        (0, ((4, ".", ""), (5, "·the", ""), (6, "·cat", ""))),
        (1, ((7, "·the", ""), (8, "·cat", "⏎"))),
        (2, ((9, ".", ""),)),
    )
    assert {t.id: t.state for t in info(wide(), 8).twigs} == {
        ROOT: "committed", 0: "accepted", 1: "rejected", 2: "unreached",
    }  # fmt: skip


def test_before_the_verdicts_no_depth_knows_what_the_row_above_says():
    for at in (4, 5):
        assert {said for depth in info(wide(), at).depths for *_, said in depth.tokens} == {None}


def test_a_wide_chain_says_how_wide_each_depth_is_and_how_deep_the_consistent_ones_reach():
    assert info(wide(), 8).sentence == (
        "Round 1 fills in 2 positions without a draft (depth 0) and drafts depths 1 to 3 (+3, +2, +1). Depth 1 is the "
        "deepest consistent draft: 3 of 6 drafted tokens accepted, 3 thrown away."
    )
    assert info(wide(), 8).cost == "4 rows × 10 positions = 40 positions processed for 3 tokens"
    assert info(wide(), 4).sentence.startswith("Beat 1 of 3, draft: round 1 puts 3 drafts forward")
    head, judge = wide().events[:5], wide().events[5]
    none = Judge(tuple(replace(v, outcome="unreached" if v.node else "rejected", score=0.0) for v in judge.verdicts))
    assert info(replace(wide(), events=(*head, none)), 6).sentence.endswith(
        "No depth is consistent: 6 drafted tokens thrown away."
    )
    every = Judge(tuple(replace(v, outcome="accepted", score=1.0) for v in judge.verdicts))
    assert info(replace(wide(), events=(*head, every)), 6).sentence.endswith("6 of 6 drafted tokens accepted.")


def test_a_chain_of_single_drafts_a_tree_and_a_packed_row_have_no_depths_of_their_own():
    assert info(ssd(), 9).depths == info(mixed(), 8).depths == info(tree(), 8).depths == info(routed(), 13).depths == ()


def test_a_chain_whose_round_filled_in_something_first_has_depths_of_one_position():
    first = Commit((Edit(7, M, EOS, "unmasked", 0.9),))
    trace = replace(ssd(), events=(ssd().events[3], first, *ssd().events[4:9]))
    assert [(depth.id, len(depth.tokens)) for depth in info(trace, 7).depths] == [
        (ROOT, 1), (0, 1), (1, 1), (FREE, 1), (2, 1), (3, 1),
    ]  # fmt: skip


def test_the_figure_draws_a_cell_for_each_position_of_a_depth_and_a_rule_below_the_deepest_consistent_one():
    figure = VIEW.plot(info(wide(), 8))
    above = [t for t in figure.data if t.type == "scatter" and t.mode == "text" and t.xaxis == "x"]
    drawn = {t.name: (list(t.x), list(t.y), list(t.text)) for t in above}
    assert drawn["unmasked"] == ([1, 2], [0, 0], ["● 2<br>·is", "● 3<br>·Paris"])
    assert drawn["accepted"] == ([1, 2, 3], [1, 1, 1], ["✓ 4<br>.", "✓ 5<br>·the", "✓ 6<br>·cat"])
    assert drawn["rejected"] == ([1, 2], [3, 3], ["7<br>·the", "✕ 8<br>·cat"])
    assert drawn["unreached"] == ([1], [4], ["· 9<br>."])
    assert drawn["deepest"][1:] == ([2], ["✓ deepest consistent draft: depth 1 · below: thrown away"])
    assert list(figure.layout.yaxis.ticktext) == ["0 · row 0", "1 · row 1", "2 · row 2", "3 · row 3"]
    wider = Commit(tuple(Edit(10 + i, M, CAT, "unmasked", 0.9) for i in range(13)))
    trace = replace(wide(), events=(*wide().events[:2], wider, *wide().events[3:]), canvas=(*wide().canvas, *[M] * 13))
    cells = VIEW.plot(info(trace, 4)).data[0].z
    assert [sum(cell is not None for cell in line) for line in cells] == [12, 1, 3, 2, 1]


def test_a_round_without_a_call_keeps_what_the_last_call_predicted():
    kept = Commit((Edit(7, M, THE, "unmasked", 0.9), Edit(8, M, SAT, "unmasked", 0.8)))
    trace = replace(wide(), events=(*wide().events[:7], Round(2, 0), kept, Finish("length")))
    shown = info(trace, 10)
    assert shown.sentence == "Round 2 makes no call: 2 predictions of the last one are kept."
    assert shown.columns == () and shown.cost == ""


# ------------------------------------------------------------ routes and packed rows
def test_a_round_that_skips_its_verification_says_the_score_and_the_bar():
    shown = info(routed(), 4)
    assert (shown.route.choice, shown.route.rule, shown.beat) == ("no", "score 0.50 < 1", 0)
    assert shown.sentence == (
        "Round 0 skips the verification: score 0.50 < 1. 1 token of the draft call is kept without a check."
    )
    assert [(t.id, t.parent, t.state) for t in shown.twigs] == [
        (ROOT, ROOT, "committed"),
        (FREE, ROOT, "unmasked"),
    ]


def test_each_policy_has_its_own_bar():
    assert info(routed(), 13).route.rule == "score 1.50 ≥ 1"
    rule = info(routed(policy="score_hysteresis"), 13).route.rule
    assert rule == "score 1.50; on from 0, off below -1"
    assert info(ssd(), 9).route is None


def test_a_packed_row_shows_each_mask_at_the_position_of_its_draft():
    shown = info(routed(), 13)
    assert shown.columns == ()
    assert [(f.pos, f.kind, f.line, f.state) for f in shown.strip] == [
        (3, "known", 0, "committed"),
        (4, "draft", 0, "accepted"),
        (5, "draft", 0, "rejected"),
        (4, "mask", 1, "masked"),
        (5, "mask", 1, "masked"),
    ]
    assert info(ssd(), 9).strip == ()
    assert (
        info(routed(), 9).sentence
        == "Beat 2 of 3, one forward pass: call 3 reads all 5 tokens at once; no verdict yet."
    )


# ------------------------------------------------------------ what the page is sent
def test_the_page_is_sent_the_root_row_once_and_what_each_row_has_in_its_place():
    sent = VIEW.answer(ssd(), 9)["payload"]
    assert len(sent["table"]["root"]) == 10 and sent["table"]["root"][2] == ["committed", "·is"]
    assert [[cell[:2] for cell in row] for row in sent["table"]["rows"][:3]] == [
        [],
        [[3, "accepted"]],
        [[3, "accepted"], [4, "accepted"]],
    ]
    assert sent["sideways"] is False and VIEW.answer(mixed(), 8)["payload"]["sideways"] is True
    assert VIEW.answer(ssd(), 0)["payload"] == {"empty": "The run has not begun: step forward."}
