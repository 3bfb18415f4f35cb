"""Larger figures of trainings: scores of arms, the learning curve, losses.

Enters: plain results. Leaves: SVG.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairaug.report.figure import Values
from pairaug.report.page.charts import ROW_HEIGHT, ROW_WIDTH, Axis
from pairaug.report.page.contents import Arm, LearningCurve
from pairaug.report.page.markup import Markup
from pairaug.report.page.numbers import defined, figure_text, fixed, plain
from pairaug.report.page.svg import Scale, box, curve, diamond, dot, drawing, line, round_ticks, words

_START, _END = 20.0, ROW_WIDTH - 20.0
MOST_POINTS = 300


def arm_axis(arms: Sequence[Arm]) -> Axis:
    """A common scale for the scores of all arms."""
    scale = _around(np.concatenate([np.zeros(0), *(_finite(arm.scores) for arm in arms)]), _START, _END)
    return Axis(scale, round_ticks(scale.low, scale.high, 5), plain)


def arm_row(arm: Arm, axis: Axis) -> Markup:
    """Every cell as a dot, their mean as a bar."""
    scores, class_ = _finite(arm.scores), "synthetic" if arm.synthetic else "real"
    shapes = [
        dot(axis.scale(score), 12 + 10 * (place % 2), 3.2, f"{class_} faint")
        for place, score in enumerate(scores.tolist())
    ]
    if scores.size:
        mean = axis.scale(float(scores.mean()))
        shapes.append(line(mean, 3, mean, ROW_HEIGHT - 3, "mean"))
    return axis.row(f"{arm.name}: mean {fixed(_mean(scores), 3)} over {scores.size} trainings", *shapes)


def learning_curve(found: LearningCurve) -> Markup:
    """Scores over the number of real pairs (logarithmic); the arm's score, and what it is worth, read off."""
    width, height, left, right, top, bottom = 480.0, 280.0, 48.0, 12.0, 14.0, 44.0
    sizes = sorted(found.points)
    pooled = [_finite(values) for values in found.points.values()]
    y = _around(np.concatenate([*pooled, [found.score]]), height - bottom, top)
    x = Scale(min(sizes) / 1.25, max(sizes) * 1.25, left, width - right, log=True)
    shapes = []
    for tick in round_ticks(y.low, y.high, 4):
        shapes += [
            line(left, y(tick), width - right, y(tick), "grid"),
            words(left - 6, y(tick) + 4, plain(tick), anchor="end"),
        ]
    means = []
    for size in sizes:
        scores = _finite(found.points[size])
        shapes += [words(x(size), height - bottom + 16, str(size))]
        shapes += [dot(x(size), y(score), 3.2, "real faint") for score in scores.tolist()]
        if scores.size:
            means.append((x(size), y(float(scores.mean()))))
    shapes.append(words((left + width - right) / 2, height - 8, "real pairs"))
    if len(means) > 1:
        shapes.append(curve(means, "line real"))
    shapes += [diamond(px, py, 5, "held-out") for px, py in means]
    shapes += _reading(found, x, y, height - bottom)
    return drawing(width, height, _curve_label(found), *shapes, class_="plot curve")


def _reading(found: LearningCurve, x: Scale, y: Scale, floor: float) -> list[Markup]:
    """The arm's point, the level line to the curve, and the drop to its worth with the interval on the axis."""
    here, level = x(found.real_pairs), y(found.score)
    shapes = []
    worth, low, high = (defined(value) for value in (found.worth, found.low, found.high))
    if worth is not None:
        first, last = (x.low if low is None else low), (x.high if high is None else high)
        shapes.append(box(x(first), floor - 5, max(2.0, x(last) - x(first)), 5, "synthetic faint"))
        shapes += [line(here, level, x(worth), level, "reading"), line(x(worth), level, x(worth), floor, "reading")]
    return [*shapes, dot(here, level, 6, "synthetic")]


def _curve_label(found: LearningCurve) -> str:
    curve_text = ", ".join(f"{size} pairs {fixed(_mean(found.points[size]), 3)}" for size in sorted(found.points))
    return f"Learning curve: {curve_text}. {found.arm} with {found.real_pairs} real pairs: {fixed(found.score, 3)}"


def loss_panel(name: str, x_name: str, x: Values, values: Values) -> Markup:
    """One loss on its own scale; what is not finite leaves a gap."""
    width, height, left, right, top, bottom = 360.0, 150.0, 50.0, 12.0, 12.0, 30.0
    known = np.isfinite(values) & np.isfinite(x)
    if not known.any():
        return drawing(width, 40, f"{name}: no values", words(width / 2, 24, "no values"))
    low, high = min(0.0, float(values[known].min())), float(values[known].max())
    ys = Scale(low, high if high > low else low + 1, height - bottom, top)
    xs = Scale(float(x[known].min()), float(x[known].max()), left, width - right)
    shapes = []
    for tick in round_ticks(ys.low, ys.high, 3):
        shapes += [
            line(left, ys(tick), width - right, ys(tick), "grid"),
            words(left - 5, ys(tick) + 4, plain(tick), anchor="end"),
        ]
    shapes += [
        words(left, height - 14, figure_text(xs.low), anchor="start"),
        words(width - right, height - 14, f"{figure_text(xs.high)} {x_name}", anchor="end"),
    ]
    for piece in _pieces(x, values, known):
        places = [(xs(px), ys(py)) for px, py in piece]
        shapes.append(curve(places, "line real") if len(places) > 1 else dot(*places[0], 2, "real"))
    gaps = "" if known.all() else f"; {int((~known).sum())} values are not finite"
    label = f"{name}: from {figure_text(values[known][0])} to {figure_text(values[known][-1])}{gaps}"
    return drawing(width, height, label, *shapes)


def _pieces(x: Values, values: Values, known: np.ndarray) -> list[list[tuple[float, float]]]:
    """Runs of finite points, thinned to about ``MOST_POINTS`` by the mean of neighbours."""
    step = -(-len(x) // MOST_POINTS)
    pieces: list[list[tuple[float, float]]] = [[]]
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        if not known[part].any():
            pieces.append([])
            continue
        pieces[-1].append((float(x[part][known[part]].mean()), float(values[part][known[part]].mean())))
    return [piece for piece in pieces if piece]


def _around(values: Values, start: float, end: float) -> Scale:
    """A scale with some air around the values."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    air = max(0.08 * (high - low), 0.005)
    return Scale(low - air, high + air, start, end)


def _finite(values: Values) -> Values:
    return values[np.isfinite(values)]


def _mean(values: Values) -> float | None:
    finite = _finite(values)
    return float(finite.mean()) if finite.size else None
