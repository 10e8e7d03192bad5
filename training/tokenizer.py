"""The byte-level BPE of the in-house models.

`python -m training.tokenizer` trains it on the train split only and writes it to `assets/models/tiny-llada/`.
Special tokens come first (ids 0 to 4), then the 256 bytes, then the merges.  Every decimal digit is a token of its own.
"""

import json
import os
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.corpus import FAMILIES, TRAIN, items

VOCAB_SIZE = 2000
SPECIAL = ("<|mask|>", "<|eos|>", "<|user|>", "<|assistant|>", "<|pad|>")
MASK, EOS, USER, ASSISTANT, PAD = range(5)
ITEMS_PER_FAMILY = {"word": 20000, "code": 14000, "facts": 16000, "choice": 20000, "story": 8000}

MODEL_DIR = Path(__file__).resolve().parent.parent / "assets" / "models" / "tiny-llada"

# The letter of an option is one token with its brackets: it then follows the option's word at once, and is found by
# looking up what followed that word, the first thing attention learns.  A digit is cut off, so no merge can hold two of
# them.  A sign between digits keeps its spaces (" + ", ", "), which makes sums a third shorter.  The rest is words with
# their leading space, runs of other signs, and white space.
PATTERN = r" \([A-H]\)|\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+ (?=\p{N})| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}<|eos|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def train_tokenizer(seed: int = 0, scale: float = 1.0) -> Tokenizer:
    """Train the BPE on `scale` times `ITEMS_PER_FAMILY` training items; the same seed gives the same merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    texts = (
        text
        for family in FAMILIES
        for item in items(family, TRAIN, int(ITEMS_PER_FAMILY[family] * scale), seed)
        for text in (item.prompt, item.answer)
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path = MODEL_DIR) -> None:
    """Write tokenizer.json and tokenizer_config.json so that `AutoTokenizer.from_pretrained(folder)` loads them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "mask_token": "<|mask|>",
        "eos_token": "<|eos|>",
        "pad_token": "<|pad|>",
        "additional_special_tokens": ["<|user|>", "<|assistant|>"],
        "model_max_length": 512,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    for name, text in (
        ("tokenizer.json", tokenizer.to_str(pretty=True)),
        ("tokenizer_config.json", json.dumps(config, indent=2) + "\n"),
    ):
        temporary = folder / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, folder / name)


def load(folder: Path = MODEL_DIR) -> Tokenizer:
    """The saved tokenizer as a `tokenizers.Tokenizer`."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """`<|user|> prompt <|assistant|>` as ids; special tokens spelt out in the prompt are cut like other text."""
    tokenizer.encode_special_tokens = True
    return [USER, *tokenizer.encode(prompt, add_special_tokens=False).ids, ASSISTANT]


def encode_answer(tokenizer: Tokenizer, answer: str) -> list[int]:
    """`answer <|eos|>` as ids."""
    tokenizer.encode_special_tokens = True
    return [*tokenizer.encode(answer, add_special_tokens=False).ids, EOS]


if __name__ == "__main__":
    save(train_tokenizer())
