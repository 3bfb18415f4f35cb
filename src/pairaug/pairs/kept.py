"""Decoded pixels that are kept for whoever looks at the same pairs again, so that no file is decoded twice.

Up to a budget of bytes the first ones stay, in the smallest type that holds their numbers; what does not fit is decoded
again. Enters and leaves the same: an image as it was decoded, a mask as label values (H, W) int32 after cleaning.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pairaug.pairs.pair import Pair

BUDGET = 256 * 2**20

Image = NDArray[np.uint8] | NDArray[np.uint16]


class KeptPixels:
    """Images and masks by their pair. Threads may share it; what it gives must not be written to."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._images: dict[Pair, Image] = {}
        self._masks: dict[Pair, NDArray[np.integer]] = {}
        self._lock = Lock()

    def keep(self, pair: Pair, mask: NDArray[np.int32], image: Image | None) -> None:
        """Keep both, or neither where they do not fit; a pair that was kept before is replaced."""
        small = _smallest(mask)
        with self._lock:
            for kept in (self._images.pop(pair, None), self._masks.pop(pair, None)):
                self._left += 0 if kept is None else kept.nbytes
            size = small.nbytes + (0 if image is None else image.nbytes)
            if size > self._left:
                return
            self._left -= size
            self._masks[pair] = small
            if image is not None:  # part of a larger array would keep all of that
                self._images[pair] = image if image.flags.owndata else image.copy()

    def image(self, pair: Pair) -> Image | None:
        return self._images.get(pair)

    def mask(self, pair: Pair) -> NDArray[np.int32] | None:
        found = self._masks.get(pair)
        return None if found is None else found.astype(np.int32)


def _smallest(mask: NDArray[np.int32]) -> NDArray[np.integer]:
    """A copy in the narrowest type that holds its values."""
    low, high = int(mask.min(initial=0)), int(mask.max(initial=0))
    kind = np.uint8 if low >= 0 and high < 2**8 else np.uint16 if low >= 0 and high < 2**16 else np.int32
    return mask.astype(kind)
