"""Speculative decoding does what Algorithm 1 of arXiv:2211.17192 says: at temperature 0 the text is the target's own,
above it the text has the target's own distribution, whatever the drafter says, and both caches forget what was
rejected."""

import pytest
import torch
from chisquare import surprise
from toys import LETTERS, Toy, hashed, prompt, scripted, spell, tiny

from decoders.chance import Chance
from decoders.drafts import judge
from decoders.errors import Incompatible
from decoders.run import Recording, run
from decoders.sampling import Guess, Seen, drawn
from decoders.trace import Commit, Forward, Judge, Node, Propose, Verdict

CAUSAL = {"attention": "causal", "rows": "next"}
BLOCK = {"attention": "block", "block": 4}


def letters(ids) -> str:
    return "".join(LETTERS[i] for i in ids)


def of(trace, kind):
    return [event for event in trace.events if isinstance(event, kind)]


def fed(model) -> list[str]:
    return [letters(rows[0]) for rows in model.fed]


# ------------------------------------------------------------ rounds by hand
TARGET = {
    "X": "A@1 .9",
    "XA": "B@2 .8",
    "XAB": "D@3 .7",
    "XABC": "E@4 .9",
    "XABD": "F@4 .6",
    "XABDF": "G@5 .5",
}
SAYS = {"X": "A@1 .82", "XA": "B@2 .75", "XAB": "C@3 .65", "XABD": "F@4 .55"}


def pair(kind: str, says=SAYS, target=TARGET, **spec):
    """The same drafter as a causal model or as a block-causal one, which is asked with a mask behind the text; what it
    says about positions that are written already has no meaning."""
    if kind == "block":
        asked = {state + "M": said for state, said in says.items()}
        draft = scripted({**dict.fromkeys(says, "H@0 .9"), **asked}, id="draft", **BLOCK, **spec)
    else:
        draft = scripted(says, id="draft", **CAUSAL, **spec)
    return {"target": scripted(target, id="target", **CAUSAL, **spec), "draft": draft}


@pytest.mark.parametrize("kind", ["causal", "block"])
def test_two_rounds_by_hand(kind):
    """The drafter says A B C; the target keeps A and B and says D. With two tokens left one is drafted, F, which is
    kept, and G comes free. A block drafter reads what is new and one mask in the same call, and keeps no mask."""
    models = pair(kind)
    trace = run("speculative", models, spell("X"), gamma=3, max_new=5)
    assert letters(trace.tokens) == "XABDFG" and trace.finish == "length"
    assert fed(models["draft"]) == [ids + ("M" if kind == "block" else "") for ids in ("X", "A", "B", "D")]
    assert fed(models["target"]) == ["XABC", "DF"]
    assert [(c.role, c.model, c.cached) for c in trace.forwards] == [
        ("draft", "draft", 0),
        ("draft", "draft", 1),
        ("draft", "draft", 2),
        ("verify", "target", 0),
        ("draft", "draft", 3),
        ("verify", "target", 3),
    ]
    a, b, c, d, f = (LETTERS.index(ch) for ch in "ABCDF")
    assert of(trace, Propose) == [
        Propose(
            (
                Node(0, ((1, a),), 0.82, (), 0),
                Node(1, ((2, b),), 0.75, (0,), 0),
                Node(2, ((3, c),), 0.65, (1,), 0),
            )
        ),
        Propose((Node(0, ((4, f),), 0.55, (), 0),)),
    ]
    assert of(trace, Judge) == [
        Judge(
            (
                Verdict(0, "accepted", 0.9, 1.0, 1.0, (1, a)),
                Verdict(1, "accepted", 0.8, 1.0, 1.0, (2, b)),
                Verdict(2, "rejected", round(0.3 / 9, 6), 0.0, 1.0, (3, d)),
            )
        ),
        Judge((Verdict(0, "accepted", 0.6, 1.0, 1.0, (4, f)),)),
    ]
    assert [[(letters([e.after]), e.why, e.p) for e in event.edits] for event in of(trace, Commit)] == [
        [("A", "accepted", 0.9), ("B", "accepted", 0.8)],
        [("D", "corrected", 0.7)],
        [("F", "accepted", 0.6)],
        [("G", "bonus", 0.5)],
    ]


