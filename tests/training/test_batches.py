"""The training batches: nothing that is scored can be seen, and blocks see what decoding lets them see."""

import random

import pytest
import torch

from training import batches
from training.corpus import TRAIN, items
from training.tokenizer import EOS, MASK, load

PROMPT, ANSWER = [2, 100, 3], [11, 12, 13, 14, EOS]
DOCUMENT = batches.Document(PROMPT, ANSWER, [1.0, 1.0, 4.0, 1.0, 1.0])


@pytest.fixture(scope="module", params=["causal", "blocks", "masked"])
def batch(request):
    return request.param, batches.batch(request.param, 5, 8, load())


def visible(document):
    """The rule of `Packed` as a matrix: row sees column."""
    group, level, sight = (torch.tensor(values) for values in (document.group, document.level, document.sight))
    return (group[:, None] == group[None]) | (level[None] < sight[:, None])


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("make", [batches.one_copy, batches.two_copies, batches.block_copies])
def test_a_scored_position_holds_a_mask_and_no_scored_position_is_in_the_prompt(make, seed):
    document = make(random.Random(seed), DOCUMENT, 0.5)
    scored = [i for i, weight in enumerate(document.weights) if weight]
    assert [document.ids[i] for i in scored] == [MASK] * len(scored)
    assert all(document.positions[i] >= len(PROMPT) for i in scored)


@pytest.mark.parametrize("seed", range(20))
def test_in_two_copies_a_scored_position_never_sees_the_token_it_has_to_predict_or_any_clean_one_after_it(seed):
    document = batches.two_copies(random.Random(seed), DOCUMENT, 0.5)
    sees = visible(document)
    for i, weight in enumerate(document.weights):
        if weight:
            clean = [j for j in range(8) if sees[i, j]]
            assert max(document.positions[j] for j in clean) < document.positions[i]


