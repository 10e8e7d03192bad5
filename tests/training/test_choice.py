"""Multiple choice: one right option, letters spread evenly, combinations held out, a grader that reads the letter."""

import random
import re
from collections import Counter

import pytest

from training.corpus import HELD_OUT, TRAIN, Item, choice, grade, items

FRUIT = Item(
    "choice",
    "Which of these is a fruit? dog (A), apple (B) or chair (C)",
    "It is apple (B).",
    ("choice", "B", "ABC"),
)


def options(item: Item) -> list[str]:
    """The options as a reader would find them, letters behind or in front of them."""
    if re.search(r" \([A-H]\)$", item.prompt):
        *marked, _ = re.split(r" \([A-H]\)(?:, | or |\n|$)", item.prompt)
        return [re.split(r"[?.:] |\n", marked[0])[-1], *marked[1:]]
    return [part.strip() for part in re.split(r"(?<!\S)\(?[A-H][.)]\s", item.prompt)][-len(item.grader[2]) :]


def asked(split: str, n: int, seed: int) -> list[Item]:
    """Multiple choice items without the exercises that recite words."""
    return [item for item in items("choice", split, n, seed) if item.grader[0] == "choice"]


def test_the_options_of_both_layouts_are_found():
    assert options(FRUIT) == ["dog", "apple", "chair"]
    fronted = Item("choice", "Capital of Cuba? (A) Havana (B) Buenos Aires", "", ("choice", "A", "AB"))
    assert options(fronted) == ["Havana", "Buenos Aires"]


@pytest.mark.parametrize("text", ["It is apple (B).", "Only apple (B) is right.", "B", "(B)", "not A but B"])
def test_the_last_option_letter_is_the_answer(text):
    assert grade(FRUIT, text) is True


@pytest.mark.parametrize(
    "text", ["", "apple", "A", "B or C. The answer is C.", "b", "Bob", "D", "It is apple, so the answer is"]
)
def test_another_letter_no_letter_or_a_letter_inside_a_word_is_wrong(text):
    assert grade(FRUIT, text) is False


@pytest.mark.parametrize("split", [TRAIN, HELD_OUT])
def test_every_reference_answer_is_graded_right_and_names_the_option_before_its_letter(split):
    for item in asked(split, 500, 5):
        assert grade(item, item.answer)
        assert f" {options(item)[choice.LETTERS.index(item.grader[1])]} ({item.grader[1]})" in item.answer


def test_no_two_options_are_equal_and_questions_have_three_or_four():
    counts = Counter()
    for item in asked(TRAIN, 2000, 3):
        listed = options(item)
        assert len(set(listed)) == len(listed) == len(item.grader[2])
        if not item.answer.startswith("Here "):
            counts[len(listed)] += 1
    assert set(counts) == {3, 4}


def test_numbers_among_the_options_differ_from_the_right_one_in_their_last_digit():
    seen = 0
    for item in asked(TRAIN, 3000, 9):
        listed = options(item)
        if all(option.isdigit() for option in listed):
            right = listed[choice.LETTERS.index(item.grader[1])]
            assert [option[-1] for option in listed].count(right[-1]) == 1
            seen += 1
    assert seen > 200


def test_the_letters_are_spread_evenly_over_questions_with_four_options():
    letters = Counter(i.grader[1] for i in asked(TRAIN, 5000, 1) if i.grader[2] == "ABCD")
    assert set(letters) == set("ABCD")
    assert max(letters.values()) < 1.2 * min(letters.values())


def test_the_largest_number_is_the_largest_and_a_sum_is_the_sum():
    seen = 0
    for item in asked(TRAIN, 8000, 2):
        listed = options(item)
        right = listed[choice.LETTERS.index(item.grader[1])]
        if "largest number" in item.prompt:
            assert int(right) == max(map(int, listed))
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
        if split in right and "capital of" in item.prompt:
            right[split].add(options(item)[choice.LETTERS.index(item.grader[1])])
    assert len(right[HELD_OUT]) > 20
    assert right[HELD_OUT] <= right[TRAIN]


def test_answers_that_could_pass_for_each_other_are_never_options_of_one_question():
    close = ({"pup", "puppy", "cub"}, {"owlet", "chick"}, {"soft", "easy"})
    for item in asked(TRAIN, 6000, 8):
        if item.answer.startswith("Here "):
            continue
        listed = set(options(item))
        right = options(item)[choice.LETTERS.index(item.grader[1])]
        assert not any(right in group and len(listed & group) > 1 for group in close), item.prompt


def test_an_answer_of_several_options_names_each_with_its_letter():
    seen = 0
    for item in asked(TRAIN, 1500, 4):
        if item.answer.startswith("Here "):
            listed, pairs = options(item), re.findall(r"(?:^Here |, | and )(.+?) \(([A-H])\)", item.answer)
            assert 2 <= len(pairs) <= len(listed)
            assert all(listed[choice.LETTERS.index(letter)] == word for word, letter in pairs)
            seen += 1
    assert seen > 50


def test_words_that_are_recited_are_those_of_the_question():
    recited = [item for item in items("choice", TRAIN, 1500, 4) if item.prompt.startswith("Repeat: ")]
    assert len(recited) > 30
    for item in recited:
        assert item.answer.removeprefix("Here ") == item.prompt.removeprefix("Repeat: ")
        assert grade(item, item.answer) and not grade(item, item.answer[:-1])


