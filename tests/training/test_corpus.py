"""The corpus: the same seed gives the same items, the splits share nothing, and the graders tell right from wrong."""

import pickle
import random
import re

import pytest

from training.corpus import FAMILIES, HELD_OUT, TRAIN, Item, code, grade, items, story, word
from training.corpus.item import usual
from training.corpus.sandbox import passes

ADD_THREE = Item(
    "code",
    "Write a function add_three that adds three to a number.",
    "def add_three(x):\n    return x + 3",
    ("asserts", ("assert add_three(4) == 7", "assert add_three(-1) == 2")),
)
TOTAL = Item("word", "Mia has 3 apples. Tom gives Mia 4 more. How many?", "3 + 4 = 7. The answer is 7.", ("number", 7))


def test_the_families_are_the_five_of_the_design():
    assert FAMILIES == ("word", "code", "facts", "choice", "story")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("split", [TRAIN, HELD_OUT])
def test_the_same_seed_gives_the_same_items(family, split):
    assert list(items(family, split, 30, 7)) == list(items(family, split, 30, 7))


@pytest.mark.parametrize("family", FAMILIES)
def test_another_seed_gives_other_items(family):
    assert list(items(family, TRAIN, 30, 7)) != list(items(family, TRAIN, 30, 8))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_held_out_prompt_occurs_in_training(family):
    trained = {item.prompt.lower().rstrip(".?!") for item in items(family, TRAIN, 8000, 0)}
    held_out = {item.prompt.lower().rstrip(".?!") for item in items(family, HELD_OUT, 200, 0)}
    assert trained & held_out == set()


def steps(item):
    """The written-out steps of a word problem's answer, in whatever style."""
    return tuple(re.findall(r"\d+ [-+*/] \d+ = \d+", item.answer))


@pytest.fixture(scope="module")
def trained_word():
    return list(items("word", TRAIN, 20000, 1))


def test_no_held_out_chain_of_two_or_more_operations_is_trained_in_any_wording(trained_word):
    held_out = {steps(item) for item in items("word", HELD_OUT, 300, 1) if len(steps(item)) > 1}
    assert len(held_out) > 100
    assert held_out & {steps(item) for item in trained_word} == set()


def test_every_number_fact_of_a_held_out_multiplication_or_division_is_trained_in_another_story(trained_word):
    held_out = {steps(item) for item in items("word", HELD_OUT, 300, 1) if len(steps(item)) == 1}
    held_out = {chain for chain in held_out if "*" in chain[0] or "/" in chain[0]}
    assert held_out
    assert held_out <= {steps(item) for item in trained_word}


def test_word_problems_have_easy_numbers_and_one_to_three_operations(trained_word):
    largest = [max(int(n) for line in steps(item) for n in re.findall(r"\d+", line)) for item in trained_word]
    assert max(largest) <= 99
    assert sum(n <= 60 for n in largest) > 0.9 * len(largest)
    for operations, share in ((1, 0.35), (2, 0.45), (3, 0.20)):
        given = sum(len(steps(item)) == operations for item in trained_word) / len(trained_word)
        assert given == pytest.approx(share, abs=0.03)


def test_word_problems_have_over_forty_sentences_apart_from_names_items_and_numbers(trained_word):
    slots = rf"\b(?:{'|'.join((*word.NAMES, *word.THINGS, *word.BOXES))})\b|\d+"
    told = [item.prompt for item in trained_word[:2000] if not item.prompt.islower()]
    assert len({re.sub(slots, "_", part) for prompt in told for part in re.split(r"(?<=[.?])", prompt)}) >= 40


def test_there_are_over_forty_wordings_of_functions_and_of_story_requests():
    assert len({does for _, tasks, _ in code.KINDS.values() for task in tasks for does in task[1]}) >= 40
    assert len(set(story.WORDINGS)) >= 40


def test_every_body_of_every_function_passes_its_assertions():
    rng = random.Random(0)
    sources, asserts = [], []
    for _, tasks, argument_names in code.KINDS.values():
        for names, _, bodies, calls in tasks or [code.numeric(rng) for _ in range(200)]:
            for body in bodies:
                for arguments in argument_names:
                    # One name each: all run in one sandbox, which starts a process.
                    f = f"{names[0]}_{len(sources)}"
                    sources.append(code.written(f, arguments, body))
                    asserts.extend(code.asserts(f, arguments, calls))
    assert passes("\n".join(sources), tuple(asserts))


def test_functions_are_short():
    assert all(item.answer.count("\n") <= 3 for item in items("code", TRAIN, 2000, 0))


def test_stories_are_short_and_say_an_before_a_vowel():
    told = list(items("story", TRAIN, 2000, 0))
    assert all(len(item.answer.split()) <= 60 for item in told)
    assert not any(re.search(r"\ba [aeiou]", f"{item.prompt} {item.answer}", re.IGNORECASE) for item in told)


