"""Writing that a power cut cannot tear, reading that cannot be led astray, and a lock that dies with its owner.

A file appears under its final name whole or not at all: it is written under a unique temporary name in the
target's own folder, flushed to the disk, and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

from pairaug.errors import DataError, OutputError, StorageError
from pairaug.json_text import json_bytes, json_document

TEMPORARY_PREFIX = ".pairaug-tmp-"
LOCK_NAME = ".pairaug.lock"
# An empty file in a folder that pairaug made for itself: nothing below it is ever taken for data.
OWN_MARK = ".pairaug-own"


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing ``path`` into one line for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(f"{path}: the disk is full; free some space and run the same command again") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageError(f"{path}: not writable; choose another place or change its permissions") from error
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextlib.contextmanager
def open_atomic(path: Path, *, sync: bool = True, sync_folder: bool = True) -> Iterator[BinaryIO]:
    """A file to write to, which takes the name ``path`` when the block ends well; otherwise nothing is left behind.

    ``sync_folder=False`` leaves it to the system when the rename itself reaches the disk: for the many files of a
    data set, whose presence is checked again anyway.
    """
    temporary = _temporary(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                yield file
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if sync and sync_folder:
            _sync_folder(path.parent)


def write_atomic(path: Path, data: bytes, *, sync: bool = True, sync_folder: bool = True) -> None:
    """Write ``data`` to ``path``: temporary name, fsync, rename. Nothing is left behind on failure."""
    with open_atomic(path, sync=sync, sync_folder=sync_folder) as file:
        file.write(data)


def link_atomic(source: Path, path: Path) -> None:
    """Give the file ``source`` a second name (a hard link); a copy where the file system cannot."""
    temporary = _temporary(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), temporary)
        except OSError:
            with open(source, "rb") as original, open_atomic(path, sync_folder=False) as file:
                shutil.copyfileobj(original, file)
            return
        try:
            os.replace(temporary, path)
        finally:  # a rename onto another name of the same file leaves both
            temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the platform lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_atomic(path, json_document(content))


def json_line(row: Mapping[str, Any]) -> bytes:
    """One line of JSON lines, the same bytes for the same row."""
    return json_bytes(row) + b"\n"


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json_line(row) for row in rows)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file; a torn last line (a writer was killed) is ignored."""
    rows: list[dict[str, Any]] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                break
            raise DataError(f"{path}: line {number} is not JSON ({error}); remove or restore the file") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}: line {number} is not a JSON object; remove or restore the file")
        rows.append(row)
    return rows


def mark_own(folder: Path, *, whole: bool = False) -> None:
    """Mark a folder as made by pairaug, so that nothing in it is taken for data.

    One that was there before is left alone, unless ``whole``: it is ours whatever it holds.
    """
    if whole or not folder.exists():
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / OWN_MARK).touch()


def digest_bytes(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clear_temporaries(folder: Path) -> None:
    """Remove what a killed writer left behind under temporary names, here and below."""
    for stale in folder.rglob(f"{TEMPORARY_PREFIX}*"):
        stale.unlink(missing_ok=True)


def checked_relative(name: str, origin: str) -> PurePosixPath:
    """``name`` as a path that stays below its root. Raises DataError for anything that would leave it.

    Refused: absolute paths, ``..``, NUL, backslash, drive letters, the empty name. ``origin`` says where the name
    stood, for the message.
    """
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if not name or "\0" in name or "\\" in name or path.is_absolute() or windows.drive or ".." in path.parts:
        raise DataError(f"{origin}: {name!r} is not a relative path below its own folder")
    return path


def probe_output(folder: Path, bytes_needed: int = 0) -> None:
    """Create ``folder``, write and remove a file in it, and compare the free space with what the work will need.

    Raises StorageError before any work is done.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        probe.write_bytes(b"probe")
        probe.unlink()
    free = shutil.disk_usage(folder).free
    if bytes_needed > free:
        raise StorageError(
            f"{folder}: needs about {human_bytes(bytes_needed)}, {human_bytes(free)} free; "
            "free some space or choose another place"
        )


def human_bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the operating system releases it when the process ends, however it ends.

    The folder itself is locked where the platform allows it, so that no lock file can be removed under a waiting
    process; ``.pairaug.lock`` only names the owner. Raises OutputError naming the process that holds it.
    """
    owner = folder / LOCK_NAME
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder) as held:
        if not held:
            name = owner.read_text().strip() if owner.exists() else "another process"
            raise OutputError(f"{folder}: in use by {name}; wait for it or choose another place")
        with storage_errors(folder):
            owner.write_text(f"pairaug (process {os.getpid()})")
        try:
            yield
        finally:
            owner.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    if os.name == "nt":  # pragma: no cover - a folder cannot be opened there; its lock file stays behind
        import msvcrt

        with open(folder / ".pairaug.held", "a+b") as handle:
            try:
                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            except OSError:
                yield False
                return
            yield True
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
