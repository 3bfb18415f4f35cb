"""The training pairs beside the synthetic ones: the same files, marked, never harmed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError, ModelError
from pairaug.files import digest_bytes, link_atomic
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.labels import Cleaning
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.manifest import MANIFEST
from pairaug.synthesis.rows import COLUMNS
from pairaug.synthesis.run import synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents
from tests.synthesis.two_pairs import NARROW, fit_both, rows_of, with_originals


def test_originals_come_first_as_the_very_same_files_and_are_marked(data: Path, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, with_originals(models))
    rows = rows_of(out)
    assert [(row["index"], row["origin"]) for row in rows] == [(0, "original"), (1, "original"), (2, "synthetic")]
    originals = {path.read_bytes(): path for path in data.rglob("*.png")}
    for row in rows[:2]:
        for key in ("file_name", "mask_file_name"):
            path = out / str(row[key])
            assert path.relative_to(out) == originals[path.read_bytes()].relative_to(data)
            assert os.path.samefile(path, originals[path.read_bytes()])
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest["counts"] == {"asked": 1, "pairs": 3, "originals": 2, "rejected": 0}
    assert [one["image_sha256"] for one in manifest["models"]["translator"]["seen"]] == [
        row["image_sha256"] for row in rows[:2]
    ]
    assert verify(out).differing == ()


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_has_the_same_keys_and_each_is_described(models: Path, tmp_path: Path, name: str) -> None:
    synthesize(tmp_path / "out", with_originals(models, format=name))
    keys = {tuple(row) for row in rows_of(tmp_path / "out")}
    assert len(keys) == 1
    assert set(keys.pop()) | {"shard", "glued", "fold"} == set(COLUMNS)


def test_the_originals_are_found_by_content_where_they_were_renamed(data: Path, models: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "before", with_originals(models))
    for number, path in enumerate(sorted(data.rglob("*.png"))):
        path.rename(data / f"{number}.png")
    synthesize(tmp_path / "after", with_originals(models))
    digests = [
        [(row["image_sha256"], row["mask_sha256"]) for row in rows_of(tmp_path / name)] for name in ("before", "after")
    ]
    assert digests[0] == digests[1]
    assert {str(row["file_name"]) for row in rows_of(tmp_path / "after")[:2]} == {"0.png", "1.png"}


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_originals_that_are_gone_or_changed_are_refused_before_anything_is_written(
    data: Path, models: Path, cli: Cli, harm: str
) -> None:
    mask = sorted((data / "masks").iterdir())[1]
    digest = hashlib.sha256(mask.read_bytes()).hexdigest()
    if harm == "gone":
        mask.unlink()
    else:
        mask.write_bytes(mask.read_bytes() + b"x")
    ran = cli("synthesize", "--models", models, "--out", "out", "--include-originals")
    assert ran.code == 3
    assert "1 of 2 training pairs are no longer in" in ran.err
    assert "put them back, say where they are with --originals DIR, or leave --include-originals out" in ran.err
    assert f"mask with SHA-256 {digest}" in ran.err
    assert not Path("out").exists()


def test_a_data_folder_that_is_gone_is_refused(data: Path, models: Path, tmp_path: Path) -> None:
    data.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"which does not exist; say where they are"):
        synthesize(tmp_path / "out", with_originals(models))
    (models / "translator/run.json").unlink()
    with pytest.raises(DataError, match=r"is not recorded; say where they are"):
        synthesize(tmp_path / "out", with_originals(models))


def test_overwriting_and_remaking_never_touches_the_originals(data: Path, models: Path, tmp_path: Path) -> None:
    out, before = tmp_path / "out", contents(data)
    for options in (
        with_originals(models),
        with_originals(models, count=2),
        with_originals(models, format="coco", overwrite=True),
        with_originals(models, format="nnunet", overwrite=True),
        with_originals(models, overwrite=True),
        with_originals(models, include_originals=False, overwrite=True),
    ):
        synthesize(out, options)
        assert contents(data) == before
    assert not [path for path in out.rglob("*.png") if not path.name.startswith("synthetic_")]


def test_a_copy_is_made_where_the_file_system_has_no_links(
    data: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesize(tmp_path / "linked", with_originals(models))

    def refuse(*arguments: object, **others: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    synthesize(tmp_path / "copied", with_originals(models))
    assert contents(tmp_path / "copied") == contents(tmp_path / "linked")
    copies = [path for path in (tmp_path / "copied").rglob("*.png") if not path.name.startswith("synthetic_")]
    assert len(copies) == 4
    assert all(path.stat().st_nlink == 1 for path in copies)


def test_linking_a_file_onto_itself_leaves_no_temporary_behind(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    for _ in range(2):
        link_atomic(tmp_path / "a", tmp_path / "out/b")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]


def test_a_mask_that_was_cleaned_for_training_is_written_clean(data: Path, tmp_path: Path) -> None:
    dirty = sorted((data / "masks").iterdir())[0]
    values = np.array(Image.open(dirty))
    values[:3, :3] = 7
    Image.fromarray(values).save(dirty)
    policy = CheckPolicy(cleaning=Cleaning(threshold=128))
    models = fit_both(data, tmp_path / "models", policy)
    synthesize(tmp_path / "out", with_originals(models))
    clean, linked, _ = sorted((tmp_path / "out/masks").iterdir())
    assert np.array_equal(np.asarray(Image.open(clean)), np.where(values >= 128, 255, 0))
    assert os.path.samefile(linked, sorted((data / "masks").iterdir())[1])
    assert 7 in np.asarray(Image.open(dirty))


def test_jpeg_masks_are_taken_over_as_png_with_exact_values(tmp_path: Path) -> None:
    data = tmp_path / "data"
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (data / name).mkdir(parents=True)
    for i in range(2):
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(data / f"images/{i}.png")
        mask = np.zeros((40, 40), np.uint8)
        mask[8:16, 8 + i : 32] = 255
        Image.fromarray(mask).save(data / f"masks/{i}.jpg", quality=70)
    models = fit_both(data, tmp_path / "models", CheckPolicy(cleaning=Cleaning(threshold=128)))
    synthesize(tmp_path / "out", with_originals(models))
    for i in range(2):
        mask = np.asarray(Image.open(tmp_path / f"out/masks/{i}.png"))
        assert set(np.unique(mask)) == {0, 255}


def test_several_masks_of_one_image_are_taken_over_as_their_union(data: Path, tmp_path: Path) -> None:
    whole = {}
    for path in sorted((data / "masks").iterdir()):
        mask = np.asarray(Image.open(path))
        whole[path.stem] = mask
        left, right = mask.copy(), mask.copy()
        left[:, 48:], right[:, :48] = 0, 0
        name = path.stem
        path.unlink()
        (data / name / "images").mkdir(parents=True)
        (data / name / "masks").mkdir(parents=True)
        (data / "images" / f"{name}.png").rename(data / name / f"images/{name}.png")
        Image.fromarray(left).save(data / name / f"masks/{digest_bytes(left.tobytes())[:6]}.png")
        Image.fromarray(right).save(data / name / f"masks/{digest_bytes(right.tobytes())[:6]}.png")
    for folder in ("images", "masks"):
        (data / folder).rmdir()
    models = fit_both(data, tmp_path / "models")
    synthesize(tmp_path / "out", with_originals(models))
    rows = rows_of(tmp_path / "out")
    assert [row["origin"] for row in rows] == ["original", "original", "synthetic"]
    for row, mask in zip(rows, whole.values(), strict=False):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / str(row["mask_file_name"]))), mask)


def test_nnunet_originals_are_renumbered_not_linked(models: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", with_originals(models, format="nnunet"))
    for path in (tmp_path / "out/labelsTr").iterdir():
        assert set(np.unique(np.asarray(Image.open(path)))) == {0, 1}
        assert path.stat().st_nlink == 1


def test_models_of_an_earlier_version_say_that_they_do_not_know(data: Path, models: Path, tmp_path: Path) -> None:
    from pairaug.fitted.model_file import load_model
    from pairaug.synthesis.formats import open_format
    from pairaug.synthesis.originals import find_originals

    old = load_model(models / "translator", "translator")
    object.__setattr__(old, "info", {key: value for key, value in old.info.items() if key != "reading"})
    with pytest.raises(ModelError, match="fit it again, or leave --include-originals out"):
        find_originals(old, models / "translator", open_format("mirror", old))


def test_united_masks_are_found_again_where_a_list_had_to_name_them(drive: Path, tmp_path: Path) -> None:
    data, lines, whole = tmp_path / "data", [], []
    data.mkdir()
    for number in range(2):
        shutil.copy(sorted((drive / "images").iterdir())[number], data / f"p{number}.png")
        mask = np.asarray(Image.open(sorted((drive / "masks").iterdir())[number]))
        parts = []
        for name, half in (("left", np.s_[:, 48:]), ("right", np.s_[:, :48])):
            part = mask.copy()
            part[half] = 0
            Image.fromarray(part).save(data / f"{name}_of_{number}.png")
            parts.append(str(data / f"{name}_of_{number}.png"))
        whole.append(mask)
        lines.append(json.dumps({"image": str(data / f"p{number}.png"), "mask": parts}))
    models = tmp_path / "models"
    fit_mask_generator("-", FitOptions(models=models, threads=1), lines=lines)
    fit_translator("-", FitOptions(models=models, epochs=1, settings=NARROW, threads=1), lines=lines)
    assert "left_of" not in (models / "translator/pairs.jsonl").read_text()
    out = synthesize(tmp_path / "out", with_originals(models))
    for row, mask in zip(rows_of(out), whole, strict=False):
        assert np.array_equal(np.asarray(Image.open(out / str(row["mask_file_name"]))), mask)
    (data / "left_of_1.png").unlink()
    with pytest.raises(DataError, match="1 of 2 training pairs are no longer in"):
        synthesize(tmp_path / "again", with_originals(models))


def test_a_seed_survives_readers_that_make_floats_of_a_column_with_nulls(models: Path, tmp_path: Path) -> None:
    rows = rows_of(synthesize(tmp_path / "out", with_originals(models, count=20)))
    seeds = [row["seed"] for row in rows]
    assert seeds[:2] == [None, None]
    assert [int(float(str(seed))) for seed in seeds[2:]] == seeds[2:]


def test_deep_grey_originals_keep_their_16_bits_in_every_format(tmp_path: Path) -> None:
    data, rng = tmp_path / "data", np.random.default_rng(0)
    for name in ("images", "masks"):
        (data / name).mkdir(parents=True)
    images = [rng.integers(0, 4096, (48, 40), np.uint16) for _ in range(2)]
    for number, image in enumerate(images):
        Image.fromarray(image).save(data / f"images/{number}.png")
        mask = np.zeros((48, 40), np.uint8)
        mask[8:20, 9 + number : 30] = 1
        Image.fromarray(mask).save(data / f"masks/{number}.png")
    models = fit_both(data, tmp_path / "models")
    for name in ("mirror", "nnunet"):
        synthesize(tmp_path / name, with_originals(models, format=name))
        paths = [tmp_path / name / str(row["file_name"]) for row in rows_of(tmp_path / name)]
        *originals, synthetic = [np.asarray(Image.open(path)) for path in paths]
        assert all(np.array_equal(one, other) for one, other in zip(originals, images, strict=True))
        assert synthetic.dtype == np.uint16
        assert synthetic.max() > 255


def test_a_data_folder_that_was_moved_is_named_by_a_flag(data: Path, models: Path, tmp_path: Path, cli: Cli) -> None:
    whole = contents(synthesize(tmp_path / "out", with_originals(models)))
    data.rename(tmp_path / "elsewhere")
    command = ("synthesize", "--models", models, "--out", "again", "--count", 1, "--include-originals")
    assert "--originals DIR" in cli(*command).err
    assert cli(*command, "--originals", tmp_path / "elsewhere").code == 0
    again = contents(tmp_path / "again")
    assert {name for name in whole if whole[name] != again.get(name)} <= {MANIFEST}
    next((tmp_path / "elsewhere/images").iterdir()).write_bytes(b"other")
    ran = cli(*command[:4], "third", *command[5:], "--originals", tmp_path / "elsewhere")
    assert ran.code == 3
    assert "1 of 2 training pairs" in ran.err
    assert cli("synthesize", "--out", "x", "--models", models, "--originals", "d").code == 2
