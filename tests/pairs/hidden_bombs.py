"""Files whose headers are modest and whose contents are not: streams that unpack to more, structures that multiply.

``python -m tests.pairs.hidden_bombs [NAME ...]`` measures them as ``bombs`` does.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import sys
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.pairs import bombs
from tests.pairs.bombs import chunk, jpeg, png, tiff_of

MEGABYTE = 2**20

PLAIN_SYNTAX, DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1.99"
JPEG_SYNTAX, RLE_SYNTAX = b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.5"


def zeros_deflated(size: int, bits: int = zlib.MAX_WBITS) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    piece = bytes(MEGABYTE)
    return b"".join(packer.compress(piece) for _ in range(size // MEGABYTE)) + packer.flush()


def deep_tiff(strip: bytes, compression: int, side: int = 8, rows: int = 8) -> bytes:
    """RGB of 16 bits, which tifffile reads, in strips that are all one and the same."""
    tags = {"_258": (3, 3, struct.pack("<HHH", 16, 16, 16)), "_277": (3, 1, 3), "_262": (3, 1, 2)}
    return striped(strip, compression, side, rows, **tags)


def striped(strip: bytes, compression: int, side: int, rows: int, **more: tuple[int, int, bytes | int]) -> bytes:
    count = -(-side // rows)

    def drawn(start: int) -> bytes:
        places: bytes | int = struct.pack("<I", start) * count if count > 1 else start
        sizes: bytes | int = struct.pack("<I", len(strip)) * count if count > 1 else len(strip)
        strips = {"_273": (4, count, places), "_278": (3, 1, rows), "_279": (4, count, sizes)}
        return tiff_of(side, side, compression, **(strips | more))  # type: ignore[arg-type]

    return drawn(len(drawn(8)) - 64)[:-64] + strip


def encoded(file_format: str, picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def noise(side: int, channels: int = 3) -> Image.Image:
    shape = (side, side, channels) if channels > 1 else (side, side)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


def jpeg2000(
    side: int, *, components: int = 1, layers: int = 1, levels: int = 5, precinct: int | None = None, tile: int = 0
) -> bytes:
    """A code stream whose tiles hold nothing; ``precinct``: the exponent of the side of all of them."""
    tile = tile or side
    size = struct.pack(">H8IH", 0, side, side, 0, 0, tile, tile, 0, 0, components) + b"\x07\x01\x01" * components
    style = 0 if precinct is None else 1
    sizes = b"" if precinct is None else bytes([precinct | precinct << 4]) * (levels + 1)
    coding = bytes([style, 0]) + struct.pack(">HB", layers, 0) + bytes([levels, 4, 4, 0, 1]) + sizes
    quantised = b"\x40" + b"\x40" * (3 * levels + 1)
    stream = b"\xff\x4f"
    for marker, body in ((0xFF51, size), (0xFF52, coding), (0xFF5C, quantised)):
        stream += struct.pack(">HH", marker, len(body) + 2) + body
    tiles = (-(-side // tile)) ** 2
    part = b"".join(struct.pack(">HHHIBB", 0xFF90, 10, index, 14 + 1, 0, 1) + b"\xff\x93\x80" for index in range(tiles))
    return stream + part + b"\xff\xd9"


def nifti(shape: tuple[int, int, int], code: int, bits: int, *, more: int = 0) -> bytes:
    """Zeros in gzip, and ``more`` bytes of them than the header declares."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, code, bits)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<h", header, 254, 1)
    struct.pack_into("<12f", header, 280, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0)
    header[344:348] = b"n+1\0"
    size = shape[0] * shape[1] * shape[2] * bits // 8 + more
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6) as file:
        file.write(bytes(header))
        for start in range(0, size, MEGABYTE):
            file.write(bytes(min(MEGABYTE, size - start)))
    return packed.getvalue()


