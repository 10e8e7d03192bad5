"""Every cell of a call's attention is open or closed as the model was told, and says by which rule."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import prompt, tinies, tiny
from view_samples import FR, NASTY_ID, OF, PA, RI, THE, M, S, make

from bench.record import RUNS
from decoders import masks, registry
from decoders.models import catalogue
from decoders.models.hf import HFModel
from decoders.run import run
from decoders.trace import Attention, Belief, Commit, Edit, Finish, Forward, Judge, Node, Propose, Round, Trace, Verdict
from viz.views.mask import LOOKS, RULES, data, info, landmarks, plot

TRACES = sorted((Path(__file__).resolve().parents[2] / "assets" / "traces").glob("*.json.gz"))
LETTERS = {
    "self": "s", "prompt": "p", "full": "f", "left": "l", "earlier": "e", "same": "b", "behind": "h", "draft": "d",
    "ancestor": "a", "before": "a", "revealed": "r", "masked": "m", "shadow": "w", "kept": "k", "stale": "o",
    "shown": "1", "right": ".", "later": ".", "guess": ",", "aside": ";", "unrevealed": "u", "answer": "x",
    "sibling": "y", "filled": "z", "alone": "n", "hidden": "0", "unknown": "?",
}  # fmt: skip


def drawn(call, lane: int = 0) -> list[str]:
    """The matrix, a letter for each rule."""
    return ["".join(LETTERS[call.rule_of(q, k, lane)] for k in range(len(call.keys))) for q in range(len(call.line))]


def opened(call) -> list[list[bool]]:
    return [[RULES[call.rule_of(q, k)].open for k in range(len(call.keys))] for q in range(len(call.line))]


def calls(trace: Trace, at: int | None = None):
    return info(trace, len(trace.events) if at is None else at).calls


def spans(*rows: str) -> tuple:
    """Rows of # and . as the spans that a trace holds."""
    return masks.spans(torch.tensor([[c == "#" for c in row] for row in rows]))


# ------------------------------------------------------------ a model's own rule
def full(cache: bool = False) -> Trace:
    """2 + 4 positions in blocks of 2: a call over everything fills 2; with `cache` the next one feeds 2 and 3 alone, on
    the keys of the first."""
    second = Forward("denoise", 2, cached=4, start=2) if cache else Forward("denoise", 6)
    events = [
        Round(0, 0),
        Forward("denoise", 6),
        Commit((Edit(2, M, RI, "unmasked", 0.9),)),
        Round(1, 0),
        second,
        Commit((Edit(3, M, PA, "unmasked", 0.8),)),
        Finish("stopped"),
    ]
    return make(events, (OF, FR, M, M, M, M), 2, block=2)


def test_full_attention_hides_nothing():
    (call,) = calls(full())
    assert drawn(call) == ["spffff", "psffff", "ppsfff", "ppfsff", "ppffsf", "ppfffs"]
    assert [(key.pos, key.text, key.group) for key in call.keys] == [
        (0, "Capital", "prompt"),
        (1, "·of France", "prompt"),
        (2, "·is", "block"),
        (3, "⟨mask⟩", "masks"),
        (4, "⟨mask⟩", "masks"),
        (5, "⟨mask⟩", "masks"),
    ]
    assert call.sentence(3, 0) == "Query 3 ‘⟨mask⟩’ may see key 0 ‘Capital’: prompt, always visible."
    assert call.sentence(2, 5) == "Query 2 ‘·is’ may see key 5 ‘⟨mask⟩’: full attention hides nothing, left or right."
    assert call.sentence(2, 2) == "Query 2 ‘·is’ sees itself."


def test_a_cached_key_is_stale_once_a_position_that_it_saw_has_changed():
    (call,) = calls(full(cache=True))
    # Keys: 0 and 1 left of what is fed, 4 and 5 right of it, then 2 and 3.
    assert [key.pos for key in call.keys] == [0, 1, 4, 5, 2, 3] and call.cached == 4
    assert drawn(call) == ["oooosf", "oooofs"]
    assert call.sentence(1, 2) == (
        "Query 3 ‘⟨mask⟩’ sees cached key 4 ‘⟨mask⟩’ as it was computed in round 0, block 0 "
        "(stale: position 2 changed since)."
    )


def test_a_cached_key_is_not_stale_while_nothing_has_changed():
    trace = full(cache=True)
    same = make([e for e in trace.events if not isinstance(e, Commit)], trace.canvas, 2, block=2)
    (call,) = calls(same)
    assert drawn(call) == ["kkkksf", "kkkkfs"]
    assert call.sentence(0, 0).endswith("computed in round 0, block 0: nothing it read has changed since.")


