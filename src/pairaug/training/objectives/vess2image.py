"""How Vess2Image learns: a PatchGAN that sees mask and image together, and the L1 distance to the real image.

The method, its source and what was chosen are told in ``models.translators.vess2image``.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairaug.models.layers import build, mask_planes, normal_weights, plane_count, real_or_fake_loss
from pairaug.models.translators.vess2image import SLOPE, Vess2Image, down_block, paint
from pairaug.training.objectives.adversarial import AdversarialObjective
from pairaug.training.objectives.base import Batch


class PatchGAN(nn.Module):
    def __init__(self, inputs: int, base: int) -> None:
        super().__init__()
        widths = [inputs, base, 2 * base, 4 * base, 8 * base]
        self.blocks = nn.ModuleList(down_block(a, b, norm=i > 0) for i, (a, b) in enumerate(itertools.pairwise(widths)))
        self.output = nn.Conv2d(widths[-1], 1, 4, padding=1)

    def forward(self, planes: Tensor, images: Tensor) -> Tensor:
        """Mask planes and images of one size -> (N, 1, H/16 - 1, W/16 - 1) logits of "real", one a patch."""
        joined = torch.cat([planes, images], dim=1)
        for block in self.blocks:
            joined = functional.leaky_relu(block(joined), SLOPE)
        logits: Tensor = self.output(joined)
        return logits


class Vess2ImageObjective(AdversarialObjective):
    """Discriminator first, then generator, in each step."""

    def __init__(self, model: Vess2Image, generator: torch.Generator) -> None:
        inputs = plane_count(model.shape.classes) + model.shape.channels
        super().__init__(model, build(lambda: PatchGAN(inputs, model.config.base), generator, normal_weights))

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        assert batch.images is not None
        planes, real = mask_planes(batch.labels, self.model.shape.classes), batch.images
        fake = paint(self.through("generator"), planes, generator)
        judge = self.through("discriminator")
        on_real, on_fake = judge(planes, real), judge(planes, fake.detach())
        loss = (real_or_fake_loss(on_real, 1.0) + real_or_fake_loss(on_fake, 0.0)) / 2
        discriminator = self.descend(self._optimizers["discriminator"], loss, "discriminator loss")
        with self.discriminator_fixed():
            adversarial = real_or_fake_loss(self.discriminator(planes, fake), 1.0)
            distance = functional.l1_loss(fake, real)
            total = adversarial + self.model.config.l1_weight * distance
            generator_loss = self.descend(self._optimizers["generator"], total, "generator loss")
        return {
            "discriminator": discriminator,
            "generator": generator_loss,
            "adversarial": adversarial.item(),
            "l1": distance.item(),
        }
