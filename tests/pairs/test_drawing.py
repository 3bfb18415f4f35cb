"""Promises of the drawn pairs: they repeat, they differ, and a mask says where the vessels of its image are."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from pairaug.errors import UsageError
from pairaug.pairs.drawing import draw_blob_pair, draw_fundus_pair, write_demo_pairs

SEEDS = range(4)


@cache
def fundus(seed: int, side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    return draw_fundus_pair(np.random.default_rng(seed), side)


def field_of_view(image: np.ndarray) -> np.ndarray:
    return ndimage.binary_fill_holes(image[..., 0] > 30)


def test_the_same_seed_draws_the_same_pair():
    for first, second in zip(fundus(3), fundus.__wrapped__(3), strict=True):
        np.testing.assert_array_equal(first, second)


def test_no_two_seeds_draw_the_same_pair():
    images, masks = zip(*(fundus(seed) for seed in SEEDS), strict=True)
    assert len({image.tobytes() for image in images}) == len({mask.tobytes() for mask in masks}) == len(SEEDS)


@pytest.mark.parametrize("side", [64, 97, 256])
def test_any_side_gives_an_rgb_image_and_binary_labels_of_that_side(side):
    image, labels = fundus(1, side)
    assert (image.shape, image.dtype) == ((side, side, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((side, side), np.uint8)
    assert set(np.unique(labels)) == {0, 1}


@pytest.mark.parametrize("side", [64, 96, 256])
def test_vessels_cover_a_share_of_the_field_of_view_like_that_of_photographs(side):
    for seed in SEEDS if side < 256 else (1,):
        image, labels = fundus(seed, side)
        assert 0.08 < labels.sum() / field_of_view(image).sum() < 0.14


def test_the_surround_is_dark_and_without_vessels():
    for seed in SEEDS:
        image, labels = fundus(seed)
        inside = field_of_view(image)
        assert 0.6 < inside.mean() < 0.78
        assert image[~ndimage.binary_dilation(inside, iterations=3)].max() < 25
    image, labels = fundus(1, 256)
    assert not labels[~ndimage.binary_dilation(field_of_view(image))].any()


def test_vessels_are_darker_than_what_lies_beside_them():
    for seed in SEEDS:
        image, labels = fundus(seed)
        beside = ndimage.binary_dilation(labels, iterations=3) & (labels == 0)
        beside &= ndimage.binary_erosion(field_of_view(image), iterations=3)
        green = image[..., 1].astype(float)
        assert green[labels == 1].mean() < green[beside].mean() - 8


def test_a_mask_moved_off_its_image_fits_it_worse():
    for seed in SEEDS:
        image, labels = fundus(seed)
        dark = ndimage.gaussian_filter(image[..., 1].astype(float), 4) - image[..., 1]
        fit = [dark[np.roll(labels, shift, axis=1) == 1].mean() for shift in (-2, 0, 2)]
        assert fit[1] > max(fit[0], fit[2])


def test_a_mask_is_one_tree_with_few_loose_parts():
    for seed in SEEDS:
        parts, count = ndimage.label(fundus(seed)[1], np.ones((3, 3)))
        assert count <= 6
        assert np.bincount(parts.ravel())[1:].max() > 0.9 * (parts > 0).sum()


def test_left_and_right_eyes_occur_and_the_vessels_gather_at_the_bright_disc():
    rights = []
    for seed in SEEDS:
        image, labels = fundus(seed, 64)
        bright = ndimage.gaussian_filter(image.astype(float).sum(axis=-1), 2)
        row, column = np.unravel_index(bright.argmax(), bright.shape)
        assert labels[row - 6 : row + 7, column - 6 : column + 7].mean() > 2 * labels.mean()
        rights.append(column > 32)
    assert set(rights) == {True, False}


@pytest.mark.parametrize(
    ("height", "width", "classes"), [(16, 16, 7), (16, 90, 3), (70, 41, 2), (64, 96, 3), (97, 64, 5)]
)
def test_every_class_is_in_every_blob_picture(height, width, classes):
    for seed in SEEDS:
        image, labels = draw_blob_pair(np.random.default_rng(seed), height, width, classes)
        assert image.shape == labels.shape == (height, width)
        assert image.dtype == labels.dtype == np.uint8
        assert set(np.unique(labels)) == set(range(classes))


def test_the_same_seed_draws_the_same_blobs_and_another_seed_others():
    images = [draw_blob_pair(np.random.default_rng(seed), 48, 64)[0].tobytes() for seed in (1, 1, 2)]
    assert images[0] == images[1] != images[2]


def test_a_nucleus_lies_in_cytoplasm_and_is_the_darker_of_the_two():
    for seed in SEEDS:
        image, labels = draw_blob_pair(np.random.default_rng(seed), 96, 128)
        around = ndimage.binary_dilation(labels == 2) & (labels != 2)
        assert (labels[around] == 1).mean() > 0.95
        ground, cytoplasm, nucleus = (image[labels == value].mean() for value in range(3))
        assert ground > cytoplasm + 25 > nucleus + 50


def test_demo_pairs_are_an_rgb_image_and_a_grey_mask_of_0_and_255_under_one_name(tmp_path: Path):
    assert write_demo_pairs(tmp_path / "demo", 2, side=64) == tmp_path / "demo"
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == [f"demo/{kind}/{name}.png" for kind in ("images", "masks") for name in ("01", "02")]
    with Image.open(tmp_path / "demo/images/01.png") as image, Image.open(tmp_path / "demo/masks/01.png") as mask:
        assert (image.mode, image.size) == ("RGB", (64, 64))
        assert (mask.mode, mask.size) == ("L", (64, 64))
        assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_a_demo_pair_depends_on_seed_and_index_alone(tmp_path: Path):
    few, more = write_demo_pairs(tmp_path / "few", 1, side=64), write_demo_pairs(tmp_path / "more", 2, side=64)
    other = write_demo_pairs(tmp_path / "other", 1, side=64, seed=1)
    for kind in ("images", "masks"):
        first = (few / kind / "01.png").read_bytes()
        assert first == (more / kind / "01.png").read_bytes()
        assert first != (more / kind / "02.png").read_bytes()
        assert first != (other / kind / "01.png").read_bytes()


@pytest.mark.parametrize("wrong", [{"count": 0}, {"side": 63}, {"seed": -1}])
def test_impossible_demo_settings_are_refused_before_anything_is_written(tmp_path: Path, wrong):
    with pytest.raises(UsageError, match=str(next(iter(wrong.values())))):
        write_demo_pairs(tmp_path / "demo", **{"count": 1, **wrong})
    assert not list(tmp_path.iterdir())
