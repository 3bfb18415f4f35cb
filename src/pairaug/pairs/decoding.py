"""From a file to an array, by one table of modes, without changing a value in silence.

Enters: a path. Leaves: an image (H, W) or (H, W, 3) of uint8 or uint16, or a mask (H, W) of raw label values
(palette indices, grey levels, or ``COLOUR`` + 0xRRGGBB for colour-coded masks) as int32, with the ``Form`` in
which it lay on the disk. Masks are never converted through grey: that clips 16 bits and recolours palettes.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pairaug.errors import DataError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM")
LOSSY_FORMATS = frozenset({"JPEG"})
# Above all grey levels: a label value with this bit is a colour, so that pure blue is not taken for white.
COLOUR = 0x1000000
_ALPHA_MODES = frozenset({"LA", "RGBA", "PA", "La", "RGBa"})
_EXIF_ORIENTATION = 0x0112

# A picture that unpacks to more than Pillow's limit is an error, not a note on stderr.
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Form:
    """How pixels lie in a file: what a synthetic one has to look like.

    ``mode`` is Pillow's, with "RGB;16" for three channels of 16 bits; ``palette`` is RGB bytes in hexadecimal.
    """

    suffix: str
    format: str
    mode: str
    palette: str = ""

    @property
    def bits(self) -> int:
        return 16 if "16" in self.mode else 1 if self.mode == "1" else 8

    @property
    def channels(self) -> int:
        """Channels of the decoded image: 1 for grey, 3 for colour."""
        if self.mode in ("1", "L", "LA", "I;16"):
            return 1
        return 1 if self.mode in ("P", "PA") and self.grey_palette else 3

    @property
    def grey_palette(self) -> bool:
        colours = bytes.fromhex(self.palette)
        return colours[0::3] == colours[1::3] == colours[2::3]


@dataclass(frozen=True)
class DecodePolicy:
    """What the user allows: dropping an alpha channel that is not opaque, and how many pixels a file may hold."""

    alpha: str = "refuse"
    max_pixels: int = 89_478_485

    def __post_init__(self) -> None:
        if self.alpha not in ("refuse", "drop"):
            raise ValueError(f"alpha must be 'refuse' or 'drop', not {self.alpha!r}")


def decode_image(path: Path, policy: DecodePolicy) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], Form]:
    """The image's pixels, (H, W) or (H, W, 3), EXIF rotation applied. Raises DataError."""
    with _opened(path, policy) as picture:
        if isinstance(picture, np.ndarray):
            return picture, _array_form(path, picture)
        form = _form(path, picture)
        if picture.getexif().get(_EXIF_ORIENTATION, 1) != 1:
            picture = ImageOps.exif_transpose(picture)
        return _image_pixels(path, picture, form, policy), form


def decode_mask(path: Path, policy: DecodePolicy) -> tuple[NDArray[np.int32], Form]:
    """The mask's raw label values, (H, W). Raises DataError."""
    with _opened(path, policy) as picture:
        if isinstance(picture, np.ndarray):
            if picture.ndim != 2:
                raise DataError(f"{path}: a mask of {picture.shape[2]} 16-bit channels is not supported; store indices")
            return picture.astype(np.int32), _array_form(path, picture)
        form = _form(path, picture)
        if form.mode in _ALPHA_MODES:
            picture = _without_alpha(path, picture, policy)
        if picture.mode in ("F", "CMYK", "YCbCr", "LAB", "HSV"):
            raise DataError(f"{path}: a mask of mode {picture.mode} has no label values; store indices or grey levels")
        pixels = np.asarray(picture)
        if pixels.ndim == 3:
            return pack_colours(pixels), form
        return pixels.astype(np.int32), form


