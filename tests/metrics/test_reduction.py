"""Reduction by area keeps what it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairaug.metrics.reduction import as_channels, one_hot, reduce_area

SIDES = st.integers(1, 23)


def test_four_pixels_become_their_mean() -> None:
    picture = np.array([[0.0, 1.0], [1.0, 1.0]], dtype=np.float32)[..., None]
    assert reduce_area(picture, 1, 1).tolist() == [[[0.75]]]


def test_a_cell_takes_its_share_of_a_pixel_that_it_cuts() -> None:
    picture = np.array([[0.0, 0.3, 0.9]], dtype=np.float32)[..., None]
    assert reduce_area(picture, 1, 2).ravel() == pytest.approx([0.1, 0.7])


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 3))
def test_turning_before_is_turning_after(height: int, width: int, rows: int, columns: int, turns: int) -> None:
    picture = np.random.default_rng(height * 31 + width).random((height, width, 2)).astype(np.float32)
    before = reduce_area(np.ascontiguousarray(np.rot90(picture, turns)), *((rows, columns)[:: (-1) ** turns]))
    assert before == pytest.approx(np.rot90(reduce_area(picture, rows, columns), turns), abs=1e-5)
    assert reduce_area(picture, rows, columns).mean() == pytest.approx(picture.mean(), abs=1e-5)


def test_one_hot_has_a_channel_a_foreground_class() -> None:
    picture = one_hot(np.array([[0, 1], [2, 2]]), 3)
    assert picture[..., 0].tolist() == [[0, 1], [0, 0]]
    assert picture[..., 1].tolist() == [[0, 0], [1, 1]]


def test_a_grey_image_gets_its_channel() -> None:
    assert as_channels(np.zeros((3, 4))).shape == (3, 4, 1)
