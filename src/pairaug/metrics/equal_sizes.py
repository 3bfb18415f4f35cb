"""A distance between sets, at equal sizes, in units of what real halves show among themselves.

A distance between two small samples of one distribution is not 0, and unequal sizes alone move it by a factor of two
at n = 20. So: split the n real items into halves A and B, groups kept whole, take a synthetic sample S as large as a
half, and average over many draws

    ratio = mean of (d(S, A) + d(S, B)) / 2  over  mean of d(A, B).

1 means "as different from real as real is"; larger is worse; below 1 the synthetic set hugs this very real set. Its
expectation under a perfect generator is about 1 whatever the number of synthetic items.

Interval (95 %): a delete-a-block jackknife of the log ratio, over blocks of real groups and of synthetic items, every
replicate on the same draws (Efron and Stein 1981 for the variance; Student's t for the few blocks).

Held-out real: the same ratio with one real half in the part of the synthetic set and the other in that of the real
one, over many splits: the ratio of the means and the range of 95 % of the splits. It is what perfection scores on sets
of half the size, so its range is a cautious one.

Where d(A, B) is 0 in every draw (a statistic that never varies in the real set) there is no ratio: ``kind`` is
"difference" and the value is the mean of d(S, A), 0 for perfection, in the units of the distance.

Enters: a distance over index arrays into the pool [real 0 .. n - 1, synthetic n .. n + m - 1], float >= 0 or NaN for
"not defined". Leaves: a ``Comparison``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pairaug.errors import DataError

Indices = NDArray[np.intp]
Distance = Callable[[Indices, Indices], float]

BLOCKS = 10
JACKKNIFE_DRAWS = 100
HELD_OUT_SPLITS = 40
HELD_OUT_DRAWS = 25


@dataclass(frozen=True)
class Comparison:
    """A ratio (or difference) with its 95 % interval, beside what held-out real data score; None: not defined."""

    kind: Literal["ratio", "difference"]
    value: float | None
    low: float | None
    high: float | None
    held_out: float | None
    held_out_low: float | None
    held_out_high: float | None
    half: int
    draws: int


@dataclass(frozen=True)
class Draw:
    """Two real halves of equal size and an order of the synthetic items, of which the first ``size`` are compared."""

    first: Indices
    second: Indices
    synthetic: Indices
    size: int


def split_halves(groups: Sequence[int] | NDArray[np.integer[Any]], rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Split items 0 .. n - 1 into two halves of equal size, no group in both; a larger half loses items at random.

    DataError with fewer than two groups.
    """
    names = np.asarray(groups)
    distinct = np.unique(names)
    if len(distinct) < 2:
        raise DataError(f"{len(names)} real items in {len(distinct)} group(s) cannot be halved; give at least 2 groups")
    halves: tuple[list[int], list[int]] = ([], [])
    for name in rng.permutation(distinct):
        smaller = min(halves, key=len)
        smaller.extend(np.flatnonzero(names == name).tolist())
    size = min(map(len, halves))
    first, second = (rng.permutation(np.array(half, dtype=np.intp))[:size] for half in halves)
    return (first, second) if rng.random() < 0.5 else (second, first)


def draw_halves(
    groups: Sequence[int] | NDArray[np.integer[Any]], synthetic_count: int, rng: np.random.Generator, draws: int
) -> list[Draw]:
    """Draw equal halves and as large synthetic samples; fewer synthetic items than a half shrink all three."""
    if synthetic_count < 1:
        raise DataError("0 synthetic items cannot be compared; give at least 1")
    made = []
    for _ in range(draws):
        first, second = split_halves(groups, rng)
        size = min(len(first), synthetic_count)
        # Twice as many as are compared, so that the jackknife can replace what it leaves out.
        order = len(groups) + rng.permutation(synthetic_count)[: 2 * size]
        made.append(Draw(first[:size], second[:size], order.astype(np.intp), size))
    return made


