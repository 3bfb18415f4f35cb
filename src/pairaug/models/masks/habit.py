"""What a skeleton graph says of the hand that drew its mask: how winding its lines are, and how much it leaves out.

``winding``: root mean square distance in pixels of a centre line from its own smoothed course, on the scale of
``COURSE``. ``loops``: its holes. ``excess``: what has to be added to every radius so that the graph, drawn again, covers the area of its mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.models.masks.skeleton_graph import Branch, Floats, SkeletonGraph
from pairaug.models.masks.tubes import Tube, draw, without_pinholes

COURSE = 0.012  # of the side: a bend of a branch is longer than this
JAGS = 1.5  # px: what is shorter is the pixel grid


@dataclass(frozen=True)
class Habit:
    """Lengths in pixels of the mask; see the module."""

    winding: float
    excess: float
    loops: int


def read_habit(graph: SkeletonGraph, labels: NDArray[np.uint8]) -> Habit:
    """The habit of a graph with at least one branch, traced from ``labels`` (H, W)."""
    drawn = draw([Tube(branch.points, branch.radii, 1) for branch in graph.branches], graph.size)
    missing = float((labels > 0).sum()) - float(drawn.sum())
    course = COURSE * float(np.sqrt(graph.size[0] * graph.size[1]))
    _, loops = without_pinholes(labels, 0)
    return Habit(_winding(graph.branches, course), min(max(missing / (2 * graph.length), -0.5), 1.0), loops)


def smoothed(values: Floats, sigma: float) -> Floats:
    """Values (n,) or (n, 2) along a curve of points a pixel apart, smoothed, its ends kept where they are."""
    from scipy.ndimage import gaussian_filter1d

    if len(values) < 3:
        return values
    straight = values[0] + (values[-1] - values[0]) * np.linspace(0, 1, len(values)).reshape(
        -1, *[1] * (values.ndim - 1)
    )
    # An odd continuation beyond the ends holds them fixed.
    rest = values - straight
    mirrored = np.concatenate([-rest[:0:-1], rest, -rest[-2::-1]])
    first = len(values) - 1
    even: Floats = straight + gaussian_filter1d(mirrored, sigma, axis=0)[first : first + len(values)]
    return even


def _winding(branches: Sequence[Branch], course: float) -> float:
    """How far points leave the course of their branch; short branches have none."""
    squares, count = 0.0, 0
    for branch in branches:
        if len(branch.points) >= 4 * course:
            off = smoothed(branch.points, JAGS) - smoothed(branch.points, course)
            squares += float((off**2).sum())
            count += len(off)
    return float(np.sqrt(squares / max(count, 1)))
