"""Part 1: are the synthetic masks built like real ones, and as various?

Enters: the real and the synthetic set. Leaves: every shape statistic of every class compared by Wasserstein-1 in units
of real halves, coverage, density and recall of mask features, and how much the masks overlap among themselves.
Where a set holds several images of each mask on purpose, the mask counts once; a generator that repeats itself has all
its masks counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.evaluation.parts.figures import comparison_figure, neighbour_figures, pooled, statistic_words
from pairaug.evaluation.sets.pair_set import LOOKED_AT_SIDE, PairSet
from pairaug.evaluation.sets.sampling import one_a_mask
from pairaug.machine.device import CPU
from pairaug.machine.work import Work
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.features import Features, mask_features, network_digest, standardise
from pairaug.metrics.neighbours import NeighbourComparison, compare_neighbours
from pairaug.metrics.overlap import PairwiseDice, pairwise_dice
from pairaug.metrics.statistics import Values, mask_statistics
from pairaug.metrics.wasserstein import compare_statistic
from pairaug.report.figure import Figure

Statistics = dict[str, Values]
NEIGHBOURS = ("coverage", "density", "recall", "precision")


@dataclass(frozen=True)
class MaskRealism:
    """``values``: per statistic the raw values of real and synthetic masks, one array an item.

    ``neighbours`` and the statistics are None or empty where the real set cannot be halved.
    """

    statistics: Mapping[str, Comparison]
    values: Mapping[str, tuple[list[Values], list[Values]]]
    neighbours: NeighbourComparison | None
    dice: PairwiseDice
    real_dice: PairwiseDice
    features_digest: str

    @property
    def missing(self) -> tuple[int, ...]:
        """Classes that no synthetic mask holds, though by their share of the real masks some should, 95 % sure."""
        found = []
        for name, (ours, theirs) in self.values.items():
            if name.endswith("/share"):
                held = float(np.mean([value is not None and value > 0 for value in ours]))
                if not any(value is not None and value > 0 for value in theirs) and (1 - held) ** len(theirs) < 0.05:
                    found.append(int(name.split("/")[0]))
        return tuple(found)

    def figures(self, labels: Sequence[str], names: Sequence[str] | None = None) -> list[Figure]:
        """``labels``: the label value of each class, as it is shown; ``names``: what it is called, if anything."""
        dice, real_dice = self.dice, self.real_dice
        meaning = "Overlap of the masks of a set among themselves; 1 is one mask repeated. No higher than real is good."
        overlap = Figure("pairwise_dice", "pairwise Dice", dice.value, dice.low, dice.high, meaning=meaning)
        overlap = overlap.beside(real_dice.value, real_dice.low, real_dice.high)
        statistics = [self._statistic(key, labels, names or labels) for key in self.statistics]
        return [*statistics, *neighbour_figures(self.neighbours, NEIGHBOURS), overlap]

    def _statistic(self, key: str, labels: Sequence[str], names: Sequence[str]) -> Figure:
        """``1/share`` is called ``255/share`` in JSON: by the label value, not the class."""
        label, statistic = key.split("/")
        title, unit, meaning = statistic_words(statistic)
        figure = comparison_figure(
            self.statistics[key], f"{labels[int(label)]}/{statistic}", title, meaning, "statistics"
        )
        real, synthetic = (pooled(side) for side in self.values[key])
        of = names[int(label)] if len(labels) > 2 else ""
        return replace(figure, of=of, unit=unit, real=real, synthetic=synthetic)


@dataclass(frozen=True)
class _Looked:
    statistics: Statistics
    features: Features
    small: NDArray[np.uint8]


def measure_masks(
    real: PairSet,
    synthetic: PairSet,
    repeats: tuple[int, ...],
    per_mask: int,
    work: Work,
    seed: int,
    device: torch.device = CPU,
) -> MaskRealism:
    """``repeats`` numbers the masks of the synthetic pairs, equal ones alike; ``per_mask`` equal ones count once.

    ``device``: where the network of the features is computed.
    """
    rng = np.random.default_rng([seed, 1])
    classes = real.terms.classes
    once = one_a_mask(repeats, per_mask)
    ours = work.each(lambda index: _look(real, index, device), len(real), "real masks")
    theirs = work.each(lambda index: _look(synthetic, index, device), once, "synthetic masks")
    values = {
        name: ([item.statistics[name] for item in ours], [item.statistics[name] for item in theirs])
        for name in ours[0].statistics
    }
    can_halve = len(set(real.groups)) >= 2
    seeds = rng.spawn(len(values))
    names = list(values)

    def compared(place: int) -> Comparison:
        return compare_statistic(*values[names[place]], real.groups, seeds[place])

    found = work.each(compared, len(names) if can_halve else 0, "statistics")
    neighbours = None
    if can_halve:
        features, others = (np.stack([item.features for item in side]) for side in (ours, theirs))
        features, others = standardise(features, others, channels=classes - 1)
        neighbours = compare_neighbours(features, others, real.groups, rng)
    return MaskRealism(
        statistics=dict(zip(names, found, strict=False)),
        values=values,
        neighbours=neighbours,
        dice=pairwise_dice([item.small for item in theirs], classes),
        real_dice=pairwise_dice([item.small for item in ours], classes, real.groups),
        features_digest=network_digest(classes - 1),
    )


def _look(items: PairSet, index: int, device: torch.device) -> _Looked:
    labels, classes = items.labels(index), items.terms.classes
    return _Looked(mask_statistics(labels, classes), mask_features(labels, classes, device), _small(labels))


def _small(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every mask on one small grid, at pixel centres, so that hundreds can be compared pair by pair."""
    if max(labels.shape) <= LOOKED_AT_SIDE:
        return labels
    rows, columns = (
        ((np.arange(side) + 0.5) * length / side).astype(np.intp)
        for length in labels.shape
        for side in [max(1, round(length * LOOKED_AT_SIDE / max(labels.shape)))]
    )
    return labels[np.ix_(rows, columns)]
