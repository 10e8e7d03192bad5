"""Every filled position is a dot at its probability, and what was below the threshold is counted."""

from view_samples import ssd, stepwise

from viz.views.confidence import info, plot


def test_each_filled_position_is_one_dot_and_a_remasking_is_none():
    shown = info(stepwise(), 12)
    assert [(d.round, d.pos, d.p, d.why) for d in shown.dots] == [
        (1, 2, 0.6, "unmasked"),
        (1, 5, 0.8, "unmasked"),
        (2, 3, 0.4, "unmasked"),
        (3, 2, 0.7, "unmasked"),
        (3, 4, 1.0, "unmasked"),
        (3, 3, 0.9, "revised"),
    ]


def test_the_threshold_is_the_rules_own_and_the_ones_below_it_are_counted():
    shown = info(stepwise(), 12)
    assert (shown.threshold, shown.below) == (0.5, 1)
    assert info(ssd(), 3).threshold is None


def test_what_the_cursor_has_passed_is_counted_apart():
    assert [info(stepwise(), at).seen for at in (0, 3, 4, 8, 12)] == [0, 0, 2, 3, 6]


def test_the_least_sure_token_is_named():
    assert "‘·Paris’ at position 3, filled in with p = 0.40" in info(stepwise(), 12).sentence


def test_the_dots_of_a_round_stand_side_by_side_around_it():
    (dots,) = (trace for trace in plot(info(stepwise(), 12)).data if trace.name == "unmasked")
    assert [(round(x, 2), p) for x, p in zip(dots.x, dots.y, strict=True)] == [
        (0.92, 0.6),
        (1.08, 0.8),
        (2.0, 0.4),
        (2.84, 0.7),
        (3.0, 1.0),
    ]


def test_what_is_ahead_of_the_cursor_is_faint_and_named_once():
    shown = [(t.name, t.marker.opacity, t.showlegend) for t in plot(info(stepwise(), 4)).data]
    assert shown == [("unmasked", 1.0, True), ("unmasked", 0.25, False), ("revised", 0.25, True)]
