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

from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.pairs.form import Form
from pairaug.pairs.labels import LabelMap, show_value
from pairaug.pairs.pair import Side

BACKGROUND = "background"
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
    """A finished set of pairs: its folder, the rows in index order, and the terms that the user has named."""

    folder: Path
    rows: Sequence[Mapping[str, Any]]
    license: str | None


class Format(ABC):
    """``sharded``: pairs go into tar files of many; ``keeps_files``: an original may be taken over as it is.

    ``glues``: some pairs are one file that holds both.
    """

    name: ClassVar[str]
    sharded: ClassVar[bool] = False
    keeps_files: ClassVar[bool] = True
    glues: bool = False

    def __init__(self, translator: FittedModel) -> None:
        self.translator = translator
        self.label_map = LabelMap(translator.label_values)

    def class_name(self, number: int) -> str:
        """What class ``number`` (1 and above) is called: as its mask files were, where each showed one class."""
        names = [str(name) for name in self.translator.info.get("class_names") or ()]
        if number <= len(names) and names[number - 1] != BACKGROUND:
            return names[number - 1]
        return f"label_{show_value(self.label_map.values[number])}"

    @abstractmethod
    def place(self, pair: TrainedPair, stem: str) -> Place:
        """Names with ``stem`` in them, and forms, of a pair made after the training pair ``pair``."""

    def to_values(self, classes: NDArray[np.uint8]) -> NDArray[np.int32]:
        """(H, W) classes in [0, K) -> (H, W) values as this format's masks hold them."""
        return self.label_map.to_values(classes)

    def facts(self) -> dict[str, Any]:
        """What the manifest says of this format, beside its name."""
        return {}

    def write_beside(self, written: Written, open_beside: OpenBeside) -> None:
        """Write the files that describe all pairs; ``open_beside(name)`` opens one, atomically and on record."""
        return
