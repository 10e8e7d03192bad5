"""The points of a table and their front, on numbers small enough to work out by hand."""

import json
import math

import pytest

from decoders.errors import UnknownName, UsageError
from tune import front, table


def row(point, prompt, *, method="ssd", model="tiny-sdar", filled=32, calls=8, right=1.0, wall=0.5, **more):
    base = {
        "point": point,
        "key": f"{point}/{prompt}",
        "method": method,
        "model": model,
        "models": json.dumps({"model": model}),
        "settings": json.dumps(more.pop("settings", {"n": 4})),
        "params": "{}",
        "prompt_id": prompt,
        "seed": 0,
        "guarantee": "greedy-exact",
        "filled": filled,
        "calls": calls,
        "rows_tokens": 10 * calls,
        "wall_median": wall,
        "graded": True,
        "accuracy": right,
        "agreement": 1.0,
        "identical": True,
        "reference": "stepwise",
    }
    return base | more


def plain(prompt, **more):
    return row("plain", prompt, **{"method": "stepwise", "guarantee": "reference", "settings": {}, "calls": 32, **more})


def test_tokens_per_call_of_a_point_are_all_its_tokens_over_all_its_calls():
    (point,) = table.points(table.frame([row("a", "p1", filled=30, calls=3), row("a", "p2", filled=10, calls=7)]))
    assert point["tokens_per_call"] == 4.0  # not the mean of 10 and 1.43
    assert point["calls"] == 5.0 and point["rows_tokens"] == 50.0
    assert point["tokens_per_call_low"] < 4.0 < point["tokens_per_call_high"]


def test_the_interval_of_a_share_is_wilsons():
    rows = [row("a", f"p{i}", right=float(i < 9)) for i in range(10)]
    (point,) = table.points(table.frame(rows))
    assert point["accuracy"] == 0.9 and point["graded"] == 10
    assert (round(point["accuracy_low"], 3), round(point["accuracy_high"], 3)) == (0.596, 0.982)


def test_perplexity_is_over_all_tokens_that_were_judged():
    rows = [row("a", "p1", nats=10 * math.log(2), judged_tokens=10), row("a", "p2", nats=0.0, judged_tokens=10)]
    (point,) = table.points(table.frame(rows))
    assert point["perplexity"] == pytest.approx(math.sqrt(2))


def test_a_point_is_measured_against_its_models_reference_decoder_prompt_by_prompt():
    rows = [
        *(plain(f"p{i}", wall=1.0 + i, right=1.0) for i in range(4)),
        *(row("fast", f"p{i}", wall=(1.0 + i) / 4, right=float(i != 2)) for i in range(4)),
        row("other", "p0", model="tiny-llada"),
    ]
    whole, fast, other = table.points(table.frame(rows))
    assert fast["against"] == "plain" and fast["speedup"] == 4.0
    assert fast["speedup_low"] == fast["speedup_high"] == 4.0  # on every prompt, however long that one takes
    assert fast["points"] == -25.0 and fast["points_low"] < -25.0 < fast["points_high"]
    assert whole["points"] == 0.0 and whole["speedup"] == 1.0
    assert other["against"] is None and other["points"] is None


def test_the_plainest_reference_decoder_is_the_one_that_others_are_measured_against():
    rows = [
        row("fold", "p", guarantee="reference", method="stepwise", settings={"fold": True}),
        plain("p"),
        row("a", "p"),
    ]
    assert [p["against"] for p in table.points(table.frame(rows))] == ["plain"] * 3


def test_a_run_with_an_error_counts_as_an_error_and_in_no_number():
    bad = {"point": "a", "key": "x", "method": "ssd", "model": "tiny-sdar", "error": "It broke.", "prompt_id": "p2"}
    (point,) = table.points(table.frame([row("a", "p1", right=1.0), bad]))
    assert (point["runs"], point["errors"], point["error"]) == (1, 1, "It broke.")
    assert point["accuracy"] == 1.0 and point["calls"] == 8.0
    (lost,) = table.points(table.frame([bad]))
    assert lost["runs"] == 0 and lost["tokens_per_call"] is None and lost["accuracy"] is None


def test_a_grader_that_failed_takes_only_its_own_number_away():
    rows = [row("a", "p1"), row("a", "p2", right=math.nan, error="grader regex ran longer than 10 s.")]
    (point,) = table.points(table.frame(rows))
    assert (point["runs"], point["errors"], point["graded"], point["calls"]) == (2, 1, 1, 8.0)


