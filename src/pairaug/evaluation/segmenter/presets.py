"""How long the reference segmenter is fitted: ``quick`` for agreement, ``full`` for utility.

Steps, not seconds, so that every machine fits the same network. ``step_seconds`` is what a step took on one thread of a
machine of two cores while another fit ran on the other, in float32.

How quiet it is (``tests/benchmarks/noise.py --steps 350 --keep FOLDER``: 5 CT pairs, scored on the other 45 training
slices, 4 seeds, arms *classical* and *warped*; deviations in Dice points over seeds):

    2 x 350 steps, of each pixel the likeliest class      0.578 (2.7)   paired difference 3.2   unpaired 3.6
    1 x 350 steps, labels by ``decision``                 0.654 (1.2)   paired difference 1.3   unpaired 1.6
    2 x 350 steps, labels by ``decision``                 0.663 (0.8)   paired difference 0.4   unpaired 1.1

Nearly all of the noise was one number a fit, how much it dared to mark: with the likeliest class the nets marked 8 to
10 % of the pixels where 15 % are lesion, and the mean Dice followed that share. Averaging two members did not cure it
(one member 3.3, both 3.2); the decision rule did, at no cost, and raised the score by 8 points. The rule was found on
three of these four seeds and on these slices, so the figures flatter it; the first row is of the code before it. Its
check is the test list, which played no part: 0.6 points for *warped*, 0.3 with the paper's pairs (3 seeds,
``examples/paper/table.py --sets ct --sizes 5``).

Steps against members, one run and seed each that no command repeats. Vessels, 14 training pairs scored on the other 6,
one member: 620 steps 0.804, 1,242 steps 0.820; at 960 px instead of 640, 620 steps: 0.792; width 24, 620 steps, half
as long again: 0.807. Batches of 4 in twice as many steps, the same time as 620 of 8: vessels 0.809, CT 0.721 (0.716);
not taken up yet. So one member from ``ENOUGH`` pairs on; what that costs in noise was seen only afterwards: at 20 CT
pairs the paired difference deviates by 1.5 points (2 seeds), above the aim of 1. Where a network is sure, as on
vessels, the decision rule cost 0.2 to 0.9 points in these runs; on CT it made -0.4 and +0.5.

Tried before that rule, one run each that no command repeats (classical augmentation, width 16, batches of 8 crops of
256 px; Dice on training pairs that were left out). CT, 33 pairs: 600 steps 0.683, 1,250 steps 0.724. Vessels, 10 pairs,
500 steps: 0.785. Nuclei, 40 pairs, 400 steps: 0.895. Cells, 31 pairs, 400 steps: 0.949. A width of 24 takes twice as
long a step; channels last halves it. Free initial weights, 500 steps: paired differences of 1.0 to 1.8 over 3 seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ENOUGH = 10


@dataclass(frozen=True)
class Preset:
    """``few`` steps at 5 or fewer real pairs, ``many`` at 50 or more, linear in the logarithm between.

    Below ``ENOUGH`` pairs they are shared out among ``members`` networks, of which the probabilities are averaged.
    """

    name: str
    few: int
    many: int
    batch_size: int
    width: int
    rate: float
    step_seconds: float
    members: int = 1

    def members_at(self, pairs: int) -> int:
        """How many networks are fitted on so many real pairs."""
        return self.members if pairs < ENOUGH else 1

    def steps(self, pairs: int) -> int:
        """Optimiser steps on so many real pairs, of all members together."""
        place = np.interp(np.log(max(pairs, 1)), np.log([5, 50]), [0.0, 1.0])
        members = self.members_at(pairs)
        return members * round((self.few + float(place) * (self.many - self.few)) / members)

    def expected_seconds(self, pairs: int) -> float:
        return self.steps(pairs) * self.step_seconds


PRESETS = {
    "quick": Preset("quick", few=250, many=250, batch_size=8, width=16, rate=3e-3, step_seconds=0.45),
    "full": Preset("full", few=700, many=1600, batch_size=8, width=16, rate=3e-3, step_seconds=0.45, members=2),
}
