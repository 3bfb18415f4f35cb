"""Crops at native scale: a place in a picture, and what lies there.

A crop that is larger than its picture is filled up with the picture mirrored at its edges, so that no border of
black is learnt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.models.base import Example

Place = tuple[int, int]


def draw_place(generator: np.random.Generator, size: tuple[int, int], crop: tuple[int, int]) -> Place:
    """The (top, left) of a crop, evenly among those that lie inside; 0 along a side that the crop is longer than."""
    top, left = (int(generator.integers(max(0, whole - part) + 1)) for whole, part in zip(size, crop, strict=True))
    return top, left


def cut(example: Example, place: Place, crop: tuple[int, int], turns: int = 0, flip: bool = False) -> Example:
    """The part of ``example`` of (height, width) ``crop`` at ``place``, then flipped and turned by quarters.

    An uneven number of ``turns`` needs a square crop.
    """

    def part(array: NDArray[Any] | None) -> NDArray[Any] | None:
        if array is None:
            return None
        piece = array[place[0] : place[0] + crop[0], place[1] : place[1] + crop[1]]
        missing = [(0, side - have) for side, have in zip(crop, piece.shape[:2], strict=True)]
        if any(more for _, more in missing):
            piece = np.pad(piece, missing + [(0, 0)] * (piece.ndim - 2), mode="symmetric")
        return np.ascontiguousarray(np.rot90(piece[:, ::-1] if flip else piece, turns))

    return Example(part(example.labels), part(example.image), example.intensity)


def bounds(place: Place, crop: tuple[int, int], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """(top, left, bottom, right) of a crop in shares of a picture of (height, width) ``size``."""
    (top, left), (height, width) = place, size
    return top / height, left / width, (top + crop[0]) / height, (left + crop[1]) / width
