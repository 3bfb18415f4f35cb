"""COCO: the mirrored files and ``annotations/instances.json``, an annotation for each connected part of each label.

A part is 8-connected, so that a thin vessel stays one. Its outline is one polygon on the borders of the pixels, cut
open at holes (see ``outlines``): the COCO API decodes it to exactly the mask, and tools that know nothing but
polygons keep the holes. The file has a folder of its own, where converters look for every JSON there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from pairaug.json_text import json_bytes
from pairaug.pairs.labels import show_value
from pairaug.synthesis.formats.base import OpenBeside, Written
from pairaug.synthesis.formats.mirror import Mirrored
from pairaug.synthesis.formats.outlines import around, connected_parts

ANNOTATIONS = "annotations/instances.json"


@final
class Coco(Mirrored):
    name = "coco"
    alone = False

    def facts(self) -> dict[str, Any]:
        values = {str(number): show_value(value) for number, value in self._categories()}
        return {**super().facts(), "category_values": values}

    def write_beside(self, written: Written, open_beside: OpenBeside) -> None:
        licenses = [{"id": 1, "name": written.license, "url": ""}] if written.license is not None else []
        head = {
            "info": {"description": "Synthetic image/mask pairs, written by pairaug", "version": "1.0"},
            "licenses": licenses,
            "categories": [
                {"id": number, "name": self.class_name(number), "supercategory": "label"}
                for number, value in self._categories()
            ],
        }
        images = ({**_image_entry(row), **({"license": 1} if licenses else {})} for row in written.rows)
        with open_beside(ANNOTATIONS) as file:
            file.write(json_bytes(head)[:-1])
            _write_list(file, "images", images)
            _write_list(file, "annotations", self._annotations(written))
            file.write(b"}\n")

    def _categories(self) -> Iterator[tuple[int, int]]:
        return enumerate(self.label_map.values[1:], start=1)

    def _annotations(self, written: Written) -> Iterator[dict[str, Any]]:
        """One mask in memory at a time."""
        number = 0
        for row in written.rows:
            classes = self.stored_classes(written.folder, row)
            for category in range(1, self.label_map.classes):
                for part in parts_of(classes == category):
                    number += 1
                    whose = {"id": number, "image_id": row["index"] + 1, "category_id": category}
                    yield {**whose, **part, "iscrowd": 0}


def parts_of(foreground: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    """The connected parts of (H, W), each with its ``segmentation``, ``bbox`` [x, y, width, height] and ``area``."""
    for part, left, top in connected_parts(foreground):
        height, width = part.shape
        yield {
            "segmentation": [[place for x, y in around(part) for place in (left + x, top + y)]],
            "bbox": [left, top, width, height],
            "area": int(part.sum()),
        }


def _image_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    width, height = row["size"]
    entry = {"id": row["index"] + 1, "file_name": row["file_name"], "width": width, "height": height}
    return {**entry, "origin": row["origin"]}


def _write_list(file: BinaryIO, name: str, entries: Iterator[dict[str, Any]]) -> None:
    file.write(f', "{name}": ['.encode())
    separator = "\n"
    for entry in entries:
        file.write(separator.encode() + json_bytes(entry))
        separator = ",\n"
    file.write(b"]")
