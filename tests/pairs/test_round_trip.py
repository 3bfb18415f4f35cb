"""Decoded, written in the same form and decoded again: masks always as they were, images where nothing is lossy."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.decoding import COLOUR, decode_image, decode_mask
from pairaug.pairs.encoding import encode_glued, encode_image, encode_mask, lossless_form
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.pair import Pair
from pairaug.pairs.source import find_pairs

POLICY = DecodePolicy()
GREYS = "".join(f"{level:02x}" * 3 for level in range(256))
HEAT = "".join(f"{level:02x}{level * 7 % 256:02x}{255 - level:02x}" for level in range(256))
SUFFIXES = {"PNG": ".png", "TIFF": ".tif", "BMP": ".bmp", "GIF": ".gif", "PPM": ".ppm", "JPEG": ".jpg"}


def form(file_format: str, mode: str, palette: str = "") -> Form:
    return Form(SUFFIXES[file_format], file_format, mode, palette)


# The forms in which masks and images of the wild lie, and the label values that each can hold.
MASK_FORMS = [
    *(form(f, "1") for f in ("PNG", "TIFF", "BMP", "PPM")),
    *(form(f, "L") for f in ("PNG", "TIFF", "BMP", "PPM", "GIF")),
    *(form(f, "P", HEAT) for f in ("PNG", "TIFF", "BMP", "GIF")),
    form("PNG", "P", HEAT[:24]),
    *(form(f, "RGB") for f in ("PNG", "TIFF", "BMP", "PPM")),
    *(form(f, "RGBA") for f in ("PNG", "TIFF")),
    *(form(f, "LA") for f in ("PNG", "TIFF")),
    *(form(f, "I;16") for f in ("PNG", "TIFF", "PPM")),
]
IMAGE_FORMS = [
    *(form(f, "L") for f in ("PNG", "TIFF", "BMP", "PPM", "GIF")),
    form("PNG", "P", GREYS),
    *(form(f, "RGB") for f in ("PNG", "TIFF", "BMP", "PPM")),
    *(form(f, "RGBA") for f in ("PNG", "TIFF")),
    *(form(f, "LA") for f in ("PNG", "TIFF")),
    *(form(f, "I;16") for f in ("PNG", "TIFF", "PPM")),
    form("TIFF", "RGB;16"),
    form("TIFF", "CMYK"),
]
sizes = st.tuples(st.integers(1, 33), st.integers(1, 33))


def highest(one: Form) -> int:
    return {"1": 1, "I;16": 65535}.get(one.mode, len(one.palette) // 6 - 1 if one.palette else 255)


@st.composite
def masks(draw: st.DrawFn, one: Form) -> np.ndarray:
    grey = st.integers(0, highest(one))
    colour = st.integers(0, 0xFFFFFF).filter(lambda c: not c >> 16 == c >> 8 & 255 == c & 255).map(lambda c: COLOUR | c)
    value = grey | colour if one.mode in ("RGB", "RGBA") else grey
    values = np.array(draw(st.lists(value, min_size=1, max_size=7)))
    (height, width), seed = draw(sizes), draw(st.integers(0, 99))
    return values[np.random.default_rng(seed).integers(0, len(values), (height, width))].astype(np.int32)


def name_of(one: Form) -> str:
    return f"{one.format} {one.mode}" + (f" {len(one.palette) // 6}" if one.palette else "")


def read_mask(data: bytes, one: Form) -> tuple[np.ndarray, Form]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m" + one.suffix)
        path.write_bytes(data)
        return decode_mask(path, POLICY)


def read_image(data: bytes, one: Form) -> tuple[np.ndarray, Form]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a" + one.suffix)
        path.write_bytes(data)
        return decode_image(path, POLICY)


@pytest.mark.parametrize("one", MASK_FORMS, ids=name_of)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_mask_keeps_its_values_and_its_form(one: Form, data: st.DataObject) -> None:
    values = data.draw(masks(one))
    again, its_form = read_mask(encode_mask(values, one), one)
    np.testing.assert_array_equal(again, values)
    assert (its_form.suffix, its_form.format, its_form.mode) == (one.suffix, one.format, one.mode)
    assert its_form.palette[: len(one.palette)] == one.palette
    # and from now on it stays what it is, to the byte
    assert encode_mask(again, its_form) == encode_mask(again, read_mask(encode_mask(again, its_form), one)[1])


@pytest.mark.parametrize("one", IMAGE_FORMS, ids=name_of)
@settings(max_examples=20, deadline=None)
@given(size=sizes, seed=st.integers(0, 99))
def test_an_image_keeps_its_pixels_and_its_form(one: Form, size: tuple[int, int], seed: int) -> None:
    depth = np.uint16 if one.bits == 16 else np.uint8
    shape = size if one.channels == 1 else (*size, 3)
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(depth).max + 1, shape).astype(depth)
    again, its_form = read_image(encode_image(pixels, one), one)
    np.testing.assert_array_equal(again, pixels)
    assert again.dtype == depth
    assert (its_form.format, its_form.mode) == (one.format, one.mode)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), side=st.sampled_from(["left", "right"]), mode=st.sampled_from(["L", "RGB"]))
def test_a_glued_pair_comes_apart_as_it_was(data: st.DataObject, side: str, mode: str) -> None:
    one = form("PNG", mode)
    values = data.draw(masks(one))
    shape = values.shape if mode == "L" else (*values.shape, 3)
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.png")
        path.write_bytes(encode_glued(pixels, values, one, side))
        np.testing.assert_array_equal(decode_mask(path, POLICY, side)[0], values)
        np.testing.assert_array_equal(decode_image(path, POLICY, side)[0], pixels)


def test_a_jpeg_mask_is_written_as_png_with_its_values(tmp_path: Path) -> None:
    jpeg = form("JPEG", "L")
    values = np.array([[0, 255], [255, 0]], np.int32)
    png = lossless_form(jpeg)
    assert (png.suffix, png.format, png.mode) == (".png", "PNG", "L")
    np.testing.assert_array_equal(read_mask(encode_mask(values, png), png)[0], values)


labels = st.sets(
    st.integers(0, 3)
    | st.integers(0, 255)
    | st.integers(0, 65535)
    | st.integers(0, 0xFFFFFF).map(lambda c: COLOUR | c),
    min_size=2,
    max_size=6,
).map(lambda found: sorted({c & 255 if c >> 16 & 255 == c >> 8 & 255 == c & 255 and c >= COLOUR else c for c in found}))


@pytest.mark.parametrize(
    "one", [*MASK_FORMS, form("JPEG", "L"), form("JPEG", "RGB"), Form(".nii", "NIFTI", "L")], ids=name_of
)
@settings(max_examples=25, deadline=None)
@given(values=labels)
def test_any_label_set_finds_a_form_that_holds_it_or_is_refused(one: Form, values: list[int]) -> None:
    drawn = np.random.default_rng(0).choice(values, (9, 11)).astype(np.int32)
    if values[-1] >= COLOUR and any(255 < value < COLOUR for value in values):
        with pytest.raises(DataError, match="no mask holds both"):
            lossless_form(one, values)
        return
    written = lossless_form(one, values)
    np.testing.assert_array_equal(read_mask(encode_mask(drawn, written), written)[0], drawn)
    if values[-1] <= 1 and one.format not in ("JPEG", "NIFTI"):
        assert written == one


NAMES = st.text(
    st.characters(exclude_characters="/\0\\", exclude_categories=("Cs", "Cc")), min_size=1, max_size=24
).filter(lambda name: not name.startswith(".") and len(name.encode()) < 200)


@settings(max_examples=60, deadline=None)
@given(
    stems=st.sets(NAMES, min_size=2, max_size=4),
    layout=st.sampled_from(["images/{}.png masks/{}.png", "{}.png {}_mask.png"]),
)
def test_whatever_files_are_called_no_image_gets_the_mask_of_another(stems: set[str], layout: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        for stem in stems:
            image, mask = (part.replace("{}", stem) for part in layout.split(" "))
            for path, seed in ((image, 1), (mask, 2)):
                target = Path(folder, path)
                target.parent.mkdir(exist_ok=True, parents=True)
                pixels = np.random.default_rng(seed).integers(0, 256 if seed == 1 else 2, (5, 6), np.uint8)
                Image.fromarray(pixels).save(target)
            expected[image] = mask
        pairs: tuple[Pair, ...] = ()
        with contextlib.suppress(DataError):  # no pairs, or names that differ in case alone
            pairs = find_pairs(folder).pairs
        assert all(expected.get(pair.image) == pair.mask for pair in pairs)


def test_the_same_array_becomes_the_same_bytes() -> None:
    pixels = np.arange(300, dtype=np.uint16).reshape(10, 10, 3)
    assert encode_image(pixels, form("TIFF", "RGB;16")) == encode_image(pixels, form("TIFF", "RGB;16"))


@pytest.mark.parametrize("one", [form("PNG", "RGB"), form("JPEG", "RGB"), form("TIFF", "RGB")], ids=name_of)
def test_nothing_but_pixels_is_written(one: Form) -> None:
    picture = Image.open(io.BytesIO(encode_image(np.zeros((8, 8, 3), np.uint8), one)))
    assert not picture.info.keys() & {"exif", "icc_profile", "comment", "photoshop", "XML:com.adobe.xmp"}
    assert not {270, 305, 306, 315, 33432, 34377} & set(picture.getexif())
