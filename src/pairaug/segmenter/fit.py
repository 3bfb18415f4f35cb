"""Fitting the reference segmenter, and using it.

AdamW at a constant rate after a short warm-up; cross entropy plus soft Dice against the share that each class has of a
pixel. What is looked at is not the network of the last step but a mean of its weights over the last steps, of a length
that grows with the steps taken (power-function average, Karras et al. 2024, arXiv:2312.02696, relative width 0.1).
That quiets it as a falling rate does, and does so at every number of steps: one fit gives its scores over training.

What a seed draws it draws in every arm (``batches``). The initial weights are always the same ones: with five pairs
two of them differ by more Dice points than the arms do, and the instrument is not the question.
Before a look the statistics of batch norm are taken once more for the mean weights, over ``SETTLING`` batches that are
not augmented (Wu and Johnson 2021, arXiv:2105.07576).
On processors that multiply in bfloat16 the convolutions run in it over float32 weights, which halves the time of a
step (``machine.precision``); which precision it was is part of the segmenter's name (``identity``).
Batches are drawn on the processor, and the network is computed on ``device``; on a GPU in float32, and not the same to
the last bit in two runs, for its libraries add in an order of their own.
A prediction is the mean of the probabilities of four flips, brought to the image's own size, of which ``decision``
makes labels.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from pairaug.errors import ModelError
from pairaug.fitted.header import read_metadata
from pairaug.json_text import parse_json
from pairaug.machine.device import CPU
from pairaug.machine.precision import choose_precision, in_precision
from pairaug.machine.randomness import derive
from pairaug.models.layers import build, torch_default_weights
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Look, Recipe
from pairaug.segmenter.batches import Batches, SegmenterBatch
from pairaug.segmenter.decision import decide
from pairaug.segmenter.frames import KeptFrames, to_picture, working_side
from pairaug.segmenter.network import MULTIPLE, FoldedUNet
from pairaug.segmenter.presets import Preset

WARM_UP = 100  # steps
WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 5.0
SETTLING = 50
POWER = 6.94  # of the average's weights over steps: a relative width of 0.1


class UNetSegmenter:
    """A fitted network with the long side at which it works. It computes where its weights are."""

    def __init__(self, network: FoldedUNet, settings: dict[str, int]) -> None:
        self.network = network.eval()
        self.settings = settings

    @torch.inference_mode()
    def probabilities(self, image: NDArray[np.floating[Any]], *, flips: bool = True) -> Tensor:
        """(K, H, W) at the image's own size; without ``flips`` it is looked at once, in a quarter of the time.

        Comes from the processor's memory, wherever it was computed.
        """
        device = next(self.network.parameters()).device
        picture = torch.from_numpy(to_picture(image, self.settings["side"])).permute(2, 0, 1)[None].to(device)
        height, width = picture.shape[-2:]
        padded = functional.pad(picture, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
        views = len(_FLIPS) if flips else 1
        found = _logits(self.network, torch.cat([torch.flip(padded, axes) for axes in _FLIPS[:views]])).softmax(dim=1)
        turned = [torch.flip(view, axes) for view, axes in zip(found, _VIEW_FLIPS[:views], strict=True)]
        inner = torch.stack(turned).mean(dim=0)[None, :, :height, :width]
        return functional.interpolate(inner, image.shape[:2], mode="bilinear", align_corners=False)[0].cpu()

    def predict(self, image: NDArray[np.floating[Any]], *, flips: bool = True) -> NDArray[np.uint8]:
        return decide(self.probabilities(image, flips=flips).numpy())

    def save(self, path: Path) -> None:
        weights = {name: value.cpu().contiguous() for name, value in self.network.state_dict().items()}
        save_file(weights, path, metadata={"segmenter": json.dumps(self.settings)})


_FLIPS: tuple[list[int], ...] = ([], [2], [3], [2, 3])
_VIEW_FLIPS: tuple[list[int], ...] = ([], [1], [2], [1, 2])


def load_segmenter(path: Path, device: torch.device = CPU) -> UNetSegmenter:
    """What ``save`` wrote, to compute on ``device``. Raises ModelError."""
    try:
        data = path.read_bytes()
        settings = {key: int(value) for key, value in parse_json(read_metadata(data)["segmenter"]).items()}
        return segmenter_of(load_tensors(data), settings, device)
    except Exception as error:  # a damaged file may raise anything
        raise ModelError(f"{path}: not a segmenter ({error}); delete it, and it is fitted again") from None


def segmenter_of(weights: dict[str, Tensor], settings: dict[str, int], device: torch.device = CPU) -> UNetSegmenter:
    """A segmenter of stored weights. Raises RuntimeError where they do not fit the settings."""
    return UNetSegmenter(_loaded(weights, settings).to(device), settings)


def _loaded(weights: dict[str, Tensor], settings: dict[str, int]) -> FoldedUNet:
    with torch.device("meta"):  # what the file says takes no more memory than it holds
        network = FoldedUNet(settings["channels"], settings["classes"], settings["width"])
    network.load_state_dict(weights, assign=True)
    return _channels_last(network)


def fit_segmenter(
    recipe: Recipe,
    classes: int,
    preset: Preset,
    seed: int,
    reporter: Reporter,
    kept: KeptFrames | None = None,
    look: Look | None = None,
    device: torch.device = CPU,
) -> UNetSegmenter:
    """Fit one on a recipe's examples, for as many steps and at the size that its real examples call for.

    ``kept``: frames of earlier fits, where several share their examples. ``look`` is shown the segmenter at each number
    of steps of the preset's schedule; what it is shown changes when the fit goes on.
    """
    settings = {
        "channels": int(recipe.real[0].image.shape[2]),
        "classes": classes,
        "width": preset.width,
        "side": working_side(recipe.real, classes),
    }
    batches = Batches(recipe, settings["side"], classes, kept or KeptFrames())
    points = preset.schedule(len(recipe.real))
    network, average = (_built(settings, derive(0, "segmenter weights")).to(device) for _ in range(2))
    shown = UNetSegmenter(average, settings)
    draws = derive(seed, "segmenter")
    drawn = batches.draw(preset.batch_size, draws, total=points[-1])
    for step, _ in enumerate(_training(network, drawn, points[-1], preset.rate), start=1):
        _average(average, network, step)
        reporter.progress(step, points[-1], "steps")
        if step in points:
            _settle(average, batches.draw(preset.batch_size, derive(draws, "settling"), plain=True))
            if look is not None:
                look(step, shown)
    reporter.end_progress()
    return shown


def _training(network: FoldedUNet, batches: Iterable[SegmenterBatch], steps: int, rate: float) -> Iterator[None]:
    """Take ``steps`` optimiser steps with the network, one each time that it is asked."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
    device = next(network.parameters()).device
    for step, (pictures, shares) in enumerate(itertools.islice(batches, steps), start=1):
        optimiser.param_groups[0]["lr"] = rate * min(1.0, step / WARM_UP)
        loss = _loss(_logits(network, pictures.to(device)), shares.to(device))
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        yield


