"""The contract of an output format: what pair i is called, in which form it is written, and what lies beside the pairs.

A format decides nothing about pixels. It is asked for a ``Place`` before a pair is written, and once, when all pairs
are there, for the files beside them; both answers depend on the models and the rows alone, so that an interrupted run
ends with the same bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import UsageError
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.json_text import json_document
from pairaug.pairs import encoding
from pairaug.pairs.decoding import decode_mask
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.labels import LabelMap, show_value, value_for_json
from pairaug.pairs.pair import Side
from pairaug.synthesis.formats.wishes import BACKGROUND, Wishes
from pairaug.synthesis.splits import SPLITS, Split

# Masks of so many classes as there can be.
CLASSES = Form(".png", "PNG", "L")
OpenBeside = Callable[[str], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Place:
    """Where the two files of a pair go, relative to the output, and their forms.

    ``glued``: they are one file, with the mask at this side of the image.
    """

    image_name: str
    mask_name: str
    image_form: Form
    mask_form: Form
    glued: Side | None = None


@dataclass(frozen=True)
class Written:
    """A finished set of pairs: its folder, the rows in index order, and the terms that the user has named.

    ``splits``: what to train on and to validate on, fold by fold; none where nothing is known of that.
    """

    folder: Path
    rows: Sequence[Mapping[str, Any]]
    license: str | None
    splits: tuple[Split, ...] = ()


class Format(ABC):
    """``sharded``: pairs go into tar files of many; ``keeps_files``: an original may be taken over as it is.

    ``alone``: a pair is some files of its own and needs no others; ``counts_pairs``: a file that says how many pairs
    there are; ``deals_folds``: the format's tool validates on so many folds of all pairs where no splits are given;
    ``glues``: some pairs are one file that holds both; ``stores_classes``: masks hold 0 to K-1.
    """

    name: ClassVar[str]
    sharded: ClassVar[bool] = False
    keeps_files: ClassVar[bool] = True
    deals_folds: ClassVar[int] = 0
    alone: ClassVar[bool] = True
    counts_pairs: ClassVar[str] = ""
    glues: bool = False
    stores_classes: bool = False

    def __init__(self, translator: FittedModel, wishes: Wishes | None = None) -> None:
        """Raises UsageError for names that do not fit the classes."""
        self.translator, self.wishes = translator, wishes or Wishes()
        self.label_map = LabelMap(translator.label_values)
        self.stores_classes = self.stores_classes or self.wishes.masks_as == "classes"
        self._refuse_names(self.wishes.class_names)

    @property
    def class_names(self) -> list[str]:
        """Those of class 1 and above."""
        return [self.class_name(number) for number in range(1, self.label_map.classes)]

    def class_name(self, number: int) -> str:
        """What class ``number`` (1 and above) is called: as the user says, as the source does, or by its value."""
        if self.wishes.class_names:
            return self.wishes.class_names[number - 1]
        names = [str(name) for name in self.translator.info.get("class_names") or ()]
        if number <= len(names) and names[number - 1] != BACKGROUND:
            return names[number - 1]
        value = show_value(self.label_map.values[number])
        return str((self.translator.info.get("label_names") or {}).get(value, f"label_{value}"))

    def image_form(self, form: Form) -> Form:
        """The form in which images are written that came in ``form``."""
        return encoding.png_form(form) if self.wishes.images_as else encoding.image_form(form)

    def mask_form(self, form: Form) -> Form:
        """The form in which masks are written that came in ``form``."""
        if self.stores_classes:
            return CLASSES
        lossless = encoding.lossless_form(form, self.label_map.values)
        return encoding.png_form(lossless) if self.wishes.masks_as else lossless

    @abstractmethod
    def place(self, pair: TrainedPair, stem: str) -> Place:
        """Names with ``stem`` in them, and forms, of a pair made after the training pair ``pair``."""

    def original_place(self, pair: TrainedPair, stem: str, image: str, masks: Sequence[str]) -> Place:
        """As ``place``, for the training pair itself: ``stem`` is its own, ``image`` and ``masks`` where it lay."""
        return self.place(pair, stem)

    def to_values(self, classes: NDArray[np.uint8]) -> NDArray[np.int32]:
        """(H, W) classes in [0, K) -> (H, W) values as this format's masks hold them."""
        return classes.astype(np.int32) if self.stores_classes else self.label_map.to_values(classes)

    def stored_classes(self, folder: Path, row: Mapping[str, Any]) -> NDArray[np.uint8]:
        """(H, W) classes of the mask of a row, as it lies below ``folder``."""
        width, height = row["size"]
        policy = DecodePolicy("drop", max(width * height, 1))
        raw, _ = decode_mask(folder / row["mask_file_name"], policy)
        return raw.astype(np.uint8) if self.stores_classes else self.label_map.to_classes(raw)

    def files_of(self, row: Mapping[str, Any]) -> list[str]:
        """The files that a pair consists of, where it is ``alone``."""
        return list(dict.fromkeys((row["file_name"], row["mask_file_name"])))

    def facts(self) -> dict[str, Any]:
        """What the manifest says of this format, beside its name: what classes stand for, where masks hold them."""
        values = enumerate(self.label_map.values)
        return {"class_values": {str(label): value_for_json(v) for label, v in values}} if self.stores_classes else {}

    def write_beside(self, written: Written, open_beside: OpenBeside) -> None:
        """Write the files that describe all pairs; ``open_beside(name)`` opens one, atomically and on record."""
        return

    def write_splits(self, written: Written, open_beside: OpenBeside) -> None:
        """The splits, by the names of the images."""
        with open_beside(SPLITS) as file:
            file.write(json_document([named_split(split, _image_name) for split in written.splits]))

    def _refuse_names(self, names: Sequence[str]) -> None:
        wanted = self.label_map.values[1:]
        if names and len(names) != len(wanted):
            shown = ", ".join(show_value(value) for value in wanted)
            raise UsageError(
                f"--class-names {','.join(names)}: {len(names)} for {len(wanted)} classes; name those of the label "
                f"values {shown}, in this order and without the background"
            )


def _image_name(row: Mapping[str, Any]) -> str:
    return str(row["file_name"])


def named_split(split: Split, name: Callable[[Mapping[str, Any]], str]) -> dict[str, list[str]]:
    return {"train": [name(row) for row in split.train], "val": [name(row) for row in split.validation]}
