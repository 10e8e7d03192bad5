"""SSD does what its paper draws: the worked example of Figure 2 of arXiv:2510.04147 row by row, drafts compared by
position AND token, all rows in one call, never more saved than N/(N + 1), and an end where stepwise decoding ends. Its
trees, which are ours, go on where the chain stops and write the same text."""

import pytest
import torch
from toys import LETTERS, hashed, prompt, scripted, spell, tiny

from decoders.canvas import Canvas
from decoders.methods.ssd import METHOD, SSD, alternatives
from decoders.run import Recording, run
from decoders.sampling import Guess, Seen
from decoders.trace import Commit, Forward, Judge, Propose, Round, Verdict


def play(model, start: str, length: int, *, n: int, block: int, origin: int = 0, early_stop: bool = True, **knobs):
    """The events of SSD on a canvas that starts with `start` and has `length` positions, blocks counted from
    `origin`."""
    first = spell(start)
    canvas = Canvas(
        first,
        length - len(first),
        block=block,
        mask=model.spec.mask,
        eos=model.spec.eos,
        origin=origin,
        early_stop=early_stop,
    )
    rng = torch.Generator("cpu").manual_seed(0)
    return canvas, METHOD.decode({"model": model}, canvas, SSD(n=n, block=block, early_stop=early_stop, **knobs), rng)


def rounds(events):
    out = []
    for event in events:
        if isinstance(event, Round):
            out.append([])
        out[-1].append(event)
    return out


def of(events, kind):
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) <= 1, f"more than one {kind.__name__} in a round"
    return found[0] if found else None


def letters(ids) -> str:
    return "".join(LETTERS[i] for i in ids)


def fills(event) -> list[str]:
    return [f"{LETTERS[token]}@{pos}" for node in event.nodes for pos, token in node.fills]


FIGURE_2 = {
    "XMMMMMMM": "X@1 .99, A@3 .95, B@2 .6, C@5 .75, E@4 .5, F@6 .3, G@7 .2",
    "XXMMMMMM": "A@3 .95, B@2 .6, C@5 .75, E@4 .5, F@6 .3, G@7 .2",
    "XXMAMMMM": "B@2 .7, C@5 .75, E@4 .8, F@6 .3, G@7 .2",
    "XXBAMMMM": "E@4 .9, G@5 .6, F@6 .7, H@7 .4",
    "XXBAMCMM": "E@4 .9, F@6 .7, H@7 .4",
    "XXBAEMMM": "F@6 .7, G@5 .6, H@7 .4",
}


@pytest.mark.parametrize(
    "block, drafts", [(4, ["F@6", "G@5", "H@7"]), (2, ["G@5", "F@6", "H@7"])], ids=["blocks_of_4", "blocks_of_2"]
)
def test_figure_2_of_the_paper(block, drafts):
    """`XXMM|MMMM` with drafts A@3 B@2 C@5: A and B are accepted, C is not because the row before it prefers E@4, E is
    the bonus, and what row 2 believed next are the new drafts. With blocks of 2 the less confident G comes before F,
    as in the figure: its block is earlier ("block priority B > C")."""
    model = scripted(FIGURE_2)
    canvas, events = play(model, "X", 8, n=3, block=block)
    seen, third = [], None
    for event in events:
        seen.append(event)
        if isinstance(event, Propose) and len(rounds(seen)) == 3:
            third = event
            break
    first, second = rounds(seen)[:2]

    assert of(first, Propose) is None and of(first, Judge) is None
    assert of(first, Forward).role == "draft" and of(first, Forward).batch == 1
    assert [(e.pos, LETTERS[e.after], e.why) for e in of(first, Commit).edits] == [(1, "X", "unmasked")]

    # The tree of the figure: MMM - AMM - ABM - ABC, one batched call.
    assert [letters(row) for row in model.fed[1]] == ["XXMMMMMM", "XXMAMMMM", "XXBAMMMM", "XXBAMCMM"]
    assert len(model.fed) == 2
    call = of(second, Forward)
    assert (call.role, call.batch, call.length, call.cost) == ("verify", 4, 8, 32)
    proposed = of(second, Propose)
    assert fills(proposed) == ["A@3", "B@2", "C@5"]
    assert [(n.id, n.q, n.parents, n.row) for n in proposed.nodes] == [
        (0, 0.95, (), 1),
        (1, 0.6, (0,), 2),
        (2, 0.75, (1,), 3),
    ]
    assert of(second, Judge).verdicts == (
        Verdict(0, "accepted", 0.95, 1.0, 1.0, (3, LETTERS.index("A"))),
        Verdict(1, "accepted", 0.7, 1.0, 1.0, (2, LETTERS.index("B"))),
        Verdict(2, "rejected", round(0.4 / 9, 6), 0.0, 1.0, (4, LETTERS.index("E"))),
    )
    commits = [
        (e.pos, LETTERS[e.after], e.why, e.p) for event in second if isinstance(event, Commit) for e in event.edits
    ]
    assert commits == [(3, "A", "accepted", 0.95), (2, "B", "accepted", 0.6), (4, "E", "bonus", 0.9)]
    assert letters(canvas.ids) == "XXBAEMMM"

    assert fills(third) == drafts
    assert [node.q for node in third.nodes] == [{"F": 0.7, "G": 0.6, "H": 0.4}[d[0]] for d in drafts]


