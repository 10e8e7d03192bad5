"""What a training step sees: packed rows of prompts and answers, corrupted the way each model is trained.

`causal` predicts the next token, nothing is corrupted.  `blocks` is block diffusion (Arriola et al. 2025; SDAR) in its
two-copy layout: the clean text, and a corrupted copy of the answer whose blocks see themselves and the clean blocks to
their left.  `masked` is LLaDA's fine-tuning (Nie et al. 2025, algorithm 2): full attention, the prompt stays clean.

Rows are packed with whole documents, which never see each other: a multiple choice answer looks its letter up by its
word, and would find other questions' letters.  A step's rows depend only on the seed, the objective and the step.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import torch

from training import tokenizer as tok
from training.corpus import FAMILIES, TRAIN, items
from training.corpus.choice import LETTERS
from training.corpus.drill import EXERCISES

SEED = 0
FAMILY_WEIGHT = {"word": 24, "code": 18, "facts": 20, "choice": 32, "story": 6}
ROW_LENGTH = 256
PROMPT_WEIGHT = 0.3  # of a prompt token in the causal loss: prompts hold random numbers nobody has to predict
FILL_WEIGHT = 0.1  # of an end token after the first one: easy, and else most of the loss
SMALLEST_RATIO = 0.3  # 1/t is clipped here: a few tokens of nearly clean documents would else outweigh all others
OPENING_SHARE = 0.3  # of the blocks are masked whole, as when decoding enters them
CUT_SHARE = 0.5  # of the other blocks are masked from some token on: decoding mostly goes from left to right
# Block size 1 is next-token prediction from a mask token: every answer token is scored with all that precedes it.
BLOCK_SIZES = {1: 24, 4: 18, 8: 22, 16: 18, 32: 18}

# Full attention.  Uniform masking alone hardly teaches sums, because a worked answer repeats its results and a hidden
# result can mostly be copied from its other place; so most documents are corrupted the way block-wise decoding sees
# them, and half are trained in two copies, which scores every answer token in one pass.
BLOCK_SHARE = 0.8
MASKED_BLOCKS = (4, 8, 16, 32, 64)
RIGHT_WEIGHT = 0.3  # of a position right of the block: all masked there, and methods may draft that far
TWO_COPY_SHARE = 0.5
TWO_COPY_BLOCKS = (1, 1, 2, 4, 8, 16)
SNUG_SHARE = 0.5  # of the documents have little end fill, so that a row holds more of them
AREAS = (32, 64, 96, 128)  # lengths of the answer area (answer, first end token, end fill)

CHOICE_WEIGHT = 2.0  # of a token of a multiple choice answer: which option it is takes longest to learn
LETTER_WEIGHT = 4.0  # of its letter: the token that is graded
RESULT_WEIGHT = 3.0  # of a digit behind "=": one token in twenty of a word problem, and what makes it right
DECISION_WEIGHT = 12.0  # of the comma or full stop behind what is said of an option: whether to go on


_MARKS = {f"Ġ({mark})" for mark in LETTERS}


class Document(NamedTuple):
    """Token ids of a prompt and of its answer, which ends with one end token, and what each answer token weighs."""

    prompt: list[int]
    answer: list[int]
    weights: list[float]


Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Mixture:
    """What a stage of training draws: how often each family (or exercise), and in block diffusion each block size (any
    unit); which share of the blocks is masked whole, and which share of those is then shown in the model's own order
    (`reveal`); in which form multiple choice is answered (`choice.FORMS`)."""

    families: Mapping[str, float] = field(default_factory=lambda: FAMILY_WEIGHT)
    blocks: Mapping[int, float] = field(default_factory=lambda: BLOCK_SIZES)
    opening: float = OPENING_SHARE
    ordered: float = 0.0
    form: str = "until"


def values(family: str, pieces: Sequence[str]) -> list[float]:
    """What each token of an answer weighs, by the text of the tokens: more where few tokens decide."""
    weights = [CHOICE_WEIGHT if family == "choice" else 1.0] * len(pieces)
    result, said = False, False  # behind "=", behind ":" or a listed option
    for i, piece in enumerate(pieces):
        if family in ("choice", "until", "seek") and said and piece[0] in ",.":
            weights[i], said = DECISION_WEIGHT, False
        elif family in ("choice", "drill", "letters", "seek") and piece in _MARKS:
            weights[i] = LETTER_WEIGHT
        elif family in ("word", "drill") and result and piece.isdigit():
            weights[i] = RESULT_WEIGHT
        result = piece == "Ġ=Ġ" or result and piece.isdigit()
        # An option of a list, but not the letter that is graded.
        listed = piece in _MARKS and (family == "seek" or family == "choice" and i + 3 < len(pieces))
        said = said or listed or piece[0] == ":" or piece == "Ġ:Ġ"
    return weights


def documents(rng: random.Random, n: int, tokenizer, mixture: Mixture | None = None) -> list[Document]:
    """`n` training documents, families drawn by their weights."""
    mixture = mixture or Mixture()
    families = mixture.families
    names = rng.choices(tuple(families), tuple(families.values()), k=n)
    drawn = []
    for family in (*FAMILIES, *EXERCISES):
        seed, count = rng.getrandbits(62), names.count(family)
        luck, draw = random.Random(f"{family}/{seed}"), EXERCISES.get(family)
        for item in (draw(luck) for _ in range(count)) if draw else items(family, TRAIN, count, seed, mixture.form):
            answer = tok.encode_answer(tokenizer, item.answer)
            pieces = [tokenizer.id_to_token(token) for token in answer]
            drawn.append(Document(tok.encode_prompt(tokenizer, item.prompt), answer, values(family, pieces)))
    rng.shuffle(drawn)
    return drawn


@dataclass
class Packed:
    """A corrupted document before packing, one entry per token of the input.

    A token sees another one of its document if the two are in the same group, or if the other's `level` is below its
    own `sight`.  `expected` is the weight its positions have in expectation, by which a step's loss is normalised.
    `opened` numbers the blocks that are masked whole, from 1; 0 is none of them.
    """

    ids: list[int]
    targets: list[int]
    weights: list[float]
    positions: list[int]
    level: list[int]
    sight: list[int]
    group: list[int]
    expected: float
    opened: list[int]


def plain(rng: random.Random, document: Document, ratio: float) -> Packed:
    """Prompt and answer as they are, every token seeing those up to itself and predicting the next one."""
    prompt, answer, weights = document
    ids = prompt + answer
    n = len(ids)
    weights = [PROMPT_WEIGHT] * (len(prompt) - 1) + weights + [0.0]
    return Packed(
        ids=ids,
        targets=[*ids[1:], tok.PAD],
        weights=weights,
        positions=list(range(n)),
        level=list(range(n)),
        sight=list(range(1, n + 1)),
        group=[-1 - i for i in range(n)],
        expected=sum(weights),
        opened=[0] * n,
    )


def block_copies(
    rng: random.Random,
    document: Document,
    ratio: float,
    sizes: Mapping[int, float] | None = None,
    opening: float | None = None,
) -> Packed:
    """Clean text and a corrupted copy of the answer's blocks; blocks are counted from position 0, prompt included.

    Each block draws its own mask ratio around `ratio`; the prompt's tokens in a shared first block stay clean.
    """
    sizes, opening = sizes or BLOCK_SIZES, OPENING_SHARE if opening is None else opening
    size = rng.choices(tuple(sizes), tuple(sizes.values()))[0]
    prompt, answer, values = document
    p = len(prompt)
    whole = prompt + answer
    fill = -len(whole) % size
    whole += [tok.EOS] * fill
    values = [0.0] * p + values + [FILL_WEIGHT] * fill
    first, last = p // size, len(whole) // size - 1
    clean = last * size  # nobody sees the clean last block
    ids, weights, opened, expected = [], [], [], 0.0
    for block in range(first, last + 1):
        ratio = (ratio + 0.6180339887) % 1.0
        whole_block = size == 1 or rng.random() < opening
        t, cut = 1.0 if whole_block else max(ratio, 1e-3), p
        if t < 1.0 and rng.random() < CUT_SHARE:
            t, cut = 1.0, max(p, block * size + rng.randrange(size))
        for i in range(block * size, (block + 1) * size):
            value = values[i] if i >= cut else 0.0
            hidden = i >= cut and rng.random() < t
            ids.append(tok.MASK if hidden else whole[i])
            opened.append(1 + block if hidden and whole_block and size > 1 else 0)
            weights.append(value / max(t, SMALLEST_RATIO) if hidden else 0.0)
            expected += value * min(1.0, t / SMALLEST_RATIO)
    begin = first * size
    blocks_of_copy = [i // size for i in range(begin, len(whole))]
    blocks_of_clean = [i // size for i in range(clean)]
    return Packed(
        ids=whole[:clean] + ids,
        targets=whole[:clean] + whole[begin:],
        weights=[0.0] * clean + weights,
        positions=list(range(clean)) + list(range(begin, len(whole))),
        level=blocks_of_clean + [ROW_LENGTH] * len(blocks_of_copy),
        sight=[b + 1 for b in blocks_of_clean] + blocks_of_copy,
        group=[-1 - b for b in blocks_of_clean] + blocks_of_copy,
        expected=expected,
        opened=[0] * clean + opened,
    )


def corrupt(
    rng: random.Random, answer: list[int], values: list[float], area: int, ratio: float, opening: float
) -> tuple[list[int], list[float], float, list[int]]:
    """Mask an answer area of `area` tokens with ratio t = `ratio`; blocks are masked whole in a share `opening`.

    Returns (input ids, loss weight of each position, the weight all positions would have in expectation, 1 where a
    block was masked whole).  Some
    documents are masked uniformly; in `BLOCK_SHARE` of them everything left of a random block is clean, everything
    right of it is masked, and only the block is masked with ratio t: the states that block-wise decoding visits.
    """
    target = answer + [tok.EOS] * (area - len(answer))
    start, end, whole = 0, area, False
    if rng.random() < BLOCK_SHARE:
        block = rng.choice([b for b in MASKED_BLOCKS if b < 2 * area])
        # Blocks behind the first end token hold nothing but fill, so they are drawn seldom.
        last = area if rng.random() < 0.1 else len(answer)
        start = rng.randrange(math.ceil(last / block)) * block
        end = min(area, start + block)
        if rng.random() < opening:
            ratio, whole = 1.0, True
        elif rng.random() < CUT_SHARE:
            ratio, start = 1.0, start + rng.randrange(end - start)
    inputs, weights, expected = list(target), [0.0] * area, 0.0
    for i in range(start, area):
        value = values[i] if i < len(answer) else FILL_WEIGHT
        if i >= end:
            inputs[i] = tok.MASK
            weights[i] = value * RIGHT_WEIGHT
            expected += weights[i]
            continue
        expected += value
        if rng.random() < ratio:
            inputs[i] = tok.MASK
            weights[i] = value / max(ratio, SMALLEST_RATIO)
    return inputs, weights, expected, [int(whole and start <= i < end) for i in range(area)]


def one_copy(rng: random.Random, document: Document, ratio: float, opening: float | None = None) -> Packed:
    """Prompt and corrupted answer area with full attention: exactly what decoding feeds the model."""
    prompt, answer, values = document
    least = math.ceil(len(answer) / 32) * 32
    if rng.random() < SNUG_SHARE:
        area = len(answer) + rng.randrange(6)
    else:
        area = least if rng.random() < 0.7 else rng.choice([a for a in AREAS if a >= least])
    opening = OPENING_SHARE if opening is None else opening
    inputs, weights, expected, opened = corrupt(rng, answer, values, area, ratio, opening)
    n = len(prompt) + area
    return Packed(
        prompt + inputs,
        prompt + answer + [tok.EOS] * (area - len(answer)),
        [0.0] * len(prompt) + weights,
        list(range(n)),
        [0] * n,
        [0] * n,
        [0] * n,
        expected,
        [0] * len(prompt) + opened,
    )


def two_copies(rng: random.Random, document: Document, ratio: float) -> Packed:
    """Prompt, clean answer and a corrupted copy of the answer at the same positions.

    The prompt sees itself, a clean token the prompt and the clean tokens up to itself, a block of the copy itself and
    all that is clean left of it.  Nothing lies right of a block here; `one_copy` documents teach that case.
    """
    prompt, answer, values = document
    p, a, block = len(prompt), len(answer), rng.choice(TWO_COPY_BLOCKS)
    if block == 1 or rng.random() < OPENING_SHARE:
        ratio = 1.0
    hidden = [rng.random() < ratio for _ in answer]
    starts = [i // block * block for i in range(a)]
    return Packed(
        ids=prompt + answer + [tok.MASK if h else t for h, t in zip(hidden, answer, strict=True)],
        targets=prompt + answer + answer,
        weights=[0.0] * (p + a)
        + [v / max(ratio, SMALLEST_RATIO) if h else 0.0 for h, v in zip(hidden, values, strict=True)],
        positions=list(range(p + a)) + list(range(p, p + a)),
        level=[0] * p + list(range(1, a + 1)) + [ROW_LENGTH] * a,
        sight=[1] * p + list(range(2, a + 2)) + [start + 1 for start in starts],
        group=[-1] * p + list(range(-2, -2 - a, -1)) + starts,
        expected=sum(values),
        opened=[0] * (p + 2 * a),
    )


def reveal(batch: Batch, sure: torch.Tensor, share: float, rng: random.Random) -> None:
    """Shows the most certain tokens of a `share` of the blocks that are masked whole, in place.

    `sure` (rows, ROW_LENGTH): how sure the model is of its best token there. A decoder that fills the most certain
    position first never meets a block masked at random: of "The opposite of dry is wet." it has "opposite" and "of"
    long before "wet". How many tokens stay masked is uniform, which ones are the least certain, and what is shown is
    the true text.
    """
    for row, numbers in enumerate(batch["opened"]):
        for number in numbers.unique().tolist():
            at = (numbers == number).nonzero()[:, 0]
            if not number or rng.random() >= share:
                continue
            masked = max(1, math.ceil(rng.random() * len(at)))
            order = at[sure[row, at].argsort(descending=True, stable=True)]
            shown, hidden = order[: len(at) - masked], order[len(at) - masked :]
            batch["ids"][row, shown] = batch["targets"][row, shown]
            batch["weights"][row, shown] = 0.0
            batch["weights"][row, hidden] /= max(masked / len(at), SMALLEST_RATIO)


def batch(objective: str, step: int, rows: int, tokenizer, mixture: Mixture | None = None) -> Batch:
    """The `rows` rows of one step of an objective (`causal`, `blocks` or `masked`), packed with whole documents.

    ids, targets, positions: (rows, ROW_LENGTH) int64, positions restart at 0 in every document; mask: (rows, 1,
    ROW_LENGTH, ROW_LENGTH) bool, True where a query (first) sees a key (second), never across documents; weights:
    (rows, ROW_LENGTH) float32, normalised over the step; opened: (rows, ROW_LENGTH) int64, a number for each block that
    is masked whole, else 0.
    """
    mixture = mixture or Mixture()
    rng = random.Random(f"{SEED}/{objective}/{step}")
    offset = rng.random()
    shape = (rows, ROW_LENGTH)
    # Padding is a document of its own, so it sees itself and no row of the mask is empty.
    fields = {"ids": tok.PAD, "targets": tok.PAD, "positions": 0, "documents": -1, "level": 0, "sight": 0}
    fields |= {"group": 0, "opened": 0}
    batch = {name: torch.full(shape, value) for name, value in fields.items()}
    weights, total = torch.zeros(shape), 0.0
    used, failures = [0] * rows, 0
    for i, drawn in enumerate(documents(rng, 8 * rows, tokenizer, mixture)):
        # Mask ratios are spread evenly over (0, 1] within a step: same distribution, less noise.
        ratio = 1.0 - (offset + i * 0.6180339887) % 1.0
        if objective == "masked":
            make = two_copies if rng.random() < TWO_COPY_SHARE else partial(one_copy, opening=mixture.opening)
        elif objective == "causal":
            make = plain
        else:
            make = partial(block_copies, sizes=mixture.blocks, opening=mixture.opening)
        document = make(rng, drawn, ratio)
        size = len(document.ids)
        # The fullest row that has room: rows end up with little padding.
        row = max((r for r in range(rows) if used[r] + size <= ROW_LENGTH), key=lambda r: used[r], default=None)
        if row is None:
            failures += 1
            if failures > 12:
                break
            continue
        at = slice(used[row], used[row] + size)
        for name in ("ids", "targets", "positions", "level", "sight", "group"):
            batch[name][row, at] = torch.tensor(getattr(document, name))
        batch["documents"][row, at] = i
        opened = torch.tensor(document.opened)
        batch["opened"][row, at] = torch.where(opened > 0, opened + ROW_LENGTH * i, 0)
        weights[row, at] = torch.tensor(document.weights)
        total += document.expected
        used[row] += size
    seen = batch["group"][:, :, None] == batch["group"][:, None, :]
    seen |= batch["level"][:, None, :] < batch["sight"][:, :, None]
    seen &= batch["documents"][:, :, None] == batch["documents"][:, None, :]
    return {
        "ids": batch["ids"],
        "targets": batch["targets"],
        "positions": batch["positions"],
        "mask": seen[:, None],
        "weights": weights / total,
        "opened": batch["opened"],
    }
