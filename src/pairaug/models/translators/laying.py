"""A donor laid over an object of a mask: bent until both agree, its level continued from what lies around.

Either the mask stays, and the donor's pixels are moved along the gradient of the distances until the edges of every
class lie where the mask has them; what then fits badly, or would lie beyond the donor's picture, is left to
``patchwork``. Or the mask may change: the donor is bent gently and keeps an outline of its own, which becomes the
mask's. That looks better, for no drawn outline is quite like one of a real object: bent all the way, a donor looks
combed, and what is left for tiles shows seams. Where the donor's outline would touch another object or leave what its
picture shows, the mask stays after all.

As far as objects follow the level of their surroundings, the difference between those is added, smoothly continued.

Enters: a canvas, an object, a donor and its pose. Changes the canvas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.distances import read, signed_distance, smoothed
from pairaug.models.parts import EVERYWHERE
from pairaug.models.translators.donors import Donor, Fit, Floats, Region
from pairaug.models.translators.erasing import Picture, push_pull
from pairaug.models.translators.sources import Sources
from pairaug.models.translators.surroundings import NEXT, Labels, Thing

WANTED = 0.7  # of object and donor together must be labelled alike where the outline stays
TRIED = 4  # donors whose outline may be taken on
BENDINGS, GENTLY = 5, 2  # steps, each finer than the one before, until edges lie on each other, or about so
WOBBLE = 0.08  # deviation of a random bend, as a share of the root of the area
EDGE = 2.0  # pixels: how far beside an edge its place is looked at
SMOOTHEST = 2.5  # pixels: no finer bends
BEYOND = 2.5  # pixels beside an object that are painted with it, at least,
FADING = 0.12  # and as a share of the root of its area: what is large fades slowly into what lies around it
SEAM = 0.15  # of the root of the area: how deep into an object its surroundings show whatever they are
TOLERANCE = 1  # pixels by which edges may miss the mask's


@dataclass(frozen=True)
class Canvas:
    """What is painted on, and changed by that.

    ``picture`` (C, H, W); ``labels`` (H, W): the mask of what is painted; ``barred`` (H, W): where something stands
    already, or nothing can; ``sources`` (H, W): which training picture gave each pixel, ``NOBODY`` where nothing is
    painted yet.
    """

    picture: Picture
    labels: Labels
    barred: Region
    sources: Sources


def lay(
    canvas: Canvas, thing: Thing, fits: Sequence[Fit], follow: float, rng: np.random.Generator, *, outlines: bool
) -> None:
    """Paint an object with the first donor that will do, as far as that covers it; not at all where none will.

    ``follow``: how far objects follow the level of new surroundings, in [0, 1]; ``outlines``: the mask may take on the
    donor's.
    """
    others = ((canvas.labels[thing.box] > 0) & (thing.labels == 0)) | canvas.barred[thing.box]
    thing = replace(thing, others=others, ring=thing.ring & ~others)
    some = fits[:TRIED] if outlines else []
    laid = next(filter(None, (_outlined(canvas, thing, fit, rng) for fit in some)), None)
    if laid is None and (fit := next((fit for fit in fits if fit.share >= WANTED), None)):
        laid = Laid(thing, fit.donor, _bent(thing.labels, fit, BENDINGS))
    if laid is not None:
        _blend(canvas, laid, follow)


@dataclass(frozen=True)
class Laid:
    """An object, its donor, and ``places`` (2, h, w): where in that the pixels for the object's box lie."""

    thing: Thing
    donor: Donor
    places: Floats

    @cached_property
    def shown(self) -> Floats:
        """(h, w): how many of the donor's pixels a place lies within its picture; less than 0 beyond that."""
        rows, columns = self.places
        height, width = self.donor.labels.shape
        found: Floats = np.stack([rows, height - 1 - rows, columns, width - 1 - columns]).min(axis=0)
        return found


def _blend(canvas: Canvas, laid: Laid, follow: float) -> None:
    thing, donor, places = laid.thing, laid.donor, laid.places
    around, beyond = signed_distance(thing.labels > 0), _beyond(thing.labels)
    pixels = np.stack([read(channel, places) for channel in donor.pixels]).astype(np.float32)
    there = _labels_at(donor.labels, places)
    wrong = ndimage.binary_opening(there != thing.labels, EVERYWHERE, TOLERANCE)
    right = ~wrong & (laid.shown >= 0) & ~(_labels_at(donor.others.astype(np.uint8), places) > 0) & ~thing.others
    target = canvas.picture[:, *thing.box]
    pixels += _following(around, thing, follow) * _continued(target, pixels, thing, right, there)
    cut = np.where(around > 0, 1, np.clip(laid.shown / beyond, 0, 1))
    share = (np.clip(around / beyond + 1, 0, 1) * cut * right).astype(np.float32)
    target += share * (pixels - target)
    canvas.sources[thing.box][right & (around > -beyond)] = donor.number


