"""How much of the processor a vess2image training step uses, measured against a large convolution in the same run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from pairaug.machine.workers import default_threads
from pairaug.models.base import Shape
from pairaug.models.translators.vess2image import Vess2Image, Vess2ImageConfig
from pairaug.training.objectives.base import Batch
from pairaug.training.objectives.vess2image import Vess2ImageObjective

SIDE, ROUNDS = 256, 12


def main() -> None:
    torch.set_num_threads(default_threads())
    generator = torch.Generator().manual_seed(0)
    objective = Vess2ImageObjective(Vess2Image(Vess2ImageConfig(), Shape(2, 3, SIDE, SIDE), generator), generator)
    labels = (torch.rand(1, SIDE, SIDE, generator=generator) > 0.9).long()
    batch = Batch(labels, torch.rand(1, 3, SIDE, SIDE, generator=generator) * 2 - 1)
    images = torch.rand(1, 256, 128, 128, generator=generator)
    weight = torch.rand(256, 256, 3, 3, generator=generator)

    def step() -> None:
        objective.step(batch, generator)

    def convolution() -> None:
        torch.nn.functional.conv2d(images, weight, padding=1)

    flops = {name: count(work) for name, work in (("step", step), ("convolution", convolution))}
    # Taken in turns, so that whatever else the machine does falls on both.
    seconds: dict[str, list[float]] = {"step": [], "convolution": []}
    for _ in range(ROUNDS):
        seconds["step"].append(timed(step))
        seconds["convolution"].append(min(timed(convolution) for _ in range(3)))
    rates = {name: flops[name] / statistics.median(times) / 1e9 for name, times in seconds.items()}
    print(
        json.dumps(
            {
                "threads": torch.get_num_threads(),
                "step_gflop": round(flops["step"] / 1e9, 1),
                "step_seconds": round(statistics.median(seconds["step"]), 3),
                "step_gflop_per_second": round(rates["step"], 1),
                "convolution_gflop_per_second": round(rates["convolution"], 1),
                "ratio": round(rates["step"] / rates["convolution"], 3),
            }
        )
    )


def count(work: Callable[[], None]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
