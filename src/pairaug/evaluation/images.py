"""Part 2: do the synthetic images look like real ones, and are they as various?

Enters: the real and the synthetic set. Leaves: the kernel discrepancy of image features in units of real halves with
its permutation p; precision, recall, density and coverage; the variety among several images of one mask.
The features need no download (see ``metrics.features``), and their digest is part of the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pairaug.evaluation.items import Items
from pairaug.evaluation.metrics.features import image_features, network_digest, standardise
from pairaug.evaluation.metrics.mmd import MmdComparison, compare_mmd
from pairaug.evaluation.metrics.neighbours import NeighbourComparison, compare_neighbours
from pairaug.evaluation.metrics.variety import Variety, compare_variety
from pairaug.evaluation.work import Work


@dataclass(frozen=True)
class ImageRealism:
    """``variety`` is None where no mask has several images."""

    mmd: MmdComparison
    neighbours: NeighbourComparison
    variety: Variety | None
    features_digest: str


def measure_images(real: Items, synthetic: Items, masks: tuple[int, ...], work: Work, seed: int) -> ImageRealism:
    """``masks`` numbers the masks of the synthetic pairs. DataError for a real set that cannot be halved."""
    rng = np.random.default_rng([seed, 2])
    channels = real.terms.channels
    ours = work.each(lambda index: image_features(real.image(index)), len(real), "real images")
    theirs = work.each(lambda index: image_features(synthetic.image(index)), len(synthetic), "synthetic images")
    features, others = standardise(np.stack(ours), np.stack(theirs), channels=channels)
    return ImageRealism(
        mmd=compare_mmd(features, others, real.groups, rng),
        neighbours=compare_neighbours(features, others, real.groups, rng),
        variety=compare_variety(features, others, masks, real.groups),
        features_digest=network_digest(channels),
    )
