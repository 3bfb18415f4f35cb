"""Is an augmented data set still what its manifest says?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pairaug.files import digest_file
from pairaug.pairs.scanning import IMAGE_SUFFIXES
from pairaug.synthesis.manifest import METADATA, read_manifest, read_rows


@dataclass(frozen=True)
class Verification:
    """``differing``: one line for each file that is missing or not what was written; ``unlisted``: images beside."""

    pairs: int
    differing: tuple[str, ...]
    unlisted: tuple[str, ...]


def verify(folder: Path) -> Verification:
    """Hash every file of the data set in ``folder``. Raises DataError where there is no readable manifest."""
    manifest = read_manifest(folder)
    differing = []
    if (folder / METADATA).is_file() and digest_file(folder / METADATA) != manifest["metadata_sha256"]:
        differing.append(f"{METADATA}: changed")
    rows = read_rows(folder / METADATA)
    listed = set()
    for row in rows:
        for name, digest in ((row["file_name"], row["image_sha256"]), (row["mask_file_name"], row["mask_sha256"])):
            listed.add(name)
            if not (folder / name).is_file():
                differing.append(f"{name}: missing")
            elif digest_file(folder / name) != digest:
                differing.append(f"{name}: changed")
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    }
    return Verification(len(rows), tuple(differing), tuple(sorted(present - listed)))