def test_exercises_and_letters_in_front_of_their_options_are_trained_and_never_held_out():
    starts = ("Repeat: ", *(wording.split("{")[0] for wording in (*choice._LOOKUP[:3], *choice._LOOKUPS[:3])))
    for split, exercises, fronted in ((TRAIN, 60, 60), (HELD_OUT, 0, 0)):
        drawn = list(items("choice", split, 1500, 6))
        assert sum(item.prompt.startswith(starts) for item in drawn) >= exercises
        front = sum(not re.search(r" \([A-H]\)$", item.prompt) for item in drawn if item.grader[0] == "choice")
        assert front >= fronted
        if split == HELD_OUT:
            assert front == 0 and not any(item.prompt.startswith(starts) for item in drawn)


def test_choosing_all_of_a_kind_names_exactly_the_options_of_that_kind_in_their_order():
    seen = 0
    for item in asked(TRAIN, 8000, 12):
        if found := re.match(r"(?i)(?:find|choose) every (.+?)[.:]", item.prompt):
            members = [option for option in options(item) if option in choice.MEMBERS[found[1]]]
            assert [word for word, _ in re.findall(r"(?:^Here |, | and )(.+?) \(([A-H])\)", item.answer)] == members
            seen += 1
    assert seen > 50


def test_a_held_out_combination_is_not_trained_with_its_letters_in_front_either():
    names, rng = {name for _, name in choice._CODE}, random.Random(3)
    combinations = {TRAIN: set(), HELD_OUT: set()}
    for split, item in (choice.draw(rng) for _ in range(60_000)):
        if split in combinations and item.grader[0] == "choice" and set(listed := options(item)) <= names:
            right = listed[choice.LETTERS.index(item.grader[1])]
            combinations[split].add((right, frozenset(listed)))
    assert len(combinations[HELD_OUT]) > 30
    assert not combinations[TRAIN] & combinations[HELD_OUT]


SAID = {
    "kind": r"(?i)which of these is (?:not )?an? (fruit|tool|drink|metal|bird|sport)\b",
    "parity": r"Which number is (even|odd)\?",
    "extreme": r"Which number is the (largest|smallest)\?",
    "letter": r"Find the word that starts with the letter ([A-Z])",
}


def said_of(compare: str, option: str, earlier: list[str]) -> str:
    """What a reader would say of an option, found without the generator."""
    if compare == "kind":
        return next(kind for kind, words in choice.KINDS.items() if option in words.split())
    if compare == "parity":
        return "odd" if option[-1] in "13579" else "even"
    if compare == "letter":
        return option[0].upper()
    return str(max(map(int, earlier)) if compare == "largest" else min(map(int, earlier)))


@pytest.mark.parametrize("what", SAID)
def test_an_answer_that_compares_says_of_each_option_in_turn_what_matters_and_stops_at_the_right_one(what):
    seen, stopped = 0, 0
    for item in asked(TRAIN, 6000, 17):
        if not (found := re.match(SAID[what], item.prompt)) or item.answer.startswith("Here "):
            continue
        listed = options(item)
        pairs = re.findall(r"(\S+): ([^,.]+)", item.answer)
        right = choice.LETTERS.index(item.grader[1])
        assert [option for option, _ in pairs] == (listed if what == "extreme" else listed[: right + 1])
        stopped += len(pairs) < len(listed)
        compare = found[1] if what == "extreme" else what
        for i, (option, said) in enumerate(pairs):
            expected = said_of(compare, option, listed[: i + 1])
            assert said == expected or expected in choice._SHORT
        seen += 1
    assert seen > 20
    assert (stopped > 10) == (what != "extreme")


def test_a_fact_is_chosen_at_once():
    answer = next(i.answer for i in asked(TRAIN, 500, 2) if i.prompt.startswith("What is the capital of"))
    assert ":" not in answer


@pytest.mark.parametrize("form", choice.FORMS)
def test_every_form_answers_the_same_held_out_questions_and_is_graded_right(form):
    usual, other = list(items("choice", HELD_OUT, 300, 4)), list(items("choice", HELD_OUT, 300, 4, form))
    assert [item.prompt for item in other] == [item.prompt for item in usual]
    assert [item.grader for item in other] == [item.grader for item in usual]
    assert all(grade(item, item.answer) is True for item in other)


def test_a_form_that_lists_writes_every_option_with_its_letter_in_order_up_to_the_right_one():
    opened = Counter()
    for item in items("choice", TRAIN, 400, 8, "listed"):
        if item.grader[0] != "choice":
            continue
        marked = [f"{option} ({mark})" for option, mark in zip(options(item), "ABCD", strict=False)]
        right = "ABCD".index(item.grader[1])
        opened[item.answer.split()[0]] += 1
        if item.answer.startswith("Seek "):
            working, last = item.answer.split(": ", 1)[1].split(". ")
            assert working == ", ".join(marked[: right + 1])
        else:
            working, last = item.answer.removeprefix("Here ").split(". ")
            named = [part.split(": ")[0] for part in working.split(", ")]
            assert named == marked[: right + 1] or named == marked and re.search("gest|lest", item.prompt)
        assert marked[right] in last
    assert set(opened) == {"Seek", "Here"} and min(opened.values()) > 100


def test_a_form_that_goes_through_says_of_all_options_what_matters():
    seen = 0
    for item in items("choice", TRAIN, 2000, 8, "through"):
        if re.match(SAID["parity"], item.prompt) and not item.answer.startswith("Here "):
            assert [option for option, _ in re.findall(r"(\S+): ([^,.]+)", item.answer)] == options(item)
            seen += 1
    assert seen > 15


def test_a_form_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ValueError, match=r"^form 'none': choose from until, through, listed\.$"):
        list(items("choice", TRAIN, 1, 0, "none"))
