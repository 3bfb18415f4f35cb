"""The records of a finished data set: ``metadata.jsonl``, one row a pair, and ``manifest.json``, which means complete.

Neither holds a clock or a path of the machine: the same models and the same seed give the same bytes. What they say
is believed only as far as it stays inside their own folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairaug.errors import DataError
from pairaug.files import checked_relative, read_json_lines, read_sound_lines
from pairaug.json_text import parse_json

MANIFEST = "manifest.json"
METADATA = "metadata.jsonl"
JOURNAL = ".pairaug-journal.jsonl"
SCHEMA_VERSION = 1
REPAIR = "run the same synthesize command again, which makes again what differs"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises DataError where there is none, or it is not one of pairaug's."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{path}: does not exist; the data set is not complete, run synthesize again")
    try:
        content = parse_json(path.read_bytes())
        if content["tool"] != "pairaug" or content["schema_version"] != SCHEMA_VERSION:
            raise ValueError("another tool or another version wrote it")
        if not isinstance(content["metadata_sha256"], str) or not isinstance(content.get("files", {}), dict):
            raise ValueError("its digests are damaged")
        return dict(content)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a manifest of this pairaug ({error}); choose another folder, "
            "or run the same synthesize command with --overwrite to make the set again"
        ) from None


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of ``metadata.jsonl``, their names checked. Raises DataError."""
    if not path.is_file():
        raise DataError(f"{path}: does not exist; {REPAIR}")
    try:
        return [checked_row(row) for row in read_json_lines(path)]
    except DataError as error:
        raise DataError(f"{error.message}; {REPAIR}") from None


def sound_rows(path: Path) -> list[dict[str, Any]]:
    """Those rows of a damaged ``metadata.jsonl`` or journal that can be read. Raises DataError for a name that leads
    elsewhere."""
    rows = [row for row in read_sound_lines(path) if "file_name" in row] if path.is_file() else []
    kept = []
    for row in rows:
        for key in ("file_name", "mask_file_name", *(("shard",) if "shard" in row else ())):
            checked_relative(row.get(key, ""), "manifest row")
        try:
            kept.append(checked_row(row))
        except DataError:
            continue
    return kept


def checked_row(row: dict[str, Any]) -> dict[str, Any]:
    """``row`` itself. Raises DataError where it names a file elsewhere, or lacks its index or its digests."""
    for key in ("file_name", "mask_file_name", *(("shard",) if "shard" in row else ())):
        checked_relative(row.get(key, ""), "manifest row")
    digests = (row.get("image_sha256"), row.get("mask_sha256"))
    if type(row.get("index")) is not int or row["index"] < 0 or not all(isinstance(one, str) for one in digests):
        raise DataError("a manifest row lacks its index or its digests")
    return row


def checked_files(files: Mapping[str, Any]) -> dict[str, str]:
    """The files beside the pairs, name -> SHA-256. Raises DataError for a name that leads elsewhere."""
    for name in files:
        checked_relative(name, "manifest")
    return {name: str(digest) for name, digest in files.items()}
