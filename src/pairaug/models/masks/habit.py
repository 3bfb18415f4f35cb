"""What a skeleton graph says of the hand that drew its mask: how winding its lines are, and how much it leaves out.

``winding``: root mean square distance in pixels of a centre line from its own smoothed course, on the scale of
``COURSE``. ``area``: pixels of the mask; ``loops``: its holes. ``excess``: what has to be added to every radius so that
the graph, drawn again, covers that area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.models.masks.curves import smoothed
from pairaug.models.masks.skeleton_graph import Branch, SkeletonGraph
from pairaug.models.masks.tubes import Tube, draw, without_pinholes

COURSE = 0.012  # of the side: a bend of a branch is longer than this
JAGS = 1.5  # px: what is shorter is the pixel grid


@dataclass(frozen=True)
class Habit:
    """Lengths in pixels of the mask; see the module."""

    winding: float
    excess: float
    area: float
    loops: int


def read_habit(graph: SkeletonGraph, labels: NDArray[np.uint8]) -> Habit:
    """The habit of a graph with at least one branch, traced from ``labels`` (H, W)."""
    drawn = draw([Tube(branch.points, branch.radii, 1) for branch in graph.branches], graph.size)
    area = float((labels > 0).sum())
    missing = area - float(drawn.sum())
    course = COURSE * float(np.sqrt(graph.size[0] * graph.size[1]))
    _, loops = without_pinholes(labels, 0)
    return Habit(_winding(graph.branches, course), min(max(missing / (2 * graph.length), -0.5), 1.0), area, loops)


def _winding(branches: Sequence[Branch], course: float) -> float:
    """How far points leave the course of their branch; short branches have none."""
    squares, count = 0.0, 0
    for branch in branches:
        if len(branch.points) >= 4 * course:
            off = smoothed(branch.points, JAGS) - smoothed(branch.points, course)
            squares += float((off**2).sum())
            count += len(off)
    return float(np.sqrt(squares / max(count, 1)))
