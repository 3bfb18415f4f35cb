"""What a JPEG 2000 file would cost: pixels, tiles, and the blocks and precincts for which a decoder makes room.

A file of a hundred bytes may ask for precincts of one pixel, of which each takes hundreds of bytes. ISO/IEC 15444-1,
annex A (markers) and B.6 to B.8 (resolutions, precincts, code-blocks).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pairaug.pairs.limits import TooMuch, refuse_pixels

_START = b"\xff\x4f\xff\x51"
_MOST_BOXES, _MOST_TILES, _MOST_PARTS, _MOST_MARKERS = 1000, 2**14, 2**16, 2**18
_MOST_CELLS = 2**19
_MOST_BYTES = 2**25  # read at some 8 MB a second
_COD, _COC, _SOT, _SOD, _EOC = 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
_AGAIN = "store it again as JPEG 2000"


def look_jpeg2000(data: bytes, most_pixels: int) -> None:
    """Raises TooMuch."""
    place = _code_stream(data)
    if place < 0:
        return
    right, bottom, left, top, wide, high, at_x, at_y = struct.unpack_from(">8I", data, place + 8)
    width, height = max(right - left, 0), max(bottom - top, 0)
    refuse_pixels(width, height, most_pixels)
    tiles = -(-(right - at_x) // max(wide, 1)) * -(-(bottom - at_y) // max(high, 1))
    if tiles > _MOST_TILES:
        raise TooMuch(f"{tiles} tiles, more than {_MOST_TILES}; store it again with larger ones")
    if len(data) > _MOST_BYTES:
        raise TooMuch(f"{len(data)} bytes of JPEG 2000 are slow to read; convert it to PNG or TIFF")
    components = struct.unpack_from(">H", data, place + 40)[0]
    for style in _coding_styles(data, place, components):
        cells = components * _cells(width, height, style)
        if cells > _MOST_CELLS:
            raise TooMuch(f"{cells} blocks and precincts, more than {_MOST_CELLS}; {_AGAIN} with larger ones")


def _code_stream(data: bytes) -> int:
    """Where it begins; -1 where there is none."""
    place, boxes = 0, 0
    while not data.startswith(_START) and place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        boxes += 1
        if boxes > _MOST_BOXES:
            raise TooMuch(f"more than {_MOST_BOXES} boxes; {_AGAIN}")
        if kind == b"jp2c" or length < 8:
            break
        place += length
    return data.find(_START, place)


def _coding_styles(data: bytes, place: int, components: int) -> Iterator[bytes]:
    """Levels, block sizes and precincts, as every COD and COC of the main header and of the tile-parts holds them."""
    place, part, markers, parts = place + 2, 0, 0, 0
    while place + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, place)
        markers += 1
        if marker == _SOT:
            parts += 1
            part = place + struct.unpack_from(">I", data, place + 6)[0]
        if marker in (_SOD, _EOC):
            if part <= place:  # the last part, which goes on to the end
                return
            place = part
            continue
        if parts > _MOST_PARTS or markers > _MOST_MARKERS:
            raise TooMuch(f"more than {_MOST_PARTS} tile-parts or {_MOST_MARKERS} markers; {_AGAIN}")
        body = data[place + 4 : place + 2 + length]
        if marker == _COD:
            yield body[:1] + body[5:]
        elif marker == _COC:
            yield body[1 if components < 257 else 2 :]
        place += 2 + max(length, 2)


def _cells(width: int, height: int, style: bytes) -> int:
    """Code-blocks or precincts of one component, whichever are smaller, taken as one tile.

    ``style``: whether precincts are given, levels, exponents of the blocks' sides less 2, two bytes, precincts.
    """
    levels = style[1]
    block = style[2] + 2, style[3] + 2
    total = 0
    for resolution in range(levels + 1):
        sides = [-(-side >> (levels - resolution)) for side in (width, height)]
        given = style[6 + resolution] if style[0] & 1 else 0xFF
        inside = 1 if resolution else 0  # blocks lie in sub-bands of half the side
        cell = [min(b, max(p - inside, 0)) for b, p in zip(block, (given & 15, given >> 4), strict=True)]
        total += -(-sides[0] >> cell[0]) * -(-sides[1] >> cell[1])
    return total
