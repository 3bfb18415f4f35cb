"""nnU-Net v2: ``imagesTr/<case>_0000.png``, ``labelsTr/<case>.png`` with classes 0 .. K-1, and ``dataset.json``.

After nnU-Net's documentation/dataset_format.md; its reader of natural images (``NaturalImage2DIO``) takes a colour
picture as one RGB file whose three channels are named in ``dataset.json``. The same file lists the pairs under
``training``, as MONAI's ``load_decathlon_datalist`` reads them; nnU-Net passes over that key.

Where there are splits, ``splits_final.json`` has them as nnU-Net reads it from the folder of the preprocessed set. A
``fold`` in MONAI's list means: validate on it in this fold, train on it in all others. That is never true of a
synthetic pair, which may stand in some folds' training alone: ``training_fold_0``, ``training_fold_1``, ... hold the
pairs of one fold each (``fold`` -1: validated in none), for ``datafold_read(..., fold=0, key="training_fold_0")``, and
in a set that was made in folds ``training`` holds the originals alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, final

from pairaug.errors import UsageError
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.json_text import json_document
from pairaug.pairs.form import Form
from pairaug.synthesis.formats.base import Format, OpenBeside, Place, Written, named_split
from pairaug.synthesis.formats.wishes import BACKGROUND, Wishes

DATASET = "dataset.json"
SPLITS_FINAL = "splits_final.json"
NO_FOLD = -1


@final
class NnUnet(Format):
    name = "nnunet"
    keeps_files = False
    deals_folds = 5
    counts_pairs = DATASET
    stores_classes = True

    def __init__(self, translator: FittedModel, wishes: Wishes | None = None) -> None:
        super().__init__(translator, wishes)
        self.colour, deep = translator.shape.channels == 3, translator.intensity[1] > 255
        if self.colour and deep:
            raise UsageError(
                "--format nnunet: its PNG files hold 8 bits a colour channel and these images have 16; "
                "leave it at --format mirror"
            )
        self.written_form = Form(".png", "PNG", "RGB" if self.colour else "I;16" if deep else "L")

    def place(self, pair: TrainedPair, stem: str) -> Place:
        return Place(
            f"imagesTr/{stem}_0000.png", f"labelsTr/{stem}.png", self.written_form, self.mask_form(pair.mask_form)
        )

    def write_beside(self, written: Written, open_beside: OpenBeside) -> None:
        channels = ("R", "G", "B") if self.colour else ("gray",)
        numbers = range(1, self.label_map.classes)
        content: dict[str, Any] = {
            "channel_names": {str(number): name for number, name in enumerate(channels)},
            "labels": {BACKGROUND: 0, **{self.class_name(number): number for number in numbers}},
            "numTraining": len(written.rows),
            **_lists(written),
            "file_ending": ".png",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
        }
        if written.license is not None:
            content["licence"] = written.license
        with open_beside(DATASET) as file:
            file.write(json_document(content))

    def write_splits(self, written: Written, open_beside: OpenBeside) -> None:
        """The splits, by the names of the cases."""
        with open_beside(SPLITS_FINAL) as file:
            file.write(json_document([named_split(split, _case) for split in written.splits]))


def _case(row: Mapping[str, Any]) -> str:
    return PurePosixPath(row["mask_file_name"]).stem


def _lists(written: Written) -> dict[str, list[dict[str, Any]]]:
    """The pairs as MONAI lists them, under the name of each list."""
    if not written.splits:
        return {"training": [_entry(row) for row in written.rows]}
    folds = {row["index"]: number for number, split in enumerate(written.splits) for row in split.validation}
    if all("fold" in row for row in written.rows):
        lists = {"training": [_entry(row, folds) for row in written.rows if row["origin"] == "original"]}
    else:
        lists = {"training": [_entry(row) for row in written.rows]}
    for number, split in enumerate(written.splits):
        lists[f"training_fold_{number}"] = [_entry(row, folds) for row in (*split.train, *split.validation)]
    return lists


def _entry(row: Mapping[str, Any], folds: Mapping[int, int] | None = None) -> dict[str, Any]:
    """With the fold that a pair is validated in; all of a list have the same keys, or they cannot be batched."""
    entry = {"image": row["file_name"], "label": row["mask_file_name"], "origin": row["origin"]}
    return entry if folds is None else {**entry, "fold": folds.get(row["index"], NO_FOLD)}
