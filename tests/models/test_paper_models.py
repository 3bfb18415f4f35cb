"""The paper's two models as published, and the warps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.measure import label as parts_of

from pairaug.models.base import Example, Shape
from pairaug.models.layers import dropout, mask_planes, planes_to_labels
from pairaug.models.masks.vessgan import VessGAN, VessGANConfig
from pairaug.models.masks.warp import Warp, WarpConfig
from pairaug.models.translators.vess2image import Vess2Image, Vess2ImageConfig
from pairaug.registry import MODELS
from pairaug.training.objectives.base import count_trained
from pairaug.training.objectives.vess2image import Vess2ImageObjective
from pairaug.training.objectives.vessgan import VessGANObjective


def test_vess2image_has_the_published_number_of_parameters() -> None:
    counts = count_trained(Vess2Image, Vess2ImageObjective, Vess2ImageConfig(), Shape(2, 3, 256, 256))
    assert round(counts["generator"] / 1e6, 2) == 54.41
    assert round(counts["discriminator"] / 1e6, 2) == 2.77


def test_vess2image_has_eight_encoder_and_seven_decoder_blocks_normed_as_published() -> None:
    model = Vess2Image(Vess2ImageConfig(base=2), Shape(2, 3, 256, 256), torch.Generator())
    objective = Vess2ImageObjective(model, torch.Generator())
    encoder, decoder = model.generator.encoder, model.generator.decoder
    assert [len(block) == 2 for block in encoder] == [False] + [True] * 6 + [False]
    assert [len(block) == 2 for block in decoder] == [True] * 7
    assert len(objective.discriminator.blocks) == 4


def test_vess2image_paints_one_image_for_a_mask() -> None:
    model = Vess2Image(Vess2ImageConfig(base=2), Shape(2, 3, 256, 256), torch.Generator().manual_seed(0))
    labels = torch.ones(1, 256, 256, dtype=torch.int64)
    one, other = (model.translate(labels, [torch.Generator().manual_seed(seed)]) for seed in (1, 2))
    assert not MODELS["vess2image"].many_per_mask
    assert torch.equal(one, other)


def test_vessgan_has_four_hidden_blocks_in_both_networks_and_dropout_in_one() -> None:
    model = VessGAN(VessGANConfig(width=2), Shape(2, 0, 8, 8), torch.Generator())
    discriminator = VessGANObjective(model, torch.Generator()).discriminator
    assert len(model.generator.hidden) == len(discriminator.hidden) == 4
    assert discriminator.rate > 0


def test_dropout_keeps_the_mean_and_draws_from_its_generator() -> None:
    values = torch.ones(100_000)
    one, same = (dropout(values, 0.3, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, same)
    assert one.mean() == pytest.approx(1.0, abs=0.02)
    assert (one == 0).float().mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_planes_and_labels_are_inverses(classes: int) -> None:
    labels = torch.randint(0, classes, (2, 5, 11), generator=torch.Generator().manual_seed(classes))
    assert torch.equal(planes_to_labels(mask_planes(labels, classes)), labels)


def warp(masks: list[np.ndarray], classes: int = 2, **settings: float) -> Warp:
    model = Warp(WarpConfig(**settings), Shape(classes, 0, 0, 0), torch.Generator())
    model.remember([Example(mask.astype(np.uint8)) for mask in masks])
    return model


def drawn(model: Warp, seed: int, size: tuple[int, int]):
    return model.sample(torch.Generator().manual_seed(seed), size)


def curve(side: int, width: int) -> np.ndarray:
    """A wavy line from edge to edge."""
    x = np.arange(side)
    y = np.round(side / 2 + side / 5 * np.sin(x * 6 / side)).astype(int)
    mask = np.zeros((side, side), np.uint8)
    for a, b, c in zip(x[:-1], y[:-1], y[1:], strict=True):
        mask[min(b, c) : max(b, c) + width, a] = 1
    mask[:, 0] = mask[:, -1] = 0
    return mask


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_bent_thin_line_stays_whole(width: int) -> None:
    model = warp([curve(120, width)], recombine=0.0)
    for seed in range(10):
        parts = parts_of(drawn(model, seed, (120, 120)).labels.numpy(), connectivity=2)
        sizes = np.bincount(parts.ravel())[1:]
        assert sizes.max() >= 0.97 * sizes.sum()


def test_a_bent_mask_covers_about_what_its_parent_covered() -> None:
    mask = np.zeros((90, 130), np.uint8)
    mask[30:60, 40:90] = 1
    model = warp([mask], recombine=0.0)
    shares = [float(drawn(model, seed, mask.shape).labels.float().mean()) for seed in range(10)]
    assert np.mean(shares) == pytest.approx(mask.mean(), rel=0.1)


def test_a_mask_has_moved_by_the_stated_displacement() -> None:
    """A dot's own shift, over many draws, has the stated root mean square, which lies between least and most."""
    mask = np.zeros((101, 101), np.uint8)
    mask[48:53, 48:53] = 1
    model = warp([mask], recombine=0.0, least=0.05, most=0.05)
    samples = [drawn(model, seed, (101, 101)) for seed in range(60)]
    assert all(sample.displacement == pytest.approx(0.05 * 101) for sample in samples)
    centres = [np.argwhere(sample.labels.numpy()).mean(axis=0) - 50 for sample in samples]
    moved = np.sqrt(np.mean(np.sum(np.square(centres), axis=1)))
    assert 0.3 * 5 < moved < 1.7 * 5


def test_two_parents_are_different_and_alike() -> None:
    left, right = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    left[20:40, 5:20], right[20:40, 44:60] = 1, 1
    near_left, near_right = np.roll(left, 2, axis=0), np.roll(right, 2, axis=0)
    model = warp([left, near_left, right, near_right], recombine=1.0)
    parents = {frozenset(drawn(model, seed, (64, 64)).parents) for seed in range(20)}
    assert parents == {frozenset({0, 1}), frozenset({2, 3})}


def test_one_mask_is_enough() -> None:
    sample = drawn(warp([curve(40, 3)]), 0, (64, 48))
    assert sample.labels.shape == (64, 48)
    assert sample.parents == (0,)


def test_nested_classes_stay_nested() -> None:
    y, x = np.mgrid[:80, :80] - 40
    distance = np.hypot(y, x)
    mask = np.where(distance < 10, 2, np.where(distance < 25, 1, 0)).astype(np.uint8)
    labels = drawn(warp([mask], 3), 4, (80, 80)).labels.numpy()
    core = np.argwhere(labels == 2)
    assert len(core)
    neighbours = {int(labels[y + dy, x + dx]) for y, x in core for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    assert 0 not in neighbours
