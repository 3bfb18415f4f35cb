"""Images without masks beside the pairs of a translator: what is taken, what is refused, what is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.files import digest_file
from pairaug.fitted.model_file import load_model
from pairaug.pairs.drawing import draw_fundus_pair
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training import bare
from tests.conftest import Cli

FIT = ("fit-translator", "--model", "graft", "--no-gate", "--models", "models")


@pytest.fixture(autouse=True)
def _short_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "ReferenceSegmenter", lambda preset: ReferenceSegmenter(preset, steps=3))


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Three further pictures, 80 px."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "more"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(draw_fundus_pair(rng, 80)[0]).save(folder / f"more_{number}.png")
    return folder


def background_digests(models: Path) -> set[str | None]:
    return {one.image for one in load_model(models / "translator", "translator").seen if "background" in one.uses}


@pytest.fixture
def nothing_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "SUSPECT", 2.0)


@pytest.mark.usefixtures("nothing_suspected")
def test_images_without_masks_become_backgrounds_and_are_recorded_as_seen(drive: Path, more: Path, cli: Cli) -> None:
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 0, ran.err
    assert "3 images without masks" in ran.err
    fitted = load_model(Path("models/translator"), "translator")
    assert background_digests(Path("models")) == {digest_file(path) for path in more.iterdir()}
    state = fitted.network.inference_state()
    assert state["sizes"].tolist() == [[96, 96]] * 6 + [[80, 80]] * 3
    assert cli("fit-masks", drive, "--model", "warp", "--models", "models").code == 0
    assert cli("synthesize", "--count", 2, "--models", "models", "--out", "out").code == 0
    seen = json.loads(Path("out/manifest.json").read_text())["models"]["translator"]["seen"]
    assert sum(row["for"] == ["background"] for row in seen) == 3


@pytest.mark.usefixtures("nothing_suspected")
def test_a_row_names_the_images_that_gave_its_pixels(drive: Path, more: Path, cli: Cli) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    assert cli("fit-masks", drive, "--model", "warp", "--models", "models").code == 0
    assert cli("synthesize", "--count", 8, "--models", "models", "--out", "out").code == 0
    backgrounds = {digest_file(path) for path in more.iterdir()}
    known = backgrounds | {digest_file(path) for path in (drive / "images").iterdir()}
    rows = [json.loads(line) for line in Path("out/metadata.jsonl").read_text().splitlines()]
    for row in rows:
        assert row["pixels_from"]
        assert set(row["pixels_from"]) <= known
        assert 1 / len(row["pixels_from"]) <= row["largest_share"] <= 1
    assert any(set(row["pixels_from"]) & backgrounds for row in rows)


@pytest.mark.usefixtures("nothing_suspected")
def test_a_test_image_that_was_a_background_is_refused(drive: Path, more: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    assert cli("fit-masks", drive, "--model", "warp", "--models", "models").code == 0
    assert cli("synthesize", "--count", 2, "--models", "models", "--out", "out").code == 0
    test = tmp_path / "test"
    (test / "images").mkdir(parents=True)
    (test / "masks").mkdir()
    for path in more.iterdir():
        (test / "images" / path.name).write_bytes(path.read_bytes())
        Image.fromarray(np.tri(80, dtype=np.uint8) * 255).save(test / "masks" / path.name)
    ran = cli("evaluate", drive, "out", "--utility", "--test", test)
    assert ran.code == 3
    assert "background" in ran.err or "seen" in ran.err


@pytest.mark.usefixtures("nothing_suspected")
def test_what_may_be_an_object_is_taken_out_of_a_background(drive: Path, more: Path, cli: Cli, monkeypatch) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    plain = load_model(Path("models/translator"), "translator").network.inference_state()["pictures"]
    corner = np.zeros((80, 80), bool)
    corner[20:40, 30:60] = True
    monkeypatch.setattr(bare, "looked_at", lambda found, *rest: bare.Bare(found.images, (corner,) * 3))
    monkeypatch.setattr("pairaug.training.run.looked_at", bare.looked_at)
    assert cli(*FIT, drive, "--unlabelled", more, "--fresh").code == 0
    emptied = load_model(Path("models/translator"), "translator").network.inference_state()["pictures"]
    apart = (plain != emptied)[-3 * 3 * 80 * 80 :].reshape(3, 3, 80, 80).any(1).numpy()
    assert not apart[:, ~corner].any()
    assert apart[:, corner].mean() > 0.5


def test_an_image_that_is_mostly_suspect_is_no_background(drive: Path, more: Path, cli: Cli, monkeypatch) -> None:
    everything, nothing = np.ones((80, 80), bool), np.zeros((80, 80), bool)
    regions = iter([(everything, nothing, nothing), (everything,) * 3])
    monkeypatch.setattr("pairaug.training.run.looked_at", lambda found, *rest: bare.Bare(found.images, next(regions)))
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 0
    assert "1 of 3 images without masks are left out" in ran.err
    assert len(background_digests(Path("models"))) == 2
    seen = load_model(Path("models/translator"), "translator").seen
    assert sum("pseudo-labelled" in one.uses for one in seen) == 1  # it was looked at all the same
    ran = cli(*FIT, drive, "--unlabelled", more, "--fresh")
    assert ran.code == 3
    assert ran.err.splitlines()[-1].startswith("pairaug: --unlabelled: more than half of each of the 3 images")


def test_images_of_the_pairs_are_not_without_masks(drive: Path, more: Path, cli: Cli) -> None:
    ran = cli(*FIT, drive, "--unlabelled", drive)
    assert ran.code == 3
    assert "holds the images of the pairs alone" in ran.err
    for path in (drive / "images").iterdir():
        (more / f"pair_{path.name}").write_bytes(path.read_bytes())
    assert "3 images without masks" in cli(*FIT, drive, "--unlabelled", more).err


def test_a_model_that_learns_from_pairs_alone_refuses_them(drive: Path, more: Path, cli: Cli) -> None:
    ran = cli("fit-translator", drive, "--model", "vess2image", "--unlabelled", more)
    assert ran.code == 2
    assert ran.err.count("\n") == 2  # the pairs found, and the refusal
    assert "vess2image learns from pairs alone" in ran.err
    assert cli("fit-masks", drive, "--unlabelled", more).code == 2


def test_grey_images_beside_colour_are_refused(drive: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "grey").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(tmp_path / "grey" / "one.png")
    ran = cli(*FIT, drive, "--unlabelled", tmp_path / "grey")
    assert ran.code == 3
    assert "its images are grey, the real ones colour" in ran.err


@pytest.mark.usefixtures("nothing_suspected")
def test_other_images_are_another_run(drive: Path, more: Path, cli: Cli) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    (more / "more_2.png").unlink()
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 5
    assert "without masks: 3 images there, 2 images here" in ran.err


def test_an_image_that_changes_during_the_fit_is_named(drive: Path, more: Path, cli: Cli, monkeypatch) -> None:
    def spoil(found: bare.Bare, *rest: object) -> bare.Bare:
        Image.new("RGB", (80, 80)).save(more / "more_1.png")
        return bare.Bare(found.images, tuple(np.zeros((80, 80), bool) for _ in found.images.images))

    monkeypatch.setattr("pairaug.training.run.looked_at", spoil)
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 3
    assert "more_1.png changed while the model was fitted" in ran.err
