"""Synthesis: the same bytes whatever happens on the way, and an output that mirrors its input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError, Interrupted, ModelError, OutputError, UsageError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.source import find_pairs
from pairaug.reporting import Reporter
from pairaug.synthesis.ledger import Ledger
from pairaug.synthesis.manifest import JOURNAL, MANIFEST, METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import contents
from tests.killed import killed_when_ready
from tests.synthesis.killed_runs import synthesize_until

COUNT = 5


@pytest.fixture(scope="module")
def whole(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an undisturbed run of five pairs."""
    out = tmp_path_factory.mktemp("out") / "whole"
    synthesize(out, SynthesisOptions(count=COUNT, models=fitted, threads=1, batch_size=1))
    return contents(out)


@pytest.mark.parametrize(("batch_size", "threads"), [(8, 1), (1, 2), (3, 4)])
def test_batch_and_threads_change_no_byte(
    whole: dict[str, bytes], fitted: Path, tmp_path: Path, batch_size: int, threads: int
) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(COUNT, fitted, batch_size=batch_size, threads=threads))
    assert contents(tmp_path / "out") == whole


def test_another_seed_gives_other_pairs(whole: dict[str, bytes], fitted: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(2, fitted, seed=1))
    assert contents(tmp_path / "out")["masks/synthetic_000000.png"] != whole["masks/synthetic_000000.png"]


def test_a_larger_count_extends_the_set_to_what_one_run_would_have_given(
    whole: dict[str, bytes], fitted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(2, fitted))
    before = (out / "images/synthetic_000001.png").stat().st_mtime_ns
    synthesize(out, SynthesisOptions(COUNT, fitted))
    assert contents(out) == whole
    assert (out / "images/synthetic_000001.png").stat().st_mtime_ns == before


def test_the_same_run_again_is_already_complete_and_touches_nothing(fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(2, fitted))
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    synthesize(out, SynthesisOptions(2, fitted))
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == times


def test_a_missing_or_changed_file_is_made_again(whole: dict[str, bytes], fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(COUNT, fitted))
    (out / "images/synthetic_000002.png").unlink()
    (out / "masks/synthetic_000003.png").write_bytes(b"x")
    synthesize(out, SynthesisOptions(COUNT, fitted))
    assert contents(out) == whole


def test_a_smaller_count_is_refused(fitted: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(3, fitted))
    with pytest.raises(OutputError, match="more than --count 2"):
        synthesize(tmp_path / "out", SynthesisOptions(2, fitted))


