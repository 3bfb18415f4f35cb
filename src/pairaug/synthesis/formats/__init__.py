"""The forms in which a data set can be written, each in its own module under one contract (``base.Format``).

Adding one is a module with a final class and a line here; ``--format`` and the contract tests pick it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from pairaug.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pairaug.fitted.model_file import FittedModel
    from pairaug.synthesis.formats.base import Format
    from pairaug.synthesis.formats.wishes import Wishes

DEFAULT_FORMAT = "mirror"
FORMATS: Mapping[str, str] = {
    "mirror": "pairaug.synthesis.formats.mirror:Mirror",
    "nnunet": "pairaug.synthesis.formats.nnunet:NnUnet",
    "coco": "pairaug.synthesis.formats.coco:Coco",
    "yolo": "pairaug.synthesis.formats.yolo:Yolo",
    "webdataset": "pairaug.synthesis.formats.webdataset:WebDataset",
}


def check_format(name: str) -> None:
    """Raises UsageError for a format that is not known; loads nothing."""
    if name not in FORMATS:
        raise UsageError(f"--format {name}: not known; {did_you_mean(name, list(FORMATS))}")


def open_format(name: str, translator: FittedModel, wishes: Wishes | None = None) -> Format:
    """The format ``name`` for the data that ``translator`` was fitted on. Raises UsageError where it cannot be."""
    check_format(name)
    module, _, attribute = FORMATS[name].partition(":")
    format_class: type[Format] = getattr(import_module(module), attribute)
    return format_class(translator, wishes)
