"""Images without masks in a set in folds: none of them lets a fold see what it validates on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.files import digest_file
from pairaug.fitted.model_file import load_model
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.drawing import draw_fundus_pair
from pairaug.pairs.slices import content_digest
from pairaug.pairs.source import Selection, find_pairs
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.synthesis.folds.dealing import deal
from pairaug.training import finding
from pairaug.training.bare import bare_of, open_bare
from tests.conftest import Cli
from tests.pairs.scans import ct, write_nifti
from tests.synthesis.patients import BY_PATIENT, FOLDS, digests_of, parents_of
from tests.synthesis.two_pairs import rows_of

FLAGS = ("--group-by", BY_PATIENT.group_by, "--no-gate", "--threads", 1, "--count", 2, "--folds", FOLDS)


@pytest.fixture(autouse=True)
def _short_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "ReferenceSegmenter", lambda preset, steps: ReferenceSegmenter(preset, steps=3))


@pytest.fixture
def more(patients: Path, tmp_path: Path) -> Path:
    """The images of all patients, and of each a third one, which has no mask."""
    folder = Path(shutil.copytree(patients / "images", tmp_path / "more"))
    rng = np.random.default_rng(7)
    for number in range(4):
        Image.fromarray(draw_fundus_pair(rng, 64)[0]).save(folder / f"{number}_9.png")
    return folder


def test_a_fold_learns_from_images_without_masks_but_of_no_patient_whom_it_validates_on(
    patients: Path, more: Path, cli: Cli
) -> None:
    ran = cli("folds", patients, "--unlabelled", more, "--out", "out", *FLAGS)
    assert ran.code == 0, ran.err
    rows, used = rows_of(Path("out")), set()
    for fold in range(FOLDS):
        held_out = {str(row["file_name"])[7] for row in rows if row["origin"] == "original" and row["fold"] == fold}
        hidden = {digest for patient in held_out for root in (patients, more) for digest in digests_of(root, patient)}
        models = Path(f"pairaug-models/fold-{fold}-of-{FOLDS}")
        fitted = bare_digests(models)
        assert fitted == {digest_file(more / f"{patient}_9.png") for patient in {*"0123"} - held_out}
        mine = [parents_of(row) for row in rows if row["origin"] == "synthetic" and row["fold"] == fold]
        assert all(hidden.isdisjoint(parents) for parents in mine)
        used |= set().union(*mine) & fitted
    assert used


def bare_digests(models: Path) -> set[str | None]:
    return {one.image for one in load_model(models / "translator", "translator").seen if "pseudo-labelled" in one.uses}


def test_images_of_one_held_out_patient_alone_are_refused_before_anything_is_fitted(
    patients: Path, more: Path, cli: Cli
) -> None:
    for patient in "023":
        (more / f"{patient}_9.png").unlink()
    ran = cli("folds", patients, "--unlabelled", more, "--out", "out", *FLAGS)
    assert ran.code == 3
    assert "all 1 images belong to groups that are held out; give images of other groups" in ran.err
    assert not Path("pairaug-models").exists()


def test_a_model_that_takes_no_such_images_is_refused_before_anything_is_fitted(
    patients: Path, more: Path, cli: Cli
) -> None:
    ran = cli("folds", patients, "--unlabelled", more, "--model", "vess2image", "--out", "out", *FLAGS)
    assert ran.code == 2
    assert "--unlabelled: vess2image learns from pairs alone" in ran.err
    assert not Path("pairaug-models").exists()


def test_the_set_does_not_go_among_the_images_without_masks(patients: Path, more: Path, cli: Cli) -> None:
    ran = cli("folds", patients, "--unlabelled", more, "--out", more / "out", *FLAGS)
    assert ran.code == 5
    assert "lies inside or around the images of --unlabelled" in ran.err
    assert not Path("pairaug-models").exists()


def test_of_a_volume_that_is_held_out_no_slice_is_seen_wherever_it_lies(tmp_path: Path) -> None:
    pytest.importorskip("nibabel")
    data = tmp_path / "data"
    for number in range(3):
        values, mask = ct(number)
        write_nifti(data / f"imagesTr/p{number}_0000.nii.gz", values)
        write_nifti(data / f"labelsTr/p{number}.nii.gz", mask)
    elsewhere = Path(shutil.copytree(data / "imagesTr", tmp_path / "elsewhere"))
    window, axial = CheckPolicy(), Selection()
    checked = check_pairs(find_pairs(data, axial), window)
    dealt = deal(checked, 3, 0)
    images = open_bare(elsewhere, checked, axial, window)
    for fold in range(3):
        held_out = [checked.pairs[place] for place in dealt.held_out(fold)]
        (volume,) = {item.pair.image.partition("#")[0] for item in held_out}
        kept = bare_of("elsewhere", images, checked, held_out)
        hidden = {content_digest(elsewhere / f"{Path(volume).name}#z{index:03d}") for index in range(6)}
        assert len(kept.digests) == 4  # the first and the last slice of the two other volumes have no mask
        assert hidden.isdisjoint(kept.digests)
    with pytest.raises(DataError, match="all 6 images belong to groups that are held out"):
        bare_of("elsewhere", images, checked, checked.pairs)
