"""Bring the pixels of one object to the outline of another: where in the donor does each pixel of the target lie?

The two are laid upon each other by their centres, principal axes and areas (of the turns and flips that this leaves
open, the one whose depths agree best). Then every place moves along the gradient of the donor's signed distance until
it is as deep inside as the target's pixel, both measured against the size of the object: outlines come to lie on
outlines. The moves are smoothed, the last ones by a pixel only. At last, where classes are nested or lie side by side, a place
that fell into another class moves to the nearest place of its own.

Enters: labels of target and donor (H, W) and (h, w), not empty. Leaves: places in the donor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.uint8]
Field = NDArray[np.float64]

ROUNDS = 4
SMOOTH = 0.15  # deviation of the smoothing of moves, as a share of the object's radius
SQUEEZE = 1.6  # how much one axis may be stretched against the other


@dataclass(frozen=True)
class Outline:
    """``depth`` (H, W): signed distance to the edge in pixels, positive inside; ``centre``: row and column of the mean;
    ``axes`` (2, 2): principal axes as columns, ``spread`` (2,) the deviations along them; ``radius`` of the disc of the
    same area."""

    depth: Field
    centre: Field
    axes: Field
    spread: Field
    radius: float

    @classmethod
    def of(cls, inside: NDArray[np.bool_]) -> Outline:
        """Of a region that is not empty."""
        places = np.argwhere(inside).astype(float)
        centre = places.mean(axis=0)
        covariance = np.cov(places.T, bias=True).reshape(2, 2) + np.eye(2) / 12
        spread, axes = np.linalg.eigh(covariance)
        return cls(signed_distance(inside), centre, axes, np.sqrt(spread), float(np.sqrt(inside.sum() / np.pi)))


def signed_distance(inside: NDArray[np.bool_]) -> Field:
    """(H, W) distance in pixels to the edge between pixels, positive inside."""
    padded = np.pad(inside, 1)  # beyond the picture there is no object
    within, beyond = ndimage.distance_transform_edt(padded), ndimage.distance_transform_edt(~padded)
    found: Field = np.where(padded, within - 0.5, 0.5 - beyond)[1:-1, 1:-1]
    return found


def register(target: Labels, donor: Labels) -> Field:
    """(2, H, W): the row and column in the donor for each pixel of the target, also around the object."""
    ours, theirs = Outline.of(target > 0), Outline.of(donor > 0)
    places = min(_laid_on(ours, theirs), key=lambda found: _disagreement(found, ours, theirs))
    wanted, depth = (ndimage.gaussian_filter(one.depth, 1.0) for one in (ours, theirs))  # outlines are stairs of pixels
    wanted *= theirs.radius / ours.radius
    slopes = np.gradient(depth)
    for number in range(ROUNDS):
        miss = wanted - read(depth, places)
        slope = np.stack([read(part, places) for part in slopes])
        move = slope * miss / np.maximum((slope**2).sum(axis=0), 0.25)
        width = SMOOTH * ours.radius if number < ROUNDS - 1 else 1.0
        places = places + np.stack([ndimage.gaussian_filter(part, width) for part in move])
    return _in_their_class(places, target, donor)


def read(values: NDArray[np.floating], places: Field, order: int = 1) -> Field:  # type: ignore[type-arg]
    """Values (h, w) at places (2, H, W); beyond the border they go on as they end."""
    found: Field = ndimage.map_coordinates(values, places, order=order, mode="nearest", output=np.float64)
    return found


def _laid_on(ours: Outline, theirs: Outline) -> Iterator[Field]:
    """Affine candidates: axis on axis with its stretch, in the turns and flips that axes leave open."""
    grid = np.indices(ours.depth.shape, dtype=float).reshape(2, -1)
    along = ours.axes.T @ (grid - ours.centre[:, None])
    stretch = theirs.spread / ours.spread
    mean = theirs.radius / ours.radius
    stretch = np.clip(stretch, mean / SQUEEZE, mean * SQUEEZE)
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        there = theirs.axes @ (along * (stretch * signs)[:, None]) + theirs.centre[:, None]
        yield there.reshape(2, *ours.depth.shape)


def _disagreement(places: Field, ours: Outline, theirs: Outline) -> float:
    """Of depths at every fourth pixel, as shares of the radii."""
    some = places[:, ::4, ::4]
    apart = read(theirs.depth, some) / theirs.radius - ours.depth[::4, ::4] / ours.radius
    near = ours.depth[::4, ::4] > -0.3 * ours.radius
    return float(np.abs(apart[near]).mean()) if near.any() else 0.0


def _in_their_class(places: Field, target: Labels, donor: Labels) -> Field:
    """Places of foreground pixels that fell into another class, or out of the object, moved to the nearest of theirs."""
    height, width = donor.shape
    rows, columns = (np.clip(np.rint(part), 0, most - 1).astype(int) for part, most in zip(places, donor.shape, strict=True))
    found = donor[rows, columns]
    moved = places.copy()
    for value in np.unique(target):
        theirs = donor == value
        wrong = (target == value) & (found != value)
        if not wrong.any() or not theirs.any():
            continue
        nearest = ndimage.distance_transform_edt(~theirs, return_distances=False, return_indices=True)
        moved[:, wrong] = nearest[:, rows[wrong], columns[wrong]]
    return moved
