"""The canvas: blocks, what is open, when it is over, and a record that cannot drift from it."""

import pytest

from decoders.canvas import Canvas
from decoders.sampling import Guess
from decoders.trace import Commit, Edit

M, E = 9, 8


def canvas(text: str, *, prompt: int = 0, block: int = 4, origin: int = 0, early_stop: bool = True) -> Canvas:
    ids = [M if ch == "M" else E if ch == "E" else int(ch) for ch in text]
    made = Canvas(ids[:prompt], len(ids) - prompt, block=block, mask=M, eos=(E,), origin=origin, early_stop=early_stop)
    made.ids = ids
    return made


def test_starts_as_the_prompt_and_masks():
    fresh = Canvas([1, 2], 3, block=4, mask=M, eos=(E,), origin=2)
    assert fresh.ids == [1, 2, M, M, M]
    assert (fresh.prompt_len, fresh.filled, fresh.finished, fresh.top) == (2, False, None, 5)


def test_writing_changes_the_canvas_and_says_how():
    c = canvas("12MMM", prompt=2)
    commit = c.write([Guess(4, 5, 0.25), Guess(2, 7, 0.123456789)], "unmasked")
    assert commit == Commit((Edit(4, M, 5, "unmasked", 0.25), Edit(2, M, 7, "unmasked", 0.123457)))
    assert c.ids == [1, 2, 7, M, 5]
    assert c.write([Guess(4, 6, 0.5)], "revised") == Commit((Edit(4, 5, 6, "revised", 0.5),))


@pytest.mark.parametrize("origin, expected", [(0, [0, 0, 0, 0, 1, 1, 1, 1, 2]), (3, [-1, -1, -1, 0, 0, 0, 0, 1, 1])])
def test_blocks_are_counted_from_the_origin(origin, expected):
    c = canvas("123MMMMMM", prompt=3, origin=origin)
    assert [c.block_of(pos) for pos in range(9)] == expected


@pytest.mark.parametrize("origin, pos, end", [(0, 3, 4), (0, 4, 8), (0, 8, 9), (3, 3, 7), (3, 6, 7), (3, 7, 9)])
def test_a_block_ends_at_its_border_or_at_the_canvas(origin, pos, end):
    assert canvas("123MMMMMM", prompt=3, origin=origin).block_end(pos) == end


@pytest.mark.parametrize(
    "text, at_least, expected",
    [
        ("123MMMMMM", 1, [3]),
        ("123MMMMMM", 2, [3, 4, 5, 6, 7]),
        ("123MMMMMM", 5, [3, 4, 5, 6, 7]),
        ("123MMMMMM", 6, [3, 4, 5, 6, 7, 8]),
        ("123MMMMMM", 99, [3, 4, 5, 6, 7, 8]),
        ("12345M7MM", 1, [5, 7]),
        ("12345M7M9", 3, [5, 7]),
        ("123456789", 1, []),
        ("M23MMMMMM", 1, [3]),
    ],
)
def test_open_is_the_leftmost_unfinished_block_and_more_blocks_while_there_are_too_few(text, at_least, expected):
    c = canvas(text.replace("9", "0"), prompt=3)
    assert c.open(at_least) == expected


@pytest.mark.parametrize(
    "text, origin, size, expected",
    [
        ("123MMMMMM", 0, 0, range(0, 4)),
        ("123MMMMMM", 0, 2, range(2, 4)),
        ("123MMMMMM", 0, 3, range(3, 4)),
        ("123MMMMMM", 3, 3, range(3, 6)),
        ("123456MMM", 3, 3, range(6, 7)),
        ("12345M7MM", 0, 99, range(4, 8)),
        ("12345670M", 0, 3, range(8, 9)),
    ],
)
def test_the_leftmost_sub_block_with_a_mask_is_counted_from_the_start_of_its_block(text, origin, size, expected):
    assert canvas(text.replace("7", "0"), prompt=3, origin=origin).sub_block(size) == expected


@pytest.mark.parametrize(
    "text, expected", [("12EMM", True), ("12MEM", False), ("123EM", True), ("123MM", False), ("E23MM", False)]
)
def test_a_text_has_ended_when_nothing_before_its_end_is_masked(text, expected):
    assert canvas(text, prompt=2).ended is expected


def test_open_can_be_asked_about_a_state_that_is_not_the_canvas():
    c = canvas("1MMM", prompt=1, block=2, origin=1)
    assert c.open() == [1, 2]
    assert c.open(1, [1, 5, 5, M]) == [3]
    assert c.ids == [1, M, M, M]


@pytest.mark.parametrize(
    "text, block",
    [("123MMMMMM", 0), ("1234MMMMM", 1), ("1234567M0", 1), ("12345678M", 2), ("123456780", 2), ("M23456M00", 1)],
)
def test_block_is_the_leftmost_one_with_a_mask_in_its_generated_part(text, block):
    assert canvas(text.replace("8", "0"), prompt=3).block == block


@pytest.mark.parametrize(
    "text, early_stop, expected",
    [
        ("12MMMMMM", True, None),
        ("12345670", True, "length"),
        ("12345670", False, "length"),
        ("12EMMMMM", True, None),  # its block still has a mask
        ("12E4MMMM", True, "eos"),  # full block, ended
        ("12E4MMMM", False, None),
        ("1234EM77", True, None),
        ("1234E777", True, "eos"),
        ("1234E777", False, "length"),
        ("E2M4MMMM", True, None),  # an end of sequence inside the prompt ends nothing
        ("E234MMMM", True, None),
        ("1234MMEM", True, None),
        ("M2345670", True, "length"),  # nor does a mask inside the prompt keep it going
    ],
)
def test_it_is_over_when_full_or_when_the_text_ended_in_a_full_block(text, early_stop, expected):
    c = canvas(text, prompt=2, early_stop=early_stop)
    assert c.finished == expected
    assert c.filled == ("M" not in text[2:])


def test_a_speculated_state_is_asked_without_touching_the_canvas():
    c = canvas("12MMMM", prompt=2)
    assert c.ends([1, 2, E, 4, M, M]) == "eos"
    assert c.ends([1, 2, 3, 4, M, M]) is None
    assert c.finished is None and c.ids == [1, 2, M, M, M, M]


def test_several_end_tokens_end_a_text():
    c = Canvas([1], 4, block=2, mask=M, eos=(7, 8), origin=1)
    assert c.ends([1, 2, 7, M, M]) == c.ends([1, 8, 2, M, M]) == "eos"
    assert c.ends([1, 2, 6, M, M]) is None
