"""Changing the size of masks and images without inventing labels.

``resize_labels`` keeps every class's share of the area. Nearest-neighbour sampling breaks thin vessels and a
majority vote deletes them; instead each class is averaged over the new pixels, and the pixels that hold most of it
become it, as many as its share asks for, rarest class first. Pixel areas are aligned (half-pixel centres).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize_labels(classes: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W) classes -> (height, width) classes; no class appears that was not there, none vanishes."""
    if classes.shape == (height, width):
        return classes
    present, counts = np.unique(classes, return_counts=True)
    resized = np.full(height * width, present[counts.argmax()], dtype=np.uint8)
    free = np.ones(height * width, dtype=bool)
    scale = height * width / classes.size
    for label, count in sorted(zip(present.tolist(), counts.tolist(), strict=True), key=lambda item: item[1])[:-1]:
        soft = _resize_plane((classes == label).astype(np.float32), height, width).ravel()
        soft[~free] = 0
        wanted = min(max(1, round(count * scale)), int(np.count_nonzero(soft > 0)))
        if wanted == 0:
            continue
        # A stable order, so that ties between equal pixels fall the same way everywhere.
        chosen = np.argsort(-soft, kind="stable")[:wanted]
        resized[chosen] = label
        free[chosen] = False
    return resized.reshape(height, width)


def resize_image(pixels: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """(H, W) or (H, W, C) of uint8 or uint16 -> the same at (height, width); bicubic, averaged when shrinking."""
    if pixels.shape[:2] == (height, width):
        return pixels
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    top = np.iinfo(pixels.dtype).max
    resized = np.stack(
        [_resize_plane(planes[..., c].astype(np.float32), height, width, sharp=True) for c in range(planes.shape[2])],
        axis=2,
    )
    exact = np.rint(resized).clip(0, top).astype(pixels.dtype)
    return exact[..., 0] if pixels.ndim == 2 else exact


def _resize_plane(plane: NDArray[np.float32], height: int, width: int, *, sharp: bool = False) -> NDArray[np.float32]:
    method = Image.Resampling.BICUBIC if sharp else Image.Resampling.BILINEAR
    return np.array(Image.fromarray(plane).resize((width, height), method))
