"""What kind of things masks hold: trees, such as vessels, one object each, or several. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 12  # masks that tell a kind

Item = TypeVar("Item")
Kind = Literal["trees", "single objects", "objects"]

_SLENDER, _WIDEST = 30.0, 0.04  # length over width of a part; width over side


def are_trees(masks: Sequence[NDArray[np.uint8]], classes: int) -> bool:
    """Whether masks (H, W) hold trees: their foreground is long and thin, and so is every class of it."""
    whole, each = [], []
    for labels in masks:
        if labels.any():
            whole.append(_slenderness(labels > 0))
            each += [_slenderness(labels == value) for value in range(1, classes) if (labels == value).any()]
    return bool(whole) and float(np.median(whole)) >= _SLENDER and float(np.median(each)) >= _SLENDER / 3


def kind_of(masks: Sequence[NDArray[np.uint8]], classes: int) -> Kind:
    """What masks (H, W) hold: trees, or objects, of which there may be one in each mask, as in most of them."""
    from pairaug.models.parts import numbered

    if are_trees(masks, classes):
        return "trees"
    return "single objects" if np.median([numbered(mask)[1] for mask in masks]) <= 1 else "objects"


def evenly(items: Sequence[Item], most: int = LOOKED_AT) -> list[Item]:
    """At most so many of the items, from the first to the last."""
    return [items[place] for place in np.linspace(0, len(items) - 1, min(most, len(items)), dtype=int)]


def _slenderness(region: NDArray[np.bool_]) -> float:
    """Length over width of the parts of (H, W) on average, 0 for what is wide."""
    from scipy import ndimage
    from skimage.morphology import skeletonize

    skeleton = skeletonize(region)  # type: ignore[no-untyped-call]
    length = int(skeleton.sum())
    width = float(region.sum()) / max(length, 1)
    if width > _WIDEST * max(region.shape):
        return 0.0
    _, parts = ndimage.label(region, structure=np.ones((3, 3)))
    return length / int(parts) / max(width, 1.0)
