"""Damaged files are read, or refused with a DataError: no crash, no hang, no mountain of memory.

A child process decodes mutated files under a limit on its memory, so that one of them can end only it. By default
some hundred mutations with a fixed seed; ``FUZZ_SECONDS=300`` goes on for five minutes with a fresh one, and
``tests.fuzzing`` for as long as wanted.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
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
from tests.fuzzing import ROOT, child, limit, mutated, refuse_lines, run_cases
from tests.pairs.bombs import bmp
from tests.pairs.drawn import classes, photograph
from tests.pairs.scans import ct, write_dicom, write_nifti

ROUNDS = 400


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
        "lossy.webp": (photo, "WEBP", {}),
        "lossless.webp": (photo.convert("RGBA"), "WEBP", {"lossless": True, "exif": exif}),
        "rgb.jp2": (photo, "JPEG2000", {}),
        "stream.j2k": (mask, "JPEG2000", {"no_jp2": True}),
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
    files["plain.pgm"] = b"P2\n# drawn\n40 30\n255\n" + b" ".join(b"%d" % level for level in np.asarray(mask).ravel())
    files["bits.bmp"] = run_lengths(40, 30)
    return files | medical_originals()


def run_lengths(width: int, height: int) -> bytes:
    """A BMP in run lengths, which Pillow reads and does not write."""
    return bmp(width, height, (bytes((width // 2, 0, width - width // 2, 1)) + b"\0\0") * height + b"\0\1")


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


def decode_within_memory(decode: Callable[[Path, DecodePolicy], object], path: Path) -> None:
    path = Path(f"{path}#z001") if is_volume(path.name) else path
    try:
        decode(path, DecodePolicy())
    except DataError as error:
        if isinstance(error.__cause__, MemoryError) or "MemoryError" in error.message:
            raise AssertionError(f"{path} took more than a gigabyte") from error
        raise


def decode_damaged(folder: Path, seed: int, seconds: float) -> dict[str, float]:
    """Decode mutations until ``ROUNDS`` are done and ``seconds`` over. Raises on any surprise."""
    files = list(originals().items())
    rng = np.random.default_rng(seed)

    def case(number: int) -> int:
        name, data = files[number % len(files)]
        path = folder / name
        path.write_bytes(mutated(data, rng))  # stays there for a look if the process ends with it
        _KEPT.clear()  # two files of one size may be written within one tick of the clock
        refused = 0
        for decode in (decode_image, decode_mask):
            try:
                decode_within_memory(decode, path)
            except DataError as error:
                refuse_lines(error)
                refused += 1
        return refused

    return run_cases(case, ROUNDS, seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_damaged_files_are_read_or_refused_within_a_gigabyte(tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = time.time_ns() % 2**32 if seconds else 0
    ran = child("tests.pairs.test_fuzz", tmp_path, seed, seconds, seconds=seconds)
    assert ran.returncode == 0, f"seed {seed}, code {ran.returncode}\n{ran.stderr[-3000:]}"
    assert json.loads(ran.stdout)["files"] >= ROUNDS
    assert json.loads(ran.stdout)["refused"] > ROUNDS // 4


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_the_harness_notices_a_file_that_takes_too_much() -> None:
    code = "from tests.fuzzing import limit; limit(); import numpy; numpy.ones(2**28)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "MemoryError" in ran.stderr


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_the_harness_ends_a_case_that_does_not_come_back() -> None:
    code = "from tests import fuzzing; fuzzing.CASE_SECONDS = 0.1\nwith fuzzing.bounded('x'):\n    while True: pass"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert ran.returncode == -signal.SIGPROF


if __name__ == "__main__":
    originals()  # with all that is imported for it
    limit()
    print(json.dumps(decode_damaged(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
