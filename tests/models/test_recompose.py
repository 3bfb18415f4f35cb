"""Recomposed masks: new objects, each whole and in a place like real ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from pairaug.models.base import Example, Sample, Shape
from pairaug.models.masks.objects import find_objects
from pairaug.models.masks.placing import Canvas
from pairaug.models.masks.recompose import Recompose, RecomposeConfig

EIGHT = np.ones((3, 3), dtype=np.int64)


def disc(mask: np.ndarray, row: float, column: float, radius: float, label: int = 1, stretch: float = 1.0) -> None:
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    mask[np.hypot(y - row, (x - column) / stretch) <= radius] = label


def discs(seed: int, count: int, side: int = 96) -> np.ndarray:
    """Discs that do not touch, none at the frame."""
    rng, canvas = np.random.default_rng(seed), Canvas(side, side)
    while ndimage.label(canvas.labels, EIGHT)[1] < count:
        box = np.zeros((21, 21), np.uint8)
        disc(box, 10, 10, rng.uniform(3, 8), stretch=rng.uniform(0.8, 1.2))
        places = canvas.kept_inside(box, rng.uniform(0, side, (20, 2)))
        assert places is not None
        canvas.put(box, places, np.full(20, 3.0))
    return canvas.labels


def model(masks: list[np.ndarray], classes: int = 2, **settings: float) -> Recompose:
    made = Recompose(RecomposeConfig(**settings), Shape(classes, 0, 0, 0), torch.Generator())
    made.remember([Example(mask) for mask in masks])
    return made


def drawn(made: Recompose, seed: int, size: tuple[int, int] = (96, 96)) -> Sample:
    return made.sample(torch.Generator().manual_seed(seed), size)


def labels(made: Recompose, seed: int, size: tuple[int, int] = (96, 96)) -> np.ndarray:
    return drawn(made, seed, size).labels.numpy().astype(np.uint8)


def counted(mask: np.ndarray) -> int:
    return int(ndimage.label(mask > 0, EIGHT)[1])


def test_objects_are_the_connected_parts_with_their_places_sizes_and_gaps() -> None:
    mask = np.zeros((40, 80), np.uint8)
    mask[0:4, 10:20], mask[20:30, 40:50], mask[22:26, 44:48] = 1, 1, 2
    first, second = find_objects([mask], 3).objects
    assert (first.area, second.area) == (40, 100)
    assert first.place == (2 / 40, 15 / 80)
    assert first.sides == (True, False, False, False)
    assert not second.cut
    assert second.classes == {1, 2}
    assert second.size == pytest.approx(np.log(10 / np.sqrt(3200)))
    assert first.gap == second.gap == pytest.approx(np.hypot(17, 21) - 1)


def test_masks_hold_about_as_many_objects_of_about_the_sizes_of_the_real_ones() -> None:
    real = [discs(seed, count) for seed, count in enumerate((6, 8, 10, 12))]
    made = model(real)
    new = [labels(made, seed) for seed in range(40)]
    assert np.mean([counted(mask) for mask in new]) == pytest.approx(9, abs=1.5)
    assert np.mean([mask.mean() for mask in new]) == pytest.approx(np.mean([mask.mean() for mask in real]), rel=0.25)


def test_a_set_of_one_object_a_mask_gives_one_object_a_mask() -> None:
    masks = []
    for shift in range(4):
        mask = np.zeros((96, 96), np.uint8)
        disc(mask, 40 + 4 * shift, 48, 15 + 2 * shift, stretch=1 + 0.1 * shift)
        masks.append(mask)
    made = model(masks)
    assert {counted(labels(made, seed)) for seed in range(30)} == {1}


def test_objects_stay_away_from_a_frame_that_cuts_no_real_one() -> None:
    made = model([discs(seed, 9) for seed in range(3)])
    for seed in range(20):
        mask = labels(made, seed)
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()


def test_objects_that_the_frame_cuts_stay_at_the_side_that_cuts_them() -> None:
    masks = []
    for shift in range(3):
        mask = np.zeros((96, 96), np.uint8)
        disc(mask, 20 + 10 * shift, 0, 9)
        disc(mask, 60 + 5 * shift, 60, 9)
        masks.append(mask)
    made = model(masks)
    new = [labels(made, seed) for seed in range(20)]
    assert np.mean([mask[:, 0].any() for mask in new]) > 0.8
    assert not any(mask[0].any() or mask[-1].any() or mask[:, -1].any() for mask in new)


def test_a_nucleus_stays_in_its_cytoplasm_and_keeps_its_share() -> None:
    masks = []
    for step in range(3):
        mask = np.zeros((96, 96), np.uint8)
        disc(mask, 48, 48 + step, 26 + step)
        disc(mask, 44 + 2 * step, 50, 12, label=2, stretch=1.2)
        masks.append(mask)
    made = model(masks, classes=3)
    share = np.mean([(mask == 2).sum() / (mask > 0).sum() for mask in masks])
    for seed in range(15):
        mask = labels(made, seed)
        around = ndimage.binary_dilation(mask == 2, EIGHT)
        assert (mask[around] > 0).all()
        assert (mask == 2).sum() / (mask > 0).sum() == pytest.approx(share, rel=0.4)


def test_objects_of_different_classes_are_not_mixed_with_each_other() -> None:
    masks = []
    for seed in range(3):
        mask = discs(seed, 6)
        parts = ndimage.label(mask, EIGHT)[0]
        mask[parts % 2 == 0] *= 2
        masks.append(mask)
    made = model(masks, classes=3)
    found = set()
    for seed in range(15):
        mask = labels(made, seed)
        parts, count = ndimage.label(mask > 0, EIGHT)
        held = [frozenset(np.unique(mask[parts == part]).tolist()) for part in range(1, count + 1)]
        found |= set(held)
    assert found == {frozenset({1}), frozenset({2})}


@pytest.mark.parametrize("count", [1, 2])
def test_masks_of_one_or_two_objects_in_all_still_differ(count: int) -> None:
    made = model([discs(3 + number, 1) for number in range(count)])
    new = [labels(made, seed) for seed in range(12)]
    assert len({mask.tobytes() for mask in new}) == 12
    assert all(mask.any() for mask in new)


def test_a_hollow_object_stays_hollow() -> None:
    masks = []
    for step in range(3):
        mask = np.zeros((96, 96), np.uint8)
        disc(mask, 48, 48, 30 + 2 * step)
        disc(mask, 46 + step, 48, 10, label=0)
        masks.append(mask)
    made = model(masks)
    for seed in range(10):
        mask = labels(made, seed)
        assert (ndimage.binary_fill_holes(mask) & (mask == 0)).sum() > 60


def test_the_parents_are_named_and_no_mask_is_one_of_them() -> None:
    real = [discs(seed, 7) for seed in range(4)]
    made = model(real)
    samples = [drawn(made, seed) for seed in range(20)]
    assert {parent for sample in samples for parent in sample.parents} == {0, 1, 2, 3}
    assert all(sample.displacement is None for sample in samples)
    assert not any(np.array_equal(sample.labels.numpy(), mask) for sample in samples for mask in real)


def test_a_tree_that_spans_the_frame_is_warped_as_a_whole() -> None:
    mask = np.zeros((96, 96), np.uint8)
    for place in range(8, 90, 16):
        mask[place : place + 2, 4:92] = 1
    mask[8:90, 46:48] = 1
    sample = drawn(model([mask, np.roll(mask, 2, axis=0)]), 1)
    assert sample.displacement is not None
    assert sample.labels.numpy().any()


def test_masks_without_any_object_give_an_empty_mask() -> None:
    assert not labels(model([np.zeros((30, 40), np.uint8)] * 2), 0, (30, 40)).any()


def test_sizes_are_shares_of_the_frame_wanted() -> None:
    made = model([discs(seed, 8) for seed in range(4)])
    small, large = (np.mean([labels(made, seed, size).mean() for seed in range(15)]) for size in ((96, 96), (240, 240)))
    assert large == pytest.approx(small, rel=0.25)


@pytest.mark.parametrize(("setting", "value"), [("bend", -0.1), ("smooth", 1.0), ("jitter", -1.0), ("turn", -5.0)])
def test_a_setting_out_of_its_range_is_refused(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{setting} must be"):
        RecomposeConfig(**{setting: value})
