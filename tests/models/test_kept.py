"""What is kept of the training data: pictures from which objects can be taken out without a trace."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from pairaug.models.translators.kept import Kept

SIDE = 128


@pytest.mark.parametrize("radius", [6, 12, 25])
def test_of_a_blurred_object_no_ring_is_left(radius: int) -> None:
    inside = np.hypot(*(np.indices((SIDE, SIDE)) - 60)) < radius
    grain = np.random.default_rng(0).normal(0, 2, inside.shape)
    seen = 40 + 150 * ndimage.gaussian_filter(inside.astype(float), 1.5) + grain
    levels = seen.clip(0, 255).astype(np.uint8)[None]
    emptied = Kept(inside.astype(np.uint8), levels, (0, 255)).emptied(0)[0]
    calm = ndimage.gaussian_filter((emptied + 1) * 127.5, 2)
    assert calm[50:70, 50:70].max() < 48
    near = ndimage.binary_dilation(inside, iterations=8)
    assert calm[near].max() - np.median(calm) < 8
