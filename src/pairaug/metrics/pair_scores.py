"""How well a segmentation of one image fits its annotation, class by class and in one number.

Score of a pair: the mean Dice (and clDice) over the foreground classes that its annotation or its segmentation holds,
1 where neither holds any; a class that is only found, or only missed, counts 0. Larger is better, 1 is agreement.
Enters: two label maps (H, W) in [0, K) at the image's own size. Leaves: ``PairScores``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pairaug.metrics.overlap import Labels, centreline_dice, dice

ClassScores = tuple[float | None, ...]


@dataclass(frozen=True)
class PairScores:
    """A value in [0, 1] a foreground class; None where neither side holds it. ``centreline``: the classes asked for."""

    dice: ClassScores
    centreline: ClassScores

    @property
    def mean_dice(self) -> float:
        return _mean(self.dice)

    @property
    def mean_centreline(self) -> float:
        return _mean(self.centreline)


def score_pair(found: Labels, labels: Labels, classes: int, slender: Sequence[int] | None = None) -> PairScores:
    """Dice of every class, clDice of those in ``slender`` (None: of all)."""
    regions = {value: (found == value, labels == value) for value in range(1, classes)}
    held = {value: bool(ours.any() or theirs.any()) for value, (ours, theirs) in regions.items()}
    lines = regions if slender is None else slender
    return PairScores(
        tuple(dice(*regions[value]) if held[value] else None for value in regions),
        tuple(centreline_dice(*regions[value]) if held[value] else None for value in lines),
    )


def _mean(values: Sequence[float | None]) -> float:
    held = [value for value in values if value is not None]
    return float(np.mean(held)) if held else 1.0
