"""Which of many synthetic pairs are looked at: evenly spread over the set, drawn from a seed, named in the result.

A few pairs that share a mask stay together, so that the variety among images of one mask can be seen; every pair is as
likely to be looked at as any other, so that a mask that is repeated over and over is as frequent in the sample as it is
in the set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_OF_ONE_MASK = 4


def evenly(count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """``wanted`` of ``count`` indices, ascending, none twice: one in each of as many stretches of nearly equal length.

    All indices where those are fewer.
    """
    if wanted >= count:
        return list(range(count))
    ends = np.arange(wanted + 1) * count // wanted
    places = ends[:-1] + rng.random(wanted) * np.diff(ends)
    return [int(place) for place in np.minimum(places, ends[1:] - 1)]


def one_a_mask(masks: Sequence[int], per_mask: int) -> list[int]:
    """The first of every ``per_mask`` pairs that share a mask: those that a set holds of one on purpose count once."""
    met: dict[int, int] = {}
    found = []
    for index, mask in enumerate(masks):
        if met.setdefault(mask, 0) % per_mask == 0:
            found.append(index)
        met[mask] += 1
    return found


def choose(masks: Sequence[str], wanted: int, rng: np.random.Generator) -> list[int]:
    """At most ``wanted`` indices of a set whose item i has mask ``masks[i]``, ascending."""
    if wanted >= len(masks):
        return list(range(len(masks)))
    members: dict[str, list[int]] = {}
    for index, mask in enumerate(masks):
        members.setdefault(mask, []).append(index)
    typical = int(np.median([len(unit) for unit in members.values()]))
    together = max(1, min(typical, MOST_OF_ONE_MASK, wanted))
    units = sorted(
        unit[start : start + together] for unit in members.values() for start in range(0, len(unit), together)
    )
    count = min(len(units), max(1, round(wanted * len(units) / len(masks))))
    chosen = sorted(index for place in evenly(len(units), count, rng) for index in units[place])
    return [chosen[place] for place in evenly(len(chosen), wanted, rng)]