def element(group: int, number: int, kind: bytes, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    length = (
        struct.pack("<HI", 0, len(value)) if kind in (b"OB", b"OW", b"UN", b"SQ") else struct.pack("<H", len(value))
    )
    return struct.pack("<HH", group, number) + kind + length + value


def dicom(side: int, pixels: bytes, *, syntax: bytes = PLAIN_SYNTAX, before: bytes = b"", bits: int = 8) -> bytes:
    """Part 10 file; ``pixels`` is the whole element 7FE0,0010."""
    first = element(2, 0x10, b"UI", syntax)
    meta = element(2, 0, b"UL", struct.pack("<I", len(first))) + first

    def number(place: int, value: int) -> bytes:
        return element(0x28, place, b"US", struct.pack("<H", value))

    body = number(2, 1) + element(0x28, 4, b"CS", b"MONOCHROME2") + number(0x10, side) + number(0x11, side)
    body += number(0x100, bits) + number(0x101, bits) + number(0x102, bits - 1)
    body = before + body + number(0x103, 0) + pixels
    if syntax.endswith(b".99"):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = packer.compress(body) + packer.flush()
    return bytes(128) + b"DICM" + meta + body


def pixels(size: int) -> bytes:
    return element(0x7FE0, 0x10, b"OB", bytes(size))


def encapsulated(*fragments: bytes) -> bytes:
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(one)) + one for one in (b"", *fragments))
    return struct.pack("<HH", 0x7FE0, 0x10) + b"OB\0\0\xff\xff\xff\xff" + items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def run_lengths(side: int) -> bytes:
    """RLE of DICOM, every pixel a run of its own."""
    body = b"\0\0" * (side * side)
    return struct.pack("<16I", 1, 64, *[0] * 14) + body


