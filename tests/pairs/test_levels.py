"""Grey 128 of 255 is the same grey to training, to evaluation and in what is written, whatever depth lies beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pairaug.arrays.examples import Examples
from pairaug.evaluation.items import Terms, in_terms
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.form import Form
from pairaug.pairs.levels import deep_pixels, shallow_pixels
from pairaug.pairs.source import find_pairs
from pairaug.synthesis.rendering import as_form
from tests.pairs.drawn import classes


@pytest.fixture
def mixed(tmp_path: Path) -> Checked:
    """Four images of 12 bits, from black to white, and one of 8 bits that is grey 128 throughout."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number in range(5):
        Image.fromarray(classes(number) * np.uint8(255)).save(tmp_path / f"masks/{number}.png")
        ramp = np.linspace(0, 4095, 40 * 48).reshape(40, 48).astype(np.uint16)
        grey = np.full((40, 48), 128, dtype=np.uint8)
        Image.fromarray(ramp if number else grey).save(tmp_path / f"images/{number}.png")
    return check_pairs(find_pairs(tmp_path), CheckPolicy())


def test_a_grey_of_8_bits_among_12_is_the_same_grey_everywhere(mixed: Checked) -> None:
    assert mixed.intensity == (0, 4095)
    trained = [one.image for one in Examples(mixed, 1, (40, 48))]
    assert trained is not None
    terms = Terms(mixed.intensity, 1, mixed.label_map.values, deep=True)
    evaluated = in_terms("mixed", mixed, terms).image(0).mean()
    written = as_form(np.full((4, 4, 1), 128, np.uint8), Form(".png", "PNG", "I;16"), mixed.intensity).mean()
    greys = [float(trained[0].mean()) / 4095, float(evaluated), float(written) / 4095]
    np.testing.assert_allclose(greys, 128 / 255, atol=1e-3)


@given(st.integers(0, 60_000), st.integers(300, 5_000))
def test_levels_brought_to_another_depth_and_back_are_the_same(low: int, width: int) -> None:
    intensity = (low, low + width)
    levels = np.arange(256, dtype=np.uint8)
    deep = deep_pixels(levels, intensity)
    assert intensity[0] <= deep.min() <= deep.max() <= intensity[1]
    inside = (deep > intensity[0]) & (deep < intensity[1])
    np.testing.assert_array_equal(shallow_pixels(deep, intensity)[inside], levels[inside])
