"""YOLO segmentation: ``images/train/``, ``labels/train/<stem>.txt`` with a line a connected part, and ``data.yaml``.

A line is the number of a class, the lowest above the background being 0, and a polygon in fractions of width and
height, after Ultralytics' documentation of segmentation data sets. The polygon runs through the centres of the
outermost pixels and is cut open at holes (see ``outlines``): filled with its border, as OpenCV does it, it gives the
part back. ``masks/train/`` holds the masks themselves, for tools that read masks and for pairaug.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pairaug.fitted.model_file import TrainedPair
from pairaug.pairs.encoding import png_form
from pairaug.synthesis.formats.base import Format, OpenBeside, Place, Written
from pairaug.synthesis.formats.outlines import Point, connected_parts, through

DATA = "data.yaml"
# The formats that the tool reads, each with one of the endings that it knows.
_ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp"}
_VALIDATION = "# Put real pairs that no model saw here: images/val/, and their labels in labels/val/."


@final
class Yolo(Format):
    name = "yolo"

    def place(self, pair: TrainedPair, stem: str) -> Place:
        assert pair.image_form is not None
        of_image, of_mask = self.image_form(pair.image_form), self.mask_form(pair.mask_form)
        if of_image.format not in _ENDINGS:
            of_image = png_form(of_image)
        image = f"images/train/{stem}{_ENDINGS[of_image.format]}"
        return Place(image, f"masks/train/{stem}{of_mask.suffix.lower()}", of_image, of_mask)

    def files_of(self, row: Mapping[str, Any]) -> list[str]:
        return [*super().files_of(row), _labels_of(row)]

    def write_beside(self, written: Written, open_beside: OpenBeside) -> None:
        for row in written.rows:
            lines = label_lines(self.stored_classes(written.folder, row))
            with open_beside(_labels_of(row)) as file:
                file.write("".join(f"{line}\n" for line in lines).encode())
        names = [f"  {number}: {json.dumps(name)}" for number, name in enumerate(self.class_names)]
        with open_beside(DATA) as file:
            file.write(
                "\n".join(["train: images/train", _VALIDATION, "val: images/val", "names:", *names, ""]).encode()
            )


def _labels_of(row: Mapping[str, Any]) -> str:
    return f"labels/train/{PurePosixPath(row['file_name']).stem}.txt"


def label_lines(classes: NDArray[np.uint8]) -> Iterator[str]:
    """A line for each connected part of each class above the background of (H, W) ``classes``."""
    height, width = classes.shape
    for number in range(1, int(classes.max(initial=0)) + 1):
        for part, left, top in connected_parts(classes == number):
            places = [((left + x + 0.5) / width, (top + y + 0.5) / height) for x, y in _with_area(through(part))]
            yield " ".join([str(number - 1), *(f"{place:.6f}" for point in places for place in point)])


def _with_area(line: list[Point]) -> list[tuple[float, float]]:
    """``line``, or where it is a point or a straight way there and back, a strip around it half a pixel wide."""
    if len(line) > 2:
        return [(float(x), float(y)) for x, y in line]
    (x, y), (to_x, to_y) = min(line), max(line)
    return [(x - 0.25, y - 0.25), (to_x + 0.25, to_y - 0.25), (to_x + 0.25, to_y + 0.25), (x - 0.25, y + 0.25)]
