"""SSD does what its paper draws: the worked example of Figure 2 of arXiv:2510.04147 row by row, drafts compared by
position AND token, all rows in one call, never more saved than N/(N + 1), and an end where stepwise decoding ends."""

import pytest
import torch
from toys import LETTERS, hashed, scripted, spell

from decoders.canvas import Canvas
from decoders.methods.ssd import METHOD, SSD
from decoders.run import Recording, run
from decoders.trace import Commit, Forward, Judge, Propose, Round, Verdict


def play(model, start: str, length: int, *, n: int, block: int, origin: int = 0, early_stop: bool = True):
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
    return canvas, METHOD.decode({"model": model}, canvas, SSD(n=n, block=block, early_stop=early_stop), rng)


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
