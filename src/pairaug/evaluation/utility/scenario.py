"""In which situation is the user: the same site, images without masks at hand, or another site?

The rule, fixed beforehand: it is *another site* where the test images differ from the real images that are trained on
by more than chance and by much, p < 0.01 and ratio > 1.5 (``metrics.shift``, on the image features of the part
``images``); else *unlabelled images* where there are any; else *the same site*. At least 5 independent images a side
are needed, one a group; of more than 50, as many are drawn.

By hand, on 20 draws of 5, 10 and 20 training images each: the cells from file 050 on, scanned otherwise, are another
site than those before in 14, 20 and 20 draws (ratio 2.1); vessels, CT and nuclei in none, ultrasound in 0, 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pairaug.evaluation.utility.lazy_pairs import LazyPair
from pairaug.machine.workers import default_threads, in_order
from pairaug.metrics.features import Features, image_features, standardise
from pairaug.metrics.shift import Shift, measure_shift

Word = Literal["same site", "unlabelled images", "another site"]

P, RATIO = 0.01, 1.5
FEWEST, MOST = 5, 50


@dataclass(frozen=True)
class Scenario:
    """``word`` is None, and so is the shift, where too few images are there to tell."""

    word: Word | None
    shift: Shift | None
    sentence: str

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        shift = self.shift
        return {"word": self.word, "mmd_ratio": shift and shift.ratio, "p": shift and shift.p}


def scenario_of(
    real: Sequence[LazyPair], test: Sequence[LazyPair], unlabelled: int, rng: np.random.Generator
) -> Scenario:
    """``real``: what is trained on; ``unlabelled``: how many images without masks there are."""
    ours, theirs = _one_a_group(real, rng), _one_a_group(test, rng)
    if min(len(ours), len(theirs)) < FEWEST:
        few = f"{len(ours)} independent training images beside {len(theirs)} test images"
        return Scenario(None, None, f"scenario: cannot be told from {few}; it needs {FEWEST} of each")
    channels = ours[0].read().image.shape[2]
    first, second = standardise(_features(ours), _features(theirs), channels=channels)
    shift = measure_shift(first, second, rng)
    told = f"p {shift.p:.3g}" if shift.ratio is None else f"MMD ratio {shift.ratio:.2f}, p {shift.p:.3g}"
    if shift.p < P and (shift.ratio is None or shift.ratio > RATIO):
        remedy = "" if unlabelled else "; images of that site without masks may help, see --unlabelled"
        said = f"scenario: another site: the test images differ from those trained on ({told}){remedy}"
        return Scenario("another site", shift, said)
    alike = f"the test images are taken to be of the site of those trained on ({told})"
    if unlabelled:
        said = f"scenario: images without masks at hand ({unlabelled}); {alike}"
        return Scenario("unlabelled images", shift, said)
    return Scenario("same site", shift, f"scenario: the same site: {alike}")


def _one_a_group(items: Sequence[LazyPair], rng: np.random.Generator) -> list[LazyPair]:
    """A random item of each group, of at most ``MOST`` groups."""
    drawn = {items[place].group: items[place] for place in rng.permutation(len(items))}
    return list(drawn.values())[:MOST]


def _features(items: Sequence[LazyPair]) -> Features:
    return np.stack(in_order(lambda item: image_features(item.read().image), items, default_threads()))
