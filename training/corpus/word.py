"""Word problems of one to three operations with written-out steps.

The semantic key of a problem with two or three operations is the chain of operations with its numbers ("12+5;17-4"),
whatever the story around it: a held-out chain is never trained in any wording.  Its single steps (12 + 5 = 17) do occur
in training.  A problem of one operation is keyed by its kind, its item and its numbers ("share:apples:42/7"): held out
is a new pairing of story and numbers, while the fact 42 / 7 = 6 itself is trained in other stories.
"""

import random

from training.corpus.item import Item, reworded, split_of, usual

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
EDIBLE = ("apples", "pears", "oranges", "cookies", "candies", "eggs", "lemons", "cakes", "bananas", "muffins")
EAT = ("{p} eats {a} {t}.", "{p} eats {a} of them.", "{p} eats {a}.", "{f} eats {a} {t}.", "Then {p} eats {a}.")
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
    "How many are left?",
    "How many {t} now?",
    "How many {t} does {p} have after that?",
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


def _answer(rng: random.Random, steps: list[tuple[int, str, int]], says: tuple[str, ...]) -> tuple[str, int]:
    """The steps in one of four styles, and the final number, which is the last number of the text.

    One style is the usual one, yet a decoder that fills several positions at once can mix them up.  `says` tells what
    the result of each step means, in words with {n} for the number; one phrase stands for all steps.
    """
    lines = [f"{x} {sign} {y} = {_result(x, sign, y)}" for x, sign, y in steps]
    final = _result(*steps[-1])
    told = [f"{say[0].upper()}{say[1:]}" for say in says]
    style = usual(range(4), rng.randrange(4), f"{lines}{told}")
    # "Tom has 1 apples" is never said, nor is "The answer is 3 + 4 = 7, then 7 - 2 = 5".
    if style > 1 and final == 1 or style == 3 and told[-1] == "The answer is {n}" and len(steps) > 1:
        style -= 2
    if style == 0:
        return f"{'. '.join(lines)}. The answer is {final}.", final
    if style == 1 and len(lines) == 1:
        return f"{lines[0]}. So the answer is {final}.", final
    if style == 1:
        leads = ("First", "Then", "Finally")
        lines = [f"{lead}, {line}." for lead, line in zip(leads, lines, strict=False)]
        return " ".join([*lines, f"The answer is {final}."]), final
    if style == 2:
        listed = f"{', '.join(lines[:-1])} and {lines[-1]}" if len(lines) > 1 else lines[0]
        return f"{listed}, so {says[-1].format(n=final)}.", final
    if len(says) == 1:
        return told[0].format(n=", then ".join(lines)) + ".", final
    return " ".join(say.format(n=line) + "." for say, line in zip(told, lines, strict=True)), final


def _chain_steps(rng: random.Random, n: int) -> list[tuple[int, str, int]]:
    """A chain of `n` additions and subtractions: values mostly between 1 and 60, seldom up to 98."""
    most = 98 if rng.random() < 0.08 else 60
    value = rng.randint(2, 20) if rng.random() < 0.6 else rng.randint(2, most - 20)
    steps = []
    for _ in range(n):
        top = 20 if rng.random() < 0.15 else 12
        sign = "-" if value > most - 2 or value > 3 and rng.random() < 0.5 else "+"
        other = rng.randint(2, min(top, value - 1 if sign == "-" else most - value))
        steps.append((value, sign, other))
        value = _result(value, sign, other)
    return steps


def _events(rng: random.Random, steps: list[tuple[int, str, int]], who: dict[str, str]) -> list[str]:
    """One sentence per step, or one for two steps with the same subject."""
    told: list[str] = []
    for _, sign, a in steps:
        told_as = GAIN if sign == "+" else EAT if who["t"] in EDIBLE and rng.random() < 0.25 else LOSE
        event = rng.choice(told_as).format(a=a, **who)
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


# A problem: its sentences, its steps, what their results mean (see `_answer`), and its kind with its item.
Problem = tuple[list[str], list[tuple[int, str, int]], tuple[str, ...], str]


def _chain(rng: random.Random) -> Problem:
    p, f = rng.sample(NAMES, 2)
    who = {"p": p, "f": f, "t": rng.choice(THINGS)}
    steps = _chain_steps(rng, rng.choices((1, 2, 3), (15, 48, 37))[0])
    start, first, *more = [rng.choice(START).format(a=steps[0][0], **who), *_events(rng, steps, who)]
    if start.startswith(f"{p} ") and first.startswith(f"{p} ") and " and " not in first and rng.random() < 0.25:
        told = [f"{start.rstrip('.')} and {first.removeprefix(f'{p} ')}", *more]
    else:
        told = [start, first, *more]
    parts = [*told, rng.choice(NOW).format(**who)]
    if len(steps) < 3 and rng.random() < 0.12:
        # No pronouns here: "he" could be the person of the distracting sentence.
        parts.insert(rng.randint(0, 1), rng.choice(DISTRACT).format(a=rng.randint(5, 30), **who))
    else:
        parts = _with_pronouns(rng, parts, p)
    return parts, steps, (f"{p} has {{n}} {who['t']}",), f"chain:{who['t']}"