def test_a_draft_with_the_right_token_in_the_wrong_order_is_not_accepted():
    """After A, the model would still say B at 2, but says C at 3 first. Stepwise would fill C first, and what B
    becomes then is another question: here it becomes D. Comparing tokens alone would have kept B."""
    script = {
        "XMMM": "A@1 .9, B@2 .8, C@3 .7",
        "XAMM": "B@2 .6, C@3 .8",
        "XABM": "C@3 .9",
        "XAMC": "D@2 .9",
    }
    model = scripted(script)
    canvas, events = play(model, "X", 4, n=2, block=4)
    verdicts = [v for event in events if isinstance(event, Judge) for v in event.verdicts]
    assert [(v.node, v.outcome, v.choice) for v in verdicts[:2]] == [
        (0, "rejected", (3, LETTERS.index("C"))),
        (1, "unreached", (3, LETTERS.index("C"))),
    ]
    assert verdicts[1].score == 0.0, "the walk never reached row 1, so its agreement counts for nothing"
    assert letters(canvas.ids) == "XADC"


def test_two_drafts_of_the_same_token_are_told_apart_by_their_position():
    """A is drafted at 2 and at 3; the row before chooses A too, but at 3 first, and then 2 becomes D."""
    model = scripted({"XMMM": "B@1 .9, A@2 .8, A@3 .7", "XBMM": "A@2 .6, A@3 .8", "XBAM": "A@3 .9", "XBMA": "D@2 .9"})
    canvas, events = play(model, "X", 4, n=2, block=4)
    verdicts = [v for event in events if isinstance(event, Judge) for v in event.verdicts]
    assert [(v.outcome, v.choice) for v in verdicts[:2]] == [
        ("rejected", (3, LETTERS.index("A"))),
        ("unreached", (3, LETTERS.index("A"))),
    ]
    assert letters(canvas.ids) == "XBDA"


def test_a_draft_at_the_right_position_with_the_wrong_token_is_not_accepted():
    model = scripted({"XMM": "A@1 .9, B@2 .8", "XAM": "C@2 .9"})
    canvas, events = play(model, "X", 3, n=2, block=4)
    verdicts = [v for event in events if isinstance(event, Judge) for v in event.verdicts]
    assert [(v.outcome, v.score, v.choice) for v in verdicts] == [("rejected", 0.0, (2, LETTERS.index("C")))]
    assert letters(canvas.ids) == "XAC"


def test_a_row_without_masks_is_not_sent():
    model = scripted({"XMM": "A@1 .9, B@2 .8", "XAM": "B@2 .9"})
    canvas, events = play(model, "X", 3, n=4, block=4)
    proposed = [event for event in events if isinstance(event, Propose)]
    assert [[letters(row) for row in call] for call in model.fed] == [["XMM"], ["XAM"]]
    assert [node.row for node in proposed[0].nodes] == [-1]
    assert letters(canvas.ids) == "XAB"


def test_a_mask_in_the_prompt_does_not_bring_the_full_row_back():
    model = scripted({"MMM": "A@1 .9, B@2 .8", "MAM": "B@2 .9"})
    canvas, events = play(model, "M", 3, n=4, block=4)
    assert [type(e).__name__ for e in events][-1] == "Commit"
    assert [[letters(row) for row in call] for call in model.fed] == [["MMM"], ["MAM"]]