@pytest.mark.parametrize("kind", ["causal", "block"])
def test_a_drafter_forgets_what_was_rejected(kind):
    """B C are drafted and read, A is what the target says: the drafter goes on from X alone. Asked about X B A it would
    be asked about a state that nobody wrote."""
    says = {"X": "B@1 .9", "XB": "C@2 .9", "XBC": "E@3 .9", "XA": "B@2 .9", "XAB": "D@3 .9"}
    target = {
        "X": "A@1 .9", "XB": "C@2 .9", "XBC": "E@3 .9", "XBCE": "F@4 .9",
        "XA": "B@2 .8", "XAB": "D@3 .7", "XABD": "F@4 .6",
    }  # fmt: skip
    models = pair(kind, says, target)
    trace = run("speculative", models, spell("X"), gamma=3, max_new=4)
    assert letters(trace.tokens) == "XABDF"
    assert fed(models["draft"]) == [ids + ("M" if kind == "block" else "") for ids in ("X", "B", "C", "A", "B")]
    assert [c.cached for c in trace.forwards if c.model == "draft"] == [0, 1, 2, 1, 2]
    assert fed(models["target"]) == ["XBCE", "ABD"]


def test_a_drafter_whose_guesses_were_all_kept_reads_the_last_one_and_the_bonus():
    says = {"X": "A@1 .9", "XA": "B@2 .9", "XAB": "C@3 .9", "XABD": "F@4 .9"}
    models = pair("causal", says)
    run("speculative", models, spell("X"), gamma=2, max_new=5)
    assert fed(models["draft"]) == ["X", "A", "BD"]
    assert fed(models["target"]) == ["XAB", "DF"]


def test_nothing_is_drafted_behind_an_end_of_the_text_and_when_accepted_it_ends_the_text():
    says, target = {"X": "A@1 .9", "XA": "H@2 .9"}, {"X": "A@1 .9", "XA": "H@2 .9", "XAH": "B@3 .9"}
    models = pair("causal", says, target, eos="H")
    trace = run("speculative", models, spell("X"), gamma=4, max_new=6)
    assert (letters(trace.tokens), letters(trace.ids), trace.finish) == ("XAH", "A", "eos")
    assert fed(models["draft"]) == ["X", "A"] and fed(models["target"]) == ["XAH"]
    assert [e.why for event in of(trace, Commit) for e in event.edits] == ["accepted", "accepted"]


@pytest.mark.parametrize("gamma", [1, 3, 8])
def test_the_last_token_of_the_budget_is_never_drafted(gamma):
    for max_new in range(1, 7):
        model = hashed(1, eos=0, **CAUSAL)
        trace = run("speculative", {"target": model, "draft": model}, [1, 2], gamma=gamma, max_new=max_new)
        sizes, left = [len(event.nodes) for event in of(trace, Propose)], max_new
        while left > 1:
            assert sizes.pop(0) == min(gamma, left - 1)
            left -= min(gamma, left - 1) + 1
        assert not sizes and trace.finish == "length"


# ------------------------------------------------------------ drafting
@pytest.mark.parametrize("kind, alone", [("llama-causal", "ar"), ("qwen3-block", "stepwise")])
def test_drafts_are_what_the_drafter_would_write_alone_from_the_text_so_far(kind, alone):
    """A block drafter writes in blocks of one. Were its cache not rewound, drafts after a rejection would differ."""
    rejected = 0
    for seed in range(4):
        models = {"target": tiny("llama-causal", seed, blur=0.5), "draft": tiny(kind, seed)}
        trace = run("speculative", models, prompt(7, seed), gamma=1 + seed, max_new=16)
        for view in trace.rounds:
            text = trace.canvas_at(view.start)
            drafts = [node.fills[0][1] for event in view.of(Propose) for node in event.nodes]
            if drafts:
                own = run(alone, models["draft"], text, max_new=len(drafts), block=1).tokens[len(text) :]
                assert drafts == list(own)
            rejected += sum(v.outcome == "rejected" for event in view.of(Judge) for v in event.verdicts)
    assert rejected > 10


