"""DiffuSpec does what Algorithm 1 of arXiv:2510.02358 says: the text is the target's own, the lattice is pruned to the
smallest candidates that cover tau, the path search prefers what reads well from left to right, and the draft length
follows equations 10 and 11."""

import math
import random
from dataclasses import replace

import pytest
import torch
from chisquare import surprise
from toys import LETTERS, hashed, hashes, prompt, scripted, spell, tiny

from decoders import masks, registry
from decoders.errors import BadPrompt, Incompatible, ModelUnavailable
from decoders.methods.diffuspec import DiffuSpec, Lengths, prune, search
from decoders.ngram import NGram
from decoders.run import Recording, run
from decoders.trace import Commit, Decide, Forward, Judge, Propose, Trace, Verdict
from viz.registry import views

METHOD = registry.method("diffuspec")


def letters(ids) -> str:
    return "".join(LETTERS[i] for i in ids)


def pair(target: dict[str, str], draft: dict[str, str], **spec):
    return {
        "target": scripted(target, attention="causal", rows="next", id="target", **spec),
        "draft": scripted(draft, id="draft", **spec),
    }


def of(trace, kind):
    return [event for event in trace.events if isinstance(event, kind)]


# ------------------------------------------------------------ the text
@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
def test_the_text_is_the_targets_own_whatever_the_drafter_says(kind):
    for seed in range(12):
        models = {"target": tiny("llama-causal", seed % 3), "draft": tiny(kind, seed % 2)}
        how = {"max_new": 26, "early_stop": seed % 4 < 2}
        trace = run("diffuspec", models, prompt(1 + 2 * seed, seed), **how)
        assert trace.tokens == run("ar", models["target"], prompt(1 + 2 * seed, seed), **how).tokens


def test_a_drafter_that_is_often_right_saves_calls_of_the_target():
    saved, outcomes = 0, set()
    for seed in range(24):
        models = hashes(METHOD, seed, sway=0.05 * (seed % 4), eos=1)
        knobs = random.Random(seed).choice(
            [{}, {"proxy": "none"}, {"passes": 3}, {"k_max": 4}, {"beam": 1, "lam": 1.0}, {"tau": 1.0, "lam": 0.9}]
        )
        trace = run("diffuspec", models, [1, 2, 3], reference=True, max_new=24, **knobs)
        assert trace.difference() is None
        calls = sum(call.model == "toy-causal" for call in trace.forwards)
        saved += trace.reference.calls - calls
        outcomes |= {v.outcome for event in of(trace, Judge) for v in event.verdicts}
    assert saved > 24 and outcomes == {"accepted", "rejected", "unreached"}


def test_a_round_by_hand():
    """The drafter says A B C; the target agrees with A and B and would go on with D. The last token of the budget is
    not drafted. The cache keeps X A B and forgets C."""
    models = pair(
        {"X": "A@1 .9", "XA": "B@2 .8", "XAB": "D@3 .7", "XABC": "E@4 .9", "XABD": "F@4 .5"},
        {"XMMM": "A@1 .9, B@2 .82, C@3 .85"},
    )
    trace = run("diffuspec", models, spell("X"), max_new=4, proxy="none")
    assert letters(trace.tokens) == "XABDF" and trace.finish == "length"
    assert [letters(rows[0]) for rows in models["draft"].fed] == ["XMMM"]
    assert [letters(rows[0]) for rows in models["target"].fed] == ["XABC", "D"]
    assert [(c.role, c.model, c.cached, c.length) for c in trace.forwards] == [
        ("draft", "draft", 0, 4),
        ("verify", "target", 0, 4),
        ("decode", "target", 3, 1),
    ]
    (propose,), (judge,) = of(trace, Propose), of(trace, Judge)
    a, b, c, d = (LETTERS.index(ch) for ch in "ABCD")
    assert [(n.id, n.fills, n.q, n.parents, n.row) for n in propose.nodes] == [
        (0, ((1, a),), 0.9, (), 0),
        (1, ((2, b),), 0.82, (0,), 0),
        (2, ((3, c),), 0.85, (1,), 0),
    ]
    assert judge.verdicts == (
        Verdict(0, "accepted", 0.9, 1.0, 1.0, (1, a)),
        Verdict(1, "accepted", 0.8, 1.0, 1.0, (2, b)),
        Verdict(2, "rejected", round(0.3 / 9, 6), 0.0, 1.0, (3, d)),
    )
    assert [[(letters([e.after]), e.why, e.p) for e in event.edits] for event in of(trace, Commit)] == [
        [("A", "accepted", 0.9), ("B", "accepted", 0.8)],
        [("D", "corrected", 0.7)],
        [("F", "unmasked", 0.5)],
    ]
    path, length = of(trace, Decide)
    assert (path.what, path.choice, path.because) == (
        "path",
        "3 tokens",
        (("slots", 3), ("candidates", 3), ("changed", 0)),
    )
    assert (length.what, length.choice) == ("next draft length", "20")
    assert length.because == (("drafted", 3), ("accepted", 2), ("average drafted", 1.5), ("average accepted", 1.0))


