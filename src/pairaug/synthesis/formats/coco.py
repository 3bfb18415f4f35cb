"""COCO: the mirrored files and ``annotations.json``, one annotation for each connected part of each foreground label.

A part is 8-connected, so that a thin vessel stays one. Its pixels stand as an uncompressed run-length code: lengths
of alternating runs, of zeros first, down the columns from left to right (the ``counts`` of the COCO API's masks).
``iscrowd`` is 0: each part is one region, not a crowd that a scorer would pass over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from pairaug.fitted.model_file import TrainedPair
from pairaug.json_text import json_bytes
from pairaug.pairs.decoding import decode_mask
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.labels import show_value
from pairaug.synthesis.formats.base import Format, OpenBeside, Place, Written
from pairaug.synthesis.formats.mirror import mirrored

ANNOTATIONS = "annotations.json"


@final
class Coco(Format):
    name = "coco"

    def place(self, pair: TrainedPair, stem: str) -> Place:
        return mirrored(pair, stem, self.label_map.values)

    def facts(self) -> dict[str, Any]:
        return {"category_values": {str(number): show_value(value) for number, value in self._categories()}}

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
            width, height = row["size"]
            policy = DecodePolicy("drop", max(width * height, 1))
            raw, _ = decode_mask(written.folder / row["mask_file_name"], policy)
            classes = self.label_map.to_classes(raw)
            for category in range(1, self.label_map.classes):
                for part in parts_of(classes == category):
                    number += 1
                    whose = {"id": number, "image_id": row["index"] + 1, "category_id": category}
                    yield {**whose, **part, "iscrowd": 0}


def parts_of(foreground: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    """The connected parts of (H, W), each with its ``segmentation``, ``bbox`` [x, y, width, height] and ``area``."""
    from scipy import ndimage

    numbered, _ = ndimage.label(foreground, structure=np.ones((3, 3), dtype=int))
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), start=1):
        part = numbered[rows, columns] == number
        height, width = part.shape
        counts = run_lengths(part, (rows.start, columns.start), (foreground.shape[0], foreground.shape[1]))
        yield {
            "segmentation": {"size": list(foreground.shape), "counts": counts},
            "bbox": [columns.start, rows.start, width, height],
            "area": int(part.sum()),
        }


def run_lengths(part: NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]) -> list[int]:
    """The run lengths, of zeros first, of a picture of ``size`` that is empty but for ``part`` at ``corner``.

    Column by column; only the part itself is looked at, however large the picture.
    """
    (top, left), (height, width) = corner, size
    edges = np.diff(np.pad(part.T.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    places = [(left + column) * height + top + row for column, row in (np.nonzero(edges == 1), np.nonzero(edges == -1))]
    starts, ends = places
    apart = starts[1:] != ends[:-1]  # a run that reaches the lower border may go on at the top of the next column
    starts, ends = np.append(starts[:1], starts[1:][apart]), np.append(ends[:-1][apart], ends[-1:])
    bounds = np.concatenate([[0], np.stack([starts, ends], axis=1).ravel(), [height * width]])
    lengths: list[int] = np.diff(bounds).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def _image_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    width, height = row["size"]
    return {"id": row["index"] + 1, "file_name": row["file_name"], "width": width, "height": height}


def _write_list(file: BinaryIO, name: str, entries: Iterator[dict[str, Any]]) -> None:
    file.write(f', "{name}": ['.encode())
    separator = "\n"
    for entry in entries:
        file.write(separator.encode() + json_bytes(entry))
        separator = ",\n"
    file.write(b"]")