def _outlined(canvas: Canvas, thing: Thing, fit: Fit, rng: np.random.Generator) -> Laid | None:
    """The object with the donor's outline, gently bent, which the canvas takes on.

    None, and the canvas stays, where there is no room for it, or where the donor's picture does not show it all.
    """
    places = _bent(thing.labels, fit, GENTLY) + _wobble(thing.labels, rng) / fit.pose.scale
    outline = _outline(fit.donor.labels, places)
    laid = Laid(replace(thing, labels=outline), fit.donor, places)
    near = ndimage.binary_dilation(outline > 0, iterations=NEXT)
    if not near.any() or (near & (thing.others | (laid.shown < 0) | _border(thing, canvas.labels.shape))).any():
        return None
    labels = canvas.labels[thing.box]
    labels[thing.labels > 0] = 0
    labels[outline > 0] = outline[outline > 0]
    return laid


def _wobble(labels: Labels, rng: np.random.Generator) -> Floats:
    """(2, h, w): a smooth random displacement in pixels, so that no outline is quite the donor's."""
    size = float(np.sqrt((labels > 0).sum()))
    noise = smoothed(rng.standard_normal((2, *labels.shape)), size / 3)
    found: Floats = noise * (WOBBLE * size / max(float(noise.std()), 1e-9))
    return found


def _bent(labels: Labels, fit: Fit, times: int) -> Floats:
    """(2, h, w): where in the donor each place of the target lies, the edges of all classes on each other."""
    donor, pose = fit.donor, fit.pose
    places = pose.places(np.indices(labels.shape, dtype=np.float64))
    classes = [label for label in np.unique(labels) if label and (donor.labels == label).any()]
    want = np.stack([signed_distance(labels == label) for label in classes])
    have = np.stack([signed_distance(donor.labels == label) for label in classes])
    nearest = np.abs(want).argmin(axis=0)
    slopes = np.stack([np.gradient(ndimage.gaussian_filter(one, 1.0)) for one in have])
    edge = np.exp(-((_chosen(want, nearest) / EDGE) ** 2))
    smooth = np.sqrt((labels > 0).sum()) / 4
    for _ in range(times):
        miss = _chosen(want, nearest) - pose.scale * _read_chosen(have, nearest, places)
        slope = np.stack([_read_chosen(slopes[:, axis], nearest, places) for axis in (0, 1)])
        move = slope * miss / pose.scale / np.maximum((slope**2).sum(axis=0), 0.25)
        places = places + _spread(move, edge, max(smooth, SMOOTHEST))
        smooth /= 1.5
    return places


def _outline(labels: Labels, places: Floats) -> Labels:
    """(H, W): the class with the greatest share between the pixels of (h, w), so that edges are not stepped."""
    classes = np.unique(labels)
    shares = np.stack([read((labels == label).astype(np.float64), places) for label in classes])
    found: Labels = classes[shares.argmax(axis=0)]
    return found


def _labels_at(labels: Labels, places: Floats) -> Labels:
    """The nearest label to places (2, ...); 0 beyond the border."""
    found: Labels = ndimage.map_coordinates(labels, places, order=0, mode="constant", cval=0)
    return found


def _beyond(labels: Labels) -> float:
    """Pixels beside an object that are painted with it."""
    return max(BEYOND, FADING * float(np.sqrt((labels > 0).sum())))


def _border(thing: Thing, size: tuple[int, ...]) -> Region:
    """(h, w): the border of the object's box, but where that is the frame of the mask."""
    found = np.zeros(thing.labels.shape, bool)
    for axis, (part, length) in enumerate(zip(thing.box, size, strict=True)):
        lines = found if axis == 0 else found.T
        lines[0] |= part.start > 0
        lines[-1] |= part.stop < length
    return found


def _spread(move: Floats, weight: Floats, smooth: float) -> Floats:
    """(2, h, w): what the edges move by, carried on smoothly to everything between them."""
    found: Floats = smoothed(weight * move, smooth) / (smoothed(weight, smooth) + 1e-6)
    return found


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
    found: Picture = smoothed(apart, smooth).astype(np.float32)
    return found
