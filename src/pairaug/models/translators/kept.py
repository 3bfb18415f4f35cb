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
from pairaug.models.translators.erasing import Picture, erased
from pairaug.models.translators.surroundings import Labels

RIM = 0.006  # of the longer side: what is taken out around an object, for its blur or shadow
Levels = NDArray[np.uint8] | NDArray[np.uint16]
_NAMES = {"masks", "pictures", "sizes", "intensity"}


@dataclass(frozen=True)
class Kept:
    """A picture: ``levels`` (C, H, W), ``intensity``: those of black and white, ``labels`` (H, W) in [0, K).

    All labels 0: a background, in which nothing stands.
    """

    labels: Labels
    levels: Levels
    intensity: tuple[int, int]

    @property
    def picture(self) -> Picture:
        """(C, H, W) in [-1, 1]."""
        low, high = self.intensity
        return (self.levels.astype(np.float32) - low) * np.float32(2 / (high - low)) - 1

    def emptied(self, seed: int) -> Picture:
        """The picture without its objects; the same in every run."""
        if not self.labels.any():
            return self.picture
        rim = max(2, round(RIM * max(self.labels.shape)))
        return erased(self.picture, ndimage.binary_dilation(self.labels > 0, iterations=rim), _rng(seed))


def kept_of(examples: Sequence[Example]) -> tuple[list[Kept], list[Kept]]:
    """The pairs; and the images without masks as backgrounds, taken out what their ``suspects`` name."""
    pairs, backgrounds = [], []
    for number, one in enumerate(examples):
        if one.image is None:
            continue
        levels = one.image.transpose(2, 0, 1).copy()
        nothing = np.zeros(levels.shape[1:], np.uint8)
        kept = Kept(nothing if one.labels is None else one.labels, levels, one.intensity)
        if one.labels is not None:
            pairs.append(kept)
        elif one.suspects is not None:
            backgrounds.append(_without(kept, one.suspects, number))
    return pairs, backgrounds


def _without(kept: Kept, region: NDArray[np.bool_], seed: int) -> Kept:
    low, high = kept.intensity
    found = (erased(kept.picture, region, _rng(seed)) + 1) * ((high - low) / 2) + low
    return Kept(kept.labels, np.rint(found).clip(low, high).astype(kept.levels.dtype), kept.intensity)


def to_tensors(pairs: Sequence[Kept], backgrounds: Sequence[Kept]) -> dict[str, Tensor]:
    """All masks of the pairs in a row; all pictures, those of the pairs first; their sizes (N, 2); black and white."""
    every = [*pairs, *backgrounds]
    return {
        "masks": torch.from_numpy(np.concatenate([one.labels.ravel() for one in pairs])),
        "pictures": torch.from_numpy(np.concatenate([one.levels.ravel() for one in every])),
        "sizes": torch.tensor([one.levels.shape[1:] for one in every], dtype=torch.int64),
        "intensity": torch.tensor(pairs[0].intensity, dtype=torch.int64),
    }


def from_tensors(state: Mapping[str, Tensor], shape: Shape) -> tuple[list[Kept], list[Kept]]:
    """The inverse. Raises ValueError for what is none of it."""
    if state.keys() != _NAMES:
        raise ValueError(f"tensors differ by name: {', '.join(sorted(state.keys() ^ _NAMES))}")
    masks, pictures, sizes = (state[name].numpy() for name in ("masks", "pictures", "sizes"))
    low, high = state["intensity"].tolist()
    if sizes.ndim != 2 or sizes.shape[1:] != (2,) or not len(sizes) or (sizes < 1).any():
        raise ValueError("tensor sizes: not (N, 2) of heights and widths")
    if pictures.dtype not in (np.uint8, np.uint16) or low >= high:
        raise ValueError("tensor pictures: not grey levels between black and white")
    ends = sizes.prod(axis=1).cumsum()
    if masks.ndim != 1 or len(masks) not in ends or pictures.shape != (ends[-1] * shape.channels,):
        raise ValueError("tensors masks and pictures: not of the sizes that are said")
    if masks.dtype != np.uint8 or masks.max() >= shape.classes:
        raise ValueError(f"tensor masks: not of {shape.classes} classes")
    paired = int(np.searchsorted(ends, len(masks))) + 1
    labels = [*np.split(masks, ends[: paired - 1]), *(np.zeros(area, np.uint8) for area in sizes[paired:].prod(axis=1))]
    kept = [
        Kept(own.reshape(size), levels.reshape(shape.channels, *size), (low, high))
        for own, levels, size in zip(
            labels, np.split(pictures, ends[:-1] * shape.channels), sizes.tolist(), strict=True
        )
    ]
    return kept[:paired], kept[paired:]


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