EARLY = {
    "XMMMM": "A@1 .9, H@2 .8, B@3 .7, C@4 .6",
    "XAMMM": "H@2 .8, B@3 .7, C@4 .6",
    "XAHMM": "B@3 .7, C@4 .6",
    "XAHBM": "C@4 .6",
}


def test_early_stop_ends_in_the_block_of_the_end_of_sequence_and_later_drafts_are_unreached():
    model = scripted(EARLY, eos="H")
    canvas, events = play(model, "X", 5, n=3, block=2, origin=1)
    events = list(events)
    verdicts = [v for event in events if isinstance(event, Judge) for v in event.verdicts]
    assert [(v.outcome, v.score) for v in verdicts] == [("accepted", 1.0), ("unreached", 0.0), ("unreached", 0.0)]
    assert letters(canvas.ids) == "XAHMM" and canvas.finished == "eos"
    assert [e.why for event in events if isinstance(event, Commit) for e in event.edits] == ["unmasked", "accepted"]


def test_without_early_stop_the_same_drafts_are_accepted_to_the_end():
    model = scripted(EARLY, eos="H")
    canvas, events = play(model, "X", 5, n=3, block=2, origin=1, early_stop=False)
    verdicts = [v for event in events if isinstance(event, Judge) for v in event.verdicts]
    assert [v.outcome for v in verdicts] == ["accepted", "accepted", "accepted"]
    assert letters(canvas.ids) == "XAHBC" and canvas.finished == "length"
    assert len(model.fed) == 2 and len(model.fed[1]) == 3


@pytest.mark.parametrize("n, calls, accepted", [(1, 9, 8), (2, 6, 10), (3, 5, 12), (4, 4, 12), (5, 4, 13), (8, 3, 14)])
def test_a_model_that_never_changes_its_mind_costs_the_least_possible_calls(n, calls, accepted):
    """16 tokens: one from the first call, then N + 1 per call."""
    trace = run("ssd", hashed(1, sway=0.0, eos=0), [1, 2, 3], n=n, max_new=16, block=4)
    assert trace.calls == calls
    assert trace.acceptance == (accepted, accepted)


@pytest.mark.parametrize("n", [1, 3, 4, 5])
def test_step_reduction_never_exceeds_n_over_n_plus_one(n):
    for seed in range(6):
        model = hashed(seed, sway=0.1 * seed, eos=0)
        trace = run("ssd", model, [1, 2], n=n, max_new=13, block=5)
        first = 1
        assert (trace.calls - first) * (n + 1) >= 13 - 1
        assert trace.calls <= 13
        assert max(call.batch for call in trace.forwards) <= n + 1


@pytest.mark.parametrize("attention", ["full", "block"])
def test_every_verification_is_one_batched_call_of_at_most_n_plus_one_rows(attention):
    trace = run(
        "ssd", hashed(2, attention=attention, block=4), [1, 2, 3, 4, 5], n=4, max_new=18, block=4, early_stop=False
    )
    batches = []
    for view in trace.rounds:
        calls = [call for call in view.of(Forward) if call.role not in ("prefill", "extend")]
        drafts = [node for event in view.of(Propose) for node in event.nodes]
        assert len(calls) == 1
        assert (
            calls[0].batch == 1 + max([0, *[node.row for node in drafts]]) == 1 + len([n for n in drafts if n.row > 0])
        )
        batches.append(calls[0].batch)
    assert batches[0] == 1 and max(batches) == 5


