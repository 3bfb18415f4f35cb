"""Tables of figures: name and meaning, the figure drawn on the scale of its table, its value in words.

Enters: figures that are measured alike. Leaves: ``Markup``.
"""

from __future__ import annotations

from collections.abc import Sequence

from pairaug.report.figure import Figure
from pairaug.report.page.charts import Axis, axis_of, row_of
from pairaug.report.page.markup import Markup, join
from pairaug.report.page.numbers import FORMS, defined, fixed, interval, with_interval
from pairaug.report.page.parts import table, titled, two_lines


def figure_table(caption: str, heads: tuple[str, str], figures: Sequence[Figure], axis: Axis | None = None) -> Markup:
    """``heads`` of the names and of the drawings; ``axis``: that of several tables, else its own.

    No table without a figure that was measured.
    """
    shown = [figure for figure in figures if figure.measured]
    if not shown:
        return Markup()
    axis = axis or axis_of(shown)
    rows = [[titled(figure.name, figure.meaning), row_of(figure, axis), _value(figure)] for figure in shown]
    return table(caption, [heads[0], join(heads[1], axis.head()), "Value"], rows)


def worst_first(figures: Sequence[Figure]) -> list[Figure]:
    """Distances by size: differences before ratios, for real ones do not differ at all, what is undefined last."""

    def key(figure: Figure) -> tuple[bool, bool, float]:
        value = defined(figure.value)
        return value is None, figure.scale != "difference" or not value, -(value or 0.0)

    return sorted(figures, key=key)


def _value(figure: Figure) -> Markup:
    form = fixed if figure.scale == "difference" else FORMS[figure.scale]
    beside = with_interval(figure.held_out, figure.held_out_low, figure.held_out_high, form)
    return two_lines(_first(figure), figure.remark or (f"held-out real {beside}" if figure.compared else ""))


def _first(figure: Figure) -> str:
    form = FORMS[figure.scale]
    if figure.scale == "difference":
        around = interval(figure.low, figure.high, form)
        first = f"differ by {form(figure.value)} {figure.unit}".strip()
        return f"{first} ({around})" if around else first
    if figure.scale == "share" and figure.value is None:
        return "cannot tell" if figure.count else "no items"
    return with_interval(figure.value, figure.low, figure.high, form)
