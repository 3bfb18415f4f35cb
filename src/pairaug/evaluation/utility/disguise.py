"""Is a picture a test picture in disguise: exactly, or flipped, turned by right angles, shifted by up to 5 %?

Not likeness but identity is asked, so unlike in ``novelty`` it is the fine detail that decides:

1. Pictures are brought to ``SIDE`` x ``SIDE`` and to the band between Gaussians of 1 and 4 cells (Marr and Hildreth
   1980), which drops brightness, contrast and coarse shape.
2. The best of eight flips and turns and of all shifts within 5 % is found by FFT: on a grid of half the side for every
   test picture, on the whole one for the ``NOMINATED`` best; 1 - r is taken on what overlaps, r the correlation.
3. The bar: ``MOST`` at most, and a third of what the test pictures of different groups are apart (the 5 % quantile of
   the nearest), so that simple shapes which all look alike are not taken for copies. Where that is less than
   ``LEAST``, pictures of this kind tell nobody apart and nothing is called a copy by them.

Power: exact and rigid copies of test pairs are planted and the share found is reported; shapes that are too alike
are not found by their masks, but by their images.

Enters: items with labels in [0, K) and images in [0, 1]. Leaves: ``Copy`` findings. Memory: the test set at SIDE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.machine.workers import default_threads, put_in_order, working
from pairaug.metrics.novelty import Share, wilson
from pairaug.metrics.planting import plant
from pairaug.metrics.reduction import FloatArray, reduce_area
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example

What = Literal["image", "mask"]
Spectra = NDArray[np.complex64]

SIDE = 128
SHIFT_SHARE = 0.05
NOMINATED = 4
MOST: dict[What, float] = {"image": 0.2, "mask": 0.1}
LEAST = 0.01
PLANTED = 10
FLAT = 1e-3


@dataclass(frozen=True)
class Copy:
    """``name`` shows the same as the test pair ``of``: in its image or its mask."""

    name: str
    of: str
    what: What


class _Side:
    """The images, or the masks, of the test pairs."""

    def __init__(self, what: What, planes: Sequence[FloatArray], groups: Sequence[str]) -> None:
        self._fine = [_band(plane) for plane in planes]
        self._spectra = [_spectra(fine) for fine in self._fine]
        self._coarse = np.stack([_spectra(_unit(_halved(fine))) for fine in self._fine])
        apart = [
            min((d for index, d in self.nearest(plane) if groups[index] != group), default=np.inf)
            for plane, group in zip(planes, groups, strict=True)
        ]
        known = [distance for distance in apart if np.isfinite(distance)]
        usual = float(np.quantile(known, 0.05)) if known else np.inf
        self.bar = min(MOST[what], usual / 3) if usual / 3 >= LEAST else -1.0

    def copied(self, plane: FloatArray) -> int | None:
        """The index of the test picture of which this is a copy."""
        index, distance = min(self.nearest(plane), key=lambda found: found[1], default=(-1, np.inf))
        return index if distance <= self.bar else None

    def nearest(self, plane: FloatArray) -> list[tuple[int, float]]:
        """The nominated test pictures and how far away they are; none for a picture without detail."""
        fine = _band(plane)
        if fine.std() < FLAT:
            return []
        views = np.stack([view for k in range(4) for view in (np.rot90(fine, k), np.rot90(fine, k)[:, ::-1])])
        coarse = np.conj(_spectra(_halved(views)))
        resemblance = [float(_shifted(reference * coarse).max()) for reference in self._coarse]
        nominated = np.argsort(resemblance)[::-1][:NOMINATED]
        spectra = np.conj(_spectra(views))
        return [(int(index), self._distance(int(index), views, spectra)) for index in nominated]

    def _distance(self, index: int, views: FloatArray, spectra: Spectra) -> float:
        near = _shifted(self._spectra[index] * spectra)
        view, row, column = np.unravel_index(int(near.argmax()), near.shape)
        reach = near.shape[-1] // 2
        return 1 - _overlap_correlation(self._fine[index], views[view], int(row) - reach, int(column) - reach)


class Detector:
    """Looks for test pairs among other pairs."""

    def __init__(self, test: Sequence[LazyPair], rng: np.random.Generator) -> None:
        """``test``: at least one pair. ``power`` is then known: the share of planted copies of whole pairs found."""
        self._test = test
        planes: dict[What, list[FloatArray]] = {"image": [], "mask": []}
        for item in test:
            for what, plane in _planes(item.read()).items():
                planes[what].append(reduce_area(plane, *_small(plane)))
        groups = [item.group for item in test]
        self._sides: dict[What, _Side] = {what: _Side(what, planes[what], groups) for what in planes}
        self.power = self._plant(planes, rng)

    def copies(self, items: Sequence[LazyPair], reporter: Reporter) -> list[Copy]:
        """Those of ``items`` that are test pairs in disguise, the first finding of each."""
        return self._found(items, lambda place: _planes(items[place].read()), reporter)

    def image_copies(self, items: Sequence[LazyImage], reporter: Reporter) -> list[Copy]:
        """Those of ``items`` that are images of test pairs in disguise."""
        return self._found(items, lambda place: {"image": _grey(items[place].read())}, reporter)

    def _found(
        self, items: Sequence[LazyPair | LazyImage], planes: Callable[[int], dict[What, FloatArray]], reporter: Reporter
    ) -> list[Copy]:
        def look(place: int) -> tuple[What, int] | None:
            return self._look(planes(place))

        found = []
        with working(look, range(len(items)), default_threads()) as results:
            for number, result in enumerate(results, start=1):
                reporter.progress(number, len(items), "items compared with the test pairs")
                found.append(result)
        reporter.end_progress()
        return [
            Copy(item.name, self._test[copy[1]].name, copy[0])
            for item, copy in zip(items, put_in_order(found), strict=True)
            if copy is not None
        ]

    def _look(self, planes: dict[What, FloatArray]) -> tuple[What, int] | None:
        for what, plane in planes.items():
            index = self._sides[what].copied(plane)
            if index is not None:
                return what, index
        return None

    def _plant(self, planes: dict[What, list[FloatArray]], rng: np.random.Generator) -> Share:
        found = []
        for index in rng.permutation(len(self._test))[:PLANTED]:
            for kind in ("exact", "rigid"):
                image = plant(planes["image"][index], kind, rng, holds_labels=False)
                mask = plant(planes["mask"][index], kind, rng, holds_labels=False)
                found.append(self._look({"image": image, "mask": mask}) is not None)
        return wilson(sum(found), len(found))


def _planes(example: Example) -> dict[What, FloatArray]:
    """The image in grey and the mask with evenly spaced classes, each (H, W, 1) in [0, 1]."""
    labels = example.labels.astype(np.float32)
    return {"image": _grey(example.image), "mask": (labels / max(1.0, float(labels.max())))[..., None]}


def _grey(image: FloatArray) -> FloatArray:
    grey: FloatArray = image.mean(axis=2, keepdims=True, dtype=np.float32)
    return grey


def _small(plane: FloatArray) -> tuple[int, int]:
    """At most four times SIDE, for planting: large enough for shifts of less than a cell."""
    factor = min(1.0, 4 * SIDE / max(plane.shape[:2]))
    return max(1, round(plane.shape[0] * factor)), max(1, round(plane.shape[1] * factor))


def _band(plane: FloatArray) -> FloatArray:
    """(SIDE, SIDE) between Gaussians of 1 and 4 cells."""
    square = reduce_area(plane, SIDE, SIDE)[..., 0]
    band: FloatArray = ndimage.gaussian_filter(square, 1.0) - ndimage.gaussian_filter(square, 4.0)
    return band


def _halved(fine: FloatArray) -> FloatArray:
    """(..., S, S) averaged over 2 x 2."""
    shape = fine.shape[-1] // 2
    halved: FloatArray = fine.reshape(*fine.shape[:-2], shape, 2, shape, 2).mean(axis=(-3, -1))
    return halved


def _spectra(pictures: FloatArray) -> Spectra:
    found: Spectra = fft.rfft2(pictures, axes=(-2, -1))
    return found


def _shifted(product: Spectra) -> FloatArray:
    """Products of spectra (8, S, ...) as correlations at the shifts within 5 %, (8, 2 reach + 1, 2 reach + 1)."""
    side = product.shape[-2]
    reach = round(SHIFT_SHARE * side)
    found = np.roll(fft.irfft2(product, s=(side, side), axes=(-2, -1)), (reach, reach), axis=(-2, -1))
    near: FloatArray = found[:, : 2 * reach + 1, : 2 * reach + 1]
    return near


def _unit(fine: FloatArray) -> FloatArray:
    unit: FloatArray = fine / max(float(np.linalg.norm(fine)), 1e-12)
    return unit


def _overlap_correlation(reference: FloatArray, query: FloatArray, down: int, right: int) -> float:
    """Correlation where ``query``, moved by (down, right), lies on ``reference``."""
    rows, columns = SIDE - abs(down), SIDE - abs(right)
    first = reference[max(0, down) :, max(0, right) :][:rows, :columns]
    second = query[max(0, -down) :, max(0, -right) :][:rows, :columns]
    first, second = first - first.mean(), second - second.mean()
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float((first * second).sum()) / norms if norms > 0 else 0.0
