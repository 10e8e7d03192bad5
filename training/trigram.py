"""Fits the 3-gram that DiffuSpec scores drafts with: `python -m training.trigram [--items N]`.

It counts the token ids of N training items of every family, prompt and answer as one document, and writes
`assets/models/tiny-ar/trigram.safetensors` beside the model that checks the drafts. Held-out items are never read.
"""

import argparse
import sys
from collections.abc import Iterator

from decoders.models.catalogue import MODELS, PROXY
from decoders.ngram import NGram
from training import tokenizer as tok
from training.corpus import FAMILIES, TRAIN, items

FOLDER = MODELS / "tiny-ar"


def documents(n: int, seed: int, tokenizer) -> Iterator[list[int]]:
    """Token ids of `n` training items of each family."""
    for family in FAMILIES:
        for item in items(family, TRAIN, n, seed):
            yield tok.encode_prompt(tokenizer, item.prompt) + tok.encode_answer(tokenizer, item.answer)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.trigram", description="Fits the 3-gram of tiny-ar.")
    parser.add_argument("--items", type=int, default=10_000, help="training items per family (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    ngram = NGram.fit(documents(args.items, args.seed, tok.load()), vocab=tok.VOCAB_SIZE)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = ngram.save(FOLDER / PROXY)
    sizes = ", ".join(f"{len(keys)} {n}-grams" for n, keys in enumerate(ngram.keys, 1))
    print(f"{path.name}: {path.stat().st_size} bytes, {sizes}, {int(ngram.counts[0].sum())} tokens")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
