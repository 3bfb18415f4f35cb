"""Is one way of training better than another, by how much, and what is that worth in annotated pairs?

Scores come as cells: a row for each training run (a draw of the training pairs, a seed), a column for each test item.
Runs and test items are both samples, so both are resampled (hierarchical bootstrap: draws with replacement, seeds
within a draw with replacement; crossed with groups of test items with replacement, a group's items staying together).
Two arms whose rows stand for the same draws and seeds are paired: the same rows are resampled for both.

With few runs or groups a bootstrap variance is too small by (n - 1) / n, and its quantiles have no tails. So its
variance is split into the part of the runs, of the items, and their interaction, each of the first two is scaled by
n / (n - 1), and the interval is Student's, with Satterthwaite's (1946) degrees of freedom.

Where quantiles are wanted all the same (ratios, readings of a curve), the deviations of the repeats are scaled by
sqrt(n / (n - 1)) instead (``stretched``).

* Smallest detectable difference: (t_{0.975} + t_{0.8}) x standard error: a true difference of this size would have
  been called in four runs of five.
* Worth: the learning curve (mean score at each number of real pairs) is made monotone by isotonic regression (max-min
  formula, Barlow et al. 1972) and joined linearly in the logarithm of the number; the arm's score is read off it.
  Outside the curve there is no answer. A level stretch is read at its left end: the cautious side.

Direction: scores are "larger is better"; a positive difference favours the arm.
Enters: scores (runs, items), the draw of each run, the group of each item. Leaves: frozen results; None: not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Names = NDArray[np.integer[Any]]
Verdict = Literal["helps", "does not help", "cannot tell"]

REPEATS = 2000


@dataclass(frozen=True)
class Cells:
    """Scores (runs, items) of one arm, and the draw of training pairs behind each run (runs,)."""

    scores: Floats
    draws: Sequence[int]

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or len(self.draws) != len(self.scores) or self.scores.size == 0:
            raise ValueError(f"scores are (runs, items) with a draw a run, got {self.scores.shape}, {len(self.draws)}")
        if not np.isfinite(self.scores).all():
            raise ValueError("a score is missing or not finite")


@dataclass(frozen=True)
class Difference:
    """Mean paired difference with its 95 % interval, standard error, and the smallest difference detectable.

    Only the mean is known with a single run or a single group of test items.
    """

    mean: float
    low: float | None
    high: float | None
    standard_error: float | None
    detectable: float | None


@dataclass(frozen=True)
class Worth:
    """How many real pairs reach the arm's score, with a 95 % interval; an end off the curve is None.

    ``reading`` says where the score lies: on the curve, below its first or above its last point.
    """

    value: float | None
    low: float | None
    high: float | None
    reading: Literal["on the curve", "below the curve", "above the curve"]


@dataclass
class Resampling:
    """One set of resampled test items for everything that is compared, and one of runs for arms with the same runs."""

    groups: Sequence[int]
    rng: np.random.Generator
    repeats: int = REPEATS
    items: Floats = field(init=False)
    _runs: dict[tuple[int, ...], Floats] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.items = _cluster_weights(np.asarray(self.groups), self.rng, self.repeats)

    @property
    def clusters(self) -> int:
        """How many groups the items fall into."""
        return len(set(self.groups))

    def runs(self, draws: Sequence[int]) -> Floats:
        """Weights (repeats, runs) that sum to 1; the same for the same draws."""
        key = tuple(draws)
        if key not in self._runs:
            self._runs[key] = _run_weights(np.asarray(draws), self.rng, self.repeats)
        return self._runs[key]

    def item_means(self, scores: Floats) -> Floats:
        """The mean of scores (items,) in every repeat, (repeats,), stretched."""
        return stretched(self.items @ scores, float(scores.mean()), self.clusters)

    def means(self, cells: Cells) -> Floats:
        """The mean score in every repeat, (repeats,), not stretched: runs and items are both resampled."""
        means: Floats = np.einsum("br,ri,bi->b", self.runs(cells.draws), cells.scores, self.items, optimize=True)
        return means


def stretched(repeats: Floats, point: float, independent: int) -> Floats:
    """Repeats (b,) of a bootstrap of ``independent`` units, about their ``point``; those of a single one stay."""
    if independent < 2:
        return repeats
    wider: Floats = point + np.sqrt(independent / (independent - 1)) * (repeats - point)
    return wider


def paired_difference(
    arm: Cells, baseline: Cells, groups: Sequence[int], rng: np.random.Generator, repeats: int = REPEATS
) -> Difference:
    """Mean of arm minus baseline; row r of both is the same draw and seed, column i the same test item.

    ``groups`` names the group of each test item. ValueError where the two do not match.
    """
    if arm.scores.shape != baseline.scores.shape or list(arm.draws) != list(baseline.draws):
        raise ValueError(f"paired arms have the same runs and items, got {arm.scores.shape}, {baseline.scores.shape}")
    if len(groups) != arm.scores.shape[1]:
        raise ValueError(f"each of {arm.scores.shape[1]} test items has a group, got {len(groups)}")
    gain = arm.scores - baseline.scores
    mean = float(gain.mean())
    resampling = Resampling(groups, rng, repeats)
    runs, clusters = _independent(arm.draws), resampling.clusters
    if min(runs, clusters) < 2:
        return Difference(mean, None, None, None, None)
    by_runs = float(np.var(resampling.runs(arm.draws) @ gain.mean(axis=1))) * runs / (runs - 1)
    by_items = float(np.var(resampling.items @ gain.mean(axis=0))) * clusters / (clusters - 1)
    joint = float(np.var(resampling.means(Cells(gain, arm.draws))))
    variance = max(joint, by_runs + by_items)
    if variance == 0:
        return Difference(mean, mean, mean, 0.0, 0.0)
    freedom = (by_runs + by_items) ** 2 / max(by_runs**2 / (runs - 1) + by_items**2 / (clusters - 1), 1e-300)
    freedom = max(1.0, freedom)
    error = float(np.sqrt(variance))
    reach = float(stats.t.ppf(0.975, freedom))
    return Difference(
        mean, mean - reach * error, mean + reach * error, error, (reach + float(stats.t.ppf(0.8, freedom))) * error
    )


def verdict(difference: Difference, worthwhile: float) -> Verdict:
    """Judge by the whole interval: above 0, below the least gain that is ``worthwhile``, or neither."""
    if difference.low is None or difference.high is None:
        return "cannot tell"
    if difference.low > 0:
        return "helps"
    return "does not help" if difference.high < worthwhile else "cannot tell"


def worth_real_pairs(
    curve: Mapping[int, Cells], arm: Cells, groups: Sequence[int], rng: np.random.Generator, repeats: int = REPEATS
) -> Worth:
    """Read the arm's mean score off the learning curve: number of real pairs -> cells on the same test items.

    ValueError for fewer than two sizes.
    """
    if len(curve) < 2 or min(curve) < 1:
        raise ValueError(f"a learning curve has at least two sizes of at least 1, got {sorted(curve)}")
    sizes = sorted(curve)
    resampling = Resampling(groups, rng, repeats)
    arms = [*(curve[size] for size in sizes), arm]
    points = np.array([cells.scores.mean() for cells in arms])
    clusters = resampling.clusters
    repeated = [
        stretched(resampling.means(cells), float(point), min(_independent(cells.draws), clusters))
        for cells, point in zip(arms, points, strict=True)
    ]
    values = np.stack(repeated, axis=1)
    value = float(read_curve(sizes, points[None, :-1], points[-1:])[0])
    reading: Literal["on the curve", "below the curve", "above the curve"] = "on the curve"
    if not np.isfinite(value):
        reading = "above the curve" if value > 0 else "below the curve"
    if clusters < 2 or any(_independent(cells.draws) < 2 for cells in arms):
        return Worth(_finite(value), None, None, reading)
    readings = read_curve(sizes, values[:, :-1], values[:, -1])
    low, high = np.quantile(readings, [0.025, 0.975], method="inverted_cdf")
    return Worth(_finite(value), _finite(float(low)), _finite(float(high)), reading)


def read_curve(sizes: Sequence[int], curves: Floats, targets: Floats) -> Floats:
    """The size at which each curve (b, sizes) first reaches its target (b,); -inf below the curve, inf above it."""
    monotone = isotonic(curves)
    logs = np.log(np.asarray(sizes, dtype=np.float64))
    found = np.empty(len(targets))
    for row, (curve, target) in enumerate(zip(monotone, targets, strict=True)):
        after = int(np.searchsorted(curve, target))
        if after == len(sizes):
            found[row] = np.inf
        elif after == 0:
            found[row] = sizes[0] if target == curve[0] else -np.inf
        else:
            share = (target - curve[after - 1]) / (curve[after] - curve[after - 1])
            found[row] = np.exp(logs[after - 1] + share * (logs[after] - logs[after - 1]))
    return found


def isotonic(curves: Floats) -> Floats:
    """The nearest non-decreasing curves, (b, sizes): max over starts of min over ends of the means in between."""
    count = curves.shape[1]
    sums = np.pad(curves.cumsum(axis=1), [(0, 0), (1, 0)])
    found = np.empty_like(curves)
    for place in range(count):
        levels = [
            np.min([(sums[:, end + 1] - sums[:, start]) / (end + 1 - start) for end in range(place, count)], axis=0)
            for start in range(place + 1)
        ]
        found[:, place] = np.max(levels, axis=0)
    return found


def _independent(draws: Sequence[int]) -> int:
    """How many runs may count as independent: the draws where there are several, else the seeds."""
    distinct = len(set(draws))
    return distinct if distinct > 1 else len(draws)


def _cluster_weights(names: Names, rng: np.random.Generator, repeats: int) -> Floats:
    """Weights (repeats, items), sum 1, of groups drawn with replacement."""
    distinct, owner = np.unique(names, return_inverse=True)
    times = rng.multinomial(len(distinct), np.full(len(distinct), 1 / len(distinct)), size=repeats)
    weights = times[:, owner].astype(np.float64)
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _run_weights(draws: Names, rng: np.random.Generator, repeats: int) -> Floats:
    """Weights (repeats, runs), sum 1: draws with replacement, then as many seeds of each drawn draw."""
    distinct = np.unique(draws)
    weights = np.zeros((repeats, len(draws)))
    if len(distinct) == 1:
        return _cluster_weights(np.arange(len(draws)), rng, repeats)
    for _ in distinct:
        chosen = distinct[rng.integers(len(distinct), size=repeats)]
        for name in distinct:
            rows = np.flatnonzero(draws == name)
            here = np.flatnonzero(chosen == name)
            weights[np.ix_(here, rows)] += rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=len(here))
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
