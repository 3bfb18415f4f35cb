"""Precision, recall, density and coverage: does the synthetic set lie where real items lie, and everywhere there?

Around every item a ball reaches to its k-th nearest neighbour in its own set (itself not counted). With n real and
n synthetic items:

* precision (Kynkaanniemi et al. 2019): share of synthetic items inside at least one real ball;
* recall (the same): share of real items inside at least one synthetic ball;
* density (Naeem et al. 2020, eq. 5): real balls around a synthetic item, on average, divided by k; not bounded by 1;
* coverage (the same, eq. 6): share of real balls that hold at least one synthetic item.

Direction: larger is better for all, but density above what held-out real reaches means hugging the crowded middle,
and coverage alone is fooled by a set of small spread: read the four together.

All at equal sizes, averaged over draws of halves with groups kept whole, beside a row with the other real half in the
part of the synthetic set. What theory says for n against n items, whatever the distribution:

* perfection covers 1 - prod_{i=1..k} (n - i) / (2 n - i) (Naeem et al. 2020, lemma 2) and has density 1 in the mean;
* one repeated fresh item covers k / n; one repeated copy of a real item also covers the original: (k + 1) / n.

Enters: features (n, d) of real and (m, d) of synthetic items. Leaves: floats >= 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.metrics.equal_sizes import draw_halves, mean_and_range

Features = NDArray[np.float64]

NEIGHBOURS = 3


@dataclass(frozen=True)
class NeighbourScores:
    """Precision, recall and coverage in [0, 1], density >= 0."""

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True)
class NeighbourComparison:
    """Mean scores over draws, the range of 95 % of the draws, the same for held-out real, and what theory gives.

    ``half`` real items met as many synthetic ones. All None where a half holds no k + 1 items.
    """

    mean: NeighbourScores | None
    low: NeighbourScores | None
    high: NeighbourScores | None
    held_out: NeighbourScores | None
    held_out_low: NeighbourScores | None
    held_out_high: NeighbourScores | None
    coverage_of_perfection: float | None
    coverage_floor: float | None
    half: int


def neighbour_scores(real: Features, synthetic: Features, k: int = NEIGHBOURS) -> NeighbourScores:
    """The four scores of synthetic (m, d) against real (n, d); ValueError unless n, m > k."""
    if min(len(real), len(synthetic)) <= k:
        raise ValueError(f"the {k}-th neighbour needs more than {k} items, got {len(real)} and {len(synthetic)}")
    across = pairwise_distances(real, synthetic)
    inside_real = across <= _radii(pairwise_distances(real, real), k)[:, None]
    inside_synthetic = across <= _radii(pairwise_distances(synthetic, synthetic), k)[None, :]
    return _scores(inside_real, inside_synthetic, k)


def compare_neighbours(
    real: Features,
    synthetic: Features,
    groups: Sequence[int] | None,
    rng: np.random.Generator,
    draws: int = 200,
    k: int = NEIGHBOURS,
) -> NeighbourComparison:
    """Score synthetic (m, d) and held-out real items against real halves of (n, d), as many against as many."""
    names = range(len(real)) if groups is None else groups
    made = draw_halves(list(names), len(synthetic), rng, draws)
    half = min(draw.size for draw in made)  # whole groups of several sizes make halves of several sizes
    if half <= k:
        return NeighbourComparison(None, None, None, None, None, None, None, None, half)
    pool = np.concatenate([real, synthetic])
    found, held_out = [], []
    for draw in made:
        found.append(astuple(neighbour_scores(pool[draw.first[:half]], pool[draw.synthetic[:half]], k)))
        held_out.append(astuple(neighbour_scores(pool[draw.first[:half]], pool[draw.second[:half]], k)))
    rows = [_summary(scores) for scores in (found, held_out)]
    return NeighbourComparison(*rows[0], *rows[1], expected_coverage(half, k), coverage_floor(half, k), half)


def expected_coverage(n: int, k: int = NEIGHBOURS) -> float:
    """The coverage that n items of the very distribution of the n real ones reach in the mean."""
    steps = np.arange(1, k + 1)
    return float(1 - np.prod((n - steps) / (2 * n - steps)))


def coverage_floor(n: int, k: int = NEIGHBOURS) -> float:
    """The mean coverage of n real items by one of them, repeated."""
    return min(1.0, (k + 1) / n)


def pairwise_distances(first: Features, second: Features) -> Features:
    """Euclidean distances (n, m) between the rows of (n, d) and (m, d)."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2 * first @ second.T
    # Rounding leaves tiny distances between equal rows; they must not decide what lies inside a ball of radius 0.
    scale = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :]
    return np.sqrt(np.where(squares < 1e-12 * scale, 0.0, squares))


def _radii(distances: Features, k: int) -> Features:
    """Distance of each item to its k-th nearest other one, (n,), from the distances (n, n) of a set to itself."""
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    radii: Features = np.partition(others, k - 1, axis=1)[:, k - 1]
    return radii


def _scores(inside_real: NDArray[np.bool_], inside_synthetic: NDArray[np.bool_], k: int) -> NeighbourScores:
    """Scores from whether synthetic j lies in the ball of real i, and real i in that of synthetic j, both (n, m)."""
    return NeighbourScores(
        precision=float(inside_real.any(axis=0).mean()),
        recall=float(inside_synthetic.any(axis=1).mean()),
        density=float(inside_real.sum(axis=0).mean() / k),
        coverage=float(inside_real.any(axis=1).mean()),
    )


def _summary(scores: list[tuple[float, ...]]) -> tuple[NeighbourScores, NeighbourScores, NeighbourScores]:
    """Mean, low and high of each score."""
    columns = [mean_and_range(column) for column in zip(*scores, strict=True)]
    mean, low, high = ([column[row] for column in columns] for row in range(3))
    return NeighbourScores(*mean), NeighbourScores(*low), NeighbourScores(*high)
