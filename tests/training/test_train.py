"""The training batches: nothing that is scored can be seen, and the statistics of the evaluation are right."""

import random

import pytest
import torch

from training import train
from training.evaluate import wilson
from training.tokenizer import EOS, MASK, load

PROMPT, ANSWER = [2, 100, 3], [11, 12, 13, 14, EOS]


@pytest.fixture(scope="module")
def batch():
    return train.masked_batch(5, load())


def visible(document):
    """The rule of `Packed` as a matrix: row sees column."""
    group, level, sight = (torch.tensor(values) for values in (document.group, document.level, document.sight))
    return (group[:, None] == group[None]) | (level[None] < sight[:, None])


@pytest.mark.parametrize("seed", range(20))
def test_a_scored_position_holds_a_mask_and_no_scored_position_is_in_the_prompt(seed):
    rng = random.Random(seed)
    for document in (train.one_stream(rng, PROMPT, ANSWER, 0.5), train.two_streams(rng, PROMPT, ANSWER, 0.5)):
        scored = [i for i, weight in enumerate(document.weights) if weight]
        assert [document.ids[i] for i in scored] == [MASK] * len(scored)
        assert all(i >= len(PROMPT) for i in scored)
        assert document.ids[:3] == PROMPT


@pytest.mark.parametrize("seed", range(20))
def test_in_two_streams_a_scored_position_never_sees_the_token_it_has_to_predict_or_any_clean_one_after_it(seed):
    document = train.two_streams(random.Random(seed), PROMPT, ANSWER, 0.5)
    sees = visible(document)
    for i, weight in enumerate(document.weights):
        if weight:
            clean = [j for j in range(8) if sees[i, j]]
            assert max(document.positions[j] for j in clean) < document.positions[i]


def test_in_one_stream_every_position_sees_every_other():
    assert visible(train.one_stream(random.Random(0), PROMPT, ANSWER, 0.5)).all()


def test_the_answer_area_is_the_answer_one_end_token_and_end_fill():
    rng = random.Random(3)
    document = train.one_stream(rng, PROMPT, ANSWER, 0.5)
    assert document.targets[:8] == PROMPT + ANSWER
    assert set(document.targets[8:]) <= {EOS}


def test_the_same_step_gives_the_same_batch(batch):
    again = train.masked_batch(5, load())
    assert all(torch.equal(batch[name], again[name]) for name in batch)


def test_documents_of_a_row_do_not_see_each_other_and_no_row_of_the_mask_is_empty(batch):
    # Positions restart at 0 with the prompt token <|user|>, which sees its own document only.
    row = batch["ids"][0]
    starts = [i for i in range(256) if row[i] == 2 and batch["positions"][0, i] == 0]
    assert len(starts) > 1
    assert not batch["mask"][0, 0, starts[1], : starts[1]].any()
    assert batch["mask"].any(-1).all()
    assert batch["mask"].dtype == torch.bool


def test_the_model_has_5_213_440_parameters():
    assert sum(p.numel() for p in train.build_model().parameters()) == 5_213_440


def test_wilson_intervals_match_published_values():
    # 81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I, method 3); 0 of 20: 0 to 0.1611.
    assert [round(bound, 4) for bound in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(bound, 4) for bound in wilson(0, 20)] == [0.0, 0.1611]
