"""Which files of a folder can be images at all.

Enters: a folder. Leaves: relative POSIX paths of image files in a stable order, and what was passed over and why.
Links to folders are not followed; links to files must stay below the root; hidden files are not seen.
"""

from __future__ import annotations

import os
from pathlib import Path

from pairaug.errors import DataError
from pairaug.pairs.pair import Skipped

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"})
OWN_MANIFEST = "manifest.json"


def scan(root: Path) -> tuple[list[str], list[Skipped]]:
    """Every image file below ``root``. Raises DataError where ``root`` is no folder."""
    if not root.exists():
        raise DataError(f"{root}: does not exist; give a folder of pairs, '-' or --list FILE")
    if not root.is_dir():
        raise DataError(f"{root}: is not a folder; give the folder that holds images and masks, or --list FILE")
    resolved = root.resolve()
    files: list[str] = []
    skipped: list[Skipped] = []
    for folder, folders, names in os.walk(root, onerror=_unreadable):
        place = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if place == "." else place + "/"
        folders[:] = _enter(Path(folder), prefix, folders, skipped)
        for name in sorted(names):
            if name.startswith("."):
                continue
            path = prefix + name
            suffix = os.path.splitext(name)[1].lower()
            if suffix not in IMAGE_SUFFIXES:
                skipped.append(Skipped(path, f"not an image file ({suffix or 'no suffix'})"))
                continue
            full = os.path.join(folder, name)
            if os.path.islink(full) and not Path(full).resolve().is_relative_to(resolved):
                skipped.append(Skipped(path, "a link that leads out of the folder"))
                continue
            files.append(path)
    return files, skipped


def _enter(folder: Path, prefix: str, folders: list[str], skipped: list[Skipped]) -> list[str]:
    """The subfolders to go into; an augmented data set lying inside the input is not part of it."""
    entered = []
    for name in sorted(folders):
        if name.startswith(".") or name == "__MACOSX":
            continue
        if (folder / name).is_symlink():
            skipped.append(Skipped(prefix + name, "a link to a folder"))
        elif (folder / name / OWN_MANIFEST).is_file() and (folder / name / "metadata.jsonl").is_file():
            skipped.append(Skipped(prefix + name, "an augmented data set"))
        else:
            entered.append(name)
    return entered


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read ({error.strerror}); change its permissions")