def test_causal_attention_ends_at_the_query_and_the_drafts_are_named():
    events = [
        Round(0, 0),
        Propose((Node(0, ((3, RI),), 0.6, (), 0), Node(1, ((4, PA),), 0.5, (0,), 0))),
        Forward("verify", 3, cached=2, start=2),
        Judge((Verdict(0, "accepted", 0.9, 1, 1), Verdict(1, "accepted", 0.9, 1, 1))),
        Finish("stopped"),
    ]
    (call,) = calls(make(events, (OF, FR, THE), 2, attention="causal"))
    assert drawn(call) == ["pps..", "ppls.", "pplds"]
    assert call.sentence(0, 4) == "Query 2 ‘·the’ may not see key 4 ‘·Paris’ (draft): it stands to the right; causal."
    assert (
        call.sentence(2, 3) == "Query 4 ‘·Paris’ (draft) may see key 3 ‘·is’ (draft): draft 1, filled in for this row."
    )
    assert call.sentence(2, 2) == "Query 4 ‘·Paris’ (draft) may see key 2 ‘·the’: it stands to the left; causal."


def block_causal() -> Trace:
    """Blocks of 2 counted from 0, a prompt of 3: the first block is cached, the next two are fed in 3 rows."""
    events = [
        Round(0, 1),
        Forward("prefill", 2),
        Propose((Node(0, ((3, RI),), 0.6, (), 1), Node(1, ((4, PA),), 0.5, (0,), 2))),
        Forward("verify", 4, batch=3, cached=2, start=2),
        Finish("stopped"),
    ]
    return make(events, (OF, FR, THE, M, M, M), 3, attention="block", block=2)


def test_block_causal_attention_ends_with_the_block_and_cached_keys_come_first():
    prefill, verify = calls(block_causal())
    assert drawn(prefill) == ["sp", "ps"]
    assert drawn(verify) == ["ppsb..", "ppps..", "pppesb", "pppebs"]
    assert verify.sentence(0, 4) == "Query 2 ‘·the’ may not see key 4 ‘⟨mask⟩’: a later block; block-causal."
    assert verify.sentence(2, 3) == "Query 4 ‘⟨mask⟩’ may see key 3 ‘⟨mask⟩’: an earlier block; block-causal."
    assert verify.sentence(2, 0) == "Query 4 ‘⟨mask⟩’ may see cached key 0 ‘Capital’: prompt, always visible."
    assert verify.open == 2 * 4 + 2 * 6


def test_rows_of_a_batch_have_one_mask_and_drafts_of_their_own():
    _, verify = calls(block_causal())
    assert [lane.title for lane in verify.lanes] == [
        "row 0: the canvas",
        "row 1: the canvas and 1 draft",
        "row 2: the canvas and 2 drafts",
    ]
    assert drawn(verify, 2) == ["ppsd..", "ppps..", "pppdsb", "pppdds"]
    assert [key.text for key in verify.keys_of(1)[2:]] == ["·the", "·is", "⟨mask⟩", "⟨mask⟩"]
    assert (verify.fullest, verify.doubt) == (2, "")


def test_rows_that_no_proposal_explains_are_said_to_be_unknown():
    trace = make([Round(0, 0), Forward("denoise", 4, batch=2), Finish("stopped")], (OF, FR, M, M), 2)
    (call,) = calls(trace)
    assert call.doubt == "The trace does not say what each row of this call held; all rows have this one mask."


def test_the_rule_of_a_second_model_is_doubted_in_every_sentence():
    belief = Belief(3, ((PA, 0.5),), 1.0)
    events = [Round(0, 0), Forward("draft", 4, model="small", beliefs=(Belief(2, ((RI, 0.9),), 0.1), belief))]
    (call,) = calls(make(events, (OF, FR), 2, attention="causal", model="toy"))
    assert drawn(call) == ["spff", "psff", "ppsf", "ppfs"]
    assert "read as full attention, though it may be block-causal" in call.doubt
    assert call.sentence(0, 2).endswith("left or right. The rule of small is not in the trace.")


# ------------------------------------------------------------ explicit masks
def explicit(role: str, fed: tuple, rows: tuple, cached: int, nodes: tuple = (), **more) -> Trace:
    events = [
        Round(0, 0),
        Propose(nodes),
        Forward(role, len(rows), cached=cached, start=cached, fed=fed, mask=1, sees=spans(*rows)),
        Finish("stopped"),
    ]
    return make(events, **{"canvas": (OF, FR, M, M, M), "prompt_len": 2, "attention": "block", "block": 5, **more})


