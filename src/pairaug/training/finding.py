"""What stands in images without masks, and in which of them that is sure enough to be used (pseudo-labels: Lee 2013).

Segmenters of the pairs look at every image, two of them, fitted for ``LOOKING`` steps from other draws: where they
differ, neither is sure. Of what they find together the largest parts stay, as many as the mask of a pair holds at
most, without holes where no mask of a pair has any. Of the images the half is kept in which they are surest, by the
Dice that they expect (``segmenter.decision``), and none in which they find nothing.

Measured on the images beside 5 pairs (draw 0), inside the training lists, by hand. True Dice of what is kept:
ultrasound 0.83, CT 0.75; of all that is found: ultrasound 0.59 (by one segmenter of 2,800 steps), CT 0.69. One
segmenter alone had kept an image of ultrasound in which it had taken the wrong thing. What new pairs on them add to a
segmenter on CT (seed 0, real pairs 0.674): 0.718 with the surer half, 0.716 with all; on ultrasound one run moves by
3 points of itself, and the four that were made (0.649 to 0.718, real pairs 0.685) say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pairaug.arrays.examples import Examples
from pairaug.machine.randomness import derive
from pairaug.machine.work import SharedProgress, Work
from pairaug.machine.workers import put_in_order, working
from pairaug.models.base import Example
from pairaug.models.parts import holes, largest_parts, numbered, without_holes
from pairaug.pairs.checked import Checked
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.decision import decide, expected_dice
from pairaug.segmenter.fit import UNetSegmenter
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training.bare import Bare, Labels
from pairaug.training.plan import LOOKING
from pairaug.training.shown import shown, unit_image

KEPT = 0.5  # of the images


@dataclass(frozen=True)
class Bounds:
    """What the masks of the pairs are like: the ``most`` parts that one has, and whether any has ``holes``."""

    most: int
    holes: bool

    @classmethod
    def of(cls, masks: Sequence[Labels]) -> Bounds:
        return cls(max(numbered(mask)[1] for mask in masks), any(holes(mask).any() for mask in masks))

    def kept(self, found: Labels) -> Labels:
        """Of what was found, what such a mask could hold."""
        return largest_parts(found if self.holes else without_holes(found), self.most)


def looked_at(bare: Bare, checked: Checked, channels: int, seed: int, work: Work) -> Bare:
    """``bare`` with what is found, the surest images first. The same whatever the number of threads."""
    examples, count = Examples(checked, channels, unlabelled=bare.images), len(checked.pairs)
    recipe = Recipe([shown(one) for one in examples[:count]])
    segmenters = _fitted(recipe, checked.label_map.classes, derive(seed, "images without masks"), work)
    bounds = Bounds.of([one.labels for one in recipe.real])

    def look(index: int) -> tuple[float, Labels]:
        return _found(examples[count + index], segmenters, bounds)

    found = work.each(look, len(bare.images.images), "images")
    order = sorted(range(len(found)), key=lambda index: -found[index][0])
    kept = [index for index in order[: math.ceil(KEPT * len(order))] if found[index][0] > 0]
    _tell(len(kept), len(found), work.reporter)
    images = replace(bare.images, images=tuple(bare.images.images[index] for index in order))
    return Bare(images, tuple(found[index][1] for index in kept))


def _fitted(recipe: Recipe, classes: int, seed: int, work: Work) -> list[UNetSegmenter]:
    """The segmenters that look, fitted side by side."""
    shared = SharedProgress(work, LOOKING.segmenters)
    trainer = ReferenceSegmenter(LOOKING.preset, steps=LOOKING.steps)

    def fit(number: int) -> UNetSegmenter:
        return trainer.fit(recipe, classes, derive(seed, f"segmenter {number}"), shared.listener(number))

    try:
        with working(fit, range(LOOKING.segmenters), work.workers, one_thread=True, stop=shared.stop) as results:
            return put_in_order(results)
    finally:
        work.reporter.end_progress()


def _found(example: Example, segmenters: Sequence[UNetSegmenter], bounds: Bounds) -> tuple[float, Labels]:
    """The Dice that is expected of what is found in the image, and that."""
    image = unit_image(example)
    probabilities = np.mean([one.probabilities(image).numpy() for one in segmenters], axis=0)
    labels = bounds.kept(decide(probabilities))
    return expected_dice(probabilities, labels), labels


def _tell(kept: int, count: int, reporter: Reporter) -> None:
    if kept:
        reporter.note(f"{kept} of {count} images without masks are used, those in which it is surest what stands there")
    else:
        reporter.warn(f"nothing was found in the {count} images without masks; they are not used")
