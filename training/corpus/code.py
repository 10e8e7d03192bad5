"""Tiny Python functions, graded by running assertions on the written function.

Most tasks have two or three equally valid bodies, drawn at random: a decoder that fills several positions at once can
mix them into a program that does not run.

The semantic key is the wording of the task with its numbers, the function name and the argument names if the request
tells them, so a held-out request asks for a combination never trained, though every task is trained under other names,
numbers or wordings.  Which body answers it is no part of the key.
"""

import random
from collections.abc import Sequence

from training.corpus.item import Item, split_of, usual

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

# Function names, wordings of what it does, bodies and calls as (argument or tuple of arguments, result).  {x}, {y} and
# {z} are the argument names, drawn per item, and {f} is the function's own name.
Task = tuple[Sequence[str], Sequence[str], tuple[str, ...], Sequence[tuple]]


def _value(expression: str) -> tuple[str, ...]:
    """The two bodies that return an expression."""
    return f"return {expression}", f"result = {expression}\nreturn result"


def _truth(expression: str) -> tuple[str, ...]:
    """The two bodies that return whether an expression holds."""
    return f"return {expression}", f"if {expression}:\n    return True\nreturn False"


def numeric(rng: random.Random) -> Task:
    """A task with one number."""
    k = rng.choice(tuple(_WORD))
    n = str(k) if rng.random() < 0.5 else _WORD[k]
    w = _WORD[k]
    kind = rng.randrange(10)
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
            _value(f"{{x}} + {k}"),
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
            _value(f"{{x}} - {k}"),
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
            _value(f"{{x}} * {k}"),
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
            _value(f"{{x}} / {k}"),
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
            _truth(f"{{x}} % {k} == 0"),
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
            _truth(f"{{x}} > {k}"),
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
            _truth(f"{{x}} < {k}"),
            [(k - 1, True), (k, False)],
        )
    if kind == 7:
        return (
            [f"equals_{w}", f"is_{w}", f"equal_to_{k}"],
            [f"checks if a number is equal to {n}", f"returns True if {{x}} equals {n}", f"checks if a number is {n}"],
            _truth(f"{{x}} == {k}"),
            [(k, True), (k + 1, False)],
        )
    if kind == 8:
        f, no, yes = rng.choice((("is_adult", "child", "adult"), ("size_of", "small", "big"), ("level", "low", "high")))
        return (
            [f],
            [f"returns {no} below {n} and {yes} otherwise", f"returns {no} if {{x}} is less than {n}, else {yes}"],
            (
                f'if {{x}} < {k}:\n    return "{no}"\nreturn "{yes}"',
                f'return "{no}" if {{x}} < {k} else "{yes}"',
            ),
            [(k - 1, no), (k, yes)],
        )
    return (
        [f"remainder_{w}", f"mod_{k}", f"mod_{w}"],
        [f"returns the remainder of a number divided by {n}", f"returns {{x}} modulo {n}"],
        _value(f"{{x}} % {k}"),
        [(k * 4 + 1, 1), (k, 0)],
    )


