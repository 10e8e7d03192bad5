"""Tiny Python functions, graded by running assertions on the written function.

The semantic key is the task with its numbers and its function and argument names ("add 3, add_three"), so a held-out
request asks for a combination never trained, though every task is trained under other names or numbers.
"""

import random

from training.corpus.item import Item, split_of

_WORD = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    11: "eleven",
    12: "twelve",
}
_REQUEST = (
    "Write a function {f} that {does}.",
    "Write a Python function {f} that {does}.",
    "Define a function {f} that {does}.",
    "Write {f}, a function that {does}.",
    "Create a function {f} that {does}.",
    "Python function {f} that {does}.",
    "I need a function {f} that {does}.",
    "Make a function {f} that {does}.",
    "Implement {f}, which {does}.",
    "Code a function named {f} that {does}.",
    "Write a function called {f} that {does}.",
    "Show me a Python function {f} that {does}.",
    "Please write a function named {f} that {does}.",
)
# Requests that leave the name open; the answer then always takes the first name of the task.
_NAMELESS = (
    "Write a function that {does}.",
    "Write a Python function that {does}.",
    "Python function that {does}.",
    "I need a function that {does}.",
    "Define a function that {does}.",
    "Create a Python function that {does}.",
)


def _numeric(rng: random.Random) -> tuple[list[str], list[str], str, list[tuple]]:
    """(function names, wordings of what it does, expression in x, calls) for a task with one number."""
    k = rng.choice(tuple(_WORD))
    n = str(k) if rng.random() < 0.5 else _WORD[k]
    w = _WORD[k]
    kind = rng.randrange(9)
    if kind == 0:
        return (
            [f"add_{w}", f"plus_{w}", f"add_{k}", f"increase_by_{w}"],
            [
                f"adds {n} to a number",
                f"returns its argument plus {n}",
                f"adds {n}",
                f"returns {{x}} + {k}",
                f"returns {{x}} plus {n}",
                f"adds {n} to {{x}}",
            ],
            f"{{x}} + {k}",
            [(4, 4 + k), (-1, k - 1)],
        )
    if kind == 1:
        return (
            [f"subtract_{w}", f"minus_{w}", f"take_{w}", f"minus_{k}"],
            [
                f"subtracts {n} from a number",
                f"returns its argument minus {n}",
                f"subtracts {n}",
                f"returns {{x}} - {k}",
                f"returns {{x}} minus {n}",
                f"subtracts {n} from {{x}}",
            ],
            f"{{x}} - {k}",
            [(20, 20 - k), (0, -k)],
        )
    if kind == 2:
        return (
            [f"times_{w}", f"multiply_by_{w}", f"mul_{k}", f"times_{k}"],
            [
                f"multiplies a number by {n}",
                f"returns its argument times {n}",
                f"multiplies by {n}",
                f"returns {{x}} * {k}",
                f"returns {{x}} times {n}",
                f"multiplies {{x}} by {n}",
            ],
            f"{{x}} * {k}",
            [(3, 3 * k), (0, 0)],
        )
    if kind == 3:
        return (
            [f"divide_by_{w}", f"div_{k}", f"over_{w}"],
            [
                f"divides a number by {n}",
                f"returns its argument divided by {n}",
                f"returns {{x}} / {k}",
                f"returns {{x}} divided by {n}",
                f"divides {{x}} by {n}",
            ],
            f"{{x}} / {k}",
            [(k * 6, 6.0), (0, 0.0)],
        )
    if kind == 4:
        return (
            [f"is_multiple_of_{w}", f"divisible_by_{w}", f"multiple_of_{k}", f"divisible_by_{k}"],
            [
                f"checks if a number is a multiple of {n}",
                f"checks if a number is divisible by {n}",
                f"returns True if {{x}} is divisible by {n}",
            ],
            f"{{x}} % {k} == 0",
            [(k * 5, True), (k * 5 + 1, False)],
        )
    if kind == 5:
        return (
            [f"greater_than_{w}", f"more_than_{w}", f"above_{k}", f"bigger_than_{w}"],
            [
                f"checks if a number is greater than {n}",
                f"returns True if {{x}} is more than {n}",
                f"checks if {{x}} is bigger than {n}",
            ],
            f"{{x}} > {k}",
            [(k + 1, True), (k, False)],
        )
    if kind == 6:
        return (
            [f"less_than_{w}", f"below_{k}", f"smaller_than_{w}", f"below_{w}"],
            [
                f"checks if a number is less than {n}",
                f"returns True if {{x}} is below {n}",
                f"checks if {{x}} is smaller than {n}",
            ],
            f"{{x}} < {k}",
            [(k - 1, True), (k, False)],
        )
    if kind == 7:
        return (
            [f"equals_{w}", f"is_{w}", f"equal_to_{k}"],
            [f"checks if a number is equal to {n}", f"returns True if {{x}} equals {n}", f"checks if a number is {n}"],
            f"{{x}} == {k}",
            [(k, True), (k + 1, False)],
        )
    return (
        [f"remainder_{w}", f"mod_{k}", f"mod_{w}"],
        [f"returns the remainder of a number divided by {n}", f"returns {{x}} modulo {n}"],
        f"{{x}} % {k}",
        [(k * 4 + 1, 1), (k, 0)],
    )