def test_a_draft_reaches_into_the_next_block_only_when_its_own_has_too_few_masks():
    trace = run("ssd", hashed(3, eos=0), [1, 2], n=2, max_new=12, block=4)
    for view in trace.rounds[1:]:
        (proposed,) = view.of(Propose)
        blocks = [(node.fills[0][0] - 2) // 4 for node in proposed.nodes]
        assert blocks == sorted(blocks), "block priority: drafts of the earlier block come first"


def test_drafts_are_the_beliefs_of_the_call_before():
    """Drafting costs no call: the new drafts stand in the row of the last accepted state of the previous call."""
    recording = Recording("ssd", hashed(4), [1, 2, 3], n=3, max_new=16, block=4, early_stop=False, level="full")
    for _ in recording:
        pass
    views = recording.trace.rounds
    for before, after in zip(views, views[1:], strict=False):
        accepted = sum(v.outcome == "accepted" for event in before.of(Judge) for v in event.verdicts)
        said = {
            (b.pos, b.top[0][0]): b.top[0][1] for call in before.of(Forward) for b in call.beliefs if b.row == accepted
        }
        for node in (node for event in after.of(Propose) for node in event.nodes):
            assert abs(said[node.fills[0]] - node.q) < 1e-4


def second_call(script, **knobs):
    """What the first drafts became: the rows of the call that checks them, the way to each node (fill, parents, row),
    the outcomes, and the text with the number of calls."""
    model = scripted(script)
    canvas, events = play(model, "X", len(next(iter(script))), block=4, origin=1, **knobs)
    first = rounds(events)[1]
    rows = [letters(row) for row in model.fed[1]]
    ways = [
        (fills(Propose((node,)))[0], node.parents, rows[node.row] if node.row > 0 else "")
        for node in of(first, Propose).nodes
    ]
    outcomes = [verdict.outcome for verdict in of(first, Judge).verdicts]
    return rows, ways, outcomes, letters(canvas.ids), len(model.fed)


# From XA the model says E at 2, where it said B before, E second. A chain has only B there.
OTHER_TOKEN = {
    "XMMMM": "A@1 .9, B@2 .6, E@2 .35, C@3 .5, F@3 .2, D@4 .4",
    "XAMMM": "E@2 .7, C@3 .5, D@4 .4",
    "XABMM": "C@3 .5, D@4 .4",
    "XABCM": "D@4 .4",
    "XAEMM": "C@3 .9, F@3 .05, D@4 .4",
    "XAECM": "D@4 .9",
}


def test_siblings_of_topk_are_the_best_tokens_of_the_same_next_position():
    """XAEMM has .35, XAECM .175; F at 3 would have .12 below B and does not fit into 5 rows."""
    rows, ways, outcomes, text, calls = second_call(OTHER_TOKEN, n=2, tree="topk", width=2, budget=5)
    assert rows == ["XAMMM", "XABMM", "XABCM", "XAEMM", "XAECM"]
    assert ways == [
        ("B@2", (), "XABMM"),
        ("C@3", (0,), "XABCM"),
        ("E@2", (), "XAEMM"),
        ("C@3", (2,), "XAECM"),
    ]
    assert outcomes == ["rejected", "unreached", "accepted", "accepted"]
    assert (text, calls) == ("XAECD", 2)


def test_a_chain_stops_where_topk_goes_on():
    assert second_call(OTHER_TOKEN, n=2)[2:] == (["rejected", "unreached"], "XAECD", 3)


# From XA the model fills 3 before 2, and then says at 2 what it had said.
OTHER_ORDER = {
    "XMMMM": "A@1 .9, B@2 .6, C@3 .5, D@4 .4",
    "XAMMM": "C@3 .7, B@2 .6, D@4 .4",
    "XABMM": "C@3 .9, D@4 .4",
    "XABCM": "D@4 .8",
    "XAMCM": "B@2 .8, D@4 .4",
    "XABMD": "C@3 .5",
}


def test_a_mixed_order_skips_a_position_and_fills_it_later_and_both_orders_share_a_row():
    rows, ways, outcomes, text, calls = second_call(OTHER_ORDER, n=2, tree="mixed_order", width=2, budget=5)
    assert rows == ["XAMMM", "XABMM", "XABCM", "XAMCM", "XABMD"]
    assert ways == [
        ("B@2", (), "XABMM"),
        ("C@3", (0,), "XABCM"),
        ("D@4", (0,), "XABMD"),
        ("C@3", (), "XAMCM"),
        ("B@2", (3,), "XABCM"),
    ]
    assert outcomes == ["rejected", "unreached", "unreached", "accepted", "accepted"]
    assert (text, calls) == ("XABCD", 2)


def test_a_chain_stops_where_the_order_changes():
    assert second_call(OTHER_ORDER, n=2)[2:] == (["rejected", "unreached"], "XABCD", 3)


def test_no_order_leaves_a_block_before_it_is_full():
    """B is the last of its block, so nothing of the next one is a child of the root, however sure."""
    script = {
        "XMMMM": "A@1 .9, B@2 .6, C@3 .8, D@4 .7",
        "XAMMM": "B@2 .6, C@3 .9, D@4 .8",
        "XABMM": "C@3 .9, D@4 .8",
        "XABCM": "D@4 .9",
        "XABMD": "C@3 .9",
    }
    model = scripted(script)
    _, events = play(model, "X", 5, n=3, block=2, origin=1, tree="mixed_order", width=3)
    proposed = of(rounds(events)[1], Propose)
    assert [(fills(Propose((node,)))[0], node.parents) for node in proposed.nodes] == [
        ("B@2", ()),
        ("C@3", (0,)),
        ("D@4", (1,)),
        ("D@4", (0,)),
        ("C@3", (3,)),
    ]
    assert [node.row for node in proposed.nodes] == [1, 2, -1, 3, -1], "a full state has no row"


TREES = [
    {"tree": "topk", "width": 2},
    {"tree": "topk", "width": 5, "budget": 32},
    {"tree": "topk", "width": 3, "n": 8, "budget": 5},
    {"tree": "mixed_order", "width": 2},
    {"tree": "mixed_order", "width": 4, "n": 6, "budget": 32},
    {"tree": "mixed_order", "width": 5, "n": 3, "budget": 7},
    {"tree": "mixed_order", "width": 1},
    {"n": 8, "budget": 2},
]


@pytest.mark.parametrize("attention", ["full", "block"])
@pytest.mark.parametrize("knobs", TREES, ids=lambda k: " ".join(map(str, k.values())))
def test_every_tree_writes_what_stepwise_decoding_writes_in_rows_that_all_differ(attention, knobs):
    saved = 0
    for seed in range(24):
        model = hashed(
            seed,
            sway=0.15 * (1 + seed % 4),
            eos=seed % 2,
            attention=attention,
            rows="next" if seed % 3 == 0 else "self",
            block=4,
        )
        shared = {"max_new": 4 + seed % 9, "block": 3 + seed % 3, "early_stop": seed % 5 > 0}
        model.fed.clear()
        ours = run("ssd", model, [1, 2, 3][: 1 + seed % 3], **shared, **knobs)
        for call in model.fed:
            assert len({tuple(row) for row in call}) == len(call) <= knobs.get("budget", 16)
        theirs = run("stepwise", model, [1, 2, 3][: 1 + seed % 3], level="timing", **shared)
        assert ours.tokens == theirs.tokens and ours.finish == theirs.finish
        assert ours.calls <= theirs.calls
        saved += theirs.calls - ours.calls
    assert saved > 12


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full", "qwen2-next-block"])
@pytest.mark.parametrize("tree", ["topk", "mixed_order"])
def test_trees_are_exact_on_transformers_too(kind, tree):
    for seed in range(2):
        shared = {"max_new": 13, "block": 8, "early_stop": False}
        ours = run("ssd", tiny(kind, seed), prompt(6, seed), tree=tree, width=3, budget=24, **shared)
        theirs = run("stepwise", tiny(kind, seed), prompt(6, seed), level="timing", **shared)
        assert ours.tokens == theirs.tokens and ours.calls < theirs.calls


def test_a_tree_of_width_1_is_the_chain_event_for_event():
    for seed in range(6):
        for tree in ("topk", "mixed_order"):
            model = hashed(seed, sway=0.4, eos=1)
            shared = {"max_new": 14, "block": 5, "n": 3}
            ours, chain = (run("ssd", model, [1, 2], **shared, **how) for how in ({"tree": tree, "width": 1}, {}))
            assert ours.events == chain.events


def test_a_node_is_one_token_and_siblings_differ():
    for tree in ("topk", "mixed_order"):
        branched = 0
        trace = run("ssd", hashed(5, eos=0), [1], tree=tree, width=3, max_new=16, block=8)
        for proposed in (event for view in trace.rounds for event in view.of(Propose)):
            children = {}
            for node in proposed.nodes:
                assert len(node.fills) == 1 and len(node.parents) <= 1
                children.setdefault(node.parents, []).append(node.fills[0])
            assert all(len(set(below)) == len(below) <= 3 for below in children.values())
            branched += any(len(below) > 1 for below in children.values())
            places = [{pos for pos, _ in below} for below in children.values()]
            assert all(len(p) == 1 for p in places) == (tree == "topk") or len(children) == 1
        assert branched


def test_a_position_has_as_many_tokens_as_asked_for_its_guess_first_and_none_that_is_excluded():
    """Of three equal tokens the guess is one and `best` may name the others; a token of probability 0 is no row."""
    tie, sure = Guess(3, 7, 0.25), Guess(4, 1, 1.0)
    best = [[[(5, 0.25), (6, 0.25)], [(1, 1.0), (2, 1e-9)]]]
    seen = Seen([[tie, sure]], [[]], Forward("verify", 5), best)
    assert alternatives(seen, 0, [sure, tie], 2) == [[sure], [tie, Guess(3, 5, 0.25)]]
    assert alternatives(Seen([[tie]], [[]], Forward("verify", 5)), 0, [tie], 2) == [[tie]]


# ------------------------------------------------------------ on keys that are out of date
def pairs(kinds=("llama-full", "qwen2-next-full"), seeds=range(8)):
    for kind in kinds:
        for seed in seeds:
            knobs = {"max_new": 14, "block": (4, 5, 3)[seed % 3], "early_stop": seed % 2 == 1, "level": "timing"}
            yield tiny(kind, seed), prompt(5 + seed % 4, seed), knobs, 1 + seed % 5


def test_with_the_dual_cache_the_text_is_that_of_stepwise_decoding_with_the_dual_cache():
    calls, without = [0, 0], 0
    for model, ids, knobs, n in pairs():
        ours = run("ssd", model, ids, cache="dual", n=n, **knobs)
        theirs = run("stepwise", model, ids, cache="dual", **knobs)
        assert (ours.tokens, ours.finish) == (theirs.tokens, theirs.finish)
        calls = [calls[0] + ours.calls, calls[1] + theirs.calls]
        without += theirs.tokens != run("stepwise", model, ids, **knobs).tokens
    assert calls[0] < calls[1], "nothing was ever accepted"
    assert without, "the cache never changed a text, so this shows nothing"


def test_eager_accepts_across_the_block_and_is_no_longer_stepwise_decoding_with_either_cache():
    differs, calls = 0, [0, 0]
    for model, ids, knobs, n in pairs(("llama-full",)):
        eager = Recording("ssd", model, ids, cache="eager", n=n, **knobs)
        list(eager)
        assert eager.guarantee == eager.trace.guarantee == "approximate"
        dual = run("ssd", model, ids, cache="dual", n=n, **knobs)
        differs += eager.trace.tokens not in (dual.tokens, run("stepwise", model, ids, **knobs).tokens)
        calls = [calls[0] + eager.trace.calls, calls[1] + dual.calls]
    assert differs and calls[0] < calls[1]


def test_a_block_is_entered_by_one_row_over_everything_and_no_draft_passes_its_end():
    model = tiny("llama-full", 2)
    trace = run("ssd", model, prompt(6), n=4, cache="dual", max_new=16, block=8, early_stop=False)
    assert [view.events[0].block for view in trace.rounds] == sorted(view.events[0].block for view in trace.rounds)
    entered = set()
    for view in trace.rounds:
        (call,), block = view.of(Forward), view.events[0].block
        if block not in entered:
            assert (call.role, call.batch, call.length, call.cached) == ("draft", 1, 22, 0)
            assert view.of(Propose) == []
        else:
            assert (call.role, call.length, call.cached) == ("verify", 8, 14) and call.batch <= 5
        entered.add(block)
        drafted = [pos for event in view.of(Propose) for node in event.nodes for pos, _ in node.fills]
        assert all((pos - 6) // 8 == block for pos in drafted)
    assert entered == {0, 1}


def test_eager_feeds_the_blocks_that_hold_n_positions_behind_the_block():
    trace = run("ssd", tiny("llama-full", 2), prompt(6), n=5, cache="eager", max_new=16, block=4, early_stop=False)
    assert [call.length for call in trace.forwards if call.role == "verify" and call.start == 6] != []
    assert {call.length for call in trace.forwards if call.role == "verify" and call.start == 6} == {12}
    crossed = [
        pos
        for view in trace.rounds
        for event in view.of(Commit)
        for pos in [edit.pos for edit in event.edits]
        if (pos - 6) // 4 > view.events[0].block
    ]
    assert crossed, "nothing was filled in behind the block that a round began with"


def test_in_one_block_that_covers_everything_eager_is_dual():
    for model, ids, knobs, n in pairs(("llama-full",), range(3)):
        eager, dual = (run("ssd", model, ids, cache=c, n=n, **{**knobs, "block": 64}) for c in ("eager", "dual"))
        assert eager.events == dual.events
