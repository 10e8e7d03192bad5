"""Prompt lookup copies what followed the last tokens before, and the text stays the model's own: which place is copied,
how much of it, and what a call over the copy yields."""

import pytest
from chisquare import surprise
from toys import LETTERS, Toy, hashed, prompt, scripted, spell, tiny

from decoders.errors import Incompatible
from decoders.methods.prompt_lookup import lookup, until_end
from decoders.run import Recording, run
from decoders.trace import Commit, Decide, Judge, Node, Propose, Verdict


def causal(script, **spec):
    return scripted(script, attention="causal", rows="next", id="target", **spec)


def letters(ids) -> str:
    return "".join(LETTERS[i] for i in ids)


def of(trace, kind):
    return [event for event in trace.events if isinstance(event, kind)]


# ------------------------------------------------------------ the place
def test_of_several_places_the_most_recent_one_counts():
    ids = [1, 2, 3, 9, 1, 2, 4, 8, 1, 2]
    assert lookup(ids, 2) == (4, 2)
    assert lookup(ids, 1) == (5, 1)


def test_a_longer_match_counts_more_than_a_more_recent_one():
    ids = [7, 1, 2, 5, 3, 2, 6, 7, 1, 2]
    assert lookup(ids, 3) == (0, 3)
    assert lookup(ids, 1) == (5, 1)


def test_no_longer_n_gram_is_looked_up_than_was_asked_for():
    ids = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]
    assert [lookup(ids, n) for n in range(1, 6)] == [(5, 1), (4, 2), (3, 3), (2, 4), (1, 5)]


def test_a_place_may_overlap_what_it_matches_but_is_not_the_end_itself():
    assert lookup([5, 5, 5, 5], 3) == (0, 3)
    assert lookup([5, 5], 3) == (0, 1)
    assert lookup([5, 5, 5, 5], 1) == (2, 1)


@pytest.mark.parametrize("ids", [[5], [5, 6], [1, 2, 3, 4]])
def test_a_text_whose_last_token_is_new_has_no_place(ids):
    assert lookup(ids, 3) == (0, 0)


def test_a_copy_ends_with_the_first_token_that_ends_the_text():
    assert until_end([1, 8, 2, 9], frozenset({8, 9})) == [1, 8]
    assert until_end([1, 2], frozenset({8})) == [1, 2]
    assert until_end([], frozenset({8})) == []


# ------------------------------------------------------------ rounds
def test_a_round_by_hand():
    """A B stood at 0 before, followed by C X A B; with four tokens to write, three may be drafted. The model agrees
    with C and goes on with D, which is new. The cache keeps everything up to C."""
    model = causal(
        {
            "ABCXAB": "C@6 .9",
            "ABCXABC": "D@7 .8",
            "ABCXABCX": "A@8 .6",
            "ABCXABCXA": "B@9 .6",
            "ABCXABCD": "E@8 .7",
            "ABCXABCDE": "F@9 .5",
        }
    )
    # Rows of the other states are computed in the first call, and nobody reads them.
    model.score = lenient(model.score)
    trace = run("prompt-lookup", model, spell("ABCXAB"), max_new=4)
    assert letters(trace.tokens) == "ABCXABCDEF" and trace.finish == "length"
    assert [letters(rows[0]) for rows in model.fed] == ["ABCXABCXA", "D", "E"]
    assert [(c.role, c.cached, c.length, c.batch) for c in trace.forwards] == [
        ("verify", 0, 9, 1),
        ("decode", 7, 1, 1),
        ("decode", 8, 1, 1),
    ]
    a, b, c, d, x = (LETTERS.index(ch) for ch in "ABCDX")
    (propose,), (judge,) = of(trace, Propose), of(trace, Judge)
    assert propose.nodes == (
        Node(0, ((6, c),), 1.0, (), 0),
        Node(1, ((7, x),), 1.0, (0,), 0),
        Node(2, ((8, a),), 1.0, (1,), 0),
    )
    assert judge.verdicts == (
        Verdict(0, "accepted", 0.9, 1.0, 1.0, (6, c)),
        Verdict(1, "rejected", round(0.2 / 9, 6), 0.0, 1.0, (7, d)),
        Verdict(2, "unreached", 0.6, 0.0, 1.0, (8, a)),
    )
    assert [[(letters([e.after]), e.why, e.p) for e in event.edits] for event in of(trace, Commit)] == [
        [("C", "accepted", 0.9)],
        [("D", "corrected", 0.8)],
        [("E", "unmasked", 0.7)],
        [("F", "unmasked", 0.5)],
    ]
    assert of(trace, Decide) == [
        Decide("copy", "3 tokens", (0, 1), (("matched", 2), ("copied", 3))),
        Decide("copy", "0 tokens", (), (("matched", 0), ("copied", 0))),
        Decide("copy", "0 tokens", (), (("matched", 0), ("copied", 0))),
    ]


