"""MMD: the formula by a plain double loop, its direction, and an honest p."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.metrics import mmd


def test_the_estimate_is_that_of_a_plain_double_loop(rng: np.random.Generator) -> None:
    first, second = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)) + 1

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean([np.exp(-((x - y) @ (x - y)) / (2 * (f * 1.3) ** 2)) for f in (0.5, 1, 2)]))

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([[k(x, y) for y in b] for x in a]))

    pool = np.concatenate([first, second])
    found = mmd.squared_mmd(mmd.kernel(pool, pool, 1.3), np.arange(5), np.arange(5, 9))
    assert found == pytest.approx(mean(first, first) + mean(second, second) - 2 * mean(first, second))


def test_a_set_is_at_distance_0_from_itself(rng: np.random.Generator) -> None:
    real = rng.normal(size=(6, 3))
    gram = mmd.kernel(real, real, 1.0)
    assert mmd.squared_mmd(gram, np.arange(6), np.arange(6)[::-1]) == pytest.approx(0, abs=1e-12)


def test_the_median_distance_of_three_points_by_hand() -> None:
    assert mmd.median_distance(np.array([[0.0], [1.0], [5.0]])) == 4
    assert mmd.median_distance(np.zeros((4, 2))) == 1


def test_two_samples_of_one_law_score_about_1_and_no_small_p(rng: np.random.Generator) -> None:
    found = mmd.compare_mmd(rng.normal(size=(40, 5)), rng.normal(size=(80, 5)), None, rng, draws=60)
    assert found.ratio.low < 1 < found.ratio.high
    assert found.ratio.held_out == pytest.approx(1, abs=0.15)
    assert found.p > 0.05


@pytest.mark.parametrize("change", [lambda x: x + 1.0, lambda x: 0.2 * x, lambda x: np.repeat(x[:1], len(x), axis=0)])
def test_a_shift_a_shrinkage_and_a_collapse_all_raise_it(rng: np.random.Generator, change) -> None:
    found = mmd.compare_mmd(rng.normal(size=(40, 5)), change(rng.normal(size=(40, 5))), None, rng, draws=40)
    assert found.ratio.low > 1.1
    assert found.ratio.value > found.ratio.held_out_high
    assert found.p <= 0.005


def test_a_larger_shift_scores_higher(rng: np.random.Generator) -> None:
    real, fresh = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    ratios = [mmd.compare_mmd(real, fresh + s, None, np.random.default_rng(0), 40).ratio.value for s in (0, 0.5, 1, 2)]
    assert ratios == sorted(ratios)


def test_p_is_spread_evenly_where_there_is_nothing_to_find() -> None:
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pool = rng.normal(size=(24, 3))
        found.append(mmd.permutation_p(mmd.kernel(pool, pool, 2.0), np.arange(12), np.arange(12, 24), rng, 99))
    assert np.mean(found) == pytest.approx(0.5, abs=0.13)
    assert np.mean(np.array(found) <= 0.1) <= 0.2


def test_only_one_item_a_group_takes_part_in_the_permutation(rng: np.random.Generator) -> None:
    real = np.repeat(rng.normal(size=(10, 4)), 3, axis=0)
    found = mmd.compare_mmd(real, rng.normal(size=(50, 4)), list(np.repeat(np.arange(10), 3)), rng, draws=20)
    assert found.items == 10
    assert found.p > 0.02
