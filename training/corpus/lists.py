"""List questions: sequences with one right answer, and "name n of a kind" with a set of right answers.

The semantic key of a counting question is its kind and its numbers.  Where there are few possible arguments (the days
after Tuesday) the key also holds the wording, so held-out means a new pairing of wording and argument there.
"""

import random

from training.corpus.item import Item, reworded, split_of

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
RAINBOW = ("red", "orange", "yellow", "green", "blue", "indigo", "violet")
SEASONS = ("spring", "summer", "autumn", "winter")
PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
VOWELS = tuple("AEIOU")
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)
KINDS = {
    "fruits": ("apple", "banana", "cherry", "orange", "pear", "grape", "lemon", "peach", "plum", "mango"),
    "animals": ("dog", "cat", "horse", "cow", "lion", "tiger", "bear", "rabbit", "fox", "wolf"),
    "colors": ("red", "blue", "green", "yellow", "black", "white", "pink", "purple", "brown", "gray"),
    "vegetables": ("carrot", "potato", "onion", "tomato", "pea", "bean", "cabbage", "pepper", "spinach", "corn"),
    "birds": ("owl", "eagle", "robin", "crow", "duck", "swan", "parrot", "penguin", "hawk", "dove"),
    "countries": ("France", "Spain", "Italy", "Germany", "Japan", "China", "Brazil", "Canada", "Egypt", "India"),
    "sports": (
        "football",
        "tennis",
        "golf",
        "hockey",
        "rugby",
        "boxing",
        "basketball",
        "swimming",
        "running",
        "cricket",
    ),
    "tools": ("hammer", "saw", "drill", "wrench", "axe", "shovel", "rake", "knife", "ruler", "brush"),
    "drinks": ("water", "milk", "tea", "coffee", "juice", "soda", "lemonade", "cocoa"),
    "instruments": ("piano", "guitar", "violin", "drum", "flute", "trumpet", "harp", "cello"),
}
_NUMBER_WORD = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def _sequence(rng: random.Random, wordings: tuple[str, ...], values, **slots) -> tuple[str, str, tuple, str]:
    """(prompt, answer, grader, wording) of a question whose only right answer is `values` in order."""
    wording = rng.choice(wordings)
    words = tuple(str(v) for v in values)
    return wording.format(**slots), ", ".join(words) + ".", ("sequence", words), wording


