"""Drawn masks and images: tangles of thick lines, no two alike, and grainy pictures of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def draw_tangle(rng: np.random.Generator, side: int = 96) -> NDArray[np.int64]:
    """A mask (side, side) in {0, 1} of a few wandering lines."""
    canvas = np.zeros((side, side), dtype=bool)
    for _ in range(6):
        place, heading = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi)
        for _ in range(side):
            heading += rng.normal(0, 0.15)
            place = place + np.array([np.sin(heading), np.cos(heading)])
            row, column = np.round(place).astype(int)
            if 0 <= row < side and 0 <= column < side:
                canvas[row, column] = True
    return ndimage.binary_dilation(canvas, iterations=2).astype(np.int64)


def draw_picture(rng: np.random.Generator, side: int = 96) -> NDArray[np.float64]:
    """A grainy colour image (side, side, 3) in [0, 1] of some tangle; grain and brightness differ between images."""
    shape = ndimage.gaussian_filter(draw_tangle(rng, side).astype(float), 1)
    grain = ndimage.gaussian_filter(rng.normal(size=(side, side, 3)), (0.6, 0.6, 0))
    light = rng.uniform(0.35, 0.45) + 0.3 * shape[..., None] * np.array([1.0, 0.6, 0.3])
    return np.clip(light + rng.uniform(0.04, 0.07) * grain, 0, 1)
