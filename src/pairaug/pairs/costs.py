"""What a file would cost to decode, told from its bytes before any decoder sees them.

Enters: all bytes of a file of a raster format. Leaves: nothing, or a DataError where they claim more than they can
hold, or are laid out so that a decoder would go through them for minutes: chunks, segments, scans, directories, strips
and tiles are counted, each by a scan with a bound. What is merely damaged is left to the decoder, which says it better.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from pairaug.errors import DataError

# The most bytes that one byte of each compression can stand for.
_DEFLATE, _LZW, _PACKBITS, _RUN_LENGTHS, _JPEG = 1032, 2730, 64, 2000, 2000
_MOST_CHUNKS = 100_000  # PNG chunks, GIF blocks
_MOST_SEGMENTS, _MOST_SEGMENT_BYTES = 4096, 2**24
_MOST_SCANS = 40
_MOST_HEADER = 2**16  # bytes of a PNM header, of what lies between JPEG segments
_MOST_BESIDE = 2**20  # bytes of a GIF that are no picture
_MOST_PLAIN = 2**23  # bytes of a PNM in decimal digits, which Pillow reads one by one
_MOST_RUN_PIXELS, _MOST_RUN_BYTES = 2**24, 2**22  # of a BMP in run lengths, likewise
_MOST_STRIPS = 2**17
_MOST_DIRECTORIES = 1000  # of a TIFF, and frames of a GIF: few enough for the decoder to count
_MOST_BOXES = 1000
_MOST_J2K_TILES = 2**14
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TIFF_UNPACKED = {1: 1, 5: _LZW, 8: _DEFLATE, 32946: _DEFLATE, 32773: _PACKBITS, 7: 3 * _JPEG, 6: 3 * _JPEG}
_FAX = (2, 3, 4)


class _TooMuch(Exception):
    """Why a file is refused, and the remedy, in words that follow its path."""


def refuse_costly(path: Path, data: bytes, most_pixels: int) -> None:
    """Raises DataError where decoding ``data`` would cost far more than its pixels are worth."""
    try:
        for start, look in _LOOKS:
            if start.match(data):
                look(data, most_pixels)
                return
    except _TooMuch as found:
        raise DataError(f"{path}: {found}") from None
    except (struct.error, IndexError, OverflowError):  # cut off or a place beyond its end: the decoder will say so
        return


def _refuse_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise _TooMuch(f"{width}x{height} is more than {most} pixels; raise it with --max-pixels")


def _refuse_claim(width: int, height: int, needed: int, possible: int, size: int) -> None:
    """``needed`` bytes of pixels are claimed where the file can unpack to ``possible``."""
    if needed > possible + _MOST_HEADER:
        raise _TooMuch(f"{width}x{height} is more than its {size} bytes can hold; mend or replace it")


def _png(data: bytes, most_pixels: int) -> None:
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    _refuse_pixels(width, height, most_pixels)
    place, packed, palette = 8, 0, 0
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            packed += min(length, len(data) - place)
        elif kind == b"PLTE":
            palette = length // 3
        elif kind == b"tRNS" and colour == 3 and length > max(palette, 1):
            raise _TooMuch(f"a transparency of {length} entries for a palette of {palette}; mend or replace it")
        elif kind == b"IEND":
            break
        place += 12 + length
    else:
        raise _TooMuch(f"more than {_MOST_CHUNKS} chunks; store it again as PNG")
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    _refuse_claim(width, height, (width * bits * channels + 7) // 8 * height, _DEFLATE * packed, len(data))


def _bmp(data: bytes, most_pixels: int) -> None:
    header = struct.unpack_from("<I", data, 14)[0]
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        width, height = abs(width), abs(height)
    _refuse_pixels(width, height, most_pixels)
    if compression not in (1, 2):
        _refuse_claim(width, height, width * height * bits // 8, len(data), len(data))
        return
    if width * height > _MOST_RUN_PIXELS or len(data) > _MOST_RUN_BYTES:
        raise _TooMuch(f"{width}x{height} in run lengths, {len(data)} bytes, are slow to read; convert it to PNG")
    _refuse_claim(width, height, width * height, _RUN_LENGTHS * len(data), len(data))


def _gif(data: bytes, most_pixels: int) -> None:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    _refuse_pixels(width, height, most_pixels)
    _refuse_claim(width, height, width * height, _LZW * len(data), len(data))
    place = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 128 else 0)
    pictures = beside = blocks = 0
    while place < len(data) and data[place] in b"\x2c\x21":
        picture = data[place] == 0x2C
        if picture:
            pictures += 1
            wide, high, flags = struct.unpack_from("<HHB", data, place + 5)
            _refuse_pixels(max(wide, width), max(high, height), most_pixels)
            place += 11 + (3 * 2 ** ((flags & 7) + 1) if flags & 128 else 0)
        else:
            place += 2
        if pictures > _MOST_DIRECTORIES:
            raise _TooMuch(f"more than {_MOST_DIRECTORIES} frames in one file; store one image a file")
        while length := data[place]:
            place += length + 1
            blocks += 1
            beside += 0 if picture else length + 1
            if blocks > 10 * _MOST_CHUNKS or beside > _MOST_BESIDE:
                raise _TooMuch(f"{blocks} blocks, {beside} bytes of comments; store it again without them")
        place += 1


def _pnm(data: bytes, most_pixels: int) -> None:
    kind = data[1:2]
    tokens = re.sub(rb"#[^\r\n]*[\r\n]", b" ", data[2:_MOST_HEADER]).split(None, 3)
    if len(tokens) < 3 or (tokens[0] + tokens[1]).startswith(b"#"):
        if len(data) > _MOST_HEADER:
            raise _TooMuch(f"no size in its first {_MOST_HEADER} bytes; store it again without comments")
        return
    if not (tokens[0].isdigit() and tokens[1].isdigit() and len(tokens[0] + tokens[1]) < 20):
        return
    width, height = int(tokens[0]), int(tokens[1])
    _refuse_pixels(width, height, most_pixels)
    if kind in b"123" and len(data) > _MOST_PLAIN:
        raise _TooMuch(f"{len(data)} bytes of decimal digits are slow to read; convert it to PNG")
    needed = (width + 7) // 8 * height if kind == b"4" else width * height * (3 if kind in b"36" else 1)
    _refuse_claim(width, height, needed, len(data), len(data))


def _jpeg(data: bytes, most_pixels: int) -> None:
    place, segments, held, between = 2, 0, 0, 0
    while True:
        found = data.find(b"\xff", place)
        start = _after_fill(data, found)
        if found < 0 or start >= len(data):
            return
        between += start - place - 1
        marker = data[start]
        place = start + 1
        segments += 1
        if marker not in (0x00, 0x01, 0xD8) and not 0xD0 <= marker <= 0xD7:
            length = struct.unpack_from(">H", data, place)[0]
            held += length
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack_from(">HH", data, place + 3)
                _refuse_pixels(width, height, most_pixels)
            place += length
        if segments > _MOST_SEGMENTS or held > _MOST_SEGMENT_BYTES or between > _MOST_HEADER:
            raise _TooMuch(f"{segments} segments, {held + between} bytes, before its picture; store it again as JPEG")
        if marker in (0xDA, 0xD9):
            break
    scans = 1 + data.count(b"\xff\xda", place)
    if scans > _MOST_SCANS:
        raise _TooMuch(f"{scans} scans, more than {_MOST_SCANS}; store it again as JPEG")


def _after_fill(data: bytes, place: int) -> int:
    """Where the first byte other than 0xFF lies, or as far as anyone would look."""
    end = place
    while 0 <= end < min(len(data), place + _MOST_HEADER + 2) and data[end] == 0xFF:
        end += 1
    return end


def _tiff(data: bytes, most_pixels: int) -> None:
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    place = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    first = None
    seen: set[int] = set()
    while place and place not in seen:
        seen.add(place)
        if len(seen) > _MOST_DIRECTORIES:
            raise _TooMuch(f"more than {_MOST_DIRECTORIES} directories in one file; store one image a file")
        count = struct.unpack_from(order + ("Q" if big else "H"), data, place)[0]
        size = 20 if big else 12
        place += 8 if big else 2
        if first is None:
            first = dict(_tiff_tags(data, order, big, place, count))
            _refuse_tiff(first, len(data), most_pixels)
        place += count * size
        if place + (8 if big else 4) > len(data):
            return
        place = struct.unpack_from(order + ("Q" if big else "I"), data, place)[0]


def _tiff_tags(data: bytes, order: str, big: bool, place: int, count: int) -> Iterator[tuple[int, int]]:
    """Tag -> its first value, of the entries of one directory. Raises _TooMuch for a list of numbers too long."""
    for index in range(count):
        at = place + index * (20 if big else 12)
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, at)
        size = _TIFF_SIZES.get(kind, 1)
        if number > _MOST_STRIPS and (size > 1 or kind in (6, 10)):
            raise _TooMuch(f"tag {tag} holds {number} numbers, more than {_MOST_STRIPS}; use larger strips or tiles")
        at += 12 if big else 8
        if number * size > (8 if big else 4):
            at = struct.unpack_from(order + ("Q" if big else "I"), data, at)[0]
        if number and at + size <= len(data):
            yield tag, int.from_bytes(data[at : at + min(size, 8)], "little" if order == "<" else "big")


def _refuse_tiff(tags: dict[int, int], size: int, most_pixels: int) -> None:
    width, height = tags.get(256, 0), tags.get(257, 0)
    if not (width and height):
        return
    _refuse_pixels(width, height, most_pixels)
    wide, high = tags.get(322, width), tags.get(323, min(tags.get(278, height), height))
    if 322 in tags or 278 in tags:
        pieces = -(-width // max(wide, 1)) * -(-height // max(high, 1))
        if pieces > _MOST_STRIPS:
            raise _TooMuch(f"{pieces} strips or tiles, more than {_MOST_STRIPS}; store it with larger ones")
    compression = tags.get(259, 1)
    if compression in _FAX:
        _refuse_claim(width, height, height, 8 * size, size)
    elif compression in _TIFF_UNPACKED:
        needed = width * height * tags.get(258, 1) * tags.get(277, 1) // 8
        _refuse_claim(width, height, needed, _TIFF_UNPACKED[compression] * size, size)


def _webp(data: bytes, most_pixels: int) -> None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        if data[20] & 2:
            raise _TooMuch("several frames in one file; store one image a file")
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    _refuse_pixels(width, height, most_pixels)


def _jpeg2000(data: bytes, most_pixels: int) -> None:
    place, boxes = 0, 0
    while data[:4] != b"\xff\x4f\xff\x51" and place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        boxes += 1
        if boxes > _MOST_BOXES:
            raise _TooMuch(f"more than {_MOST_BOXES} boxes; store it again as JPEG 2000")
        if kind == b"jp2c" or length < 8:
            break
        place += length
    place = data.find(b"\xff\x4f\xff\x51", place)
    if place < 0:
        return
    right, bottom, left, top, wide, high, at_x, at_y = struct.unpack_from(">8I", data, place + 8)
    _refuse_pixels(max(right - left, 0), max(bottom - top, 0), most_pixels)
    tiles = -(-(right - at_x) // max(wide, 1)) * -(-(bottom - at_y) // max(high, 1))
    if tiles > _MOST_J2K_TILES:
        raise _TooMuch(f"{tiles} tiles, more than {_MOST_J2K_TILES}; store it again with larger ones")


_LOOKS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"P[1-6]\s|P[1-6]#"), _pnm),
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), _tiff),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), _jpeg2000),
)