def test_drafts_and_a_mask_for_each_are_the_steps_of_blocks_of_one():
    fed = ((2, RI), (3, PA), (4, S), (2, M), (3, M), (4, M))
    rows = ("###.....", "####....", "#####...", "##...#..", "###...#.", "####...#")
    (call,) = calls(explicit("verify", fed, rows, 2))
    assert drawn(call) == ["pps..;;;", "ppls.;;;", "pplls;;;", "ppx..snn", "ppax.nsn", "ppaaxnns"]
    assert call.sentence(3, 2) == (
        "Query 2 ‘⟨mask⟩’ (mask copy) may not see key 2 ‘·is’ (draft): the token it has to tell; it would be told."
    )
    assert call.sentence(4, 2).endswith("a draft before it, as in blocks of one position.")
    assert call.sentence(4, 7).endswith("may not see key 4 ‘⟨mask⟩’ (mask copy): every mask is a step of its own.")
    assert call.rule.startswith("Explicit mask 1: what is fed is token-causal")


def test_a_temporal_mask_shows_what_lay_there_when_each_draft_was_made():
    # Position 1 is known; 3 was drafted first, then 2.
    fed = ((1, FR), (2, RI), (3, PA), (2, M), (3, M))
    rows = ("##....", "####..", "##.##.", "##.##.", "##..##")
    (call,) = calls(explicit("verify", fed, rows, 1, canvas=(OF, FR, M, M), block=4))
    assert drawn(call) == ["ps,,,,", "ppsrzz", "ppusmz", "ppxrsz", "ppuxms"]
    assert call.sentence(2, 2) == (
        "Query 3 ‘·Paris’ (draft) (drafted in step 1) may not see key 2 ‘·is’ (draft): drafted in step 2, so it did "
        "not lie there yet."
    )
    assert call.sentence(3, 3).endswith(
        "(position drafted in step 2) may see key 3 ‘·Paris’ (draft): drafted in step 1, so it lay there by then."
    )
    assert call.sentence(1, 5).endswith("position drafted in step 1, so its draft stood there.")


def test_a_shadow_mask_sees_all_but_its_own_token():
    fed = ((0, OF), (1, FR), (2, RI), (3, M), (2, M), (3, M))
    rows = ("####..", "####..", "####..", "####..", "##.###", "###.##")
    (call,) = calls(explicit("verify", fed, rows, 0, canvas=(OF, FR, RI, M), attention="full"))
    assert drawn(call) == ["spff;;", "psff;;", "ppsf;;", "ppfs;;", "ppxfsw", "ppfxws"]


def test_a_draft_of_a_sibling_branch_is_closed_because_it_would_leak():
    fed = ((2, RI), (2, THE), (3, PA))
    nodes = (Node(0, ((2, RI),), 0.6), Node(1, ((2, THE),), 0.3), Node(2, ((3, PA),), 0.5, (0,)))
    trace = explicit("verify", fed, ("###..", "##.#.", "###.#"), 2, nodes, canvas=(OF, FR), attention="causal")
    (call,) = calls(trace)
    assert drawn(call) == ["ppsy.", "ppysy", "ppays"]
    assert call.sentence(2, 3) == (
        "Query 3 ‘·Paris’ (draft) may not see key 2 ‘·the’ (draft): draft 2, of a sibling branch; it would leak the "
        "alternative."
    )


def test_what_is_filled_at_the_left_of_a_block_may_be_read_token_by_token():
    (call,) = calls(explicit("draft", (), ("###..", "#####", "#####"), 2, canvas=(OF, FR, RI, M, M)))
    assert drawn(call) == ["pps..", "pplsh", "pplhs"]
    assert call.rule.startswith("Explicit mask 1: causal up to position 3")


def test_a_mask_that_no_known_layout_gives_says_what_is_open_and_not_why():
    (call,) = calls(explicit("verify", (), ("#.#..", "##.#.", "#...#"), 2))
    assert drawn(call) == ["p0s00", "pp0s0", "p000s"]
    assert call.doubt == "No layout known here gives this mask: its cells say what is open, not why."


