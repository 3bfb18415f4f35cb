"""The manner of another picture, as a stage after any translator: its levels and its grain.

From a donor are taken, once, the quantiles of each channel and the spread of its finest structure, with a piece of
that structure itself. A picture gets the donor's levels by rank (histogram matching), at a random strength; where it
is then sharper than the donor it is blurred a little, where it is smoother the donor's own grain is added. Places of
edges stay where they are, so the mask stays the truth.

Enters: pictures (C, H, W) float32 in [-1, 1]. Leaves: pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Picture = NDArray[np.float32]

LEVELS = (np.arange(512) + 0.5) / 512
LOOKED_AT = 2**20  # pixels of a picture from which its quantiles are taken
GRAIN_SIDE = 128  # pixels of a donor's structure that are kept
FINE = 1.0  # pixels: structure finer than this is grain
STRENGTHS = (0.6, 1.0)
_BLURS = (0.3, 0.45, 0.6, 0.8, 1.0, 1.3)  # deviations in pixels


@dataclass(frozen=True)
class Manner:
    """``levels`` (C, 512): quantiles; ``fine`` (C,): the spread of the finest structure; ``grain`` (C, h, w): of it."""

    levels: NDArray[np.float32]
    fine: NDArray[np.float32]
    grain: Picture

    @classmethod
    def of(cls, picture: Picture) -> Manner:
        """Of a donor; the piece of grain is taken where its structure is nearest to the usual spread."""
        fine = _fine(picture)
        spread = _spread(fine)
        return cls(_quantiles(picture), spread, _usual_piece(fine, spread))


def restyled(picture: Picture, manner: Manner, rng: np.random.Generator) -> Picture:
    """The picture in that manner."""
    strength = float(rng.uniform(*STRENGTHS))
    ranks = _quantiles(picture)
    found = picture.copy()
    for channel, own, wanted in zip(found, ranks, manner.levels, strict=True):
        rising = own + np.linspace(0, 1e-6, len(own), dtype=np.float32)  # equal levels, as np.interp wants them
        channel += (strength * (np.interp(channel, rising, wanted) - channel)).astype(np.float32)
    return np.clip(_with_grain(found, manner, strength, rng), -1, 1)


def _with_grain(picture: Picture, manner: Manner, strength: float, rng: np.random.Generator) -> Picture:
    own = _spread(_fine(picture))
    wanted = own + strength * (manner.fine - own)
    if wanted.mean() < own.mean():
        blurs = [ndimage.gaussian_filter(picture, (0, deviation, deviation)) for deviation in _BLURS]
        return min([picture, *blurs], key=lambda one: float(np.abs(_spread(_fine(one)) - wanted).mean()))
    missing = (np.sqrt(np.maximum(wanted**2 - own**2, 0)) / np.maximum(manner.fine, 1e-6)).astype(np.float32)
    turned = np.rot90(manner.grain, int(rng.integers(4)), (1, 2))
    added: Picture = picture + missing[:, None, None] * _tiled(turned, picture.shape[1:], rng)
    return added


def _quantiles(picture: Picture) -> NDArray[np.float32]:
    step = max(1, int(np.sqrt(picture[0].size / LOOKED_AT)))
    some = picture[:, ::step, ::step].reshape(len(picture), -1)
    found: NDArray[np.float32] = np.quantile(some, LEVELS, axis=1).T.astype(np.float32)
    return found


def _fine(picture: Picture) -> Picture:
    found: Picture = picture - ndimage.gaussian_filter(picture, (0, FINE, FINE))
    return found


def _spread(fine: Picture) -> NDArray[np.float32]:
    """(C,): a deviation that edges hardly touch."""
    found: NDArray[np.float32] = (np.median(np.abs(fine), axis=(1, 2)) / 0.6745).astype(np.float32)
    return found


def _usual_piece(fine: Picture, spread: NDArray[np.float32]) -> Picture:
    """A square of the structure whose own spread is nearest to that of the whole, without the pull of edges."""
    side = min(GRAIN_SIDE, *fine.shape[1:])
    rows, columns = (range(0, length - side + 1, max(1, side // 2)) for length in fine.shape[1:])
    pieces = [fine[:, row : row + side, column : column + side] for row in rows for column in columns]
    best = min(pieces, key=lambda piece: float(np.abs(piece.std(axis=(1, 2)) - spread).sum()))
    most = 3 * np.maximum(spread, 1e-6)[:, None, None]
    return np.clip(best, -most, most)


def _tiled(grain: Picture, size: tuple[int, ...], rng: np.random.Generator) -> Picture:
    """The grain repeated, mirrored at its borders, from a random place on."""
    start = rng.integers(0, 2 * np.array(grain.shape[1:]))
    rows, columns = (
        _mirrored(np.arange(length) + first, extent)
        for length, first, extent in zip(size, start, grain.shape[1:], strict=True)
    )
    return grain[:, rows[:, None], columns]


def _mirrored(places: NDArray[np.int64], extent: int) -> NDArray[np.int64]:
    around = places % (2 * extent)
    found: NDArray[np.int64] = np.where(around < extent, around, 2 * extent - 1 - around)
    return found
