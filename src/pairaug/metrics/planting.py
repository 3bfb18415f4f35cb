"""Copies of known kinds, to prove that a copy detector finds them.

* ``exact``: the picture itself;
* ``rigid``: one of the eight flips and right-angle turns, shifted by up to 2 % of the side, the edge repeated;
* ``crop``: a window of 80 % of each side at a random place, brought back to full size;
* ``elastic_1``, ``elastic_2``, ``elastic_5``: warped along a smooth random field (Gaussian, correlation length 8 % of
  the longer side) whose vectors have a root mean square length of 1, 2 and 5 % of that side. 5 % folds the picture
  here and there: it is hardly a copy any more.

Enters: a picture (H, W, C) float32 in [0, 1], and whether it holds labels (read at the nearest pixel) or intensities
(bilinear). Leaves: a picture of the same size, or (W, H, C) after a quarter turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.metrics.reduction import FloatArray

KINDS = ("exact", "rigid", "crop", "elastic_1", "elastic_2", "elastic_5")

CROP_SHARE = 0.8
SHIFT_SHARE = 0.02
CORRELATION_SHARE = 0.08

Coordinates = NDArray[np.float64]


def plant(picture: FloatArray, kind: str, rng: np.random.Generator, holds_labels: bool) -> FloatArray:
    """A copy of (H, W, C) of one of ``KINDS``; KeyError for another kind."""
    if kind == "exact":
        return picture.copy()
    height, width = picture.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(height, dtype=np.float64), np.arange(width, dtype=np.float64), indexing="ij"))
    if kind == "rigid":
        moved = _sample(picture, grid + _shift(height, width, rng), holds_labels)
        turned = np.rot90(moved, int(rng.integers(4)))
        return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)
    if kind == "crop":
        room = (1 - CROP_SHARE) * np.array([height - 1, width - 1])
        return _sample(picture, CROP_SHARE * grid + (rng.random(2) * room)[:, None, None], holds_labels)
    share = {"elastic_1": 0.01, "elastic_2": 0.02, "elastic_5": 0.05}[kind]
    return _sample(picture, grid + elastic_field(height, width, share, rng), holds_labels)


def elastic_field(height: int, width: int, share: float, rng: np.random.Generator) -> Coordinates:
    """A smooth random displacement (2, H, W) in px; the root mean square of its length is ``share`` of the longer side.

    Smoothed on a coarse lattice and enlarged, so that its cost does not depend on the size of the picture.
    """
    longer = max(height, width)
    lattice = 64
    rows, columns = (max(2, round(lattice * length / longer)) for length in (height, width))
    noise = rng.standard_normal((2, rows, columns))
    smooth = ndimage.gaussian_filter(noise, (0, CORRELATION_SHARE * lattice, CORRELATION_SHARE * lattice), mode="wrap")
    places = np.meshgrid(np.linspace(0, rows - 1, height), np.linspace(0, columns - 1, width), indexing="ij")
    field = np.stack([ndimage.map_coordinates(part, places, order=1) for part in smooth])
    length = float(np.sqrt((field**2).sum(axis=0).mean()))
    scaled: Coordinates = field * (share * longer / max(length, 1e-12))
    return scaled


def _shift(height: int, width: int, rng: np.random.Generator) -> Coordinates:
    """A whole-pixel shift of up to SHIFT_SHARE of each side, (2, 1, 1)."""
    reach = np.round(SHIFT_SHARE * np.array([height, width])).astype(np.int64)
    return rng.integers(-reach, reach + 1).astype(np.float64)[:, None, None]


def _sample(picture: FloatArray, places: Coordinates, holds_labels: bool) -> FloatArray:
    """The picture read at places (2, H, W) in px; beyond its frame the edge is repeated."""
    order = 0 if holds_labels else 1
    channels = [
        ndimage.map_coordinates(picture[..., channel], places, order=order, mode="nearest")
        for channel in range(picture.shape[-1])
    ]
    return np.stack(channels, axis=-1).astype(np.float32)
