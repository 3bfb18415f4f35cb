"""Masks as planes of signed distances, and back: what networks draw in the place of hard masks.

A mask of {0, 1} gives a discriminator a way to win by saturation alone (no network draws exact zeros and ones), and
half a pixel of an outline costs as much as a whole. The distance to the outline is smooth and says where it runs:

    plane(x) = clamp(d(x), -r, r) / r          d: pixels to the outline, positive inside; r: the reach

One plane for two classes. For more, the first plane is the foreground, all classes but 0 together, and one follows for
each of them: a class inside another (a nucleus in its cytoplasm) stays inside it, for it is looked for in the
foreground alone. A linear interpolation of the planes keeps outlines crisp at any size.

The distances are exact up to the reach: the minimum over rows, then columns, of a squared distance (Felzenszwalb and
Huttenlocher 2012), by brute force, for the reach is a few pixels, on whatever device the labels are.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_FAR = 1e6


def distance_plane_count(classes: int) -> int:
    """Planes that ``distance_planes`` gives."""
    return 1 if classes == 2 else classes


def distance_planes(labels: Tensor, classes: int, reach: int) -> Tensor:
    """(N, H, W) classes -> (N, P, H, W) float32 in [-1, 1]; ``reach`` in pixels, at least 1.

    A class that fills the frame, or is not in it, is 1 or -1 everywhere.
    """
    regions = [labels > 0]
    if classes > 2:
        regions += [labels == label for label in range(1, classes)]
    inside = torch.stack(regions, dim=1)
    # A pixel beside the outline is half a pixel from it.
    signed = torch.where(inside, _distance_to(~inside, reach) - 0.5, 0.5 - _distance_to(inside, reach))
    return signed.clamp(-reach, reach) / reach


def distances_to_labels(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, P, h, w) planes -> (N, H, W) int64 classes at ``size`` = (H, W)."""
    if planes.shape[-2:] != size:
        planes = functional.interpolate(planes, size=size, mode="bilinear", align_corners=False)
    foreground = planes[:, 0] > 0
    if planes.shape[1] == 1:
        return foreground.long()
    return torch.where(foreground, planes[:, 1:].argmax(dim=1) + 1, 0)


def _distance_to(region: Tensor, reach: int) -> Tensor:
    """(N, P, H, W) bool -> pixels to the nearest pixel of the region; above ``reach`` where none is near."""
    squared = torch.where(region, 0.0, _FAR)
    steps = torch.arange(-reach - 1, reach + 2, device=region.device, dtype=torch.float32).square()
    for dimension in (2, 3):
        padding = (0, 0, reach + 1, reach + 1) if dimension == 2 else (reach + 1, reach + 1)
        padded = functional.pad(squared, padding, value=_FAR)
        squared = (padded.unfold(dimension, len(steps), 1) + steps).amin(dim=-1)
    return squared.sqrt()
