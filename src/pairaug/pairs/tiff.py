"""What a TIFF says of its samples, and the TIFFs that Pillow does not read exactly.

Enters: a picture that Pillow has opened, or the bytes of one that it refuses. Leaves: an array (H, W) or (H, W, 3) of
uint8 or uint16 with its ``Form``, or a DataError that names what is in the file. Whatever holds whole numbers from 0 to
65535 is taken, also as 32-bit integers or floating point; nothing is rounded, clipped or dropped. Tags: TIFF 6.0.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.errors import DataError
from pairaug.files import human_bytes
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.tiff_costs import can_be_bounded, unpacks_to_more

if TYPE_CHECKING:
    import tifffile

Levels = NDArray[np.uint8] | NDArray[np.uint16]

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# No compression of TIFF packs more bytes into one (LZW comes to 1,400).
MOST_UNPACKED = 2000
_MOST_BYTES_PER_PIXEL = 8
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLES_PER_PIXEL, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 258, 262, 277, 338, 339
_WHITE_IS_ZERO = 0
# Samples a pixel of each photometric interpretation: white or black is zero, RGB, palette, CMYK, YCbCr, CIELab.
_SAMPLES = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
_ALPHA_SAMPLES = (1, 2)
_SIGNED = 2
_LAYOUTS = ("YX", "YXS", "SYX")


def _tag(picture: Image.Image, number: int, default: Any) -> Any:
    return getattr(picture, "tag_v2", {}).get(number, default)


def refuse_unnamed_samples(path: Path, picture: Image.Image) -> None:
    """Samples beyond colour and alpha (near infrared, say), which Pillow would drop in silence."""
    samples, photometric = _tag(picture, _SAMPLES_PER_PIXEL, 1), _tag(picture, _PHOTOMETRIC, 1)
    colours = _SAMPLES.get(photometric, samples)
    alphas = [kind for kind in _tag(picture, _EXTRA_SAMPLES, ()) if kind in _ALPHA_SAMPLES][:1]
    unnamed = samples - colours - len(alphas)
    if unnamed > 0:
        raise DataError(
            f"{path}: {samples} samples a pixel, {unnamed} of them beside {_colour_words(colours)} (near infrared, "
            "say); store the one or three to learn from as grey or RGB"
        )


def _colour_words(samples: int) -> str:
    return {1: "grey", 3: "RGB", 4: "CMYK"}[samples]


def white_is_zero(picture: Image.Image) -> bool:
    """Whether the stored number 0 is to be shown as white."""
    return picture.format == "TIFF" and _tag(picture, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO


def needs_tifffile(picture: Image.Image) -> bool:
    """16-bit colour, of which Pillow would keep the upper 8 bits; signed bytes, which it would take for unsigned."""
    if picture.format != "TIFF" or picture.mode.startswith(("I", "F")):
        return False
    if _SIGNED in _numbers(_tag(picture, _SAMPLE_FORMAT, 1)):
        return True
    return max(_numbers(_tag(picture, _BITS_PER_SAMPLE, 8))) > 8


def _numbers(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def from_tifffile(path: Path, data: bytes, policy: DecodePolicy) -> tuple[Levels, Form]:
    """The one page of a TIFF of grey or RGB, by ``tifffile``. Raises DataError for all others, naming what they hold.

    Any other error is the decoder's own.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        kinds = ", ".join(str(getattr(kind, "name", kind)) for kind in (page.photometric, page.compression))
        held = f"{page.dtype} {page.axes} {page.shape}, {kinds}"
        if len(file.pages) > 1:
            raise DataError(f"{path}: {len(file.pages)} frames in one file; store one image a file")
        colour = page.axes in ("YXS", "SYX")
        if page.axes not in _LAYOUTS or (colour and page.samplesperpixel != 3) or page.dtype is None:
            raise DataError(f"{path}: a TIFF that cannot be used ({held}); store 8 or 16 bits, grey or RGB")
        if page.size > 3 * policy.max_pixels:
            raise DataError(f"{path}: {page.size} samples are too many; raise the limit with --max-pixels")
        if page.nbytes > _MOST_BYTES_PER_PIXEL * policy.max_pixels:
            raise DataError(f"{path}: {held} takes {human_bytes(page.nbytes)}; raise the limit with --max-pixels")
        if page.nbytes > MOST_UNPACKED * len(data):  # not to unpack millions of tiles that are not there
            raise ValueError(f"{held}, more than {len(data)} bytes can hold")
        pixels = _pixels(path, page, data, held)
        if page.axes == "SYX":
            pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, 2))
        inverted = page.photometric == _WHITE_IS_ZERO
    levels = whole_levels(path, pixels)
    modes = ("RGB", "RGB;16") if colour else ("L", "I;16")
    return levels, Form(path.suffix, "TIFF", modes[levels.dtype == np.uint16], white_is_zero=inverted)


def _pixels(path: Path, page: tifffile.TiffPage, data: bytes, held: str) -> NDArray[Any]:
    """All pixels of a page, none of whose strips or tiles unpacks to more than its own: tifffile sets no bound."""
    refusal = DataError(f"{path}: a TIFF that cannot be decoded ({held}); store it uncompressed or as PNG")
    if not can_be_bounded(int(page.compression)):
        raise refusal
    pieces = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    most = math.prod(page.chunks) * page.dtype.itemsize if page.dtype is not None else 0
    shared = sum(size for _, size in pieces) > 2 * max(len(data), page.nbytes)
    if shared or unpacks_to_more(data, int(page.compression), pieces, most):
        raise ValueError("strips or tiles that unpack to more than their pixels")
    try:
        return np.asarray(page.asarray())
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise refusal from None
        raise


def whole_levels(path: Path, pixels: NDArray[Any]) -> Levels:
    """Numbers of any type as uint8 (where the type has 8 bits) or uint16, without loss. DataError for all others."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    low, high = pixels.min(), pixels.max()
    kind = np.uint8 if pixels.dtype.itemsize == 1 else np.uint16
    if not 0 <= low <= high <= np.iinfo(kind).max or (pixels.dtype.kind == "f" and (pixels % 1).any()):
        whole = "" if pixels.dtype.kind in "iub" or not (pixels % 1).any() else " that are no whole numbers"
        raise DataError(
            f"{path}: {pixels.dtype} values from {low:g} to {high:g}{whole}; store whole numbers from 0 to 65535, "
            "of 8 or 16 bits"
        )
    return pixels.astype(np.uint8) if kind is np.uint8 else pixels.astype(np.uint16)
