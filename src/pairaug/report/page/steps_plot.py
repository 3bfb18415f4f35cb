"""Scores over training: a line an arm over optimiser steps, and the level of the baseline at its best.

Enters: arms with their scores after numbers of steps. Leaves: SVG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pairaug.report.figure import Values
from pairaug.report.page.contents import Arm
from pairaug.report.page.markup import Markup
from pairaug.report.page.numbers import fixed, plain
from pairaug.report.page.svg import Scale, curve, diamond, dot, drawing, line, round_ticks, words

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640.0, 320.0, 48.0, 210.0, 14.0, 44.0
_APART = 15.0  # names at the ends of lines keep this distance


def scores_over_steps(arms: Sequence[Arm], baseline_steps: int | None) -> Markup:
    """Mean scores of all arms; ``arms[0]`` is the baseline, whose level after ``baseline_steps`` is drawn through."""
    means = {arm.name: {steps: float(np.mean(values)) for steps, values in arm.over_steps.items()} for arm in arms}
    steps = sorted({step for found in means.values() for step in found})
    values = np.array([score for found in means.values() for score in found.values()])
    y, x = _scale(values), Scale(steps[0], steps[-1], _LEFT, _WIDTH - _RIGHT, log=True)
    shapes = [*_grid(y), *(words(x(step), _HEIGHT - _BOTTOM + 16, str(step)) for step in steps)]
    shapes.append(words((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "optimiser steps"))
    best = means[arms[0].name].get(baseline_steps or -1)
    if best is not None:
        shapes.append(line(_LEFT, y(best), _WIDTH - _RIGHT, y(best), "reading real"))
    for number, arm in enumerate(arms):
        class_ = "synthetic" if arm.synthetic else "held-out" if number else "real"
        places = [(x(step), y(score)) for step, score in sorted(means[arm.name].items())]
        shapes += [curve(places, f"line {class_}"), *(dot(px, py, 3, class_) for px, py in places)]
    if best is not None and baseline_steps is not None:
        shapes.append(diamond(x(baseline_steps), y(best), 6, "real"))
    shapes += _names({name: y(found[max(found)]) for name, found in means.items()})
    return drawing(_WIDTH, _HEIGHT, _label(means), *shapes, class_="plot steps")


def _scale(values: Values) -> Scale:
    air = max(0.05 * float(np.ptp(values)), 0.005)
    return Scale(float(values.min()) - air, float(values.max()) + air, _HEIGHT - _BOTTOM, _TOP)


def _grid(y: Scale) -> list[Markup]:
    shapes = []
    for tick in round_ticks(y.low, y.high, 5):
        shapes += [
            line(_LEFT, y(tick), _WIDTH - _RIGHT, y(tick), "grid"),
            words(_LEFT - 6, y(tick) + 4, plain(tick), anchor="end"),
        ]
    return shapes


def _names(ends: Mapping[str, float]) -> list[Markup]:
    """Every name beside the end of its line, moved down where another one stands there, and up from below the floor."""
    ordered = sorted(ends.items(), key=lambda end: end[1])
    places = [end for _, end in ordered]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + _APART)
    over = max(0.0, places[-1] - (_HEIGHT - _BOTTOM)) if places else 0.0
    shapes = []
    for (name, end), place in zip(ordered, places, strict=True):
        right = _WIDTH - _RIGHT
        shapes += [
            line(right + 4, end, right + 14, place - over, "grid"),
            words(right + 17, place - over + 4, name, anchor="start"),
        ]
    return shapes


def _label(means: Mapping[str, Mapping[int, float]]) -> str:
    told = (
        f"{name} {', '.join(f'{fixed(score, 3)} after {steps}' for steps, score in sorted(found.items()))}"
        for name, found in means.items()
    )
    return f"Scores over training: {'; '.join(told)}"
