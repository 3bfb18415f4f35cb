"""What a place of a mask asks of the pixels that are painted there: its distances to edges, and its depth.

Enters: masks (H, W) in [0, K). Leaves: ``Guide``s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.distances import signed_distance
from pairaug.models.parts import numbered
from pairaug.models.translators.surroundings import Labels

Floats = NDArray[np.float32]

REACH = 8.0  # pixels: distances beyond are alike
COVER = 2.5  # pixels beside an object that are painted with it


@dataclass(frozen=True)
class Guide:
    """``planes`` (K, H, W): distances to the edges of the K - 1 classes in units of ``REACH``, clipped to [-1, 1], then
    how deep a pixel lies in its object, in [0, 0.5]."""

    planes: Floats

    @classmethod
    def of(cls, mask: Labels, classes: int) -> Guide:
        edges = [signed_distance(mask == label).clip(-REACH, REACH) / REACH for label in range(1, classes)]
        return cls(np.stack([*edges, 0.5 * _depth(mask)]).astype(np.float32))

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where something is painted: objects, and a little beside them."""
        found: NDArray[np.bool_] = self.planes[:-1].max(axis=0) * REACH > -COVER
        return found


def _depth(mask: Labels) -> NDArray[np.float64]:
    """(H, W) in [0, 1]: the distance to the background as a share of the greatest in the same object."""
    inside = mask > 0
    depth = ndimage.distance_transform_edt(inside)
    numbers, count = numbered(inside)
    most = np.maximum(ndimage.maximum(depth, numbers, np.arange(count + 1)), 1.0)
    found: NDArray[np.float64] = depth / np.asarray(most)[numbers]
    return found
