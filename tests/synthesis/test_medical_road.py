"""From NIfTI and DICOM to new pairs: PNG of the same sizes and values, and not one byte of a header."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents
from tests.pairs.scans import PATIENT, TRACES, ct, write_dicom, write_nifti

pytest.importorskip("nibabel")
pytest.importorskip("pydicom")


def fit_both(data: Path, models: Path) -> Path:
    fit_mask_generator(data, FitOptions(models=models, threads=1))
    fit_translator(data, FitOptions(models=models, epochs=1, settings={"base": 2}, size=256, threads=1))
    return models


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same four pictures as one NIfTI volume and as DICOM files with DICOM masks."""
    root = tmp_path_factory.mktemp("scans")
    values, mask = ct(5)
    write_nifti(root / "nifti/images/one.nii.gz", values)
    write_nifti(root / "nifti/masks/one.nii.gz", mask)
    for index in range(1, 5):
        write_dicom(root / f"dicom/images/IM{index}.dcm", values[:, :, index].T)
        write_dicom(root / f"dicom/masks/IM{index}.dcm", mask[:, :, index].T)
    return {kind: root / kind for kind in ("nifti", "dicom")}


@pytest.fixture(scope="module")
def models(scans: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: fit_both(data, tmp_path_factory.mktemp("models") / kind) for kind, data in scans.items()}


def files_of(out: Path) -> dict[str, bytes]:
    """Every file of a set by its name, those in tar files too."""
    files = contents(out)
    for name in [name for name in files if name.endswith(".tar")]:
        with tarfile.open(out / name) as shard:
            for member in shard:
                file = shard.extractfile(member)
                assert file
                files[member.name] = file.read()
    return files


def traces(files: dict[str, bytes]) -> list[str]:
    return [name for name, data in files.items() if any(trace in data for trace in TRACES)]


def test_the_search_finds_the_name_in_the_input(scans: dict[str, Path]) -> None:
    import gzip

    assert len(traces(contents(scans["dicom"]))) == 8
    packed = contents(scans["nifti"])
    assert len(traces({name: gzip.decompress(data) for name, data in packed.items()})) == 2


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["nifti", "dicom"])
def test_no_header_reaches_the_output_or_the_model(
    kind: str, name: str, models: dict[str, Path], tmp_path: Path
) -> None:
    options = SynthesisOptions(2, models[kind], include_originals=True, format=name, threads=1)
    out = synthesize(tmp_path / "out", options)
    files = files_of(out)
    assert len([file for file in files if file.endswith(".png")]) == 12
    assert traces(files) == []
    assert not [file for file in files if file.lower().endswith((".nii", ".nii.gz", ".dcm"))]
    assert traces({k: v for k, v in contents(models[kind]).items() if k != "run.json"}) == []
    assert verify(out).differing == ()


@pytest.mark.parametrize("kind", ["nifti", "dicom"])
def test_the_output_has_the_values_of_the_input_and_says_what_its_levels_mean(
    kind: str, models: dict[str, Path], tmp_path: Path, cli: Cli
) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(2, models[kind], include_originals=True, threads=1))
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["levels"] == {"slope": 1.0, "intercept": -32768.0}
    assert manifest["image_formats_changed_to_png"] == [kind.upper()]
    assert manifest["mask_formats_changed_to_png"] == [kind.upper()]
    values, mask = ct(5)
    rows = [json.loads(line) for line in (out / METADATA).read_text().splitlines()]
    assert [row["origin"] for row in rows] == ["original"] * 4 + ["synthetic"] * 2
    for row, index in zip(rows, range(1, 5), strict=False):
        levels = np.asarray(Image.open(out / row["file_name"])).astype(np.int64)
        np.testing.assert_array_equal(levels - 32768, values[:, :, index].T)
        np.testing.assert_array_equal(np.asarray(Image.open(out / row["mask_file_name"])), mask[:, :, index].T)
        assert not (out / row["file_name"]).is_symlink()
        assert (out / row["file_name"]).stat().st_nlink == 1
    found = json.loads(cli("check", out, "--json").out)
    assert found["label_values"] == [0, 1, 2]
    assert {(p["image_mode"], p["mask_mode"], *p["size"]) for p in found["pairs"]} == {("I;16", "L", 40, 36)}
    made = np.asarray(Image.open(out / rows[-1]["file_name"])).astype(np.int64) - 32768
    assert values.min() <= made.min() <= made.max() <= values.max()


def test_slices_are_found_again_in_renamed_volumes_but_not_in_changed_ones(
    scans: dict[str, Path], tmp_path: Path, cli: Cli
) -> None:
    import shutil

    shutil.copytree(scans["nifti"], tmp_path / "data")
    fit_both(tmp_path / "data", tmp_path / "models")
    for folder in ("images", "masks"):
        (tmp_path / f"data/{folder}/one.nii.gz").rename(tmp_path / f"data/{folder}/other.nii.gz")
    ran = cli("synthesize", "--count", 1, "--include-originals", "--out", "out", "--models", tmp_path / "models")
    assert ran.code == 0
    write_nifti(tmp_path / "data/images/other.nii.gz", ct(6)[0])
    ran = cli("synthesize", "--count", 1, "--include-originals", "--out", "two", "--models", tmp_path / "models")
    assert (ran.code, "4 of 4 training pairs are no longer in" in ran.err) == (3, True)
    assert PATIENT not in ran.err
