"""What every drawn figure needs: scales, round ticks, and the few shapes, styled by classes of the page's style sheet.

Enters: values. Leaves: ``Markup`` in the coordinates of a picture, x to the right and y down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pairaug.report.page.markup import Markup, element


@dataclass(frozen=True)
class Scale:
    """Values from ``low`` to ``high`` onto places from ``start`` to ``end``; values beyond are moved to the end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, here = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return self.start + (self.end - self.start) * ((here - low) / (high - low) if high > low else 0.5)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def round_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """At most ``most`` + 1 round values from low to high, both finite and apart."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def drawing(width: float, height: float, label: str, *shapes: str, class_: str = "plot") -> Markup:
    """A figure that scales with the page; ``label`` says in words what it shows."""
    box = f"0 0 {width:g} {height:g}"
    return element("svg", *shapes, viewBox=box, role="img", aria_label=label, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("path", d=f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", class_=class_)


def box(x: float, y: float, width: float, height: float, class_: str, opacity: float | None = None) -> Markup:
    return element("rect", x=x, y=y, width=max(0.0, width), height=max(0.0, height), class_=class_, opacity=opacity)


def dot(x: float, y: float, radius: float, class_: str) -> Markup:
    return element("circle", cx=x, cy=y, r=radius, class_=class_)


def diamond(x: float, y: float, radius: float, class_: str) -> Markup:
    r = radius
    return element("path", d=f"M{x - r:.1f} {y:.1f}l{r:g} {-r:g}l{r:g} {r:g}l{-r:g} {r:g}z", class_=class_)


def arrow(x: float, y: float, towards: int, class_: str) -> Markup:
    """A triangle that says "further on": ``towards`` 1 right, -1 left."""
    return element("path", d=f"M{x:.1f} {y - 5:.1f}l{towards * 7} 5l{-towards * 7} 5z", class_=class_)


def chevron(x: float, y: float, towards: int, class_: str) -> Markup:
    """An open arrow that says "goes on": ``towards`` 1 right, -1 left."""
    return element("path", d=f"M{x:.1f} {y - 5:.1f}l{towards * 6} 5l{-towards * 6} 5", class_=class_)


def words(x: float, y: float, text: str, class_: str = "tick", anchor: str = "middle") -> Markup:
    return element("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def curve(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    return element("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=class_)
