"""How noisy are the scores? The reference segmenter fitted again and again on a few pairs, seed by seed, arm by arm.

    python tests/benchmarks/noise.py DATA [--set ct] [--pairs 5] [--draw 0] [--steps 350,700] [--seeds 4] [--members 2]

DATA is a folder with ``splits.json`` (``train``, and ``subsets`` with draws of the training pairs). Fitted on one
draw, scored on the training pairs that are left; the test lists stay closed. For every number of steps a member, and
for one of ``--members`` networks as for all of them averaged: the mean Dice, its deviation over seeds, that of the
paired difference between the two arms *real + classical* and *the same with warps*, and what it would be unpaired.
From 10 pairs on the preset fits one network, whatever ``--members`` says.
About 0.45 s a step and member, two fits at once (0.23 s in bfloat16); ``--keep FOLDER`` keeps what every fit found.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.machine.work import Work
from pairaug.metrics.pair_scores import score_pair
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Augmentation, Example, Recipe
from pairaug.segmenter.decision import decide
from pairaug.segmenter.fit import fit_segmenter
from pairaug.segmenter.presets import PRESETS
from segmenter import items

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
    members = replace(PRESETS["full"], members=asked.members).members_at(len(real))
    jobs = [(count, seed, arm) for seed in range(asked.seeds) for count in steps for arm in ARMS]

    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)

        def path(count: int, seed: int, arm: str) -> Path:
            return folder / f"{asked.set}-{asked.pairs}-{asked.draw}-{arm.replace(' ', '-')}-{count}-{seed}.npz"

        def fit(number: int) -> None:
            count, seed, arm = jobs[number]
            if not path(count, seed, arm).exists():
                total = count * members
                preset = replace(PRESETS["full"], few=total, many=total, members=asked.members)
                fitted = fit_segmenter(recipes[arm], classes, preset, seed, Reporter())
                found = [torch.stack(fitted.members_probabilities(test.image)) for test in tests]
                np.savez(path(count, seed, arm), *(one.half().numpy() for one in found))

        Work(2, Reporter()).each(fit, len(jobs), "fits")
        alone = [[member] for member in range(members)]
        for count in steps:
            for title, choices in (("one member", alone), ("averaged", [list(range(members))])):
                scores = [[[dice(path(count, seed, arm), tests, classes, choice) for seed in range(asked.seeds)]
                           for choice in choices] for arm in ARMS]  # fmt: skip
                print(f"{count} steps, {title}: {told(*map(np.array, scores))}", flush=True)


def dice(path: Path, tests: list[Example], classes: int, members: list[int]) -> float:
    """Mean score on the tests of the members of a fit whose probabilities are averaged."""
    fit = np.load(path)
    found = (decide(fit[f"arr_{index}"][members].mean(axis=0, dtype=np.float32)) for index in range(len(tests)))
    pairs = zip(found, tests, strict=True)
    return float(np.mean([score_pair(labels, test.labels, classes, ()).mean_dice for labels, test in pairs]))


def told(first: Scores, second: Scores) -> str:
    """Scores of both arms (members, seeds), in words; the deviation is that over seeds, with the member given."""
    apart = [100 * float(np.sqrt(side.var(axis=1, ddof=1).mean())) for side in (first, second, second - first)]
    return (
        f"classical {first.mean():.3f} (deviation {apart[0]:.1f} points), warped {second.mean():.3f} "
        f"({apart[1]:.1f}), paired difference {apart[2]:.1f}, unpaired {np.hypot(apart[0], apart[1]):.1f}"
    )


if __name__ == "__main__":
    main()
