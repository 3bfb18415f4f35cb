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

Steps against members, and other ways to spend the time. ``tests/benchmarks/segmenter.py DATA --inside`` fits on two
thirds of a training list and scores on the rest: 14 and 6 images of vessels, 34 and 16 CT slices; the rows that are
not the present preset were run by hand, with one seed each, whose noise is about half a point on vessels and one on CT.

    members x batch x steps                              vessels           CT
    1 x 8 x 620                                          0.804             0.716
    1 x 4 x 1,242                                        0.809             0.721
    1 x 8 x 1,100 (vessels), 1,400 (CT)                  0.817             0.787
    the same, of each pixel the likeliest class          0.819             0.764
    the same at a rate of 0.006                          0.820             0.781
    the same, cross entropy alone                        0.815             0.791
    1 x 4 x 2,200, 2,800                                 0.821             0.783
    2 x 4 x 1,100                                        0.804             -
    2 x 4 x 1,100, 1,400 at a rate of 0.006              0.806             0.737
    2 x 4 x 1,100, pictures sampled bicubically          0.803             -

What counts is how many crops one network has seen; how they are batched, the rate and the sampling hardly matter, and
two networks of half the time are worse than one. So one member from ``ENOUGH`` pairs on, and as many steps from 20
pairs on as 15 minutes in float32 allow. Where a network is sure, as on vessels, the decision rule costs 0.2 to 0.7
points: soft Dice in the loss has it dare already (with cross entropy alone the rule gains 0.5 points there and 5 on
CT, and the sum is the same). Larger frames, 960 px for vessels at 620 steps: 0.792. Width 24 takes twice as long a
step, channels last halves it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Preset:
    """``few`` steps at 5 or fewer real pairs, ``many`` at 20 or more, linear in the logarithm between.

    A fit is looked at ``points`` times, each time after twice as many steps as the time before, at the end at last.
    """

    name: str
    few: int
    many: int
    batch_size: int
    width: int
    rate: float
    step_seconds: float
    points: int = 1

    def schedule(self, pairs: int) -> tuple[int, ...]:
        """Numbers of steps at which a fit on so many real pairs is looked at; it ends with the last."""
        place = np.interp(np.log(max(pairs, 1)), np.log([5, 20]), [0.0, 1.0])
        last = round(self.few + float(place) * (self.many - self.few))
        return tuple(sorted({max(1, last >> halvings) for halvings in range(self.points)}))

    def expected_seconds(self, pairs: int) -> float:
        return self.schedule(pairs)[-1] * self.step_seconds


PRESETS = {
    "quick": Preset("quick", few=250, many=250, batch_size=8, width=16, rate=3e-3, step_seconds=0.3),
    "full": Preset("full", few=2800, many=5600, batch_size=4, width=16, rate=3e-3, step_seconds=0.18, points=4),
}
