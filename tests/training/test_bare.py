"""Images without masks beside the pairs of a translator: what is taken, what is refused, what is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from pairaug.files import digest_file
from pairaug.fitted.model_file import load_model
from pairaug.models.translators.backgrounds import Backgrounds
from pairaug.pairs.drawing import draw_fundus_pair
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training import bare, finding
from tests.conftest import Cli

FIT = ("fit-translator", "--model", "graft", "--no-gate", "--models", "models")


@pytest.fixture(autouse=True)
def _short_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "ReferenceSegmenter", lambda preset, steps: ReferenceSegmenter(preset, steps=3))


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


CORNER = np.zeros((80, 80), np.uint8)
CORNER[20:40, 30:60] = 1


@pytest.fixture
def corner_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the segmenter found one rectangle in each image."""
    monkeypatch.setattr("pairaug.training.run.looked_at", lambda found, *_: bare.Bare(found.images, (CORNER,) * 3))


def test_images_without_masks_become_backgrounds_and_are_recorded_as_seen(drive: Path, more: Path, cli: Cli) -> None:
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 0, ran.err
    assert "3 images without masks" in ran.err
    fitted = load_model(Path("models/translator"), "translator")
    given = {digest_file(path) for path in more.iterdir()}
    assert {one.image for one in fitted.seen if "pseudo-labelled" in one.uses} == given
    assert len(background_digests(Path("models")) & given) == 2  # the surer half of three
    state = fitted.network.inference_state()
    assert state["sizes"].tolist() == [[96, 96]] * 6 + [[80, 80]] * 2
    assert cli("fit-masks", drive, "--model", "warp", "--models", "models").code == 0
    assert cli("synthesize", "--count", 2, "--models", "models", "--out", "out").code == 0
    seen = json.loads(Path("out/manifest.json").read_text())["models"]["translator"]["seen"]
    assert [row["for"] for row in seen[6:]] == [["background", "pseudo-labelled"]] * 2 + [["pseudo-labelled"]]


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


@pytest.mark.usefixtures("corner_found")
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


@pytest.mark.usefixtures("corner_found")
def test_what_is_found_in_them_stays_and_becomes_part_of_the_mask(
    drive: Path, more: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    network = load_model(Path("models/translator"), "translator").network
    wanted = np.zeros((80, 80), np.uint8)
    wanted[60:70, 10:50] = 1  # beside the rectangle
    wanted[30:34, 58:76] = 1  # touches it

    def completed() -> np.ndarray:
        given = torch.from_numpy(wanted)[None].long()
        return network.paint(given, [torch.Generator().manual_seed(0)], complete=True).labels[0].numpy()

    monkeypatch.setattr(Backgrounds, "_most", 1)  # no mask of a pair holds more parts
    assert not completed()[60:].any()
    monkeypatch.setattr(Backgrounds, "_most", 2)
    labels = completed()
    inner = ndimage.binary_erosion(CORNER, iterations=5)  # it is bent a little
    assert labels[inner].all()
    assert labels[60:68, 25:50].all()  # within the disc that the pictures show
    assert not labels[:, 66:].any()
    assert not np.array_equal(labels[:50], CORNER[:50])
    asked = network.paint(torch.from_numpy(wanted)[None].long(), [torch.Generator().manual_seed(0)], complete=False)
    assert np.array_equal(asked.labels[0].numpy(), wanted)


@pytest.mark.usefixtures("corner_found")
def test_masks_that_the_user_gives_stay_as_they_are(drive: Path, more: Path, cli: Cli) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    command = ("synthesize", "--masks-from", drive / "masks", "--count", 3, "--models", "models", "--out", "out")
    assert cli(*command).code == 0
    for made, given in zip(sorted(Path("out/masks").iterdir()), sorted((drive / "masks").iterdir()), strict=False):
        assert np.array_equal(np.asarray(Image.open(made)), np.asarray(Image.open(given)))


@pytest.mark.usefixtures("corner_found")
def test_what_is_asked_of_masks_holds_for_those_that_an_image_completes(drive: Path, more: Path, cli: Cli) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    assert cli("fit-masks", drive, "--model", "warp", "--models", "models").code == 0
    command = ("synthesize", "--count", 2, "--models", "models", "--out", "out", "--gates", "none", "--area")
    ran = cli(*command, f"0-{0.6 * CORNER.mean()}")  # what stands in every image covers more
    assert ran.code == 8
    assert "area" in ran.err
    assert cli(*command, "0-0.9", "--overwrite").code == 0
    for path in Path("out/masks").iterdir():
        assert CORNER.mean() * 0.6 < (np.asarray(Image.open(path)) > 0).mean() <= 0.9


def test_a_dry_run_tells_what_looking_for_objects_takes(drive: Path, more: Path, cli: Cli) -> None:
    plain, looking = (
        json.loads(cli(*FIT, drive, "-n", "--json", *flags).out)["seconds"] for flags in ((), ("--unlabelled", more))
    )
    assert looking > plain
    assert "what looks for objects in the images of --unlabelled" in cli(*FIT, drive, "-n", "--unlabelled", more).out


@pytest.mark.usefixtures("corner_found")
def test_new_masks_hold_what_stands_in_their_images(drive: Path, more: Path, cli: Cli) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    assert cli("fit-masks", drive, "--model", "warp", "--models", "models").code == 0
    assert cli("synthesize", "--count", 4, "--models", "models", "--out", "out").code == 0
    middle = [np.asarray(Image.open(path))[30:42, 42:66] for path in Path("out/masks").iterdir()]
    assert all((part > 0).all() for part in middle)  # the rectangle, at 96 instead of 80 pixels


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
    assert ran.err.count("\n") == 1  # before the data are opened
    assert "vess2image learns from pairs alone" in ran.err
    assert cli("fit-masks", drive, "--unlabelled", more).code == 2


def test_grey_images_beside_colour_are_refused(drive: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "grey").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(tmp_path / "grey" / "one.png")
    ran = cli(*FIT, drive, "--unlabelled", tmp_path / "grey")
    assert ran.code == 3
    assert "its images are grey, the real ones colour" in ran.err


def test_other_images_are_another_run(drive: Path, more: Path, cli: Cli) -> None:
    assert cli(*FIT, drive, "--unlabelled", more).code == 0
    (more / "more_2.png").unlink()
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 5
    assert "without masks: 3 images there, 2 images here" in ran.err


def test_an_image_that_changes_during_the_fit_is_named(drive: Path, more: Path, cli: Cli, monkeypatch) -> None:
    def spoil(found: bare.Bare, *_: object) -> bare.Bare:
        Image.new("RGB", (80, 80)).save(more / "more_1.png")
        return bare.Bare(found.images, (CORNER,) * 3)

    monkeypatch.setattr("pairaug.training.run.looked_at", spoil)
    ran = cli(*FIT, drive, "--unlabelled", more)
    assert ran.code == 3
    assert "more_1.png changed while the model was fitted" in ran.err
