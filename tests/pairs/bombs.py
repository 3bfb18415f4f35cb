"""Files that cost far more to decode than they weigh, each drawn byte by byte.

``python -m tests.pairs.bombs [NAME ...]`` runs ``pairaug check`` on each and prints its exit code, seconds, peak
memory and last line.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

SECONDS = float(os.environ.get("BOMB_SECONDS", "60"))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, bits: int = 8, colour: int = 0, before: bytes = b"", claim: bool = False) -> bytes:
    """A PNG of zeros; with ``claim`` its data hold one row alone."""
    channels = {0: 1, 2: 3, 3: 1}[colour]
    row = 1 + (width * bits * channels + 7) // 8
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(row)) for _ in range(1 if claim else height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def bmp(width: int, height: int, body: bytes, compression: int = 1) -> bytes:
    palette = bytes(1024)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + header + palette + body


def gif(width: int, height: int, frames: int = 1, comments: bytes = b"") -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes((0, 0, 0, 255, 255, 255))
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return screen + comments + frame * frames + b";"


def jpeg(width: int, height: int, *, before: bytes = b"", scans: int = 1) -> bytes:
    """A grey JPEG without coefficients; progressive where it has several scans."""
    tables = b"\xff\xdb\x00\x43\x00" + b"\x01" * 64
    kind_of_frame = b"\xff\xc2" if scans > 1 else b"\xff\xc0"
    frame = kind_of_frame + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    codes = b"".join(b"\xff\xc4" + struct.pack(">HB", 20, kind) + b"\x01" + bytes(15) + b"\x00" for kind in (0, 16))
    start = b"\xff\xda\x00\x08\x01\x01\x00" + (b"\x00\x00\x00" if scans > 1 else b"\x00\x3f\x00")
    refine = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" + bytes(8)
    return b"\xff\xd8" + before + tables + frame + codes + start + bytes(2000) + refine * (scans - 1) + b"\xff\xd9"


def tiff(tags: dict[int, tuple[int, int, bytes | int]], body: bytes = b"", following: int = 0) -> bytes:
    """Little-endian; ``tags``: number -> (type, count, value or bytes to lie elsewhere)."""
    held, end = b"", 8 + 2 + 12 * len(tags) + 4
    entries = struct.pack("<H", len(tags))
    for tag, (kind, count, value) in sorted(tags.items()):
        if isinstance(value, bytes):
            entries += struct.pack("<HHII", tag, kind, count, end + len(held))
            held += value
        else:
            entries += struct.pack("<HHII", tag, kind, count, value)
    return b"II*\0" + struct.pack("<I", 8) + entries + struct.pack("<I", following) + held + body


def tiff_of(width: int, height: int, compression: int = 1, **more: tuple[int, int, bytes | int]) -> bytes:
    tags: dict[int, tuple[int, int, bytes | int]] = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8)}
    tags |= {259: (3, 1, compression), 262: (3, 1, 1), 277: (3, 1, 1)}
    return tiff(tags | {int(tag[1:]): value for tag, value in more.items()}, bytes(64))


def strips(rows: int) -> bytes:
    places, sizes = struct.pack("<I", 8) * rows, struct.pack("<I", 1) * rows
    return tiff_of(1, rows, _273=(4, rows, places), _278=(3, 1, 1), _279=(4, rows, sizes))


def tiles(side: int) -> bytes:
    places, sizes = struct.pack("<I", 8) * side**2, struct.pack("<I", 1) * side**2
    more = {"_322": (3, 1, 1), "_323": (3, 1, 1), "_324": (4, side**2, places), "_325": (4, side**2, sizes)}
    return tiff_of(side, side, **more)  # type: ignore[arg-type]


def directories(count: int, *, cyclic: bool = False) -> bytes:
    one = tiff_of(8, 8, _273=(4, 1, 8), _278=(3, 1, 8), _279=(4, 1, 64))[8:-64]
    starts = [8 + index * len(one) for index in range(count)]
    following = [*starts[1:], starts[0] if cyclic else 0]
    return b"II*\0\x08\0\0\0" + b"".join(one[:-4] + struct.pack("<I", place) for place in following) + bytes(64)


def webp(width: int, height: int) -> bytes:
    body = b"VP8L" + struct.pack("<IBI", 6, 0x2F, (width - 1) | (height - 1) << 14) + bytes(2)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg2000(width: int, height: int, tile: int) -> bytes:
    size = struct.pack(">HH8IH", 41, 0, width, height, 0, 0, tile, tile, 0, 0, 1) + b"\x07\x01\x01"
    return b"\xff\x4f\xff\x51" + size + b"\xff\xd9"


# Name -> the file's bytes, and what the one line says of it.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "transparency.png": (
        lambda: png(8, 8, colour=3, before=chunk(b"PLTE", bytes(6)) + chunk(b"tRNS", bytes(300))),
        "a transparency of 300 entries for a palette of 2",
    ),
    "whole_slide.png": (lambda: png(9400, 9400), "9400x9400 is more than 25000000 pixels"),
    "whole_slide_bits.png": (lambda: png(9400, 9400, bits=1), "9400x9400 is more than 25000000 pixels"),
    "claim.png": (lambda: png(4900, 4900, colour=2, claim=True), "more than its"),
    "empty_chunks.png": (lambda: png(8, 8, before=chunk(b"tEXt", b"") * 1_700_000), "more than 100000 chunks"),
    "empty_data.png": (lambda: png(8, 8, before=chunk(b"IDAT", b"") * 1_700_000), "more than 100000 chunks"),
    "runs.bmp": (lambda: bmp(20_000, 4400, b"\x01\0\0\0" * 700), "more than 25000000 pixels"),
    "runs_smaller.bmp": (lambda: bmp(4900, 4900, b"\x01\0\0\0" * 700), "in run lengths"),
    "end_of_line.bmp": (lambda: bmp(64, 64, b"\0\0" * 10_000_000), "in run lengths"),
    "claim.bmp": (lambda: bmp(4900, 4900, b"", 0), "more than its"),
    "huge.gif": (lambda: gif(9400, 9400), "9400x9400 is more than 25000000 pixels"),
    "claim.gif": (lambda: gif(4900, 4900), "more than its"),
    "frames.gif": (lambda: gif(8, 8, 1_000_000), "more than 1000 frames"),
    "comments.gif": (lambda: gif(8, 8, comments=b"!\xfe" + (b"\xff" + b"x" * 255) * 80_000 + b"\0"), "comments"),
    "comments.pgm": (lambda: b"P5\n" + b"#" + b"x" * 50_000_000 + b"\n8 8 255\n" + bytes(64), "without comments"),
    "short_comments.pgm": (lambda: b"P5\n" + b"#\n" * 10_000_000 + b"8 8 255\n" + bytes(64), "without comments"),
    "plain.pbm": (lambda: b"P1 4900 4900\n" + b"0 " * 4900**2, "decimal digits"),
    "plain.pgm": (lambda: b"P2 4900 4900 255\n" + b"0 " * 4900**2, "decimal digits"),
    "plain.ppm": (lambda: b"P3 2800 2800 255\n" + b"0 0 0 " * 2800**2, "decimal digits"),
    "plain_claim.pgm": (lambda: b"P2 4900 4900 255\n0 ", "more than its"),
    "comments.jpg": (lambda: jpeg(64, 64, before=b"\xff\xfe\x00\x02" * 1_250_000), "segments"),
    "application.jpg": (lambda: jpeg(64, 64, before=b"\xff\xe1\x00\x08Exif\0\0" * 500_000), "segments"),
    "fill.jpg": (lambda: jpeg(64, 64, before=b"\xff" * 20_000_000), "segments"),
    "junk.jpg": (lambda: jpeg(64, 64, before=b"\xff\x00" * 10_000_000), "segments"),
    "scans.jpg": (lambda: jpeg(1000, 1000, scans=12_000), "12000 scans"),
    "directories.tif": (lambda: directories(60_000), "more than 1000 directories"),
    "cyclic.tif": (lambda: directories(2, cyclic=True), "frames in one file"),
    "strips.tif": (lambda: strips(10_000_000), "holds 10000000 numbers"),
    "tiles.tif": (lambda: tiles(1000), "holds 1000000 numbers"),
    "claimed_tiles.tif": (
        lambda: tiles(1000)[:2000].replace(struct.pack("<I", 1000**2), struct.pack("<I", 1)),
        "1000000 strips or tiles",
    ),
    "claim.tif": (lambda: tiff_of(4900, 4900, 8, _273=(4, 1, 8), _278=(4, 1, 4900), _279=(4, 1, 9)), "more than its"),
    "fax.tif": (lambda: tiff_of(1, 20_000_000, 4, _273=(4, 1, 8), _279=(4, 1, 9)), "more than its"),
    "huge.webp": (lambda: webp(16_000, 16_000), "16000x16000 is more than 25000000 pixels"),
    "huge.jp2": (lambda: jpeg2000(2**31, 2**31, 2**31), "is more than 25000000 pixels"),
    "tiles.jp2": (lambda: jpeg2000(4900, 4900, 1), "24010000 tiles"),
}


def measured(command: list[str]) -> tuple[int, float, list[str]]:
    """Exit code, seconds and the lines of stderr of a command, which is ended after ``SECONDS``."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
        took = time.monotonic() - began
        child.wait()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    return child.returncode, took, lines


