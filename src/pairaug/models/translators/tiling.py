"""Painting objects tile by tile with windows of a ``Patchwork``.

Enters: pictures (C, H, W) float32, masks (H, W), and what was painted before. Leaves: pictures, and whose their pixels
are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.distances import read
from pairaug.models.parts import numbered
from pairaug.models.translators.erasing import Picture, push_pull
from pairaug.models.translators.guides import COVER, REACH, Floats, Guide
from pairaug.models.translators.patchwork import RIM, Key, Patchwork
from pairaug.models.translators.sources import NOBODY, Sources, nobody
from pairaug.models.translators.surroundings import Labels

STEP = 3.0  # pixels: the farthest single move that brings edges onto edges


def painted_in_tiles(
    canvas: Picture, mask: Labels, patchwork: Patchwork, rng: np.random.Generator, painted: Sources | None = None
) -> tuple[Picture, Sources]:
    """The canvas with the objects of the mask painted on it, but where that was done; and whose pixels they are.

    ``painted`` (H, W): by which source each pixel was painted before, ``NOBODY`` where it was not.
    """
    painted = nobody(mask.shape) if painted is None else painted
    guide = Guide.of(mask, patchwork.classes)
    if not patchwork.numbers or not (guide.covered & (painted == NOBODY)).any():
        return canvas, painted
    return _Painting(patchwork, canvas, mask, guide, rng, painted).finished()


class _Painting:
    """One canvas under way, padded so that every tile has a whole window around it."""

    def __init__(
        self,
        sources: Patchwork,
        canvas: Picture,
        mask: Labels,
        guide: Guide,
        rng: np.random.Generator,
        painted: Sources,
    ) -> None:
        self.sources, self.rng, self.pad = sources, rng, sources.side
        around = ((0, 0), (self.pad, self.pad), (self.pad, self.pad))
        self.canvas, self.guide = np.pad(canvas, around, mode="edge"), np.pad(guide.planes, around, mode="edge")
        self.painted = np.pad(painted, self.pad, constant_values=NOBODY)
        self.open = np.pad(guide.covered & (painted == NOBODY), self.pad)
        self.beside = ~self.open
        self.cover = np.clip(self.guide[:-1].max(axis=0) * REACH / COVER + 1, 0, 1)
        self.used: dict[tuple[int, int], Key] = {}
        self.objects = _nearest_object(np.pad(mask > 0, self.pad))
        self.source_of = self._sources()

    def finished(self) -> tuple[Picture, Sources]:
        places = self._places()
        for place, found in zip(places, self._found(places), strict=True):
            self._paint(place, [*found, *filter(self.sources.inside, self._continued(place))])
        inner = slice(self.pad, -self.pad), slice(self.pad, -self.pad)
        return self.canvas[:, *inner], self.painted[inner]

    def _found(self, places: Sequence[tuple[int, int]]) -> list[list[Key]]:
        """Candidates for each place, of the source that its object is painted from."""
        found: list[list[Key]] = [[] for _ in places]
        of = [self._source_at(place) for place in places]
        for number in sorted(set(of)):
            own = [index for index, other in enumerate(of) if other == number]
            windows = np.stack([self.guide[:, *self._window(places[index])] for index in own])
            for index, keys in zip(own, self.sources.nearest(windows, number, self.rng), strict=True):
                found[index] = keys
        return found

    def _source_at(self, place: tuple[int, int]) -> int:
        tile = (slice(place[0], place[0] + self.sources.tile), slice(place[1], place[1] + self.sources.tile))
        numbers = self.objects[tile][self.open[tile]]
        return self.source_of[int(np.bincount(numbers).argmax())]

    def _sources(self) -> dict[int, int]:
        """For each object the source that has painted most of it, or a random one where none has."""
        known, before = self.sources.numbers, self.painted != NOBODY
        most = np.full(int(self.objects.max()) + 1, NOBODY)
        if before.any():
            both = np.stack([self.objects[before], self.painted[before]])
            pairs, counts = np.unique(both, axis=1, return_counts=True)
            order = np.lexsort((-pairs[1], counts))  # the last to be written wins: of equals the lower number
            most[pairs[0][order]] = pairs[1][order]
        return {
            number: int(source) if source in known else int(self.rng.choice(known))
            for number, source in enumerate(most.tolist())
        }

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
        best = int(costs.argmin())
        self.used[place] = keys[best]
        chosen = _on_edges(pixels[best], guides[best], self.guide[:, *window])
        if known.any():
            apart = (target - chosen) * np.where(self.beside[window], self.sources.follow, 1)
            chosen = chosen + push_pull(np.where(known, apart, 0), known).astype(np.float32)
        inner = slice(RIM, -RIM), slice(RIM, -RIM)
        share = (self.cover[window] * self.open[window])[inner]
        target[:, *inner] += share * (chosen - target)[:, *inner]
        self.painted[window][inner][self.open[window][inner]] = keys[best][0]
        self.open[window][inner] = False


def _nearest_object(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(H, W): the number of the object that a pixel is of, or is nearest to, from 0."""
    numbers, count = numbered(inside)
    if not count:
        return np.zeros(inside.shape, np.int64)
    rows, columns = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    found: NDArray[np.int64] = numbers[rows, columns].astype(np.int64) - 1
    return found


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


def _unturned(down: int, across: int, turn: int) -> tuple[int, int]:
    """A step in a turned window as a step in its source."""
    if turn >= 4:
        across = -across
    for _ in range(turn % 4):
        down, across = across, -down
    return down, across
