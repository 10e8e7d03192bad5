"""Multiple choice questions with three or four lettered options.

The semantic key is the question's fact together with its set of options, so a held-out item is a combination never
trained in any wording, order or layout; the fact itself is trained with other options.  The answer states the right
option first and its letter after it: a small model finds the letter by looking the words up.
"""

import random

from training.corpus import facts
from training.corpus.item import Item, split_of

KINDS = {
    "fruit": "apple banana cherry orange pear grape lemon peach plum mango melon",
    "animal": "dog cat horse cow lion tiger bear rabbit fox wolf mouse goat",
    "color": "red blue green yellow black white pink purple brown gray",
    "vegetable": "carrot potato onion cabbage spinach corn leek beet lettuce radish",
    "bird": "owl eagle robin crow duck swan parrot penguin hawk dove",
    "country": "France Spain Italy Germany Japan China Brazil Canada Egypt India",
    "sport": "football tennis golf hockey rugby boxing basketball swimming cricket judo",
    "tool": "hammer saw drill wrench axe shovel rake pliers chisel ladder",
    "drink": "water milk tea coffee juice soda lemonade cocoa",
    "instrument": "piano guitar violin drum flute trumpet harp cello",
    "metal": "iron gold silver copper tin zinc lead nickel",
    "planet": "Mercury Venus Mars Jupiter Saturn Uranus Neptune",
    "body part": "arm leg hand foot nose ear knee elbow",
    "piece of furniture": "chair table bed sofa desk shelf stool bench",
    "piece of clothing": "shirt hat coat sock shoe glove scarf skirt",
    "vehicle": "car bus train truck bicycle tram boat plane",
    "month": "January March April June July August October December",
    "day of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "number": "one two three four five six seven eight nine ten",
    "shape": "circle square triangle hexagon star cube",
    "season": "spring summer autumn winter",
    "flower": "rose tulip lily daisy violet poppy",
    "insect": "ant bee fly wasp beetle butterfly mosquito",
    "job": "teacher doctor farmer baker nurse pilot painter cook",
}
MEMBERS = {kind: tuple(words.split()) for kind, words in KINDS.items()}
# A word of one kind must not be a right answer to a question about another one.
OVERLAPS = {
    "animal": ("bird", "insect"),
    "bird": ("animal",),
    "insect": ("animal",),
    "metal": ("planet", "color"),
    "planet": ("metal",),
    "color": ("fruit", "flower", "metal"),
    "tool": ("vehicle",),
    "fruit": ("color",),
    "flower": ("color",),
    "vehicle": ("body part", "tool"),
}
# Answers that a careful reader could accept for each other: never options of one question.
_CLOSE = (
    {"owlet", "chick", "gosling", "duckling", "cygnet"},
    {"pup", "puppy", "cub"},
    {"soft", "easy"},
    {"calf", "fawn"},
)
_IS = (
    "Which of these is {k}?",
    "Which one is {k}?",
    "Which of the following is {k}?",
    "Pick the one that is {k}.",
    "Find {k}.",
    "Which word names {k}?",
    "Choose {k}.",
    "Which is {k}?",
)
_IS_NOT = (
    "Which of these is not {k}?",
    "Which one is not {k}?",
    "Which of the following is not {k}?",
    "Find the one that is not {k}.",
)
_LARGEST = ("Which number is the largest?", "Which of these numbers is the biggest?", "What is the largest number?")
_SMALLEST = ("Which number is the smallest?", "Which of these numbers is the smallest?", "What is the smallest number?")
_EVEN = ("Which number is even?", "Which of these numbers is even?", "Find the even number.")
_ODD = ("Which number is odd?", "Which of these numbers is odd?", "Find the odd number.")
_SUM = ("What is {a} + {b}?", "{a} + {b} = ?", "How much is {a} plus {b}?", "Calculate {a} + {b}.")
_MINUS = ("What is {a} - {b}?", "{a} - {b} = ?", "How much is {a} minus {b}?", "Calculate {a} - {b}.")
_LETTER = (
    "Which word starts with {x}?",
    "Which of these words begins with {x}?",
    "Find the word that starts with {x}.",
)
_COUNTRY = (
    "Which country has the capital {x}?",
    "{x} is the capital of which country?",
    "Of which country is {x} the capital?",
)
_CODE = (
    ("the length of a list", "len(x)"),
    ("the sum of a list", "sum(x)"),
    ("the largest item of a list", "max(x)"),
    ("the smallest item of a list", "min(x)"),
    ("the first item of a list", "x[0]"),
    ("the last item of a list", "x[-1]"),
    ("a list backwards", "x[::-1]"),
    ("a sorted list", "sorted(x)"),
    ("a string in upper case", "x.upper()"),
    ("a string in lower case", "x.lower()"),
    ("the absolute value of x", "abs(x)"),
    ("the square of x", "x * x"),
)
_RETURNS = (
    "Which of these returns {x}?",
    "Which Python code returns {x}?",
    "Which expression gives {x}?",
    "What returns {x} in Python?",
)
_LAYOUTS = ("{}) {}", "{}) {}", "{}. {}", "({}) {}")
# The option keeps its place inside a sentence, so that its tokens are those of the question.
_ANSWERS = (
    "It is {y}, so the answer is {l}.",
    "The answer is {y}, option {l}.",
    "I choose {y}. That is {l}.",
    "Only {y} is right: {l}.",
    "It must be {y}, which is {l}.",
)