@contextlib.contextmanager
def _opened(path: Path, policy: DecodePolicy) -> Iterator[Image.Image | NDArray[np.uint16]]:
    """The fully decoded picture; TIFF files that Pillow does not know come as an array. Raises DataError."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > policy.max_pixels:
                raise DataError(
                    f"{path}: {width}x{height} is more than {policy.max_pixels} pixels; raise it with --max-pixels"
                )
            if getattr(picture, "n_frames", 1) > 1:
                raise DataError(f"{path}: {picture.n_frames} frames in one file; store one image a file")
            if _deep_colour(picture):
                raise DataError(f"{path}: 16 bits a colour channel; convert it to 8 bits or to TIFF")
            picture.load()
            yield picture
    except DataError:
        raise
    except Image.DecompressionBombWarning as error:
        raise DataError(f"{path}: too many pixels ({error}); raise the limit with --max-pixels") from None
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too many pixels ({error})") from None
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist") from None
    except Exception as error:  # a decoder fed rubbish may raise anything at all
        array = _from_tifffile(path, policy)
        if array is None:
            raise DataError(f"{path}: cannot be decoded ({_first_line(error)})") from error
        yield array


def _deep_colour(picture: Image.Image) -> bool:
    """A PNG of 16 bits a colour, which Pillow would cut to 8 in silence."""
    tiles = getattr(picture, "tile", [])
    return picture.format == "PNG" and bool(tiles) and str(tiles[0][3]) in ("RGB;16B", "RGBA;16B", "LA;16B")


def _from_tifffile(path: Path, policy: DecodePolicy) -> NDArray[np.uint16] | None:
    """Pixels of a TIFF that Pillow cannot open, where they are 16-bit grey or RGB."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) != 1:
                return None
            page = file.pages[0]
            if int(np.prod(page.shape[:2])) > policy.max_pixels:
                return None
            pixels = page.asarray()
    except Exception:  # not a TIFF after all; Pillow's own complaint is the one to show
        return None
    known = pixels.dtype == np.uint16 and (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
    return np.asarray(pixels, dtype=np.uint16) if known else None


def _form(path: Path, picture: Image.Image) -> Form:
    palette = ""
    if picture.mode in ("P", "PA"):
        palette = bytes(picture.getpalette("RGB") or ()).hex()
    mode = picture.mode
    if mode.startswith("I"):
        if mode == "I" and picture.format not in ("PNG", "PPM", "TIFF"):
            raise DataError(f"{path}: 32-bit integers; store 8 or 16 bits")
        mode = "I;16"
    return Form(path.suffix, picture.format or "", mode, palette)


def _array_form(path: Path, pixels: NDArray[np.uint16]) -> Form:
    return Form(path.suffix, "TIFF", "I;16" if pixels.ndim == 2 else "RGB;16")


def _image_pixels(
    path: Path, picture: Image.Image, form: Form, policy: DecodePolicy
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if form.mode in _ALPHA_MODES:
        picture = _without_alpha(path, picture, policy)
    if picture.mode == "P":
        picture = picture.convert("L" if form.channels == 1 else "RGB")
    if picture.mode in ("CMYK", "YCbCr"):
        picture = picture.convert("RGB")
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8) * np.uint8(255)
    if picture.mode in ("L", "RGB"):
        return np.asarray(picture)
    if form.mode == "I;16":
        pixels = np.asarray(picture)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise DataError(f"{path}: values beyond 16 bits ({pixels.min()} to {pixels.max()}); store 8 or 16 bits")
        return pixels.astype(np.uint16)
    raise DataError(f"{path}: images of mode {picture.mode} are not supported; store grey or RGB of 8 or 16 bits")


def _without_alpha(path: Path, picture: Image.Image, policy: DecodePolicy) -> Image.Image:
    alpha = np.asarray(picture.getchannel("A"))
    if policy.alpha != "drop" and alpha.min() < 255:
        raise DataError(f"{path}: has transparent pixels (alpha down to {alpha.min()}); drop it with --alpha drop")
    if picture.mode == "PA":
        return picture.convert("RGB")
    return picture.convert("L" if picture.mode in ("LA", "La") else "RGB")


def pack_colours(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(..., 3) bytes -> label values: a grey pixel is its level, a colour ``COLOUR`` + 0xRRGGBB."""
    red, green, blue = (pixels[..., channel].astype(np.int32) for channel in range(3))
    grey = (red == green) & (green == blue)
    return np.where(grey, red, COLOUR | (red << 16) | (green << 8) | blue).astype(np.int32)


def unpack_colours(values: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Label values -> (..., 3) bytes; the inverse of ``pack_colours``."""
    colours = np.where(values < COLOUR, values * 0x010101, values)
    return np.stack([(colours >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
