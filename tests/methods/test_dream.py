"""Dream fills the whole text at once: a noise level says how many, a confidence or dice say which."""

import math
from collections import Counter

import pytest
import torch
from toys import LETTERS, MASK, hashed, prompt, scripted, spell, tiny

from decoders.chance import Chance
from decoders.methods.dream import Dream, due, read, surest
from decoders.run import run
from decoders.trace import Commit, Decide, Forward


def edits(trace):
    """Per round, what was filled, sorted by position."""
    return [
        sorted((e.pos, LETTERS[e.after]) for event in view.of(Commit) for e in event.edits) for view in trace.rounds
    ]


class Dice:
    """Chance whose numbers are known beforehand."""

    def __init__(self, *luck):
        self.luck, self.weights = list(luck), []

    def uniform(self, *shape):
        assert shape == (len(self.luck[0]),)
        return torch.tensor(self.luck.pop(0), device="cpu")

    def several(self, weights, k):
        self.weights.append(weights.tolist())
        return [2, 0][:k]


def test_the_chance_to_be_unmasked_is_what_the_noise_level_loses():
    """From 1 to 0.2 in four steps: 1, .8, .6, .4, .2. The last step takes all."""
    assert [due(i, 4, 0.2) for i in range(4)] == pytest.approx([0.2, 0.25, 1 / 3, 1.0])
    assert due(7, 4, 0.2) == 1.0
    assert due(0, 1, 0.001) == 1.0


def test_the_share_is_rounded_down_so_with_a_step_per_position_the_first_fills_none_and_the_last_two():
    """4 (1 - .75025) is .999; then 4 (1 - .5005 / .75025) = 1.3 and 3 (1 - .25075 / .5005) = 1.5."""
    trace = run("dream", hashed(0, vocab=10, eos=0), [1, 2], max_new=4)
    assert [len(step) for step in edits(trace)] == [0, 1, 1, 2]
    assert trace.calls == 4
    assert [d.choice for e in trace.rounds for d in e.of(Decide)] == ["0", "1", "1", "2"]


@pytest.mark.parametrize("steps, sizes", [(1, [8]), (2, [3, 5]), (8, [0, 1, 1, 1, 1, 1, 1, 2])])
def test_there_are_as_many_calls_as_steps(steps, sizes):
    trace = run("dream", hashed(0, vocab=10, eos=0), [1, 2], max_new=8, steps=steps)
    assert [len(step) for step in edits(trace)] == sizes
    assert trace.calls == steps


def test_more_steps_than_positions_are_walked_through_too():
    """20 steps for 3 masks: 3 (1 - s / t) reaches 1 first when the noise level falls below half in few steps."""
    trace = run("dream", hashed(0, vocab=10, eos=0), [1], max_new=3, steps=20)
    assert trace.calls == 20
    assert sum(map(len, edits(trace))) == 3


def test_the_surest_position_of_the_whole_text_comes_first_whatever_its_block():
    model = scripted({"XMMMM": "A@1 .5, B@2 .6, C@3 .7, D@4 .9", "XMMMD": "A@1 .5, B@2 .8, C@3 .7"})
    trace = run("dream", model, spell("X"), max_new=4, block=2, steps=2, eps=0.4)  # 1, .7, .4: 4 x .3 is 1
    assert edits(trace) == [[(4, "D")], [(1, "A"), (2, "B"), (3, "C")]]


# Three positions on nine tokens; the mask is the tenth and has none.
BEST = [0.70, 0.15, 0.15, 0, 0, 0, 0, 0, 0, 0]
LEAD = [0.05, 0.65, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0, 0]
CALM = [0.34, 0, 0.66, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "alg, sures, first",
    [
        ("maskgit_plus", [0.70, 0.65, 0.66], 10),
        ("topk_margin", [0.55, 0.60, 0.32], 11),
        ("entropy", [-0.818808, -1.328515, -0.641036], 12),
        ("confidence_threshold", [0.70, 0.65, 0.66], 10),
    ],
)
def test_sure_is_the_probability_or_the_lead_over_the_second_or_the_negative_entropy(alg, sures, first):
    par = Dream(alg=alg)
    probs = torch.tensor([BEST, LEAD, CALM], dtype=torch.float64, device="cpu")
    guesses, found = read(probs, [10, 11, 12], par, 9, Chance())
    assert found == pytest.approx(sures, abs=1e-6)
    assert [(g.pos, g.token) for g in guesses] == [(10, 0), (11, 1), (12, 2)]
    assert [g.p for g in guesses] == pytest.approx([0.70, 0.65, 0.66])
    assert surest([10, 11, 12], found, 1, par, 13, Chance()) == [first]