# (names, wordings, expression, calls): {x} and {y} are the argument names, chosen per item.
_ONE = (
    (
        ("square", "squared", "sq"),
        ("returns the square of a number", "squares a number"),
        "{x} * {x}",
        ((3, 9), (-2, 4)),
    ),
    (("cube", "cubed"), ("returns the cube of a number", "cubes a number"), "{x} ** 3", ((2, 8), (-1, -1))),
    (("double", "twice"), ("doubles a number", "returns twice its argument"), "{x} * 2", ((4, 8), (0, 0))),
    (("half", "halve"), ("returns half of a number", "halves a number"), "{x} / 2", ((8, 4.0), (3, 1.5))),
    (
        ("is_even", "even", "check_even"),
        ("checks if a number is even", "returns True for even numbers"),
        "{x} % 2 == 0",
        ((4, True), (7, False)),
    ),
    (
        ("is_odd", "odd", "check_odd"),
        ("checks if a number is odd", "returns True for odd numbers"),
        "{x} % 2 == 1",
        ((4, False), (7, True)),
    ),
    (
        ("is_positive", "positive"),
        ("checks if a number is positive", "returns True if a number is positive"),
        "{x} > 0",
        ((4, True), (-7, False), (0, False)),
    ),
    (
        ("is_negative", "negative"),
        ("checks if a number is negative", "returns True if a number is negative"),
        "{x} < 0",
        ((4, False), (-7, True)),
    ),
    (("absolute", "absolute_value"), ("returns the absolute value of a number",), "abs({x})", ((4, 4), (-7, 7))),
    (("negate", "opposite"), ("returns the negative of a number", "negates a number"), "-{x}", ((4, -4), (-7, 7))),
    (("identity", "same"), ("returns its argument", "returns its argument unchanged"), "{x}", ((4, 4), (7, 7))),
)
_TEXT = (
    (
        ("reverse", "reverse_string", "backwards"),
        ("reverses a string", "returns a string backwards"),
        "{x}[::-1]",
        (("abc", "cba"), ("", "")),
    ),
    (
        ("shout", "upper", "to_upper"),
        ("returns a string in upper case", "makes a string upper case"),
        "{x}.upper()",
        (("abC", "ABC"),),
    ),
    (
        ("whisper", "lower", "to_lower"),
        ("returns a string in lower case", "makes a string lower case"),
        "{x}.lower()",
        (("abC", "abc"),),
    ),
    (("string_length", "text_length"), ("returns the length of a string",), "len({x})", (("abc", 3), ("", 0))),
    (
        ("first_letter", "first_char"),
        ("returns the first letter of a string", "gets the first letter of a string"),
        "{x}[0]",
        (("abc", "a"),),
    ),
    (
        ("last_letter", "last_char"),
        ("returns the last letter of a string", "gets the last letter of a string"),
        "{x}[-1]",
        (("abc", "c"),),
    ),
    (
        ("is_palindrome", "palindrome"),
        ("checks if a string is a palindrome",),
        "{x} == {x}[::-1]",
        (("abba", True), ("abc", False)),
    ),
    (
        ("greet", "say_hello"),
        ("returns a greeting for a name", "says hello to a name"),
        '"Hello, " + {x}',
        (("Mia", "Hello, Mia"),),
    ),
    (("repeat", "repeat_twice"), ("repeats a string two times",), "{x} * 2", (("ab", "abab"),)),
    (("count_words", "word_count"), ("counts the words in a string",), "len({x}.split())", (("a b c", 3),)),
    (("count_a", "number_of_a"), ("counts the letter a in a string",), '{x}.count("a")', (("banana", 3),)),
)
_LIST = (
    (
        ("first", "first_item", "head"),
        ("returns the first element of a list", "gets the first item of a list"),
        "{x}[0]",
        (([5, 6, 7], 5),),
    ),
    (
        ("last", "last_item"),
        ("returns the last element of a list", "gets the last item of a list"),
        "{x}[-1]",
        (([5, 6, 7], 7),),
    ),
    (
        ("total", "sum_list", "add_all"),
        ("returns the sum of a list", "adds all numbers in a list"),
        "sum({x})",
        (([5, 6, 7], 18), ([], 0)),
    ),
    (
        ("largest", "biggest", "max_of"),
        ("returns the largest number in a list", "finds the biggest number in a list"),
        "max({x})",
        (([5, 9, 7], 9),),
    ),
    (
        ("smallest", "min_of"),
        ("returns the smallest number in a list", "finds the smallest number in a list"),
        "min({x})",
        (([5, 3, 7], 3),),
    ),
    (
        ("count_items", "size", "list_length"),
        ("returns the length of a list", "counts the items in a list"),
        "len({x})",
        (([5, 3], 2), ([], 0)),
    ),
    (
        ("sort_list", "ordered", "in_order"),
        ("sorts a list", "returns a sorted list"),
        "sorted({x})",
        (([3, 1, 2], [1, 2, 3]),),
    ),
    (
        ("reverse_list", "flip"),
        ("reverses a list", "returns a list in reverse"),
        "{x}[::-1]",
        (([3, 1, 2], [2, 1, 3]),),
    ),
    (("is_empty", "empty"), ("checks if a list is empty",), "len({x}) == 0", (([], True), ([1], False))),
    (
        ("average", "mean"),
        ("returns the average of a list", "computes the mean of a list"),
        "sum({x}) / len({x})",
        (([2, 4], 3.0),),
    ),
    (
        ("evens", "only_even"),
        ("returns the even numbers in a list", "keeps the even numbers of a list"),
        "[n for n in {x} if n % 2 == 0]",
        (([1, 2, 4], [2, 4]),),
    ),
    (("squares", "square_all"), ("squares every number in a list",), "[n * n for n in {x}]", (([1, 2, 3], [1, 4, 9]),)),
)
_TWO = (
    (
        ("add", "add_numbers", "plus"),
        ("adds two numbers", "returns the sum of two numbers"),
        "{x} + {y}",
        (((2, 3), 5),),
    ),
    (
        ("subtract", "difference"),
        ("subtracts two numbers", "returns the difference of two numbers"),
        "{x} - {y}",
        (((7, 3), 4),),
    ),
    (
        ("multiply", "product"),
        ("multiplies two numbers", "returns the product of two numbers"),
        "{x} * {y}",
        (((7, 3), 21),),
    ),
    (
        ("divide", "quotient"),
        ("divides two numbers", "returns the quotient of two numbers"),
        "{x} / {y}",
        (((8, 2), 4.0),),
    ),
    (
        ("larger", "bigger", "maximum"),
        ("returns the larger of two numbers", "returns the bigger of two numbers"),
        "max({x}, {y})",
        (((7, 3), 7), ((1, 2), 2)),
    ),
    (("smaller", "minimum"), ("returns the smaller of two numbers",), "min({x}, {y})", (((7, 3), 3), ((1, 2), 1))),
    (("power", "to_the_power"), ("raises one number to the power of another",), "{x} ** {y}", (((2, 3), 8),)),
    (
        ("are_equal", "same_value"),
        ("checks if two numbers are equal",),
        "{x} == {y}",
        (((7, 3), False), ((2, 2), True)),
    ),
    (
        ("join_words", "concat"),
        ("joins two strings", "puts two strings together"),
        "{x} + {y}",
        ((("ab", "c"), "abc"),),
    ),
    (("area", "rectangle_area"), ("returns the area of a rectangle",), "{x} * {y}", (((7, 3), 21),)),
)
_ARGUMENTS = {
    "one": ("x", "n", "a", "number"),
    "text": ("s", "text", "word"),
    "list": ("numbers", "items", "values"),
    "two": (("a", "b"), ("x", "y")),
}


