"""Multiple choice questions with three or four options, each followed by its letter: "dog (A), apple (B) or blue (C)".

The semantic key is the question's fact together with its set of options, so a held-out item is a combination never
trained in any wording, order or layout; the fact itself is trained with other options. Where options have to be
compared, the answer first says of each in turn what matters and stops at the right one ("dog: animal, apple: fruit.
It is apple (B)"): a small model that chose at once named words of the right kind that were no options, and one that
went on to the last option did so too, because it had to look back for the option in front of the kind. Every answer
names the right option and then its letter, as the question writes it, so that a small model finds the letter by
looking up what followed the option. A letter in front of its option ("A) dog") takes a small model many times longer
to look up: such questions are trained now and then and never held out. Neither are the exercises in looking up.

The same questions can be answered in three forms (`FORMS`), and a model is trained on one of them: `until` is what is
said above; `through` goes on to the last option; `listed` also writes each option's letter where it names the option
("Seek Paris: Rome (A), Paris (B). It is Paris (B)"), which asks a very small model for little but copying in order.
"""

import random
from collections.abc import Iterable

from training.corpus import facts
from training.corpus.item import TRAIN, Item, split_of, usual

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
_KIND_OF = {word: kind for kind, words in MEMBERS.items() for word in words}
# How an answer calls a kind with a long name.
_SHORT = {"piece of furniture": "furniture", "piece of clothing": "clothing", "day of the week": "day"}
_WORDS = sorted({word for members in MEMBERS.values() for word in members})
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
    "Which word starts with the letter {x}?",
    "Which of these words begins with the letter {x}?",
    "Find the word that starts with the letter {x}.",
)
# The answer is in the question: what is left to do is to find its letter, the step that every other topic ends with.
_LOOKUP = (
    "Which option is {x}?",
    "Which letter stands beside {x}?",
    "Which one says {x}?",
    "Which of these is {x}?",
    "Find the option {x}.",
    "Where is {x}?",
    "Pick {x}.",
)
_LOOKUPS = (
    "Which letters have {x}?",
    "Which options are {x}?",
    "Where are {x}?",
    "Find {x}.",
)
_COUNTRY = (
    "Which country has the capital {x}?",
    "{x} is the capital of which country?",
    "Of which country is {x} the capital?",
)
_CODE = (
    ("the length of a list", "len"),
    ("the sum of a list", "sum"),
    ("the largest item of a list", "max"),
    ("the smallest item of a list", "min"),
    ("a sorted list", "sorted"),
    ("a string in upper case", "upper"),
    ("a string in lower case", "lower"),
    ("a string in title case", "title"),
    ("the absolute value of a number", "abs"),
    ("the words of a string", "split"),
    ("how often a value is in a list", "count"),
    ("a string with some letters replaced", "replace"),
)
_RETURNS = (
    "Which of these returns {x}?",
    "Which Python function returns {x}?",
    "Which function gives {x}?",
    "What returns {x} in Python?",
)
LETTERS = "ABCDEFGH"
_IN_FRONT = ("{l}) {o}", "{l}) {o}", "{l}. {o}", "({l}) {o}")
_IN_FRONT_SHARE = 0.1
FORMS = ("until", "through", "listed")
NEITHER = ""  # the split of a held-out combination with its letters in front: neither trained nor asked
_ANSWERS = (
    "It is {y} ({l}).",
    "The answer is {y} ({l}).",
    "I choose {y} ({l}).",
    "Only {y} ({l}) is right.",
    "It must be {y} ({l}).",
)


def short_kind(word: str) -> str:
    """What an answer says of a word of `MEMBERS`."""
    return _SHORT.get(_KIND_OF[word], _KIND_OF[word])


def article(word: str) -> str:
    """The word with "a" or "an" in front."""
    return f"an {word}" if word[0].lower() in "aeiou" else f"a {word}"


def _others(rng: random.Random, right: str, values, n: int) -> list[str]:
    """`n` different wrong options of the same kind as the right one; of numbers none with the same last digit."""
    close = {v for group in _CLOSE if right in group for v in group} | {right}
    close |= {v for v in values if v.isdigit() and v[-1] == right[-1]}
    return rng.sample(sorted(set(values) - close), n)


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
        return f"not {kind}", rng.choice(_IS_NOT).format(k=article(kind)), right, rng.sample(MEMBERS[kind], n)
    wrong = [rng.choice(MEMBERS[k]) for k in rng.sample(far, n)]
    right = rng.choice(MEMBERS[kind])
    return f"is {kind} {right}", rng.choice(_IS).format(k=article(kind)), right, wrong


def _numbers(rng: random.Random, among: Iterable[int], n: int) -> list[int]:
    """`n` numbers with different last digits, so that the last token tells an option from the others."""
    shuffled = list(among)
    rng.shuffle(shuffled)
    return list({value % 10: value for value in shuffled}.values())[:n]