def test_a_mask_that_the_trace_lost_leaves_every_cell_unknown():
    trace = make([Round(0, 0), Forward("verify", 4, mask=3), Finish("stopped")], (OF, FR, M, M), 2)
    (call,) = calls(trace)
    assert set("".join(drawn(call))) == {"?"} and call.open == 0
    assert call.sentence(0, 1) == "Whether query 0 ‘Capital’ may see key 1 ‘·of France’ is not in the trace."


def test_a_later_call_finds_its_mask_where_it_was_first_used():
    first = Forward("verify", 3, mask=1, sees=spans("#..", "##.", "###"))
    events = [Round(0, 0), first, Round(1, 0), Forward("verify", 3, mask=1), Finish("stopped")]
    (call,) = calls(make(events, (OF, FR, M), 2))
    assert drawn(call) == ["s..", "ps.", "pps"]


# ------------------------------------------------------------ the lens's own
def test_the_call_that_checks_is_shown_first_and_the_round_is_the_cursors():
    shown = info(block_causal(), 2)
    assert [call.role for call in shown.calls] == ["prefill", "verify"] and shown.first == 1
    assert shown.sentence == (
        "Round 0, verify call of model: 4 queries x 6 keys, 20 of 24 cells open. Block-causal in blocks of 2: "
        "a position sees its own block and those before it."
    )


def test_before_the_first_step_the_first_call_of_the_run_is_shown():
    shown = info(block_causal(), 0)
    assert (shown.n, shown.first, shown.calls[0].role) == (0, 0, "prefill")
    assert shown.before == "Before the first step: this is the first call, of round 0."
    assert shown.sentence.startswith(shown.before) and data(shown)["before"] == shown.before
    assert info(block_causal(), 2).before == ""
    # A round without a call is passed over; a run without any has nothing to show.
    later = make([Round(0, 0), Round(1, 0), Forward("denoise", 3), Finish("stopped")], (OF, FR, M), 2)
    assert info(later, 0).before == "Before the first step: this is the first call, of round 1."
    none = make([Round(0, 0), Finish("stopped")], (OF, FR, M), 2)
    assert data(info(none, 0))["empty"] == "The run has not begun: step forward."


def test_the_next_round_with_closed_cells_is_known_and_after_the_last_comes_the_first():
    one, two = Forward("decode", 1, cached=2, start=2), Forward("verify", 2, cached=1, start=1)
    events = [Round(0, 0), two, Round(1, 0), one, Round(2, 0), two, Finish("stopped")]
    causal = make(events, (OF, FR, THE), 2, attention="causal")
    assert [info(causal, at).closed for at in (2, 4, 6)] == [7, 7, 2]
    assert info(make(events, (OF, FR, THE), 2), 2).closed == -1, "full attention closes nothing"
    sees = Forward("verify", 3, mask=1, sees=(((0, 1),), ((0, 2),), ((0, 3),)))
    masked = make([Round(0, 0), one, Round(1, 0), sees, Finish("stopped")], (OF, FR, M), 2)
    assert (info(masked, 2).closed, info(masked, 4).closed) == (5, -1)


def test_the_page_gets_runs_of_rules_and_their_templates_once():
    body = json.loads(json.dumps(data(info(block_causal(), 5)), allow_nan=False))
    verify = body["calls"][1]
    titles = [rule[2] for rule in body["rules"]]
    assert titles == ["itself", "prompt", "earlier block", "same block", "draft of this row", "later block"]
    assert verify["rows"] == [[2, 2, 4, 3, 6, 5], [4, 2, 6, 3]] and verify["line"] == [0, 0, 1, 1]
    assert verify["lanes"][2][1] == [[3, 3, "·is", 3, 4, "draft 1"], [4, 4, "·Paris", 3, 4, "draft 2"]]
    assert "Query" not in json.dumps(body["calls"])


def test_braces_in_a_token_are_no_template():
    (call,) = calls(make([Round(0, 0), Forward("denoise", 2)], (NASTY_ID, OF), 1))
    assert "‘<b>x</b> ${alert(1)} {{x}} %{z}’: prompt" in call.sentence(1, 0)


def test_every_rule_has_a_look_and_what_is_closed_never_looks_open():
    assert {rule.look for rule in RULES.values()} == set(LOOKS)
    assert {rule.look for rule in RULES.values() if not rule.open} == {"later", "sibling"}
    assert not any(rule.look in ("later", "sibling") for rule in RULES.values() if rule.open)


def test_the_figure_has_a_layer_and_a_legend_entry_for_each_rule():
    layers: Any = plot(info(block_causal(), 5)).data
    heat = [layer for layer in layers if layer.type == "heatmap"]
    assert len(heat) == 5
    names = [layer.name for layer in layers if layer.type == "scatter"]
    assert names[-1] == "□ may not: later block (4)" and names[0] == "■ may see: itself (4)"


