"""VessGAN: the paper's mask generator, a GAN of linear layers.

Zhou, Gao and Zhu, "Paired GAN" (2023), section 2.1; the objective is that of Goodfellow et al. 2014 with the
non-saturating generator loss:

    L_D = BCE(D(x), 1) + BCE(D(G(z)), 0)          taken twice for each
    L_G = BCE(D(G(z)), 1)                          z ~ N(0, I)

G: noise -> four hidden blocks (linear, LeakyReLU) -> linear, tanh -> mask planes in [-1, 1].
D: mask planes -> four hidden blocks (linear, dropout, LeakyReLU) -> linear, sigmoid (inside the loss).

What the paper says: linear layers, four hidden blocks each, dropout in D only, a sigmoid at D's end, binary cross
entropy, D twice per G step, batch size 1, 200 epochs. What it leaves open and is chosen here: 100 noise values;
256 nodes in every hidden layer; LeakyReLU (slope 0.2) in the hidden blocks and tanh at G's
end; dropout rate 0.3; Adam at 2e-4 with beta1 0.5; side 128. The paper found that it collapses to one mask a
model, and so it does here (examples/paper).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairaug.models.base import (
    MaskGenerator,
    Sample,
    Shape,
    load_exactly,
    require_positive,
)
from pairaug.models.layers import (
    build,
    plane_count,
    planes_to_labels,
    uniform_weights,
)

HIDDEN_BLOCKS = 4
SLOPE = 0.2


@dataclass(frozen=True)
class VessGANConfig:
    """``noise``: values in z; ``width``: nodes of each hidden layer."""

    noise: int = 100
    width: int = 256
    dropout: float = 0.3
    learning_rate: float = 2e-4
    beta1: float = 0.5
    discriminator_steps: int = 2

    def __post_init__(self) -> None:
        require_positive(self, "noise", "width", "learning_rate", "discriminator_steps")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {self.dropout}")


class _Generator(nn.Module):
    def __init__(self, noise: int, width: int, pixels: int) -> None:
        super().__init__()
        widths = [noise, *[width] * HIDDEN_BLOCKS]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.output = nn.Linear(widths[-1], pixels)

    def forward(self, noise: Tensor) -> Tensor:
        """(N, noise) -> (N, pixels) in [-1, 1]."""
        for layer in self.hidden:
            noise = functional.leaky_relu(layer(noise), SLOPE)
        return torch.tanh(self.output(noise))


class VessGAN(MaskGenerator):
    """Masks of a fixed side; any other size is the caller's resampling."""

    name: ClassVar[str] = "vessgan"
    Config = VessGANConfig

    def __init__(self, config: VessGANConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self.planes = plane_count(shape.classes)
        pixels = self.planes * shape.height * shape.width
        self.generator = build(lambda: _Generator(config.noise, config.width, pixels), generator, uniform_weights)

    @torch.no_grad()
    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        planes = self.generator(self.noise(1, generator))
        return Sample(planes_to_labels(planes.view(1, self.planes, self.shape.height, self.shape.width))[0])

    def inference_state(self) -> dict[str, Tensor]:
        return dict(self.generator.state_dict())

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        load_exactly(self.generator, state)

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, noise) from N(0, I), on the device of the weights."""
        noise = torch.randn(count, self.config.noise, generator=generator)
        return noise.to(next(self.generator.parameters()).device)
