"""The reference's loader snippets run as they stand, against the libraries. Opt-in: ``pip install '.[readers]'``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pairaug.synthesis.folds.run import synthesize_folds
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.conftest import Cli
from tests.synthesis.patients import BY_PATIENT, in_folds
from tests.synthesis.two_pairs import rows_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

PAGE = (Path(__file__).resolve().parents[2] / "examples/reference/loading.md").read_text()
LOOSE = [name for name in FORMATS if name != "webdataset"]


def snippet(tool: str) -> str:
    """The lines below the comment that begins with ``tool``, up to the next comment or the end of the block."""
    found = re.search(rf"^    # {tool}\b[^\n]*\n((?:(?!    #)(?:    [^\n]*|)\n)+)", PAGE, flags=re.MULTILINE)
    assert found, tool
    return "".join(line[4:] + "\n" for line in found[1].splitlines())


def ran(tool: str) -> dict[str, Any]:
    """The names that a snippet leaves."""
    left: dict[str, Any] = {}
    exec(snippet(tool), left)
    return left


def augmented(models: Path, **wanted: object) -> list[dict[str, Any]]:
    """Writes ``augmented`` in the working folder; its rows."""
    synthesize("augmented", SynthesisOptions(3, models, include_originals=True, **wanted))  # type: ignore[arg-type]
    return rows_of(Path("augmented"))


def pixels(row: dict[str, Any], key: str) -> np.ndarray:
    with Image.open(Path("augmented", row[key])) as picture:
        return np.array(picture)


@pytest.mark.parametrize("name", LOOSE)
def test_torch(fitted_cells: Path, name: str) -> None:
    rows = augmented(fitted_cells, format=name)
    data = ran("torch")["Pairs"]("augmented")
    assert len(data) == len(rows) == 8
    for (image, mask), row in zip(islice(data, len(rows)), rows, strict=True):
        assert np.array_equal(image.numpy(), pixels(row, "file_name"))
        assert np.array_equal(mask.numpy(), pixels(row, "mask_file_name"))
    batch = next(iter(torch.utils.data.DataLoader(data, batch_size=1, num_workers=1)))
    assert batch[0].shape == batch[1].shape


@pytest.mark.parametrize("name", LOOSE)
def test_datasets(fitted: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = augmented(fitted, format=name)
    for given, row in zip(ran("datasets")["pairs"], rows, strict=True):
        assert (given["index"], given["origin"]) == (row["index"], row["origin"])
        assert np.array_equal(np.array(given["image"]), pixels(row, "file_name"))
        assert np.array_equal(np.array(given["mask"]), pixels(row, "mask_file_name"))


def test_webdataset(fitted: Path) -> None:
    pytest.importorskip("webdataset")
    augmented(fitted, format="webdataset")
    drawn = list(islice(iter(ran("webdataset")["mixed"]), 60))
    assert {sample["json"]["origin"] for sample in drawn} == {"original", "synthetic"}
    assert {sample["image.png"].size for sample in drawn} == {sample["mask.png"].size for sample in drawn} == {(96, 96)}


@pytest.mark.parametrize("which", ["fitted", "fitted_cells"])
def test_monai(which: str, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("monai")
    rows = augmented(request.getfixturevalue(which), format="nnunet")
    data = ran("MONAI")["data"]
    assert len(data) == len(rows)
    for item, row in zip(data, rows, strict=True):
        image, mask = (np.asarray(item[key]) for key in ("image", "label"))
        assert np.array_equal(mask[0].T, pixels(row, "mask_file_name"))
        assert np.array_equal(image.squeeze(0).T if len(image) == 1 else image.T, pixels(row, "file_name"))


def test_monai_in_folds(patients: Path, tmp_path: Path) -> None:
    pytest.importorskip("monai")
    synthesize_folds(patients, Path("augmented"), in_folds(tmp_path / "models", "nnunet"), selection=BY_PATIENT)
    left = ran("in folds with MONAI")
    rows = {Path(row["mask_file_name"]).stem: row for row in rows_of(Path("augmented"))}
    sides = {side: [rows[Path(item["label"]).stem] for item in left[side]] for side in ("training", "validation")}
    held_out = {row["group"][0] for row in sides["validation"]}
    assert held_out
    assert all(row["origin"] == "original" and row["fold"] == 0 for row in sides["validation"])
    assert {row["origin"] for row in sides["training"]} == {"original", "synthetic"}
    assert held_out.isdisjoint(group for row in sides["training"] for group in row["group"])


@pytest.mark.parametrize("which", ["fitted", "fitted_cells"])
def test_nnunet(which: str, request: pytest.FixtureRequest, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nnunetv2")
    made, prepared = snippet("nnU-Net").splitlines()[:2]
    words = made.split()
    assert words[:4] == ["pairaug", "synthesize", "--count", "1000"]
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert cli(*words[1:], "--count", "12", "--models", request.getfixturevalue(which)).code == 0
    folders = {name: str(Path(name).resolve()) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    assert shutil.which(prepared.split()[0])
    done = subprocess.run(
        [*prepared.split(), "-np", "1", "-npfp", "1"], env={**os.environ, **folders}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    stored = Path("nnUNet_preprocessed", "Dataset501_Pairs")
    assert len(list((stored / "gt_segmentations").iterdir())) == 12
    assert len(list((stored / "nnUNetPlans_2d").glob("*.pkl"))) == 12
