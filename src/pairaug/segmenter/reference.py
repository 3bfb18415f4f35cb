"""The project's own segmenter with one of its presets, as agreement (``folds``) and utility (``ruler``) ask for it."""

from __future__ import annotations

from pathlib import Path

import torch

from pairaug.machine.precision import processor_precision
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.fit import UNetSegmenter, fit_segmenter, load_segmenter
from pairaug.segmenter.frames import KeptFrames
from pairaug.segmenter.identity import identity_of
from pairaug.segmenter.presets import PRESETS

IN_BFLOAT16 = 0.5  # of the time of a fit in float32


class ReferenceSegmenter:
    """``name`` stands for everything that decides a fit beside the recipe and the seed.

    ``sharing``: several fits are to come on the same sequences of examples, whose frames are worth keeping.
    """

    def __init__(self, preset: str = "quick", *, sharing: bool = False) -> None:
        self._preset = PRESETS[preset]
        self.name = identity_of(self._preset)
        self._frames = KeptFrames() if sharing else None

    def steps(self, pairs: int) -> int:
        """Optimiser steps at so many real pairs, of all members together."""
        return self._preset.steps(pairs)

    def seconds(self, pairs: int) -> float:
        """About how long that takes on one thread of this machine."""
        pace = IN_BFLOAT16 if processor_precision() == torch.bfloat16 else 1.0
        return pace * self._preset.expected_seconds(pairs)

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter) -> UNetSegmenter:
        return fit_segmenter(recipe, classes, self._preset, seed, reporter, self._frames)

    def load(self, path: Path) -> UNetSegmenter:
        return load_segmenter(path)
