"""Is an augmented data set still what its manifest says?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pairaug.errors import DataError
from pairaug.files import digest_file
from pairaug.pairs.scanning import IMAGE_SUFFIXES
from pairaug.synthesis import shards
from pairaug.synthesis.manifest import JOURNAL, MANIFEST, METADATA, checked_files, read_manifest, read_rows


@dataclass(frozen=True)
class Verification:
    """``differing``: one line for each file that is missing or not what was written; ``unlisted``: images beside."""

    pairs: int
    differing: tuple[str, ...]
    unlisted: tuple[str, ...]


def verify(folder: Path) -> Verification:
    """Hash every file of the data set in ``folder``. Raises DataError where there is no readable manifest."""
    if not any((folder / name).exists() for name in (MANIFEST, METADATA, JOURNAL)):
        what = "holds no augmented set" if folder.is_dir() else "is not a folder"
        raise DataError(f"{folder}: {what}; give the one that 'pairaug synthesize --out' wrote")
    manifest = read_manifest(folder)
    records = {METADATA: str(manifest["metadata_sha256"]), **checked_files(manifest.get("files", {}))}
    rows = read_rows(folder / METADATA)
    differing = [line for name, digest in records.items() for line in _difference(folder, name, digest)]
    for shard, group in groupby(rows, key=lambda row: row.get("shard")):
        members = list(group)
        if shard is None:
            differing += _loose_differences(folder, members)
        elif (folder / shard).is_file():
            differing += shards.differences(folder, members)
        elif shard not in records:
            differing.append(f"{shard}: missing")
    listed = {row[key] for row in rows for key in ("file_name", "mask_file_name")}
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    }
    return Verification(len(rows), tuple(differing), tuple(sorted(present - listed)))


def _loose_differences(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield from _difference(folder, row["file_name"], row["image_sha256"])
        if row["mask_file_name"] != row["file_name"]:
            yield from _difference(folder, row["mask_file_name"], row["mask_sha256"])


def _difference(folder: Path, name: str, digest: str) -> Iterator[str]:
    if not (folder / name).is_file():
        yield f"{name}: missing"
    elif digest_file(folder / name) != digest:
        yield f"{name}: changed"