def _article(word: str) -> str:
    return f"an {word}" if word[0].lower() in "aeiou" else f"a {word}"


def _others(rng: random.Random, right: str, values, n: int) -> list[str]:
    """`n` different wrong options of the same kind as the right one."""
    close = {v for group in _CLOSE if right in group for v in group}
    return rng.sample(sorted({v for v in values if v != right} - close), n)


def _fact(rng: random.Random, n: int):
    """A fact of the facts family: its question in a trained wording, its answer among other answers of its kind."""
    kind = rng.choices(
        ("capital", "country", "symbol", "young", "sound", "opposite", "count", "color"), (36, 12, 10, 8, 8, 12, 8, 6)
    )[0]
    if kind in ("capital", "country"):
        # Only well-known countries: a question takes four of them, and all others are asked for in the facts family.
        names = facts.WELL_KNOWN
        country = rng.choice(names)
        pairs = {c: facts.CAPITALS[c] for c in names}
        if kind == "country":
            question = rng.choice(_COUNTRY).format(x=pairs[country])
            return f"country {country}", question, country, _others(rng, country, names, n)
        wording = rng.choice(
            (
                "What is the capital of {x}?",
                "Which city is the capital of {x}?",
                "Capital of {x}?",
                "Name the capital of {x}.",
            )
        )
        name = f"the {country}" if country in facts.ARTICLE else country
        return (
            f"capital {country}",
            wording.format(x=name),
            pairs[country],
            _others(rng, pairs[country], pairs.values(), n),
        )
    table, wordings = {
        "symbol": (facts.SYMBOLS, ("What is the chemical symbol for {x}?", "What is the symbol of {x}?")),
        "young": (
            facts.YOUNG,
            ("What is a baby {x} called?", "What do you call a baby {x}?", "What is a young {x} called?"),
        ),
        "sound": (
            facts.SOUNDS,
            ("What sound does a {x} make?", "What does a {x} say?", "Which sound does a {x} make?"),
        ),
        "opposite": (
            facts.OPPOSITES,
            ("What is the opposite of {x}?", "Which word is the opposite of {x}?", "Opposite of {x}?"),
        ),
        "count": (facts.COUNTS, ("How many {x}?",)),
        "color": (facts.COLORS, ("What color is {x}?", "Which color is {x}?")),
    }[kind]
    x = rng.choice(tuple(table))
    question = rng.choice(wordings).format(x=x).replace(" a elephant", " an elephant").replace(" a owl", " an owl")
    return f"{kind} {x}", question, table[x], _others(rng, table[x], table.values(), n)


