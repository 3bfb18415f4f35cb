"""Pixels <-> tensors: the only place that knows grey levels and [-1, 1] both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairaug.arrays.resampling import resize_image, resize_labels
from pairaug.models.base import Batch, Shape
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes, load_image
from pairaug.pairs.levels import deep_pixels


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


@dataclass(frozen=True)
class TrainingSet:
    """All pairs at the working size, kept as bytes; a batch becomes floats when it is asked for.

    ``labels`` (n, H, W) uint8; ``images`` (n, H, W, C) uint8 or uint16, None where only masks are learnt.
    """

    labels: NDArray[np.uint8]
    images: NDArray[np.uint8] | NDArray[np.uint16] | None
    intensity: tuple[int, int]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int], device: torch.device) -> Batch:
        chosen = list(indices)
        labels = torch.from_numpy(self.labels[chosen]).long().to(device)
        if self.images is None:
            return Batch(labels)
        return Batch(labels, to_unit(self.images[chosen], self.intensity).to(device))


def load_training_set(checked: Checked, shape: Shape) -> TrainingSet:
    """Every pair decoded and brought to the working size; masks keep their labels, images their grey levels."""
    size = (shape.height, shape.width)
    labels = [
        resize_labels(load_classes(checked.root, item, checked.policy, checked.label_map), *size)
        for item in checked.pairs
    ]
    if not shape.channels:
        return TrainingSet(np.stack(labels), None, checked.intensity)
    images = []
    for item in checked.pairs:
        pixels = resize_image(load_image(checked.root, item, checked.policy), *size)
        if pixels.dtype == np.uint8 and checked.intensity[1] > 255:  # 8-bit pictures among 16-bit ones
            pixels = deep_pixels(pixels, checked.intensity)
        images.append(_with_channels(pixels, shape.channels))
    return TrainingSet(np.stack(labels), np.stack(images), checked.intensity)


def _with_channels(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """(H, W) or (H, W, 3) -> (H, W, channels): grey among colour repeats its level, three equal channels become one."""
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    return np.repeat(planes[..., :1], channels, axis=2) if planes.shape[2] != channels else planes