def _numbers(rng: random.Random):
    kind = rng.choices(
        ("up", "down", "even", "odd", "multiples", "steps", "squares", "primes"), (26, 20, 12, 12, 18, 8, 2, 2)
    )[0]
    if kind == "up":
        a = rng.randint(1, 30)
        b = a + rng.randint(2, 9)
        got = _sequence(
            rng,
            (
                "List the numbers from {a} to {b}.",
                "Count from {a} to {b}.",
                "Write the numbers from {a} to {b}.",
                "Count up from {a} to {b}.",
                "What are the numbers from {a} to {b}?",
                "Give me the numbers {a} to {b}.",
                "Name all numbers between {a} and {b}, both included.",
            ),
            range(a, b + 1),
            a=a,
            b=b,
        )
        return f"up:{a}:{b}", got
    if kind == "down":
        a = rng.randint(3, 30)
        b = max(0, a - rng.randint(2, 9)) if rng.random() < 0.6 else max(1, a - 9)
        got = _sequence(
            rng,
            (
                "Count down from {a} to {b}.",
                "List the numbers from {a} down to {b}.",
                "Count backwards from {a} to {b}.",
                "Write the numbers from {a} down to {b}.",
                "Count from {a} down to {b}.",
            ),
            range(a, b - 1, -1),
            a=a,
            b=b,
        )
        return f"down:{a}:{b}", got
    if kind in ("even", "odd"):
        a = rng.randint(1, 30)
        b = a + rng.randint(5, 16)
        values = [v for v in range(a, b + 1) if v % 2 == (kind == "odd")]
        got = _sequence(
            rng,
            (
                "List the {k} numbers from {a} to {b}.",
                "Write the {k} numbers from {a} to {b}.",
                "What are the {k} numbers from {a} to {b}?",
                "Give me the {k} numbers from {a} to {b}.",
                "Name the {k} numbers from {a} to {b}.",
            ),
            values,
            a=a,
            b=b,
            k=kind,
        )
        return f"{kind}:{a}:{b}", got
    if kind == "multiples":
        m, n = rng.randint(2, 10), rng.randint(3, 9)
        got = _sequence(
            rng,
            (
                "List the first {n} multiples of {m}.",
                "Name the first {n} multiples of {m}.",
                "What are the first {n} multiples of {m}?",
                "Write {n} multiples of {m}.",
                "Give the first {n} multiples of {m}.",
            ),
            [m * i for i in range(1, n + 1)],
            m=m,
            n=n,
        )
        return f"multiples:{m}:{n}", got
    if kind == "steps":
        s, n = rng.choice((2, 5, 10)), rng.randint(4, 9)
        a = rng.randint(0, 6) * s
        got = _sequence(
            rng,
            (
                "Count by {s} from {a} to {b}.",
                "Count in steps of {s} from {a} to {b}.",
                "Skip count by {s} from {a} to {b}.",
            ),
            range(a, a + s * n, s),
            s=s,
            a=a,
            b=a + s * (n - 1),
        )
        return f"steps:{a}:{s}:{n}", got
    n = rng.randint(3, 9)
    values = [i * i for i in range(1, n + 1)] if kind == "squares" else PRIMES[:n]
    name = "square numbers" if kind == "squares" else "prime numbers"
    got = _sequence(
        rng,
        (
            "List the first {n} {k}.",
            "What are the first {n} {k}?",
            "Name the first {n} {k}.",
            "Write the first {n} {k}.",
            "Give me the first {n} {k}.",
        ),
        values,
        n=n,
        k=name,
    )
    return f"{kind}:{n}:{got[3]}", got


def _cycle(rng: random.Random):
    unit, values = rng.choice((("days", DAYS), ("months", MONTHS), ("planets", PLANETS)))
    i = rng.randrange(len(values))
    kind = rng.choice(("after", "before", "all", "between", "next"))
    if kind == "after" and i < len(values) - 1:
        got = _sequence(
            rng,
            (
                "List the {u} after {x}.",
                "Name the {u} after {x}.",
                "Which {u} come after {x}?",
                "What are the {u} after {x}?",
                "List all the {u} that come after {x}.",
                "Tell me the {u} after {x}.",
            ),
            values[i + 1 :],
            u=unit,
            x=values[i],
        )
    elif kind == "before" and i > 0:
        got = _sequence(
            rng,
            (
                "List the {u} before {x}.",
                "Name the {u} before {x}.",
                "Which {u} come before {x}?",
                "What are the {u} before {x}?",
                "Tell me the {u} before {x}.",
            ),
            values[:i],
            u=unit,
            x=values[i],
        )
    elif kind == "between" and i < len(values) - 2:
        j = rng.randrange(i + 1, len(values))
        got = _sequence(
            rng,
            (
                "List the {u} from {x} to {y}.",
                "Name the {u} from {x} to {y}.",
                "What are the {u} from {x} to {y}?",
                "Write the {u} from {x} to {y}.",
            ),
            values[i : j + 1],
            u=unit,
            x=values[i],
            y=values[j],
        )
    elif kind == "next" and i < len(values) - 2:
        n = rng.randint(2, min(4, len(values) - 1 - i))
        got = _sequence(
            rng,
            (
                "What are the next {n} {u} after {x}?",
                "Name the next {n} {u} after {x}.",
                "List the {n} {u} after {x}.",
                "Give the next {n} {u} after {x}.",
            ),
            values[i + 1 : i + 1 + n],
            u=unit,
            x=values[i],
            n=_NUMBER_WORD[n],
        )
    else:
        span = {"days": "of the week", "months": "of the year", "planets": "of the solar system"}[unit]
        got = _sequence(
            rng,
            (
                "List the {u} {s}.",
                "Name the {u} {s}.",
                "What are the {u} {s}?",
                "Write down the {u} {s}.",
                "Tell me the {u} {s}.",
                "Name all the {u} {s}.",
                "List all {u} {s}.",
            ),
            values,
            u=unit,
            s=span,
        )
        return f"all:{got[3]}:{unit}", got
    return f"cycle:{got[3]}:{got[0]}", got


