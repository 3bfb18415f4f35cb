"""The table of modes: what each kind of file decodes to, or with which words it is refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.decoding import COLOUR, decode_image, decode_mask
from pairaug.pairs.encoding import encode_image, encode_mask
from tests.pairs.drawn import photograph
from tests.pairs.stored import (
    DEEP,
    DEEP_COLOUR,
    GREY,
    HEAT,
    MASK,
    PHOTO,
    POLICY,
    RGB,
    avif_head,
    indexed,
    jpeg2000_of_12_bits,
    pnm,
    saved,
    tiff,
    with_alpha,
    written,
)

RGB_TAG = {"photometric": "rgb"}
BLACK_IS_ZERO = {"photometric": "minisblack", "planarconfig": "contig"}

IMAGES: dict[str, tuple[str, bytes, np.ndarray, str]] = {
    "RGB PNG": ("a.png", saved(RGB, "PNG"), PHOTO, "RGB"),
    "RGB BMP": ("a.bmp", saved(RGB, "BMP"), PHOTO, "RGB"),
    "RGB PPM": ("a.ppm", saved(RGB, "PPM"), PHOTO, "RGB"),
    "RGB TIFF, LZW": ("a.tif", saved(RGB, "TIFF", compression="tiff_lzw"), PHOTO, "RGB"),
    "RGB TIFF, planes apart": (
        "a.tif",
        tiff(np.moveaxis(PHOTO, 2, 0), photometric="rgb", planarconfig="separate"),
        PHOTO,
        "RGB",
    ),
    "RGBA PNG, opaque": ("a.png", saved(with_alpha(PHOTO, 255), "PNG"), PHOTO, "RGBA"),
    "LA PNG, opaque": ("a.png", saved(with_alpha(GREY, 255), "PNG"), GREY, "LA"),
    "grey PNG": ("a.png", saved(Image.fromarray(GREY), "PNG"), GREY, "L"),
    "grey TIFF in tiles": ("a.tif", tiff(GREY, tile=(16, 16)), GREY, "L"),
    "grey PGM": ("a.pgm", pnm("P5", GREY, 255), GREY, "L"),
    "grey ASCII PGM": ("a.pgm", b"P2\n3 2\n255\n0 1 2\n253 254 255\n", np.array([[0, 1, 2], [253, 254, 255]]), "L"),
    "1-bit PNG": ("a.png", saved(Image.fromarray(MASK > 0), "PNG"), (MASK > 0) * 255, "1"),
    "palette PNG": ("a.png", saved(indexed(MASK, HEAT), "PNG"), np.array(HEAT).reshape(3, 3)[MASK], "P"),
    "grey palette PNG": (
        "a.png",
        saved(indexed(MASK, [9, 9, 9, 4, 4, 4, 7, 7, 7]), "PNG"),
        np.array([9, 4, 7])[MASK],
        "P",
    ),
    "black and white in 8 bits, BMP": (
        "a.bmp",
        saved(indexed(MASK > 0, [0, 0, 0, 255, 255, 255]), "BMP"),
        (MASK > 0) * 255,
        "P",
    ),
    "GIF": ("a.gif", saved(indexed(MASK, HEAT), "GIF"), np.array(HEAT).reshape(3, 3)[MASK], "P"),
    "16-bit PNG": ("a.png", saved(Image.fromarray(DEEP), "PNG"), DEEP, "I;16"),
    "16-bit PGM": ("a.pgm", pnm("P5", DEEP, 65535), DEEP, "I;16"),
    "16-bit TIFF": ("a.tif", tiff(DEEP), DEEP, "I;16"),
    "16-bit TIFF, big-endian": ("a.tif", tiff(DEEP, byteorder=">"), DEEP, "I;16"),
    "16-bit TIFF, zlib": ("a.tif", tiff(DEEP, compression="zlib"), DEEP, "I;16"),
    "16-bit RGB TIFF": ("a.tif", tiff(DEEP_COLOUR, photometric="rgb"), DEEP_COLOUR, "RGB;16"),
    "16-bit RGB TIFF, zlib": ("a.TIFF", tiff(DEEP_COLOUR, **RGB_TAG, compression="zlib"), DEEP_COLOUR, "RGB;16"),
    "16-bit RGB TIFF, big-endian": ("a.tif", tiff(DEEP_COLOUR, **RGB_TAG, byteorder=">"), DEEP_COLOUR, "RGB;16"),
    "16-bit RGB TIFF, planes apart": (
        "a.tif",
        tiff(np.moveaxis(DEEP_COLOUR, 2, 0), photometric="rgb", planarconfig="separate"),
        DEEP_COLOUR,
        "RGB;16",
    ),
    "CMYK TIFF": ("a.tif", saved(RGB.convert("CMYK"), "TIFF"), PHOTO, "CMYK"),
    "three samples, black is zero": ("a.tif", tiff(PHOTO, **BLACK_IS_ZERO), PHOTO, "RGB"),
    "32-bit integers": ("a.tif", tiff(DEEP.astype(np.uint32)), DEEP, "I;16"),
    "signed 32-bit integers": ("a.tif", tiff(DEEP.astype(np.int32)), DEEP, "I;16"),
    "64-bit integers": ("a.tif", tiff(DEEP.astype(np.int64)), DEEP, "I;16"),
    "signed 16-bit integers": ("a.tif", tiff((DEEP // 2).astype(np.int16)), DEEP // 2, "I;16"),
    "signed bytes": ("a.tif", tiff((GREY // 2).astype(np.int8)), GREY // 2, "L"),
    "whole numbers in floating point": ("a.tif", tiff(GREY.astype(np.float32)), GREY, "I;16"),
    "whole numbers in double precision": ("a.tif", tiff(DEEP.astype(np.float64)), DEEP, "I;16"),
    "WebP without loss": ("a.webp", saved(RGB, "WEBP", lossless=True), PHOTO, "RGB"),
    "WebP called JPEG": ("a.jpg", saved(RGB, "WEBP", lossless=True), PHOTO, "RGB"),
    "JPEG 2000": ("a.jp2", saved(RGB, "JPEG2000"), PHOTO, "RGB"),
    "grey JPEG 2000": ("a.jp2", saved(Image.fromarray(GREY), "JPEG2000"), GREY, "L"),
    "16-bit JPEG 2000": ("a.jp2", saved(Image.fromarray(DEEP), "JPEG2000"), DEEP, "I;16"),
    "JPEG 2000 without its box": ("a.j2k", saved(RGB, "JPEG2000", no_jp2=True), PHOTO, "RGB"),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_decodes_to_its_own_pixels(kind: str, tmp_path: Path) -> None:
    name, data, pixels, mode = IMAGES[kind]
    decoded, form = decode_image(written(tmp_path, name, data), POLICY)
    np.testing.assert_array_equal(decoded, pixels)
    assert decoded.dtype == (np.uint16 if form.bits == 16 else np.uint8)
    assert (form.mode, form.suffix) == (mode, Path(name).suffix)
    assert form.channels == (3 if decoded.ndim == 3 else 1)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_image_decodes_nearly(mode: str, tmp_path: Path) -> None:
    smooth = Image.linear_gradient("L").resize((40, 40)).convert(mode)
    decoded, form = decode_image(written(tmp_path, "a.jpg", saved(smooth, "JPEG", quality=95)), POLICY)
    expected = np.asarray(smooth.convert("RGB" if mode == "CMYK" else mode)).astype(int)
    assert np.abs(decoded.astype(int) - expected).max() <= 8
    assert form.mode == mode


MASKS: dict[str, tuple[str, bytes, np.ndarray]] = {
    "1-bit PNG": ("m.png", saved(Image.fromarray(MASK > 0), "PNG"), MASK > 0),
    "1-bit BMP": ("m.bmp", saved(Image.fromarray(MASK > 0), "BMP"), MASK > 0),
    "1-bit PBM": ("m.pbm", saved(Image.fromarray(MASK > 0), "PPM"), MASK > 0),
    "indices as grey": ("m.png", saved(Image.fromarray(MASK), "PNG"), MASK),
    "grey levels": ("m.tif", saved(Image.fromarray(MASK * np.uint8(127)), "TIFF"), MASK * np.uint8(127)),
    "indices under a palette": ("m.png", saved(indexed(MASK, HEAT), "PNG"), MASK),
    "indices under a palette, BMP": ("m.bmp", saved(indexed(MASK, HEAT), "BMP"), MASK),
    "black and white in 8 bits, BMP": ("m.bmp", saved(indexed(MASK > 0, [0, 0, 0, 255, 255, 255]), "BMP"), MASK > 0),
    "indices under a palette, GIF": ("m.gif", saved(indexed(MASK, HEAT), "GIF", optimize=False), MASK),
    "indices under a palette with a transparent one": (
        "m.png",
        saved(indexed(MASK, HEAT), "PNG", transparency=0),
        MASK,
    ),
    "indices of 32 bits": ("m.tif", tiff(MASK.astype(np.int32)), MASK),
    "indices in floating point": ("m.tif", tiff(MASK.astype(np.float32)), MASK),
    "truth values, white is zero": ("m.tif", tiff(MASK > 0), MASK > 0),
    "indices, white is zero": ("m.tif", tiff(MASK, photometric="miniswhite"), MASK),
    "deep indices, white is zero": ("m.tif", tiff(MASK.astype(np.uint16), photometric="miniswhite"), MASK),
    "colours": (
        "m.png",
        saved(Image.fromarray(np.array(HEAT, np.uint8).reshape(3, 3)[MASK]), "PNG"),
        np.array([0, COLOUR + 0xFF0000, COLOUR + 0xFFFF00])[MASK],
    ),
    "colours that are all grey": ("m.png", saved(Image.fromarray(MASK * np.uint8(9)).convert("RGB"), "PNG"), MASK * 9),
    "opaque RGBA": ("m.png", saved(with_alpha(np.repeat(MASK[..., None], 3, 2), 255), "PNG"), MASK),
    "16-bit values": ("m.png", saved(Image.fromarray(MASK.astype(np.uint16) * 30000), "PNG"), MASK.astype(int) * 30000),
    "16-bit values, TIFF": ("m.tif", tiff(MASK.astype(np.uint16) * 30000), MASK.astype(int) * 30000),
}


@pytest.mark.parametrize("kind", MASKS)
def test_a_mask_decodes_to_its_raw_values(kind: str, tmp_path: Path) -> None:
    name, data, values = MASKS[kind]
    decoded, _ = decode_mask(written(tmp_path, name, data), POLICY)
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(decoded, values)


def deep_png(pixels: np.ndarray) -> bytes:
    """A PNG of 16 bits a channel, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


