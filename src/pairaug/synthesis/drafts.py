"""The first stage of a synthesis: a mask for each pair, drawn by a model or given by the user.

A mask follows from (seed, number of the mask, attempt) alone. Masks that a gate rejects are drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.arrays.resampling import resize_labels
from pairaug.errors import DataError
from pairaug.fitted.model_file import FittedModel
from pairaug.machine.randomness import torch_generator
from pairaug.models.base import MaskGenerator
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes
from pairaug.pairs.labels import LabelMap, show_value


@dataclass(frozen=True)
class Draft:
    """A mask at its final size, (H, W) classes, that passed its gates at the ``attempt``-th try, 0 the first.

    ``derived_from``: the digests of the masks it was made from; ``displacement``: how far it moved from them.
    """

    classes: NDArray[np.uint8]
    derived_from: tuple[str, ...] = ()
    displacement: float | None = None
    attempt: int = 0


class GeneratedMasks:
    """Masks by a fitted mask generator."""

    again = True  # whether another attempt gives another mask

    def __init__(self, fitted: FittedModel) -> None:
        assert isinstance(fitted.network, MaskGenerator)
        self.fitted, self.network = fitted, fitted.network

    def draw(self, seed: int, number: int, attempt: int, size: tuple[int, int]) -> Draft:
        """The ``number``-th mask at ``size`` = (height, width)."""
        sample = self.network.sample(torch_generator(seed, "mask", number, attempt), size)
        classes = sample.labels.cpu().numpy().astype(np.uint8)
        parents = tuple(self.fitted.pairs[parent].mask_sha256 for parent in sample.parents)
        return Draft(resize_labels(classes, *size), parents, sample.displacement, attempt)


class GivenMasks:
    """Masks from a folder, each used as it is, in order; what the user gives, no gate judges."""

    again = False

    def __init__(self, checked: Checked, label_map: LabelMap) -> None:
        unknown = set(checked.label_map.values) - set(label_map.values)
        if unknown:
            shown = ", ".join(show_value(value) for value in sorted(unknown))
            raise DataError(f"{checked.root}: holds label values that the translator does not know: {shown}")
        self.checked, self.label_map = checked, label_map

    def draw(self, seed: int, number: int, attempt: int, size: tuple[int, int]) -> Draft:
        item = self.checked.pairs[number]
        classes = load_classes(self.checked.root, item, self.checked.policy, self.label_map)
        return Draft(classes, (item.mask_digest,))


Masks = GeneratedMasks | GivenMasks
