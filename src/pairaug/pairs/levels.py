"""Grey levels of 8 bits among deeper ones: the one rule for what they mean to each other.

Enters: levels of one depth, and the range (black, white) that the 16-bit images of the set use. Leaves: the same grey
in the other depth. 8-bit levels span as many bits as the deeper ones use (white of a set with 12 bits is 4095), so that
grey 128 of 255 lies in the middle; where the range stands on an offset (Hounsfield units stored as level + 32768),
8 bits can only be meant to span the range itself. Training, evaluation and output all ask here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Range = tuple[int, int]


def _span(intensity: Range) -> tuple[float, float]:
    """Lowest level and step of one 8-bit level."""
    low, high = intensity
    return (low, (high - low) / 255) if low > high // 2 else (0.0, (2 ** high.bit_length() - 1) / 255)


def deepened(levels: NDArray[Any], intensity: Range) -> NDArray[np.float32]:
    """8-bit levels [0, 255] as deep ones, in floating point and not clipped; same shape."""
    low, step = _span(intensity)
    return np.float32(low) + levels.astype(np.float32) * np.float32(step)


def deep_pixels(pixels: NDArray[np.uint8], intensity: Range) -> NDArray[np.uint16]:
    """8-bit pixels as 16-bit ones, rounded and clipped to the range in use."""
    return np.rint(deepened(pixels, intensity)).clip(*intensity).astype(np.uint16)


def shallow_pixels(pixels: NDArray[Any], intensity: Range) -> NDArray[np.uint8]:
    """16-bit pixels as 8-bit ones; the inverse of ``deep_pixels`` where that did not clip."""
    low, step = _span(intensity)
    levels = np.rint((pixels.astype(np.float32) - np.float32(low)) / np.float32(step)).clip(0, 255)
    shallow: NDArray[np.uint8] = levels.astype(np.uint8)
    return shallow
