"""``--model auto``: what is fitted where the user names nothing, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.fitted.model_file import load_model
from pairaug.pairs.drawing import draw_blob_pair
from tests.conftest import Cli


def blobs(folder: Path, objects: int) -> Path:
    """Four masks with so many discs each."""
    rng, places = np.random.default_rng(0), np.indices((96, 96))
    folder.mkdir()
    for number in range(4):
        mask = np.zeros((96, 96), np.uint8)
        for row, column in [(24, 24), (24, 72), (72, 24), (72, 72)][:objects]:
            centre = np.array([row, column]) + rng.integers(-4, 5, 2)
            mask[np.hypot(*(places - centre[:, None, None])) < rng.integers(8, 14)] = 255
        Image.fromarray(mask).save(folder / f"{number}.png")
    return folder


def test_trees_are_regrown_and_objects_recomposed(drive: Path, tmp_path: Path, cli: Cli) -> None:
    ran = cli("fit-masks", drive / "masks", "--models", "trees")
    assert "auto: regrow, for the masks are trees" in ran.err
    assert load_model(Path("trees/masks"), "masks").name == "regrow"
    ran = cli("fit-masks", blobs(tmp_path / "blobs", 4), "--models", "blobs-models")
    assert "auto: recompose, for the masks are separate objects" in ran.err
    assert "share" not in ran.err


def test_single_objects_are_recomposed_with_a_warning_about_what_was_measured(tmp_path: Path, cli: Cli) -> None:
    ran = cli("fit-masks", blobs(tmp_path / "blobs", 1))
    assert "auto: recompose" in ran.err
    assert "have not been seen to help" in ran.err


def test_a_model_that_is_named_is_taken_without_a_word(drive: Path, cli: Cli) -> None:
    ran = cli("fit-masks", drive / "masks", "--model", "warp")
    assert "auto" not in ran.err
    assert load_model(Path("pairaug-models/masks"), "masks").name == "warp"
    assert "auto: regrow" in cli("fit-masks", drive / "masks", "--model", "auto", "--fresh").err


@pytest.mark.parametrize(
    ("flags", "model"),
    [
        ((), "graft"),
        (("--epochs", 1), "vess2image"),
        (("--set", "base=4"), "vess2image"),
        (("--size", 256), "vess2image"),
    ],
)
def test_images_are_grafted_unless_a_length_of_training_is_asked_for(
    drive: Path, cli: Cli, flags: tuple[object, ...], model: str
) -> None:
    told = cli("fit-translator", drive, *flags, "-n").out
    assert f"auto: {model}, " in told
    assert f"would fit {model} on 6 pairs" in told


def test_the_road_without_any_choice_makes_pairs(tmp_path: Path, cli: Cli) -> None:
    rng = np.random.default_rng(1)
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for number in range(4):
        image, mask = draw_blob_pair(rng, 72, 64)
        Image.fromarray(image).save(tmp_path / "data/images" / f"{number}.png")
        Image.fromarray(mask).save(tmp_path / "data/masks" / f"{number}.png")
    assert cli("fit-masks", tmp_path / "data/masks").code == 0
    assert cli("fit-translator", tmp_path / "data").code == 0
    assert cli("synthesize", "--count", 3, "--out", "out").code == 0
    assert cli("verify", "out").code == 0
