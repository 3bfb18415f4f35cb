"""From a row alone: whom a pair descends from, and what may therefore stand on which side of a split."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pairaug.files import digest_file
from pairaug.fitted.model_file import FOLDERS, load_model
from pairaug.fitted.seen import Seen
from pairaug.pairs.groups import joined_groups
from pairaug.pairs.source import Selection
from pairaug.synthesis.ancestry import Ancestry, Descent
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.synthesis.two_pairs import rows_of

BY_TENS = Selection(group_by=r"(\d)_\d+\.png")


@pytest.fixture(scope="module")
def patients(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs of three patients, ``data``, and ``models`` that name their sources, fitted on them."""
    own = tmp_path_factory.mktemp("patients")
    for kind in ("images", "masks"):
        (own / "data" / kind).mkdir(parents=True)
        for number, path in enumerate(sorted((drive / kind).iterdir())):
            shutil.copy(path, own / "data" / kind / f"{number // 2}_{number:02d}.png")
    wanted = FitOptions(models=own / "models", threads=1, gate=False)
    fit_mask_generator(own / "data", wanted, selection=BY_TENS)
    fit_translator(own / "data", wanted, selection=BY_TENS)
    return own


def patient_of(own: Path) -> dict[str, int]:
    """The digest of every file of the data -> its patient."""
    return {digest_file(path): int(path.name[0]) for path in (own / "data").rglob("*.png")}


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_names_the_groups_of_every_ancestor_and_of_nobody_else(patients: Path, tmp_path: Path, name: str) -> None:
    options = SynthesisOptions(8, patients / "models", include_originals=True, format=name)
    rows, patient = rows_of(synthesize(tmp_path / "out", options)), patient_of(patients)
    assert [row["group"] for row in rows[:6]] == [[0], [0], [1], [1], [2], [2]]
    assert all(row["parents"] == [] for row in rows[:6])
    for row in rows[6:]:
        assert row["group"] == sorted({patient[one] for one in (*row["derived_from"], *row["pixels_from"])})  # type: ignore[misc]


def test_groups_are_those_of_the_mask_and_of_the_pixels_and_of_all_that_was_seen_where_one_is_not_known(
    patients: Path,
) -> None:
    translator, masks = (load_model(patients / "models" / FOLDERS[kind], kind) for kind in ("translator", "masks"))
    names = [f"{number}.png" for number in range(6)]
    ancestry, pairs = Ancestry(translator, masks, names), translator.pairs
    assert ancestry.of([pairs[3].mask_sha256], [pairs[4].image_sha256]) == Descent((1, 2), ("3.png", "4.png"))
    assert ancestry.of([pairs[0].mask_sha256], [pairs[1].image_sha256]) == Descent((0,), ("0.png", "1.png"))
    assert ancestry.of([pairs[0].mask_sha256], ["f" * 64]) == Descent((0,), ("0.png",))
    assert ancestry.of([], [pairs[1].image_sha256]).groups == (0, 1, 2)
    assert ancestry.of([pairs[1].mask_sha256], []).groups == (0, 1, 2)


def test_every_training_pair_is_an_ancestor_where_segmenters_of_all_have_labelled_a_picture(patients: Path) -> None:
    translator, masks = (load_model(patients / "models" / FOLDERS[kind], kind) for kind in ("translator", "masks"))
    more, style = "e" * 64, "d" * 64
    beside = (Seen(more, None, ("background", "pseudo-labelled")), Seen(style, None, ("style",)))
    ancestry, pairs = Ancestry(replace(translator, beside=beside), masks), translator.pairs
    mask, image = pairs[0].mask_sha256, pairs[1].image_sha256
    assert ancestry.of([mask], [image, more]).groups == (0, 1, 2)
    assert ancestry.of([mask], [image, style]).groups == (0,)


def test_parents_are_the_names_of_originals_in_this_very_set(patients: Path, tmp_path: Path) -> None:
    options = SynthesisOptions(4, patients / "models", include_originals=True)
    out = synthesize(tmp_path / "out", options)
    rows = rows_of(out)
    for row in rows[6:]:
        named = {digest_file(out / str(name)) for name in row["parents"]}  # type: ignore[attr-defined]
        masks = {one["image_sha256"] for one in rows[:6] if one["mask_sha256"] in row["derived_from"]}  # type: ignore[operator]
        assert named == masks | set(row["pixels_from"])  # type: ignore[call-overload]
        assert named


def test_without_originals_groups_are_told_and_no_names(patients: Path, tmp_path: Path) -> None:
    whole = synthesize(tmp_path / "whole", SynthesisOptions(4, patients / "models", include_originals=True))
    alone = synthesize(tmp_path / "alone", SynthesisOptions(4, patients / "models"))
    assert [row["group"] for row in rows_of(alone)] == [row["group"] for row in rows_of(whole)[6:]]
    assert all(row["parents"] == [] for row in rows_of(alone))


def test_every_training_pair_is_an_ancestor_of_what_a_network_paints(fitted: Path, tmp_path: Path) -> None:
    rows = rows_of(synthesize(tmp_path / "out", SynthesisOptions(2, fitted, include_originals=True)))
    for row in rows[6:]:
        assert row["pixels_from"] == []
        assert row["group"] == [0, 1, 2, 3, 4, 5]
        assert len(row["parents"]) < 6  # type: ignore[arg-type]


def test_a_given_mask_makes_its_owner_an_ancestor(patients: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    shutil.copy(patients / "data/masks/1_03.png", given / "a.png")
    rows = rows_of(synthesize(tmp_path / "out", SynthesisOptions(models=patients / "models", masks_from=given)))
    assert all(1 in row["group"] for row in rows)  # type: ignore[operator]


def test_an_image_whose_manner_was_taken_is_an_ancestor(patients: Path, tmp_path: Path) -> None:
    style = tmp_path / "style"
    style.mkdir()
    shutil.copy(patients / "data/images/2_05.png", style / "a.png")
    rows = rows_of(synthesize(tmp_path / "out", SynthesisOptions(4, patients / "models", style_from=style)))
    assert all(2 in row["group"] for row in rows)  # type: ignore[operator]


def test_a_mask_that_the_translator_never_saw_has_a_group_beyond_its_own(
    patients: Path, drive: Path, tmp_path: Path
) -> None:
    models = Path(shutil.copytree(patients / "models", tmp_path / "models"))
    strange = tmp_path / "strange"
    shutil.copytree(drive / "masks", strange)
    for path in strange.iterdir():  # the same pixels in other bytes
        path.write_bytes(path.read_bytes() + b"\0")
    fit_mask_generator(strange, FitOptions(models=models, threads=1, gate=False, fresh=True))
    rows = rows_of(synthesize(tmp_path / "out", SynthesisOptions(4, models)))
    assert all(any(number > 2 for number in row["group"]) for row in rows)  # type: ignore[attr-defined]


def test_items_are_one_group_where_they_share_a_mark_by_way_of_others() -> None:
    assert joined_groups([{"a"}, {"b"}, {"a", "c"}, {"d"}, {"c", "d"}]) == [0, 1, 0, 0, 0]
    assert joined_groups([set(), set()]) == [0, 1]