def block_document(seed, size, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK_SIZES", {size: 1})
    document = batches.block_copies(random.Random(seed), DOCUMENT, 0.5)
    first = len(PROMPT) // size * size
    clean = len(document.ids) - (max(document.positions) + 1 - first)
    return document, clean


@pytest.mark.parametrize("size", [1, 4, 8, 16, 32])
def test_a_block_of_the_corrupted_copy_sees_itself_and_the_clean_blocks_to_its_left_and_nothing_else(size, monkeypatch):
    document, clean = block_document(1, size, monkeypatch)
    sees = visible(document)
    for i in range(clean, len(document.ids)):
        block = document.positions[i] // size
        left = [j for j in range(clean) if document.positions[j] // size < block]
        own = [j for j in range(clean, len(document.ids)) if document.positions[j] // size == block]
        assert sees[i].nonzero()[:, 0].tolist() == left + own


@pytest.mark.parametrize("size", [1, 4, 8, 16, 32])
def test_the_clean_copy_is_block_causal_and_never_sees_the_corrupted_one(size, monkeypatch):
    document, clean = block_document(1, size, monkeypatch)
    sees = visible(document)
    for i in range(clean):
        last = document.positions[i] // size * size + size
        assert sees[i].nonzero()[:, 0].tolist() == list(range(min(last, clean)))


def test_with_block_size_1_every_answer_token_is_predicted_from_exactly_what_precedes_it(monkeypatch):
    document, clean = block_document(0, 1, monkeypatch)
    assert document.ids[clean:] == [MASK] * 5
    assert [document.targets[i] for i in range(clean, len(document.ids))] == ANSWER
    assert all(weight > 0 for weight in document.weights[clean:])


def test_the_prompt_end_that_shares_a_block_with_the_answer_is_clean_in_the_copy(monkeypatch):
    document, clean = block_document(2, 4, monkeypatch)
    assert clean == 4  # one whole clean block: three of prompt, one of answer
    assert document.ids[4:7] == PROMPT


def test_in_one_copy_every_position_sees_every_other():
    assert visible(batches.one_copy(random.Random(0), DOCUMENT, 0.5)).all()


def test_the_answer_area_is_the_answer_one_end_token_and_end_fill():
    document = batches.one_copy(random.Random(3), DOCUMENT, 0.5)
    assert document.targets[:8] == PROMPT + ANSWER
    assert set(document.targets[8:]) <= {EOS}


def test_the_same_step_gives_the_same_batch_and_another_step_another(batch):
    objective, first = batch
    again, other = (batches.batch(objective, step, 8, load()) for step in (5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["ids"], other["ids"])


def test_documents_of_a_row_do_not_see_each_other_and_no_row_of_the_mask_is_empty(batch):
    # Positions restart at 0 with the prompt token <|user|>, which sees its own document only.
    _, rows = batch
    row = rows["ids"][0]
    starts = [i for i in range(256) if row[i] == 2 and rows["positions"][0, i] == 0]
    assert len(starts) > 1
    assert not rows["mask"][0, 0, starts[1], : starts[1]].any()
    assert rows["mask"].any(-1).all()
    assert rows["mask"].dtype == torch.bool


def test_the_weights_of_a_step_add_up_to_about_one(batch):
    assert 0.7 < float(batch[1]["weights"].sum()) < 1.4


def test_a_causal_document_predicts_the_next_token_from_what_precedes_it_and_weighs_answers_more_than_prompts():
    document = batches.plain(random.Random(0), DOCUMENT, 0.5)
    assert document.ids[1:] == document.targets[:-1] == [100, 3, 11, 12, 13, 14, EOS]
    assert document.weights == [0.3, 0.3, 1.0, 1.0, 4.0, 1.0, 1.0, 0.0]
    assert torch.equal(visible(document), torch.ones(8, 8, dtype=torch.bool).tril())


@pytest.mark.parametrize("make", [batches.one_copy, batches.two_copies, batches.block_copies])
def test_a_token_of_weight_four_weighs_four_times_as_much_when_it_is_masked(make):
    seen = 0
    for seed in range(60):
        document = make(random.Random(seed), DOCUMENT, 1.0)
        weights = dict(zip(document.targets, document.weights, strict=True))
        if weights[12] and weights[13]:
            assert weights[13] == pytest.approx(4 * weights[12])
            seen += 1
    assert seen > 10


def test_the_letter_of_a_multiple_choice_answer_weighs_four_times_as_much_as_its_words():
    tokenizer, letters = load(), 0
    for document in batches.documents(random.Random(0), 200, tokenizer):
        heavy = [token for token, weight in zip(document.answer, document.weights, strict=True) if weight == 4.0]
        assert {tokenizer.id_to_token(token) for token in heavy} <= {f"Ġ({mark})" for mark in "ABCDEFGH"}
        letters += len(heavy)
    assert letters > 40


@pytest.mark.parametrize(("make", "ratio"), [(batches.one_copy, 1e-4), (batches.block_copies, 0.3820)])
def test_half_of_the_blocks_that_are_not_entered_afresh_are_masked_from_some_token_to_their_end(
    make, ratio, monkeypatch
):
    # With a ratio of nearly 0 (`block_copies` adds the golden ratio) nothing is masked but what is cut.
    monkeypatch.setattr(batches, "OPENING_SHARE", 0.0)
    monkeypatch.setattr(batches, "BLOCK_SHARE", 1.0)
    monkeypatch.setattr(batches, "BLOCK_SIZES", {32: 1})
    monkeypatch.setattr(batches, "MASKED_BLOCKS", (8,))
    monkeypatch.setattr(batches, "SNUG_SHARE", 1.0)
    drawn = (make(random.Random(seed), DOCUMENT, ratio) for seed in range(400))
    whole = [d for d in drawn if make is batches.block_copies or len(d.ids) <= len(PROMPT) + 8]  # one block
    cut = 0
    for document in whole[:200]:
        hidden = [document.positions[i] for i, token in enumerate(document.ids) if token == MASK]
        cut += bool(hidden) and hidden == list(range(hidden[0], max(document.positions) + 1))
    assert 75 < cut < 125


def test_a_mixture_decides_which_families_and_block_sizes_a_step_draws():
    tokenizer, only = load(), batches.Mixture({"facts": 1}, {4: 1})
    facts = {item.prompt for item in items("facts", TRAIN, 30_000, 0)}
    drawn = batches.documents(random.Random(1), 40, tokenizer, only)
    prompts = {tokenizer.decode(document.prompt, skip_special_tokens=True) for document in drawn}
    assert len(prompts & facts) > len(prompts) / 2
    rows = batches.batch("blocks", 3, 4, tokenizer, only)
    # A corrupted token sees itself and its block of four: the masked ones among them are at most four positions.
    masked = (rows["ids"] == MASK) & (rows["weights"] > 0)
    sees = (rows["mask"][:, 0] & (rows["ids"] == MASK)[:, None, :]).sum(-1)
    assert int(sees[masked].max()) == 4
    assert not torch.equal(rows["ids"], batches.batch("blocks", 3, 4, tokenizer)["ids"])


def test_what_is_shown_in_the_models_order_is_the_true_text_and_what_stays_masked_is_what_it_is_least_sure_of():
    mixture = batches.Mixture({"word": 1}, {16: 1}, opening=1.0, ordered=1.0)
    rows = batches.batch("blocks", 4, 4, load(), mixture)
    before = {name: rows[name].clone() for name in ("ids", "weights")}
    sure = torch.rand(rows["ids"].shape, generator=torch.Generator("cpu").manual_seed(1))
    batches.reveal(rows, sure, 1.0, random.Random(0))
    shown = rows["ids"] != before["ids"]
    assert shown.any() and torch.equal(rows["ids"][shown], rows["targets"][shown])
    assert (rows["weights"][shown] == 0).all() and (rows["opened"][shown] > 0).all()
    sizes = []
    for row, number in {(r, int(n)) for r in range(4) for n in rows["opened"][r].unique() if n}:
        block = rows["opened"][row] == number
        hidden, known = block & ~shown[row], block & shown[row]
        assert hidden.any()  # something is left to predict
        if known.any():
            assert sure[row, hidden].max() < sure[row, known].min()
        # Masked tokens stand for the whole block, as with any other mask ratio t >= 0.3.
        t = int(hidden.sum()) / int(block.sum())
        expected = before["weights"][row, hidden] / max(t, 0.3)
        assert torch.allclose(rows["weights"][row, hidden], expected)
        sizes.append(t)
    assert len(sizes) > 20 and min(sizes) < 0.2 and max(sizes) == 1.0


def test_without_a_share_nothing_is_shown():
    rows = batches.batch("masked", 4, 4, load(), batches.Mixture(opening=1.0))
    assert (rows["opened"] > 0).any()
    before = rows["ids"].clone()
    batches.reveal(rows, torch.zeros(before.shape), 0.0, random.Random(0))
    assert torch.equal(rows["ids"], before)


@pytest.mark.parametrize("objective", ["blocks", "masked"])
def test_blocks_count_as_opened_only_where_all_of_their_answer_is_masked(objective):
    rows = batches.batch(objective, 7, 8, load(), batches.Mixture(blocks={8: 1, 32: 1}))
    opened = rows["opened"] > 0
    assert opened.any() and (rows["ids"][opened] == MASK).all() and (rows["weights"][opened] > 0).all()
    for row in range(8):
        for number in rows["opened"][row].unique().tolist():
            if number:
                positions = rows["positions"][row][rows["opened"][row] == number]
                assert torch.equal(positions, torch.arange(int(positions[0]), int(positions[0]) + len(positions)))
