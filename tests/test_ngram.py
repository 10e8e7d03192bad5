"""The 3-gram is a distribution, counts no pair across documents, survives its file, and stays small."""

import math

import numpy as np
import pytest

from decoders.ngram import NGram


def p(ngram, context, *tokens):
    return [math.exp(value) for value in ngram.logp(context, tokens)]


def test_probabilities_by_hand():
    """Two tokens, k = 0.5, so k V = 1; the text is 0 0 1: P(0) = (2 + 1/2) / (3 + 1), P(1 | 0) = (1 + 3/8) / (2 + 1),
    P(1 | 0 0) = (1 + 11/24) / (1 + 1)."""
    ngram = NGram.fit([[0, 0, 1]], vocab=2, k=0.5)
    assert p(ngram, [], 0, 1) == pytest.approx([5 / 8, 3 / 8])
    assert p(ngram, [0], 0, 1) == pytest.approx([13 / 24, 11 / 24])
    assert p(ngram, [0, 0], 1) == pytest.approx([35 / 48])
    assert p(ngram, [1, 0, 0], 1) == pytest.approx([35 / 48]), "only the last two tokens of a context count"


def test_a_context_that_never_occurred_says_what_the_shorter_one_says():
    ngram = NGram.fit([[0, 0, 1]], vocab=2, k=0.5)
    assert p(ngram, [1, 0], 0, 1) == pytest.approx([13 / 24, 11 / 24])
    assert p(ngram, [0, 1], 0, 1) == pytest.approx([5 / 8, 3 / 8])


def test_every_context_has_a_distribution():
    rng = np.random.default_rng(0)
    ngram = NGram.fit([rng.integers(0, 12, 50) for _ in range(9)], vocab=12)
    for context in ([], [3], [3, 4], [11, 11], [0, 0, 0]):
        assert sum(p(ngram, context, *range(12))) == pytest.approx(1)


def test_documents_do_not_reach_into_each_other():
    apart, together = NGram.fit([[0, 1], [2, 3]], vocab=5), NGram.fit([[0, 1, 2, 3]], vocab=5)
    assert [len(keys) for keys in apart.keys] == [4, 2, 0]
    assert [len(keys) for keys in together.keys] == [4, 3, 2]
    assert p(together, [1], 2) > p(apart, [1], 2)


@pytest.mark.parametrize("vocab", [7, 1536, 2000, 5000])
def test_a_saved_3gram_says_the_same(tmp_path, vocab):
    rng = np.random.default_rng(1)
    ngram = NGram.fit([vocab - 1 - rng.integers(0, 6, 30) for _ in range(5)], vocab=vocab, k=0.2)
    again = NGram.load(ngram.save(tmp_path / "trigram.safetensors"))
    assert (again.vocab, again.k) == (vocab, 0.2)
    words = list(range(vocab - 7, vocab))
    assert np.array_equal(again.logp([vocab - 2, vocab - 3], words), ngram.logp([vocab - 2, vocab - 3], words))


def test_the_rarest_go_first_until_the_file_is_small_enough(tmp_path):
    rng = np.random.default_rng(2)
    text = [*rng.integers(0, 1536, 20_000), *[7, 8, 9] * 50]
    whole, small = NGram.fit([text], vocab=1536), NGram.fit([text], vocab=1536, max_bytes=100_000)
    assert whole.save(tmp_path / "whole").stat().st_size > 300_000
    assert small.save(tmp_path / "small").stat().st_size < 100_000
    assert len(small.keys[0]) == len(whole.keys[0])
    assert small.counts[2].min() > 1 and p(small, [7, 8], 9)[0] > 0.2
    for ngram in (whole, small):
        assert all((np.diff(keys) > 0).all() for keys in ngram.keys)


def test_a_large_text_stays_below_the_limit_of_a_bundled_file(tmp_path):
    rng = np.random.default_rng(3)
    words = np.minimum(rng.zipf(1.3, 300_000) - 1, 1535)
    path = NGram.fit([words], vocab=1536).save(tmp_path / "t")
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("text", [[], [[]], [[9]], [[-1]]])
def test_no_text_or_ids_outside_the_vocabulary_are_refused(text):
    with pytest.raises(ValueError, match="[.]$"):
        NGram.fit(text, vocab=9)


def scored(rows, gram):
    """ln P of the last token of `gram`, read from rows as a reader of ARPA files does."""
    table = {tokens: (logp, weight) for tokens, logp, weight in rows}
    if gram in table:
        return table[gram][0]
    return table.get(gram[:-1], (0.0, 0.0))[1] + scored(rows, gram[1:])


def test_the_rows_for_a_lattice_by_hand():
    """The 3-gram of the first test: 0 0 1 in two tokens. The weight of 0 is 1 / (2 + 1), that of 0 0 is 1 / (1 + 1)."""
    rows = NGram.fit([[0, 0, 1]], vocab=2, k=0.5).backoff([0], [[0, 1], [1]])
    assert rows == (
        ((0,), round(math.log(5 / 8), 5), round(math.log(1 / 3), 5)),
        ((1,), round(math.log(3 / 8), 5), 0.0),
        ((0, 0), round(math.log(13 / 24), 5), round(math.log(1 / 2), 5)),
        ((0, 1), round(math.log(11 / 24), 5), 0.0),
        ((0, 0, 1), round(math.log(35 / 48), 5), 0.0),
    )
    assert scored(rows, (1, 0)) == pytest.approx(math.log(5 / 8), abs=1e-4), "nothing was counted behind 1"


@pytest.mark.parametrize("context", [[], [4], [3, 4], [9, 3, 4]])
def test_the_rows_for_a_lattice_score_every_path_as_the_3gram_does(context):
    rng = np.random.default_rng(5)
    ngram = NGram.fit([rng.integers(0, 9, 40) for _ in range(4)], vocab=12)
    slots = [rng.permutation(12)[:4].tolist() for _ in range(4)]
    rows = ngram.backoff(context, slots)
    assert {len(tokens) for tokens, _, _ in rows} == {1, 2, 3}
    for choice in np.ndindex(4, 4, 4, 4):
        text = [*context, *[slot[i] for slot, i in zip(slots, choice, strict=True)]]
        for end in range(len(context) + 1, len(text) + 1):
            gram = tuple(text[max(0, end - 3) : end])
            assert scored(rows, gram) == pytest.approx(ngram.logp(gram[:-1], gram[-1:])[0], abs=5e-5)
