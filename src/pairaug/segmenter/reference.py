"""The reference segmenter with one of its presets: the ``Trainer`` of agreement and utility."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from pairaug.machine.device import CPU
from pairaug.machine.precision import choose_precision
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Look, Recipe
from pairaug.segmenter.fit import UNetSegmenter, fit_segmenter, load_segmenter
from pairaug.segmenter.frames import KeptFrames
from pairaug.segmenter.identity import identity_of
from pairaug.segmenter.presets import PRESETS

IN_BFLOAT16 = 0.5  # of the time of a fit in float32


class ReferenceSegmenter:
    """``sharing``: several fits are to come on the same sequences of examples, whose frames are worth keeping.

    ``steps``: how many are taken whatever the number of pairs (None: as the preset says). ``device``: where the network
    is computed.
    """

    def __init__(
        self, preset: str = "quick", *, sharing: bool = False, steps: int | None = None, device: torch.device = CPU
    ) -> None:
        chosen = PRESETS[preset]
        self._preset = chosen if steps is None else replace(chosen, few=steps, many=steps)
        self._device = device
        self.name = identity_of(self._preset, device)
        self._frames = KeptFrames() if sharing else None

    def schedule(self, pairs: int) -> tuple[int, ...]:
        """The numbers of optimiser steps at which a fit on so many real pairs may be looked at."""
        return self._preset.schedule(pairs)

    def seconds(self, pairs: int) -> float:
        """About how long that takes on one thread of this machine; of a GPU no more is known than of the processor."""
        pace = IN_BFLOAT16 if choose_precision("auto", CPU) == torch.bfloat16 else 1.0
        return pace * self._preset.expected_seconds(pairs)

    def fit(
        self, recipe: Recipe, classes: int, seed: int, reporter: Reporter, look: Look | None = None
    ) -> UNetSegmenter:
        return fit_segmenter(recipe, classes, self._preset, seed, reporter, self._frames, look, self._device)

    def load(self, path: Path) -> UNetSegmenter:
        return load_segmenter(path, self._device)
