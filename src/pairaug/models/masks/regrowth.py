"""From a pruned tree to a full one: every lost limb is replaced by a new one of its reach and its thickness.

* A long limb grows from where the old one sprang, or from its stump, toward an attractor about as far away, in about
  the same direction, where real trees have their branches. If its way is barred it turns to another one.
* Short ones, which say little of the tree, spring anywhere: their attractors are drawn from the density of real trees,
  as far from what stands as the old limbs reached, and space colonisation connects them.
* A limb that was a part of its own becomes one again, elsewhere.
* Where loops are missing in the end, new tips grow on to the branch ahead of them.

So lengths, ends, loops and the fall of the radii along a limb are those of real limbs; where limbs lie, how they run
and where they fork is new.

Enters: what stands, and the lost limbs, at the size of the new mask. Leaves: tubes. Lengths in pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pairaug.models.masks.colonising import (
    FREE,
    Budget,
    Floats,
    Ints,
    Nodes,
    colonise,
    join_neighbours,
)
from pairaug.models.masks.curves import heading, polyline_length, resampled, smoothed, wound
from pairaug.models.masks.ground import Ground
from pairaug.models.masks.habit import COURSE, Habit
from pairaug.models.masks.pruning import Limb, Pruned
from pairaug.models.masks.skeleton_graph import Branch
from pairaug.models.masks.tubes import Tube, draw, without_pinholes

STEPS_A_SIDE = 150
_LONG = 0.12  # of the side
_SHORT = 0.05
_TURN = 0.3  # rad; how far a new limb leaves the direction of the old one
_ROUNDS = 5
_WASTE = 1.05  # steps are smoothed and overlap where branches meet: what is drawn is so much shorter than they are
_PINHOLE = 4e-5  # of the area
_JOINING = 30.0  # steps; how far a tip goes on to close a loop
_ENOUGH = 0.85  # of the reach; with less a limb tries again
_STRETCH = 1.3  # how far the radii of young branches are scaled so that all covers the area of the parent
_THICKER = 1.2  # a young branch is never thicker than where it sprang by more than this
_DRAWN_EVERY = 1.0  # px


class Regrowth:
    """A tree while it grows. ``limbs``: owner of a young branch -> the lost limb that it stands for."""

    def __init__(self, pruned: Pruned, ground: Ground, rng: np.random.Generator) -> None:
        self.ground, self.rng = ground, rng
        self.side = float(np.sqrt(ground.size[0] * ground.size[1]))
        self.step = max(1.5, self.side / STEPS_A_SIDE)
        self.branches = pruned.branches
        self.nodes, self.tips = _nodes(pruned.branches, self.step)
        self.old = len(self.nodes)
        self.budget = Budget(pruned.lost_chords)
        self.limbs: dict[int, Limb] = {}
        self.labels = {number: branch.label for number, branch in enumerate(pruned.branches)}

    def grow(self, limbs: Sequence[Limb]) -> None:
        """Replace all ``limbs``, the long ones first, and go on until they are as long as the lost ones."""
        owners: dict[int, int] = {}  # place in limbs -> owner of its new branch
        while True:
            ready = [
                number
                for number, limb in enumerate(limbs)
                if number not in owners and self._is_rooted(limb) and (limb.feeder is None or limb.feeder in owners)
            ]
            if not ready:
                break
            for number in ready:
                owners[number] = self._start(limbs[number], limbs, owners)
            self._grow_rooted({owners[number]: limbs[number] for number in ready})
        others = sorted((limb for number, limb in enumerate(limbs) if number not in owners), key=lambda one: -one.reach)
        middle = [limb for limb in others if limb.reach >= _SHORT * self.side]
        self._grow_anywhere(middle)
        self._grow_anywhere(others[len(middle) :])
        self._top_up(limbs)

    def _is_rooted(self, limb: Limb) -> bool:
        return limb.stump or limb.apart or limb.reach >= _LONG * self.side

    def _top_up(self, limbs: Sequence[Limb]) -> None:
        """More limbs like the lost ones, while what has grown is shorter than what was lost."""
        lost = _WASTE * sum(polyline_length(limb.points) for limb in limbs)
        small = [limb for limb in limbs if 3 * self.step < limb.reach < _LONG * self.side]
        for _ in range(_ROUNDS):
            lacking = lost - self.step * (len(self.nodes) - self.old)
            if not small or lacking < 0.03 * lost:
                return
            reach = np.array([limb.reach for limb in small])
            count = max(1, round(lacking / (reach**2).sum() * reach.sum()))
            self._grow_anywhere([small[int(one)] for one in self.rng.choice(len(small), count, p=reach / reach.sum())])

    def _start(self, limb: Limb, limbs: Sequence[Limb], owners: dict[int, int]) -> int:
        """The owner of a limb that is about to grow: its stump, or that of a first node at a fork or a new place."""
        if limb.stump and limb.branch is not None:
            return limb.branch
        new = int(self.nodes.owners.max()) + 1
        angle = heading(limb.points, 0, self.step) + _TURN * self.rng.standard_normal()
        parent = FREE
        if limb.feeder is not None:
            chain = np.flatnonzero(self.nodes.owners == owners[limb.feeder])
            chain = chain[chain >= self.old] if (chain >= self.old).any() else chain[-1:]
            parent = int(chain[round(limb.along * (len(chain) - 1))])
            old = limbs[limb.feeder].points
            angle += np.arctan2(*self.nodes.directions[parent])
            angle -= heading(old, min(round(limb.along * (len(old) - 1)), len(old) - 2), self.step)
        elif limb.branch is not None:
            parent = self.tips[limb.branch]
        direction = np.array([np.sin(angle), np.cos(angle)])
        if parent >= 0:
            join_neighbours(self.nodes, parent, new, self.step, self.budget)
            place = self.nodes.places[parent] + self.step * direction
        else:
            place = self.ground.away_from(self.nodes.places, 4 * self.step)
        self.nodes.extend(place[None], direction[None], np.array([parent]), np.array([new]), np.zeros(1))
        self.labels[new] = limb.label
        return new

    def _grow_rooted(self, limbs: dict[int, Limb]) -> None:
        """Let young branches, or stumps, by owner, come as far as their limbs did."""
        origins = {owner: self.nodes.places[self._tip(owner)] for owner in limbs}
        self.limbs |= limbs
        waiting = list(limbs)
        for _ in range(_ROUNDS):
            if not waiting:
                return
            targets: list[Floats] = []
            taken = self.nodes.places
            for owner in waiting:
                tip = self._tip(owner)
                left = self._left(owner, limbs[owner], origins[owner])
                place, direction = self.nodes.places[tip], self.nodes.directions[tip]
                targets.append(self.ground.ahead(place, direction, left, taken))
                taken = np.concatenate([taken, resampled(np.stack([place, targets[-1]]), 2 * self.step)[0][2:]])
            colonise(self.nodes, np.stack(targets), np.array(waiting), self.step, self.budget, self.rng)
            waiting = [owner for owner in waiting if self._left(owner, limbs[owner], origins[owner]) > 0]

    def _tip(self, owner: int) -> int:
        return int(np.flatnonzero(self.nodes.owners == owner)[-1])

    def _left(self, owner: int, limb: Limb, origin: Floats) -> float:
        """What a limb still has to reach, in pixels; 0 where it has come far enough."""
        come = float(np.hypot(*(self.nodes.places[self._tip(owner)] - origin)))
        return 0.0 if come >= _ENOUGH * limb.reach else max(limb.reach - come, 3 * self.step)

    def _grow_anywhere(self, limbs: Sequence[Limb]) -> None:
        waiting = list(limbs)
        for _ in range(_ROUNDS):
            if not waiting:
                return
            targets = self.ground.as_far_as(self.nodes.places, np.array([limb.reach for limb in waiting]))
            known = int(self.nodes.owners.max())
            bound = np.full(len(waiting), FREE)
            owners, reached = colonise(self.nodes, targets, bound, self.step, self.budget, self.rng)
            left = []
            for limb, owner, there in zip(waiting, owners.tolist(), reached, strict=True):
                if owner > known and owner not in self.limbs:
                    self.limbs[owner] = limb
                elif not there:
                    left.append(limb)
            waiting = left

    def tubes(self, winding: float) -> tuple[list[Tube], list[Tube]]:
        """What stands and what has grown, each with its radii."""
        self.radius[: self.old] = _standing_radii(self.branches, self.step)
        young = []
        for owner, chain in _chains(self.nodes, self.old).items():
            self.radius[chain[1:]] = self._radii(owner, chain)
            self.labels.setdefault(owner, self.labels[int(self.nodes.owners[chain[0]])])
            along = self.radius[chain]
            along[0] = along[1]  # it springs from the centre line of a thicker branch
            young.append(self._tube(chain, along, owner, winding))
        return [Tube(branch.points, branch.radii, branch.label) for branch in self.branches], young

    def joints(self, count: int, winding: float) -> list[Tube]:
        """Up to ``count`` new tips grown on to the branch ahead of them, the nearest first; after ``tubes``."""
        nodes = self.nodes
        children = np.bincount(nodes.parents[nodes.parents >= 0], minlength=len(nodes))
        found = []
        for tip in np.flatnonzero(children[self.old :] == 0) + self.old:
            apart = nodes.places - nodes.places[tip]
            distance = np.hypot(*apart.T)
            other = (apart @ nodes.directions[tip] > 0.5 * distance) & (nodes.owners != nodes.owners[tip])
            other &= distance < _JOINING * self.step
            if other.any():
                target = int(np.flatnonzero(other)[distance[other].argmin()])
                found.append((float(distance[target]), int(tip), target))
        return [
            self._tube(np.array([tip, target]), np.full(2, self.radius[tip]), int(nodes.owners[tip]), winding)
            for _, tip, target in sorted(found)[: max(0, count)]
        ]

    def _tube(self, chain: Ints, radii: Floats, owner: int, winding: float) -> Tube:
        points, position = resampled(self.nodes.places[chain], _DRAWN_EVERY)
        points = wound(smoothed(points, self.step), winding, COURSE * self.side, self.rng)
        return Tube(points, np.interp(position, np.arange(len(chain)), radii), self.labels[owner])

    @cached_property
    def radius(self) -> Floats:
        """Radii (n,) of all nodes, once nothing grows any more; filled in by ``tubes``."""
        return np.zeros(len(self.nodes))

    def _radii(self, owner: int, chain: Ints) -> Floats:
        """Radii of a young chain but its first node: those along its limb, hardly thicker than where it sprang."""
        limb = self.limbs.get(owner)
        if limb is None:
            limb = min(self.limbs.values(), key=lambda limb: limb.reach)
        along = np.linspace(0, len(limb.radii) - 1, len(chain))[1:]
        found: Floats = np.interp(along, np.arange(len(limb.radii)), limb.radii)
        spring = self.radius[chain[0]]
        return np.minimum(found, _THICKER * spring) if spring else found


def regrow(
    pruned: Pruned, habit: Habit, density: Floats, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Labels (H, W) of a full tree from what stands of one; ``density`` (h, w) says where trees lie in the frame."""
    growth = Regrowth(pruned, Ground(density, size, rng), rng)
    growth.grow(pruned.limbs)
    standing, young = growth.tubes(habit.winding)
    covered, stretch = float((draw(standing + young, size) > 0).sum()), 1.0
    if young:
        area = max(sum(tube.area for tube in young), 1.0)
        stretch = min(max(1 + (habit.area - covered) / area, 1 / _STRETCH), _STRETCH)
        young = [replace(tube, radii=tube.radii * stretch) for tube in young]
    labels, loops = without_pinholes(draw(standing + young, size), _PINHOLE * size[0] * size[1])
    joints = draw(growth.joints(habit.loops - loops, habit.winding), size)
    return np.where(labels > 0, labels, joints)