def test_every_trained_fact_kind_has_wordings_that_only_held_out_items_use():
    wording = "Can you tell me the capital of"
    assert any(item.prompt.startswith(wording) for item in items("facts", HELD_OUT, 400, 0))
    assert not any(item.prompt.startswith(wording) for item in items("facts", TRAIN, 4000, 0))


def test_held_out_prompts_are_all_different():
    prompts = [item.prompt for item in items("word", HELD_OUT, 300, 3)]
    assert len(set(prompts)) == 300


@pytest.mark.parametrize("family", ["word", "facts", "choice"])
def test_every_reference_answer_is_graded_right(family):
    assert all(grade(item, item.answer) for split in (TRAIN, HELD_OUT) for item in items(family, split, 500, 5))


def test_every_reference_function_passes_its_assertions():
    assert all(grade(item, item.answer) for item in items("code", TRAIN, 20, 5))


def test_stories_have_no_grader():
    assert [grade(item, "anything") for item in items("story", TRAIN, 3, 0)] == [None, None, None]


def test_items_can_be_pickled():
    given = [item for family in FAMILIES for item in items(family, TRAIN, 3, 0)]
    assert pickle.loads(pickle.dumps(given)) == given


def test_an_unknown_family_is_named_in_the_error():
    with pytest.raises(ValueError, match="unknown family 'poem'"):
        list(items("poem", TRAIN, 1, 0))


def test_a_word_problem_is_graded_by_its_final_number():
    assert grade(TOTAL, "Three and four make 7")
    assert not grade(TOTAL, "3 + 4 = 7. The answer is 8.")
    assert not grade(TOTAL, "3 + 4 = 17")
    assert not grade(TOTAL, "")


def test_a_fact_must_occur_as_a_whole_word():
    item = Item("facts", "Symbol of helium?", "He", ("phrase", "He"))
    assert grade(item, "The symbol for helium is He.")
    assert not grade(item, "The symbol for helium is Hg.")
    assert not grade(item, "Helium.")


@pytest.mark.parametrize(
    "source",
    [
        "def add_three(x):\n    return x + 3",
        "def add_three(number):\n    total = number\n    for _ in range(3):\n        total += 1\n    return total",
    ],
)
def test_a_right_function_passes(source):
    assert grade(ADD_THREE, source)


@pytest.mark.parametrize(
    "source",
    [
        "def add_three(x):\n    return x + 4",
        "def add_three(x):\n    return x +",
        "def add_two(x):\n    return x + 3",
        "return x + 3",
        "The answer is 7.",
        "",
        "\x00",
    ],
)
def test_a_wrong_function_fails(source):
    assert not grade(ADD_THREE, source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def add_three(x):\n    while True:\n        pass", id="endless loop"),
        pytest.param("def add_three(x):\n    return 9 ** 9 ** 9", id="endless arithmetic"),
        pytest.param("def add_three(x):\n    y = 'a' * 10 ** 12\n    return x + 3", id="huge memory"),
        pytest.param("def add_three(x):\n    y = list(range(10 ** 11))\n    return x + 3", id="huge list"),
        pytest.param("def add_three(x):\n    return add_three(x)", id="endless recursion"),
        pytest.param("def add_three(x):\n    open('made', 'w').write('x')\n    return x + 3", id="file write"),
        pytest.param("def add_three(x):\n    import os\n    os.system('true')\n    return x + 3", id="os.system"),
        pytest.param("import os\ndef add_three(x):\n    return x + 3", id="import"),
        pytest.param("import sys\nsys.exit(0)", id="early exit with status 0"),
        pytest.param("def add_three(x):\n    raise SystemExit(0)", id="exit inside the function"),
        pytest.param("def add_three(x):\n    exit(0)", id="exit builtin"),
        pytest.param("def add_three(x):\n    print(x + 3)", id="prints instead of returning"),
        pytest.param("def add_three(x):\n    print(x)\n    return x + 3", id="prints and returns"),
        pytest.param("def add_three(x):\n    return __import__('os').getpid()", id="__import__"),
        pytest.param("def add_three(x):\n    y = x.__class__\n    return x + 3", id="class ladder"),
        pytest.param("def add_three(x):\n    y = (i for i in [1]).gi_frame\n    return x + 3", id="frame ladder"),
        pytest.param("def add_three(x):\n    y = '{0.__class__}'.format(x)\n    return x + 3", id="format ladder"),
        pytest.param("def add_three(x):\n    eval('1')\n    return x + 3", id="eval"),
    ],
)
def test_a_hostile_function_is_graded_wrong(source):
    assert grade(ADD_THREE, source) is False


def test_most_answers_take_the_usual_way_and_all_ways_are_taken():
    for ways in (2, 3, 5):
        drawn = [usual(range(ways), i % ways, f"question {i}") for i in range(3000)]
        assert 0.68 + 0.29 / ways < drawn.count(0) / 3000 < 0.72 + 0.31 / ways
        assert set(drawn) == set(range(ways))
    assert usual("ab", "b", "question 7") == usual("ab", "b", "question 7")
