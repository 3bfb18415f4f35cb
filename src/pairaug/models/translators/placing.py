"""Where the objects of a mask go on the picture that they are painted on, if each picture shows one: to its own.

A picture knows places for objects only where one stood: there its layers part, its shadow falls, and what was taken
out is covered again. So the mask is moved until the middle of what is on it lies on the middle of what stood there, as
far as the frame allows.

Enters: masks (H, W) in [0, K). Leaves: masks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairaug.models.translators.surroundings import Labels


def brought(mask: Labels, stood: Labels) -> Labels:
    """The mask moved to where something ``stood``; as it is where nothing is on either.

    What keeps away from a side of the frame goes on to do so, and what is cut by one stays there.
    """
    if not mask.any() or not stood.any():
        return mask
    step = _middle(stood) - _middle(mask)
    moved = np.zeros_like(mask)
    there, here = zip(*(_shifted(mask, axis, round(float(step[axis]))) for axis in (0, 1)), strict=True)
    moved[there] = mask[here]
    return moved


def _middle(mask: Labels) -> NDArray[np.float64]:
    middle: NDArray[np.float64] = np.argwhere(mask).mean(axis=0)
    return middle


def _shifted(mask: Labels, axis: int, step: int) -> tuple[slice, slice]:
    """Where the rows, or columns, of a mask go and come from for a shift by ``step``, or by as much of it as may be."""
    length = mask.shape[axis]
    occupied = np.flatnonzero(mask.any(axis=1 - axis))
    first, last = int(occupied[0]), int(occupied[-1])
    step = 0 if first == 0 or last == length - 1 else max(1 - first, min(length - 2 - last, step))
    return slice(max(0, step), length + min(0, step)), slice(max(0, -step), length - max(0, step))
