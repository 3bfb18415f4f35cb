"""How unlike two pictures are when one may be a flipped, turned, shifted, gently warped or cropped copy of the other.

Pictures are masks (a channel a foreground class) or images, reduced by area to small grids. The unlikeness is
1 - r, r the normalised correlation over all pixels and channels (so level and contrast do not matter), at the best of
all the ways in which the query may have been made from the reference:

* ``whole``: 64 x 64 grid, eight flips and right-angle turns, shifts within +-3 cells (5 % of the side) in half cells
  (without the halves a shifted copy of a fine structure is off by up to a quarter of a cell on average);
* ``coarse``: 16 x 16 grid, the same eight, shifts within one cell: forgives small elastic warps;
* ``crop``: the query, shrunk to 90, 80 or 70 % of a 32 x 32 grid, laid on every place of the reference inside it,
  the eight again (correlations by FFT).

Direction: 0 for the same picture, about 1 for unrelated ones; smaller is more alike. How small is suspicious depends
on the kind of picture: ``novelty`` calibrates it on real ones.
What it cannot see: copies of single parts put elsewhere, warps of more than a coarse cell, inverted contrast.

Enters: pictures (H, W, C) float32 in [0, 1], sizes free, C the same. Leaves: float64 (views, n) in [0, 2], NaN where
one of the two is flat (an empty mask has nothing to copy).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pairaug.metrics.reduction import FloatArray, reduce_area

Distances = NDArray[np.float64]

VIEWS = ("whole", "coarse", "crop")
WHOLE_SIDE, WHOLE_SHIFT = 64, 3
COARSE_SIDE, COARSE_SHIFT = 16, 1
CROP_SIDE, CROP_SHARES = 32, (0.9, 0.8, 0.7)
FLATTEST = 1e-3  # standard deviation below which a picture, or a window of it, has no content


class Matcher:
    """The reference pictures, reduced; ``distances`` compares one query with all of them.

    Memory: about 20 KB a reference and channel, whatever the number of queries.
    """

    def __init__(self, pictures: Iterable[FloatArray]) -> None:
        reduced = [[reduce_area(p, side, side) for side in (WHOLE_SIDE, COARSE_SIDE, CROP_SIDE)] for p in pictures]
        whole, coarse, small = (np.stack(level) for level in zip(*reduced, strict=True))
        self.flat = whole.std(axis=(1, 2, 3)) < FLATTEST
        self._whole, self._coarse = _unit_rows(whole), _unit_rows(coarse)
        self._spectra = fft.rfft2(small, axes=(1, 2))
        self._window_norms = {
            side: _window_norms(small, side) for side in (round(CROP_SIDE * share) for share in CROP_SHARES)
        }

    def __len__(self) -> int:
        return len(self.flat)

    def distances(
        self, picture: FloatArray, nominated: int | None = None, among: NDArray[np.bool_] | None = None
    ) -> Distances:
        """Distances (len(VIEWS), n) of one picture (H, W, C) to every reference.

        ``nominated``: the two dear views are asked of so many references alone, those that are nearest in the coarse
        view (None: of all); ``among``: of which references, (n,). NaN where a view was not asked.
        """
        found = np.full((len(VIEWS), len(self)), np.nan)
        if reduce_area(picture, WHOLE_SIDE, WHOLE_SIDE).std() < FLATTEST:
            return found
        asked = ~self.flat if among is None else ~self.flat & among
        found[1, asked] = 1 - _best_correlation(picture, COARSE_SIDE, COARSE_SHIFT, self._coarse)[asked]
        near = np.flatnonzero(asked)
        if nominated is not None and len(near) > nominated:
            near = near[np.argsort(found[1, near], kind="stable")[:nominated]]
        found[0, near] = 1 - _best_correlation(picture, WHOLE_SIDE, WHOLE_SHIFT, self._whole[near])
        found[2, near] = 1 - self._best_crop_correlation(picture, near)
        clipped: Distances = np.clip(found, 0.0, 2.0)
        return clipped

    def _best_crop_correlation(self, picture: FloatArray, chosen: NDArray[np.intp]) -> Distances:
        """The best correlation with a window of each of the ``chosen`` references, over sizes, places, flips, turns."""
        best = np.full(len(chosen), -1.0)
        chosen_spectra = self._spectra[chosen]
        for side, norms in ((side, norms[chosen]) for side, norms in self._window_norms.items()):
            patch = reduce_area(picture, side, side)
            patch = patch - patch.mean()
            norm = float(np.sqrt((patch**2).sum()))
            places = CROP_SIDE - side + 1
            if norm < FLATTEST * np.sqrt(patch.size):
                continue
            padding = [(0, 0), (0, CROP_SIDE - side), (0, CROP_SIDE - side), (0, 0)]
            spectra = np.conj(fft.rfft2(np.pad(_flips_and_turns(patch), padding), axes=(1, 2)))
            for spectrum in spectra:
                # The window fits inside, so the circular correlation wraps nowhere at these places.
                product = np.einsum("nrcd,rcd->nrc", chosen_spectra, spectrum)
                dots = fft.irfft2(product, s=(CROP_SIDE, CROP_SIDE), axes=(1, 2))[:, :places, :places]
                best = np.maximum(best, (dots / (norms * norm)).max(axis=(1, 2)))
        return best


def _flips_and_turns(picture: FloatArray) -> FloatArray:
    """The eight symmetries of the square applied to (S, S, C), as (8, S, S, C)."""
    turned = [np.rot90(picture, turns) for turns in range(4)]
    return np.stack([*turned, *(turn[:, ::-1] for turn in turned)])


def _best_correlation(picture: FloatArray, side: int, radius: int, references: FloatArray) -> Distances:
    """The best correlation of (H, W, C), flipped, turned and shifted, with each unit row (n, side * side * C), (n,).

    Shifts go in half cells: a grid of twice the side is averaged over 2x2 from each of its four corners.
    """
    fine = np.pad(reduce_area(picture, 2 * side, 2 * side), [(0, 1), (0, 1), (0, 0)], mode="edge")
    best = np.full(len(references), -1.0)
    for top, left in np.ndindex(2, 2):
        cells = fine[top : top + 2 * side, left : left + 2 * side].reshape(side, 2, side, 2, -1).mean(axis=(1, 3))
        variants = _flips_and_turns(np.pad(cells, [(radius, radius), (radius, radius), (0, 0)], mode="edge"))
        windows = np.lib.stride_tricks.sliding_window_view(variants, (side, side), axis=(1, 2))
        rows = np.moveaxis(windows, 3, -1).reshape(-1, references.shape[1])  # (8 (2 radius + 1)^2, side * side * C)
        norms = np.maximum(rows.std(axis=1), FLATTEST) * np.sqrt(rows.shape[1])
        correlations = (rows @ references.T) / norms[:, None]  # the references have no mean, so the rows' is no matter
        best = np.maximum(best, correlations.max(axis=0))
    return best


def _unit_rows(pictures: FloatArray) -> FloatArray:
    """(n, S, S, C) as rows (n, S * S * C) of mean 0 and length 1; flat ones become 0."""
    rows = pictures.reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: FloatArray = np.where(norms > 0, rows / np.maximum(norms, 1e-12), 0).astype(np.float32)
    return unit


def _window_norms(pictures: FloatArray, side: int) -> Distances:
    """Length of every side x side window of (n, S, S, C) after its mean is taken off, (n, places, places)."""
    pixels = side * side * pictures.shape[-1]
    totals = _window_sums(pictures.sum(axis=-1, dtype=np.float64), side)
    squares = _window_sums((pictures.astype(np.float64) ** 2).sum(axis=-1), side)
    # A window that is nearly flat correlates with anything by chance; its length is not allowed to vanish.
    norms: Distances = np.sqrt(np.maximum(squares - totals**2 / pixels, (20 * FLATTEST) ** 2 * pixels))
    return norms


def _window_sums(values: Distances, side: int) -> Distances:
    """Sums over every side x side window of (n, S, S), by a summed-area table."""
    table = np.pad(values, [(0, 0), (1, 0), (1, 0)]).cumsum(axis=1).cumsum(axis=2)
    sums: Distances = (
        table[:, side:, side:] - table[:, :-side, side:] - table[:, side:, :-side] + table[:, :-side, :-side]
    )
    return sums
