"""Files that claim more than they hold are refused before anything is unpacked."""

from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.form import DecodePolicy
from tests.pairs.stored import (
    POLICY,
    RGB,
    saved,
    tiff,
    written,
)


def test_a_file_larger_than_allowed_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", saved(RGB, "PNG"))
    with pytest.raises(DataError, match=r"a\.png: 9x8 is more than 71 pixels; raise it with --max-pixels"):
        decode_image(path, DecodePolicy(max_pixels=71))
    decode_image(path, DecodePolicy(max_pixels=72))


def test_a_file_of_more_bytes_than_its_pixels_could_need_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", saved(RGB, "PNG"))
    with open(path, "r+b") as file:
        file.truncate(3 * 2**20)
    with pytest.raises(DataError, match=r"3\.1 MB is more than an image may hold; raise it with --max-pixels"):
        decode_image(path, DecodePolicy(max_pixels=200_000))


def test_a_chunk_that_claims_gigabytes_takes_none(tmp_path: Path) -> None:
    data = saved(RGB, "PNG")
    place = data.index(b"IDAT") - 4
    path = written(tmp_path, "a.png", data[:place] + b"\x7f\xff\xff\xff" + data[place + 4 :])
    tracemalloc.start()
    try:
        with contextlib.suppress(DataError):
            decode_image(path, POLICY)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_tiles_that_the_file_cannot_hold_are_not_unpacked(tmp_path: Path) -> None:
    """A header of 2 million rows on a file of 3 kB: each of its tiles would be looked for, for half a minute."""
    data = bytearray(tiff(np.zeros((40, 40, 3), np.uint16), photometric="rgb", compression="zlib", tile=(16, 16)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        rows = file.pages.first.tags["ImageLength"]
    struct.pack_into("<H", data, rows.offset + 2, 4)  # one number of 32 bits
    struct.pack_into("<I", data, rows.offset + 8, 600_000)
    path = written(tmp_path, "a.tif", bytes(data))
    with pytest.raises(DataError, match=r"more than its \d+ bytes can hold; mend or replace it"):
        decode_image(path, POLICY)


def test_a_jpeg_that_claims_more_pixels_than_it_can_hold_is_refused(tmp_path: Path) -> None:
    data = bytearray(saved(RGB, "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", data, place, 3000, 8000)
    path = written(tmp_path, "a.jpg", bytes(data))
    with pytest.raises(DataError, match=r"8000x3000 is more than its \d+ bytes can hold; mend or replace it"):
        decode_image(path, POLICY)
    plain = written(tmp_path, "b.jpg", saved(Image.new("L", (4000, 4000), 9), "JPEG", progressive=True, optimize=True))
    assert decode_image(plain, POLICY)[0].shape == (4000, 4000)


def test_a_decompression_bomb_is_refused_by_its_size_and_max_pixels_lifts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000_000)  # so that the test itself need not be one
    path = written(tmp_path, "a.png", saved(Image.new("1", (6000, 5000)), "PNG"))
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match=r"6000x5000 is more than 20000000 pixels; raise it with --max-pixels"):
        decode_image(path, DecodePolicy(max_pixels=20_000_000))
    assert decode_image(path, DecodePolicy(max_pixels=30_000_000))[0].shape == (5000, 6000)
