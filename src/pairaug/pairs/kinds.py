"""Values that may mean the same, and values that may mean nothing but "another one".

Enters: the label values of each mask, and for a few of them their pixels. Leaves: a DataError where two people have
written one thing as two numbers (1 and 255, 254 and 255, red and white), or a sentence for the user where values never
meet in one mask or number the objects of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.decoding import COLOUR, unpack_colours
from pairaug.pairs.labels import show_value, show_values

Values = Mapping[str, Collection[int]]

# Levels this near, and colours whose channels all are, are one thing written twice; small numbers are classes.
_NEAR_LEVELS, _LOWEST_LEVEL, _NEAR_COLOURS = 3, 32, 12
# "Yes" as a number, and as white of 8 and of 16 bits.
_WRITINGS_OF_ONE = frozenset({1, 255, 65535})
# Values number objects where this share of them is one connected part each ...
_ONE_PART = 0.9
# ... in so many masks looked at, and there are so many values or their parts begin from top to bottom.
_LOOKED_AT, _MANY_OBJECTS = 8, 4


def refuse_two_writings(values: Values) -> None:
    """Foreground values that never meet in one mask and look like one thing written in two ways. Raises DataError."""
    foreground, apart = _apart(values)
    alone = all(len(found) <= 1 for found in foreground.values())
    for one, other in apart:
        if _same_thing(one, other, alone=alone):
            raise DataError(
                f"{_example(foreground, one)} and {_example(foreground, other)} never meet in one mask; if they mean "
                "the same, say --threshold 1 (all above 0 is one class), else --labels all (every value is a class)"
            )


def warn_of_values_apart(values: Values) -> str | None:
    """A sentence where each mask holds one foreground value alone, and not all the same."""
    foreground, apart = _apart(values)
    if not apart or any(len(found) > 1 for found in foreground.values()):
        return None
    every = sorted({value for found in foreground.values() for value in found})
    return f"each mask holds one of the values {show_values(every)} alone; if they mean the same, say --threshold 1"


def _apart(values: Values) -> tuple[dict[str, set[int]], list[tuple[int, int]]]:
    """The foreground values of each mask (all but the lowest of the set), and the pairs of them that never meet."""
    every = sorted({value for found in values.values() for value in found})
    foreground = {name: set(found) - {every[0]} for name, found in values.items()} if every else {}
    meeting: dict[int, set[int]] = {value: {value} for value in every[1:]}
    for found in foreground.values():
        for value in found:
            meeting[value] |= found
    return foreground, [pair for pair in combinations(every[1:], 2) if pair[1] not in meeting[pair[0]]]


def _same_thing(one: int, other: int, *, alone: bool) -> bool:
    if {one, other} <= _WRITINGS_OF_ONE:
        return True
    if other < COLOUR:
        return one >= _LOWEST_LEVEL and other - one <= _NEAR_LEVELS
    if one < COLOUR:
        return alone and one == 255
    colours = unpack_colours(np.array([one, other], dtype=np.int32)).astype(np.int32)
    return bool(np.abs(colours[0] - colours[1]).max() <= _NEAR_COLOURS)


def _example(foreground: Mapping[str, Collection[int]], value: int) -> str:
    holders = [name for name, found in foreground.items() if value in found]
    more = f" and {len(holders) - 1} more" if len(holders) > 1 else ""
    return f"{show_value(value)} (in {holders[0]}{more})"


def warn_of_numbered_objects(values: Values, load: Callable[[str], NDArray[np.int32]]) -> str | None:
    """A sentence where masks hold 1..n, n differs, and each value is one part. ``load`` gives a mask (H, W) by name."""
    counts = {name: _numbered(found) for name, found in values.items()}
    if any(count is None for count in counts.values()):
        return None
    several = [name for name, count in counts.items() if count and count > 1]
    highest = max((count for count in counts.values() if count), default=0)
    if highest < 2 or len({count for count in counts.values() if count}) < 2:
        return None
    looked_at = several[:: max(1, len(several) // _LOOKED_AT)][:_LOOKED_AT]
    masks = [load(name) for name in looked_at]
    if highest < _MANY_OBJECTS and not all(_from_the_top(mask) for mask in masks):
        return None
    parts = [_parts(mask == value) for mask in masks for value in np.unique(mask[mask > 0])]
    if np.mean(np.array(parts) == 1) < _ONE_PART:
        return None
    return (
        f"the masks hold the values 1 to n, with n up to {highest}, and each value is one part; if they number "
        "objects, say --threshold 1"
    )


def _numbered(found: Collection[int]) -> int | None:
    """n where the values above 0 are 1..n; None for any other set of values."""
    above = sorted(value for value in found if value)
    return len(above) if above == list(range(1, len(above) + 1)) else None


def _from_the_top(mask: NDArray[np.int32]) -> bool:
    """Whether the values begin in ascending order, row by row, as labelling of connected parts numbers them."""
    found, first = np.unique(mask, return_index=True)
    starts = first[found > 0]
    return bool((np.diff(starts) > 0).all())


def _parts(region: NDArray[np.bool_]) -> int:
    from scipy.ndimage import label

    return int(label(region, structure=np.ones((3, 3)))[1])
