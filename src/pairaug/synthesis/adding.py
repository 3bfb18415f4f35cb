"""New pairs beside those of a folder that is there already (``--add-to``): its own lists and splits go on to hold.

The files get second names (hard links where possible) in the folder, under the names that they have in their own set.
None is written over another. The folder gets a list of what was added; nothing else in it is touched.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pairaug.errors import OutputError, UsageError
from pairaug.files import below, digest_file, json_lines, open_atomic, read_json_lines, storage_errors, write_atomic
from pairaug.pairs.added import ADDED
from pairaug.synthesis.formats.base import Format
from pairaug.synthesis.manifest import METADATA

Row = Mapping[str, Any]


def refuse_adding(target: Path, out: Path, output_format: Format) -> None:
    """Raises UsageError and OutputError for a folder to which nothing can be added."""
    if not output_format.alone:
        raise UsageError(
            f"--add-to {target}: --format {output_format.name} holds all pairs together; add to folders of files with "
            "mirror, nnunet or yolo"
        )
    if not target.is_dir():
        raise OutputError(f"--add-to {target}: is not a folder; name the one that holds the pairs")
    if (target / METADATA).is_file():
        raise OutputError(
            f"--add-to {target}: lists its own pairs in {METADATA}; a larger --count extends a set of pairaug's"
        )
    here, there = out.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise OutputError(f"--add-to {target}: lies inside or around --out {out}; choose another --out")


def add_pairs(out: Path, rows: Sequence[Row], output_format: Format, target: Path) -> int:
    """Add the synthetic pairs of the finished set ``out`` to ``target``; how many were not there yet.

    Raises OutputError, with nothing changed, where a file of the name of a new one is there and is another.
    """
    new = [row for row in rows if row["origin"] == "synthetic"]
    names = list(dict.fromkeys(name for row in new for name in output_format.files_of(row)))
    missing = [name for name in names if not _there(out / name, below(target, name, "--add-to"))]
    known = read_json_lines(target / ADDED) if (target / ADDED).is_file() else []
    listed = {row.get("file_name") for row in known}
    fresh = [row for row in new if row["file_name"] not in listed]
    if fresh:  # before the files: none of them is ever taken for real
        write_atomic(target / ADDED, json_lines([*known, *fresh]))
    for name in missing:
        with storage_errors(target / name):
            _second_name(out / name, target / name)
    return len(fresh)


def _there(source: Path, path: Path) -> bool:
    """Whether the very file is there already. Raises OutputError where another is."""
    if not os.path.lexists(path):
        return False
    if path.is_file() and digest_file(path) == digest_file(source):
        return True
    raise OutputError(f"{path}: is there and is another file; give the new pairs other names with --prefix TEXT")


def _second_name(source: Path, path: Path) -> None:
    """A hard link, or a whole copy where there are none. FileExistsError, or StorageError, where something is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:
        with open_atomic(path, sync_folder=False) as copy, source.open("rb") as file:
            shutil.copyfileobj(file, copy)
            if os.path.lexists(path):  # by now
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
