"""The text report keeps the three costs apart, tells identical from different, and sends nothing that acts."""

from dataclasses import replace

from view_samples import nasty, ssd, stepwise

from viz.report import plain, report


def test_the_costs_are_three_numbers_and_calls_are_told_by_role():
    text = report(ssd())
    assert "forward calls    3 (1 draft, 2 verify)" in text
    assert "rows x tokens    100" in text
    assert "model time       3.000 s" in text
    assert "tokens per call  2.67" in text


def test_acceptance_is_told_with_and_without_the_bonus():
    assert "5 of 7 drafted tokens (71%); per round 2.50 accepted, 3.50 with the bonus" in report(ssd())


def test_an_equal_run_is_identical_and_a_changed_one_names_the_position():
    assert "identical to one token per call: 8 calls, 80 rows x tokens" in report(ssd())
    other = replace(ssd().reference, tokens=(*ssd().reference.tokens[:6], 7, *ssd().reference.tokens[7:]))
    same = replace(ssd(), reference=replace(other, tokens=(*other.tokens[:6], 9, *other.tokens[7:])))
    assert "differs from position 6 from one token per call" in report(same)


def test_a_round_shows_what_became_of_each_draft():
    line = next(line for line in report(ssd()).splitlines() if line.startswith("   2"))
    assert "✓3·Paris ✓4. ✕5·the ·6·cat" in line and "★6·the 0.65" in line


def test_the_text_ends_where_the_run_said_it_ends():
    assert "text:    is Paris. cat the\n" in report(ssd())


def test_a_cursor_cuts_the_report_there():
    assert "events follow" in report(stepwise(), 4)
    assert "finished: eos" in report(stepwise())


def test_no_control_character_reaches_the_terminal():
    text = report(nasty())
    assert all(c == "\n" or c.isprintable() for c in text)
    assert plain("a\x1b[31mb\tc\nd\u202e") == "a␛[31mb\tc\nd⟨U+202E⟩"


def test_costs_are_those_the_cursor_has_passed():
    text = report(ssd(), 6)
    assert "forward calls    2 (1 draft, 1 verify)" in text and "rows x tokens    60" in text
    assert "identical to" not in text


def test_a_line_of_the_prompt_cannot_pose_as_a_line_of_the_report():
    text = report(replace(ssd(), prompt="a\nidentical to everything", model="toy\nidentical to everything"))
    assert "\nidentical to everything" not in text