def test_when_all_is_accepted_the_check_yields_one_token_more():
    models = pair(
        {"X": "A@1 .9", "XA": "B@2 .8", "XAB": "C@3 .7", "XABC": "D@4 .9"}, {"XMMM": "A@1 .9, B@2 .9, C@3 .9"}
    )
    trace = run("diffuspec", models, spell("X"), max_new=4, proxy="none")
    assert letters(trace.tokens) == "XABCD" and trace.calls == 2
    assert of(trace, Commit)[-1].edits[0].why == "bonus"


def test_an_end_in_the_draft_ends_the_lattice_and_when_accepted_the_text():
    models = pair({"X": "A@1 .9", "XA": "H@2 .8", "XAH": "C@3 .7"}, {"XMMM": "A@1 .9, H@2 .9, C@3 .9"}, eos="H")
    trace = run("diffuspec", models, spell("X"), max_new=4, proxy="none")
    assert (letters(trace.tokens), trace.finish) == ("XAH", "eos")
    assert [letters(rows[0]) for rows in models["target"].fed] == ["XAH"]
    assert of(trace, Decide)[0].because[0] == ("slots", 2), "the third slot lies behind the end"
    assert of(trace, Decide)[1].because[:2] == (("drafted", 1), ("accepted", 2))


def test_refinement_fills_the_surest_slots_first_and_asks_again():
    models = pair(
        {"X": "A@1 .9", "XA": "B@2 .8", "XAB": "C@3 .7", "XABC": "D@4 .9"},
        {"XMMM": "A@1 .82, B@2 .9, C@3 .85", "XMBC": "A@1 .9"},
    )
    trace = run("diffuspec", models, spell("X"), max_new=4, proxy="none", passes=2)
    assert [letters(rows[0]) for rows in models["draft"].fed] == ["XMMM", "XMBC"]
    assert [node.q for node in of(trace, Propose)[0].nodes] == [0.9, 0.9, 0.85]
    assert letters(trace.tokens) == "XABCD"


# ------------------------------------------------------------ above temperature 0
class Listed:
    """Draws that are listed; keeps the distributions that a token was drawn from."""

    def __init__(self, us=(), tokens=()):
        self.us, self.listed, self.asked = list(us), list(tokens), []

    def uniform(self, *shape, dtype=None):
        return torch.tensor([self.us.pop(0) for _ in range(shape[0])], dtype=dtype)

    def tokens(self, probs):
        self.asked.append(probs[0].tolist())
        return [self.listed.pop(0)]


A, B, D = (LETTERS.index(ch) for ch in "ABD")
DRAWN = {"temperature": 1.0, "max_new": 3, "proxy": "none"}


def drawn_pair():
    """The drafter says A with .9 and B with .5 (.4 where it sees the A); the target has .6 and .3 for them."""
    says = {"X": "A@1 .6", "XA": "B@2 .3", "XAB": "C@3 .7"}
    return pair({**says, "XAD": "C@3 .7"}, {"XMM": "A@1 .9, B@2 .5", "XAM": "B@2 .4"})


def test_a_path_is_no_draw_so_a_draft_is_accepted_as_often_as_the_target_says_it():
    """Without the mask .6 and .3 are .628 and .325; dice below that accept. A rejected B is replaced by a draw among
    all others but the mask."""
    chance = Listed([0.62, 0.33], [D, LETTERS.index("C")])
    trace = run("diffuspec", drawn_pair(), spell("X"), **DRAWN, chance=chance)
    rest = (1 - 0.3) / 9
    spread = 1 - rest  # what is left without the mask
    a, b = of(trace, Judge)[0].verdicts
    assert (a.outcome, b.outcome) == ("accepted", "rejected")
    assert a.score == pytest.approx(0.6 / (1 - 0.4 / 9)) and b.score == pytest.approx(0.3 / spread)
    assert (a.bar, b.bar) == (pytest.approx(0.62), pytest.approx(0.33))
    others = chance.asked[0]
    assert others[B] == 0.0 and others[-1] == 0.0
    assert others[:B] + others[B + 1 : -1] == pytest.approx([rest / spread] * 8)
    assert letters(trace.tokens) == "XADC"
    assert [[e.why for e in event.edits] for event in of(trace, Commit)] == [["accepted"], ["corrected"], ["unmasked"]]
    assert [c.model for c in trace.forwards] == ["draft", "target", "target"], "the drafter is not asked for q"


