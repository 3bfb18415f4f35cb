"""A picture and a mask as the bytes of a file of any kind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from pairaug.pairs.form import DecodePolicy
from tests.pairs.drawn import classes, photograph

HEAT = [0, 0, 0, 255, 0, 0, 255, 255, 0]  # three colours of a palette
POLICY = DecodePolicy()
PHOTO = photograph(7, 9, 8)
GREY = np.ascontiguousarray(PHOTO[..., 0])
DEEP = GREY.astype(np.uint16) * 257 + 3
DEEP_COLOUR = PHOTO.astype(np.uint16) * 250 + 5
MASK = classes(3, 3, 24, 20)
RGB = Image.fromarray(PHOTO)


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def pnm(kind: str, pixels: np.ndarray, highest: int) -> bytes:
    head = f"{kind}\n{pixels.shape[1]} {pixels.shape[0]}\n{highest}\n".encode()
    return head + pixels.astype(">u2" if highest > 255 else np.uint8).tobytes()


def indexed(indices: np.ndarray, colours: list[int]) -> Image.Image:
    picture = Image.fromarray(indices.astype(np.uint8)).copy()
    picture.putpalette(colours)
    return picture


def with_alpha(pixels: np.ndarray, lowest: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    alpha[0, 0] = lowest
    picture.putalpha(Image.fromarray(alpha))
    return picture


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def jpeg2000_of_12_bits() -> bytes:
    """A file whose size marker says 12 bits; it is refused before its pixels are decoded."""
    data = bytearray(saved(Image.fromarray(DEEP), "JPEG2000"))
    data[data.index(b"\xff\x4f\xff\x51") + 42] = 11
    return bytes(data)


def avif_head() -> bytes:
    return b"\0\0\0\x1cftypavif\0\0\0\0" + bytes(200)
