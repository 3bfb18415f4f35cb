"""Which examples a step sees, on which rank, and which part of each.

Everything follows from the seed and the number of images seen: nothing has to be kept. An epoch is a permutation of
the examples; a step takes the next ones of it, as many on each rank as a batch holds, fewer at an epoch's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pairaug.arrays.crops import bounds, cut, draw_place
from pairaug.arrays.tensors import to_unit
from pairaug.machine.randomness import numpy_generator
from pairaug.machine.ranks import ALONE, Ranks
from pairaug.models.base import Example
from pairaug.training.objectives.base import Batch


@dataclass(frozen=True)
class Sampler:
    """``crop``: (height, width) of what is cut out of each example at a random place; None: whole examples.

    ``turn``: whether crops are flipped and turned by quarters, which needs a square one.
    """

    examples: Sequence[Example]
    seed: int
    crop: tuple[int, int] | None = None
    turn: bool = False
    ranks: Ranks = ALONE

    def __len__(self) -> int:
        return len(self.examples)

    def step(self, images: int, batch_size: int) -> list[int]:
        """The examples of the step after ``images``, of all ranks; ``batch_size`` is that of one rank."""
        epoch, place = divmod(images, len(self))
        order = numpy_generator(self.seed, "order", epoch).permutation(len(self))
        chosen: list[int] = order[place : place + batch_size * self.ranks.count].tolist()
        return chosen

    def batch(self, images: int, chosen: Sequence[int], device: torch.device) -> Batch:
        """This rank's part of a step, as tensors on ``device``.

        Every rank gets as many; where a last step has fewer examples than ranks, some are seen twice in it.
        """
        count = -(-len(chosen) // self.ranks.count)
        places = [(self.ranks.rank * count + i) % len(chosen) for i in range(count)]
        parts, where = [], []
        for place in places:
            part, bound = self._part(chosen[place], images + place)
            parts.append(part)
            where.append(bound)
        return collate(parts, where, device)

    def _part(self, index: int, number: int) -> tuple[Example, tuple[float, float, float, float]]:
        """What the ``number``-th image of the run shows of example ``index``, and where in the picture it lies."""
        example = self.examples[index]
        if self.crop is None:
            return example, (0.0, 0.0, 1.0, 1.0)
        whole = example.image if example.labels is None else example.labels
        assert whole is not None
        size = (whole.shape[0], whole.shape[1])
        generator = numpy_generator(self.seed, "crop", number)
        place = draw_place(generator, size, self.crop)
        turns, flip = (int(generator.integers(4)), bool(generator.integers(2))) if self.turn else (0, False)
        return cut(example, place, self.crop, turns, flip), bounds(place, self.crop, size)


def collate(
    examples: Sequence[Example], places: Sequence[tuple[float, float, float, float]], device: torch.device | None
) -> Batch:
    """Examples of one size as a batch; an image without a mask gets labels of 0 and is not ``annotated``."""
    known = [one.labels is not None for one in examples]
    blank = [np.zeros(one.image.shape[:2], np.uint8) if one.image is not None else None for one in examples]
    labels = [one.labels if one.labels is not None else other for one, other in zip(examples, blank, strict=True)]
    stacked = torch.from_numpy(np.stack([array for array in labels if array is not None])).long()
    images = [to_unit(one.image, one.intensity) for one in examples if one.image is not None]
    return Batch(
        stacked.to(device),
        torch.stack(images).to(device) if images else None,
        torch.tensor(known, device=device),
        torch.tensor(places, dtype=torch.float32, device=device),
    )
