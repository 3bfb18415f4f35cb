"""How far two masks agree: Dice, clDice, the mean over all pairs of a set, and the best offset.

* Dice (Dice 1945): 2 |A n B| / (|A| + |B|), in [0, 1], 1 for two empty regions.
* clDice (Shit et al. 2021, eqs. 1-2): the harmonic mean of |skel(A) n B| / |skel(A)| and |skel(B) n A| / |skel(B)|, for
  tubular masks, blind to width; 1 for two empty regions, 0 if one is empty.
* Mean pairwise Dice of a set: over all pairs of items of different groups. 1 means one mask repeated; read it beside
  the figure for real masks: higher than real is less variety.
* Offset profile: Dice of A against B moved by (row, column) within +-radius px, all on the same central window, so
  that no offset gains or loses area. Profiles of many pairs are averaged before the best is read off; the nearest to
  zero wins a tie. An offset of (2, 0) says that A lies 2 px below B.

Direction: larger agreement is better, except that of a set with itself.
Enters: boolean regions (H, W) of equal shape, or label maps (H, W) in [0, K). Leaves: floats in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.metrics.equal_sizes import BLOCKS, jackknife_spread
from pairaug.metrics.reduction import check_labels
from pairaug.metrics.statistics import Region, thin

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class PairwiseDice:
    """Mean Dice over the pairs of a set with its 95 % interval; None where there is no pair, or too few items."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Offset:
    """Where agreement is best: the offset in px, the Dice there, and the Dice without an offset."""

    row: int
    column: int
    dice: float
    dice_at_zero: float


def dice(first: Region, second: Region) -> float:
    """Dice of two regions (H, W)."""
    _check_same(first, second)
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def class_dice(first: Labels, second: Labels, classes: int) -> tuple[float, ...]:
    """Dice of every foreground class of two label maps (H, W), (classes - 1,) of them."""
    check_labels(first, classes)
    check_labels(second, classes)
    return tuple(dice(first == value, second == value) for value in range(1, classes))


def centreline_dice(first: Region, second: Region) -> float:
    """clDice of two regions (H, W)."""
    _check_same(first, second)
    if not first.any() or not second.any():
        return float(not first.any() and not second.any())
    first_line, second_line = thin(first), thin(second)
    precision = float(second[first_line].mean())
    sensitivity = float(first[second_line].mean())
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


def pairwise_dice(masks: Sequence[Labels], classes: int, groups: Sequence[int] | None = None) -> PairwiseDice:
    """Mean Dice over all pairs of label maps, averaged over classes; pairs within a group do not count.

    Masks of other sizes are read at the pixel centres of the first one's grid. The interval leaves out groups, at
    most ``BLOCKS`` blocks of them (jackknife). Two masks that both lack a class do not count for that class.
    """
    names = np.arange(len(masks)) if groups is None else np.asarray(groups)
    table = _dice_table(masks, classes)
    table[names[:, None] == names[None, :]] = np.nan
    value = _defined_mean(table)
    distinct = np.unique(names)
    replicates = []
    for block in np.array_split(distinct, min(BLOCKS, len(distinct))):
        kept = ~np.isin(names, block)
        replicates.append(_defined_mean(table[np.ix_(kept, kept)]))
    spread = jackknife_spread([np.array(replicates)])
    if not np.isfinite(value):
        return PairwiseDice(None, None, None)
    if spread is None:
        return PairwiseDice(value, None, None)
    return PairwiseDice(value, max(0.0, value - spread), min(1.0, value + spread))


def offset_profile(first: Labels, second: Labels, classes: int, radius: int = 3) -> NDArray[np.float64]:
    """Mean Dice over classes at every offset of ``first`` against ``second``, (2 radius + 1, 2 radius + 1).

    Element [radius + row, radius + column] holds offset (row, column). ValueError for masks too small for the radius.
    """
    _check_same(first, second)
    height, width = first.shape
    if min(height, width) <= 2 * radius:
        raise ValueError(f"a mask of {first.shape} has no inside for offsets of {radius} px")
    inner = second[radius : height - radius, radius : width - radius]
    profile = np.empty((2 * radius + 1, 2 * radius + 1))
    for row, column in np.ndindex(profile.shape):
        moved = first[row : row + inner.shape[0], column : column + inner.shape[1]]
        profile[row, column] = np.mean(class_dice(moved, inner, classes))
    return profile


def best_offset(profile: NDArray[np.float64]) -> Offset:
    """The offset at which a profile, or the mean of the profiles of many pairs, is highest."""
    radius = profile.shape[0] // 2
    rows, columns = np.nonzero(profile >= profile.max() - 1e-12)
    nearest = np.argmin((rows - radius) ** 2 + (columns - radius) ** 2)
    row, column = int(rows[nearest]) - radius, int(columns[nearest]) - radius
    return Offset(row, column, float(profile.max()), float(profile[radius, radius]))


def _dice_table(masks: Sequence[Labels], classes: int) -> NDArray[np.float64]:
    """Dice of every pair, (n, n), the mean over the classes that at least one of the two holds; NaN for none."""
    shape = masks[0].shape
    flat = np.stack([_on_grid(mask, shape).ravel() for mask in masks])
    tables = np.empty((classes - 1, len(masks), len(masks)))
    for value in range(1, classes):
        region = (flat == value).astype(np.float32)
        area = region.sum(axis=1, dtype=np.float64)
        total = area[:, None] + area[None, :]
        both = (region @ region.T).astype(np.float64)
        tables[value - 1] = np.where(total > 0, 2 * both / np.maximum(total, 1), np.nan)
    counted = np.isfinite(tables).sum(axis=0)
    mean: NDArray[np.float64] = np.where(counted > 0, np.nansum(tables, axis=0) / np.maximum(counted, 1), np.nan)
    return mean


def _on_grid(mask: Labels, shape: tuple[int, ...]) -> Labels:
    if mask.shape == shape:
        return mask
    rows, columns = (
        ((np.arange(target) + 0.5) * source / target).astype(np.intp)
        for target, source in zip(shape, mask.shape, strict=True)
    )
    return mask[np.ix_(rows, columns)]


def _defined_mean(table: NDArray[np.float64]) -> float:
    defined = table[np.isfinite(table)]
    return float(defined.mean()) if defined.size else float("nan")


def _check_same(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"two masks of one size are compared, got {first.shape} and {second.shape}")
