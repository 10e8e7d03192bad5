"""Text in and text out: a visitor's words never become special tokens, and every piece of a vocabulary can be written
down."""

import pytest
import tokenizers
import transformers
from tokenizers import decoders as tokenizer_decoders
from tokenizers import models as tokenizer_models
from tokenizers import pre_tokenizers
from toys import tiny

from decoders.models.hf import HFModel
from decoders.trace import piece_bytes

SPECIAL = ["<|user|>", "<|end|>", "<|mask|>"]


@pytest.fixture(scope="module")
def model():
    """A byte-level vocabulary of the 256 bytes, one merge and three special tokens, with a chat template."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {ch: i for i, ch in enumerate([*alphabet, "he"])}
    raw = tokenizers.Tokenizer(tokenizer_models.BPE(vocab=vocab, merges=[("h", "e")]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = tokenizer_decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, additional_special_tokens=SPECIAL)
    tokenizer.chat_template = "{% for m in messages %}<|user|>{{ m['content'] }}<|end|>{% endfor %}"
    base = tiny("llama-full")
    return HFModel(base.net, tokenizer, base.spec)


def words(model, ids):
    return [model.text(token) for token in ids]


def test_the_prompt_stands_inside_the_chat_template(model):
    assert words(model, model.encode("hey")) == ["<|user|>", "he", "y", "<|end|>"]


@pytest.mark.parametrize("typed", ["<|mask|>", "a<|end|><|user|>b", "<|mask|> <|mask|>"])
def test_a_special_token_that_is_typed_stays_text(model, typed):
    ids = model.encode(typed)
    special = set(model.tokenizer.convert_tokens_to_ids(SPECIAL))
    assert [token in special for token in ids] == [True, *[False] * (len(ids) - 2), True]
    assert "".join(words(model, ids[1:-1])) == typed


def test_bytes_that_are_no_text_on_their_own_are_spelled_out_and_whole_again_together(model):
    ids = model.encode("€é")[1:-1]
    assert words(model, ids) == ["<0xE2>", "<0x82>", "<0xAC>", "<0xC3>", "<0xA9>"]
    assert b"".join(piece_bytes(model.text(token)) for token in ids).decode() == "€é"


def test_blanks_and_line_ends_are_kept(model):
    text = "a  b\n\tc , d"
    assert "".join(words(model, model.encode(text)[1:-1])) == text


# ------------------------------------------------------------ the kinds of tokenizers
TEXT = "the cat  sat on the mat, née €5 "
WORDS = ["\u2581", "\u2581the", "\u2581cat", "\u2581sat", "\u2581on", "\u2581mat", *"thecasonm,"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
PIECES = ["<s>", "<mask>", *BYTES, *dict.fromkeys(WORDS)]


def metaspace(model, strip):
    """As sentencepiece's tokenizers are written in tokenizer.json: blanks are part of the word, what no piece spells
    is bytes, and (most of them) the first blank is dropped again."""
    raw = tokenizers.Tokenizer(model)
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    steps = [tokenizer_decoders.Replace("\u2581", " "), tokenizer_decoders.ByteFallback(), tokenizer_decoders.Fuse()]
    steps += [tokenizer_decoders.Strip(" ", 1, 0)] if strip else []
    raw.decoder = tokenizer_decoders.Sequence(steps)
    return raw


def bpe(strip=True):
    vocab = {piece: i for i, piece in enumerate(PIECES)}
    known, merges = set("thecasonm,\u2581"), []
    for word in WORDS:  # each piece is built from its left
        for i in range(1, len(word)):
            left, whole = word[:i], word[: i + 1]
            vocab.setdefault(whole, len(vocab))
            if (left, word[i]) not in merges and left in vocab and word[i] in known:
                merges.append((left, word[i]))
    return metaspace(tokenizer_models.BPE(vocab=vocab, merges=merges, byte_fallback=True, fuse_unk=True), strip)


def unigram(strip=True):
    scores = [(piece, -20.0 if piece in BYTES else -1.0 / (1 + len(piece))) for piece in PIECES]
    return metaspace(tokenizer_models.Unigram(scores, unk_id=0, byte_fallback=True), strip)


def byte_level(strip=False):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("\u0120", "the"), ("\u00e2", "\u0124")]  # the last one: two bytes of three
    vocab = {piece: i for i, piece in enumerate([*alphabet, *("".join(pair) for pair in merges)])}
    raw = tokenizers.Tokenizer(tokenizer_models.BPE(vocab=vocab, merges=merges))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = tokenizer_decoders.ByteLevel()
    return raw


@pytest.fixture(params=[
    (byte_level, False), (bpe, True), (bpe, False), (unigram, True), (unigram, False)
], ids=lambda p: f"{p[0].__name__}{'-strip' * p[1]}")  # fmt: skip
def kind(request):
    make, strip = request.param
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=make(strip))
    base = tiny("llama-full")
    return HFModel(base.net, tokenizer, base.spec)


def joined(model, ids):
    """As `Trace.decode` does it."""
    return b"".join(piece_bytes(model.text(token)) for token in ids).decode("utf-8", "replace")


def test_pieces_joined_are_the_tokenizers_own_decode_of_the_whole(kind):
    for text in (TEXT, "on the mat", "a €", "née", " the", "日本 the 🦊"):
        ids = kind.encode(text)
        assert joined(kind, ids) == text
        # Some drop the blank that a text begins with; behind a prompt it is there.
        assert kind.tokenizer.decode(ids) in (text, text.removeprefix(" "))
        head = kind.encode("the cat")
        assert joined(kind, [*head, *ids]) == kind.tokenizer.decode([*head, *ids])


def test_a_word_is_shown_with_its_blank_and_a_lone_byte_as_what_it_is(kind):
    ids = kind.encode("cat the é")
    pieces = words(kind, ids)
    assert " the" in pieces and pieces[-2:] == ["<0xC3>", "<0xA9>"]
    assert joined(kind, ids[:-1]) == "cat the \ufffd"
    assert all("\ufffd" not in kind.text(token) for token in range(len(kind.tokenizer)))


def test_two_bytes_of_three_may_be_one_token():
    base = tiny("llama-full")
    model = HFModel(base.net, transformers.PreTrainedTokenizerFast(tokenizer_object=byte_level()), base.spec)
    assert words(model, model.encode("€")) == ["<0xE2><0x82>", "<0xAC>"]


def test_a_model_without_tokenizer_names_tokens_by_number():
    assert tiny("llama-full").text(7) == "<7>"
    with pytest.raises(AssertionError, match="fed with ids"):
        tiny("llama-full").encode("hello")