def _branching(rng: random.Random) -> tuple[str, str, str, str, tuple[str, ...]]:
    """(key, name, wording, body, asserts) of a few functions that need more than one line."""
    kind = rng.randrange(6)
    x = rng.choice(("n", "x"))
    if kind == 0:
        f = rng.choice(("factorial", "fact"))
        body = f"def {f}(n):\n    if n == 0:\n        return 1\n    return n * {f}(n - 1)"
        return (f, f, "returns the factorial of a number", body, (f"assert {f}(5) == 120", f"assert {f}(0) == 1"))
    if kind == 1:
        f = rng.choice(("sign", "sign_of"))
        body = f"def {f}({x}):\n    if {x} < 0:\n        return -1\n    return 1 if {x} > 0 else 0"
        return (
            f,
            f,
            "returns the sign of a number",
            body,
            (f"assert {f}(5) == 1", f"assert {f}(-5) == -1", f"assert {f}(0) == 0"),
        )
    if kind == 2:
        k = rng.choice((3, 5, 10, 12, 20, 18))
        f, no, yes = rng.choice((("is_adult", "child", "adult"), ("size_of", "small", "big"), ("level", "low", "high")))
        body = f'def {f}({x}):\n    if {x} < {k}:\n        return "{no}"\n    return "{yes}"'
        return (
            f"{f}:{k}",
            f,
            f"returns {no} below {k} and {yes} otherwise",
            body,
            (f"assert {f}({k - 1}) == {no!r}", f"assert {f}({k}) == {yes!r}"),
        )
    if kind == 3:
        f = rng.choice(("sum_to", "sum_up_to"))
        body = f"def {f}({x}):\n    return sum(range({x} + 1))"
        return f, f, "adds the numbers from 1 to n", body, (f"assert {f}(4) == 10", f"assert {f}(1) == 1")
    if kind == 4:
        f = rng.choice(("count_up", "numbers_to"))
        body = f"def {f}({x}):\n    return list(range(1, {x} + 1))"
        return f, f, "returns the numbers from 1 to n", body, (f"assert {f}(3) == [1, 2, 3]",)
    f = rng.choice(("count_vowels", "vowels"))
    s = rng.choice(("s", "text", "word"))
    body = f'def {f}({s}):\n    return sum(c in "aeiou" for c in {s})'
    return f, f, "counts the vowels in a string", body, (f"assert {f}('banana') == 3",)


