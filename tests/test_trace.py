"""A trace is all that a run leaves behind: it folds to any moment, counts its costs, survives a file bit for bit, and
a file that is not one of ours is refused with a sentence that names the field."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from samples import tiny_trace

from decoders.errors import TraceError
from decoders.trace import (
    MAX_EVENTS,
    MAX_FILE_BYTES,
    MAX_JSON_BYTES,
    MAX_SLOTS,
    SCHEMA,
    Attention,
    Belief,
    Commit,
    Decide,
    Edit,
    Finish,
    Forward,
    Judge,
    Node,
    Propose,
    Reference,
    Round,
    Trace,
    Verdict,
    event_json,
    piece_bytes,
)

M, E = 9, 8
VOCAB = {0: "The", 1: " cat", 2: "<0xE2>", 3: "<0x82>", 4: "<0xAC>", 5: " sat", 6: "a", 7: "b", M: "<mask>", E: "<end>"}

EVENTS = (
    Round(0, 0),  # 0
    Forward("draft", 6, beliefs=(Belief(1, ((1, 0.75), (5, 0.2)), 0.6),), seconds=0.25),  # 1
    Commit((Edit(1, M, 1, "unmasked", 0.75),)),  # 2
    Round(1, 0),  # 3
    Propose((Node(0, ((2, 5),), 0.5, (), 1), Node(1, ((4, E),), 0.25, (0,), -1))),  # 4
    Forward(
        "verify",
        6,
        3,
        beliefs=(Belief(2, ((5, 0.9),), 0.3, 1),),
        mask=1,
        sees=(((0, 6),), ((0, 2), (4, 5))),
        fed=((0, 0), (1, 1)),
        padded=6,
        seconds=0.5,
    ),  # 5
    Judge((Verdict(0, "accepted", 0.9, 1.0, 1.0, (2, 5)), Verdict(1, "rejected", 0.1, 0.0, 1.0, (3, 6)))),  # 6
    Commit((Edit(2, M, 5, "accepted", 0.9),)),  # 7
    Commit((Edit(3, M, 6, "bonus", 0.8), Edit(4, M, E, "bonus", 0.7))),  # 8
    Decide("verify?", "no", (0, 1), (("saved", 1.5), ("cost", 2.0))),  # 9
    Forward("extend", 4, cached=2, start=2, model="other", seconds=1.0),  # 10
    Finish("eos"),  # 11
)


def make(**changes) -> Trace:
    facts = dict(
        method="ssd",
        title="SSD",
        paper="A paper, arXiv:2510.04147",
        guarantee="greedy-exact",
        model="toy",
        models={"model": "toy"},
        attentions={"toy": Attention("full"), "other": Attention("block", 4)},
        params={"n": 2, "early_stop": True, "rule": "low", "tau": 0.5},
        seed=7,
        prompt="The",
        prompt_len=1,
        canvas=(0, M, M, M, M, M),
        block=4,
        mask=M,
        eos=(E,),
        vocab=VOCAB,
        events=EVENTS,
        specials=(E, M),
        hardware="CPU",
        dtype="float32",
        versions={"torch": "2"},
        recorded="2026-01-01",
        reference=Reference("stepwise", "stepwise (R1)", (0, 1, 5, 6, E, M), 5, 30, 2.0),
    )
    return Trace(**{**facts, **changes})


TRACE = make()


# ------------------------------------------------------------ what is derived
@pytest.mark.parametrize(
    "at, tokens",
    [
        (0, [0, M, M, M, M, M]),
        (2, [0, M, M, M, M, M]),
        (3, [0, 1, M, M, M, M]),
        (7, [0, 1, M, M, M, M]),
        (8, [0, 1, 5, M, M, M]),
        (9, [0, 1, 5, 6, E, M]),
        (12, [0, 1, 5, 6, E, M]),
        (None, [0, 1, 5, 6, E, M]),
    ],
)
def test_the_canvas_at_a_moment_is_the_fold_of_the_commits_before_it(at, tokens):
    assert TRACE.canvas_at(at) == tokens


def test_folding_leaves_the_trace_as_it_is():
    TRACE.canvas_at()[0] = 99
    assert TRACE.canvas == (0, M, M, M, M, M) and TRACE.canvas_at()[0] == 0


def test_a_causal_run_grows_and_a_remasked_position_is_a_mask_again():
    grown = make(
        canvas=(0,),
        events=(
            Round(0, 0),
            Commit((Edit(1, -1, 5, "accepted"), Edit(2, -1, 6, "bonus"))),
            Commit((Edit(1, 5, M, "remasked"),)),
            Finish("length"),
        ),
    )
    assert grown.canvas_at(2) == [0, 5, 6]
    assert grown.tokens == (0, M, 6)
    assert Trace.from_bytes(grown.to_bytes()).events == grown.events


def test_rounds_are_the_events_between_round_events():
    assert [(r.n, r.start, r.stop) for r in TRACE.rounds] == [(0, 0, 3), (1, 3, 12)]
    assert TRACE.rounds[0].events == EVENTS[:3]
    assert TRACE.rounds[1].of(Commit) == [EVENTS[7], EVENTS[8]]
    assert TRACE.rounds[0].of(Judge) == []
    assert make(events=()).rounds == ()


def test_the_three_costs():
    assert (TRACE.calls, TRACE.rows_tokens, TRACE.seconds) == (3, 6 + 18 + 4, 1.75)
    assert TRACE.padded == 6, "what fills up a compiled call's shape is counted apart"
    assert [call.cost for call in TRACE.forwards] == [6, 18, 4]
    assert TRACE.tokens_per_call == pytest.approx(4 / 3)
    assert TRACE.acceptance == (1, 2)
    assert TRACE.kinds == {"round", "forward", "propose", "judge", "decide", "commit", "finish"}
    assert (TRACE.finish, make(events=()).finish, make(events=()).tokens_per_call) == ("eos", "stopped", 0.0)


def drafted(*nodes):
    """A run of one round that drafted and judged `nodes`, each (fills, outcome)."""
    propose = Propose(tuple(Node(i, fills, 0.5) for i, (fills, _) in enumerate(nodes)))
    judge = Judge(tuple(Verdict(i, outcome, 0.5, 1.0, 1.0) for i, (_, outcome) in enumerate(nodes)))
    return make(events=(Round(0, 0), propose, judge, Finish("eos")))


def test_unreached_drafts_were_paid_for_so_they_count_as_drafted():
    outcomes = ("accepted", "accepted", "rejected", "unreached", "unreached")
    assert drafted(*((((3 + i, 2),), outcome) for i, outcome in enumerate(outcomes))).acceptance == (2, 5)


def test_acceptance_counts_the_tokens_of_a_draft_and_each_once_in_however_many_orders_it_stands():
    a, b, c, other = (3, 2), (4, 2), (5, 2), (3, 4)
    wide = drafted(((a, b), "accepted"), ((c,), "rejected"))
    assert wide.acceptance == (2, 3)
    orders = drafted(
        ((a,), "rejected"), ((b,), "unreached"), ((b,), "accepted"), ((a,), "accepted"), ((other,), "unreached"),
    )  # fmt: skip
    assert orders.acceptance == (2, 3)
    assert orders.rounds[0].fates() == {b: "accepted", a: "accepted", other: "unreached"}


def test_acceptance_length_is_all_that_a_judged_round_fills_in_and_not_what_it_takes_back():
    edits = [Edit(3, 0, 2, "unmasked"), Edit(4, 0, 2, "accepted"), Edit(5, 0, 2, "bonus"), Edit(2, 2, 3, "revised")]
    judged = drafted((((4, 2),), "accepted")).events
    events = (judged[0], Commit(tuple(edits[:1])), *judged[1:3], Commit(tuple(edits[1:])), Round(1, 0), Finish("eos"))
    assert make(events=events).acceptance_length == 3.0
    assert make(events=()).acceptance_length is None


def test_time_is_not_part_of_a_comparison():
    assert Forward("x", 3, seconds=1.0) == Forward("x", 3, seconds=2.0, padded=5)
    assert Reference("a", "b", (), 1, 1, 1.0) == Reference("a", "b", (), 1, 1, 2.0)
    assert Forward("x", 3) != Forward("x", 4)


def test_the_text_ends_before_the_end_of_sequence_or_the_first_mask():
    assert TRACE.ids == (1, 5, 6)
    assert TRACE.text == " cat sata"
    assert make(canvas=(0, 1, M, 5, 6, 7), events=()).ids == (1,)
    assert make(canvas=(0, E, 5, 6, 7, 7), events=()).text == ""


def test_a_character_split_over_three_tokens_is_whole_again():
    assert make(canvas=(0, 1, 2, 3, 4, 6), events=()).text == " cat€a"
    assert piece_bytes("<0xE2><0x82>") == b"\xe2\x82" and piece_bytes("<0xE2> ") == b"<0xE2> "
    assert make(canvas=(0, 2, 3, 6, 7, 7), events=()).text == "\ufffdabb"


def test_difference_is_the_first_position_that_differs():
    assert TRACE.difference() is None
    assert make(reference=Reference("s", "s", (0, 1, 5, 7, E, M), 5, 30, 2.0)).difference() == 3
    assert make(reference=Reference("s", "s", (0, 1, 5, 6, E), 5, 30, 2.0)).difference() == 5
    assert make(reference=Reference("s", "s", (0, 1, 5, 6, E, M, M), 5, 30, 2.0)).difference() == 6
    with pytest.raises(TraceError, match="^This trace has no reference run: record one with .*[.]$"):
        make(reference=None).difference()


def test_traces_are_compared_and_hashed_by_identity():
    assert make() != make() and hash(TRACE) == hash(TRACE) and len({TRACE, make()}) == 2


# ------------------------------------------------------------ files
def test_every_kind_of_event_survives_a_file():
    again = Trace.from_bytes(TRACE.to_bytes())
    assert again.events == TRACE.events
    assert [call.seconds for call in again.forwards] == [0.25, 0.5, 1.0]
    assert [call.padded for call in again.forwards] == [0, 6, 0]
    assert again.header() == TRACE.header() and again.attentions["other"].block == 4
    assert again.reference == TRACE.reference and again.reference.seconds == 2.0
    assert Trace.from_bytes(again.to_bytes()).to_bytes() == TRACE.to_bytes(), "the same trace gives the same bytes"


@pytest.mark.parametrize("name", ["run.json", "run.json.gz"])
def test_saves_and_loads_plain_and_gzipped(tmp_path, name):
    path = TRACE.save(tmp_path / name)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    assert Trace.load(path).events == TRACE.events


def test_the_file_is_small_and_legible():
    assert event_json(EVENTS[2]) == {"kind": "commit", "edits": [[1, M, 1, "unmasked", 0.75]]}
    assert event_json(EVENTS[10]) == {
        "kind": "forward",
        "role": "extend",
        "length": 4,
        "batch": 1,
        "cached": 2,
        "start": 2,
        "model": "other",
        "seconds": 1.0,
    }
    assert event_json(Finish("eos")) == {"kind": "finish", "reason": "eos"}
    assert json.loads(TRACE.to_json())["schema"] == SCHEMA == 1


def test_a_choice_among_candidates_survives_a_file_and_costs_nothing_where_there_are_none():
    grams = (((5,), -1.5, -0.25), ((1, 5), -0.5, 0.0))
    choice = Decide("path", "1 tokens", (2,), (), (((5, 0.75), (6, 1.5e-7)), ((1, 0.5),)), grams)
    trace = make(events=(choice,))
    assert Trace.from_bytes(trace.to_bytes()).events == (choice,)
    assert event_json(choice)["among"] == (((5, 0.75), (6, 1.5e-7)), ((1, 0.5),))
    assert list(event_json(EVENTS[9])) == ["kind", "what", "choice", "about", "because"]


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        ("among", [[[99, 0.5]]], "events[0].among[0][0][0] = 99: must be an id listed in vocab."),
        ("among", [[[5, 1.5]]], "events[0].among[0][0][1] = 1.5: must be between 0 and 1."),
        ("among", [[[5, 0.5]] * 33], "events[0].among[0] has 33 entries: at most 32 are allowed."),
        ("ngrams", [[[], -1.0, 0.0]], "events[0].ngrams[0][0] = []: must have one to three tokens."),
        ("ngrams", [[[5, 5, 5, 5], -1.0, 0.0]], "events[0].ngrams[0][0] has 4 entries: at most 3 are allowed."),
        ("ngrams", [[[5], "x", 0.0]], 'events[0].ngrams[0][1] = "x": must be a finite number.'),
        ("ngrams", [[[5], -1.0, 0.0]] * 4097, "events[0].ngrams has 4097 entries: at most 4096 are allowed."),
    ],
)
def test_a_malformed_candidate_is_named_by_its_path(where, value, said):
    body = json.loads(make(events=(Decide("path", "1"),)).to_json())
    body["events"][0][where] = value
    with pytest.raises(TraceError) as caught:
        Trace.from_bytes(json.dumps(body).encode())
    assert str(caught.value) == said


def test_fields_that_older_files_lack_get_their_defaults():
    body = json.loads(TRACE.to_json())
    fields = "attention attentions specials hardware dtype versions recorded provenance level reference"
    for name in fields.split():
        del body[name]
    again = Trace.from_bytes(json.dumps(body).encode())
    assert again.attentions == {} and again.dtype == ""
    assert (again.attention, again.provenance, again.level, again.reference, again.versions) == (
        "full",
        "measured",
        "trace",
        None,
        {},
    )


def test_a_real_run_survives_a_file(trace):
    assert Trace.from_bytes(trace.to_json().encode()).events == trace.events


# ------------------------------------------------------------ refusals
def mutate(path: str, value=...):
    """The trace as JSON with the value at a path like `events[5].length` replaced, or removed."""
    body = json.loads(TRACE.to_json())
    steps = [int(s) if s.isdigit() else s for s in path.replace("]", "").replace("[", ".").split(".")]
    inner = body
    for step in steps[:-1]:
        inner = inner[str(step)] if isinstance(inner, dict) else inner[step]
    last = str(steps[-1]) if isinstance(inner, dict) else steps[-1]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(body).encode()


NAMES = {str(token): text for token, text in VOCAB.items()}

MALFORMED = [
    # (what is changed, to what, the start of the message: the path, and the rule)
    ("schema", 99, "schema = 99: this program reads trace schema 1 and older"),
    ("schema", ..., "schema is missing"),
    ("schema", "1", 'schema = "1": must be an integer'),
    ("method", 5, "method = 5: must be a string"),
    ("method", "x" * 81, "method has 81 characters: at most 80"),
    ("guarantee", "perfect", 'guarantee = "perfect": must be one of reference, exact, greedy-exact, approximate'),
    ("attention", "some", 'attention = "some": must be one of full, block, causal'),
    ("attentions", [], "attentions = []: must be an object of at most 64 models"),
    ("attentions", {"m": ["wide", 0]}, 'attentions.m[0] = "wide": must be one of full, block, causal'),
    ("attentions", {"m": ["block", 0]}, "attentions.m[1] = 0: must be between 1 and 4096"),
    ("attentions", {"m": ["full", 8]}, "attentions.m[1] = 8: must be 0, because full attention has no blocks"),
    ("attentions", {"m": ["causal"]}, 'attentions.m = ["causal"]: must have 2 entries'),
    ("attentions", {"toy": ["causal", 0]}, 'attentions.toy = ["causal", 0]: must be "full", as attention says'),
    ("provenance", "invented", 'provenance = "invented": must be one of measured, replay, simulated'),
    ("seed", 1.5, "seed = 1.5: must be an integer"),
    ("seed", True, "seed = true: must be an integer"),
    ("prompt_len", 7, "prompt_len = 7: must be between 0 and 6"),
    ("prompt_len", -1, "prompt_len = -1: must be between 0 and 6"),
    ("block", 0, "block = 0: must be between 1 and 4096"),
    ("eos", [1.0], "eos[0] = 1.0: must be an integer"),
    ("models", {"model": 3}, "models.model = 3: must be a string"),
    ("versions", ["2"], 'versions = ["2"]: must be an object of at most 64 strings'),
    ("params", {"n": None}, "params.n = null: must be a finite number"),
    ("params", {"n": [1]}, "params.n = [1]: must be a finite number"),
    ("params", [], "params = []: must be an object"),
    ("vocab", {**NAMES, "six": "x"}, 'vocab.six = "six": must be a token id in decimal digits'),
    ("vocab", {**NAMES, "9" * 5000: "x"}, "vocab.99999"),
    ("vocab[5]", 5, "vocab.5 = 5: must be a string"),
    ("vocab", [], "vocab = []: must be an object from token id to text"),
    ("canvas", [], "canvas = []: must have at least one position"),
    ("canvas", [0] * (MAX_SLOTS + 1), "canvas has 4097 entries: at most 4096"),
    ("canvas[2]", 77, "canvas[2] = 77: must be an id listed in vocab"),
    ("canvas[2]", "9", 'canvas[2] = "9": must be an integer'),
    ("events", {}, "events = {}: must be an array"),
    ("events", [{"kind": "round", "n": 0, "block": 0}] * (MAX_EVENTS + 1), "events has 40001 entries: at most 40000"),
    ("events[0]", [], "events[0] = []: must be an object"),
    ("events[0].kind", "dance", 'events[0].kind = "dance": must be one of round, forward, propose,'),
    ("events[0].kind", ..., "events[0].kind is missing"),
    ("events[0].n", -1, "events[0].n = -1: must be between 0"),
    ("events[1].length", 0, "events[1].length = 0: must be between 1"),
    ("events[1].length", ..., "events[1].length is missing"),
    ("events[1].batch", 5000, "events[1].batch = 5000: must be between 1 and 4096"),
    ("events[1].seconds", -1, "events[1].seconds = -1: must be between 0"),
    ("events[1].padded", -1, "events[1].padded = -1: must be between 0"),
    ("events[1].seconds", 10**400, "events[1].seconds = 1000"),
    ("events[1].beliefs[0]", [1, 0.6, 0], "events[1].beliefs[0] = [1, 0.6, 0]: must have 4 entries"),
    ("events[1].beliefs[0][0]", 7, "events[1].beliefs[0][0] = 7: must be between 0 and 5"),
    ("events[1].beliefs[0][3][1][0]", 77, "events[1].beliefs[0][3][1][0] = 77: must be an id listed in vocab"),
    ("events[1].beliefs[0][3][1][1]", 1.5, "events[1].beliefs[0][3][1][1] = 1.5: must be between 0 and 1"),
    ("events[1].beliefs[0][3]", [[1, 0.5]] * 33, "events[1].beliefs[0][3] has 33 entries: at most 32"),
    ("events[5].sees[1][0]", [0, 2, 4], "events[5].sees[1][0] = [0, 2, 4]: must have 2 entries"),
    ("events[5].fed[0]", [0], "events[5].fed[0] = [0]: must have 2 entries"),
    ("events[4].nodes[0][3]", [1], "events[4].nodes[0][3][0] = 1: must be the id of an earlier node of this round"),
    ("events[4].nodes[1][3]", [1], "events[4].nodes[1][3][0] = 1: must be the id of an earlier node of this round"),
    ("events[4].nodes[1][0]", 0, "events[4].nodes[1][0] = 0: must differ from the ids before it"),
    ("events[4].nodes[0][2]", "half", 'events[4].nodes[0][2] = "half": must be a finite number'),
    ("events[4].nodes[0][1][0][1]", 77, "events[4].nodes[0][1][0][1] = 77: must be an id listed in vocab"),
    ("events[6].verdicts[1][0]", 5, "events[6].verdicts[1][0] = 5: must be the id of a node proposed in this round"),
    ("events[6].verdicts[0][1]", "liked", 'events[6].verdicts[0][1] = "liked": must be one of accepted, rej'),
    ("events[6].verdicts[0][3]", 0.5, "events[6].verdicts[0][3] = 0.5: an accepted node needs a score of at least"),
    ("events[6].verdicts[0][5][1]", 77, "events[6].verdicts[0][5][1] = 77: must be an id listed in vocab"),
    ("events[2].edits[0][1]", 5, "events[2].edits[0][1] = 5: position 1 holds token 9 at this moment"),
    ("events[8].edits[1][0]", 2, "events[8].edits[1][1] = 9: position 2 holds token 5 at this moment"),
    ("events[2].edits[0][0]", 8, "events[2].edits[0][0] = 8: must be between 0 and 6"),
    ("events[2].edits[0][2]", 77, "events[2].edits[0][2] = 77: must be an id listed in vocab"),
    ("events[2].edits[0][3]", "luck", 'events[2].edits[0][3] = "luck": must be one of unmasked'),
    ("events[2].edits[0][3]", "remasked", 'events[2].edits[0][3] = "remasked": must be "remasked" where, and only'),
    ("events[2].edits[0][2]", M, 'events[2].edits[0][3] = "unmasked": must be "remasked" where, and only where'),
    ("events[9].because[0][1]", "much", 'events[9].because[0][1] = "much": must be a finite number'),
    ("events[9].about", [-1], "events[9].about[0] = -1: must be between 0"),
    ("events[11].reason", "bored", 'events[11].reason = "bored": must be one of eos, length, stopped, error'),
    ("reference.tokens", None, "reference.tokens = null: must be an array"),
    ("reference.calls", ..., "reference.calls is missing"),
    ("reference", 5, "reference = 5: must be an object"),
]  # fmt: skip


@pytest.mark.parametrize(
    "path, value, message", MALFORMED, ids=[f"{i}-{path}" for i, (path, _, _) in enumerate(MALFORMED)]
)
def test_a_malformed_field_is_named_by_its_path_in_one_sentence(path, value, message):
    with pytest.raises(TraceError) as caught:
        Trace.from_bytes(mutate(path, value))
    said = str(caught.value)
    assert said.startswith(message)
    assert said.endswith(".") and "\n" not in said and len(said) < 300 + 5000 * ("99999" in message)


def test_verdicts_are_about_this_round_not_about_an_earlier_one():
    events = (*EVENTS[:9], Round(2, 0), Judge((Verdict(0, "rejected", 0.5, 0.0, 1.0),)), Finish("eos"))
    with pytest.raises(
        TraceError, match=r"^events\[10\][.]verdicts\[0\]\[0\] = 0: must be the id of a node proposed in this round[.]$"
    ):
        Trace.from_bytes(make(events=events).to_bytes())


def test_a_canvas_cannot_grow_without_end():
    long = make(canvas=(0,) * MAX_SLOTS, events=(Commit((Edit(MAX_SLOTS, -1, 5, "bonus"),)),))
    with pytest.raises(
        TraceError, match=r"^events\[0\][.]edits\[0\]\[0\] = 4096: a canvas has at most 4096 positions[.]$"
    ):
        Trace.from_bytes(long.to_bytes())


def test_too_many_calls_are_refused():
    long = make(events=(Forward("x", 1),) * 4097)
    with pytest.raises(TraceError, match=r"^events\[4096\] is forward call 4097: at most 4096 are allowed[.]$"):
        Trace.from_bytes(long.to_bytes())


PLAIN = TRACE.to_json().encode()
UNREADABLE = {
    "empty": (b"", "The trace is not JSON (line 1, column 1)"),
    "prose": (b"hello", "The trace is not JSON (line 1, column 1)"),
    "cut off": (PLAIN[:-20], "The trace is not JSON (line 1"),
    "not UTF-8": (b'{"a": "\xff"}', "The trace is not UTF-8 text (byte 7)"),
    "a list": (b"[]", "A trace is a JSON object"),
    "null": (b"null", "A trace is a JSON object"),
    "NaN": (PLAIN.replace(b'"seed":7', b'"seed":NaN'), "The trace contains NaN: every number must be finite"),
    "infinity": (PLAIN.replace(b'"tau":0.5', b'"tau":-Infinity'), "The trace contains -Infinity"),
    "overflow": (PLAIN.replace(b'"tau":0.5', b'"tau":1e999'), "params.tau = Infinity: must be a finite number"),
    "5000 digits": (
        PLAIN.replace(b'"seed":7', b'"seed":' + b"7" * 5000),
        "The trace has a number with too many digits",
    ),
    "half a character": (PLAIN.replace(b'"title":"SSD"', b'"title":"\\ud83d"'), "The trace has half a character"),
    "deep arrays": (b"[" * 200_000, "The trace is nested too deeply"),
    "deep objects": (b'{"schema":' * 200_000, "The trace is nested too deeply"),
    "truncated gzip": (TRACE.to_bytes()[:-30], "The trace is cut off in the middle of its gzip stream"),
    "two bytes of gzip": (b"\x1f\x8b", "The trace is cut off in the middle of its gzip stream"),
    "broken gzip": (TRACE.to_bytes()[:30] + b"\x00" * 40 + TRACE.to_bytes()[70:], "The trace is not valid gzip"),
    "too large": (
        b" " * (MAX_FILE_BYTES + 1),
        f"The trace has {MAX_FILE_BYTES + 1} bytes: at most {MAX_FILE_BYTES} are allowed",
    ),
    "gzip bomb": (
        gzip.compress(b" " * (MAX_JSON_BYTES + 2**20), 1),
        f"The trace unpacks to more than {MAX_JSON_BYTES} bytes",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_refused_in_one_sentence(name):
    data, message = UNREADABLE[name]
    with pytest.raises(TraceError) as caught:
        Trace.from_bytes(data)
    said = str(caught.value)
    assert said.startswith(message) and said.endswith(".") and "\n" not in said and len(said) < 300


def test_a_whole_character_written_as_two_escapes_is_read():
    assert Trace.from_bytes(PLAIN.replace(b'"title":"SSD"', b'"title":"\\ud83d\\ude00"')).title == "😀"


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(TraceError, match="^big.json has 8388609 bytes: a trace may have at most 8388608; "):
        Trace.load(path)


def test_reading_traces_costs_no_heavy_import():
    heavy = ("torch", "gradio", "plotly", "transformers", "numpy")
    code = f"import sys, decoders.trace, decoders.errors; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    assert done.stdout.strip() == "[]"


def test_drafts_beyond_the_end_of_a_growing_canvas_survive_a_file():
    events = (
        Round(0, 0),
        Propose((Node(0, ((3, 2),), 0.5), Node(1, ((4, 2), (5, 2)), 0.5, (0,)))),
        Judge((Verdict(0, "accepted", 0.5, 1.0, 1.0, (3, 2)), Verdict(1, "rejected", 0.1, 0.0, 1.0, (5, 2)))),
        Commit((Edit(2, -1, 2, "accepted", 0.5), Edit(3, -1, 2, "bonus", 0.5))),
        Finish("length"),
    )
    trace = replace(
        tiny_trace(), canvas=(0, 1), events=events, vocab={**tiny_trace().vocab, 2: " x"}, attention="causal"
    )
    again = Trace.from_bytes(trace.to_bytes())
    assert again.events == events
    assert again.tokens == (0, 1, 2, 2)
