"""How quiet is the ruler? The reference segmenter fitted again and again on a few pairs, seed by seed, arm by arm.

    python tests/benchmarks/noise.py DATA [--set ct] [--pairs 5] [--draw 0] [--steps 350,700] [--seeds 4] [--members 2]

DATA is a folder with ``splits.json`` (``train``, and ``subsets`` with draws of the training pairs). Fitted on one
draw, scored on the training pairs that are left; the test lists stay closed. For every number of steps and for groups
of ``--members`` fits whose probabilities are averaged: the mean Dice, its deviation over seeds, that of the paired
difference between the two arms *real + classical* and *the same with warps*, and what it would be unpaired.
About 0.55 s a step and fit, two fits at once; ``--keep FOLDER`` keeps what every fit found.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from segmenter import items

from pairaug.evaluation.metrics.pair_scores import score_pair
from pairaug.evaluation.segmenter.base import Augmentation, Example, Recipe
from pairaug.evaluation.segmenter.fit import fit_segmenter
from pairaug.evaluation.segmenter.presets import PRESETS
from pairaug.evaluation.work import Work
from pairaug.reporting import Reporter

ARMS: tuple[Augmentation, ...] = ("classical", "classical and warped")
Scores = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--set", default="ct")
    parser.add_argument("--pairs", default="5")
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--steps", default="350,700")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    split = json.loads((asked.data / "splits.json").read_text())[asked.set]
    chosen = split["subsets"][asked.pairs][asked.draw]
    real = items(asked.data, chosen)
    rest = items(asked.data, [pair for pair in split["train"] if pair not in chosen], real.terms)
    tests = [rest.example(index) for index in range(len(rest))]
    recipes = {arm: Recipe([real.example(n) for n in range(len(real))], augmentation=arm) for arm in ARMS}
    classes = real.terms.classes
    steps = [int(count) for count in asked.steps.split(",")]
    jobs = [(count, seed, arm) for seed in range(asked.seeds) for count in steps for arm in ARMS]

    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)

        def path(count: int, seed: int, arm: str) -> Path:
            return folder / f"{asked.set}-{asked.pairs}-{asked.draw}-{arm.replace(' ', '-')}-{count}-{seed}.npz"

        def fit(number: int) -> None:
            count, seed, arm = jobs[number]
            if not path(count, seed, arm).exists():
                preset = replace(PRESETS["full"], few=count, many=count)
                fitted = fit_segmenter(recipes[arm], classes, preset, seed, Reporter())
                found = [fitted.probabilities(test.image).half().numpy() for test in tests]
                np.savez(path(count, seed, arm), *found)

        Work(2, Reporter()).each(fit, len(jobs), "fits")
        for count, members in itertools.product(steps, sorted({1, asked.members})):
            groups = list(itertools.combinations(range(asked.seeds), members))
            scores = {arm: [dice([path(count, seed, arm) for seed in group], tests, classes) for group in groups]
                      for arm in ARMS}  # fmt: skip
            print(f"{count} steps, {members} averaged: {told(scores, groups, members)}", flush=True)


def dice(paths: list[Path], tests: list[Example], classes: int) -> float:
    """Mean score on the tests of fits whose probabilities are averaged."""
    loaded = [np.load(path) for path in paths]
    sums = (sum(fit[f"arr_{index}"].astype(np.float32) for fit in loaded) for index in range(len(tests)))
    found = (np.asarray(probabilities).argmax(axis=0) for probabilities in sums)
    pairs = zip(found, tests, strict=True)
    return float(np.mean([score_pair(labels, test.labels, classes, ()).mean_dice for labels, test in pairs]))


def told(scores: dict[Augmentation, list[float]], groups: list[tuple[int, ...]], members: int) -> str:
    first, second = (np.array(scores[arm]) for arm in ARMS)
    apart = [deviation(side, groups, members) for side in (first, second, second - first)]
    unpaired = float(np.hypot(apart[0], apart[1]))
    return (
        f"classical {first.mean():.3f} (deviation {100 * apart[0]:.1f} points), warped {second.mean():.3f} "
        f"({100 * apart[1]:.1f}), paired difference {100 * apart[2]:.1f}, unpaired {100 * unpaired:.1f}"
    )


def deviation(values: Scores, groups: list[tuple[int, ...]], members: int) -> float:
    """Of one group: half the mean squared difference over the pairs of groups that share no seed."""
    squares = [
        (values[one] - values[other]) ** 2 / 2
        for one, other in itertools.combinations(range(len(groups)), 2)
        if not set(groups[one]) & set(groups[other])
    ]
    return float(np.sqrt(np.mean(squares))) if squares else float("nan")


if __name__ == "__main__":
    main()
