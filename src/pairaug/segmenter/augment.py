"""Classical augmentation, strong and cheap: what a careful engineer would do before thinking of synthetic pairs.

Geometry, on picture and labels alike, as one resampling: flips, quarter turns where they leave the crop its size,
rotation, scale, shear, mild elastic deformation. Intensity, on the picture alone: contrast, brightness, colour jitter,
gamma, contrast stretching, histogram equalisation, blur, noise. ``WARPED`` adds a strong elastic deformation to half
of the draws: what warping image and mask together is worth, which a mask generator by warps has to beat.

Every number is drawn from one generator in a fixed order, whatever the pictures hold, so that two training runs with
equal seeds see the same deformations on different pictures. Enters: ``Frame``s. Leaves: tensors of one crop size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pairaug.segmenter.base import Augmentation
from pairaug.segmenter.frames import Frame

ROTATION = math.radians(30)
SCALE = (0.7, 1.4)
SHEAR = 0.15
ELASTIC = 0.015  # deviation of the displacement, as a share of the crop's side, at a grid of GRID nodes
GRID = 6
WARPED_ELASTIC = 0.04


@dataclass(frozen=True)
class Draw:
    """Where a crop is taken: the frame, and a point of it, in [0, 1] x [0, 1], that lies in the crop's middle."""

    frame: Frame
    centre: tuple[float, float]


class Augmenter:
    """Crops of ``side`` x ``side`` pixels from frames, deformed alike in picture and labels."""

    def __init__(self, side: tuple[int, int], augmentation: Augmentation) -> None:
        self.height, self.width = side
        self.augmentation = augmentation

    def crops(self, draws: Sequence[Draw], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Pictures (N, C, h, w) and label shares (N, K, h, w)."""
        pictures, shares = zip(*(self._crop(draw, rng) for draw in draws), strict=True)
        return torch.stack(pictures), torch.stack(shares)

    def _crop(self, draw: Draw, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        planes = torch.from_numpy(draw.frame.planes).float()[None]
        grid = self._grid(planes.shape[-2:], draw.centre, rng)
        sampled = functional.grid_sample(planes, grid, mode="bilinear", padding_mode="reflection", align_corners=False)[
            0
        ]
        channels = draw.frame.channels
        return self._intensity(sampled[:channels], rng), sampled[channels:]

    def _grid(self, size: Sequence[int], centre: tuple[float, float], rng: np.random.Generator) -> Tensor:
        """Sampling places (1, h, w, 2) in the coordinates of ``grid_sample``."""
        matrix = torch.eye(2)
        displacement = torch.zeros(1, 2, self.height, self.width)
        if self.augmentation != "none":
            matrix = self._matrix(rng)
            displacement = self._displacement(rng)
        rows = (torch.arange(self.height) + 0.5) - self.height / 2
        columns = (torch.arange(self.width) + 0.5) - self.width / 2
        offsets = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1)  # (h, w, 2): row, column in pixels
        moved = offsets @ matrix.T + displacement[0].permute(1, 2, 0)
        height, width = size
        place = moved + torch.tensor([centre[0] * height, centre[1] * width])
        return torch.stack([place[..., 1] * 2 / width - 1, place[..., 0] * 2 / height - 1], dim=-1)[None]

    def _matrix(self, rng: np.random.Generator) -> Tensor:
        flips = rng.choice([-1.0, 1.0], size=2)
        angle = rng.uniform(-ROTATION, ROTATION) * (rng.random() < 0.7)
        scale = math.exp(rng.uniform(math.log(SCALE[0]), math.log(SCALE[1])))
        shear = rng.uniform(-SHEAR, SHEAR, size=2)
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        matrix = rotation @ np.array([[1, shear[0]], [shear[1], 1]]) / scale @ np.diag(flips)
        return torch.from_numpy(matrix.astype(np.float32))

    def _displacement(self, rng: np.random.Generator) -> Tensor:
        noise = rng.standard_normal((1, 2, GRID, GRID)).astype(np.float32)
        strong = rng.random() < 0.5
        size = WARPED_ELASTIC if strong and self.augmentation == "classical and warped" else ELASTIC
        field = functional.interpolate(
            torch.from_numpy(noise), (self.height, self.width), mode="bicubic", align_corners=True
        )
        return field * (size * max(self.height, self.width))

    def _intensity(self, picture: Tensor, rng: np.random.Generator) -> Tensor:
        """Changes of grey levels; ``picture`` (C, h, w) has about zero mean and unit deviation."""
        if self.augmentation == "none":
            return picture
        chance = rng.random(6)
        gain, brightness, power = rng.uniform(0.7, 1.4), rng.uniform(-0.3, 0.3), math.exp(rng.uniform(-0.4, 0.4))
        tint = rng.uniform(-0.15, 0.15, size=(picture.shape[0], 1, 1)).astype(np.float32)
        low, high = rng.uniform(0.0, 0.03), rng.uniform(0.97, 1.0)
        blend, sigma = rng.random(), rng.uniform(0.0, 0.15)
        if chance[0] < 0.2:
            picture = picture + blend * (_equalised(picture) - picture)
        elif chance[0] < 0.4:
            picture = _stretched(picture, low, high)
        if chance[1] < 0.3:
            picture = _gamma(picture, power)
        if chance[2] < 0.5:
            picture = picture * gain + brightness
        if chance[3] < 0.3 and len(picture) > 1:
            picture = picture + torch.from_numpy(tint)
        if chance[4] < 0.1:
            picture = functional.avg_pool2d(picture[None], 3, stride=1, padding=1, count_include_pad=False)[0]
        if chance[5] < 0.2:
            noise = torch.from_numpy(rng.standard_normal(picture.shape, dtype=np.float32))
            picture = picture + sigma * noise
        return picture


def _equalised(picture: Tensor) -> Tensor:
    """Every grey level at its rank in the crop, as zero mean and unit deviation; all channels by the mean's rank."""
    grey = picture.mean(dim=0)
    levels = ((grey - grey.min()) / (grey.max() - grey.min() + 1e-6) * 255).long()
    ranks = torch.cumsum(torch.bincount(levels.ravel(), minlength=256).float(), dim=0) / levels.numel()
    wanted = (ranks[levels] - 0.5) * math.sqrt(12)
    return picture + (wanted - grey)


def _stretched(picture: Tensor, low: float, high: float) -> Tensor:
    """Clipped at two quantiles of a sample of its levels, and brought to unit deviation again."""
    some = picture.mean(dim=0).ravel()[::7]
    bottom, top = (float(torch.quantile(some, level)) for level in (low, high))
    clipped = picture.clamp(bottom, max(top, bottom + 1e-3))
    return (clipped - clipped.mean()) / (clipped.std() + 1e-3)


def _gamma(picture: Tensor, power: float) -> Tensor:
    low, high = picture.min(), picture.max()
    bent: Tensor = ((picture - low) / (high - low + 1e-6)) ** power
    return (bent - bent.mean()) / (bent.std() + 1e-3)
