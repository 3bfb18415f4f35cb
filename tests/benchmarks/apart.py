"""Which images show what is scored, exactly or in disguise: neither models nor arms may see these."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.evaluation.sets.pair_set import PairSet, Terms, in_terms, lenient
from pairaug.evaluation.utility.disguise import Detector
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.files import digest_file
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.source import find_pairs
from pairaug.reporting import Reporter

Pairs = list[list[str]]


def apart(data: Path, rest: Pairs, scored: Pairs, threshold: int | None) -> Pairs:
    """Those of ``rest`` whose image shows no pair of ``scored``, as ``pairaug evaluate`` finds out."""
    if not rest or not scored:
        return rest
    tests = opened(data, scored, threshold)
    others = opened(data, rest, threshold, tests.terms)
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


def opened(data: Path, pairs: Pairs, threshold: int | None, terms: Terms | None = None) -> PairSet:
    lines = [f"{data.resolve() / image}\t{data.resolve() / mask}" for image, mask in pairs]
    checked = check_pairs(find_pairs("-", lines=lines), lenient(CheckPolicy(cleaning=Cleaning(threshold=threshold))))
    own = Terms(checked.intensity, checked.stored_channels, checked.label_map.values, deep=checked.deep)
    return in_terms("the list", checked, terms or own)


def _image(items: PairSet, index: int) -> NDArray[np.float32]:
    return items.example(index).image
