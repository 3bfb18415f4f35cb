"""Folders of the training data with strange names, and models that somebody has crafted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pairaug.errors import ModelError, OutputError
from pairaug.files import digest_file, json_lines, read_json_lines
from pairaug.fitted.model_file import load_model
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli


def fit(drive: Path, root: Path, folder: str) -> Path:
    """Models of a copy of ``drive`` below ``root`` whose images and masks lie in ``folder``."""
    shutil.copytree(drive, root / "data" / folder)
    models = root / "models"
    fit_mask_generator(drive / "masks", FitOptions(models=models, threads=1))
    fit_translator(root / "data", FitOptions(models=models, epochs=1, settings={"base": 2}, threads=1))
    return models


@pytest.mark.skipif("os.name == 'nt'", reason="no such names there")
@pytest.mark.parametrize("folder", ["a\\b", "c:", "one\u2028two", "one\x85two"])
def test_a_folder_of_any_name_is_carried_through(drive: Path, tmp_path: Path, folder: str) -> None:
    models = fit(drive, tmp_path, folder)
    out = synthesize(tmp_path / "out", SynthesisOptions(1, models))
    rows = [json.loads(line) for line in (out / METADATA).read_bytes().split(b"\n") if line]
    assert rows[0]["file_name"].startswith(f"{folder}/images/")
    assert verify(out).differing == ()


def test_a_folder_called_as_a_record_is_refused_with_a_remedy_that_works(drive: Path, tmp_path: Path, cli: Cli) -> None:
    models = fit(drive, tmp_path, "manifest.json")
    ran = cli("synthesize", "--out", "out", "--models", models, "--count", 1)
    assert ran.code == 5
    assert "give --format nnunet" in ran.err
    assert not (tmp_path / "out").exists()
    assert cli("synthesize", "--out", "out", "--models", models, "--count", 1, "--format", "nnunet").code == 0


def test_a_file_in_the_place_of_a_folder_is_named(fitted: Path, tmp_path: Path) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(1, fitted))
    shutil.rmtree(out / "images")
    (out / "images").write_text("mine")
    with pytest.raises(OutputError, match="is a file where a folder must be"):
        synthesize(out, SynthesisOptions(1, fitted))


@pytest.mark.parametrize("suffix", ["/../../..", "/x", "png", ".png/../x"])
def test_a_suffix_that_is_none_is_refused(fitted: Path, tmp_path: Path, suffix: str) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    shutil.copytree(fitted / "translator", tmp_path / "translator")
    path, pairs = tmp_path / "translator/model.safetensors", tmp_path / "translator/pairs.jsonl"
    rows = read_json_lines(pairs)
    rows[0]["mask_form"]["suffix"] = suffix
    pairs.write_bytes(json_lines(rows))
    with safe_open(path, "pt") as file:
        info = json.loads(file.metadata()["pairaug"])
    info["pairs_digest"] = digest_file(pairs)
    save_file(load_file(path), path, metadata={"pairaug": json.dumps(info)})
    with pytest.raises(ModelError, match="suffix"):
        load_model(path, "translator")
