"""The mask of a pair as one map of label values, whether it lies in one file, in several parts, or in one file a class.

Enters: a pair and how its files are read. Leaves: (H, W) label values after cleaning, and what each file stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.decoding import decode_mask
from pairaug.pairs.labels import count_values, show_values
from pairaug.pairs.pair import Pair
from pairaug.pairs.palettes import Stored, counts_of


def united_mask(root: Path, pair: Pair, policy: CheckPolicy) -> tuple[NDArray[np.int32], tuple[Stored, ...]]:
    """The pair's mask, cleaned, and what each of its files stores; several masks of one image are put together."""
    masks = [_clean_mask(root, pair, name, policy) for name in pair.masks]
    union = masks[0][0]
    for name, (part, _) in zip(pair.masks[1:], masks[1:], strict=True):
        if part.shape != union.shape:
            raise DataError(
                f"{name} is {part.shape[1]}x{part.shape[0]} but {pair.masks[0]}, a mask of the same image, is "
                f"{union.shape[1]}x{union.shape[0]}; bring them to one size"
            )
    stored = tuple(one for _, one in masks)
    if pair.mask_labels:
        return _labelled(pair, [part for part, _ in masks], policy.cleaning.background or 0), stored
    if len(masks) == 1:
        return union, stored
    for part, _ in masks[1:]:
        np.maximum(union, part, out=union)
    if len(values := list(count_values(union))) > 2:
        raise DataError(
            f"{pair.masks[0]} and {len(pair.masks) - 1} more masks of {pair.image} hold several values "
            f"{show_values(values)} and cannot be united; choose one of them with --masks, or give --threshold"
        )
    return union, stored


def _labelled(pair: Pair, masks: Sequence[NDArray[np.int32]], background: int) -> NDArray[np.int32]:
    """One label map of masks that each show one class; where two overlap, the smaller region is kept."""
    labels = np.zeros(masks[0].shape, dtype=np.int32)
    regions = [mask != background for mask in masks]
    for place in sorted(range(len(masks)), key=lambda place: (-int(regions[place].sum()), place)):
        if len(values := count_values(masks[place])) > 2:
            raise DataError(
                f"{pair.masks[place]}: holds several values {show_values(list(values))} where one class is wanted; "
                "say --threshold 1"
            )
        labels[regions[place]] = pair.mask_labels[place]
    return labels


def _clean_mask(root: Path, pair: Pair, name: str, policy: CheckPolicy) -> tuple[NDArray[np.int32], Stored]:
    raw, form = decode_mask(root / name, policy.decode, pair.glued)
    counts = counts_of(raw, name, changed=policy.cleaning.changes) if policy.decode.palette == "auto" else {}
    stored = Stored(name, form, counts)
    try:
        return policy.cleaning.apply(raw), stored
    except DataError as error:
        raise DataError(f"{name}: {error.message}") from None
