"""How pixels lie in a file, which files are taken, and how much of one is read.

Enters: a path and what the user allows. Leaves: its bytes, never more than the pixels allowed could need; and the
terms in which ``decoding``, ``medical`` and ``encoding`` speak of a file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from pairaug.errors import DataError
from pairaug.files import human_bytes, open_plain

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM", "WEBP", "JPEG2000")
# Read by ``medical``, never written: their headers may name a patient.
MEDICAL_FORMATS = frozenset({"NIFTI", "DICOM"})
# Formats that may change values; masks are never written in them.
LOSSY_FORMATS = frozenset({"JPEG", "WEBP", "JPEG2000"})
ALPHA = ("refuse", "drop", "mask")
EXIF = ("apply", "ignore")
PALETTE = ("auto", "index", "colour")
# 16-bit colour takes 6; the rest is room for what else lies in a file.
_MOST_BYTES_PER_PIXEL = 8
MOST_PIXELS, MOST_VOXELS = 25_000_000, 89_478_485


@dataclass(frozen=True)
class Form:
    """How pixels lie in a file: what a synthetic one has to look like.

    ``mode`` is Pillow's, with "RGB;16" for three channels of 16 bits; ``palette`` is RGB bytes in hexadecimal.
    A level stands for the value ``slope`` * level + ``intercept`` (Hounsfield units, say) where ``medical`` read it.
    ``white_is_zero``: a TIFF whose stored number 0 is shown as white.
    """

    suffix: str
    format: str
    mode: str
    palette: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    white_is_zero: bool = False

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
    def indexed(self) -> bool:
        """Whether a number stored in a mask of this form is shown as another."""
        return self.mode in ("P", "PA", "1") or self.white_is_zero

    @property
    def grey_palette(self) -> bool:
        colours = bytes.fromhex(self.palette)
        return colours[0::3] == colours[1::3] == colours[2::3]


@dataclass(frozen=True)
class DecodePolicy:
    """How files are to be read, and how many pixels one may hold.

    ``alpha``: a channel that is not opaque is refused, dropped, or is itself the mask (and dropped from images).
    ``window``: the lowest and the highest value to keep of NIfTI and DICOM images. ``exif``: whether images are turned
    as their EXIF says. ``palette``: masks with a palette or of 1 bit give the numbers stored ("index"), the colours
    shown ("colour"), or the numbers unless files disagree on what those mean ("auto", settled by ``checking``).
    ``max_pixels`` is what a gigabyte holds while two pairs are checked side by side; ``max_voxels`` counts in volumes,
    of which one is held at a time.
    """

    alpha: str = "refuse"
    max_pixels: int = MOST_PIXELS
    window: tuple[float, float] | None = None
    exif: str = "apply"
    palette: str = "auto"
    max_voxels: int = MOST_VOXELS

    def __post_init__(self) -> None:
        if self.window is not None and not -math.inf < self.window[0] < self.window[1] < math.inf:
            raise ValueError(f"window must be two numbers, the lower first, not {self.window}")
        if self.alpha not in ALPHA:
            raise ValueError(f"alpha must be one of {ALPHA}, not {self.alpha!r}")
        if self.exif not in EXIF:
            raise ValueError(f"exif must be one of {EXIF}, not {self.exif!r}")
        if self.palette not in PALETTE:
            raise ValueError(f"palette must be one of {PALETTE}, not {self.palette!r}")


def most_bytes(most_pixels: int) -> int:
    """The most that a file, or what it unpacks to, may hold."""
    return _MOST_BYTES_PER_PIXEL * most_pixels + 2**20


def bytes_of(path: Path, most_pixels: int) -> bytes:
    """All of a plain file, unless it is larger than any picture of ``most_pixels``. Raises DataError."""
    with open_limited(path, most_pixels) as file:
        return file.read(os.fstat(file.fileno()).st_size + 1)


@contextmanager
def open_limited(path: Path, most_pixels: int) -> Iterator[BufferedReader]:
    """A plain file to be read, unless it is larger than any picture of ``most_pixels``. Raises DataError."""
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most_bytes(most_pixels):
                held = human_bytes(size)
                raise DataError(f"{path}: {held} is more than an image may hold; raise it with --max-pixels")
            yield file
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist; restore it, or leave its pair out with --exclude") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); mend its permissions or replace it") from None
