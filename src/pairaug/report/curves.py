"""Loss curves as a picture: one panel a loss, each with its own scale, so that a loss near 0 is not hidden below one
in the thousands.

Enters: rows of numbers by name, in order. Leaves: a picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 190, 70, 20, 26, 26
_PAPER, _INK, _GRID = (255, 255, 255), (60, 60, 60), (225, 225, 225)
_LINES = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233))


def loss_curves(rows: Sequence[Mapping[str, float | int | None]], names: Sequence[str], x: str) -> Image.Image:
    """A panel for each of ``names`` over ``x``; missing and non-finite values leave gaps."""
    page = Image.new("RGB", (_WIDTH, max(1, len(names)) * _PANEL), _PAPER)
    draw = ImageDraw.Draw(page)
    for index, name in enumerate(names):
        points = [(float(row[x] or 0), _number(row.get(name))) for row in rows]
        _panel(draw, index * _PANEL, name, x, points, _LINES[index % len(_LINES)])
    return page


def _number(value: float | int | None) -> float:
    return math.nan if value is None else float(value)


def _panel(
    draw: ImageDraw.ImageDraw,
    top: int,
    name: str,
    x: str,
    points: list[tuple[float, float]],
    colour: tuple[int, int, int],
) -> None:
    left, right, upper, lower = _LEFT, _WIDTH - _RIGHT, top + _TOP, top + _PANEL - _BOTTOM
    finite = [value for _, value in points if math.isfinite(value)]
    draw.text((left, top + 8), name, fill=_INK)
    if not finite:
        draw.text((left + 80, top + 8), "no values", fill=_INK)
        return
    low, high = min(0.0, *finite), max(finite)
    high = high if high > low else low + 1.0
    first, last = points[0][0], points[-1][0]
    span = (last - first) or 1.0
    for step in range(5):
        level = low + (high - low) * step / 4
        y = lower - (lower - upper) * step / 4
        draw.line((left, y, right, y), fill=_GRID)
        draw.text((6, y - 6), f"{level:.3g}", fill=_INK)
    previous: tuple[float, float] | None = None
    for place, value in points:
        if not math.isfinite(value):
            previous = None
            continue
        here = (left + (right - left) * (place - first) / span, lower - (lower - upper) * (value - low) / (high - low))
        if previous:
            draw.line((*previous, *here), fill=colour, width=2)
        else:
            draw.ellipse((here[0] - 1, here[1] - 1, here[0] + 1, here[1] + 1), fill=colour)
        previous = here
    draw.text((left, lower + 6), f"{first:g}", fill=_INK)
    label = f"{last:g} {x}"
    draw.text((right - 6.2 * len(label), lower + 6), label, fill=_INK)
