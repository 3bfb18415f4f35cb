"""The backgrounds on which objects are painted: real pictures, emptied, or with what stands in them.

Emptied: the objects of a training pair are taken out, or what was found in an image without a mask. One is drawn at
random for a mask, more often one whose levels around the objects would be like those around real objects, and where
what was filled is painted over again: a shadow below a lesion then belongs to a lesion. Where pictures show one object
each, the mask is brought to where that stood (``placing``), and the picture is bent a little with that place. With what
stands in them: images without masks alone, bent a little so that no two pairs are one; what was found there stays, and
of the mask is painted beside it what does not touch it, as long as the picture then holds no more parts than those of
the pairs do. Pictures of other sizes are scaled until they cover the mask, and cut.

Measured with a draft that bent nothing, on 5 CT pairs inside the training list (2,800 steps, seed 0, real pairs alone
0.667 at best, 22 images without masks): 0.731 where what was found stays, 0.654 where all that may be an object is
taken out, for what the segmenter has missed is then called background and nothing new is learnt; 0.699 without these
images.

Enters: kept pictures, and masks (H, W). Leaves: pictures (C, H, W) of the masks' sizes, in [-1, 1], and masks.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from pairaug.models.parts import EVERYWHERE, numbered, only
from pairaug.models.translators.bending import bent
from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.fields import keep_inside, outside
from pairaug.models.translators.kept import Kept
from pairaug.models.translators.placing import brought
from pairaug.models.translators.surroundings import Labels, Thing, things_in

CACHE_BYTES = 512 * 2**20
LOOKED_AT = 8  # backgrounds for each mask
LARGER = 0.7  # a picture is not made smaller than by this: a little larger is as good at its own scale
APART = 4  # pixels between what stands in a picture and what is painted beside it


@dataclass(frozen=True)
class Ground:
    """``picture`` (C, H, W); ``number``: whose it is, pairs first; ``wanted`` (H, W): what is to be painted on it;
    ``there`` (H, W): what stands in it; ``closed`` (H, W): where nothing can stand, None where that is not asked."""

    picture: Picture
    number: int
    wanted: Labels
    there: Labels
    closed: NDArray[np.bool_] | None = None

    @property
    def barred(self) -> NDArray[np.bool_]:
        """(H, W): where nothing may be painted but what is wanted there."""
        return self.there > 0 if self.closed is None else (self.there > 0) | self.closed


class Backgrounds:
    """``pairs``; ``bare``: images without masks, with what was found in them; ``alone``: pictures show one object each.

    May be asked from several threads.
    """

    def __init__(self, pairs: Sequence[Kept], bare: Sequence[Kept], choosy: float, *, alone: bool) -> None:
        self._pairs, self._bare, self._every, self._choosy = pairs, bare, [*pairs, *bare], choosy
        self._alone = alone
        self._emptied: dict[int, Picture] = {}
        self._lock = threading.Lock()

    def drawn(self, mask: Labels, rng: np.random.Generator, *, complete: bool) -> Ground:
        """One at the mask's size; ``complete``: as ``Translator.paint`` has it."""
        if complete and self._bare:
            ground = self._inhabited(mask, rng)
        else:
            ground = self._fitting(mask, rng, moved=complete and self._alone)
        if not complete or not self._bounded:
            return ground
        closed = outside(ground.picture)
        return replace(ground, wanted=np.where(closed, 0, ground.wanted).astype(np.uint8), closed=closed)

    def _inhabited(self, mask: Labels, rng: np.random.Generator) -> Ground:
        number = int(rng.integers(len(self._bare)))
        one, place = self._bare[number], rng.random(2).tolist()
        picture, there = bent(_covering(one.picture, mask.shape, place), _standing(one, mask.shape, place), rng)
        return Ground(picture, len(self._pairs) + number, self._beside(there, mask, rng), there)

    def _beside(self, there: Labels, mask: Labels, rng: np.random.Generator) -> Labels:
        """What of a mask may stand beside what is there: no part that touches it, and no more than pictures hold."""
        numbers, count = numbered(mask)
        near = ndimage.binary_dilation(there > 0, EVERYWHERE, APART)
        apart = np.setdiff1d(np.arange(1, count + 1), numbers[near])
        room = max(0, self._most - numbered(there)[1])
        return only(mask, numbers, rng.permutation(apart)[:room])

    @cached_property
    def _bounded(self) -> bool:
        """Whether nothing stands outside of the field of view. Where all is shown, nothing is taken out to see that."""
        some = self._pairs[:LOOKED_AT]
        if not any(outside(one.picture).any() for one in some):
            return False
        return keep_inside((one.emptied(number), one.labels) for number, one in enumerate(some))

    @cached_property
    def _most(self) -> int:
        """The greatest number of parts in the mask of a pair."""
        return max(numbered(one.labels)[1] for one in self._pairs)

    def _fitting(self, mask: Labels, rng: np.random.Generator, *, moved: bool) -> Ground:
        """An emptied one; ``moved``: the mask may be brought to where something stood."""
        some = rng.permutation(len(self._every))[:LOOKED_AT].tolist()
        places = rng.random((len(some), 2)).tolist()
        fitted = [_covering(self._empty(number), mask.shape, place) for number, place in zip(some, places, strict=True)]
        stood = [_standing(self._every[n], mask.shape, place) for n, place in zip(some, places, strict=True)]
        wanted = [brought(mask, there) if moved else mask for there in stood]
        things = [list(things_in(labels)) for labels in wanted] if moved else [list(things_in(mask))] * len(some)
        strange = np.array([self._strangeness(one, theirs) for one, theirs in zip(fitted, things, strict=True)])
        bared = np.array([_bared(there, labels) for there, labels in zip(stood, wanted, strict=True)])
        costs = strange / max(float(strange.mean()), 1e-6) + bared / max(float(bared.mean()), 1e-6)
        weights = np.exp(-self._choosy * (costs - costs.min()) / 2)
        chosen = int(rng.choice(len(fitted), p=weights / weights.sum()))
        if not moved:
            return Ground(fitted[chosen], some[chosen], mask, np.zeros_like(mask))
        picture, there = bent(fitted[chosen], stood[chosen], rng)
        return Ground(picture, some[chosen], brought(mask, there), np.zeros_like(mask))

    @cached_property
    def _levels(self) -> NDArray[np.float64]:
        """(N, C): the levels around all real objects."""
        found = [thing.surroundings(one.picture) for one in self._pairs for thing in things_in(one.labels)]
        known = [level for level in found if np.isfinite(level).all()]
        return np.array(known).reshape(len(known), len(self._pairs[0].levels))

    def _strangeness(self, background: Picture, things: Sequence[Thing]) -> float:
        """How far the levels around the objects would be from those around real ones, on average."""
        levels = [level for thing in things if np.isfinite(level := thing.surroundings(background)).all()]
        if not levels or not len(self._levels):
            return 0.0
        return float(np.mean([np.abs(self._levels - level).mean(axis=1).min() for level in levels]))

    def _empty(self, number: int) -> Picture:
        bounded = self._bounded
        with self._lock:
            if number not in self._emptied:
                one = self._every[number]
                found = one.emptied(number, outside(one.picture) if bounded else None)
                if (len(self._emptied) + 1) * found.nbytes > CACHE_BYTES:
                    self._emptied = {}
                self._emptied[number] = found
            return self._emptied[number]


