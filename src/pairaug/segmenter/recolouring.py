"""Another picture's colours: histogram matching, and the amplitude swap of Yang and Soatto (2020, FDA).

Both take from a donor only a short summary, made once and kept, so that thousands of donors fit into memory: the
quantiles of each channel, or the amplitudes of its low frequencies. Pictures and donors are standardised, and so is
the result: a segmenter never sees a picture's mean and contrast, but it sees the shape of its histogram, the balance
of its channels and its shading, which are what is taken over. Labels are never touched.
Enters: a picture (C, H, W) of zero mean and unit deviation; a donor (H, W, C) in [0, 1]. Leaves: a picture alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.metrics.reduction import FloatArray
from pairaug.segmenter.frames import KEPT_BYTES, standardised, to_picture

Summary = Callable[[FloatArray], FloatArray]

LEVELS = (np.arange(1024) + 0.5) / 1024
BANDS = (0.01, 0.1)  # the half width of the square of swapped frequencies, as a share of the picture's short side
# The bit patterns of half precision from the lowest number to the highest: negative ones count backward.
ASCENDING = np.concatenate([np.arange(0xFBFF, 0x7FFF, -1), np.arange(0x7C00)])


class Donors:
    """Summaries of images, each made when it is first asked for and kept while ``KEPT_BYTES`` allow."""

    def __init__(self, images: Sequence[NDArray[np.floating[Any]]], side: int, summary: Summary) -> None:
        self._images, self._side, self._summary = images, side, summary
        self._kept: dict[int, FloatArray] = {}
        self._bytes = 0

    def any(self, rng: np.random.Generator) -> FloatArray:
        """The summary of a random one."""
        index = int(rng.integers(len(self._images)))
        found = self._kept.get(index)
        if found is None:
            found = self._summary(np.ascontiguousarray(to_picture(self._images[index], self._side).transpose(2, 0, 1)))
            if self._bytes + found.nbytes <= KEPT_BYTES:
                self._kept[index] = found
                self._bytes += found.nbytes
        return found


def quantiles(picture: FloatArray) -> FloatArray:
    """(C, levels): every channel's quantiles at ``LEVELS``."""
    found: FloatArray = np.quantile(picture.reshape(len(picture), -1), LEVELS, axis=1).T.astype(np.float32)
    return found


def matched(picture: NDArray[np.float16], wanted: FloatArray) -> FloatArray:
    """Every level of every channel replaced by the donor's at the same rank; equal levels share their middle rank.

    ``wanted``: the donor's ``quantiles``. There are 65,536 numbers in half precision, so ranks are counted, not sorted.
    """
    found = np.empty(picture.shape, np.float32)
    for channel, out, donor in zip(picture, found, wanted, strict=True):
        patterns = np.ascontiguousarray(channel).view(np.uint16)
        counts = np.bincount(patterns.ravel(), minlength=2**16)[ASCENDING]
        there = counts > 0
        ranks = (np.cumsum(counts) - counts / 2)[there] / channel.size
        table = np.zeros(2**16, np.float32)
        table[ASCENDING[there]] = np.interp(ranks, LEVELS, donor)
        out[:] = table[patterns]
    return standardised(found)


def amplitudes(picture: FloatArray) -> FloatArray:
    """(C, 2 b + 1, b + 1): the means' values, and the amplitudes a pixel of the frequencies up to ``BANDS[1]``.

    Row b + k holds k cycles a picture downward, column l holds l cycles across. In [0, 1] a mean has no phase of its
    own; in a standardised picture its sign stands for it, so it is kept.
    """
    spectrum = _spectrum(picture)
    half = _half_width(picture.shape, BANDS[1])
    rows = np.arange(-half, half + 1)
    found: FloatArray = np.abs(spectrum[:, rows, : half + 1])
    found[:, half, 0] = spectrum[:, 0, 0].real
    return found


def swapped(picture: FloatArray, donor: FloatArray, band: float, strength: float) -> FloatArray:
    """The picture with its own phases and, of the low frequencies, the donor's amplitudes at a share of ``strength``.

    ``donor``: its ``amplitudes``; ``band`` as in ``BANDS``. Frequencies count cycles a picture, so that donors of
    another shape are used as if they were stretched to this one.
    """
    spectrum = _spectrum(picture)
    theirs = donor.shape[2] - 1
    half = min(_half_width(picture.shape, band), theirs)
    rows, middle = np.arange(-half, half + 1), donor[:, theirs - half : theirs + half + 1, : half + 1]
    own = spectrum[:, rows, : half + 1]
    size = np.abs(own)
    mixed = own * (1 + strength * (middle - size) / np.maximum(size, 1e-9))
    mixed[:, half, 0] = own[:, half, 0].real + strength * (middle[:, half, 0] - own[:, half, 0].real)
    spectrum[:, rows, : half + 1] = mixed
    back = torch.fft.irfft2(torch.from_numpy(spectrum), s=picture.shape[1:], norm="forward")
    return standardised(back.numpy())


def draw_swap(rng: np.random.Generator) -> tuple[float, float]:
    """A band, and a strength in (0, 1]."""
    return float(rng.uniform(*BANDS)), 1 - float(rng.random())


def _spectrum(picture: FloatArray) -> NDArray[np.complex64]:
    """(C, H, W // 2 + 1), the frequencies of a real picture; every coefficient a mean over its pixels."""
    found: NDArray[np.complex64] = torch.fft.rfft2(torch.from_numpy(picture), norm="forward").numpy()
    return found


def _half_width(shape: Sequence[int], band: float) -> int:
    """How many frequencies on either side of the mean belong to ``band``; fewer than the picture has."""
    shortest = min(shape[1:])
    return min(int(band * shortest), (shortest - 1) // 2)
