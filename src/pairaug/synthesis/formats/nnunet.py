"""nnU-Net v2: ``imagesTr/<case>_0000.png``, ``labelsTr/<case>.png`` with classes 0 .. K-1, and ``dataset.json``.

After nnU-Net's documentation/dataset_format.md; its reader of natural images (``NaturalImage2DIO``) takes a colour
picture as one RGB file whose three channels are named in ``dataset.json``. The same file lists the pairs under
``training``, as MONAI's ``load_decathlon_datalist`` reads them; nnU-Net passes over that key.
"""

from __future__ import annotations

from typing import Any, final

from pairaug.errors import UsageError
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.json_text import json_document
from pairaug.pairs.form import Form
from pairaug.synthesis.formats.base import Format, OpenBeside, Place, Written
from pairaug.synthesis.formats.wishes import BACKGROUND, Wishes

DATASET = "dataset.json"


@final
class NnUnet(Format):
    name = "nnunet"
    keeps_files = False
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
            "training": [
                {"image": row["file_name"], "label": row["mask_file_name"], "origin": row["origin"]}
                for row in written.rows
            ],
            "file_ending": ".png",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
        }
        if written.license is not None:
            content["licence"] = written.license
        with open_beside(DATASET) as file:
            file.write(json_document(content))
