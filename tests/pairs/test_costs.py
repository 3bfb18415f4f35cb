"""A file that would cost far more than it weighs is refused before a decoder sees it; one that is only odd is read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.api.pair_options import PairOptions
from pairaug.errors import DataError
from pairaug.files import digest_file
from pairaug.pairs.costs import refuse_costly
from pairaug.pairs.decoding import decode_image, decode_mask
from pairaug.pairs.form import MOST_PIXELS, MOST_VOXELS, DecodePolicy
from tests.pairs import bombs
from tests.pairs.test_fuzz import originals

GIGABYTE, TEN_SECONDS = 10**6, 10.0  # in kilobytes, as the child counts
# A decoder sees these and refuses them at once; the heavy ones are drawn in the slow test alone.
LEFT_TO_THE_DECODER = {"cyclic.tif"}
HEAVY = {"plain.pbm", "plain.pgm", "plain.ppm", "comments.pgm", "strips.tif", "whole_slide.png"}


@pytest.mark.parametrize("name", sorted(set(bombs.BOMBS) - LEFT_TO_THE_DECODER - HEAVY))
def test_a_costly_file_is_refused_by_its_header(name: str) -> None:
    draw, words = bombs.BOMBS[name]
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        refuse_costly(Path(name), draw(), MOST_PIXELS)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", sorted(originals()))
def test_a_common_file_is_not_taken_for_a_costly_one(name: str) -> None:
    refuse_costly(Path(name), originals()[name], MOST_PIXELS)


@pytest.mark.parametrize("options", [{}, {"compression": "group4"}, {"compression": "tiff_lzw"}], ids=str)
def test_a_blank_page_is_read_however_well_it_packs(options: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "blank.tif"
    Image.new("1", (2480, 3508)).save(path, **options)
    assert decode_mask(path, DecodePolicy())[0].shape == (3508, 2480)


@pytest.mark.parametrize("ending", ["png", "gif", "bmp", "pgm", "jpg"])
def test_a_blank_picture_of_each_format_is_read_however_well_it_packs(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"blank.{ending}"
    Image.new("L", (2000, 2000)).save(path, optimize=True)
    assert decode_image(path, DecodePolicy())[0].shape == (2000, 2000)


def test_a_picture_of_more_pixels_than_usual_is_read_where_the_user_allows_it(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bombs.png(6000, 4500, bits=1))
    with pytest.raises(DataError, match="6000x4500 is more than 25000000 pixels; raise it with --max-pixels"):
        decode_image(path, DecodePolicy())
    assert decode_image(path, DecodePolicy(max_pixels=27_000_000))[0].shape == (4500, 6000)


def test_volumes_have_a_limit_of_their_own_until_the_user_sets_one() -> None:
    assert DecodePolicy().max_voxels == MOST_VOXELS
    assert PairOptions(max_pixels=MOST_PIXELS).policy().decode.max_voxels == MOST_PIXELS


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    os.mkfifo(path)
    for read in (lambda: decode_image(path, DecodePolicy()), lambda: digest_file(path)):
        with pytest.raises(DataError, match=r"a\.png: is not a plain file"):
            read()


def test_a_transparency_longer_than_its_palette_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bombs.BOMBS["transparency.png"][0]())
    for decode in (decode_image, decode_mask):
        with pytest.raises(DataError, match="a transparency of 300 entries for a palette of 2"):
            decode(path, DecodePolicy())


def test_what_fails_after_decoding_is_bad_input_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).convert("P").save(path, transparency=0)

    def fail(*_: object, **__: object) -> None:
        raise ValueError("unknown raw mode")

    monkeypatch.setattr(Image.Image, "convert", fail)
    with pytest.raises(DataError, match=r"a\.png: cannot be decoded \(unknown raw mode\)"):
        decode_image(path, DecodePolicy())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("name", sorted(bombs.BOMBS))
def test_check_ends_within_ten_seconds_and_a_gigabyte(name: str, tmp_path: Path) -> None:
    code, took, lines = bombs.check_pair(tmp_path, name, bombs.BOMBS[name][0]())
    assert code == 3, lines
    assert not any("Traceback" in line for line in lines)
    assert took < TEN_SECONDS
    assert int(lines[-1]) < GIGABYTE


BEYOND = [b"II+\0\x08\0\0\0" + b"\xff" * 8, b"MM\0*" + b"\xff" * 4, b"\xff\xd8\xff", b"GIF89a,"]


@pytest.mark.parametrize("start", BEYOND)
def test_a_place_beyond_the_end_is_left_to_the_decoder(start: bytes, tmp_path: Path) -> None:
    refuse_costly(Path("a"), start, MOST_PIXELS)
    path = tmp_path / "a.tif"
    path.write_bytes(start)
    with pytest.raises(DataError):
        decode_image(path, DecodePolicy())
