"""Exercises that are trained and never asked: sums in rows, and words with their letters said again.

They are no family of their own: a word problem holds one to three results among sixty other tokens, and a small model
that had every story right still said 9 * 8 = 54 after 8,000 steps.  Here most of an answer is results.  The letters of
options are looked up the same way.
"""

import random

from training.corpus.choice import LETTERS, MEMBERS
from training.corpus.item import Item

_WORDS = sorted({word for members in MEMBERS.values() for word in members})
_ASK = ("Calculate {}.", "What is {}?", "Compute {}.", "Work out {}.", "{}")
_FIND = ("Find {}.", "Where are {}?", "Which letters have {}?", "{}")


def _listed(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _sums(rng: random.Random) -> Item:
    """Three to eight sums as word problems have them: up to 98, mostly plus and minus."""
    asked, solved = [], []
    for _ in range(rng.randint(3, 8)):
        draw = rng.random()
        if draw < 0.15:
            a, b = rng.randint(2, 9), rng.randint(2, 10)
            sign, result = "*", a * b
        elif draw < 0.25:
            b, result = rng.randint(2, 9), rng.randint(2, 10)
            a, sign = b * result, "/"
        elif draw < 0.62:
            a = rng.randint(2, 86)
            b = rng.randint(2, min(20 if rng.random() < 0.3 else 12, 98 - a))
            sign, result = "+", a + b
        else:
            a = rng.randint(4, 98)
            b = rng.randint(2, min(20 if rng.random() < 0.3 else 12, a - 1))
            sign, result = "-", a - b
        asked.append(f"{a} {sign} {b}")
        solved.append(f"{a} {sign} {b} = {result}")
    return Item("drill", rng.choice(_ASK).format(_listed(asked)), f"{_listed(solved)}.", None)


def _letters(rng: random.Random) -> Item:
    """Some of three to eight options with the letters that stand behind them, in another order."""
    options = rng.sample(_WORDS, rng.randint(3, len(LETTERS)))
    marked = dict(zip(options, LETTERS, strict=False))
    named = rng.sample(options, rng.randint(2, len(options)))
    prompt = f"{rng.choice(_FIND).format(_listed(named))} " + ", ".join(f"{o} ({mark})" for o, mark in marked.items())
    return Item("drill", prompt, f"{_listed([f'{o} ({marked[o]})' for o in named])}.", None)


def draw(rng: random.Random) -> Item:
    """One exercise."""
    return rng.choices((_sums, _letters), (65, 35))[0](rng)
