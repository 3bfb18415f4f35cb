"""What goes wrong with input folders, and what is then said: every file listed, each with what, value and remedy.

``MET_BY`` lists every row of the table of faults of the design, with the tests that meet it, here and elsewhere.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.pair import Found
from pairaug.pairs.source import Selection, find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import HEIGHT, WIDTH, classes, draw, photograph

MET_BY = {
    "kill -9 while training": (
        "training/test_faults.py::test_a_fit_killed_with_kill_9_ends_with_the_same_model",
        "training/test_loop.py::test_a_run_killed_and_started_again_ends_with_the_same_weights_and_history",
        "training/test_loop.py::test_a_damaged_checkpoint_is_passed_over_for_the_one_before",
    ),
    "kill -9 while synthesising": (
        "synthesis/test_synthesis.py::test_a_run_killed_with_kill_9_is_filled_in_to_the_same_bytes",
        "synthesis/test_formats.py::test_a_run_killed_with_kill_9_is_filled_in_to_the_same_bytes",
    ),
    "disk full, read-only output": (
        "training/test_faults.py::test_too_little_space_is_found_before_a_fit_begins",
        "training/test_faults.py::"
        "test_a_disk_that_fills_up_or_goes_read_only_ends_the_fit_with_exit_7_and_harms_nothing",
        "synthesis/test_synthesis.py::test_too_little_space_is_found_before_work",
        "synthesis/test_synthesis.py::test_a_full_disk_ends_with_exit_7_and_no_half_file",
        "test_files.py::test_a_place_that_cannot_be_written_is_named",
    ),
    "corrupt or truncated image": (
        "pairs/test_decoding.py::test_a_refusal_says_what_was_found_and_what_to_do",
        "pairs/test_faults.py::test_every_bad_file_is_listed_at_once_and_skip_bad_goes_on",
        "pairs/test_fuzz.py::test_damaged_files_are_read_or_refused_within_a_gigabyte",
    ),
    "decompression bomb": (
        "pairs/test_claims.py::test_a_decompression_bomb_is_refused_by_its_size_and_max_pixels_lifts_it",
        "pairs/test_claims.py::test_a_file_larger_than_allowed_is_refused_before_it_is_unpacked",
        "pairs/test_claims.py::test_tiles_that_the_file_cannot_hold_are_not_unpacked",
        "pairs/test_medical.py::test_a_small_file_that_unpacks_to_much_is_refused_before_it_does",
    ),
    "EPS or other format in disguise": ("pairs/test_decoding.py::test_a_refusal_says_what_was_found_and_what_to_do",),
    "symlink loop, link out of the root": (
        "pairs/test_faults.py::test_links_to_folders_are_not_followed_and_links_out_are_not_read",
        "pairs/test_lists.py::test_metadata_may_not_lead_outside_by_a_link",
    ),
    "path traversal in names, manifest, model metadata": (
        "test_files.py::test_a_name_that_would_leave_is_refused",
        "pairs/test_lists.py::test_metadata_may_not_name_files_outside_its_folder",
        "synthesis/test_synthesis.py::test_verify_refuses_a_manifest_that_points_outside",
        "synthesis/test_formats.py::test_a_row_whose_shard_lies_elsewhere_is_refused",
        "training/test_model_file.py::test_a_naming_pattern_that_leaves_the_output_is_refused",
    ),
    "hostile safetensors": (
        "training/test_model_file.py::test_a_header_that_lies_is_refused",
        "training/test_model_file.py::test_a_header_that_is_too_long_or_a_size_that_is_not_declared_is_refused",
        "training/test_model_file.py::test_weights_of_another_shape_or_not_finite_are_refused",
        "training/test_model_file.py::"
        "test_settings_that_ask_for_more_than_the_file_holds_are_refused_before_memory_is_given",
        "training/test_model_fuzz.py::test_damaged_models_are_refused_within_a_gigabyte",
    ),
    "pair of different size": ("pairs/test_faults.py::test_pairs_of_different_size_are_all_listed_with_both_sizes",),
    "image modes": (
        "pairs/test_decoding.py::test_an_image_decodes_to_its_own_pixels",
        "pairs/test_decoding.py::test_a_mask_decodes_to_its_raw_values",
        "pairs/test_decoding_on_request.py::test_alpha_is_dropped_when_the_user_says_so",
        "pairs/test_round_trip.py::test_a_mask_keeps_its_values_and_its_form",
        "pairs/test_round_trip.py::test_an_image_keeps_its_pixels_and_its_form",
    ),
    "JPEG mask, stray values": (
        "pairs/test_labels.py::test_a_jpeg_mask_is_refused_with_the_flag_that_cleans_it",
        "pairs/test_labels.py::test_stray_values_are_refused_with_file_value_count_and_flag",
    ),
    "EXIF rotation": (
        "pairs/test_decoding.py::test_exif_rotation_is_applied_to_the_image",
        "pairs/test_faults.py::test_an_image_turned_by_exif_is_compared_as_it_is_seen",
    ),
    "multi-frame file": (
        "pairs/test_decoding.py::test_a_refusal_says_what_was_found_and_what_to_do",
        "pairs/test_medical_values.py::test_a_dicom_that_cannot_be_used_is_refused",
    ),
    "empty masks": ("pairs/test_labels.py::test_empty_masks_are_counted_and_all_empty_is_refused",),
    "names": (
        "pairs/test_faults.py::test_odd_names_pair_like_others",
        "pairs/test_faults.py::test_names_equal_but_for_case_are_refused_showing_both",
        "pairs/test_two_readings.py::test_one_stem_in_two_like_folders_is_settled_by_leaving_one_out",
    ),
    "not an image (text, LFS pointer) in the folder": (
        "pairs/test_faults.py::test_a_text_in_place_of_a_mask_is_refused_but_beside_the_pairs_it_is_passed_over",
        "pairs/test_decoding.py::test_a_refusal_says_what_was_found_and_what_to_do",
    ),
    "NaN or Inf loss": (
        "training/test_loop.py::test_one_loss_that_is_not_finite_is_passed_over_and_counted",
        "training/test_loop.py::test_several_in_a_row_bring_back_the_checkpoint_at_half_the_rate",
        "training/test_loop.py::test_a_run_that_keeps_failing_ends_with_a_remedy_and_exit_code_6",
        "training/test_loop.py::test_weights_that_are_not_finite_are_never_saved",
    ),
    "two writers": (
        "training/test_faults.py::test_a_second_fit_in_one_folder_is_refused_naming_the_first",
        "synthesis/test_synthesis.py::test_two_writers_do_not_share_a_folder",
        "test_files.py::test_a_lock_is_held_against_others_and_dies_with_its_owner",
    ),
    "low memory": ("training/test_loop.py::test_a_full_memory_halves_the_batch_once_and_then_gives_up",),
    "input changes while training": ("cli/test_commands.py::test_data_that_change_under_the_fit_are_noticed",),
    "too few pairs": ("training/test_faults.py::test_one_pair_is_answered_and_what_cannot_be_trusted_is_said",),
}
TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("fault", MET_BY)
def test_every_fault_is_met_by_a_test_that_exists(fault: str) -> None:
    for place in MET_BY[fault]:
        path, _, name = place.partition("::")
        assert f"\ndef {name}(" in (TESTS / path).read_text(), place


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
        (("masks",), "masks: no pairs found (5 files: part of no pair); where all are images, or all are masks, give"),
        (("images",), "give the folder that holds both; else say what belongs together, for example --pair"),
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
