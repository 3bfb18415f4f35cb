"""Cut subtrees out of a skeleton graph at random, and remember what each lost branch was like.

The graph is first read as *limbs*: at a fork the branch that feeds most goes on, every other starts a limb of its own.
A cut is made at a place drawn evenly along all that stands, and everything downstream of it goes; in a share of the
cuts the limb goes down to its fork, else a stump stays. Subtrees of more than ``most`` of the whole are spared, so
that the trunks stay. A chord goes with either of its ends.

Enters: a graph. Leaves: what stands, and the lost limbs, after which new ones are made.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from pairaug.models.masks.curves import Floats
from pairaug.models.masks.skeleton_graph import Branch, SkeletonGraph

_TRIES = 2000
_TO_THE_FORK = 0.6


@dataclass(frozen=True, eq=False)
class Limb:
    """What is gone of a limb: its centre line ``points`` (n, 2) and ``radii`` (n,), from where it sprang or was cut.

    ``branch``: the standing branch, by its place in ``Pruned.branches``, that it sprang from; None where that is gone
    too. ``stump``: it was cut in the middle, so ``branch`` is its own stump. ``feeder``: the lost limb, by its place in
    ``Pruned.limbs``, that it sprang from, and ``along``: where, from 0 to 1 of that. With neither it was a part of its
    own.
    """

    points: Floats
    radii: Floats
    label: int
    branch: int | None
    stump: bool
    feeder: int | None = None
    along: float = 0.0

    @property
    def apart(self) -> bool:
        return self.branch is None and self.feeder is None

    @property
    def reach(self) -> float:
        """How far, in pixels, it came."""
        return float(np.hypot(*(self.points[-1] - self.points[0])))


@dataclass(frozen=True)
class Pruned:
    """Branches that stand, feeders first, ``parent`` being their places here; the lost limbs and chords."""

    branches: tuple[Branch, ...]
    limbs: tuple[Limb, ...]
    lost_chords: int


def prune(graph: SkeletonGraph, share: float, most: float, rng: np.random.Generator) -> Pruned:
    """Cut until about ``share`` of the length is gone, never more than ``most`` of it at once."""
    branches = graph.branches
    lengths = np.array([0.0 if branch.chord else branch.length for branch in branches])
    kept = np.where([branch.chord for branch in branches], 0.0, 1.0)  # the share of each that stands
    behind = _behind(branches)
    total = float(lengths.sum())
    for _ in range(_TRIES):
        standing = kept * lengths
        if total - standing.sum() >= share * total or not standing.any():
            break
        place = int(rng.choice(len(branches), p=standing / standing.sum()))
        at = kept[place] * rng.random() if rng.random() >= _TO_THE_FORK else 0.0
        lost = float(standing[behind[place]].sum()) + (kept[place] - at) * lengths[place]
        if lost <= most * total and total - standing.sum() + lost <= (share + 0.05) * total:
            kept[behind[place]] = 0.0
            kept[place] = at
    return _standing(branches, kept)


def _behind(branches: tuple[Branch, ...]) -> list[list[int]]:
    """For each branch all that it feeds."""
    behind: list[list[int]] = [[] for _ in branches]
    for number in range(len(branches) - 1, -1, -1):
        parent = branches[number].parent
        if parent is not None:
            behind[parent] += [number, *behind[number]]
    return behind


def _standing(branches: tuple[Branch, ...], kept: Floats) -> Pruned:
    places: dict[int, int] = {}
    found: list[Branch] = []
    nodes: dict[int, int] = defaultdict(int)
    for number, branch in enumerate(branches):
        if branch.chord or kept[number] <= 0:
            continue
        places[number] = len(found)
        nodes[branch.start] += 1
        count = len(branch.points)
        if kept[number] < 1:
            count = max(2, round(kept[number] * count))
        else:
            nodes[branch.end] += 1
        parent = None if branch.parent is None else places[branch.parent]
        found.append(replace(branch, points=branch.points[:count], radii=branch.radii[:count], parent=parent))
    chords = [branch for branch in branches if branch.chord]
    left = [branch for branch in chords if nodes[branch.start] and nodes[branch.end]]
    limbs = _lost_limbs(branches, kept, places)
    return Pruned((*found, *left), tuple(limbs), len(chords) - len(left))


def _lost_limbs(branches: tuple[Branch, ...], kept: Floats, places: dict[int, int]) -> list[Limb]:
    onward: dict[int, int] = {}  # branch -> the one that continues it
    for number, branch in enumerate(branches):
        if branch.parent is not None:
            best = onward.get(branch.parent)
            if best is None or branch.downstream > branches[best].downstream:
                onward[branch.parent] = number
    limbs: list[Limb] = []
    ends: dict[int, tuple[int, int]] = {}  # lost branch -> its limb, and the point of that where it ends
    for number, branch in enumerate(branches):
        if branch.chord or kept[number] == 1 or number in ends:
            continue
        parent = branch.parent
        run = [number]
        while run[-1] in onward:
            run.append(onward[run[-1]])
        first = max(0, round(kept[number] * len(branch.points)) - 1)
        pieces = [branch.points[first:], *(branches[one].points[1:] for one in run[1:])]
        radii = [branch.radii[first:], *(branches[one].radii[1:] for one in run[1:])]
        for one, last in zip(run, np.cumsum([len(piece) for piece in pieces]) - 1, strict=True):
            ends[one] = len(limbs), int(last)
        limb = Limb(np.concatenate(pieces), np.concatenate(radii), branch.label, None, stump=kept[number] > 0)
        if limb.stump:
            limb = replace(limb, branch=places[number])
        elif parent is not None and kept[parent] == 1:
            limb = replace(limb, branch=places[parent])
        elif parent is not None:
            feeder, point = ends[parent]
            limb = replace(limb, feeder=feeder, along=point / max(len(limbs[feeder].points) - 1, 1))
        limbs.append(limb)
    return limbs
