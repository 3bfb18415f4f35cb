"""The connected parts of masks: everything that is not class 0 and touches by sides or corners is one part.

Enters: masks (H, W) in [0, K). Leaves: numbers of parts, and masks of some of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.uint8]

EVERYWHERE = np.ones((3, 3), bool)


def numbered(mask: Labels | NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """(H, W) the number of the part that a pixel belongs to, 0 where none is, and how many there are."""
    numbers, count = ndimage.label(mask > 0, EVERYWHERE)
    return numbers, int(count)


def largest_parts(mask: Labels, most: int) -> Labels:
    """The mask with its ``most`` largest parts alone."""
    numbers, count = numbered(mask)
    if count <= most:
        return mask
    areas = np.bincount(numbers.ravel())[1:]
    return only(mask, numbers, np.argsort(-areas, kind="stable")[:most] + 1)


def only(mask: Labels, numbers: NDArray[np.int32], wanted: NDArray[np.int64]) -> Labels:
    """The mask with the parts of the ``wanted`` numbers alone."""
    found: Labels = np.where(np.isin(numbers, wanted), mask, 0).astype(np.uint8)
    return found


def holes(mask: Labels) -> NDArray[np.bool_]:
    """(H, W): what is class 0 and enclosed by what is not."""
    found: NDArray[np.bool_] = ndimage.binary_fill_holes(mask > 0) & (mask == 0)
    return found


def without_holes(mask: Labels) -> Labels:
    """The mask with its holes filled, each pixel with the class that is nearest to it."""
    open_ = holes(mask)
    if not open_.any():
        return mask
    nearest = ndimage.distance_transform_edt(mask == 0, return_distances=False, return_indices=True)
    found: Labels = np.where(open_, mask[tuple(nearest)], mask).astype(np.uint8)
    return found
