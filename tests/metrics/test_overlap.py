"""Agreement of masks, solved by hand on a few pixels."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.metrics import overlap
from pairaug.metrics.statistics import thin

FOUR = np.array([[1, 1], [0, 0]], dtype=bool)


def test_dice_of_four_pixels() -> None:
    assert overlap.dice(FOUR, FOUR) == 1
    assert overlap.dice(FOUR, ~FOUR) == 0
    assert overlap.dice(FOUR, np.array([[1, 0], [1, 0]], dtype=bool)) == 0.5
    assert overlap.dice(FOUR, np.ones((2, 2), dtype=bool)) == pytest.approx(2 / 3)


def test_two_empty_masks_agree_and_an_empty_one_agrees_with_nothing_else() -> None:
    empty = np.zeros((2, 2), dtype=bool)
    assert overlap.dice(empty, empty) == overlap.centreline_dice(empty, empty) == 1
    assert overlap.dice(empty, FOUR) == overlap.centreline_dice(empty, FOUR) == 0


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 2\) and \(2, 3\)"):
        overlap.dice(FOUR, np.zeros((2, 3), dtype=bool))


def test_class_dice_counts_each_class() -> None:
    first, second = np.array([[0, 1, 2, 2]]), np.array([[0, 1, 1, 2]])
    assert overlap.class_dice(first, second, 3) == pytest.approx((2 / 3, 2 / 3))


def bar(rows: slice, columns: slice = slice(2, 38)) -> np.ndarray:
    mask = np.zeros((21, 40), dtype=bool)
    mask[rows, columns] = True
    return mask


def test_centreline_dice_is_blind_to_width_where_dice_is_not() -> None:
    thin_bar, thick_bar = bar(slice(10, 11)), bar(slice(8, 13))
    assert overlap.dice(thin_bar, thick_bar) < 0.4
    assert overlap.centreline_dice(thin_bar, thick_bar) == pytest.approx(1, abs=0.07)


def test_centreline_dice_is_the_harmonic_mean_of_what_the_lines_meet() -> None:
    whole, half = bar(slice(10, 11)), bar(slice(10, 11), slice(2, 20))
    # the half line lies wholly in the whole one; half of the whole line lies in the half: 2 x 1 x 1/2 / (3/2)
    assert thin(whole).sum() == 36
    assert overlap.centreline_dice(whole, half) == pytest.approx(2 / 3)


def test_one_repeated_mask_has_pairwise_dice_1(tangles) -> None:
    assert overlap.pairwise_dice(tangles(0, 1) * 5, 2).value == 1


def test_pairwise_dice_is_the_mean_over_all_pairs(tangles) -> None:
    masks = tangles(1, 5)
    by_hand = [overlap.dice(masks[i] == 1, masks[j] == 1) for i in range(5) for j in range(i)]
    found = overlap.pairwise_dice(masks, 2)
    assert found.value == pytest.approx(np.mean(by_hand))
    assert found.low < found.value < found.high


def test_pairs_within_a_group_do_not_count(tangles) -> None:
    first, second, third = tangles(2, 3)
    found = overlap.pairwise_dice([first, first, second, second, third, third], 2, [0, 0, 1, 1, 2, 2])
    assert found.value == pytest.approx(overlap.pairwise_dice([first, second, third], 2).value)


def test_masks_of_other_sizes_are_read_on_the_first_ones_grid(tangles) -> None:
    mask = tangles(3, 1)[0]
    assert overlap.pairwise_dice([mask, np.kron(mask, np.ones((2, 2), dtype=int))], 2).value == 1


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 0), (-1, 3)])
def test_a_shifted_mask_gives_its_shift_as_the_best_offset(tangles, row: int, column: int) -> None:
    mask = tangles(4, 1)[0]
    found = overlap.best_offset(overlap.offset_profile(np.roll(mask, (row, column), (0, 1)), mask, 2))
    assert (found.row, found.column, found.dice) == (row, column, 1)
    assert (found.dice_at_zero < 1) == ((row, column) != (0, 0))


def test_a_tie_goes_to_the_offset_nearest_to_zero() -> None:
    found = overlap.best_offset(np.ones((7, 7)))
    assert (found.row, found.column) == (0, 0)


def test_a_mask_without_an_inside_has_no_offset() -> None:
    with pytest.raises(ValueError, match="no inside"):
        overlap.offset_profile(np.zeros((6, 9), dtype=int), np.zeros((6, 9), dtype=int), 2)
