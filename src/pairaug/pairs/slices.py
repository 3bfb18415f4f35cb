"""Names of slices: ``ct/vol.nii.gz#z017`` is slice 17 of a volume, counted along one axis of the body.

Enters and leaves: paths as text. Nothing is opened here but for digests; what a slice looks like is decided in
``medical``. ``z`` counts from the feet up (axial slices), ``y`` from the front to the back (coronal), ``x`` from the
patient's right to the left (sagittal).
"""

from __future__ import annotations

import re
from functools import lru_cache
from os.path import splitext
from pathlib import Path
from typing import Literal

from pairaug.files import digest_bytes, digest_file

Axis = Literal["z", "y", "x"]
AXES: dict[str, Axis] = {"axial": "z", "coronal": "y", "sagittal": "x"}
VOLUME_SUFFIXES = frozenset({".nii", ".nii.gz"})
DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
MEDICAL_SUFFIXES = VOLUME_SUFFIXES | DICOM_SUFFIXES
_ENDING = re.compile(r"\.nii(?:\.gz)?(?:#[xyz]\d{3,6})?\Z", re.IGNORECASE)
_SLICE = re.compile(r"(?P<file>.*\.nii(?:\.gz)?)#(?P<axis>[xyz])(?P<index>\d{3,6})\Z", re.IGNORECASE | re.DOTALL)


def split_ending(name: str) -> tuple[str, str]:
    """``("vol", ".nii.gz")``; as ``os.path.splitext``, but for the endings of volumes and of their slices."""
    if ".nii" in name or ".NII" in name or ".Nii" in name:
        match = _ENDING.search(name)
        if match and match.start():
            return name[: match.start()], match.group()
    return splitext(name)


def with_ending(path: str, ending: str) -> str:
    """``path`` with another ending: ``ct/{id}.nii.gz`` -> ``ct/{id}.png``."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + split_ending(name)[0] + ending


def is_volume(path: str) -> bool:
    """A whole volume, none of whose slices is named."""
    return path.lower().endswith((".nii", ".nii.gz"))


def is_medical(path: str) -> bool:
    """A volume, one of its slices, or a DICOM file."""
    return _SLICE.match(path) is not None or path.lower().endswith(tuple(MEDICAL_SUFFIXES))


def slice_name(volume: str, axis: Axis, index: int) -> str:
    return f"{volume}#{axis}{index:03d}"


def parse_slice(path: str) -> tuple[str, Axis, int] | None:
    """(volume, axis, index) of a slice; None for any other path."""
    match = _SLICE.match(path)
    if not match:
        return None
    axis: Axis = {"z": "z", "y": "y", "x": "x"}[match["axis"].lower()]  # type: ignore[assignment]
    return match["file"], axis, int(match["index"])


def file_of(path: str) -> str:
    """The file that holds ``path``: itself, or the volume of a slice."""
    parsed = parse_slice(path)
    return parsed[0] if parsed else path


def content_digest(path: Path) -> str:
    """SHA-256 of a file; of a slice, that of its volume's digest and its own place in it."""
    parsed = parse_slice(str(path))
    if parsed is None:
        return digest_file(path)
    volume, axis, index = parsed
    return slice_digest(volume_digest(Path(volume)), axis, index)


def slice_digest(volume_digest: str, axis: Axis, index: int) -> str:
    return digest_bytes(f"{volume_digest}#{axis}{index:03d}".encode())


def volume_digest(volume: Path) -> str:
    """SHA-256 of a volume's file."""
    found = volume.stat()
    return _digest_of_state(volume, found.st_size, found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=256)
def _digest_of_state(volume: Path, size: int, changed: int, node: int) -> str:
    """Hashed once for all slices, as long as the file stays as it is."""
    return digest_file(volume)
