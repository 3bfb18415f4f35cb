"""Drawn pairs for the segmenter."""

from __future__ import annotations

import numpy as np

from pairaug.pairs.drawing import draw_blob_pair
from pairaug.segmenter.base import Example


def blobs(seed: int, count: int, height: int = 64, width: int = 64) -> list[Example]:
    """Drawn pairs of three classes."""
    rng = np.random.default_rng(seed)
    pairs = [draw_blob_pair(rng, height, width) for _ in range(count)]
    return [Example(as_unit(image), as_labels(mask)) for image, mask in pairs]


def as_unit(image: np.ndarray) -> np.ndarray:
    planes = image[..., None] if image.ndim == 2 else image
    return planes.astype(np.float32) / 255


def as_labels(mask: np.ndarray) -> np.ndarray:
    return np.unique(mask, return_inverse=True)[1].reshape(mask.shape).astype(np.uint8)
