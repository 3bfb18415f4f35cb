"""YOLO: polygons that OpenCV fills to the masks again, and a description of the classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.synthesis.formats.yolo import DATA, label_lines
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.synthesis.two_pairs import rows_of


def polygons(text: str, size: tuple[int, int]) -> list[tuple[int, np.ndarray]]:
    """(class, points (N, 2) in pixels of (H, W)) of each line."""
    found = []
    for line in text.splitlines():
        number, *places = line.split()
        points = np.array(places, float).reshape(-1, 2) * np.array(size[::-1])
        found.append((int(number), points))
    return found


def test_a_line_is_a_class_and_points_through_the_centres_of_pixels() -> None:
    classes = np.zeros((4, 5), np.uint8)
    classes[1:3, 1:4] = 2
    (line,) = label_lines(classes)
    assert line == "1 0.300000 0.375000 0.700000 0.375000 0.700000 0.625000 0.300000 0.625000"


def test_what_is_a_pixel_wide_still_has_an_area() -> None:
    for classes in (np.eye(1, dtype=np.uint8), np.ones((1, 3), np.uint8), np.eye(3, dtype=np.uint8)):
        ((_, points),) = polygons("\n".join(label_lines(classes)), classes.shape)
        assert np.ptp(points, axis=0).min() > 0.4
        ends = np.argwhere(classes)[[0, -1]][:, ::-1]
        assert {tuple(point) for point in points.astype(int).tolist()} >= {tuple(end) for end in ends.tolist()}


def test_an_empty_mask_has_no_line() -> None:
    assert list(label_lines(np.zeros((3, 3), np.uint8))) == []


def test_each_image_has_labels_of_its_name_and_the_classes_are_named(fitted_cells: Path, tmp_path: Path) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(3, fitted_cells, format="yolo", include_originals=True))
    rows = rows_of(out)
    assert len(rows) == 8
    for row in rows:
        image = out / str(row["file_name"])
        assert image.is_file()
        labels = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
        assert {line.split()[0] for line in labels.read_text().splitlines()} <= {"0", "1"}
    assert len(list((out / "labels" / "train").iterdir())) == 8
    lines = (out / DATA).read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "train: images/train",
        "val: images/val",
        "names:",
        '  0: "label_128"',
        '  1: "label_255"',
    ]


def test_image_formats_that_the_tool_does_not_read_become_png(fitted_cells: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from pairaug.fitted.model_file import load_model
    from pairaug.pairs.form import Form
    from pairaug.synthesis.formats.yolo import Yolo

    translator = load_model(fitted_cells / "translator", "translator")
    pair = translator.pairs[0]
    found = {}
    for suffix, name in ((".gif", "GIF"), (".ppm", "PPM"), (".jpe", "JPEG"), (".TIFF", "TIFF")):
        found[suffix] = Yolo(translator).place(replace(pair, image_form=Form(suffix, name, "L")), "x").image_name
    assert found == {
        ".gif": "images/train/x.png",
        ".ppm": "images/train/x.png",
        ".jpe": "images/train/x.jpg",
        ".TIFF": "images/train/x.tif",
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_opencv_fills_the_polygons_to_the_masks_again(fitted_cells: Path, tmp_path: Path) -> None:
    opencv, yaml = pytest.importorskip("cv2"), pytest.importorskip("yaml")
    options = SynthesisOptions(3, fitted_cells, format="yolo", class_names="cytoplasm,the: nucleus", masks_as="classes")
    out = synthesize(tmp_path / "out", options)
    described = yaml.safe_load((out / DATA).read_text())
    assert described == {
        "train": "images/train",
        "val": "images/val",
        "names": {0: "cytoplasm", 1: "the: nucleus"},
    }
    for row in rows_of(out):
        mask = np.asarray(Image.open(out / str(row["mask_file_name"])))
        drawn = np.zeros_like(mask)
        text = (out / "labels" / "train" / f"{Path(str(row['file_name'])).stem}.txt").read_text()
        for number, points in polygons(text, mask.shape):
            drawn = opencv.fillPoly(drawn, [points.astype(np.int32)], number + 1)
        assert np.array_equal(drawn, mask)
    assert json.loads((out / "manifest.json").read_text())["format"]["name"] == "yolo"
