"""The arms: what a segmenter may be trained on when a few real pairs are there.

* *real*: the real pairs as they are;
* *real + classical*: with strong classical augmentation, the honest baseline, which all others have too;
* *real + classical + warped*: image and mask also warped together elastically;
* *real + classical + synthetic*: a share of the draws is synthetic, and may fall toward the end of training;
* *synthetic + classical*: every draw is synthetic. Its recipe names the real pairs too: they are never drawn, they
  only give it the same number of steps and the same working size.

What a sceptic would try first, each at the share of the synthetic arm:

* *dilution*: the real pairs once more; it shows what the share itself does, and should show nothing;
* *copy-paste*: real objects pasted into real pictures while training (Ghiasi et al. 2021, arXiv:2012.07177);
* *self-training*: images without masks, with the labels that *real + classical* of the same seed gives them (one round
  of pseudo-labels, unfiltered);
* *histogram matching*, *amplitude swap*: the real pairs in the appearance of the images without masks;
* *oracle*: further pairs with their true masks: what there was to gain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pairaug.errors import UsageError
from pairaug.evaluation.utility.options import OF_UNLABELLED, Share, UtilityOptions, default_arms
from pairaug.segmenter.base import Augmentation, Change

BASELINE = "real + classical"
WARPED = "real + classical + warped"
Others = Literal["none", "real", "synthetic", "oracle", "pseudo-labelled"]


@dataclass(frozen=True)
class Arm:
    """``option`` is its name on the command line, ``title`` the one in results.

    ``share`` of the draws come from ``others`` (falling to ``last_share``) and are changed by ``change``.
    """

    option: str
    title: str
    augmentation: Augmentation = "classical"
    share: float = 0.0
    last_share: float | None = None
    others: Others = "none"
    change: Change = "none"

    @property
    def synthetic(self) -> bool:
        """Whether it is made of the pairs that are being judged."""
        return self.others == "synthetic"


_REAL = (
    Arm("real", "real", "none"),
    Arm("classical", BASELINE),
    Arm("warped", WARPED, "classical and warped"),
)
_ALONE = Arm("synthetic-alone", "synthetic + classical", share=1.0, others="synthetic")
_RIVALS: tuple[tuple[str, Others, Change], ...] = (
    ("dilution", "real", "none"),
    ("copy-paste", "real", "copy-paste"),
    ("self-training", "pseudo-labelled", "none"),
    ("histogram-matching", "real", "histogram matching"),
    ("amplitude-swap", "real", "amplitude swap"),
    ("oracle", "oracle", "none"),
)


@dataclass(frozen=True)
class Available:
    """What there is beside the real pairs."""

    synthetic: bool = True
    unlabelled: bool = False
    oracle: bool = False


def chosen_arms(options: UtilityOptions, available: Available = Available()) -> list[Arm]:
    """The arms asked for, *real + classical + synthetic* once for every share; titles are unique.

    Raises UsageError for an arm of which the data are missing.
    """
    names = options.arms
    if names is None:
        names = default_arms(synthetic=available.synthetic, unlabelled=available.unlabelled, oracle=available.oracle)
    _refuse_missing(names, available)
    share = options.shares[0]
    arms = [arm for arm in _REAL if arm.option in names]
    arms += [
        Arm(name, name if name in ("copy-paste", "self-training") else name.replace("-", " "), share=share.first,
            last_share=share.last, others=others, change=change)
        for name, others, change in _RIVALS if name in names
    ]  # fmt: skip
    if "synthetic" in names:
        arms += [_synthetic(share, first=number == 0) for number, share in enumerate(options.shares)]
    return [*arms, _ALONE] if "synthetic-alone" in names else arms


def judged(arms: Sequence[Arm]) -> Arm:
    """The arm that the verdict is about: the synthetic one of the first share, else synthetic alone, else a rival."""
    others = [arm for arm in arms if arm.option != "classical"]
    return next((arm for arm in others if arm.synthetic), others[0])


def _synthetic(share: Share, *, first: bool) -> Arm:
    title = "real + classical + synthetic" + ("" if first else f" ({share})")
    return Arm("synthetic", title, share=share.first, last_share=share.last, others="synthetic")


def _refuse_missing(names: Collection[str], available: Available) -> None:
    for name in names:
        if name in OF_UNLABELLED and not available.unlabelled:
            raise UsageError(f"--arms {name}: needs images without masks; give them with --unlabelled SOURCE")
        if name == "oracle" and not available.oracle:
            raise UsageError("--arms oracle: needs pairs whose masks no model saw; give them with --oracle SOURCE")
        if name.startswith("synthetic") and not available.synthetic:
            raise UsageError(f"--arms {name}: there is no synthetic set; give one after REAL")
