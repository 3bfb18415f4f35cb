"""Curves as rows of points: their length, even spacing, smooth course, heading and windings.

Enters and leaves: (n, 2) in pixels, (row, column).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def polyline_length(points: Floats) -> float:
    """Length of a curve (n, 2)."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def resampled(points: Floats, spacing: float) -> tuple[Floats, Floats]:
    """Places about ``spacing`` apart along a curve (n, 2), and their positions in [0, n - 1], both ends kept."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    wanted = np.linspace(0, along[-1], max(2, int(np.ceil(along[-1] / spacing)) + 1))
    position = np.interp(wanted, along, np.arange(len(points)))
    return _at(points, position), position


def _at(points: Floats, position: Floats) -> Floats:
    numbers = np.arange(len(points))
    return np.stack([np.interp(position, numbers, points[:, axis]) for axis in (0, 1)], axis=1)


def smoothed(values: Floats, sigma: float) -> Floats:
    """Values (n,) or (n, 2) along a curve of points a pixel apart, smoothed, its ends kept where they are."""
    from scipy.ndimage import gaussian_filter1d

    if len(values) < 3:
        return values
    straight = values[0] + (values[-1] - values[0]) * np.linspace(0, 1, len(values)).reshape(
        -1, *[1] * (values.ndim - 1)
    )
    # An odd continuation beyond the ends holds them fixed.
    rest = values - straight
    mirrored = np.concatenate([-rest[:0:-1], rest, -rest[-2::-1]])
    first = len(values) - 1
    even: Floats = straight + gaussian_filter1d(mirrored, sigma, axis=0)[first : first + len(values)]
    return even


def heading(points: Floats, start: int, step: float) -> float:
    """The direction (rad) of a curve (n, 2) from a point of it on, over a few steps."""
    way = points[min(start + max(1, round(5 * step)), len(points) - 1)] - points[start]
    return float(np.arctan2(*way))


def wound(points: Floats, amount: float, course: float, rng: np.random.Generator) -> Floats:
    """A curve (n, 2) pushed off its course by ``amount`` pixels (root mean square), its ends kept."""
    from scipy.ndimage import gaussian_filter1d

    count = len(points)
    if count < 4 or not amount:
        return points
    way = np.gradient(points, axis=0)
    across = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    length = course / 2
    noise = gaussian_filter1d(rng.standard_normal(count), length, mode="wrap") * np.sqrt(2 * length * np.sqrt(np.pi))
    fade = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / max(course, 1.0))
    wound: Floats = points + across * (amount * noise * fade)[:, None]
    return wound
