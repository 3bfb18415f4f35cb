"""Kernel maximum mean discrepancy between two sets of features, against that between real halves.

For sets X, Y of equal size and a kernel K (Gretton et al. 2012, eq. 5, the biased estimate):

    MMD^2 = mean K(X, X) + mean K(Y, Y) - 2 mean K(X, Y) >= 0,

and its square root is compared by ``equal_sizes.compare``: 1 means "as far from real as real from real", larger is
worse. The unbiased estimate would have expectation 0 between real halves and be negative half the time: no ratio.

Kernel: the mean of three Gaussians of widths 1/2, 1 and 2 times the median distance between real items. Bounded, so
that one outlier among twenty items does not decide (a polynomial kernel lets it); characteristic, so that any
difference of the feature distributions shows, not only that of some moments; and the widths come from the real set
alone, so that two generators are measured with one ruler. What it cannot see is what the features do not hold, and
beyond a few widths it saturates: twice as far is then not twice the number.

p: the share of permutations of "real" and "synthetic" with an MMD at least as large, (1 + hits) / (1 + permutations),
among as many items of either kind; one item a real group takes part, since items of a group may not be exchanged for
independent ones. A p near 1 over (1 + permutations) says "different"; a large p says only that these few items do not
show it.

Enters: features (n, d) of real, (m, d) of synthetic items, float64. Leaves: an ``MmdComparison``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.metrics.equal_sizes import Comparison, Indices, compare
from pairaug.metrics.neighbours import pairwise_distances

Features = NDArray[np.float64]

WIDTHS = (0.5, 1.0, 2.0)
MOST_SYNTHETIC = 1000


@dataclass(frozen=True)
class MmdComparison:
    """The ratio with its interval and held-out row, and the permutation p in (0, 1] over ``items`` of each kind."""

    ratio: Comparison
    p: float
    items: int


def kernel(first: Features, second: Features, width: float) -> Features:
    """Mean of the Gaussians exp(-|x - y|^2 / (2 (f width)^2)), f in ``WIDTHS``, (n, m) in [0, 1]."""
    squares = pairwise_distances(first, second) ** 2
    total: Features = sum((np.exp(-squares / (2 * (f * width) ** 2)) for f in WIDTHS), np.zeros_like(squares))
    return total / len(WIDTHS)


def median_distance(real: Features) -> float:
    """Median distance between two different items of (n, d); 1 where all agree, so that it can be a width."""
    distances = pairwise_distances(real, real)[np.triu_indices(len(real), 1)]
    middle = float(np.median(distances)) if distances.size else 0.0
    return middle if middle > 0 else 1.0


def squared_mmd(gram: Features, first: Indices, second: Indices) -> float:
    """The biased estimate of MMD^2 between two index sets of a Gram matrix (N, N); never negative."""
    within = gram[np.ix_(first, first)].mean() + gram[np.ix_(second, second)].mean()
    return max(0.0, float(within - 2 * gram[np.ix_(first, second)].mean()))


def compare_mmd(
    real: Features,
    synthetic: Features,
    groups: Sequence[int] | None,
    rng: np.random.Generator,
    draws: int = 200,
    permutations: int = 999,
) -> MmdComparison:
    """Compare synthetic (m, d) with real (n, d) features; of more than ``MOST_SYNTHETIC`` as many are drawn."""
    if len(synthetic) > MOST_SYNTHETIC:
        synthetic = synthetic[rng.permutation(len(synthetic))[:MOST_SYNTHETIC]]
    pool = np.concatenate([real, synthetic])
    gram = kernel(pool, pool, median_distance(real))
    names = np.arange(len(real)) if groups is None else np.asarray(groups)

    def distance(first: Indices, second: Indices) -> float:
        return float(np.sqrt(squared_mmd(gram, first, second)))

    ratio = compare(distance, names, len(synthetic), rng, draws)
    singles = np.array([rng.choice(np.flatnonzero(names == name)) for name in np.unique(names)])
    size = min(len(singles), len(synthetic))
    first = rng.permutation(singles)[:size]
    second = len(real) + rng.permutation(len(synthetic))[:size]
    return MmdComparison(ratio, permutation_p(gram, first, second, rng, permutations), size)


def permutation_p(
    gram: Features, first: Indices, second: Indices, rng: np.random.Generator, permutations: int = 999
) -> float:
    """How often the MMD of shuffled sets reaches that of these two, in [1 / (1 + permutations), 1]."""
    observed = squared_mmd(gram, first, second)
    both = np.concatenate([first, second])
    hits = 0
    for _ in range(permutations):
        shuffled = rng.permutation(both)
        # The same sets in another order round differently; that is not "smaller".
        hits += squared_mmd(gram, shuffled[: len(first)], shuffled[len(first) :]) >= observed - 1e-12
    return (1 + hits) / (1 + permutations)
