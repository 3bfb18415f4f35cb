"""Damaged files are read, or refused with a DataError: no crash, no hang, no mountain of memory.

A child process decodes mutated files under a limit on its memory, so that one of them can end only it. By default
some hundred mutations with a fixed seed; ``FUZZ_SECONDS=300`` goes on for five minutes with a fresh one.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.decoding import DecodePolicy, decode_image, decode_mask
from tests.pairs.drawn import classes, photograph

ROUNDS = 400
SLOWEST = 5.0
GIGABYTE = 2**30
# What the interpreter and the libraries themselves map; measured, with room.
BASE = 2**28
HEADER = 160


def originals() -> dict[str, bytes]:
    """One small file of each format and mode, by its name."""
    photo, mask = Image.fromarray(photograph(1, 40, 30)), Image.fromarray(classes(1, 3, 40, 30))
    palette = mask.copy()
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    deep = Image.fromarray(classes(1, 3, 40, 30).astype(np.uint16) * 20000)
    exif = Image.Exif()
    exif[0x0112] = 6
    made: dict[str, tuple[Image.Image, str, dict[str, object]]] = {
        "rgb.png": (photo, "PNG", {"exif": exif}),
        "grey.png": (mask, "PNG", {}),
        "palette.png": (palette, "PNG", {"transparency": 0}),
        "bit.png": (mask.convert("1"), "PNG", {}),
        "deep.png": (deep, "PNG", {}),
        "alpha.png": (photo.convert("RGBA"), "PNG", {}),
        "rgb.jpg": (photo, "JPEG", {"exif": exif}),
        "grey.jpg": (mask, "JPEG", {"progressive": True}),
        "cmyk.jpg": (photo.convert("CMYK"), "JPEG", {}),
        "rgb.bmp": (photo, "BMP", {}),
        "palette.bmp": (palette, "BMP", {}),
        "palette.gif": (palette, "GIF", {}),
        "rgb.ppm": (photo, "PPM", {}),
        "deep.pgm": (deep, "PPM", {}),
        "rgb.tif": (photo, "TIFF", {}),
        "lzw.tif": (photo, "TIFF", {"compression": "tiff_lzw"}),
        "jpeg.tif": (photo, "TIFF", {"compression": "jpeg"}),
        "fax.tif": (mask.convert("1"), "TIFF", {"compression": "group4"}),
        "deflate.tif": (deep, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "palette.tif": (palette, "TIFF", {}),
    }
    files = {}
    for name, (picture, file_format, options) in made.items():
        buffer = io.BytesIO()
        picture.save(buffer, file_format, **options)
        files[name] = buffer.getvalue()
    for name, options in (("deep_rgb.tif", {}), ("deep_zlib.tif", {"compression": "zlib", "tile": (16, 16)})):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, photograph(1, 40, 30).astype(np.uint16) * 200, photometric="rgb", **options)
        files[name] = buffer.getvalue()
    return files


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """``data`` cut off, with other bytes in its header or elsewhere, with an extreme number, or with a piece twice."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(0, min(HEADER, len(damaged)) if rng.random() < 0.7 else len(damaged)))
        kind = rng.integers(0, 5)
        if kind == 0:
            del damaged[int(rng.integers(1, len(damaged) + 1)) :]
        elif kind == 1:
            damaged[place] = int(rng.integers(0, 256))
        elif kind == 2:
            damaged[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 3:
            number = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)[int(rng.integers(0, 6))]
            width = 2 if number < 0x10000 and rng.random() < 0.5 else 4
            damaged[place : place + width] = number.to_bytes(width, "big" if rng.random() < 0.5 else "little")
        else:
            damaged[place:place] = damaged[place : place + int(rng.integers(1, 64))]
    return bytes(damaged)


def decode_within_memory(decode: Callable[[Path, DecodePolicy], object], path: Path) -> None:
    try:
        decode(path, DecodePolicy())
    except DataError as error:
        if isinstance(error.__cause__, MemoryError) or "MemoryError" in error.message:
            raise AssertionError(f"{path} took more than a gigabyte") from error
        raise


def decode_damaged(folder: Path, seed: int, seconds: float) -> int:
    """Decode mutations until ``ROUNDS`` are done, or ``seconds`` are over; returns how many. Raises on any surprise."""
    files = list(originals().items())
    rng = np.random.default_rng(seed)
    began, done = time.monotonic(), 0
    while done < ROUNDS or time.monotonic() - began < seconds:
        name, data = files[done % len(files)]
        path = folder / name
        path.write_bytes(mutated(data, rng))  # stays there for a look if the process ends with it
        started = time.monotonic()
        for decode in (decode_image, decode_mask):
            with contextlib.suppress(DataError):
                decode_within_memory(decode, path)
        assert time.monotonic() - started < SLOWEST, f"{path} took {time.monotonic() - started:.0f} s"
        done += 1
    return done


def test_damaged_files_are_read_or_refused_within_a_gigabyte(tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = time.time_ns() % 2**32 if seconds else 0
    command = [sys.executable, "-m", "tests.pairs.test_fuzz", str(tmp_path), str(seed), str(seconds)]
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=seconds + 120, check=False)
    assert ran.returncode == 0, f"seed {seed}, code {ran.returncode}\n{ran.stderr[-3000:]}"
    assert int(ran.stdout) >= ROUNDS


def test_the_harness_notices_a_file_that_takes_too_much(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    code = "from tests.pairs.test_fuzz import limit; limit(); import numpy; numpy.ones(2**28)"
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert "MemoryError" in ran.stderr


def limit() -> None:
    """From here on, no more than a gigabyte beside what Python and its libraries take."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (BASE + GIGABYTE, BASE + GIGABYTE))


if __name__ == "__main__":
    limit()
    print(decode_damaged(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