def test_the_papers_rule_compares_with_the_drafter_given_the_drafts_before():
    """Equation 6: one row per draft, the drafts before it filled in and masks behind. Then min(1, .6 / .9) and
    min(1, .3 / .4), and what the target has and the drafter has not."""
    models, chance = drawn_pair(), Listed([0.68, 0.77], [D, LETTERS.index("C")])
    trace = run("diffuspec", models, spell("X"), **DRAWN, accept="paper", chance=chance)
    assert [[letters(row) for row in rows] for rows in models["draft"].fed] == [["XMM"], ["XMM", "XAM"]]
    assert [(c.role, c.model, c.batch) for c in trace.forwards[:3]] == [
        ("draft", "draft", 1),
        ("draft", "draft", 2),
        ("verify", "target", 1),
    ]
    mask = {p: 1 - (1 - p) / 9 for p in (0.3, 0.4, 0.6, 0.9)}  # neither draws the mask
    assert [n.q for n in of(trace, Propose)[0].nodes] == pytest.approx([0.9 / mask[0.9], 0.4 / mask[0.4]], abs=1e-6)
    a, b = of(trace, Judge)[0].verdicts
    ratios = [0.6 / mask[0.6] / (0.9 / mask[0.9]), 0.3 / mask[0.3] / (0.4 / mask[0.4])]
    assert [a.score, b.score] == pytest.approx(ratios) and ratios == pytest.approx([0.69, 0.759], abs=0.001)
    assert (a.outcome, b.outcome) == ("accepted", "rejected")
    assert chance.asked[0][B] == 0.0 and chance.asked[0][D] == pytest.approx((0.7 / mask[0.3] - 0.6 / mask[0.4]) / 9)


def test_a_temperature_shapes_the_drafters_distribution_as_it_shapes_the_targets():
    """At T = 1/2 probabilities are squared."""
    how = {**DRAWN, "temperature": 0.5, "accept": "paper"}
    trace = run("diffuspec", drawn_pair(), spell("X"), **how, chance=Listed([0.1, 0.1], [D]))
    (first, _), (a, _) = of(trace, Propose)[0].nodes, of(trace, Judge)[0].verdicts
    assert first.q == pytest.approx(0.9**2 / (0.9**2 + 8 * (0.1 / 9) ** 2), abs=1e-6)
    assert a.p == pytest.approx(0.6**2 / (0.6**2 + 8 * (0.4 / 9) ** 2), abs=1e-6)


DRAFTERS = {"full": {}, "block": {"attention": "block", "block": 4}}


@pytest.mark.parametrize(
    "temperature, kind, knobs",
    [
        (0.7, "full", {"k_max": 2, "k_min": 1}),
        (1.0, "block", {"passes": 2}),
        (1.5, "full", {"lam": 0.2, "tau": 1.0}),
    ],
)
def test_the_text_has_the_targets_distribution_whatever_the_drafter_says(temperature, kind, knobs):
    """Three tokens and an end of text, four positions; 3.5 standard deviations are exceeded once in a thousand sets of
    draws, and these are always the same."""
    models = {
        "target": hashed(4, vocab=5, eos=1, peak=0.5, attention="causal", rows="next"),
        "draft": hashed(4, vocab=5, eos=1, peak=0.9, id="draft", **DRAFTERS[kind]),
    }
    assert surprise("diffuspec", models, [1, 2], 4, 1000, temperature=temperature, **knobs) < 3.5


