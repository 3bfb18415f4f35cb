"""A region of pixels as one closed line, holes and all.

Pixel (x, y) is the square from (x, y) to (x + 1, y + 1). ``around`` runs between pixels, on whole numbers, and encloses
exactly those of the region; ``through`` runs through the outermost pixels of the region, as tools want it that draw
the line as well as what it encloses. A hole is cut open: from its upper left corner the line goes straight up to the
nearest side above and comes back the same way, once it has been round the hole. The cut has no width, so that every
filling rule, even-odd or nonzero, gives the region back, and a format that knows only simple polygons keeps holes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[int, int]

# The four ways along a side of a pixel of the region, clockwise, with that pixel on the right hand.
_RIGHT, _DOWN, _LEFT, _UP = range(4)
_STEP = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
_START = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])  # the corner of the pixel that the side begins at
_BEYOND = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]])  # the pixel on the left hand


def connected_parts(foreground: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], int, int]]:
    """The 8-connected parts of (H, W): each within its own bounds, and where these begin, x and y."""
    from scipy import ndimage

    numbered, _ = ndimage.label(foreground, structure=np.ones((3, 3), dtype=int))
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), start=1):
        yield numbered[rows, columns] == number, columns.start, rows.start


def around(region: NDArray[np.bool_]) -> list[Point]:
    """The corners (x, y) of the line around an 8-connected ``region`` (H, W), clockwise, the first not repeated.

    Where pixels meet at a corner alone the line passes through it, so that it is one.
    """
    sides = _sides(region)
    return _bends([sides.start[side] for side in sides.walk()])


def through(region: NDArray[np.bool_]) -> list[Point]:
    """The bends (x, y) of the line through the outermost pixels of an 8-connected ``region`` (H, W).

    Where the region is one pixel wide, it goes there and back; that of a single pixel is a point.
    """
    sides = _sides(region)
    return _bends([pixel for side in sides.walk() for pixel in sides.along[side]])


@dataclass(frozen=True)
class _Sides:
    """The sides of pixels that part a region from the rest, by number, in the order of where they begin (top down).

    ``start``: the corner (x, y) at which each begins; ``after``: the side that follows; ``along``: the pixels of the
    region on its right hand; ``top``: the number of the upper side of pixel (x, y).
    """

    start: list[Point]
    after: list[int]
    along: list[list[Point]]
    top: dict[Point, int]

    def walk(self, first: int = 0) -> Iterator[int]:
        """The sides of a ring, from ``first`` on."""
        side = first
        while True:
            yield side
            side = self.after[side]
            if side == first:
                return


def _sides(region: NDArray[np.bool_]) -> _Sides:
    """All of a region's sides, joined to one ring."""
    sides = _separate(region)
    seen = set(sides.walk())  # the outer ring: it holds the uppermost side
    for side in range(len(sides.start)):
        if side not in seen:
            hole = list(sides.walk(side))
            seen.update(hole)
            _cut_open(region, sides, hole)
    return sides


def _separate(region: NDArray[np.bool_]) -> _Sides:
    """A ring for the outer outline and one for each hole. Where pixels meet at a corner alone, each ring turns left."""
    height, width = region.shape
    padded = np.pad(region, 1)
    leaving = np.full((height + 1, width + 1, 4), -1)  # the side that leaves a corner in each direction
    for way, ((x, y), (right, down)) in enumerate(zip(_START, _BEYOND, strict=True)):
        beyond = padded[1 + down : 1 + down + height, 1 + right : 1 + right + width]
        rows, columns = np.nonzero(region & ~beyond)
        leaving[rows + y, columns + x, way] = 0
    rows, columns, ways = np.nonzero(leaving == 0)
    leaving[rows, columns, ways] = np.arange(len(ways))
    after = np.full(len(ways), -1)
    for turn in (-1, 0, 1):
        following = leaving[rows + _STEP[ways, 1], columns + _STEP[ways, 0], (ways + turn) % 4]
        after = np.where(after < 0, following, after)
    start = list(zip(columns.tolist(), rows.tolist(), strict=True))
    pixels = np.stack([columns, rows], axis=1) - _START[ways]
    along = [[(x, y)] for x, y in pixels.tolist()]
    return _Sides(start, after.tolist(), along, {start[side]: side for side in np.flatnonzero(ways == _RIGHT).tolist()})


def _cut_open(region: NDArray[np.bool_], sides: _Sides, hole: Sequence[int]) -> None:
    """Join the ring of a hole to the one above it.

    Its first side is that down from its upper left corner. The pixel above and to the right of the corner belongs to
    the region, as do those above it up to an upper side, which begins higher than this hole: its ring is joined.
    """
    x, y = sides.start[hole[0]]
    height = y - 1
    while height > 0 and region[height - 1, x]:
        height -= 1
    met = sides.top[x, height]
    back, again = len(sides.start), len(sides.start) + 1
    sides.start.extend([(x, y), (x, height)])
    sides.after.extend([again, sides.after[met]])
    sides.along.extend([[(x, y - 1)], [(x, height)]])
    sides.along[met] = [(x, height), (x, y - 1)]
    sides.after[met], sides.after[hole[-1]] = hole[0], back
    sides.top[x, height] = again


def _bends(points: Sequence[Point]) -> list[Point]:
    """A closed line without the points that it stays at or goes straight on from."""
    line = [point for point, after in zip(points, [*points[1:], points[0]], strict=True) if point != after]
    bends = []
    for (x, y), before, after in zip(line, [*line[-1:], *line[:-1]], [*line[1:], *line[:1]], strict=True):
        come, go = (x - before[0], y - before[1]), (after[0] - x, after[1] - y)
        if come[0] * go[1] != come[1] * go[0] or come[0] * go[0] + come[1] * go[1] < 0:
            bends.append((x, y))
    return bends or list(points[:1])
