"""Tiny pictures for the tests of this folder, drawn from a file's name so that no two are alike."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 48, 40


def photograph(seed: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """(height, width, 3) with more colours than any mask has classes."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 180, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    return (ramp + rng.integers(0, 36, (height, width, 3))).astype(np.uint8)


def classes(seed: int, count: int = 2, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """(height, width) in [0, count): one rectangle a class on a background of 0."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((height, width), dtype=np.uint8)
    for label in range(1, count):
        top, left = int(rng.integers(2, height - 16)), 2 + (label - 1) * (width // (count - 1))
        drawn[top : top + 9, left : left + max(width // (2 * count), 4)] = label
    return drawn


def seed_of(path: str) -> int:
    return zlib.crc32(path.encode())


def draw(root: Path, path: str, kind: str) -> Path:
    """Write ``path`` below ``root``: an ``image``, a ``mask``, an ``empty`` mask, a ``text``, or both ``glued``."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    seed = seed_of(path)
    if kind == "text":
        target.write_text("not a picture\n")
        return target
    mask = classes(seed) * np.uint8(255)
    if kind == "image":
        picture = Image.fromarray(photograph(seed))
    elif kind == "glued":
        picture = Image.fromarray(np.hstack([photograph(seed), np.repeat(mask[..., None], 3, axis=2)]))
    else:
        picture = Image.fromarray(mask * 0 if kind == "empty" else mask)
    if target.suffix.lower() == ".gif":
        picture = picture.quantize() if kind == "image" else picture
    picture.save(target)
    return target
