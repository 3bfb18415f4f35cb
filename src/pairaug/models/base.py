"""The two contracts of what makes samples. What trains it is another: ``training.objectives``.

A *mask generator* samples new masks as class maps; a *translator* paints an image for a mask. Each owns a frozen
``Config`` and the networks that sampling needs: no discriminator, no optimiser. What else a model is (whether it
trains, what it keeps of the data, at what it works) stands in the registry, where it is read without torch.

Class maps are (N, H, W) int64 in [0, K), class 0 the background; images are (N, C, H, W) float32 in [-1, 1].
Everything random draws from a ``torch.Generator`` that is handed in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_type_hints

import numpy as np
import torch
from numpy.typing import NDArray
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
class Example:
    """One training pair at its own size, as bytes.

    ``labels``: (H, W) uint8 in [0, K), None for an image without a mask; ``image``: (H, W, C) uint8 or uint16 grey
    levels, None where only masks are learnt; ``intensity``: the levels that are black and white. ``found``: for an
    image without a mask, (H, W) in [0, K), what a segmenter finds in it.
    """

    labels: NDArray[np.uint8] | None
    image: NDArray[np.uint8] | NDArray[np.uint16] | None = None
    intensity: tuple[int, int] = (0, 255)
    found: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Sample:
    """One new mask: ``labels`` (H, W) in [0, K) and, where it derives from training masks, which and how far.

    ``parents`` are positions in the training set, empty for an invented mask; ``displacement`` is the root mean
    square distance in pixels by which the mask moved from its parents, None where it has none.
    """

    labels: Tensor
    parents: tuple[int, ...] = ()
    displacement: float | None = None


class Model(nn.Module, ABC):
    """What the fit and the model file need of any model.

    A subclass sets ``name`` and ``Config`` (a frozen dataclass of int, float and bool settings), takes
    ``(config, shape, generator)`` and draws its initial weights from the generator.
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

    def remember(self, examples: Sequence[Example]) -> None:
        """Keep of the training data what sampling needs of them. Called once, before training if there is any.

        Nothing for a model that keeps nothing. ``examples`` decodes an example when it is asked for one.
        """

    @abstractmethod
    def inference_state(self) -> dict[str, Tensor]:
        """The tensors that the fitted model file holds: all that sampling needs."""

    @abstractmethod
    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        """The inverse. Raises ValueError where names, shapes or dtypes differ from the model's own."""

    def networks(self) -> dict[str, nn.Module]:
        """The networks by name, for counting parameters."""
        return dict(self.named_children())


class MaskGenerator(Model):
    """Samples new masks."""

    @abstractmethod
    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        """One mask from one generator: the same generator state gives the same mask, whatever came before.

        ``size`` is the (height, width) wanted; a model that draws at a fixed size of its own returns that, and
        the caller resamples.
        """


Shares = Mapping[int, float]  # position of an example -> the share of an image's pixels that come from its picture


@dataclass(frozen=True)
class Painted:
    """``images`` (N, C, H, W) in [-1, 1]; ``labels`` (N, H, W): the masks of what is on them.

    ``shares``: which training examples gave pixels of each image; none where a network has painted.
    """

    images: Tensor
    labels: Tensor
    shares: tuple[Shares, ...]


class Translator(Model):
    """Paints images for masks."""

    @abstractmethod
    def translate(self, labels: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """(N, H, W) int64 -> (N, C, H, W) in [-1, 1]: masks of one size, a generator for each.

        Image i depends on mask i and generator i alone: not on its neighbours, bit for bit. The manner of other
        pictures is a stage of its own (``restyling``).
        """

    def paint(self, labels: Tensor, generators: Sequence[torch.Generator], *, complete: bool) -> Painted:
        """``translate``, and what is known of the images.

        ``complete``: what stands in a picture that is painted on may stay, and is then added to the mask; the mask may
        be moved to where the picture has a place for it, its objects may take on the outlines of what is painted for
        them, and what of it the picture could not show is left away.
        """
        return Painted(self.translate(labels, generators), labels, tuple({} for _ in generators))


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


def refuse_negative(config: Any, *names: str) -> None:
    """Raises ValueError for the first of these settings that is below zero; for ``Config.__post_init__``."""
    for name in names:
        if getattr(config, name) < 0:
            raise ValueError(f"{name} must not be below 0, not {getattr(config, name)}")


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
    """Parameters of each network that sampling needs, as built, without spending memory on them."""
    with torch.device("meta"):
        model = model_class(config, shape, torch.Generator())
    return parameters_of(model.networks())


def parameters_of(networks: Mapping[str, nn.Module]) -> dict[str, int]:
    """Parameters of each network that has any."""
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    return {name: count for name, count in counts.items() if count}
