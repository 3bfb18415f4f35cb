"""What a training step of the reference segmenter takes on one thread: its augmentation, and its network.

    python tests/benchmarks/segmenter_step.py [--size 512] [--change NAME]

The pairs are drawn ones, square and in colour; half of the draws are synthetic, changed by ``--change`` (copy-paste,
histogram matching or amplitude swap). Prints the median seconds a batch of eight crops of each part.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
from typing import get_args

import numpy as np
import torch

from pairaug.pairs.drawing import draw_fundus_pair
from pairaug.segmenter.base import Change, Example, Recipe
from pairaug.segmenter.batches import Batches
from pairaug.segmenter.fit import _built, _training
from pairaug.segmenter.frames import KeptFrames
from pairaug.segmenter.presets import PRESETS

ROUNDS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--change", choices=get_args(Change), default="none")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    drawn, others = ([example(seed, asked.size) for seed in seeds] for seeds in (range(5), range(5, 10)))
    recipe = Recipe(drawn, drawn[:], 0.5, change=asked.change, donors=[other.image for other in others])
    preset = PRESETS["full"]
    batches = Batches(recipe, asked.size, 2, KeptFrames()).draw(preset.batch_size, 0, total=ROUNDS)
    network = _built({"channels": 3, "classes": 2, "width": preset.width}, 0)
    one = next(batches)
    augmentation, steps = seconds(batches), seconds(_training(network, itertools.repeat(one), ROUNDS + 1, preset.rate))
    print(f"change {asked.change}: augmentation {augmentation:.4f} s, network {steps:.4f} s, "
          f"{augmentation / (augmentation + steps):.0%} of a step")  # fmt: skip


def example(seed: int, size: int) -> Example:
    image, mask = draw_fundus_pair(np.random.default_rng(seed), size)
    return Example(image.astype(np.float32) / 255, (mask > 0).astype(np.uint8))


def seconds(work: Iterator[object]) -> float:
    """The median of what each turn takes, the first few left out."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        next(work)
        times.append(time.perf_counter() - began)
    return statistics.median(times[5:])


if __name__ == "__main__":
    main()
