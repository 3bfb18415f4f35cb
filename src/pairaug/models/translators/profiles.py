"""Thin objects painted as what they do to the level behind them: darker or brighter, by how deep and how wide they are.

Of every real picture the background behind its objects is the smooth continuation of what lies beside them. The
logarithm of level over background, by channel, is averaged over all pixels of like depth under the edge and like width
of the branch: the *profile*. A branch has a *strength* too, by which its profile is multiplied: arteries and veins
differ by it. A new branch takes its strength from real ones of its class and like width in the picture that it is
painted on, and what is fed by a branch is as much stronger or weaker than others of its width as that is. So edges lie
where the mask says and are as soft as real ones, no seam crosses a branch, and light and texture are those of the new
background.

Models of vessels in fundus pictures say as much with a Gaussian across the vessel (Gang et al. 2002) or with two
(Lowell et al. 2004); here nothing is assumed of the form.

Enters: masks (H, W) in [0, K), pictures (C, H, W) in [-1, 1]. Leaves: pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.distances import signed_distance
from pairaug.models.kinds import evenly
from pairaug.models.masks.skeleton_graph import SkeletonGraph, trace
from pairaug.models.translators.erasing import Picture, push_pull
from pairaug.models.translators.surroundings import Labels

Floats = NDArray[np.float64]

REACH = 4  # pixels beside an object that its profile reaches to
DEPTHS = 8  # steps from the edge of a branch to its middle
WIDTHS = 8  # steps from the thinnest branch to the widest, each by the same factor
DARKEST = 0.02  # of the range: added to all levels, so that black has a logarithm
LIKE = 8  # branches of like width from which a strength is drawn, by their size
INHERITED = 0.8  # how often a branch has the strength of the one that feeds it
WEAKEST, STRONGEST = 0.15, 2.5
FEW = 30  # pixels of a branch that tell as much of its strength as the rest of its picture does
OTHERS = 0.05  # how much the other channels tell of one, as a share of what the mean channel tells itself
CALM = 3.0  # points of a branch: how smoothly its width is read
EVEN = 3.0  # pixels: how fast strength changes where branches meet
MEASURED = 8  # pictures of which the profile is the mean


@dataclass(frozen=True)
class Course:
    """The branches of a mask: ``branch`` (H, W) the one nearest to a pixel (-1: none near), ``half`` (H, W) half its
    width there, ``depth`` (H, W) pixels under the edge of the object, negative beside it."""

    graph: SkeletonGraph
    branch: NDArray[np.int64]
    half: Floats
    depth: Floats

    @classmethod
    def of(cls, mask: Labels) -> Course:
        graph, depth = trace(mask), signed_distance(mask > 0)
        number, half = np.full(mask.shape, -1), np.zeros(mask.shape)
        for index, branch in enumerate(graph.branches):
            rows, columns = np.rint(branch.points).astype(np.intp).T
            radii = ndimage.gaussian_filter1d(branch.radii, CALM, mode="nearest")
            number[rows, columns], half[rows, columns] = index, radii + 0.5
        if not graph.branches:  # dots: one branch, as wide as the largest
            return cls(graph, np.where(depth > -REACH, 0, -1), np.full(mask.shape, max(depth.max(), 0.5)), depth)
        nearest = tuple(ndimage.distance_transform_edt(number < 0, return_distances=False, return_indices=True))
        return cls(graph, np.where(depth > -REACH, number[nearest], -1), half[nearest], depth)

    @property
    def near(self) -> NDArray[np.bool_]:
        """(H, W): where a branch shows."""
        return self.branch >= 0

    @property
    def widths(self) -> Floats:
        """(N,): half the width of each branch."""
        return np.array([float(branch.radii.mean()) + 0.5 for branch in self.graph.branches])

    @property
    def labelled(self) -> NDArray[np.int64]:
        """(N,): the class of each branch."""
        return np.array([branch.label for branch in self.graph.branches], dtype=np.int64)


@dataclass(frozen=True)
class Bank:
    """Of N branches of a picture: half of their ``widths`` (N,), ``strengths`` (N, C), ``pixels`` (N,), and the
    classes that they are ``labelled`` with (N,)."""

    widths: Floats
    strengths: Floats
    pixels: Floats
    labelled: NDArray[np.int64]

    def like(self, width: float, label: int) -> NDArray[np.int64]:
        """The branches of like width, of the class if it has any."""
        same = np.flatnonzero(self.labelled == label)
        among = same if len(same) else np.arange(len(self.widths))
        return among[np.argsort(np.abs(np.log(self.widths[among] / width)), kind="stable")[:LIKE]]


class Profiles:
    """What the objects of training pairs do to the level behind them. May be asked from several threads."""

    def __init__(self, masks: Sequence[Labels], pictures: Sequence[Picture]) -> None:
        self._masks, self._pictures = masks, pictures
        self._banks: dict[int, Bank] = {}
        self._lock = threading.Lock()

    def paint(self, background: Picture, mask: Labels, number: int, rng: np.random.Generator) -> Picture:
        """The objects of the mask on an emptied picture, in the manner of training picture ``number``."""
        course = Course.of(mask)
        if not course.near.any():
            return background
        strengths = self._strengths(course, number % len(self._masks), rng)
        at = course.near
        change = self._mean_at(course, at) * _evened(strengths, course)[:, at]
        painted = background.copy()
        painted[:, at] = _levels(np.exp(change) * _light(background[:, at]))
        return painted

    @cached_property
    def _profile(self) -> tuple[Floats, Floats]:
        """Half-widths (W,), ascending, and (C, W, REACH + DEPTHS) the mean logarithm at each of them and each depth."""
        found = [
            (course.half[course.near], _steps(course)[course.near], logarithms)
            for number in evenly(range(len(self._masks)), MEASURED)
            for course, logarithms in [self._measured(number)]
            if course.near.any()
        ]
        if not found:
            return np.ones(1), np.zeros((len(self._pictures[0]), 1, REACH + DEPTHS))
        half, steps, logarithms = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
        widths = np.unique(np.geomspace(half.min(), np.quantile(half, 0.998), WIDTHS))
        row = np.rint(np.interp(half, widths, np.arange(len(widths)))).astype(np.intp)
        cells = row * (REACH + DEPTHS) + np.rint(steps).astype(np.intp)
        size = len(widths) * (REACH + DEPTHS)
        counts = np.bincount(cells, minlength=size)
        sums = np.stack([np.bincount(cells, channel, minlength=size) for channel in logarithms])
        shape = (len(sums), -1, REACH + DEPTHS)
        counts = np.broadcast_to(counts, sums.shape).reshape(shape).astype(float)
        sums, counts = (ndimage.gaussian_filter1d(part.reshape(shape), 0.5, axis=2) for part in (sums, counts))
        nearest = ndimage.distance_transform_edt(counts[0] < 1e-3, return_distances=False, return_indices=True)
        table: Floats = (sums / np.maximum(counts, 1e-9))[:, *nearest]
        return widths, table

    def _mean_at(self, course: Course, at: NDArray[np.bool_]) -> Floats:
        """(C, N): the profile at some pixels."""
        widths, table = self._profile
        rows = np.interp(course.half[at], widths, np.arange(len(widths)))
        places = np.stack([rows, _steps(course)[at]])
        return np.stack([ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in table])

    def _measured(self, number: int) -> tuple[Course, Floats]:
        """The branches of a training picture, and (C, N): the logarithm of level over background where they show."""
        mask, picture = self._masks[number], self._pictures[number]
        course = Course.of(mask)
        beside = course.depth <= -REACH
        behind = push_pull(picture * beside, beside)
        at = course.near
        return course, np.log(_light(picture[:, at])) - np.log(_light(behind[:, at]))

    def _bank(self, number: int) -> Bank:
        with self._lock:
            if number not in self._banks:
                self._banks[number] = self._bank_of(number)
            return self._banks[number]

    def _bank_of(self, number: int) -> Bank:
        """Each strength is the slope of the logarithms over the profile, drawn toward that of all channels of the
        branch, and this toward that of the whole picture, the more the less there is to tell it from."""
        course, logarithms = self._measured(number)
        inside = course.depth[course.near] > 0
        branch, count = course.branch[course.near][inside], max(1, len(course.widths))
        mean, found = self._mean_at(course, course.near)[:, inside], logarithms[:, inside]
        along = np.stack([np.bincount(branch, plane, minlength=count) for plane in found * mean])
        whole = np.stack([np.bincount(branch, plane, minlength=count) for plane in mean**2])
        pixels = np.bincount(branch, minlength=count).astype(float)
        doubt = FEW * whole.sum() / max(pixels.sum(), 1)
        every = (along.sum(axis=0) + doubt * along.sum() / max(whole.sum(), 1e-9)) / (whole.sum(axis=0) + doubt + 1e-9)
        doubt = OTHERS * whole.mean(axis=0) + 1e-9
        strengths = np.clip((along + doubt * every) / (whole + doubt), WEAKEST, STRONGEST)
        known = np.flatnonzero(pixels[: len(course.widths)])
        return Bank(course.widths[known], strengths[:, known].T, pixels[known], course.labelled[known])

    def _strengths(self, course: Course, number: int, rng: np.random.Generator) -> Floats:
        """(N, C): that of each branch of a new mask."""
        bank = self._bank(number)
        drawn = np.ones((max(1, len(course.widths)), len(self._pictures[0])))
        if not len(bank.widths):
            return drawn
        odds = drawn.copy()
        for index, (branch, width) in enumerate(zip(course.graph.branches, course.widths, strict=True)):
            like = bank.like(width, branch.label)
            shares = bank.pixels[like] / bank.pixels[like].sum()
            usual = shares @ bank.strengths[like]
            if branch.parent is not None and rng.random() < INHERITED:
                odds[index] = odds[branch.parent]
            else:
                odds[index] = bank.strengths[rng.choice(like, p=shares)] / usual
            drawn[index] = usual * odds[index]
        return np.clip(drawn, WEAKEST, STRONGEST)


def _steps(course: Course) -> Floats:
    """(H, W): the depth in steps: pixels beside the object, then ``DEPTHS`` from the edge to the middle of a branch."""
    inside = (DEPTHS - 1) * np.clip(course.depth / np.maximum(course.half, 0.5), 0, 1)
    found: Floats = REACH + np.where(course.depth > 0, inside, np.clip(course.depth, -REACH, 0))
    return found


def _evened(strengths: Floats, course: Course) -> Floats:
    """(C, H, W): the strength at each pixel, even where branches of different strength meet."""
    near = course.near
    weight = ndimage.gaussian_filter(near.astype(np.float64), EVEN)
    planes = strengths.T[:, np.maximum(course.branch, 0)] * near
    found: Floats = np.stack([ndimage.gaussian_filter(plane, EVEN) for plane in planes]) / np.maximum(weight, 1e-9)
    return found


def _light(levels: Picture) -> Picture:
    """From [-1, 1] to above 0."""
    return ((levels + 1) / 2 + DARKEST).astype(np.float32)


def _levels(light: NDArray[np.floating]) -> Picture:
    return ((light - DARKEST) * 2 - 1).clip(-1, 1).astype(np.float32)
