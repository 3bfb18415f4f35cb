"""Pixels and tensors: ranges, channels, depth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pairaug.arrays.tensors import to_pixels, to_unit
from pairaug.machine.randomness import derive, torch_generator


@pytest.mark.parametrize("intensity", [(0, 255), (0, 4095), (300, 65535)])
def test_every_grey_level_comes_back(intensity: tuple[int, int]) -> None:
    low, high = intensity
    levels = np.arange(low, high + 1, dtype=np.uint16 if high > 255 else np.uint8)[:, None, None]
    unit = to_unit(levels, intensity)
    assert unit.min() == -1
    assert unit.max() == pytest.approx(1, abs=1e-6)
    assert np.array_equal(to_pixels(unit, intensity), levels)


def test_channels_move_to_where_each_side_wants_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    unit = to_unit(pixels, (0, 255))
    assert unit.shape == (3, 5, 7)
    assert torch.allclose(unit[2, 4, 6] * 127.5 + 127.5, torch.tensor(float(pixels[4, 6, 2])))


def test_values_beyond_the_range_are_clipped() -> None:
    assert to_pixels(torch.tensor([[[-9.0, 9.0]]]), (0, 255)).ravel().tolist() == [0, 255]


@given(st.integers(0, 2**31), st.integers(0, 10_000))
def test_derived_seeds_are_exact_in_json_and_differ_by_purpose_and_index(seed: int, index: int) -> None:
    number = derive(seed, "pair", index)
    assert 0 <= number < 2**53
    assert number == derive(seed, "pair", index)
    assert len({number, derive(seed, "step", index), derive(seed, "pair", index + 1)}) == 3


def test_the_derived_numbers_stay_what_they_are_from_version_to_version() -> None:
    assert derive(0, "pair", 0) == 157967931877639
    assert float(torch.rand((), generator=torch_generator(0, "x"))) == float(
        torch.rand((), generator=torch_generator(0, "x"))
    )
