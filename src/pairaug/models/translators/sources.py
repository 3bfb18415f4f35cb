"""Whose pixels an image holds: (H, W) the number of the training picture that each of them comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairaug.models.base import Shares

Sources = NDArray[np.int32]

NOBODY = -1


def nobody(size: tuple[int, ...]) -> Sources:
    """Nothing painted yet."""
    return np.full(size, NOBODY, np.int32)


def shares_of(sources: Sources) -> Shares:
    """The share of each number that occurs."""
    numbers, counts = np.unique(sources, return_counts=True)
    return {int(number): float(count / sources.size) for number, count in zip(numbers, counts, strict=True)}
