"""Examples out of a data set: whole or resized, with or without masks, decoded again where memory is short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.arrays import examples as module
from pairaug.arrays.crops import bounds, cut, draw_place
from pairaug.arrays.examples import Examples
from pairaug.models.base import Example
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.source import Selection, find_pairs
from pairaug.pairs.unlabelled import check_images, find_images


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    """Four pairs of four sizes, no two alike."""
    rng = np.random.default_rng(0)
    for number in range(4):
        size = (20 + number, 30 - number)
        for folder, pixels in (
            ("images", rng.integers(0, 256, (*size, 3), np.uint8)),
            ("masks", (rng.random(size) < 0.3).astype(np.uint8) * 255),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    return check_pairs(find_pairs(tmp_path), CheckPolicy())


def test_an_example_has_its_own_size_unless_one_is_asked_for(checked: Checked) -> None:
    own, resized = Examples(checked, 3), Examples(checked, 3, (16, 24))
    assert [one.image.shape for one in own] == [(20 + n, 30 - n, 3) for n in range(4)]
    assert {one.image.shape for one in resized} == {(16, 24, 3)}
    assert {one.labels.shape for one in resized} == {(16, 24)}
    assert Examples(checked, 0)[0].image is None


def test_images_without_masks_come_after_the_pairs_with_what_is_found_in_them(checked: Checked) -> None:
    found = find_images(checked.root / "images", Selection())
    images = check_images("images", found, DecodePolicy(), skip_bad=False)
    found_in = [np.eye(20 + number, 30 - number, dtype=np.uint8) for number in range(4)]
    both = Examples(checked, 3, unlabelled=images, found=found_in)
    assert len(both) == 8
    assert [one.labels is None for one in both] == [False] * 4 + [True] * 4
    assert np.array_equal(both[5].image, both[1].image)
    assert np.array_equal(both[5].found, found_in[1])
    assert both[1].found is None
    small = Examples(checked, 3, (10, 12), unlabelled=images, found=found_in)
    assert small[6].found.shape == (10, 12)


def test_what_does_not_fit_into_memory_is_decoded_again_and_the_same(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    load = module.load_image
    monkeypatch.setattr(
        module, "load_image", lambda root, item, policy: decoded.append(item.pair.image) or load(root, item, policy)
    )
    whole = list(Examples(checked, 3))
    assert len(decoded) == 4
    short = Examples(checked, 3, cache_bytes=2 * 30 * 24 * 4)
    for _ in range(2):
        assert all(np.array_equal(a.image, b.image) for a, b in zip(short, whole, strict=True))
    assert len(decoded) == 12
    assert short._held <= short._room
    roomy = Examples(checked, 3)
    assert len([*roomy, *roomy]) == 8
    assert len(decoded) == 16


def test_a_crop_shows_mask_and_image_of_the_same_place() -> None:
    labels = np.arange(70, dtype=np.uint8).reshape(7, 10)
    example = Example(labels, np.repeat(labels[..., None], 3, axis=2))
    for turns in range(4):
        part = cut(example, (2, 3), (4, 4), turns, flip=turns % 2 == 1)
        assert np.array_equal(part.labels, part.image[..., 1])
        assert sorted(part.labels.ravel()) == sorted(labels[2:6, 3:7].ravel())
    assert bounds((2, 3), (4, 4), (7, 10)) == pytest.approx((2 / 7, 0.3, 6 / 7, 0.7))


def test_a_crop_larger_than_its_picture_is_filled_with_the_picture_mirrored() -> None:
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    part = cut(Example(labels), draw_place(np.random.default_rng(0), (2, 3), (4, 5)), (4, 5))
    assert part.labels.tolist() == [[0, 1, 2, 2, 1], [3, 4, 5, 5, 4], [3, 4, 5, 5, 4], [0, 1, 2, 2, 1]]


def test_places_reach_every_edge() -> None:
    rng = np.random.default_rng(0)
    places = {draw_place(rng, (6, 4), (4, 3)) for _ in range(200)}
    assert places == {(top, left) for top in range(3) for left in range(2)}
