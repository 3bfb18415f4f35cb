"""Folds that are honest to the end: no child of a validation original in training, and originals alone to validate on.

That is tested on digests of the files, which know nothing of folds, groups and names.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError, StorageError, UsageError
from pairaug.files import digest_file, read_json_lines
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.source import find_pairs
from pairaug.synthesis.folds.dealing import deal
from pairaug.synthesis.folds.run import synthesize_folds
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.splits import Split
from pairaug.synthesis.verify import verify
from tests.conftest import Cli, contents
from tests.synthesis.patients import BY_PATIENT, FOLDS, digests_of, in_folds, parents_of
from tests.synthesis.two_pairs import rows_of


@pytest.fixture(scope="module")
def models(patients: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of all folds, which any format takes."""
    own = tmp_path_factory.mktemp("models")
    synthesize_folds(patients, own / "out", in_folds(own / "models"), selection=BY_PATIENT)
    return own / "models"


@pytest.fixture(scope="module")
def made(patients: Path, models: Path) -> Path:
    return models.parent / "out"


def test_nothing_made_for_a_fold_descends_from_what_it_validates_on_nor_do_its_models_know_of_it(
    patients: Path, models: Path, made: Path
) -> None:
    rows = rows_of(made)
    for fold in range(FOLDS):
        held_out = {str(row["file_name"])[7] for row in rows if row["origin"] == "original" and row["fold"] == fold}
        digests = {digest for patient in held_out for digest in digests_of(patients, patient)}
        mine = [row for row in rows if row["origin"] == "synthetic" and row["fold"] == fold]
        assert digests
        assert len(mine) == 2
        assert all(parents_of(row) and digests.isdisjoint(parents_of(row)) for row in mine)
        for kind in ("masks", "translator"):
            seen = read_json_lines(models / f"fold-{fold}-of-{FOLDS}" / kind / "pairs.jsonl")
            assert digests.isdisjoint({one[key] for one in seen for key in ("image_sha256", "mask_sha256")})
            assert len(seen) == 8 - len(digests) // 2


