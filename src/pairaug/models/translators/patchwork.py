"""Guided patchwork: objects painted tile by tile, with real pixels of places that are labelled alike.

Every tile of a mask is described by its *guide*: the signed distances to the edges of each class, and how deep inside
its object each pixel lies. Windows of the sources with like guides, in eight turns and flips, are its candidates
(image analogies: Hertzmann et al. 2001), and so are the windows that continue what its neighbours were painted with
(Ashikhmin 2001). The one that best continues what stands around the tile is taken (quilting: Efros and Freeman 2001).
A small move along the gradient of the distances brings its edges exactly onto the mask's, and the difference to what
is known around the tile, smoothly continued, is added (``erasing.push_pull``). So edges lie where the mask says,
texture is real, and level and shading are those of the new surroundings.

Enters: masks (H, W) in [0, K), pictures (C, H, W) float32. Leaves: pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from pairaug.models.translators.distances import read, signed_distance
from pairaug.models.translators.erasing import Picture, push_pull

Labels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Key = tuple[int, int, int, int]  # a window of the sources: which source, its top and left, how it is turned

RIM = 6  # known pixels around a tile in which windows are compared
SMALLEST, LARGEST = 12, 28  # pixels: tiles are half as wide as objects are thick
REACH = 8.0  # pixels: distances beyond are alike
COVER = 2.5  # pixels beside an object that are painted with it
CANDIDATES = 16
GRID = 6  # a guide is looked up by so many of its values a side,
WORDS = 12  # brought to so many principal components
MOST_WINDOWS = 60_000
NOISE = 0.15  # added to each component, so that like tiles are not all painted alike
ESTRANGED = 0.3  # what it costs to take a window of another source than all neighbours
STEP = 3.0  # pixels: the farthest single move that brings edges onto edges


@dataclass(frozen=True)
class Guide:
    """``planes`` (K, H, W): distances to the edges of the K - 1 classes in units of ``REACH``, clipped to [-1, 1], then
    how deep a pixel lies in its object, in [0, 0.5]."""

    planes: Floats

    @classmethod
    def of(cls, mask: Labels, classes: int) -> Guide:
        edges = [signed_distance(mask == label).clip(-REACH, REACH) / REACH for label in range(1, classes)]
        return cls(np.stack([*edges, 0.5 * _depth(mask)]).astype(np.float32))

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where something is painted: objects, and a little beside them."""
        found: NDArray[np.bool_] = self.planes[:-1].max(axis=0) * REACH > -COVER
        return found


class Patchwork:
    """What the sources hold, looked up by guides."""

    def __init__(self, masks: Sequence[Labels], pictures: Sequence[Picture], classes: int) -> None:
        self._classes, self._channels = classes, len(pictures[0])
        self.tile = int(np.clip(_thickness(masks) / 2, SMALLEST, LARGEST))
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
        if not len(self._keys):
            return
        words = self._words(self._gather(self._keys, coarse=True)[:, self._channels :])
        self._mean = words.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov(words.T))
        self._basis = vectors[:, -WORDS:]
        self._tree = cKDTree((words - self._mean) @ self._basis)

    def paint(self, canvas: Picture, mask: Labels, rng: np.random.Generator) -> Picture:
        """The canvas with the objects of the mask painted on it; as it is where the sources hold no object."""
        if not len(self._keys):
            return canvas
        return _Painting(self, canvas, mask, rng).painted()

    def nearest(self, guides: Floats, rng: np.random.Generator) -> list[list[Key]]:
        """Keys of windows with like guides for each of (N, K, side, side)."""
        words = (self._words(guides[:, :, self._coarse[:, None], self._coarse]) - self._mean) @ self._basis
        words += rng.normal(0, NOISE, words.shape)
        count = min(CANDIDATES, len(self._keys))
        _, found = self._tree.query(words, k=np.arange(1, count + 1), eps=0.5)
        return [[_as_key(key) for key in self._keys[row]] for row in found]

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


