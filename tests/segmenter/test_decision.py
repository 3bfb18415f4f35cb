"""From probabilities to labels: what is expected to score best, by Dice and not by accuracy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pairaug.metrics.overlap import dice
from pairaug.segmenter.decision import decide, dice_threshold


def stacked(*foreground: np.ndarray) -> np.ndarray:
    """Probabilities (K, H, W) from those of the foreground classes."""
    return np.stack([1 - sum(foreground), *foreground]).astype(np.float32)


def test_sure_probabilities_become_the_labels_that_they_say() -> None:
    labels = np.array([[0, 1, 2], [2, 1, 0]])
    assert np.array_equal(decide(np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1)), labels)


def test_where_the_network_is_unsure_more_is_taken_than_the_likeliest_class() -> None:
    unsure = np.array([[0.6, 0.45, 0.4, 0.01]], dtype=np.float32)
    assert decide(stacked(unsure)).tolist() == [[1, 1, 1, 0]]


def test_the_threshold_is_half_of_the_dice_that_is_expected_at_most() -> None:
    """Lipton et al. 2014, theorem 1: exact as the number of pixels grows."""
    found = np.random.default_rng(0).beta(0.3, 0.9, size=(300, 300)).astype(np.float32)
    threshold = dice_threshold(found)
    taken = found >= threshold
    expected = 2 * float(found[taken].sum()) / (taken.sum() + float(found.sum()))
    assert threshold == pytest.approx(expected / 2, abs=1e-3)


def test_no_other_segmentation_of_a_small_picture_is_expected_to_score_better() -> None:
    """All masks and all truths of a 2 x 4 picture, pixels independent; the formula's expectation is approximate."""
    rng = np.random.default_rng(1)
    shape = (2, 4)
    masks = [np.array(bits, dtype=bool).reshape(shape) for bits in product([False, True], repeat=8)]
    for _ in range(5):
        found = rng.uniform(0.05, 0.95, shape).astype(np.float32)
        chances = [float(np.where(truth, found, 1 - found).prod()) for truth in masks]
        scores = {
            mask.tobytes(): sum(chance * dice(mask, truth) for chance, truth in zip(chances, masks, strict=True))
            for mask in masks
        }
        chosen = found >= dice_threshold(found)
        assert scores[chosen.tobytes()] > max(scores.values()) - 0.01
        assert scores[chosen.tobytes()] >= scores[(found >= 0.5).tobytes()]


def test_where_background_is_the_likeliest_everywhere_nothing_is_taken() -> None:
    faint = np.full((4, 4), 0.3, dtype=np.float32)
    assert not decide(stacked(faint)).any()
    assert not decide(stacked(faint, faint)).any()


def test_classes_share_one_threshold_and_the_likelier_has_the_pixel() -> None:
    first = np.array([[0.7, 0.3, 0.1, 0.0]], dtype=np.float32)
    second = np.array([[0.1, 0.15, 0.4, 0.05]], dtype=np.float32)
    assert decide(stacked(first, second)).tolist() == [[1, 1, 2, 0]]
