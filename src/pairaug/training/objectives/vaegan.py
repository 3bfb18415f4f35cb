"""How vaegan learns: an encoder before its generator, an auto-encoder as its discriminator.

The method, its source and what was chosen are told in ``models.masks.vaegan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairaug.models.base import Example
from pairaug.models.folded import Decoder, Encoder
from pairaug.models.layers import adam, build, he_weights
from pairaug.models.masks.vaegan import VAEGAN
from pairaug.models.signed_distances import distance_planes
from pairaug.training.objectives.adversarial import AdversarialObjective
from pairaug.training.objectives.base import Batch
from pairaug.training.objectives.moves import Moves, flips_shown, moved

_FEEDBACK = 0.01
_HALF_LIFE = 500  # images, of the average of the weights
_LEAST = 0.05  # a class counts as if it had this share of the frame, at least
_LOGARITHMS = 10.0  # of a variance, at most


class AutoEncoder(nn.Module):
    """The discriminator: real is what it codes well."""

    def __init__(self, planes: int, code: int, finest: int, height: int, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(planes, code, finest, height, width)
        self.decoder = Decoder(code, planes, finest, height, width)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """(N, P, H, W) -> (N,) the mean absolute error of their reconstruction; (N, code) their codes."""
        code = self.encoder(planes)
        return (self.decoder(code) - planes).abs().mean(dim=(1, 2, 3)), code


@dataclass(frozen=True)
class _Judged:
    """What the discriminator says of real planes, errors (N,) and codes (N, code), and its loss, before it learnt."""

    errors: Tensor
    codes: Tensor
    loss: float


class VAEGANObjective(AdversarialObjective):
    """A step of the discriminator, then one of encoder and generator together."""

    model: VAEGAN

    def __init__(self, model: VAEGAN, generator: torch.Generator) -> None:
        config, shape = model.config, model.shape
        sides = (config.width, shape.height, shape.width)
        judge = build(lambda: AutoEncoder(model.planes, config.code, *sides), generator, he_weights)
        super().__init__(model, judge, _HALF_LIFE)
        self.encoder = build(lambda: Encoder(model.planes, 2 * config.code, *sides), generator, he_weights)
        both = nn.ModuleList([model.generator, self.encoder])
        self._optimizers["generator"] = adam(both, config.learning_rate, config.beta1)
        self.register_buffer("pressure", torch.zeros(()))
        self.pressure: Tensor  # the k of the docstring
        self.moves = Moves(config.turn, config.scale, config.shift)

    def look(self, examples: Sequence[Example]) -> None:
        self.moves = replace(self.moves, flips=flips_shown(examples))

    def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
        config = self.model.config
        planes = distance_planes(batch.labels, self.model.shape.classes, self.model.reach)
        real = moved(planes.repeat_interleave(config.views, dim=0), self.moves, generator)
        mean, log_variance = _posterior(self.through("encoder")(real))
        noise = self.model.noise(2 * len(real), generator)
        code = mean + (log_variance / 2).exp() * noise[: len(real)]
        fake = self.through("generator")(torch.cat([code, noise[len(real) :]]))
        judged = self._judge(real, fake.detach())
        with self.discriminator_fixed():
            error, codes = self.discriminator(fake)
            reconstruction = (balanced_weights(real) * (fake[: len(real)] - real).square()).mean()
            divergence = ((mean.square() + log_variance.exp() - 1 - log_variance) / 2).mean(dim=0)
            adversarial = (error.view(2, -1) - judged.errors).abs().mean()
            likeness = 1 - functional.cosine_similarity(codes[: len(real)], judged.codes).mean()
            total = (
                reconstruction
                + config.kl_weight * divergence.clamp(min=config.free_bits).sum()
                + config.adversarial_weight * adversarial
                + config.likeness_weight * likeness
            )
            descended = self.descend(self._optimizers["generator"], total, "generator loss")
        return {
            "discriminator": judged.loss,
            "generator": descended,
            "reconstruction": reconstruction.item(),
            "divergence": divergence.sum().item(),
        }

    def _judge(self, real: Tensor, fake: Tensor) -> _Judged:
        """The discriminator's step."""
        judge = self.through("discriminator")
        (on_real, codes), (on_fake, _) = judge(real), judge(fake)
        loss = on_real.mean() - self.pressure * on_fake.mean()
        descended = self.descend(self._optimizers["discriminator"], loss, "discriminator loss")
        errors = self.ranks.mean({"real": on_real.mean().item(), "fake": on_fake.mean().item()})
        self.pressure += _FEEDBACK * (self.model.config.balance * errors["real"] - errors["fake"])
        self.pressure.clamp_(0.0, 1.0)
        return _Judged(on_real.detach(), codes.detach(), descended)


def _posterior(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 2 code) -> mean and logarithm of the variance, (N, code) each."""
    mean, log_variance = outputs.chunk(2, dim=1)
    return mean, log_variance.clamp(-_LOGARITHMS, _LOGARITHMS)


def balanced_weights(planes: Tensor) -> Tensor:
    """(N, P, H, W) weights with mean 1 a plane, so that the inside of a class counts as much as the outside.

    A class of less than ``_LEAST`` of the frame counts less, in the measure of its share.
    """
    inside = (planes > 0).float()
    share = inside.mean(dim=(2, 3), keepdim=True).clamp(_LEAST, 1 - _LEAST)
    return inside / (2 * share) + (1 - inside) / (2 * (1 - share))
