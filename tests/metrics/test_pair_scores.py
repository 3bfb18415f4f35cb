"""One rule for the score of a segmentation: classes that neither side holds do not count, one-sided ones count 0."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.metrics.pair_scores import score_pair


def label_map(**corners: int) -> np.ndarray:
    """A map (12, 12) with a block of 3 x 3 pixels at a corner for every class given."""
    labels = np.zeros((12, 12), dtype=np.uint8)
    for corner, value in corners.items():
        row, column = {"top": (1, 1), "side": (1, 7), "low": (7, 1)}[corner]
        labels[row : row + 3, column : column + 3] = value
    return labels


def test_a_class_that_neither_side_holds_does_not_count() -> None:
    both = label_map(top=1)
    scores = score_pair(both, both, 5)
    assert scores.dice == (1.0, None, None, None)
    assert (scores.mean_dice, scores.mean_centreline) == (1.0, 1.0)


def test_two_empty_maps_agree() -> None:
    empty = label_map()
    scores = score_pair(empty, empty, 3)
    assert (scores.mean_dice, scores.mean_centreline) == (1.0, 1.0)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_class_that_is_only_found_or_only_missed_counts_0(swapped: bool) -> None:
    one, two = label_map(top=1), label_map(top=1, side=2)
    scores = score_pair(two, one, 3) if swapped else score_pair(one, two, 3)
    assert scores.dice == (1.0, 0.0)
    assert (scores.mean_dice, scores.mean_centreline) == (0.5, 0.5)


def test_half_a_block_scores_what_dice_says() -> None:
    whole = label_map(top=1)
    part = whole.copy()
    part[3] = 0
    assert score_pair(part, whole, 2).mean_dice == pytest.approx(2 * 6 / (6 + 9))


def test_centrelines_are_compared_of_the_classes_asked_for_only() -> None:
    labels = label_map(top=1, side=2, low=3)
    assert score_pair(labels, labels, 4, slender=(2,)).centreline == (1.0,)
    assert score_pair(labels, labels, 4, slender=()).centreline == ()
    assert score_pair(labels, labels, 4).centreline == (1.0, 1.0, 1.0)
