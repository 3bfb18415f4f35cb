"""Label values: which are classes, which are dirt, what is refused with which words, and that each remedy works."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from pairaug.errors import DataError
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes
from pairaug.pairs.decoding import COLOUR
from pairaug.pairs.labels import Cleaning, LabelMap, count_values, find_label_map, parse_label
from pairaug.pairs.source import find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import classes, photograph

SIDE = 64


def save_pairs(root: Path, masks: list[np.ndarray | Image.Image], suffix: str = ".png") -> Path:
    """``masks`` with a photograph each, as images|masks."""
    for number, mask in enumerate(masks):
        picture = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        for folder, one, ending in (
            ("images", Image.fromarray(photograph(number, *picture.size)), ".png"),
            ("masks", picture, suffix),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            one.save(root / folder / f"{number:03d}{ending}")
    return root


def binary(seed: int) -> np.ndarray:
    return classes(seed, 2, SIDE, SIDE) * np.uint8(255)


def large(seed: int) -> np.ndarray:
    grown: np.ndarray = ndimage.binary_dilation(binary(seed) > 0, iterations=5)
    return grown.astype(np.uint8) * np.uint8(255)


def ramps(seed: int) -> np.ndarray:
    """A soft hill on a ground of 0."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.clip(253 - 9 * np.hypot(x - 20 - seed, y - 30), 0, None).astype(np.uint8)


def checked(root: Path, **cleaning: object) -> Checked:
    return check_pairs(find_pairs(root), CheckPolicy(cleaning=Cleaning(**cleaning)))  # type: ignore[arg-type]


def refusal(root: Path, **cleaning: object) -> DataError:
    with pytest.raises(DataError) as caught:
        checked(root, **cleaning)
    return caught.value


def test_any_set_of_values_becomes_classes_and_comes_back_exactly() -> None:
    values = (7, 0, 3, 65535, COLOUR + 5)
    label_map = LabelMap(values)
    raw = np.random.default_rng(0).choice(values, (9, 7)).astype(np.int32)
    drawn = label_map.to_classes(raw)
    assert {int(drawn[raw == value][0]) for value in values} == set(range(5))
    np.testing.assert_array_equal(label_map.to_values(drawn), raw)


def test_a_value_without_a_class_is_named() -> None:
    with pytest.raises(DataError, match=r"label values \{9\} are not among \{0, 255\}"):
        LabelMap((0, 255)).to_classes(np.array([[0, 9]], np.int32))


def test_values_are_counted() -> None:
    assert count_values(np.array([[3, 0], [3, 3]], np.int32)) == {0: 1, 3: 3}
    assert count_values(np.array([[COLOUR + 9, 1]], np.int32)) == {1: 1, COLOUR + 9: 1}


@pytest.mark.parametrize(("text", "value"), [("7", 7), (" 255", 255), ("#ff0000", COLOUR + 0xFF0000), ("#070707", 7)])
def test_a_value_is_written_as_a_number_or_a_colour(text: str, value: int) -> None:
    assert parse_label(text) == value


def test_stray_values_are_refused_with_file_value_count_and_flag(tmp_path: Path) -> None:
    masks = [binary(seed) for seed in range(6)]
    masks[2][0, :3] = 7
    masks[4][5, 5] = 254
    error = refusal(save_pairs(tmp_path, masks))
    assert error.message == (
        "stray label values in 2 of 6 masks beside {0, 255}; move each to the nearest with --labels 0,255 "
        "or --threshold 128, or take all of them for classes with --labels all"
    )
    assert error.details == ("masks/002.png: 7 (3 px)", "masks/004.png: 254 (1 px)")
    for flags in ({"labels": (0, 255)}, {"threshold": 128}):
        assert checked(tmp_path, **flags).label_map.values == (0, 255)
    assert checked(tmp_path, as_found=True).label_map.values == (0, 7, 254, 255)


