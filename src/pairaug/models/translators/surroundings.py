"""The objects of a mask, each with its surroundings.

An object is a connected part of everything that is not class 0, so that a nucleus stays in its cytoplasm.
Enters: masks (H, W) in [0, K). Leaves: ``Thing``s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.parts import numbered

Labels = NDArray[np.uint8]
Picture = NDArray[np.float32]
Box = tuple[slice, slice]

MARGIN = 0.4  # around an object, as a share of its radius: what its surroundings are measured in
LEAST_MARGIN = 6  # pixels
NEXT = 2  # pixels beside an object that belong to neither side
DOUBT = 4  # objects


@dataclass(frozen=True)
class Thing:
    """One object in a mask: ``box`` with its margin, ``labels`` (h, w) of it alone, ``others`` (h, w) where further
    ones stand, ``ring`` (h, w) its surroundings as far as they are background."""

    box: Box
    labels: Labels
    others: NDArray[np.bool_]
    ring: NDArray[np.bool_]

    def surroundings(self, picture: Picture) -> NDArray[np.float64]:
        """(C,): the mean level of the ring in a picture of the whole mask's size; NaN where there is no ring."""
        if not self.ring.any():
            return np.full(len(picture), np.nan)
        found: NDArray[np.float64] = picture[:, *self.box][:, self.ring].mean(axis=1, dtype=np.float64)
        return found


def things_in(mask: Labels) -> Iterator[Thing]:
    """All objects of a mask, the largest first."""
    numbers, count = numbered(mask)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    beside = ndimage.binary_dilation(mask > 0, iterations=NEXT)
    boxes = ndimage.find_objects(numbers)
    for number in sorted(range(1, count + 1), key=lambda one: -sizes[one]):
        margin = max(LEAST_MARGIN, int(MARGIN * np.sqrt(sizes[number] / np.pi)) + NEXT + 1)
        box = tuple(
            slice(max(0, part.start - margin), min(length, part.stop + margin))
            for part, length in zip(boxes[number - 1], mask.shape, strict=True)
        )
        mine = numbers[box] == number
        near = ndimage.distance_transform_edt(~mine) <= margin
        labels = np.where(mine, mask[box], 0).astype(np.uint8)
        yield Thing((box[0], box[1]), labels, (mask[box] > 0) & ~mine, near & ~beside[box])


def following(masks: Sequence[Labels], pictures: Sequence[Picture]) -> float:
    """How far objects follow the level of their surroundings, from 0 (their own levels) to 1 (contrast alone counts).

    The slope of the mean level of objects over that of their rings, all channels together, drawn toward one half as if
    by ``DOUBT`` further objects.
    """
    around, inside = [], []
    for mask, picture in zip(masks, pictures, strict=True):
        for thing in things_in(mask):
            if thing.ring.any():
                around.append(thing.surroundings(picture))
                inside.append(picture[:, *thing.box][:, thing.labels > 0].mean(axis=1, dtype=np.float64))
    if len(around) < 2:
        return 0.5
    ring, own = (np.array(levels) - np.mean(levels, axis=0) for levels in (around, inside))
    spread = float((ring**2).sum())
    doubt = DOUBT * spread / len(around)
    return float(np.clip(((ring * own).sum() + 0.5 * doubt) / max(spread + doubt, 1e-9), 0, 1))


def thickness(masks: Sequence[Labels]) -> float:
    """How thick objects are in pixels: four times the mean distance to the background, over all their pixels."""
    depths = [ndimage.distance_transform_edt(mask > 0)[mask > 0] for mask in masks]
    every = np.concatenate(depths)
    return 4 * float(every.mean()) if every.size else 0.0
