"""Warp: new masks by bending and joining real ones. Nothing is trained; the file holds the training masks.

Each foreground class k of a parent mask becomes a signed distance map phi_k, in pixels, positive inside. A new mask
reads it at bent places:

    phi'_k(x) = phi_k(x + d(x)),    class of x = argmax_k phi'_k(x) where that exceeds t, else background

Distances are smooth, so bent edges stay crisp. The threshold t is near 0 and chosen so that the foreground covers
what the bent parents covered, but never above -1/10 px: lines of a pixel or two, whose distance hardly rises above
0, then do not grow fat, and do not break. The displacement d is an affine part (rotation, scale, shear, shift) plus
an elastic part (a coarse random grid, cubically interpolated; Simard et al. 2003), scaled together so that its root
mean square is exactly the amount drawn for this mask: every mask has moved from its parents by a stated distance.

With probability ``recombine`` two parents of similar layout (a left eye with a left eye), bent alike, are joined
along a bent seam: a smooth field s, positive on
one side, lowers the other parent's distances by slope * max(0, s), so that its structures taper off behind the seam
rather than end at a cut.

No flips and only small rotations: what the data set does not show, it does not allow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn import functional

from pairaug.models.base import Example, MaskGenerator, Sample, Shape, require_positive

# px; a line of one pixel read half a pixel beside its centre is at 0, and must not break to keep its area
_THRESHOLDS = (-0.5, -0.1)
_SHIFT = 0.02  # of the side, before the displacement is scaled
_LAYOUT_SIDE = 16  # how coarsely two masks are compared before they are joined
_CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class WarpConfig:
    """``least``, ``most``: displacement drawn between them, as a share of the side (root of the area).

    ``rotation`` in degrees, ``scale`` and ``shear`` as shares: the affine part before it is scaled; ``elastic``: the
    share of the elastic part in the displacement; ``grid``: control points a side; ``recombine``: probability of two
    parents; ``taper``: how far structures reach beyond the seam, as a share of the side.
    """

    least: float = 0.02
    most: float = 0.06
    rotation: float = 15.0
    scale: float = 0.1
    shear: float = 0.1
    elastic: float = 0.5
    grid: int = 5
    recombine: float = 0.5
    taper: float = 0.05

    def __post_init__(self) -> None:
        require_positive(self, "least", "most", "taper")
        if self.least > self.most:
            raise ValueError(f"least ({self.least}) must not be above most ({self.most})")
        if self.grid < 3:
            raise ValueError(f"grid must be at least 3, not {self.grid}")
        if not 0 <= self.elastic <= 1 or not 0 <= self.recombine <= 1:
            raise ValueError("elastic and recombine must be in [0, 1]")


class Warp(MaskGenerator):
    """Bent and joined real masks, at any size."""

    name: ClassVar[str] = "warp"
    Config = WarpConfig

    def __init__(self, config: WarpConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self._masks: list[Tensor] = []
        self._distances: dict[int, Tensor] = {}
        self._layouts = torch.zeros(0, _LAYOUT_SIDE**2)

    def remember(self, examples: Sequence[Example]) -> None:
        self._keep([torch.from_numpy(one.labels) for one in examples if one.labels is not None])

    @torch.no_grad()
    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        config, side = self.config, math.sqrt(size[0] * size[1])
        amount = side * _uniform(generator, config.least, config.most)
        parents = self._draw_parents(generator)
        displacement = self._displacement(generator, size, amount)
        phi = self._bent(parents[0], displacement, size)
        covered = self._covered(parents[0], displacement, size)
        if len(parents) == 2:
            other = self._bent(parents[1], displacement, size)
            seam = _seam(generator, size)
            covered = torch.where(seam > 0, covered, self._covered(parents[1], displacement, size))
            # So steep that the thickest structure in either parent is gone at the taper's end.
            slope = max(float(phi.max()), float(other.max()), 1.0) / (config.taper * side)
            phi = torch.maximum(phi - slope * (-seam).clamp(min=0), other - slope * seam.clamp(min=0))
        depth, nearest = phi.max(dim=0)
        labels = torch.where(depth > _threshold(depth, float(covered.sum())), nearest + 1, 0)
        return Sample(labels, tuple(parents), amount)

    def inference_state(self) -> dict[str, Tensor]:
        """All masks in a row, and their sizes (N, 2): a header's length must not grow with their number."""
        sizes = torch.tensor([list(mask.shape) for mask in self._masks], dtype=torch.int64).reshape(-1, 2)
        return {"masks": torch.cat([mask.flatten() for mask in self._masks]), "sizes": sizes}

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        masks = _one_by_one(state) if "sizes" in state else _numbered(state)
        for number, mask in enumerate(masks):
            if mask.dtype != torch.uint8 or mask.ndim != 2 or not mask.numel() or mask.max() >= self.shape.classes:
                raise ValueError(f"tensor of mask {number}: not (H, W) of {self.shape.classes} classes")
        self._keep(masks)

    @property
    def masks(self) -> list[Tensor]:
        """The training masks, (H, W) uint8 each."""
        return self._masks

    def _keep(self, masks: list[Tensor]) -> None:
        self._masks, self._distances, self._layouts = masks, {}, _layouts(masks)

    def _draw_parents(self, generator: torch.Generator) -> list[int]:
        """One parent, or two of similar layout; as many draws either way."""
        first, join, second = (float(v) for v in torch.rand(3, generator=generator, dtype=torch.float64))
        parent = int(first * len(self._masks))
        count = min(max(1, len(self._masks) // 4), len(self._masks) - 1)
        if not count or join >= self.config.recombine:
            return [parent]
        return [parent, _nearest(self._layouts, parent, int(second * count))]

    def _displacement(self, generator: torch.Generator, size: tuple[int, int], amount: float) -> Tensor:
        """(H, W, 2) in pixels (x, y), of root mean square length ``amount``."""
        config = self.config
        angle = math.radians(_uniform(generator, -config.rotation, config.rotation))
        stretch = [1 + _uniform(generator, -config.scale, config.scale) for _ in range(2)]
        shear = _uniform(generator, -config.shear, config.shear)
        shift_x, shift_y = (_uniform(generator, -_SHIFT, _SHIFT) for _ in range(2))
        height, width = size
        y, x = torch.meshgrid(
            torch.arange(height, dtype=torch.float32) - (height - 1) / 2,
            torch.arange(width, dtype=torch.float32) - (width - 1) / 2,
            indexing="ij",
        )
        cos, sin = math.cos(angle), math.sin(angle)
        affine = torch.stack(
            [
                stretch[0] * (cos * x - sin * y) + shear * y - x + shift_x * width,
                stretch[1] * (sin * x + cos * y) - y + shift_y * height,
            ]
        )
        coarse = torch.randn(1, 2, config.grid, config.grid, generator=generator)
        elastic = functional.interpolate(coarse, size=size, mode="bicubic", align_corners=True)[0]
        share = config.elastic
        field = (1 - share) * affine / _rms(affine) + share * elastic / _rms(elastic)
        displacement: Tensor = field * (amount / _rms(field))
        return displacement.permute(1, 2, 0)

    def _bent(self, parent: int, displacement: Tensor, size: tuple[int, int]) -> Tensor:
        """(K - 1, H, W) distances of a parent, read at displaced places, in pixels of the new mask."""
        height, width = size
        phi = self._distance(parent)
        places = _places(displacement)
        beyond = (places - places.clamp(min=0).minimum(torch.tensor([width - 1.0, height - 1.0]))).norm(dim=2)
        # What lies beyond the parent's edge is unknown: structures end there, rounded off.
        scale = math.sqrt(height * width / (phi.shape[1] * phi.shape[2]))
        bent: Tensor = _read(phi, places, "border") * scale - beyond
        return bent

    def _covered(self, parent: int, displacement: Tensor, size: tuple[int, int]) -> Tensor:
        """(H, W) share of each new pixel that the bent parent's foreground covers."""
        foreground = (self._masks[parent] > 0)[None].float()
        return _read(foreground, _places(displacement), "zeros")[0]

    def _distance(self, parent: int) -> Tensor:
        """Signed distance maps (K - 1, H, W) of one training mask, the latest few kept at hand."""
        known = self._distances.get(parent)
        if known is not None:
            return known
        mask = self._masks[parent]
        phi = torch.stack([_signed_distance(mask == label) for label in range(1, self.shape.classes)])
        if (len(self._distances) + 1) * phi.nbytes > _CACHE_BYTES:
            self._distances = {}
        self._distances[parent] = phi
        return phi


def _signed_distance(inside: Tensor) -> Tensor:
    """(H, W) bool -> float32 distance in pixels to the boundary between pixels, positive inside."""
    array = inside.numpy()
    if not array.any():
        return torch.full(inside.shape, -float(sum(inside.shape)))
    if array.all():
        return torch.full(inside.shape, float(sum(inside.shape)))
    to_outside, to_inside = distance_transform_edt(array), distance_transform_edt(~array)
    signed = (to_outside - 0.5) * array - (to_inside - 0.5) * ~array
    return torch.from_numpy(signed).float()


def _places(displacement: Tensor) -> Tensor:
    """(H, W, 2) pixel positions (x, y) that a displacement field points at."""
    height, width = displacement.shape[:2]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y], dim=2) + displacement


