"""The backgrounds on which objects are painted: real pictures in which nothing stands.

For a mask one is drawn at random, more often one whose levels around the objects would be like those around real
objects. Pictures of other sizes are scaled until they cover the mask, and cut.

Enters: kept pictures, and masks (H, W). Leaves: pictures (C, H, W) of the masks' sizes, in [-1, 1].
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.kept import Kept
from pairaug.models.translators.surroundings import Labels, Thing, things_in

CACHE_BYTES = 512 * 2**20
LOOKED_AT = 8  # backgrounds for each mask
LARGER = 0.7  # a picture is not made smaller than by this: a little larger is as good at its own scale


class Backgrounds:
    """``pairs``: whose objects are taken out; ``empty``: pictures without any. May be asked from several threads."""

    def __init__(self, pairs: Sequence[Kept], empty: Sequence[Kept], choosy: float) -> None:
        self._pairs, self._every, self._choosy = pairs, [*pairs, *empty], choosy
        self._emptied: dict[int, Picture] = {}
        self._lock = threading.Lock()

    def fitting(self, mask: Labels, rng: np.random.Generator) -> tuple[int, Picture]:
        """The number of one, pairs first, and its picture at the mask's size."""
        things = list(things_in(mask))
        some = rng.permutation(len(self._every))[:LOOKED_AT].tolist()
        places = rng.random((len(some), 2)).tolist()
        fitted = [_covering(self._empty(number), mask.shape, place) for number, place in zip(some, places, strict=True)]
        costs = np.array([self._strangeness(one, things) for one in fitted])
        weights = np.exp(-self._choosy * (costs - costs.min()) / max(float(costs.mean()), 1e-6))
        chosen = int(rng.choice(len(fitted), p=weights / weights.sum()))
        return some[chosen], fitted[chosen]

    @cached_property
    def _levels(self) -> NDArray[np.float64]:
        """(N, C): the levels around all real objects."""
        found = [thing.surroundings(one.picture) for one in self._pairs for thing in things_in(one.labels)]
        known = [level for level in found if np.isfinite(level).all()]
        return np.array(known).reshape(len(known), len(self._pairs[0].levels))

    def _strangeness(self, background: Picture, things: Sequence[Thing]) -> float:
        """How far the levels around the objects would be from those around real ones, on average."""
        levels = [level for thing in things if np.isfinite(level := thing.surroundings(background)).all()]
        if not levels or not len(self._levels):
            return 0.0
        return float(np.mean([np.abs(self._levels - level).mean(axis=1).min() for level in levels]))

    def _empty(self, number: int) -> Picture:
        with self._lock:
            if number not in self._emptied:
                found = self._every[number].emptied(number)
                if (len(self._emptied) + 1) * found.nbytes > CACHE_BYTES:
                    self._emptied = {}
                self._emptied[number] = found
            return self._emptied[number]


def _covering(picture: Picture, size: tuple[int, ...], place: Sequence[float]) -> Picture:
    """A window of ``size`` at a place in [0, 1]^2, of the picture scaled no more than it takes to cover that."""
    if picture.shape[1:] == size:
        return picture
    height, width = picture.shape[1:]
    factor = max(size[0] / height, size[1] / width)
    if factor > 1 or factor < LARGER:
        shape = [max(most, round(extent * factor)) for extent, most in zip((height, width), size, strict=True)]
        scaled = functional.interpolate(
            torch.from_numpy(picture)[None], size=shape, mode="bilinear", align_corners=False, antialias=True
        )
        picture = scaled[0].numpy()
    top, left = (
        int(share * (extent - most + 1)) for share, extent, most in zip(place, picture.shape[1:], size, strict=True)
    )
    return picture[:, top : top + size[0], left : left + size[1]]