BOMBS: dict[str, Callable[[], bytes]] = {
    "unpacks.tif": lambda: deep_tiff(zeros_deflated(2000 * MEGABYTE), 8),
    "unpacks_lzma.tif": lambda: deep_tiff(lzma.compress(bytes(2000 * MEGABYTE)), 34925),
    "shared.tif": lambda: deep_tiff(zeros_deflated(100 * MEGABYTE), 8, 4000, 1),
    "lzma_strips.tif": lambda: striped(lzma.compress(bytes(5000), preset=9), 34925, 5000, 1),
    "lzma.tif": lambda: striped(lzma.compress(bytes(5000**2)), 34925, 5000, 5000),
    "deflate_strips.tif": lambda: striped(zeros_deflated(MEGABYTE), 8, 5000, 1),
    "float64.tif": lambda: deep_float(5000),
    "blank.webp": lambda: encoded("WEBP", Image.new("RGBA", (5000, 5000)), lossless=True),
    "noise.webp": lambda: encoded("WEBP", noise(4000), lossless=True, quality=0),
    "noise_lossy.webp": lambda: encoded("WEBP", noise(4000), quality=100),
    "noise.jp2": lambda: encoded("JPEG2000", noise(5000)),
    "precincts.j2k": lambda: jpeg2000(5000, precinct=0, levels=0),
    "precincts_levels.j2k": lambda: jpeg2000(5000, precinct=1, levels=5),
    "layers.j2k": lambda: jpeg2000(5000, layers=65535),
    "components.j2k": lambda: jpeg2000(1000, components=16384),
    "tiles.j2k": lambda: jpeg2000(4900, tile=40),
    "plain.pbm": lambda: b"P1 2000 2000\n" + b"0 " * 2000**2,
    "plain.pgm": lambda: b"P2 2000 2000 255\n" + b"0 " * 2000**2,
    "plain.ppm": lambda: b"P3 1150 1150 255\n" + b"0 " * (3 * 1150**2),
    "plain_comments.pgm": lambda: b"P2 100 100 255\n" + b"#\n" * 4_000_000 + b"0 " * 100**2,
    "plain_spaces.pgm": lambda: b"P2 100 100 255\n" + b" " * 8_000_000 + b"0 " * 100**2,
    "plain_digits.pgm": lambda: b"P2 100 100 255\n" + b"0" * 8_000_000,
    "ztxt.png": lambda: png(8, 8, before=chunk(b"zTXt", b"a\0\0" + zeros_deflated(500 * MEGABYTE)) * 20),
    "ztxt_many.png": lambda: png(8, 8, before=chunk(b"zTXt", b"a\0\0" + zeros_deflated(MEGABYTE)) * 10_000),
    "itxt.png": lambda: png(8, 8, before=chunk(b"iTXt", b"a\0\1\0\0\0" + zeros_deflated(MEGABYTE)) * 10_000),
    "iccp.png": lambda: png(8, 8, before=chunk(b"iCCP", b"a\0\0" + zeros_deflated(500 * MEGABYTE)) * 10),
    "iccp_many.png": lambda: png(8, 8, before=chunk(b"iCCP", b"a\0\0" + zeros_deflated(MEGABYTE)) * 10_000),
    "trailing.png": lambda: trailing_png(),
    "animated.png": lambda: png(8, 8, before=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
    "frames.gif": lambda: bombs.gif(5000, 5000, 999),
    "runs.bmp": lambda: bombs.bmp(4096, 4096, b"\x01\0" * (2**21 - 1000)),
    "lines.bmp": lambda: bombs.bmp(64, 64, b"\0\0" * (2**21 - 1000)),
    "deltas.bmp": lambda: bombs.bmp(4096, 4096, b"\0\x02\0\0" * (2**20 - 1000)),
    "scans.jpg": lambda: jpeg(5000, 5000, scans=39),
    "cmyk.jpg": lambda: encoded("JPEG", Image.new("CMYK", (5000, 5000)), progressive=True, quality=100),
    "float64.nii.gz": lambda: nifti((4000, 4000, 5), 64, 64),
    "more.nii.gz": lambda: nifti((8, 8, 4), 2, 8, more=2000 * MEGABYTE),
    "deflated.dcm": lambda: dicom(8, element(0x7FE0, 0x10, b"OB", bytes(500 * MEGABYTE)), syntax=DEFLATED_SYNTAX),
    "runs.dcm": lambda: dicom(5000, encapsulated(run_lengths(5000)), syntax=RLE_SYNTAX),
    "jpeg.dcm": lambda: dicom(8, encapsulated(jpeg(1000, 1000, scans=12_000)), syntax=JPEG_SYNTAX),
    "jpeg_claim.dcm": lambda: dicom(8, encapsulated(jpeg(9400, 9400)), syntax=JPEG_SYNTAX),
    "fragments.dcm": lambda: dicom(8, encapsulated(*[b""] * 2_000_000), syntax=JPEG_SYNTAX),
    "elements.dcm": lambda: dicom(8, pixels(64), before=many_elements(2_000_000)),
    "nested.dcm": lambda: dicom(8, pixels(64), before=nested(100_000)),
    "wide.dcm": lambda: dicom(5000, pixels(5000**2 * 4), bits=32),
    "short.dcm": lambda: dicom(5000, pixels(64)),
}


def deep_float(side: int) -> bytes:
    more = {"_258": (3, 3, struct.pack("<HHH", 64, 64, 64)), "_277": (3, 1, 3), "_262": (3, 1, 2)}
    more |= {"_339": (3, 3, struct.pack("<HHH", 3, 3, 3))}
    return striped(zeros_deflated(side * side * 24 + MEGABYTE), 8, side, side, **more)  # type: ignore[arg-type]


def trailing_png() -> bytes:
    """The picture's data unpack to far more than its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    packed = zeros_deflated(2000 * MEGABYTE)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def many_elements(count: int) -> bytes:
    return b"".join(element(9 + 2 * (i >> 16), i & 0xFFFF, b"UN", b"")[:12] for i in range(count))


def nested(depth: int) -> bytes:
    start = struct.pack("<HH", 8, 0x1140) + b"SQ\0\0\xff\xff\xff\xff" + struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1)
    return start * depth


if __name__ == "__main__":
    bombs.main(sys.argv[1:] or list(BOMBS), BOMBS)
