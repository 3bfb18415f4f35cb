"""Originals keep their names, new pairs get others, and no file takes the place of another."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.kept_names import own_stem
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli
from tests.synthesis.two_pairs import rows_of


def fitted_on(data: Path, models: Path) -> Path:
    fit_mask_generator(data, FitOptions(models=models, threads=1, gate=False))
    fit_translator(data, FitOptions(models=models, threads=1, gate=False))
    return models


def like(drive: Path, data: Path, names: list[tuple[str, str]]) -> Path:
    """As many pairs of ``drive``, under the ``names`` of image and mask."""
    for (image, mask), path in zip(names, sorted((drive / "images").iterdir()), strict=False):
        for name, kind in ((image, "images"), (mask, "masks")):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(drive / kind / path.name, data / name)
    return data


@pytest.fixture(scope="module")
def retina(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs named as those of DRIVE: ``data``, and ``models`` fitted on them."""
    own = tmp_path_factory.mktemp("retina")
    like(drive, own / "data", [(f"images/{n}_training.png", f"1st_manual/{n}_manual1.png") for n in (21, 22, 23)])
    fitted_on(own / "data", own / "models")
    return own


NAMES = {
    "mirror": ("images/21_training.png", "1st_manual/21_manual1.png"),
    "coco": ("images/21_training.png", "1st_manual/21_manual1.png"),
    "nnunet": ("imagesTr/21_0000.png", "labelsTr/21.png"),
    "yolo": ("images/train/21.png", "masks/train/21.png"),
    "webdataset": ("21.image.png", "21.mask.png"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_original_keeps_what_names_it(retina: Path, tmp_path: Path, name: str) -> None:
    options = SynthesisOptions(1, retina / "models", include_originals=True, format=name, prefix="new-")
    rows = rows_of(synthesize(tmp_path / "out", options))
    assert (rows[0]["file_name"], rows[0]["mask_file_name"]) == NAMES[name]
    assert "new-000000" in str(rows[3]["file_name"])
    assert "new-000000" in str(rows[3]["mask_file_name"])


@pytest.mark.parametrize("name", FORMATS)
def test_originals_of_one_name_in_several_folders_stay_apart(drive: Path, tmp_path: Path, name: str) -> None:
    pairs = [(f"{site}/images/a.1.png", f"{site}/masks/a.1.png") for site in ("east", "west")]
    data = like(drive, tmp_path / "data", [*pairs, ("east/images/A.1.png", "east/masks/A.1.png")][:2])
    models = fitted_on(data, tmp_path / "models")
    rows = rows_of(synthesize(tmp_path / "out", SynthesisOptions(1, models, include_originals=True, format=name)))
    names = [str(row[key]) for row in rows for key in ("file_name", "mask_file_name")]
    assert len({one.casefold() for one in names}) == 6
    assert all("original_" not in one for one in names)


def test_an_original_that_has_the_name_of_a_new_pair_is_refused_until_new_ones_have_another(
    drive: Path, tmp_path: Path, cli: Cli
) -> None:
    names = [(f"images/synthetic_00000{n}.png", f"masks/synthetic_00000{n}.png") for n in (0, 1)]
    models = fitted_on(like(drive, tmp_path / "data", names), tmp_path / "models")
    command = ("synthesize", "--models", models, "--out", "out", "--count", 1, "--include-originals")
    ran = cli(*command)
    assert ran.code == 5
    assert "images/synthetic_000000.png: is an original, and a name that new pairs get; give them another" in ran.err
    assert not Path("out").exists()
    assert cli(*command, "--prefix", "made_").code == 0
    assert {str(row["file_name"]) for row in rows_of(Path("out"))} == {
        *(name for name, _ in names),
        "images/made_000000.png",
    }


@pytest.mark.parametrize("prefix", ["", "a/b_", "new 1", "new.", "x7"])
def test_a_prefix_that_cannot_be_in_a_name_is_refused(prefix: str, cli: Cli) -> None:
    ran = cli("synthesize", "--out", "out", "--prefix", prefix)
    assert ran.code == 2
    assert f"--prefix {prefix!r}: must be letters" in ran.err


@pytest.mark.parametrize(
    ("template", "path", "stem"),
    [
        ("images/{id}_training.tif", "images/21_training.tif", "21"),
        ("{id}/images/{id}.png", "abc/images/abc.png", "abc"),
        ("{id}/images/{id}.png", "abc/images/abd.png", "abd"),
        ("images/{id}.png", "7.png", "7"),
        ("ct/{id}.nii.gz", "ct/vol-1.nii.gz#z017", "vol-1_z017"),
        ("a[{id}].png", "a[x].png", "x"),
    ],
)
def test_the_stem_is_what_stands_at_the_place_of_the_id(template: str, path: str, stem: str) -> None:
    assert own_stem(template, path) == stem


def test_two_spellings_of_one_letter_are_two_names_that_no_file_system_takes_for_one(
    drive: Path, tmp_path: Path
) -> None:
    composed, apart = "\u00fc", "u\u0308"
    pairs = [
        (f"{site}/images/{name}.png", f"{site}/masks/{name}.png") for site, name in (("e", composed), ("w", apart))
    ]
    models = fitted_on(like(drive, tmp_path / "data", pairs), tmp_path / "models")
    rows = rows_of(synthesize(tmp_path / "out", SynthesisOptions(1, models, include_originals=True, format="nnunet")))
    names = [str(row[key]) for row in rows for key in ("file_name", "mask_file_name")]
    assert len({unicodedata.normalize("NFC", name) for name in names}) == 6
