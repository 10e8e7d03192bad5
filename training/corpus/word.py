"""Word problems of one to three operations with written-out steps.

The semantic key is the chain of operations with its numbers ("12+5-4"), whatever the story around it: a held-out
problem's chain is never trained in any wording.  Its single steps (12 + 5 = 17) do occur in training.
"""

import random

from training.corpus.item import Item, reworded, split_of

HER = (
    "Mia",
    "Anna",
    "Lily",
    "Emma",
    "Zoe",
    "Ella",
    "Nora",
    "Ava",
    "Ruby",
    "Sara",
    "Maria",
    "Kate",
    "Lucy",
    "Mary",
    "Alice",
)
HIM = (
    "Tom",
    "Ben",
    "Sam",
    "Jack",
    "Max",
    "Leo",
    "Finn",
    "Noah",
    "Omar",
    "Paul",
    "Ali",
    "David",
    "Peter",
    "John",
    "Bob",
)
NAMES = HER + HIM
THINGS = (
    "apples",
    "pears",
    "oranges",
    "cookies",
    "candies",
    "marbles",
    "books",
    "pencils",
    "stickers",
    "coins",
    "cards",
    "balloons",
    "eggs",
    "flowers",
    "shells",
    "stamps",
    "toys",
    "cups",
    "pens",
    "lemons",
    "cakes",
    "stones",
    "balls",
    "buttons",
    "tickets",
    "bananas",
    "dollars",
    "keys",
    "hats",
    "muffins",
)
BOXES = ("boxes", "bags", "baskets", "shelves", "jars", "rows", "packs", "trays")
PRICED = ("pen", "book", "toy", "cake", "ticket", "hat", "ball", "cup", "card", "sandwich", "kite", "muffin")

GAIN = (
    "{p} buys {a} more {t}.",
    "{p} finds {a} more.",
    "{f} gives {p} {a} more {t}.",
    "Then {p} gets {a} more.",
    "{p} gets {a} more {t} from {f}.",
    "{p} picks up {a} more {t}.",
    "Then {f} gives {p} {a} {t}.",
    "{p} wins {a} {t}.",
    "{p} buys {a} more.",
    "{f} gives {p} {a} more.",
    "{p} gets {a} more.",
    "{p} finds {a} {t}.",
    "{p} buys {a} {t}.",
    "{p} gets {a} from {f}.",
)
LOSE = (
    "{p} gives {a} {t} to {f}.",
    "{p} loses {a} of them.",
    "{p} sells {a} {t}.",
    "{p} gives {f} {a} {t}.",
    "Then {p} gives away {a}.",
    "{f} takes {a} of them.",
    "{p} uses {a} of them.",
    "Then {p} loses {a} {t}.",
    "{p} gives {a} to {f}.",
    "{p} loses {a}.",
    "{p} sells {a}.",
    "{p} gives {f} {a}.",
    "{p} gives away {a} {t}.",
    "{p} gives {a} away.",
    "{p} throws away {a}.",
)
# Events whose subject is the same person can be joined by "and".
_JOIN = (" and ", " and ", " and then ", ", then ")
START = (
    "{p} has {a} {t}.",
    "{p} had {a} {t}.",
    "{p} starts with {a} {t}.",
    "There are {a} {t} on {p}'s table.",
    "{p} owns {a} {t}.",
    "{p} collected {a} {t}.",
)
NOW = (
    "How many {t} does {p} have now?",
    "How many {t} does {p} have?",
    "How many {t} are there now?",
    "How many {t} does {p} have left?",
    "How many does {p} have now?",
    "How many does {p} have left?",
    "How many does {p} have in the end?",
    "How many {t} does {p} have at the end?",
    "How many {t} are left?",
)
DISTRACT = (
    "{p} is {a} years old.",
    "{f} is {a} years old.",
    "It is {a} degrees outside.",
    "The shop opens at {a}.",
    "{p}'s house number is {a}.",
)
_SIGN_WORD = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


