"""Small figures for rows of tables: a ratio on its scale, a score, a share, an offset profile.

Enters: plain results. Leaves: SVG. One language of marks throughout: a disc with whiskers is the synthetic set and its
interval; a hollow diamond on a grey band is held-out real data, which is what perfection scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairaug.report.figure import Figure, Values
from pairaug.report.page.markup import Markup
from pairaug.report.page.numbers import (
    FORMS,
    Format,
    defined,
    fixed,
    percent,
    plain,
    points,
    with_interval,
)
from pairaug.report.page.svg import Scale, arrow, box, chevron, diamond, dot, drawing, line, round_ticks, words

ROW_WIDTH, ROW_HEIGHT = 360.0, 34.0
_MIDDLE = ROW_HEIGHT / 2
_START, _END = 20.0, ROW_WIDTH - 20.0
# Ticks of ratios, from the narrowest scale to the widest; what lies beyond the last one ends in an arrow.
_RATIOS = (
    (0.8, 0.9, 1.0, 1.1, 1.25),
    (0.5, 0.7, 1.0, 1.4, 2.0),
    (0.25, 0.5, 1.0, 2.0, 4.0),
    (0.1, 0.3, 1.0, 3.0, 10.0),
)


class Axis:
    """The common scale of all rows of a table: ``head`` draws it above them, rows draw their marks on its grid."""

    def __init__(self, scale: Scale, ticks: Sequence[float], form: Format, main: float | None = None) -> None:
        self.scale, self.ticks, self.form, self.main = scale, ticks, form, main

    def head(self) -> Markup:
        marks = [words(self.scale(tick), 14, self.form(tick)) for tick in self.ticks]
        label = f"Scale from {self.form(self.scale.low)} to {self.form(self.scale.high)}"
        return drawing(ROW_WIDTH, 20, label, *marks, class_="plot axis")

    def row(self, label: str, *shapes: str) -> Markup:
        grid = [line(self.scale(tick), 0, self.scale(tick), ROW_HEIGHT, "grid") for tick in self.ticks]
        if self.main is not None:
            grid.append(line(self.scale(self.main), 0, self.scale(self.main), ROW_HEIGHT, "one"))
        return drawing(ROW_WIDTH, ROW_HEIGHT, label, *grid, *shapes)


def axis_of(figures: Sequence[Figure]) -> Axis:
    """The scale of a table of figures that are measured alike."""
    makers = {"ratio": _ratio_axis, "difference": _ratio_axis, "share": _share_axis, "points": _points_axis}
    return makers.get(figures[0].scale, _score_axis)(figures)


def row_of(figure: Figure, axis: Axis) -> Markup:
    """One figure beside what held-out real data score; a value beyond the scale ends in an arrow."""
    name = f"{figure.name}, {figure.meaning}" if figure.scale == "points" else figure.title
    scale = axis.scale
    if figure.scale == "difference" or (figure.scale == "ratio" and defined(figure.value) is None):
        text = "real ones do not vary: no ratio" if figure.scale == "difference" else "not defined"
        return drawing(ROW_WIDTH, ROW_HEIGHT, f"{name}: {text}", words(ROW_WIDTH / 2, 21, text))
    form = FORMS[figure.scale]
    label = f"{name}: {with_interval(figure.value, figure.low, figure.high, form)}"
    if figure.compared:
        label += f"; held-out real {form(figure.held_out)}"
    band = defined(figure.band)
    shapes = [] if band is None else [box(scale(-band), 5, scale(band) - scale(-band), ROW_HEIGHT - 10, "band")]
    if band is not None and axis.main is not None:
        shapes.append(line(scale(axis.main), 0, scale(axis.main), ROW_HEIGHT, "one"))
    return axis.row(label, *shapes, *_marks(scale, figure))


def _ratio_axis(figures: Sequence[Figure]) -> Axis:
    """The narrowest scale about 1 that holds all values and intervals, at most from 0.1 to 10."""
    ends = _ends([figure for figure in figures if figure.scale == "ratio"])
    fitting = (ticks for ticks in _RATIOS if all(ticks[0] <= end <= ticks[-1] for end in ends))
    ticks = next(fitting, _RATIOS[-1])
    return Axis(Scale(ticks[0], ticks[-1], _START, _END, log=True), ticks, lambda tick: f"{tick:g}×", main=1.0)


def _score_axis(figures: Sequence[Figure]) -> Axis:
    """From 0 to 1, or to the largest value of the table up to 2."""
    beside = (defined(value) for figure in figures for value in (figure.held_out, figure.held_out_high))
    most = max([1.0, *_ends(figures), *(value for value in beside if value is not None)])
    most = 1.0 if most == 1 else min(2.0, 1.1 * most)
    return Axis(Scale(0, most, _START, _END), round_ticks(0, most, 4), plain)


def _share_axis(figures: Sequence[Figure]) -> Axis:
    """From 0 to 100 %."""
    return Axis(Scale(0, 1, _START, _END), (0, 0.25, 0.5, 0.75, 1), percent)


def _points_axis(figures: Sequence[Figure]) -> Axis:
    """Symmetric about 0."""
    reach = 1.1 * max([0.01, *map(abs, _ends(figures))])
    return Axis(Scale(-reach, reach, _START, _END), round_ticks(-reach, reach, 4), points, main=0.0)


def _ends(figures: Sequence[Figure]) -> list[float]:
    """All values of figures and of their intervals that are known."""
    ends = (defined(end) for figure in figures for end in (figure.value, figure.low, figure.high))
    return [end for end in ends if end is not None]


def _marks(scale: Scale, found: Figure) -> list[Markup]:
    """Band and diamond of held-out real, whiskers and disc of the synthetic set."""
    shapes = []
    low, high = defined(found.held_out_low), defined(found.held_out_high)
    if low is not None and high is not None:
        shapes.append(box(scale(low), _MIDDLE - 8, max(2.0, scale(high) - scale(low)), 16, "band"))
    held_out = defined(found.held_out)
    if held_out is not None:
        shapes.append(diamond(scale(held_out), _MIDDLE, 5.5, "held-out"))
    value, low, high = defined(found.value), defined(found.low), defined(found.high)
    if low is not None and high is not None:
        shapes.append(line(scale(low), _MIDDLE, scale(high), _MIDDLE, "whisker"))
        shapes += [_whisker_end(scale, end) for end in (low, high)]
    if value is None:
        return shapes
    if not scale.holds(value):
        return [*shapes, arrow(scale(value), _MIDDLE, 1 if value > scale.high else -1, "synthetic")]
    return [*shapes, dot(scale(value), _MIDDLE, 4.5, "synthetic")]


def _whisker_end(scale: Scale, end: float) -> Markup:
    """A bar across, or an open arrow where the interval goes on beyond the scale."""
    if scale.holds(end):
        return line(scale(end), _MIDDLE - 4, scale(end), _MIDDLE + 4, "whisker")
    return chevron(scale(end), _MIDDLE, 1 if end > scale.high else -1, "whisker open")


def marks_legend() -> Markup:
    """What disc, whiskers, diamond and band are."""
    shapes = [
        line(4, 11, 44, 11, "whisker"),
        line(4, 7, 4, 15, "whisker"),
        line(44, 7, 44, 15, "whisker"),
        dot(24, 11, 4.5, "synthetic"),
        words(52, 15, "synthetic, 95 % interval", "mark", "start"),
        box(4, 27, 40, 16, "band"),
        diamond(24, 35, 5.5, "held-out"),
        words(52, 39, "held-out real (perfection) and its range", "mark", "start"),
        line(4, 59, 38, 59, "whisker"),
        line(4, 55, 4, 63, "whisker"),
        chevron(38, 59, 1, "whisker open"),
        words(52, 63, "the interval goes on beyond the scale", "mark", "start"),
    ]
    label = (
        "Disc with whiskers: synthetic and its interval. Diamond on a band: held-out real and its range. Open arrow: "
        "the interval goes on beyond the scale."
    )
    return drawing(380, 72, label, *shapes, class_="plot key")


def offset_map(profile: Values, name: str) -> Markup:
    """Mean Dice at every offset as a map, darker is better, the best one framed."""
    cell = 36.0
    rows, columns = profile.shape
    finite = profile[np.isfinite(profile)]
    if finite.size == 0:
        return drawing(280, 40, f"{name}: not defined", words(140, 24, "not defined"))
    low, high, radius = float(finite.min()), float(finite.max()), rows // 2
    best_row, best_column = best(profile)
    shapes = []
    for (row, column), value in np.ndenumerate(profile):
        x, y = 26 + cell * column, 22 + cell * row
        if not np.isfinite(value):
            continue
        depth = (float(value) - low) / (high - low) if high > low else 1.0
        # Never so deep that the number on it would be hard to read, in light or in dark.
        shapes.append(box(x, y, cell - 1, cell - 1, "cell", 0.04 + 0.5 * depth))
        shapes.append(words(x + cell / 2, y + 22, fixed(float(value)), "on-cell"))
    shapes.append(box(26 + cell * (best_column + radius), 22 + cell * (best_row + radius), cell - 1, cell - 1, "best"))
    for place in range(columns):
        shapes.append(words(26 + cell * (place + 0.5), 14, plain(place - radius)))
    for place in range(rows):
        shapes.append(words(20, 22 + cell * (place + 0.62), plain(place - radius), anchor="end"))
    label = f"{name}: best Dice {fixed(high)} at {best_row:+d} px down and {best_column:+d} px to the right"
    return drawing(30 + cell * columns, 26 + cell * rows, label, *shapes, class_="plot map")


def best(profile: Values) -> tuple[int, int]:
    """Row and column offset in px where a profile is highest; the nearest to zero wins a tie."""
    profile = np.where(np.isfinite(profile), profile, -np.inf)
    radius = np.array(profile.shape) // 2
    places = np.argwhere(profile >= profile.max() - 1e-12) - radius
    row, column = places[np.argmin((places**2).sum(axis=1))]
    return int(row), int(column)
