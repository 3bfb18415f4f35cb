"""A new object from two: their distance maps laid over each other, mixed along a seam, and bent.

With phi_A and phi_B the signed distances of two parents (pixels of the new object, positive inside, both centred and
scaled to one area, B turned to where it overlaps A best), w a smooth weight between 0 and 1 and d a smooth random
displacement,

    phi(x) = (1 - w(x)) phi_A(x + d(x)) + w(x) phi_B(x + d(x)),    inside where phi > t

t is the level at which the wanted area is covered, near 0. w runs from 0 to 1 across a line through the middle: on
either side the outline is that of one parent, with all its detail, where a plain mean of two outlines is smoother than
any real one. (Shape interpolation by distances: Raya and Udupa 1990.) Classes inside are settled likewise, each at
the level at which it covers the share that it has in the parents.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.masks.objects import EIGHT, Bank, Labels, Object

Plane = NDArray[np.floating]

_TAPER = 0.2  # of the radius: how wide the seam is
_LEVELS = 0.02  # of the diameter: how far t may lie from 0, lest it fills what is hollow
_AREAS = 1.15  # as a ratio: areas that t alone brings to the one wanted
_KNOTS = 4  # of the bending, a side


def mixed(
    bank: Bank, parents: tuple[int, int], turns: tuple[float, float], area: float, bend: float, rng: np.random.Generator
) -> Labels:
    """The labels of a new object of about ``area`` pixels, in a box with a rim of background.

    ``parents`` by number (the same one twice: it is bent alone), read at ``turns`` radians; ``bend``: root mean square
    length of the displacement over the object's diameter.
    """
    first, second = (bank.objects[number] for number in parents)
    scales = [math.sqrt(area / one.area) for one in (first, second)]
    diameter = math.sqrt(area)
    radius = max(one.radius * scale for one, scale in zip((first, second), scales, strict=True))
    half = math.ceil(radius * 1.1 + 2 * bend * diameter + 2)
    y, x = np.meshgrid(np.arange(-half, half + 1.0), np.arange(-half, half + 1.0), indexing="ij")
    weight = _seam(y, x, radius, rng)
    bent_y, bent_x = np.stack([y, x]) + _bending(y.shape, bend * diameter, rng)
    planes = _blended(bank, parents, turns, scales, (bent_y, bent_x), weight)
    covered = float((planes[0] > 0).sum()) / area
    if not 1 / _AREAS < covered < _AREAS:  # parents of little overlap: both are read larger, or smaller
        scales = [scale * min(max(covered, 0.5), 2.0) ** -0.5 for scale in scales]
        planes = _blended(bank, parents, turns, scales, (bent_y, bent_x), weight)
    inside = _largest(planes[0] > _level(planes[0], area, max(0.5, _LEVELS * diameter)))
    if len(planes) == 1:
        return inside.astype(np.uint8)
    return _with_classes(planes[1:], inside, _shares(first, second, float(weight[inside].mean()), len(planes)))


def _blended(
    bank: Bank,
    parents: tuple[int, int],
    turns: tuple[float, float],
    scales: list[float],
    places: tuple[Plane, Plane],
    weight: Plane,
) -> Plane:
    """(P, h, w) distances of both parents, read at ``places`` (y, x), the second with ``weight``."""
    planes = [
        _read(bank.distances(number), bank.objects[number], *places, turn, scale)
        for number, turn, scale in zip(parents, turns, scales, strict=True)
    ]
    return planes[0] if parents[0] == parents[1] else (1 - weight) * planes[0] + weight * planes[1]


def _seam(y: Plane, x: Plane, radius: float, rng: np.random.Generator) -> Plane:
    """The weight of the second parent, in (0, 1)."""
    angle, offset = rng.uniform(0, 2 * math.pi), rng.uniform(-0.4, 0.4)
    across = (np.cos(angle) * x + np.sin(angle) * y) / radius + offset
    weight: Plane = 1 / (1 + np.exp(-across / (_TAPER / 4)))
    return weight


def _bending(shape: tuple[int, ...], amount: float, rng: np.random.Generator) -> Plane:
    """(2, h, w) displacement in pixels: a coarse random grid, cubically interpolated."""
    coarse = rng.standard_normal((2, _KNOTS, _KNOTS))
    rows, columns = (_spline_weights(length) for length in shape)
    return amount / math.sqrt(2) * (rows @ coarse @ columns.T)


def _spline_weights(length: int) -> Plane:
    """(length, _KNOTS): how a cubic B-spline with evenly spread knots weighs them, rows of unit length."""
    place = np.linspace(0.5, _KNOTS - 1.5, length)[:, None]
    apart = np.abs(place - np.arange(_KNOTS))
    near, far = (2 / 3 - apart**2 + apart**3 / 2), np.maximum(0, 2 - apart) ** 3 / 6
    weights = np.where(apart < 1, near, far)
    unit: Plane = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return unit


def _read(distances: Plane, one: Object, y: Plane, x: Plane, turn: float, scale: float) -> Plane:
    """(P, h, w) distances of a parent in pixels of the new object, read at (y, x) from the new object's centre."""
    cos, sin = math.cos(turn) / scale, math.sin(turn) / scale
    height, width = one.labels.shape
    row, column = one.centre[0] + cos * y - sin * x, one.centre[1] + sin * y + cos * x
    kept_row, kept_column = row.clip(0, height - 1), column.clip(0, width - 1)
    beyond = np.hypot(row - kept_row, column - kept_column)
    top = np.minimum(kept_row.astype(np.intp), max(height - 2, 0))
    left = np.minimum(kept_column.astype(np.intp), max(width - 2, 0))
    down, right = kept_row - top, kept_column - left
    flat, place = distances.reshape(len(distances), -1), top * width + left
    upper = flat[:, place] * (1 - right) + flat[:, place + 1] * right
    lower = flat[:, place + width] * (1 - right) + flat[:, place + width + 1] * right
    read: Plane = (upper * (1 - down) + lower * down - beyond) * scale
    return read


def _level(depth: Plane, pixels: float, most: float) -> float:
    """The level above which about ``pixels`` of the depths lie, at most ``most`` from 0."""
    rank = min(max(round(pixels), 1), depth.size)
    level = float(np.partition(depth, depth.size - rank, axis=None)[depth.size - rank])
    highest = float(depth.max()) - 1e-6  # something is always left
    return min(max(level - 1e-6, -most), most, highest)


def _largest(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part."""
    parts, count = ndimage.label(inside, structure=EIGHT)
    return inside if count == 1 else parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())


def _shares(first: Object, second: Object, weight: float, count: int) -> Plane:
    """(count - 1,) the share of each class 1 .. count - 1 in the new object."""
    shares = [np.bincount(one.labels.ravel(), minlength=count)[1:count] / one.area for one in (first, second)]
    return (1 - weight) * shares[0] + weight * shares[1]


def _with_classes(planes: Plane, inside: NDArray[np.bool_], shares: Plane) -> Labels:
    """Classes inside: each from the second on lies where its distance exceeds that of the lower ones by a level."""
    held = [number for number in range(len(planes)) if shares[number] > 0]
    labels = np.where(inside, held[0] + 1, 0).astype(np.uint8)
    depth = planes[held[0]]
    for number in held[1:]:
        above = np.where(inside, planes[number] - depth, -np.inf)
        most = 0.2 * math.sqrt(float(inside.sum()))
        taken = inside & (above > _level(above, float(shares[number] * inside.sum()), most))
        labels[taken] = number + 1
        depth = np.maximum(depth, planes[number])
    return labels
