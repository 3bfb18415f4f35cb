"""Pixels <-> tensors: the only place that knows grey levels and [-1, 1] both."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_unit(pixels: NDArray[np.uint8] | NDArray[np.uint16], intensity: tuple[int, int]) -> Tensor:
    """(..., H, W, C) grey levels -> (..., C, H, W) float32, ``intensity`` (black, white) mapped to [-1, 1]."""
    low, high = intensity
    values = torch.from_numpy(pixels.astype(np.float32)).movedim(-1, -3)
    return (values - low) * (2.0 / (high - low)) - 1.0


def to_pixels(image: Tensor, intensity: tuple[int, int]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(C, H, W) in [-1, 1] -> (H, W, C) of uint8 or, where white is above 255, uint16; values beyond are clipped."""
    low, high = intensity
    levels = ((image.float() + 1.0) * ((high - low) / 2.0) + low).round().clamp(low, high)
    array = levels.movedim(0, -1).contiguous().cpu().numpy()
    return array.astype(np.uint8) if high <= 255 else array.astype(np.uint16)
