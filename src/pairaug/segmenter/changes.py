"""What happens to a synthetic draw before it is augmented, anew each time: the cheap rivals of a generator.

``copy-paste`` pastes objects of the real pairs into it (``pasting``); ``histogram matching`` and ``amplitude swap``
give it the colours of a donor, an image without mask (``recolouring``).
Enters: a frame and a generator. Leaves: a frame of the same size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from pairaug.metrics.reduction import FloatArray
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.frames import Frame, Frames, KeptFrames, as_floats
from pairaug.segmenter.pasting import Paster
from pairaug.segmenter.recolouring import Donors, amplitudes, draw_swap, matched, quantiles, swapped

Changed = Callable[[Frame, np.random.Generator], Frame]


def change_of(recipe: Recipe, real: Frames, side: int, kept: KeptFrames) -> Changed:
    """The recipe's change; ``real``: the frames of its real pairs. Raises ValueError where it lacks donors."""
    if recipe.change == "none":
        return lambda frame, rng: frame
    if recipe.change == "copy-paste":
        return Paster(real).pasted
    if not recipe.donors:
        raise ValueError(f"{recipe.change} takes colours from donors, and there are none; give images without masks")
    if recipe.change == "histogram matching":
        return _Matching(kept.other(recipe.donors, side, _quantiles))
    return _Swap(kept.other(recipe.donors, side, _amplitudes))


class _Matching:
    def __init__(self, donors: Donors) -> None:
        self._donors = donors

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Frame:
        return _recoloured(frame, matched(frame.planes[: frame.channels], self._donors.any(rng)))


class _Swap:
    def __init__(self, donors: Donors) -> None:
        self._donors = donors

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Frame:
        donor, (band, strength) = self._donors.any(rng), draw_swap(rng)
        return _recoloured(frame, swapped(as_floats(frame.planes[: frame.channels]), donor, band, strength))


def _recoloured(frame: Frame, picture: FloatArray) -> Frame:
    planes = frame.planes.copy()
    torch.from_numpy(planes)[: frame.channels] = torch.from_numpy(picture)
    return Frame(planes, frame.channels, frame.foreground)


def _quantiles(images: Sequence[Any], side: int) -> Donors:
    return Donors(images, side, quantiles)


def _amplitudes(images: Sequence[Any], side: int) -> Donors:
    return Donors(images, side, amplitudes)
