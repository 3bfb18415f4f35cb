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

    @cached_property
    def framed(self) -> Labels:
        """(h + 2, w + 2): the labels in a frame of nothing."""
        return np.pad(self.labels, 1)


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
        found: list[Fit] = []
        for donor in (self._donors[index] for index in near if apart[index] < 2 * np.log(MOST_STRETCH)):
            matrices, costs = _poses(form, donor.form)
            shares = _alike(thing.labels, form.middle, donor, matrices) - costs
            found += [
                Fit(donor, Pose(matrix, form.middle, donor.form.middle), float(share))
                for matrix, share in zip(matrices, shares, strict=True)
                if share >= LEAST
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


def _poses(target: Form, donor: Form) -> tuple[Floats, Floats]:
    """The four ways to bring one's axes onto the other's, at the target's area: (4, 2, 2); and (4,) what each costs."""
    scale = np.sqrt(donor.area / target.area)
    turns = donor.axes.T @ (np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])[..., None] * target.axes)
    angles = np.abs(np.arctan2(turns[:, 1, 0], turns[:, 0, 0])) / np.pi
    return scale * turns, STRETCH * abs(np.log2(scale)) + TURNED * angles


def _alike(labels: Labels, middle: Floats, donor: Donor, matrices: Floats) -> Floats:
    """For each of (N, 2, 2): of the pixels of object and donor, the share that is labelled alike."""
    step = max(1, max(labels.shape) // GRID)
    wanted = labels[::step, ::step].ravel()
    at = np.indices(labels.shape)[:, ::step, ::step].reshape(2, -1) - middle[:, None]
    places = np.rint(matrices @ at + donor.form.middle[:, None]).astype(np.int64) + 1
    height, width = donor.framed.shape
    there = donor.framed[places[:, 0].clip(0, height - 1), places[:, 1].clip(0, width - 1)]
    either = (wanted > 0) | (there > 0)
    shares: Floats = ((wanted == there) & either).sum(axis=1) / np.maximum(either.sum(axis=1), 1)
    return shares


def _beside(vector: Floats, at: Floats) -> Floats:
    return vector.reshape(2, *[1] * (at.ndim - 1))
