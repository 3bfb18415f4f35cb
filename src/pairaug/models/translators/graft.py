"""Graft: images composed of real pixels. Nothing is trained; the file holds the training pictures.

For a mask, a training picture whose objects were taken out (``erasing``) is the background (``backgrounds``), and the
objects of the mask are painted on it with whole real objects (``donors``, ``laying``) or, where there is none, tile by
tile with pixels of real ones (``patchwork``). Where the masks are trees, these change the level of the background as
real branches do (``profiles``): painted tile by tile, a vessel looked like a string of beads. So the mask is the truth
of the whole picture: nothing stands in it that the mask does not show; and one mask has many images.

A drawn mask is a wish, unless the user gives it: its objects take on the outlines of the real ones that are painted
for them, as far as these have room; where pictures show one object each, it is brought to where that stood
(``placing``). Where there are images without masks, these are the backgrounds, and what a segmenter finds in them stays
and becomes part of the mask.

What gives the images away: the same few backgrounds, large objects made of small ones, objects where none can be (a
lesion in the heart), and of a background that was nearly all object little is left to fill it with.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from pairaug.models.base import Example, Painted, Shape, Translator, require_positive
from pairaug.models.kinds import evenly, kind_of
from pairaug.models.translators.backgrounds import Backgrounds, Ground
from pairaug.models.translators.donors import Donors
from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.kept import Kept, from_tensors, kept_of, to_tensors
from pairaug.models.translators.laying import Canvas, lay
from pairaug.models.translators.patchwork import Patchwork
from pairaug.models.translators.profiles import Profiles
from pairaug.models.translators.sources import NOBODY, Sources, nobody, shares_of
from pairaug.models.translators.surroundings import Labels, following, things_in
from pairaug.models.translators.tiling import painted_in_tiles

_MOST_PIXELS = 2**25  # of the pictures that objects are taken from


@dataclass(frozen=True)
class GraftConfig:
    """``choosy``: how much more often a background is drawn whose levels fit and whose filled places are covered."""

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

    def translate(self, labels: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        return self.paint(labels, generators, complete=False).images

    def paint(self, labels: Tensor, generators: Sequence[torch.Generator], *, complete: bool) -> Painted:
        painted = [
            self._painted(mask.cpu().numpy().astype(np.uint8), _numpy_generator(generator), complete)
            for mask, generator in zip(labels, generators, strict=True)
        ]
        pictures, masks, sources = zip(*painted, strict=True)
        images = torch.from_numpy(np.stack(pictures)).clamp(-1, 1).to(labels.device)
        return Painted(images, torch.from_numpy(np.stack(masks)).long(), tuple(map(shares_of, sources)))

    def inference_state(self) -> dict[str, Tensor]:
        return to_tensors(self._pairs, self._bare)

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        self._keep(*from_tensors(state, self.shape))

    def _keep(self, pairs: list[Kept], bare: list[Kept]) -> None:
        self._pairs, self._bare = pairs, bare
        self._lock = threading.Lock()
        self.__dict__.pop("_painters", None)

    def _painted(self, mask: Labels, rng: np.random.Generator, complete: bool) -> tuple[Picture, Labels, Sources]:
        """A picture, the mask of what is on it, and (H, W) the numbers of the examples of which its pixels are."""
        with self._lock:  # built once, by the first thread that asks
            backgrounds, objects = self._painters
        ground = backgrounds.drawn(mask, rng, complete=complete)
        canvas = objects.painted(ground, rng, outlines=complete)
        labels = np.where(canvas.labels > 0, canvas.labels, ground.there)
        return canvas.picture, labels, np.where(canvas.sources == NOBODY, ground.number, canvas.sources)

    @cached_property
    def _painters(self) -> tuple[Backgrounds, Objects]:
        kind = kind_of([one.labels for one in evenly(self._pairs)], self.shape.classes)
        backgrounds = Backgrounds(self._pairs, self._bare, self.config.choosy, alone=kind == "single objects")
        return backgrounds, Objects(self._pairs, self.shape.classes, trees=kind == "trees")


class Objects:
    """What paints the objects of masks: thin ones by their profile, others by whole donors and by tiles of them."""

    def __init__(self, pairs: Sequence[Kept], classes: int, *, trees: bool) -> None:
        """Of as many of the pairs as may be held at once: of every which one."""
        pixels = sum(one.labels.size for one in pairs)
        self._step = max(1, -(-pixels // _MOST_PIXELS))
        some = pairs[:: self._step]
        masks, pictures = [one.labels for one in some], [one.picture for one in some]
        self._profiles = Profiles(masks, pictures) if trees else None
        if self._profiles is None:
            self._follow = following(masks, pictures)
            self._donors = Donors(masks, pictures)
            self._patchwork = Patchwork(masks, pictures, classes, self._follow)

    def painted(self, ground: Ground, rng: np.random.Generator, *, outlines: bool) -> Canvas:
        """What is wanted, on the ground; ``outlines``: objects may take on those of real ones."""
        canvas = Canvas(ground.picture.copy(), ground.wanted.copy(), ground.barred, nobody(ground.wanted.shape))
        if self._profiles is not None:
            manner = ground.number // self._step
            return replace(canvas, picture=self._profiles.paint(canvas.picture, canvas.labels, manner, rng))
        for thing in things_in(ground.wanted):
            fits = self._donors.fitting(thing, thing.surroundings(canvas.picture), rng)
            lay(canvas, thing, fits, self._follow, rng, outlines=outlines)
        picture, sources = painted_in_tiles(canvas.picture, canvas.labels, self._patchwork, rng, canvas.sources)
        return replace(canvas, picture=picture, sources=np.where(sources == NOBODY, NOBODY, sources * self._step))


def _numpy_generator(generator: torch.Generator) -> np.random.Generator:
    return np.random.default_rng(torch.randint(2**31, (4,), generator=generator).tolist())