def _number(rng: random.Random, n: int):
    """Comparing numbers, even and odd ones, small sums."""
    kind = rng.choice(("largest", "smallest", "even", "odd", "sum", "minus"))
    if kind in ("largest", "smallest"):
        values = _numbers(rng, range(1, 100), n + 1)
        right = max(values) if kind == "largest" else min(values)
        question = rng.choice(_LARGEST if kind == "largest" else _SMALLEST)
        return kind, question, str(right), [str(v) for v in values if v != right]
    if kind in ("even", "odd"):
        parity = int(kind == "odd")
        right = rng.randrange(parity, 50, 2)
        wrong = _numbers(rng, range(1 - parity, 50, 2), n)
        return kind, rng.choice(_EVEN if kind == "even" else _ODD), str(right), [str(v) for v in wrong]
    if kind == "sum":
        a, b = rng.randint(2, 20), rng.randint(2, 12)
        right, question = a + b, rng.choice(_SUM)
    else:
        a, b = rng.randint(8, 30), rng.randint(2, 7)
        right, question = a - b, rng.choice(_MINUS)
    near = [v for v in range(max(0, right - 5), right + 6) if v % 10 != right % 10]
    return f"{kind} {a} {b}", question.format(a=a, b=b), str(right), [str(v) for v in _numbers(rng, near, n)]


def _letter(rng: random.Random, n: int):
    words = [w for k in ("fruit", "animal", "tool", "bird", "vegetable", "job", "shape") for w in MEMBERS[k]]
    right = rng.choice(words)
    wrong = rng.sample(sorted({w for w in words if w[0] != right[0]}), n)
    return f"letter {right}", rng.choice(_LETTER).format(x=right[0].upper()), right, wrong


def _code(rng: random.Random, n: int):
    does, right = rng.choice(_CODE)
    wrong = rng.sample([code for _, code in _CODE if code != right], n)
    return f"code {right}", rng.choice(_RETURNS).format(x=does), right, wrong


def _lookup(rng: random.Random, n: int):
    """The question names one of the options, words of one kind, of any kind, cities or small numbers."""
    draw = rng.random()
    if draw < 0.3:
        words = MEMBERS[rng.choice([kind for kind, members in MEMBERS.items() if len(members) > n])]
    elif draw < 0.6:
        words = [rng.choice(members) for members in MEMBERS.values()]
    elif draw < 0.8:
        words = [facts.CAPITALS[country] for country in facts.WELL_KNOWN]
    else:
        words = [str(number) for number in _numbers(rng, range(1, 100), n + 1)]
    right, *wrong = rng.sample(sorted(set(words)), n + 1)
    return f"lookup {right}", rng.choice(_LOOKUP).format(x=right), right, wrong


def _several(rng: random.Random, n: int):
    """Looking up all options, in another order than they are listed."""
    key, _, right, wrong = _lookup(rng, n)
    named = [*wrong, right]
    rng.shuffle(named)
    return f"several {key}", rng.choice(_LOOKUPS).format(x=f"{', '.join(named[:-1])} and {named[-1]}"), named, []