def _letters(rng: random.Random):
    i = rng.randrange(24)
    j = min(25, i + rng.randint(2, 9))
    if rng.random() < 0.3:
        n = rng.randint(3, 12)
        got = _sequence(
            rng,
            (
                "List the first {n} letters of the alphabet.",
                "Write the first {n} letters.",
                "What are the first {n} letters of the alphabet?",
                "Name the first {n} letters of the alphabet.",
            ),
            LETTERS[:n],
            n=n,
        )
        return f"first letters:{n}:{got[3]}", got
    got = _sequence(
        rng,
        (
            "List the letters from {x} to {y}.",
            "Write the letters from {x} to {y}.",
            "Say the alphabet from {x} to {y}.",
            "What are the letters from {x} to {y}?",
            "Name the letters {x} to {y}.",
        ),
        LETTERS[i : j + 1],
        x=LETTERS[i],
        y=LETTERS[j],
    )
    return f"letters:{i}:{j}", got


def _fixed(rng: random.Random):
    name, values = rng.choice(
        (
            ("colors of the rainbow", RAINBOW),
            ("seasons", SEASONS),
            ("vowels", VOWELS),
            ("four seasons of the year", SEASONS),
            ("rainbow colors", RAINBOW),
        )
    )
    got = _sequence(
        rng,
        (
            "List the {k}.",
            "Name the {k}.",
            "What are the {k}?",
            "Tell me the {k}.",
            "Write down the {k}.",
            "Can you list the {k}?",
            "Give me the {k}.",
            "Name all the {k}.",
        ),
        values,
        k=name,
    )
    return f"fixed:{got[3]}:{name}", got


def _members(rng: random.Random):
    kind = rng.choice(tuple(KINDS))
    n = rng.choice((2, 3, 3, 3, 4, 5, 6))
    # Neighbours in the table, most often from its start.  With members in any order every position is open until its
    # neighbours are known, and a model that fills the surest position first mixes words.
    start = 0 if rng.random() < 0.6 else rng.randrange(len(KINDS[kind]))
    chosen = [KINDS[kind][(start + i) % len(KINDS[kind])] for i in range(n)]
    wording = rng.choice(
        (
            "Name {n} {k}.",
            "List {n} {k}.",
            "Give me {n} {k}.",
            "What are {n} {k}?",
            "Tell me {n} {k}.",
            "Can you name {n} {k}?",
            "Write a list of {n} {k}.",
            "Name any {n} {k}.",
            "I need {n} {k}.",
            "Give {n} examples of {k}.",
            "Think of {n} {k}.",
        )
    )
    number = _NUMBER_WORD[n] if rng.random() < 0.6 else n
    grader = ("members", n, tuple(word.lower() for word in KINDS[kind]))
    return f"members:{wording}:{kind}:{n}", (wording.format(n=number, k=kind), ", ".join(chosen) + ".", grader, wording)


_DRAWS = ((_numbers, 40), (_cycle, 22), (_letters, 8), (_fixed, 5), (_members, 25))


def draw(rng: random.Random) -> tuple[str, Item]:
    """One list question and its split."""
    kind = rng.choices([k for k, _ in _DRAWS], [w for _, w in _DRAWS])[0]
    key, (prompt, answer, grader, _) = kind(rng)
    return split_of("list:" + key), Item("list", reworded(rng, prompt), answer, grader)
