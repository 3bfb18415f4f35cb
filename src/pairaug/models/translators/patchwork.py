"""Patchwork: windows of real pictures, looked up by what their masks say.

Every tile of a mask is described by its *guide* (``guides``). Each object is painted from one source: windows of it
with like guides, in eight turns and flips, are the candidates (image analogies: Hertzmann et al. 2001), and so are the
windows that continue what neighbouring tiles were painted with (Ashikhmin 2001). The one that best continues what is
around the tile is taken (quilting: Efros and Freeman 2001). A small move along the gradient of the distances brings its
edges exactly onto the mask's, and the difference to what is known around the tile, smoothly continued, is added
(``erasing.push_pull``). So edges lie where the mask says, texture is real, and level and shading are those of the new
surroundings, as far as real objects follow them. ``tiling`` paints; this module looks up.

Enters: masks (H, W) in [0, K), pictures (C, H, W) float32. Leaves: windows of pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.guides import Floats, Guide
from pairaug.models.translators.surroundings import Labels, thickness

Key = tuple[int, int, int, int]  # a window of the sources: which source, its top and left, how it is turned

RIM = 6  # known pixels around a tile in which windows are compared
SMALLEST, LARGEST = 12, 28  # pixels: tiles are half as wide as objects are thick
CANDIDATES = 16
GRID = 6  # a guide is looked up by so many of its values a side,
WORDS = 12  # brought to so many principal components
MOST_WINDOWS = 60_000
NOISE = 0.15  # added to each component, so that like tiles are not all painted alike


class Patchwork:
    """What the sources hold, looked up by guides; ``follow``: how far objects follow the level of what is beside them,
    in [0, 1]."""

    def __init__(self, masks: Sequence[Labels], pictures: Sequence[Picture], classes: int, follow: float = 1.0) -> None:
        self.follow = follow
        self.classes, self._channels = classes, len(pictures[0])
        self.tile = int(np.clip(thickness(masks) / 2, SMALLEST, LARGEST))
        self.side = self.tile + 2 * RIM
        guides = [Guide.of(mask, classes) for mask in masks]
        self._sizes = [mask.shape for mask in masks]
        self._width = max(width for _, width in self._sizes)
        self._starts = np.cumsum([0, *(height for height, _ in self._sizes)])
        self._planes = np.concatenate(
            [
                np.pad(np.concatenate([picture, guide.planes]), ((0, 0), (0, 0), (0, self._width - picture.shape[2])))
                for picture, guide in zip(pictures, guides, strict=True)
            ],
            axis=1,
        )
        self._flat = self._planes.reshape(len(self._planes), -1)
        offsets = np.arange(self.side)[:, None] * self._width + np.arange(self.side)
        self._offsets = np.stack([_turned(offsets, turn) for turn in range(8)])
        self._keys = _thinned(np.concatenate([self._windows(number, guide) for number, guide in enumerate(guides)]))
        self._trees: dict[int, tuple[NDArray[np.int64], cKDTree]] = {}
        if not len(self._keys):
            return
        words = self._words(self._gather(self._keys, coarse=True)[:, self._channels :])
        self._mean = words.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov(words.T))
        self._basis = vectors[:, -WORDS:]
        found = (words - self._mean) @ self._basis
        self._trees = {
            int(number): (self._keys[own := self._keys[:, 0] == number], cKDTree(found[own]))
            for number in np.unique(self._keys[:, 0])
        }

    @property
    def numbers(self) -> list[int]:
        """The sources that hold something."""
        return list(self._trees)

    def nearest(self, guides: Floats, number: int, rng: np.random.Generator) -> list[list[Key]]:
        """Keys of windows of one source with like guides, for each of (N, K, side, side)."""
        words = (self._words(guides[:, :, self._coarse[:, None], self._coarse]) - self._mean) @ self._basis
        words += rng.normal(0, NOISE, words.shape)
        keys, tree = self._trees[number]
        _, found = tree.query(words, k=np.arange(1, min(CANDIDATES, len(keys)) + 1), eps=0.5)
        return [[_as_key(key) for key in keys[row]] for row in found]

    def inside(self, key: Key) -> bool:
        """Whether the window lies in its source."""
        number, top, left, _ = key
        height, width = self._sizes[number]
        return bool(0 <= top <= height - self.side and 0 <= left <= width - self.side)

    def windows(self, keys: Sequence[Key]) -> tuple[Floats, Floats]:
        """Pixels (N, C, side, side) and guides (N, K, side, side)."""
        found = self._gather(np.array(keys))
        return found[:, : self._channels], found[:, self._channels :]

    @property
    def _coarse(self) -> NDArray[np.int64]:
        return ((np.arange(GRID) + 0.5) * self.side / GRID).astype(np.int64)

    def _gather(self, keys: NDArray[np.int64], *, coarse: bool = False) -> Floats:
        """(N, planes, side, side), or as coarse as words are."""
        number, top, left, turn = keys.T
        offsets = self._offsets[:, self._coarse[:, None], self._coarse] if coarse else self._offsets
        places = ((self._starts[number] + top) * self._width + left)[:, None, None] + offsets[turn]
        return self._flat[:, places].swapaxes(0, 1)

    @staticmethod
    def _words(guides: Floats) -> NDArray[np.float64]:
        return guides.reshape(len(guides), -1).astype(np.float64)

    def _windows(self, number: int, guide: Guide) -> NDArray[np.int64]:
        """(N, 4) keys of all windows whose middle is covered, not turned."""
        half, rest = self.side // 2, self.side - self.side // 2 - 1
        height, width = guide.covered.shape
        corners = np.argwhere(guide.covered[half : max(half, height - rest), half : max(half, width - rest)])
        return np.insert(np.insert(corners, 0, number, axis=1), 3, 0, axis=1).astype(np.int64)


def _thinned(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most ``MOST_WINDOWS`` in all, evenly, each window in every turn."""
    some = keys[:: max(1, -(-len(keys) * 8 // MOST_WINDOWS))]
    found = np.tile(some, (8, 1))
    found[:, 3] = np.repeat(np.arange(8), len(some))
    return found


def _as_key(row: NDArray[np.int64]) -> Key:
    number, top, left, turn = (int(value) for value in row)
    return number, top, left, turn


def _turned(part: NDArray[np.int64], turn: int) -> NDArray[np.int64]:
    """One of eight turns and flips: quarter turns by ``turn`` % 4, mirrored from 4 on."""
    part = np.rot90(part, turn % 4)
    return part[:, ::-1] if turn >= 4 else part
