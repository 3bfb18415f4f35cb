"""Signed distances to the edges of regions, values read between pixels, and slow smoothing."""

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


def smoothed(values: NDArray[np.floating[Any]], sigma: float) -> NDArray[np.float64]:
    """(..., H, W) blurred by a Gaussian of ``sigma`` pixels; a wide one on cells of a quarter of that."""
    *_, height, width = values.shape
    step = max(1, min(int(sigma / 4), min(height, width) // 16))
    still = (0,) * (values.ndim - 2)
    padding = [*((0, 0) for _ in still), (0, -height % step), (0, -width % step)]
    padded = np.pad(values.astype(np.float64), padding, mode="symmetric")
    rows, columns = (length // step for length in padded.shape[-2:])
    cells = padded.reshape(*values.shape[:-2], rows, step, columns, step).mean(axis=(-3, -1))
    blurred = ndimage.gaussian_filter(cells, (*still, sigma / step, sigma / step))
    found: NDArray[np.float64] = blurred
    if step > 1:
        scale = (*(1 for _ in still), step, step)
        found = ndimage.zoom(blurred, scale, order=1, mode="nearest", grid_mode=True)
    return found[..., :height, :width]
