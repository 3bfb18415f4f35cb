"""Files that can be read in two ways: the one that the user asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.decoding import COLOUR, decode_image, decode_mask, pack_colours, shown_as, unpack_colours
from pairaug.pairs.form import DecodePolicy
from tests.pairs.stored import (
    GREY,
    HEAT,
    MASK,
    PHOTO,
    POLICY,
    indexed,
    saved,
    with_alpha,
    written,
)


@pytest.mark.parametrize("pixels", [PHOTO, GREY], ids=["RGBA", "LA"])
def test_alpha_is_dropped_when_the_user_says_so(pixels: np.ndarray, tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", saved(with_alpha(pixels, 17), "PNG"))
    decoded, _ = decode_image(path, DecodePolicy(alpha="drop"))
    np.testing.assert_array_equal(decoded, pixels)


def test_a_transparent_colour_is_dropped_when_the_user_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", saved(indexed(MASK, HEAT), "PNG", transparency=1))
    decoded, _ = decode_image(path, DecodePolicy(alpha="drop"))
    np.testing.assert_array_equal(decoded, np.array(HEAT).reshape(3, 3)[MASK])


def test_colours_pack_and_unpack_to_themselves() -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [0, 0, 255], [0, 0, 1], [7, 7, 7], [255, 0, 0]], np.uint8)
    packed = pack_colours(colours)
    assert packed.tolist() == [0, 255, COLOUR + 255, COLOUR + 1, 7, COLOUR + 0xFF0000]
    np.testing.assert_array_equal(unpack_colours(packed), colours)


def test_a_mask_drawn_in_the_alpha_channel_is_read_on_request(tmp_path: Path) -> None:
    painted = Image.new("RGBA", (MASK.shape[1], MASK.shape[0]))
    painted.putalpha(Image.fromarray((MASK > 0) * np.uint8(255)))
    path = written(tmp_path, "m.png", saved(painted, "PNG"))
    with pytest.raises(DataError, match="one colour, so take the alpha channel for the mask with --alpha mask"):
        decode_mask(path, POLICY)
    values, form = decode_mask(path, DecodePolicy(alpha="mask"))
    np.testing.assert_array_equal(values, (MASK > 0) * 255)
    assert form.mode == "L"


def test_a_mask_without_alpha_channel_is_not_taken_for_one_that_has_it(tmp_path: Path) -> None:
    path = written(tmp_path, "m.png", saved(Image.fromarray(MASK), "PNG"))
    with pytest.raises(DataError, match="has no alpha channel"):
        decode_mask(path, DecodePolicy(alpha="mask"))


@pytest.mark.parametrize(
    ("picture", "options", "shown"),
    [
        (indexed(MASK % 2, [255, 255, 255, 0, 0, 0]), {}, np.array([255, 0])[MASK % 2]),
        (indexed(MASK % 2, [255, 0, 0, 0, 0, 0]), {}, np.array([COLOUR + 0xFF0000, 0])[MASK % 2]),
        (Image.fromarray(MASK > 0), {}, (MASK > 0) * 255),
    ],
)
def test_an_indexed_mask_gives_the_colours_it_shows_on_request(
    picture: Image.Image, options: dict[str, Any], shown: np.ndarray, tmp_path: Path
) -> None:
    path = written(tmp_path, "m.png", saved(picture, "PNG", **options))
    values, form = decode_mask(path, DecodePolicy(palette="colour"))
    np.testing.assert_array_equal(values, shown)
    assert not form.indexed
    assert set(np.unique(values)) == {shown_as(decode_mask(path, POLICY)[1], number) for number in (0, 1)}
