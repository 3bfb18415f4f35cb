"""Images without masks: which files of a folder or of a list they are, and that each is decoded beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pairaug.errors import DataError
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.pair import Found
from pairaug.pairs.source import Selection
from pairaug.pairs.unlabelled import check_images, find_images
from tests.pairs.drawn import draw


def drawn(root: Path, *paths: str) -> Path:
    """Masks where the path says so, images elsewhere."""
    for path in paths:
        draw(root, path, "mask" if "mask" in path or "gt" in path else "image")
    return root


def images(root: Path) -> list[str]:
    return [pair.image for pair in find_images(root, Selection()).pairs]


@pytest.mark.parametrize(
    ("images_in", "masks_in"),
    [
        (["a.png", "b.png"], []),
        (["images/1.png", "images/2.png", "images/3.png"], ["masks/1.png"]),
        (["1.jpg", "2.jpg", "3.jpg"], ["1_mask.png", "2_mask.png", "3_mask.png"]),
        (["site/1.bmp", "site/2.bmp", "site/3.bmp"], ["site/1_gt.png", "site/2_gt.png", "site/3_gt.png"]),
        (["train/images/1.png", "test/images/2.png"], ["train/masks/1.png", "test/masks/2.png"]),
        (["images/1.png", "images/2.png"], ["masks/9.png"]),
        (["images/1.png", "images/2.png", "more/7.png"], ["masks/1.png", "masks/2.png"]),
    ],
)
def test_the_images_of_a_folder_are_found_and_its_masks_are_none(
    images_in: list[str], masks_in: list[str], tmp_path: Path
) -> None:
    root = drawn(tmp_path / "set", *images_in, *masks_in)
    found = find_images(root, Selection())
    assert sorted(pair.image for pair in found.pairs) == sorted(images_in)
    assert all(pair.masks == () and pair.split is None for pair in found.pairs)
    assert {entry.path for entry in found.skipped} == set(masks_in)


def test_masks_in_words_that_nobody_knows_are_told_by_their_content(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for stem in ("1", "2", "3"):
        draw(root, f"foto/{stem}.png", "image")
        draw(root, f"zeichnung/{stem}.png", "mask")
    assert images(root) == ["foto/1.png", "foto/2.png", "foto/3.png"]


def test_a_folder_of_masks_alone_holds_no_images(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", "masks/1.png", "masks/2.png")
    with pytest.raises(DataError, match="holds no image, or masks alone; give a folder of images, or a list"):
        find_images(root, Selection())


def test_two_readings_of_the_masks_are_no_question_for_images(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", *(f"{name}/{n}.png" for n in (1, 2) for name in ("images", "mask_a", "mask_b")))
    assert images(root) == ["images/1.png", "images/2.png"]


@pytest.mark.parametrize("form", ["{image}", "{image}\t{mask}", '{{"image": "{image}"}}', '{{"file_name": "{image}"}}'])
def test_a_list_names_images_and_the_masks_in_it_are_not_looked_at(form: str, tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", "x/1.png", "y/2.png")
    lines = [form.format(image=root / path, mask="nowhere.png") + "\n" for path in ("x/1.png", "y/2.png")]
    found = find_images("list.txt", Selection(), lines)
    assert (found.root, [(pair.image, pair.masks) for pair in found.pairs]) == (
        root,
        [("x/1.png", ()), ("y/2.png", ())],
    )


def test_a_set_that_lists_its_pairs_gives_their_images(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", "p/1.png", "q_mask/1.png", "p/stray.png")
    (root / "metadata.jsonl").write_text(json.dumps({"file_name": "p/1.png", "mask_file_name": "q_mask/1.png"}) + "\n")
    assert images(root) == ["p/1.png"]


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ([], "the list is empty; each line is the path of an image"),
        (["nowhere.png"], "1 listed files do not exist, such as .*nowhere.png"),
        (["{}"], 'line 1: needs "image"'),
        (["{x"], "line 1: not JSON"),
    ],
)
def test_a_list_that_names_no_images_is_refused(lines: list[str], refusal: str) -> None:
    with pytest.raises(DataError, match=refusal):
        find_images("list.txt", Selection(), lines)


def test_groups_are_found_in_the_names(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", "eye3_a.png", "eye3_b.png", "eye4_a.png")
    found = find_images(root, Selection(group_by=r"eye\d"))
    assert [pair.group for pair in found.pairs] == ["eye3", "eye3", "eye4"]


def damaged(tmp_path: Path) -> Found:
    root = drawn(tmp_path / "set", "a.png", "b.png")
    (root / "b.png").write_bytes((root / "b.png").read_bytes()[:90])
    return find_images(root, Selection())


def test_an_image_that_does_not_decode_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sites: 1 of 2 images cannot be used; mend them, or .* --skip-bad") as refusal:
        check_images("sites", damaged(tmp_path), DecodePolicy(), skip_bad=False)
    assert "b.png" in refusal.value.details[0]


def test_an_image_that_does_not_decode_may_be_left_out(tmp_path: Path) -> None:
    checked = check_images("sites", damaged(tmp_path), DecodePolicy(), skip_bad=True)
    assert [item.pair.image for item in checked.images] == ["a.png"]
    assert [entry.path for entry in checked.bad] == ["b.png"]
    assert checked.images[0].digest
