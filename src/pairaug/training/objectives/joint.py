"""How joint learns: a discriminator of image and mask together, once a step.

The method, its source and what was chosen are told in ``models.translators.joint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from pairaug.models.base import Example
from pairaug.models.folded import Encoder
from pairaug.models.layers import build, he_weights, real_or_fake_loss
from pairaug.models.signed_distances import distance_planes
from pairaug.models.translators.joint import Joint
from pairaug.training.objectives.adversarial import AdversarialObjective
from pairaug.training.objectives.base import Batch
from pairaug.training.objectives.moves import Moves, flips_shown, moved

_HALF_LIFE = 500  # images, of the average of the weights


class JointObjective(AdversarialObjective):
    """A step of the discriminator, then one of the generator."""

    model: Joint

    def __init__(self, model: Joint, generator: torch.Generator) -> None:
        config, shape = model.config, model.shape
        inputs = model.planes + shape.channels
        judge = build(lambda: Encoder(inputs, 1, config.width, shape.height, shape.width), generator, he_weights)
        super().__init__(model, judge, _HALF_LIFE)
        self.moves = Moves(config.turn, config.scale, config.shift)

    def look(self, examples: Sequence[Example]) -> None:
        self.moves = replace(self.moves, flips=flips_shown(examples))

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        assert batch.images is not None
        planes = distance_planes(batch.labels, self.model.shape.classes, self.model.reach)
        pairs = torch.cat([planes, batch.images], dim=1).repeat_interleave(self.model.config.views, dim=0)
        real = moved(pairs, self.moves, generator)
        fake = self.through("generator")(self.model.noise(len(real), generator))
        judge = self.through("discriminator")
        loss = (real_or_fake_loss(judge(real), 1.0) + real_or_fake_loss(judge(fake.detach()), 0.0)) / 2
        discriminator = self.descend(self._optimizers["discriminator"], loss, "discriminator loss")
        with self.discriminator_fixed():
            loss = real_or_fake_loss(self.discriminator(fake), 1.0)
            descended = self.descend(self._optimizers["generator"], loss, "generator loss")
        return {"discriminator": discriminator, "generator": descended}