def test_more_than_256_keys_are_drawn_as_tiles_of_open_shares():
    trace = make([Round(0, 0), Forward("denoise", 320)], (OF,) * 320, 2, attention="causal")
    layers: Any = plot(info(trace, 2)).data
    tiles = layers[0]
    assert (len(tiles.z), len(tiles.z[0])) == (64, 64)
    assert (tiles.z[0][0], tiles.z[0][1], tiles.z[9][3]) == (0.6, 0.0, 1.0)


# ------------------------------------------------------------ what models really get
@pytest.fixture
def given(monkeypatch):
    """The permissions of every call of every model, as the model applied them."""
    seen, ran = [], HFModel._run

    def spy(self, rows, role, pos, see, cache, keep):
        own = self.own_mask(len(cache) if cache is not None else 0, len(rows[0])) if see is None else see
        out = ran(self, rows, role, pos, see, cache, keep)
        seen.append(own.tolist())
        return out

    monkeypatch.setattr(HFModel, "_run", spy)
    return seen


KNOBS = {
    "stepwise": [{}, {"cache": "dual"}, {"cache": "prefix"}, {"cfg": 1.0}],
    "ssd": [{}, {"cache": "eager"}, {"tree": "mixed_order"}],
    "fast-v2": [{}, {"block_cache": True, "sub": 4}],
    "s2d2": [{}, {"causal_cache": False}],
    "simsd": [{}, {"leak": True}, {"drafting": "dynamic", "threshold": 0.3}],
    "diffuspec": [{"passes": 2}],
}


@pytest.mark.parametrize("method", registry.METHODS, ids=lambda m: m.id)
@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-block"])
def test_a_cell_is_open_exactly_where_the_model_was_allowed_to_look(given, method, kind):
    attention = "full" if kind == "llama-full" else "block"
    for knobs in KNOBS.get(method.id, [{}]):
        if method.params.read(knobs).misfits(attention):
            continue
        for block in (8, 4) if kind == "qwen3-block" else (8,):
            given.clear()
            trace = run(method, tinies(method, kind), prompt(6), max_new=10, block=block, **knobs)
            shown = [call for view in trace.rounds for call in info(trace, view.stop).calls]
            assert len(shown) == len(given)
            for call, allowed in zip(shown, given, strict=True):
                assert opened(call) == allowed, (call.role, call.model, call.rule, knobs)
                assert call.unsure == "", "the trace says by which rule each model attends"
                assert {"shown", "hidden", "unknown"}.isdisjoint(r for runs in call.rows for _, r in runs)


def test_keys_that_a_dual_cache_kept_are_stale_from_the_first_fill_on():
    trace = run("stepwise", tiny("llama-full"), prompt(6), cache="dual", max_new=16, block=8, early_stop=False)
    rules = [{key.rule for key in info(trace, v.stop).calls[0].keys[: 22 - 8]} for v in trace.rounds]
    assert rules[0] == rules[8] == {"prompt", ""}
    assert all(rule == {"stale"} for rule in rules[1:8] + rules[9:])
    (call,) = info(trace, trace.rounds[3].stop).calls
    assert call.keys[0].note.startswith("in round 0, block 0 (stale: position ") and "and 2 more" in call.keys[0].note


def test_cached_blocks_of_a_block_causal_model_are_not_stale():
    trace = run("stepwise", tiny("qwen3-block"), prompt(6), max_new=16, block=8, early_stop=False)
    rules = {key.rule for v in trace.rounds for call in info(trace, v.stop).calls for key in call.keys}
    assert rules == {"", "prompt"}


@pytest.mark.parametrize("name", ["diffuspec-apples", "speculative-apples", "simsd-apples"])
def test_both_models_of_a_bundled_run_made_anew_see_what_is_drawn(given, name):
    _, method, models, text, knobs = next(recorded for recorded in RUNS if recorded[0] == name)
    assert isinstance(models, dict)
    trace = run(method, models, text, **knobs)
    shown = [call for view in trace.rounds for call in info(trace, view.stop).calls]
    assert {call.model for call in shown} == set(models.values())
    assert [opened(call) for call in shown] == given
    assert not any(call.unsure for call in shown)


