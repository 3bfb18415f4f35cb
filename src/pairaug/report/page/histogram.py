"""Two distributions over the same bins, one upwards and one downwards.

Enters: the values of both sets. Leaves: SVG.
"""

from __future__ import annotations

import numpy as np

from pairaug.report.figure import Values
from pairaug.report.page.markup import Markup
from pairaug.report.page.numbers import figure_text, percent, plain
from pairaug.report.page.svg import Scale, box, drawing, line, round_ticks, words

_BINS = 18
_WIDTH, _LEFT, _RIGHT, _MIDDLE, _TALL = 300.0, 46.0, 10.0, 62.0, 46.0
_TOPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # shares that the vertical axis may end at


def histogram(real: Values, synthetic: Values, name: str) -> Markup:
    """Shares of real values upwards and of synthetic ones downwards over the same bins, medians marked."""
    sets = [values[np.isfinite(values)] for values in (real, synthetic)]
    pooled = np.concatenate(sets)
    if pooled.size == 0:
        return drawing(_WIDTH, 40, f"{name}: no values", words(_WIDTH / 2, 24, "no values"))
    edges = _edges(pooled)
    scale = Scale(float(edges[0]), float(edges[-1]), _LEFT, _WIDTH - _RIGHT)
    shares = [np.histogram(values, edges)[0] / max(1, values.size) for values in sets]
    most = max(float(share.max()) for share in shares)
    top = next(end for end in _TOPS if end >= most - 1e-9)
    shapes = _vertical_axis(top)
    for share, side, class_ in ((shares[0], -1, "real"), (shares[1], 1, "synthetic")):
        shapes += _columns(share / top, edges, scale, side, class_)
    shapes.append(line(_LEFT, _MIDDLE, _WIDTH - _RIGHT, _MIDDLE, "zero"))
    medians = []
    for values, side in ((sets[0], -1), (sets[1], 1)):
        if values.size:
            medians.append(float(np.median(values)))
            x = scale(medians[-1])
            shapes.append(line(x, _MIDDLE, x, _MIDDLE + side * (_TALL + 6), "median"))
        else:
            shapes.append(words((_LEFT + _WIDTH) / 2, _MIDDLE + side * 22 + 4, "no values"))
    shapes += _horizontal_axis(pooled, scale)
    label = f"{name}: medians of real and synthetic {' and '.join(map(figure_text, medians))}"
    return drawing(_WIDTH, 2 * _MIDDLE + 12, label, *shapes)


def _vertical_axis(top: float) -> list[Markup]:
    """Shares of the set: 0 in the middle, the same end above and below."""
    shapes = [words(_LEFT - 6, _MIDDLE + 4, "0", anchor="end")]
    for side in (-1, 1):
        y = _MIDDLE + side * _TALL
        shapes += [line(_LEFT, y, _WIDTH - _RIGHT, y, "grid"), words(_LEFT - 6, y + 4, percent(top), anchor="end")]
    return shapes


def _horizontal_axis(pooled: Values, scale: Scale) -> list[Markup]:
    """Ticks below, none where no value can lie: whole ones for counts, none below 0 where nothing is."""
    whole = _whole(pooled)
    ticks = [
        tick
        for tick in round_ticks(scale.low, scale.high, 4)
        if not (whole and tick != round(tick)) and (tick >= 0 or pooled.min() < 0)
    ]
    marks = (line(scale(tick), _MIDDLE - 3, scale(tick), _MIDDLE + 3, "zero") for tick in ticks)
    return [*marks, *(words(scale(tick), 2 * _MIDDLE + 8, plain(tick)) for tick in ticks)]


def _columns(heights: Values, edges: Values, scale: Scale, side: int, class_: str) -> list[Markup]:
    """``heights`` in [0, 1], upwards for ``side`` -1."""
    shapes = []
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        x, length = scale(float(left)), _TALL * float(height)
        y = _MIDDLE - length if side < 0 else _MIDDLE
        if height > 0:
            shapes.append(box(x + 0.5, y, max(1.0, scale(float(right)) - x - 1), length, class_))
    return shapes


def _edges(pooled: Values) -> Values:
    """Bins of one for small whole numbers, else of equal width; never of no width, nor below 0 for what never is."""
    low, high = float(pooled.min()), float(pooled.max())
    if _whole(pooled) and high - low < _BINS:
        spare = max(0.0, 6 - (high - low)) // 2  # a constant is a column, not a wall
        first = low - spare if low < 0 else max(0.0, low - spare)
        return np.arange(first - 0.5, max(high + spare, first + 6) + 1.5)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        reach = max(abs(low), 1.0) / 2
        return np.linspace(low - reach if low < 0 else max(0.0, low - reach), low + reach, _BINS)
    return np.linspace(low, high, _BINS + 1)


def _whole(pooled: Values) -> bool:
    return bool((pooled == np.rint(pooled)).all())
