"""The arms: what a segmenter may be trained on when a few real pairs are there.

* *real*: the real pairs as they are;
* *real + classical*: with strong classical augmentation, the honest baseline;
* *real + classical + warped*: the same, image and mask also warped together elastically;
* *real + classical + synthetic*: a share of the draws is synthetic, under the same classical augmentation;
* *synthetic + classical*: every draw is synthetic. Its recipe names the real pairs too: they are never drawn, they
  only give it the same number of steps and the same working size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pairaug.evaluation.utility.options import UtilityOptions
from pairaug.segmenter.base import Augmentation, Example, Recipe

BASELINE = "real + classical"
WARPED = "real + classical + warped"


@dataclass(frozen=True)
class Arm:
    """``option`` is its name on the command line, ``title`` the one in results."""

    option: str
    title: str
    augmentation: Augmentation
    share: float = 0.0

    @property
    def synthetic(self) -> bool:
        return self.share > 0

    def recipe(self, real: Sequence[Example], synthetic: Sequence[Example]) -> Recipe:
        """What a run of this arm sees."""
        return Recipe(real, synthetic if self.synthetic else (), self.share, self.augmentation)


_PLAIN = (
    Arm("real", "real", "none"),
    Arm("classical", BASELINE, "classical"),
    Arm("warped", WARPED, "classical and warped"),
)
REAL_TITLES = tuple(arm.title for arm in _PLAIN)
_ALONE = Arm("synthetic-alone", "synthetic + classical", "classical", 1.0)


def chosen_arms(options: UtilityOptions) -> list[Arm]:
    """The arms asked for, *real + classical + synthetic* once for every share; titles are unique."""
    arms = [arm for arm in _PLAIN if arm.option in options.arms]
    if "synthetic" in options.arms:
        for number, share in enumerate(options.shares):
            title = "real + classical + synthetic" + (f" ({share:.3g})" if number else "")
            arms.append(Arm("synthetic", title, "classical", share))
    return [*arms, _ALONE] if "synthetic-alone" in options.arms else arms


def judged(arms: Sequence[Arm]) -> Arm:
    """The arm that the verdict is about: the synthetic one of the first share, else synthetic alone."""
    return next(arm for arm in arms if arm.synthetic)
