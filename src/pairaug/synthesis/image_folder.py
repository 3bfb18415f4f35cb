"""Rows inside split folders, for the image-folder reader of the ``datasets`` library.

That reader takes a folder whose name holds ``train``, ``test`` or another word for a split for all there is of the
split, and never sees the ``metadata.jsonl`` above it: masks would come as further images, and the rows would be lost.
So each split folder gets the rows of its own pairs, with names relative to it. A mask in another folder (``train/``
with ``trainannot/``) is out of the reader's reach, which refuses names that lead upwards; such a row says where the
mask lies, relative to the whole set, and the reader gives images and rows. From the file at the top
(``data_files="metadata.jsonl"``) it gives the masks too, in every layout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pairaug.synthesis.manifest import METADATA

MASK_ELSEWHERE = "mask_path"
# The words and the separators of ``datasets.data_files``; its patterns tell capitals apart.
_WORDS = "train training validation valid dev val test testing eval evaluation".split()  # noqa: SIM905
_SPLIT_FOLDER = re.compile(rf"(?:.*[-._ 0-9])?(?:{'|'.join(_WORDS)})(?:[-._ 0-9].*)?", re.DOTALL)

Row = Mapping[str, Any]


def split_folder(name: str) -> PurePosixPath | None:
    """The uppermost folder on the way to the file ``name`` that the reader takes for a split; None without one."""
    path = PurePosixPath(name)
    for folder in reversed(path.parents[:-1]):
        if _SPLIT_FOLDER.fullmatch(folder.name):
            return folder
    return None


def rows_of_splits(rows: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """The file of rows for each split folder -> its rows, in their order; empty where there is no such folder."""
    files: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        folder = split_folder(row["file_name"])
        if folder is not None:
            files.setdefault((folder / METADATA).as_posix(), []).append(_inside(row, folder))
    return files


def _inside(row: Row, folder: PurePosixPath) -> dict[str, Any]:
    """``row`` with names relative to ``folder``."""
    inside = {}
    for key, value in row.items():
        if key not in ("file_name", "mask_file_name"):
            inside[key] = value
        elif folder in PurePosixPath(value).parents:
            inside[key] = PurePosixPath(value).relative_to(folder).as_posix()
        else:
            inside[MASK_ELSEWHERE] = value
    return inside
