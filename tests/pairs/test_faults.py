"""What goes wrong with input folders, and what is then said: every file listed, each with what, value and remedy."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.checking import CheckPolicy, check_pairs
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.pair import Found
from pairaug.pairs.source import Selection, find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import HEIGHT, WIDTH, classes, draw, photograph


def siblings(root: Path, *stems: str) -> Path:
    for stem in stems or ("a", "b", "c", "d", "e"):
        draw(root, f"images/{stem}.png", "image")
        draw(root, f"masks/{stem}.png", "mask")
    return root


def refused(found: Found) -> DataError:
    with pytest.raises(DataError) as caught:
        check_pairs(found, CheckPolicy())
    return caught.value


def reasons(found: Found) -> dict[str, str]:
    return {entry.path: entry.reason for entry in found.skipped}


def test_every_bad_file_is_listed_at_once_and_skip_bad_goes_on(cli: Cli, tmp_path: Path) -> None:
    root = siblings(tmp_path / "set")
    cut = (root / "images/b.png").read_bytes()
    (root / "images/b.png").write_bytes(cut[: len(cut) // 2])
    (root / "masks/d.png").write_text("nothing to see\n")
    error = refused(find_pairs(root))
    assert error.message == "2 of 5 pairs cannot be used; mend them, or leave them out with --skip-bad"
    assert [("images/b.png" in detail, "masks/d.png" in detail) for detail in error.details] == [
        (True, False),
        (False, True),
    ]
    ran = cli("check", root, "--skip-bad")
    assert ran.code == 8
    assert "pairs         3" in ran.out
    assert "images/b.png" in ran.err


def test_a_text_in_place_of_a_mask_is_refused_but_beside_the_pairs_it_is_passed_over(tmp_path: Path) -> None:
    root = siblings(tmp_path)
    draw(root, "images/alone.png", "text")
    draw(root, "notes.txt", "text")
    found = find_pairs(root)
    assert len(check_pairs(found, CheckPolicy()).pairs) == 5
    assert reasons(found) == {"images/alone.png": "an image without a mask", "notes.txt": "not an image file (.txt)"}


def test_pairs_of_different_size_are_all_listed_with_both_sizes(tmp_path: Path) -> None:
    root = siblings(tmp_path)
    for stem in "bd":
        Image.fromarray(classes(1, 2, 30, 20)).save(root / f"masks/{stem}.png")
    assert list(refused(find_pairs(root)).details) == [
        f"images/{stem}.png is {WIDTH}x{HEIGHT} but masks/{stem}.png is 30x20; bring both to one size" for stem in "bd"
    ]


def test_an_image_turned_by_exif_is_compared_as_it_is_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    root = siblings(tmp_path)
    Image.fromarray(photograph(1)).save(root / "images/a.png", exif=exif)
    (detail,) = refused(find_pairs(root)).details
    assert detail.startswith(f"images/a.png is {HEIGHT}x{WIDTH} but masks/a.png is {WIDTH}x{HEIGHT}")


def test_masks_of_one_image_must_have_one_size(tmp_path: Path) -> None:
    draw(tmp_path, "benign (1).png", "image")
    draw(tmp_path, "benign (1)_mask.png", "mask")
    Image.fromarray(classes(1, 2, 30, 20)).save(tmp_path / "benign (1)_mask_1.png")
    (detail,) = refused(find_pairs(tmp_path)).details
    assert "benign (1)_mask_1.png is 30x20 but benign (1)_mask.png, a mask of the same image, is 48x40" in detail


def test_masks_of_several_classes_are_not_united(tmp_path: Path) -> None:
    draw(tmp_path, "benign (1).png", "image")
    for number, name in enumerate(("benign (1)_mask.png", "benign (1)_mask_1.png")):
        Image.fromarray(classes(number, 3)).save(tmp_path / name)
    (detail,) = refused(find_pairs(tmp_path)).details
    assert "hold several values {0, 1, 2} and cannot be united" in detail
    assert "--masks" in detail
    assert check_pairs(find_pairs(tmp_path), CheckPolicy(cleaning=Cleaning(threshold=1))).label_map.classes == 2


def test_links_to_folders_are_not_followed_and_links_out_are_not_read(tmp_path: Path) -> None:
    root, outside = siblings(tmp_path / "set"), siblings(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "images/out.png").symlink_to(outside / "images/a.png")
    (root / "masks/out.png").symlink_to(outside / "masks/a.png")
    (root / "images/self.png").symlink_to("self.png")
    (root / "images/gone.png").symlink_to("nowhere.png")
    (root / "masks/within.png").symlink_to("a.png")
    draw(root, "images/within.png", "image")
    found = find_pairs(root)
    assert [pair.image for pair in found.pairs] == [f"images/{s}.png" for s in ("a", "b", "c", "d", "e", "within")]
    leads = "a link that leads out of the folder, or nowhere"
    assert reasons(found) == {"loop": "a link to a folder"} | dict.fromkeys(
        ("images/out.png", "masks/out.png", "images/self.png", "images/gone.png"), leads
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    root = siblings(tmp_path)
    os.mkfifo(root / "images/pipe.png")
    draw(root, "masks/pipe.png", "mask")
    found = find_pairs(root)
    assert len(found.pairs) == 5
    assert reasons(found) == {"images/pipe.png": "not a plain file", "masks/pipe.png": "a mask without an image"}


def test_hidden_files_and_augmented_sets_are_not_part_of_the_input(tmp_path: Path) -> None:
    root = siblings(tmp_path)
    siblings(root / "augmented")
    for name in ("manifest.json", "metadata.jsonl"):
        (root / "augmented" / name).write_text("{}")
    draw(root, ".cache/images/a.png", "image")
    draw(root, "__MACOSX/images/a.png", "image")
    draw(root, "images/._a.png", "text")
    found = find_pairs(root)
    assert len(found.pairs) == 5
    assert reasons(found) == {"augmented": "an augmented data set"}


def test_names_equal_but_for_case_are_refused_showing_both(tmp_path: Path) -> None:
    root = siblings(tmp_path, "a", "b")
    draw(root, "images/B.png", "image")
    draw(root, "masks/B.png", "mask")
    if len(list((root / "images").iterdir())) < 3:
        pytest.skip("this file system does not tell upper from lower case")
    with pytest.raises(DataError, match=r"images/B\.png and images/b\.png differ in upper and lower case .*; rename"):
        find_pairs(root)


@pytest.mark.parametrize("stem", ["é ü (2)", "名前", "a'b\"c", "{id}", "-n", "a&b;c", "%s", "x" * 200])
def test_odd_names_pair_like_others(stem: str, tmp_path: Path) -> None:
    found = find_pairs(siblings(tmp_path, stem, "other"))
    assert len(check_pairs(found, CheckPolicy()).pairs) == 2
    assert {pair.image_template for pair in found.pairs} == {"images/{id}.png"}


def test_two_kinds_of_masks_are_refused_and_the_flags_of_each_choose_it(tmp_path: Path) -> None:
    for part, values in (("one", (0, 255)), ("two", (0, 1, 2))):
        for stem in "abc":
            draw(tmp_path, f"{part}/images/{stem}.png", "image")
            (tmp_path / part / "masks").mkdir(exist_ok=True)
            drawn = np.array(values, np.uint8)[classes(ord(stem), len(values))]
            Image.fromarray(drawn).save(tmp_path / part / "masks" / f"{stem}.png")
    error = refused(find_pairs(tmp_path))
    assert error.message.startswith("two kinds of masks in one data set")
    for detail, values in zip(error.details, ((0, 255), (0, 1, 2)), strict=True):
        words = shlex.split(detail[detail.index(": --") + 2 :])
        found = find_pairs(tmp_path, Selection(only=tuple(words[1::2])))
        assert check_pairs(found, CheckPolicy()).label_map.values == values
    everything = CheckPolicy(cleaning=Cleaning(as_found=True))
    assert check_pairs(find_pairs(tmp_path), everything).label_map.values == (0, 1, 2, 255)


def test_a_folder_without_foreground_is_no_second_kind(tmp_path: Path) -> None:
    siblings(tmp_path / "benign")
    for stem in "xyz":
        draw(tmp_path, f"normal/images/{stem}.png", "image")
        draw(tmp_path, f"normal/masks/{stem}.png", "empty")
    assert check_pairs(find_pairs(tmp_path), CheckPolicy()).label_map.values == (0, 255)


def test_one_image_listed_under_two_names_is_noticed(tmp_path: Path) -> None:
    root = siblings(tmp_path)
    (root / "images/b.png").write_bytes((root / "images/a.png").read_bytes())
    warnings = check_pairs(find_pairs(root), CheckPolicy()).warnings
    assert "1 images occur twice, such as images/b.png and images/a.png" in warnings


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("nowhere",), "nowhere: does not exist; give a folder of pairs, '-' or --list FILE"),
        (("images/a.png",), "images/a.png: is not a folder; give the folder that holds images and masks"),
        (("masks",), "masks: no pairs found (5 files: part of no pair); say what belongs together, for example --pair"),
        ((".", "--only", "zz*"), "5 pairs, none of which --only lets through; widen it"),
        ((".", "--pair", "images/{id}.tif=masks/{id}.png"), "no pairs found (10 files: does not fit --pair)"),
    ],
)
def test_a_source_without_pairs_says_what_to_give(cli: Cli, tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    siblings(tmp_path)
    ran = cli("check", *flags)
    assert ran.code == 3
    assert words in ran.err


def test_a_pair_template_without_id_is_a_usage_error(cli: Cli, tmp_path: Path) -> None:
    siblings(tmp_path)
    ran = cli("check", ".", "--pair", "images/*.png=masks/*.png")
    assert ran.code == 2
    assert "must read 'IMAGE=MASK' with {id} in both, as 'img/{id}.png=gt/{id}.png'" in ran.err


def test_a_pair_template_finds_what_no_convention_knows(tmp_path: Path) -> None:
    for stem in "abc":
        draw(tmp_path, f"deep/er/{stem}_abc.png", "image")
        draw(tmp_path, f"deep/{stem}/{stem}_xyz.png", "mask")
    found = find_pairs(tmp_path, Selection(pair="er/{id}_abc.png={id}/{id}_xyz.png"))
    assert {pair.image: pair.mask for pair in found.pairs} == {
        f"deep/er/{s}_abc.png": f"deep/{s}/{s}_xyz.png" for s in "abc"
    }
    assert found.pairs[0].image_template == "deep/er/{id}_abc.png"
    assert found.pairs[0].mask_template == "deep/{id}/{id}_xyz.png"