def draw(rng: random.Random) -> tuple[str, Item]:
    """One function request and its split."""
    requests = _REQUEST
    kind = rng.choices(("numeric", "one", "text", "list", "two", "branching"), (34, 14, 14, 16, 12, 10))[0]
    if kind == "branching":
        key, f, does, answer, asserts = _branching(rng)
    else:
        table = {"one": _ONE, "text": _TEXT, "list": _LIST, "two": _TWO}
        names, wordings, expression, calls = _numeric(rng) if kind == "numeric" else rng.choice(table[kind])
        requests = _NAMELESS if rng.random() < 0.15 else _REQUEST
        f, does = names[0] if requests is _NAMELESS else rng.choice(names), rng.choice(wordings)
        arguments = rng.choice(_ARGUMENTS["one" if kind == "numeric" else kind])
        x, y = arguments if kind == "two" else (arguments, "")
        head = f"{x}, {y}" if kind == "two" else x
        if "{x}" in does:
            does = does.format(x=x)
        elif rng.random() < 0.5:
            # Without a hint in the request the argument name is a free choice of the model.
            does = f"{does}, with argument{'s' if kind == 'two' else ''} {head.replace(', ', ' and ')}"
        answer = f"def {f}({head}):\n    return {expression.format(x=x, y=y)}"
        asserts = tuple(
            f"assert {f}({', '.join(map(repr, a)) if kind == 'two' else repr(a)}) == {r!r}" for a, r in calls
        )
        key = f"{f if requests is _REQUEST else ''}:{expression}:{does}"
    prompt = rng.choice(requests).format(f=f, does=does)
    # Only the request's last mark and politeness vary: names in code are case sensitive.
    prompt = prompt.rstrip(".") if rng.random() < 0.15 else prompt
    prompt = prompt.lower() if rng.random() < 0.08 and "True" not in prompt else prompt
    return split_of(f"code:{key}"), Item("code", prompt, answer, ("asserts", asserts))
