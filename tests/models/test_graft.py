"""Graft: what is taken out, what is painted where, and from what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage

from pairaug.models.base import Example, Shape
from pairaug.models.distances import signed_distance
from pairaug.models.translators.erasing import erased, push_pull
from pairaug.models.translators.graft import Graft, GraftConfig
from pairaug.models.translators.guides import REACH, Guide
from pairaug.models.translators.patchwork import Patchwork, _turned
from pairaug.models.translators.surroundings import things_in
from pairaug.models.translators.tiling import _unturned, painted_in_tiles
from pairaug.pairs.drawing import draw_blob_pair, draw_fundus_pair

Draw = Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]]
DRAWN: dict[str, Draw] = {"trees": lambda rng, side, _: draw_fundus_pair(rng, side), "blobs": draw_blob_pair}


def pairs(kind: str, count: int, side: int = 160, seed: int = 0) -> list[Example]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        image, mask = DRAWN[kind](rng, side, side)
        labels = np.unique(mask, return_inverse=True)[1].reshape(mask.shape).astype(np.uint8)
        found.append(Example(labels, image if image.ndim == 3 else image[..., None]))
    return found


def grafted(kind: str, count: int = 4) -> tuple[Graft, int]:
    known = pairs(kind, count)
    classes = max(int(one.labels.max()) for one in known if one.labels is not None) + 1
    assert known[0].image is not None
    model = Graft(GraftConfig(), Shape(classes, known[0].image.shape[2], 0, 0), torch.Generator())
    model.remember(known)
    return model, classes


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def planes(example: Example) -> np.ndarray:
    assert example.image is not None
    return example.image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1


def seen(region: np.ndarray, plane: np.ndarray) -> float:
    """How much of the fine structure of (H, W) a region tells: a correlation."""
    return abs(float(np.corrcoef(region.ravel(), (plane - ndimage.gaussian_filter(plane, 8)).ravel())[0, 1]))


def test_what_is_not_known_is_continued_and_what_is_known_stays() -> None:
    rows, columns = np.mgrid[:40, :60].astype(np.float32)
    slope = (0.02 * rows - 0.01 * columns)[None]
    known = np.ones((40, 60), bool)
    known[12:20, 20:30] = False
    found = push_pull(np.where(known, slope, 99), known)
    assert np.array_equal(found[:, known], slope[:, known])
    assert np.abs(found - slope).max() < 0.06
    assert not push_pull(slope, np.zeros((40, 60), bool)).any()


def test_taking_out_changes_nothing_beside_the_hole_and_takes_pixels_that_are_there() -> None:
    rng = np.random.default_rng(0)
    picture = rng.normal(0, 0.2, (2, 64, 80)).astype(np.float32)
    hole = np.zeros((64, 80), bool)
    hole[20:40, 30:50] = True
    picture[:, hole] = 5.0
    found = erased(picture, hole, rng)
    assert np.array_equal(found[:, ~hole], picture[:, ~hole])
    assert np.abs(found).max() < 2
    assert found[:, hole].std() == pytest.approx(0.2, rel=0.3)  # noise stays noise; a smooth filling has none


@pytest.mark.parametrize("hole", [np.zeros((40, 50), bool), np.ones((40, 50), bool)])
def test_a_picture_without_holes_stays_and_one_that_is_all_hole_does_not_fail(hole: np.ndarray) -> None:
    picture = np.random.default_rng(0).random((1, 40, 50)).astype(np.float32)
    found = erased(picture, hole, np.random.default_rng(1))
    assert np.isfinite(found).all()
    assert np.array_equal(found, picture) or hole.all()


def test_vessels_are_gone_where_they_were_taken_out() -> None:
    example = pairs("trees", 1, side=256)[0]
    assert example.labels is not None
    vessels = example.labels > 0
    hole = ndimage.binary_dilation(vessels, iterations=2)
    emptied = erased(planes(example), hole, np.random.default_rng(0))
    assert seen(vessels, emptied[1]) < 0.5 * seen(vessels, planes(example)[1])


@pytest.mark.parametrize("turn", range(8))
def test_a_step_in_a_turned_window_is_found_again_in_its_source(turn: int) -> None:
    picture = np.arange(400).reshape(20, 20)
    window = _turned(picture[5:15, 5:15], turn)
    for down, across in ((1, 0), (0, 1), (-2, 3)):
        step = _unturned(down, across, turn)
        other = _turned(picture[5 + step[0] : 15 + step[0], 5 + step[1] : 15 + step[1]], turn)
        assert other[5, 5] == window[5 + down, 5 + across]


@pytest.mark.parametrize("kind", DRAWN)
def test_objects_look_like_themselves_where_the_mask_has_them_and_nowhere_else(kind: str) -> None:
    """The share of grey levels that tells objects from what is around them is kept at new places."""
    model, _ = grafted(kind)
    new = pairs(kind, 1, seed=99)[0]
    assert new.labels is not None
    image = model.translate(torch.from_numpy(new.labels).long()[None], [generator(0)])[0].numpy()
    inside = new.labels > 0
    beside = ndimage.binary_dilation(inside, iterations=8) & ~ndimage.binary_dilation(inside, iterations=3)

    def contrast(picture: np.ndarray) -> np.ndarray:
        return picture[:, inside].mean(axis=1) - picture[:, beside].mean(axis=1)

    assert np.abs(contrast(image) - contrast(planes(new))).max() < 0.5 * np.abs(contrast(planes(new))).max()


def test_edges_lie_where_the_mask_has_them() -> None:
    """Moved by two pixels in any direction, the mask tells less of the picture."""
    model, _ = grafted("trees")
    labels = pairs("trees", 1, seed=99)[0].labels
    assert labels is not None
    green = model.translate(torch.from_numpy(labels).long()[None], [generator(0)])[0, 1].numpy()

    def told(down: int, across: int) -> float:
        return seen(np.roll(labels > 0, (down, across), (0, 1)), green)

    assert all(told(0, 0) > told(*step) for step in ((2, 0), (-2, 0), (0, 2), (0, -2)))


def test_a_mask_of_another_size_gets_an_image_of_its_size() -> None:
    model, _ = grafted("blobs")
    for size in ((90, 200), (300, 120), (13, 9)):
        labels = torch.zeros(1, *size, dtype=torch.int64)
        labels[:, 3:7, 2:6] = 1
        assert model.translate(labels, [generator(0)]).shape == (1, model.shape.channels, *size)


def test_pairs_without_any_object_give_backgrounds() -> None:
    empty = Example(np.zeros((40, 50), np.uint8), np.full((40, 50, 1), 90, np.uint8))
    model = Graft(GraftConfig(), Shape(2, 1, 0, 0), torch.Generator())
    model.remember([empty, empty])
    labels = torch.zeros(1, 40, 50, dtype=torch.int64)
    labels[:, 10:20, 10:20] = 1
    assert torch.allclose(model.translate(labels, [generator(0)]), torch.tensor(90 / 127.5 - 1))


def test_deep_pictures_are_kept_at_their_depth() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 50), np.uint8)
    labels[10:20, 10:30] = 1
    known = [Example(labels, rng.integers(0, 4000, (40, 50, 1), dtype=np.uint16), (0, 4095)) for _ in range(2)]
    model, other = (Graft(GraftConfig(), Shape(2, 1, 0, 0), torch.Generator()) for _ in range(2))
    model.remember(known)
    other.load_inference_state(model.inference_state())
    maps = torch.from_numpy(labels).long()[None]
    assert torch.equal(model.translate(maps, [generator(3)]), other.translate(maps, [generator(3)]))


def test_of_a_class_that_is_not_there_no_edge_is_near() -> None:
    nothing = signed_distance(np.zeros((30, 40), bool))
    assert nothing.max() < -REACH
    mask = np.zeros((30, 40), np.uint8)
    mask[15:25, 20:30] = 1
    assert not Guide.of(mask, 3).covered[:8, :12].any()  # classes 1 and 2, of which 2 is nowhere
    assert not Guide.of(np.zeros_like(mask), 3).covered.any()


def test_an_object_is_told_with_its_nested_classes_and_its_surroundings() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[5:15, 5:15], mask[8:12, 8:12], mask[25:30, 25:30] = 1, 2, 1
    first, second = things_in(mask)
    assert np.unique(first.labels).tolist() == [0, 1, 2]
    assert (second.labels > 0).sum() == 25
    assert not (first.ring & (mask[first.box] > 0)).any()


def test_of_no_pixel_more_windows_are_kept_than_there_are() -> None:
    known = pairs("blobs", 2, side=64)
    masks = [one.labels for one in known if one.labels is not None]
    found = Patchwork(masks, [planes(one) for one in known], 3)
    rng = np.random.default_rng(0)
    painted, _ = painted_in_tiles(planes(known[0]), masks[1], found, rng)
    assert painted.shape == planes(known[0]).shape


@pytest.mark.parametrize("kind", DRAWN)
def test_an_image_says_which_training_pictures_gave_its_pixels(kind: str) -> None:
    model, _ = grafted(kind)
    mask = torch.from_numpy(pairs(kind, 1, seed=9)[0].labels).long()[None]
    painted = model.paint(mask, [generator(0)], complete=False)
    images, shares = painted.images, painted.shares
    assert torch.equal(painted.labels, mask)
    assert torch.equal(images, model.translate(mask, [generator(0)]))
    assert sum(shares[0].values()) == pytest.approx(1)
    assert set(shares[0]) <= set(range(4))
    assert max(shares[0].values()) >= 1 - float((mask > 0).float().mean()) - 0.3  # the background is one picture's


def test_objects_of_one_picture_on_the_background_of_another_are_told_apart() -> None:
    black, white = (np.full((80, 80, 1), level, np.uint8) for level in (40, 200))
    disc = (np.hypot(*(np.indices((80, 80)) - 40)) < 15).astype(np.uint8)
    known = [Example(disc, np.where(disc[..., None] > 0, 120, black)), Example(np.zeros((80, 80), np.uint8), white)]
    model = Graft(GraftConfig(choosy=0.01), Shape(2, 1, 0, 0), torch.Generator())
    model.remember(known)
    seen = set()
    for seed in range(8):
        shares = model.paint(torch.from_numpy(disc).long()[None], [generator(seed)], complete=True).shares[0]
        seen.add(tuple(sorted(shares)))
        assert shares[0] >= disc.mean() * 0.9  # the disc is always of the first
    assert (0,) in seen
    assert (0, 1) in seen