def test_the_pairs_of_a_patient_are_held_out_together_and_each_once(made: Path) -> None:
    originals = [row for row in rows_of(made) if row["origin"] == "original"]
    folds: dict[str, set[object]] = {}
    for row in originals:
        folds.setdefault(str(row["file_name"])[7], set()).add(row["fold"])
    assert len(originals) == 8
    assert {len(found) for found in folds.values()} == {1}
    assert {fold for found in folds.values() for fold in found} == {0, 1, 2}
    assert [row["group"] for row in originals] == [[number // 2] for number in range(8)]


def test_groups_and_parents_are_numbered_and_named_in_the_whole_set(patients: Path, made: Path) -> None:
    patient = {digest_file(path): int(path.name[0]) for path in patients.rglob("*.png")}
    for row in rows_of(made)[8:]:
        assert row["group"] == sorted({patient[digest] for digest in parents_of(row)})
        assert {int(str(name)[7]) for name in row["parents"]} == set(row["group"])  # type: ignore[call-overload]


def test_originals_keep_their_names_and_new_pairs_say_their_fold(made: Path) -> None:
    names = [str(row["file_name"]) for row in rows_of(made)]
    assert names[:8] == [f"images/{number // 2}_{number % 2}.png" for number in range(8)]
    assert names[8:11] == [f"images/fold{fold}_synthetic_000000.png" for fold in range(FOLDS)]
    assert verify(made).differing == ()


@pytest.mark.parametrize("name", FORMATS)
def test_the_splits_name_what_is_there_and_validate_on_originals_alone(
    patients: Path, models: Path, tmp_path: Path, name: str
) -> None:
    out, rows, _ = synthesize_folds(patients, tmp_path / "out", in_folds(models, name), selection=BY_PATIENT)
    splits = json.loads((out / ("splits_final.json" if name == "nnunet" else "folds.json")).read_text())
    keys = {Path(row["mask_file_name"]).stem if name == "nnunet" else row["file_name"]: row for row in rows}
    assert len(splits) == FOLDS
    for split in splits:
        train, val = [keys[key] for key in split["train"]], [keys[key] for key in split["val"]]
        assert {row["origin"] for row in val} == {"original"}
        assert sum(row["origin"] == "synthetic" for row in train) == 2
        assert sum(row["origin"] == "original" for row in (*train, *val)) == 8
        held_out = {digest_file(patients / kind / own_name(row)) for row in val for kind in ("images", "masks")}
        assert held_out.isdisjoint({digest for row in train for digest in parents_of(row)})
    assert verify(out).differing == ()


def own_name(row: dict[str, Any]) -> str:
    """``3_1.png``, in any format."""
    return Path(row["file_name"]).name[:3] + ".png"


def test_monai_finds_the_pairs_of_a_fold_by_its_own_rule(patients: Path, models: Path, tmp_path: Path) -> None:
    out = synthesize_folds(patients, tmp_path / "out", in_folds(models, "nnunet"), selection=BY_PATIENT).path
    listed, splits = (json.loads((out / name).read_text()) for name in ("dataset.json", "splits_final.json"))
    assert {entry["origin"] for entry in listed["training"]} == {"original"}
    assert listed["numTraining"] == 14
    for fold, split in enumerate(splits):
        entries = listed[f"training_fold_{fold}"]
        held_out = [Path(entry["label"]).stem for entry in entries if entry.get("fold") == fold]  # datafold_read's rule
        rest = [Path(entry["label"]).stem for entry in entries if entry.get("fold") != fold]
        assert (sorted(held_out), sorted(rest)) == (sorted(split["val"]), sorted(split["train"]))
        assert len({tuple(entry) for entry in entries}) == 1  # the same keys in all, or MONAI cannot batch them


def test_a_larger_count_a_lost_file_and_a_run_cut_off_end_with_the_same_bytes(
    patients: Path, models: Path, made: Path, tmp_path: Path, fail_at_rename: Callable[[int], None]
) -> None:
    out = tmp_path / "out"
    synthesize_folds(patients, out, in_folds(models, count=1), selection=BY_PATIENT)
    (out / "images/fold1_synthetic_000000.png").unlink()
    fail_at_rename(5)
    with pytest.raises(StorageError):
        synthesize_folds(patients, out, in_folds(models), selection=BY_PATIENT)
    fail_at_rename(0)
    synthesize_folds(patients, out, in_folds(models), selection=BY_PATIENT)
    assert contents(out) == contents(made)


def test_other_folds_are_another_set(patients: Path, models: Path, cli: Cli) -> None:
    flags = ("--models", models, "--group-by", BY_PATIENT.group_by, "--no-gate", "--threads", 1, "--count", 1)
    command = ("folds", patients, "--out", "out", *flags)
    assert cli(*command, "--folds", FOLDS).code == 0
    ran = cli(*command, "--folds", 2)
    assert ran.code == 5
    assert "holds another data set (it differs in folds, masks, translator" in ran.err


def test_a_split_with_a_child_of_what_it_validates_on_cannot_be() -> None:
    original, child = {"origin": "original", "group": [1]}, {"origin": "synthetic", "group": [0, 1]}
    with pytest.raises(AssertionError, match="a child"):
        Split((child,), (original,))
    with pytest.raises(AssertionError, match="a synthetic pair to validate on"):
        Split((), (child,))


def test_fewer_groups_than_folds_and_fewer_than_two_folds_are_refused(patients: Path) -> None:
    checked = check_pairs(find_pairs(patients, BY_PATIENT), CheckPolicy())
    with pytest.raises(DataError, match="--folds 5: 8 pairs in 4 groups are too few"):
        deal(checked, 5, 0)
    with pytest.raises(UsageError, match="--folds 1: must be 2 or more"):
        deal(checked, 1, 0)


def test_pairs_of_one_image_or_of_one_mask_that_shows_something_are_held_out_together(
    patients: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(patients, tmp_path / "data"))
    shutil.copy(data / "images/0_0.png", data / "images/3_0.png")
    shutil.copy(data / "masks/1_0.png", data / "masks/2_1.png")
    for name in ("0_1", "1_1"):
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(data / f"masks/{name}.png")
    dealt = deal(check_pairs(find_pairs(data), CheckPolicy()), 2, 0)
    assert dealt.groups == (0, 1, 2, 3, 4, 2, 0, 5)


def test_a_fold_without_a_class_is_refused_with_what_it_lacks(patients: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(patients, tmp_path / "data"))
    mask = np.array(Image.open(data / "masks/0_0.png"))
    mask[20:40, 20:40] = 128
    Image.fromarray(mask).save(data / "masks/0_0.png")
    with pytest.raises(DataError, match=r"the masks hold \{0, 255\}, not \{0, 128, 255\}; give fewer --folds"):
        synthesize_folds(data, tmp_path / "out", in_folds(tmp_path / "models"))
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_who_is_held_out_and_makes_nothing(patients: Path, cli: Cli) -> None:
    ran = cli("folds", patients, "--out", "out", "--folds", 4, "--group-by", BY_PATIENT.group_by, "-n", "--json")
    told = json.loads(ran.out)
    assert (told["pairs"], told["groups"]) == (8, 4)
    assert sorted(name for names in told["validation"] for name in names) == sorted(
        f"images/{number // 2}_{number % 2}.png" for number in range(8)
    )
    assert not Path("out").exists()
    assert not Path("pairaug-models").exists()
