"""Outlines give the pixels of a region back, holes and all; COCO's annotations are drawn by them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from pairaug.synthesis.formats.coco import ANNOTATIONS, parts_of
from pairaug.synthesis.formats.outlines import around, connected_parts, through
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize

some_masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


def windings(line: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """How often a closed line of corners x, y, x, y, ... goes round each pixel (H, W), clockwise."""
    corners = [*zip(line[::2], line[1::2], strict=True), tuple(line[:2])]
    turns = np.zeros((size[0] + 1, size[1]), int)
    for (x, y), (to_x, to_y) in pairwise(corners):
        assert x == to_x or y == to_y
        turns[y, min(x, to_x) : max(x, to_x)] += np.sign(to_x - x)
    return turns.cumsum(axis=0)[:-1]


@given(some_masks)
def test_the_parts_of_a_mask_are_separate_and_together_the_mask(mask: np.ndarray) -> None:
    """A line that goes once round the pixels of a part, and not at all round others, is filled alike by every rule."""
    union = np.zeros(mask.shape, int)
    for part in parts_of(mask):
        (line,) = part["segmentation"]
        drawn = windings(line, mask.shape)
        x, y, width, height = part["bbox"]
        rows, columns = np.nonzero(drawn)
        assert (x, y, width, height) == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
        assert part["area"] == drawn.sum()
        union += drawn
    assert np.array_equal(union, mask)


@given(some_masks)
def test_the_line_through_pixels_stays_in_the_region_and_meets_every_pixel_at_its_border(mask: np.ndarray) -> None:
    for part, _, _ in connected_parts(mask):
        line = through(part)
        met = np.zeros(part.shape, bool)
        for (x, y), (to_x, to_y) in pairwise([*line, line[0]]):
            length = max(abs(to_x - x), abs(to_y - y))
            assert abs(to_x - x) in (0, length)
            assert abs(to_y - y) in (0, length)
            for step in range(length + 1):
                met[y + np.sign(to_y - y) * step, x + np.sign(to_x - x) * step] = True
        padded = np.pad(part, 1)
        inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        assert not (met & ~part).any()
        assert (met | inside)[part].all()


def test_a_square_has_four_corners_and_a_hole_is_cut_open_straight_up() -> None:
    assert around(np.ones((2, 3), bool)) == [(0, 0), (3, 0), (3, 2), (0, 2)]
    assert around(RING) == [(0, 0), (1, 0), (1, 2), (2, 2), (2, 1), (1, 1), (1, 0), (3, 0), (3, 3), (0, 3)]


def test_the_line_through_a_thin_region_goes_there_and_back() -> None:
    assert through(np.ones((1, 1), bool)) == [(0, 0)]
    assert sorted(through(np.ones((1, 4), bool))) == [(0, 0), (3, 0)]
    assert sorted(through(np.eye(3, dtype=bool))) == [(0, 0), (2, 2)]


def test_a_thin_diagonal_is_one_part_and_a_gap_makes_two() -> None:
    assert len(list(parts_of(np.eye(5, dtype=bool)))) == 1
    apart = np.eye(5, dtype=bool)
    apart[2, 2] = False
    assert [part["area"] for part in parts_of(apart)] == [2, 2]


def test_coco_annotations_draw_the_masks_again_and_say_which_images_are_synthetic(
    fitted_cells: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(3, fitted_cells, format="coco", include_originals=True))
    content = json.loads((out / ANNOTATIONS).read_text())
    assert [entry["name"] for entry in content["categories"]] == ["label_128", "label_255"]
    rows = {row["index"] + 1: row for row in map(json.loads, (out / METADATA).read_text().splitlines())}
    values, drawn = {1: 128, 2: 255}, {}
    for image in content["images"]:
        row = rows[image["id"]]
        assert (image["file_name"], image["origin"]) == (row["file_name"], row["origin"])
        drawn[image["id"]] = np.zeros((image["height"], image["width"]), int)
        assert drawn[image["id"]].shape == np.asarray(Image.open(out / row["file_name"])).shape
    assert {image["origin"] for image in content["images"]} == {"original", "synthetic"}
    assert [entry["id"] for entry in content["annotations"]] == list(range(1, len(content["annotations"]) + 1))
    for entry in content["annotations"]:
        assert entry["iscrowd"] == 0
        (line,) = entry["segmentation"]
        part = windings(line, drawn[entry["image_id"]].shape)
        drawn[entry["image_id"]] += part * values[entry["category_id"]]
    assert drawn.keys() == rows.keys()
    for number, mask in drawn.items():
        assert np.array_equal(mask, np.asarray(Image.open(out / rows[number]["mask_file_name"])))


def test_no_other_json_lies_where_converters_look_for_annotations(fitted_cells: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(1, fitted_cells, format="coco"))
    assert [path.name for path in (tmp_path / "out" / "annotations").iterdir()] == ["instances.json"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools, of numpy 2
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_coco_api_and_opencv_draw_every_region_again(share: float) -> None:
    coco, opencv = pytest.importorskip("pycocotools.mask"), pytest.importorskip("cv2")
    rng = np.random.default_rng(int(share * 10))
    for _ in range(100):
        mask = rng.random(rng.integers(1, 20, 2)) < share
        for part, _, _ in connected_parts(mask):
            line = [place for point in around(part) for place in point]
            assert np.array_equal(coco.decode(coco.merge(coco.frPyObjects([line], *map(int, part.shape)))), part)
            drawn = opencv.fillPoly(np.zeros(part.shape, np.uint8), [np.array(through(part), np.int32)], 1)
            assert np.array_equal(drawn, part)