@pytest.mark.parametrize("kind, extra", [("llama-causal", 0), ("qwen3-block", 1)])
def test_a_round_is_one_call_of_the_drafter_per_draft_and_one_of_the_target(kind, extra):
    models = {"target": tiny("llama-causal"), "draft": tiny(kind, blur=0.4)}
    trace = run("speculative", models, prompt(11), gamma=3, max_new=21, early_stop=False)
    for i, view in enumerate(trace.rounds):
        j, calls = len(trace.canvas_at(view.start)), view.of(Forward)
        nodes = [node for event in view.of(Propose) for node in event.nodes]
        assert [c.role for c in calls] == ["draft"] * len(nodes) + ["verify" if nodes else "decode"]
        assert [c.cached + c.length for c in calls] == [*(j + k + extra for k in range(len(nodes))), j + len(nodes)]
        assert calls[-1].cached == (j - 1 if i else 0)
        assert all(c.length == 1 + extra for c in calls[1:-1]), "what was drafted is read once"
        assert all(c.batch == 1 for c in calls)


def mask_lover(seed: int = 0) -> Toy:
    """A block-causal model that finds its own mask most probable."""
    own = hashed(seed, vocab=5, eos=0, peak=1.0, **BLOCK)
    return Toy(lambda pos, seen: [*own.score(pos, seen)[:-1], 5.0], vocab=5, mask=4, **BLOCK, id="mask-lover")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_drafters_mask_is_never_drafted(temperature):
    """The target has no mask, so the canvas knows of none."""
    own = hashed(0, vocab=5, eos=0, peak=1.0, **CAUSAL)
    models = {"target": Toy(own.score, vocab=5, mask=-1, **CAUSAL), "draft": mask_lover()}
    for seed in range(5):
        trace = run("speculative", models, [1], temperature=temperature, seed=seed, max_new=12)
        tokens = [token for event in of(trace, Propose) for node in event.nodes for _, token in node.fills]
        assert len(tokens) > 8 and 4 not in tokens


def test_a_block_drafter_that_predicts_from_the_row_before_is_asked_without_a_mask():
    models = {"target": hashed(0, eos=0, **CAUSAL), "draft": hashed(1, eos=0, rows="next", **BLOCK)}
    trace = run("speculative", models, [1, 2, 3], max_new=9)
    assert models["draft"].fed and all(13 not in rows[0] for rows in models["draft"].fed)
    assert len(trace.tokens) == 12


def test_a_model_without_a_mask_may_draw_its_last_token():
    """An id of -1 is no mask: it must not be taken for the last token."""
    said = Seen([[Guess(3, 1, 0.1)]], [[]], Forward("draft", 1), (), torch.tensor([[0.0, 0.1, 0.9]]))
    guesses, probs = drawn(said, [3], 1.0, 0, 1.0, -1, Chance(0))
    assert probs[0].tolist() == pytest.approx([0.0, 0.1, 0.9])
    assert drawn(said, [3], 1.0, 0, 1.0, 2, Chance(0))[0] == [Guess(3, 1, 1.0)]
    assert {drawn(said, [3], 1.0, 0, 1.0, -1, Chance(s))[0][0].token for s in range(9)} >= {2}
    assert guesses[0].pos == 3


# ------------------------------------------------------------ temperature 0
@pytest.mark.parametrize("kind", ["llama-causal", "qwen3-block"])
def test_at_temperature_0_the_text_is_the_targets_own_whatever_the_drafter_says(kind):
    outcomes = set()
    for seed in range(16):
        models = {"target": tiny("llama-causal", seed % 3), "draft": tiny(kind, seed % 3, blur=0.2 * (1 + seed % 4))}
        how = {"max_new": 22, "early_stop": seed % 2 == 0, "gamma": 1 + seed % 8}
        trace = run("speculative", models, prompt(1 + seed, seed), reference=True, seed=seed, **how)
        assert trace.guarantee == "greedy-exact" and trace.reference.method == "ar" and trace.difference() is None
        outcomes |= {v.outcome for event in of(trace, Judge) for v in event.verdicts}
    assert outcomes == {"accepted", "rejected", "unreached"}