def _bared(stood: Labels, mask: Labels) -> float:
    """The share of a picture that was filled where something stood, and that the mask leaves open."""
    return float(((stood > 0) & (mask == 0)).mean())


def _standing(one: Kept, size: tuple[int, ...], place: Sequence[float]) -> Labels:
    """(H, W): what stands in the window of a kept picture that ``_covering`` cuts."""
    found: Labels = _covering(one.labels[None].astype(np.float32), size, place, smooth=False)[0].astype(np.uint8)
    return found


def _covering(picture: Picture, size: tuple[int, ...], place: Sequence[float], *, smooth: bool = True) -> Picture:
    """A window of ``size`` at a place in [0, 1]^2, of the picture scaled no more than it takes to cover that.

    ``smooth``: False for labels, which are not mixed.
    """
    if picture.shape[1:] == size:
        return picture
    height, width = picture.shape[1:]
    factor = max(size[0] / height, size[1] / width)
    if factor > 1 or factor < LARGER:
        shape = [max(most, round(extent * factor)) for extent, most in zip((height, width), size, strict=True)]
        how = {"mode": "bilinear", "align_corners": False, "antialias": True} if smooth else {"mode": "nearest-exact"}
        picture = functional.interpolate(torch.from_numpy(picture)[None], size=shape, **how)[0].numpy()
    top, left = (
        int(share * (extent - most + 1)) for share, extent, most in zip(place, picture.shape[1:], size, strict=True)
    )
    return picture[:, top : top + size[0], left : left + size[1]]
