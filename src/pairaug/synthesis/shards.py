"""Tar files of many pairs, for readers that stream: the same rows and files give the same bytes.

Originals and synthetic pairs lie in tar files of their own, so that a loader can weigh the ones against the others.

While a tar file is not yet full its pairs lie as single files in a staging folder, so that threads may finish in any
order and a killed run loses nothing; when its last pair is there it is packed and the single files go. At most one
tar file's worth lies on the disk twice. The headers hold no clock and no user.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from pairaug.errors import DataError
from pairaug.files import digest_bytes, json_line, open_atomic, write_atomic
from pairaug.synthesis.rows import filled

STAGING = ".pairaug-staging"
SHARD_PAIRS = 1000

Row = Mapping[str, Any]


def shard_name(index: int, originals: int) -> str:
    """The tar file of pair ``index`` in a set that begins with so many originals."""
    kind, number = ("original", index) if index < originals else ("synthetic", index - originals)
    return f"{kind}-{number // SHARD_PAIRS:06d}.tar"


def shard_indices(index: int, originals: int, total: int) -> range:
    """The indices that share the tar file of pair ``index`` in a set of ``total`` pairs, the originals among them."""
    start, end = (0, originals) if index < originals else (originals, total)
    first = index - (index - start) % SHARD_PAIRS
    return range(first, min(first + SHARD_PAIRS, end, total))


def pair_paths(folder: Path, row: Row) -> tuple[Path, Path]:
    """Where a row's image and mask lie as single files: in the output, or in staging until they are packed."""
    base = folder / STAGING if row.get("shard") else folder
    return base / row["file_name"], base / row["mask_file_name"]


def pack(folder: Path, rows: Sequence[Row]) -> None:
    """Write the tar file of ``rows`` (all of one shard, in index order) from their staged files."""
    with (
        open_atomic(folder / rows[0]["shard"]) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as shard,
    ):
        for row in rows:
            for path in pair_paths(folder, row):
                _add(shard, path.name, path.read_bytes())
            key = PurePosixPath(row["file_name"]).name.split(".")[0]
            _add(shard, f"{key}.json", json_line(filled(row)))


def unpack(folder: Path, rows: Sequence[Row]) -> None:
    """The reverse: the single files of ``rows`` (all of one shard), back in staging."""
    wanted = {path.name: path for row in rows for path in pair_paths(folder, row)}
    for name, data in _members(folder / rows[0]["shard"]):
        if name in wanted:
            write_atomic(wanted[name], data, sync_folder=False)


def extract(folder: Path, rows: Sequence[Row], target: Path) -> None:
    """The files of ``rows`` (of any tar files) as single files in ``target``."""
    for shard in dict.fromkeys(row["shard"] for row in rows):
        wanted = {row[key] for row in rows if row["shard"] == shard for key in ("file_name", "mask_file_name")}
        try:
            for name, data in _members(folder / shard):
                if name in wanted:
                    write_atomic(target / name, data, sync=False)
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"{folder / shard}: cannot be read ({error}); restore it") from None


def differences(folder: Path, rows: Sequence[Row]) -> Iterator[str]:
    """One line for each file of ``rows`` (all of one shard) that its tar file lacks or holds otherwise."""
    shard = rows[0]["shard"]
    try:
        found = {name: digest_bytes(data) for name, data in _members(folder / shard)}
    except (OSError, tarfile.TarError) as error:
        yield f"{shard}: cannot be read ({error})"
        return
    for row in rows:
        for name, digest in ((row["file_name"], row["image_sha256"]), (row["mask_file_name"], row["mask_sha256"])):
            if name not in found:
                yield f"{shard}/{name}: missing"
            elif found[name] != digest:
                yield f"{shard}/{name}: changed"


def unlike_rows(folder: Path, rows: Sequence[Row]) -> set[str]:
    """The tar files that do not hold what ``rows`` say of them."""
    names = {row["shard"] for row in rows}
    return {name for name in names if any(differences(folder, [row for row in rows if row["shard"] == name]))}


def clear_staging(folder: Path, keep: Sequence[Row]) -> None:
    """Remove every staged file but those of ``keep``, and the staging folder itself when it is empty."""
    staging = folder / STAGING
    if not staging.is_dir():
        return
    kept = {path for row in keep for path in pair_paths(folder, row)}
    for path in staging.iterdir():
        if path not in kept:
            path.unlink()
    if not kept:
        staging.rmdir()


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # its defaults: time 0, user and group 0 without names, mode 0644
    member.size = len(data)
    shard.addfile(member, BytesIO(data))


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, mode="r:") as shard:
        for member in shard:
            file = shard.extractfile(member)
            if file is None:
                raise DataError(f"{path}: holds {member.name!r}, which is not a file; choose another folder")
            yield member.name, file.read()