@pytest.mark.parametrize("gamma, calls", [(1, 12), (2, 8), (3, 6), (8, 3)])
def test_a_drafter_that_is_always_right_costs_the_least_possible_calls(gamma, calls):
    """24 tokens, gamma + 1 per call of the target."""
    models = {"target": hashed(2, eos=0, id="target", **CAUSAL), "draft": hashed(2, eos=0, id="draft", **CAUSAL)}
    trace = run("speculative", models, [1, 2, 3], gamma=gamma, max_new=24)
    assert sum(call.model == "target" for call in trace.forwards) == calls
    assert trace.acceptance == (24 - calls, 24 - calls)


def test_at_temperature_0_nothing_is_drawn():
    class Never:
        def __getattr__(self, name):
            raise AssertionError(f"{name} was drawn")

    models = {"target": hashed(0, **CAUSAL), "draft": hashed(0, sway=0.9, **CAUSAL)}
    assert run("speculative", models, [1], max_new=8, chance=Never()).calls > 0


# ------------------------------------------------------------ above temperature 0
class Listed:
    """Draws that are listed; keeps what was asked for, in order."""

    def __init__(self, us=(), tokens=()):
        self.us, self.listed, self.asked, self.order = list(us), list(tokens), [], []

    def uniform(self, *shape, dtype=None):
        self.order.append(("uniform", *shape))
        return torch.tensor(self.us[: shape[0]], dtype=dtype)

    def tokens(self, probs):
        self.order.append(("tokens", len(probs)))
        self.asked.append(probs)
        return [self.listed.pop(0)]


Q = [torch.tensor(row, dtype=torch.float64) for row in ([0.6, 0.4, 0.0], [0.8, 0.1, 0.1])]
P = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], dtype=torch.float64)
DRAFTS = [Guess(4, 0, 0.6), Guess(5, 0, 0.8)]
SAID = Seen([[Guess(4, 0, 0.9), Guess(5, 1, 0.5), Guess(6, 2, 0.8)]], [[0.9, 0.2]], Forward("verify", 3), (), P)


def test_acceptance_is_p_over_q_and_the_first_rejected_one_is_drawn_from_what_p_has_and_q_has_not():
    """r = .99 is below min(1, .9 / .6), and r = .3 above .2 / .8."""
    chance = Listed([0.99, 0.3], [2])
    verdicts, written = judge(DRAFTS, Q, SAID, 1.0, -1, chance)
    assert [(v.outcome, v.p, v.score, v.choice) for v in verdicts] == [
        ("accepted", 0.9, 1.0, (4, 0)),
        ("rejected", 0.2, pytest.approx(0.25), (5, 1)),
    ]
    assert [v.bar for v in verdicts] == [pytest.approx(0.99), pytest.approx(0.3)]
    assert chance.asked[0].tolist() == [pytest.approx([0.0, 0.4, 0.2])]
    assert written == [Guess(4, 0, pytest.approx(0.9)), Guess(5, 2, pytest.approx(0.3))]


def test_when_all_are_accepted_one_more_is_drawn_from_p():
    chance = Listed([0.99, 0.2], [1])
    verdicts, written = judge(DRAFTS, Q, SAID, 1.0, -1, chance)
    assert [v.outcome for v in verdicts] == ["accepted", "accepted"]
    assert chance.asked[0].tolist() == [pytest.approx([0.1, 0.1, 0.8])]
    assert [(g.pos, g.token) for g in written] == [(4, 0), (5, 0), (6, 1)]


def test_a_guess_that_the_target_never_says_is_rejected_even_by_a_die_of_zero():
    seen = SAID._replace(probs=torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64))
    verdicts, written = judge(DRAFTS[:1], Q[:1], seen, 1.0, -1, Listed([0.0], [1]))
    assert verdicts[0].outcome == "rejected" and [g.token for g in written] == [1]


