"""Curves with radii -> class map: the union of discs along each curve, at the exact (fractional) place.

Where branches of two classes cross, a pixel has the class in whose disc it lies deepest.

Enters: curves in pixels, (row, column), pixel centres at whole numbers. Leaves: labels (H, W) uint8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.models.masks.curves import Floats, resampled

SPACING = 0.7  # px between discs
THINNEST = 0.72  # px; the least radius whose discs leave no gap along a line in any direction


@dataclass(frozen=True)
class Tube:
    """A curve ``points`` (n, 2) with ``radii`` (n,) in pixels and the class ``label``."""

    points: Floats
    radii: Floats
    label: int

    @property
    def area(self) -> float:
        """Square pixels between its sides."""
        lengths = np.hypot(*np.diff(self.points, axis=0).T)
        return float((lengths * (self.radii[1:] + self.radii[:-1])).sum())


def draw(tubes: Sequence[Tube], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels (H, W) of tubes, 0 where there is none; what lies outside the frame is cut off."""
    labels = np.zeros(size, np.uint8)
    if not tubes:
        return labels
    if len({tube.label for tube in tubes}) == 1:
        rows, columns, _ = _discs(*_beads(tubes), size)
        labels[rows, columns] = tubes[0].label
        return labels
    deepest = np.zeros(size)
    for label in sorted({tube.label for tube in tubes}):
        depth = np.zeros(size)
        rows, columns, inside = _discs(*_beads([tube for tube in tubes if tube.label == label]), size)
        np.maximum.at(depth, (rows, columns), inside + 1e-9)
        labels[depth > deepest] = label
        deepest = np.maximum(deepest, depth)
    return labels


def without_pinholes(labels: NDArray[np.uint8], largest: float) -> tuple[NDArray[np.uint8], int]:
    """Labels (H, W) with every hole of at most ``largest`` pixels filled by the nearest class, and the holes left.

    Pinholes are left where two curves touch; in masks that people draw they are rare.
    """
    from scipy import ndimage

    holes, _ = ndimage.label(np.pad(labels == 0, 1, constant_values=True))
    sizes = np.bincount(holes.ravel())
    inner = np.ones(len(sizes), bool)
    inner[[0, holes[0, 0]]] = False
    small = inner & (sizes <= largest)
    filled = small[holes[1:-1, 1:-1]]
    left = int((inner & ~small).sum())
    if not filled.any():
        return labels, left
    if len(np.unique(labels[labels > 0])) == 1:
        return np.where(filled, labels.max(), labels), left
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    return np.where(filled, labels[tuple(nearest)], labels), left


def _beads(tubes: Sequence[Tube]) -> tuple[Floats, Floats]:
    """Centres (m, 2) and radii (m,) of the discs of all tubes."""
    centres, radii = [], []
    for tube in tubes:
        points, position = resampled(tube.points, SPACING)
        centres.append(points)
        radii.append(np.interp(position, np.arange(len(tube.radii)), tube.radii))
    return np.concatenate(centres), np.maximum(np.concatenate(radii), THINNEST)


def _discs(centres: Floats, radii: Floats, size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Rows, columns and depths of the pixels inside discs, those of about equal radius at once."""
    found = []
    nearest = np.round(centres).astype(np.intp)
    reach = np.ceil(radii + 0.5).astype(np.intp)
    for extent in np.unique(reach):
        these = reach == extent
        down, right = (axis.ravel() for axis in np.mgrid[-extent : extent + 1, -extent : extent + 1])
        rows, columns = nearest[these, 0, None] + down, nearest[these, 1, None] + right
        distance = np.hypot(rows - centres[these, 0, None], columns - centres[these, 1, None])
        depth = radii[these, None] - distance
        inside = (depth >= 0) & (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
        found.append((rows[inside], columns[inside], depth[inside]))
    rows, columns, depth = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, columns, depth
