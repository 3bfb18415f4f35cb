"""Graft: images composed of real pixels. Nothing is trained; the file holds the training pictures.

For a mask, a training picture whose objects were taken out (``erasing``) is the background (``backgrounds``), and the
objects of the mask are painted on it with whole real objects of like shape (``donors``) or, where there is none, tile
by tile with pixels of real ones (``patchwork``). So the mask is the truth of the whole picture: nothing stands in it
that the mask does not show, thin trees and blobs alike; and one mask has many images. Images without masks are further
backgrounds, once everything is taken out of them that may be an object.

What gives the images away: large objects painted from small ones repeat their texture, and of a background that was
nearly all object little is left to fill it with.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from pairaug.models.base import Example, Shape, Shares, Translator, require_positive
from pairaug.models.translators.backgrounds import Backgrounds
from pairaug.models.translators.donors import Donors
from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.kept import Kept, from_tensors, kept_of, to_tensors
from pairaug.models.translators.patchwork import Patchwork
from pairaug.models.translators.sources import NOBODY, Sources, shares_of
from pairaug.models.translators.surroundings import Labels, following

_MOST_PIXELS = 2**25  # of the pictures that objects are taken from


@dataclass(frozen=True)
class GraftConfig:
    """``choosy``: how much more often a background is drawn whose levels fit."""

    choosy: float = 3.0

    def __post_init__(self) -> None:
        require_positive(self, "choosy")


class Graft(Translator):
    """Real objects on real backgrounds, at any size."""

    name: ClassVar[str] = "graft"
    Config = GraftConfig

    def __init__(self, config: GraftConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self._keep([], [])

    def remember(self, examples: Sequence[Example]) -> None:
        self._keep(*kept_of(examples))

    def translate(
        self, labels: Tensor, generators: Sequence[torch.Generator], style: Sequence[Example] | None = None
    ) -> Tensor:
        return self.traced(labels, generators)[0]

    def traced(self, labels: Tensor, generators: Sequence[torch.Generator]) -> tuple[Tensor, list[Shares]]:
        painted = [
            self._painted(mask.cpu().numpy().astype(np.uint8), _numpy_generator(generator))
            for mask, generator in zip(labels, generators, strict=True)
        ]
        pictures = torch.from_numpy(np.stack([picture for picture, _ in painted])).clamp(-1, 1)
        return pictures.to(labels.device), [shares_of(sources) for _, sources in painted]

    def inference_state(self) -> dict[str, Tensor]:
        return to_tensors(self._pairs, self._backgrounds)

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        self._keep(*from_tensors(state, self.shape))

    def _keep(self, pairs: list[Kept], backgrounds: list[Kept]) -> None:
        self._pairs, self._backgrounds = pairs, backgrounds
        self._lock = threading.Lock()
        self.__dict__.pop("_painters", None)

    def _painted(self, mask: Labels, rng: np.random.Generator) -> tuple[Picture, Sources]:
        """A picture, and (H, W) the numbers of the examples of which its pixels are."""
        with self._lock:  # built once, by the first thread that asks
            backgrounds, donors, patchwork, step = self._painters
        number, canvas = backgrounds.fitting(mask, rng)
        canvas, sources = donors.paint(canvas, mask, rng)
        picture, sources = patchwork.paint(canvas, mask, rng, sources)
        return picture, np.where(sources == NOBODY, number, sources * step)

    @cached_property
    def _painters(self) -> tuple[Backgrounds, Donors, Patchwork, int]:
        """Of as many of the pictures as may be held at once: of every which one."""
        pixels = sum(one.labels.size for one in self._pairs)
        step = max(1, -(-pixels // _MOST_PIXELS))
        some = self._pairs[::step]
        masks, pictures = [one.labels for one in some], [one.picture for one in some]
        follow = following(masks, pictures)
        return (
            Backgrounds(self._pairs, self._backgrounds, self.config.choosy),
            Donors(masks, pictures, follow),
            Patchwork(masks, pictures, self.shape.classes, follow),
            step,
        )


def _numpy_generator(generator: torch.Generator) -> np.random.Generator:
    return np.random.default_rng(torch.randint(2**31, (4,), generator=generator).tolist())
