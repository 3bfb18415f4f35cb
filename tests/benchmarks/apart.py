"""Which images show what is scored, exactly or in disguise: neither models nor arms may see these."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.evaluation.sets.pair_set import PairSet
from pairaug.evaluation.utility.disguise import Detector
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.files import digest_file
from pairaug.reporting import Reporter
from segmenter import Pairs, items


def apart(data: Path, rest: Pairs, scored: Pairs, threshold: int | None) -> Pairs:
    """Those of ``rest`` whose image shows no pair of ``scored``, as ``pairaug evaluate`` finds out."""
    if not rest or not scored:
        return rest
    tests = items(data, scored, threshold=threshold)
    others = items(data, rest, tests.terms, threshold)
    images = [
        LazyImage(item.image_digest, item.image_digest, item.image_digest, partial(_image, others, index))
        for index, item in enumerate(others.pairs)
    ]
    known = [
        LazyPair(item.image_digest, item.image_digest, item.mask_digest, item.image_digest, partial(tests.example, n))
        for n, item in enumerate(tests.pairs)
    ]
    copies = {copy.name for copy in Detector(known, np.random.default_rng(0)).image_copies(images, Reporter())}
    return [pair for pair in rest if digest_file(data / pair[0]) not in copies]


def _image(items: PairSet, index: int) -> NDArray[np.float32]:
    return items.example(index).image
