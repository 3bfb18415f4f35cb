"""Masks as planes of signed distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from pairaug.models.signed_distances import distance_plane_count, distance_planes, distances_to_labels


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blocks(classes: int) -> torch.Tensor:
    """(1, 23, 31): a block of each class, the last ones inside the first."""
    labels = torch.zeros(1, 23, 31, dtype=torch.int64)
    for label in range(1, classes):
        labels[:, 1 + label : 19 - label, 2 + 2 * label : 29 - 2 * label] = label
    return labels


def test_distances_are_those_of_an_exact_transform_up_to_the_reach() -> None:
    inside = torch.rand(1, 23, 31, generator=generator(1)) < 0.03
    array = inside[0].numpy()
    exact = np.where(array, distance_transform_edt(array) - 0.5, 0.5 - distance_transform_edt(~array))
    planes = distance_planes(inside.long(), 2, reach=5)
    assert (np.abs(exact) > 5).any()
    np.testing.assert_allclose(planes[0, 0].numpy() * 5, np.clip(exact, -5, 5), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_planes_give_back_the_labels(classes: int) -> None:
    labels = blocks(classes)
    planes = distance_planes(labels, classes, reach=4)
    assert planes.shape == (1, distance_plane_count(classes), 23, 31)
    assert float(planes.abs().max()) <= 1
    assert torch.equal(distances_to_labels(planes, (23, 31)), labels)


@pytest.mark.parametrize(("label", "expected"), [(0, -1.0), (1, 1.0)])
def test_a_class_that_fills_the_frame_or_is_missing_has_no_outline(label: int, expected: float) -> None:
    planes = distance_planes(torch.full((1, 9, 11), label), 2, reach=3)
    assert torch.equal(planes, torch.full((1, 1, 9, 11), expected))


def test_whatever_a_network_draws_classes_stay_inside_the_foreground() -> None:
    planes = torch.randn(4, 5, 7, 11, generator=generator(2))
    labels = distances_to_labels(planes, (7, 11))
    assert torch.equal(labels > 0, planes[:, 0] > 0)
    assert set(labels.unique().tolist()) == {0, 1, 2, 3, 4}


def test_an_outline_is_crisp_at_a_size_larger_than_the_planes() -> None:
    """A disc whose distances are drawn on 16 x 16 and read on 160 x 160 is the disc of that size, not a staircase."""
    large, stairs = _depth(160) > 0, (_depth(16) > 0).repeat_interleave(10, 0).repeat_interleave(10, 1)
    read = distances_to_labels((_depth(16) * 4).clamp(-1, 1)[None, None], (160, 160))[0] > 0
    assert (read != large).sum() < 0.3 * (stairs != large).sum()


def _depth(side: int) -> torch.Tensor:
    """(side, side): how deep each place lies in a disc, as a share of the side."""
    place = (torch.arange(side) + 0.5) / side - 0.5
    return 0.31 - (place[:, None].square() + place[None, :].square()).sqrt()
