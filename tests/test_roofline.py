"""The cost model: bytes and FLOPs worked out by hand, what a card's time is made of, where a method gets slower than
plain decoding, and what is fitted. No time is measured here."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cost import Sample, compared, median_error, outside, swept, table
from decoders.errors import UnknownName, UsageError
from decoders.models import hf, memory
from decoders.models.public import public
from decoders.trace import Attention, Reference, Trace
from tune import machine
from tune.calls import Call, profile
from tune.cards import LISTED, cards, dims, this_cpu
from tune.roofline import (
    PACK_FROM,
    PACK_SHARE,
    Card,
    Dims,
    Modelled,
    Work,
    crossover,
    modelled,
    moment,
    packed,
    ratio,
    scale,
    shapes,
    work,
)
from tune.when import NO_PLAIN, answer, offers, plain, sizes, told, usual, where

TRACES = Path(__file__).resolve().parents[1] / "assets" / "traces"
# One layer: 16 weights of attention, 18 of the feed-forward part, 10 of the head.
TINY = Dims("tiny", layers=1, hidden=2, inner=3, heads=1, kv=1, dim=2, vocab=5, attention="full")
BARE = Card("bare", "A bare card", math.inf, 96.0, 1e9, "float32", "made up", call=2.0)


def trace(name: str) -> Trace:
    return Trace.load(TRACES / f"{name}-apples.json.gz")


# ------------------------------------------------------------ bytes and FLOPs
def test_a_call_of_one_token_costs_what_is_worked_out_by_hand():
    # FLOPs: 2 x (34 + 10) for the products, 4 x 1 key x 2 numbers for attention. Bytes, at 2 a number: 44 weights and
    # one embedding of 2; 4 keys and values read and 4 written; 16 x 2 + 7 x 3 + 6 x 3 x 2 activations and 5 logits.
    assert work(TINY, 1, 1, 0, 2) == Work(flops=96, weights=92, kv=16, activations=188, tokens=1)


def test_rows_read_the_weights_once_and_their_own_keys_each():
    # 6 tokens on 7 keys: 12 x 44 + 4 x 6 x 7 x 2; 44 + 12 numbers of weights; 4 x 2 x (7 + 3) of keys; 6 x 94.
    assert work(TINY, 2, 3, 4, 2) == Work(flops=864, weights=112, kv=160, activations=1128, tokens=6)


def test_a_mixture_reads_the_experts_that_somebody_asks_for_and_multiplies_by_its_own_few():
    mixed = replace(TINY, experts=4, active=1, expert=3)
    assert [mixed.touched(n) for n in (1, 2)] == [1.0, 1.75]
    assert mixed.touched(1000) == pytest.approx(4.0)
    one, two = work(mixed, 1, 1, 0, 2), work(mixed, 2, 1, 0, 2)
    # 16 of attention, 18 an expert and 8 of the router.
    assert (one.weights, two.weights) == (2 * (16 + 18 + 8 + 10 + 2), 2 * (16 + 18 * 1.75 + 8 + 10 + 4))
    assert one.flops == 2 * (16 + 18 + 8 + 10) + 8 and two.flops == 2 * one.flops


@pytest.mark.parametrize("name", ["llada-8b", "dream-7b", "sdar-30b-a3b", "llada2.0-mini", "qwen3-0.6b-mdlm"])
def test_the_weights_counted_from_a_configuration_are_those_of_the_network(name):
    known = public(name)
    assert dims(name).parameters == pytest.approx(memory.parameters(known.family, known.config), rel=2e-4)


def test_a_configuration_without_a_size_is_refused_by_its_name():
    with pytest.raises(UsageError, match="mine: config.json has no num_hidden_layers"):
        Dims.of("mine", {"hidden_size": 8, "num_attention_heads": 2})


# ------------------------------------------------------------ the time of a call
def test_a_call_takes_the_longer_one_of_memory_and_compute_and_a_processor_launches_it_before():
    asked = Work(flops=80, weights=30, kv=10, activations=10, tokens=1)
    card = Card("c", "", 10.0, 10.0, 1e9, "float32", "", reach=(0.5, 0.8), call=1.0, layer=3.0)
    # 50 / (10 x 0.5) = 10 s of memory, 80 / (10 x 0.8) = 10 s of compute, 1 + 3 s of launch.
    assert moment(TINY, asked, card).seconds == pytest.approx(14.0)
    assert moment(TINY, asked, replace(card, blend=1.0)).seconds == pytest.approx(24.0)
    assert moment(TINY, asked, replace(card, blend=2.0)).seconds == pytest.approx(4 + 200**0.5)


def test_what_binds_a_call_is_the_longest_of_its_three_times():
    asked = Work(flops=80, weights=30, kv=10, activations=10, tokens=1)
    card = Card("c", "", 10.0, 100.0, 1e9, "float32", "")
    assert moment(TINY, asked, card) == (5.0, "memory")
    assert moment(TINY, asked, replace(card, peak=8.0)) == (10.0, "compute")
    assert moment(TINY, asked, replace(card, call=5.5)) == (10.5, "launch")


def test_a_card_works_while_its_host_launches_and_graphs_leave_only_the_kernels_own_time():
    asked = Work(flops=0, weights=50, kv=0, activations=0, tokens=1)
    card = Card("c", "", 10.0, 10.0, 1e9, "float32", "", call=1.0, layer=8.0, kernel=1 / 38, ahead=True)
    # 9 s of launches hide 5 s of memory and a second of gaps; with a graph these are what is left.
    assert moment(TINY, asked, card) == (9.0, "launch")
    assert moment(TINY, asked, card, compiled=True) == (pytest.approx(6.0), "memory")
    assert moment(TINY, asked, replace(card, layer=0.0)) == (pytest.approx(6.0), "memory")


# ------------------------------------------------------------ the time of a run
def test_texts_that_see_everything_are_fed_whole_and_cached_ones_read_their_context_once():
    sees, keeps = TINY, replace(TINY, attention="causal")
    calls = (Call("m", 1, 7, 0, 1), Call("m", 1, 1, 7, 3))
    assert list(shapes((Call("m", 2, 7, 0, 4),), {"m": sees}, batch=3, context=10)) == [("m", 6, 17, 0, 4)]
    assert list(shapes(calls, {"m": keeps}, batch=3, context=10)) == [("m", 3, 17, 0, 1), ("m", 3, 1, 17, 3)]
    # A text shorter than a block has no call of its own to read a prompt: its first one does.
    assert list(shapes((Call("m", 1, 8, 0, 3),), {"m": keeps}, context=10)) == [("m", 1, 18, 0, 1), ("m", 1, 8, 10, 2)]
    # An approximate cache of a model that sees everything keeps what is fed apart from what is kept.
    dual = (Call("m", 1, 9, 0, 1), Call("m", 1, 2, 7, 1))
    assert list(shapes(dual, {"m": sees}, context=10)) == [("m", 1, 19, 0, 1), ("m", 1, 2, 17, 1)]


def test_many_rows_on_a_long_cache_are_packed_as_the_adapter_packs_them():
    assert (PACK_FROM, PACK_SHARE) == (hf.PACK_FROM, hf.PACK_SHARE)
    assert [packed(Call("m", n, 8, 0, 1), cached) for n, cached in ((2, 128), (2, 127), (1, 128), (21, 128))] == [
        True,
        False,
        False,
        False,
    ]
    keeps = replace(TINY, attention="causal")
    calls = (Call("m", 1, 100, 0, 1), Call("m", 4, 8, 100, 1))
    assert list(shapes(calls, {"m": keeps}, batch=2, context=60))[1] == ("m", 2, 32, 160, 1)


def test_a_model_whose_sizes_are_not_known_is_named():
    with pytest.raises(UsageError, match="stranger: the sizes of this model are not known"):
        modelled((Call("stranger", 1, 1, 0, 1),), {"m": TINY}, BARE)


def test_the_time_of_a_run_its_binding_and_its_memory_are_worked_out_by_hand():
    # 4 calls of 2 s launch and 96 / 96 s of compute; 44 weights and 4 x 1 keys and values, at 4 bytes.
    said = modelled((Call("m", 1, 1, 0, 4),), {"m": TINY}, BARE)
    assert said == Modelled(
        seconds=12.0,
        bound="launch",
        shares={"memory": 0.0, "compute": 0.0, "launch": 1.0},
        flops=384,
        bytes=4 * 4 * (46 + 8 + 94),
        needs=4 * (54 + 4),
        fits=True,
        compiled=False,
    )
    assert modelled((Call("m", 1, 1, 0, 4),), {"m": TINY}, replace(BARE, memory=231)).fits is False


# Plain: 4 calls, 4 x (2 + B) s. The run: one call of 4 tokens on 4 keys, 2 x 4 x 44 + 4 x 4 x 4 x 2 = 480 FLOPs a text,
# so 2 + 5 B s: it is slower where 2 + 5 B > 8 + 4 B.
PLAIN, RUN = (Call("m", 1, 1, 0, 4),), (Call("m", 1, 4, 0, 1),)


def test_the_crossing_is_the_smallest_batch_at_which_a_run_is_slower():
    own = {"m": TINY}
    assert [ratio(RUN, PLAIN, own, BARE, batch=b) for b in (1, 6, 7)] == [7 / 12, 1.0, 37 / 36]
    assert crossover(RUN, PLAIN, own, BARE, "batch") == 7
    assert crossover(RUN, PLAIN, own, replace(BARE, call=0.0), "batch") == 1
    assert crossover(RUN, RUN, own, BARE, "batch") is None
    # Four texts read the context with each of their calls, one reads it once.
    assert crossover(RUN, PLAIN, own, BARE, "context") is None
    assert crossover(PLAIN, RUN, own, BARE, "context") == 0


def test_the_scales_are_doublings():
    assert scale("batch") == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert scale("context") == [0, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768]


def test_more_of_anything_never_takes_less_time_and_a_better_card_never_more():
    own = {"tiny-llada": replace(dims("llada-8b"), attention="full")}
    calls = profile(trace("ssd").forwards)
    for card in cards():
        for compiled in (False, True):
            at = [modelled(calls, own, card, batch=b, compiled=compiled).seconds for b in scale("batch")]
            more = [modelled(calls, own, card, context=c, compiled=compiled).seconds for c in scale("context")]
            assert at == sorted(at) and more == sorted(more)
        ordinary, graphs = (modelled(calls, own, card, compiled=c).seconds for c in (False, True))
        assert graphs <= ordinary
        better = replace(card, bandwidth=2 * card.bandwidth, peak=2 * card.peak)
        assert modelled(calls, own, better).seconds <= ordinary


def test_where_launching_binds_the_ratio_is_that_of_the_calls():
    card = Card("c", "", 1e15, 1e18, 1e12, "bfloat16", "", call=1e-3, ahead=True)
    own = {"tiny-llada": dims("tiny-llada")}
    assert ratio(profile(trace("ssd").forwards), profile(trace("stepwise").forwards), own, card) == pytest.approx(
        15 / 32
    )


# ------------------------------------------------------------ cards
def test_the_listed_cards_name_their_sources_and_are_dense_figures():
    assert [card.id for card in LISTED] == ["t4", "l4", "a100", "h100", "h200", "rtx4090"]
    assert all(card.source and card.url.startswith("https://") for card in LISTED)
    assert {card.id: (card.bandwidth / 1e9, card.peak / 1e12, card.memory / 1e9) for card in LISTED} == {
        "t4": (320, 65, 16),
        "l4": (300, 121, 24),
        "a100": (2039, 312, 80),
        "h100": (3350, 989, 80),
        "h200": (4800, 989, 141),
        "rtx4090": (1008, 165.2, 24),
    }
    assert [card.dtype for card in LISTED if card.dtype != "bfloat16"] == ["float16"]


def test_cards_get_the_reach_of_the_machine_that_was_measured():
    here, *others = cards()
    assert here.id == "this-cpu" and here.kernel == 0 and not here.ahead
    assert all((c.reach, c.blend, c.call, c.layer) == (here.reach, here.blend, here.call, here.layer) for c in others)
    assert all(c.ahead and c.kernel == 2e-6 for c in others)
    assert all(0 < share <= 1 for share in here.reach)


def fitted(blend: float, memory_: float, compute: float) -> dict:
    """What is fitted to calls that take just what a card with these numbers would."""
    own = {"m": replace(TINY, layers=12, hidden=256, inner=700, heads=8, kv=8, dim=32, vocab=2000), "w": machine.WIDE}
    card = Card("c", "", 4e10, 1e11, 1e9, "float32", "")
    real = replace(card, call=4e-4, layer=2e-4, reach=(memory_, compute), blend=blend)
    calls = [Call(m, r, n, c, 1) for m in own for r in (1, 4) for n in (1, 8, 64) for c in (0, 64)]
    timed = [machine.Timed(call, machine.predicted(call, own[call.model], real)) for call in calls]
    return machine.fit(timed, own, card)


def test_what_was_planted_is_fitted():
    found = fitted(2.0, 0.4, 0.8)
    assert (found["blend"], found["memory"], found["compute"], found["error"]) == (2.0, 0.4, 0.8, 0.0)
    assert (found["call"], found["layer"]) == (4e-4, 2e-4)
    assert [other["blend"] for other in found["others"]] == [1.0, 1.5, 3.0, 5.0, 0.0]


def test_a_fit_with_kernels_faster_than_the_machine_is_passed_over():
    found = fitted(1.0, 0.3, 1.05)
    perfect = found["others"][0]
    assert (perfect["blend"], perfect["compute"], perfect["error"]) == (1.0, 1.05, 0.0)
    assert found["blend"] == 1.5 and found["compute"] < 1 and found["error"] > 0


def test_the_shapes_that_are_measured_fit_their_model_and_are_the_same_each_time():
    drawn = machine.design("tiny-sdar", False, 512)
    assert len(drawn) == 44 and drawn == machine.design("tiny-sdar", False, 512)
    assert all(c.batch * c.length <= 900 and c.length + c.cached <= 512 for c in drawn)
    assert {c.cached for c in machine.design("tiny-llada", True, 512)} == {0}


# ------------------------------------------------------------ plain decoding and what it is asked as
def test_plain_decoding_is_a_recorded_run_of_the_same_model_prompt_and_length():
    ssd, step = trace("ssd"), trace("stepwise")
    found = plain(ssd, [trace("threshold"), trace("ar"), step])
    assert (found.label, found.exact, found.calls) == ("Stepwise", True, (Call("tiny-llada", 1, 92, 0, 32),))
    # Its time is that of the reference that ran beside the run.
    assert ssd.reference is not None and found.seconds == ssd.reference.seconds
    longer = replace(step, params=step.params | {"max_new": 32})
    assert plain(ssd, [longer, replace(step, prompt="Another?")]).exact is False
    assert plain(step).calls == found.calls


def test_the_calls_of_a_reference_are_told_from_its_totals():
    step, ar = trace("stepwise"), trace("ar")
    ref = Reference("stepwise", "", step.tokens, step.calls, step.rows_tokens, 1.0)
    assert told(replace(trace("ssd"), reference=ref)) == profile(step.forwards)
    ref = Reference("ar", "", ar.tokens, ar.calls, ar.rows_tokens, 1.0)
    assert told(replace(trace("diffuspec"), reference=ref)) == profile(ar.forwards)


def test_those_of_a_block_model_are_spread_over_its_blocks():
    # 10 tokens of prompt, blocks of 4: 8 are read first, then 6 calls of 4 tokens over the blocks at 8, 12 and 16.
    run = replace(trace("block"), model="m", attentions={"m": Attention("block", 4)}, prompt_len=10)
    run = replace(run, reference=Reference("stepwise", "", tuple(range(20)), 7, 8 + 24, 1.0))
    first, *rest = told(run)
    assert first == Call("m", 1, 8, 0, 1)
    assert [(c.length, c.cached, c.n) for c in rest] == [(4, k, 1) for k in (8, 8, 12, 12, 16, 16)]


def test_without_a_plain_run_it_is_said_which_one_is_needed():
    with pytest.raises(UsageError, match="run ar on this prompt"):
        plain(replace(trace("diffuspec"), reference=None))
    assert NO_PLAIN.format(method="ar") in str(
        pytest.raises(UsageError, plain, replace(trace("ssd"), attention="causal", reference=None)).value
    )


def test_a_run_can_be_asked_as_a_public_model_of_its_attention_and_a_pair_with_its_drafter():
    ssd, pair = trace("ssd"), trace("speculative")
    assert offers(ssd)[0] == usual(ssd) == "llada-8b" and "dream-7b-base" in offers(ssd)
    assert not {"sdar-8b", "qwen3-8b", "llada-1.5"} & set(offers(ssd))
    assert offers(pair)[0] == "qwen3-8b" and {dims(name).attention for name in offers(pair)} == {"causal"}
    as_if = sizes(pair, "qwen3-8b")
    assert {name: (of.name, of.attention) for name, of in as_if.items()} == {
        "tiny-ar": ("qwen3-8b", "causal"),
        "nano-sdar": ("qwen3-0.6b-bd3lm", "block"),
    }
    # The rule by which the calls were made stays that of the recorded models.
    drafted = replace(trace("diffuspec"), models={"target": "tiny-ar", "draft": "tiny-sdar"})
    assert dims("qwen3-0.6b-mdlm").attention == "full" and sizes(drafted, "qwen3-8b")["tiny-sdar"].attention == "block"
    with pytest.raises(UnknownName, match="'sdar-8b'"):
        sizes(ssd, "sdar-8b")
    with pytest.raises(UsageError, match="Ask it as a public model"):
        sizes(replace(ssd, models={"model": "/data/mine"}))


@pytest.mark.parametrize(
    "ask, says",
    [
        ({"batch": 0}, "batch = 0: must be a whole number from 1 to 1024"),
        ({"batch": 2.5}, "batch = 2.5"),
        ({"batch": True}, "batch = True"),
        ({"context": 40_000}, "context = 40000: must be a whole number from 0 to 32768"),
        ({"card": "h300"}, "There is no card named 'h300'; did you mean h200"),
    ],
)
def test_what_somebody_sends_is_checked(ask, says):
    with pytest.raises(UsageError, match=says):
        where(ask)


def test_the_answer_keeps_what_was_measured_apart_from_what_is_modelled():
    ssd = trace("ssd")
    said = answer(ssd, plain(ssd, [trace("stepwise")]), where({"card": "L4", "batch": 2}, usual(ssd)))
    assert said["measured"]["ratio"] == pytest.approx(1.8905, abs=1e-4) and not said["itself"]
    assert said["asked"] == {"card": "l4", "like": "llada-8b", "batch": 2, "context": 0, "compiled": False}
    assert [row["card"] for row in said["rows"]] == ["this-cpu", *(card.id for card in LISTED)]
    assert said["sizes"] == {"tiny-llada": ["llada-8b", 8_015_314_944, 4096]}
    assert said["here"]["ratio"] == ratio(
        profile(ssd.forwards), profile(trace("stepwise").forwards), {"tiny-llada": dims("tiny-llada")}, this_cpu()
    )
    at = dict((x, r) for x, r, *_ in said["curves"]["batch"])
    l4 = next(row for row in said["rows"] if row["card"] == "l4")
    assert at[2] == l4["ratio"] == said["crossing"]["ratio"]
    assert answer(trace("stepwise"), plain(trace("stepwise")), where({}))["itself"] is True


# ------------------------------------------------------------ validation
def sample(name: str, prompt: int, calls: int, seconds: float, wall: float) -> Sample:
    return Sample("tiny-ar", name, prompt, (Call("tiny-ar", 1, 1, 8, calls),), seconds, wall, wall, calls)


def test_seconds_outside_of_calls_are_fitted_and_never_below_zero():
    # 2 ms a call and 5 ms a fed token; rounds cost nothing, and a fit that would pay them back is not taken.
    runs = [
        Sample("m", "x", 0, (Call("m", 1, n, 0, calls),), 1.0, 1.0 + 2e-3 * calls + 5e-3 * calls * n, 1.0, rounds)
        for calls, n, rounds in ((3, 1, 7), (10, 4, 2), (5, 9, 5), (20, 2, 1), (8, 8, 8))
    ]
    assert outside(runs) == pytest.approx([2e-3, 5e-3, 0.0], abs=1e-12)
    cheaper = [s._replace(wall=s.wall - 1e-3 * s.rounds) for s in runs]
    assert min(outside(cheaper)) == 0.0


def test_a_line_is_compared_with_its_models_first_by_medians_over_the_prompts():
    runs = [sample("ar", p, 10, 1.0, 2.0) for p in range(3)]
    runs += [sample("half", p, 5, s, 1.6) for p, s in enumerate((0.4, 0.9, 0.5))]
    (row,) = compared(runs, this_cpu(), (0.0, 0.0, 0.0))
    assert (row["model"], row["name"], row["calls"], row["clock"]) == ("tiny-ar", "half", 0.5, 0.8)
    assert row["calls_modelled"] == pytest.approx(0.5) and row["calls_error"] == pytest.approx(0.0)
    assert row["clock_error"] == pytest.approx(0.5 / 0.8 - 1)
    assert median_error([row], "clock") == pytest.approx(0.375)
    assert "half" in table([row]) and "~0.50" in table([row]) and "-38%" in table([row])


def test_ratios_between_methods_in_the_shipped_sweep_are_within_20_percent_in_the_median():
    from tune.cards import machine as kept
    from tune.cards import this_cpu
    from tune.estimate import SHIPPED

    found = kept()
    rows = compared(swept(SHIPPED), this_cpu(), found["outside"])
    assert len(rows) == 103
    assert round(median_error(rows, "calls"), 4) == found["validated"]["calls"] < 0.2
    assert round(median_error(rows, "clock"), 4) == found["validated"]["clock"] < 0.2
