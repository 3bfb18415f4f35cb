"""Are new masks of trees built like real ones, as various, and new? Generators side by side, inside a training list.

    python tests/benchmarks/tree_masks.py DATA [--models regrow,warp] [--count 60] [--set vessels] [--pairs 5]

DATA is a folder with ``splits.json``. Each draw of so many training masks is remembered, and what is made of it is
compared with all training masks as ``evaluate`` does: the ratio of each statistic (1: as far from real masks as their
halves are from each other), coverage beside that of held-out masks, pairwise Dice, and the masks flagged as copies
before any gate. Test lists stay closed. Prints a JSON line for each model and draw.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pairaug.metrics.features import mask_features, standardise
from pairaug.metrics.neighbours import compare_neighbours
from pairaug.metrics.novelty import CopyDetector
from pairaug.metrics.overlap import pairwise_dice
from pairaug.metrics.reduction import one_hot
from pairaug.metrics.statistics import mask_statistics
from pairaug.metrics.wasserstein import compare_statistic
from pairaug.models.base import Example, Shape
from pairaug.registry import load_mask_generator

STATISTICS = ("share", "parts", "loops", "skeleton_length", "mean_width", "end_points", "box_dimension")
EVERY = 3  # copies are looked for, and Dice is taken, on every third pixel


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", default="regrow,warp")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--set", default="vessels")
    parser.add_argument("--pairs", default="5")
    asked = parser.parse_args()
    split = json.loads((asked.data / "splits.json").read_text())[asked.set]
    names = [mask for _, mask in split["train"]]
    real = [(np.asarray(Image.open(asked.data / name).convert("L")) > 0).astype(np.uint8) for name in names]
    found = [re.search(split["group_by"], name) for name in names]
    keys = [match.group(match.lastindex or 0) if match else name for match, name in zip(found, names, strict=True)]
    groups = [sorted(set(keys)).index(key) for key in keys]
    for model in asked.models.split(","):
        for draw, pairs in enumerate(split["subsets"][asked.pairs]):
            parents = [real[names.index(mask)] for _, mask in pairs]
            print(
                json.dumps({"model": model, "draw": draw, **measure(model, parents, real, groups, asked.count)}),
                flush=True,
            )


def measure(
    name: str, parents: list[np.ndarray], real: list[np.ndarray], groups: list[int], count: int
) -> dict[str, object]:
    """Figures of ``count`` masks made of ``parents``, compared with all ``real`` ones (H, W) of ``groups``."""
    model_class = load_mask_generator(name)
    model = model_class(model_class.Config(), Shape(2, 0, 0, 0), torch.Generator())
    model.remember([Example(mask) for mask in parents])
    start = time.process_time()
    new = [
        model.sample(torch.Generator().manual_seed(seed), real[0].shape).labels.numpy().astype(np.uint8)
        for seed in range(count)
    ]
    seconds = (time.process_time() - start) / count
    ours, theirs = ([mask_statistics(mask, 2) for mask in side] for side in (real, new))
    ratios = {
        key: compare_statistic(
            [one[f"1/{key}"] for one in ours], [one[f"1/{key}"] for one in theirs], groups, np.random.default_rng(1)
        ).value
        for key in STATISTICS
    }
    features = (np.stack([mask_features(mask, 2) for mask in side]) for side in (real, new))
    neighbours = compare_neighbours(*standardise(*features, channels=1), groups, np.random.default_rng(2))
    assert neighbours.mean is not None
    assert neighbours.held_out is not None
    pictures = [one_hot(mask[::EVERY, ::EVERY], 2) for mask in real]
    detector = CopyDetector(pictures, groups, np.random.default_rng(0))
    flagged = sum(detector.look(one_hot(mask[::EVERY, ::EVERY], 2)).flagged for mask in new)
    return {
        "cpu_seconds": round(seconds, 2),
        "ratios": {key: round(float(value), 2) for key, value in ratios.items() if value is not None},
        "coverage": round(neighbours.mean.coverage, 2),
        "held_out_coverage": round(neighbours.held_out.coverage, 2),
        "dice": pairwise_dice([mask[::EVERY, ::EVERY] for mask in new], 2).value,
        "real_dice": pairwise_dice([mask[::EVERY, ::EVERY] for mask in real], 2, groups).value,
        "flagged": flagged,
        "of": count,
        "held_out_flagged": detector.held_out.value,
    }


if __name__ == "__main__":
    main()
