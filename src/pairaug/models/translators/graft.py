"""Graft: images composed of real pixels. Nothing is trained; the file holds the training pictures.

For a mask, a training picture whose objects were taken out (``erasing``) is the background, and the objects of the
mask are painted on it with pixels of real ones (``patchwork``). So the mask is the truth of the whole picture: nothing
stands in it that the mask does not show, thin trees and blobs alike. The background is drawn at random, more often one
whose levels around the objects are like those around real objects; so one mask has many images.

Pictures of other sizes are scaled until they cover the mask, and cut; what is compared and painted stays at its own
scale. What gives the images away: large objects painted from small ones repeat their texture, and of a background that
was nearly all object little is left to fill it with.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from pairaug.models.base import Example, Shape, Translator, require_positive
from pairaug.models.translators.erasing import Picture, erased
from pairaug.models.translators.patchwork import Patchwork
from pairaug.models.translators.surroundings import Labels, Thing, things_in

_RIM = 0.006  # of the longer side: what is taken out around an object, for its blur or shadow
_CACHE_BYTES = 512 * 2**20
_MOST_PIXELS = 2**25  # of the pictures that patches are taken from
Levels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class GraftConfig:
    """``choosy``: how much more often a background is drawn whose levels fit (0: any)."""

    choosy: float = 3.0

    def __post_init__(self) -> None:
        require_positive(self, "choosy")


@dataclass(frozen=True)
class Kept:
    """A training pair: ``labels`` (H, W) in [0, K), ``levels`` (C, H, W), ``intensity``: those of black and white."""

    labels: Labels
    levels: Levels
    intensity: tuple[int, int]

    @property
    def picture(self) -> Picture:
        """(C, H, W) in [-1, 1]."""
        low, high = self.intensity
        return (self.levels.astype(np.float32) - low) * np.float32(2 / (high - low)) - 1


class Graft(Translator):
    """Real objects on real backgrounds, at any size."""

    name: ClassVar[str] = "graft"
    Config = GraftConfig

    def __init__(self, config: GraftConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self._keep([])

    def remember(self, examples: Sequence[Example]) -> None:
        self._keep(
            [
                Kept(one.labels, _planes_first(one.image), one.intensity)
                for one in examples
                if one.labels is not None and one.image is not None
            ]
        )

    def translate(
        self, labels: Tensor, generators: Sequence[torch.Generator], style: Sequence[Example] | None = None
    ) -> Tensor:
        painted = [
            self._painted(mask.cpu().numpy().astype(np.uint8), _numpy_generator(generator))
            for mask, generator in zip(labels, generators, strict=True)
        ]
        return torch.from_numpy(np.stack(painted)).clamp(-1, 1).to(labels.device)

    def inference_state(self) -> dict[str, Tensor]:
        """All masks in a row, all pictures in a row, their sizes (N, 2), and the levels of black and white."""
        return {
            "masks": torch.from_numpy(np.concatenate([one.labels.ravel() for one in self._pairs])),
            "pictures": torch.from_numpy(np.concatenate([one.levels.ravel() for one in self._pairs])),
            "sizes": torch.tensor([one.labels.shape for one in self._pairs], dtype=torch.int64),
            "intensity": torch.tensor(self._pairs[0].intensity, dtype=torch.int64),
        }

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        if state.keys() != {"masks", "pictures", "sizes", "intensity"}:
            raise ValueError(f"tensors differ by name: {', '.join(sorted(state))}")
        masks, pictures, sizes = (state[name].numpy() for name in ("masks", "pictures", "sizes"))
        low, high = state["intensity"].tolist()
        if sizes.ndim != 2 or sizes.shape[1:] != (2,) or not len(sizes) or (sizes < 1).any():
            raise ValueError("tensor sizes: not (N, 2) of heights and widths")
        if pictures.dtype not in (np.uint8, np.uint16) or low >= high:
            raise ValueError("tensor pictures: not grey levels between black and white")
        areas = sizes.prod(axis=1)
        if masks.shape != (areas.sum(),) or pictures.shape != (areas.sum() * self.shape.channels,):
            raise ValueError("tensors masks and pictures: not of the sizes that are said")
        if masks.dtype != np.uint8 or masks.max() >= self.shape.classes:
            raise ValueError(f"tensor masks: not of {self.shape.classes} classes")
        ends = areas.cumsum()
        self._keep(
            [
                Kept(
                    masks[end - area : end].reshape(height, width),
                    pictures[(end - area) * self.shape.channels : end * self.shape.channels].reshape(-1, height, width),
                    (low, high),
                )
                for (height, width), area, end in zip(sizes.tolist(), areas.tolist(), ends.tolist(), strict=True)
            ]
        )

    def _keep(self, pairs: list[Kept]) -> None:
        self._pairs = pairs
        self._empty: dict[int, Picture] = {}
        self._lock = threading.Lock()
        for name in ("_patchwork", "_levels"):
            self.__dict__.pop(name, None)

    def _painted(self, mask: Labels, rng: np.random.Generator) -> Picture:
        with self._lock:  # built once, by the first thread that asks
            patchwork = self._patchwork
        return patchwork.paint(self._background(mask, rng), mask, rng)

    @cached_property
    def _patchwork(self) -> Patchwork:
        """Of as many of the pictures as may be held at once, evenly chosen."""
        pixels = sum(one.labels.size for one in self._pairs)
        some = self._pairs[:: max(1, -(-pixels // _MOST_PIXELS))]
        return Patchwork([one.labels for one in some], [one.picture for one in some], self.shape.classes)

    @cached_property
    def _levels(self) -> NDArray[np.float64]:
        """(N, C): the levels around all real objects."""
        found = [thing.surroundings(one.picture) for one in self._pairs for thing in things_in(one.labels)]
        known = [level for level in found if np.isfinite(level).all()]
        return np.array(known).reshape(-1, self.shape.channels)

    def _background(self, mask: Labels, rng: np.random.Generator) -> Picture:
        """An emptied picture at the mask's size."""
        things = list(things_in(mask))
        places = rng.random((len(self._pairs), 2))
        fitted = [_covering(self._emptied(number), mask.shape, place) for number, place in enumerate(places.tolist())]
        costs = np.array([self._strangeness(one, things) for one in fitted])
        weights = np.exp(-self.config.choosy * (costs - costs.min()) / max(float(costs.mean()), 1e-6))
        return fitted[int(rng.choice(len(fitted), p=weights / weights.sum()))]

    def _strangeness(self, background: Picture, things: Sequence[Thing]) -> float:
        """How far the levels around the objects would be from those around real ones, on average."""
        levels = [level for thing in things if np.isfinite(level := thing.surroundings(background)).all()]
        if not levels or not len(self._levels):
            return 0.0
        return float(np.mean([np.abs(self._levels - level).mean(axis=1).min() for level in levels]))

    def _emptied(self, number: int) -> Picture:
        """A training picture without its objects; the same in every run."""
        with self._lock:
            if number not in self._empty:
                one = self._pairs[number]
                rim = max(2, round(_RIM * max(one.labels.shape)))
                hole = ndimage.binary_dilation(one.labels > 0, iterations=rim)
                found = erased(one.picture, hole, np.random.default_rng(number))
                if (len(self._empty) + 1) * found.nbytes > _CACHE_BYTES:
                    self._empty = {}
                self._empty[number] = found
            return self._empty[number]


def _covering(picture: Picture, size: tuple[int, ...], place: Sequence[float]) -> Picture:
    """A window of ``size`` at a place in [0, 1]^2, of the picture scaled no more than it takes to cover that."""
    if picture.shape[1:] == size:
        return picture
    height, width = picture.shape[1:]
    factor = max(size[0] / height, size[1] / width)
    if factor > 1 or factor < 0.7:  # a little larger is as good at its own scale
        shape = [max(most, round(extent * factor)) for extent, most in zip((height, width), size, strict=True)]
        scaled = functional.interpolate(
            torch.from_numpy(picture)[None], size=shape, mode="bilinear", align_corners=False, antialias=True
        )
        picture = scaled[0].numpy()
    top, left = (
        int(share * (extent - most + 1)) for share, extent, most in zip(place, picture.shape[1:], size, strict=True)
    )
    return picture[:, top : top + size[0], left : left + size[1]]


def _planes_first(image: Levels) -> Levels:
    return image.transpose(2, 0, 1).copy()


def _numpy_generator(generator: torch.Generator) -> np.random.Generator:
    return np.random.default_rng(torch.randint(2**31, (4,), generator=generator).tolist())
