"""A mask that fills up with objects, none of which touches another or leaves the frame unless it should.

Enters: objects as boxes of labels (h, w) uint8 with a rim of background, and where each would like to be. Leaves: the
mask (H, W). Everything is in pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.masks.objects import EIGHT, Labels

_POINTS = 256  # of an outline that are looked at


class Canvas:
    """``labels``: the mask so far; ``clearance``: background pixels to the nearest object, up to ``reach``."""

    def __init__(self, height: int, width: int) -> None:
        self.labels = np.zeros((height, width), dtype=np.uint8)
        self.reach = max(8, round(math.sqrt(height * width) / 12))
        self.clearance = np.full((height, width), float(self.reach), dtype=np.float32)

    def put(self, box: Labels, centres: NDArray[np.floating], gaps: NDArray[np.floating]) -> bool:
        """Put an object at the first of ``centres`` (T, 2) where it stays ``gaps`` (T,) away from all others.

        A centre is the place of the middle of the box; False where no place will do.
        """
        height, width = box.shape
        corners = np.rint(centres - (np.array([height, width]) - 1) / 2).astype(np.intp)
        fits = self._gap(box, corners) >= np.clip(gaps, 1, self.reach)
        if not fits.any():
            return False
        self._paste(box, *(int(v) for v in corners[int(fits.argmax())]))
        return True

    def kept_inside(self, box: Labels, centres: NDArray[np.floating]) -> NDArray[np.floating] | None:
        """``centres`` moved so far that the object keeps a pixel away from the frame; None where it is too large."""
        height, width = self.labels.shape
        middle = (np.array(box.shape) - 1) / 2
        occupied = np.argwhere(box)
        low, high = 1 + middle - occupied.min(axis=0), np.array([height, width]) - 2 + middle - occupied.max(axis=0)
        if (low > high).any():
            return None
        moved: NDArray[np.floating] = np.clip(centres, low, high)
        return moved

    def cut_by_frame(
        self, box: Labels, centres: NDArray[np.floating], sides: tuple[bool, bool, bool, bool], visible: float
    ) -> NDArray[np.floating]:
        """``centres`` moved so that the frame cuts the object at ``sides`` (top, bottom, left, right).

        ``visible``: the part of its area that stays, each of the sides taking its share of the rest.
        """
        moved, count = centres.copy(), max(1, sum(sides))
        for axis, (first, last) in enumerate((sides[:2], sides[2:])):
            length, middle = self.labels.shape[axis], (box.shape[axis] - 1) / 2
            profile = (box > 0).sum(axis=1 - axis)
            share = np.cumsum(profile) / profile.sum()
            lost = 1 - visible ** (1 / count)
            occupied = np.flatnonzero(profile)
            if first:
                moved[:, axis] = middle - min(max(int(np.searchsorted(share, lost)), int(occupied[0])), occupied[-1])
            elif last:
                kept = int(np.searchsorted(share, 1 - lost - 1e-9))
                moved[:, axis] = length - 1 + middle - min(max(kept, int(occupied[0])), occupied[-1])
            else:
                low, high = 1 + middle - occupied[0], length - 2 + middle - occupied[-1]
                moved[:, axis] = np.clip(moved[:, axis], min(low, high), max(low, high))
        return moved

    def _gap(self, box: Labels, corners: NDArray[np.intp]) -> NDArray[np.floating]:
        """(T,) clearance around the object at each corner; -1 where nothing of it is in the frame."""
        full = box > 0
        rim = np.argwhere(full & ~ndimage.binary_erosion(full, EIGHT))
        rim = rim[:: -(-len(rim) // _POINTS)]
        points = corners[:, None] + rim[None]
        height, width = self.labels.shape
        rows, columns = points[..., 0], points[..., 1]
        seen = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
        gaps = np.where(seen, self.clearance[rows, columns], np.inf)
        return np.where(np.any(seen, axis=1), gaps.min(axis=1), -1)

    def _paste(self, box: Labels, top: int, left: int) -> None:
        margin = self.reach + 1
        height, width = self.labels.shape
        rows = slice(max(0, top - margin), max(0, min(height, top + box.shape[0] + margin)))
        columns = slice(max(0, left - margin), max(0, min(width, left + box.shape[1] + margin)))
        window = np.pad(box, margin)
        window = window[rows.start - top + margin :, columns.start - left + margin :]
        window = window[: rows.stop - rows.start, : columns.stop - columns.start]
        free = self.labels[rows, columns] == 0
        self.labels[rows, columns] = np.where(free, window, self.labels[rows, columns])
        if not window.any():
            return
        apart = np.maximum(0, ndimage.distance_transform_edt(window == 0) - 1)
        self.clearance[rows, columns] = np.minimum(self.clearance[rows, columns], apart)
