"""Which classes are thin structures, of which clDice is taken beside Dice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairaug.metrics.statistics import mean_width, skeleton_length, thin
from pairaug.segmenter.base import Example

SLENDER, WIDEST = 30.0, 0.04  # vessels reach 500, the ring of a cell around its nucleus 15
LOOKED_AT = 8


def slender_classes(test: Sequence[Example], classes: int) -> tuple[int, ...]:
    """The classes that are thin structures: typically ``SLENDER`` times as long as wide, a part.

    And no wider than ``WIDEST`` of the picture's side.
    """
    slender: dict[int, list[float]] = {value: [] for value in range(1, classes)}
    for index in np.linspace(0, len(test) - 1, min(LOOKED_AT, len(test)), dtype=int):
        labels = test[int(index)].labels
        for value, found in slender.items():
            ratio = _slenderness(labels == value)
            if ratio is not None:
                found.append(ratio)
    return tuple(value for value, found in slender.items() if found and float(np.median(found)) >= SLENDER)


def _slenderness(region: NDArray[np.bool_]) -> float | None:
    """Length over width of the parts of (H, W) on average; None for an empty one."""
    from scipy import ndimage

    skeleton = thin(region)
    width = mean_width(region, skeleton)
    if width is None:
        return None
    if width > WIDEST * max(region.shape):
        return 0.0
    _, parts = ndimage.label(region, structure=np.ones((3, 3)))
    return float(skeleton_length(skeleton) / int(parts) / max(width, 1.0))
