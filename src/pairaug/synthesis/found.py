"""What an output folder holds: a finished set, one in work, the rest of one, something foreign, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pairaug.errors import DataError, OutputError, PairaugError
from pairaug.files import TEMPORARY_PREFIX, digest_file, read_sound_lines
from pairaug.locking import LOCK_NAME
from pairaug.synthesis import shards
from pairaug.synthesis.manifest import (
    JOURNAL,
    METADATA,
    checked_files,
    read_manifest,
    read_rows,
    sound_rows,
)
from pairaug.synthesis.rejects import Judged


@dataclass(frozen=True)
class Found:
    """What an output folder holds. ``identity`` None: nobody knows of which run; ``sound``: the rows are as written.

    ``most``: the pairs that it had or was to have.
    """

    identity: Mapping[str, Any] | None
    rows: Sequence[dict[str, Any]]
    files: Mapping[str, str]
    complete: bool = False
    sound: bool = True
    most: int = 0
    judged: Judged = field(default_factory=Judged)
    manifest: Mapping[str, Any] = field(default_factory=dict)


def find(folder: Path) -> Found | None:
    """What lies there; None for an empty place. Raises OutputError for foreign files."""
    if not folder.exists():
        return None
    try:
        return _by_manifest(folder) or _by_journal(folder) or _by_metadata(folder)
    except (PairaugError, KeyError, TypeError, AttributeError, ValueError) as error:
        text = f"{folder}: holds records that cannot be read ({error}); choose another --out"
        raise OutputError(text) from None


def _by_manifest(folder: Path) -> Found | None:
    """A finished set, whose ``metadata.jsonl`` is believed only where it has the digest that was recorded."""
    path = folder / METADATA
    try:
        manifest = read_manifest(folder)
        identity = dict(manifest["identity"])
    except (DataError, KeyError, TypeError, ValueError):
        return None
    sound = path.is_file() and digest_file(path) == manifest.get("metadata_sha256")
    rows = read_rows(path) if sound else sound_rows(path)
    judged = Judged.of_manifest(manifest)
    most = max([manifest.get("counts", {}).get("pairs", 0), *(i + 1 for i in (*_indices(rows), *judged.gaps))])
    files = checked_files(manifest.get("files", {}))
    return Found(identity, rows, files, complete=True, sound=sound, most=most, judged=judged, manifest=manifest)


def _by_journal(folder: Path) -> Found | None:
    """A set in work: the lines that are whole. A pair whose line is damaged is made again."""
    path = folder / JOURNAL
    if not path.is_file():
        return None
    lines = read_sound_lines(path)
    heads = [line["identity"] for line in lines[:1] if isinstance(line.get("identity"), dict)]
    files = {line["file"]: line.get("sha256", "") for line in lines if "file" in line}
    rows = sound_rows(path)
    judged = Judged.of_journal(lines)
    most = max((i + 1 for i in (*_indices(rows), *judged.gaps)), default=0)
    return Found(heads[0] if heads else None, rows, checked_files(files), most=most, judged=judged)


def _by_metadata(folder: Path) -> Found | None:
    """A set whose manifest is lost: its rows name the files that are its own, as far as their digests agree."""
    rows = [row for row in sound_rows(folder / METADATA) if whole(folder, row)]
    if rows:
        return Found(None, rows, {}, sound=False)
    foreign = [p.name for p in folder.iterdir() if not p.name.startswith((LOCK_NAME, TEMPORARY_PREFIX))]
    if foreign:
        raise OutputError(
            f"{folder}: not empty and not pairaug's (it holds {sorted(foreign)[0]}); choose another --out"
        )
    return None


def whole(folder: Path, row: Mapping[str, Any]) -> bool:
    """Whether the single files of a row are there and as they were written."""
    digests = (row["image_sha256"], row["mask_sha256"])
    paths = shards.pair_paths(folder, row)
    return all(path.is_file() and digest_file(path) == digest for path, digest in zip(paths, digests, strict=True))


def _indices(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return [row["index"] for row in rows]
