"""Drawn masks and images for the metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.tangles import draw_picture, draw_tangle

Draw = Callable[[int, int], list[NDArray[np.int64]]]


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> None:
    """Small operations on several threads wait for each other longer than they work, above all on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


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
