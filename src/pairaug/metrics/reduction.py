"""Reduce masks and images of any size to one small grid, by area.

Each target cell is the mean of the source area it covers, with fractional weights at its edges, so that a flip or a
right-angle turn before the reduction equals the same after it, and nothing is lost to the phase of a sampling grid.
Two matrix products, A_rows x A_columns^T, do it for every channel.

Enters: labels (H, W) in [0, K); images (H, W) or (H, W, C), floating point in [0, 1].
Leaves: float32 (rows, columns, C) in [0, 1].
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Labels = NDArray[np.integer[Any]]


def one_hot(labels: Labels, classes: int) -> FloatArray:
    """Labels (H, W) in [0, classes) as the picture of its foreground classes, (H, W, classes - 1) of 0 and 1."""
    check_labels(labels, classes)
    picture: FloatArray = (labels[..., None] == np.arange(1, classes)).astype(np.float32)
    return picture


def check_labels(labels: Labels, classes: int) -> None:
    """Raise ValueError unless ``labels`` is (H, W), of integers in [0, classes)."""
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be (H, W) of integers, got {labels.shape} of {labels.dtype}")
    if classes < 2:
        raise ValueError(f"classes counts the background too, so it is at least 2, got {classes}")
    if labels.size == 0 or int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(f"labels must fill an area with values in [0, {classes}), got {labels.shape}")


def as_channels(image: NDArray[np.floating[Any]]) -> FloatArray:
    """An image (H, W) or (H, W, C), floating point in [0, 1], as float32 (H, W, C); ValueError for anything else."""
    if image.ndim not in (2, 3) or image.size == 0 or not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"an image is (H, W) or (H, W, C) floating point in [0, 1], got {image.shape} {image.dtype}")
    low, high = float(image.min()), float(image.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):  # NaN fails too
        raise ValueError(f"an image lies in [0, 1], got [{low:g}, {high:g}]")
    channels = image if image.ndim == 3 else image[..., None]
    return np.ascontiguousarray(channels, dtype=np.float32)


@lru_cache(maxsize=512)
def _area_weights(source: int, target: int) -> FloatArray:
    """(target, source): how much of each source pixel lies in each target cell; every row sums to 1."""
    edges = np.arange(target + 1) * (source / target)
    pixels = np.arange(source)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.maximum(overlap, 0)
    shares: FloatArray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def reduce_area(channels: FloatArray, rows: int, columns: int) -> FloatArray:
    """(H, W, C) to (rows, columns, C), each cell the mean over the area that it covers."""
    height, width, depth = channels.shape
    across = np.tensordot(_area_weights(height, rows), channels, axes=(1, 0))  # (rows, W, C)
    reduced = np.einsum("cw,rwd->rcd", _area_weights(width, columns), across, optimize=True)
    return np.ascontiguousarray(reduced.reshape(rows, columns, depth), dtype=np.float32)
