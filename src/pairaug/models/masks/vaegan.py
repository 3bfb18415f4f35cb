"""vaegan: a variational auto-encoder for masks, with an auto-encoder as its discriminator, on signed distances.

The future work of Zhou, Gao and Zhu, "Paired GAN" (2023), after Khan, Hayat and Porikli, "Adversarial Training of
Variational Auto-encoders for High Fidelity Image Generation" (2018). With planes x of signed distances
(``models.signed_distances``), the encoder E, the generator G, the discriminator D = (its code c, its decoder), the
error e(x) = |x - D(x)|_1, a code z ~ E(x) and one of the prior z' ~ N(0, I):

    L_D     = e(x) - k e(fake)                 k <- clip(k + 0.01 (balance e(x) - e(fake)), 0, 1)
    L_E,G   = |x - G(z)|_w^2 + kl_weight KL(E(x) | N(0, I))
              + adversarial_weight (|e(x) - e(G(z))| + |e(x) - e(G(z'))|) / 2 + likeness_weight (1 - cos(c(x), c(G(z))))

D knows what is real by coding it well; k is the feedback that lets it learn to code fakes badly only while they are
too easy. As Khan et al. match the losses of real and fake and their likeness in D's code, so are they here: driving
e(G(z')) down instead makes G draw nothing, the mask that is easiest to code.

What is chosen here: signed distances in the place of hard masks; the weights w, by which the inside of a class counts
as much as the outside, or small classes vanish from the mean of what is possible; free bits (Kingma et al. 2016): a
value of the code costs nothing below ``free_bits`` nats, so that it does not collapse, and the noise on the rest of it
keeps a code from recalling one mask; every mask is seen in small moves and, where the data show them, flips; the
weights that are kept are an average over training. Networks are convolutional and fold 4 x 4 pixels into one
place (distances are smooth); they have about half a million weights, G 130,000 of them. Masks are decoded at the size
wanted, by the sign of the foreground's distance and the largest of the classes' inside it.

What it draws after 900 images of 5 masks, by eye, of 20 each. Blood cells: crisp and new ones of many sizes and shapes,
nuclei inside them, rounder than real ones; 4 had no nucleus, 1 was in three pieces. Lesions in CT: smooth blobs where
lesions lie, none of the small and ragged ones that half of the real masks consist of; 2 were empty (``--area`` keeps
those out). Vessels and nuclei were not looked at; a line thinner than a pixel of the working side can hardly be held.

Measured by ``tests/benchmarks/mask_generators.py DATA --sets cells,ct --models vaegan,warp --draws 0 --count 30``, 5
masks against all of the training list; a ratio of 1 is like real masks, coverage is beside that of held-out real ones:

                     ratios at most 1.5   above 2   median   coverage
    cells  vaegan            40 %           35 %     1.83    0.47 of 0.89
           warp              75 %           10 %     1.05    0.68 of 0.90
    ct     vaegan             0 %           70 %     3.00    0.12 of 0.89
           warp              70 %            0 %     1.18    0.79 of 0.90

So it is a baseline, and no match for what bends or recomposes real masks: from 5 masks it learns where objects lie and
how large they are, and not what their outlines look like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pairaug.models.base import MaskGenerator, Sample, Shape, load_exactly, refuse_negative, require_positive
from pairaug.models.folded import Decoder
from pairaug.models.layers import build, he_weights
from pairaug.models.signed_distances import distance_plane_count, distances_to_labels


@dataclass(frozen=True)
class VAEGANConfig:
    """``code``: values in z; ``width``: channels of the finest maps, the others have twice as many.

    ``reach``: of the distances, as a share of the side; ``views``: moves of each mask seen in one step, of at most
    ``turn`` degrees, ``scale`` (logarithm) and ``shift`` (share of the side); the weights and ``balance`` as above.
    """

    code: int = 24
    width: int = 32
    reach: float = 0.12
    views: int = 2
    turn: float = 10.0
    scale: float = 0.1
    shift: float = 0.05
    kl_weight: float = 2e-3
    free_bits: float = 0.1
    adversarial_weight: float = 0.5
    likeness_weight: float = 0.1
    balance: float = 0.9
    learning_rate: float = 2e-3
    beta1: float = 0.5

    def __post_init__(self) -> None:
        require_positive(self, "code", "width", "reach", "views", "balance", "learning_rate")
        refuse_negative(
            self, "turn", "scale", "shift", "kl_weight", "free_bits", "adversarial_weight", "likeness_weight"
        )


class VAEGAN(MaskGenerator):
    """Masks from codes drawn from N(0, I), decoded to classes at the size wanted."""

    name: ClassVar[str] = "vaegan"
    Config = VAEGANConfig

    def __init__(self, config: VAEGANConfig, shape: Shape, generator: torch.Generator) -> None:
        super().__init__(config, shape, generator)
        self.planes = distance_plane_count(shape.classes)
        self.reach = max(1, round(config.reach * min(shape.height, shape.width)))
        self.generator = build(
            lambda: Decoder(config.code, self.planes, config.width, shape.height, shape.width), generator, he_weights
        )

    @torch.no_grad()
    def sample(self, generator: torch.Generator, size: tuple[int, int]) -> Sample:
        return Sample(distances_to_labels(self.generator(self.noise(1, generator)), size)[0])

    def inference_state(self) -> dict[str, Tensor]:
        return dict(self.generator.state_dict())

    def load_inference_state(self, state: Mapping[str, Tensor]) -> None:
        load_exactly(self.generator, state)

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, code) from N(0, I), on the device of the weights."""
        noise = torch.randn(count, self.config.code, generator=generator)
        return noise.to(next(self.generator.parameters()).device)
