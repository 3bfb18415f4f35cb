"""Do two sets of images differ, and by how much, whatever their sizes?

The unbiased estimate of MMD^2 (Gretton et al. 2012, eq. 3, with the kernel of ``mmd``) is U = k(X, X) + k(Y, Y) -
2 k(X, Y), k the mean over pairs of two different items. Between two sets of n items of one kind the biased estimate
has expectation 2 (1 - k(X, X)) / n, so

    ratio = sqrt(1 + U / (2 (1 - k(X, X)) / 25))

is about what ``mmd.compare_mmd`` says of sets that it can halve into 25 and 25: 1 for sets of one kind. Unlike that
ratio, which shrinks toward 1 as sets become smaller, it says the same of 5 items as of 50, only less surely.

p: the share of ways to deal all items to two sets of these sizes with an MMD at least as large (see ``permutation_p``).

Enters: features (n, d) and (m, d), float64, of at least two independent items each. Leaves: a ``Shift``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pairaug.metrics.mmd import Features, kernel, median_distance, permutation_p

REFERENCE = 25  # items a half


@dataclass(frozen=True)
class Shift:
    """``ratio`` >= 0 (None: the items of the first set are all alike, so there is no unit); ``p`` in (0, 1]."""

    ratio: float | None
    p: float


def measure_shift(first: Features, second: Features, rng: np.random.Generator) -> Shift:
    """How far ``second`` lies from ``first``, in units of what ``first`` shows within itself."""
    pool = np.concatenate([first, second])
    gram = kernel(pool, pool, median_distance(first))
    ours, theirs = np.arange(len(first)), len(first) + np.arange(len(second))
    within = _between_different(gram[np.ix_(ours, ours)])
    apart = within + _between_different(gram[np.ix_(theirs, theirs)]) - 2 * float(gram[np.ix_(ours, theirs)].mean())
    unit = 2 * (1 - within) / REFERENCE
    ratio = float(np.sqrt(max(0.0, 1 + apart / unit))) if unit > 1e-9 else None
    return Shift(ratio, permutation_p(gram, ours, theirs, rng))


def _between_different(gram: Features) -> float:
    """Mean of (n, n) off its diagonal."""
    count = len(gram)
    return float(gram.sum() - np.trace(gram)) / (count * (count - 1))