def test_by_the_papers_rule_the_text_has_another_distribution():
    """A drafter that agrees with the target is always accepted, and a path has no chance: the text is always the same
    until the last token."""
    says = {"target": hashed(4, vocab=5, eos=0, peak=0.5, sway=0.0, attention="causal", rows="next")}
    models = {**says, "draft": hashed(4, vocab=5, eos=0, peak=0.5, sway=0.0, id="draft")}
    how = {"temperature": 1.0, "proxy": "none"}
    assert surprise("diffuspec", models, [1, 2], 3, 400, accept="paper", **how) > 50
    assert surprise("diffuspec", models, [1, 2], 3, 400, **how) < 3.5
    texts = [run("diffuspec", models, [1, 2], seed=s, max_new=3, accept="paper", **how).tokens for s in range(20)]
    assert len({text[:4] for text in texts}) == 1 and len({text[4] for text in texts}) > 1


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
def test_the_drafters_row_of_the_first_draft_is_what_it_drafted_from(kind):
    """Nothing is before the first draft, so equation 6 asks what step 1 asked."""
    models = {"target": tiny("llama-causal"), "draft": tiny(kind, 1)}
    trace = run("diffuspec", models, prompt(5), max_new=6, temperature=1.0, accept="paper", proxy="none", k_max=4)
    draft, again = trace.forwards[:2]
    rows = len(of(trace, Propose)[0].nodes)
    assert again.model == draft.model and again.batch == rows
    first = [[b.top for b in call.beliefs if (b.pos, b.row) == (5, 0)] for call in (draft, again)]
    assert [t for t, _ in first[0][0]] == [t for t, _ in first[1][0]]
    assert [p for _, p in first[0][0]] == pytest.approx([p for _, p in first[1][0]], abs=2e-4)
    assert {(b.pos, b.row) for b in again.beliefs} == {(5 + i, i) for i in range(rows)}


@pytest.mark.parametrize(
    "temperature, accept, promise",
    [
        (0.0, "point-mass", "greedy-exact"),
        (0.0, "paper", "greedy-exact"),
        (0.5, "point-mass", "exact"),
        (0.5, "paper", "approximate"),
    ],
)
def test_only_what_is_true_is_promised_and_draws_are_not_compared(temperature, accept, promise):
    knobs = {"temperature": temperature, "accept": accept, "max_new": 5}
    trace = run("diffuspec", hashes(METHOD, 1), [1, 2], reference=True, **knobs)
    assert trace.guarantee == promise
    assert (trace.reference is None) == (temperature > 0)


def test_at_temperature_0_nothing_is_drawn_and_the_rule_of_acceptance_does_not_matter():
    runs = [
        run("diffuspec", hashes(METHOD, 2), [1, 2], max_new=12, accept=accept, chance=Listed())
        for accept in ("point-mass", "paper")
    ]
    assert runs[0].events == runs[1].events and runs[0].calls > 2


# ------------------------------------------------------------ CPS
@pytest.mark.parametrize("tau, m", [(0.3, 1), (0.5, 1), (0.51, 2), (0.8, 2), (0.81, 3), (0.9, 3), (0.95, 3), (1.0, 3)])
def test_pruning_keeps_the_smallest_number_of_candidates_that_covers_tau(tau, m):
    assert prune([(4, 0.5), (2, 0.3), (9, 0.1)], tau) == [(4, 0.5), (2, 0.3), (9, 0.1)][:m]


def test_a_mass_that_is_tau_but_for_binary_fractions_covers_it():
    assert 0.7 + 0.1 < 0.8 and len(prune([(0, 0.7), (1, 0.1), (2, 0.1)], 0.8)) == 2


NONE = frozenset[int]()
LATTICE = [[(1, 0.55), (2, 0.45)], [(3, 0.55), (4, 0.45)]]


def test_the_beam_finds_the_path_that_reads_well_where_the_best_of_each_slot_would_not():
    proxy = NGram.fit([[0, 1, 4]] * 9, vocab=6)
    assert search(LATTICE, [5, 0], NONE, DiffuSpec(), proxy) == (1, 4)
    assert search(LATTICE, [5, 0], NONE, DiffuSpec(), None) == (1, 3)
    assert search(LATTICE, [5, 0], NONE, DiffuSpec(lam=1.0), proxy) == (1, 3)
    assert search(LATTICE, [5, 0], NONE, DiffuSpec(lam=0.0), NGram.fit([[0, 2, 4]] * 9, vocab=6)) == (2, 4)


def test_a_beam_of_one_misses_a_path_whose_beginning_looks_worse():
    """1 is the more frequent beginning, but nothing of the lattice follows it; after 2 comes 4."""
    proxy = NGram.fit([[0, 1, 5]] * 6 + [[0, 2, 4]] * 5, vocab=6)
    assert search(LATTICE, [0], NONE, DiffuSpec(beam=1), proxy)[0] == 1
    assert search(LATTICE, [0], NONE, DiffuSpec(beam=2), proxy) == (2, 4)


