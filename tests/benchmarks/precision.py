"""What bfloat16 saves on this processor, and whether training takes the same course in it.

    python tests/benchmarks/precision.py                        # seconds a step in both precisions, JSON
    python tests/benchmarks/precision.py --curves PAIRS         # losses of vess2image in both, JSON
           [--count 5] [--epochs 3] [--base 32] [--size 256] [--seeds 0]

The steps: the segmenter's (8 pictures of 256 x 256, width 16, forward and backward) on one thread, vess2image's (one
pair of 256 x 256, base 64) on every core. Both precisions take turns, and the least of their times counts, since
whatever else the machine does only adds. The curves: the same pairs, seeds and order in both precisions, the mean of
each loss over each epoch; a second seed shows how far two fits are apart that differ by nothing but luck.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pairaug.arrays.examples import Examples
from pairaug.machine.precision import in_precision, name_of, processor_precision
from pairaug.machine.randomness import torch_generator
from pairaug.machine.workers import default_threads
from pairaug.models.base import Example, Shape
from pairaug.models.translators.vess2image import Vess2Image, Vess2ImageConfig
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.source import find_pairs
from pairaug.registry import find_model
from pairaug.segmenter.fit import _built, _loss
from pairaug.training.objectives.base import Batch
from pairaug.training.objectives.vess2image import Vess2ImageObjective
from pairaug.training.run import make_objective
from pairaug.training.sampler import Sampler, collate

SIDE, ROUNDS = 256, 9
BOTH = (torch.float32, torch.bfloat16)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--base", type=int, default=32)
    parser.add_argument("--size", type=int, default=SIDE)
    parser.add_argument("--seeds", default="0")
    asked = parser.parse_args()
    found: dict[str, Any] = {"torch": torch.__version__, "chosen": name_of(processor_precision())}
    if asked.curves:
        found |= curves(asked)
    else:
        found["segmenter"] = compare(segmenter_step(), 1)
        found["vess2image"] = compare(vess2image_step(), default_threads())
    print(json.dumps(found, indent=1))


def compare(step: Callable[[torch.dtype], None], threads: int) -> dict[str, float]:
    torch.set_num_threads(threads)
    seconds: dict[torch.dtype, list[float]] = {precision: [] for precision in BOTH}
    for round_ in range(ROUNDS + 1):
        for precision, times in seconds.items():
            began = time.perf_counter()
            step(precision)
            if round_:  # the first is warm-up
                times.append(time.perf_counter() - began)
    least = {name_of(precision): round(min(times), 4) for precision, times in seconds.items()}
    return {"threads": threads, **least, "ratio": round(least["float32"] / least["bfloat16"], 2)}


def segmenter_step() -> Callable[[torch.dtype], None]:
    network = _built({"channels": 3, "classes": 2, "width": 16}, 0).train()
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(8, 3, SIDE, SIDE, generator=generator).contiguous(memory_format=torch.channels_last)
    shares = torch.rand(8, 2, SIDE, SIDE, generator=generator).softmax(dim=1)

    def step(precision: torch.dtype) -> None:
        with in_precision(precision):
            found = network(pictures).float()
        _loss(found, shares).backward()

    return step


def vess2image_step() -> Callable[[torch.dtype], None]:
    generator = torch.Generator().manual_seed(0)
    objective = Vess2ImageObjective(Vess2Image(Vess2ImageConfig(), Shape(2, 3, SIDE, SIDE), generator), generator)
    labels = (torch.rand(1, SIDE, SIDE, generator=generator) > 0.9).long()
    batch = Batch(labels, torch.rand(1, 3, SIDE, SIDE, generator=generator) * 2 - 1)

    def step(precision: torch.dtype) -> None:
        with in_precision(precision):
            objective.step(batch, generator)

    return step


def curves(asked: argparse.Namespace) -> dict[str, Any]:
    checked = check_pairs(find_pairs(str(asked.curves)), CheckPolicy())
    shape = Shape(checked.label_map.classes, checked.channels, asked.size, asked.size)
    data = list(Examples(checked, shape.channels, (asked.size, asked.size)))[: asked.count]
    torch.set_num_threads(default_threads())
    count = len(data)
    found: dict[str, Any] = {"pairs": count, "epochs": asked.epochs, "base": asked.base, "size": asked.size}
    for seed in (int(text) for text in asked.seeds.split(",")):
        for precision in BOTH:
            config = Vess2ImageConfig(base=asked.base)
            found[f"seed {seed}, {name_of(precision)}"] = trained(config, shape, data, asked.epochs, seed, precision)
    return found


def trained(
    config: Vess2ImageConfig,
    shape: Shape,
    data: list[Example],
    epochs: int,
    seed: int,
    precision: torch.dtype,
) -> dict[str, Any]:
    """The mean of each loss over each epoch, the seconds of the whole, and the L1 of the finished translator."""
    objective = make_objective(find_model("vess2image", "translator"), config, shape, seed, data)
    sampler, device, images = Sampler(data, seed), torch.device("cpu"), 0
    rows: dict[str, list[float]] = {}
    began = time.perf_counter()
    for _ in range(epochs):
        losses = []
        for _ in data:
            batch = sampler.batch(images, sampler.step(images, 1), device)
            with in_precision(precision):
                losses.append(objective.step(batch, torch_generator(seed, "step", images)))
            images += 1
        for name in losses[0]:
            rows.setdefault(name, []).append(round(float(np.mean([loss[name] for loss in losses])), 4))
    seconds = time.perf_counter() - began
    finished = []
    for example in data:
        batch = collate([example], [(0.0, 0.0, 1.0, 1.0)], device)
        assert batch.images is not None
        painted = objective.model.translate(batch.labels, [torch_generator(0, "use")])
        finished.append(float((painted - batch.images).abs().mean()))
    return {**rows, "seconds": round(seconds, 1), "l1 of the translator, float32": round(float(np.mean(finished)), 4)}


if __name__ == "__main__":
    main()
