"""Damaged files are read, or refused with a DataError: no crash, no hang, no mountain of memory.

A child process decodes mutated files under a limit on its memory, so that one of them can end only it. By default
some hundred mutations with a fixed seed; ``FUZZ_SECONDS=300`` goes on for five minutes with a fresh one, and
``python -m tests.pairs.test_fuzz FOLDER SEED SECONDS`` prints how many there were, the slowest and the peak memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.decoding import decode_image, decode_mask
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.medical import _KEPT
from pairaug.pairs.slices import is_volume
from tests.pairs.drawn import classes, photograph
from tests.pairs.scans import ct, write_dicom, write_nifti

ROUNDS = 400
SLOWEST = 5.0
GIGABYTE = 2**30
HEADER = 400


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
    return files | medical_originals()


def medical_originals() -> dict[str, bytes]:
    values, mask = ct(1)
    with contextlib.suppress(ImportError), tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_nifti(root / "ct.nii", values)
        write_nifti(root / "packed.nii.gz", mask)
        write_nifti(root / "float.nii", values[:, :, :3].astype(np.float32) / 7, slope=2.5, inter=1)
        write_dicom(root / "ct.dcm", values[:, :, 1], RescaleSlope=1, RescaleIntercept=-1024)
        write_dicom(root / "rgb.dcm", photograph(1, 40, 30))
        return {path.name: path.read_bytes() for path in sorted(root.iterdir())}
    return {}


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
    path = Path(f"{path}#z001") if is_volume(path.name) else path
    try:
        decode(path, DecodePolicy())
    except DataError as error:
        if isinstance(error.__cause__, MemoryError) or "MemoryError" in error.message:
            raise AssertionError(f"{path} took more than a gigabyte") from error
        raise


def decode_damaged(folder: Path, seed: int, seconds: float) -> dict[str, float]:
    """Decode mutations until ``ROUNDS`` are done and ``seconds`` over; how many, how many refused, the slowest.

    Raises on any surprise.
    """
    files = list(originals().items())
    rng = np.random.default_rng(seed)
    began, done, slowest, refused = time.monotonic(), 0, 0.0, 0
    while done < ROUNDS or time.monotonic() - began < seconds:
        name, data = files[done % len(files)]
        path = folder / name
        path.write_bytes(mutated(data, rng))  # stays there for a look if the process ends with it
        _KEPT.clear()  # two files of one size may be written within one tick of the clock
        started = time.process_time()  # of the processor: others may be at work on the machine
        for decode in (decode_image, decode_mask):
            try:
                decode_within_memory(decode, path)
            except DataError:
                refused += 1
        took = time.process_time() - started
        assert took < SLOWEST, f"{path} took {took:.0f} s"
        done, slowest = done + 1, max(slowest, took)
    return {"files": done, "refused": refused, "slowest_seconds": slowest}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_damaged_files_are_read_or_refused_within_a_gigabyte(tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = time.time_ns() % 2**32 if seconds else 0
    command = [sys.executable, "-m", "tests.pairs.test_fuzz", str(tmp_path), str(seed), str(seconds)]
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=seconds + 120, check=False)
    assert ran.returncode == 0, f"seed {seed}, code {ran.returncode}\n{ran.stderr[-3000:]}"
    assert json.loads(ran.stdout)["files"] >= ROUNDS
    assert json.loads(ran.stdout)["refused"] > ROUNDS // 4


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_the_harness_notices_a_file_that_takes_too_much(tmp_path: Path) -> None:
    code = "from tests.pairs.test_fuzz import limit; limit(); import numpy; numpy.ones(2**28)"
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert "MemoryError" in ran.stderr


def limit() -> None:
    """From here on, no more than a gigabyte beside what Python and its libraries have mapped already."""
    import resource

    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + GIGABYTE, mapped + GIGABYTE))


def peak_megabytes() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    originals()  # with all that is imported for it
    limit()
    figures = decode_damaged(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    print(json.dumps(figures | {"peak_megabytes": peak_megabytes()}))