def lenient(score):
    """The same script, but prefixes of the prompt get no opinion instead of an error."""

    def answer(pos, seen):
        return score(pos, seen) if len(seen) >= 6 else [0.0] * len(LETTERS)

    return answer


def test_when_all_of_a_copy_is_accepted_the_check_yields_one_token_more():
    model = causal({"AA": "A@2 .9", "AAA": "B@3 .9", "A": "A@1 .9"})
    trace = run("prompt-lookup", model, spell("AA"), max_new=2)
    assert letters(trace.tokens) == "AAAB" and trace.calls == 1
    assert [e.why for event in of(trace, Commit) for e in event.edits] == ["accepted", "bonus"]


SAYS_END = {"A": "H@1 .9", "AH": "A@2 .9", "AHA": "H@3 .9", "AHAH": "A@4 .9", "AHAHA": "H@5 .9"}


def test_nothing_is_copied_from_behind_an_end_of_the_text_and_when_accepted_it_ends_the_text():
    trace = run("prompt-lookup", causal(SAYS_END, eos="H"), spell("AHA"), max_new=5)
    assert (letters(trace.tokens), letters(trace.ids), trace.finish) == ("AHAH", "", "eos")
    assert [len(event.nodes) for event in of(trace, Propose)] == [1]
    assert [e.why for event in of(trace, Commit) for e in event.edits] == ["accepted"]
    trace = run("prompt-lookup", causal(SAYS_END, eos="G"), spell("AHA"), max_new=3)
    assert letters(trace.tokens) == "AHAHAH" and [len(event.nodes) for event in of(trace, Propose)] == [2]


def test_the_last_token_of_the_budget_is_never_drafted():
    for max_new in range(1, 8):
        trace = run("prompt-lookup", circle(), [0, 1, 2, 3, 4, 0, 1, 2], max_new=max_new, drafts=16)
        places = [pos for event in of(trace, Propose) for node in event.nodes for pos, _ in node.fills]
        assert places == list(range(8, 8 + min(5, max_new - 1))) + list(range(14, 8 + max_new - 1))
        assert trace.finish == "length"


def circle() -> Toy:
    """A model that says 0 1 2 3 4 0 1 2 3 4 ... by position."""

    def score(pos, seen):
        return [4.0 * (token == pos % 5) for token in range(7)]

    return Toy(score, vocab=7, mask=6, eos=(5,), attention="causal", rows="next", id="circle")


@pytest.mark.parametrize("drafts, calls", [(1, 11), (2, 8), (4, 5), (5, 5), (16, 5)])
def test_text_that_repeats_itself_costs_a_call_for_every_k_plus_one_tokens(drafts, calls):
    """20 tokens: the first call has nothing to copy, then each yields k + 1, but a copy ends where the text does: at
    most the five tokens since the last time."""
    trace = run("prompt-lookup", circle(), [0, 1, 2, 3, 4], drafts=drafts, max_new=20, reference=True)
    assert trace.calls == calls and trace.difference() is None and trace.reference.calls == 20
    accepted, judged = trace.acceptance
    assert accepted == judged == 20 - calls


