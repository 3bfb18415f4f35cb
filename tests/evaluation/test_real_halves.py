"""Half of a real set against its other half scores like real (slow; skipped where the data are not)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pairaug.evaluation.evaluate import Evaluation, EvaluationOptions, evaluate
from pairaug.pairs.source import Selection

pytestmark = pytest.mark.slow


def halves(real_data: Path, name: str, folder: Path) -> tuple[Path, Path, str | None]:
    """Lists of two halves of the training pairs, groups kept whole."""
    split = json.loads((real_data / "splits.json").read_text())[name]
    pattern = split["group_by"]
    names = [re.search(pattern, image).group(1) if pattern else image for image, _ in split["train"]]
    distinct = np.random.default_rng(0).permutation(sorted(set(names)))
    first = set(distinct[: len(distinct) // 2])
    paths = []
    for side in (True, False):
        lines = [
            f"{real_data / image}\t{real_data / mask}\n"
            for (image, mask), group in zip(split["train"], names, strict=True)
            if (group in first) == side
        ]
        path = folder / f"{name}-{side}.txt"
        path.write_text("".join(lines))
        paths.append(path)
    return paths[0], paths[1], pattern


def measured(real_data: Path, name: str, folder: Path, *parts: str) -> Evaluation:
    real, other, pattern = halves(real_data, name, folder)
    lines = real.read_text().splitlines()
    options = EvaluationOptions(Selection(group_by=pattern), lines=lines, parts=parts, cache=folder / "cache")
    return evaluate(real, other, options)


@pytest.mark.parametrize("name", ["nuclei", "vessels", "ct", "cells"])
def test_real_against_real_is_real_new_and_varied(real_data: Path, name: str, tmp_path: Path) -> None:
    found = measured(real_data, name, tmp_path, "masks", "images", "novelty")
    ratios = [one for one in found.masks.statistics.values() if one.kind == "ratio"]
    # The statistics of one class hang together, so that several of twenty intervals miss at once.
    assert sum(one.low <= 1 <= one.high for one in ratios) >= 0.75 * len(ratios)
    # A half may by chance lie nearer than halves usually do (seen: 0.86, interval to 0.96), but not farther.
    assert found.images.mmd.ratio.low <= 1
    assert found.images.mmd.ratio.value == pytest.approx(1, abs=0.25)
    assert found.images.mmd.p > 0.01
    for part in (found.masks, found.images):
        assert part.neighbours.mean.coverage == pytest.approx(part.neighbours.held_out.coverage, abs=0.15)
    for search in (found.novelty.masks, found.novelty.images):
        # One patient's slices may stand on both sides of these halves, so 5 % can be asked of the lower end alone.
        assert search.share.low <= 0.05
        assert all(power.found.value >= 0.99 for power in search.powers if power.kind in ("exact", "rigid"))
