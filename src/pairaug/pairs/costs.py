"""What a file would cost to decode, told from its bytes before any decoder sees them.

Enters: all bytes of a file of a raster format. Leaves: nothing, or a DataError where they claim more than they can
hold, or are laid out so that a decoder would go through them for minutes: chunks, segments, scans, directories, strips,
tiles and blocks are counted, each by a scan with a bound. What is merely damaged is left to the decoder, which says it
better.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from pairaug.errors import DataError
from pairaug.pairs.jpeg2000_costs import look_jpeg2000
from pairaug.pairs.limits import MOST_HEADER, TooMuch, refuse_claim, refuse_pixels
from pairaug.pairs.tiff_costs import look_tiff

# The most bytes that one byte of each compression can stand for.
_DEFLATE, _LZW, _RUN_LENGTHS = 1032, 2730, 2000
_MOST_CHUNKS = 100_000  # PNG chunks, GIF blocks
_MOST_TEXTS = 200  # compressed chunks of a PNG beside its picture; Pillow unpacks up to a megabyte of each
_MOST_SEGMENTS, _MOST_SEGMENT_BYTES = 4096, 2**24
_MOST_SCANS = 40
_MOST_BESIDE = 2**20  # bytes of a GIF that are no picture
_MOST_PLAIN = 2**23  # bytes of a PNM in decimal digits, which Pillow reads one by one
_MOST_COMMENTS = 1000  # of such a PNM, whose whole rest Pillow copies for each
_MOST_RUN_PIXELS, _MOST_RUN_BYTES = 2**24, 2**22  # of a BMP in run lengths, likewise
_MOST_FRAMES = 1000  # of a GIF: few enough for the decoder to count


def refuse_costly(path: Path, data: bytes, most_pixels: int) -> None:
    """Raises DataError where decoding ``data`` would cost far more than its pixels are worth."""
    try:
        for start, look in _LOOKS:
            if start.match(data):
                look(data, most_pixels)
                return
    except TooMuch as found:
        raise DataError(f"{path}: {found}") from None
    except (struct.error, IndexError, OverflowError):  # cut off or a place beyond its end: the decoder will say so
        return


def _png(data: bytes, most_pixels: int) -> None:
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    refuse_pixels(width, height, most_pixels)
    place, packed, palette, texts = 8, 0, 0, 0
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            packed += min(length, len(data) - place)
        elif kind == b"PLTE":
            palette = length // 3
        elif kind == b"tRNS" and colour == 3 and length > max(palette, 1):
            raise TooMuch(f"a transparency of {length} entries for a palette of {palette}; mend or replace it")
        elif kind in (b"zTXt", b"iTXt", b"iCCP"):
            texts += 1
            if texts > _MOST_TEXTS:
                raise TooMuch(f"more than {_MOST_TEXTS} compressed texts and profiles; store it again without them")
        elif kind == b"IEND":
            break
        place += 12 + length
    else:
        raise TooMuch(f"more than {_MOST_CHUNKS} chunks; store it again as PNG")
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    refuse_claim(width, height, (width * bits * channels + 7) // 8 * height, _DEFLATE * packed, len(data))


def _bmp(data: bytes, most_pixels: int) -> None:
    header = struct.unpack_from("<I", data, 14)[0]
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        width, height = abs(width), abs(height)
    refuse_pixels(width, height, most_pixels)
    if compression not in (1, 2):
        refuse_claim(width, height, width * height * bits // 8, len(data), len(data))
        return
    if width * height > _MOST_RUN_PIXELS or len(data) > _MOST_RUN_BYTES:
        raise TooMuch(f"{width}x{height} in run lengths, {len(data)} bytes, are slow to read; convert it to PNG")
    refuse_claim(width, height, width * height, _RUN_LENGTHS * len(data), len(data))


def _gif(data: bytes, most_pixels: int) -> None:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    refuse_pixels(width, height, most_pixels)
    refuse_claim(width, height, width * height, _LZW * len(data), len(data))
    place = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 128 else 0)
    pictures = beside = blocks = 0
    while place < len(data) and data[place] in b"\x2c\x21":
        picture = data[place] == 0x2C
        if picture:
            pictures += 1
            wide, high, flags = struct.unpack_from("<HHB", data, place + 5)
            refuse_pixels(max(wide, width), max(high, height), most_pixels)
            place += 11 + (3 * 2 ** ((flags & 7) + 1) if flags & 128 else 0)
        else:
            place += 2
        if pictures > _MOST_FRAMES:
            raise TooMuch(f"more than {_MOST_FRAMES} frames in one file; store one image a file")
        while length := data[place]:
            place += length + 1
            blocks += 1
            beside += 0 if picture else length + 1
            if blocks > 10 * _MOST_CHUNKS or beside > _MOST_BESIDE:
                raise TooMuch(f"{blocks} blocks, {beside} bytes of comments; store it again without them")
        place += 1


def _pnm(data: bytes, most_pixels: int) -> None:
    kind = data[1:2]
    tokens = re.sub(rb"#[^\r\n]*[\r\n]", b" ", data[2:MOST_HEADER]).split(None, 3)
    if len(tokens) < 3 or (tokens[0] + tokens[1]).startswith(b"#"):
        if len(data) > MOST_HEADER:
            raise TooMuch(f"no size in its first {MOST_HEADER} bytes; store it again without comments")
        return
    if not (tokens[0].isdigit() and tokens[1].isdigit() and len(tokens[0] + tokens[1]) < 20):
        return
    width, height = int(tokens[0]), int(tokens[1])
    refuse_pixels(width, height, most_pixels)
    if kind in b"123" and len(data) > _MOST_PLAIN:
        raise TooMuch(f"{len(data)} bytes of decimal digits are slow to read; convert it to PNG")
    if kind in b"123" and data.count(b"#") > _MOST_COMMENTS:
        raise TooMuch(f"more than {_MOST_COMMENTS} comments; store it again without them")
    needed = (width + 7) // 8 * height if kind == b"4" else width * height * (3 if kind in b"36" else 1)
    refuse_claim(width, height, needed, len(data), len(data))


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
                refuse_pixels(width, height, most_pixels)
            place += length
        if segments > _MOST_SEGMENTS or held > _MOST_SEGMENT_BYTES or between > MOST_HEADER:
            raise TooMuch(f"{segments} segments, {held + between} bytes, before its picture; store it again as JPEG")
        if marker in (0xDA, 0xD9):
            break
    scans = 1 + data.count(b"\xff\xda", place)
    if scans > _MOST_SCANS:
        raise TooMuch(f"{scans} scans, more than {_MOST_SCANS}; store it again as JPEG")


def _after_fill(data: bytes, place: int) -> int:
    """Where the first byte other than 0xFF lies, or as far as anyone would look."""
    end = place
    while 0 <= end < min(len(data), place + MOST_HEADER + 2) and data[end] == 0xFF:
        end += 1
    return end


def _webp(data: bytes, most_pixels: int) -> None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        if data[20] & 2:
            raise TooMuch("several frames in one file; store one image a file")
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    refuse_pixels(width, height, most_pixels)


_LOOKS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"P[1-6]\s|P[1-6]#"), _pnm),
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), look_tiff),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), look_jpeg2000),
)
