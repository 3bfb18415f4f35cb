"""Which original is validated on in which fold: groups whole, folds as equal in size as that allows.

Originals belong together that are of one group (``--group-by``, a volume), of one image file, or of one mask file that
shows more than one value: what is made from one of them would be made from the other.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pairaug.errors import DataError, UsageError
from pairaug.machine.randomness import numpy_generator
from pairaug.pairs.checked import Checked, CheckedPair
from pairaug.pairs.groups import joined_groups
from pairaug.segmenter.folds import grouped_folds


@dataclass(frozen=True)
class Deal:
    """For each pair the number of its group and its fold, 0 to ``folds`` - 1."""

    folds: int
    groups: tuple[int, ...]
    fold_of: tuple[int, ...]

    def training(self, fold: int) -> list[int]:
        """The pairs that ``fold`` does not validate on."""
        return [place for place, own in enumerate(self.fold_of) if own != fold]

    def held_out(self, fold: int) -> list[int]:
        return [place for place, own in enumerate(self.fold_of) if own == fold]


def deal(checked: Checked, folds: int, seed: int) -> Deal:
    """Raises UsageError for fewer than two folds, DataError where there are fewer groups than folds."""
    if folds < 2:
        raise UsageError(f"--folds {folds}: must be 2 or more")
    groups = joined_groups([_marks(item) for item in checked.pairs])
    number = max(groups) + 1
    if number < folds:
        raise DataError(f"--folds {folds}: {len(groups)} pairs in {number} groups are too few for it; give fewer folds")
    return Deal(folds, tuple(groups), grouped_folds(groups, numpy_generator(seed, "folds"), folds))


def _marks(item: CheckedPair) -> list[Hashable]:
    marks: list[Hashable] = [("image", item.image_digest)]
    if item.pair.group is not None:
        marks.append(("group", item.pair.group))
    if len(item.values) > 1:
        marks.append(("mask", item.mask_digest))
    return marks
