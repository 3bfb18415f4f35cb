"""Parts of masks, and pictures bent together with them."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.models.parts import holes, largest_parts, numbered, without_holes
from pairaug.models.translators.bending import bent


def two_classes() -> np.ndarray:
    """A ring of class 1 with a core of class 2 and a gap between them; a small part; a speck that touches it."""
    mask = np.zeros((60, 60), np.uint8)
    mask[5:35, 5:35] = 1
    mask[10:30, 10:30] = 0
    mask[15:25, 15:25] = 2
    mask[45:50, 45:50] = 1
    mask[50, 50] = 2
    return mask


def test_parts_that_touch_by_a_corner_are_one() -> None:
    assert numbered(two_classes())[1] == 3


def test_the_largest_parts_stay_with_all_their_classes() -> None:
    mask = two_classes()
    assert largest_parts(mask, 3) is mask
    assert np.array_equal(largest_parts(mask, 2), np.where(np.indices(mask.shape)[0] < 45, mask, 0))
    assert not largest_parts(mask, 0).any()


def test_a_hole_is_filled_with_the_class_beside_it_and_nothing_else_changes() -> None:
    mask = two_classes()
    assert holes(mask).sum() == 20 * 20 - 10 * 10
    filled = without_holes(mask)
    assert not holes(filled).any()
    assert np.array_equal(filled[mask > 0], mask[mask > 0])
    assert filled[11, 20] == 1
    assert filled[14, 20] == 2
    assert np.array_equal(filled > 0, (mask > 0) | holes(mask))


def test_a_mask_without_holes_stays_as_it_is() -> None:
    mask = np.eye(9, dtype=np.uint8)
    assert without_holes(mask) is mask


@pytest.mark.parametrize("size", [(64, 96), (97, 61)])
def test_a_picture_and_its_mask_are_bent_alike(size: tuple[int, int]) -> None:
    rows, columns = np.indices(size)
    mask = ((rows // 12 + columns // 17) % 3).astype(np.uint8)
    picture = (mask[None] - np.float32(1)).astype(np.float32)
    for seed in range(5):
        moved, labels = bent(picture, mask, np.random.default_rng(seed))
        assert moved.shape == picture.shape
        assert moved.dtype == np.float32
        assert not np.array_equal(labels, mask)
        apart, before = (float((np.abs(moved[0] + 1 - other) > 0.5).mean()) for other in (labels, mask))
        assert apart < 0.04  # at edges between 0 and 2 the picture passes through 1
        assert before > 1.5 * apart
        assert abs((labels > 0).mean() - (mask > 0).mean()) < 0.05


def test_the_border_of_a_bent_picture_stays_where_it_is() -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[:, ::8] = mask[:, 1::8] = 3
    _, labels = bent(np.zeros((1, 80, 80), np.float32), mask, np.random.default_rng(0))
    assert (labels[[0, -1]] == mask[[0, -1]]).mean() > 0.95
    assert set(np.unique(labels)) == {0, 3}