def test_a_block_causal_drafter_beside_a_causal_target_is_drawn_by_its_own_rule():
    """Blocks of 4 for the drafter; the target's settings say 8, which it does not use."""
    events = [Round(0, 0), Forward("draft", 6, model="small"), Forward("verify", 3, model="toy"), Finish("stopped")]
    known = {"toy": Attention("causal"), "small": Attention("block", 4)}
    trace = make(events, (OF, FR), 2, attention="causal", model="toy", attentions=known)
    draft, verify = calls(trace)
    assert drawn(draft) == ["spbb..", "psbb..", "ppsb..", "ppbs..", "ppeesb", "ppeebs"]
    assert drawn(verify) == ["s..", "ps.", "pps"]
    assert draft.rule == "Block-causal in blocks of 4: a position sees its own block and those before it."
    assert (draft.doubt + draft.unsure).count("rule") == 0


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.name)
def test_every_call_of_a_bundled_run_is_explained_and_agrees_with_its_record(path):
    trace = Trace.load(path)
    specs = {name: catalogue.spec(name) for name in trace.models.values()}
    assert trace.attentions == {n: (s.attention, s.block if s.attention == "block" else 0) for n, s in specs.items()}
    rules = {
        "full": lambda a, n: masks.full(a, n, torch.device("cpu")),
        "causal": lambda a, n: masks.causal(a, n, torch.device("cpu")),
        "block": lambda a, n: masks.block_causal(a, n, 8, torch.device("cpu")),
    }
    known = {call.mask: call.sees for call in trace.forwards if call.sees}
    for view in trace.rounds:
        shown, real = info(trace, view.stop), view.of(Forward)
        assert len(shown.calls) == len(real)
        for call, forward in zip(shown.calls, real, strict=True):
            cells = opened(call)
            assert "No layout" not in call.doubt
            if forward.mask:
                assert masks.spans(torch.tensor(cells)) == known[forward.mask]
            else:
                expected = rules[catalogue.spec(forward.model).attention](forward.cached, forward.length)
                assert cells == expected.tolist(), forward.model
            for key, (pos, token) in zip(call.keys[call.cached :], forward.fed, strict=False):
                assert key.pos == pos and (key.group in ("masks", "copies")) == (token == trace.mask)


# ------------------------------------------------------------ one call of each kind
LANDMARKS = {
    "ar-apples": {"causal": (28, 28)},
    "stepwise-apples": {"full": (92, 92)},
    "ssd-mixed-apples": {"block": (40, 40)},
    "ssd-apples": {"full": (92, 92)},  # a chain is no tree
    "ssd-tree-apples": {"full": (92, 92), "tree": (92, 92)},
    "simsd-apples": {"block": (24, 24), "temporal": (12, 36)},
    "s2d2-apples": {"causal": (24, 24), "block": (8, 40), "doubled": (16, 40)},
    "s2d2-ahead-apples": {},  # its drafts ahead and its filled prefix are two kinds in one call each
    "wino-apples": {"shadows": (124, 124)},
    "diffuspec-apples": {"causal": (47, 47), "full": (61, 61)},
}


@pytest.mark.parametrize("name", LANDMARKS)
def test_a_run_has_one_call_for_each_kind_of_its_masks(name):
    trace = Trace.load(next(path for path in TRACES if path.name == f"{name}.json.gz"))
    found = landmarks(trace)
    shown = {kind: info(trace, mark.at).calls[mark.call] for kind, mark in found.items()}
    assert {kind: (len(call.line), len(call.keys)) for kind, call in shown.items()} == LANDMARKS[name]
    # Whether there is something closed to see is said before it is shown.
    assert {kind: mark.closed for kind, mark in found.items()} == {
        kind: sum(not RULES[call.rule_of(q, k)].open for q in range(len(call.line)) for k in range(len(call.keys)))
        for kind, call in shown.items()
    }


def test_the_tree_of_a_run_is_its_call_with_most_rows_and_needs_alternatives():
    trace = Trace.load(next(path for path in TRACES if path.name.startswith("ssd-tree-apples")))
    mark = landmarks(trace)["tree"]
    assert (mark.size, len(info(trace, mark.at).calls[mark.call].lanes)) == ((16, 0), 16)
    assert "tree" not in landmarks(block_causal()), "two drafts, one behind the other"


def test_a_mask_by_a_rule_that_is_a_guess_is_no_example_of_a_kind():
    events = [Round(0, 0), Forward("draft", 6, model="small"), Finish("stopped")]
    trace = make(events, (OF, FR), 2, attention="causal", model="toy")
    assert landmarks(trace) == {}
