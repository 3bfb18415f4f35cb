"""The training data as examples at their own size: decoded when they are asked for, kept as bytes while memory allows.

Enters: a checked data set, and images without masks where there are any. Leaves: a sequence of ``Example``: masks as
classes, images at one depth and with one number of channels, whatever each file holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from pairaug.arrays.resampling import resize_image, resize_labels
from pairaug.models.base import Example
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes, load_image
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.levels import deep_pixels
from pairaug.pairs.unlabelled import CheckedImages

# What is kept decoded: 20,000 squares of 128 pixels in colour with their masks, or 80 pictures of 12 megapixels.
CACHE_BYTES = 2**30


class Examples(Sequence[Example]):
    """Pairs first, then the images without masks.

    ``channels``: of every image, 0 where only masks are learnt; ``size``: the (height, width) that every example is
    brought to, None for its own; ``unlabelled``: images without masks; ``found``: for each of them what a segmenter
    finds in it, where that is known.
    """

    def __init__(
        self,
        checked: Checked,
        channels: int,
        size: tuple[int, int] | None = None,
        *,
        unlabelled: CheckedImages | None = None,
        found: Sequence[NDArray[np.uint8]] | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.checked, self.channels, self.size, self.unlabelled = checked, channels, size, unlabelled
        self.found = found
        self._room, self._held = cache_bytes, 0
        self._kept: OrderedDict[int, Example] = OrderedDict()

    def __len__(self) -> int:
        return len(self.checked.pairs) + (len(self.unlabelled.images) if self.unlabelled else 0)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        known = self._kept.get(index)
        if known is not None:
            self._kept.move_to_end(index)
            return known
        example = self._decoded(index)
        self._keep(index, example)
        return example

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    def _decoded(self, index: int) -> Example:
        pairs = len(self.checked.pairs)
        if index >= pairs:
            return self._bare(index - pairs)
        checked, item = self.checked, self.checked.pairs[index]
        labels = load_classes(checked.root, item, checked.policy, checked.label_map)
        if self.size:
            labels = resize_labels(labels, *self.size)
        image = self._levels(load_image(checked.root, item, checked.policy)) if self.channels else None
        return Example(labels, image, checked.intensity)

    def _bare(self, index: int) -> Example:
        assert self.unlabelled is not None
        images, pair = self.unlabelled, self.unlabelled.images[index].pair
        pixels = self._levels(decode_image(images.root / pair.image, images.decode, pair.glued)[0])
        found = self.found[index] if self.found is not None else None
        if found is not None and self.size:
            found = resize_labels(found, *self.size)
        return Example(None, pixels, self.checked.intensity, found)

    def _levels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """A decoded image at the size, in the channels and at the depth of all."""
        if self.size:
            pixels = resize_image(pixels, *self.size)
        return in_common(pixels, self.channels, self.checked.intensity)

    def _keep(self, index: int, example: Example) -> None:
        size = _bytes(example)
        if size > self._room:
            return
        self._kept[index] = example
        self._held += size
        while self._held > self._room:
            _, oldest = self._kept.popitem(last=False)
            self._held -= _bytes(oldest)


def in_common(pixels: NDArray[Any], channels: int, intensity: tuple[int, int]) -> NDArray[Any]:
    """A decoded image (H, W) or (H, W, 3) as (H, W, ``channels``), at the depth that the ``intensity`` of all has."""
    if pixels.dtype == np.uint8 and intensity[1] > 255:  # 8-bit pictures among 16-bit ones
        pixels = deep_pixels(pixels.astype(np.uint8), intensity)
    return _with_channels(pixels, channels)


def _bytes(example: Example) -> int:
    return sum(0 if array is None else array.nbytes for array in (example.labels, example.image, example.found))


def _with_channels(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """(H, W) or (H, W, 3) -> (H, W, channels): grey among colour repeats its level, three equal channels become one."""
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    return np.repeat(planes[..., :1], channels, axis=2) if planes.shape[2] != channels else planes
