"""Facts: several hundred, each trained; held out are wordings."""

import pytest

from training.corpus import HELD_OUT, TRAIN, facts, grade, items


def test_there_are_several_hundred_facts_in_at_least_40_trained_wordings():
    kinds = facts.KINDS.values()
    assert sum(len(row[0]) for row in kinds) >= 400
    assert sum(len(row[1]) for row in kinds) >= 40


@pytest.mark.parametrize("kind", [kind for kind in facts.KINDS if kind != "chat"])
def test_every_kind_has_wordings_that_only_held_out_items_use(kind):
    _, trained, held_out, _, _ = facts.KINDS[kind]
    assert len(held_out) >= 2
    assert not set(trained) & set(held_out)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the capital of France?", "Paris"),
        ("What is the chemical symbol for gold?", "Au"),
        ("What do you call a baby kangaroo?", "joey"),
        ("What is the opposite of hot?", "cold"),
        ("How many legs does a spider have?", "8"),
        ("What continent is Japan in?", "Asia"),
        ("What is the past tense of go?", "went"),
        ("What is the plural of mouse?", "mice"),
    ],
)
def test_well_known_questions_are_trained_with_their_right_answers(question, answer):
    trained = {item.prompt: item.grader for item in items("facts", TRAIN, 30000, 0)}
    assert trained[question] == ("phrase", answer)


def test_an_answer_begins_with_a_capital_letter_and_contains_the_fact():
    for split in (TRAIN, HELD_OUT):
        for item in items("facts", split, 500, 2):
            assert item.answer[0] == item.answer[0].upper()
            assert grade(item, item.answer)


def test_an_article_is_small_inside_a_sentence():
    answers = {item.answer for item in items("facts", TRAIN, 20000, 1)}
    assert "The capital of the Bahamas is Nassau." in answers
    assert not any("of The" in answer for answer in answers)
