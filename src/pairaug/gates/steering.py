"""Gates for what a user wants of a mask: how much of the frame is foreground, in how many parts, with which class.

Enters: a mask (H, W) of classes in [0, K). Leaves: a judgement whose score is what was asked about, and whose limit the
bound that it must keep. Foreground is everything that is not class 0; parts are 8-connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pairaug.gates.base import Classes, Judgement

_EIGHT = np.ones((3, 3), dtype=np.int64)


@dataclass(frozen=True)
class _RangeGate:
    """What is counted in a mask lies from ``low`` to ``high``."""

    low: float
    high: float

    @property
    def digest(self) -> str:
        return f"{self.low}-{self.high}"

    def manifest(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True)
class AreaGate(_RangeGate):
    """The share of the frame that is foreground."""

    name: str = "area"

    def judge(self, classes: Classes) -> Judgement:
        return _within(float((classes > 0).mean()), self.low, self.high)


@dataclass(frozen=True)
class PartsGate(_RangeGate):
    """The number of connected parts of the foreground."""

    name: str = "parts"

    def manifest(self) -> dict[str, Any]:
        return {"low": int(self.low), "high": int(self.high)}

    def judge(self, classes: Classes) -> Judgement:
        from scipy.ndimage import label

        return _within(float(label(classes > 0, structure=_EIGHT)[1]), self.low, self.high)


@dataclass(frozen=True)
class ClassGate:
    """At least one pixel is of class ``wanted``; the score is how many are."""

    wanted: int
    name: str = "class"

    @property
    def digest(self) -> str:
        return str(self.wanted)

    def manifest(self) -> dict[str, Any]:
        return {"class": self.wanted}

    def judge(self, classes: Classes) -> Judgement:
        return _within(float((classes == self.wanted).sum()), 1, float("inf"))


def _within(score: float, low: float, high: float) -> Judgement:
    return Judgement(low <= score <= high, score, low if score < low else high)
