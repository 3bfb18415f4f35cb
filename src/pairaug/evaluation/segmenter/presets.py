"""How long the reference segmenter is fitted: ``quick`` for agreement, ``full`` for utility.

Steps, not seconds, so that every machine fits the same network. ``expected_seconds`` is what a fit took on one thread
of a machine of two cores while another ran on the other.

What was tried, one run each that no command repeats yet (classical augmentation, width 16, batches of 8 crops of
256 px; Dice on training pairs that were left out). CT, 33 pairs: 600 steps 0.683, 1,250 steps 0.724. CT, 5 pairs: 350
steps 0.607 and 0.578, 500 steps 0.595 and 0.601 (seeds 0 and 1). Vessels, 10 pairs, 500 steps: 0.785. Nuclei, 40 pairs,
400 steps: 0.895. Cells, 31 pairs, 400 steps: 0.949. A width of 24 takes twice as long a step; channels last halves it.
On two idle cores two fits on one thread each make 3.9 steps a second.

How quiet it is (``examples/paper/table.py --sets ct --sizes 5``: 500 steps, 3 seeds, 48 test slices): over seeds the
deviation of *real + classical* is 1.1 Dice points; that of its paired difference to the arm with synthetic pairs 1.0,
without augmentation 1.6, with warps 1.8; unpaired they would be 1.8, 2.9 and 2.7. The goal of 1.0 is not met for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Preset:
    """``few`` steps at 5 or fewer real pairs, ``many`` at 50 or more, linear in the logarithm between.

    They are shared out among ``members``, networks of which the probabilities are averaged.
    """

    name: str
    few: int
    many: int
    batch_size: int
    width: int
    rate: float
    step_seconds: float
    members: int = 1

    def steps(self, pairs: int) -> int:
        place = np.interp(np.log(max(pairs, 1)), np.log([5, 50]), [0.0, 1.0])
        each = round((self.few + float(place) * (self.many - self.few)) / self.members)
        return self.members * each

    def expected_seconds(self, pairs: int) -> float:
        return self.steps(pairs) * self.step_seconds


PRESETS = {
    "quick": Preset("quick", few=250, many=250, batch_size=8, width=16, rate=3e-3, step_seconds=0.45),
    "full": Preset("full", few=700, many=2000, batch_size=8, width=16, rate=3e-3, step_seconds=0.45, members=2),
}
