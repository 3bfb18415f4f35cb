"""What a TIFF would cost: directories, strips and tiles, what they claim to hold, and what their streams unpack to."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

from pairaug.pairs.limits import TooMuch, refuse_claim, refuse_pixels

# The most bytes that one byte of each compression can stand for.
_DEFLATE, _LZW, _PACKBITS, _JPEG = 1032, 2730, 64, 2000
_MOST_STRIPS = 2**17
_MOST_DIRECTORIES = 1000  # few enough for the decoder to count
_MOST_DICTIONARY = 2**28
_STRIP_SIZES, _TILE_SIZES = 279, 325
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNPACKED = {1: 1, 5: _LZW, 8: _DEFLATE, 32946: _DEFLATE, 32773: _PACKBITS, 7: 3 * _JPEG, 6: 3 * _JPEG}
_FAX = (2, 3, 4)
_NONE, _LZW_CODE, _PACKBITS_CODE, _LZMA = 1, 5, 32773, 34925
_BOUNDED: dict[int, Callable[[], zlib._Decompress | lzma.LZMADecompressor]] = {
    8: zlib.decompressobj,
    32946: zlib.decompressobj,
    _LZMA: lambda: lzma.LZMADecompressor(memlimit=_MOST_DICTIONARY),
}


def look_tiff(data: bytes, most_pixels: int) -> None:
    """Raises TooMuch."""
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    place = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    first = None
    seen: set[int] = set()
    while place and place not in seen:
        seen.add(place)
        if len(seen) > _MOST_DIRECTORIES:
            raise TooMuch(f"more than {_MOST_DIRECTORIES} directories in one file; store one image a file")
        count = struct.unpack_from(order + ("Q" if big else "H"), data, place)[0]
        size = 20 if big else 12
        place += 8 if big else 2
        if first is None:
            first = dict(_tags(data, order, big, place, count))
            _refuse_tags(first, len(data), most_pixels)
        place += count * size
        if place + (8 if big else 4) > len(data):
            return
        place = struct.unpack_from(order + ("Q" if big else "I"), data, place)[0]


def _tags(data: bytes, order: str, big: bool, place: int, count: int) -> Iterator[tuple[int, int]]:
    """Tag -> its first value, or the sum of the sizes of strips or tiles. Raises TooMuch for a list too long."""
    for index in range(count):
        at = place + index * (20 if big else 12)
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, at)
        size = _TYPE_SIZES.get(kind, 1)
        if number > _MOST_STRIPS and (size > 1 or kind in (6, 10)):
            raise TooMuch(f"tag {tag} holds {number} numbers, more than {_MOST_STRIPS}; use larger strips or tiles")
        at += 12 if big else 8
        if number * size > (8 if big else 4):
            at = struct.unpack_from(order + ("Q" if big else "I"), data, at)[0]
        if tag in (_STRIP_SIZES, _TILE_SIZES) and kind in (3, 4, 16) and at + number * size <= len(data):
            yield tag, sum(struct.unpack_from(f"{order}{number}{'HIQ'[(2, 4, 8).index(size)]}", data, at))
        elif number and at + size <= len(data):
            yield tag, int.from_bytes(data[at : at + min(size, 8)], "little" if order == "<" else "big")


def _refuse_tags(tags: dict[int, int], size: int, most_pixels: int) -> None:
    width, height = tags.get(256, 0), tags.get(257, 0)
    if not (width and height):
        return
    refuse_pixels(width, height, most_pixels)
    wide, high = tags.get(322, width), tags.get(323, min(tags.get(278, height), height))
    if 322 in tags or 278 in tags:
        pieces = -(-width // max(wide, 1)) * -(-height // max(high, 1))
        if pieces > _MOST_STRIPS:
            raise TooMuch(f"{pieces} strips or tiles, more than {_MOST_STRIPS}; store it with larger ones")
    held = max(tags.get(_STRIP_SIZES, 0), tags.get(_TILE_SIZES, 0))
    if held > 2 * size and held > 2 * width * height * tags.get(277, 1):
        raise TooMuch(f"strips or tiles of {held} bytes in a file of {size}; mend or replace it")
    compression = tags.get(259, 1)
    if compression in _FAX:
        refuse_claim(width, height, height, 8 * size, size)
    elif compression in _UNPACKED:
        needed = width * height * tags.get(258, 1) * tags.get(277, 1) // 8
        refuse_claim(width, height, needed, _UNPACKED[compression] * size, size)


def unpacks_to_more(data: bytes, compression: int, pieces: Sequence[tuple[int, int]], most: int) -> bool:
    """Whether any strip or tile, (place, bytes) each, unpacks to more than ``most`` bytes; none is unpacked further."""
    opened = _BOUNDED.get(compression)
    if opened is None:
        return False
    return any(len(opened().decompress(data[at : at + size], most + 1)) > most for at, size in pieces if size)


def can_be_bounded(compression: int) -> bool:
    """Whether what a strip unpacks to follows from its bytes, or can be found out piece by piece."""
    return compression in (_NONE, _LZW_CODE, _PACKBITS_CODE) or compression in _BOUNDED
