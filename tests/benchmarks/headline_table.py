"""From the measured cells of ``headline.py`` to one table with intervals, and what stands behind it.

A cell's gain g has a standard error e that covers seeds and test items (``pairaug.metrics.bootstrap``). The draws of a
set differ in their training pairs and share their test items, so the error of a set's mean over D draws is

    var(g) / D + mean(e ** 2),

which counts the noise of seeds twice, on the careful side; with one draw it is e ** 2. The pooled line is the mean of
the sets' means with a S-th of the sum of their variances over S: these sets, other draws, seeds and test items. All
intervals are Student's at 95 % with Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

BASELINE, ORACLE = "real + classical", "oracle"


@dataclass(frozen=True)
class Measured:
    """One cell: the ``utility`` object of ``evaluate --json`` of a draw of a set."""

    name: str
    size: str
    draw: int
    utility: dict[str, Any]

    @property
    def arms(self) -> list[str]:
        return [arm["arm"] for arm in self.utility["arms"]]

    def dice(self, arm: str) -> float:
        """At the end of training; of the baseline at its best point."""
        found = next(one for one in self.utility["arms"] if one["arm"] == arm)
        looks = [look["dice"] for look in found["over_steps"]]
        return float(max(looks) if arm == BASELINE else looks[-1])

    def gain(self, arm: str, over: str = BASELINE) -> dict[str, Any] | None:
        """The paired difference of Dice; None where it was not measured."""
        for one in self.utility["differences"]:
            if (one["arm"], one["baseline"], one["measure"]) == (arm, over, "dice"):
                return dict(one)
        return None


@dataclass(frozen=True)
class Mean:
    """A mean gain with its 95 % interval (None: not known), and the parts of its variance with degrees of freedom."""

    value: float
    parts: tuple[tuple[float, float], ...] = ()

    @property
    def interval(self) -> tuple[float, float] | None:
        variance = sum(part for part, _ in self.parts)
        if variance <= 0:
            return None
        freedom = variance**2 / sum(part**2 / degrees for part, degrees in self.parts)
        reach = float(stats.t.ppf(0.975, freedom)) * float(np.sqrt(variance))
        return self.value - reach, self.value + reach


def mean_of_draws(cells: Sequence[Measured], arm: str, over: str = BASELINE) -> Mean | None:
    """The gain of an arm on one set; None where a cell lacks it."""
    found = [cell.gain(arm, over) for cell in cells]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    gains = np.array([one["mean"] for one in known])
    errors = [one["standard_error"] for one in known]
    parts = []
    if len(gains) > 1:
        parts.append((float(gains.var(ddof=1)) / len(gains), len(gains) - 1))
    if None not in errors:
        degrees = sum(degrees_of(one) for one in known)
        parts.append((float(np.mean(np.square(errors))), degrees))
    return Mean(float(gains.mean()), tuple(parts))


def degrees_of(difference: dict[str, Any]) -> float:
    """The degrees of freedom that lie behind a cell's own interval."""
    reach = (difference["high"] - difference["mean"]) / difference["standard_error"]
    return float(optimize.brentq(lambda degrees: stats.t.ppf(0.975, degrees) - reach, 0.5, 1e6))


def pooled(means: Sequence[Mean]) -> Mean:
    """The mean of sets' means."""
    parts = tuple((part / len(means) ** 2, degrees) for mean in means for part, degrees in mean.parts)
    return Mean(float(np.mean([mean.value for mean in means])), parts)


def by_set(cells: Sequence[Measured]) -> dict[tuple[str, str], list[Measured]]:
    found: dict[tuple[str, str], list[Measured]] = {}
    for cell in cells:
        found.setdefault((cell.size, cell.name), []).append(cell)
    return found


def markdown(cells: Sequence[Measured]) -> str:
    """A row a set, a pooled row a size: Dice of the baseline, gains of all arms in points, shares of the oracle's."""
    titles = list(dict.fromkeys(arm for cell in cells for arm in cell.arms if arm != BASELINE))
    lines = [["set", "pairs", "draws", BASELINE, *titles], ["---"] * (4 + len(titles))]
    for size in dict.fromkeys(cell.size for cell in cells):
        sets = {name: of for (one, name), of in by_set(cells).items() if one == size}
        for name, of in sets.items():
            dice = np.mean([cell.dice(BASELINE) for cell in of])
            oracle = mean_of_draws(of, ORACLE)
            shown = [told(mean_of_draws(of, arm), None if arm == ORACLE else oracle) for arm in titles]
            lines.append([name, size, str(len(of)), f"{dice:.3f}", *shown])
        lines.append(["pooled", size, "", "", *(told(over_sets(list(sets.values()), arm)) for arm in titles)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def over_sets(sets: Sequence[Sequence[Measured]], arm: str, over: str = BASELINE) -> Mean | None:
    """Over all sets; None where one of them lacks the arm."""
    means = [mean_of_draws(of, arm, over) for of in sets]
    return pooled([mean for mean in means if mean is not None]) if means and None not in means else None


def told(mean: Mean | None, oracle: Mean | None = None) -> str:
    if mean is None:
        return "-"
    interval = mean.interval
    text = f"{100 * mean.value:+.1f}"
    if interval is not None:
        text += f" [{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]"
    if oracle is not None and oracle.interval is not None and oracle.interval[0] > 0:
        text += f" {mean.value / oracle.value:.0%}"
    return text


def summary(cells: Sequence[Measured]) -> dict[str, Any]:
    """Everything behind the table."""
    rows = []
    for (size, name), of in by_set(cells).items():
        for arm in dict.fromkeys(arm for cell in of for arm in cell.arms):
            mean = mean_of_draws(of, arm)
            rows.append({
                "set": name, "pairs": size, "arm": arm,
                "dice": [cell.dice(arm) for cell in of if arm in cell.arms],
                "gain": None if mean is None else mean.value,
                "interval": None if mean is None else mean.interval,
                "sd_over_seeds": [(cell.gain(arm) or {}).get("sd_per_cell") for cell in of],
                "over_steps": [
                    one["over_steps"] for cell in of for one in cell.utility["arms"] if one["arm"] == arm
                ],
            })  # fmt: skip
    return {"rows": rows, "cells": [{"set": one.name, "pairs": one.size, "draw": one.draw} for one in cells]}
