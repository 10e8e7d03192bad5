"""Who may attend to whom, as literal tables."""

import torch

from decoders import masks

CPU = torch.device("cpu")


def table(see: torch.Tensor) -> list[str]:
    assert see.dtype == torch.bool
    return ["".join("#" if cell else "." for cell in row) for row in see.tolist()]


def test_full_sees_everything():
    assert table(masks.full(0, 3, CPU)) == ["###", "###", "###"]
    assert table(masks.full(2, 2, CPU)) == ["####", "####"]


def test_causal_sees_itself_and_what_is_left_of_it():
    assert table(masks.causal(0, 4, CPU)) == ["#...", "##..", "###.", "####"]
    assert table(masks.causal(2, 2, CPU)) == ["###.", "####"]


def test_block_causal_sees_its_block_and_all_before():
    assert table(masks.block_causal(0, 5, 2, CPU)) == ["##...", "##...", "####.", "####.", "#####"]


def test_blocks_are_counted_from_position_zero_also_after_a_cache():
    assert table(masks.block_causal(3, 4, 2, CPU)) == ["####...", "######.", "######.", "#######"]
    assert table(masks.block_causal(4, 2, 4, CPU)) == ["######", "######"]


def test_blocks_of_one_are_causal_and_a_block_longer_than_all_is_full():
    assert table(masks.block_causal(1, 3, 1, CPU)) == table(masks.causal(1, 3, CPU)) == ["##..", "###.", "####"]
    assert table(masks.block_causal(0, 3, 9, CPU)) == ["###", "###", "###"]


def test_a_shadow_is_seen_by_shadows_alone_and_does_not_see_the_token_at_its_position():
    """Five positions, the block is 2 and 3: each shadow sees what they see, but not the one it stands for."""
    see = masks.shadow(masks.full(0, 5, CPU), [2, 3], [2, 3])
    assert table(see) == ["#####.."] * 5 + ["##.####", "###.###"]


def test_a_shadow_behind_a_cache_sees_the_cache():
    assert table(masks.shadow(masks.full(2, 2, CPU), [2, 3], [2, 3])) == ["####.."] * 2 + ["##.###", "###.##"]


def test_a_shadow_of_the_row_before_sees_what_that_row_sees():
    """Positions 2 and 3 are predicted from rows 1 and 2. Row 1 is in the cache and sees the cache alone."""
    assert table(masks.shadow(masks.full(2, 2, CPU), [1, 2], [2, 3])) == ["####.."] * 2 + ["##..#.", "###.##"]
    assert table(masks.shadow(masks.full(0, 4, CPU), [1, 2], [2, 3]))[4:] == ["##.###", "###.##"]


def test_spans_are_the_runs_of_visible_keys_of_each_row():
    see = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]], dtype=torch.bool)
    assert masks.spans(see) == (((0, 2), (3, 4)), (), ((0, 4),), ((1, 2), (3, 4)))


def test_spans_of_a_two_stream_mask_are_legible():
    see = torch.zeros(2, 40, dtype=torch.bool)
    see[:, :32] = True
    see[1, 37] = True
    assert masks.spans(see) == (((0, 32),), ((0, 32), (37, 38)))


def test_packed_rows_see_the_cache_and_nothing_of_each_other():
    assert table(masks.packed(masks.causal(1, 2, CPU), 2)) == ["##...", "###..", "#..#.", "#..##"]
    assert masks.packed(masks.full(3, 2, CPU), 1).equal(masks.full(3, 2, CPU))