_GROUPS = (
    "{p} has {a} {box} with {b} {t} each.",
    "There are {a} {box} with {b} {t} in each.",
    "{p} buys {a} {box} of {b} {t}.",
    "{p} fills {a} {box} with {b} {t} each.",
    "Each of {p}'s {a} {box} holds {b} {t}.",
    "{p} has {a} {box}. Each one holds {b} {t}.",
    "There are {b} {t} in each of {a} {box}.",
)
_IN_ALL = (
    "How many {t} are there in total?",
    "How many {t} is that?",
    "How many {t} are there altogether?",
    "How many {t} are there?",
    "How many {t} are there in all?",
)


def _groups(rng: random.Random) -> Problem:
    p, f = rng.sample(NAMES, 2)
    who = {"p": p, "f": f, "t": rng.choice(THINGS)}
    a, b = rng.randint(2, 9), rng.randint(2, 10)
    steps = [(a, "*", b)]
    parts = [rng.choice(_GROUPS).format(a=a, b=b, box=rng.choice(BOXES), **who)]
    named = p in parts[0]
    if rng.random() < 0.6:
        value = a * b
        sign = rng.choice("+-") if value > 3 else "+"
        steps.append((value, sign, rng.randint(2, min(12, value - 1 if sign == "-" else 99 - value))))
        parts += _events(rng, steps[1:], who)
        ask = rng.choice(NOW)
        named = named or "{p}" in ask
    else:
        ask = rng.choice((*_IN_ALL, "How many {t} does {p} have?") if named else _IN_ALL)
    say = f"{p} has {{n}} {who['t']}" if named else f"there are {{n}} {who['t']}"
    return [*parts, ask.format(**who)], steps, (say,), f"groups:{who['t']}"


# (problem, what its result means)
_SHARE = (
    (
        "{p} shares {total} {t} equally among {k} friends. How many {t} does each friend get?",
        "each friend gets {n} {t}",
    ),
    ("{p} puts {total} {t} into {k} bags equally. How many {t} are in each bag?", "each bag holds {n} {t}"),
    ("{k} children share {total} {t} equally. How many does each child get?", "each child gets {n} {t}"),
    ("{total} {t} are packed into boxes of {k}. How many boxes are needed?", "{n} boxes are needed"),
    ("{p} divides {total} {t} by {k} people. How many {t} does each get?", "each person gets {n} {t}"),
    ("{total} {t} are shared equally by {k} people. How many {t} does each person get?", "each person gets {n} {t}"),
    ("{p} puts {k} {t} in each bag and has {total} {t}. How many bags are there?", "there are {n} bags"),
)


def _share(rng: random.Random) -> Problem:
    p, t = rng.choice(NAMES), rng.choice(THINGS)
    k, each = rng.randint(2, 9), rng.randint(2, 10)
    total = k * each
    steps = [(total, "/", k)]
    if rng.random() < 0.6 or each < 4:
        text, say = rng.choice(_SHARE)
        # {n} stays for the answer.
        says = (say.format(n="{n}", t=t),)
        return [text.format(p=p, t=t, k=k, total=total)], steps, says, f"share:{t}"
    if rng.random() < 0.5:
        b = rng.randint(2, each - 1)
        text = f"{p} puts {total} {t} into {k} bags equally. Then {p} takes {b} out of one bag."
        says = (f"each bag holds {{n}} {t}", f"{{n}} {t} are left")
        return [text, f"How many {t} are left in that bag?"], [*steps, (each, "-", b)], says, f"share:{t}"
    b = rng.randint(2, 12)
    text = f"{k} friends share {total} {t} equally. Then one of them, {p}, gets {b} more."
    says = (f"each friend gets {{n}} {t}", f"{p} has {{n}} {t}")
    return [text, f"How many {t} does {p} have?"], [*steps, (each, "+", b)], says, f"share:{t}"