def compare(
    distance: Distance,
    groups: Sequence[int] | NDArray[np.integer[Any]],
    synthetic_count: int,
    rng: np.random.Generator,
    draws: int = 200,
) -> Comparison:
    """Compare ``synthetic_count`` items with real ones, ``groups`` naming each one's group. Errors: see draw_halves."""
    names = np.asarray(groups)
    made = draw_halves(names, synthetic_count, rng, draws)
    half = min(draw.size for draw in made)
    apart, within = _means(distance, made)
    held_out = _held_out(distance, names, rng)
    blocks = (_group_blocks(names, rng), _blocks(len(names) + rng.permutation(synthetic_count)))
    if not np.isfinite(apart) or not np.isfinite(within):
        return Comparison("ratio", None, None, None, None, None, None, half, draws)
    replicates = [
        np.array([_means(distance, [_without(draw, block) for draw in made[:JACKKNIFE_DRAWS]]) for block in source])
        for source in blocks
    ]
    low: float | None = None
    high: float | None = None
    if within <= 1e-12 * apart or within == 0:
        spread = jackknife_spread([found[:, 0] for found in replicates])
        if spread is not None:
            low, high = max(0.0, apart - spread), apart + spread
        zero = 0.0 if len(np.unique(names)) >= 4 else None
        return Comparison("difference", apart, low, high, zero, zero, zero, half, draws)
    # Influence on log(apart / within), linear in both, so that a replicate without any spread stays finite.
    spread = jackknife_spread([found[:, 0] / max(apart, 1e-300) - found[:, 1] / within for found in replicates])
    ratio = apart / within
    if spread is not None:
        factor = float(np.exp(min(spread, 50.0)))
        low, high = ratio / factor, ratio * factor
    middle, least, most = held_out
    return Comparison("ratio", ratio, low, high, middle, least, most, half, draws)


def _means(distance: Distance, draws: Sequence[Draw]) -> tuple[float, float]:
    """Mean distance of synthetic to real and of real to real over the draws where both are defined, else NaN."""
    pairs = []
    for draw in draws:
        sample = draw.synthetic[: draw.size]
        if min(len(sample), len(draw.first), len(draw.second)) == 0:
            continue
        apart = (distance(sample, draw.first) + distance(sample, draw.second)) / 2
        pairs.append((apart, distance(draw.first, draw.second)))
    found = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    if 2 * len(found) < len(draws):
        return float("nan"), float("nan")
    return float(found[:, 0].mean()), float(found[:, 1].mean())


def _without(draw: Draw, block: Indices) -> Draw:
    """The draw as it would have been without these items; the synthetic sample keeps pace with the halves."""
    first, second = (half[~np.isin(half, block)] for half in (draw.first, draw.second))
    size = max(1, round((len(first) + len(second)) / 2))
    return Draw(first, second, draw.synthetic[~np.isin(draw.synthetic, block)], size)


def _blocks(items: NDArray[np.integer[Any]]) -> list[Indices]:
    return [block.astype(np.intp) for block in np.array_split(items, min(BLOCKS, len(items)))]


def _group_blocks(names: NDArray[np.integer[Any]], rng: np.random.Generator) -> list[Indices]:
    return [np.flatnonzero(np.isin(names, block)) for block in _blocks(rng.permutation(np.unique(names)))]


def jackknife_spread(replicates: Sequence[NDArray[np.float64]]) -> float | None:
    """Half a 95 % interval from delete-a-block replicates of independent sources; None where too few are defined."""
    variance, freedom = 0.0, BLOCKS
    for values in replicates:
        defined = values[np.isfinite(values)]
        count = len(defined)
        if count < 3:
            return None
        variance += (count - 1) / count * float(((defined - defined.mean()) ** 2).sum())
        freedom = min(freedom, count - 1)
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))


def _held_out(
    distance: Distance, names: NDArray[np.integer[Any]], rng: np.random.Generator
) -> tuple[float, float, float] | tuple[None, None, None]:
    """The ratio that one real half scores against the other and the range of 95 %; None where the set is too small."""
    found: list[tuple[float, float]] = []
    if len(np.unique(names)) < 4:
        return None, None, None
    for _ in range(HELD_OUT_SPLITS):
        real, other = split_halves(names, rng)
        if len(np.unique(names[real])) < 2:
            continue
        lookup = np.concatenate([real, other])

        def local(first: Indices, second: Indices, lookup: Indices = lookup) -> float:
            return distance(lookup[first], lookup[second])

        apart, within = _means(local, draw_halves(names[real], len(other), rng, HELD_OUT_DRAWS))
        if np.isfinite(apart) and np.isfinite(within) and within > 0:
            found.append((apart, within))
    if not found:
        return None, None, None
    # The ratio of the means, as for the value itself: a mean of ratios of tiny sets is dragged upwards by a few.
    apart, within = np.mean(found, axis=0)
    _, low, high = mean_and_range([pair[0] / pair[1] for pair in found])
    return float(apart / within), low, high


def mean_and_range(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and the range of 95 % of at least one value, which always holds the mean."""
    mean = float(np.mean(values))
    low, high = np.quantile(values, [0.025, 0.975])
    return mean, min(mean, float(low)), max(mean, float(high))
