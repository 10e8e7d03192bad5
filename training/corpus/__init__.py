"""Seeded generators of the training corpus: five families with disjoint train and held-out splits.

Everything is made here from word lists and templates; no outside text is used.  What a held-out item keeps away from
training differs by family and is stated in each family's module.
"""

import random
from collections.abc import Iterator
from functools import partial

from training.corpus import choice, code, facts, story, word
from training.corpus.grading import grade
from training.corpus.item import HELD_OUT, SPLITS, TRAIN, Item

_DRAW = {"word": word.draw, "code": code.draw, "facts": facts.draw, "choice": choice.draw, "story": story.draw}
FAMILIES = tuple(_DRAW)

__all__ = ["FAMILIES", "HELD_OUT", "SPLITS", "TRAIN", "Item", "grade", "items"]


def items(family: str, split: str, n: int, seed: int, form: str = "until") -> Iterator[Item]:
    """Yield `n` items of one family and split; the same arguments always give the same items.

    `form` is how multiple choice is answered (`choice.FORMS`); it changes neither a question nor its grade.

    Held-out prompts are all different from each other, so that an accuracy over `n` items rests on `n` questions.
    Training prompts may repeat, as draws from a distribution do.
    """
    if family not in _DRAW:
        raise ValueError(f"unknown family {family!r}: choose from {', '.join(FAMILIES)}.")
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: choose from {', '.join(SPLITS)}.")
    # A string seed is hashed with SHA-512 by `random`, so it does not depend on PYTHONHASHSEED.
    rng = random.Random(f"{family}/{split}/{seed}")
    draw = partial(choice.draw, form=form) if family == "choice" else _DRAW[family]
    seen: set[str] = set()
    given = 0
    misses = 0
    while given < n:
        item_split, item = draw(rng)
        if item_split != split or item.prompt in seen:
            misses += 1
            if misses > 100_000:
                raise ValueError(f"family {family!r} has fewer than {n} different {split} prompts.")
            continue
        misses = 0
        if split == HELD_OUT:
            seen.add(item.prompt)
        given += 1
        yield item
