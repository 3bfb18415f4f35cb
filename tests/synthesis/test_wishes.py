"""What the user wants otherwise than in the originals: PNG, classes instead of label values, names of classes."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import UsageError
from pairaug.fitted.model_file import load_model
from pairaug.pairs.encoding import encode_image, encode_mask, png_form
from pairaug.pairs.form import Form
from pairaug.synthesis.formats import FORMATS, open_format
from pairaug.synthesis.formats.wishes import Wishes
from pairaug.synthesis.manifest import MANIFEST
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.training.label_names import find_label_names
from tests.conftest import Cli
from tests.synthesis.two_pairs import fit_both, rows_of, two_pairs

LOOSE = [name for name in FORMATS if name != "webdataset"]


def made(out: Path, models: Path, **wanted: object) -> Path:
    return synthesize(out, SynthesisOptions(2, models, include_originals=True, **wanted))  # type: ignore[arg-type]


def opened(out: Path, name: object) -> Image.Image:
    return Image.open(io.BytesIO((out / str(name)).read_bytes()))


@pytest.mark.parametrize("name", LOOSE)
def test_masks_hold_classes_on_request_in_every_format(fitted_cells: Path, tmp_path: Path, name: str) -> None:
    made(tmp_path / "values", fitted_cells)
    out = made(tmp_path / "classes", fitted_cells, format=name, masks_as="classes")
    for row, like in zip(rows_of(out), rows_of(tmp_path / "values"), strict=True):
        mask = opened(out, row["mask_file_name"])
        values = np.asarray(opened(tmp_path / "values", like["mask_file_name"]))
        assert (mask.format, mask.mode) == ("PNG", "L")
        assert np.array_equal(np.array([0, 128, 255])[np.asarray(mask)], values)
        assert row["class_pixels"] == like["class_pixels"]
    stated = json.loads((out / MANIFEST).read_text())["format"]["class_values"]
    assert stated == {"0": 0, "1": 128, "2": 255}


def test_evaluate_takes_masks_of_classes_for_what_they_stand_for(
    fitted_cells: Path, cells: Path, tmp_path: Path, cli: Cli
) -> None:
    out = made(tmp_path / "out", fitted_cells, masks_as="classes")
    ran = cli("evaluate", cells, out, "--parts", "masks", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["synthetic"]["pairs"] == 2


def test_gif_masks_and_tiff_images_are_written_as_png_on_request(drive: Path, tmp_path: Path) -> None:
    data = two_pairs(drive, tmp_path / "data")
    for path in [*data.rglob("*.png")]:
        ending = ".tif" if path.parent.name == "images" else ".gif"
        opened(data, path).save(path.with_suffix(ending))
        path.unlink()
    models = fit_both(data, tmp_path / "models")
    made(tmp_path / "as-found", models)
    out = made(tmp_path / "out", models, images_as="png", masks_as="png")
    for row, like in zip(rows_of(out), rows_of(tmp_path / "as-found"), strict=True):
        for key, was in (("file_name", "TIFF"), ("mask_file_name", "GIF")):
            picture, found = opened(out, row[key]), opened(tmp_path / "as-found", like[key])
            assert (picture.format, found.format) == ("PNG", was)
            assert str(row[key]).endswith(".png")
            assert np.array_equal(np.asarray(picture), np.asarray(found))


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        (Form(".tif", "TIFF", "L"), "L"),
        (Form(".tif", "TIFF", "1", white_is_zero=True), "1"),
        (Form(".tif", "TIFF", "I;16"), "I;16"),
        (Form(".tif", "TIFF", "CMYK"), "RGB"),
        (Form(".gif", "GIF", "P", palette=bytes(range(256)).hex() * 3), "P"),
        (Form(".tif", "TIFF", "RGBA"), "RGBA"),
    ],
)
def test_every_form_has_one_as_png_that_can_be_written(form: Form, mode: str) -> None:
    png = png_form(form)
    assert (png.suffix, png.format, png.mode, png.white_is_zero) == (".png", "PNG", mode, False)
    pixels = np.full((4, 5) if png.channels == 1 else (4, 5, 3), 1, np.uint16 if png.bits == 16 else np.uint8)
    assert encode_image(pixels, png).startswith(b"\x89PNG")
    assert encode_mask(np.ones((4, 5), np.int32), png).startswith(b"\x89PNG")


def test_colour_of_16_bits_cannot_be_asked_for_as_png() -> None:
    with pytest.raises(UsageError, match="--images-as png: these images have 16 bits a colour channel"):
        png_form(Form(".tif", "TIFF", "RGB;16"))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--images-as", "pgn"), "--images-as pgn: not known; did you mean 'png'?"),
        (("--masks-as", "class"), "--masks-as class: not known; did you mean 'classes'?"),
        (("--class-names", "a,,b"), "a name is empty"),
        (("--class-names", "a,a"), "a is there twice"),
        (("--class-names", "a,background"), "the background has its name"),
        (("--class-names", "a\nb"), "cannot be printed"),
    ],
)
def test_what_cannot_be_is_refused_before_a_dry_run_too(flags: tuple[str, str], said: str, cli: Cli) -> None:
    for dry in ((), ("-n",)):
        ran = cli("synthesize", "--out", "o", *flags, *dry)
        assert (ran.code, said in ran.err) == (2, True), ran.err


def test_names_have_to_be_as_many_as_classes(fitted_cells: Path) -> None:
    translator = load_model(fitted_cells / "translator", "translator")
    with pytest.raises(UsageError, match="--class-names a: 1 for 2 classes; name those of the label values 128, 255"):
        open_format("mirror", translator, Wishes(class_names=("a",)))
    assert open_format("mirror", translator, Wishes(class_names=("a", "b"))).class_names == ["a", "b"]
    assert open_format("mirror", translator).class_names == ["label_128", "label_255"]


def test_the_names_asked_for_stand_in_every_record(fitted_cells: Path, tmp_path: Path) -> None:
    names = {"class_names": "cytoplasm, nucleus"}
    nnunet, coco = (made(tmp_path / name, fitted_cells, format=name, **names) for name in ("nnunet", "coco"))
    assert json.loads((nnunet / "dataset.json").read_text())["labels"] == {
        "background": 0,
        "cytoplasm": 1,
        "nucleus": 2,
    }
    categories = json.loads((coco / "annotations/instances.json").read_text())["categories"]
    assert [category["name"] for category in categories] == ["cytoplasm", "nucleus"]
    assert json.loads((coco / MANIFEST).read_text())["class_names"] == ["cytoplasm", "nucleus"]


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "cytoplasm": 128, "nucleus": 255, "whole": [128, 255]},
        {"0": "background", "128": "cytoplasm", "255": "nucleus"},
    ],
)
def test_the_source_names_its_classes(labels: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert find_label_names(tmp_path, (0, 128, 255)) == {"128": "cytoplasm", "255": "nucleus"}
    assert find_label_names(tmp_path, (0, 1)) == {}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"labels": 3}', '{"labels": {"1": "a", "2": "a"}}', "[" * 10**5])
def test_a_source_that_names_nothing_readable_names_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(content)
    assert find_label_names(tmp_path, (0, 1, 2)) == {}


def test_names_of_the_source_reach_the_set(cells: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(cells, tmp_path / "data"))
    (data / "dataset.json").write_text(json.dumps({"labels": {"cytoplasm": 128}}))
    out = made(tmp_path / "out", fit_both(data, tmp_path / "models"), format="nnunet")
    assert list(json.loads((out / "dataset.json").read_text())["labels"]) == ["background", "cytoplasm", "label_255"]
