"""The corpus item, the split rule and the surface wording shared by all families."""

import hashlib
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

TRAIN = "train"
HELD_OUT = "held-out"
SPLITS = (TRAIN, HELD_OUT)

# One key in twenty is held out: enough for thousands of held-out word problems, little loss for training.
_HELD_OUT_ONE_IN = 20

# Of the answers to a question that can be answered in several ways, how many are made to take the first way.
_USUAL_PERCENT = 70
_Way = TypeVar("_Way")

_IMPERATIVES = {"List", "Name", "Tell", "Give", "Write", "Count", "Say", "Make", "Think"}


@dataclass(frozen=True)
class Item:
    """One question with a reference answer.

    `grader` is plain data, `(kind, value, ...)`, read by `grading.grade`; None means the answer is open ended.
    """

    family: str
    prompt: str
    answer: str
    grader: tuple | None


def split_of(key: str) -> str:
    """The split of an item by its semantic key: a stable hash, so the two splits never share a key."""
    return HELD_OUT if hashlib.sha256(key.encode()).digest()[0] % _HELD_OUT_ONE_IN == 0 else TRAIN


def usual(ways: Sequence[_Way], drawn: _Way, key: str) -> _Way:
    """The first of several ways to answer for most keys, else the one that was `drawn`, evenly.

    With even odds the best token of one position belongs to one way and that of the next to another, and a decoder that
    does not write from left to right mixes them: "return a ** b, b)".  With a usual way it has to be pushed to do so.
    """
    return ways[0] if zlib.crc32(key.encode()) % 100 < _USUAL_PERCENT else drawn


def reworded(rng: random.Random, prompt: str, polite: bool = True) -> str:
    """The prompt as a visitor may type it: sometimes polite, lower case, upper case or without its last mark."""
    draw = rng.random()
    imperative = prompt.split(" ", 1)[0] in _IMPERATIVES
    if polite and imperative and draw < 0.12:
        prompt = f"Please {prompt[0].lower()}{prompt[1:]}"
    elif polite and imperative and draw < 0.18:
        prompt = f"{prompt.rstrip('.')} please."
    draw = rng.random()
    if draw < 0.12:
        prompt = prompt.lower()
    elif draw < 0.13 and len(prompt) < 50:  # capitals cost about three times the tokens
        prompt = prompt.upper()
    if rng.random() < 0.12:
        prompt = prompt.rstrip(".?!")
    return prompt