def test_every_call_reads_the_last_token_and_the_copy_and_nothing_again():
    for seed in range(6):
        model, ids = tiny("llama-causal", seed), prompt(6, seed) * 2
        trace = run("prompt-lookup", model, ids, max_new=24, early_stop=False, ngram=1)
        for i, view in enumerate(trace.rounds):
            j, (call,) = len(trace.canvas_at(view.start)), [e for e in view.events if type(e).__name__ == "Forward"]
            copied = [node for event in view.of(Propose) for node in event.nodes]
            assert (call.cached, call.cached + call.length) == (j - 1 if i else 0, j + len(copied))
            assert call.role == ("verify" if copied else "decode")


def test_what_is_proposed_is_what_followed_the_place_that_was_decided_on():
    copies = 0
    for seed in range(6):
        trace = run("prompt-lookup", tiny("llama-causal", seed), prompt(9, seed), max_new=30, drafts=4)
        for view in trace.rounds:
            text, (decide,) = trace.canvas_at(view.start), view.of(Decide)
            tokens = [token for event in view.of(Propose) for node in event.nodes for _, token in node.fills]
            numbers, place = dict(decide.because), decide.about
            assert [text[pos] for pos in place] == text[len(text) - len(place) :] if place else not tokens
            assert numbers == {"matched": len(place), "copied": len(tokens)}
            if place:
                assert tokens == text[place[-1] + 1 :][: len(tokens)] and place[-1] < len(text) - 1
            copies += len(tokens)
    assert copies > 20


# ------------------------------------------------------------ the text
def test_the_text_is_the_models_own_whatever_is_copied():
    outcomes, saved = set(), 0
    for seed in range(24):
        model = tiny("llama-causal", seed % 3)
        knobs = {"ngram": 1 + seed % 5, "drafts": (1, 3, 8, 16)[seed % 4]}
        how = {"max_new": 26, "early_stop": seed % 2 == 0}
        trace = run("prompt-lookup", model, prompt(1 + seed, seed), reference=True, **how, **knobs)
        assert trace.reference.method == "ar" and trace.difference() is None
        saved += trace.reference.calls - trace.calls
        outcomes |= {v.outcome for event in of(trace, Judge) for v in event.verdicts}
    assert outcomes == {"accepted", "rejected", "unreached"} and saved > 10


@pytest.mark.parametrize("temperature, knobs", [(0.7, {}), (1.0, {"ngram": 1, "drafts": 1}), (1.5, {"drafts": 2})])
def test_at_a_temperature_the_text_has_the_models_own_distribution(temperature, knobs):
    """Four tokens and an end of text, four positions, and a prompt that repeats itself; 3.5 standard deviations are
    exceeded once in a thousand sets of draws, and these are always the same."""
    model = hashed(3, vocab=6, eos=1, peak=0.5, attention="causal", rows="next")
    ids = [1, 2, 3, 0, 1, 2, 3, 1, 2]
    assert surprise("prompt-lookup", model, ids, 4, 1500, temperature=temperature, **knobs) < 3.5
    how = {"temperature": temperature, "max_new": 4, **knobs}
    traces = [run("prompt-lookup", model, ids, seed=seed, reference=True, **how) for seed in range(9)]
    outcomes = {v.outcome for trace in traces for event in of(trace, Judge) for v in event.verdicts}
    assert {"accepted", "rejected"} <= outcomes
    assert {(trace.guarantee, trace.reference) for trace in traces} == {("exact", None)}


def test_a_model_that_is_not_causal_is_refused():
    with pytest.raises(Incompatible, match="^prompt-lookup needs a model with causal attention: toy is full; pick "):
        Recording("prompt-lookup", hashed(0), [1])
