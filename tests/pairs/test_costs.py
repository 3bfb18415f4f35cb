"""A file that would cost far more than it weighs is refused before a decoder sees it; one that is only odd is read."""

from __future__ import annotations

import lzma
import os
import re
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairaug.api.pair_options import PairOptions
from pairaug.errors import DataError
from pairaug.files import digest_file
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.costs import refuse_costly
from pairaug.pairs.decoding import decode_image, decode_mask
from pairaug.pairs.form import MOST_PIXELS, MOST_VOXELS, DecodePolicy
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.medical import read_volume
from pairaug.pairs.source import find_pairs
from tests.pairs import bombs
from tests.pairs import hidden_bombs as hidden
from tests.pairs.drawn import photograph
from tests.pairs.scans import LPS
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


# What no header tells, small enough to be drawn at once: the file, the pixels allowed, and what is said of it.
SMALL: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "unpacks.tif": (lambda: hidden.deep_tiff(hidden.zeros_deflated(2**24), 8), MOST_PIXELS, "unpack to more than"),
    "unpacks_lzma.tif": (lambda: hidden.deep_tiff(lzma.compress(bytes(2**24)), 34925), MOST_PIXELS, "unpack to more"),
    "zstd.tif": (lambda: hidden.deep_tiff(b"x" * 384, 50000), MOST_PIXELS, "store it uncompressed or as PNG"),
    "wide.tif": (lambda: hidden.deep_float(64), 64 * 64, "takes 98.3 kB; raise the limit with --max-pixels"),
    "shared.tif": (hidden.BOMBS["shared.tif"], MOST_PIXELS, "strips or tiles of 407716000 bytes"),
    "precincts.j2k": (hidden.BOMBS["precincts.j2k"], MOST_PIXELS, "25000000 blocks and precincts"),
    "precincts_levels.j2k": (hidden.BOMBS["precincts_levels.j2k"], MOST_PIXELS, "blocks and precincts, more than"),
    "comments.pgm": (lambda: b"P2 8 8 255\n" + b"#\n" * 2000 + b"0 " * 64, MOST_PIXELS, "more than 1000 comments"),
    "iccp.png": (hidden.BOMBS["iccp_many.png"], MOST_PIXELS, "more than 200 compressed texts and profiles"),
    "deflated.dcm": (
        lambda: hidden.dicom(8, hidden.pixels(2**21), syntax=hidden.DEFLATED_SYNTAX),
        64,
        "unpacks to more than 1.0 MB; raise it with --max-pixels",
    ),
    "jpeg.dcm": (hidden.BOMBS["jpeg.dcm"], MOST_PIXELS, "12000 scans, more than 40"),
    "fragments.dcm": (
        lambda: hidden.dicom(8, hidden.encapsulated(*[b""] * 2000), syntax=hidden.JPEG_SYNTAX),
        MOST_PIXELS,
        "in more than 1000 pieces",
    ),
    "elements.dcm": (
        lambda: hidden.dicom(8, hidden.pixels(64), before=hidden.many_elements(60_000)),
        MOST_PIXELS,
        "a header of too many elements",
    ),
    "float64.dcm": (lambda: hidden.dicom(8, hidden.pixels(512), bits=64), MOST_PIXELS, "64 bits a number"),
}


@pytest.mark.parametrize("name", SMALL)
def test_what_unpacks_to_more_than_its_pixels_is_refused(name: str, tmp_path: Path) -> None:
    draw, most, words = SMALL[name]
    if name.endswith(".dcm"):
        pytest.importorskip("pydicom")
    (tmp_path / name).write_bytes(draw())
    tracemalloc.start()
    try:
        for decode in (decode_image, decode_mask):
            with pytest.raises(DataError, match=re.escape(words)) as caught:
                decode(tmp_path / name, DecodePolicy(max_pixels=most))
            assert "\n" not in caught.value.message
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_jpeg_2000_with_precincts_and_blocks_of_usual_sizes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jp2"
    picture = Image.fromarray(photograph(1, 300, 200))
    picture.save(path, precinct_size=(128, 128), codeblock_size=(32, 32), irreversible=False, tile_size=(64, 64))
    assert np.array_equal(decode_image(path, DecodePolicy())[0], np.asarray(picture))


def test_a_deflated_dicom_file_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    path = tmp_path / "a.dcm"
    levels = bytes(range(64))
    path.write_bytes(hidden.dicom(8, hidden.element(0x7FE0, 0x10, b"OB", levels), syntax=hidden.DEFLATED_SYNTAX))
    assert decode_image(path, DecodePolicy())[0].tobytes() == levels


@pytest.mark.parametrize("kind", [np.float64, np.int64, np.uint64])
def test_numbers_of_eight_bytes_take_four_where_these_hold_them(kind: type[np.generic], tmp_path: Path) -> None:
    pytest.importorskip("nibabel")
    import nibabel

    def write(name: str, voxels: NDArray[Any]) -> Path:
        nibabel.save(nibabel.Nifti1Image(voxels, LPS, dtype=voxels.dtype), tmp_path / name)
        return tmp_path / name

    whole = np.arange(60).reshape(3, 4, 5).astype(kind)
    volume = read_volume(write("a.nii.gz", whole), DecodePolicy())
    assert volume.stored.dtype.itemsize == 4
    assert np.array_equal(volume.stored, whole)
    more = whole + np.array(2**40, kind) + np.array(0.5 if kind is np.float64 else 1).astype(kind)
    assert np.array_equal(read_volume(write("b.nii", more), DecodePolicy()).stored, more)
    with pytest.raises(DataError, match=r"60 voxels of \w+64; store them as float32, or raise --max-pixels"):
        read_volume(write("c.nii", more), DecodePolicy(max_voxels=60))


def test_a_photograph_in_the_place_of_a_mask_is_refused_before_its_colours_are_kept(tmp_path: Path) -> None:
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        hidden.noise(400).save(tmp_path / part / "a.png")
    with pytest.raises(DataError, match="cannot be used") as caught:
        check_pairs(find_pairs(tmp_path), CheckPolicy())
    assert re.search(r"masks/a\.png: 15\d{4} values \{.*, \.\.\.\}, more than the 256 classes", caught.value.details[0])
    assert len(check_pairs(find_pairs(tmp_path), CheckPolicy(cleaning=Cleaning(threshold=2**24 + 2**23))).pairs) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("name", hidden.BOMBS)
def test_what_no_header_tells_ends_within_ten_seconds_and_a_gigabyte(name: str, tmp_path: Path) -> None:
    code, took, lines = bombs.check_pair(tmp_path, name, hidden.BOMBS[name]())
    assert code in (0, 3), lines
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
