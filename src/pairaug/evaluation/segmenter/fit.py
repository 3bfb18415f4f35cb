"""Fitting the reference segmenter, and using it.

AdamW with a one-cycle learning rate that ends at zero; cross entropy plus soft Dice against the share that each class
has of a pixel. Draws walk through the examples in seeded permutations; the places and deformations come from the seed
alone, so that runs of several arms with one seed are paired. The initial weights are always the same ones: with five
pairs two of them differ by more Dice points than the arms do (``presets``), and the instrument is not the question.
At the end of a fit the statistics of batch norm are taken once more, over ``SETTLING`` batches that are not augmented
(Wu and Johnson 2021, arXiv:2105.07576): the last few batches alone are a noisy sample, and of stranger pictures than
will be segmented. Where a preset has several members, each starts from weights of its own and sees draws of its own.
On processors with matrix units the convolutions run in bfloat16 over float32 weights (autocast), which halves the time
of a step; which precision it was is part of the segmenter's name (``identity``).
A prediction is the mean of the probabilities of the members and of four flips, brought to the image's own size, of
which ``decision`` makes labels.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from pairaug.errors import ModelError
from pairaug.evaluation.segmenter.augment import Augmenter, Draw
from pairaug.evaluation.segmenter.base import Example, Recipe
from pairaug.evaluation.segmenter.decision import decide
from pairaug.evaluation.segmenter.frames import Frame, Frames, size_at, to_picture, working_side
from pairaug.evaluation.segmenter.network import MULTIPLE, FoldedUNet
from pairaug.evaluation.segmenter.presets import Preset
from pairaug.reporting import Reporter
from pairaug.training.device import processor_precision
from pairaug.training.randomness import derive, numpy_generator

CROP = 256
WARM_UP = 0.15
WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 5.0
SETTLING = 50


class UNetSegmenter:
    """Fitted networks, whose probabilities are averaged, with the long side at which they work."""

    def __init__(self, networks: Sequence[FoldedUNet], settings: dict[str, int]) -> None:
        self.networks = [network.eval() for network in networks]
        self.settings = settings

    def probabilities(self, image: NDArray[np.floating[Any]]) -> Tensor:
        """(K, H, W) at the image's own size."""
        return torch.stack(self.members_probabilities(image)).mean(dim=0)

    @torch.inference_mode()
    def members_probabilities(self, image: NDArray[np.floating[Any]]) -> list[Tensor]:
        """What every network finds, (K, H, W) each at the image's own size."""
        picture = torch.from_numpy(to_picture(image, self.settings["side"])).permute(2, 0, 1)[None]
        height, width = picture.shape[-2:]
        padded = functional.pad(picture, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
        views = torch.cat([torch.flip(padded, axes) for axes in _FLIPS]).contiguous(memory_format=torch.channels_last)
        members = []
        for network in self.networks:
            found = _logits(network, views).softmax(dim=1)
            turned = [torch.flip(view, axes) for view, axes in zip(found, _VIEW_FLIPS, strict=True)]
            inner = torch.stack(turned).mean(dim=0)[None, :, :height, :width]
            members.append(functional.interpolate(inner, image.shape[:2], mode="bilinear", align_corners=False)[0])
        return members

    def predict(self, image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        return decide(self.probabilities(image).numpy())

    def save(self, path: Path) -> None:
        weights = {
            f"{member}.{name}": value.contiguous()
            for member, network in enumerate(self.networks)
            for name, value in network.state_dict().items()
        }
        save_file(weights, path, metadata={"segmenter": json.dumps(self.settings)})


_FLIPS: tuple[list[int], ...] = ([], [2], [3], [2, 3])
_VIEW_FLIPS: tuple[list[int], ...] = ([], [1], [2], [1, 2])


def load_segmenter(path: Path) -> UNetSegmenter:
    """What ``save`` wrote. Raises ModelError."""
    try:
        with safe_open(path, framework="pt") as file:
            settings = {key: int(value) for key, value in json.loads(file.metadata()["segmenter"]).items()}
            members: dict[str, dict[str, Tensor]] = {}
            for key in file.keys():  # noqa: SIM118
                member, _, name = key.partition(".")
                members.setdefault(member, {})[name] = file.get_tensor(key)
        networks = [_loaded(members[member], settings) for member in sorted(members, key=int)]
        if not networks:
            raise ValueError("it holds no weights")
    except Exception as error:  # a damaged file may raise anything
        raise ModelError(f"{path}: not a segmenter ({error}); delete it, and it is fitted again") from None
    return UNetSegmenter(networks, settings)


def _loaded(weights: dict[str, Tensor], settings: dict[str, int]) -> FoldedUNet:
    with torch.device("meta"):  # what the file says takes no more memory than it holds
        network = FoldedUNet(settings["channels"], settings["classes"], settings["width"])
    network.load_state_dict(weights, assign=True)
    return _channels_last(network)


def fit_segmenter(recipe: Recipe, classes: int, preset: Preset, seed: int, reporter: Reporter) -> UNetSegmenter:
    """Fit one on a recipe's examples, for as many steps and at the size that its real examples call for."""
    settings = {
        "channels": int(recipe.real[0].image.shape[2]),
        "classes": classes,
        "width": preset.width,
        "side": working_side(recipe.real, classes),
    }
    members = preset.members_at(len(recipe.real))
    steps = preset.steps(len(recipe.real)) // members
    networks = [
        _fitted(recipe, settings, preset, (member, members), steps, derive(seed, "member", member), reporter)
        for member in range(members)
    ]
    reporter.end_progress()
    return UNetSegmenter(networks, settings)


def _fitted(
    recipe: Recipe,
    settings: dict[str, int],
    preset: Preset,
    place: tuple[int, int],
    steps: int,
    seed: int,
    reporter: Reporter,
) -> FoldedUNet:
    """One network, from the initial weights of this member's number; ``place``: it, and how many members there are."""
    member, members = place
    network = _built(settings, derive(member, "segmenter weights"))
    optimiser = torch.optim.AdamW(network.parameters(), lr=preset.rate, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, preset.rate, total_steps=steps, pct_start=WARM_UP)
    for step, (pictures, shares) in enumerate(
        itertools.islice(_batches(recipe, settings, preset.batch_size, seed), steps)
    ):
        loss = _loss(_logits(network, pictures.contiguous(memory_format=torch.channels_last)), shares)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        reporter.progress(member * steps + step + 1, members * steps, "steps")
    plain = replace(recipe, augmentation="none")
    _settle(network, _batches(plain, settings, preset.batch_size, derive(seed, "settling")))
    return network


@torch.no_grad()
def _settle(network: FoldedUNet, batches: Iterator[tuple[Tensor, Tensor]]) -> None:
    """The statistics of batch norm as plain means over ``SETTLING`` batches."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    for pictures, _ in itertools.islice(batches, SETTLING):
        _logits(network, pictures.contiguous(memory_format=torch.channels_last))


def _logits(network: FoldedUNet, pictures: Tensor) -> Tensor:
    """What the network says, float32; its convolutions run in the precision that suits the processor."""
    with torch.autocast("cpu", torch.bfloat16, enabled=processor_precision() == torch.bfloat16):
        found: Tensor = network(pictures).float()
    return found


def _built(settings: dict[str, int], seed: int) -> FoldedUNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _channels_last(FoldedUNet(settings["channels"], settings["classes"], settings["width"]))


def _channels_last(network: FoldedUNet) -> FoldedUNet:
    """The weights in the layout that is twice as quick as the default with so few channels."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return network


def _batches(recipe: Recipe, settings: dict[str, int], size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    real, synthetic = (Frames(some, settings["side"], settings["classes"]) for some in (recipe.real, recipe.synthetic))
    crop = _crop_size(recipe.real, settings["side"])
    augmenter = Augmenter(crop, recipe.augmentation)
    of_real = _walk(real, numpy_generator(seed, "order of real"))
    of_synthetic = _walk(synthetic, numpy_generator(seed, "order of synthetic"))
    for step in itertools.count():
        rng = numpy_generator(seed, "augmentation", step)
        before, after = (int((step + turn) * size * recipe.synthetic_share + 1e-9) for turn in (0, 1))
        frames = [next(of_synthetic) for _ in range(after - before)]
        frames += [next(of_real) for _ in range(size - len(frames))]
        yield augmenter.crops([Draw(frame, _centre(frame, crop, rng)) for frame in frames], rng)


def _crop_size(examples: Sequence[Example], side: int) -> tuple[int, int]:
    """At most ``CROP``; where the pictures are smaller, their largest extent in whole ``MULTIPLE``s."""
    heights, widths = zip(*(size_at(example.labels.shape, side) for example in examples), strict=True)
    height, width = (min(CROP, -(-max(extents) // MULTIPLE) * MULTIPLE) for extents in (heights, widths))
    return height, width


def _walk(frames: Frames, rng: np.random.Generator) -> Iterator[Frame]:
    """All frames in a new order, again and again."""
    while True:
        for index in rng.permutation(len(frames)):
            yield frames[int(index)]


def _centre(frame: Frame, crop: Sequence[int], rng: np.random.Generator) -> tuple[float, float]:
    """A place for the crop's middle: anywhere that keeps the crop inside, in half of the draws near the foreground."""
    place, near, which = rng.random(2), rng.random() < 0.5, rng.random()
    size = np.array(frame.planes.shape[1:])
    margin = np.minimum(np.array(crop) / 2 / size, 0.5)
    if near and frame.foreground.size:
        row, column = divmod(int(frame.foreground[int(which * frame.foreground.size)]), int(size[1]))
        place = np.clip((np.array([row, column]) + 0.5) / size, margin, 1 - margin)
    else:
        place = margin + place * (1 - 2 * margin)
    return float(place[0]), float(place[1])


def _loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross entropy plus 1 - soft Dice, the mean over foreground classes of the whole batch.

    With squares below the line (Milletari et al. 2016, V-Net): without them the gradient of a class that is not found
    yet vanishes, and a rare one stays lost for good from three initial weights in six.
    """
    logs = functional.log_softmax(logits, dim=1)
    entropy = -(shares * logs).sum(dim=1).mean()
    found, wanted = logs.exp()[:, 1:], shares[:, 1:]
    both = (found * wanted).sum(dim=(0, 2, 3))
    total = (found**2).sum(dim=(0, 2, 3)) + (wanted**2).sum(dim=(0, 2, 3))
    return entropy + (1 - (2 * both + 1) / (total + 1)).mean()
