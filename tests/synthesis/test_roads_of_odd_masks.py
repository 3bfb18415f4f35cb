"""From odd folders to an augmented set: originals and synthetic pairs read alike, whatever they are read with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pairaug.files import read_json_lines
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.source import Selection, find_pairs
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.manifest import MANIFEST, METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions

SIDE, PAIRS = 64, 4


def drawn(number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A grey picture (SIDE, SIDE) and its mask of 0 and 1: a disc that covers less than half."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    inside = (rows - 20 - 5 * number) ** 2 + (columns - 40 + 4 * number) ** 2 < 12**2
    noise = np.random.default_rng(number).normal(0, 6, inside.shape)
    return (90 + 80 * inside + noise).clip(0, 255).astype(np.uint8), inside.astype(np.uint8)


def road(
    root: Path,
    save: Callable[[Path, int], None],
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    output_format: str = "mirror",
) -> Path:
    """Fit on what ``save(folder, number)`` writes, and synthesise with originals."""
    data, models = root / "data", root / "models"
    for number in range(PAIRS):
        save(data, number)
    fit_mask_generator(data, FitOptions(models=models, threads=1), selection=selection, policy=policy)
    options = FitOptions(models=models, threads=1, epochs=1, settings={"base": 2})
    fit_translator(data, options, selection=selection, policy=policy)
    out = root / f"out-{output_format}"
    options_of_set = SynthesisOptions(count=3, models=models, threads=1, include_originals=True, format=output_format)
    synthesize(out, options_of_set)
    assert verify(out).differing == ()
    return out


def put(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def rows_of(out: Path, origin: str) -> list[dict[str, object]]:
    return [row for row in read_json_lines(out / METADATA) if row["origin"] == origin]


def test_grey_stored_as_colour_comes_out_with_three_equal_channels(tmp_path: Path) -> None:
    def save(data: Path, number: int) -> None:
        image, mask = drawn(number)
        put(Image.fromarray(image).convert("RGB"), data / f"images/{number}.{'jpg' if number % 2 else 'png'}")
        put(Image.fromarray(mask * np.uint8(255)), data / f"masks/{number}.png")

    out = road(tmp_path, save)
    for row in rows_of(out, "synthetic"):
        with Image.open(out / str(row["file_name"])) as picture:
            assert picture.mode == "RGB"
            red, green, blue = (np.asarray(picture)[..., channel] for channel in range(3))
        assert (red == green).all()
        assert (red == blue).all()


@pytest.mark.parametrize("bits", [1, 8])
def test_where_white_is_zero_every_reader_sees_originals_and_synthetic_masks_alike(bits: int, tmp_path: Path) -> None:
    def save(data: Path, number: int) -> None:
        image, mask = drawn(number)
        put(Image.fromarray(image), data / f"images/{number}.png")
        (data / "masks").mkdir(exist_ok=True)
        stored = mask > 0 if bits == 1 else mask
        tifffile.imwrite(data / f"masks/{number}.tif", stored, photometric="miniswhite")

    out = road(tmp_path, save)
    for read in (tifffile.imread, lambda path: np.asarray(Image.open(path))):
        most = []
        for origin in ("original", "synthetic"):
            for row in rows_of(out, origin):
                values, counts = np.unique(read(out / str(row["mask_file_name"])), return_counts=True)
                most.append(int(values[counts.argmax()]))
        assert len(set(most)) == 1, (read, most)


def test_masks_in_the_alpha_channel_come_out_as_grey_ones(tmp_path: Path) -> None:
    def save(data: Path, number: int) -> None:
        image, mask = drawn(number)
        put(Image.fromarray(image), data / f"images/{number}.png")
        painted = Image.new("RGBA", (SIDE, SIDE))
        painted.putalpha(Image.fromarray(mask * np.uint8(255)))
        put(painted, data / f"masks/{number}.png")

    out = road(tmp_path, save, policy=CheckPolicy(DecodePolicy(alpha="mask")))
    for row in [*rows_of(out, "original"), *rows_of(out, "synthetic")]:
        with Image.open(out / str(row["mask_file_name"])) as picture:
            assert picture.mode == "L"
            assert set(np.unique(np.asarray(picture)).tolist()) == {0, 255}


def test_palettes_that_differ_come_out_with_one_meaning(tmp_path: Path) -> None:
    def save(data: Path, number: int) -> None:
        image, mask = drawn(number)
        put(Image.fromarray(image), data / f"images/{number}.png")
        flip = number % 2
        picture = Image.fromarray(mask ^ np.uint8(flip)).convert("P")
        picture.putpalette([255, 255, 255, 0, 0, 0] if flip else [0, 0, 0, 255, 255, 255])
        put(picture, data / f"masks/{number}.png")

    out = road(tmp_path, save)
    for row in [*rows_of(out, "original"), *rows_of(out, "synthetic")]:
        with Image.open(out / str(row["mask_file_name"])) as picture:
            assert picture.mode == "L"
            assert 0 < (np.asarray(picture) == 255).mean() < 0.5


@pytest.mark.parametrize("output_format", FORMATS)
def test_classes_by_name_come_out_as_one_mask_of_them_all(output_format: str, tmp_path: Path) -> None:
    def save(data: Path, number: int) -> None:
        image, mask = drawn(number)
        put(Image.fromarray(image), data / f"{number}/image.png")
        left = mask.copy()
        left[:, 32:] = 0
        put(Image.fromarray(left * np.uint8(255)), data / f"{number}/left.png")
        put(Image.fromarray((mask - left) * np.uint8(255)), data / f"{number}/right.png")

    selection = Selection(several="classes")
    out = road(tmp_path, save, selection=selection, output_format=output_format)
    assert json.loads((out / MANIFEST).read_text())["class_names"] == ["left", "right"]
    if output_format == "nnunet":
        assert json.loads((out / "dataset.json").read_text())["labels"] == {"background": 0, "left": 1, "right": 2}
    if output_format == "coco":
        categories = json.loads((out / "annotations/instances.json").read_text())["categories"]
        assert [category["name"] for category in categories] == ["left", "right"]
    if output_format != "mirror":
        return
    for row in [*rows_of(out, "original"), *rows_of(out, "synthetic")]:
        assert str(row["mask_file_name"]).endswith("labels.png")
        with Image.open(out / str(row["mask_file_name"])) as picture:
            assert set(np.unique(np.asarray(picture)).tolist()) <= {0, 1, 2}
    found = check_pairs(find_pairs(out), CheckPolicy())
    assert found.label_map.values == (0, 1, 2)


def test_masks_of_32_bits_and_images_as_webp_are_taken_through(tmp_path: Path) -> None:
    def save(data: Path, number: int) -> None:
        image, mask = drawn(number)
        put(Image.fromarray(image).convert("RGB"), data / f"images/{number}.webp")
        (data / "masks").mkdir(exist_ok=True)
        tifffile.imwrite(data / f"masks/{number}.tif", mask.astype(np.int32))

    out = road(tmp_path, save)
    for row in rows_of(out, "synthetic"):
        assert str(row["file_name"]).endswith(".webp")
        assert set(np.unique(tifffile.imread(out / str(row["mask_file_name"]))).tolist()) == {0, 1}
