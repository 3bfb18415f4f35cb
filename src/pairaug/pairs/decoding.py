"""From a file to an array, by one table of modes, without changing a value in silence.

Enters: a path. Leaves: an image (H, W) or (H, W, 3) of uint8 or uint16, or a mask (H, W) of raw label values
(palette indices, grey levels, or ``COLOUR`` + 0xRRGGBB for colour-coded masks) as int32, with the ``Form`` in
which it lay on the disk. Masks are never converted through grey: that clips 16 bits and recolours palettes.
"""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pairaug.errors import DataError
from pairaug.pairs import tiff
from pairaug.pairs.bmp import with_marked_palette, without_mark
from pairaug.pairs.costs import refuse_costly
from pairaug.pairs.form import FORMATS, DecodePolicy, Form, bytes_of
from pairaug.pairs.pair import Side
from pairaug.pairs.slices import is_medical
from pairaug.pairs.transparency import ALPHA_MODES, alpha_as_mask, as_shown, without_alpha

# Above all grey levels: a label value with this bit is a colour, so that pure blue is not taken for white.
COLOUR = 0x1000000
GLUED_MODES = frozenset({"L", "RGB"})
_MASK_MODES = frozenset({"1", "L", "P", "RGB", "I", "I;16", "I;16B", "I;16L", "I;16N"})
# No compression of JPEG packs more pixels into a byte.
_MOST_UNPACKED = 2000
_EXIF_ORIENTATION = 0x0112
# What EXIF's orientations 2 to 8 do to the stored picture before it is shown.
EXIF_TURNS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored upside down",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees clockwise",
    7: "mirrored and turned by 90 degrees",
    8: "turned by 90 degrees counter-clockwise",
}

# A picture that unpacks to more than Pillow's limit is an error, not a note on stderr.
warnings.simplefilter("error", Image.DecompressionBombWarning)
# What decoders say of a damaged file would stand on stderr beside the one line that refuses it.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
for _decoder in ("PIL", "tifffile"):
    logging.getLogger(_decoder).addHandler(logging.NullHandler())


def decode_image(
    path: Path, policy: DecodePolicy, glued: Side | None = None
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], Form]:
    """The image's pixels, (H, W) or (H, W, 3), EXIF rotation applied. Raises DataError.

    ``glued``: the side at which the file holds the mask; the other half is the image.
    """
    pixels, form, _ = decode_turned(path, policy, glued)
    return pixels, form


def decode_turned(
    path: Path, policy: DecodePolicy, glued: Side | None = None
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], Form, int]:
    """As ``decode_image``, with the EXIF orientation that was applied: a key of EXIF_TURNS, 1 where there was none."""
    if is_medical(str(path)):
        from pairaug.pairs.medical import decode_medical_image

        _refuse_glued(path, glued)
        return *decode_medical_image(path, policy), 1
    picture, form, turn = _load(path, policy)
    try:
        pixels = picture if isinstance(picture, np.ndarray) else _image_pixels(path, picture, form, policy)
    except ValueError as error:  # a palette or a transparency that Pillow takes, and then cannot apply
        raise DataError(f"{path}: cannot be decoded ({_first_line(error)}); mend or replace it") from error
    if glued is not None:
        pixels = _half(path, pixels, form, "right" if glued == "left" else "left")
    return pixels, form, turn


def decode_mask(path: Path, policy: DecodePolicy, glued: Side | None = None) -> tuple[NDArray[np.int32], Form]:
    """The mask's raw label values, (H, W); of a file that holds both, the half at side ``glued``. Raises DataError."""
    if is_medical(str(path)):
        from pairaug.pairs.medical import decode_medical_mask

        _refuse_glued(path, glued)
        return decode_medical_mask(path, policy)
    picture, form, _ = _load(path, policy)
    if isinstance(picture, np.ndarray):
        if picture.ndim != 2:
            raise DataError(f"{path}: a mask of three 16-bit channels is not supported; store indices")
        if policy.palette == "colour" and form.white_is_zero:
            return np.iinfo(picture.dtype).max - picture.astype(np.int32), replace(form, white_is_zero=False)
        return picture.astype(np.int32), form
    if policy.alpha == "mask":
        return alpha_as_mask(path, picture, form)
    if form.mode in ALPHA_MODES:
        picture = without_alpha(path, picture, policy, of_mask=True)
    if picture.mode not in _MASK_MODES:
        raise DataError(f"{path}: a mask of mode {picture.mode} has no label values; store indices or grey levels")
    if policy.palette == "colour" and form.indexed:
        picture, form = as_shown(picture, form)
    pixels = np.asarray(picture)
    if form.white_is_zero and form.bits < 16:  # Pillow has turned them round; 16 bits are as they are stored
        pixels = pixels ^ True if form.mode == "1" else np.uint8(255) - pixels
    if glued is not None:
        pixels = _half(path, pixels, form, glued)
    return (pack_colours(pixels) if pixels.ndim == 3 else pixels.astype(np.int32)), form


