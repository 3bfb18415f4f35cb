"""How far two sets of features lie apart, whatever their sizes."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.metrics.mmd import compare_mmd
from pairaug.metrics.shift import Shift, measure_shift


def drawn(count: int, seed: int, moved: float = 0.0) -> np.ndarray:
    features = np.random.default_rng(seed).normal(size=(count, 12))
    features[:, 0] += moved
    return features


def measured(first: int, second: int, moved: float, seed: int = 0) -> Shift:
    return measure_shift(drawn(first, seed), drawn(second, seed + 1000, moved), np.random.default_rng(seed))


def test_sets_of_one_kind_score_about_1_and_no_small_p() -> None:
    found = [measured(20, 30, 0.0, seed) for seed in range(20)]
    assert np.mean([one.ratio for one in found]) == pytest.approx(1.0, abs=0.1)
    assert sum(one.p < 0.05 for one in found) <= 3


@pytest.mark.parametrize(("first", "second"), [(5, 20), (10, 10), (20, 5)])
def test_the_ratio_of_sets_of_two_kinds_does_not_hang_on_their_sizes(first: int, second: int) -> None:
    many = measured(100, 100, 2.5).ratio
    assert many is not None
    assert many > 1.5
    assert np.mean([measured(first, second, 2.5, seed).ratio for seed in range(12)]) == pytest.approx(many, rel=0.15)


def test_it_is_about_the_ratio_of_halves_of_25() -> None:
    first, second = drawn(50, 0), drawn(50, 1000, 2.5)
    found = measure_shift(first, second, np.random.default_rng(0))
    halves = compare_mmd(first, second, None, np.random.default_rng(0), draws=50, permutations=1)
    assert found.ratio == pytest.approx(halves.ratio.value, rel=0.1)
    assert found.p == 0.001


def test_items_that_are_all_alike_give_no_unit() -> None:
    alike = np.zeros((5, 12))
    assert measure_shift(alike, alike, np.random.default_rng(0)) == Shift(None, 1.0)
    assert measure_shift(alike, drawn(6, 0) + 5, np.random.default_rng(0)).p < 0.01
