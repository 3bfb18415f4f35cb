"""Training examples as the reference segmenter takes them.

Enters: examples in grey levels. Leaves: images (H, W, C) float32 in [0, 1], with their labels where there are any.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairaug.models.base import Example
from pairaug.segmenter.base import Example as Shown


def unit_image(example: Example) -> NDArray[np.float32]:
    """The image of an example that has one, black 0 and white 1."""
    assert example.image is not None
    low, high = example.intensity
    unit: NDArray[np.float32] = np.clip((example.image.astype(np.float32) - low) / (high - low), 0.0, 1.0)
    return unit


def shown(example: Example) -> Shown:
    """A pair."""
    assert example.labels is not None
    return Shown(unit_image(example), example.labels)
