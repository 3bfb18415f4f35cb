"""Pairs at the size at which the segmenter works: small enough to be quick, large enough for thin structures.

The long side of every picture is brought to one number of pixels: as few as keep the thinnest class ``THIN`` pixels
wide, between ``SMALLEST`` and ``LARGEST``, and never more than the pictures have. Labels become the share of every
class in each pixel's area, so that a vessel of half a pixel still counts for half.
Enters: Examples. Leaves: Frames, in half precision.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.metrics.reduction import FloatArray, reduce_area
from pairaug.metrics.statistics import mean_width, thin
from pairaug.segmenter.base import Example

THIN = 4.0
SMALLEST, LARGEST = 256, 640
LOOKED_AT = 20
KEPT_BYTES = 2**30
SETS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Frame:
    """One pair at the working size, as planes (C + K, H, W): the picture's C, of zero mean and unit deviation, then the
    share of each of the K classes; ``foreground`` are the flat places that belong to others than class 0.
    """

    planes: NDArray[np.float16]
    channels: int
    foreground: NDArray[np.int32]


def working_side(examples: Sequence[Example], classes: int) -> int:
    """The long side in pixels at which a segmenter for these examples works."""
    chosen = [examples[index] for index in np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples)), dtype=int)]
    sides = [max(example.labels.shape) for example in chosen]
    needed = []
    for value in range(1, classes):
        widths = [
            width / side
            for example, side in zip(chosen, sides, strict=True)
            if (width := _width(example.labels == value)) is not None
        ]
        if widths:
            needed.append(THIN / float(np.median(widths)))
    wanted = int(np.clip(max(needed, default=SMALLEST), SMALLEST, LARGEST))
    return min(wanted, int(np.median(sides)))


def size_at(shape: Sequence[int], side: int) -> tuple[int, int]:
    """(height, width) with ``side`` as the longer one, the aspect kept."""
    factor = side / max(shape[:2])
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def to_frame(example: Example, side: int, classes: int) -> Frame:
    """One example at the working size."""
    rows, columns = size_at(example.labels.shape, side)
    one_hot = (example.labels[..., None] == np.arange(classes)).astype(np.float32)
    shares = reduce_area(one_hot, rows, columns)
    picture = to_picture(example.image, side)
    return frame_of(picture.transpose(2, 0, 1), shares.transpose(2, 0, 1))


def frame_of(picture: FloatArray, shares: FloatArray) -> Frame:
    """A frame of a standardised picture (C, H, W) and the shares (K, H, W) of the classes."""
    planes = np.empty((len(picture) + len(shares), *picture.shape[1:]), np.float16)
    halves = torch.from_numpy(planes)
    halves[: len(picture)], halves[len(picture) :] = torch.from_numpy(picture), torch.from_numpy(shares)
    return Frame(planes, len(picture), np.flatnonzero(shares[0] < 0.5).astype(np.int32))


def to_picture(image: NDArray[np.floating[Any]], side: int) -> FloatArray:
    """An image (H, W, C) at the working size, standardised over all its pixels and channels together."""
    reduced = reduce_area(np.asarray(image, dtype=np.float32), *size_at(image.shape, side))
    return standardised(reduced)


def standardised(picture: FloatArray) -> FloatArray:
    """Zero mean and unit deviation over everything, so that colour between the channels is kept."""
    found: FloatArray = (picture - picture.mean()) / (picture.std() + np.float32(1e-3))
    return found


def as_floats(planes: NDArray[np.float16]) -> FloatArray:
    """The same in single precision, which torch makes many times as quickly as numpy."""
    found: FloatArray = torch.from_numpy(planes).float().numpy()
    return found


class Frames:
    """The frames of many examples, each made when it is first asked for and kept while ``KEPT_BYTES`` allow."""

    def __init__(self, examples: Sequence[Example], side: int, classes: int) -> None:
        self._examples, self._side, self._classes = examples, side, classes
        self._kept: dict[int, Frame] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Frame:
        if index in self._kept:
            return self._kept[index]
        frame = to_frame(self._examples[index], self._side, self._classes)
        size = frame.planes.nbytes + frame.foreground.nbytes
        if self._bytes + size <= KEPT_BYTES:
            self._kept[index] = frame
            self._bytes += size
        return frame


class KeptFrames:
    """The frames of the sets of examples that were asked for last, for fits that share them; of ``SETS`` sets at most.

    A set is the very sequence, not an equal one. Fits on several threads may ask at once.
    """

    def __init__(self) -> None:
        self._frames: OrderedDict[tuple[int, int, object], Frames] = OrderedDict()
        self._others: OrderedDict[tuple[int, int, object], Any] = OrderedDict()
        self._lock = Lock()

    def of(self, examples: Sequence[Example], side: int, classes: int) -> Frames:
        """The frames of ``examples`` at the working size ``side``."""
        return self._last((id(examples), side, classes), lambda: Frames(examples, side, classes), self._frames)

    def other(self, images: Sequence[Any], side: int, make: Callable[[Sequence[Any], int], T]) -> T:
        """What ``make(images, side)`` made of images that have no masks: it has to hold them, as ``Frames`` does."""
        found: T = self._last((id(images), side, make), lambda: make(images, side), self._others)
        return found

    def _last(
        self, key: tuple[int, int, object], make: Callable[[], T], held: OrderedDict[tuple[int, int, object], T]
    ) -> T:
        with self._lock:  # what is made holds its source, so that no other source gets the id in the key
            found = held.setdefault(key, make())
            held.move_to_end(key)
            while len(held) > SETS:
                held.popitem(last=False)
        return found


def _width(region: NDArray[np.bool_]) -> float | None:
    return mean_width(region, thin(region)) if region.any() else None
