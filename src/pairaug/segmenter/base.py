"""What a segmenter learns from, how long, and what it can do; nothing here needs torch.

An ``Example`` is one pair as arrays at its own size. A ``Recipe`` says what a training run sees: the same real
examples, synthetic ones for a share of the draws, which augmentation. A ``Preset`` says how long it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pairaug.reporting import Reporter

Augmentation = Literal["none", "classical", "classical and warped"]
Change = Literal["none", "copy-paste", "histogram matching", "amplitude swap"]


@dataclass(frozen=True)
class Example:
    """One pair: ``image`` (H, W, C) float32 in [0, 1], ``labels`` (H, W) uint8 in [0, K)."""

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Recipe:
    """What is drawn in training: a share of ``synthetic_share`` of the draws is synthetic, the rest real.

    ``real`` is never empty: even where all draws are synthetic it says at which size and for how long to train.
    ``last_share``: the share falls in a straight line to this one at the last step (None: it stays).

    ``augmentation``: none; classical (flips, rotation, scale, shear, mild elastic, contrast, equalisation, gamma,
    colour); classical, with image and mask also warped together by a strong elastic field in half of the draws.

    ``change``: what happens to a synthetic draw before it is augmented, anew each time (``changes``): nothing; objects
    of ``real`` are pasted into it; its grey levels, or its coarse appearance, become those of one of ``donors``, images
    (H, W, C) float32 in [0, 1] of which no mask is known.
    """

    real: Sequence[Example]
    synthetic: Sequence[Example] = ()
    synthetic_share: float = 0.0
    augmentation: Augmentation = "classical"
    last_share: float | None = None
    change: Change = "none"
    donors: Sequence[NDArray[np.float32]] = ()


class Segmenter(Protocol):
    """A fitted segmenter."""

    def predict(self, image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        """The labels (H, W) of an image (H, W, C) in [0, 1], at the image's own size."""
        ...

    def save(self, path: Path) -> None:
        """Write it to one file, which ``load_segmenter(path)`` reads."""
        ...


Look = Callable[[int, Segmenter], None]  # told the steps taken and shown what they led to


class Trainer(Protocol):
    """A way to fit segmenters; ``name`` stands for everything that decides a fit beside the recipe and the seed.

    Fits with equal seeds are paired: equal initial weights, the same stream of augmentations.
    """

    name: str

    def schedule(self, pairs: int) -> tuple[int, ...]:
        """The numbers of optimiser steps, ascending, at which a fit on so many real pairs may be looked at."""
        ...

    def seconds(self, pairs: int) -> float:
        """About how long all steps take."""
        ...

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter, look: Look | None = None) -> Segmenter:
        """What all steps lead to; ``look`` is called at each point of the schedule, the last one included."""
        ...

    def load(self, path: Path) -> Segmenter: ...
