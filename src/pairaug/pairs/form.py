"""How pixels lie in a file, which files are taken, and how much of one is read.

Enters: a path and what the user allows. Leaves: its bytes, never more than the pixels allowed could need; and the
terms in which ``decoding``, ``medical`` and ``encoding`` speak of a file.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from pairaug.errors import DataError
from pairaug.files import human_bytes, open_plain

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM")
# Read by ``medical``, never written: their headers may name a patient.
MEDICAL_FORMATS = frozenset({"NIFTI", "DICOM"})
LOSSY_FORMATS = frozenset({"JPEG"})
# 16-bit colour takes 6; the rest is room for what else lies in a file.
_MOST_BYTES_PER_PIXEL = 8
MOST_PIXELS, MOST_VOXELS = 25_000_000, 89_478_485


@dataclass(frozen=True)
class Form:
    """How pixels lie in a file: what a synthetic one has to look like.

    ``mode`` is Pillow's, with "RGB;16" for three channels of 16 bits; ``palette`` is RGB bytes in hexadecimal.
    A level stands for the value ``slope`` * level + ``intercept`` (Hounsfield units, say) where ``medical`` read it.
    """

    suffix: str
    format: str
    mode: str
    palette: str = ""
    slope: float = 1.0
    intercept: float = 0.0

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
    """What the user allows: dropping an alpha channel that is not opaque, and how many pixels a file may hold.

    Its default is what a gigabyte holds while two pairs are checked side by side.
    ``window``: the lowest and the highest value to keep of NIfTI and DICOM images.
    """

    alpha: str = "refuse"
    max_pixels: int = MOST_PIXELS
    window: tuple[float, float] | None = None

    @property
    def max_voxels(self) -> int:
        """How many voxels a volume may hold: a number's two bytes or so each, and one volume at a time."""
        return MOST_VOXELS if self.max_pixels == MOST_PIXELS else self.max_pixels

    def __post_init__(self) -> None:
        if self.window is not None and not -math.inf < self.window[0] < self.window[1] < math.inf:
            raise ValueError(f"window must be two numbers, the lower first, not {self.window}")
        if self.alpha not in ("refuse", "drop"):
            raise ValueError(f"alpha must be 'refuse' or 'drop', not {self.alpha!r}")


def bytes_of(path: Path, most_pixels: int) -> bytes:
    """All of a plain file, unless it is larger than any picture of ``most_pixels``. Raises DataError."""
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_BYTES_PER_PIXEL * most_pixels + 2**20:
                held = human_bytes(size)
                raise DataError(f"{path}: {held} is more than an image may hold; raise it with --max-pixels")
            return file.read(size + 1)
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist; restore it, or leave its pair out with --exclude") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); mend its permissions or replace it") from None