def test_the_mask_holds_no_mass():
    probs = torch.tensor([[0.3, 0.2, 0.5]], dtype=torch.float64, device="cpu")
    guesses, sures = read(probs, [4], Dream(alg="maskgit_plus"), 2, Chance())
    assert (guesses[0].token, sures) == (0, pytest.approx([0.6]))
    drawn = {read(probs, [4], Dream(temperature=2.0), 2, Chance(seed))[0][0].token for seed in range(20)}
    assert drawn == {0, 1}


def test_the_nucleus_comes_before_the_best_k():
    """Of .5, .3, .2 a nucleus of .6 keeps two, which two of top_k leave alone. The other way round .625 and .375 are
    left first, and a nucleus of .6 keeps one."""
    probs = torch.tensor([[0.5, 0.3, 0.2, 0.0]], dtype=torch.float64, device="cpu")
    par = Dream(alg="maskgit_plus", top_p=0.6, top_k=2)
    assert read(probs, [4], par, 3, Chance())[1] == pytest.approx([0.625])
    assert read(probs, [4], Dream(alg="maskgit_plus", top_k=1), 3, Chance())[1] == pytest.approx([1.0])


def test_a_temperature_draws_tokens_and_their_probability_is_that_of_the_draw():
    """At T = 0.5 the odds of .6 to .2 are 9 to 1."""
    probs = torch.tensor([[0.6, 0.2, 0.2, 0.0]], dtype=torch.float64, device="cpu")
    par, ps, tokens = Dream(alg="maskgit_plus", temperature=0.5), {}, Counter()
    for seed in range(400):
        ((guess,), (sure,)) = read(probs, [4], par, 3, Chance(seed))
        assert sure == guess.p
        ps[guess.token] = guess.p
        tokens[guess.token] += 1
    assert ps == {0: pytest.approx(9 / 11), 1: pytest.approx(1 / 11), 2: pytest.approx(1 / 11)}
    assert 0.74 < tokens[0] / 400 < 0.89


def test_with_alg_temp_positions_are_drawn_by_softmax_of_confidence_over_it():
    dice = Dice()
    chosen = surest([0, 2, 3], [0.2, 0.6, 0.2 + 0.5 * math.log(2)], 2, Dream(alg_temp=0.5), 5, dice)
    assert chosen == [2, 0]
    odds = [1.0, math.exp(0.8), 2.0]
    expected = [odds[0], 0.0, odds[1], odds[2], 0.0]
    assert dice.weights == [pytest.approx([w / sum(odds) for w in expected])]


def test_all_positions_can_be_drawn_even_where_one_has_all_the_weight():
    par = Dream(alg_temp=0.001)
    assert sorted(surest([0, 2, 3], [0.0, -5.0, -9.0], 3, par, 5, Chance())) == [0, 2, 3]
    assert surest([0, 2, 3], [-5.0, 0.0, -9.0], 1, par, 5, Chance()) == [2]


def test_drawn_positions_differ_from_seed_to_seed_and_are_never_drawn_twice():
    runs = [
        run("dream", hashed(1, vocab=10, eos=0), [1], max_new=9, alg_temp=1.0, seed=seed, steps=4)
        for seed in (0, 0, 1, 2)
    ]
    assert edits(runs[0]) == edits(runs[1])
    assert len({str(edits(r)) for r in runs}) > 1
    for r in runs:
        assert [len(step) for step in edits(r)] == [2, 2, 2, 3]


