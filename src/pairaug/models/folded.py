"""Small convolutional networks between planes and codes: what vaegan and joint are built of.

FOLD x FOLD pixels of a plane are folded into one place of the finest map (and unfolded from it): planes of distances
are smooth, and convolutions of a few channels at full size cost a processor most of its time.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairaug.models.layers import SLOPE, pad_to_multiple

FOLD = 4  # pixels of a plane, a side, that one place of the finest map stands for
_SMALLEST = 4  # a side, of the coarsest map


def map_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of the maps, the finest first: halved, rounded up, while both sides are above 4."""
    sizes = [(-(-height // FOLD), -(-width // FOLD))]
    while min(sizes[-1]) > _SMALLEST:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def map_widths(finest: int, count: int) -> list[int]:
    """Channels of so many maps, the finest first."""
    return [finest] + [2 * finest] * (count - 1)


class Decoder(nn.Module):
    """Code to planes: a coarse map, enlarged and convolved level by level, then unfolded.

    The grid that unfolding leaves is taken out of all planes but the last ``sharp``, which hold an image.
    """

    def __init__(self, code: int, planes: int, finest: int, height: int, width: int, sharp: int = 0) -> None:
        super().__init__()
        self.smooth = planes - sharp
        self.size, self.sizes = (height, width), map_sizes(height, width)
        widths = map_widths(finest, len(self.sizes))
        self.coarsest = (widths[-1], *self.sizes[-1])
        self.input = nn.Linear(code, widths[-1] * self.sizes[-1][0] * self.sizes[-1][1])
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(coarse, fine, 3, padding=1), nn.GroupNorm(1, fine), nn.LeakyReLU(SLOPE))
            for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.output = nn.Conv2d(widths[0], planes * FOLD**2, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        """(N, code) -> (N, P, H, W) in [-1, 1]."""
        maps = functional.leaky_relu(self.input(code), SLOPE).view(-1, *self.coarsest)
        for level, size in zip(self.levels, self.sizes[-2::-1], strict=True):
            maps = level(functional.interpolate(maps, size=size, mode="nearest"))
        planes = functional.pixel_shuffle(self.output(maps), FOLD)
        planes = torch.cat([_without_grid(planes[:, : self.smooth]), planes[:, self.smooth :]], dim=1)
        return torch.tanh(planes[..., : self.size[0], : self.size[1]])


class Encoder(nn.Module):
    """Planes to ``outputs`` numbers: folded, then convolved and halved, level by level."""

    def __init__(self, planes: int, outputs: int, finest: int, height: int, width: int) -> None:
        super().__init__()
        sizes = map_sizes(height, width)
        widths = map_widths(finest, len(sizes))
        self.input = nn.Conv2d(planes * FOLD**2, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(fine, coarse, 3, stride=2, padding=1), nn.GroupNorm(1, coarse), nn.LeakyReLU(SLOPE))
            for fine, coarse in itertools.pairwise(widths)
        )
        self.output = nn.Linear(widths[-1] * sizes[-1][0] * sizes[-1][1], outputs)

    def forward(self, planes: Tensor) -> Tensor:
        """(N, P, H, W) in [-1, 1] -> (N, outputs)."""
        folded = functional.pixel_unshuffle(pad_to_multiple(planes, FOLD), FOLD)
        maps = functional.leaky_relu(self.input(folded), SLOPE)
        for level in self.levels:
            maps = level(maps)
        outputs: Tensor = self.output(maps.flatten(1))
        return outputs


def _without_grid(planes: Tensor) -> Tensor:
    """Planes without what repeats every FOLD pixels, the grid that unfolding leaves; weights (1, 2, 2, 2, 1) / 8."""
    padded = functional.pad(planes, (2, 2, 2, 2), mode="replicate")
    return functional.avg_pool2d(functional.avg_pool2d(padded, FOLD, stride=1), 2, stride=1)