def _read(planes: Tensor, places: Tensor, outside: str) -> Tensor:
    """(P, h, w) planes of a parent read, linearly, at places given in pixels of the new mask -> (P, H, W)."""
    height, width = places.shape[:2]
    unit = (places + 0.5) * 2 / torch.tensor([width, height]) - 1
    return functional.grid_sample(planes[None], unit[None], padding_mode=outside, align_corners=False)[0]


def _threshold(depth: Tensor, pixels: float) -> float:
    """The depth above which about ``pixels`` of the (H, W) depths lie, kept near 0."""
    rank = min(max(round(pixels), 1), depth.numel())
    level = float(depth.flatten().kthvalue(depth.numel() - rank + 1).values)
    return min(max(level - 1e-6, _THRESHOLDS[0]), _THRESHOLDS[1])


def _layouts(masks: Sequence[Tensor]) -> Tensor:
    """(N, S) how much foreground lies where, coarsely."""
    coarse = [functional.adaptive_avg_pool2d((mask > 0)[None].float(), _LAYOUT_SIDE).flatten() for mask in masks]
    return torch.stack(coarse)


def _nearest(layouts: Tensor, parent: int, rank: int) -> int:
    """The mask whose layout is the ``rank``-th most like that of ``parent``; linear in the number of masks."""
    distance = (layouts - layouts[parent]).square().sum(dim=1)
    distance[parent] = math.inf
    return int(distance.argsort(stable=True)[rank])