def test_origin_rolls_dice_for_every_position_and_the_last_step_takes_the_rest():
    """1, .8, .6, .4, .2 unmask with chance .2, .25, 1/3, 1; a round in which no die falls low changes nothing."""
    dice = Dice([0.19, 0.2, 0.9, 0.5], [0.26, 0.3, 0.9], [0.5, 0.34, 0.33], [0.999, 0.9])
    trace = run("dream", hashed(0, vocab=10, eos=0), [1], max_new=4, steps=4, alg="origin", eps=0.2, chance=dice)
    assert [[pos for pos, _ in step] for step in edits(trace)] == [[1], [], [4], [2, 3]]
    assert trace.calls == 4


def test_origin_draws_tokens_only_for_the_positions_the_dice_chose():
    asked = []

    class Counting(Dice):
        def tokens(self, probs):
            asked.append(len(probs))
            return [0] * len(probs)

    dice = Counting([0.19, 0.2, 0.9, 0.1], [0.3, 0.3], [0.5, 0.3], [0.999])
    run(
        "dream",
        hashed(0, vocab=10, eos=0),
        [1],
        max_new=4,
        steps=4,
        alg="origin",
        eps=0.2,
        temperature=1.0,
        chance=dice,
    )
    assert asked == [2, 1, 1]


def test_confidence_threshold_keeps_those_of_the_share_that_reach_the_bar_and_what_misses_waits():
    """Four masks in two steps: a share of 2, of which one reaches .8. Then 1 + 2 = 3 are due and one reaches it, and
    the two that are left have steps of their own: first both are due, then one."""
    script = {
        "XMMMM": "A@1 .9, B@2 .7, C@3 .6, D@4 .5",
        "XAMMM": "B@2 .75, C@3 .8, D@4 .3",
        "XAMCM": "B@2 .5, D@4 .6",
        "XAMCD": "B@2 .2",
    }
    trace = run("dream", scripted(script), spell("X"), max_new=4, steps=2, alg="confidence_threshold", threshold=0.8)
    assert edits(trace) == [[(1, "A")], [(3, "C")], [(4, "D")], [(2, "B")]]
    shares = [dict(d.because)["share"] for view in trace.rounds for d in view.of(Decide)]
    assert shares == [2, 3, 2, 1]


def test_confidence_threshold_never_fills_more_than_its_share():
    model = scripted({"XMMMM": "A@1 .99, B@2 .98, C@3 .97, D@4 .96", "XABMM": "C@3 .95, D@4 .94"})
    trace = run("dream", model, spell("X"), max_new=4, steps=2, alg="confidence_threshold", threshold=0.8)
    assert edits(trace) == [[(1, "A"), (2, "B")], [(3, "C"), (4, "D")]]


def test_a_confidence_equal_to_the_bar_passes_it():
    """One token of top_k has all the mass, so every confidence is 1."""
    settings = {"alg": "confidence_threshold", "threshold": 1.0, "top_k": 1, "steps": 2}
    trace = run("dream", hashed(0, vocab=10, eos=0), [1], max_new=6, **settings)
    assert [len(step) for step in edits(trace)] == [3, 3]


@pytest.mark.parametrize("alg", ["origin", "confidence_threshold"])
def test_positions_are_drawn_by_confidence_only_where_confidence_alone_decides(alg):
    dice = Dice()
    assert surest([0, 2, 3], [0.2, 0.6, 0.4], 2, Dream(alg=alg, alg_temp=0.5), 5, dice) == [2, 3]
    assert dice.weights == []


def test_a_model_that_predicts_the_next_position_is_read_one_row_earlier():
    model, ids = tiny("qwen2-next-full"), prompt(6)
    rows = model.many([[*ids, *[model.spec.mask] * 5]], role="x")[0][0].rows
    trace = run("dream", model, ids, max_new=5, steps=1, early_stop=False)
    assert list(trace.tokens[6:]) == rows[5:10].argmax(-1).tolist()
    assert list(trace.tokens[6:]) != rows[6:11].argmax(-1).tolist()


def test_early_stop_looks_whether_the_block_that_holds_the_end_is_full():
    script = {
        "XMMMM": "A@1 .5, H@2 .9, C@3 .7, D@4 .6",
        "XMHMM": "A@1 .5, C@3 .7, D@4 .6",
        "XMHCM": "A@1 .9, D@4 .6",
        "XAHCM": "D@4 .6",
    }
    # One position per step, the surest first.
    settings = {"max_new": 4, "block": 2, "alg": "confidence_threshold", "threshold": 0.0}
    trace = run("dream", scripted(script, eos="H"), spell("X"), **settings)
    assert edits(trace) == [[(2, "H")], [(3, "C")], [(1, "A")]]
    assert trace.finish == "eos"
    trace = run("dream", scripted(script, eos="H"), spell("X"), early_stop=False, **settings)
    assert edits(trace)[3:] == [[(4, "D")]]