def _member(rng: random.Random, n: int):
    """One word of a kind among words of other kinds, or one of another kind among words of it."""
    kind = rng.choice(tuple(MEMBERS))
    far = [k for k in MEMBERS if k != kind and k not in OVERLAPS.get(kind, ())]
    if rng.random() < 0.3 and len(MEMBERS[kind]) >= n:
        right = rng.choice(MEMBERS[rng.choice(far)])
        return f"not {kind}", rng.choice(_IS_NOT).format(k=_article(kind)), right, rng.sample(MEMBERS[kind], n)
    wrong = [rng.choice(MEMBERS[k]) for k in rng.sample(far, n)]
    right = rng.choice(MEMBERS[kind])
    return f"is {kind} {right}", rng.choice(_IS).format(k=_article(kind)), right, wrong


def _number(rng: random.Random, n: int):
    """Comparing numbers, even and odd ones, small sums."""
    kind = rng.choice(("largest", "smallest", "even", "odd", "sum", "minus"))
    if kind in ("largest", "smallest"):
        values = rng.sample(range(1, 100), n + 1)
        right = max(values) if kind == "largest" else min(values)
        question = rng.choice(_LARGEST if kind == "largest" else _SMALLEST)
        return kind, question, str(right), [str(v) for v in values if v != right]
    if kind in ("even", "odd"):
        parity = int(kind == "odd")
        right = rng.randrange(parity, 50, 2)
        wrong = rng.sample(range(1 - parity, 50, 2), n)
        return kind, rng.choice(_EVEN if kind == "even" else _ODD), str(right), [str(v) for v in wrong]
    if kind == "sum":
        a, b = rng.randint(2, 20), rng.randint(2, 12)
        right, question = a + b, rng.choice(_SUM)
    else:
        a, b = rng.randint(8, 30), rng.randint(2, 7)
        right, question = a - b, rng.choice(_MINUS)
    near = [v for v in range(max(0, right - 5), right + 6) if v != right]
    return f"{kind} {a} {b}", question.format(a=a, b=b), str(right), [str(v) for v in rng.sample(near, n)]


def _letter(rng: random.Random, n: int):
    words = [w for k in ("fruit", "animal", "tool", "bird", "vegetable", "job", "shape") for w in MEMBERS[k]]
    right = rng.choice(words)
    wrong = rng.sample(sorted({w for w in words if w[0] != right[0]}), n)
    return f"letter {right}", rng.choice(_LETTER).format(x=right[0].upper()), right, wrong


def _code(rng: random.Random, n: int):
    does, right = rng.choice(_CODE)
    wrong = rng.sample([code for _, code in _CODE if code != right], n)
    return f"code {right}", rng.choice(_RETURNS).format(x=does), right, wrong


_TOPICS = ((_fact, 48), (_member, 26), (_number, 14), (_letter, 5), (_code, 7))
TEMPLATES = (
    *(_IS + _IS_NOT + _LARGEST + _SMALLEST + _EVEN + _ODD + _SUM + _MINUS + _LETTER + _COUNTRY + _RETURNS),
    *("capital" + str(i) for i in range(4)),
)


def draw(rng: random.Random) -> tuple[str, Item]:
    """One multiple choice question and its split."""
    topic = rng.choices([t for t, _ in _TOPICS], [w for _, w in _TOPICS])[0]
    n = 3 if rng.random() < 0.75 else 2
    key, question, right, wrong = topic(rng, n)
    options = [right, *wrong]
    rng.shuffle(options)
    letter = "ABCD"[options.index(right)]
    layout = rng.choice(_LAYOUTS)
    listed = [layout.format(mark, option) for mark, option in zip("ABCD", options, strict=False)]
    if rng.random() < 0.08:
        question = question[0].lower() + question[1:]
    between = "\n" if rng.random() < 0.2 else " "
    prompt = between.join([question, *listed])
    answer = rng.choice(_ANSWERS).format(y=right, l=letter)
    split = split_of(f"choice:{key}:{sorted(options)}")
    return split, Item("choice", prompt, answer, ("choice", letter, "ABCD"[: len(options)]))
