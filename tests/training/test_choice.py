"""Multiple choice: one right option, letters spread evenly, combinations held out, a grader that reads the letter."""

import random
import re
from collections import Counter

import pytest

from training.corpus import HELD_OUT, TRAIN, Item, choice, grade, items

FRUIT = Item(
    "choice",
    "Which of these is a fruit? A) dog B) apple C) chair",
    "It is apple, so the answer is B.",
    ("choice", "B", "ABC"),
)


def options(item: Item) -> list[str]:
    """The options as a reader would find them; the question before them may end in a letter and a full stop too."""
    return [part.strip() for part in re.split(r"(?<!\S)\(?[A-D][.)]\s", item.prompt)][-len(item.grader[2]) :]


@pytest.mark.parametrize("text", ["It is apple, so the answer is B.", "B", "(B)", "not A but B", "apple. Answer: B!"])
def test_the_last_option_letter_is_the_answer(text):
    assert grade(FRUIT, text) is True


@pytest.mark.parametrize(
    "text", ["", "apple", "A", "B or C. The answer is C.", "b", "Bob", "D", "It is apple, so the answer is"]
)
def test_another_letter_no_letter_or_a_letter_inside_a_word_is_wrong(text):
    assert grade(FRUIT, text) is False


@pytest.mark.parametrize("split", [TRAIN, HELD_OUT])
def test_every_reference_answer_is_graded_right_and_names_the_option_beside_its_letter(split):
    for item in items("choice", split, 500, 5):
        assert grade(item, item.answer)
        listed = options(item)
        assert f" {listed['ABCD'.index(item.grader[1])]}" in item.answer


def test_no_two_options_are_equal_and_there_are_three_or_four():
    counts = Counter()
    for item in items("choice", TRAIN, 2000, 3):
        listed = options(item)
        assert len(set(listed)) == len(listed) == len(item.grader[2])
        counts[len(listed)] += 1
    assert set(counts) == {3, 4}


def test_the_letters_are_spread_evenly_over_questions_with_four_options():
    letters = Counter(i.grader[1] for i in items("choice", TRAIN, 4000, 1) if i.grader[2] == "ABCD")
    assert set(letters) == set("ABCD")
    assert max(letters.values()) < 1.2 * min(letters.values())


def test_the_largest_number_is_the_largest_and_a_sum_is_the_sum():
    seen = 0
    for item in items("choice", TRAIN, 4000, 2):
        right = options(item)["ABCD".index(item.grader[1])]
        if "largest number" in item.prompt:
            assert int(right) == max(map(int, options(item)))
            seen += 1
        if found := re.match(r"[Ww]hat is (\d+) \+ (\d+)\?", item.prompt):
            assert int(right) == int(found[1]) + int(found[2])
            seen += 1
    assert seen > 50


def test_a_word_that_is_right_is_never_among_the_wrong_ones():
    # A kind's members and the members of the kinds that its questions draw wrong options from share no word.
    for kind, words in choice.MEMBERS.items():
        far = [k for k in choice.MEMBERS if k != kind and k not in choice.OVERLAPS.get(kind, ())]
        assert not {w.lower() for w in words} & {w.lower() for k in far for w in choice.MEMBERS[k]}, kind


def test_there_are_at_least_40_wordings():
    assert len(set(choice.TEMPLATES)) >= 40


def test_a_held_out_fact_is_trained_with_other_options():
    rng = random.Random(0)
    drawn = [choice.draw(rng) for _ in range(30000)]
    right = {split: set() for split in (TRAIN, HELD_OUT)}
    for split, item in drawn:
        if "capital of" in item.prompt:
            right[split].add(options(item)["ABCD".index(item.grader[1])])
    assert len(right[HELD_OUT]) > 20
    assert right[HELD_OUT] <= right[TRAIN]


def test_answers_that_could_pass_for_each_other_are_never_options_of_one_question():
    close = ({"pup", "puppy", "cub"}, {"owlet", "chick"}, {"soft", "easy"})
    for item in items("choice", TRAIN, 6000, 8):
        listed = set(options(item))
        right = options(item)["ABCD".index(item.grader[1])]
        assert not any(right in group and len(listed & group) > 1 for group in close), item.prompt