def _one_by_one(state: Mapping[str, Tensor]) -> list[Tensor]:
    """The masks out of one row of pixels. Raises ValueError where the sizes do not fill it."""
    if sorted(state) != ["masks", "sizes"]:
        raise ValueError("tensors are not masks and their sizes")
    pixels, sizes = state["masks"], state["sizes"]
    if sizes.dtype != torch.int64 or sizes.ndim != 2 or sizes.shape[1] != 2 or not len(sizes) or pixels.ndim != 1:
        raise ValueError("tensors are not masks and their sizes")
    sides = sizes.tolist()
    areas = [height * width for height, width in sides]
    if min(min(pair) for pair in sides) < 1 or sum(areas) != pixels.numel():
        raise ValueError("the sizes do not fit the masks")
    return [part.reshape(size) for part, size in zip(torch.split(pixels, areas), sides, strict=True)]


def _numbered(state: Mapping[str, Tensor]) -> list[Tensor]:
    """As earlier versions wrote them, a tensor each."""
    if sorted(state) != [f"mask.{i:06d}" for i in range(len(state))] or not state:
        raise ValueError("tensors are not numbered masks")
    return [state[name] for name in sorted(state)]


def _seam(generator: torch.Generator, size: tuple[int, int]) -> Tensor:
    """(H, W) signed distance in pixels, roughly, from a bent line near the centre."""
    height, width = size
    angle, offset = _uniform(generator, 0, 2 * math.pi), _uniform(generator, -0.2, 0.2)
    bend = functional.interpolate(
        torch.randn(1, 1, 4, 4, generator=generator), size=size, mode="bicubic", align_corners=True
    )[0, 0]
    y = torch.linspace(-height / 2, height / 2, height)[:, None]
    x = torch.linspace(-width / 2, width / 2, width)[None, :]
    side = math.sqrt(height * width)
    return math.cos(angle) * x + math.sin(angle) * y + side * (offset + 0.08 * bend)


def _rms(field: Tensor) -> Tensor:
    """Root mean square length of a (2, H, W) field; never zero."""
    return field.square().sum(dim=0).mean().sqrt().clamp(min=1e-6)


def _uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))
