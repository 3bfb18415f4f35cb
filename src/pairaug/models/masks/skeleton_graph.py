"""A tree-like mask as a graph: branches with a radius at every point, and which branch feeds which.

The skeleton (Zhang and Suen 1984, by scikit-image) is read as a graph: skeleton pixels are linked to their side
neighbours, and to corner neighbours that no side neighbour joins already; where the number of links is not two there
is a node, and what runs between two nodes is a branch. The radius at a point is the distance to the background minus
half a pixel, exact for a straight line of odd width.

The branches that are thickest on average span the graph (Kruskal 1956), each part is rooted where it is thickest, and
what is left over closes loops: ``chords``. So a branch feeds what lies behind it, seen from the root, and
``downstream`` says how much that is. In masks of crossing trees (arteries and veins) the direction may be wrong behind
a crossing; the lengths and the radii are right all the same.

Enters: labels (H, W) in [0, K). Leaves: a ``SkeletonGraph`` in pixels, (row, column), pixel centres at whole numbers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairaug.models.masks.curves import Floats, polyline_length

_SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0))
_CORNERS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
_SPUR = 1.5  # radii; a shorter twig is a bump of the outline


@dataclass(frozen=True)
class Branch:
    """A curve between two nodes: ``points`` (n, 2), ``radii`` (n,) in pixels, n >= 2, from ``start`` to ``end``.

    ``label`` is the class that most of it has; ``downstream``: the length in pixels of all that it feeds, itself
    included (its own for a chord); ``parent``: the branch that feeds it, None at a root and for a chord.
    """

    points: Floats
    radii: Floats
    start: int
    end: int
    label: int
    downstream: float = 0.0
    parent: int | None = None
    chord: bool = False

    @property
    def length(self) -> float:
        return polyline_length(self.points)

    def reversed(self) -> Branch:
        return replace(self, points=self.points[::-1], radii=self.radii[::-1], start=self.end, end=self.start)


@dataclass(frozen=True)
class SkeletonGraph:
    """Branches, those that feed before those that are fed, chords last."""

    branches: tuple[Branch, ...]
    size: tuple[int, int]

    @property
    def length(self) -> float:
        return sum(branch.length for branch in self.branches)

    def ends(self) -> int:
        """How many nodes have one branch."""
        return sum(count == 1 for count in _degrees(self.branches).values())


def trace(labels: NDArray[np.uint8]) -> SkeletonGraph:
    """The graph of all foreground of (H, W); no branches for an empty mask or one of dots."""
    from scipy import ndimage
    from skimage.morphology import skeletonize

    region = labels > 0
    radius = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1] - 0.5
    pixels = np.argwhere(skeletonize(region))  # type: ignore[no-untyped-call]
    chains = _chains(pixels)
    at = [tuple(pixels[chain].T) for chain in chains]
    branches = [
        Branch(
            points=pixels[chain].astype(np.float64),
            radii=radius[place],
            start=chain[0],
            end=chain[-1],
            label=int(np.bincount(labels[place]).argmax()),
        )
        for chain, place in zip(chains, at, strict=True)
    ]
    return SkeletonGraph(_ordered(_without_spurs(branches)), region.shape)


def _links(pixels: NDArray[np.intp]) -> list[list[int]]:
    """For each skeleton pixel the pixels that it is linked to."""
    index = {(int(row), int(column)): number for number, (row, column) in enumerate(pixels)}
    links = []
    for row, column in index:
        near = {step for step in _SIDES if (row + step[0], column + step[1]) in index}
        near |= {
            (down, right)
            for down, right in _CORNERS
            if (row + down, column + right) in index and (down, 0) not in near and (0, right) not in near
        }
        links.append(sorted(index[row + down, column + right] for down, right in near))
    return links


def _chains(pixels: NDArray[np.intp]) -> list[list[int]]:
    """Every run of pixel numbers between two nodes, and every ring that has none."""
    links = _links(pixels)
    used: set[tuple[int, int]] = set()

    def walk(start: int, step: int) -> list[int]:
        chain = [start, step]
        used.add((start, step))
        while len(links[chain[-1]]) == 2 and chain[-1] != start:
            onward = links[chain[-1]][0] if links[chain[-1]][0] != chain[-2] else links[chain[-1]][1]
            used.add((chain[-1], onward))
            chain.append(onward)
        used.add((chain[-1], chain[-2]))
        return chain

    nodes = [pixel for pixel, near in enumerate(links) if len(near) != 2]
    chains = [walk(pixel, step) for pixel in nodes for step in links[pixel] if (pixel, step) not in used]
    seen = {pixel for chain in chains for pixel in chain}
    for pixel, near in enumerate(links):
        if len(near) == 2 and pixel not in seen:
            chains.append(walk(pixel, near[0]))
            seen.update(chains[-1])
    return chains


def _degrees(branches: list[Branch] | tuple[Branch, ...]) -> dict[int, int]:
    degrees: dict[int, int] = defaultdict(int)
    for branch in branches:
        degrees[branch.start] += 1
        degrees[branch.end] += 1
    return degrees


def _without_spurs(branches: list[Branch]) -> list[Branch]:
    """Without the twigs that a bump in the outline of a thick branch gives a skeleton."""
    degrees = _degrees(branches)

    def is_spur(branch: Branch) -> bool:
        first, last = degrees[branch.start], degrees[branch.end]
        if min(first, last) != 1 or max(first, last) < 3:
            return False
        return branch.length < _SPUR * float(branch.radii[0 if first > 1 else -1])

    return [branch for branch in branches if not is_spur(branch)]


def _ordered(branches: list[Branch]) -> tuple[Branch, ...]:
    """Turned and sorted so that each branch comes after the one that feeds it, with what lies downstream."""
    tree, chords = _spanning(branches)
    at: dict[int, list[int]] = defaultdict(list)
    for number in tree:
        at[branches[number].start].append(number)
        at[branches[number].end].append(number)
    thickest = {node: max(float(branches[number].radii.max()) for number in numbers) for node, numbers in at.items()}
    found: list[Branch] = []
    reached: set[int] = set()
    placed: set[int] = set()
    for root in sorted(thickest, key=lambda node: (-thickest[node], node)):
        if root in reached:
            continue
        reached.add(root)
        waiting: list[tuple[int, int | None]] = [(root, None)]
        for node, feeder in waiting:
            for number in at[node]:
                if number in placed:
                    continue
                placed.add(number)
                branch = branches[number] if branches[number].start == node else branches[number].reversed()
                reached.add(branch.end)
                waiting.append((branch.end, len(found)))
                found.append(replace(branch, parent=feeder))
    lengths = [branch.length for branch in found]
    for number in range(len(found) - 1, -1, -1):
        parent = found[number].parent
        if parent is not None:
            lengths[parent] += lengths[number]
    fed = [replace(branch, downstream=length) for branch, length in zip(found, lengths, strict=True)]
    loops = [replace(branches[number], downstream=branches[number].length, chord=True) for number in chords]
    return (*fed, *loops)


def _spanning(branches: list[Branch]) -> tuple[list[int], list[int]]:
    """Numbers of the branches of the spanning forest of the thickest, and of those left over."""
    leader: dict[int, int] = {}

    def find(node: int) -> int:
        while leader.setdefault(node, node) != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    tree: list[int] = []
    chords: list[int] = []
    for number in sorted(range(len(branches)), key=lambda number: -float(branches[number].radii.mean())):
        first, second = find(branches[number].start), find(branches[number].end)
        (chords if first == second else tree).append(number)
        leader[first] = second
    return tree, chords
