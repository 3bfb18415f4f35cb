"""A data set as the evaluation sees it: pairs decoded one at a time, in the terms of the real set.

Enters: a checked set. Leaves, for item i: the image (H, W, C) float32 in [0, 1], by the real set's intensity range;
the labels (H, W) uint8 in [0, K), by the real set's label values; a group number; names and digests. What the check
decoded is kept up to a fixed number of bytes, so memory does not grow with the number of pairs looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.metrics.reduction import FloatArray, one_hot, reduce_area
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes, load_image
from pairaug.pairs.kept import KeptPixels
from pairaug.pairs.labels import show_value, show_values
from pairaug.pairs.levels import deepened
from pairaug.pairs.pair import Found
from pairaug.pairs.unlabelled import CheckedImages, refuse_unlike
from pairaug.segmenter.base import Example

LOOKED_AT_SIDE = 256
_KEPT = 64


@dataclass(frozen=True)
class Terms:
    """What an image and a mask are to be read as: the real set's intensity range, channels and label values.

    ``deep``: there are images of 16 bits in it. ``grey``: its images are grey, in one channel or three equal ones.
    """

    intensity: tuple[int, int]
    channels: int
    label_values: tuple[int, ...]
    deep: bool = field(default=False, repr=False)  # not part of the name of saved runs, which intensity decides
    grey: bool = field(default=False, repr=False)

    @property
    def classes(self) -> int:
        return len(self.label_values)


@dataclass(frozen=True)
class PairSet:
    """The pairs of a set. ``to_real`` (own classes,) says which class of the real set each of its own classes is.

    ``kept``: what the check decoded, as far as it fits; the rest is decoded when it is looked at.
    """

    checked: Checked
    terms: Terms
    to_real: NDArray[np.uint8]
    groups: tuple[int, ...]
    kept: KeptPixels | None = None

    def __len__(self) -> int:
        return len(self.checked.pairs)

    @property
    def pairs(self) -> tuple[CheckedPair, ...]:
        return self.checked.pairs

    @property
    def classes(self) -> int:
        return self.terms.classes

    @property
    def class_titles(self) -> list[str]:
        """What each class is called: by its name where the files have names, else by its label value."""
        values, names = self.terms.label_values, self.checked.class_names
        if len(names) == len(values) - 1:
            return ["background", *names]
        return [f"label {show_value(value)}" for value in values]

    def pixels(self, index: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Image ``index`` as it is stored, (H, W) or (H, W, 3); not to be written to."""
        return load_image(self.checked.root, self.pairs[index], self.checked.policy, self.kept)

    def image(self, index: int) -> FloatArray:
        """Image ``index``, (H, W, C) in [0, 1]."""
        return unit_image(self.pixels(index), self.terms)

    def labels(self, index: int) -> NDArray[np.uint8]:
        """Mask ``index``, (H, W) in [0, K)."""
        checked = self.checked
        own = load_classes(checked.root, self.pairs[index], checked.policy, checked.label_map, self.kept)
        labels: NDArray[np.uint8] = self.to_real[own]
        return labels

    def example(self, index: int) -> Example:
        return Example(self.image(index), self.labels(index))

    def name(self, index: int) -> str:
        """The image's path, relative to the set's root."""
        return self.pairs[index].pair.image

    def image_picture(self, index: int) -> FloatArray:
        """Image ``index`` as copies are looked for: at most ``LOOKED_AT_SIDE`` pixels a side, (h, w, C) in [0, 1]."""
        return compact(self.image(index))

    def mask_picture(self, index: int) -> FloatArray:
        """Mask ``index`` likewise, a channel a foreground class, (h, w, K - 1) in [0, 1]."""
        return compact(one_hot(self.labels(index), self.terms.classes))


