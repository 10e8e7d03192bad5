"""Exercises that are trained and never asked: sums in rows, and words with their letters said again.

They are no family of their own: a word problem holds one to three results among sixty other tokens, and a small model
that had every story right still said 9 * 8 = 54 after 8,000 steps.  Here most of an answer is results.  Looking up what
follows a word, which finds the letters of options, is trained the same way.
"""

import random

from training.corpus import facts
from training.corpus.choice import LETTERS, MEMBERS, OVERLAPS, article, short_kind
from training.corpus.item import Item

_WORDS = sorted({word for members in MEMBERS.values() for word in members})
_CITIES = sorted(facts.CAPITALS[country] for country in facts.WELL_KNOWN)
_NUMBERS = [str(number) for number in range(1, 100)]
_ASK = ("Calculate {}.", "What is {}?", "Compute {}.", "Work out {}.", "{}")
_UNTIL = ("Which is {k}?", "Find {k}:", "Stop at {k}:", "Choose {k}.", "Which of these is {k}?", "Pick {k}.")
_UNTIL_NOT = ("Which is not {k}?", "Find what is not {k}:", "Which of these is not {k}?", "Stop at what is not {k}:")
_SEEK = ("Find {}:", "Where is {}?", "Which is {}?", "Stop at {}:", "{}")
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


def letters(rng: random.Random) -> Item:
    """Some of three to eight options with the letters that stand behind them, in another order."""
    options = rng.sample(_WORDS, rng.randint(3, len(LETTERS)))
    marked = dict(zip(options, LETTERS, strict=False))
    named = rng.sample(options, rng.randint(2, len(options)))
    prompt = f"{rng.choice(_FIND).format(_listed(named))} " + ", ".join(f"{o} ({mark})" for o, mark in marked.items())
    return Item("drill", prompt, f"{_listed([f'{o} ({marked[o]})' for o in named])}.", None)


def _said_again(rng: random.Random) -> Item:
    """Words in no order, to be said again: every token of the answer is looked up behind the one before it."""
    words = " ".join(rng.sample(_WORDS, rng.randint(6, 24)))
    return Item("drill", f"Repeat: {words}", f"Here {words}", None)


def _asked(rng: random.Random) -> tuple[str, list[str], str]:
    """A question for a kind of word, words of which one is right, and that one."""
    kind = rng.choice(tuple(MEMBERS))
    far = [k for k in MEMBERS if k != kind and k not in OVERLAPS.get(kind, ())]
    others, own = [rng.choice(MEMBERS[k]) for k in rng.sample(far, 7)], rng.sample(MEMBERS[kind], 4)
    if rng.random() < 0.3:
        right, wrong, ask = others[0], own[: rng.randint(1, 4)], rng.choice(_UNTIL_NOT).format(k=article(kind))
    else:
        right, wrong, ask = own[0], others[: rng.randint(2, 7)], rng.choice(_UNTIL).format(k=article(kind))
    options = [*wrong, right]
    rng.shuffle(options)
    return ask, options, right


def until(rng: random.Random) -> Item:
    """The kinds of up to eight words in turn, up to the first that is of the kind asked for, or the first that is not.

    Whether to stop is all there is to learn here: tiny-ar, which knew every kind, went on past the right one in a third
    of its multiple choice answers, because it did not look back at what the question had asked for.
    """
    ask, options, right = _asked(rng)
    said = ", ".join(f"{o}: {short_kind(o)}" for o in options[: options.index(right) + 1])
    return Item("until", f"{ask} {', '.join(options)}", f"{said}.", None)


def seek(rng: random.Random) -> Item:
    """Options with their letters, up to the one that the question names or whose kind it asks for: `until` in the form
    that lists the options (`choice.FORMS`)."""
    if rng.random() < 0.5:
        ask, options, right = _asked(rng)
        said = [f"{o} ({mark}): {short_kind(o)}" for o, mark in zip(options, LETTERS, strict=False)]
        opening = "Here "
    else:
        pool = rng.choice((_WORDS, _CITIES, _NUMBERS))
        options = rng.sample(pool, rng.randint(3, len(LETTERS)))
        right = rng.choice(options)
        ask, opening = rng.choice(_SEEK).format(right), f"Seek {right}: "
        said = [f"{o} ({mark})" for o, mark in zip(options, LETTERS, strict=False)]
    listed = ", ".join(f"{o} ({mark})" for o, mark in zip(options, LETTERS, strict=False))
    return Item("seek", f"{ask} {listed}", f"{opening}{', '.join(said[: options.index(right) + 1])}.", None)


def draw(rng: random.Random) -> Item:
    """One exercise in sums, letters or saying words again."""
    return rng.choices((_sums, letters, _said_again), (35, 30, 35))[0](rng)


EXERCISES = {"drill": draw, "letters": letters, "until": until, "seek": seek}
"""By the name that a mixture calls them."""