def shown_as(form: Form, number: int) -> int:
    """The label value that a stored ``number`` of a mask of ``form`` has by the colour in which it is shown."""
    if form.mode in ("P", "PA"):
        colour = bytes.fromhex(form.palette)[3 * number : 3 * number + 3]
        return int(pack_colours(np.frombuffer(colour, dtype=np.uint8))) if len(colour) == 3 else number
    highest = (1 << form.bits) - 1
    level = highest - number if form.white_is_zero else number
    return level * 255 if form.mode == "1" else level


def _load(path: Path, policy: DecodePolicy) -> tuple[Image.Image | tiff.Levels, Form, int]:
    """The fully decoded picture, upright, and the EXIF orientation that it had; a TIFF that Pillow would not read
    exactly as an array. Raises DataError.
    """
    if Image.MAX_IMAGE_PIXELS is not None and policy.max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = policy.max_pixels  # the user has asked for it; Pillow's own limit is lower
    # In memory, because a decoder that is told of a block of gigabytes would make room for it before it reads.
    data = bytes_of(path, policy.max_pixels)
    refuse_costly(path, data, policy.max_pixels)
    marked = with_marked_palette(data)
    try:
        with Image.open(io.BytesIO(marked), formats=FORMATS) as picture:
            _refuse_unfit(path, picture, policy, data)
            if tiff.needs_tifffile(picture):
                return *_checked_tiff(path, data, policy), 1
            form = _form(path, picture)
            picture.load()
            if marked is not data:
                form = replace(form, palette=without_mark(form.palette))
                picture.putpalette(bytes.fromhex(form.palette))
            if picture.mode in ("I", "F") and picture.format == "TIFF":
                return tiff.whole_levels(path, np.asarray(picture)), form, 1
            turn = picture.getexif().get(_EXIF_ORIENTATION, 1) if policy.exif == "apply" else 1
            return (ImageOps.exif_transpose(picture), form, turn) if turn in EXIF_TURNS else (picture, form, 1)
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: too many pixels ({error}); raise the limit with --max-pixels") from None
    except Exception as error:  # a decoder fed rubbish may raise anything at all
        if isinstance(error, UnidentifiedImageError) and data.startswith(tiff.STARTS):
            return *_checked_tiff(path, data, policy), 1
        raise DataError(f"{path}: {_what_it_is(data, error)}") from error


def _refuse_unfit(path: Path, picture: Image.Image, policy: DecodePolicy, data: bytes) -> None:
    """Before any pixel is decoded: too large, several frames, unnamed samples, or levels that Pillow would rescale."""
    width, height = picture.size
    if width * height > policy.max_pixels:
        raise DataError(f"{path}: {width}x{height} is more than {policy.max_pixels} pixels; raise it with --max-pixels")
    if picture.format in ("JPEG", "MPO") and width * height > _MOST_UNPACKED * len(data):  # all grey where its data end
        raise DataError(f"{path}: {width}x{height} is more than its {len(data)} bytes can hold; mend or replace it")
    frames = int(getattr(picture, "n_frames", 1))
    if frames > 1 and picture.format != "MPO":  # of a stereo or panorama camera's pictures the first
        raise DataError(f"{path}: {frames} frames in one file; store one image a file")
    if picture.format == "TIFF":
        tiff.refuse_unnamed_samples(path, picture)
    if picture.format == "JPEG2000":
        _refuse_rescaled(path, data)
    arguments = _decoder_arguments(picture)
    if picture.format == "PNG" and str(arguments) in ("RGB;16B", "RGBA;16B", "LA;16B"):
        raise DataError(f"{path}: 16 bits a colour channel in a PNG; convert it to TIFF, or to 8 bits")
    if picture.format == "PPM" and isinstance(arguments, tuple):
        highest = arguments[1]  # Pillow stretches others to the whole range
        if highest not in (0, 1, 255) and (picture.mode, highest) != ("I", 65535):
            raise DataError(f"{path}: levels up to {highest}; store it with a highest level of 255, or as PNG")