LARGE = Image.fromarray(photograph(1, 200, 200))
FRAMES = {"save_all": True, "append_images": [RGB.rotate(90)]}


# what the file is -> (name, bytes, what is said of it: the finding, the value, the remedy)
REFUSED: dict[str, tuple[str, Callable[[], bytes], tuple[str, ...]]] = {
    "transparent RGBA": (
        "a.png",
        lambda: saved(with_alpha(PHOTO, 17), "PNG"),
        ("transparent", "alpha down to 17", "--alpha drop"),
    ),
    "transparent LA": (
        "a.png",
        lambda: saved(with_alpha(GREY, 0), "PNG"),
        ("transparent", "alpha down to 0", "--alpha drop"),
    ),
    "transparent colour": (
        "a.png",
        lambda: saved(indexed(MASK, HEAT), "PNG", transparency=1),
        ("transparent", "--alpha drop"),
    ),
    "fractions": (
        "a.tif",
        lambda: tiff(GREY.astype(np.float32) / 255),
        ("float32 values from", "that are no whole numbers", "of 8 or 16 bits"),
    ),
    "not a number": ("a.tif", lambda: tiff(GREY * np.float32(np.nan)), ("float32 values from nan", "16 bits")),
    "PFM": ("a.pnm", lambda: b"Pf\n2 2\n-1.0\n" + bytes(16), ("mode F", "8 or 16 bits")),
    "more than 16 bits": (
        "a.tif",
        lambda: tiff(DEEP.astype(np.uint32) * 70000),
        ("values from", "whole numbers from 0 to 65535", "8 or 16 bits"),
    ),
    "below zero": ("a.tif", lambda: tiff(-DEEP.astype(np.int32)), ("int32 values from -", "8 or 16 bits")),
    "signed bytes below zero": ("a.tif", lambda: tiff(GREY.astype(np.int8) * -1), ("int8 values from -", "from 0 to")),
    "a fourth band": (
        "a.tif",
        lambda: tiff(np.dstack([PHOTO, GREY]), photometric="rgb", extrasamples=["unspecified"]),
        ("4 samples a pixel, 1 of them beside RGB", "grey or RGB"),
    ),
    "a band beside alpha": (
        "a.tif",
        lambda: tiff(np.dstack([PHOTO, GREY, GREY]), photometric="rgb", extrasamples=["unassalpha", "unspecified"]),
        ("5 samples a pixel, 1 of them beside RGB", "grey or RGB"),
    ),
    "a band beside grey": (
        "a.tif",
        lambda: tiff(
            np.dstack([GREY, GREY]), photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"]
        ),
        ("2 samples a pixel, 1 of them beside grey", "grey or RGB"),
    ),
    "JPEG 2000 of 12 bits": ("a.jp2", lambda: jpeg2000_of_12_bits(), ("JPEG 2000 of 1 x 12 bits", "PNG or TIFF")),
    "many frames, WebP": ("a.webp", lambda: saved(RGB, "WEBP", **FRAMES), ("several frames", "one image a file")),
    "16-bit RGBA TIFF": (
        "a.tif",
        lambda: tiff(np.dstack([DEEP_COLOUR, DEEP]), photometric="rgb", extrasamples=["unassalpha"]),
        ("uint16 YXS (8, 9, 4)", "grey or RGB"),
    ),
    "LAB": ("a.tif", lambda: tiff(PHOTO, photometric="cielab"), ("mode LAB", "store grey or RGB")),
    "many frames, GIF": ("a.gif", lambda: saved(RGB, "GIF", **FRAMES), ("2 frames", "one image a file")),
    "many frames, PNG": ("a.png", lambda: saved(RGB, "PNG", **FRAMES), ("2 frames", "one image a file")),
    "many pages": (
        "a.tif",
        lambda: tiff(np.stack([GREY] * 3), photometric="minisblack"),
        ("3 frames", "one image a file"),
    ),
    "odd highest level": ("a.pgm", lambda: pnm("P5", GREY % 16, 15), ("levels up to 15", "255")),
    "odd highest level, deep": ("a.pgm", lambda: pnm("P5", DEEP % 1000, 999), ("levels up to 999", "255")),
    "16-bit PPM": ("a.ppm", lambda: pnm("P6", DEEP_COLOUR, 65535), ("levels up to 65535", "255")),
    "EPS called PNG": (
        "a.png",
        lambda: saved(RGB, "EPS"),
        ("a text, not an image of a known format", "PNG, JPEG", "convert or remove"),
    ),
    "AVIF called JPEG": ("a.jpg", lambda: avif_head(), ("something else, not an image", "convert or remove")),
    "text": ("a.png", lambda: b"# notes\n", ("a text, not an image", "convert or remove")),
    "text called TIFF": ("a.tif", lambda: b"# notes\n", ("a text, not an image", "convert or remove")),
    "LFS pointer": (
        "a.png",
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
        ("Git LFS", "git lfs pull"),
    ),
    "LFS pointer called TIFF": (
        "a.tif",
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
        ("Git LFS", "git lfs pull"),
    ),
    "nothing": ("a.png", lambda: b"", ("empty file", "restore it")),
    "truncated PNG": ("a.png", lambda: saved(RGB, "PNG")[:-40], ("cannot be decoded", "mend or replace it")),
    "truncated JPEG": (
        "a.jpg",
        lambda: saved(LARGE, "JPEG")[:-2000],
        ("cannot be decoded", "truncated", "mend or replace it"),
    ),
    "truncated BMP": ("a.bmp", lambda: saved(RGB, "BMP")[:-20], ("cannot be decoded", "truncated", "mend or replace")),
    "truncated TIFF": (
        "a.tif",
        lambda: tiff(np.asarray(LARGE), photometric="rgb")[:-400],
        ("cannot be decoded", "mend or replace it"),
    ),
    "truncated GIF": ("a.gif", lambda: saved(RGB, "GIF")[:-30], ("cannot be decoded", "mend or replace it")),
    "truncated PGM": ("a.pgm", lambda: pnm("P5", GREY, 255)[:-9], ("cannot be decoded", "mend or replace it")),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_says_what_was_found_and_what_to_do(kind: str, tmp_path: Path) -> None:
    name, data, words = REFUSED[kind]
    path = written(tmp_path, name, data())
    with pytest.raises(DataError) as caught:
        decode_image(path, POLICY)
    assert caught.value.message.startswith(f"{path}: ")
    assert "\n" not in caught.value.message
    for word in words:
        assert word in caught.value.message


def test_a_mask_of_two_dimensions_only(tmp_path: Path) -> None:
    path = written(tmp_path, "m.tif", tiff(DEEP_COLOUR, photometric="rgb"))
    with pytest.raises(DataError, match=r"m\.tif: a mask of three 16-bit channels is not supported; store indices"):
        decode_mask(path, POLICY)


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_a_mask_without_label_values_is_refused(mode: str, tmp_path: Path) -> None:
    data = tiff(PHOTO, photometric="cielab") if mode == "LAB" else saved(Image.fromarray(GREY).convert(mode), "TIFF")
    with pytest.raises(DataError, match=f"a mask of mode {mode} has no label values; store indices or grey levels"):
        decode_mask(written(tmp_path, "m.tif", data), POLICY)


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation_is_applied_to_the_image(turn: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    decoded, _ = decode_image(written(tmp_path, "a.png", saved(RGB, "PNG", exif=exif)), POLICY)
    turned = {1: PHOTO, 2: PHOTO[:, ::-1], 3: PHOTO[::-1, ::-1], 4: PHOTO[::-1], 5: PHOTO.transpose(1, 0, 2)}
    turned |= {6: np.rot90(PHOTO, -1), 7: np.rot90(PHOTO, 2).transpose(1, 0, 2), 8: np.rot90(PHOTO)}
    np.testing.assert_array_equal(decoded, turned[turn])


def test_the_first_picture_of_an_mpo_file_is_taken(tmp_path: Path) -> None:
    smooth = Image.linear_gradient("L").resize((40, 40)).convert("RGB")
    data = saved(smooth, "MPO", save_all=True, append_images=[RGB.resize((40, 40))], quality=95)
    decoded, form = decode_image(written(tmp_path, "a.mpo", data), POLICY)
    assert np.abs(decoded.astype(int) - np.asarray(smooth).astype(int)).max() <= 8
    assert form.format == "JPEG"


@pytest.mark.parametrize("stored", [MASK > 0, MASK, MASK.astype(np.uint16)], ids=["1 bit", "8 bits", "16 bits"])
def test_where_white_is_zero_numbers_and_appearance_stay(stored: np.ndarray, tmp_path: Path) -> None:
    data = tiff(stored, photometric="miniswhite")
    values, form = decode_mask(written(tmp_path, "m.tif", data), POLICY)
    again = encode_mask(values, form)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(again)), stored)
    with Image.open(io.BytesIO(again)) as one, Image.open(io.BytesIO(data)) as other:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    pixels, form = decode_image(written(tmp_path, "i.tif", data), POLICY)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(encode_image(pixels, form))), stored)