@torch.no_grad()
def _average(average: FoldedUNet, network: FoldedUNet, step: int) -> None:
    """Move the mean weights to hold those of ``step``, counted from 1, with a weight of about ``step ** POWER``."""
    share = 1 - (1 - 1 / step) ** (POWER + 1)
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, share)


@torch.no_grad()
def _settle(network: FoldedUNet, batches: Iterable[SegmenterBatch]) -> None:
    """The statistics of batch norm as plain means over ``SETTLING`` batches; the network is ready to be used then."""
    network.train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    device = next(network.parameters()).device
    for pictures, _ in itertools.islice(batches, SETTLING):
        _logits(network, pictures.to(device))
    network.eval()


def _logits(network: FoldedUNet, pictures: Tensor) -> Tensor:
    """What the network says, float32; its convolutions run in the precision that suits the device."""
    laid_out = pictures.contiguous(memory_format=torch.channels_last)
    with in_precision(choose_precision("auto", pictures.device), pictures.device.type):
        found: Tensor = network(laid_out).float()
    return found


def _built(settings: dict[str, int], seed: int) -> FoldedUNet:
    """A network with the weights of ``seed``, whatever other threads draw meanwhile."""
    network = build(
        lambda: FoldedUNet(settings["channels"], settings["classes"], settings["width"]),
        torch.Generator().manual_seed(seed),
        torch_default_weights,
    )
    assert isinstance(network, FoldedUNet)
    return _channels_last(network)


def _channels_last(network: FoldedUNet) -> FoldedUNet:
    """The weights in the layout that is twice as quick as the default with so few channels."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return network


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
