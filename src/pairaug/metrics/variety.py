"""Do several images of one mask differ, or is there one image for a mask?

    variety = mean distance between two images of one mask over mean distance between two real images,

the former averaged over masks, the latter over pairs of different groups, in one space of features.

Direction: 0 when a mask has one image; 1 when images of one mask differ as much as real images of different masks do,
which is more than one can ask for, since they share their mask. There is no value that perfection scores: real sets
hold one image for a mask.

Interval (95 %): delete-a-block jackknife of the log ratio over masks and over real groups (see ``equal_sizes``).
Enters: features of real (n, d) and synthetic (m, d) items, standardised alike, and a mask number a synthetic item.
Leaves: a ``Variety``, or None where no mask has two images or the real set no two groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.metrics.equal_sizes import BLOCKS, jackknife_spread
from pairaug.metrics.neighbours import pairwise_distances

Features = NDArray[np.float64]


@dataclass(frozen=True)
class Variety:
    """The ratio with its interval (None: too few masks or groups), over how many masks with several images."""

    value: float
    low: float | None
    high: float | None
    masks: int


def compare_variety(
    real: Features, synthetic: Features, masks: Sequence[int], groups: Sequence[int] | None
) -> Variety | None:
    """Compare the images of each mask number among themselves with real images of different groups."""
    numbers = np.asarray(masks)
    within = np.array(
        [_mean_apart(synthetic[numbers == number]) for number in np.unique(numbers) if (numbers == number).sum() > 1]
    )
    names = np.arange(len(real)) if groups is None else np.asarray(groups)
    distances = pairwise_distances(real, real)
    distances[names[:, None] == names[None, :]] = np.nan
    if not within.size or not np.isfinite(distances).any():
        return None
    usual = float(np.nanmean(distances))
    if usual == 0:
        return None
    value = float(within.mean()) / usual
    spread = None if value == 0 else jackknife_spread([_without_blocks(within), _without_groups(distances, names)])
    if spread is None:
        return Variety(value, None, None, len(within))
    factor = float(np.exp(min(spread, 50.0)))
    return Variety(value, value / factor, value * factor, len(within))


def _mean_apart(features: Features) -> float:
    distances = pairwise_distances(features, features)
    return float(distances[np.triu_indices(len(features), 1)].mean())


def _without_blocks(values: Features) -> Features:
    """log of the mean without each block of masks."""
    blocks = np.array_split(np.arange(len(values)), min(BLOCKS, len(values)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([np.log(np.delete(values, block).mean()) if len(values) > 1 else np.nan for block in blocks])


def _without_groups(distances: Features, names: NDArray[np.intp]) -> Features:
    """log of the mean real distance without each block of groups."""
    distinct = np.unique(names)
    found = []
    for block in np.array_split(distinct, min(BLOCKS, len(distinct))):
        kept = ~np.isin(names, block)
        left = distances[np.ix_(kept, kept)]
        found.append(float(np.log(np.nanmean(left))) if np.isfinite(left).any() else float("nan"))
    return np.array(found)
