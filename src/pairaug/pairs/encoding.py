"""From an array to the bytes of a file in the form of the originals.

Enters: an image (H, W[, 3]) of uint8 or uint16, or a mask (H, W) of label values. Leaves: bytes without EXIF, ICC
profile or text, the same for the same array. A mask form that would change values (JPEG) becomes PNG, and so does
a form whose header could name a patient (NIfTI, DICOM).
"""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.errors import DataError, UsageError
from pairaug.pairs.decoding import COLOUR, unpack_colours
from pairaug.pairs.form import LOSSY_FORMATS, MEDICAL_FORMATS, Form
from pairaug.pairs.pair import Side

# Level 3 costs a third of Pillow's default and 4 % more bytes on fundus pictures.
_SAVE: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},
    "JPEG": {"quality": 95, "subsampling": 0},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    # Without it Pillow renumbers the palette, and with it the label values.
    "GIF": {"optimize": False},
    "WEBP": {"quality": 95, "method": 4},
}

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def image_form(form: Form) -> Form:
    """The form in which images of ``form`` are written: itself, or PNG for a medical one."""
    if form.format in MEDICAL_FORMATS:
        return Form(".png", "PNG", form.mode, slope=form.slope, intercept=form.intercept)
    return form


def lossless_form(form: Form, values: Collection[int] = ()) -> Form:
    """The form in which masks of ``form`` are written that hold ``values``: itself, or PNG where it would change them.

    A 1-bit mask among masks {0, 1, 2}, or an 8-bit one among some with values to 4000, has no room for all of them.
    Raises DataError where no form has.
    """
    if form.format in LOSSY_FORMATS | MEDICAL_FORMATS:
        form = Form(".png", "PNG", "L" if form.mode == "CMYK" else form.mode)
    highest = max(values, default=0)
    if highest >= COLOUR and any(255 < value < COLOUR for value in values):
        raise DataError("label values above 255 beside colours: no mask holds both; choose one kind with --only")
    if highest <= _highest(form) and not (form.mode in ("RGB", "RGBA") and 255 < highest < COLOUR):
        return form
    return Form(".png", "PNG", "L" if highest <= 255 else "I;16" if highest <= 65535 else "RGB")


def png_form(form: Form) -> Form:
    """PNG with the levels, or the label values, of ``form``. Raises UsageError for 16-bit colour, too deep for ours."""
    if form.format == "PNG":
        return form
    if form.mode == "RGB;16":
        raise UsageError("--images-as png: these images have 16 bits a colour channel, which stay TIFF; leave it out")
    mode = form.mode if form.mode in _PNG_MODES else "L" if form.channels == 1 else "RGB"
    return replace(form, suffix=".png", format="PNG", mode=mode, white_is_zero=False)


def _highest(form: Form) -> int:
    """The highest label value for which ``form`` has room."""
    if form.mode in ("RGB", "RGBA"):
        return 2 * COLOUR
    if form.mode == "P":
        return len(form.palette) // 6 - 1
    return {"1": 1, "I;16": 65535}.get(form.mode, 255)


def encode_image(pixels: NDArray[np.uint8] | NDArray[np.uint16], form: Form) -> bytes:
    """Pixels (H, W) or (H, W, 3), uint8 or uint16 as ``form`` asks, as the bytes of a file."""
    if form.mode == "RGB;16":
        return _deep_tiff(pixels)
    picture = Image.fromarray(pixels)
    if form.mode == "1":
        picture = picture.point(lambda level: 255 if level >= 128 else 0).convert("1", dither=Image.Dither.NONE)
    elif form.mode == "P":
        picture = _with_palette(pixels, form)
    elif form.mode in ("LA", "RGBA", "La", "RGBa", "PA"):
        picture = picture.convert("LA" if form.channels == 1 else "RGBA")
    elif form.mode == "CMYK":
        picture = picture.convert("CMYK")
    elif form.mode == "YCbCr":
        picture = picture.convert("YCbCr")
    return _saved(picture, form)


def encode_mask(values: NDArray[np.int32], form: Form) -> bytes:
    """Label values (H, W) as the bytes of a file of ``form``, exactly. ``form`` must be lossless."""
    if form.white_is_zero and form.bits < 16:  # the numbers are stored, their opposites shown
        values = (1 if form.mode == "1" else 255) - values
    if form.mode == "1":
        picture = Image.fromarray((values > 0).astype(np.uint8) * np.uint8(255)).convert("1", dither=Image.Dither.NONE)
    elif form.mode == "I;16":
        picture = Image.fromarray(values.astype(np.uint16))
    elif form.mode in ("RGB", "RGBA"):
        picture = Image.fromarray(unpack_colours(values))
        if form.mode == "RGBA":
            picture.putalpha(255)
    else:
        picture = Image.fromarray(values.astype(np.uint8))
        if form.mode == "P":
            picture = picture.copy()
            picture.putpalette(bytes.fromhex(form.palette))
        elif form.mode in ("LA", "PA"):
            picture = picture.convert("LA")
    return _saved(picture, form)


def encode_glued(pixels: NDArray[np.uint8], values: NDArray[np.int32], form: Form, side: Side) -> bytes:
    """An image (H, W) or (H, W, 3) of uint8 with its mask (H, W) at its side, as one file of ``form``, exactly.

    ``form`` is the lossless form of the originals: grey where ``form.mode`` is L, else colour.
    """
    mask = unpack_colours(values) if form.mode == "RGB" else values.astype(np.uint8)
    halves = [mask, pixels] if side == "left" else [pixels, mask]
    return _saved(Image.fromarray(np.concatenate(halves, axis=1)), form)


def _with_palette(pixels: NDArray[Any], form: Form) -> Image.Image:
    """An indexed picture: grey levels by their own palette, colours by the best 256 of the picture itself."""
    picture = Image.fromarray(pixels)
    if form.channels == 1:
        levels = np.frombuffer(bytes.fromhex(form.palette), dtype=np.uint8)[0::3].astype(np.int32)
        nearest = np.abs(np.arange(256)[:, None] - levels[None, :]).argmin(axis=1).astype(np.uint8)
        picture = Image.fromarray(nearest[pixels])
        picture.putpalette(bytes.fromhex(form.palette))
        return picture
    return picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)


def _deep_tiff(pixels: NDArray[Any]) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", compression="zlib", metadata=None, software=False)
    return buffer.getvalue()


def _white_is_zero_tiff(picture: Image.Image, form: Form) -> bytes:
    """A grey TIFF that stores numbers and shows 0 as white, as its originals do; ``picture`` is what is shown."""
    import tifffile

    shown = np.asarray(picture)
    stored = ~shown if form.mode == "1" else shown if form.bits == 16 else np.uint8(255) - shown
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stored, photometric="miniswhite", compression="zlib", metadata=None, software=False)
    return buffer.getvalue()


def _saved(picture: Image.Image, form: Form) -> bytes:
    if form.white_is_zero:
        return _white_is_zero_tiff(picture, form)
    buffer = io.BytesIO()
    options = dict(_SAVE.get(form.format, {}))
    if form.format == "TIFF" and form.mode == "CMYK":
        options = {}
    picture.save(buffer, format=form.format, **options)
    return buffer.getvalue()
