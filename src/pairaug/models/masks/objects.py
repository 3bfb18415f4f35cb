"""The objects of training masks: what a mask is recomposed of.

An object is an 8-connected part of everything that is not class 0, with whatever classes lie in it: a nucleus stays in
its cytoplasm. Enters: masks (H, W) uint8 in [0, K). Leaves: a ``Bank`` of objects, their distance maps made when they
are asked for.

Lengths are in pixels, angles in radians; ``place`` is a share of the frame, (0, 0) its upper left corner. The size of
an object is the logarithm of its relative diameter, sqrt(area of the object / area of its frame).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.distances import signed_distance
from pairaug.models.parts import numbered

Labels = NDArray[np.uint8]
Floats = NDArray[np.float64]

TURNS = 16  # angles at which two objects are laid over each other
_THUMB = 12  # side of the small pictures that are laid over each other; they reach to 1.2 times the diameter
_REACH = 1.2
_CACHE_BYTES = 256 * 2**20
EIGHT = np.ones((3, 3), dtype=np.int64)


@dataclass(frozen=True)
class Object:
    """``labels``: its box, other objects left out, with one pixel of background around.

    ``mask``: the training mask it stands in; ``place``: the centre (row, column) there; ``centre``: the same in pixels
    of the box; ``sides``: which sides of the frame cut it (top, bottom, left, right); ``frame``: the (height, width)
    of that mask; ``gap``: pixels to the nearest other object, infinite where there is none.
    """

    mask: int
    labels: Labels
    place: tuple[float, float]
    centre: tuple[float, float]
    sides: tuple[bool, bool, bool, bool]
    frame: tuple[int, int]
    gap: float

    @cached_property
    def area(self) -> int:
        return int((self.labels > 0).sum())

    @property
    def size(self) -> float:
        return 0.5 * math.log(self.area / (self.frame[0] * self.frame[1]))

    @property
    def cut(self) -> bool:
        return any(self.sides)

    @cached_property
    def classes(self) -> frozenset[int]:
        return frozenset(np.unique(self.labels).tolist()) - {0}

    @cached_property
    def radius(self) -> float:
        """From the centre to the farthest pixel."""
        rows, columns = np.nonzero(self.labels)
        return float(np.hypot(rows - self.centre[0], columns - self.centre[1]).max()) + 0.5

    @cached_property
    def thumbs(self) -> Labels:
        """(TURNS, _THUMB ** 2): the object at unit area, turned by multiples of 2 pi / TURNS about its centre."""
        reach = _REACH * math.sqrt(self.area) * (np.arange(_THUMB) + 0.5 - _THUMB / 2) / (_THUMB / 2)
        y, x = np.meshgrid(reach, reach, indexing="ij")
        angles = np.arange(TURNS)[:, None, None] * (2 * math.pi / TURNS)
        rows = np.rint(self.centre[0] + np.cos(angles) * y - np.sin(angles) * x).astype(np.intp)
        columns = np.rint(self.centre[1] + np.sin(angles) * y + np.cos(angles) * x).astype(np.intp)
        height, width = self.labels.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        seen = np.where(inside, self.labels[rows.clip(0, height - 1), columns.clip(0, width - 1)], 0)
        return seen.reshape(TURNS, -1).astype(np.uint8)


@dataclass
class Bank:
    """All objects of ``frames`` = the (height, width) of each training mask; ``of`` lists the objects of each mask."""

    objects: list[Object]
    frames: list[tuple[int, int]]
    classes: int
    _distances: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of: list[list[int]] = [[] for _ in self.frames]
        for number, one in enumerate(self.objects):
            self.of[one.mask].append(number)
        self.sizes = np.array([one.size for one in self.objects])
        self.places = np.array([one.place for one in self.objects]).reshape(-1, 2)
        self.masks = np.array([one.mask for one in self.objects], dtype=np.intp)
        self.cut = np.array([one.cut for one in self.objects], dtype=bool)
        kinds = {classes: number for number, classes in enumerate(dict.fromkeys(one.classes for one in self.objects))}
        self.kinds = np.array([kinds[one.classes] for one in self.objects], dtype=np.intp)

    @cached_property
    def thumbs(self) -> Labels:
        """(N, TURNS, _THUMB ** 2): those of all objects."""
        return np.stack([one.thumbs for one in self.objects])

    def overlaps(self, fixed: int, turned: NDArray[np.intp]) -> Floats:
        """(M, TURNS) in [0, 1]: how much of both has equal classes when the objects ``turned`` (M,) lie on ``fixed``.

        The angles are multiples of 2 pi / TURNS.
        """
        mine, theirs = self.thumbs[fixed, 0], self.thumbs[turned]
        shared = ((mine == theirs) & (mine > 0)).sum(axis=2)
        overlaps: Floats = shared / np.maximum(((mine | theirs) > 0).sum(axis=2), 1)
        return overlaps

    def distances(self, number: int) -> NDArray[np.float32]:
        """(P, h, w) signed distances in pixels, positive inside: of the whole object, then of each class in it.

        With two classes the object is all there is, P = 1; otherwise P = K.
        """
        known = self._distances.get(number)
        if known is not None:
            return known
        labels = self.objects[number].labels
        regions = [labels > 0, *([labels == k for k in range(1, self.classes)] if self.classes > 2 else [])]
        planes = np.stack([signed_distance(region) for region in regions]).astype(np.float32)
        if (len(self._distances) + 1) * planes.nbytes > _CACHE_BYTES:
            self._distances = {}
        self._distances[number] = planes
        return planes


def find_objects(masks: Sequence[Labels], classes: int) -> Bank:
    """The objects of all masks, mask by mask."""
    objects = [one for number, mask in enumerate(masks) for one in _of_mask(mask, number)]
    return Bank(objects, [(mask.shape[0], mask.shape[1]) for mask in masks], classes)


def _of_mask(mask: Labels, number: int) -> list[Object]:
    height, width = mask.shape
    parts, _ = numbered(mask)
    boxes = ndimage.find_objects(parts)
    gaps = _gaps(parts, boxes)
    found = []
    for part, (box, gap) in enumerate(zip(boxes, gaps, strict=True), start=1):
        rows, columns = box
        sides = (rows.start == 0, rows.stop == height, columns.start == 0, columns.stop == width)
        labels = np.pad(np.where(parts[box] == part, mask[box], 0).astype(np.uint8), 1)
        centre = tuple(float(places.mean()) for places in np.nonzero(labels))
        row, column = centre[0] - 1 + rows.start + 0.5, centre[1] - 1 + columns.start + 0.5
        place = (row / height, column / width)
        found.append(Object(number, labels, place, (centre[0], centre[1]), sides, (height, width), gap))
    return found


def _gaps(parts: NDArray[np.integer], boxes: Sequence[tuple[slice, slice]]) -> list[float]:
    """Background pixels between each part and the nearest other one."""
    if len(boxes) < 2:
        return [math.inf] * len(boxes)
    rim = (parts > 0) & ~ndimage.binary_erosion(parts > 0, EIGHT, border_value=0)
    points, owner = np.argwhere(rim), parts[rim]
    found = []
    for part in range(1, len(boxes) + 1):
        mine, theirs = points[owner == part], points[owner != part]
        apart = _tree(theirs).query(mine)[0].min()
        found.append(max(0.0, float(apart) - 1))
    return found


def _tree(points: NDArray[np.intp]):  # type: ignore[no-untyped-def]
    from scipy.spatial import cKDTree

    return cKDTree(points)
