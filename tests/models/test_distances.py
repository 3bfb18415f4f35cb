"""Slow smoothing: as a Gaussian would have it, at a fraction of the time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from pairaug.models.distances import smoothed


@pytest.mark.parametrize("sigma", [0.5, 3.0, 9.0, 30.0, 75.0])
@pytest.mark.parametrize("size", [(203, 317), (64, 64), (7, 5)])
def test_shapes_are_smoothed_as_by_a_gaussian(size: tuple[int, int], sigma: float) -> None:
    shape = np.zeros(size)
    shape[size[0] // 2 :] = 1
    shape[size[0] // 8 : size[0] // 4, size[1] // 3 : size[1] // 2] = 1
    both = np.stack([shape, 2 - shape])
    exact = ndimage.gaussian_filter(both, (0, sigma, sigma))
    assert smoothed(both, sigma).shape == both.shape
    assert np.abs(smoothed(both, sigma) - exact).max() < 0.03


def test_what_is_level_stays_so() -> None:
    assert np.allclose(smoothed(np.full((2, 41, 50), 0.3), 20.0), 0.3)
