"""nnU-Net v2: ``imagesTr/<case>_0000.png``, ``labelsTr/<case>.png`` with classes 0 .. K-1, and ``dataset.json``.

After nnU-Net's documentation/dataset_format.md; its reader of natural images (``NaturalImage2DIO``) takes a colour
picture as one RGB file whose three channels are named in ``dataset.json``.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import UsageError
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.json_text import json_document
from pairaug.pairs.form import Form
from pairaug.pairs.labels import value_for_json
from pairaug.synthesis.formats.base import BACKGROUND, Format, OpenBeside, Place, Written

DATASET = "dataset.json"
_MASK = Form(".png", "PNG", "L")


@final
class NnUnet(Format):
    name = "nnunet"
    keeps_files = False

    def __init__(self, translator: FittedModel) -> None:
        super().__init__(translator)
        self.colour, deep = translator.shape.channels == 3, translator.intensity[1] > 255
        if self.colour and deep:
            raise UsageError(
                "--format nnunet: its PNG files hold 8 bits a colour channel and these images have 16; "
                "leave it at --format mirror"
            )
        self.image_form = Form(".png", "PNG", "RGB" if self.colour else "I;16" if deep else "L")

    def place(self, pair: TrainedPair, stem: str) -> Place:
        return Place(f"imagesTr/{stem}_0000.png", f"labelsTr/{stem}.png", self.image_form, _MASK)

    def to_values(self, classes: NDArray[np.uint8]) -> NDArray[np.int32]:
        return classes.astype(np.int32)

    def facts(self) -> dict[str, Any]:
        values = self.label_map.values
        return {"class_values": {str(label): value_for_json(value) for label, value in enumerate(values)}}

    def write_beside(self, written: Written, open_beside: OpenBeside) -> None:
        channels = ("R", "G", "B") if self.colour else ("gray",)
        numbers = range(1, self.label_map.classes)
        content: dict[str, Any] = {
            "channel_names": {str(number): name for number, name in enumerate(channels)},
            "labels": {BACKGROUND: 0, **{self.class_name(number): number for number in numbers}},
            "numTraining": len(written.rows),
            "file_ending": ".png",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
        }
        if written.license is not None:
            content["licence"] = written.license
        with open_beside(DATASET) as file:
            file.write(json_document(content))
