"""From probabilities to labels: the segmentation of which the greatest Dice is expected.

Taking every pixel's likeliest class maximises accuracy, not Dice. Where a network is unsure, the best threshold is
half of the Dice that can be had, not one half (Lipton, Elkan and Naryanaswamy 2014, for F1, which is Dice; Dai and Li
2023, JMLR 24, for segmentation). So the foreground, all classes together, is the k pixels that are the likeliest to
belong to it, with k as it maximises

    2 * (sum of the k largest p) / (k + sum of all p),

which needs nothing but the probabilities of the image at hand. It matters for a measuring stick: at one half a network
fitted on few pairs stands on a steep slope, and a little more or less confidence, which differs from seed to seed,
moved the mean Dice by points; at the optimum the slope is nil (figures in ``presets``).

Among the foreground's classes the likeliest has the pixel: a threshold of its own for each class gave rare classes too
much. An image in which background is the likeliest everywhere is empty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]


def decide(probabilities: Probabilities) -> NDArray[np.uint8]:
    """Labels (H, W) in [0, K) from probabilities (K, H, W), which sum to 1 over the classes."""
    if not probabilities.argmax(axis=0).any():
        return np.zeros(probabilities.shape[1:], dtype=np.uint8)
    foreground = probabilities[1:].sum(axis=0)
    taken = foreground >= dice_threshold(foreground)
    return np.where(taken, probabilities[1:].argmax(axis=0) + 1, 0).astype(np.uint8)


def dice_threshold(foreground: Probabilities) -> float:
    """The least probability that is taken, of (H, W) in [0, 1] that are not all 0."""
    ordered = np.sort(foreground, axis=None)[::-1]
    taken = np.cumsum(ordered, dtype=np.float64)
    expected = 2 * taken / (np.arange(1, len(taken) + 1) + taken[-1])
    return float(ordered[int(expected.argmax())])


def expected_dice(probabilities: Probabilities, labels: NDArray[np.uint8]) -> float:
    """The Dice, in [0, 1], that the foreground of ``labels`` (H, W) is expected to have; 0 where there is none.

    By the formula above: from the probabilities (K, H, W) alone, so it is as good as these are.
    """
    foreground, taken = probabilities[1:].sum(axis=0), labels > 0
    if not taken.any():
        return 0.0
    return float(2 * foreground[taken].sum() / (taken.sum() + foreground.sum()))
