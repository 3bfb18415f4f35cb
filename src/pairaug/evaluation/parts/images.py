"""Part 2: do the synthetic images look like real ones, and are they as various?

Enters: the real and the synthetic set. Leaves: the kernel discrepancy of image features in units of real halves with
its permutation p; precision, recall, density and coverage; the variety among several images of one mask.
Images of one mask are alike and no independent witnesses: where a set holds several on purpose, one of them stands for
the mask in all but the variety. The features need no download (see ``metrics.features``), and their
digest is part of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from pairaug.evaluation.parts.figures import comparison_figure, neighbour_figures
from pairaug.evaluation.sets.pair_set import PairSet
from pairaug.evaluation.sets.sampling import one_a_mask
from pairaug.machine.device import CPU
from pairaug.machine.work import Work
from pairaug.metrics.features import image_features, network_digest, standardise
from pairaug.metrics.mmd import MmdComparison, compare_mmd
from pairaug.metrics.neighbours import NeighbourComparison, compare_neighbours
from pairaug.metrics.variety import Variety, compare_variety
from pairaug.report.figure import Figure

NEIGHBOURS = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class ImageRealism:
    """``variety`` is None where no mask has several images."""

    mmd: MmdComparison
    neighbours: NeighbourComparison
    variety: Variety | None
    features_digest: str

    def figures(self) -> list[Figure]:
        answer = "they differ by more than chance" if self.mmd.p < 0.05 else "these few do not show a difference"
        meaning = (
            "How far apart the two sets lie in the space of features. A permutation test of "
            f"{self.mmd.items} against {self.mmd.items} images gives p = {self.mmd.p:.3g}: {answer}."
        )
        name = "kernel MMD ratio" if self.mmd.ratio.kind == "ratio" else "kernel MMD"
        distance = comparison_figure(self.mmd.ratio, "mmd_ratio", name, meaning, "distance")
        meaning = "Distance between images of one mask over that between real images; 0 is one image a mask."
        variety = Figure("variety", "variety", None, meaning=meaning, measured=False, compared=False)
        if self.variety is not None:
            found = self.variety
            variety = replace(variety, value=found.value, low=found.low, high=found.high, measured=True)
        return [distance, *neighbour_figures(self.neighbours, NEIGHBOURS), variety]


def measure_images(
    real: PairSet,
    synthetic: PairSet,
    masks: tuple[int, ...],
    per_mask: int,
    work: Work,
    seed: int,
    device: torch.device = CPU,
) -> ImageRealism:
    """``masks`` numbers the masks of the synthetic pairs; the set holds ``per_mask`` images of each on purpose.

    ``device``: where the network of the features is computed. DataError for a real set that cannot be halved.
    """
    rng = np.random.default_rng([seed, 2])
    channels = real.terms.channels
    ours = work.each(lambda index: image_features(real.image(index), device), len(real), "real images")
    theirs = work.each(lambda index: image_features(synthetic.image(index), device), len(synthetic), "synthetic images")
    features, others = standardise(np.stack(ours), np.stack(theirs), channels=channels)
    once = others[one_a_mask(masks, per_mask)]
    return ImageRealism(
        mmd=compare_mmd(features, once, real.groups, rng),
        neighbours=compare_neighbours(features, once, real.groups, rng),
        variety=compare_variety(features, others, masks, real.groups),
        features_digest=network_digest(channels),
    )
