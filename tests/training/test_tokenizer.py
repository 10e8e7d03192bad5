"""The tokenizer: digits stay alone, every text comes back, and the special tokens have their ids."""

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from training import tokenizer as tok


@pytest.fixture(scope="module")
def small():
    """A tokenizer trained on a twentieth of the data: the rules under test do not depend on the amount."""
    return tok.train_tokenizer(seed=0, scale=0.05)


@pytest.fixture(scope="module")
def shipped():
    return tok.load()


def test_the_special_tokens_come_first(shipped):
    assert [shipped.id_to_token(i) for i in range(5)] == ["<|mask|>", "<|eos|>", "<|user|>", "<|assistant|>", "<|pad|>"]


def test_the_vocabulary_has_2000_entries(shipped):
    assert shipped.get_vocab_size() == 2000


def test_training_twice_gives_the_same_tokenizer(small):
    assert tok.train_tokenizer(seed=0, scale=0.05).to_str() == small.to_str()


def test_every_digit_is_a_token_of_its_own(small, shipped):
    for tokenizer in (small, shipped):
        assert tokenizer.encode("2024").tokens == ["2", "0", "2", "4"]
        assert not [t for t in tokenizer.get_vocab() if len(t) > 1 and any(c in "0123456789" for c in t)]


def test_a_sum_is_cut_at_digits_and_signs(shipped):
    assert shipped.encode("12 + 7 = 19.").tokens == ["1", "2", "Ġ+Ġ", "7", "Ġ=Ġ", "1", "9", "."]


def test_an_option_is_followed_by_its_letter_in_one_token(shipped):
    assert shipped.encode("apple (B), dog (C)").tokens[-4:] == ["Ġ(B)", ",", "Ġdog", "Ġ(C)"]


@pytest.mark.parametrize(
    "text",
    [
        "What is 12 + 7?",
        "",
        " ",
        "  two  spaces ",
        "tab\tand\r\nnewline\n",
        "½ ² ١٢ Ⅻ",
        "naïve café",
        "日本語のテキスト",
        "🙂👩‍👩‍👧",
        "a\u0301 combining",
        "\u202eright to left",
        "\x00\x07",
        "def f(x):\n    return x",
        "<|mask|><|eos|>",
        'I\'m <b>bold</b> & "quoted"',
    ],
)
def test_any_text_comes_back_unchanged(shipped, text):
    ids = tok.encode_prompt(shipped, text)
    assert shipped.decode(ids[1:-1], skip_special_tokens=False) == text


def test_a_prompt_is_framed_by_the_user_and_assistant_tokens(shipped):
    ids = tok.encode_prompt(shipped, "Hi")
    assert ids[0] == 2
    assert ids[-1] == 3


def test_special_tokens_spelt_out_by_a_visitor_are_plain_text(shipped):
    assert not {0, 1, 2, 3, 4} & set(tok.encode_prompt(shipped, "<|mask|> <|eos|> <|user|>")[1:-1])


def test_an_answer_ends_with_one_end_token(shipped):
    ids = tok.encode_answer(shipped, "3 + 4 = 7.")
    assert ids[-1] == 1
    assert ids.count(1) == 1


def test_transformers_loads_the_saved_files_with_the_same_ids(small, tmp_path):
    tok.save(small, tmp_path)
    for loaded in (
        AutoTokenizer.from_pretrained(tmp_path),
        PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json")),
    ):
        assert loaded("What is 12 + 7?").input_ids == small.encode("What is 12 + 7?").ids


def test_the_chat_template_gives_the_prompt_ids_of_training(shipped):
    loaded = AutoTokenizer.from_pretrained(tok.MODEL_DIR)
    ids = loaded.apply_chat_template(
        [{"role": "user", "content": "Name three fruits."}], add_generation_prompt=True, return_dict=False
    )
    assert ids == tok.encode_prompt(shipped, "Name three fruits.")
    assert (loaded.mask_token_id, loaded.eos_token_id, loaded.pad_token_id) == (0, 1, 4)
