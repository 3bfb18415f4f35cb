"""The few training masks in many positions: small moves of planes, and flips where the data show them.

A flip is shown where flipped masks lie as near to other masks of the data as the masks themselves do, compared
coarsely: a data set of left and right eyes shows flips from left to right and none from top to bottom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pairaug.models.base import Example

_COARSE = 16  # places a side
_AS_NEAR = 1.1
_MOST_MASKS = 500  # that are compared


@dataclass(frozen=True)
class Moves:
    """``turn``: degrees; ``scale``: logarithm; ``shift``: share of the side; each drawn evenly from -most to most.

    ``flips``: whether half of the views are flipped from left to right, from top to bottom.
    """

    turn: float
    scale: float
    shift: float
    flips: tuple[bool, bool] = (False, False)


def moved(planes: Tensor, moves: Moves, generator: torch.Generator) -> Tensor:
    """(N, P, H, W) -> the same with each of the N moved for itself; beyond the border planes go on as they end."""
    matrix = _matrices(len(planes), (planes.shape[2], planes.shape[3]), moves, generator).to(planes.device)
    grid = functional.affine_grid(matrix, list(planes.shape), align_corners=False)
    return functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)


def flips_shown(examples: Sequence[Example]) -> tuple[bool, bool]:
    """Whether the masks show flips from left to right, from top to bottom; neither where there is one mask alone."""
    masks = [torch.from_numpy(one.labels > 0) for one in examples[:_MOST_MASKS] if one.labels is not None]
    if len(masks) < 2:
        return False, False
    layouts = torch.cat([functional.adaptive_avg_pool2d(mask[None].float(), _COARSE) for mask in masks])
    usual = _apart(layouts, layouts)
    across, down = (_apart(layouts.flip(dimension), layouts) <= _AS_NEAR * usual for dimension in (2, 1))
    return across, down


def _apart(layouts: Tensor, others: Tensor) -> float:
    """The mean distance from a layout to the nearest of ``others``, its own place left out."""
    distances = torch.cdist(layouts.flatten(1), others.flatten(1))
    distances.fill_diagonal_(math.inf)
    return float(distances.amin(dim=1).mean())


def _matrices(count: int, size: tuple[int, int], moves: Moves, generator: torch.Generator) -> Tensor:
    """(N, 2, 3): where each view reads, in the units of ``affine_grid`` (x, y from -1 to 1)."""
    draws = torch.rand(count, 7, generator=generator) * 2 - 1
    angle = draws[:, 0] * math.radians(moves.turn)
    stretch = (draws[:, 1:3] * moves.scale).exp()
    sign = torch.where((draws[:, 3:5] > 0) & torch.tensor(moves.flips), -1.0, 1.0)
    turned = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    sides = torch.tensor([float(size[1]), float(size[0])])
    turned = turned * sides / sides[:, None]  # pixels are turned, not shares of unequal sides
    return torch.cat([turned * (stretch * sign)[:, None], 2 * moves.shift * draws[:, 5:, None]], dim=2)