def check_pair(folder: Path, name: str, data: bytes) -> tuple[int, float, list[str]]:
    """``measured`` of ``pairaug check`` over a pair whose image and mask are both ``data``.

    The last line is the peak memory in kilobytes.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / name).write_bytes(data)
    code = (
        "import sys\n"
        "def peak():\n"  # of this program alone; getrusage starts at what its parent held
        "    held = open('/proc/self/status').read().split('VmHWM:')[1].split()[0]\n"
        "    print(held, file=sys.stderr, flush=True)\n"
        "sys.argv = ['pairaug', 'check', sys.argv[1]]\n"
        "from pairaug.cli.app import run\n"
        "try:\n    run()\nfinally:\n    peak()\n"
    )
    return measured([sys.executable, "-c", code, str(folder)])


def main(names: list[str], draws: dict[str, Callable[[], bytes]]) -> None:
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            data = draws[name]()
            code, took, lines = check_pair(Path(folder), name, data)
            said = next((line for line in lines if "Error" in line or name in line), "")
            peak = lines[-1] if lines and lines[-1].isdigit() else "?"
            print(f"{name:22} {len(data):10d} B  exit {code:3d}  {took:5.1f} s  {peak:>8} kB  {said[:110]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(BOMBS), {name: draw for name, (draw, _) in BOMBS.items()})
