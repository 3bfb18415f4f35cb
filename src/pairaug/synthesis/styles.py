"""The pictures in whose manner a synthesis paints (``--style-from``): images without masks, perhaps of another site.

Enters: a folder or a list of images. Leaves: painted pictures, each in the manner of a random one of them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pairaug.arrays.examples import in_common
from pairaug.arrays.tensors import to_unit
from pairaug.files import digest_bytes
from pairaug.fitted.model_file import FittedModel
from pairaug.fitted.seen import Seen
from pairaug.machine.randomness import numpy_generator
from pairaug.models.restyling import Manner, restyled
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.source import Selection
from pairaug.pairs.unlabelled import CheckedImages, open_images, refuse_unlike
from pairaug.synthesis.reading import reading_of

_MOST_KEPT = 512  # manners, of 0.2 MB each


class Styles:
    """May be asked from several threads."""

    def __init__(self, images: CheckedImages, channels: int, intensity: tuple[int, int]) -> None:
        self._images, self._channels, self._intensity = images, channels, intensity
        self._kept: dict[int, Manner] = {}
        self._lock = threading.Lock()

    @property
    def digests(self) -> list[str]:
        """Of the files of the images."""
        return [item.digest for item in self._images.images]

    @property
    def digest(self) -> str:
        return digest_bytes("".join(self.digests).encode())

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of them, among the models."""
        seen = [Seen(item.digest, None, ("style",)).row() for item in self._images.images]
        return {"images": len(seen), "sha256": self.digest, "seen": seen}

    def applied(self, image: Tensor, seed: int, number: int, attempt: int) -> Tensor:
        """``image`` (C, H, W) in [-1, 1] in the manner of the one that falls to this attempt at this pair."""
        rng = numpy_generator(seed, "style", number, attempt)
        manner = self._manner(int(rng.integers(len(self._images.images))))
        return torch.from_numpy(restyled(image.numpy(), manner, rng))

    def _manner(self, index: int) -> Manner:
        with self._lock:
            found = self._kept.get(index)
            if found is None:
                found = Manner.of(self._picture(index))
                if len(self._kept) < _MOST_KEPT:
                    self._kept[index] = found
            return found

    def _picture(self, index: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        images, pair = self._images, self._images.images[index].pair
        pixels = decode_image(images.root / pair.image, images.decode, pair.glued)[0]
        unit: np.ndarray[Any, np.dtype[np.float32]] = to_unit(
            in_common(pixels, self._channels, self._intensity), self._intensity
        ).numpy()
        return unit.clip(-1, 1)


def find_styles(source: Path, translator: FittedModel) -> Styles:
    """Raises DataError for images that cannot be used, and for grey beside colour."""
    decode = reading_of(translator, "--style-from").decode
    images = open_images(source, Selection(), decode, skip_bad=False)
    channels = translator.shape.channels
    refuse_unlike(str(source), images, channels, grey=channels == 1, deep=translator.intensity[1] > 255)
    return Styles(images, channels, translator.intensity)
