"""Objects painted with whole real objects: for each object of a mask a donor of like shape, laid over it and bent.

Donors are tried in the poses that bring their main axes onto the object's, scaled to its area; one that covers it
well is drawn, and its pixels are moved along the gradient of the distances until the edges of every class lie where
the mask has them. As far as objects follow the level of their surroundings, the difference between those is added,
smoothly continued. What no donor covers is
left to ``patchwork``: objects like no other, and what would lie beyond the donor's picture.

Enters: masks (H, W) in [0, K), pictures (C, H, W) float32. Leaves: pictures, and whose pixels were painted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.distances import read, signed_distance
from pairaug.models.parts import EVERYWHERE
from pairaug.models.translators.erasing import Picture, push_pull
from pairaug.models.translators.sources import Sources, nobody
from pairaug.models.translators.surroundings import NEXT, Labels, Thing, things_in

Floats = NDArray[np.float64]
Region = NDArray[np.bool_]

LEAST_AREA = 16  # pixels of a donor
LOOKED_AT = 32  # donors of like size, each in four poses
GRID = 40  # poses are compared on so many places a side
WANTED = 0.7  # of object and donor together must be labelled alike
STRETCH = 0.15  # what halving or doubling the size costs, in the same share
TURNED = 0.05  # and a turn by half a circle
STRANGE = 0.2  # what it costs, in the same share, that levels around differ as those around any two objects do
LOOSE = 0.05  # how much more often the better donor is drawn: e-fold for so much of the share
MOST_STRETCH = 2.5
BENDINGS = 5
EDGE = 2.0  # pixels: how far beside an edge its place is looked at
SMOOTHEST = 2.5  # pixels: no finer bends
BEYOND = 2.5  # pixels beside an object that are painted with it, at least,
FADING = 0.12  # and as a share of the root of its area: what is large fades slowly into what lies around it
SEAM = 0.15  # of the root of the area: how deep into an object its surroundings show whatever they are
TOLERANCE = 1  # pixels by which edges may miss the mask's


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


class Donors:
    """The objects of training pairs; ``follow``: how far they follow the level of new surroundings, in [0, 1]."""

    def __init__(self, masks: Sequence[Labels], pictures: Sequence[Picture], follow: float = 1.0) -> None:
        self._follow = follow
        self._donors = [
            donor
            for number, (mask, picture) in enumerate(zip(masks, pictures, strict=True))
            for donor in _donors_of(number, mask, picture)
        ]
        self._sizes = np.log([donor.form.area for donor in self._donors])
        rings = np.array([donor.ring for donor in self._donors if np.isfinite(donor.ring).all()])
        self._spread = float(rings.std(axis=0).mean()) if len(rings) > 1 else 0.0

    def paint(self, canvas: Picture, mask: Labels, rng: np.random.Generator) -> tuple[Picture, Sources]:
        """The canvas with every object of the mask painted for which there is a donor.

        And (H, W): of which training picture each pixel is that was painted, ``NOBODY`` where none was.
        """
        canvas, painted = canvas.copy(), nobody(mask.shape)
        for thing in things_in(mask):
            found = self._fitting(thing, thing.surroundings(canvas), rng)
            if found is not None:
                _lay(canvas, painted, thing, *found, self._follow)
        return canvas, painted

    def _fitting(self, thing: Thing, ring: Floats, rng: np.random.Generator) -> tuple[Donor, Pose] | None:
        """A donor in the pose in which it covers the object best; None where none covers it well.

        ``ring``: the level around the object, which is better alike around the donor: colours go together.
        """
        form = Form.of(thing.labels > 0)
        apart = np.abs(self._sizes - np.log(form.area))
        near = np.argsort(apart + rng.random(len(apart)) * 0.2)[:LOOKED_AT]
        good = [
            (share, donor, pose)
            for donor in (self._donors[index] for index in near if apart[index] < 2 * np.log(MOST_STRETCH))
            for pose, cost in _poses(form, donor.form)
            if (share := _alike(thing.labels, donor, pose) - cost) >= WANTED
        ]
        if not good:
            return None
        shares = np.array([share - self._strange(donor, ring) for share, donor, _ in good])
        weights = np.exp((shares - shares.max()) / LOOSE)
        _, donor, pose = good[int(rng.choice(len(good), p=weights / weights.sum()))]
        return donor, pose

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
    there = _labels_at(donor.labels, pose.places(at.astype(np.float64)))
    either = (wanted > 0) | (there > 0)
    return float((wanted == there)[either].mean()) if either.any() else 0.0


def _labels_at(labels: Labels, places: Floats) -> Labels:
    found: Labels = ndimage.map_coordinates(labels, places, order=0, mode="constant", cval=0)
    return found


def _lay(canvas: Picture, painted: Sources, thing: Thing, donor: Donor, pose: Pose, follow: float) -> None:
    """Paint the object on the canvas, as far as the donor covers it, and note where."""
    around = signed_distance(thing.labels > 0)
    places = _bent(thing.labels, donor, pose)
    inside = _inside(places, donor.labels.shape)
    pixels = np.stack([read(channel, places) for channel in donor.pixels]).astype(np.float32)
    there = _labels_at(donor.labels, places)
    wrong = ndimage.binary_opening(there != thing.labels, EVERYWHERE, TOLERANCE)
    right = ~wrong & inside & ~(_labels_at(donor.others.astype(np.uint8), places) > 0) & ~thing.others
    target = canvas[:, *thing.box]
    beyond = max(BEYOND, FADING * float(np.sqrt((thing.labels > 0).sum())))
    pixels += _following(around, thing, follow) * _continued(target, pixels, thing, right, there)
    share = np.clip(around / beyond + 1, 0, 1).astype(np.float32) * right
    target += share * (pixels - target)
    painted[thing.box][right & (around > -beyond)] = donor.number


def _bent(labels: Labels, donor: Donor, pose: Pose) -> Floats:
    """(2, h, w): where in the donor each place of the target lies, the edges of all classes on each other."""
    at = np.indices(labels.shape, dtype=np.float64)
    places = pose.places(at)
    classes = [label for label in np.unique(labels) if label and (donor.labels == label).any()]
    want = np.stack([signed_distance(labels == label) for label in classes])
    have = np.stack([signed_distance(donor.labels == label) for label in classes])
    nearest = np.abs(want).argmin(axis=0)
    slopes = np.stack([np.gradient(ndimage.gaussian_filter(one, 1.0)) for one in have])
    edge = np.exp(-((_chosen(want, nearest) / EDGE) ** 2))
    smooth = np.sqrt((labels > 0).sum()) / 4
    for _ in range(BENDINGS):
        miss = _chosen(want, nearest) - pose.scale * _read_chosen(have, nearest, places)
        slope = np.stack([_read_chosen(slopes[:, axis], nearest, places) for axis in (0, 1)])
        move = slope * miss / pose.scale / np.maximum((slope**2).sum(axis=0), 0.25)
        places = places + _spread(move, edge, max(smooth, SMOOTHEST))
        smooth /= 1.5
    return places


def _spread(move: Floats, weight: Floats, smooth: float) -> Floats:
    """(2, h, w): what the edges move by, carried on smoothly to everything between them."""
    total = ndimage.gaussian_filter(weight, smooth) + 1e-6
    return np.stack([ndimage.gaussian_filter(weight * part, smooth) / total for part in move])


def _chosen(planes: Floats, which: NDArray[np.int64]) -> Floats:
    found: Floats = np.take_along_axis(planes, which[None], axis=0)[0]
    return found


def _read_chosen(planes: Floats, which: NDArray[np.int64], places: Floats) -> Floats:
    if len(planes) == 1:
        return read(planes[0], places)
    return _chosen(np.stack([read(plane, places) for plane in planes]), which)


def _following(around: Floats, thing: Thing, follow: float) -> Picture:
    """(h, w): how much of the surroundings' difference is added: all at the edge, ``follow`` of it deep inside."""
    depth = np.clip(around, 0, None) / (SEAM * np.sqrt((thing.labels > 0).sum()))
    share: Picture = (follow + (1 - follow) * np.exp(-depth)).astype(np.float32)
    return share


def _continued(target: Picture, pixels: Picture, thing: Thing, right: Region, there: Labels) -> Picture:
    """What the surroundings differ by, continued into the object; nothing where they cannot be compared."""
    free = ndimage.binary_dilation(there > 0, iterations=NEXT)
    ring = thing.ring & right & ~free
    if ring.sum() < 8:
        return np.zeros_like(pixels)
    apart = push_pull(np.where(ring, target - pixels, 0), ring)
    smooth = max(2.0, float(np.sqrt((thing.labels > 0).sum())) / 4)
    found: Picture = ndimage.gaussian_filter(apart, (0, smooth, smooth))
    return found


def _inside(places: Floats, size: tuple[int, ...]) -> Region:
    rows, columns = places
    found: Region = (rows >= 0) & (columns >= 0) & (rows <= size[0] - 1) & (columns <= size[1] - 1)
    return found


def _beside(vector: Floats, at: Floats) -> Floats:
    return vector.reshape(2, *[1] * (at.ndim - 1))
