"""Numbers as a reader wants them: rounded to what they can bear, and in words where there is none.

Enters: floats or None. Leaves: text. None, NaN and infinity read ``UNDEFINED``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pairaug.report.figure import Scale

UNDEFINED = "not defined"

Format = Callable[[float], str]


def defined(value: float | None) -> float | None:
    """The value, or None where it is no finite number."""
    return None if value is None or not math.isfinite(value) else float(value)


def figure_text(value: float | None) -> str:
    """Three significant digits; whole numbers from 1000 on, with separators."""
    number = defined(value)
    if number is None:
        return UNDEFINED
    size = abs(number)
    if size >= 1e6 or 0 < size < 5e-5:
        return _minus(f"{number:.2e}")
    if size >= 1000 or number == int(number):
        return _minus(f"{number:,.0f}")
    decimals = 2 - math.floor(math.log10(size)) if size > 0 else 0
    return _minus(f"{number:.{max(0, decimals)}f}")


def plain(value: float) -> str:
    """A tick or a p: no more digits than it needs, up to four."""
    return _minus(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}")


def fixed(value: float | None, decimals: int = 2) -> str:
    """A ratio or a score with two decimals; fewer for large ones."""
    number = defined(value)
    if number is None:
        return UNDEFINED
    if abs(number) >= 1000:
        return figure_text(number)
    places = decimals if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return _minus(f"{round(number, places) + 0.0:.{places}f}")


def percent(value: float | None) -> str:
    """A share in [0, 1] in per cent, with a decimal below 10 where it says something."""
    number = defined(value)
    if number is None:
        return UNDEFINED
    share = 100 * number
    return f"{share:.0f} %" if share >= 10 or share == round(share) else f"{share:.1f} %"


def pairs_worth(value: float | None) -> str:
    """A number of pairs read off a curve: one decimal below 10, none above."""
    number = defined(value)
    return UNDEFINED if number is None else plain(round(number, 1) if number < 10 else round(number))


def size_in_points(value: float | None) -> str:
    """A size of a difference of scores in points, without a sign."""
    number = defined(value)
    return "not known" if number is None else f"{100 * number:.1f}"


def points(value: float | None) -> str:
    """A difference of scores in [-1, 1] in points (hundredths), with its sign."""
    number = defined(value)
    if number is None:
        return UNDEFINED
    rounded = round(100 * number, 1) + 0.0
    return _minus(f"{rounded:+.1f}") if rounded else "0.0"


def interval(low: float | None, high: float | None, form: Format = fixed) -> str:
    """ "0.91 to 1.20", open where an end is not known; empty where both are not."""
    least, most = defined(low), defined(high)
    if least is None and most is None:
        return ""
    if least is None:
        return f"up to {form(most)}" if most is not None else ""
    return f"from {form(least)}" if most is None else f"{form(least)} to {form(most)}"


def with_interval(value: float | None, low: float | None, high: float | None, form: Format = fixed) -> str:
    """ "1.04 (0.91 to 1.20)"."""
    number = defined(value)
    if number is None:
        return UNDEFINED
    around = interval(low, high, form)
    return f"{form(number)} ({around})" if around else form(number)


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 pair", "20 pairs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _minus(text: str) -> str:
    return text.replace("-", "−")


# How values of each scale of ``report.figure`` are written.
FORMS: dict[Scale, Callable[[float | None], str]] = {
    "ratio": fixed,
    "difference": figure_text,
    "score": fixed,
    "share": percent,
    "points": points,
}