def test_scores_are_sums_of_both_logarithms_and_a_wide_beam_finds_the_best_of_all_paths():
    rng = random.Random(0)
    proxy = NGram.fit([[rng.randrange(8) for _ in range(60)] for _ in range(4)], vocab=8)
    lattice = [[(t, rng.uniform(0.05, 0.4)) for t in rng.sample(range(8), 3)] for _ in range(4)]
    par = DiffuSpec(lam=0.3)
    paths = [()]
    for slot in lattice:
        paths = [(*path, token) for path in paths for token, _ in slot]

    def score(path):
        text, total = [1, 6], 0.0
        for slot, token in zip(lattice, path, strict=True):
            total += 0.3 * math.log(dict(slot)[token]) + 0.7 * proxy.logp(text, [token])[0]
            text.append(token)
        return total

    assert search(lattice, [1, 6], NONE, replace(par, beam=100), proxy) == max(paths, key=score)


def test_a_path_that_has_ended_is_not_continued():
    lattice = [[(1, 0.9)], [(7, 0.5), (2, 0.4)], [(3, 0.3), (4, 0.2)]]
    assert search(lattice, [0], frozenset({7}), DiffuSpec(), None) == (1, 7)
    assert search(lattice, [0], NONE, DiffuSpec(), None) == (1, 7, 3)


def test_the_3gram_changes_drafts_and_never_the_text():
    """The drafter is undecided between B and E after A; the proxy has read A E."""
    target = {"X": "A@1 .9", "XA": "E@2 .8", "XAE": "C@3 .7", "XAB": "C@3 .7"}
    draft = {"XMM": "A@1 .9, B@2 .5"}
    for proxy, calls in (("trigram", 2), ("none", 3)):
        models = pair(target, draft)
        models["target"].proxy = NGram.fit([spell("XAE")] * 20, vocab=len(LETTERS))
        trace = run("diffuspec", models, spell("X"), max_new=3, proxy=proxy, tau=1.0)
        assert letters(trace.tokens) == "XAEC"
        assert trace.calls == calls


def test_the_record_of_a_path_says_among_what_it_was_chosen():
    """Nine candidates a slot, eight written down; tau takes the first two of slot 1, and H ends the lattice."""
    models = pair({"X": "A@1 .9", "XA": "H@2 .9", "XAH": "C@3 .9"}, {"XMMM": "A@1 .5, B@1 .4, H@2 .9, C@3 .9"}, eos="H")
    models["target"].proxy = NGram.fit([spell("XAH")] * 20, vocab=len(LETTERS))
    decided = of(run("diffuspec", models, spell("X"), max_new=4), Decide)[0]
    assert decided.because == (("slots", 2), ("candidates", 3), ("changed", 0))
    assert [(len(slot), letters(token for token, _ in slot)[:1]) for slot in decided.among] == [(8, "A"), (8, "H")]
    assert decided.among[0][:2] == ((LETTERS.index("A"), 0.5), (LETTERS.index("B"), 0.4))
    assert tuple(spell("XAH")) in {tokens for tokens, _, _ in decided.ngrams}
    timed = run("diffuspec", models, spell("X"), max_new=4, level="timing")
    assert {(d.among, d.ngrams) for d in of(timed, Decide)} == {((), ())}
    alone = of(run("diffuspec", models, spell("X"), max_new=4, proxy="none"), Decide)[0]
    assert alone.among == decided.among and not alone.ngrams


def test_without_a_proxy_lambda_has_no_effect():
    for seed in range(4):
        models = hashes(METHOD, seed)
        runs = [run("diffuspec", models, [1, 2], max_new=12, proxy="none", lam=lam) for lam in (0.0, 0.5, 1.0)]
        assert runs[0].events == runs[1].events == runs[2].events


# ------------------------------------------------------------ ADL
def test_draft_lengths_by_hand():
    """rho = 1/2, delta = 10: averages (4, 4) grow to 14; (9, 3.5) do not; (9, 6.25); (7.5, 3.125) is rounded down."""
    lengths, par = Lengths(), DiffuSpec(k_min=2, k_max=30)
    rounds = [(8, 8), (14, 3), (9, 9), (6, 0)]
    assert [lengths.following(*round_, par) for round_ in rounds] == [14, 9, 9, 7]
    assert (lengths.generated, lengths.accepted) == (7.5, 3.125)


def test_the_papers_limits_hold_the_second_draft_at_20():
    assert Lengths().following(30, 7, DiffuSpec()) == 20
    assert Lengths().following(64, 64, DiffuSpec()) == 30
    assert Lengths().following(30, 30, DiffuSpec(k_max=12)) == 12, "never above the longest"


