"""Exercises: what they say is right, they are trained when asked for and at no other time, and results weigh more."""

import random
import re

from training import batches
from training.corpus import FAMILIES, choice, drill
from training.tokenizer import load


def drawn(n, seed=0):
    rng = random.Random(seed)
    return [drill.draw(rng) for _ in range(n)]


def test_every_sum_is_right_and_was_asked_for():
    results = 0
    for item in drawn(400):
        for a, sign, b, result in re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", item.answer):
            a, b = int(a), int(b)
            assert {"+": a + b, "-": a - b, "*": a * b, "/": a / b}[sign] == int(result) > 0
            assert f"{a} {sign} {b}" in item.prompt
            results += 1
    assert results > 700


def test_every_option_that_is_looked_up_has_the_letter_that_stands_behind_it():
    found = 0
    for item in drawn(400):
        for option, letter in re.findall(r"([A-Za-z]+) \(([A-H])\)", item.answer):
            assert f" {option} ({letter})" in item.prompt
            found += 1
    assert found > 300


def test_exercises_are_no_family_so_they_are_neither_held_out_nor_trained_unless_a_mixture_names_them():
    assert not set(drill.EXERCISES) & {*FAMILIES, *batches.FAMILY_WEIGHT}
    tokenizer = load()
    for families, expected in (({"word": 1, "code": 1, "facts": 1, "story": 1}, 0), ({"drill": 1}, 40)):
        documents = batches.documents(random.Random(3), 40, tokenizer, batches.Mixture(families))
        texts = [tokenizer.decode(document.answer, skip_special_tokens=True) for document in documents]
        exercises = [
            re.fullmatch(r"(?:[^.=]* = \d+(?:, | and |\.))+|(?:\w+ \([A-H]\)(?:, | and |\.))+|Here [\w ]+", t)
            for t in texts
        ]
        assert sum(map(bool, exercises)) == expected


def test_the_digits_of_a_result_weigh_three_times_as_much_as_other_tokens_of_sums_and_word_problems():
    tokenizer = load()
    for family in ("word", "drill"):
        seen = 0
        for document in batches.documents(random.Random(2), 60, tokenizer, batches.Mixture({family: 1})):
            text, weighed = "", ""
            for token, weight in zip(document.answer, document.weights, strict=True):
                piece = tokenizer.decode([token], skip_special_tokens=True)
                text += piece
                weighed += ("#" if weight == 3.0 else "x" if weight == 1.0 else "L") * len(piece)
            for result in re.finditer(r"= (\d+)", text):
                assert set(weighed[result.start(1) : result.end(1)]) == {"#"}
                seen += 1
            assert weighed.count("#") == sum(len(digits) for digits in re.findall(r"= (\d+)", text))
        assert seen > 60


def test_the_kinds_of_words_are_said_up_to_the_first_that_is_asked_for():
    rng, stops, nots = random.Random(5), 0, 0
    for item in (drill.until(rng) for _ in range(400)):
        pairs = re.findall(r"(\w+): ([\w ]+)", item.answer)
        kind = next(k for k in choice.MEMBERS if re.search(rf"\ban? {k}[:.?]", item.prompt))
        is_kind = [word in choice.MEMBERS[kind] for word, _ in pairs]
        listed = re.split(r"[:.?] ", item.prompt, maxsplit=1)[1].split(", ")
        assert [word for word, _ in pairs] == listed[: len(pairs)]
        assert is_kind == [("not" in item.prompt)] * (len(pairs) - 1) + ["not" not in item.prompt]
        stops += len(pairs) < len(listed)
        nots += "not" in item.prompt
    assert stops > 150 and nots > 80


def test_going_on_or_stopping_weighs_most():
    tokenizer = load()
    pieces = [tokenizer.id_to_token(i) for i in tokenizer.encode("dog: animal, 12: even. It is apple (B).").ids]
    weights = dict(zip(range(len(pieces)), batches.values("choice", pieces), strict=True))
    heavy = [pieces[i] for i, weight in weights.items() if weight == 12.0]
    assert heavy == [",Ġ", "."]
    assert [pieces[i] for i, weight in weights.items() if weight == 4.0] == ["Ġ(B)"]


def test_options_are_listed_with_their_letters_up_to_the_one_that_is_asked_for():
    rng, named, kinds, stops = random.Random(6), 0, 0, 0
    for item in (drill.seek(rng) for _ in range(400)):
        found = re.match(r"Seek ([\w ]+): ", item.answer)
        listing = item.answer.removeprefix(found[0] if found else "Here ").removesuffix(".")
        said = [part.split(": ")[0] for part in listing.split(", ")]
        words = [part.split(" (")[0] for part in said]
        assert ", ".join(said) in item.prompt and "(A)" in said[0]
        if found:
            assert words[-1] == found[1] and found[1] in item.prompt.split(" (A)")[0]
            named += 1
        else:
            kind = next(k for k in choice.MEMBERS if re.search(rf"\ban? {k}[:.?]", item.prompt))
            right = "not" not in item.prompt
            assert [w in choice.MEMBERS[kind] for w in words] == [not right] * (len(said) - 1) + [right]
            kinds += 1
        stops += not item.prompt.endswith(said[-1])
    assert named > 150 and kinds > 150 and stops > 200


def test_going_on_or_stopping_behind_a_listed_option_weighs_most_and_the_full_stop_of_the_answer_does_not():
    tokenizer = load()
    heavy = {}
    for family, text in (
        ("seek", "Seek dog: cat (A), dog (B)."),
        ("choice", "Seek dog: cat (A), dog (B). It is dog (B)."),
    ):
        pieces = [*(tokenizer.id_to_token(i) for i in tokenizer.encode(text).ids), "<|eos|>"]
        weights = batches.values(family, pieces)
        heavy[family] = [i for i, weight in enumerate(weights) if weight == 12.0]
        assert [pieces[i][0] for i in heavy[family]] == [",", "."]
        assert [pieces[i - 1] for i in heavy[family]] == ["Ġ(A)", "Ġ(B)"]
    assert heavy["seek"] == heavy["choice"]  # the second full stop of the choice decides nothing
