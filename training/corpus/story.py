"""Short stories: open ended, so they have no grader.

The semantic key is the request: its wording with the hero and whatever else it names.  Held-out requests are new
combinations of these.  A request that names nothing ("Tell me a story.") is always trained.
"""

import random
import re

from training.corpus.item import TRAIN, Item, reworded, split_of

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
# None starts or ends with "please" and no two differ only in case or last mark: `reworded` would make them the same.
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
    "Tell me a story about a {t} {h}.",
    "Write a story about a {h}.",
    "Tell a story about a {h}.",
    "Can you write a story about a {t} {h}?",
    "Could you tell me a story about a {h}?",
    "I would like a story about a {t} {h}.",
    "Tell me a fairy tale about a {h}.",
    "Write a fairy tale about a {t} {h}.",
    "Write a story about a {h} and a {f}.",
    "Tell me a story about a {h} who meets a {f}.",
    "Write a story about a {h} who finds a {o}.",
    "Tell me a story about a {h} and a {o}.",
    "Write a children's story about a {h}.",
    "Make up a short story about a {h}.",
    "Short story about a {t} {h}.",
    "A story about a {h}.",
    "Tell me a tale of a {t} {h}.",
    "Let me hear a story about a {h}.",
    "Do you know a story about a {h}?",
    "Write a bedtime story about a {h} named {n}.",
    "Tell me a story about {n} the {h}.",
    "Write a story about {n} the {h}.",
    "Tell a story about a {h} that lives in a {l}.",
    "Write a short story about a {t} {h} in a {l}.",
    "Tell me a story with a {h} and a {f}.",
    "Write a short story.",
    "Tell me a story.",
    "Write a story.",
    "Tell me a short story.",
    "Can you tell me a story?",
)
_OPEN = (
    "Once upon a time there was a {t} {h} in a {l}.",
    "Once there was a {t} {h} who lived near a {l}.",
    "There was a {t} {h} named {n}.",
    "A {t} {h} lived in a {l}.",
    "Long ago, a {t} {h} lived by a {l}.",
    "{n} was a {t} {h}.",
    "In a {l} there lived a {t} {h}.",
    "Once upon a time there was a {t} {h} called {n}.",
)
_FIND = (
    "One day the {h} found a {o}.",
    "One morning the {h} saw a {o} under a tree.",
    "One day the {h} lost a {o}.",
    "The {h} was looking for a {o}.",
    "One night the {h} dreamed of a {o}.",
    "The {h} wanted a {o} more than anything.",
    "One evening a {o} lay in front of the door.",
)
_MEET = (
    "Then a {f} came by and asked for help.",
    'A {f} said, "Let us go together."',
    "On the way the {h} met a {f}.",
    "A {f} wanted to be friends.",
    "The {h} showed it to a {f}.",
    "Soon a {f} came to visit.",
    'The {h} asked a {f}, "Will you help me?"',
)
_MIDDLE = (
    "They walked all day and sang songs.",
    "It was dark, but they were not afraid.",
    "They shared their food.",
    "It began to rain, so they ran home.",
    "They laughed and played in the sun.",
    "They worked hard together.",
    "They crossed a river and climbed a hill.",
    "They talked until the moon came up.",
)
_CLOSE = (
    "In the end they were best friends.",
    "They lived happily ever after.",
    "The {h} was never lonely again.",
    "That night the {h} slept very well.",
    "And the {h} smiled all the way home.",
    "From then on they met every day.",
    "It was the best day of all.",
    "The {h} never forgot that day.",
)


def _article(text: str) -> str:
    """The text with "an" before a vowel; no word of the lists above is spoken otherwise than its first letter says."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def draw(rng: random.Random) -> tuple[str, Item]:
    """One story request with one of its many possible stories, and its split."""
    wording = rng.choice(WORDINGS)
    hero = rng.choice(HEROES)
    slots = {
        "h": hero,
        "t": rng.choice(TRAITS),
        "l": rng.choice(PLACES),
        "f": rng.choice([friend for friend in FRIENDS if friend != hero]),
        "o": rng.choice(OBJECTS),
        "n": rng.choice(NAMES),
    }
    # A request's name or place occurs in its story; a friend, an object and a trait occur in every story.
    asked = [slot for slot in ("{n}", "{l}") if slot in wording]
    opening = rng.choice([opening for opening in _OPEN if all(slot in opening for slot in asked)])
    middle = [rng.choice(_MEET), rng.choice(_MIDDLE)] if rng.random() < 0.7 else [rng.choice(_MEET)]
    parts = [opening, rng.choice(_FIND), *middle, rng.choice(_CLOSE)]
    prompt = wording.format(**slots)
    answer = " ".join(parts).format(**slots)
    bare = "{" not in wording  # "Tell me a story." holds nothing to hold out
    split = TRAIN if bare else split_of(f"story:{prompt}")
    return split, Item("story", reworded(rng, _article(prompt)), _article(answer), None)