def test_every_round_drafts_what_the_round_before_decided():
    trace = run("diffuspec", hashes(METHOD, 3, sway=0.05, eos=0), [1, 2], max_new=60, k_min=2, k_max=12, rho=0.8)
    drafts = [call.length - call.start for call in trace.forwards if call.role == "draft"]
    text = [len(trace.canvas_at(view.start)) for view in trace.rounds]
    decided = [12, *[int(event.choice) for event in of(trace, Decide) if event.what == "next draft length"]]
    k = [length - j for length, j in zip(drafts, text, strict=False)]
    assert len(set(k)) > 2
    assert k == [min(d, 62 - j - 1) for d, j in zip(decided, text, strict=False)][: len(k)]


# ------------------------------------------------------------ refusals and the page
def test_models_of_different_vocabularies_are_refused():
    models = {"target": hashed(0, attention="causal", rows="next"), "draft": tiny("llama-full")}
    with pytest.raises(
        Incompatible,
        match="^diffuspec needs models with the same vocabulary: toy has 14 tokens and tiny-llama-full has 48; "
        "pick another pair[.]$",
    ):
        Recording("diffuspec", models, [1])


def test_a_missing_3gram_is_done_without_unless_it_was_asked_for():
    models = hashes(METHOD)
    assert run("diffuspec", models, [1], max_new=4).params["proxy"] == "trigram"
    models["target"].proxy = None
    with pytest.raises(ModelUnavailable, match="^toy-causal has no trigram.safetensors: .* or choose proxy = none[.]$"):
        run("diffuspec", models, [1], max_new=4, proxy="trigram")
    without = run("diffuspec", models, [1], max_new=4)
    assert without.calls > 0 and without.params["proxy"] == "none"
    assert without.events == run("diffuspec", models, [1], max_new=4, proxy="none").events


def test_the_drafter_needs_room_for_the_text_too():
    models = hashes(METHOD) | {"draft": hashed(0, context=10)}
    with pytest.raises(BadPrompt, match="^The prompt has 3 tokens and 8 are to be generated: toy has room for 10 "):
        Recording("diffuspec", models, [1, 2, 3], max_new=8)


def test_the_order_in_which_models_are_named_does_not_matter():
    models = hashes(METHOD, 1)
    turned = dict(reversed(models.items()))
    assert list(turned) == ["draft", "target"]
    trace = run("diffuspec", turned, [1, 2], max_new=6)
    assert trace.attention == "causal" and list(trace.models) == ["target", "draft"]
    assert trace.events == run("diffuspec", models, [1, 2], max_new=6).events


@pytest.mark.parametrize("method", ["ar", "diffuspec"])
def test_every_view_draws_a_text_that_grows(method):
    if method == "ar":
        trace = run("ar", tiny("llama-causal"), prompt(5), max_new=6)
    else:
        trace = run("diffuspec", {"target": tiny("llama-causal"), "draft": tiny("llama-full")}, prompt(5), max_new=6)
    trace = Trace.from_bytes(trace.to_bytes())
    for view in views():
        if view.fits(trace):
            assert all(view.info(trace, at).sentence for at in range(len(trace.events) + 1))
            for round in trace.rounds:
                view.draw(trace, round.stop)


def test_a_block_causal_drafter_reads_a_full_block_of_text_once_and_drafts_what_it_would_without_a_cache():
    drafter = tiny("qwen3-block", 1)
    models = {"target": tiny("llama-causal"), "draft": drafter}
    trace = run("diffuspec", models, prompt(13), max_new=24, k_max=6, k_min=2, proxy="none", early_stop=False)
    calls = [(r, c) for r in trace.rounds for c in r.of(Forward) if c.model == drafter.spec.id]
    # 13 tokens hold one full block, which the first call encodes; later calls begin where the text they know ends.
    assert [c.start for _, c in calls][:2] == [0, 8]
    assert all(c.start % 8 == 0 and c.cached == c.start for _, c in calls) and calls[-1][1].start >= 24
    for r, call in calls:
        text = trace.canvas_at(r.start)
        ids = [*text, *[drafter.spec.mask] * (call.start + call.length - len(text))]
        logits, _ = drafter.forward(ids, role="whole", see=masks.block_causal(0, len(ids), 8, drafter.device))
        for b in call.beliefs:
            probs = logits.at(b.pos).double().softmax(-1)
            assert all(abs(p - float(probs[token])) < 2e-4 for token, p in b.top)
