"""A model that is quick, has random numbers in every step, and can be told to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pairaug.machine.ranks import ALONE, Ranks
from pairaug.models.base import Example, MaskGenerator, Sample, Shape, load_exactly
from pairaug.models.layers import build, uniform_weights
from pairaug.training.objectives.base import Batch, NonFiniteLoss, Objective
from pairaug.training.sampler import Sampler


@dataclass(frozen=True)
class FakeConfig:
    learning_rate: float = 0.05


class FakeModel(MaskGenerator):
    name = "fake"
    Config = FakeConfig

    def __init__(self, config: FakeConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self.net = build(lambda: nn.Linear(shape.height * shape.width, 3), generator, uniform_weights)

    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        return Sample(torch.zeros(size, dtype=torch.int64))

    def inference_state(self) -> dict[str, Tensor]:
        return dict(self.net.state_dict())

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        load_exactly(self.net, state)


class Fake(Objective):
    """Learns the mean mask, with noise; ``hook(self)`` runs before each step."""

    average_half_life = 0.0

    def __init__(self, shape: Shape, generator: torch.Generator, hook: Callable[[Fake], None]) -> None:
        super().__init__(FakeModel(FakeConfig(), shape, generator), self.average_half_life)
        self.shape = shape
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.05)
        self.hook = hook

    @property
    def net(self) -> nn.Module:
        return self.model.net

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        return {"net": self.optimizer}

    def networks(self) -> dict[str, nn.Module]:
        return self.model.networks()

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        self.hook(self)
        noise = torch.randn(len(batch.labels), 3, generator=generator)
        loss = (self.through("net")(batch.labels.flatten(1).float()) - noise).square().mean()
        return {"loss": self.descend(self.optimizer, loss, "loss")}


SHAPE = Shape(2, 0, 5, 7)


def fake(hook: Callable[[Fake], None] = lambda model: None) -> Callable[[], Fake]:
    return lambda: Fake(SHAPE, torch.Generator().manual_seed(3), hook)


def masks(count: int, seed: int = 1, ranks: Ranks = ALONE) -> Sampler:
    drawn = np.random.default_rng(0).integers(0, 2, (count, 5, 7), np.uint8)
    return Sampler([Example(mask) for mask in drawn], seed, ranks=ranks)


def fail_on(steps: set[int]) -> Callable[[Fake], None]:
    """A hook that makes the listed calls (counted from 1) fail."""
    calls = iter(range(1, 10_000))

    def hook(model: Fake) -> None:
        if next(calls) in steps:
            raise NonFiniteLoss("loss is nan")

    return hook
