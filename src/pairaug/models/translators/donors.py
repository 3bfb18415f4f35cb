"""Objects painted with whole real objects: for each object of a mask a donor of like shape.

Donors are tried in the poses that bring their main axes onto the object's, scaled to its area; one that covers it
well is drawn, and laid over it (``laying``).

Enters: masks (H, W) in [0, K), pictures (C, H, W) float32. Leaves: donors in their poses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.surroundings import Labels, Thing, things_in

Floats = NDArray[np.float64]
Region = NDArray[np.bool_]

LEAST_AREA = 16  # pixels of a donor
LOOKED_AT = 32  # donors of like size, each in four poses
GRID = 40  # poses are compared on so many places a side
LEAST = 0.3  # of object and donor together must be labelled alike
STRETCH = 0.15  # what halving or doubling the size costs, in the same share
TURNED = 0.05  # and a turn by half a circle
STRANGE = 0.2  # what it costs, in the same share, that levels around differ as those around any two objects do
LOOSE = 0.05  # how much more often the better donor is drawn: e-fold for so much of the share
MOST_STRETCH = 2.5


@dataclass(frozen=True)
class Form:
    """Of an object of (h, w): ``area`` in pixels, ``middle`` (2,), and ``axes`` (2, 2), the longer one first.

    ``axes`` are turns alone: rows are orthonormal.
    """

    area: int
    middle: Floats
    axes: Floats

    @classmethod
    def of(cls, inside: Region) -> Form:
        places = np.argwhere(inside).astype(np.float64)
        middle = places.mean(axis=0)
        spread = np.cov(places.T) if len(places) > 1 else np.eye(2)
        _, vectors = np.linalg.eigh(spread + 1e-6 * np.eye(2))
        return cls(len(places), middle, vectors[:, ::-1].T)


@dataclass(frozen=True)
class Donor:
    """An object of a training pair in its box: ``labels`` (h, w) of it alone, ``others`` where further ones stand,
    ``pixels`` (C, h, w), and ``ring`` (C,), the level around it."""

    number: int
    labels: Labels
    others: Region
    pixels: Picture
    ring: Floats

    @cached_property
    def form(self) -> Form:
        return Form.of(self.labels > 0)


@dataclass(frozen=True)
class Pose:
    """Where in the donor a place of the target lies: ``matrix`` @ (place - ``target``) + ``donor``."""

    matrix: Floats
    target: Floats
    donor: Floats

    def places(self, at: Floats) -> Floats:
        """(2, ...) -> (2, ...)."""
        moved: Floats = np.tensordot(self.matrix, at - _beside(self.target, at), 1) + _beside(self.donor, at)
        return moved

    @property
    def scale(self) -> float:
        """Pixels of the target for each of the donor."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.matrix))))


@dataclass(frozen=True)
class Fit:
    """A donor in a pose; ``share`` of both that is labelled alike, less what stretch and turn cost."""

    donor: Donor
    pose: Pose
    share: float


class Donors:
    """The objects of training pairs."""

    def __init__(self, masks: Sequence[Labels], pictures: Sequence[Picture]) -> None:
        self._donors = [
            donor
            for number, (mask, picture) in enumerate(zip(masks, pictures, strict=True))
            for donor in _donors_of(number, mask, picture)
        ]
        self._sizes = np.log([donor.form.area for donor in self._donors])
        rings = np.array([donor.ring for donor in self._donors if np.isfinite(donor.ring).all()])
        self._spread = float(rings.std(axis=0).mean()) if len(rings) > 1 else 0.0

    def fitting(self, thing: Thing, ring: Floats, rng: np.random.Generator) -> list[Fit]:
        """Donors of like size in poses in which they cover some of the object, drawn so that the better come first.

        ``ring``: the level around the object, which is better alike around the donor: colours go together.
        """
        form = Form.of(thing.labels > 0)
        apart = np.abs(self._sizes - np.log(form.area))
        near = np.argsort(apart + rng.random(len(apart)) * 0.2)[:LOOKED_AT]
        found = [
            Fit(donor, pose, share)
            for donor in (self._donors[index] for index in near if apart[index] < 2 * np.log(MOST_STRETCH))
            for pose, cost in _poses(form, donor.form)
            if (share := _alike(thing.labels, donor, pose) - cost) >= LEAST
        ]
        liked = np.array([fit.share - self._strange(fit.donor, ring) for fit in found])
        return [found[index] for index in np.argsort(-liked - LOOSE * rng.gumbel(size=len(found)))]

    def _strange(self, donor: Donor, ring: Floats) -> float:
        """What it costs that the level around the donor is another one."""
        apart = float(np.abs(donor.ring - ring).mean())
        return STRANGE * min(1.0, apart / self._spread) if self._spread and np.isfinite(apart) else 0.0


def _donors_of(number: int, mask: Labels, picture: Picture) -> Iterator[Donor]:
    for thing in things_in(mask):
        if (thing.labels > 0).sum() >= LEAST_AREA:
            yield Donor(number, thing.labels, thing.others, picture[:, *thing.box], thing.surroundings(picture))


def _poses(target: Form, donor: Form) -> Iterator[tuple[Pose, float]]:
    """The four ways to bring one's axes onto the other's, at the target's area, and what each costs."""
    scale = np.sqrt(donor.area / target.area)
    stretch = STRETCH * abs(np.log2(scale))
    for along in (1, -1):
        for across in (1, -1):
            turn = donor.axes.T @ np.diag([along, across]) @ target.axes
            angle = abs(np.arctan2(turn[1, 0], turn[0, 0])) / np.pi
            yield Pose(scale * turn, target.middle, donor.middle), stretch + TURNED * angle


def _alike(labels: Labels, donor: Donor, pose: Pose) -> float:
    """Of the pixels of either, the share that is labelled alike."""
    step = max(1, max(labels.shape) // GRID)
    at = np.stack(np.meshgrid(*(np.arange(0, length, step) for length in labels.shape), indexing="ij"))
    wanted = labels[::step, ::step]
    there = labels_at(donor.labels, pose.places(at.astype(np.float64)))
    either = (wanted > 0) | (there > 0)
    return float((wanted == there)[either].mean()) if either.any() else 0.0


def labels_at(labels: Labels, places: Floats) -> Labels:
    """The nearest label to places (2, ...); 0 beyond the border."""
    found: Labels = ndimage.map_coordinates(labels, places, order=0, mode="constant", cval=0)
    return found


def _beside(vector: Floats, at: Floats) -> Floats:
    return vector.reshape(2, *[1] * (at.ndim - 1))
