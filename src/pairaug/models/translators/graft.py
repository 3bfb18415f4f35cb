"""Graft: images composed of real pixels. Nothing is trained; the file holds the training pictures.

For a mask: a training picture whose objects were taken out (``erasing``) is the background; every object of the mask
gets the pixels of a real object of like size and form, brought to its outline (``registration``), lifted to the level
of its new surroundings, and blended over one to three pixels. So the mask is the truth of the whole picture: nothing
stands in it that the mask does not show. Background and donors are drawn at random, the fitting ones more often, so
that one mask has many images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from pairaug.models.base import Example, Shape, Translator, require_positive
from pairaug.models.translators.bank import Labels, Picture, Thing, things_in
from pairaug.models.translators.erasing import erased
from pairaug.models.translators.registration import read, register, signed_distance

_RIM = 0.008  # of the side: what is erased around an object, for its shadow or blur
_CACHE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class GraftConfig:
    """``feather``: the most pixels over which an object is blended; ``choosy``: how much better fitting donors and
    backgrounds are preferred (0: any)."""

    feather: float = 3.0
    choosy: float = 3.0

    def __post_init__(self) -> None:
        require_positive(self, "feather")


@dataclass(frozen=True)
class Donor:
    """An object of training picture ``number``; ``form`` and ``level`` as ``Thing`` measures them."""

    number: int
    thing: Thing
    form: NDArray[np.float64]
    level: NDArray[np.float64]


class Graft(Translator):
    """Real objects on real backgrounds, at any size."""

    name: ClassVar[str] = "graft"
    Config = GraftConfig

    def __init__(self, config: GraftConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self._masks: list[Labels] = []
        self._pictures: list[Picture] = []
        self._donors: list[Donor] = []
        self._emptied: dict[int, Picture] = {}

    def remember(self, examples: Sequence[Example]) -> None:
        pairs = [one for one in examples if one.labels is not None and one.image is not None]
        self._keep([one.labels for one in pairs], [_as_unit(one) for one in pairs])

    def translate(
        self, labels: Tensor, generators: Sequence[torch.Generator], style: Sequence[Example] | None = None
    ) -> Tensor:
        painted = [
            self._painted(mask.numpy().astype(np.uint8), _numpy_generator(generator))
            for mask, generator in zip(labels, generators, strict=True)
        ]
        return torch.from_numpy(np.stack(painted))

    def inference_state(self) -> dict[str, Tensor]:
        masks = torch.cat([torch.from_numpy(mask).flatten() for mask in self._masks])
        sizes = torch.tensor([list(mask.shape) for mask in self._masks], dtype=torch.int64).reshape(-1, 2)
        return {"masks": masks, "sizes": sizes, "pictures": torch.cat([torch.from_numpy(one).flatten() for one in self._pictures])}

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        raise NotImplementedError

    def _keep(self, masks: list[Labels], pictures: list[Picture]) -> None:
        self._masks, self._pictures, self._emptied = masks, pictures, {}
        self._donors = [
            Donor(number, thing, thing.form(self.shape.classes), thing.surroundings(picture))
            for number, (mask, picture) in enumerate(zip(masks, pictures, strict=True))
            for thing in things_in(mask)
        ]

    def _painted(self, mask: Labels, rng: np.random.Generator) -> Picture:
        things = list(things_in(mask))
        picture = self._background(mask, things, rng).copy()
        for thing in things:
            donor = self._donor(thing, thing.surroundings(picture), rng)
            if donor is not None:
                self._transplant(picture, thing, donor, rng)
        return picture.clip(-1, 1)

    def _background(self, mask: Labels, things: Sequence[Thing], rng: np.random.Generator) -> Picture:
        """An emptied picture at the mask's size: where the surroundings of objects are like those of donors."""
        candidates = [self._empty_picture(number, mask.shape) for number in range(len(self._pictures))]
        levels = np.array([donor.level for donor in self._donors])
        costs = np.zeros(len(candidates))
        for index, candidate in enumerate(candidates):
            found = [thing.surroundings(candidate) for thing in things]
            apart = [np.nanmin(np.abs(levels - level).mean(axis=1)) for level in found if np.isfinite(level).all()]
            costs[index] = np.mean(apart) if apart and len(levels) else 0.0
        return candidates[_drawn(costs / max(float(costs.mean()), 1e-6), self.config.choosy, rng)]

    def _empty_picture(self, number: int, size: tuple[int, ...]) -> Picture:
        if number not in self._emptied:
            mask = self._masks[number]
            rim = max(2, round(_RIM * max(mask.shape)))
            hole = ndimage.binary_dilation(mask > 0, iterations=rim)
            found = erased(self._pictures[number], hole, np.random.default_rng(number))
            if (len(self._emptied) + 1) * found.nbytes > _CACHE_BYTES:
                self._emptied = {}
            self._emptied[number] = found
        found = self._emptied[number]
        if found.shape[1:] == size:
            return found
        return functional.interpolate(torch.from_numpy(found)[None], size=tuple(size), mode="bilinear", antialias=True)[0].numpy()

    def _donor(self, thing: Thing, level: NDArray[np.float64], rng: np.random.Generator) -> Donor | None:
        if not self._donors:
            return None
        form = thing.form(self.shape.classes)
        costs = np.array([np.abs(donor.form - form).sum() for donor in self._donors])
        apart = np.array([np.abs(donor.level - level).mean() for donor in self._donors])
        return self._donors[_drawn(costs + np.nan_to_num(apart), self.config.choosy, rng)]

    def _transplant(self, picture: Picture, thing: Thing, donor: Donor, rng: np.random.Generator) -> None:
        source = self._pictures[donor.number][:, *donor.thing.box]
        places = register(thing.labels, donor.thing.labels)
        pixels = np.stack([read(channel, places) for channel in source])
        shift = np.nan_to_num(thing.surroundings(picture) - donor.level)
        feather = rng.uniform(1.0, self.config.feather)
        cover = np.clip(signed_distance(thing.labels > 0) / feather + 0.5, 0, 1)
        target = picture[:, *thing.box]
        target += (cover * (pixels + shift[:, None, None] - target)).astype(np.float32)


def _drawn(costs: NDArray[np.float64], choosy: float, rng: np.random.Generator) -> int:
    weights = np.exp(-choosy * (costs - costs.min()))
    return int(rng.choice(len(costs), p=weights / weights.sum()))


def _as_unit(example: Example) -> Picture:
    assert example.image is not None
    low, high = example.intensity
    levels = (example.image.astype(np.float32) - low) * np.float32(2 / (high - low)) - 1
    return np.ascontiguousarray(levels.transpose(2, 0, 1))


def _numpy_generator(generator: torch.Generator) -> np.random.Generator:
    return np.random.default_rng(torch.randint(2**31, (4,), generator=generator).tolist())
