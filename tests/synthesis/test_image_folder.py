"""Sets with split folders hold rows where the image-folder reader of ``datasets`` looks for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pairaug.files import read_json_lines
from pairaug.synthesis.image_folder import rows_of_splits, split_folder
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from tests.synthesis.two_pairs import fit_both


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("training/images/1.tif", "training"),
        ("images/train/1.png", "images/train"),
        ("data/set_test-2/val/1.png", "data/set_test-2"),
        ("train 7/1.png", "train 7"),
        ("images/1_training.png", None),
        ("trainannot/1.png", None),
        ("Training/1.png", None),
        ("1.png", None),
    ],
)
def test_the_folders_that_the_reader_takes_for_splits_are_known(name: str, folder: str | None) -> None:
    found = split_folder(name)
    assert (found and found.as_posix()) == folder


def test_each_split_folder_lists_its_own_pairs_relative_to_itself() -> None:
    rows = [
        {"file_name": "train/images/1.png", "mask_file_name": "train/masks/1.png", "index": 0},
        {"file_name": "test/images/1.png", "mask_file_name": "test/masks/1.png", "index": 1},
        {"file_name": "train/images/2.png", "mask_file_name": "train/masks/2.png", "index": 2},
    ]
    assert rows_of_splits(rows) == {
        "train/metadata.jsonl": [
            {"file_name": "images/1.png", "mask_file_name": "masks/1.png", "index": 0},
            {"file_name": "images/2.png", "mask_file_name": "masks/2.png", "index": 2},
        ],
        "test/metadata.jsonl": [{"file_name": "images/1.png", "mask_file_name": "masks/1.png", "index": 1}],
    }


def test_a_mask_beyond_the_split_folder_is_named_from_the_top() -> None:
    row = {"file_name": "train/1.png", "mask_file_name": "trainannot/1.png"}
    assert rows_of_splits([row]) == {
        "train/metadata.jsonl": [{"file_name": "1.png", "mask_path": "trainannot/1.png"}],
    }


def test_a_set_without_split_folders_gets_no_further_file() -> None:
    assert rows_of_splits([{"file_name": "images/1.png", "mask_file_name": "masks/1.png"}]) == {}


def test_the_rows_of_a_split_are_on_record_and_name_files_that_are_there(data: Path, tmp_path: Path) -> None:
    split = tmp_path / "split" / "training"
    shutil.copytree(data, split)
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(2, fit_both(split.parent, tmp_path / "models"), include_originals=True))
    rows = list(read_json_lines(out / "training" / METADATA))
    assert [row["origin"] for row in rows] == ["original"] * 2 + ["synthetic"] * 2
    for row in rows:
        assert (out / "training" / row["file_name"]).is_file()
        assert (out / "training" / row["mask_file_name"]).is_file()
    (out / "training" / METADATA).unlink()
    assert verify(out).differing == ("training/metadata.jsonl: missing",)
