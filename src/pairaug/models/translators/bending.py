"""A picture bent together with what stands in it, so that one picture can stand in several pairs.

A smooth displacement: normal at a coarse grid of nodes, interpolated cubically, fading to nothing at the border, so
that nothing beyond the picture is needed. The picture is read cubically; each class is read as a smooth share, and the
greatest share has the pixel, so that edges stay crisp and where they were in the picture.

Enters: pictures (C, H, W) in [-1, 1] with labels (H, W) in [0, K). Leaves: the same.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.surroundings import Labels

AMOUNT = 0.02  # deviation of the displacement, as a share of the longer side
NODES = 5  # of the grid, a side
FADING = 0.1  # of the side: how far from the border it fades


def bent(picture: Picture, labels: Labels, rng: np.random.Generator) -> tuple[Picture, Labels]:
    """Both, displaced alike."""
    grid = _places(labels.shape, rng)
    found = functional.grid_sample(
        torch.from_numpy(np.ascontiguousarray(picture))[None], grid, mode="bicubic", padding_mode="border",
        align_corners=False,
    )  # fmt: skip
    classes = np.unique(labels)
    shares = torch.from_numpy((labels == classes[:, None, None]).astype(np.float32))[None]
    read = functional.grid_sample(shares, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found[0].clamp(-1, 1).numpy(), classes[read[0].argmax(dim=0).numpy()].astype(np.uint8)


def _places(size: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """(1, H, W, 2): where each pixel is read, column and row in [-1, 1]."""
    height, width = size
    nodes = torch.from_numpy(rng.standard_normal((1, 2, NODES, NODES)).astype(np.float32))
    moved = functional.interpolate(nodes, (height, width), mode="bicubic", align_corners=True)[0]
    rows, columns = ((2 * torch.arange(length) + 1) / length - 1 for length in size)
    depth = torch.minimum((1 - rows.abs())[:, None], (1 - columns.abs())[None]) / (2 * FADING)
    moved = moved * depth.clamp(0, 1) * (2 * AMOUNT * max(size))
    return torch.stack([columns[None] + moved[0] / width, rows[:, None] + moved[1] / height], dim=-1)[None]
