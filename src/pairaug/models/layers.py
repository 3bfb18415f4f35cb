"""Small parts that several models share: seeded initialisation, seeded dropout, masks as network input."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2  # of LeakyReLU, as in Isola et al. 2017


def build(make: Callable[[], nn.Module], generator: torch.Generator, initialise: Callable[..., None]) -> nn.Module:
    """A module whose weights come from ``generator`` alone.

    The module is made without memory first, so that torch's global random state is neither read nor moved;
    ``initialise(module, generator)`` is then called on every leaf that has parameters.
    """
    on_meta = torch.empty(()).device.type == "meta"
    with torch.device("meta"):
        module = make()
    if on_meta:
        return module
    module.to_empty(device="cpu")
    for part in module.modules():
        if any(True for _ in part.parameters(recurse=False)):
            initialise(part, generator)
    return module


def normal_weights(part: nn.Module, generator: torch.Generator) -> None:
    """Weights from N(0, 0.02), norm scales from N(1, 0.02), biases 0 (Isola et al. 2017, section 6.2)."""
    norm = isinstance(part, nn.BatchNorm2d)
    nn.init.normal_(part.weight, 1.0 if norm else 0.0, 0.02, generator=generator)  # type: ignore[arg-type]
    if part.bias is not None:
        nn.init.zeros_(part.bias)  # type: ignore[arg-type]


def uniform_weights(part: nn.Module, generator: torch.Generator) -> None:
    """Weights and biases from U(-1/sqrt(fan in), 1/sqrt(fan in)), what torch gives a linear layer by default."""
    assert isinstance(part, nn.Linear)
    bound = part.in_features**-0.5
    nn.init.uniform_(part.weight, -bound, bound, generator=generator)
    nn.init.uniform_(part.bias, -bound, bound, generator=generator)


def torch_default_weights(part: nn.Module, generator: torch.Generator) -> None:
    """What torch gives convolutions and batch norm by default, in the same draws, but from ``generator``.

    Convolutions: weights and biases from U(-1/sqrt(fan in), 1/sqrt(fan in)). Batch norm: scale 1, shift 0, running
    mean 0 and variance 1.
    """
    if isinstance(part, nn.BatchNorm2d):
        part.reset_parameters()  # draws nothing
        return
    assert isinstance(part, nn.Conv2d), part
    nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5), generator=generator)
    if part.bias is not None:
        bound = part.weight[0].numel() ** -0.5
        nn.init.uniform_(part.bias, -bound, bound, generator=generator)


def he_weights(part: nn.Module, generator: torch.Generator) -> None:
    """Weights from N(0, 2 / ((1 + SLOPE^2) fan in)), norm scales 1, biases 0 (He et al. 2015, for LeakyReLU)."""
    if isinstance(part, nn.GroupNorm):
        part.reset_parameters()  # draws nothing
        return
    assert isinstance(part, nn.Conv2d | nn.Linear), part
    nn.init.normal_(part.weight, 0.0, math.sqrt(2 / (1 + SLOPE**2) / part.weight[0].numel()), generator=generator)
    if part.bias is not None:
        nn.init.zeros_(part.bias)


def adam(network: nn.Module, learning_rate: float, beta1: float) -> torch.optim.Adam:
    """Adam as GANs use it: a smaller first moment; fused, which is cheap to switch on."""
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(beta1, 0.999), fused=True)


def real_or_fake_loss(logits: Tensor, target: float) -> Tensor:
    """Binary cross entropy of the sigmoid of ``logits`` against 1 (real) or 0 (fake), in its stable form."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def dropout(values: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Zero each value with probability ``rate`` and scale the rest by 1/(1 - rate); the draw is the generator's."""
    kept = torch.empty(values.shape, device=generator.device).bernoulli_(1.0 - rate, generator=generator)
    return values * kept.to(values.device) / (1.0 - rate)


def mask_planes(labels: Tensor, classes: int) -> Tensor:
    """(N, H, W) classes -> (N, P, H, W) float32 in {-1, 1}: one plane for two classes, else one plane a class."""
    if classes == 2:
        planes = labels.unsqueeze(1) == 1
    else:
        planes = labels.unsqueeze(1) == torch.arange(classes, device=labels.device).view(1, -1, 1, 1)
    return planes.float() * 2 - 1


def plane_count(classes: int) -> int:
    """Planes that ``mask_planes`` gives."""
    return 1 if classes == 2 else classes


def planes_to_labels(planes: Tensor) -> Tensor:
    """(N, P, H, W) of any real values -> (N, H, W) int64: sign for one plane, the largest of several."""
    return (planes[:, 0] > 0).long() if planes.shape[1] == 1 else planes.argmax(dim=1)


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """(N, C, H, W) padded at the right and the bottom, by its own edge, until both sides are multiples."""
    height, width = images.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    return functional.pad(images, (0, right, 0, bottom), mode="replicate") if bottom or right else images
