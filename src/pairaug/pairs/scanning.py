"""Which files of a folder can be images at all.

Enters: a folder. Leaves: relative POSIX paths of image files in a stable order, and what was passed over and why.
Links to folders are not followed; links to files must stay below the root; hidden files are not seen; what is not a
plain file (a pipe, say) is never opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pairaug.errors import DataError
from pairaug.files import OWN_MARK
from pairaug.pairs.pair import Skipped
from pairaug.pairs.slices import MEDICAL_SUFFIXES, split_ending

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm", ".pgm", ".pbm"}
    | {".pnm", ".webp", ".jp2", ".j2k", ".jpx", ".jpf"}
)
OWN_MANIFEST = "manifest.json"
LINKED_FILE = "a link that leads out of the folder, or nowhere"
LINKED_FOLDER = "a link to a folder"
_OF_A_RUN = ("model.safetensors", "checkpoint")
_IGNORED_FOLDERS = frozenset({"__MACOSX"})


def scan(root: Path) -> tuple[list[str], list[Skipped]]:
    """Every image file below ``root``. Raises DataError where ``root`` is no folder."""
    if not root.exists():
        raise DataError(f"{root}: does not exist; give a folder of pairs, '-' or --list FILE")
    if not root.is_dir():
        raise DataError(f"{root}: is not a folder; give the folder that holds images and masks, or --list FILE")
    if _own(root):
        raise DataError(f"{root}: a folder that pairaug wrote models into; give the folder of images and masks")
    files: list[str] = []
    skipped: list[Skipped] = []
    resolved = root.resolve()
    for path, entry in _walk(root, "", skipped):
        reason = _why_not(entry, resolved)
        if reason:
            skipped.append(Skipped(path, reason))
        else:
            files.append(path)
    return files, skipped


def leads_out(path: Path, resolved_root: Path) -> bool:
    """Whether ``path``, with every link followed, lies outside the root (or nowhere: a link to itself)."""
    try:
        return not path.resolve(strict=True).is_relative_to(resolved_root)
    except (OSError, RuntimeError):
        return True


def _walk(folder: Path, prefix: str, skipped: list[Skipped]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The visible files below ``folder`` with their relative paths, by name; folders are noted where not entered."""
    waiting = [(str(folder), prefix)]
    while waiting:
        place, prefix = waiting.pop()
        try:
            with os.scandir(place) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(f"{place}: cannot be read ({error.strerror}); change its permissions") from None
        inner = []
        for entry in entries:
            path = prefix + entry.name
            if entry.name.startswith(".") or entry.name in _IGNORED_FOLDERS:
                continue
            if not _is_folder(entry):
                yield path, entry
            elif entry.is_symlink():
                skipped.append(Skipped(path, LINKED_FOLDER))
            elif _augmented(Path(entry.path)):
                skipped.append(Skipped(path, "an augmented data set"))
            elif _own(Path(entry.path)):
                skipped.append(Skipped(path, "a folder that pairaug wrote"))
            else:
                inner.append((entry.path, path + "/"))
        waiting.extend(reversed(inner))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _augmented(folder: Path) -> bool:
    """An augmented data set lying inside the input is not part of it."""
    return (folder / OWN_MANIFEST).is_file() and (folder / "metadata.jsonl").is_file()


def _own(folder: Path) -> bool:
    """A folder of models, runs or kept segmenters; earlier versions left no mark, but ``run.json``."""
    if (folder / OWN_MARK).is_file():
        return True
    return (folder / "run.json").is_file() and any((folder / name).exists() for name in _OF_A_RUN)


def _why_not(entry: os.DirEntry[str], resolved_root: Path) -> str | None:
    suffix = split_ending(entry.name)[1].lower()
    if suffix not in IMAGE_SUFFIXES and suffix not in MEDICAL_SUFFIXES:
        return f"not an image file ({suffix or 'no suffix'})"
    if entry.is_symlink() and leads_out(Path(entry.path), resolved_root):
        return LINKED_FILE
    return None if entry.is_file() else "not a plain file"