def test_a_run_killed_with_kill_9_is_filled_in_to_the_same_bytes(
    whole: dict[str, bytes], fitted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    killed_when_ready(synthesize_until, 2, out, SynthesisOptions(COUNT, fitted, threads=1, batch_size=1), 1000)
    left = contents(out)
    assert (out / JOURNAL).exists()
    assert not (out / MANIFEST).exists()
    assert all(whole[name] == data for name, data in left.items() if name.endswith(".png") and "/." not in name)
    with open(out / JOURNAL, "ab") as journal:
        journal.write(b'{"torn": ')
    (out / ".pairaug-tmp-left").write_bytes(b"half a file")
    synthesize(out, SynthesisOptions(COUNT, fitted))
    assert contents(out) == whole


def test_a_signal_ends_the_run_with_its_pairs_written_and_the_next_one_continues(
    whole: dict[str, bytes], fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Ledger.add

    def add(self: Ledger, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type]
        if len(self.rows) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Ledger, "add", add)
    with pytest.raises(Interrupted) as caught:
        synthesize(tmp_path / "out", SynthesisOptions(40, fitted, threads=1, batch_size=1))
    assert caught.value.exit_code == 130
    monkeypatch.undo()
    assert 1 <= len(list((tmp_path / "out/images").iterdir())) < 40
    shutil.rmtree(tmp_path / "out")
    assert threading.active_count() < 10


def test_a_full_disk_ends_with_exit_7_and_no_half_file(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from pairaug import files
    from pairaug.errors import StorageError

    calls = iter(range(1, 1000))
    original = os.replace

    def replace(source: object, target: object) -> None:
        if next(calls) > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(files.os, "replace", replace)
    with pytest.raises(StorageError, match="disk is full") as caught:
        synthesize(tmp_path / "out", SynthesisOptions(COUNT, fitted))
    assert caught.value.exit_code == 7
    assert not [path for path in (tmp_path / "out").rglob(".pairaug-tmp-*")]


def test_too_little_space_is_found_before_work(fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    from pairaug import files
    from pairaug.errors import StorageError

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: usage(1, 1, 10))
    with pytest.raises(StorageError, match="needs about"):
        synthesize(tmp_path / "out", SynthesisOptions(COUNT, fitted))
    assert not list((tmp_path / "out").rglob("*.png"))


def test_the_output_mirrors_layout_modes_sizes_and_label_values(cells: Path, tmp_path: Path) -> None:
    models, out = tmp_path / "models", tmp_path / "out"
    fit_mask_generator(cells / "GT", FitOptions(models=models, threads=1))
    fit_translator(cells, FitOptions(models=models, epochs=1, settings={"base": 2}, threads=1))
    synthesize(out, SynthesisOptions(12, models))
    for folder in (METADATA, None):  # by its own list, and by its names alone
        if folder is None:
            (out / METADATA).unlink()
            (out / MANIFEST).unlink()
        checked = check_pairs(find_pairs(out), CheckPolicy())
        original = check_pairs(find_pairs(cells), CheckPolicy())
        assert len(checked.pairs) == 12
        assert checked.label_map == original.label_map
        assert {item.size for item in checked.pairs} <= {item.size for item in original.pairs}
        assert len({item.size for item in checked.pairs}) > 1
        for item in checked.pairs:
            assert item.image_form is not None
            assert (item.image_form.format, item.image_form.mode) == ("JPEG", "L")
            assert (item.mask_form.format, item.mask_form.mode) == ("PNG", "L")
            assert item.pair.image.startswith("Imgs/synthetic_")
            assert item.pair.masks[0].startswith("GT/synthetic_")


def test_every_row_says_what_it_derives_from_and_how_far_it_moved(whole: dict[str, bytes], drive: Path) -> None:
    known = {item.mask_digest for item in check_pairs(find_pairs(drive), CheckPolicy()).pairs}
    rows = [json.loads(line) for line in whole[METADATA].splitlines()]
    assert [row["index"] for row in rows] == list(range(COUNT))
    for row in rows:
        assert row["derived_from"]
        assert set(row["derived_from"]) <= known
        assert 0.02 * 96 <= row["displacement"] <= 0.06 * 96
        assert sum(row["class_pixels"].values()) == 96 * 96
        assert row["agreement"] is row["nearest_mask"] is row["nearest_distance"] is None


def test_nothing_of_the_originals_but_pixels_reaches_the_output(tmp_path: Path) -> None:
    source, models = tmp_path / "data", tmp_path / "models"
    for name in ("images", "masks"):
        (source / name).mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010E] = "PATIENT NAME"
    rng = np.random.default_rng(0)
    for i in range(2):
        picture = Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8))
        picture.save(source / f"images/{i}.jpg", exif=exif, icc_profile=b"PROFILE OF A SCANNER", comment=b"SECRET")
        mask = np.zeros((40, 40), np.uint8)
        mask[10:20, 5 + i : 30] = 255
        Image.fromarray(mask).save(source / f"masks/{i}.png")
    fit_mask_generator(source, FitOptions(models=models, threads=1))
    fit_translator(source, FitOptions(models=models, epochs=1, settings={"base": 2}, threads=1))
    synthesize(tmp_path / "out", SynthesisOptions(2, models))
    for files in (contents(tmp_path / "out"), contents(models)):
        everything = b"".join(files.values())
        for secret in (b"PATIENT", b"SCANNER", b"SECRET"):
            assert secret not in everything


def test_the_manifest_comes_last_and_has_no_clock_and_no_place(whole: dict[str, bytes], fitted: Path) -> None:
    manifest = json.loads(whole[MANIFEST])
    assert manifest["counts"] == {"asked": COUNT, "pairs": COUNT, "originals": 0, "rejected": 0}
    assert manifest["config"]["count"] == {"value": COUNT, "origin": "default"}
    assert manifest["models"]["masks"]["name"] == "warp"
    assert manifest["models"]["masks"]["contains_training_masks"] is True
    seen = manifest["models"]["translator"]["seen"]
    assert [one["for"] for one in seen] == [["fitted"]] * 6
    assert all(one["image_sha256"] and one["mask_sha256"] for one in seen)
    assert {one["image_sha256"] for one in manifest["models"]["masks"]["seen"]} == {None}
    assert str(fitted).encode() not in whole[MANIFEST] + whole[METADATA]


