"""Vess2Image: the paper's translator, pix2pix with a U-Net and a PatchGAN.

Zhou, Gao and Zhu, "Paired GAN" (2023), section 2.2, after Isola et al. 2017. For a mask m and its image x:

    L_D = (BCE(D(m, x), 1) + BCE(D(m, G(m)), 0)) / 2
    L_G = BCE(D(m, G(m)), 1) + 160 |x - G(m)|_1           D first, then G, in each step

G: eight encoder blocks (4x4 convolution of stride 2, LeakyReLU; batch norm in all but the first and the last), seven
decoder blocks (4x4 transposed convolution of stride 2, batch norm, dropout in the first three, ReLU), each joined to
the encoder block of its size, and a last transposed convolution with tanh. 54.41 M parameters at base 64.
D: four down-sampling blocks like the encoder's, on mask and image together, then a convolution to a map of logits.

What the paper leaves open and is chosen here, after Isola et al.: ReLU in the decoder, dropout rate 0.5, Adam at
2e-4 with beta1 0.5, weights from N(0, 0.02), batch size 1, L_D halved. Batch norm uses the statistics of the batch
at hand in use as well as in training, one image at a time. Dropout is off in use: the paper does not speak of it,
and Isola et al. found that it gives "only minor stochasticity", so this model knows one image for a mask.

Eight halvings need sides that are multiples of 256; other sides are padded by their own edge and cut again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairaug.models.base import Shape, Translator, load_exactly, refuse_negative, require_positive
from pairaug.models.layers import (
    build,
    dropout,
    mask_planes,
    normal_weights,
    pad_to_multiple,
    plane_count,
)

STRIDE = 256
_ENCODER_WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8)
_DROPOUT_BLOCKS = 3
SLOPE = 0.2


@dataclass(frozen=True)
class Vess2ImageConfig:
    """``base``: channels of the first block in both networks; cost grows with its square."""

    base: int = 64
    l1_weight: float = 160.0
    dropout: float = 0.5
    learning_rate: float = 2e-4
    beta1: float = 0.5

    def __post_init__(self) -> None:
        require_positive(self, "base", "learning_rate")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {self.dropout}")
        refuse_negative(self, "l1_weight")


class _Norm(nn.BatchNorm2d):
    """Batch norm by the statistics of the batch at hand, always."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, track_running_stats=False)


def down_block(inputs: int, outputs: int, norm: bool) -> nn.Sequential:
    """4x4 convolution of stride 2, with batch norm (then without bias, which the norm would cancel) or without."""
    convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not norm)
    return nn.Sequential(convolution, _Norm(outputs)) if norm else nn.Sequential(convolution)


class _UNet(nn.Module):
    def __init__(self, inputs: int, outputs: int, base: int, rate: float) -> None:
        super().__init__()
        widths = [base * factor for factor in _ENCODER_WIDTHS]
        last = len(widths) - 1
        self.encoder = nn.ModuleList(
            down_block(inputs if i == 0 else widths[i - 1], width, norm=0 < i < last) for i, width in enumerate(widths)
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(
                    widths[i] * (1 if i == last else 2), widths[i - 1], 4, stride=2, padding=1, bias=False
                ),
                _Norm(widths[i - 1]),
            )
            for i in range(last, 0, -1)
        )
        self.output = nn.ConvTranspose2d(2 * base, outputs, 4, stride=2, padding=1)
        self.rate = rate

    def forward(self, planes: Tensor, generator: torch.Generator | None) -> Tensor:
        """(N, P, H, W) -> (N, C, H, W) in [-1, 1]; dropout where a generator is given. Sides: multiples of 256."""
        skips = []
        for i, block in enumerate(self.encoder):
            planes = block(planes if i == 0 else functional.leaky_relu(planes, SLOPE))
            skips.append(planes)
        for i, block in enumerate(self.decoder):
            joined = planes if i == 0 else torch.cat([planes, skips[-1 - i]], dim=1)
            planes = block(functional.relu(joined))
            if generator is not None and i < _DROPOUT_BLOCKS:
                planes = dropout(planes, self.rate, generator)
        return torch.tanh(self.output(functional.relu(torch.cat([planes, skips[0]], dim=1))))


class Vess2Image(Translator):
    """One image for each mask, at any size."""

    name: ClassVar[str] = "vess2image"
    Config = Vess2ImageConfig

    def __init__(self, config: Vess2ImageConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        planes = plane_count(shape.classes)
        self.generator = build(
            lambda: _UNet(planes, shape.channels, config.base, config.dropout), generator, normal_weights
        )

    @torch.no_grad()
    def translate(self, labels: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        # One at a time: batch norm would otherwise let the images of a batch colour each other.
        planes = mask_planes(labels, self.shape.classes)
        return torch.cat([paint(self.generator, one, None) for one in planes.unsqueeze(1)])

    def inference_state(self) -> dict[str, Tensor]:
        return dict(self.generator.state_dict())

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        load_exactly(self.generator, state)


def paint(network: nn.Module, planes: Tensor, generator: torch.Generator | None) -> Tensor:
    """(N, P, H, W) mask planes of any size -> (N, C, H, W); dropout where a generator is given."""
    height, width = planes.shape[-2:]
    painted: Tensor = network(pad_to_multiple(planes, STRIDE), generator)
    return painted[..., :height, :width]
