"""A QR code holds the text that was asked for; what would not be readable is refused with a sentence."""

import pytest
import segno

from app.qr import LONGEST, qr

LINK = "http://127.0.0.1:7860/#lesson=order&page=1"


def test_a_code_is_a_square_of_zeros_and_ones_with_the_three_corners_that_a_camera_looks_for():
    rows = qr({"text": LINK})["rows"]
    assert {len(row) for row in rows} == {len(rows)} and set("".join(rows)) == {"0", "1"}
    corner = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert [row[:7] for row in rows[:7]] == [row[-7:] for row in rows[:7]] == [row[:7] for row in rows[-7:]] == corner


def test_another_text_is_another_code_and_the_same_text_the_same():
    assert qr({"text": LINK}) == qr({"text": LINK}) != qr({"text": LINK + "0"})


def test_a_text_at_the_limit_is_drawn_and_one_more_byte_is_refused():
    assert len(qr({"text": "a" * LONGEST})["rows"]) <= 81  # modules that a projector can show
    assert qr({"text": "a" * (LONGEST + 1)}) == {
        "error": "The text has 301 bytes, a readable QR code at most 300: shorten it."
    }
    assert "302 bytes" in qr({"text": "ä" * 151})["error"]


@pytest.mark.parametrize("ask", [{}, {"text": ""}, {"text": 3}, None, []])
def test_what_is_no_text_is_refused(ask):
    assert qr(ask) == {"error": "A QR code needs a text: send it as `text`."}


def test_the_code_survives_damage_to_some_of_it():
    assert segno.make_qr(LINK, error="m").matrix == tuple(
        bytearray(int(dark) for dark in row) for row in qr({"text": LINK})["rows"]
    )
