"""Ratios at equal sizes: about 1 for perfection, above for error, whatever the number of synthetic items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from pairaug.errors import DataError
from pairaug.metrics.equal_sizes import compare, draw_halves, jackknife_spread, split_halves
from pairaug.metrics.wasserstein import QUANTILES, compare_statistic, condensed, wasserstein


def items(values: np.ndarray) -> list[np.ndarray]:
    return [np.array([value]) for value in values]


def test_wasserstein_of_two_points_is_their_distance() -> None:
    assert wasserstein(items(np.array([1.0])), items(np.array([4.0]))) == pytest.approx(3)


def test_wasserstein_of_a_shifted_set_is_the_shift() -> None:
    values = np.array([0.0, 1.0, 5.0])
    assert wasserstein(items(values), items(values + 2)) == pytest.approx(2)


def test_every_item_weighs_the_same_however_many_values_it_has() -> None:
    crowded = [np.array([0.0, 0.0, 0.0]), np.array([1.0])]
    assert wasserstein(crowded, items(np.array([0.0, 1.0]))) == pytest.approx(0)


def test_wasserstein_to_nothing_is_not_defined() -> None:
    assert np.isnan(wasserstein([np.empty(0)], items(np.array([1.0]))))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12), st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_wasserstein_is_that_of_scipy(first: list[float], second: list[float]) -> None:
    own = wasserstein(items(np.array(first)), items(np.array(second)))
    assert own == pytest.approx(wasserstein_distance(first, second), abs=1e-9)


def test_few_values_stay_as_they_are_and_many_move_the_distance_by_no_more_than_is_said(
    rng: np.random.Generator,
) -> None:
    few = rng.normal(size=QUANTILES)
    assert condensed(few) is few
    for values in (rng.lognormal(size=5000), rng.integers(0, 3, 5001).astype(float), rng.normal(size=QUANTILES + 1)):
        assert condensed(values).size == QUANTILES
        assert wasserstein([values], [condensed(values)]) <= np.ptp(values) / QUANTILES


@given(st.lists(st.integers(0, 6), min_size=4, max_size=20), st.integers(0, 1000))
def test_halves_are_equal_and_share_no_item_and_no_group(groups: list[int], seed: int) -> None:
    if len(set(groups)) < 2:
        groups = [*groups, 7]
    if len(set(groups)) < 2:
        return
    first, second = split_halves(groups, np.random.default_rng(seed))
    names = np.array(groups)
    assert len(first) == len(second) >= 1
    assert not set(first) & set(second)
    assert not set(names[first]) & set(names[second])


def test_one_group_cannot_be_halved_and_the_error_says_what_to_do(rng: np.random.Generator) -> None:
    with pytest.raises(DataError, match="give at least 2 groups"):
        split_halves([3, 3, 3], rng)


def test_few_synthetic_items_shrink_all_three_sets(rng: np.random.Generator) -> None:
    draw = draw_halves(range(20), 4, rng, 1)[0]
    assert (len(draw.first), len(draw.second), draw.size, len(draw.synthetic)) == (4, 4, 4, 4)


def test_real_against_real_is_about_1_and_the_interval_holds_1() -> None:
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found.append(compare_statistic(items(rng.normal(size=20)), items(rng.normal(size=60)), None, rng, draws=60))
    ratios = [comparison.value for comparison in found]
    assert np.mean(ratios) == pytest.approx(1, abs=0.25)
    assert sum(comparison.low <= 1 <= comparison.high for comparison in found) >= 7
    assert np.mean([comparison.held_out for comparison in found]) == pytest.approx(1, abs=0.2)


def test_a_shifted_statistic_scores_above_1_with_its_whole_interval(rng: np.random.Generator) -> None:
    found = compare_statistic(items(rng.normal(size=20)), items(rng.normal(size=60) + 3), None, rng, draws=60)
    assert found.value > 3
    assert found.low > 1.5
    assert found.value > found.held_out_high


def test_more_synthetic_items_do_not_move_a_ratio_beyond_its_interval(rng: np.random.Generator) -> None:
    real, synthetic = items(rng.normal(size=20)), items(rng.normal(size=800) + 0.5)
    few = compare_statistic(real, synthetic[:20], None, rng)
    many = compare_statistic(real, synthetic, None, rng)
    assert few.low <= many.value <= few.high
    assert many.low <= few.value <= many.high


def test_a_constant_statistic_is_compared_by_difference(rng: np.random.Generator) -> None:
    found = compare_statistic(items(np.ones(10)), items(np.full(10, 3.0)), None, rng, draws=20)
    assert (found.kind, found.value, found.held_out) == ("difference", 2, 0)
    same = compare_statistic(items(np.ones(10)), items(np.ones(10)), None, rng, draws=20)
    assert (same.kind, same.value, same.low, same.high) == ("difference", 0, 0, 0)


def test_a_statistic_that_is_defined_nowhere_has_no_ratio(rng: np.random.Generator) -> None:
    found = compare_statistic([np.empty(0)] * 8, items(np.ones(8)), None, rng, draws=20)
    assert found.value is None
    assert found.held_out is None


def test_groups_of_equal_items_would_shrink_the_yardstick_if_they_were_split(rng: np.random.Generator) -> None:
    pairs = np.repeat(rng.normal(size=10), 2)
    synthetic = items(rng.normal(size=40))
    whole = compare_statistic(items(pairs), synthetic, list(np.repeat(np.arange(10), 2)), rng)
    torn = compare_statistic(items(pairs), synthetic, None, rng)
    assert torn.value > 1.2 * whole.value


def test_the_same_generator_gives_the_same_comparison() -> None:
    def once() -> object:
        rng = np.random.default_rng(3)
        return compare(lambda a, b: abs(float(a.mean() - b.mean())), range(12), 9, rng, draws=20)

    assert once() == once()


def test_the_jackknife_of_a_mean_is_its_standard_error_times_t() -> None:
    values = np.array([1.0, 2.0, 4.0, 9.0])
    replicates = np.array([np.delete(values, place).mean() for place in range(4)])
    expected = values.std(ddof=1) / np.sqrt(4) * 3.182446  # t of 3 degrees of freedom, 97.5 %, from tables
    assert jackknife_spread([replicates]) == pytest.approx(expected, rel=1e-5)
    assert jackknife_spread([replicates[:2]]) is None