def _compare(rng: random.Random) -> Problem:
    p, f = rng.sample(NAMES, 2)
    t = rng.choice(THINGS)
    a, b = rng.randint(3, 24), rng.randint(2, 20 if rng.random() < 0.15 else 12)
    kind = rng.choices(("more", "more of both", "fewer of both", "difference", "both", "times"), (3, 3, 3, 3, 3, 2))[0]
    first, item = f"{p} has {a} {t}.", f"{kind}:{t}"
    together = rng.choice(
        (
            f"How many {t} do they have together?",
            f"How many {t} do they have in total?",
            f"How many {t} do {p} and {f} have?",
            f"How many {t} do they have in all?",
        )
    )
    theirs, ours = f"{f} has {{n}} {t}", f"they have {{n}} {t}"
    if kind == "more":
        return [first, f"{f} has {b} more {t} than {p}. How many {t} does {f} have?"], [(a, "+", b)], (theirs,), item
    if kind == "more of both":
        return [first, f"{f} has {b} more than {p}.", together], [(a, "+", b), (a, "+", a + b)], (theirs, ours), item
    if kind == "fewer of both":
        a += b
        parts = [f"{p} has {a} {t}.", f"{f} has {b} fewer than {p}.", together]
        return parts, [(a, "-", b), (a, "+", a - b)], (theirs, ours), item
    if kind == "difference":
        a = b + rng.randint(2, 20)
        ask, say = rng.choice(
            (
                (f"How many more {t} does {p} have than {f}?", f"{p} has {{n}} more {t}"),
                (f"How many fewer {t} does {f} have?", f"{f} has {{n}} fewer {t}"),
            )
        )
        return [f"{p} has {a} {t}. {f} has {b} {t}.", ask], [(a, "-", b)], (say,), item
    if kind == "both":
        return [first, f"{f} has {b} {t}.", together], [(a, "+", b)], (ours,), item
    k = rng.randint(2, 4)
    a = rng.randint(2, 10)
    times = {2: "twice", 3: "three times", 4: "four times"}[k]
    parts = [f"{p} has {a} {t}. {f} has {times} as many. How many {t} does {f} have?"]
    return parts, [(a, "*", k)], (theirs,), item


_COST = (
    ("A {t} costs {b} dollars. How much do {a} {many} cost?", "they cost {n} dollars"),
    ("One {t} costs {b} dollars. How many dollars do {a} {many} cost?", "they cost {n} dollars"),
    ("{p} buys {a} {many} for {b} dollars each. How much does {p} pay?", "{p} pays {n} dollars"),
    ("Each {t} costs {b} dollars. {p} buys {a} of them. How much does {p} pay?", "{p} pays {n} dollars"),
)


def _price(rng: random.Random) -> Problem:
    p, t = rng.choice(NAMES), rng.choice(PRICED)
    many = f"{t}es" if t.endswith("ch") else f"{t}s"
    a, b = rng.randint(2, 9), rng.randint(2, 10)
    kind = rng.randrange(5)
    if kind < 2:
        text, say = rng.choice(_COST)
        text = text.format(p=p, t=t, many=many, a=a, b=b)
        return [text], [(a, "*", b)], (say.format(n="{n}", p=p),), f"cost:{t}"
    left = "{n} dollars are left"
    if kind < 4:
        pay = min(99, a * b + rng.randint(2, 12))
        text = f"{p} has {pay} dollars. {p} buys {a} {many} for {b} dollars each. How many dollars are left?"
        return [text], [(a, "*", b), (pay, "-", a * b)], ("they cost {n} dollars", left), f"rest:{t}"
    pay = b + rng.randint(2, 20)
    text = f"{p} has {pay} dollars and buys a {t} for {b} dollars. How much money is left?"
    return [text], [(pay, "-", b)], (left,), f"rest:{t}"


def _bus(rng: random.Random) -> Problem:
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
    return [*parts, ask], steps, ("there are {n} people",), f"bus:{place}"


_BARE = (
    "What is {}?",
    "Calculate {}.",
    "How much is {}?",
    "Compute {}.",
    "{} = ?",
    "Solve {}.",
    "Work out {}.",
    "What does {} equal?",
    "What do you get for {}?",
)


def _bare(rng: random.Random) -> Problem:
    draw = rng.random()
    if draw < 0.25:
        steps = [(rng.randint(2, 9), "*", rng.randint(2, 10))]
    elif draw < 0.40:
        k, each = rng.randint(2, 9), rng.randint(2, 10)
        steps = [(k * each, "/", k)]
    else:
        steps = _chain_steps(rng, rng.choice((1, 1, 2, 3)))
    spoken = rng.random() < 0.35
    signs = _SIGN_WORD if spoken else {sign: sign for sign in _SIGN_WORD}
    text = str(steps[0][0]) + "".join(f" {signs[sign]} {b}" for _, sign, b in steps)
    ask = _BARE[0] if rng.random() < 0.2 else rng.choice(_BARE)
    return [ask.format(text)], steps, ("the answer is {n}",), f"bare:{ask}:{spoken}"


_KINDS = ((_chain, 46), (_groups, 12), (_share, 6), (_compare, 10), (_price, 8), (_bus, 8), (_bare, 10))


def draw(rng: random.Random) -> tuple[str, Item]:
    """One word problem and its split."""
    kind = rng.choices([k for k, _ in _KINDS], [w for _, w in _KINDS])[0]
    parts, steps, says, item = kind(rng)
    answer, final = _answer(rng, steps, says)
    chain = ";".join(f"{x}{sign}{y}" for x, sign, y in steps)
    key = f"word:{item}:{chain}" if len(steps) == 1 else f"word:{chain}"
    prompt = reworded(rng, " ".join(parts), polite=False)
    return split_of(key), Item("word", prompt, answer, ("number", final))
