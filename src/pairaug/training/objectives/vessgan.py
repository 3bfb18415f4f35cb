"""How VessGAN learns: a discriminator of linear layers, twice a step.

The method, its source and what was chosen are told in ``models.masks.vessgan``.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairaug.models.layers import build, dropout, mask_planes, real_or_fake_loss, uniform_weights
from pairaug.models.masks.vessgan import HIDDEN_BLOCKS, SLOPE, VessGAN
from pairaug.training.objectives.adversarial import AdversarialObjective
from pairaug.training.objectives.base import Batch


class Discriminator(nn.Module):
    def __init__(self, pixels: int, width: int, rate: float) -> None:
        super().__init__()
        widths = [pixels, *[width] * HIDDEN_BLOCKS]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.output = nn.Linear(width, 1)
        self.rate = rate

    def forward(self, planes: Tensor, generator: torch.Generator) -> Tensor:
        """(N, pixels) in [-1, 1] -> (N, 1) logits of "real"; the sigmoid is taken inside the loss."""
        for layer in self.hidden:
            planes = functional.leaky_relu(dropout(layer(planes), self.rate, generator), SLOPE)
        logits: Tensor = self.output(planes)
        return logits


class VessGANObjective(AdversarialObjective):
    """Discriminator steps, then one of the generator."""

    model: VessGAN

    def __init__(self, model: VessGAN, generator: torch.Generator) -> None:
        config, pixels = model.config, model.planes * model.shape.height * model.shape.width
        super().__init__(
            model, build(lambda: Discriminator(pixels, config.width, config.dropout), generator, uniform_weights)
        )

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        real = mask_planes(batch.labels, self.model.shape.classes).flatten(1)
        judge, losses = self.through("discriminator"), []
        for _ in range(self.model.config.discriminator_steps):
            with torch.no_grad():
                fake = self.model.generator(self.model.noise(len(real), generator))
            loss = real_or_fake_loss(judge(real, generator), 1.0) + real_or_fake_loss(judge(fake, generator), 0.0)
            losses.append(self.descend(self._optimizers["discriminator"], loss, "discriminator loss"))
        with self.discriminator_fixed():
            fake = self.through("generator")(self.model.noise(len(real), generator))
            loss = real_or_fake_loss(self.discriminator(fake, generator), 1.0)
            descended = self.descend(self._optimizers["generator"], loss, "generator loss")
        return {"discriminator": sum(losses) / len(losses), "generator": descended}
