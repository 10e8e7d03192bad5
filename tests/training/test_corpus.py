"""The corpus: the same seed gives the same items, the splits share nothing, and the graders tell right from wrong."""

import pickle

import pytest

from training.corpus import FAMILIES, HELD_OUT, TRAIN, Item, grade, items

ADD_THREE = Item(
    "code",
    "Write a function add_three that adds three to a number.",
    "def add_three(x):\n    return x + 3",
    ("asserts", ("assert add_three(4) == 7", "assert add_three(-1) == 2")),
)
TOTAL = Item("word", "Mia has 3 apples. Tom gives Mia 4 more. How many?", "3 + 4 = 7. The answer is 7.", ("number", 7))


def test_the_families_are_the_five_of_the_design():
    assert FAMILIES == ("word", "list", "facts", "story", "code")


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


def test_no_held_out_chain_of_numbers_is_trained_in_any_wording():
    def chains(split, n):
        # The steps without the closing words are the chain with its numbers.
        return {
            tuple(
                part
                for part in item.answer.replace("First, ", "")
                .replace("Then, ", "")
                .replace("Finally, ", "")
                .split(". ")[:-1]
            )
            for item in items("word", split, n, 1)
        }

    assert chains(TRAIN, 20000) & chains(HELD_OUT, 300) == set()


def test_every_trained_fact_kind_has_wordings_that_only_held_out_items_use():
    wording = "Can you tell me the capital of"
    assert any(item.prompt.startswith(wording) for item in items("facts", HELD_OUT, 400, 0))
    assert not any(item.prompt.startswith(wording) for item in items("facts", TRAIN, 4000, 0))


def test_held_out_prompts_are_all_different():
    prompts = [item.prompt for item in items("list", HELD_OUT, 300, 3)]
    assert len(set(prompts)) == 300


@pytest.mark.parametrize("family", ["word", "list", "facts"])
def test_every_reference_answer_is_graded_right(family):
    assert all(grade(item, item.answer) for split in (TRAIN, HELD_OUT) for item in items(family, split, 500, 5))


def test_every_reference_function_passes_its_assertions():
    assert all(grade(item, item.answer) for item in items("code", TRAIN, 40, 5))


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


def test_a_sequence_is_right_only_in_order_and_complete():
    item = Item("list", "List the numbers from 3 to 6.", "3, 4, 5, 6.", ("sequence", ("3", "4", "5", "6")))
    assert grade(item, "3, 4, 5, and 6")
    assert not grade(item, "3, 4, 5.")
    assert not grade(item, "3, 4, 6, 5.")
    assert not grade(item, "3, 4, 5, 6, 7.")


def test_members_must_be_different_allowed_and_of_the_right_count():
    item = Item("list", "Name two pets.", "dog, cat.", ("members", 2, ("dog", "cat", "fish")))
    assert grade(item, "Fish, dog.")
    assert not grade(item, "dog, dog.")
    assert not grade(item, "dog.")
    assert not grade(item, "dog, cat, fish.")
    assert not grade(item, "dog, lion.")


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
