"""joint: one GAN for mask and image, as channels of one picture: the baseline that two steps are compared with.

Zhou, Gao and Zhu, "Paired GAN" (2023) draw a mask first and then an image for it; the plain alternative draws both at
once. G: code z -> planes of signed distances (``models.signed_distances``) and, beside them, the image's channels, all
in [-1, 1]. D judges the whole. The objective is that of Goodfellow et al. 2014, with the non-saturating loss:

    L_D = (BCE(D(m, x), 1) + BCE(D(G(z)), 0)) / 2          L_G = BCE(D(G(z)), 1)          z ~ N(0, I)

Such a G knows no image but those of its own masks. To paint for a given mask m it is searched for the pair whose mask
comes nearest (inversion of a generator, as in Abdal et al. 2019, by its mask alone):

    z* = argmin_z |m - G_m(z)|^2 + prior |z|^2             from the nearest of ``tries`` draws, in ``refine`` steps

and the image of z* is what is returned. How far m is from the mask of z*, the image is from m: that is the method's
fault and not hidden; agreement measures it. No figure of it is known yet: it
was tried for 150 steps alone, in which D was winning (losses 0.08 and 4.6 on five blood cells).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from pairaug.models.base import Shape, Translator, load_exactly, refuse_negative, require_positive
from pairaug.models.folded import Decoder
from pairaug.models.layers import build, he_weights
from pairaug.models.signed_distances import distance_plane_count, distance_planes


@dataclass(frozen=True)
class JointConfig:
    """``code``, ``width``, ``reach``, ``views`` and their moves as in vaegan; the search as above.

    ``stride``: the length of the first step of the search, in standard deviations of z; the last is near 0.
    """

    code: int = 32
    width: int = 48
    reach: float = 0.12
    views: int = 2
    turn: float = 10.0
    scale: float = 0.1
    shift: float = 0.05
    tries: int = 16
    refine: int = 40
    stride: float = 0.5
    prior: float = 1e-4
    learning_rate: float = 2e-4
    beta1: float = 0.5

    def __post_init__(self) -> None:
        require_positive(self, "code", "width", "reach", "views", "tries", "stride", "learning_rate")
        refuse_negative(self, "turn", "scale", "shift", "refine", "prior")


class Joint(Translator):
    """For a mask, the image of the most similar pair that it can draw."""

    name: ClassVar[str] = "joint"
    Config = JointConfig

    def __init__(self, config: JointConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self.planes = distance_plane_count(shape.classes)
        self.reach = max(1, round(config.reach * min(shape.height, shape.width)))
        self.generator = build(lambda: self._decoder(config, shape), generator, he_weights)

    def translate(self, labels: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        size = (self.shape.height, self.shape.width)
        images = []
        for mask, generator in zip(labels, generators, strict=True):
            if mask.shape != size:
                mask = functional.interpolate(mask[None, None].float(), size=size, mode="nearest-exact")[0, 0].long()
            with torch.no_grad():
                image = self.generator(self.nearest(mask, generator))[:, self.planes :]
            images.append(functional.interpolate(image, size=labels.shape[1:], mode="bilinear", align_corners=False))
        return torch.cat(images)

    def nearest(self, mask: Tensor, generator: torch.Generator) -> Tensor:
        """(H, W) classes at the working size -> (1, code), whose mask is the nearest that the search finds."""
        config, wanted = self.config, distance_planes(mask[None], self.shape.classes, self.reach)
        codes = self.noise(config.tries, generator)
        with torch.no_grad():
            first = self._apart(codes, wanted).argmin()
        code = codes.index_select(0, first[None])
        for step in range(config.refine):
            code = code.detach().requires_grad_()
            with torch.enable_grad():
                cost = self._apart(code, wanted) + config.prior * code.square().sum(dim=1)
                (slope,) = torch.autograd.grad(cost.sum(), [code])
            length = config.stride * (1 - step / config.refine)
            code = code - length * slope / slope.norm().clamp(min=1e-12)
        return code.detach()

    def inference_state(self) -> dict[str, Tensor]:
        return dict(self.generator.state_dict())

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        load_exactly(self.generator, state)

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, code) from N(0, I), on the device of the weights."""
        noise = torch.randn(count, self.config.code, generator=generator)
        return noise.to(next(self.generator.parameters()).device)

    def _apart(self, codes: Tensor, wanted: Tensor) -> Tensor:
        """(N,) mean squared differences between the masks of codes and the one wanted."""
        drawn: Tensor = self.generator(codes)
        return (drawn[:, : self.planes] - wanted).square().mean(dim=(1, 2, 3))

    def _decoder(self, config: JointConfig, shape: Shape) -> Decoder:
        planes, sharp = self.planes + shape.channels, shape.channels
        return Decoder(config.code, planes, config.width, shape.height, shape.width, sharp)
