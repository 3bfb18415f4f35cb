"""How long the reference segmenter is fitted: ``quick`` for agreement, ``full`` for utility.

Steps, not seconds, so that every machine fits the same network. ``expected_seconds`` is what a fit took on one thread
of a machine of two cores while another ran on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Preset:
    """``few`` steps at 5 or fewer real pairs, ``many`` at 20 or more, linear in the logarithm between."""

    name: str
    few: int
    many: int
    batch_size: int
    width: int
    rate: float
    step_seconds: float

    def steps(self, pairs: int) -> int:
        place = np.interp(np.log(max(pairs, 1)), np.log([5, 20]), [0.0, 1.0])
        return round(self.few + float(place) * (self.many - self.few))

    def expected_seconds(self, pairs: int) -> float:
        return self.steps(pairs) * self.step_seconds


PRESETS = {
    "quick": Preset("quick", few=250, many=250, batch_size=8, width=16, rate=3e-3, step_seconds=0.65),
    "full": Preset("full", few=500, many=2500, batch_size=8, width=16, rate=3e-3, step_seconds=0.65),
}
