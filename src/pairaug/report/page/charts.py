"""Small figures for rows of tables: a ratio on its scale, a score, a share, a distribution, an offset profile.

Enters: plain results. Leaves: SVG. One language of marks throughout: a disc with whiskers is the synthetic set and its
interval; a hollow diamond on a grey band is held-out real data, which is what perfection scores.
"""

from __future__ import annotations

import numpy as np

from pairaug.report.page.contents import OffsetProfile, Ratio, Score, Share, Values
from pairaug.report.page.figures import defined, figure, fixed, percent, with_interval
from pairaug.report.page.markup import Markup
from pairaug.report.page.svg import Scale, arrow, box, diamond, dot, drawing, line, round_ticks, words

ROW_WIDTH, ROW_HEIGHT = 280.0, 34.0
_MIDDLE = 17.0
_RATIOS = (0.5, 0.7, 1.0, 1.4, 2.0)
_BINS = 18


def ratio_scale() -> Scale:
    return Scale(0.5, 2.0, 14, ROW_WIDTH - 14, log=True)


def ratio_axis() -> Markup:
    """The scale above the rows of a table of ratios."""
    scale = ratio_scale()
    marks = [words(scale(tick), 14, f"{tick:g}×") for tick in _RATIOS]
    return drawing(ROW_WIDTH, 20, "Scale from 0.5 to 2 times, 1 is perfection", *marks, class_="plot axis")


def ratio_row(ratio: Ratio, name: str) -> Markup:
    """One ratio from 0.5 to 2 with 1 marked; values beyond the scale end in an arrow."""
    scale = ratio_scale()
    shapes = [line(scale(tick), 2, scale(tick), ROW_HEIGHT - 2, "grid") for tick in _RATIOS]
    shapes.append(line(scale(1), 0, scale(1), ROW_HEIGHT, "one"))
    if ratio.kind == "difference" or defined(ratio.value) is None:
        text = "no ratio: real ones do not vary" if ratio.kind == "difference" else "not defined"
        return drawing(ROW_WIDTH, ROW_HEIGHT, f"{name}: {text}", words(ROW_WIDTH / 2, 21, text))
    label = f"{name}: {with_interval(ratio.value, ratio.low, ratio.high)}; held-out real {fixed(ratio.held_out)}"
    return drawing(ROW_WIDTH, ROW_HEIGHT, label, *shapes, *_marks(scale, ratio))


def score_row(score: Score) -> Markup:
    """One score from 0 to 1, or to a round number above the largest value."""
    values = [score.value, score.high, score.held_out, score.held_out_high]
    most = max([1.0, *(value for value in map(defined, values) if value is not None)])
    scale = Scale(0, most if most == 1 else 1.05 * most, 14, ROW_WIDTH - 14)
    shapes = []
    for tick in round_ticks(0, scale.high, 2):
        anchor = "start" if tick == 0 else "end" if scale(tick) > ROW_WIDTH - 20 else "middle"
        shapes += [line(scale(tick), 2, scale(tick), 26, "grid"), words(scale(tick), 38, f"{tick:g}", anchor=anchor)]
    label = f"{score.name}: {with_interval(score.value, score.low, score.high)}; held-out real {fixed(score.held_out)}"
    return drawing(ROW_WIDTH, 40, label, *shapes, *_marks(scale, score))


def share_row(share: Share, held_out: Share | None, name: str, most: float = 1.0) -> Markup:
    """A share from 0 to ``most``."""
    beside = held_out or Share(None, None, None, 0)
    scale = Scale(0, most, 14, ROW_WIDTH - 14)
    shapes = []
    for tick in round_ticks(0, most, 4):
        anchor = "start" if tick == 0 else "end" if scale(tick) > ROW_WIDTH - 20 else "middle"
        shapes += [line(scale(tick), 2, scale(tick), 26, "grid"), words(scale(tick), 38, percent(tick), anchor=anchor)]
    score = Score(name, "", "", share.value, share.low, share.high, beside.value, beside.low, beside.high)
    label = f"{name}: {with_interval(share.value, share.low, share.high, percent)}"
    if held_out:
        label += f"; held-out real {percent(held_out.value)}"
    return drawing(ROW_WIDTH, 40, label, *shapes, *_marks(scale, score))


def _marks(scale: Scale, found: Ratio | Score) -> list[Markup]:
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
        words(52, 39, "held-out real: what perfection scores, and its range", "mark", "start"),
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
    for tick in round_ticks(scale.low, scale.high, 4):
        shapes.append(line(scale(tick), middle - 3, scale(tick), middle + 3, "zero"))
        shapes.append(words(scale(tick), 2 * middle + 10, figure(tick)))
    label = f"{name}: medians of real and synthetic {' and '.join(map(figure, medians))}"
    return drawing(width, 2 * middle + 16, label, *shapes)


def _edges(pooled: Values) -> Values:
    """Bins of one for small whole numbers, else of equal width; never of no width."""
    low, high = float(pooled.min()), float(pooled.max())
    if np.array_equal(pooled, np.rint(pooled)) and high - low < _BINS:
        return np.arange(low - 0.5, high + 1.5)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        reach = max(abs(low), 1.0) / 2
        return np.linspace(low - reach, low + reach, _BINS)
    return np.linspace(low, high, _BINS + 1)


def offset_map(offset: OffsetProfile, name: str) -> Markup:
    """Mean Dice at every offset as a map, darker is better, the best one framed."""
    profile, cell = offset.profile, 36.0
    rows, columns = profile.shape
    finite = profile[np.isfinite(profile)]
    if finite.size == 0:
        return drawing(280, 40, f"{name}: not defined", words(140, 24, "not defined"))
    low, high, radius = float(finite.min()), float(finite.max()), rows // 2
    best_row, best_column = best(offset)
    shapes = []
    for (row, column), value in np.ndenumerate(profile):
        x, y = 26 + cell * column, 22 + cell * row
        if not np.isfinite(value):
            continue
        depth = (float(value) - low) / (high - low) if high > low else 1.0
        shapes.append(box(x, y, cell - 1, cell - 1, "cell", 0.08 + 0.92 * depth))
        shapes.append(words(x + cell / 2, y + 22, fixed(float(value)), "deep" if depth > 0.55 else "pale"))
    shapes.append(box(26 + cell * (best_column + radius), 22 + cell * (best_row + radius), cell - 1, cell - 1, "best"))
    for place in range(columns):
        shapes.append(words(26 + cell * (place + 0.5), 14, f"{place - radius:+d}".replace("-", "−").replace("+0", "0")))
        if place < rows:
            mark = f"{place - radius:+d}".replace("-", "−").replace("+0", "0")
            shapes.append(words(20, 22 + cell * (place + 0.62), mark, anchor="end"))
    label = f"{name}: best Dice {fixed(high)} at {best_row:+d} px down and {best_column:+d} px to the right"
    return drawing(30 + cell * columns, 26 + cell * rows, label, *shapes, class_="plot map")


def best(offset: OffsetProfile) -> tuple[int, int]:
    """Row and column offset in px where a profile is highest; the nearest to zero wins a tie."""
    profile = np.where(np.isfinite(offset.profile), offset.profile, -np.inf)
    radius = np.array(profile.shape) // 2
    places = np.argwhere(profile >= profile.max() - 1e-12) - radius
    row, column = places[np.argmin((places**2).sum(axis=1))]
    return int(row), int(column)
