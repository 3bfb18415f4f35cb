"""BMP files of 4 or 8 bits with a grey palette, which Pillow reads as if they had another number of bits.

Pillow takes two colours, black and white, for 1 bit a pixel, and sixteen greys 0 to 15 for 8 bits, whatever the header
says. Where its palette is not grey, the numbers are read as they are stored; so one level of blue is added to the first
colour, and taken away again from what is known of the picture.
"""

from __future__ import annotations

_PALETTED = (4, 8)
_FIRST, _MARKED = "000000", "000001"  # as red, green, blue; in the file blue comes first


def with_marked_palette(data: bytes) -> bytes:
    """The file with its palette marked where Pillow would misread it; any other as it is."""
    header, bits = int.from_bytes(data[14:18], "little"), int.from_bytes(data[28:30], "little")
    if not data.startswith(b"BM") or header < 40 or bits not in _PALETTED:
        return data
    colours = int.from_bytes(data[46:50], "little") or 1 << bits
    start = 14 + header
    palette = data[start : start + 4 * colours]
    levels = (0, 255) if colours == 2 else range(colours)
    if colours > 256 or len(palette) < 4 * colours or colours == 1 << 8:
        return data
    if any(palette[4 * n : 4 * n + 3] != bytes([level] * 3) for n, level in enumerate(levels)):
        return data
    return data[:start] + b"\1" + data[start + 1 :]


def without_mark(palette: str) -> str:
    """The palette (RGB in hexadecimal) of a marked file, as it is in the file itself."""
    return _FIRST + palette[6:] if palette.startswith(_MARKED) else palette
