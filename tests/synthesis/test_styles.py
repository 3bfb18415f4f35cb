"""``--style-from``: painting in the manner of given images, and what is recorded of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.files import digest_file
from tests.conftest import Cli


@pytest.fixture
def dusk(tmp_path: Path) -> Path:
    """Two dark, bluish pictures."""
    folder, rng = tmp_path / "dusk", np.random.default_rng(3)
    folder.mkdir()
    for number in range(2):
        pixels = rng.normal((20, 30, 90), 8, (70, 90, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"dusk_{number}.png")
    return folder


def colour(folder: Path) -> np.ndarray:
    """The mean colour of a set's images."""
    means = [np.asarray(Image.open(path)).mean(axis=(0, 1)) for path in sorted((folder / "images").iterdir())]
    return np.mean(means, axis=0)


def test_images_take_the_levels_of_the_given_ones_and_masks_stay(fitted: Path, dusk: Path, cli: Cli) -> None:
    assert cli("synthesize", "--count", 3, "--models", fitted, "--out", "plain").code == 0
    ran = cli("synthesize", "--count", 3, "--models", fitted, "--out", "blue", "--style-from", dusk)
    assert ran.code == 0, ran.err
    goal = np.array([20, 30, 90])
    assert np.abs(colour(Path("blue")) - goal).max() < 0.5 * np.abs(colour(Path("plain")) - goal).max()
    for name in ("plain", "blue"):
        assert len(list((Path(name) / "masks").iterdir())) == 3
    for path in (Path("plain") / "masks").iterdir():
        assert path.read_bytes() == (Path("blue") / "masks" / path.name).read_bytes()


def test_the_manifest_names_what_was_looked_at_and_the_set_is_another(fitted: Path, dusk: Path, cli: Cli) -> None:
    command = ("synthesize", "--count", 2, "--models", fitted, "--out", "out")
    assert cli(*command, "--style-from", dusk).code == 0
    manifest = json.loads(Path("out/manifest.json").read_text())
    seen = manifest["models"]["style"]["seen"]
    assert {row["image_sha256"] for row in seen} == {digest_file(path) for path in dusk.iterdir()}
    assert {tuple(row["for"]) for row in seen} == {("style",)}
    assert "--style-from DIR" in manifest["command"]
    assert cli("verify", "out").code == 0
    assert cli(*command).code == 5  # another set lies there


def test_it_does_not_depend_on_threads_or_on_interruptions(fitted: Path, dusk: Path, cli: Cli) -> None:
    command = ("synthesize", "--models", fitted, "--style-from", dusk)
    assert cli(*command, "--count", 4, "--threads", 1, "--out", "one").code == 0
    assert cli(*command, "--count", 2, "--threads", 2, "--out", "two").code == 0
    assert cli(*command, "--count", 4, "--threads", 2, "--out", "two").code == 0
    for path in Path("one").rglob("*.png"):
        assert path.read_bytes() == (Path("two") / path.relative_to("one")).read_bytes()


def test_a_test_image_whose_manner_was_taken_is_refused(fitted: Path, drive: Path, dusk: Path, cli: Cli) -> None:
    assert cli("synthesize", "--count", 2, "--models", fitted, "--out", "out", "--style-from", dusk).code == 0
    for folder in ("images", "masks"):
        (Path("test") / folder).mkdir(parents=True)
    for path in dusk.iterdir():
        (Path("test/images") / path.name).write_bytes(path.read_bytes())
        Image.fromarray(np.tri(70, 90, dtype=np.uint8) * 255).save(Path("test/masks") / path.name)
    ran = cli("evaluate", drive, "out", "--utility", "--test", "test")
    assert ran.code == 3
    assert "seen" in ran.err or "saw" in ran.err


def test_what_cannot_be_taken_is_one_clear_line(fitted: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "grey").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)
    Image.fromarray(noise).save(tmp_path / "grey" / "one.png")
    command = ("synthesize", "--count", 2, "--models", fitted, "--out", "out", "--style-from")
    for source, said in (("grey", "its images are grey, the real ones colour"), ("nowhere", "nowhere")):
        ran = cli(*command, source)
        assert ran.code == 3
        assert said in ran.err.splitlines()[-1]
        assert not Path("out").exists()