class _Painting:
    """One canvas under way, padded so that every tile has a whole window around it."""

    def __init__(self, sources: Patchwork, canvas: Picture, mask: Labels, rng: np.random.Generator) -> None:
        guide = Guide.of(mask, sources._classes)
        self.sources, self.rng, self.pad = sources, rng, sources.side
        around = ((0, 0), (self.pad, self.pad), (self.pad, self.pad))
        self.canvas, self.guide = np.pad(canvas, around, mode="edge"), np.pad(guide.planes, around, mode="edge")
        self.open = np.pad(guide.covered, self.pad)
        self.beside = ~self.open
        self.cover = np.clip(self.guide[:-1].max(axis=0) * REACH / COVER + 1, 0, 1)
        self.used: dict[tuple[int, int], Key] = {}

    def painted(self) -> Picture:
        places = self._places()
        if places:
            windows = np.stack([self.guide[:, *self._window(place)] for place in places])
            for place, found in zip(places, self.sources.nearest(windows, self.rng), strict=True):
                self._paint(place, [*found, *filter(self.sources.inside, self._continued(place))])
        return self.canvas[:, self.pad : -self.pad, self.pad : -self.pad]

    def _places(self) -> list[tuple[int, int]]:
        """Corners of the tiles that hold something, from the rims of objects inward."""
        tile, (height, width) = self.sources.tile, self.open.shape
        corners = [
            (top, left)
            for top in range(self.pad, height - self.pad, tile)
            for left in range(self.pad, width - self.pad, tile)
            if self.open[top : top + tile, left : left + tile].any()
        ]
        depth = [self.guide[-1, top : top + tile, left : left + tile].mean() for top, left in corners]
        return [corners[index] for index in np.lexsort((self.rng.random(len(corners)), depth))]

    def _window(self, place: tuple[int, int]) -> tuple[slice, slice]:
        top, left = place[0] - RIM, place[1] - RIM
        return slice(top, top + self.sources.side), slice(left, left + self.sources.side)

    def _neighbours(self, place: tuple[int, int]) -> Iterator[tuple[int, int, Key]]:
        """How far down and across a painted neighbour lies, and what it was painted with."""
        tile = self.sources.tile
        for down in (-tile, 0, tile):
            for across in (-tile, 0, tile):
                key = self.used.get((place[0] + down, place[1] + across))
                if key is not None:
                    yield down, across, key

    def _continued(self, place: tuple[int, int]) -> Iterator[Key]:
        for down, across, (number, top, left, turn) in self._neighbours(place):
            step = _unturned(-down, -across, turn)
            yield number, top + step[0], left + step[1], turn

    def _paint(self, place: tuple[int, int], keys: list[Key]) -> None:
        window = self._window(place)
        target, known = self.canvas[:, *window], ~self.open[window]
        pixels, guides = self.sources.windows(keys)
        costs = np.abs(guides - self.guide[:, *window]).mean(axis=(1, 2, 3))
        if known.any():
            apart = (pixels - target)[:, :, known]
            level = apart.mean(axis=2, keepdims=True)
            costs += np.abs(apart - level).mean(axis=(1, 2)) + np.abs(level).mean(axis=(1, 2))
        near = {key[0] for _, _, key in self._neighbours(place)}
        costs += [ESTRANGED if near and key[0] not in near else 0.0 for key in keys]
        best = int(costs.argmin())
        self.used[place] = keys[best]
        chosen = _on_edges(pixels[best], guides[best], self.guide[:, *window])
        if known.any():
            chosen = chosen + push_pull(np.where(known, target - chosen, 0), known)
        inner = slice(RIM, -RIM), slice(RIM, -RIM)
        share = (self.cover[window] * self.open[window])[inner]
        target[:, *inner] += share * (chosen - target)[:, *inner]
        self.open[window][inner] = False


def _on_edges(pixels: Floats, guide: Floats, wanted: Floats) -> Floats:
    """The pixels moved so that the edges of the class whose edge is nearest lie where they are wanted."""
    which = int(np.abs(wanted[:-1]).min(axis=(1, 2)).argmin())
    have, want = guide[which] * REACH, wanted[which] * REACH
    if np.abs(want).min() > REACH / 2:
        return pixels
    have, want = ndimage.gaussian_filter(have, 0.7), ndimage.gaussian_filter(want, 0.7)
    places, slopes = np.indices(have.shape, dtype=float), np.gradient(have)
    for _ in range(2):
        miss = (want - read(have, places)) * (np.abs(want) < REACH - 1)
        slope = np.stack([read(part, places) for part in slopes])
        move = np.clip(slope * miss / np.maximum((slope**2).sum(axis=0), 0.25), -STEP, STEP)
        places = places + ndimage.gaussian_filter(move, (0, 1.0, 1.0))
    return np.stack([read(channel, places) for channel in pixels]).astype(np.float32)


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


def _unturned(down: int, across: int, turn: int) -> tuple[int, int]:
    """A step in a turned window as a step in its source."""
    if turn >= 4:
        across = -across
    for _ in range(turn % 4):
        down, across = across, -down
    return down, across


def _depth(mask: Labels) -> NDArray[np.float64]:
    """(H, W) in [0, 1]: the distance to the background as a share of the greatest in the same object."""
    inside = mask > 0
    depth = ndimage.distance_transform_edt(inside)
    numbers, count = ndimage.label(inside, np.ones((3, 3)))
    most = np.maximum(ndimage.maximum(depth, numbers, np.arange(count + 1)), 1.0)
    found: NDArray[np.float64] = depth / np.asarray(most)[numbers]
    return found


def _thickness(masks: Sequence[Labels]) -> float:
    """How thick objects are in pixels: four times the mean distance to the background, over all their pixels."""
    depths = [ndimage.distance_transform_edt(mask > 0)[mask > 0] for mask in masks]
    every = np.concatenate(depths)
    return 4 * float(every.mean()) if every.size else 0.0
