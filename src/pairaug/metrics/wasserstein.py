"""Wasserstein-1 distance between the values of a statistic over two sets of items.

W1(F, G) = integral of |F(t) - G(t)| dt over the two distribution functions (the earth mover's distance on the line).
Every item weighs the same: the values of one item (one per part of a mask, say) share its weight. In a comparison an
item of more than ``QUANTILES`` values stands as that many of its quantiles, which moves W1 by at most the range of the
values over ``QUANTILES``: a mask of noise has thousands of parts, and ten thousand distances are taken.

Direction: 0 when the distributions agree; larger is worse. It is in the units of the statistic.
Enters: one float array (values,) an item; items without a value do not count. Leaves: a float >= 0, NaN where one
side has no value at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairaug.metrics.equal_sizes import Comparison, compare

QUANTILES = 256

Values = NDArray[np.float64]


def wasserstein(first: Sequence[Values], second: Sequence[Values]) -> float:
    """W1 between two sets of items, each item an array (values,) that may be empty."""
    first_values, first_weights = _pooled(first)
    second_values, second_weights = _pooled(second)
    if not first_values.size or not second_values.size:
        return float("nan")
    values = np.concatenate([first_values, second_values])
    order = np.argsort(values)
    surplus = np.cumsum(np.concatenate([first_weights, -second_weights])[order])[:-1]
    return float(np.abs(surplus) @ np.diff(values[order]))


def compare_statistic(
    real: Sequence[Values],
    synthetic: Sequence[Values],
    groups: Sequence[int] | None,
    rng: np.random.Generator,
    draws: int = 200,
) -> Comparison:
    """Ratio of W1(synthetic, real) to W1(real, real), or the difference where the statistic is constant; see compare.

    ``groups`` names the group of each real item (None: each its own).
    """
    pool = [condensed(values) for values in (*real, *synthetic)]

    def distance(first: NDArray[np.intp], second: NDArray[np.intp]) -> float:
        return wasserstein([pool[index] for index in first], [pool[index] for index in second])

    return compare(distance, groups if groups is not None else range(len(real)), len(synthetic), rng, draws)


def condensed(values: Values) -> Values:
    """At most ``QUANTILES`` values (n,) that are distributed like ``values`` (m,): the middles of equal shares."""
    if values.size <= QUANTILES:
        return values
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    found: Values = np.sort(values)[(middles * values.size).astype(np.intp)]
    return found


def _pooled(items: Sequence[Values]) -> tuple[Values, Values]:
    """All values (n,) and their weights (n,), which sum to 1."""
    present = [values for values in items if values.size]
    if not present:
        return np.empty(0), np.empty(0)
    counts = np.array([values.size for values in present])
    return np.concatenate(present), np.repeat(1 / (counts * len(present)), counts)