def test_a_table_is_the_same_after_it_was_written_and_read_in_every_format(tmp_path):
    fault = {"point": "c", "key": "c/p1", "method": "ssd", "model": "tiny-sdar", "error": "It broke."}
    some = [row("a", "p1", text='x, "y"\n', first_divergence=3.0), row("b", "p1", right=math.nan), fault]
    made = table.frame(some)
    for kind in ("parquet", "csv", "jsonl"):
        again = table.load(table.save(made, tmp_path / f"t.{kind}"))
        assert table.differences(made, again) == [], kind
        assert list(again.columns) == list(table.COLUMNS)


def test_tables_that_differ_say_where():
    made = table.frame([row("a", "p1"), row("a", "p2")])
    other = table.frame([row("a", "p1", calls=9)])
    first, *rest = table.differences(made, other)
    assert first == "1 runs are not in the second table, a/p2 is one."
    assert rest == [
        "calls differs in 1 of 1 runs: a/p1 has np.float64(8.0) and np.float64(9.0).",
        "rows_tokens differs in 1 of 1 runs: a/p1 has np.float64(80.0) and np.float64(90.0).",
    ]
    assert table.differences(made, table.frame([row("a", "p1", wall=9), row("a", "p2")])) == []


def test_a_speed_outside_of_both_intervals_has_drifted():
    fast = [row("a", f"p{i}", wall=0.1 + i / 1000) for i in range(20)]
    slow = [row("a", f"p{i}", wall=0.2 + i / 1000) for i in range(20)]
    ours, theirs = table.points(table.frame(fast)), table.points(table.frame(slow))
    assert table.drift(ours, ours, ["wall"]) == []
    assert table.drift(ours, theirs, ["wall"]) == ['ssd {"n": 4} on tiny-sdar: wall 0.1095, was 0.2095.']


def test_a_file_that_is_no_table_is_refused(tmp_path):
    for name, text in (("a.csv", "x,y\n1,2\n"), ("a.parquet", "nothing"), ("a.jsonl", "{"), ("a.xls", "")):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError):
            table.load(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        table.load(tmp_path / "none.csv")


# ------------------------------------------------------------ the front
def point(x, y, **more):
    return {"tokens_per_call": x, "accuracy": y, "guarantee": "approximate", **more}


def test_the_front_is_what_nothing_beats_from_the_fastest_to_the_best():
    points = [point(1, 0.95), point(2, 0.94), point(2, 0.90), point(8, 0.60), point(4, 0.94), point(5, None)]
    assert front.choose(points).front == (3, 4, 0)


def test_of_points_that_are_equal_the_first_one_is_on_the_front():
    assert front.choose([point(2, 0.9), point(2, 0.9)]).front == (0,)


def test_fewer_calls_and_less_perplexity_are_better():
    points = [{"calls": 9, "perplexity": 2.0}, {"calls": 5, "perplexity": 2.0}, {"calls": 20, "perplexity": 1.5}]
    assert front.choose(points, "calls", "perplexity").front == (1, 2)
    assert front.choose(points, "calls", "perplexity", least=1.8).best == 2


def test_the_knee_is_the_point_that_bulges_most():
    points = [point(1, 1.0), point(3, 0.95), point(4, 0.6), point(5, 0.5)]
    assert front.choose(points).knee == 1
    assert front.choose([point(1, 1.0)]).knee == 0 and front.choose([]).knee is None


def test_the_fastest_that_loses_at_most_so_many_points_is_judged_by_the_paired_difference():
    points = [point(9, 0.9, points=-2.0), point(5, 0.2, points=-1.0), point(1, 1.0, points=0.0)]
    assert front.choose(points, lose=1.0).best == 1
    assert front.choose(points, lose=0.5).best == 2
    assert front.choose(points, lose=2.0).best == 0
    assert front.choose(points, least=0.95).best == 2


def test_the_fastest_exact_point_promises_the_text_and_kept_the_promise_in_every_run():
    kept = {"guarantee": "greedy-exact", "compared": 4}
    points = [
        point(9, 1.0, guarantee="approximate", compared=4, identical=4),
        point(7, 1.0, identical=3, **kept),
        point(5, 1.0, identical=4, **kept),
        point(1, 1.0, guarantee="reference", compared=4, identical=4),
    ]
    assert front.choose(points).exact == 2


def test_an_axis_that_does_not_exist_is_refused():
    with pytest.raises(UnknownName, match="did you mean calls"):
        front.choose([], speed="call")
