"""What joint promises beyond the contracts."""

from __future__ import annotations

import pytest
import torch

from pairaug.models.base import Shape
from pairaug.models.signed_distances import distance_planes, distances_to_labels
from pairaug.models.translators.joint import Joint, JointConfig

SIZE = (24, 40)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(**settings: float) -> Joint:
    return Joint(JointConfig(**{"width": 6, "code": 5, **settings}), Shape(2, 3, *SIZE), generator(3))


def own_mask(model: Joint) -> torch.Tensor:
    """(H, W): a mask that the model itself draws."""
    with torch.no_grad():
        return distances_to_labels(model.generator(model.noise(1, generator(7)))[:, :1], SIZE)[0]


def apart(model: Joint, mask: torch.Tensor, seed: int) -> float:
    wanted = distance_planes(mask[None], 2, model.reach)
    with torch.no_grad():
        drawn = model.generator(model.nearest(mask, generator(seed)))[:, :1]
    return float((drawn - wanted).square().mean())


def test_the_more_it_searches_the_nearer_is_the_mask_of_the_pair_it_finds() -> None:
    mask = own_mask(built())
    assert 0 < int(mask.sum()) < mask.numel()
    means = [
        sum(apart(built(tries=tries, refine=refine), mask, seed) for seed in range(6))
        for tries, refine in ((1, 0), (16, 0), (16, 40))
    ]
    assert means[0] > means[1] > means[2]


def test_the_image_is_that_of_the_pair_found() -> None:
    model, mask = built(), own_mask(built())
    with torch.no_grad():
        pair = model.generator(model.nearest(mask, generator(1)))
    assert torch.equal(model.translate(mask[None], [generator(1)]), pair[:, 1:])


def test_searching_leaves_no_gradient_on_the_weights() -> None:
    model = built()
    model.translate(own_mask(model)[None], [generator(1)])
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(("name", "value"), [("tries", 0), ("refine", -1), ("prior", -1.0)])
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        JointConfig(**{name: value})
