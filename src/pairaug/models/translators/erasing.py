"""Take objects out of a picture: every hole is filled with real pixels of the same picture.

Holes are filled tile by tile from their rims inward. For a tile, windows of the picture that touch no hole are
compared with what is known around the tile; the one most alike is copied, and the difference along the rim, smoothly
continued into the tile, is added (the membrane of seamless cloning: Perez et al. 2003; here by push and pull on a
pyramid, Gortler et al. 1996, as in Farbman et al. 2009). So texture is real, and level and shading meet at the edge.
A picture without any such window gets the smooth continuation of its known pixels alone.

Enters: pictures (C, H, W) float32 and holes (H, W) bool. Leaves: pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Region = NDArray[np.bool_]
Window = tuple[slice, slice]

TILE = 24  # pixels; at most a quarter of the picture's shorter side
RIM = 4  # pixels around a tile in which it is compared
WINDOWS = 48  # tried for each tile: half of them near
NEAR = 4  # tiles


def erased(picture: Picture, hole: Region, rng: np.random.Generator, beyond: Region | None = None) -> Picture:
    """The picture with the hole filled; pixels outside of it stay as they are.

    ``beyond``: what is not looked at and gives no pixels, such as the dark around a field of view.
    """
    beyond = np.zeros_like(hole) if beyond is None else beyond
    hole = hole & ~beyond
    filled, unknown = picture.copy(), hole.copy()
    barred = hole | beyond
    side = max(2, min(TILE, min(hole.shape) // 4))
    for tile in _tiles(hole, side):
        window = _around(tile, hole.shape)
        open_ = unknown[window]
        known = ~(open_ | beyond[window])
        start = _most_alike(picture, barred, filled[:, *window], known, tile, window, rng)
        if start is None:
            continue
        rows, columns = open_.shape
        source = picture[:, start[0] : start[0] + rows, start[1] : start[1] + columns]
        membrane = push_pull(filled[:, *window] - source, known)
        inside = np.zeros_like(open_)
        inside[_within(tile, window)] = open_[_within(tile, window)]
        filled[:, *window][:, inside] = (source + membrane)[:, inside]
        unknown[window] &= ~inside
    return np.where(unknown, push_pull(filled, ~(unknown | beyond)), filled) if unknown.any() else filled


def push_pull(values: Picture, known: Region) -> Picture:
    """Values (C, H, W), those that are not ``known`` (H, W) replaced by a smooth continuation of the known ones.

    All zero where nothing is known. Known values stay.
    """
    weight = known.astype(np.float32)
    sums = values * weight
    levels = []
    while max(weight.shape) > 1:
        levels.append((sums, weight))
        sums, weight = (_halved(part) for part in (sums, weight))
        scale = np.minimum(np.float32(1), 1 / np.maximum(weight, np.float32(1e-6)))
        sums, weight = sums * scale, weight * scale
    found: Picture = (sums / np.maximum(weight, 1e-6)).astype(np.float32)
    for fine, share in reversed(levels):
        found = (fine + (1 - share) * _doubled(found, share.shape)).astype(np.float32)
    return found


def _halved(part: Picture) -> Picture:
    """Sums over 2 x 2 cells of the last two axes; an odd edge is a cell of its own."""
    height, width = part.shape[-2:]
    padded = np.pad(part, [(0, 0)] * (part.ndim - 2) + [(0, height % 2), (0, width % 2)])
    cells: Picture = padded[..., ::2, ::2] + padded[..., 1::2, ::2] + padded[..., ::2, 1::2] + padded[..., 1::2, 1::2]
    return cells


def _doubled(part: Picture, size: tuple[int, ...]) -> Picture:
    """Linearly enlarged by 2 and cut to ``size``."""
    for axis, length in zip((-2, -1), size, strict=True):
        before = np.concatenate([part.take([0], axis), part.take(range(part.shape[axis] - 1), axis)], axis)
        after = np.concatenate([part.take(range(1, part.shape[axis]), axis), part.take([-1], axis)], axis)
        pairs = np.stack([0.75 * part + 0.25 * before, 0.75 * part + 0.25 * after], axis=axis if axis == -1 else -2)
        shape = list(part.shape)
        shape[axis] *= 2
        part = pairs.reshape(shape).take(range(length), axis).astype(np.float32)
    return part


def _tiles(hole: Region, side: int) -> Iterator[Window]:
    """Tiles that hold open pixels, those nearest to known ones first."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(hole)
    found = []
    for top in range(0, hole.shape[0], side):
        for left in range(0, hole.shape[1], side):
            tile = slice(top, min(top + side, hole.shape[0])), slice(left, min(left + side, hole.shape[1]))
            inside = hole[tile]
            if inside.any():
                found.append((float(depth[tile][inside].mean()), top, left, tile))
    for _, _, _, tile in sorted(found, key=lambda one: one[:3]):
        yield tile


def _around(tile: Window, shape: tuple[int, ...]) -> Window:
    """The tile with its rim, as far as the picture goes."""
    rows, columns = (
        slice(max(0, part.start - RIM), min(length, part.stop + RIM)) for part, length in zip(tile, shape, strict=True)
    )
    return rows, columns


def _within(tile: Window, window: Window) -> Window:
    """The tile in the coordinates of its window."""
    rows, columns = (
        slice(part.start - whole.start, part.stop - whole.start) for part, whole in zip(tile, window, strict=True)
    )
    return rows, columns


def _most_alike(
    picture: Picture,
    barred: Region,
    target: Picture,
    known: Region,
    tile: Window,
    window: Window,
    rng: np.random.Generator,
) -> tuple[int, int] | None:
    """Where a window without barred pixels begins whose pixels are most like the known ones; None where none is."""
    size = np.array(known.shape)
    most = np.array(barred.shape) - size
    origin = np.array([part.start for part in window])
    reach = NEAR * np.array([part.stop - part.start for part in tile])
    near = rng.integers(-reach, reach + 1, size=(WINDOWS // 2, 2)) + origin
    anywhere = rng.integers(0, most + 1, size=(WINDOWS - WINDOWS // 2, 2))
    best, least = None, np.inf
    for top, left in np.clip(np.concatenate([near, anywhere]), 0, most).tolist():
        there = slice(top, top + int(size[0])), slice(left, left + int(size[1]))
        if barred[there].any():
            continue
        apart = (picture[:, *there] - target) ** 2
        score = float(apart[:, known].mean()) if known.any() else 0.0
        if score < least:
            best, least = (top, left), score
    return best