_ONE: tuple[Task, ...] = (
    (
        ("square", "squared", "sq"),
        ("returns the square of a number", "squares a number"),
        ("return {x} * {x}", "return {x} ** 2"),
        ((3, 9), (-2, 4)),
    ),
    (
        ("cube", "cubed"),
        ("returns the cube of a number", "cubes a number"),
        ("return {x} ** 3", "return {x} * {x} * {x}"),
        ((2, 8), (-1, -1)),
    ),
    (
        ("double", "twice"),
        ("doubles a number", "returns twice its argument"),
        ("return {x} * 2", "return {x} + {x}"),
        ((4, 8), (0, 0)),
    ),
    (("half", "halve"), ("returns half of a number", "halves a number"), _value("{x} / 2"), ((8, 4.0), (3, 1.5))),
    (
        ("is_even", "even", "check_even"),
        ("checks if a number is even", "returns True for even numbers"),
        _truth("{x} % 2 == 0"),
        ((4, True), (7, False)),
    ),
    (
        ("is_odd", "odd", "check_odd"),
        ("checks if a number is odd", "returns True for odd numbers"),
        (*_truth("{x} % 2 == 1"), "return {x} % 2 != 0"),
        ((4, False), (7, True)),
    ),
    (
        ("is_positive", "positive"),
        ("checks if a number is positive", "returns True if a number is positive"),
        _truth("{x} > 0"),
        ((4, True), (-7, False), (0, False)),
    ),
    (
        ("is_negative", "negative"),
        ("checks if a number is negative", "returns True if a number is negative"),
        _truth("{x} < 0"),
        ((4, False), (-7, True)),
    ),
    (
        ("absolute", "absolute_value"),
        ("returns the absolute value of a number", "gives the absolute value of a number"),
        ("return abs({x})", "return -{x} if {x} < 0 else {x}", "if {x} < 0:\n    return -{x}\nreturn {x}"),
        ((4, 4), (-7, 7)),
    ),
    (
        ("negate", "opposite"),
        ("returns the negative of a number", "negates a number"),
        ("return -{x}", "return 0 - {x}"),
        ((4, -4), (-7, 7)),
    ),
    (
        ("identity", "same"),
        ("returns its argument", "returns its argument unchanged"),
        ("return {x}",),
        ((4, 4), (7, 7)),
    ),
    (
        ("last_digit", "final_digit", "ones_digit"),
        ("returns the last digit of a number", "gets the last digit of a number", "finds the last digit of a number"),
        ("return {x} % 10", "return int(str({x})[-1])"),
        ((127, 7), (40, 0), (5, 5)),
    ),
    (
        ("to_fahrenheit", "fahrenheit", "celsius_to_fahrenheit"),
        ("converts Celsius to Fahrenheit", "turns degrees Celsius into Fahrenheit"),
        ("return {x} * 9 / 5 + 32", "return {x} * 1.8 + 32"),
        ((100, 212.0), (0, 32.0)),
    ),
    (
        ("factorial", "fact"),
        ("returns the factorial of a number", "computes the factorial of a number"),
        (
            "if {x} == 0:\n    return 1\nreturn {x} * {f}({x} - 1)",
            "return 1 if {x} == 0 else {x} * {f}({x} - 1)",
            "result = 1\nfor i in range(1, {x} + 1): result *= i\nreturn result",
        ),
        ((5, 120), (0, 1)),
    ),
    (
        ("sign", "sign_of"),
        ("returns the sign of a number", "gives the sign of a number"),
        (
            "if {x} < 0:\n    return -1\nreturn 1 if {x} > 0 else 0",
            "if {x} > 0:\n    return 1\nreturn -1 if {x} < 0 else 0",
        ),
        ((5, 1), (-5, -1), (0, 0)),
    ),
    (
        ("sum_to", "sum_up_to"),
        ("adds the numbers from 1 to {x}", "returns the sum of the numbers from 1 to {x}"),
        (
            "return sum(range({x} + 1))",
            "return {x} * ({x} + 1) // 2",
            "total = 0\nfor i in range({x} + 1): total += i\nreturn total",
        ),
        ((4, 10), (1, 1)),
    ),
    (
        ("count_up", "numbers_to"),
        ("returns the numbers from 1 to {x}", "lists the numbers from 1 to {x}"),
        ("return list(range(1, {x} + 1))", "return [i + 1 for i in range({x})]"),
        ((3, [1, 2, 3]),),
    ),
    (
        ("sum_digits", "digit_sum"),
        ("adds the digits of a number", "returns the sum of the digits of a number"),
        ("return sum(int(d) for d in str({x}))", "return sum(map(int, str({x})))"),
        ((123, 6), (7, 7)),
    ),
)
_TEXT: tuple[Task, ...] = (
    (
        ("reverse", "reverse_string", "backwards"),
        ("reverses a string", "returns a string backwards"),
        ("return {x}[::-1]", 'return "".join(reversed({x}))'),
        (("abc", "cba"), ("", "")),
    ),
    (
        ("shout", "upper", "to_upper"),
        ("returns a string in upper case", "makes a string upper case"),
        _value("{x}.upper()"),
        (("abC", "ABC"),),
    ),
    (
        ("whisper", "lower", "to_lower"),
        ("returns a string in lower case", "makes a string lower case"),
        _value("{x}.lower()"),
        (("abC", "abc"),),
    ),
    (
        ("title_case", "titled"),
        ("returns a string in title case", "makes every word of a string start with a capital letter"),
        _value("{x}.title()"),
        (("red ball", "Red Ball"),),
    ),
    (
        ("string_length", "text_length"),
        ("returns the length of a string", "counts the letters in a string"),
        ("return len({x})", "count = 0\nfor c in {x}: count += 1\nreturn count"),
        (("abc", 3), ("", 0)),
    ),
    (
        ("first_letter", "first_char"),
        ("returns the first letter of a string", "gets the first letter of a string"),
        ("return {x}[0]", "return {x}[:1]"),
        (("abc", "a"),),
    ),
    (
        ("last_letter", "last_char"),
        ("returns the last letter of a string", "gets the last letter of a string"),
        ("return {x}[-1]", "return {x}[len({x}) - 1]"),
        (("abc", "c"),),
    ),
    (
        ("is_palindrome", "palindrome"),
        ("checks if a string is a palindrome", "returns True if a string is a palindrome"),
        _truth("{x} == {x}[::-1]"),
        (("abba", True), ("abc", False)),
    ),
    (
        ("is_vowel", "vowel"),
        ("checks if a letter is a vowel", "returns True for a vowel"),
        _truth('{x} in "aeiou"'),
        (("e", True), ("t", False)),
    ),
    (
        ("greet", "say_hello"),
        ("returns a greeting for a name", "says hello to a name"),
        _value('"Hello, " + {x}'),
        (("Mia", "Hello, Mia"),),
    ),
    (
        ("repeat", "repeat_twice"),
        ("repeats a string two times", "returns a string twice in a row"),
        ("return {x} * 2", "return {x} + {x}"),
        (("ab", "abab"),),
    ),
    (
        ("count_words", "word_count"),
        ("counts the words in a string", "returns the number of words in a string"),
        ("return len({x}.split())", "words = {x}.split()\nreturn len(words)"),
        (("a b c", 3),),
    ),
    (
        ("count_a", "number_of_a"),
        ("counts the letter a in a string", "counts how often a is in a string"),
        ('return {x}.count("a")', 'return sum(c == "a" for c in {x})'),
        (("banana", 3),),
    ),
    (
        ("count_vowels", "vowels"),
        ("counts the vowels in a string", "returns the number of vowels in a string"),
        ('return sum(c in "aeiou" for c in {x})', 'return len([c for c in {x} if c in "aeiou"])'),
        (("banana", 3),),
    ),
    (
        ("remove_spaces", "no_spaces"),
        ("removes the spaces from a string", "returns a string without spaces"),
        ('return {x}.replace(" ", "")', 'return "".join(c for c in {x} if c != " ")'),
        (("a b c", "abc"),),
    ),
)
_LIST: tuple[Task, ...] = (
    (
        ("first", "first_item", "head"),
        ("returns the first element of a list", "gets the first item of a list"),
        _value("{x}[0]"),
        (([5, 6, 7], 5),),
    ),
    (
        ("last", "last_item"),
        ("returns the last element of a list", "gets the last item of a list"),
        ("return {x}[-1]", "return {x}[len({x}) - 1]"),
        (([5, 6, 7], 7),),
    ),
    (
        ("total", "sum_list", "add_all"),
        ("returns the sum of a list", "adds all numbers in a list"),
        ("return sum({x})", "total = 0\nfor n in {x}: total += n\nreturn total"),
        (([5, 6, 7], 18), ([], 0)),
    ),
    (
        ("largest", "biggest", "max_of"),
        ("returns the largest number in a list", "finds the biggest number in a list"),
        ("return max({x})", "return sorted({x})[-1]"),
        (([5, 9, 7], 9),),
    ),
    (
        ("smallest", "min_of"),
        ("returns the smallest number in a list", "finds the smallest number in a list"),
        ("return min({x})", "return sorted({x})[0]"),
        (([5, 3, 7], 3),),
    ),
    (
        ("min_max", "smallest_and_largest"),
        ("returns the smallest and the largest number in a list", "returns the minimum and maximum of a list"),
        ("return min({x}), max({x})", "ordered = sorted({x})\nreturn ordered[0], ordered[-1]"),
        (([5, 3, 7], (3, 7)),),
    ),
    (
        ("count_items", "size", "list_length"),
        ("returns the length of a list", "counts the items in a list"),
        ("return len({x})", "count = 0\nfor n in {x}: count += 1\nreturn count"),
        (([5, 3], 2), ([], 0)),
    ),
    (
        ("sort_list", "ordered", "in_order"),
        ("sorts a list", "returns a sorted list"),
        ("return sorted({x})", "{x}.sort()\nreturn {x}"),
        (([3, 1, 2], [1, 2, 3]),),
    ),
    (
        ("reverse_list", "flip"),
        ("reverses a list", "returns a list in reverse"),
        ("return {x}[::-1]", "return list(reversed({x}))"),
        (([3, 1, 2], [2, 1, 3]),),
    ),
    (
        ("is_empty", "empty"),
        ("checks if a list is empty", "returns True for an empty list"),
        (*_truth("len({x}) == 0"), "return not {x}"),
        (([], True), ([1], False)),
    ),
    (
        ("average", "mean"),
        ("returns the average of a list", "computes the mean of a list"),
        ("return sum({x}) / len({x})", "total = sum({x})\nreturn total / len({x})"),
        (([2, 4], 3.0),),
    ),
    (
        ("evens", "only_even"),
        ("returns the even numbers in a list", "keeps the even numbers of a list"),
        ("return [n for n in {x} if n % 2 == 0]", "return list(filter(lambda n: n % 2 == 0, {x}))"),
        (([1, 2, 4], [2, 4]),),
    ),
    (
        ("squares", "square_all"),
        ("squares every number in a list", "returns the squares of a list"),
        ("return [n * n for n in {x}]", "return [n ** 2 for n in {x}]"),
        (([1, 2, 3], [1, 4, 9]),),
    ),
    (
        ("sum_of_squares", "sum_squares"),
        ("returns the sum of the squares of a list", "adds the squares of all numbers in a list"),
        ("return sum(n * n for n in {x})", "total = 0\nfor n in {x}: total += n * n\nreturn total"),
        (([1, 2, 3], 14), ([], 0)),
    ),
    (
        ("remove_duplicates", "unique"),
        ("removes duplicates from a list, keeping the order", "returns every item of a list once, in order"),
        ("return sorted(set({x}), key={x}.index)", "return [n for i, n in enumerate({x}) if n not in {x}[:i]]"),
        (([3, 1, 3, 2, 1], [3, 1, 2]),),
    ),
    (
        ("every_second", "skip_one"),
        ("returns every second item of a list", "keeps every second item, starting with the first"),
        ("return {x}[::2]", "return [{x}[i] for i in range(0, len({x}), 2)]"),
        (([5, 6, 7, 8, 9], [5, 7, 9]),),
    ),
)
_TWO: tuple[Task, ...] = (
    (
        ("add", "add_numbers", "plus"),
        ("adds two numbers", "returns the sum of two numbers"),
        (*_value("{x} + {y}"), "return sum([{x}, {y}])"),
        (((2, 3), 5),),
    ),
    (
        ("subtract", "difference"),
        ("subtracts two numbers", "returns the difference of two numbers"),
        _value("{x} - {y}"),
        (((7, 3), 4),),
    ),
    (
        ("multiply", "product"),
        ("multiplies two numbers", "returns the product of two numbers"),
        _value("{x} * {y}"),
        (((7, 3), 21),),
    ),
    (
        ("divide", "quotient"),
        ("divides two numbers", "returns the quotient of two numbers"),
        _value("{x} / {y}"),
        (((8, 2), 4.0),),
    ),
    (
        ("larger", "bigger", "maximum"),
        ("returns the larger of two numbers", "returns the bigger of two numbers"),
        (
            "return max({x}, {y})",
            "return {x} if {x} > {y} else {y}",
            "if {x} > {y}:\n    return {x}\nreturn {y}",
        ),
        (((7, 3), 7), ((1, 2), 2)),
    ),
    (
        ("smaller", "minimum"),
        ("returns the smaller of two numbers", "finds the smaller of two numbers"),
        (
            "return min({x}, {y})",
            "return {x} if {x} < {y} else {y}",
            "if {x} < {y}:\n    return {x}\nreturn {y}",
        ),
        (((7, 3), 3), ((1, 2), 1)),
    ),
    (
        ("power", "to_the_power"),
        ("raises one number to the power of another", "returns the power of two numbers"),
        ("return {x} ** {y}", "return pow({x}, {y})"),
        (((2, 3), 8),),
    ),
    (
        ("are_equal", "same_value"),
        ("checks if two numbers are equal", "returns True if two numbers are equal"),
        _truth("{x} == {y}"),
        (((7, 3), False), ((2, 2), True)),
    ),
    (
        ("join_words", "concat"),
        ("joins two strings", "puts two strings together"),
        ("return {x} + {y}", 'return "".join([{x}, {y}])'),
        ((("ab", "c"), "abc"),),
    ),
    (
        ("area", "rectangle_area"),
        ("returns the area of a rectangle", "computes the area of a rectangle"),
        _value("{x} * {y}"),
        (((7, 3), 21),),
    ),
    (
        ("swap", "swapped"),
        ("swaps two values", "returns two values in swapped order"),
        ("return {y}, {x}", "{x}, {y} = {y}, {x}\nreturn {x}, {y}"),
        (((1, 2), (2, 1)),),
    ),
)
_THREE: tuple[Task, ...] = (
    (
        ("add_three_numbers", "sum_of_three"),
        ("adds three numbers", "returns the sum of three numbers"),
        ("return {x} + {y} + {z}", "return sum([{x}, {y}, {z}])"),
        (((1, 2, 3), 6),),
    ),
    (
        ("largest_of_three", "max_of_three"),
        ("returns the largest of three numbers", "finds the biggest of three numbers"),
        ("return max({x}, {y}, {z})", "return sorted([{x}, {y}, {z}])[-1]"),
        (((1, 5, 3), 5), ((1, 2, 3), 3)),
    ),
)
_LIMITS: tuple[Task, ...] = (
    (
        ("clamp", "limit"),
        ("clamps a number between low and high", "keeps a number between low and high"),
        ("return max({y}, min({x}, {z}))", "return min({z}, max({x}, {y}))", "return sorted([{y}, {x}, {z}])[1]"),
        (((5, 1, 9), 5), ((0, 1, 9), 1), ((12, 1, 9), 9)),
    ),
    (
        ("in_range", "is_between"),
        ("checks if a number is between low and high", "returns True if a number is between low and high"),
        (*_truth("{y} <= {x} <= {z}"), "return {x} >= {y} and {x} <= {z}"),
        (((5, 1, 9), True), ((0, 1, 9), False), ((9, 1, 9), True)),
    ),
)
_SEARCH: tuple[Task, ...] = (
    (
        ("count_value", "how_many", "occurrences"),
        ("counts how often a value is in a list", "counts a value in a list"),
        ("return {x}.count({y})", "return sum(i == {y} for i in {x})"),
        ((([1, 2, 1], 1), 2), (([1, 2], 3), 0)),
    ),
    (
        ("contains", "has_value"),
        ("checks if a value is in a list", "returns True if a list contains a value"),
        (*_truth("{y} in {x}"), "return {x}.count({y}) > 0"),
        ((([1, 2], 2), True), (([1, 2], 3), False)),
    ),
)
_AFFIX: tuple[Task, ...] = (
    (
        ("starts_with", "begins_with"),
        ("checks if a string starts with another", "returns True if a string begins with another"),
        ("return {x}.startswith({y})", "return {x}[:len({y})] == {y}"),
        ((("apple", "ap"), True), (("apple", "le"), False)),
    ),
    (
        ("ends_with", "has_ending"),
        ("checks if a string ends with another", "returns True if a string ends with another"),
        _truth("{x}.endswith({y})"),
        ((("apple", "le"), True), (("apple", "ap"), False)),
    ),
)
_NUMBERS = (("x",), ("n",), ("a",), ("number",))
# Per kind: weight, tasks and the argument names a request may ask for.
KINDS: dict[str, tuple[int, tuple[Task, ...], tuple[tuple[str, ...], ...]]] = {
    "numeric": (28, (), _NUMBERS),
    "one": (18, _ONE, _NUMBERS),
    "text": (16, _TEXT, (("s",), ("text",), ("word",))),
    "list": (18, _LIST, (("numbers",), ("items",), ("values",))),
    "two": (11, _TWO, (("a", "b"), ("x", "y"))),
    "three": (2, _THREE, (("a", "b", "c"), ("x", "y", "z"))),
    "limits": (2, _LIMITS, (("x", "low", "high"), ("n", "low", "high"))),
    "search": (2, _SEARCH, (("items", "x"), ("numbers", "n"), ("values", "x"))),
    "affix": (2, _AFFIX, (("s", "part"), ("text", "part"), ("word", "part"))),
}