def _refuse_rescaled(path: Path, data: bytes) -> None:
    """A JPEG 2000 file of other depths than 8 bits, or 16 in grey, which Pillow would bring to those."""
    size_marker = data.find(b"\xff\x4f\xff\x51")  # ISO/IEC 15444-1, A.5.1: image and tile size
    count = int.from_bytes(data[size_marker + 40 : size_marker + 42], "big")
    depths = {(depth & 0x7F) + 1 for depth in data[size_marker + 42 : size_marker + 42 + 3 * count : 3]}
    if not depths <= {8} and not (depths == {16} and count == 1):
        bits = " and ".join(map(str, sorted(depths)))
        raise DataError(f"{path}: JPEG 2000 of {count} x {bits} bits, which would be rescaled; store it as PNG or TIFF")


def _decoder_arguments(picture: Image.Image) -> Any:
    tiles = getattr(picture, "tile", [])
    return tiles[0][3] if tiles else None


def _checked_tiff(path: Path, data: bytes, policy: DecodePolicy) -> tuple[tiff.Levels, Form]:
    """A TIFF that Pillow does not read exactly, by ``tifffile``. Raises DataError."""
    try:
        return tiff.from_tifffile(path, data, policy)
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {_what_it_is(data, error)}") from error


def _what_it_is(data: bytes, error: Exception) -> str:
    """Why a file cannot be decoded, in words that help: what stands at its beginning, else the decoder's complaint."""
    head = data[:64]
    if not head:
        return "is an empty file; restore it"
    if head.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the image itself; fetch it with 'git lfs pull'"
    if isinstance(error, UnidentifiedImageError):
        kind = "a text" if all(byte in b"\t\n\r" or byte >= 32 for byte in head) else "something else"
        return f"is {kind}, not an image of a known format ({', '.join(FORMATS)}); convert or remove it"
    return f"cannot be decoded ({_first_line(error)}); mend or replace it"


def _form(path: Path, picture: Image.Image) -> Form:
    palette = ""
    if picture.mode in ("P", "PA"):
        palette = bytes(picture.getpalette("RGB") or ()).hex()
    whole = picture.mode == "F" and picture.format == "TIFF"  # as ``tiff.whole_levels`` makes sure
    mode = "I;16" if picture.mode.startswith("I") or whole else picture.mode
    kind = "JPEG" if picture.format == "MPO" else picture.format or ""
    return Form(path.suffix, kind, mode, palette, white_is_zero=tiff.white_is_zero(picture))


def _image_pixels(
    path: Path, picture: Image.Image, form: Form, policy: DecodePolicy
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if form.mode in ALPHA_MODES or ("transparency" in picture.info and picture.mode in ("L", "P", "RGB")):
        picture = without_alpha(path, picture, policy)
    if picture.mode == "P":
        picture = picture.convert("L" if form.channels == 1 else "RGB")
    if picture.mode in ("CMYK", "YCbCr"):
        picture = picture.convert("RGB")
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8) * np.uint8(255)
    if picture.mode in ("L", "RGB"):
        return np.asarray(picture)
    if form.mode == "I;16":
        return np.asarray(picture).astype(np.uint16)
    raise DataError(f"{path}: images of mode {picture.mode} are not supported; store grey or RGB of 8 or 16 bits")


def _refuse_glued(path: Path, glued: Side | None) -> None:
    if glued is not None:
        raise DataError(f"{path}: image and mask glued in a NIfTI or DICOM file are not supported; leave out --glued")


def _half(path: Path, pixels: NDArray[Any], form: Form, side: Side) -> NDArray[Any]:
    """One half of a file that holds an image and its mask side by side."""
    width = pixels.shape[1]
    if width % 2:
        raise DataError(f"{path}: {width} pixels wide, so it is not two halves of one size; leave out --glued")
    if form.mode not in GLUED_MODES:
        raise DataError(f"{path}: image and mask glued in mode {form.mode} are not supported; store grey or RGB")
    return pixels[:, : width // 2] if side == "left" else pixels[:, width // 2 :]


def pack_colours(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(..., 3) bytes -> label values: a grey pixel is its level, a colour ``COLOUR`` + 0xRRGGBB."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    packed = red.astype(np.int32)  # in place from here on: these are the largest arrays of all
    for channel in (green, blue):
        packed <<= 8
        packed |= channel
    packed |= COLOUR
    return np.where((red == green) & (green == blue), red, packed)


def unpack_colours(values: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Label values -> (..., 3) bytes; the inverse of ``pack_colours``."""
    colours = np.where(values < COLOUR, values * 0x010101, values)
    return np.stack([(colours >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