def test_the_temperature_shapes_the_targets_distribution_before_it_is_compared():
    """At T = 1/2 probabilities are squared: .9 and .1 become .81 / .82 and .01 / .82; the mask has no share."""
    p = torch.tensor([[0.45, 0.05, 0.5], [1.0, 0.0, 0.0]], dtype=torch.float64)
    verdicts, _ = judge(DRAFTS[:1], Q[:1], SAID._replace(probs=p), 0.5, 2, Listed([0.1], [0]))
    assert verdicts[0].p == pytest.approx(0.81 / 0.82, abs=1e-6) and verdicts[0].score == 1.0


def test_chance_is_asked_in_the_papers_order():
    """Gamma guesses one by one, gamma uniform numbers, one token more; a round without a draft draws one token."""

    class Logged(Chance):
        order: list = []

        def uniform(self, *shape, dtype=torch.float32):
            self.order.append(f"{shape[0]} r")
            return super().uniform(*shape, dtype=dtype)

        def tokens(self, probs):
            self.order.append("x")
            return super().tokens(probs)

    model = hashed(0, eos=0, **CAUSAL)
    chance = Logged(0)
    run("speculative", {"target": model, "draft": model}, [1], gamma=3, max_new=7, temperature=1.0, chance=chance)
    assert chance.order == ["x", "x", "x", "3 r", "x", "x", "x", "2 r", "x"]


@pytest.mark.parametrize("gamma", [1, 2, 3])
@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_the_text_has_the_targets_distribution_whatever_the_drafter_says(gamma, temperature):
    """Three tokens and an end of text, four positions; the drafter is of another opinion half of the time. 3.5
    standard deviations are exceeded once in a thousand sets of draws; these are always the same."""
    models = {
        "target": hashed(4, vocab=5, eos=1, peak=0.5, id="target", **CAUSAL),
        "draft": hashed(3, vocab=5, eos=1, peak=0.8, id="draft", **(CAUSAL if gamma % 2 else BLOCK)),
    }
    assert surprise("speculative", models, [1, 2], 4, 1500, gamma=gamma, temperature=temperature) < 3.5


def test_a_drafter_that_says_one_thing_only_does_not_change_the_distribution():
    models = {
        "target": hashed(3, vocab=4, eos=0, peak=0.8, id="target", **CAUSAL),
        "draft": Toy(lambda pos, seen: [8.0, 0.0, 0.0, 0.0], vocab=4, mask=3, id="draft", **CAUSAL),
    }
    assert surprise("speculative", models, [1, 2], 3, 1000, gamma=2, temperature=1.0) < 3.5


def test_drafts_of_the_same_model_are_all_accepted_at_any_temperature():
    model = hashed(5, eos=0, **CAUSAL)
    for seed in range(5):
        models = {"target": model, "draft": model}
        trace = run("speculative", models, [1, 2], temperature=1.3, seed=seed, max_new=15)
        accepted, judged = trace.acceptance
        assert accepted == judged == 12


def test_a_drawn_run_promises_a_distribution_and_is_not_compared_with_another_draw():
    models = {"target": hashed(0, **CAUSAL), "draft": hashed(1, id="draft", **CAUSAL)}
    trace = run("speculative", models, [1], temperature=0.5, max_new=4, reference=True)
    assert trace.guarantee == "exact" and trace.reference is None


# ------------------------------------------------------------ refusals
def test_a_drafter_may_be_causal_or_block_causal_and_nothing_else():
    models = {"target": hashed(0, **CAUSAL), "draft": hashed(0)}
    with pytest.raises(
        Incompatible,
        match="^speculative needs a model with causal or block attention: toy is full; pick another model[.]$",
    ):
        Recording("speculative", models, [1])


def test_models_of_different_vocabularies_are_refused():
    models = {"target": hashed(0, **CAUSAL), "draft": tiny("qwen3-block")}
    with pytest.raises(
        Incompatible, match="^speculative needs models with the same vocabulary: toy has 14 tokens and "
    ):
        Recording("speculative", models, [1])
