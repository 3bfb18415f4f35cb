"""How long the reference segmenter is fitted: ``quick`` for agreement, ``full`` for utility.

Steps, not seconds, so that every machine fits the same network. ``step_seconds`` is about what a step takes on one
thread of a machine of two cores while another fit runs on the other, in float32.

``full`` goes on until more steps hardly change *real + classical*, and is looked at on the way. A shorter ruler sees
little: after 350 steps 25 further CT slices with their true masks are worth 4 points over 5, after 2,800 nearly 9.
What was tried, one seed each, run by hand: 5 CT pairs (draw 0) scored on 20 other training slices, *oracle* with 25
further ones for half of the draws; vessels in the same way with 5 pairs, 7 images scored, and the rest for the oracle.

    steps of 8 crops                                        350     700     1,400   2,800   last weights
    CT, classical, concatenation and two convolutions       0.680   0.691   0.683   0.697   0.682
    CT, classical, the network as it is                     0.677   0.695   0.706   0.708   0.691
    CT, oracle, the network as it is                        0.722   0.758   0.782   0.794   0.773
    CT, classical, as many crops in batches of 4            0.698   0.703   0.705   -       -
    vessels, oracle, the network as it is                   -       0.816   0.828   0.836   0.830

The mean of the weights over the last steps gains one to two points over the weights of the last step, and quiets the
curve. What counts is how many crops one network has seen, not how they are batched, so that batches of 4 cost half as
much a step. Twice as many steps as ``full`` takes raise the oracle by another point: ``--steps`` asks for them.

Found before, with a rate that falls to zero (one seed each; noise half a point on vessels, one on CT): two networks of
half the time are worse than one; a rate of 0.006, cross entropy alone, and bicubic sampling change nothing; frames of
960 px for vessels lose; width 24 takes twice as long a step; channels last halves it. Labels for the greatest expected
Dice (``decision``) brought the noise of a paired difference at 350 steps from 3.2 to 0.4 points, for nearly all of it
was how much a fit dared to mark; where a network is sure, as on vessels, they cost 0.2 to 0.7 points.
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