def _which(rng: random.Random, n: int):
    """Choosing all words of a kind or with a first letter, or all even or odd numbers; they are named as they stand."""
    draw, several = rng.random(), rng.randint(2, max(2, n // 2 + 1))
    if draw < 0.2:
        parity = rng.randint(0, 1)
        right = [str(v) for v in _numbers(rng, range(parity, 100, 2), several)]
        wrong = [str(v) for v in _numbers(rng, range(1 - parity, 100, 2), n)]
        ask = f"Which numbers are {('even', 'odd')[parity]}?"
    elif draw < 0.35:
        first = rng.choice("BCDFGHLPRST")
        right = [w for w in _WORDS if w[0].upper() == first]
        wrong = rng.sample([w for w in _WORDS if w[0].upper() != first], n)
        ask = f"Which words start with the letter {first}?"
    else:
        kind = rng.choice(tuple(MEMBERS))
        far = [k for k in MEMBERS if k != kind and k not in OVERLAPS.get(kind, ())]
        right, wrong = list(MEMBERS[kind]), [rng.choice(MEMBERS[k]) for k in rng.sample(far, n)]
        if rng.random() < 0.4:
            several = min(several, len(wrong), n)
            right, wrong = wrong, rng.sample(right, min(len(right), n + 1 - several))
            ask = rng.choice((f"Which of these are not {article(kind)}?", f"Find all that are not {article(kind)}."))
            return "which not", ask, right[:several], wrong
        plural = f"{kind[:-1]}ies" if kind.endswith("ry") else f"{kind}s"
        asks = [f"Find every {kind}.", f"Choose every {kind}."]
        asks += [] if " of " in kind else [f"Which of these are {plural}?", f"Which ones are {plural}?"]
        ask = rng.choice(asks)
    return "which", ask, rng.sample(right, min(several, len(right))), wrong[: max(1, n + 1 - several)]


_TOPICS = (
    (_fact, 36),
    (_member, 28),
    (_number, 13),
    (_letter, 5),
    (_code, 6),
    (_lookup, 4),
    (_several, 4),
    (_which, 6),
)
_EXERCISES = (_lookup, _several, _which)
TEMPLATES = (
    *(
        _IS
        + _IS_NOT
        + _LARGEST
        + _SMALLEST
        + _EVEN
        + _ODD
        + _SUM
        + _MINUS
        + _LETTER
        + _LOOKUP
        + _LOOKUPS
        + _COUNTRY
        + _RETURNS
    ),
    *("capital" + str(i) for i in range(4)),
)


_RECITED_SHARE = 0.05


def _recited(rng: random.Random) -> Item:
    """Saying words again: what followed each of them is looked up, as an option's letter will be."""
    words = " ".join(rng.sample(_WORDS, rng.randint(6, 20)))
    return Item("choice", f"Repeat: {words}", f"Here {words}", ("phrase", words))


def _listed(rng: random.Random, question: str, options: list[str], in_front: bool) -> str:
    """The question with its options and their letters."""
    if in_front:
        layout = rng.choice(_IN_FRONT)
        parts = [question, *(layout.format(l=mark, o=o) for mark, o in zip(LETTERS, options, strict=False))]
        return ("\n" if rng.random() < 0.2 else " ").join(parts)
    marked = [f"{option} ({mark})" for mark, option in zip(LETTERS, options, strict=False)]
    if rng.random() < 0.2:
        return "\n".join([question, *marked])
    if rng.random() < 0.2:
        question = question.rstrip("?.") + ":"
    last = ", " if rng.random() < 0.5 else " or "
    return f"{question} {', '.join(marked[:-1])}{last}{marked[-1]}"


def _working(key: str, options: list[str], right: str, form: str, sum_of: str) -> str:
    """What is said of each option up to the right one (`through`: of all): its kind, its first letter, even or odd; of
    the largest and the smallest number all options, each with the largest or smallest so far.  A question that compares
    nothing is answered at once, or in the form `listed` by the answer and the options up to it."""
    compare, many = key.split()[0], len(options) if form == "through" else options.index(right) + 1
    lettered = {option: f"{option} ({mark})" for option, mark in zip(options, LETTERS, strict=False)}
    named = lettered if form == "listed" else {option: option for option in options}
    if compare in ("is", "not"):
        said = [short_kind(option) for option in options]
    elif compare == "letter":
        said = [option[0].upper() for option in options]
    elif compare in ("even", "odd"):
        said = [("even", "odd")[int(option) % 2] for option in options]
    elif compare in ("largest", "smallest"):
        best, many = max if compare == "largest" else min, len(options)
        said = [named[best(options[: i + 1], key=int)] for i in range(many)]
    elif form == "listed":
        return f"Seek {sum_of}{right}: {', '.join(list(named.values())[:many])}. "
    else:
        return ""
    # A word that opens the text is another token than behind a space, and could not be copied.
    opening = "Here " if form == "listed" else ""
    each = [f"{named[option]}: {what}" for option, what in zip(options, said, strict=True)]
    return f"{opening}{', '.join(each[:many])}. "


def draw(rng: random.Random, form: str = "until") -> tuple[str, Item]:
    """One multiple choice question and its split; the split and how the answer is graded are the same in all forms."""
    if form not in FORMS:
        raise ValueError(f"form {form!r}: choose from {', '.join(FORMS)}.")
    if rng.random() < _RECITED_SHARE:
        return TRAIN, _recited(rng)
    topic = rng.choices([t for t, _ in _TOPICS], [w for _, w in _TOPICS])[0]
    many = topic in (_several, _which)
    n = rng.randint(2, 7) if many else 3 if rng.random() < 0.75 else 2
    key, question, right, wrong = topic(rng, n)
    options = [*(right if many else [right]), *wrong]
    rng.shuffle(options)
    letters = dict(zip(options, LETTERS, strict=False))
    if rng.random() < 0.08:
        question = question[0].lower() + question[1:]
    in_front = rng.random() < _IN_FRONT_SHARE
    prompt = _listed(rng, question, options, in_front)
    if many:
        named = sorted(right, key=options.index) if topic is _which else right
        said = [f"{option} ({letters[option]})" for option in named]
        answer, last = f"Here {', '.join(said[:-1])} and {said[-1]}.", named[-1]
    else:
        said = usual(_ANSWERS, rng.choice(_ANSWERS), prompt)
        answer, last = said.format(y=right, l=letters[right]), right
        sign = {"sum": "+", "minus": "-"}.get(key.split()[0])
        result = f"{f' {sign} '.join(key.split()[1:])} = " if sign else ""
        answer = _working(key, options, str(right), form, result) + answer
    # An exercise among the held-out questions would flatter them.
    split = TRAIN if topic in _EXERCISES else split_of(f"choice:{key}:{sorted(options)}")
    if in_front and split != TRAIN or form == "listed" and (many or in_front):  # the latter is not copying in order
        split = NEITHER
    return split, Item("choice", prompt, answer, ("choice", letters[last], LETTERS[: len(options)]))
