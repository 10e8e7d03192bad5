"""Grading of a generated text against an item's plain-data grader."""

import re

from training.corpus.item import Item
from training.corpus.sandbox import passes

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def grade(item: Item, text: str) -> bool | None:
    """True or False for a graded item, None for an open-ended one.

    number: the last number in the text is the expected one.  sequence: the comma-separated entries are exactly the
    expected ones in order, without regard to case.  members: the right count of different entries, all allowed.
    phrase: the expected words occur as whole words, in their case (symbols like "He" depend on it).  asserts: the
    text is Python that passes the assertions in the sandbox.
    """
    if item.grader is None:
        return None
    kind, *values = item.grader
    if kind == "number":
        found = _NUMBER.findall(text)
        return bool(found) and float(found[-1]) == values[0]
    if kind == "sequence":
        return _entries(text) == [entry.lower() for entry in values[0]]
    if kind == "members":
        entries = _entries(text)
        return len(entries) == values[0] == len(set(entries)) and set(entries) <= set(values[1])
    if kind == "phrase":
        return re.search(rf"(?<!\w){re.escape(values[0].rstrip('.!'))}(?!\w)", text) is not None
    if kind == "asserts":
        return passes(text, values[0])
    raise ValueError(f"unknown grader kind {kind!r}.")


def _entries(text: str) -> list[str]:
    """The comma-separated entries of a list answer in lower case, without a final "and" or full stop."""
    entries = [entry.strip().lower() for entry in text.strip().rstrip(".").split(",")]
    return [entry.removeprefix("and ") for entry in entries]
