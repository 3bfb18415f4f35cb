"""What a fit is shown: endless batches of crops from the pairs of a recipe.

Draws walk through the examples in seeded permutations; the places and deformations come from the seed alone, so that
runs of several arms with one seed are paired. Half of the crops are taken near the foreground.
A batch shows no pair twice while there are others. With five pairs and batch norm it matters much: where copies of the
pairs, walked through on their own, were half of a batch of four, they cost 3.8 Dice points on ultrasound (three seeds).
Synthetic draws are changed first where the recipe says so (``changes``), by generators of their own, so that a change
moves no deformation.
Enters: a ``Recipe``. Leaves: tensors, as ``augment`` makes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from pairaug.machine.randomness import numpy_generator
from pairaug.segmenter.augment import Augmenter, Draw
from pairaug.segmenter.base import Example, Recipe
from pairaug.segmenter.changes import change_of
from pairaug.segmenter.frames import Frame, KeptFrames, size_at
from pairaug.segmenter.network import MULTIPLE

CROP = 256

SegmenterBatch = tuple[Tensor, Tensor]  # pictures (N, C, h, w) and the share of every class in each pixel (N, K, h, w)


class Batches:
    """Batches of a recipe's pairs at the long side of ``side`` pixels."""

    def __init__(self, recipe: Recipe, side: int, classes: int, kept: KeptFrames) -> None:
        self._real, self._synthetic = (kept.of(some, side, classes) for some in (recipe.real, recipe.synthetic))
        self._share, self._augmentation = recipe.synthetic_share, recipe.augmentation
        self._last_share = recipe.last_share
        self._change = change_of(recipe, self._real, side, kept)
        self._crop = crop_size(recipe.real, side)

    def draw(self, size: int, seed: int, *, total: int | None = None, plain: bool = False) -> Iterator[SegmenterBatch]:
        """Batches of ``size`` crops, without end.

        ``total``: the number of batches over which a share falls, where the recipe says that it does; later ones, and
        all of them without it, have the last share. ``plain``: so have these, not augmented, but changed.
        """
        augmenter = Augmenter(self._crop, "none" if plain else self._augmentation)
        of_real = Walk(len(self._real), numpy_generator(seed, "order of real"))
        of_synthetic = Walk(len(self._synthetic), numpy_generator(seed, "order of synthetic"))
        for step in itertools.count():
            rng = numpy_generator(seed, "augmentation", step)
            before, after = (
                int(self._shares_before(step + turn, None if plain else total) * size + 1e-9) for turn in (0, 1)
            )
            others = of_synthetic.next(min(after - before, size))
            same = self._synthetic is self._real  # the real pairs once more, as they are or changed
            own = of_real.next(size - len(others), beside=others if same else ())
            frames = [
                self._change(self._synthetic[index], numpy_generator(seed, "change", step, turn))
                for turn, index in enumerate(others)
            ]
            frames += [self._real[index] for index in own]
            yield augmenter.crops([Draw(frame, _centre(frame, self._crop, rng)) for frame in frames], rng)

    def _shares_before(self, step: int, total: int | None) -> float:
        """The sum of the shares of all steps before ``step``, which fall in a straight line over ``total`` of them."""
        first, last = self._share, self._share if self._last_share is None else self._last_share
        if total is None or first == last:
            return step * last
        falling = min(step, total)
        fallen = (last - first) / max(total - 1, 1) * falling * (falling - 1) / 2
        return falling * first + fallen + (step - falling) * last


def crop_size(examples: Sequence[Example], side: int) -> tuple[int, int]:
    """At most ``CROP``; where the pictures are smaller, their largest extent in whole ``MULTIPLE``s."""
    heights, widths = zip(*(size_at(example.labels.shape, side) for example in examples), strict=True)
    height, width = (min(CROP, -(-max(extents) // MULTIPLE) * MULTIPLE) for extents in (heights, widths))
    return height, width


class Walk:
    """All of ``count`` examples in a new order, again and again, each as often as the others."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._count, self._rng = count, rng
        self._coming: list[int] = []

    def next(self, wanted: int, beside: Sequence[int] = ()) -> list[int]:
        """The next ``wanted`` places: none twice, and none of ``beside``, while there are others."""
        found: list[int] = []
        while len(found) < wanted:
            shown = {*found, *beside}
            barred = shown if len(shown) < self._count else set()
            place = next((place for place, index in enumerate(self._coming) if index not in barred), None)
            if place is None:
                self._coming += map(int, self._rng.permutation(self._count))
            else:
                found.append(self._coming.pop(place))
        return found


def _centre(frame: Frame, crop: Sequence[int], rng: np.random.Generator) -> tuple[float, float]:
    """A place for the crop's middle: anywhere that keeps the crop inside, in half of the draws near the foreground."""
    place, near, which = rng.random(2), rng.random() < 0.5, rng.random()
    size = np.array(frame.planes.shape[1:])
    margin = np.minimum(np.array(crop) / 2 / size, 0.5)
    if near and frame.foreground.size:
        row, column = divmod(int(frame.foreground[int(which * frame.foreground.size)]), int(size[1]))
        place = np.clip((np.array([row, column]) + 0.5) / size, margin, 1 - margin)
    else:
        place = margin + place * (1 - 2 * margin)
    return float(place[0]), float(place[1])
