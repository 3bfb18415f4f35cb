"""What vaegan promises beyond the contracts."""

from __future__ import annotations

import pytest
import torch

from pairaug.models.base import Shape, count_parameters
from pairaug.models.folded import map_sizes
from pairaug.models.masks.vaegan import VAEGAN, VAEGANConfig


def built(classes: int = 2, height: int = 24, width: int = 40) -> VAEGAN:
    shape = Shape(classes, 0, height, width)
    return VAEGAN(VAEGANConfig(width=6, code=5), shape, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("size", [(30, 50), (129, 67), (8, 8)])
def test_a_mask_has_the_size_that_is_asked_for(size: tuple[int, int]) -> None:
    assert built().sample(torch.Generator().manual_seed(1), size).labels.shape == size


@pytest.mark.parametrize(("height", "width"), [(8, 8), (24, 40), (33, 47), (128, 128)])
def test_planes_have_the_working_size_whatever_it_is(height: int, width: int) -> None:
    model = built(3, height, width)
    planes = model.generator(torch.zeros(2, 5)).detach()
    assert planes.shape == (2, 3, height, width)
    assert float(planes.abs().max()) <= 1


def test_maps_are_halved_until_a_side_is_at_most_four() -> None:
    assert map_sizes(128, 128) == [(32, 32), (16, 16), (8, 8), (4, 4)]
    assert map_sizes(33, 47) == [(9, 12), (5, 6), (3, 3)]


def test_it_has_fewer_than_a_million_weights_at_128_pixels() -> None:
    assert count_parameters(VAEGAN, VAEGANConfig(), Shape(2, 0, 128, 128))["generator"] < 1_000_000


@pytest.mark.parametrize(("name", "value"), [("views", 0), ("kl_weight", -1.0), ("free_bits", -0.1)])
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        VAEGANConfig(**{name: value})
