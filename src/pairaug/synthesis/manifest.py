"""The records of an augmented data set: the journal while it is made, ``metadata.jsonl`` and ``manifest.json`` after.

The journal's first line says which run it belongs to, each further one is the row of a pair whose two files are
written. ``metadata.jsonl`` holds the same rows in index order; ``manifest.json`` comes last and means complete.
Neither holds a clock or a path of the machine: the same models and the same seed give the same bytes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pairaug.errors import DataError, OutputError, PairaugError
from pairaug.files import (
    LOCK_NAME,
    TEMPORARY_PREFIX,
    checked_relative,
    digest_bytes,
    digest_file,
    json_line,
    json_lines,
    read_json_lines,
    storage_errors,
    write_atomic,
    write_json,
)

MANIFEST = "manifest.json"
METADATA = "metadata.jsonl"
JOURNAL = ".pairaug-journal.jsonl"
SCHEMA_VERSION = 1
_RECORDS = (MANIFEST, METADATA, JOURNAL)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises DataError where there is none, or it is not one of pairaug's."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{path}: does not exist; the data set is not complete, run synthesize again")
    try:
        content = json.loads(path.read_bytes())
        if content["tool"] != "pairaug" or content["schema_version"] != SCHEMA_VERSION:
            raise ValueError("another tool or another version wrote it")
        return dict(content)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a manifest of this pairaug ({error}); choose another folder") from None


class Ledger:
    """What an output folder already holds of a run, and the journal to which more is added."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, overwrite: bool) -> None:
        """Raises OutputError where the folder holds something else and ``overwrite`` is not given."""
        self.folder, self.identity = folder, dict(identity)
        self.complete = False
        self._lock = threading.Lock()
        self.rows: dict[int, dict[str, Any]] = {}
        found = self._found()
        if found is None:
            return
        theirs, rows, complete = found
        if theirs != self.identity:
            if not overwrite:
                differing = [key for key in self.identity if theirs.get(key) != self.identity[key]]
                raise OutputError(
                    f"{folder}: holds another data set (it differs in {', '.join(differing) or 'its kind'}); "
                    "choose another --out, or --overwrite to replace its files"
                )
            self._remove(rows)
            return
        self.complete = complete
        self.rows = {row["index"]: row for row in rows if self._whole(row)}

    def begin(self) -> None:
        """Write the journal anew with the rows that are whole; the manifest goes until the end."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        rows = [{"identity": self.identity}, *(self.rows[index] for index in sorted(self.rows))]
        write_atomic(self.folder / JOURNAL, json_lines(rows))
        (self.folder / METADATA).unlink(missing_ok=True)

    def add(self, image: bytes, mask: bytes, row: dict[str, Any]) -> None:
        """Image, mask, then the row. Called from several threads."""
        write_atomic(self.folder / row["file_name"], image, sync_folder=False)
        write_atomic(self.folder / row["mask_file_name"], mask, sync_folder=False)
        with self._lock, storage_errors(self.folder / JOURNAL):
            self.rows[row["index"]] = row
            with open(self.folder / JOURNAL, "ab") as journal:
                journal.write(json_line(row))

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """``metadata.jsonl`` from the rows, then ``manifest.json``, then the journal is no longer needed."""
        data = json_lines(self.rows[index] for index in sorted(self.rows))
        write_atomic(self.folder / METADATA, data)
        head = {"schema_version": SCHEMA_VERSION, "tool": "pairaug"}
        digests = {"metadata_sha256": digest_bytes(data), "identity": self.identity}
        write_json(self.folder / MANIFEST, {**head, **manifest, **digests})
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def _found(self) -> tuple[dict[str, Any], list[dict[str, Any]], bool] | None:
        """(identity, rows, complete) of what lies there; None for an empty place. OutputError for foreign files."""
        if not self.folder.exists():
            return None
        try:
            if (self.folder / MANIFEST).exists():
                manifest = read_manifest(self.folder)
                return dict(manifest["identity"]), read_rows(self.folder / METADATA), True
            if (self.folder / JOURNAL).exists():
                head, *rows = read_json_lines(self.folder / JOURNAL) or [{}]
                return dict(head.get("identity", {})), [_checked_row(row) for row in rows], False
        except (PairaugError, KeyError, TypeError) as error:
            text = f"{self.folder}: holds records that cannot be read ({error}); choose another --out"
            raise OutputError(text) from None
        foreign = [p.name for p in self.folder.iterdir() if not p.name.startswith((LOCK_NAME, TEMPORARY_PREFIX))]
        if foreign:
            raise OutputError(
                f"{self.folder}: not empty and not pairaug's (it holds {sorted(foreign)[0]}); choose another --out"
            )
        return None

    def _whole(self, row: Mapping[str, Any]) -> bool:
        pairs = ((row["file_name"], row["image_sha256"]), (row["mask_file_name"], row["mask_sha256"]))
        return all((self.folder / n).is_file() and digest_file(self.folder / n) == digest for n, digest in pairs)

    def _remove(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Remove the listed files, the records, and the folders that are empty then."""
        folders: set[Path] = set()
        for row in rows:
            for name in (row["file_name"], row["mask_file_name"]):
                path = self.folder / name
                path.unlink(missing_ok=True)
                folders.update(parent for parent in path.parents if self.folder in parent.parents)
        for name in _RECORDS:
            (self.folder / name).unlink(missing_ok=True)
        for place in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of ``metadata.jsonl``, their names checked. Raises DataError."""
    if not path.is_file():
        raise DataError(f"{path}: does not exist; run synthesize again")
    return [_checked_row(row) for row in read_json_lines(path)]


def _checked_row(row: dict[str, Any]) -> dict[str, Any]:
    for key in ("file_name", "mask_file_name"):
        checked_relative(str(row.get(key, "")), "manifest row")
    if not isinstance(row.get("index"), int) or "image_sha256" not in row or "mask_sha256" not in row:
        raise DataError("a manifest row lacks its index or its digests")
    return row
