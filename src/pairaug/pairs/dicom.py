"""DICOM files: stored numbers, scale and colour of one picture, and how much of a file its reader may be led through.

A header of a few megabytes may hold millions of elements, a deflated one unpack to gigabytes, and the picture may be
a JPEG that claims what no JPEG should: elements, bytes and pieces are counted, and the picture is looked at as any
other file is. Formats: DICOM PS3.5 (A.4 encapsulated pixels, A.5 deflated), PS3.3 C.7.6.3.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.files import human_bytes
from pairaug.pairs.costs import refuse_costly
from pairaug.pairs.form import DecodePolicy, Form, bytes_of, most_bytes

_MOST_READS = 100_000  # about two an element
_MOST_FRAGMENTS = 1000
_MOST_RUN_BYTES = 2**24  # of run lengths, which pydicom unpacks one by one
_MOST_WIDTH = 4  # bytes a number
_ITEM = b"\xfe\xff\x00\xe0"
_PLAIN_META = struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"
_DEFLATED, _RUN_LENGTHS = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"


class _Counted(io.BytesIO):
    """Bytes of which no more than ``_MOST_READS`` pieces are read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _MOST_READS:
            raise OverflowError
        return super().read(size)


def read_dicom(path: Path, policy: DecodePolicy, pydicom: ModuleType) -> tuple[NDArray[Any], float, float, Form]:
    """Stored numbers (H, W), or (H, W, 3) of uint8, with slope, intercept and a first form. Raises DataError."""
    dataset = _opened(path, bytes_of(path, policy.max_pixels), policy, pydicom)
    if "PixelData" not in dataset:
        raise DataError(f"{path}: holds no picture; leave it out with --exclude")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise DataError(f"{path}: {frames} frames in one file; store one image a file, or a NIfTI volume")
    width, height = int(dataset.Columns), int(dataset.Rows)
    if width * height > policy.max_pixels:
        raise DataError(f"{path}: {width}x{height} is more than {policy.max_pixels} pixels; raise it with --max-pixels")
    photometry = str(dataset.PhotometricInterpretation)
    if "ModalityLUTSequence" in dataset or photometry == "PALETTE COLOR":
        raise DataError(f"{path}: levels by a look-up table; store grey values or RGB")
    _refuse_costly_picture(path, dataset, policy)
    stored = _pixels(path, dataset)
    if stored.ndim == 3 and stored.dtype == np.uint8 and stored.shape[2] == 3:
        return stored, 1.0, 0.0, Form(path.suffix, "DICOM", "RGB")
    if stored.ndim != 2 or stored.dtype.kind not in "iuf":
        raise DataError(f"{path}: {photometry} pixels of {stored.dtype}; store grey values, or RGB of 8 bits")
    slope = float(dataset.get("RescaleSlope") or 1)
    intercept = float(dataset.get("RescaleIntercept") or 0)
    if photometry == "MONOCHROME1":  # 0 is white there
        if dataset.PixelRepresentation or (slope, intercept) != (1.0, 0.0):
            raise DataError(f"{path}: MONOCHROME1 with sign or scale; convert it to MONOCHROME2")
        stored = (2 ** int(dataset.BitsStored) - 1 - stored.astype(np.int64)).clip(0).astype(stored.dtype)
    return stored, slope, intercept, Form(path.suffix, "DICOM", "L")


def _opened(path: Path, data: bytes, policy: DecodePolicy, pydicom: ModuleType) -> Any:
    if data[128:132] != b"DICM":
        raise DataError(f"{path}: is not a DICOM file; restore it or leave it out with --exclude")
    try:
        syntax, place = _transfer_syntax(data)
        if syntax == _DEFLATED:
            most = most_bytes(policy.max_pixels)
            body = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[place:], most + 1)
            if len(body) > most:
                raise DataError(f"{path}: unpacks to more than {human_bytes(most)}; raise it with --max-pixels")
            data = data[:132] + _PLAIN_META + body
        return pydicom.dcmread(_Counted(data))
    except OverflowError:
        raise DataError(f"{path}: a header of too many elements; store it again without them") from None


def _transfer_syntax(data: bytes) -> tuple[str, int]:
    """Its identifier ("" where there is none), and where the elements of group 2, which name it, end."""
    place, syntax = 132, ""
    for _ in range(_MOST_FRAGMENTS):
        if place + 8 > len(data) or data[place : place + 2] != b"\x02\x00":
            break
        number, kind, length = struct.unpack_from("<2x H2sH", data, place)
        place += 8
        if kind in (b"OB", b"UN", b"UT", b"SQ"):
            length = struct.unpack_from("<I", data, place)[0]
            place += 4
        if number == 0x10:
            syntax = data[place : place + length].rstrip(b"\0 ").decode("ascii", "replace")
        place += length
    return syntax, place


def _refuse_costly_picture(path: Path, dataset: Any, policy: DecodePolicy) -> None:
    """What the picture's own bytes claim, where they are compressed; numbers wider than any that are used."""
    if int(dataset.BitsAllocated) > 8 * _MOST_WIDTH or int(dataset.get("SamplesPerPixel") or 1) > _MOST_WIDTH:
        raise DataError(f"{path}: {dataset.BitsAllocated} bits a number; store grey of 8 to 32 bits, or RGB of 8")
    held = dataset.get_item("PixelData").value
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    if not isinstance(held, bytes) or syntax is None or not syntax.is_compressed:
        return
    if str(syntax) == _RUN_LENGTHS and len(held) > _MOST_RUN_BYTES:
        raise DataError(f"{path}: {len(held)} bytes of run lengths are slow to read; store it uncompressed")
    if held.count(_ITEM) > _MOST_FRAGMENTS:
        raise DataError(f"{path}: a picture in more than {_MOST_FRAGMENTS} pieces; store it uncompressed")
    refuse_costly(path, _joined(held), policy.max_pixels)


def _joined(held: bytes) -> bytes:
    """The pieces of an encapsulated picture, without the table that comes first."""
    pieces, place = [], 0
    while held[place : place + 4] == _ITEM:
        length = int.from_bytes(held[place + 4 : place + 8], "little")
        pieces.append(held[place + 8 : place + 8 + length])
        place += 8 + length
    return b"".join(pieces[1:])


def _pixels(path: Path, dataset: Any) -> NDArray[Any]:
    try:
        return np.asarray(dataset.pixel_array)
    except (RuntimeError, NotImplementedError, AttributeError, ValueError) as error:
        syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        if syntax is not None and getattr(syntax, "is_compressed", False):
            name = str(getattr(syntax, "name", "")).encode("ascii", "replace").decode()[:60]
            raise DataError(
                f"{path}: compressed as {name!r}, which cannot be read here; store it uncompressed"
            ) from error
        raise
