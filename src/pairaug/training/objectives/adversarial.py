"""What objectives with a discriminator share: its optimiser beside the model's, and passing through it unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from pairaug.models.base import Model
from pairaug.models.layers import adam
from pairaug.training.objectives.base import Objective


class AdversarialObjective(Objective):
    """A model's ``generator`` against a ``discriminator``, each with an Adam of its own at the config's rate."""

    def __init__(self, model: Model, discriminator: nn.Module, average_images: float = 0.0) -> None:
        super().__init__(model, average_images)
        self.discriminator = discriminator
        rate, beta1 = model.config.learning_rate, model.config.beta1
        self._optimizers = {
            name: adam(network, rate, beta1)
            for name, network in (("generator", model.networks()["generator"]), ("discriminator", discriminator))
        }

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        return self._optimizers

    @contextmanager
    def discriminator_fixed(self) -> Iterator[None]:
        """Within it the discriminator is only passed through: the gradients of its weights are not taken."""
        self.discriminator.requires_grad_(False)
        try:
            yield
        finally:
            self.discriminator.requires_grad_(True)
