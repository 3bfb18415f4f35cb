"""What every look into a file before decoding shares: how it says no, and how pixels are held against bytes."""

from __future__ import annotations

MOST_HEADER = 2**16  # bytes that may lie beside the pixels without being counted


class TooMuch(Exception):
    """Why a file is refused, and the remedy, in words that follow its path."""


def refuse_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise TooMuch(f"{width}x{height} is more than {most} pixels; raise it with --max-pixels")


def refuse_claim(width: int, height: int, needed: int, possible: int, size: int) -> None:
    """``needed`` bytes of pixels are claimed where the file can unpack to ``possible``."""
    if needed > possible + MOST_HEADER:
        raise TooMuch(f"{width}x{height} is more than its {size} bytes can hold; mend or replace it")
