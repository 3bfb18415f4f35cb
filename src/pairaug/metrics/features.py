"""Features of images and masks without a download: a fixed random convolutional network, moments, and layout.

Each item is brought to ``SIDE`` x ``SIDE`` by area and looked at at three scales (1, 1/2, 1/4). At each, a first layer
of random zero-mean 5x5 filters responds to local contrast, h1 = log(1 + g |w1 * x|); a second layer mixes what the
first found over a wider field, h2 = relu(w2 * pool2(h1)). Means and standard deviations of both over the picture are
the features: random filters with rectification and pooling keep texture statistics (Saxe et al. 2011; Ustyuzhaninov
et al. 2017). Beside them, each channel's share of Haar detail energy in seven octaves, in logarithms (the share of the
finest falls steeply with the slightest blur, whatever the contrast); mean, deviation, skewness and quantiles; the
correlations between channels; and a 4 x 4 thumbnail.

What they see: sharpness, grain, contrast, colour, texture of a few pixels' extent at 256 px, and coarse layout.
What they do not: detail finer than 1/256 of the side, the arrangement of parts beyond a 4 x 4 thumbnail, meaning (a
vessel that ends nowhere), whether an image fits its mask.

The weights come from a numpy generator of a fixed seed, apart from any other random state; ``network_digest`` goes
into the report, since figures are comparable only between equal digests. Raw features have all units; ``standardise``
divides by the spread within the sets, block by block, so that no block wins by its number of columns.

Enters: images (H, W) or (H, W, C), floating point in [0, 1]; or labels (H, W), looked at as the picture of their
foreground classes. Leaves: float64 (n, d); d depends on C alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pairaug.machine.device import CPU
from pairaug.metrics.reduction import FloatArray, as_channels, one_hot, reduce_area

Features = NDArray[np.float64]

SIDE = 256
SCALES = (1, 2, 4)
WIDTH = 24
GAIN = 10.0
OCTAVES = 7
THUMBNAIL = 4
FAINTEST = 1e-7  # energy below the rounding of 12 bits tells nothing
SEED = 20240607


@dataclass(frozen=True)
class RandomNetwork:
    """Two layers of fixed random filters: (WIDTH, C, 5, 5) without a mean, and (WIDTH, WIDTH, 3, 3)."""

    first: torch.Tensor
    second: torch.Tensor


@lru_cache(maxsize=8)
def random_network(channels: int) -> RandomNetwork:
    """The network for images of this many channels; always the same."""
    rng = np.random.default_rng([SEED, channels])
    first = rng.standard_normal((WIDTH, channels, 5, 5))
    first -= first.mean(axis=(2, 3), keepdims=True)  # each channel's own level must not pass
    second = rng.standard_normal((WIDTH, WIDTH, 3, 3))
    second -= second.mean(axis=(1, 2, 3), keepdims=True)
    return RandomNetwork(*(_unit_filters(weights) for weights in (first, second)))


@lru_cache(maxsize=8)
def _network_on(channels: int, device: torch.device) -> RandomNetwork:
    network = random_network(channels)
    return RandomNetwork(network.first.to(device), network.second.to(device))


def network_digest(channels: int) -> str:
    """SHA-256 (hex) of the weights and of the settings that decide what a feature means."""
    network = random_network(channels)
    digest = hashlib.sha256(repr((SIDE, SCALES, GAIN, OCTAVES, THUMBNAIL)).encode())
    for weights in (network.first, network.second):
        digest.update(weights.numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def image_features(image: NDArray[np.floating[Any]], device: torch.device = CPU) -> Features:
    """Features (d,) of one image (H, W) or (H, W, C) in [0, 1]; their order: see ``block_lengths``.

    ``device``: where the network is computed; another one gives other last digits.
    """
    reduced = reduce_area(as_channels(image), SIDE, SIDE)
    return np.concatenate(
        [_network_features(reduced, device), _octaves(reduced), _moments(reduced), _thumbnail(reduced)]
    )


def mask_features(labels: NDArray[np.integer[Any]], classes: int, device: torch.device = CPU) -> Features:
    """Features (d,) of one mask (H, W) in [0, classes), the same as of an image with a channel a foreground class."""
    return image_features(one_hot(labels, classes), device)


def image_set_features(images: Iterable[NDArray[np.floating[Any]]]) -> Features:
    """Features (n, d) of a stream of images of one number of channels; holds one image at a time."""
    return np.stack([image_features(image) for image in images])


def block_lengths(channels: int) -> tuple[int, int, int, int]:
    """How many features come from the network, the octaves, the moments and the thumbnail."""
    return (
        len(SCALES) * 4 * WIDTH,
        OCTAVES * channels,
        6 * channels + channels * (channels - 1) // 2,
        THUMBNAIL**2 * channels,
    )


def standardise(*sets: Features, channels: int) -> tuple[Features, ...]:
    """Centre and scale all sets (n, d) alike; every block then weighs the same.

    The scale is the deviation within the sets, pooled: with that of the real set alone, real items would be nearer to
    each other than to unseen ones of their own kind, for theirs is the spread that was divided by (six drawn images
    against six of the same generator: MMD 1.3 times real halves, a p below 0.05 in half of the cases; pooled 1.04 and 8
    %, by hand). How far the sets lie apart is no part of it. A feature that is constant within every set is scaled by
    the median deviation of its block, lest it vanish or explode.
    """
    blocks = np.repeat(np.arange(4), block_lengths(channels))
    freedom = max(1, sum(map(len, sets)) - len(sets))
    scale = np.sqrt(sum(((one - one.mean(axis=0)) ** 2).sum(axis=0) for one in sets) / freedom)
    for block in range(4):
        own = blocks == block
        varying = scale[own & (scale > 1e-9)]
        scale[own & (scale <= 1e-9)] = np.median(varying) if varying.size else 1.0
        scale[own] *= np.sqrt(own.sum())
    centre = sets[0].mean(axis=0)
    return tuple((features - centre) / scale for features in sets)


def _unit_filters(weights: Features) -> torch.Tensor:
    norms = np.sqrt((weights**2).sum(axis=(1, 2, 3), keepdims=True))
    return torch.from_numpy((weights / norms).astype(np.float32))


@torch.inference_mode()
def _network_features(reduced: FloatArray, device: torch.device) -> Features:
    """Means and deviations of both layers at every scale, (len(SCALES) * 4 * WIDTH,)."""
    network = _network_on(reduced.shape[-1], device)
    picture = torch.from_numpy(np.ascontiguousarray(reduced.transpose(2, 0, 1)))[None].to(device)
    found = []
    for scale in SCALES:
        scaled = functional.avg_pool2d(picture, scale)
        first = torch.log1p(GAIN * functional.conv2d(scaled, network.first).abs())
        second = functional.relu(functional.conv2d(functional.avg_pool2d(first, 2), network.second))
        for layer in (first, second):
            found += [layer.mean(dim=(0, 2, 3)), layer.std(dim=(0, 2, 3))]
    return torch.cat(found).cpu().numpy().astype(np.float64)


def _octaves(reduced: FloatArray) -> Features:
    """log of the share of each channel's Haar detail energy in each octave, finest first, (OCTAVES * C,).

    The energy lost when 2x2 pixels become their mean is the energy of that octave's details.
    """
    level = reduced.astype(np.float64)
    energies = [(level**2).mean(axis=(0, 1))]
    for _ in range(OCTAVES):
        rows, columns, channels = level.shape
        level = level.reshape(rows // 2, 2, columns // 2, 2, channels).mean(axis=(1, 3))
        energies.append((level**2).mean(axis=(0, 1)))
    details = -np.diff(energies, axis=0) + FAINTEST
    shares: Features = np.log(details / details.sum(axis=0))
    return shares.ravel()


def _moments(reduced: FloatArray) -> Features:
    """Mean, deviation, skewness, 5 / 50 / 95 % quantiles of each channel, and the channels' correlations."""
    pixels = reduced.reshape(-1, reduced.shape[-1]).astype(np.float64)
    mean, deviation = pixels.mean(axis=0), pixels.std(axis=0)
    normal = (pixels - mean) / np.maximum(deviation, 1e-6)
    quantiles = np.quantile(pixels, [0.05, 0.5, 0.95], axis=0)
    correlations = (normal.T @ normal / len(normal))[np.triu_indices(pixels.shape[1], 1)]
    return np.concatenate([mean, deviation, np.cbrt((normal**3).mean(axis=0)), quantiles.ravel(), correlations])


def _thumbnail(reduced: FloatArray) -> Features:
    return reduce_area(reduced, THUMBNAIL, THUMBNAIL).ravel().astype(np.float64)
