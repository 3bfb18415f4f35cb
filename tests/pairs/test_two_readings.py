"""Where a folder can be read in two ways, both are shown, and the flags shown for each really choose it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pairaug.errors import DataError
from pairaug.pairs.source import Selection, find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import draw

IDS = ("001", "002", "013")
# name -> {pattern: kind}, then the two readings as (image, mask) patterns.
AMBIGUOUS = {
    "two mask folders": (
        {"images/{}.png": "image", "masks/{}.png": "mask", "labels/{}.png": "mask"},
        {("images/{}.png", "masks/{}.png"), ("images/{}.png", "labels/{}.png")},
    ),
    "two mask folders in each split": (
        {
            f"{s}/{f}/{s[0]}{{}}.png": k
            for s in ("train", "test")
            for f, k in (("images", "image"), ("masks", "mask"), ("gt", "mask"))
        },
        {(f"{s}/images/{s[0]}{{}}.png", f"{s}/{m}/{s[0]}{{}}.png") for s in ("train", "test") for m in ("masks", "gt")},
    ),
    "two image folders": (
        {"images/{}.png": "image", "originals/{}.png": "image", "masks/{}.png": "mask"},
        {("images/{}.png", "masks/{}.png"), ("originals/{}.png", "masks/{}.png")},
    ),
    "folders of unknown names": (
        {"fotos/{}.png": "image", "anna/{}.png": "mask", "berta/{}.png": "mask"},
        {("fotos/{}.png", "anna/{}.png"), ("fotos/{}.png", "berta/{}.png")},
    ),
    "two extensions of masks": (
        {"{}.jpg": "image", "{}.png": "mask", "{}.gif": "mask"},
        {("{}.jpg", "{}.png"), ("{}.jpg", "{}.gif")},
    ),
    "two suffixes in one folder": (
        {"{}.jpg": "image", "{}_mask.png": "mask", "{}_seg.png": "mask"},
        {("{}.jpg", "{}_mask.png"), ("{}.jpg", "{}_seg.png")},
    ),
    "two suffixes in one folder, one format": (
        {"{}.png": "image", "{}_mask.png": "mask", "{}_seg.png": "mask"},
        {("{}.png", "{}_mask.png"), ("{}.png", "{}_seg.png")},
    ),
    "two formats of images": (
        {"images/{}.jpg": "image", "images/{}.png": "image", "masks/{}.png": "mask"},
        {("images/{}.jpg", "masks/{}.png"), ("images/{}.png", "masks/{}.png")},
    ),
    "two images in a sample's folder": (
        {"{}/image.png": "image", "{}/photo.png": "image", "{}/mask.png": "mask"},
        {("{}/image.png", "{}/mask.png"), ("{}/photo.png", "{}/mask.png")},
    ),
    "quotes and brackets in names": (
        {"im's [raw]/{}.png": "image", "mask's [a]/{}.png": "mask", "mask's [b]/{}.png": "mask"},
        {("im's [raw]/{}.png", "mask's [a]/{}.png"), ("im's [raw]/{}.png", "mask's [b]/{}.png")},
    ),
}
FLAGS = {"--images": "images", "--masks": "masks", "--pair": "pair", "--exclude": "exclude"}


def selection_of(detail: str) -> Selection:
    """The flags at the end of a shown reading, as the shell and the command line would take them."""
    words = shlex.split(detail[detail.index(": --") + 2 :])
    chosen = {FLAGS[flag]: value for flag, value in zip(words[::2], words[1::2], strict=True)}
    if "exclude" in chosen:
        return Selection(exclude=(chosen["exclude"],))
    return Selection(**chosen)


def refused(root: Path) -> DataError:
    with pytest.raises(DataError, match="two readings of this folder; choose one with its flags") as caught:
        find_pairs(root)
    return caught.value


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_both_readings_are_shown_and_the_flags_of_each_settle_it(name: str, tmp_path: Path) -> None:
    files, readings = AMBIGUOUS[name]
    for pattern, kind in files.items():
        for identity in IDS:
            draw(tmp_path, pattern.format(identity), kind)
    expected = {(image.format(i), mask.format(i)) for image, mask in readings for i in IDS}
    details = refused(tmp_path).details
    assert len(details) == 2
    seen: set[tuple[str, str]] = set()
    for detail in details:
        found = find_pairs(tmp_path, selection_of(detail))
        pairs = {(pair.image, pair.masks[0]) for pair in found.pairs}
        assert len(pairs) == len(expected) / 2
        assert all(len(pair.masks) == 1 for pair in found.pairs)
        assert {entry.path for entry in found.skipped} | {path for pair in pairs for path in pair} == {
            pattern.format(i) for pattern in files for i in IDS
        }
        seen |= pairs
    assert seen == expected


def test_one_stem_in_two_like_folders_is_settled_by_leaving_one_out(tmp_path: Path) -> None:
    for path, kind in {
        "train/images/a.png": "image",
        "training/images/a.png": "image",
        "train/masks/a.png": "mask",
    }.items():
        draw(tmp_path, path, kind)
    for detail in refused(tmp_path).details:
        (pair,) = find_pairs(tmp_path, selection_of(detail)).pairs
        assert detail.startswith(f"{pair.image} with {pair.masks[0]}: ")


def test_the_command_line_exits_3_and_shows_both(cli: Cli, tmp_path: Path) -> None:
    for path, kind in {"images/a.png": "image", "masks/a.png": "mask", "gt/a.png": "mask"}.items():
        draw(tmp_path, path, kind)
    ran = cli("check", tmp_path)
    assert ran.code == 3
    assert "1 pairs such as images/a.png with gt/a.png: --images images --masks gt" in ran.err
    assert cli("check", tmp_path, "--images", "images", "--masks", "gt").code == 0
