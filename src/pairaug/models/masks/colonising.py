"""Space colonisation: a tree grows toward points of need, its attractors (Runions, Lane and Prusinkiewicz 2007).

In each step every attractor a pulls at the node v that reaches it at the least cost,

    cost(v, a) = |a - v| (1 + BEND (1 - cos angle(d_v, a - v))),

d_v the direction of flow at v: behind a fork the way on is cheaper than the way back, so side branches leave at an
acute angle. A node that is pulled sprouts one at a distance of ``step`` in the direction

    INERTIA d_v + (1 - INERTIA) mean (a - v) / |a - v|, turned by an angle t,

t being t of v times ``LASTING`` plus a little noise, so that branches curve. An attractor that is reached, or just
missed, is gone; one that is bound to a branch pulls at its tip alone.
A sprout that would land on a branch that is not its own crosses it while ``crossings`` are left, and otherwise its
attractors are given up: trees fill gaps, they do not pile up.

Enters: the nodes that are there. Leaves: more of them, and who reached what. Lengths in pixels, (row, column).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Truths = NDArray[np.bool_]

BEND = 0.9
INERTIA = 0.6
LASTING = 0.93
WANDER = 0.03  # rad a step
REACHED = 1.5  # steps
PASSED = 5.0  # steps
CLEAR = 1.6  # steps; nearer to another branch than this is on it
JOINT = 4.0  # steps; so far from where two branches met they may still be near each other
PATIENCE = 1.5  # times the straight way
FREE = -1  # an attractor that is bound to no branch


@dataclass
class Nodes:
    """Places (n, 2) with directions of flow (n, 2), the node each grew from (-1: none), its branch, its turn t."""

    places: Floats
    directions: Floats
    parents: Ints
    owners: Ints
    turns: Floats

    def __len__(self) -> int:
        return len(self.places)

    def extend(self, places: Floats, directions: Floats, parents: Ints, owners: Ints, turns: Floats) -> None:
        """Add m nodes; the first of a branch comes before those that go on."""
        self.places = np.concatenate([self.places, places])
        self.directions = np.concatenate([self.directions, directions])
        self.parents = np.concatenate([self.parents, parents])
        self.owners = np.concatenate([self.owners, owners])
        self.turns = np.concatenate([self.turns, turns])


@dataclass
class Budget:
    """How many ``crossings`` of branches are left.

    ``joints``: where pairs of branches met, by growing from one another or by a crossing.
    """

    crossings: int
    joints: dict[tuple[int, int], Floats] = field(default_factory=dict)

    def join(self, first: int, second: int, place: Floats) -> None:
        self.joints[first, second] = self.joints[second, first] = place

    def meet(self, first: int, second: int, place: Floats, near: float) -> bool:
        """Whether two branches met within ``near`` pixels of a place (2,)."""
        joint = self.joints.get((first, second))
        return joint is not None and float(np.hypot(*(joint - place))) < near


@dataclass
class _Pull:
    """For each attractor (m,): is it alive, the node it pulls at, that one's cost and distance, the steps left."""

    alive: Truths
    best: Ints
    cost: Floats
    distance: Floats
    patience: Floats


def colonise(
    nodes: Nodes, attractors: Floats, bound: Ints, step: float, budget: Budget, rng: np.random.Generator
) -> tuple[Ints, Truths]:
    """Grow ``nodes`` toward ``attractors`` (m, 2), each bound to a branch (m,) or ``FREE``, until none is left.

    Returns the branch that each pulled at last (m,), and whether that reached it (m,).
    """
    count = len(attractors)
    pull = _Pull(
        alive=np.ones(count, bool),
        best=np.zeros(count, np.intp),
        cost=np.full(count, np.inf),
        distance=np.full(count, np.inf),
        patience=np.zeros(count),
    )
    reached = np.zeros(count, bool)
    fresh = 0
    while count:
        _look(nodes, fresh, attractors, bound, pull)
        if not fresh:
            pull.patience = PATIENCE * pull.distance / step + 3
        there = pull.alive & _there(nodes, attractors, pull, step)
        reached |= there
        pull.patience -= 1
        pull.alive &= ~there & (pull.patience > 0)
        fresh = len(nodes)
        alive = np.flatnonzero(pull.alive)
        if not len(alive):
            break
        sprouting, pulled = np.unique(pull.best[alive], return_inverse=True)
        places, directions, turns = _sprouts(nodes, sprouting, attractors[alive], pulled, step, rng)
        free = _free(nodes, sprouting, places, step, budget)
        pull.alive[alive[~free[pulled]]] = False
        sprouting = sprouting[free]
        owners = _owners(nodes, sprouting, step, budget)
        nodes.extend(places[free], directions[free], sprouting, owners, turns[free])
    return nodes.owners[pull.best], reached


