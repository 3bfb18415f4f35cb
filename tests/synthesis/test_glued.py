"""Pairs that lie side by side in one file leave in the same way, or apart where a layout wants two files."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.source import Selection, find_pairs
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import contents

NARROW = {"base": 2}


def originals_too(models: Path, name: str = "mirror") -> SynthesisOptions:
    return SynthesisOptions(1, models, include_originals=True, format=name)


def rows_of(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / METADATA).read_text().splitlines()]


def glue(drive: Path, data: Path, suffix: str = ".png") -> list[tuple[np.ndarray, np.ndarray]]:
    """Two drawn pairs as one file each, the mask at the left; returns (image, mask) of each."""
    data.mkdir()
    halves = []
    for number in range(2):
        image = np.asarray(Image.open(sorted((drive / "images").iterdir())[number]))
        mask = np.repeat(np.asarray(Image.open(sorted((drive / "masks").iterdir())[number]))[..., None], 3, axis=2)
        halves.append((image, mask))
        Image.fromarray(np.concatenate([mask, image], 1)).save(data / f"{number}{suffix}", quality=95)
    return halves


@pytest.fixture
def glued(drive: Path, tmp_path: Path) -> tuple[Path, Path, list[tuple[np.ndarray, np.ndarray]]]:
    """The glued pairs, models fitted on them, and what was glued."""
    data, models = tmp_path / "data", tmp_path / "models"
    halves = glue(drive, data)
    fit = FitOptions(models=models, epochs=1, settings=NARROW, threads=1)
    fit_translator(data, fit, selection=Selection(glued="left"))
    fit_mask_generator(data, FitOptions(models=models, threads=1), selection=Selection(glued="left"))
    return data, models, halves


def test_glued_pairs_leave_as_they_came(
    glued: tuple[Path, Path, list[tuple[np.ndarray, np.ndarray]]], tmp_path: Path
) -> None:
    data, models, halves = glued
    out = synthesize(tmp_path / "out", originals_too(models))
    rows = rows_of(out)
    assert [row["glued"] for row in rows] == ["left"] * 3
    assert all(row["file_name"] == row["mask_file_name"] for row in rows)
    assert {p.name for p in out.glob("*.png")} == {"0.png", "1.png", "synthetic_000000.png"}
    for number in range(2):
        assert (out / f"{number}.png").samefile(data / f"{number}.png")
    made = np.asarray(Image.open(out / "synthetic_000000.png"))
    assert made.shape == (halves[0][0].shape[0], 2 * halves[0][0].shape[1], 3)
    assert set(np.unique(made[:, : made.shape[1] // 2])) == {0, 255}
    assert verify(out).differing == ()
    checked = check_pairs(find_pairs(out), CheckPolicy())
    assert {item.pair.glued for item in checked.pairs} == {"left"}
    assert checked.label_map.values == (0, 255)


def test_a_missing_glued_file_is_named_once_and_made_again(
    glued: tuple[Path, Path, list[tuple[np.ndarray, np.ndarray]]], tmp_path: Path
) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(2, glued[1]))
    before = contents(out)
    (out / "synthetic_000001.png").unlink()
    assert verify(out).differing == ("synthetic_000001.png: missing",)
    synthesize(out, SynthesisOptions(2, glued[1]))
    assert contents(out) == before


@pytest.mark.parametrize("name", ["coco", "webdataset", "nnunet"])
def test_glued_pairs_are_taken_apart_where_the_layout_wants_two_files(
    glued: tuple[Path, Path, list[tuple[np.ndarray, np.ndarray]]], tmp_path: Path, name: str
) -> None:
    _, models, halves = glued
    out = synthesize(tmp_path / "out", originals_too(models, name))
    files = contents(out)
    if name == "webdataset":
        with tarfile.open(out / "original-000000.tar") as shard:
            files = {member.name: shard.extractfile(member).read() for member in shard}
    for row, (image, mask) in zip(rows_of(out), halves, strict=False):
        assert "glued" not in row
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(files[str(row["file_name"])]))), image)
        drawn = np.asarray(Image.open(io.BytesIO(files[str(row["mask_file_name"])])))
        assert np.array_equal(drawn > 0, mask > 0 if drawn.ndim == 3 else mask[..., 0] > 0)


def test_glued_jpegs_become_png_with_exact_masks(drive: Path, tmp_path: Path) -> None:
    data, models = tmp_path / "data", tmp_path / "models"
    halves = glue(drive, data, ".jpg")
    fit = FitOptions(models=models, epochs=1, settings=NARROW, threads=1)
    policy = CheckPolicy(cleaning=Cleaning(threshold=128))
    fit_translator(data, fit, selection=Selection(glued="left"), policy=policy)
    fit_mask_generator(data, FitOptions(models=models, threads=1), selection=Selection(glued="left"), policy=policy)
    out = synthesize(tmp_path / "out", originals_too(models))
    assert {path.suffix for path in out.iterdir() if not path.name.endswith(("json", "jsonl", "md"))} == {".png"}
    width = halves[0][1].shape[1]
    for path in out.glob("*.png"):
        assert set(np.unique(np.asarray(Image.open(path))[:, :width])) == {0, 255}
