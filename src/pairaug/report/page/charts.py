"""Small figures for rows of tables: a ratio on its scale, a score, a share, a distribution, an offset profile.

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
    figure_text,
    fixed,
    percent,
    plain,
    points,
    with_interval,
)
from pairaug.report.page.svg import Scale, arrow, box, diamond, dot, drawing, line, round_ticks, words

ROW_WIDTH, ROW_HEIGHT = 360.0, 34.0
_MIDDLE = ROW_HEIGHT / 2
_BINS = 18
_START, _END = 20.0, ROW_WIDTH - 20.0
_RATIOS = (0.5, 0.7, 1.0, 1.4, 2.0)
_FINE_RATIOS = (0.8, 0.9, 1.0, 1.1, 1.25)


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
    name = f"{figure.name}, {figure.meaning}" if figure.scale == "points" else figure.name
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
    """From 0.5 to 2 with 1 marked; from 0.8 to 1.25 where all fits in it."""
    close = all(0.8 <= end <= 1.25 for end in _ends(figures))
    ticks = _FINE_RATIOS if close else _RATIOS
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
        for end in (low, high):
            if scale.low <= end <= scale.high:
                shapes.append(line(scale(end), _MIDDLE - 4, scale(end), _MIDDLE + 4, "whisker"))
    if value is None:
        return shapes
    if value > scale.high or value < scale.low:
        towards = 1 if value > scale.high else -1
        return [*shapes, arrow(scale(value), _MIDDLE, towards, "synthetic")]
    return [*shapes, dot(scale(value), _MIDDLE, 4.5, "synthetic")]


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
    ]
    label = "Disc with whiskers: synthetic and its interval. Diamond on a band: held-out real and its range."
    return drawing(380, 48, label, *shapes, class_="plot key")


def histogram(real: Values, synthetic: Values, name: str) -> Markup:
    """Shares of real values upwards and of synthetic ones downwards over the same bins, medians marked."""
    width, middle, tall = 280.0, 58.0, 44.0
    sets = [values[np.isfinite(values)] for values in (real, synthetic)]
    pooled = np.concatenate(sets)
    if pooled.size == 0:
        return drawing(width, 40, f"{name}: no values", words(width / 2, 24, "no values"))
    edges = _edges(pooled)
    heights = [np.histogram(values, edges)[0] / max(1, values.size) for values in sets]
    top = max(float(height.max()) for height in heights)
    scale = Scale(float(edges[0]), float(edges[-1]), 12, width - 12)
    shapes = []
    for height, side, class_ in ((heights[0], -1, "real"), (heights[1], 1, "synthetic")):
        for left, right, share in zip(edges[:-1], edges[1:], height, strict=True):
            x, length = scale(float(left)), tall * float(share) / top
            if share > 0:
                shapes.append(
                    box(x + 0.5, middle - length if side < 0 else middle, scale(float(right)) - x - 1, length, class_)
                )
    shapes.append(line(8, middle, width - 8, middle, "zero"))
    medians = []
    for values, side in ((sets[0], -1), (sets[1], 1)):
        if values.size:
            medians.append(float(np.median(values)))
            x = scale(medians[-1])
            shapes.append(line(x, middle, x, middle + side * (tall + 6), "median"))
        else:
            shapes.append(words(width / 2, middle + side * 22 + 4, "no values"))
    whole = bool((pooled == np.rint(pooled)).all())
    for tick in round_ticks(scale.low, scale.high, 4):
        if whole and tick != round(tick):
            continue
        shapes.append(line(scale(tick), middle - 3, scale(tick), middle + 3, "zero"))
        shapes.append(words(scale(tick), 2 * middle + 6, plain(tick)))
    label = f"{name}: medians of real and synthetic {' and '.join(map(figure_text, medians))}"
    return drawing(width, 2 * middle + 10, label, *shapes)


def _edges(pooled: Values) -> Values:
    """Bins of one for small whole numbers, else of equal width; never of no width."""
    low, high = float(pooled.min()), float(pooled.max())
    if np.array_equal(pooled, np.rint(pooled)) and high - low < _BINS:
        spare = max(0.0, 6 - (high - low)) // 2  # a constant is a column, not a wall
        return np.arange(low - spare - 0.5, high + spare + 1.5)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        reach = max(abs(low), 1.0) / 2
        return np.linspace(low - reach, low + reach, _BINS)
    return np.linspace(low, high, _BINS + 1)


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
