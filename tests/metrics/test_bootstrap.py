"""Differences with honest intervals, and worth read off a curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairaug.metrics import bootstrap
from pairaug.metrics.bootstrap import Cells, Difference


def noisy(rng: np.random.Generator, level: float, runs: int = 4, items: int = 8, spread: float = 0.01) -> np.ndarray:
    return level + rng.normal(0, spread, (runs, 1)) + rng.normal(0, spread, (runs, items))


def test_what_both_arms_share_does_not_widen_the_interval(rng: np.random.Generator) -> None:
    shared = rng.normal(0, 0.2, (4, 8))
    gain = noisy(rng, 0.05)
    found = bootstrap.paired_difference(
        Cells(shared + gain, [0] * 4), Cells(shared, [0] * 4), [0, 0, 1, 1, 2, 2, 3, 3], rng
    )
    assert found.mean == pytest.approx(gain.mean())
    assert found.low < found.mean < found.high
    assert found.high - found.low < 0.08
    assert bootstrap.verdict(found, 0.01) == "helps"


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    hits = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        gain = noisy(rng, 0.0) + rng.normal(0, 0.01, (1, 4)).repeat(2, axis=1)
        found = bootstrap.paired_difference(
            Cells(gain, [0] * 4), Cells(gain * 0, [0] * 4), [0, 0, 1, 1, 2, 2, 3, 3], rng, 300
        )
        hits.append(found.low <= 0 <= found.high)
    assert 0.9 <= np.mean(hits) <= 0.995


def test_the_standard_error_of_few_runs_is_the_textbook_one(rng: np.random.Generator) -> None:
    gain = np.array([0.01, 0.05, 0.09])[:, None] + np.zeros((3, 6))
    found = bootstrap.paired_difference(Cells(gain, [0] * 3), Cells(gain * 0, [0] * 3), range(6), rng)
    assert found.standard_error == pytest.approx(0.04 / np.sqrt(3), rel=0.06)
    across = rng.normal(0, 0.1, (1, 6)).repeat(3, axis=0)
    found = bootstrap.paired_difference(Cells(across, [0] * 3), Cells(across * 0, [0] * 3), range(6), rng)
    assert found.standard_error == pytest.approx(across[0].std(ddof=1) / np.sqrt(6), rel=0.06)


def test_equal_arms_differ_by_nothing(rng: np.random.Generator) -> None:
    cells = Cells(rng.random((3, 6)), [0, 1, 2])
    assert bootstrap.paired_difference(cells, cells, range(6), rng) == Difference(0, 0, 0, 0, 0)


def test_a_single_run_or_group_knows_its_mean_only(rng: np.random.Generator) -> None:
    one = Cells(np.full((1, 6), 0.5), [0])
    zero = Cells(np.zeros((1, 6)), [0])
    assert bootstrap.paired_difference(one, zero, range(6), rng) == Difference(0.5, None, None, None, None)
    three = Cells(np.full((3, 6), 0.5), [0, 0, 0])
    none = Cells(np.zeros((3, 6)), [0, 0, 0])
    assert bootstrap.paired_difference(three, none, [1] * 6, rng).low is None
    assert bootstrap.verdict(bootstrap.paired_difference(one, zero, range(6), rng), 0.01) == "cannot tell"


def test_items_of_a_group_count_as_one(rng: np.random.Generator) -> None:
    gain = np.repeat(rng.normal(0, 0.1, (1, 4)), 10, axis=1).repeat(5, axis=0) + rng.normal(0, 1e-4, (5, 40))
    arms = Cells(gain, [0] * 5), Cells(gain * 0, [0] * 5)
    grouped = bootstrap.paired_difference(*arms, list(np.repeat(range(4), 10)), rng)
    torn = bootstrap.paired_difference(*arms, range(40), rng)
    assert grouped.standard_error > 2 * torn.standard_error


def test_the_detectable_difference_is_called_four_times_in_five() -> None:
    first = np.random.default_rng(0)
    size = bootstrap.paired_difference(
        Cells(noisy(first, 0, 20, 20), [0] * 20), Cells(np.zeros((20, 20)), [0] * 20), range(20), first, 500
    ).detectable
    called = []
    for seed in range(120):
        rng = np.random.default_rng(1000 + seed)
        found = bootstrap.paired_difference(
            Cells(noisy(rng, size, 20, 20), [0] * 20), Cells(np.zeros((20, 20)), [0] * 20), range(20), rng, 200
        )
        called.append(found.low > 0)
    assert 0.65 <= np.mean(called) <= 0.95


def test_the_verdict_looks_at_the_whole_interval() -> None:
    def judge(low: float, high: float) -> str:
        return bootstrap.verdict(Difference((low + high) / 2, low, high, 0.1, 0.3), worthwhile=0.01)

    assert judge(0.001, 0.05) == "helps"
    assert judge(-0.02, 0.005) == "does not help"
    assert judge(-0.02, 0.05) == "cannot tell"


def test_draws_are_resampled_whole(rng: np.random.Generator) -> None:
    weights = bootstrap.Resampling(range(2), rng, 400).runs([0, 0, 0, 1, 1, 1])
    assert weights.sum(axis=1) == pytest.approx(1)
    assert set(np.round(weights[:, :3].sum(axis=1), 6)) == {0.0, 0.5, 1.0}
    assert weights.mean(axis=0) == pytest.approx(1 / 6, abs=0.03)


def test_unpaired_arms_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="same runs and items"):
        bootstrap.paired_difference(Cells(np.ones((2, 3)), [0, 1]), Cells(np.ones((2, 3)), [1, 0]), range(3), rng)
    with pytest.raises(ValueError, match="missing"):
        Cells(np.array([[np.nan]]), [0])


def test_a_score_between_two_points_is_read_in_the_logarithm_of_the_number() -> None:
    found = bootstrap.read_curve([5, 20], np.array([[0.5, 0.7]]), np.array([0.6]))
    assert found[0] == pytest.approx(10)


@pytest.mark.parametrize(("score", "expected"), [(0.5, 5), (0.7, 20), (0.49, -np.inf), (0.71, np.inf)])
def test_the_ends_of_the_curve_are_on_it_and_beyond_them_is_no_answer(score: float, expected: float) -> None:
    assert bootstrap.read_curve([5, 20], np.array([[0.5, 0.7]]), np.array([score]))[0] == pytest.approx(expected)


def test_a_level_stretch_is_read_at_its_cautious_end() -> None:
    assert bootstrap.read_curve([5, 10, 20], np.array([[0.5, 0.6, 0.6]]), np.array([0.6]))[0] == pytest.approx(10)


def test_isotonic_regression_pools_what_falls() -> None:
    assert bootstrap.isotonic(np.array([[1.0, 3.0, 2.0, 4.0]])).tolist() == [[1, 2.5, 2.5, 4]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=7))
def test_isotonic_regression_is_that_of_scipy(curve: list[float]) -> None:
    from scipy.optimize import isotonic_regression

    own = bootstrap.isotonic(np.array([curve]))[0]
    assert own == pytest.approx(isotonic_regression(curve).x, abs=1e-9)


def curve_of(rng: np.random.Generator) -> dict[int, Cells]:
    return {size: Cells(noisy(rng, level), [0, 1, 2, 3]) for size, level in ((5, 0.5), (10, 0.6), (20, 0.7))}


def test_an_arm_between_5_and_20_is_worth_about_10_with_an_interval_that_says_so(rng: np.random.Generator) -> None:
    found = bootstrap.worth_real_pairs(curve_of(rng), Cells(noisy(rng, 0.6), [0, 1, 2, 3]), range(8), rng)
    assert found.reading == "on the curve"
    assert 7 < found.value < 14
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("level", "reading"), [(0.3, "below the curve"), (0.9, "above the curve")])
def test_worth_off_the_curve_is_not_determinable(rng: np.random.Generator, level: float, reading: str) -> None:
    found = bootstrap.worth_real_pairs(curve_of(rng), Cells(noisy(rng, level), [0, 1, 2, 3]), range(8), rng)
    assert (found.value, found.reading) == (None, reading)


def test_a_curve_of_one_point_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="at least two sizes"):
        bootstrap.worth_real_pairs({5: Cells(np.ones((2, 2)), [0, 1])}, Cells(np.ones((2, 2)), [0, 1]), range(2), rng)
