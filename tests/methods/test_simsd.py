"""SimSD: a small model drafts a block, the large one checks it in one call, approximately: how far is measured."""

import pytest
import torch
from toys import hashed, prompt, tiny

from decoders import masks
from decoders.methods.simsd import Draft, SimSD, judge
from decoders.run import run
from decoders.sampling import Guess, Seen
from decoders.trace import Commit, Decide, Forward, Judge, Propose

SHAPE = {"max_new": 13, "block": 8, "early_stop": False}


def pair(seed: int = 0, other: int = 1, layers: int = 2):
    return {"target": tiny("qwen3-block", seed, layers=layers), "draft": tiny("qwen3-block", other, layers=layers)}


def test_the_temporal_mask_shows_each_mask_what_lay_there_when_its_draft_was_revealed():
    """One known token, three drafts revealed in the steps 1, 0, 2: the second one first."""
    see = masks.temporal(0, 1, [1, 0, 2], torch.device("cpu")).int().tolist()
    assert see == [
        #  known | drafts | masks
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 1],  # a draft sees drafts revealed no later, and masks of later ones
        [1, 0, 1, 0, 1, 0, 1],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 0, 1, 0, 1, 0, 1],  # a mask sees drafts revealed before its own, and the other masks
        [1, 0, 0, 0, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 1],
    ]
    assert all(row[:3] == [1, 1, 1] for row in masks.temporal(2, 1, [0], torch.device("cpu")).int().tolist())


def leaks(models, **knobs) -> list[float]:
    trace = run("simsd", models, prompt(11), leak=True, **SHAPE, **knobs)
    return [dict(e.because)["total variation"] for e in trace.events if isinstance(e, Decide)]


def test_with_one_layer_the_check_is_sequential_denoising_and_with_two_it_is_not():
    for seed in range(3):
        assert max(leaks(pair(seed, layers=1))) < 1e-5
        assert max(leaks(pair(seed, layers=2))) > 1e-3


def test_masks_at_positions_of_their_own_break_even_the_one_layer_check():
    assert max(leaks(pair(layers=1), align=False)) > 1e-2


def test_a_model_that_checks_itself_accepts_all_and_says_its_stepwise_text_if_it_has_one_layer():
    for seed in range(3):
        model = tiny("qwen3-block", seed, layers=1)
        ours = run("simsd", {"target": model, "draft": model}, prompt(11), **SHAPE)
        assert ours.acceptance == (13, 13)
        assert ours.tokens == run("stepwise", model, prompt(11), **SHAPE).tokens


def test_with_two_layers_the_text_is_not_always_that_of_sequential_denoising():
    different = 0
    for seed in range(6):
        model = tiny("qwen3-block", seed)
        ours = run("simsd", {"target": model, "draft": model}, prompt(11), **SHAPE)
        different += ours.tokens != run("stepwise", model, prompt(11), **SHAPE).tokens
    assert different > 0


def test_a_round_is_one_draft_call_per_position_one_check_and_a_block_extends_both_caches():
    trace = run("simsd", pair(), prompt(11), **SHAPE)
    for view in trace.rounds:
        roles = [call.role for call in view.of(Forward)]
        (proposed,) = view.of(Propose)
        assert roles.count("draft") == len(proposed.nodes) and roles.count("verify") == 1
        assert roles.count("extend") + roles.count("prefill") in (0, 2)
        call = next(call for call in view.of(Forward) if call.role == "verify")
        known = proposed.nodes[0].fills[0][0] - call.start
        assert call.length == known + 2 * len(proposed.nodes)
        assert [pos for pos, _ in call.fed[known:]] == [n.fills[0][0] for n in proposed.nodes] * 2
    assert sum(call.role == "extend" for call in trace.forwards) == 2


def test_drafts_are_accepted_from_the_left_whatever_the_order_they_were_revealed_in():
    models = {
        "target": hashed(1, attention="block", block=8, eos=0),
        "draft": hashed(1, sway=0.8, attention="block", block=8, eos=0),
    }
    rejected = 0
    for view in run("simsd", models, [1, 2, 3], max_new=21, block=8).rounds:
        nodes = [n.fills[0][0] for event in view.of(Propose) for n in event.nodes]
        outcomes = [v.outcome for event in view.of(Judge) for v in event.verdicts]
        assert nodes == sorted(nodes)
        kept = outcomes.count("accepted")
        assert outcomes == ["accepted"] * kept + ["rejected"] * (kept < len(nodes)) + ["unreached"] * (
            len(nodes) - kept - 1
        )
        edits = [(e.pos, e.why) for event in view.of(Commit) for e in event.edits]
        wanted = [(pos, "accepted") for pos in nodes[:kept]] + [(pos, "corrected") for pos in nodes[kept : kept + 1]]
        assert edits == wanted, "a wholly accepted block yields no extra token; the rest is drafted again"
        rejected += kept < len(nodes)
    assert rejected > 0