def _result(x: int, sign: str, y: int) -> int:
    return {"+": x + y, "-": x - y, "*": x * y, "/": x // y if y else 0}[sign]


def _answer(rng: random.Random, steps: list[tuple[int, str, int]]) -> tuple[str, int]:
    """The written-out steps in one of three styles, and the final number."""
    lines = [f"{x} {sign} {y} = {_result(x, sign, y)}." for x, sign, y in steps]
    final = _result(*steps[-1])
    draw = rng.random()
    if draw < 0.60:
        return " ".join([*lines, f"The answer is {final}."]), final
    if draw < 0.80:
        leads = ("First,", "Then,", "Finally,")
        lines = [f"{lead} {line}" for lead, line in zip(leads, lines, strict=False)]
        return " ".join([*lines, f"The answer is {final}."]), final
    return " ".join([*lines, f"So the answer is {final}."]), final


def _chain_steps(rng: random.Random, n: int) -> list[tuple[int, str, int]]:
    """A chain of `n` additions and subtractions whose values stay between 1 and 99."""
    value = rng.randint(2, 60 if n == 1 else 40) if rng.random() < 0.4 else rng.randint(2, 20)
    steps = []
    for _ in range(n):
        sign = "-" if value > 3 and rng.random() < 0.5 else "+"
        top = 30 if rng.random() < 0.25 else 12
        other = rng.randint(2, min(top, value - 1)) if sign == "-" else rng.randint(2, min(top, 98 - value))
        steps.append((value, sign, other))
        value = _result(value, sign, other)
    return steps


def _events(rng: random.Random, steps: list[tuple[int, str, int]], who: dict[str, str]) -> list[str]:
    """One sentence per step, or one for two steps with the same subject."""
    told: list[str] = []
    for _, sign, a in steps:
        event = rng.choice(GAIN if sign == "+" else LOSE).format(a=a, **who)
        subject = f"{who['p']} "
        if told and told[-1].startswith(subject) and event.startswith(subject) and rng.random() < 0.4:
            told[-1] = told[-1].rstrip(".") + rng.choice(_JOIN) + event.removeprefix(subject)
        else:
            told.append(event)
    return told


def _with_pronouns(rng: random.Random, parts: list[str], p: str) -> list[str]:
    """Half of the time the person is named in the first sentence (and perhaps the question) and is he or she after."""
    if rng.random() < 0.5:
        return parts
    subject, him = ("she", "her") if p in HER else ("he", "him")
    rest = parts[1:] if rng.random() < 0.4 else parts[1:-1]
    changed = []
    for part in rest:
        part = part.replace(f"Then {p} ", f"Then {subject} ").replace(f"does {p} ", f"does {subject} ")
        if part.startswith(f"{p} "):
            part = subject.capitalize() + part.removeprefix(p)
        changed.append(part.replace(f" gives {p} ", f" gives {him} "))
    return [parts[0], *changed, *parts[1 + len(rest) :]]


def _chain(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    p, f = rng.sample(NAMES, 2)
    who = {"p": p, "f": f, "t": rng.choice(THINGS)}
    steps = _chain_steps(rng, rng.choices((1, 2, 3), (30, 45, 25))[0])
    parts = [rng.choice(START).format(a=steps[0][0], **who), *_events(rng, steps, who)]
    if len(steps) < 3 and rng.random() < 0.15:
        parts.insert(rng.randint(0, 1), rng.choice(DISTRACT).format(a=rng.randint(5, 30), **who))
    return _with_pronouns(rng, [*parts, rng.choice(NOW).format(**who)], p), steps


def _groups(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    p, f = rng.sample(NAMES, 2)
    t, box = rng.choice(THINGS), rng.choice(BOXES)
    a, b = rng.randint(2, 9), rng.randint(2, 10)
    steps = [(a, "*", b)]
    parts = [
        rng.choice(
            (
                f"{p} has {a} {box} with {b} {t} each.",
                f"There are {a} {box} with {b} {t} in each.",
                f"{p} buys {a} {box} of {b} {t}.",
                f"{p} fills {a} {box} with {b} {t} each.",
                f"Each of {p}'s {a} {box} holds {b} {t}.",
            )
        )
    ]
    who = {"p": p, "f": f, "t": t}
    if rng.random() < 0.45:
        value = a * b
        sign = rng.choice("+-") if value > 3 else "+"
        other = rng.randint(2, min(15, value - 1)) if sign == "-" else rng.randint(2, min(15, 110 - value))
        steps.append((value, sign, other))
        parts += _events(rng, steps[1:], who)
        return [*parts, rng.choice(NOW).format(**who)], steps
    return [
        *parts,
        rng.choice(
            (
                f"How many {t} are there in total?",
                f"How many {t} is that?",
                f"How many {t} are there altogether?",
                f"How many {t} does {p} have?",
            )
        ),
    ], steps


def _share(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    p, t = rng.choice(NAMES), rng.choice(THINGS)
    k, each = rng.randint(2, 9), rng.randint(2, 10)
    total = k * each
    text = rng.choice(
        (
            f"{p} shares {total} {t} equally among {k} friends. How many {t} does each friend get?",
            f"{p} puts {total} {t} into {k} bags equally. How many {t} are in each bag?",
            f"{k} children share {total} {t} equally. How many does each child get?",
            f"{total} {t} are packed into boxes of {k}. How many boxes are needed?",
            f"{p} divides {total} {t} by {k} people. How many {t} does each get?",
        )
    )
    return [text], [(total, "/", k)]


def _compare(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    p, f = rng.sample(NAMES, 2)
    t = rng.choice(THINGS)
    a, b = rng.randint(3, 30), rng.randint(2, 15)
    kind = rng.randrange(5)
    if kind == 0:
        text = f"{p} has {a} {t}. {f} has {b} more {t} than {p}. How many {t} does {f} have?"
        return [text], [(a, "+", b)]
    if kind == 1:
        text = f"{p} has {a} {t}. {f} has {b} more than {p}. How many {t} do they have together?"
        return [text], [(a, "+", b), (a, "+", a + b)]
    if kind == 2:
        a = b + rng.randint(2, 20)
        ask = rng.choice((f"How many more {t} does {p} have than {f}?", f"How many fewer {t} does {f} have?"))
        return [f"{p} has {a} {t}. {f} has {b} {t}. {ask}"], [(a, "-", b)]
    if kind == 3:
        ask = rng.choice(
            (
                f"How many {t} do they have together?",
                f"How many {t} do they have in total?",
                f"How many {t} do {p} and {f} have?",
            )
        )
        return [f"{p} has {a} {t}. {f} has {b} {t}. {ask}"], [(a, "+", b)]
    k = rng.randint(2, 4)
    a = rng.randint(2, 12)
    times = {2: "twice", 3: "three times", 4: "four times"}[k]
    return [f"{p} has {a} {t}. {f} has {times} as many. How many {t} does {f} have?"], [(a, "*", k)]


def _price(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    p, t = rng.choice(NAMES), rng.choice(PRICED)
    many = f"{t}es" if t.endswith("ch") else f"{t}s"
    a, b = rng.randint(2, 9), rng.randint(2, 10)
    kind = rng.randrange(3)
    if kind == 0:
        text = rng.choice(
            (
                f"A {t} costs {b} dollars. How much do {a} {many} cost?",
                f"One {t} costs {b} dollars. How many dollars do {a} {many} cost?",
                f"{p} buys {a} {many} for {b} dollars each. How much does {p} pay?",
            )
        )
        return [text], [(a, "*", b)]
    if kind == 1:
        pay = a * b + rng.randint(2, 15)
        text = f"{p} has {pay} dollars. {p} buys {a} {many} for {b} dollars each. How many dollars are left?"
        return [text], [(a, "*", b), (pay, "-", a * b)]
    pay = b + rng.randint(2, 20)
    return [f"{p} has {pay} dollars and buys a {t} for {b} dollars. How much money is left?"], [(pay, "-", b)]


def _bus(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    steps = _chain_steps(rng, rng.choice((1, 2, 2, 3)))
    place = rng.choice(("bus", "train", "boat"))
    parts = [f"There are {steps[0][0]} people on a {place}."]
    for _, sign, a in steps:
        parts.append(f"{a} people get on." if sign == "+" else f"{a} people get off.")
    ask = rng.choice(
        (
            f"How many people are on the {place} now?",
            f"How many people are on the {place}?",
            "How many people are left?",
        )
    )
    return [*parts, ask], steps


def _bare(rng: random.Random) -> tuple[list[str], list[tuple[int, str, int]]]:
    draw = rng.random()
    if draw < 0.25:
        steps = [(rng.randint(2, 10), "*", rng.randint(2, 10))]
    elif draw < 0.35:
        k, each = rng.randint(2, 9), rng.randint(2, 10)
        steps = [(k * each, "/", k)]
    else:
        steps = _chain_steps(rng, rng.choice((1, 1, 2, 3)))
    signs = _SIGN_WORD if rng.random() < 0.35 else {sign: sign for sign in _SIGN_WORD}
    text = str(steps[0][0]) + "".join(f" {signs[sign]} {b}" for _, sign, b in steps)
    ask = rng.choice(
        (
            "What is {}?",
            "What is {}?",
            "Calculate {}.",
            "How much is {}?",
            "Compute {}.",
            "{} = ?",
            "Solve {}.",
            "Work out {}.",
        )
    )
    return [ask.format(text)], steps


_KINDS = ((_chain, 42), (_groups, 12), (_share, 8), (_compare, 12), (_price, 10), (_bus, 6), (_bare, 10))


def draw(rng: random.Random) -> tuple[str, Item]:
    """One word problem and its split."""
    kind = rng.choices([k for k, _ in _KINDS], [w for _, w in _KINDS])[0]
    parts, steps = kind(rng)
    answer, final = _answer(rng, steps)
    key = "word:" + str(steps[0][0]) + "".join(f"{sign}{b}" for _, sign, b in steps)
    prompt = reworded(rng, " ".join(parts), polite=False)
    return split_of(key), Item("word", prompt, answer, ("number", final))
