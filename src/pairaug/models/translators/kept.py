"""What a model that paints with real pixels keeps of its training data, and how that lies in its file.

Enters: examples. Leaves: ``Kept``; as tensors and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from pairaug.models.base import Example, Shape
from pairaug.models.translators.erasing import Picture, Region, erased
from pairaug.models.translators.surroundings import Labels, thickness

# What is taken out around objects, for their blur or shadow: of the longer side, and of their thickness, but of that no
# more than so many pixels. Of nuclei 15 px wide a rim of 2 px left rings that looked like dim nuclei.
RIM, OF_OBJECT, MOST = 0.006, 0.45, 6
Levels = NDArray[np.uint8] | NDArray[np.uint16]
_NAMES = {"pairs", "masks", "pictures", "sizes", "intensity"}


@dataclass(frozen=True)
class Kept:
    """A picture: ``levels`` (C, H, W), ``intensity``: those of black and white, ``labels`` (H, W) in [0, K)."""

    labels: Labels
    levels: Levels
    intensity: tuple[int, int]

    @property
    def picture(self) -> Picture:
        """(C, H, W) in [-1, 1]."""
        low, high = self.intensity
        return (self.levels.astype(np.float32) - low) * np.float32(2 / (high - low)) - 1

    def emptied(self, seed: int, beyond: Region | None = None) -> Picture:
        """The picture without its objects; the same in every run. ``beyond``: what gives no pixels for that."""
        if not self.labels.any():
            return self.picture
        rim = max(2, round(max(RIM * max(self.labels.shape), min(MOST, OF_OBJECT * thickness([self.labels])))))
        return erased(self.picture, ndimage.binary_dilation(self.labels > 0, iterations=rim), _rng(seed), beyond)


def kept_of(examples: Sequence[Example]) -> tuple[list[Kept], list[Kept]]:
    """The pairs; and the images without masks, with what was found in them."""
    pairs: list[Kept] = []
    bare: list[Kept] = []
    for one in examples:
        labels = one.found if one.labels is None else one.labels
        if one.image is not None and labels is not None:
            kept = Kept(labels, one.image.transpose(2, 0, 1).copy(), one.intensity)
            (bare if one.labels is None else pairs).append(kept)
    return pairs, bare


def to_tensors(pairs: Sequence[Kept], bare: Sequence[Kept]) -> dict[str, Tensor]:
    """All masks in a row, all pictures in a row, those of the pairs first, their number; sizes (N, 2); black, white."""
    every = [*pairs, *bare]
    return {
        "pairs": torch.tensor(len(pairs)),
        "masks": torch.from_numpy(np.concatenate([one.labels.ravel() for one in every])),
        "pictures": torch.from_numpy(np.concatenate([one.levels.ravel() for one in every])),
        "sizes": torch.tensor([one.levels.shape[1:] for one in every], dtype=torch.int64),
        "intensity": torch.tensor(pairs[0].intensity, dtype=torch.int64),
    }


def from_tensors(state: Mapping[str, Tensor], shape: Shape) -> tuple[list[Kept], list[Kept]]:
    """The inverse. Raises ValueError for what is none of it."""
    if state.keys() != _NAMES:
        raise ValueError(f"tensors differ by name: {', '.join(sorted(state.keys() ^ _NAMES))}")
    masks, pictures, sizes = (state[name].numpy() for name in ("masks", "pictures", "sizes"))
    if state["intensity"].shape != (2,) or state["pairs"].shape != ():
        raise ValueError("tensors intensity and pairs: not two levels and a number")
    low, high = state["intensity"].tolist()
    if sizes.ndim != 2 or sizes.shape[1:] != (2,) or not len(sizes) or (sizes < 1).any():
        raise ValueError("tensor sizes: not (N, 2) of heights and widths")
    if pictures.dtype not in (np.uint8, np.uint16) or low >= high:
        raise ValueError("tensor pictures: not grey levels between black and white")
    areas = sizes.prod(axis=1)
    if masks.shape != (areas.sum(),) or pictures.shape != (areas.sum() * shape.channels,):
        raise ValueError("tensors masks and pictures: not of the sizes that are said")
    if masks.dtype != np.uint8 or masks.max() >= shape.classes:
        raise ValueError(f"tensor masks: not of {shape.classes} classes")
    paired = int(state["pairs"])
    if not 1 <= paired <= len(sizes):
        raise ValueError("tensor pairs: not a number of the pictures")
    ends = areas.cumsum()[:-1]
    kept = [
        Kept(labels.reshape(size), levels.reshape(shape.channels, *size), (low, high))
        for labels, levels, size in zip(
            np.split(masks, ends), np.split(pictures, ends * shape.channels), sizes.tolist(), strict=True
        )
    ]
    return kept[:paired], kept[paired:]


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
