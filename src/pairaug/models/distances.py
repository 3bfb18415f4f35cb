"""Signed distances to the edges of regions, and values read between pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def signed_distance(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(H, W) distance in pixels to the edge between pixels, positive inside; beyond the picture nothing is inside.

    Where nothing is inside at all, every pixel is further out than any edge of the picture could be.
    """
    if not inside.any():
        return np.full(inside.shape, -float(sum(inside.shape)))
    padded = np.pad(inside, 1)
    within, beyond = ndimage.distance_transform_edt(padded), ndimage.distance_transform_edt(~padded)
    found: NDArray[np.float64] = np.where(padded, within - 0.5, 0.5 - beyond)[1:-1, 1:-1]
    return found


def read(values: NDArray[np.floating[Any]], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (h, w) at places (2, H, W), rows and columns; beyond the border they go on as they end."""
    found: NDArray[np.float64] = ndimage.map_coordinates(values, places, order=1, mode="nearest", output=np.float64)
    return found
