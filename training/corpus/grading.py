"""Grading of a generated text against an item's plain-data grader."""

import re

from training.corpus.item import Item
from training.corpus.sandbox import passes

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def grade(item: Item, text: str) -> bool | None:
    """True or False for a graded item, None for an open-ended one.

    number: the last number in the text is the expected one.  choice: the last stand-alone option letter is the
    expected one.  phrase: the expected words occur as whole words, in their case (symbols like "He" depend on it).
    asserts: the text is Python that passes the assertions in the sandbox.
    """
    if item.grader is None:
        return None
    kind, *values = item.grader
    if kind == "number":
        found = _NUMBER.findall(text)
        return bool(found) and float(found[-1]) == values[0]
    if kind == "choice":
        found = re.findall(rf"(?<!\w)[{values[1]}](?!\w)", text)
        return bool(found) and found[-1] == values[0]
    if kind == "phrase":
        return re.search(rf"(?<!\w){re.escape(values[0].rstrip('.!'))}(?!\w)", text) is not None
    if kind == "asserts":
        return passes(text, values[0])
    raise ValueError(f"unknown grader kind {kind!r}.")