def test_a_jpeg_mask_is_refused_with_the_flag_that_cleans_it(tmp_path: Path) -> None:
    masks = [large(seed) for seed in range(4)]
    root = save_pairs(tmp_path, list(masks), ".jpg")
    error = refusal(root)
    assert "stray label values in 4 of 4 masks beside {0, 255}" in error.message
    assert "--threshold 128" in error.message
    cleaned = checked(root, threshold=128)
    assert cleaned.label_map.values == (0, 255)
    policy = CheckPolicy(cleaning=Cleaning(threshold=128))
    for item, mask in zip(cleaned.pairs, masks, strict=True):
        np.testing.assert_array_equal(load_classes(root, item, policy, cleaned.label_map), mask // 255)


def test_a_jpeg_mask_that_kept_its_two_values_is_read(tmp_path: Path) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[16:48, 16:48] = 255  # whole blocks of 8 pixels
    assert checked(save_pairs(tmp_path, [mask] * 5, ".jpg")).label_map.values == (0, 255)


def test_smoothed_edges_are_not_taken_for_classes(tmp_path: Path) -> None:
    soft = [Image.fromarray(large(seed)).filter(ImageFilter.GaussianBlur(0.7)) for seed in range(8)]
    error = refusal(save_pairs(tmp_path, list(soft)))
    assert "stray label values in 8 of 8 masks beside {0, 255}" in error.message
    assert "--threshold 128" in error.message


def test_masks_without_a_firm_value_are_refused_with_the_flag_that_cuts_them(tmp_path: Path) -> None:
    error = refusal(save_pairs(tmp_path, [ramps(seed) for seed in range(5)]))
    assert "if they are soft, --threshold 127 cuts them" in error.message
    assert checked(tmp_path, threshold=127).label_map.values == (0, 255)


def test_rare_classes_that_many_masks_hold_are_classes(tmp_path: Path) -> None:
    masks = [binary(seed) // 255 for seed in range(6)]
    for mask in masks:
        mask[:2, :2] = 2  # 4 pixels of 4096: a lesion
    assert checked(save_pairs(tmp_path, masks)).label_map.values == (0, 1, 2)


def test_numbered_objects_are_refused_with_the_flag_that_joins_them(tmp_path: Path) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for number in range(60):
        mask[number // 10 * 8 : number // 10 * 8 + 4, number % 10 * 6 : number % 10 * 6 + 4] = number + 1
    error = refusal(save_pairs(tmp_path, [mask] * 5))
    assert "the masks hold 61 values {0, 1, 2" in error.message
    assert "if they number objects, --threshold 1 joins these" in error.message
    assert checked(tmp_path, threshold=1).label_map.values == (0, 255)
    assert len(checked(tmp_path, as_found=True).label_map.values) == 61


def test_photographs_in_place_of_masks_are_refused_one_by_one(tmp_path: Path) -> None:
    root = save_pairs(tmp_path, [Image.fromarray(photograph(seed, SIDE, SIDE)) for seed in range(5)])
    error = refusal(root)
    assert error.message.startswith("5 of 5 pairs cannot be used")
    assert error.details[0].startswith("masks/000.png: ")
    assert "more than the 256 classes there can be" in error.details[0]
    assert "if it is a picture, name the masks with --masks" in error.details[0]


def test_more_values_than_classes_are_refused_even_if_all_are_meant(tmp_path: Path) -> None:
    ramp = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
    error = refusal(save_pairs(tmp_path / "one", [ramp] * 5), as_found=True)
    assert "masks/000.png: 4096 values {0, 1, 2" in error.details[0]
    assert "--threshold 1 joins these" in error.details[0]
    error = refusal(save_pairs(tmp_path / "all", [ramp // 32 + 100 * step for step in range(5)]), as_found=True)
    assert error.message.startswith("the masks together: 528 values {0, 1, 2")


def test_empty_masks_are_counted_and_all_empty_is_refused(tmp_path: Path) -> None:
    masks = [binary(seed) * np.uint8(seed % 2) for seed in range(6)]
    assert "3 of 6 masks are empty, such as masks/000.png" in checked(save_pairs(tmp_path / "some", masks)).warnings
    error = refusal(save_pairs(tmp_path / "all", [mask * 0 for mask in masks]))
    assert error.message == (
        "all 6 masks are empty: every pixel has the value 0; give other masks with --masks or --pair"
    )


def test_inverted_masks_are_noticed_and_background_settles_them(tmp_path: Path) -> None:
    root = save_pairs(tmp_path, [255 - binary(seed) for seed in range(6)])
    inverted = checked(root)
    (warning,) = [text for text in inverted.warnings if "inverted" in text]
    assert "0 is taken for the background but covers only" in warning
    assert "--background 255" in warning
    settled = checked(root, background=255)
    assert settled.label_map.values == (255, 0)
    assert not [text for text in settled.warnings if "inverted" in text]
    first = settled.pairs[0]
    drawn = load_classes(root, first, settled.policy, settled.label_map)
    np.testing.assert_array_equal(drawn, binary(0) // 255)
    # the files keep their own polarity: nothing but the numbering of classes has changed
    np.testing.assert_array_equal(settled.label_map.to_values(drawn), 255 - binary(0).astype(np.int32))


def test_a_background_that_does_not_occur_is_refused(tmp_path: Path) -> None:
    error = refusal(save_pairs(tmp_path, [binary(seed) for seed in range(5)]), background=7)
    assert error.message == "--background 7: the masks hold {0, 255}; choose of these"


def voc_mask(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A mask {0, 1, 15} and the same with borders of 255 around its objects."""
    mask = np.array([0, 1, 15], np.uint8)[classes(seed, 3, SIDE, SIDE)]
    border = ndimage.binary_dilation(mask > 0) ^ ndimage.binary_erosion(mask > 0)
    return mask, np.where(border, 255, mask).astype(np.uint8)


def test_without_a_flag_the_ignored_value_is_a_class_like_others(tmp_path: Path) -> None:
    assert checked(save_pairs(tmp_path, [voc_mask(s)[1] for s in range(5)])).label_map.values == (0, 1, 15, 255)


def test_ignored_pixels_take_the_nearest_label_and_their_value_is_gone(tmp_path: Path) -> None:
    root = save_pairs(tmp_path, [voc_mask(seed)[1] for seed in range(5)])
    settled = checked(root, ignore=(255,))
    assert settled.label_map.values == (0, 1, 15)
    for seed, item in enumerate(settled.pairs):
        whole, bordered = voc_mask(seed)
        filled = settled.label_map.to_values(load_classes(root, item, settled.policy, settled.label_map))
        annotated = bordered != 255
        np.testing.assert_array_equal(filled[annotated], bordered[annotated])
        # a border of two pixels is split between the object and the ground, so nothing else than these can be there
        assert set(np.unique(filled)) == set(np.unique(whole))
        assert (filled != whole).mean() < 0.05


def test_a_mask_of_ignored_pixels_alone_is_refused(tmp_path: Path) -> None:
    root = save_pairs(tmp_path, [*(voc_mask(seed)[1] for seed in range(5)), np.full((SIDE, SIDE), 255, np.uint8)])
    error = refusal(root, ignore=(255,))
    assert error.details == (
        "masks/005.png: every pixel has a value of --ignore-label, so nothing is annotated; leave the pair out",
    )


def test_colours_go_to_the_nearest_colour(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    masks = [colours[classes(seed, 3, SIDE, SIDE)] for seed in range(6)]
    masks[1][0, 0] = [250, 3, 9]
    error = refusal(save_pairs(tmp_path, list(masks)))
    assert "beside {0, #00ff00, #ff0000}" in error.message
    assert "--labels 0,#00ff00,#ff0000" in error.message
    labels = tuple(parse_label(text) for text in ("0", "#00ff00", "#ff0000"))
    settled = checked(tmp_path, labels=labels)
    assert settled.label_map.values == labels
    assert load_classes(tmp_path, settled.pairs[1], settled.policy, settled.label_map)[0, 0] == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--labels", "5"), "--labels 5: needs at least two values, or 'all'"),
        (("--labels", "a,b"), "--labels a,b: must be values such as 0,128,255 or #000000,#ff0000"),
        (("--labels", "-1,3"), "--labels -1,3: no label value is below 0"),
        (("--labels", "0,255", "--threshold", 3), "--threshold and --labels exclude each other; give one"),
        (("--background", "0,1"), "--background 0,1: must be one value"),
        (("--ignore-label", "x"), "--ignore-label x: must be values such as"),
        (("--glued", "top"), "--glued top: must be 'left' or 'right', the side of the mask"),
        (("--alpha", "keep"), "--alpha keep: must be refuse, drop or mask"),
        (("--max-pixels", 0), "--max-pixels 0: must be 1 or more"),
    ],
)
def test_a_flag_that_cannot_be_is_a_usage_error(cli: Cli, flags: tuple[object, ...], words: str) -> None:
    ran = cli("check", ".", *flags)
    assert ran.code == 2
    assert words in ran.err


def test_the_flags_reach_the_check(cli: Cli, tmp_path: Path) -> None:
    root = save_pairs(tmp_path / "set", [255 - voc_mask(seed)[1] for seed in range(5)])  # ignored: 0, ground: 255
    ran = cli("check", root, "--ignore-label", "0", "--background", "255", "--json")
    assert json.loads(ran.out)["label_values"] == [255, 240, 254]


def test_masks_of_one_value_each_still_make_two_classes() -> None:
    assert find_label_map({"a": {0: 10}, "b": {255: 10}}, Cleaning()).values == (0, 255)
