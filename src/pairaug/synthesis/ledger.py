"""What an output folder already holds of a run, and the journal to which more is added.

The journal's first line says which run it belongs to; each further one is the row of a pair whose two files are
written, or names a file beside the pairs (``{"file": name, "sha256": digest}``, without a digest until it is whole).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pairaug.errors import OutputError
from pairaug.files import (
    append_line,
    below,
    digest_bytes,
    digest_file,
    json_line,
    json_lines,
    link_atomic,
    open_atomic,
    storage_errors,
    write_atomic,
    write_json,
)
from pairaug.gates.base import Reject
from pairaug.locking import LOCK_NAME
from pairaug.synthesis import shards
from pairaug.synthesis.card import CARD
from pairaug.synthesis.croissant import CROISSANT
from pairaug.synthesis.found import Found, find, whole
from pairaug.synthesis.manifest import (
    JOURNAL,
    MANIFEST,
    METADATA,
    SCHEMA_VERSION,
)
from pairaug.synthesis.rejects import Judged
from pairaug.synthesis.rows import Made, Outcome, is_row
from pairaug.synthesis.shards import STAGING

OWN_NAMES = (MANIFEST, METADATA, JOURNAL, LOCK_NAME, CROISSANT, CARD)


@dataclass(frozen=True)
class Entry:
    """What the records say of the pair ``index``: its row, None for a gap, and what was rejected."""

    index: int
    row: dict[str, Any] | None
    rejects: tuple[Reject, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome) -> Entry:
        return cls(outcome.index, outcome.row if isinstance(outcome, Made) else None, outcome.rejects)


class Ledger:
    """``rows`` by index and ``files`` by name (with their digests): what is there and whole.

    ``originals``: so many of the first pairs are taken over.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, overwrite: bool, originals: int = 0) -> None:
        """Raises OutputError where the folder holds something else and ``overwrite`` is not given."""
        self.folder, self.identity, self.originals = folder, dict(identity), originals
        self.complete = False
        self.rows: dict[int, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self.judged = Judged()
        self.most = 0
        self.manifest: Mapping[str, Any] = {}
        self._total = 0
        self._packing: set[str] = set()
        self._lock, self._one_at_a_time = threading.Lock(), threading.Lock()
        for name in OWN_NAMES:
            below(folder, name, "output")
        if (folder / STAGING).is_symlink() or (os.path.lexists(folder / STAGING) and not (folder / STAGING).is_dir()):
            raise OutputError(f"{folder / STAGING}: is not a folder; move it away or choose another --out")
        found = find(folder)
        if found is None:
            return
        self.manifest = found.manifest
        for name in (*found.files, *(path.relative_to(folder).as_posix() for path in _paths(folder, found.rows))):
            below(folder, name, "records")
        if found.identity != self.identity:
            if not overwrite:
                theirs = found.identity or {}
                differing = [key for key in self.identity if theirs.get(key) != self.identity[key]]
                what = f"it differs in {', '.join(differing) or 'its kind'}" if theirs else "its records are damaged"
                raise OutputError(
                    f"{folder}: holds another data set ({what}); "
                    "choose another --out, or --overwrite to replace its files"
                )
            self._remove(found)
            return
        self.files = {name: digest if self._holds(name, digest) else "" for name, digest in found.files.items()}
        if found.sound:  # tar files as they were written, beside rows that may say otherwise
            packed = [row for row in found.rows if self.files.get(row.get("shard", ""))]
            self.files |= dict.fromkeys(shards.unlike_rows(folder, packed), "")
        self.complete = found.complete and found.sound and all(self.files.values())
        self.most = found.most
        if found.sound:
            self.rows = {row["index"]: row for row in found.rows if is_row(row) and self._whole(row)}
            self.judged = found.judged.of(self.rows)
        else:  # a row has no digest of its own: what it says can only be made again
            self.files = dict.fromkeys(self.files, "")

    def agrees(self, body: Mapping[str, Any]) -> bool:
        """Whether ``manifest.json`` says what it would say now; where an option came from may differ."""
        return all(_plain(self.manifest.get(key)) == _plain(value) for key, value in body.items())

    def missing(self, total: int) -> list[int]:
        """The indices below ``total`` of which nothing is known yet."""
        return [index for index in range(total) if not self._done(index)]

    def _done(self, index: int) -> bool:
        return index in self.rows or index in self.judged.gaps

    def begin(self, total: int) -> None:
        """Write the journal anew with what is whole; the manifest goes until the set has its ``total`` pairs."""
        self._total = total
        for rows in self._packed():
            indices = shards.shard_indices(rows[0]["index"], self.originals, total)
            wanted = [i for i in indices if i not in self.judged.gaps]
            if len(rows) < len(wanted):  # it is to hold more
                shards.unpack(self.folder, rows)
                self.files[rows[0]["shard"]] = ""
        loose = [row for row in self.rows.values() if not self.files.get(row.get("shard", ""))]
        shards.clear_staging(self.folder, loose)
        known = [{"file": name, "sha256": digest} for name, digest in self.files.items()]
        lines: list[dict[str, Any]] = [{"identity": self.identity}, *known, *self.judged.lines()]
        lines += [self.rows[index] for index in sorted(self.rows)]
        write_atomic(self.folder / JOURNAL, json_lines(lines))
        with storage_errors(self.folder):
            for name in (MANIFEST, METADATA):  # after the journal: one of them always says whose folder it is
                (self.folder / name).unlink(missing_ok=True)

    def add(self, outcome: Outcome) -> None:
        """Image, mask, then the row; with the last pair of a tar file, that file. Called from several threads."""
        if isinstance(outcome, Made):
            place(self.folder, outcome)
        self.enter(Entry.of(outcome))

    def enter(self, entry: Entry) -> None:
        """What is to be known of a pair whose files are placed, or of a gap. Called from several threads."""
        if entry.rejects or entry.row is None:
            with self._lock:
                line = self.judged.add(entry.index, entry.rejects, gap=entry.row is None)
                append_line(self.folder / JOURNAL, json_line(line))
        if entry.row is not None:
            self._journal(entry.row, entry.index)
        if any(row.get("shard") for row in self._near(entry.index)):
            self._pack_if_full(entry.index)

    def _near(self, index: int) -> list[dict[str, Any]]:
        """The rows that share a tar file with ``index``, in their order."""
        with self._lock:
            indices = shards.shard_indices(index, self.originals, self._total)
            return [self.rows[i] for i in indices if i in self.rows]

    @contextmanager
    def beside(self, name: str) -> Iterator[BinaryIO]:
        """A file beside the pairs to write to. It is on record before it is there, so that it can be removed again."""
        self._journal({"file": name, "sha256": ""})
        with open_atomic(self.folder / name) as file:
            yield file
        self.files[name] = digest_file(self.folder / name)

    def write_metadata(self) -> str:
        """Pack what is not packed yet, write ``metadata.jsonl`` from the rows; returns its digest."""
        for index in [index for index, row in self.rows.items() if row.get("shard")]:
            self._pack_if_full(index)
        shards.clear_staging(self.folder, [])
        data = json_lines(self.rows[index] for index in sorted(self.rows))
        write_atomic(self.folder / METADATA, data)
        return digest_bytes(data)

    def finish(self, manifest: Mapping[str, Any], metadata_digest: str) -> None:
        """``manifest.json``; then the journal is no longer needed."""
        head = {"schema_version": SCHEMA_VERSION, "tool": "pairaug"}
        # A damaged journal names files that were never made.
        files = {name: digest for name, digest in sorted(self.files.items()) if digest}
        digests = {"metadata_sha256": metadata_digest, "files": files, "identity": self.identity}
        write_json(self.folder / MANIFEST, {**head, **manifest, **digests})
        self.close()

    def close(self) -> None:
        """The set is complete: the journal goes, also where the run that wrote the manifest did not come so far."""
        with storage_errors(self.folder / JOURNAL):
            (self.folder / JOURNAL).unlink(missing_ok=True)

    def _journal(self, line: Mapping[str, Any], index: int | None = None) -> None:
        with self._lock:
            append_line(self.folder / JOURNAL, json_line(line))
            if index is not None:
                self.rows[index] = dict(line)

    def _pack_if_full(self, index: int) -> None:
        name = shards.shard_name(index, self.originals)
        indices = shards.shard_indices(index, self.originals, self._total)
        with self._lock:
            if self.files.get(name) or name in self._packing or not all(self._done(i) for i in indices):
                return
            self._packing.add(name)
        rows = [self.rows[i] for i in indices if i in self.rows]
        with self._one_at_a_time:  # so that no more than one tar file's worth is on the disk twice
            self._journal({"file": name, "sha256": ""})
            shards.pack(self.folder, rows)
            self.files[name] = digest_file(self.folder / name)
            self._journal({"file": name, "sha256": self.files[name]})
            for row in rows:
                for path in shards.pair_paths(self.folder, row):
                    path.unlink(missing_ok=True)  # damaged rows may name one file twice

    def _packed(self) -> list[list[dict[str, Any]]]:
        """The rows of each tar file that is whole."""
        by_name: dict[str, list[dict[str, Any]]] = {}
        for index in sorted(self.rows):
            name = self.rows[index].get("shard")
            if name and self.files.get(name):
                by_name.setdefault(name, []).append(self.rows[index])
        return list(by_name.values())

    def _holds(self, name: str, digest: str) -> bool:
        path = self.folder / name
        return bool(digest) and path.is_file() and digest_file(path) == digest

    def _whole(self, row: Mapping[str, Any]) -> bool:
        return bool(self.files.get(row.get("shard", ""))) or whole(self.folder, row)

    def _remove(self, found: Found) -> None:
        """Remove the listed files, the records, and the folders that are empty then.

        The journal names all of it until ``begin`` writes that of the new set in its place: a removal that was cut
        off is known as one.
        """
        known = [{"file": name, "sha256": digest} for name, digest in found.files.items()]
        lines: list[Mapping[str, Any]] = [{"identity": dict(found.identity or {})}, *known, *found.rows]
        write_atomic(self.folder / JOURNAL, json_lines(lines))
        paths = [self.folder / name for name in (MANIFEST, METADATA, *found.files)]
        paths += _paths(self.folder, found.rows)
        folders: set[Path] = set()
        with storage_errors(self.folder):
            for path in paths:
                path.unlink(missing_ok=True)
                folders.update(parent for parent in path.parents if self.folder in parent.parents)
            for place in sorted(folders, key=lambda path: len(path.parts), reverse=True):
                if place.is_dir() and not any(place.iterdir()):
                    place.rmdir()


def place(folder: Path, made: Made) -> None:
    """The files of a pair in the output, or in staging until they are packed."""
    paths = shards.pair_paths(folder, made.row)
    for path in paths:
        below(folder, path.relative_to(folder).as_posix(), "output")
    for path, content in dict(zip(paths, (made.image, made.mask), strict=True)).items():  # one where they are glued
        if isinstance(content, Path):
            link_atomic(content, path)
        else:
            write_atomic(path, content, sync_folder=False)


def _paths(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    return [path for row in rows for path in shards.pair_paths(folder, row)]


def _plain(value: Any) -> Any:
    """As JSON has it, without the origins of options."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items() if key != "origin"}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
