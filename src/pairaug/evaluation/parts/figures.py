"""From the results of the metrics to figures, with the words that every view shows beside them.

Enters: comparisons, scores and shares. Leaves: ``report.figure.Figure``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.neighbours import NeighbourComparison
from pairaug.metrics.novelty import Power, Share
from pairaug.metrics.statistics import Values
from pairaug.report.figure import Figure

_STATISTICS = {  # name, unit, meaning
    "share": ("share of the picture", "", "Part of the picture that the class covers."),
    "parts": ("connected parts", "", "Connected regions in a mask."),
    "loops": ("loops", "", "Holes that the class encloses."),
    "skeleton_length": ("centre-line length", "px", "Length of all centre lines of a mask."),
    "mean_width": ("mean width", "px", "Width, averaged along centre lines."),
    "end_points": ("end points", "", "Places where a centre line ends."),
    "box_dimension": ("box dimension", "", "How densely the class fills the plane: a line 1, an area 2."),
    "part_diameter": ("diameter of parts", "px", "Size of each part, as the diameter of a disc of its area."),
    "part_row": ("height of parts", "", "Height of each part's centre, from 0 (top) to 1."),
    "part_column": ("place of parts across", "", "Place of each part's centre across, from 0 (left) to 1."),
}
_NEIGHBOURS = {
    "coverage": "Share of real items with a synthetic one among their neighbours. As high as held-out real is good.",
    "density": "How crowded synthetic items lie where real ones do. Far above held-out real hugs the middle.",
    "recall": "Share of real items inside the spread of the synthetic ones. As high as held-out real is good.",
    "precision": "Share of synthetic items inside the spread of the real ones. As high as held-out real is good.",
}
_PLANTED = {
    "exact": ("exact copies", "The picture itself."),
    "rigid": ("rigid copies", "Flipped, turned by right angles, shifted by up to 2 % of the side."),
    "crop": ("crops", "A window of 80 % of each side, enlarged."),
    "elastic_1": ("elastic copies, 1 %", "Warped smoothly by 1 % of the side."),
    "elastic_2": ("elastic copies, 2 %", "Warped smoothly by 2 % of the side."),
    "elastic_5": ("elastic copies, 5 %", "Warped smoothly by 5 % of the side: hardly copies any more."),
}


def comparison_figure(found: Comparison, key: str, name: str, meaning: str, group: str) -> Figure:
    """A distance in units of real halves, or in its own where real ones do not vary."""
    figure = Figure(key, name, found.value, found.low, found.high, scale=found.kind, group=group, meaning=meaning)
    return figure.beside(found.held_out, found.held_out_low, found.held_out_high)


def statistic_words(statistic: str) -> tuple[str, str, str]:
    """Name, unit and meaning of a mask statistic."""
    return _STATISTICS[statistic]


def pooled(values: Sequence[Values]) -> Values:
    """The values of all items in one array."""
    return np.concatenate([*values, np.empty(0)])


def neighbour_figures(found: NeighbourComparison | None, names: Sequence[str]) -> list[Figure]:
    """Scores of a set by the names of ``NeighbourScores``; not measured where a half holds too few items."""
    if found is None or found.mean is None:
        return [Figure(name, name, None, meaning=_NEIGHBOURS[name], measured=False) for name in names]
    figures = []
    for name in names:
        value, low, high = (getattr(row, name) for row in (found.mean, found.low, found.high))
        held_out = (getattr(row, name) for row in (found.held_out, found.held_out_low, found.held_out_high))
        figures.append(Figure(name, name, value, low, high, meaning=_NEIGHBOURS[name]).beside(*held_out))
    return figures


def share_figure(share: Share, key: str, name: str, group: str, meaning: str, remark: str = "") -> Figure:
    """A share of items, with nothing held out beside it."""
    figure = Figure(key, name, share.value, share.low, share.high, scale="share", group=group, count=share.count)
    return replace(figure, meaning=meaning, remark=remark, compared=False)


def planted_figure(power: Power, group: str) -> Figure:
    """How many planted copies of one kind were found."""
    name, meaning = _PLANTED[power.kind]
    answer = "copies of this kind are found" if power.can_tell else "cannot tell copies of this kind"
    return share_figure(power.found, power.kind, name, group, meaning, answer)