def test_a_correction_is_the_targets_best_token():
    trace = run("simsd", pair(), prompt(11), **SHAPE)
    for view in trace.rounds:
        choices = {v.choice[0]: v.choice[1] for event in view.of(Judge) for v in event.verdicts}
        assert all(e.after == choices[e.pos] for event in view.of(Commit) for e in event.edits)


@pytest.mark.parametrize("tail", ["target_argmax", "draft_argmax"])
def test_the_other_tail_rules_fill_the_block_at_once(tail):
    trace = run("simsd", pair(), prompt(11), tail=tail, **SHAPE)
    assert len(trace.rounds) == 2
    for view in trace.rounds:
        fills = dict(n.fills[0] for event in view.of(Propose) for n in event.nodes)
        best = {v.choice[0]: v.choice[1] for event in view.of(Judge) for v in event.verdicts}
        rest = [e for event in view.of(Commit) for e in event.edits if e.why == "unmasked"]
        assert rest and all(e.after == (best if tail == "target_argmax" else fills)[e.pos] for e in rest)


class Listed:
    """Draws that are listed."""

    def __init__(self, us, token):
        self.us, self.token, self.asked = us, token, []

    def uniform(self, *shape, dtype=None):
        return torch.tensor(self.us[: shape[0]])

    def tokens(self, probs):
        self.asked.append(probs)
        return [self.token]


def test_mrs_accepts_with_q_over_p_and_draws_the_first_rejected_one_from_the_residual():
    p = [torch.tensor(row, dtype=torch.float64) for row in ([0.6, 0.4, 0.0, 0.0], [0.8, 0.1, 0.1, 0.0])]
    q = torch.tensor([[0.9, 0.1, 0.0, 0.0], [0.2, 0.5, 0.3, 0.0]], dtype=torch.float64)
    draft = Draft([Guess(4, 0, 0.6), Guess(5, 0, 0.8)], [0, 1], p)
    seen = Seen([[Guess(4, 0, 0.9), Guess(5, 1, 0.5)]], [[0.9, 0.2]], Forward("verify", 4), (), q)
    chance = Listed([0.99, 0.3], 2)
    verdicts, kept, instead = judge(draft, seen, SimSD(accept="mrs"), 3, chance)
    assert (kept, instead) == (1, Guess(5, 2, pytest.approx(0.3)))
    assert [v.score for v in verdicts] == [1.0, pytest.approx(0.25)]
    assert chance.asked[0][0].tolist() == pytest.approx([0.0, 0.4, 0.2, 0.0])
    verdicts, kept, instead = judge(draft, seen, SimSD(accept="greedy_match"), 3, chance)
    assert (kept, instead) == (1, Guess(5, 1, 0.5))


def test_mrs_draws_its_drafts_and_greedy_match_does_not():
    for accept, several in (("mrs", True), ("greedy_match", False)):
        drafts = set()
        for seed in range(4):
            trace = run("simsd", pair(), prompt(11), accept=accept, seed=seed, **SHAPE)
            drafts.add(next(e.nodes for e in trace.events if isinstance(e, Propose)))
        assert (len(drafts) > 1) == several


def test_an_end_of_text_inside_a_block_ends_the_run_at_once():
    found = 0
    for seed in range(8):
        models = {role: hashed(seed, attention="block", block=8, eos=3) for role in ("target", "draft")}
        trace = run("simsd", models, [1, 2, 3], max_new=21, block=8)
        if trace.finish == "eos":
            ends = [pos for pos, token in enumerate(trace.tokens) if token in trace.eos]
            assert trace.mask not in trace.tokens[: ends[0]]
            found += 1
    assert found > 2


def test_an_unsure_end_of_text_is_drafted_again_when_the_round_moves_without_it():
    late = {0.0: 0, 1.0: 0}
    for seed in range(16):
        models = {
            "target": hashed(seed, attention="block", block=8, eos=6, peak=0.7),
            "draft": hashed(seed, sway=0.6, attention="block", block=8, eos=6, peak=0.7),
        }
        for bar in late:
            for view in run("simsd", models, [1, 2, 3], eos_min_prob=bar, early_stop=False, max_new=13, block=8).rounds:
                edits = [e for event in view.of(Commit) for e in event.edits]
                late[bar] += sum(e.why == "corrected" and e.after in range(7, 13) for e in edits[1:])
    assert late[0.0] > 1 and late[1.0] == 0
