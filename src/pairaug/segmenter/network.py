"""The reference segmenter's network: a U-Net (Ronneberger et al. 2015) that works at half resolution.

The picture is folded 2 x 2 into channels on entry and unfolded on leaving (Shi et al. 2016), so that a processor
spends its time on width and not on the finest grid, while every output pixel keeps its own logit.
Enters: (N, C, H, W) standardised pictures, H and W multiples of ``MULTIPLE``. Leaves: logits (N, K, H, W).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 5
MULTIPLE = 2**LEVELS


class Block(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch norm and a ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class FoldedUNet(nn.Module):
    """``LEVELS`` resolutions from one half to 1 / ``MULTIPLE``; ``width`` channels at the first, doubling to 8 x."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        widths = [width * min(2**level, 8) for level in range(LEVELS)]
        self.encoder = nn.ModuleList(
            Block(inputs, outputs) for inputs, outputs in zip([4 * channels, *widths[:-1]], widths, strict=True)
        )
        self.decoder = nn.ModuleList(
            Block(widths[level] + widths[level - 1], widths[level - 1]) for level in range(LEVELS - 1, 0, -1)
        )
        self.head = nn.Conv2d(width, 4 * classes, 1)

    def forward(self, picture: Tensor) -> Tensor:
        found = functional.pixel_unshuffle(picture, 2)
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            found = block(functional.max_pool2d(found, 2) if level else found)
            skips.append(found)
        skips.pop()
        for block in self.decoder:
            wider = functional.interpolate(found, scale_factor=2, mode="nearest")
            found = block(torch.cat([wider, skips.pop()], dim=1))
        return functional.pixel_shuffle(self.head(found), 2)
