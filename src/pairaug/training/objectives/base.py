"""The contract between the training loop and what trains a model.

An *objective* holds a model and all that only training needs: losses, discriminators, optimisers, an average of the
weights. The loop knows it by this contract, and no model by name.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pairaug.machine.ranks import ALONE, Ranks
from pairaug.models.base import Example, Model, Shape, parameters_of


@dataclass(frozen=True)
class Batch:
    """Training examples of one size.

    ``labels``: (N, H, W) int64 in [0, K); ``images``: (N, C, H, W) float32 in [-1, 1], None for mask generators;
    ``annotated``: (N,) bool, False for an image without a mask (its labels are 0); ``places``: (N, 4) float32, where
    each example lies in its picture as (top, left, bottom, right) in shares of the picture's sides.
    """

    labels: Tensor
    images: Tensor | None = None
    annotated: Tensor | None = None
    places: Tensor | None = None


class NonFiniteLoss(ArithmeticError):
    """A loss is NaN or infinite; the optimiser has not stepped."""


class Objective(nn.Module, ABC):
    """What the loop needs to train ``model``. A subclass adds its networks as modules and lists its optimisers.

    It takes ``(model, generator)``, and draws the initial weights of its own networks from the generator.
    ``average``: a copy of the model whose weights are the exponential average of those seen in training, with a half
    life of so many images; None without one. It is what is kept of the run.
    """

    model: Model
    average: Model | None

    def __init__(self, model: Model, average_images: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.average = copy.deepcopy(model).requires_grad_(False) if average_images else None
        self.average_images = average_images
        self.ranks: Ranks = ALONE
        self._shared: dict[str, nn.Module] = {}

    @property
    @abstractmethod
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """By name, at the learning rate that ``rate`` scales."""

    @abstractmethod
    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        """Learn from one batch; returns the losses by name. Raises NonFiniteLoss before any weight is spoilt."""

    def rate(self, images: int, total: int | None) -> float:
        """The factor on every learning rate after so many images of ``total`` (None: not known yet)."""
        return 1.0

    def look(self, examples: Sequence[Example]) -> None:
        """Learn of the training data as a whole what steps need to know. Called once, before training, on every rank.

        Nothing is learnt of them unless an objective says so. What it keeps is no part of a checkpoint.
        """

    @property
    def result(self) -> Model:
        """The model to sample from and to keep."""
        return self.model if self.average is None else self.average

    def networks(self) -> dict[str, nn.Module]:
        """The networks that are trained, by name: the model's, then those that only training needs."""
        own = {name: part for name, part in self.named_children() if name not in ("model", "average")}
        return {**self.model.networks(), **own}

    def follow(self, images: int, seen: int) -> None:
        """Move the average after a step on ``images``, ``seen`` in all; young averages forget faster."""
        if self.average is None:
            return
        half_life = min(self.average_images, max(seen, 1) / 2)
        kept = 0.5 ** (images / half_life)
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(value, 1.0 - kept)
            for buffer, current in zip(self.average.buffers(), self.model.buffers(), strict=True):
                buffer.copy_(current)

    def distribute(self, ranks: Ranks) -> None:
        """Let the gradients of every trained network be averaged over the ranks."""
        self.ranks = ranks
        self._shared = {name: ranks.share(network) for name, network in self.networks().items()}

    def through(self, name: str) -> nn.Module:
        """The network to compute with where its weights are to learn; several ranks share their gradients in it."""
        return self._shared.get(name) or self.networks()[name]

    def descend(self, optimizer: torch.optim.Optimizer, loss: Tensor, name: str) -> float:
        """One optimiser step on ``loss``; its value. Raises NonFiniteLoss, on all ranks, with the weights untouched."""
        value = loss.item()
        if self.ranks.any(value != value or abs(value) == float("inf")):
            raise NonFiniteLoss(f"{name} is {value}")
        optimizer.zero_grad(set_to_none=self.ranks.count == 1)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return value


def count_trained(
    model_class: type[Model], objective_class: type[Objective] | None, config: Any, shape: Shape
) -> dict[str, int]:
    """Parameters of each network of a fit, discriminators too, without spending memory on them."""
    with torch.device("meta"):
        model = model_class(config, shape, torch.Generator())
        if objective_class is None:
            return parameters_of(model.networks())
        return parameters_of(objective_class(model, torch.Generator()).networks())  # type: ignore[arg-type]