# ------------------------------------------------------------ block by block, on keys that are out of date
@pytest.mark.parametrize("cache", ["prefix", "dual"])
@pytest.mark.parametrize(
    "kind, filled", [("qwen2-next-full", [1, 0, 1, 2]), ("llama-full", [0, 1, 1, 2])], ids=["shifted", "aligned"]
)
def test_with_a_cache_every_block_has_its_part_of_the_steps_and_all_of_the_times(kind, filled, cache):
    """Four masks in four steps: int() of 0.999, 1.33, 1.5 and the rest. A shifted model has no row for the first
    position of a block but in the call that enters it, which fills that one alone; three are left then, and int(0.9987)
    is 0."""
    trace = run("dream", tiny(kind, 1), prompt(6), cache=cache, max_new=8, block=4, steps=8, early_stop=False)
    counts = [sum(len(event.edits) for event in view.of(Commit)) for view in trace.rounds]
    assert counts == filled * 2 and trace.calls == 8
    length = {"prefix": [14, 8, 8, 8, 14, 4, 4, 4], "dual": [14, 4, 4, 4] * 2}[cache]
    assert [call.length for call in trace.forwards] == length


def test_where_rows_are_shifted_the_call_that_enters_a_block_fills_its_first_position_however_unsure():
    unsure = 0
    for seed in range(4):
        trace = run(
            "dream", tiny("qwen2-next-full", seed), prompt(6), cache="dual", max_new=15, block=5, early_stop=False
        )
        entered = [view for view in trace.rounds for call in view.of(Forward) if call.cached == 0]
        edits = [edit for view in entered for event in view.of(Commit) for edit in event.edits]
        assert [edit.pos for edit in edits] == [6, 11, 16]
        for view, edit in zip(entered, edits, strict=True):
            (call,) = view.of(Forward)
            best = {belief.pos: belief.top[0] for belief in call.beliefs}
            assert edit.after == best[edit.pos][0]
            unsure += edit.p < max(p for _, p in best.values())
            assert dict(view.of(Decide)[0].because) == {"masked": 5, "first of the block": 1}
    assert unsure


def test_with_a_cache_confidence_threshold_fills_all_that_reach_the_bar_whatever_the_share():
    model = hashed(2, sway=0.0, eos=0)
    settings = {"alg": "confidence_threshold", "threshold": 0.3, "max_new": 12, "block": 6, "steps": 12}
    plain, cached = (run("dream", model, [1, 2], cache=cache, **settings) for cache in ("none", "dual"))
    assert max(len(step) for step in edits_of(plain)) == 1 < max(len(step) for step in edits_of(cached))
    for view in cached.rounds:
        masked = dict(view.of(Decide)[0].because)["masked"]
        filled = [edit for event in view.of(Commit) for edit in event.edits]
        sure = [b.pos for call in view.of(Forward) for b in call.beliefs if b.top[0][1] >= 0.3]
        assert {edit.pos for edit in filled} == set(sure) or len(filled) == 1
        assert len(filled) <= masked


def edits_of(trace):
    return [[edit for event in view.of(Commit) for edit in event.edits] for view in trace.rounds]


@pytest.mark.parametrize("alg", ["origin", "topk_margin", "maskgit_plus", "entropy"])
def test_every_rule_can_be_used_with_a_cache_and_fills_the_text(alg):
    for kind in ("llama-full", "qwen2-next-full"):
        knobs = {"alg": alg, "alg_temp": 0.5, "temperature": 0.7, "top_p": 0.9, "steps": 5}
        trace = run("dream", tiny(kind), prompt(4), cache="prefix", max_new=11, block=4, early_stop=False, **knobs)
        assert trace.finish == "length" and MASK not in trace.tokens
        assert [view.events[0].block for view in trace.rounds] == sorted(view.events[0].block for view in trace.rounds)
