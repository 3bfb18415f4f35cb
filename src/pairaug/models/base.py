"""The two contracts.

A *mask generator* learns from masks as class maps and samples new ones; a *translator* learns from (mask, image) and
paints an image for a mask. Each owns a frozen ``Config``, its networks and its optimisers, and knows how to take one
training step, so that the training loop knows no model by name.

Class maps are (N, H, W) int64 in [0, K), class 0 the background; images are (N, C, H, W) float32 in [-1, 1].
Everything random draws from a ``torch.Generator`` that is handed in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_type_hints

import torch
from torch import Tensor, nn

from pairaug.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Shape:
    """What the data decide: number of classes K, image channels C (0 for mask generators), working (height, width)."""

    classes: int
    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Batch:
    """``labels`` (N, H, W) int64 in [0, K); ``images`` (N, C, H, W) float32 in [-1, 1], None for mask generators."""

    labels: Tensor
    images: Tensor | None = None


@dataclass(frozen=True)
class Sample:
    """One new mask: ``labels`` (H, W) in [0, K) and, where it derives from training masks, which and how far.

    ``parents`` are positions in the training set, empty for an invented mask; ``displacement`` is the root mean
    square distance in pixels by which the mask moved from its parents, None where it has none.
    """

    labels: Tensor
    parents: tuple[int, ...] = ()
    displacement: float | None = None


class NonFiniteLoss(ArithmeticError):
    """A loss is NaN or infinite; the optimiser has not stepped."""


class Model(nn.Module, ABC):
    """What the training loop and the model file need of any model.

    A subclass sets ``name`` and ``Config`` (a frozen dataclass of int, float and bool settings), takes
    ``(config, shape, generator)``, draws its initial weights from the generator, and lists its optimisers.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Any]]

    config: Any
    shape: Shape

    @abstractmethod
    def __init__(self, config: Any, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.shape = shape

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """By name; empty for a method without training."""
        return {}

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        """Learn from one batch; returns the losses by name. Raises NonFiniteLoss before any weight is spoilt."""
        raise NotImplementedError(f"{self.name} has nothing to train")

    @abstractmethod
    def inference_state(self) -> dict[str, Tensor]:
        """The tensors that the fitted model file holds: what sampling needs, without discriminators."""

    @abstractmethod
    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        """The inverse. Raises ValueError where names, shapes or dtypes differ from the model's own."""

    def networks(self) -> dict[str, nn.Module]:
        """The networks by name, for counting parameters."""
        return dict(self.named_children())


class MaskGenerator(Model):
    """Samples new masks."""

    def remember(self, masks: Sequence[Tensor]) -> None:
        """Take in the training masks, (H, W) uint8 classes at their own sizes. Only methods without training do."""

    @abstractmethod
    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        """One mask from one generator: the same generator state gives the same mask, whatever came before.

        ``size`` is the (height, width) wanted; a model that draws at a fixed size of its own returns that, and
        the caller resamples.
        """


class Translator(Model):
    """Paints images for masks."""

    many_per_mask: ClassVar[bool]

    @abstractmethod
    def translate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """(N, H, W) int64 -> (N, C, H, W) in [-1, 1]. The image of a mask does not depend on its neighbours.

        Where ``many_per_mask`` is true the generator's noise chooses among the images of a mask.
        """


def build_config(config_class: type[Any], settings: Mapping[str, str | int | float | bool]) -> Any:
    """``Config`` from settings by name, texts parsed to the field's type. Raises UsageError naming key and value."""
    types = get_type_hints(config_class)
    known = [field.name for field in fields(config_class)]
    values = {}
    for key, value in settings.items():
        if key not in known:
            raise UsageError(f"--set {key}: no such setting; {did_you_mean(key, known)}")
        values[key] = _parsed(key, value, types[key])
    try:
        return config_class(**values)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from None


def _parsed(key: str, value: str | int | float | bool, wanted: type) -> Any:
    text = str(value).strip()
    if wanted is bool:
        if text.lower() in ("true", "1", "yes", "on"):
            return True
        if text.lower() in ("false", "0", "no", "off"):
            return False
    else:
        try:
            number = wanted(text)
            if number == number and abs(number) != float("inf"):
                return number
        except ValueError:
            pass
    words = {bool: "true or false", int: "a whole number"}.get(wanted, "a number")
    raise UsageError(f"--set {key}={value}: must be {words}")


def require_positive(config: Any, *names: str) -> None:
    """Raises ValueError for the first of these settings that is not above zero; for ``Config.__post_init__``."""
    for name in names:
        if getattr(config, name) <= 0:
            raise ValueError(f"{name} must be above 0, not {getattr(config, name)}")


def descend(optimizer: torch.optim.Optimizer, loss: Tensor, name: str) -> float:
    """One optimiser step on ``loss``; its value. Raises NonFiniteLoss with the weights untouched."""
    value = loss.item()
    if value != value or abs(value) == float("inf"):
        raise NonFiniteLoss(f"{name} is {value}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return value


def load_exactly(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy ``state`` into ``module``. Raises ValueError unless names, shapes and dtypes are the module's own."""
    own = module.state_dict()
    if own.keys() != state.keys():
        odd = sorted(own.keys() ^ state.keys())
        raise ValueError(f"tensors differ by name: {', '.join(odd[:4])}")
    for name, tensor in own.items():
        if tensor.shape != state[name].shape or tensor.dtype != state[name].dtype:
            raise ValueError(
                f"tensor {name} is {state[name].dtype} {tuple(state[name].shape)}, "
                f"expected {tensor.dtype} {tuple(tensor.shape)}"
            )
    module.load_state_dict(dict(state))


def count_parameters(model_class: type[Model], config: Any, shape: Shape) -> dict[str, int]:
    """Parameters of each network as built, without spending memory on them."""
    with torch.device("meta"):
        model = model_class(config, shape, torch.Generator())
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in model.networks().items()}
    return {name: count for name, count in counts.items() if count}