def test_verify_names_what_differs(fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(3, fitted))
    assert verify(out).differing == ()
    (out / "images/synthetic_000000.png").write_bytes(b"x")
    (out / "masks/synthetic_000002.png").unlink()
    (out / "images/extra.png").write_bytes(b"x")
    result = verify(out)
    assert result.differing == ("images/synthetic_000000.png: changed", "masks/synthetic_000002.png: missing")
    assert result.unlisted == ("images/extra.png",)
    with open(out / METADATA, "ab") as file:
        file.write(b"\n")
    assert f"{METADATA}: changed" in verify(out).differing


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", ""])
def test_verify_refuses_a_manifest_that_points_outside(fitted: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(1, fitted))
    row = json.loads((out / METADATA).read_text())
    (out / METADATA).write_text(json.dumps({**row, "file_name": name}) + "\n")
    with pytest.raises(DataError, match="relative path"):
        verify(out)


def test_overwrite_removes_what_its_manifest_lists_and_nothing_else(fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(3, fitted, seed=1))
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="differs in seed"):
        synthesize(out, SynthesisOptions(2, fitted, seed=2))
    synthesize(out, SynthesisOptions(2, fitted, seed=2, overwrite=True))
    assert (out / "notes.txt").read_text() == "mine"
    assert len(list((out / "images").iterdir())) == 2


def test_a_folder_of_somebody_else_is_never_written_to(fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"thesis\.tex"):
            synthesize(out, SynthesisOptions(1, fitted, overwrite=overwrite))
    assert sorted(path.name for path in out.iterdir()) == ["thesis.tex"]


@pytest.mark.parametrize("place", [".", "augmented", "images/x", ".."])
def test_an_output_inside_or_around_the_data_is_refused(drive: Path, fitted: Path, place: str) -> None:
    with pytest.raises(OutputError, match="inside or around"):
        synthesize(drive / place, SynthesisOptions(1, fitted))


def test_two_writers_do_not_share_a_folder(fitted: Path, tmp_path: Path) -> None:
    from pairaug.locking import folder_lock

    with folder_lock(tmp_path / "out"), pytest.raises(OutputError, match=f"process {os.getpid()}") as caught:
        synthesize(tmp_path / "out", SynthesisOptions(1, fitted))
    assert caught.value.exit_code == 5


def test_real_masks_can_be_painted_as_they_are(drive: Path, fitted: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(models=fitted, masks_from=drive / "masks"))
    painted = sorted((tmp_path / "out/masks").iterdir())
    assert len(painted) == 6
    for ours, theirs in zip(painted, sorted((drive / "masks").iterdir()), strict=True):
        assert np.array_equal(np.asarray(Image.open(ours)), np.asarray(Image.open(theirs)))


def test_more_pairs_than_given_masks_are_refused(drive: Path, fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="6 masks"):
        synthesize(tmp_path / "out", SynthesisOptions(7, fitted, masks_from=drive / "masks"))


def test_several_images_a_mask_need_a_translator_that_knows_them(fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one image for a mask") as caught:
        synthesize(tmp_path / "out", SynthesisOptions(2, fitted, per_mask=2))
    assert caught.value.exit_code == 2


def test_models_of_different_labels_are_refused_and_of_different_data_warned_about(
    drive: Path, cells: Path, fitted: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    fit_mask_generator(cells / "GT", FitOptions(models=mixed, threads=1))
    shutil.copytree(fitted / "translator", mixed / "translator")
    with pytest.raises(ModelError, match=r"\{0, 128, 255\}.*\{0, 255\}"):
        synthesize(tmp_path / "out", SynthesisOptions(1, mixed))

    other, warnings = tmp_path / "other", []
    (tmp_path / "one").mkdir()
    mask = np.zeros((30, 30), np.uint8)
    mask[5:9] = 255
    Image.fromarray(mask).save(tmp_path / "one/a.png")
    fit_mask_generator(tmp_path / "one", FitOptions(models=other, threads=1))
    shutil.copytree(fitted / "translator", other / "translator")

    class Listening(Reporter):
        def warn(self, text: str) -> None:
            warnings.append(text)

    synthesize(tmp_path / "out", SynthesisOptions(1, other), reporter=Listening())
    assert any("share no training mask" in text for text in warnings)


def test_a_jpeg_mask_becomes_png_and_an_equal_name_gets_out_of_the_way(fitted: Path) -> None:
    from pairaug.fitted.model_file import TrainedPair, load_model
    from pairaug.pairs.form import Form
    from pairaug.synthesis.formats.mirror import Mirror, changed_mask_formats

    grey = Form(".jpg", "JPEG", "L")
    pair = TrainedPair("", "", (1, 1), "x/{id}.png", "x/{id}.jpg", Form(".png", "PNG", "RGB"), grey)
    place = Mirror(load_model(fitted / "translator", "translator")).place(pair, "new")
    assert (place.image_name, place.mask_name, place.mask_form.format) == ("x/new.png", "x/new_mask.png", "PNG")
    assert changed_mask_formats([pair], (0, 255)) == ["JPEG"]