def _nodes(branches: Sequence[Branch], step: float) -> tuple[Nodes, list[int]]:
    """Nodes a step apart along what stands, each branch's owner its number, and the last node of every branch."""
    places, directions, parents, owners = [], [], [], []
    last: list[int] = []
    count = 0
    for number, branch in enumerate(branches):
        points, _ = resampled(branch.points, step)
        way = np.gradient(points, axis=0)
        way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
        first = 0 if branch.parent is None else 1
        chain = np.arange(count - 1, count - 1 + len(points) - first)
        chain[0] = FREE if branch.parent is None else last[branch.parent]
        places.append(points[first:])
        directions.append(way[first:])
        parents.append(chain)
        owners.append(np.full(len(chain), number))
        count += len(chain)
        last.append(count - 1)
    turns = [np.zeros(count)]
    return Nodes(*(np.concatenate(part) for part in (places, directions, parents, owners, turns))), last


def _standing_radii(branches: Sequence[Branch], step: float) -> Floats:
    """The radii at the nodes of ``_nodes``."""
    found = []
    for branch in branches:
        _, position = resampled(branch.points, step)
        radii = np.interp(position, np.arange(len(branch.radii)), branch.radii)
        found.append(radii[0 if branch.parent is None else 1 :])
    return np.concatenate(found)


def _chains(nodes: Nodes, old: int) -> dict[int, Ints]:
    """Young branches by owner, as node numbers from where they sprang to their tip, feeders first."""
    members: dict[int, list[int]] = defaultdict(list)
    for node in range(old, len(nodes)):
        members[int(nodes.owners[node])].append(node)
    chains = {}
    for owner, chain in members.items():
        origin = int(nodes.parents[chain[0]])
        whole = chain if origin < 0 else [origin, *chain]
        if len(whole) > 1:
            chains[owner] = np.array(whole)
    return chains
