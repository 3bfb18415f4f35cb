"""Which of many synthetic pairs are looked at: evenly spread over the set, drawn from a seed, named in the result.

Pairs that share a mask stay together, a few of each, so that the variety among images of one mask can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_OF_ONE_MASK = 4


def evenly(count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """``wanted`` of ``count`` indices, ascending, one in each of as many equal stretches; all where that is fewer."""
    if wanted >= count:
        return list(range(count))
    starts = np.arange(wanted) * (count / wanted)
    places = starts + rng.random(wanted) * (count / wanted)
    return [int(place) for place in np.minimum(places, count - 1)]


def choose(masks: Sequence[str], wanted: int, rng: np.random.Generator) -> list[int]:
    """At most ``wanted`` indices of a set whose item i has mask ``masks[i]``, ascending."""
    if wanted >= len(masks):
        return list(range(len(masks)))
    units: dict[str, list[int]] = {}
    for index, mask in enumerate(masks):
        units.setdefault(mask, []).append(index)
    members = list(units.values())
    typical = round(len(masks) / len(members))
    each = max(min(typical, MOST_OF_ONE_MASK, wanted), wanted // len(members))
    chosen = [members[place] for place in evenly(len(members), max(1, wanted // each), rng)]
    return sorted(unit[place] for unit in chosen for place in evenly(len(unit), each, rng))
