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


def test_a_model_without_tokenizer_names_tokens_by_number():
    assert tiny("llama-full").text(7) == "<7>"
    with pytest.raises(AssertionError, match="fed with ids"):
        tiny("llama-full").encode("hello")
