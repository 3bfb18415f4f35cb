"""Where attractors come from: the density of real trees over the frame.

Enters: a density (h, w). Leaves: places in pixels of the new mask, (row, column).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TRIES = 60
_POOL = 600
_ASIDE = 0.35  # rad; how far aside of its way a limb looks
_WAY = np.array([0.3, 0.5, 0.75, 1.0])  # where the way to a place is looked at
_ROOM = 0.04  # of the side; farther from other branches is no better
_NEARLY = 0.15  # how far, in logarithms, a distance may miss the one that is wanted


class Ground:
    """Draws places from ``density`` (h, w) in a mask of ``size``, and chooses among them."""

    def __init__(self, density: Floats, size: tuple[int, int], rng: np.random.Generator) -> None:
        self.cumulated = np.cumsum(density.ravel() / density.sum())
        self.grid, self.size, self.rng = density.shape, size, rng

    def draw(self, count: int) -> Floats:
        """Places (count, 2)."""
        cells = np.searchsorted(self.cumulated, self.rng.random(count)).clip(max=len(self.cumulated) - 1)
        corner = np.stack(np.unravel_index(cells, self.grid), axis=1)
        places: Floats = (corner + self.rng.random((count, 2))) * np.array(self.size) / np.array(self.grid) - 0.5
        inside: Floats = places.clip(0, np.array(self.size) - 1)
        return inside

    def ahead(self, place: Floats, direction: Floats, distance: float, taken: Floats) -> Floats:
        """A place (2,) about ``distance`` from ``place``, about in ``direction``, the way to it far from ``taken``."""
        angle = np.arctan2(*direction) + _ASIDE * self.rng.standard_normal(_TRIES)
        far = distance * np.exp(_NEARLY * self.rng.standard_normal(_TRIES))
        tried = place + far[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        way = place + _WAY[:, None, None] * (tried - place)
        room = _nearest(way.reshape(-1, 2), taken).reshape(len(_WAY), -1).min(axis=0)
        odds = self._density_at(tried) * np.minimum(room / (_ROOM * np.sqrt(np.prod(self.size))), 1.0) ** 2 + 1e-12
        found: Floats = tried[int(self.rng.choice(_TRIES, p=odds / odds.sum()))]
        return found

    def away_from(self, places: Floats, distance: float) -> Floats:
        """A place (2,) farther than ``distance`` from ``places`` (n, 2), or the farthest that was tried."""
        tried = self.draw(_TRIES)
        least = _nearest(tried, places)
        far = np.flatnonzero(least > distance)
        found: Floats = tried[int(far[0]) if len(far) else int(least.argmax())]
        return found

    def as_far_as(self, places: Floats, distances: Floats) -> Floats:
        """For each of ``distances`` (m,) a place (m, 2) about as far from the nearest of ``places`` (n, 2)."""
        tried = self.draw(max(_POOL, 2 * len(distances)))
        nearest = np.log(np.maximum(_nearest(tried, places), 1e-3))
        found = []
        for distance in np.log(np.maximum(distances, 1.0)):
            miss = np.abs(nearest - distance)
            close = np.flatnonzero(miss < _NEARLY)
            chosen = int(self.rng.choice(close)) if len(close) else int(miss.argmin())
            found.append(tried[chosen])
            nearest[chosen] = np.inf
        return np.array(found).reshape(-1, 2)

    def _density_at(self, places: Floats) -> Floats:
        """What the density is at places (n, 2), hardly anything outside the frame."""
        inside = ((places >= 0) & (places <= np.array(self.size) - 1)).all(axis=1)
        cells = (places.clip(0, np.array(self.size) - 1) / np.array(self.size) * np.array(self.grid)).astype(np.intp)
        steps = np.diff(self.cumulated, prepend=0.0).reshape(self.grid)
        odds: Floats = np.where(inside, steps[tuple(cells.T)], 0.0) + 1e-12
        return odds


def _nearest(tried: Floats, places: Floats) -> Floats:
    """Distance (m,) of each of (m, 2) to the nearest of (n, 2)."""
    from scipy.spatial import cKDTree

    distance: Floats = cKDTree(places).query(tried)[0]
    return distance