def _look(nodes: Nodes, fresh: int, attractors: Floats, bound: Ints, pull: _Pull) -> None:
    """Let the nodes from ``fresh`` on compete for the attractors that are alive."""
    rows = np.flatnonzero(pull.alive)
    if fresh == len(nodes) or not len(rows):
        return
    apart = attractors[rows, None] - nodes.places[None, fresh:]
    distance = np.hypot(apart[..., 0], apart[..., 1])
    along = np.einsum("anx,nx->an", apart, nodes.directions[fresh:]) / np.maximum(distance, 1e-9)
    costs = distance * (1 + BEND * (1 - along))
    tied = bound[rows] != FREE
    costs[tied[:, None] & (nodes.owners[None, fresh:] != bound[rows, None])] = np.inf
    # Of a branch's own nodes the last is its tip.
    least = np.where(tied, costs.shape[1] - 1 - np.isfinite(costs)[:, ::-1].argmax(axis=1), costs.argmin(axis=1))
    found = costs[np.arange(len(rows)), least]
    nearer = np.where(tied, np.isfinite(found), found < pull.cost[rows])
    chosen = rows[nearer]
    pull.best[chosen], pull.cost[chosen] = least[nearer] + fresh, found[nearer]
    pull.distance[chosen] = distance[nearer, least[nearer]]


def _there(nodes: Nodes, attractors: Floats, pull: _Pull, step: float) -> Truths:
    """Which attractors (m,) are reached, or lie close by the side of a branch that goes on."""
    passing = np.einsum("mx,mx->m", attractors - nodes.places[pull.best], nodes.directions[pull.best])
    young = nodes.turns[pull.best] != 0
    passed = young & (passing < 0.4 * pull.distance) & (pull.distance < PASSED * step)
    there: Truths = passed | (pull.distance < REACHED * step)
    return there


def _sprouts(
    nodes: Nodes, sprouting: Ints, attractors: Floats, pulled: Ints, step: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Places (s, 2), directions (s, 2) and turns (s,) of sprouts; attractor i pulls at ``sprouting[pulled[i]]``."""
    pulls: Floats = attractors - nodes.places[sprouting][pulled]
    pulls = pulls / np.maximum(np.hypot(*pulls.T), 1e-9)[:, None]
    mean: Floats = np.stack([np.bincount(pulled, pulls[:, axis], len(sprouting)) for axis in (0, 1)], axis=1)
    mean = mean / np.maximum(np.hypot(*mean.T), 1e-9)[:, None]
    direction = INERTIA * nodes.directions[sprouting] + (1 - INERTIA) * mean
    turns = LASTING * nodes.turns[sprouting] + WANDER * rng.standard_normal(len(sprouting))
    angle = np.arctan2(direction[:, 0], direction[:, 1]) + turns
    direction = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return nodes.places[sprouting] + step * direction, direction, turns


def _free(nodes: Nodes, sprouting: Ints, places: Floats, step: float, budget: Budget) -> Truths:
    """Which sprouts (s,) land on free ground, or cross another branch within the budget."""
    apart = places[:, None] - nodes.places[None]
    near = np.hypot(apart[..., 0], apart[..., 1]) < CLEAR * step
    free = np.ones(len(sprouting), bool)
    for number in np.flatnonzero(near.any(axis=1)):
        own = int(nodes.owners[sprouting[number]])
        for other in {int(owner) for owner in nodes.owners[near[number]]} - {own}:
            if budget.meet(own, other, places[number], JOINT * step):
                continue
            free[number] &= budget.crossings > 0
            if free[number]:
                budget.crossings -= 1
                budget.join(own, other, places[number])
    return free


def _owners(nodes: Nodes, sprouting: Ints, step: float, budget: Budget) -> Ints:
    """The branch of each sprout: that of its node where it goes on from a tip, else a new one."""
    has_child = np.zeros(len(nodes), bool)
    has_child[nodes.parents[nodes.parents >= 0]] = True
    owners = nodes.owners[sprouting].copy()
    new = int(nodes.owners.max()) + 1
    for number in np.flatnonzero(has_child[sprouting]):
        owners[number] = new
        join_neighbours(nodes, int(sprouting[number]), new, step, budget)
        new += 1
    return owners


def join_neighbours(nodes: Nodes, node: int, branch: int, step: float, budget: Budget) -> None:
    """A branch that leaves at ``node`` is near others there, which is no crossing."""
    apart = nodes.places - nodes.places[node]
    for near in np.unique(nodes.owners[np.hypot(*apart.T) < 3 * step]):
        budget.join(branch, int(near), nodes.places[node])
