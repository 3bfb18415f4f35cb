"""Writing that a power cut cannot tear, and reading that cannot be led astray.

A file appears under its final name whole or not at all: it is written under a unique temporary name in the
target's own folder, flushed to the disk, and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from pairaug.errors import DataError, OutputError, StorageError
from pairaug.json_text import json_bytes, json_document, parse_json
from pairaug.windows import strange_to_windows

TEMPORARY_PREFIX = ".pairaug-tmp-"
_PROBE = "probe"
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
    return path.parent / f"{_temporary_prefix(path)}{secrets.token_hex(8)}"


def _temporary_prefix(path: Path) -> str:
    """The same for every temporary file that is to become ``path``."""
    return f"{TEMPORARY_PREFIX}{digest_bytes(os.fsencode(path.name))[:8]}-"


def clear_temporaries_of(path: Path) -> None:
    """Remove what killed writers of the one file ``path`` left beside it; the folder may be anybody's."""
    with storage_errors(path):
        for stale in path.parent.glob(f"{_temporary_prefix(path)}*"):
            stale.unlink(missing_ok=True)


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


def split_lines(text: str) -> list[str]:
    """The lines of JSON lines or of a list, without their ends: only ``\\n`` (or ``\\r\\n``) ends one.

    ``str.splitlines`` also splits at U+0085, U+2028 and others, which a file name, and so a JSON string, may hold.
    """
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def read_sound_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file of which any line may be damaged (a full disk, a killed writer): what is whole."""
    rows = []
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError):
            row = parse_json(line)
            if isinstance(row, dict):
                rows.append(row)
    return rows


def append_line(path: Path, line: bytes) -> None:
    """Add one line to a file, all of it or nothing: what a failed write left of it is cut off again.

    A file that ends in the middle of a line (its writer was killed) first gets the end of that line.
    """
    with storage_errors(path), open(path, "ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if size and not _ends_a_line(path, size):
                line = b"\n" + line
            written = 0
            while written < len(line):
                written += file.write(line[written:])
        except BaseException:
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            raise


def _ends_a_line(path: Path, size: int) -> bool:
    with open(path, "rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file; a torn last line (a writer was killed) is ignored."""
    rows: list[dict[str, Any]] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
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


def open_plain(path: Path) -> BufferedReader:
    """A plain file for reading. Raises DataError for a pipe or the like, which would keep its reader waiting."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DataError(f"{path}: is not a plain file; put the file itself in its place")
    return open(descriptor, "rb")


def digest_file(path: Path) -> str:
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clear_temporaries(folder: Path) -> None:
    """Remove what a killed writer left behind under temporary names, here and below."""
    for stale in folder.rglob(f"{TEMPORARY_PREFIX}*"):
        with storage_errors(stale):
            stale.unlink(missing_ok=True)


@contextlib.contextmanager
def no_temporaries_left(folder: Path) -> Iterator[None]:
    """Whatever ends the block, no temporary file stays in ``folder`` or below: where removing one failed, once more."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(StorageError, OSError):
            clear_temporaries(folder)
        raise


def checked_relative(name: str, origin: str, *, windows: bool = os.name == "nt") -> PurePosixPath:
    """``name`` as a path that stays below its root: the one gate for every name that comes out of a file.

    Raises DataError for what is not a plain relative path: absolute, with ``..``, with NUL, or empty; on ``windows``
    also what no file there can be called. ``origin`` says where the name stood, for the message.
    A name may hold anything else that a file's name may: ``a\\b``, ``c:``, U+2028.
    """
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    bad = not parts or parts[0].startswith("/") or any(part == ".." or "\0" in part for part in parts)
    if windows and not bad:
        bad = any(map(strange_to_windows, parts))
    if bad:
        raise DataError(f"{origin}: {name!r} is not a relative path below its own folder")
    return PurePosixPath(name)


def below(root: Path, name: str, origin: str) -> Path:
    """Where the file ``name`` is to be written, or removed, below ``root``. Follows no link and changes nothing.

    Raises DataError as ``checked_relative``, OutputError where a link or a file stands in the place of a folder, or a
    folder in the place of the file.
    """
    parts = checked_relative(name, origin).parts
    folder = root
    for part in parts[:-1]:
        folder = folder / part
        if folder.is_symlink():
            raise OutputError(f"{folder}: is a link, and none is written through; remove it or choose another --out")
        if not os.path.lexists(folder):
            break
        if not folder.is_dir():
            raise OutputError(f"{folder}: is a file where a folder must be; move it away or choose another --out")
    path = root.joinpath(*parts)
    refuse_folder(path)
    return path


def refuse_folder(path: Path) -> None:
    with contextlib.suppress(OSError):  # below a file, or too long: found when it is written
        if path.is_dir() and not path.is_symlink():
            raise OutputError(f"{path}: is a folder where a file must be; move it away or choose another --out")


def probe_output(folder: Path, bytes_needed: int = 0) -> None:
    """Create ``folder``, write and remove a file in it, and compare the free space with what the work will need.

    Raises StorageError before any work is done.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        clear_temporaries_of(folder / _PROBE)
        probe = _temporary(folder / _PROBE)
        try:
            probe.write_bytes(b"probe")
            probe.unlink()
        except BaseException:  # also where it was removing it that failed: once more
            with contextlib.suppress(StorageError, OSError):
                clear_temporaries_of(folder / _PROBE)
            raise
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
