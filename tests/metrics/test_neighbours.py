"""Precision, recall, density, coverage: by hand, against the authors' package, and in the cases that theory solves."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.metrics import neighbours


def waves(count: int, *frequencies: float) -> np.ndarray:
    steps = np.arange(60.0)
    first, second, third, phase = frequencies
    columns = [np.sin(steps * first + phase), np.cos(steps * second), np.sin(steps * steps * third)]
    return np.stack(columns, axis=1)[:count]


def test_the_scores_are_those_of_the_prdc_package() -> None:
    """Golden numbers: compute_prdc(real, synthetic, nearest_k=3) of prdc 0.2 on these very arrays."""
    real, synthetic = waves(20, 1.7, 0.9, 0.3, 0.0), waves(25, 1.3, 1.1, 0.17, 0.2) * 0.9 + 0.45
    found = neighbours.neighbour_scores(real, synthetic, k=3)
    assert (found.precision, found.recall) == (pytest.approx(0.96), pytest.approx(1.0))
    assert (found.density, found.coverage) == (pytest.approx(1.24), pytest.approx(0.9))


def test_four_points_on_a_line_solved_by_hand() -> None:
    real = np.array([[0.0], [1.0], [2.0], [10.0]])  # balls of k = 1: radii 1, 1, 1, 8
    synthetic = np.array([[0.5], [3.5], [30.0], [31.0]])  # radii 3, 3, 1, 1
    found = neighbours.neighbour_scores(real, synthetic, k=1)
    # 0.5 lies in the balls of 0 and 1; 3.5 in that of 10; the others in none
    assert (found.precision, found.density, found.coverage) == (2 / 4, 3 / 4, 3 / 4)
    # 0, 1 and 2 lie in the ball of 0.5; 10 in none
    assert found.recall == 3 / 4


def test_too_few_items_for_the_kth_neighbour_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 3 items, got 3 and 9"):
        neighbours.neighbour_scores(np.zeros((3, 2)), np.zeros((9, 2)))


def test_perfection_reaches_the_coverage_and_density_that_theory_gives(rng: np.random.Generator) -> None:
    found = neighbours.compare_neighbours(rng.normal(size=(400, 4)), rng.normal(size=(400, 4)), None, rng, draws=20)
    assert found.mean.coverage == pytest.approx(found.coverage_of_perfection, abs=0.04)
    assert found.held_out.coverage == pytest.approx(found.coverage_of_perfection, abs=0.04)
    assert found.mean.density == pytest.approx(1, abs=0.12)


def test_one_repeated_copy_drives_coverage_to_the_floor(rng: np.random.Generator) -> None:
    real = rng.normal(size=(40, 3))
    scores = [neighbours.neighbour_scores(real, np.repeat(item[None], 40, axis=0)) for item in real]
    assert np.mean([score.coverage for score in scores]) == pytest.approx(neighbours.coverage_floor(40))
    assert np.mean([score.recall for score in scores]) == pytest.approx(1 / 40)
    assert all(score.precision == 1 for score in scores)


def test_far_away_items_score_0_and_held_out_ones_do_not(rng: np.random.Generator) -> None:
    found = neighbours.compare_neighbours(rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) + 50, None, rng, draws=10)
    assert found.mean == neighbours.NeighbourScores(0, 0, 0, 0)
    assert found.held_out.coverage > 0.6


def test_a_set_of_small_spread_loses_recall_and_gains_density(rng: np.random.Generator) -> None:
    real = rng.normal(size=(60, 3))
    found = neighbours.compare_neighbours(real, 0.3 * rng.normal(size=(60, 3)), None, rng, draws=30)
    assert found.mean.recall < 0.6 * found.held_out.recall
    assert found.mean.density > 1.2 * found.held_out.density


def test_ten_times_as_many_synthetic_items_do_not_raise_coverage(rng: np.random.Generator) -> None:
    real = rng.normal(size=(40, 3))
    few = neighbours.compare_neighbours(real, rng.normal(size=(40, 3)), None, rng)
    many = neighbours.compare_neighbours(real, rng.normal(size=(400, 3)), None, rng)
    assert many.mean.coverage == pytest.approx(few.mean.coverage, abs=0.1)
    plain = neighbours.neighbour_scores(real[:20], rng.normal(size=(400, 3)))
    assert plain.coverage > few.mean.coverage + 0.05


def test_groups_of_several_sizes_have_scores_at_the_smallest_half_or_none(rng: np.random.Generator) -> None:
    synthetic = rng.normal(size=(30, 2))
    found = neighbours.compare_neighbours(rng.normal(size=(11, 2)), synthetic, [0] * 6 + [1] * 3 + [2] * 2, rng)
    assert (found.mean, found.half) == (None, 3)
    found = neighbours.compare_neighbours(rng.normal(size=(22, 2)), synthetic, [0] * 12 + [1] * 6 + [2] * 4, rng)
    assert (found.mean is None, found.half) == (False, 6)


def test_halves_that_are_too_small_have_no_scores(rng: np.random.Generator) -> None:
    found = neighbours.compare_neighbours(rng.normal(size=(6, 3)), rng.normal(size=(30, 3)), None, rng)
    assert (found.mean, found.held_out, found.half) == (None, None, 3)
