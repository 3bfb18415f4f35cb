"""With --images and --masks every file is named; what is a pair then follows from the names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairaug.pairs.source import Selection, find_pairs
from tests.pairs.drawn import draw

NUMBERS = ("001", "002", "013")
# images glob, masks glob, {image: mask}, {other file: kind}
NAMED: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "MVTec": (
        "test",
        "ground_truth",
        {f"grid/test/{k}/{i}.png": f"grid/ground_truth/{k}/{i}_mask.png" for k in ("bent", "torn") for i in NUMBERS},
        {f"grid/{s}/good/{i}.png": "image" for s in ("train", "test") for i in NUMBERS},
    ),
    "GlaS": (
        "*[0-9].bmp",
        "*_anno.bmp",
        {f"{s}_{i}.bmp": f"{s}_{i}_anno.bmp" for s in ("train", "testA") for i in "12"},
        {},
    ),
    "left lungs": (
        "CXR_png",
        "leftMask",
        {f"CXR_png/MCX_{i}_0.png": f"ManualMask/leftMask/MCX_{i}_0.png" for i in NUMBERS},
        {f"ManualMask/rightMask/MCX_{i}_0.png": "mask" for i in NUMBERS},
    ),
    "Pets": (
        "images",
        "trimaps",
        {f"images/{i}.jpg": f"annotations/trimaps/{i}.png" for i in ("beagle_1", "pug_12", "pug_3")},
        {},
    ),
    "Cityscapes": (
        "leftImg8bit",
        "*_labelIds.png",
        {
            f"leftImg8bit/train/{c}/{c}_{i}_leftImg8bit.png": f"gtFine/train/{c}/{c}_{i}_gtFine_labelIds.png"
            for c in ("aachen", "ulm")
            for i in NUMBERS
        },
        {},
    ),
    "Cell Tracking Challenge": (
        "0[12]",
        "SEG",
        {f"{s}/t{i}.tif": f"{s}_GT/SEG/man_seg{i}.tif" for s in ("01", "02") for i in NUMBERS},
        {f"{s}_GT/TRA/man_track{i}.tif": "mask" for s in ("01", "02") for i in NUMBERS},
    ),
    "IDRiD": (
        "1. Original Images",
        "1. Microaneurysms",
        {
            f"1. Original Images/{s}/IDRiD_{i}.jpg": f"2. All Groundtruths/{s}/1. Microaneurysms/IDRiD_{i}_MA.tif"
            for s, ids in (("a. Training Set", ("01", "02")), ("b. Testing Set", ("55", "56")))
            for i in ids
        },
        {f"2. All Groundtruths/a. Training Set/2. Haemorrhages/IDRiD_{i}_HE.tif": "mask" for i in ("01", "02")},
    ),
    "REFUGE": (
        "Training400",
        "Disc_Cup_Masks",
        {
            f"Training400/{k}/{i}.jpg": f"Annotation-Training400/Disc_Cup_Masks/{k}/{i}.bmp"
            for k, ids in (("Glaucoma", ("g0001", "g0002")), ("Non-Glaucoma", ("n0001", "n0002")))
            for i in ids
        },
        {},
    ),
    "leading zeros": ("images", "masks", {f"images/{i}.png": f"masks/{i:03}.png" for i in (1, 2, 13)}, {}),
    "numbers behind words": ("p", "q", {f"p/image{i}.png": f"q/mask{i:02}.png" for i in (1, 2, 13)}, {}),
    "one class of several": (
        "image.png",
        "liver.png",
        {f"{s}/image.png": f"{s}/liver.png" for s in ("p1", "p2", "p3")},
        {f"{s}/spleen.png": "mask" for s in ("p1", "p2", "p3")},
    ),
    "one and one": ("scan.png", "drawn.png", {"scan.png": "drawn.png"}, {}),
}


@pytest.mark.parametrize("name", NAMED)
def test_files_pair_by_what_the_names_of_one_side_do_not_share(name: str, tmp_path: Path) -> None:
    images, masks, pairs, others = NAMED[name]
    for image, mask in pairs.items():
        draw(tmp_path, image, "image")
        draw(tmp_path, mask, "mask")
    for path, kind in others.items():
        draw(tmp_path, path, kind)
    found = find_pairs(tmp_path, Selection(images=images, masks=masks))
    assert {pair.image: pair.mask for pair in found.pairs} == pairs


def test_a_name_that_tells_two_masks_apart_only_by_its_folder_pairs_neither(tmp_path: Path) -> None:
    for path, kind in {
        "in/1.png": "image",
        "in/2.png": "image",
        "out/a/1.png": "mask",
        "out/b/1.png": "mask",
        "out/a/2.png": "mask",
    }.items():
        draw(tmp_path, path, kind)
    found = find_pairs(tmp_path, Selection(images="in", masks="out/a"))
    assert {pair.image: pair.mask for pair in found.pairs} == {"in/1.png": "out/a/1.png", "in/2.png": "out/a/2.png"}


ENDINGS = """_anno _binary _matte _msk _lab -labelled _bw _fg _region _outlined _tissue _nuclei _cells _vessels _tumor
_gt .mask _Mask _annotated _labelmap _groundtruth _ground_truth _L _m -seg _segm (mask) _segmented _classes _polygon
_drawn _liver""".split()  # noqa: SIM905


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_in_a_shared_folder_one_constant_ending_makes_the_masks(ending: str, suffix: str, tmp_path: Path) -> None:
    for number in NUMBERS:
        draw(tmp_path, f"{number}{suffix}", "image")
        draw(tmp_path, f"{number}{ending}.png", "mask")
    found = find_pairs(tmp_path)
    assert {pair.image: pair.mask for pair in found.pairs} == {f"{n}{suffix}": f"{n}{ending}.png" for n in NUMBERS}


def test_an_ending_of_pictures_is_no_mask(tmp_path: Path) -> None:
    for number in NUMBERS:
        draw(tmp_path, f"{number}.png", "image")
        draw(tmp_path, f"{number}_sharpened.png", "image")
        draw(tmp_path, f"{number}_outlined.png", "mask")
    found = find_pairs(tmp_path)
    assert {pair.image: pair.mask for pair in found.pairs} == {f"{n}.png": f"{n}_outlined.png" for n in NUMBERS}


def test_a_number_is_not_another_with_an_ending(tmp_path: Path) -> None:
    for number in ("1", "10", "100", "2"):
        draw(tmp_path, f"{number}.png", "image")
        draw(tmp_path, f"{number}_x.png", "mask")
    assert len(find_pairs(tmp_path).pairs) == 4
