"""New pairs beside real ones in a folder of the user's own: nothing there changes, and none is taken for real."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pairaug.files import read_json_lines
from pairaug.pairs.added import ADDED
from pairaug.pairs.source import Selection, find_pairs
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents
from tests.synthesis.two_pairs import rows_of


@pytest.fixture(scope="module")
def fitted_pixels(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("models")
    for fit in (fit_mask_generator, fit_translator):
        fit(drive, FitOptions(models=models, threads=1, gate=False))
    return models


@pytest.fixture
def mine(drive: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drive, tmp_path / "mine"))


def test_new_pairs_are_added_beside_the_real_ones_and_nothing_there_changes(
    fitted_pixels: Path, mine: Path, cli: Cli
) -> None:
    before = contents(mine)
    command = ("synthesize", "--models", fitted_pixels, "--out", "out", "--add-to", mine, "--prefix", "new_")
    assert "2 pairs are added to" in cli(*command, "--count", 2).err
    assert "1 pairs are added to" in cli(*command, "--count", 3).err
    assert "0 pairs are added to" in cli(*command, "--count", 3).err
    after = contents(mine)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {
        ADDED,
        *(f"{kind}/new_00000{number}.png" for kind in ("images", "masks") for number in range(3)),
    }
    assert os.path.samefile(mine / "images/new_000000.png", "out/images/new_000000.png")
    assert rows_of(Path("out")) == read_json_lines(mine / ADDED)


def test_what_was_added_is_known_for_synthetic(fitted_pixels: Path, mine: Path, cli: Cli) -> None:
    cli("synthesize", "--models", fitted_pixels, "--out", "out", "--add-to", mine, "--count", 2)
    assert find_pairs(mine).synthetic == 2
    assert len(find_pairs(mine, Selection(only_originals=True)).pairs) == 6
    ran = cli("fit-masks", mine, "-n")
    assert ran.code == 3
    assert "2 of 8 pairs are synthetic; --only-originals takes the other 6" in ran.err


def test_no_file_is_written_over(fitted_pixels: Path, mine: Path, cli: Cli) -> None:
    (mine / "masks/synthetic_000001.png").write_bytes(b"mine")
    before = contents(mine)
    ran = cli("synthesize", "--models", fitted_pixels, "--out", "out", "--add-to", mine, "--count", 2)
    assert ran.code == 5
    assert "masks/synthetic_000001.png: is there and is another file; give the new pairs other names with --prefix" in (
        " ".join(ran.err.split())
    )
    assert contents(mine) == before


def test_the_labels_of_yolo_come_too_and_nnunet_is_told_to_count(fitted_pixels: Path, tmp_path: Path, cli: Cli) -> None:
    for name in ("yolo", "nnunet"):
        (tmp_path / f"my-{name}").mkdir()
        common = ("--models", fitted_pixels, "--count", 1, "--format", name)
        ran = cli("synthesize", *common, "--out", f"out-{name}", "--add-to", tmp_path / f"my-{name}")
        assert ran.code == 0
    assert (tmp_path / "my-yolo/labels/train/synthetic_000000.txt").is_file()
    assert "raise the number of pairs in its dataset.json by 1" in ran.err


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (("--add-to", "nowhere"), 5, "is not a folder"),
        (("--add-to", "mine", "--format", "coco"), 2, "--format coco holds all pairs together"),
        (("--add-to", "mine", "--format", "webdataset"), 2, "--format webdataset holds all pairs together"),
        (("--add-to", "mine", "--out", "mine/out"), 5, "lies inside or around --out"),
        (("--add-to", "listed"), 5, "lists its own pairs in metadata.jsonl"),
    ],
)
def test_a_folder_to_which_nothing_can_be_added_is_refused_before_anything_is_made(
    fitted_pixels: Path, mine: Path, cli: Cli, flags: tuple[str, ...], code: int, words: str
) -> None:
    Path("listed").mkdir()
    Path("listed/metadata.jsonl").write_text("")
    ran = cli("synthesize", "--models", fitted_pixels, "--out", "out", "--count", 1, *flags)
    assert ran.code == code
    assert words in " ".join(ran.err.split())
    assert not Path("out").exists()
    assert ADDED not in contents(mine)
