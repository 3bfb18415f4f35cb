"""The objects of a mask, each with its surroundings.

An object is a connected part of everything that is not class 0, so that a nucleus stays in its cytoplasm.
Enters: masks (H, W) in [0, K). Leaves: ``Thing``s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.uint8]
Picture = NDArray[np.float32]
Box = tuple[slice, slice]

MARGIN = 0.4  # around an object, as a share of its radius: what its surroundings are measured in
LEAST_MARGIN = 6  # pixels
NEXT = 2  # pixels beside an object that belong to neither side
EVERYWHERE = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Thing:
    """One object in a mask: ``box`` with its margin, ``labels`` (h, w) of it alone, ``ring`` (h, w) its surroundings
    as far as they are background."""

    box: Box
    labels: Labels
    ring: NDArray[np.bool_]

    def surroundings(self, picture: Picture) -> NDArray[np.float64]:
        """(C,): the mean level of the ring in a picture of the whole mask's size; NaN where there is no ring."""
        if not self.ring.any():
            return np.full(len(picture), np.nan)
        found: NDArray[np.float64] = picture[:, *self.box][:, self.ring].mean(axis=1, dtype=np.float64)
        return found


def things_in(mask: Labels) -> Iterator[Thing]:
    """All objects of a mask, the largest first."""
    numbers, count = ndimage.label(mask > 0, EVERYWHERE)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    beside = ndimage.binary_dilation(mask > 0, iterations=NEXT)
    boxes = ndimage.find_objects(numbers)
    for number in sorted(range(1, count + 1), key=lambda one: -sizes[one]):
        margin = max(LEAST_MARGIN, int(MARGIN * np.sqrt(sizes[number] / np.pi)) + NEXT + 1)
        box = tuple(
            slice(max(0, part.start - margin), min(length, part.stop + margin))
            for part, length in zip(boxes[number - 1], mask.shape, strict=True)
        )
        mine = numbers[box] == number
        near = ndimage.distance_transform_edt(~mine) <= margin
        yield Thing((box[0], box[1]), np.where(mine, mask[box], 0).astype(np.uint8), near & ~beside[box])
