"""A model that is quick, has random numbers in every step, and can be told to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pairaug.arrays.tensors import TrainingSet
from pairaug.models.base import Batch, MaskGenerator, NonFiniteLoss, Sample, Shape, descend, load_exactly
from pairaug.models.layers import build, uniform_weights


@dataclass(frozen=True)
class FakeConfig:
    learning_rate: float = 0.05


class Fake(MaskGenerator):
    """Learns the mean mask, with noise; ``hook(images in the batch)`` runs before each step."""

    name = "fake"
    Config = FakeConfig

    def __init__(self, shape: Shape, generator: torch.Generator, hook: Callable[[Fake], None]) -> None:
        super().__init__(FakeConfig(), shape, generator)
        self.net = build(lambda: nn.Linear(shape.height * shape.width, 3), generator, uniform_weights)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.05)
        self.hook = hook

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        return {"net": self.optimizer}

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        self.hook(self)
        noise = torch.randn(len(batch.labels), 3, generator=generator)
        loss = (self.net(batch.labels.flatten(1).float()) - noise).square().mean()
        return {"loss": descend(self.optimizer, loss, "loss")}

    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        return Sample(torch.zeros(size, dtype=torch.int64))

    def inference_state(self) -> dict[str, Tensor]:
        return dict(self.net.state_dict())

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        load_exactly(self.net, state)


SHAPE = Shape(2, 0, 5, 7)


def fake(hook: Callable[[Fake], None] = lambda model: None) -> Callable[[], Fake]:
    return lambda: Fake(SHAPE, torch.Generator().manual_seed(3), hook)


def masks(count: int) -> TrainingSet:
    return TrainingSet(np.random.default_rng(0).integers(0, 2, (count, 5, 7), np.uint8), None, (0, 255))


def fail_on(steps: set[int]) -> Callable[[Fake], None]:
    """A hook that makes the listed calls (counted from 1) fail."""
    calls = iter(range(1, 10_000))

    def hook(model: Fake) -> None:
        if next(calls) in steps:
            raise NonFiniteLoss("loss is nan")

    return hook
