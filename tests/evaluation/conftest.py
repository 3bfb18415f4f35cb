"""Drawn masks and images for the metrics: tangles of thick lines, no two alike, and grainy pictures of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

Draw = Callable[[int, int], list[NDArray[np.int64]]]


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> None:
    """Small operations on several threads wait for each other longer than they work, above all on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def draw_tangle(rng: np.random.Generator, side: int = 96) -> NDArray[np.int64]:
    """A mask (side, side) in {0, 1} of a few wandering lines."""
    canvas = np.zeros((side, side), dtype=bool)
    for _ in range(6):
        place, heading = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi)
        for _ in range(side):
            heading += rng.normal(0, 0.15)
            place = place + np.array([np.sin(heading), np.cos(heading)])
            row, column = np.round(place).astype(int)
            if 0 <= row < side and 0 <= column < side:
                canvas[row, column] = True
    return ndimage.binary_dilation(canvas, iterations=2).astype(np.int64)


def draw_picture(rng: np.random.Generator, side: int = 96) -> NDArray[np.float64]:
    """A grainy colour image (side, side, 3) in [0, 1] of some tangle; grain and brightness differ between images."""
    shape = ndimage.gaussian_filter(draw_tangle(rng, side).astype(float), 1)
    grain = ndimage.gaussian_filter(rng.normal(size=(side, side, 3)), (0.6, 0.6, 0))
    light = rng.uniform(0.35, 0.45) + 0.3 * shape[..., None] * np.array([1.0, 0.6, 0.3])
    return np.clip(light + rng.uniform(0.04, 0.07) * grain, 0, 1)


@pytest.fixture(scope="session")
def tangles() -> Draw:
    def draw(seed: int, count: int) -> list[NDArray[np.int64]]:
        rng = np.random.default_rng(seed)
        return [draw_tangle(rng) for _ in range(count)]

    return draw


@pytest.fixture(scope="session")
def pictures() -> Callable[[int, int], list[NDArray[np.float64]]]:
    def draw(seed: int, count: int) -> list[NDArray[np.float64]]:
        rng = np.random.default_rng(seed)
        return [draw_picture(rng) for _ in range(count)]

    return draw