def written(f: str, arguments: tuple[str, ...], body: str) -> str:
    """The whole function with a body of this task."""
    slots = dict(zip("xyz", arguments, strict=False))
    lines = body.format(f=f, **slots).split("\n")
    return "\n    ".join([f"def {f}({', '.join(arguments)}):", *lines])


def asserts(f: str, arguments: tuple[str, ...], calls: Sequence[tuple]) -> tuple[str, ...]:
    """One assertion per call."""
    given = [(a if len(arguments) > 1 else (a,), result) for a, result in calls]
    return tuple(f"assert {f}({', '.join(map(repr, a))}) == {result!r}" for a, result in given)


def draw(rng: random.Random) -> tuple[str, Item]:
    """One function request and its split."""
    kind = rng.choices(tuple(KINDS), [weight for weight, _, _ in KINDS.values()])[0]
    _, tasks, argument_names = KINDS[kind]
    names, wordings, bodies, calls = numeric(rng) if kind == "numeric" else rng.choice(tasks)
    requests = _NAMELESS if rng.random() < 0.15 else _REQUEST
    f, does = names[0] if requests is _NAMELESS else rng.choice(names), rng.choice(wordings)
    arguments = rng.choice(argument_names)
    if "{x}" in does:
        does = does.format(x=arguments[0])
    elif rng.random() < 0.5:
        # Without a hint in the request the argument names are a free choice of the model.
        *front, end = arguments
        does += f", with arguments {', '.join(front)} and {end}" if front else f", with argument {end}"
    else:
        arguments = usual(argument_names, arguments, f"{f}{does}arguments")
    body = rng.choice(bodies)
    prompt = rng.choice(requests).format(f=f, does=does)
    answer = written(f, arguments, usual(bodies, body, f"{prompt}{arguments}"))
    # Only the request's last mark and politeness vary: names in code are case sensitive.
    prompt = prompt.rstrip(".") if rng.random() < 0.15 else prompt
    prompt = prompt.lower() if rng.random() < 0.08 and "True" not in prompt else prompt
    key = f"code:{f if requests is _REQUEST else ''}:{does}"
    return split_of(key), Item("code", prompt, answer, ("asserts", asserts(f, arguments, calls)))