def check_set(name: str, found: Found, policy: CheckPolicy, kept: KeptPixels | None = None) -> Checked:
    """``check_pairs``, whose refusals say which of the several sets they are about."""
    try:
        return check_pairs(found, policy, kept)
    except DataError as error:
        if error.message.startswith(name):
            raise
        raise DataError(f"{name}: {error.message}", error.details) from None


def in_terms(
    name: str,
    checked: Checked,
    terms: Terms,
    translated: Mapping[int, int] | None = None,
    kept: KeptPixels | None = None,
) -> PairSet:
    """A checked set in the terms of the real one; ``translated``: its stored values -> values of the real set.

    Raises DataError for label values that the real set lacks, grey against colour, 16 against 8 bits.
    """
    values = [(translated or {}).get(value, value) for value in checked.label_map.values]
    strange = sorted(set(values) - set(terms.label_values))
    if strange:
        raise DataError(
            f"{name}: label values {show_values(strange)} are not among the real set's "
            f"{show_values(terms.label_values)}; write both with the same values, or make both binary with --threshold"
        )
    refuse_other_kind(name, checked, terms)
    to_real = np.array([terms.label_values.index(value) for value in values], dtype=np.uint8)
    return PairSet(checked, terms, to_real, group_numbers(checked.pairs), kept)


def refuse_other_kind(name: str, checked: Checked | CheckedImages, terms: Terms) -> None:
    """Grey images are not compared with colour, nor 16 bits with 8. Raises DataError."""
    refuse_unlike(name, checked, terms.channels, grey=terms.grey, deep=terms.deep)


def unit_image(pixels: NDArray[np.uint8] | NDArray[np.uint16], terms: Terms) -> FloatArray:
    """Decoded pixels (H, W) or (H, W, 3) as an image (H, W, C) float32 in [0, 1], C the channels of the real set."""
    low, high = terms.intensity
    levels = pixels.astype(np.float32)
    if pixels.dtype == np.uint8 and terms.deep:
        levels = deepened(levels, terms.intensity)
    unit: FloatArray = np.clip((levels - low) / (high - low), 0.0, 1.0)
    planes = unit[..., None] if unit.ndim == 2 else unit
    return planes if planes.shape[2] == terms.channels else np.repeat(planes[..., :1], terms.channels, axis=2)


def lenient(policy: CheckPolicy) -> CheckPolicy:
    """For sets whose label values are judged by the real set's: none of them is dirt before that."""
    return replace(policy, cleaning=replace(policy.cleaning, as_found=True, background=None))


def compact(picture: FloatArray) -> FloatArray:
    """(H, W, C) with its longer side reduced by area to ``LOOKED_AT_SIDE``, never enlarged."""
    height, width = picture.shape[:2]
    factor = LOOKED_AT_SIDE / max(height, width)
    if factor >= 1:
        return picture
    return reduce_area(picture, max(1, round(height * factor)), max(1, round(width * factor)))


class Pictures(Sequence[FloatArray]):
    """A sequence whose elements are made when they are asked for; the last few are kept."""

    def __init__(self, load: Callable[[int], FloatArray], count: int) -> None:
        self._load, self._count = lru_cache(maxsize=_KEPT)(load), count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> FloatArray: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[FloatArray]: ...
    def __getitem__(self, index: int | slice) -> FloatArray | Sequence[FloatArray]:
        if isinstance(index, slice):
            return [self._load(place) for place in range(*index.indices(self._count))]
        if not 0 <= int(index) < self._count:
            raise IndexError(index)
        return self._load(int(index))

    def __iter__(self) -> Iterator[FloatArray]:
        return (self._load(place) for place in range(self._count))


def group_numbers(pairs: Sequence[CheckedPair]) -> tuple[int, ...]:
    """One number a pair: the same for pairs of one group; a pair without a group is its own."""
    numbers: dict[str, int] = {}
    found = []
    for place, item in enumerate(pairs):
        key = f"group {item.pair.group}" if item.pair.group is not None else f"pair {place}"
        found.append(numbers.setdefault(key, len(numbers)))
    return tuple(found)
