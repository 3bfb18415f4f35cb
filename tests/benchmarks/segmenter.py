"""Is the reference segmenter good enough to measure with? Fitted on all training pairs, scored on the test lists.

    python tests/benchmarks/segmenter.py DATA [--sets vessels,ct,nuclei,cells,ultrasound] [--preset full] [--seed 0]
        [--inside]

DATA is a folder with ``splits.json`` (a ``train`` and a ``test`` list of [image, mask] paths a set, and ``group_by``).
The vessels' aim is what the second observer (``_2ndHO`` beside ``_1stHO``) scores against the first on the same images.
``--inside`` leaves the test lists closed: it fits on two thirds of the training list, whole groups, and scores on the
rest. Two sets are fitted at once, each on one thread; about 15 minutes a set on a core of its own, half of that where
the processor multiplies in bfloat16.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from pairaug.evaluation.sets.pair_set import PairSet, Terms, in_terms, lenient
from pairaug.machine.work import Work
from pairaug.metrics.pair_scores import PairScores, score_pair
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.source import find_pairs
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example, Recipe, Segmenter
from pairaug.segmenter.fit import fit_segmenter
from pairaug.segmenter.presets import PRESETS

AIMS = {"ct": 0.70, "nuclei": 0.90, "cells": 0.90}
THRESHOLDS = {"ultrasound": 1}  # what is foreground in masks that are no two levels
Pairs = list[list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="vessels,ct,nuclei,cells,ultrasound")
    parser.add_argument("--preset", default="full", choices=sorted(PRESETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--inside", action="store_true")
    asked = parser.parse_args()
    splits = json.loads((asked.data / "splits.json").read_text())
    names = asked.sets.split(",")

    def measure(index: int) -> None:
        split = inside(splits[names[index]]) if asked.inside else splits[names[index]]
        print(report(asked.data, names[index], split, asked.preset, asked.seed), flush=True)

    Work(asked.at_once, Reporter()).each(measure, len(names), "sets")


def inside(split: dict[str, Any]) -> dict[str, Any]:
    """Two thirds of the training list to fit on, every third group of it to score on."""
    names = groups(split)
    left_out = set(sorted(set(names))[2::3])
    sides = [[pair for pair, name in zip(split["train"], names, strict=True) if (name in left_out) == side]
             for side in (False, True)]  # fmt: skip
    return {"train": sides[0], "test": sides[1]}


def groups(split: dict[str, Any]) -> list[str]:
    """The group of every training pair; its own path where none is known."""
    pattern = split["group_by"]
    return [match[1] if pattern and (match := re.search(pattern, pair[0])) else pair[0] for pair in split["train"]]


def report(data: Path, name: str, split: dict[str, Any], preset: str, seed: int) -> str:
    threshold = THRESHOLDS.get(name)
    train = items(data, split["train"], threshold=threshold)
    test = items(data, split["test"], train.terms, threshold)
    began = time.monotonic()
    recipe = Recipe([train.example(index) for index in range(len(train))])
    looks: dict[int, list[PairScores]] = {}

    def look(steps: int, segmenter: Segmenter) -> None:
        looks[steps] = [scored(segmenter, test.example(index), train.terms.classes) for index in range(len(test))]

    segmenter = fit_segmenter(recipe, train.terms.classes, PRESETS[preset], seed, Reporter(), look=look)
    seconds = time.monotonic() - began
    steps, scores = list(looks.items())[-1]
    aim = second_observer(data, split["test"], test) if name == "vessels" else AIMS.get(name)
    return (
        f"{name}: {len(train)} pairs, {steps} steps, {seconds:.0f} s, side "
        f"{segmenter.settings['side']}: Dice {mean(scores):.4f} on {len(test)} pairs (by class "
        f"{', '.join(f'{value:.3f}' for value in by_class(scores))}; over steps "
        f"{', '.join(f'{mean(found):.4f}' for found in looks.values())})"
        f"{'' if aim is None else f'; aim {aim:.4f}'}"
    )


def items(data: Path, pairs: Pairs, terms: Terms | None = None, threshold: int | None = None) -> PairSet:
    lines = [f"{data.resolve() / image}\t{data.resolve() / mask}" for image, mask in pairs]
    policy = lenient(CheckPolicy(cleaning=Cleaning(threshold=threshold)))
    checked = check_pairs(find_pairs("-", lines=lines), policy)
    own = Terms(checked.intensity, checked.stored_channels, checked.label_map.values, deep=checked.deep)
    return in_terms("the list", checked, terms or own)


def second_observer(data: Path, pairs: Pairs, first: PairSet) -> float:
    """The mean Dice of the second observer's masks against the first's."""
    second = items(data, [[image, mask.replace("_1stHO", "_2ndHO")] for image, mask in pairs], first.terms)
    return mean([score_pair(second.labels(index), first.labels(index), 2, ()) for index in range(len(first))])


def scored(segmenter: Segmenter, test: Example, classes: int) -> PairScores:
    return score_pair(segmenter.predict(test.image), test.labels, classes, ())


def mean(scores: list[PairScores]) -> float:
    return float(np.mean([item.mean_dice for item in scores]))


def by_class(scores: list[PairScores]) -> list[float]:
    columns = zip(*(item.dice for item in scores), strict=True)
    return [float(np.mean([value for value in column if value is not None])) for column in columns]


if __name__ == "__main__":
    main()
