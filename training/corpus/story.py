"""Short stories: open ended, so they have no grader.

The semantic key is the hero, its trait, the place and the wording of the request.  Held-out requests are new
combinations of these.
"""

import random

from training.corpus.item import Item, reworded, split_of

HEROES = (
    "fox",
    "cat",
    "dog",
    "bear",
    "rabbit",
    "mouse",
    "dragon",
    "robot",
    "king",
    "queen",
    "girl",
    "boy",
    "owl",
    "frog",
    "bird",
    "horse",
    "wizard",
    "sailor",
    "knight",
    "lion",
    "turtle",
    "princess",
    "wolf",
    "duck",
)
TRAITS = ("little", "brave", "lonely", "clever", "lazy", "kind", "tiny", "old", "happy", "curious", "sleepy", "shy")
PLACES = ("forest", "village", "castle", "city", "garden", "valley", "park", "cave", "town", "palace")
FRIENDS = ("owl", "mouse", "girl", "boy", "squirrel", "bird", "old man", "rabbit", "fish", "bee", "deer", "cat")
OBJECTS = (
    "golden key",
    "red ball",
    "magic stone",
    "big map",
    "silver coin",
    "small boat",
    "lost ring",
    "blue flower",
    "warm hat",
    "sweet cake",
    "shiny star",
    "old book",
)
NAMES = ("Lily", "Max", "Luna", "Tom", "Rosa", "Finn", "Mia", "Leo", "Zoe", "Ben")
WORDINGS = (
    "Write a short story about a {h}.",
    "Tell me a story about a {h}.",
    "Tell a story about a {t} {h}.",
    "Write a story about a {t} {h}.",
    "Write a story about a {h} in a {l}.",
    "Tell me a short story about a {t} {h}.",
    "I want a story about a {h}.",
    "Tell me a short story about a {h}.",
    "Write a story about a {h} named {n}.",
    "Tell me a story about a {h} called {n}.",
    "Tell a story about a {h} and a {f}.",
    "Make up a story about a {t} {h}.",
    "Write a tale about a {h}.",
    "Tell me about a {t} {h} in a {l}.",
    "Write me a story with a {h}.",
    "Can you tell a story about a {h}?",
    "Give me a short story about a {h}.",
    "Story about a {h}.",
    "Tell me a bedtime story about a {h}.",
    "Write a very short story about a {t} {h}.",
    "Write a short story.",
    "Tell me a story.",
)
_OPEN = (
    "Once upon a time there was a {t} {h} in a {l}.",
    "Once there was a {t} {h} who lived near a {l}.",
    "There was a {t} {h} named {n}.",
    "A {t} {h} lived in a {l}.",
    "Long ago, a {t} {h} lived by a {l}.",
)
_FIND = (
    "One day the {h} found a {o}.",
    "One morning the {h} saw a {o} under a tree.",
    "One day the {h} lost a {o}.",
    "The {h} was looking for a {o}.",
    "One night the {h} dreamed of a {o}.",
)
_MEET = (
    "Then a {f} came by and asked for help.",
    'A {f} said, "Let us go together."',
    "On the way the {h} met a {f}.",
    "A {f} wanted to be friends.",
    "The {h} showed it to a {f}.",
)
_MIDDLE = (
    "They walked all day and sang songs.",
    "It was dark, but they were not afraid.",
    "They shared their food.",
    "It began to rain, so they ran home.",
    "They laughed and played in the sun.",
    "They worked hard together.",
)
_CLOSE = (
    "In the end they were best friends.",
    "They lived happily ever after.",
    "The {h} was never lonely again.",
    "That night the {h} slept very well.",
    "And the {h} smiled all the way home.",
    "From then on they met every day.",
)


def _article(text: str) -> str:
    for word in ("old", "owl"):
        text = text.replace(f" a {word}", f" an {word}").replace(f"A {word}", f"An {word}")
    return text


def draw(rng: random.Random) -> tuple[str, Item]:
    """One story request with one of its many possible stories, and its split."""
    wording = rng.choice(WORDINGS)
    slots = {
        "h": rng.choice(HEROES),
        "t": rng.choice(TRAITS),
        "l": rng.choice(PLACES),
        "f": rng.choice(FRIENDS),
        "o": rng.choice(OBJECTS),
        "n": rng.choice(NAMES),
    }
    middle = [rng.choice(_MEET), rng.choice(_MIDDLE)] if rng.random() < 0.7 else [rng.choice(_MEET)]
    opening = _OPEN[2] if "{n}" in wording else rng.choice(_OPEN)
    parts = [opening, rng.choice(_FIND), *middle, rng.choice(_CLOSE)]
    prompt = wording.format(**slots)
    answer = " ".join(parts).format(**slots)
    bare = "{" not in wording  # "Tell me a story." holds nothing to hold out
    split = "train" if bare else split_of(f"story:{prompt}")
    return split, Item("story", reworded(rng, _article(prompt)), _article(answer), None)
