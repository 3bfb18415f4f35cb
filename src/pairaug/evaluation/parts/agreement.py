"""Part 4: does a synthetic image fit its mask?

Two segmenters, each fitted on half of the real pairs, segment the synthetic images; their Dice and clDice against the
masks (the mean of both segmenters) stand over what the same segmenters reach on the real pairs that they have not
seen. 1 means "as easy as real"; a ratio above 1.05 is as suspicious as one below 0.95, for cartoons are easy.
The best offset of the predictions against the masks, within +-RADIUS native pixels, stands beside that on held-out
real pairs: images that are painted beside their masks teach a segmenter to miss.

Interval (95 %): quantiles of a bootstrap over groups of real pairs and over masks of synthetic ones, each stretched for
its number (see ``bootstrap``); there is none with fewer than ``FEWEST`` of either. What two other halves of the real
pairs would have taught is not in it.
Enters: both sets and the segmenters. Leaves: an ``Agreement``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.evaluation.sets.pair_set import PairSet
from pairaug.machine.work import Work
from pairaug.metrics.bootstrap import Resampling
from pairaug.metrics.overlap import Labels, Offset, best_offset, offset_profile
from pairaug.metrics.pair_scores import score_pair
from pairaug.report.figure import Figure
from pairaug.segmenter.base import Segmenter
from pairaug.segmenter.folds import FoldSegmenters

RADIUS = 3
TOO_LOW, TOO_HIGH = 0.95, 1.05
FEWEST = 4  # groups or masks, below which resampling them says nothing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """Synthetic over held-out real, None where the real score is 0; its 95 % interval, None for few; both scores."""

    value: float | None
    low: float | None
    high: float | None
    synthetic: float
    held_out: float


@dataclass(frozen=True)
class PairAgreement:
    """One synthetic pair: Dice, clDice and the best offset (None: the mask is too small for it)."""

    dice: float
    centreline: float
    offset: Offset | None


@dataclass(frozen=True)
class Agreement:
    """``profile`` and ``held_out_profile``: mean Dice at every offset (see ``overlap``; None: masks too small).

    ``moved``: the two best offsets differ, in rows or in columns, beyond what resampled pairs say of both together in
    95 % of the cases.
    """

    dice: Ratio
    centreline: Ratio
    profile: Floats | None
    held_out_profile: Floats | None
    moved: bool
    pairs: tuple[PairAgreement, ...]
    digests: tuple[str, ...]

    @property
    def offset(self) -> Offset | None:
        """Where the predictions lie against the synthetic masks, all together."""
        return None if self.profile is None else best_offset(self.profile)

    @property
    def held_out_offset(self) -> Offset | None:
        return None if self.held_out_profile is None else best_offset(self.held_out_profile)

    def figures(self) -> list[Figure]:
        scores = (
            ("dice_ratio", "Dice", self.dice, "Overlap of the mask found with the mask given"),
            ("cldice_ratio", "clDice", self.centreline, "The same along centre lines, blind to width"),
        )
        return [
            Figure(
                key, name, found.value, found.low, found.high, 1.0, scale="ratio", group="agreement",
                meaning=f"{meaning}: {found.synthetic:.3f} over {found.held_out:.3f}.",
            )
            for key, name, found, meaning in scores
        ]  # fmt: skip


@dataclass(frozen=True)
class _Scores:
    dice: float
    centreline: float
    profile: Floats | None


def measure_agreement(
    real: PairSet, synthetic: PairSet, masks: Sequence[int], fitted: FoldSegmenters, work: Work, seed: int
) -> Agreement:
    """``masks`` numbers the masks of the synthetic pairs: images of one mask are resampled together."""
    classes = real.terms.classes

    def held_out(index: int) -> _Scores:
        segmenter = fitted.segmenters[fitted.fold_of[index]]
        return _score(segmenter, real.image(index), real.labels(index), classes)

    def painted(index: int) -> _Scores:
        image, labels = synthetic.image(index), synthetic.labels(index)
        return _mean([_score(segmenter, image, labels, classes) for segmenter in fitted.segmenters])

    ours = work.each(held_out, len(real), "held-out real images segmented")
    theirs = work.each(painted, len(synthetic), "synthetic images segmented")
    of_real, of_synthetic = (
        Resampling(groups, np.random.default_rng([seed, 5, side])) for side, groups in enumerate((real.groups, masks))
    )

    def ratio(score: Callable[[_Scores], float]) -> Ratio:
        mine, other = (np.array([score(item) for item in side]) for side in (ours, theirs))
        return _ratio(other, mine, of_real, of_synthetic)

    return Agreement(
        dice=ratio(lambda item: item.dice),
        centreline=ratio(lambda item: item.centreline),
        profile=_mean(theirs).profile,
        held_out_profile=_mean(ours).profile,
        moved=_enough(of_real, of_synthetic)
        and _differ(_best_offsets(theirs, of_synthetic.items), _best_offsets(ours, of_real.items)),
        pairs=tuple(
            PairAgreement(item.dice, item.centreline, None if item.profile is None else best_offset(item.profile))
            for item in theirs
        ),
        digests=fitted.digests,
    )


def _score(segmenter: Segmenter, image: NDArray[np.float32], labels: Labels, classes: int) -> _Scores:
    prediction = segmenter.predict(image)
    fits = min(labels.shape) > 2 * RADIUS
    profile = offset_profile(prediction, labels, classes, RADIUS) if fits else None
    scores = score_pair(prediction, labels, classes)
    return _Scores(scores.mean_dice, scores.mean_centreline, profile)


def _mean(scores: Sequence[_Scores]) -> _Scores:
    profiles = [item.profile for item in scores if item.profile is not None]
    return _Scores(
        float(np.mean([item.dice for item in scores])),
        float(np.mean([item.centreline for item in scores])),
        np.mean(profiles, axis=0) if profiles else None,
    )


def _best_offsets(scores: Sequence[_Scores], weights: Floats) -> NDArray[np.intp] | None:
    """The best offset in every repeat of ``weights`` (repeats, items), (repeats, 2), counted from the corner."""
    known = [index for index, item in enumerate(scores) if item.profile is not None]
    if not known:
        return None
    profiles = np.stack([profile for item in scores if (profile := item.profile) is not None])
    repeats = np.round(weights[:, known] @ profiles.reshape(len(known), -1), 12)
    squares = ((np.indices(profiles.shape[1:]) - profiles.shape[1] // 2) ** 2).sum(axis=0)
    from_zero = np.argsort(squares.ravel(), kind="stable")
    best = from_zero[repeats[:, from_zero].argmax(axis=1)]  # of equal ones the nearest to zero
    return np.stack(np.unravel_index(best, profiles.shape[1:]), axis=1)


def _differ(first: NDArray[np.intp] | None, second: NDArray[np.intp] | None) -> bool:
    if first is None or second is None:
        return False
    low, high = np.quantile(first - second, [0.0125, 0.9875], axis=0)  # two looks at 97.5 % each (Bonferroni)
    return bool(((low > 0) | (high < 0)).any())


def _enough(*sides: Resampling) -> bool:
    return all(side.clusters >= FEWEST for side in sides)


def _ratio(synthetic: Floats, real: Floats, of_real: Resampling, of_synthetic: Resampling) -> Ratio:
    """The ratio of the mean scores (items,)."""
    ours, theirs = float(real.mean()), float(synthetic.mean())
    if ours <= 0:
        return Ratio(None, None, None, theirs, ours)
    below = of_real.item_means(real)
    if not _enough(of_real, of_synthetic) or (below <= 0).any():
        return Ratio(theirs / ours, None, None, theirs, ours)
    low, high = np.quantile(np.maximum(of_synthetic.item_means(synthetic), 0) / below, [0.025, 0.975])
    return Ratio(theirs / ours, float(low), float(high), theirs, ours)
