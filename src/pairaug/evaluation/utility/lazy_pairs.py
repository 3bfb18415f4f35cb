"""Pairs and images as utility needs them: who they are, to which group they belong, and their pixels when asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from pairaug.segmenter.base import Example

KEPT = 8
Image = NDArray[np.float32]
Content = TypeVar("Content", covariant=True)


@dataclass(frozen=True)
class LazyPair:
    """One pair. ``read`` decodes it; ``group`` names the patient, say, and its own name where none is known.

    ``original`` and ``derived_from`` (SHA-256 of masks) come from a synthetic set's rows.
    """

    name: str
    image_sha256: str
    mask_sha256: str
    group: str
    read: Callable[[], Example]
    original: bool = False
    derived_from: tuple[str, ...] = ()

    def has_foreground(self) -> bool:
        """False for an empty mask, whose file may be that of many pairs without anybody having copied."""
        return bool(self.read().labels.any())


@dataclass(frozen=True)
class LazyImage:
    """One image without a mask. ``read`` decodes it, (H, W, C) float32 in [0, 1]; ``group`` as of a pair."""

    name: str
    image_sha256: str
    group: str
    read: Callable[[], Image]


class _Readable(Protocol[Content]):
    @property
    def read(self) -> Callable[[], Content]: ...


class _Lazy(Sequence[Content], Generic[Content]):
    """What items hold, decoded when it is looked at; the last ``kept`` stay in memory. Threads may share it."""

    def __init__(self, items: Sequence[_Readable[Content]], kept: int = KEPT) -> None:
        self.items, self._kept = tuple(items), kept
        self._held: OrderedDict[int, Content] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Content: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Content | Self:
        if isinstance(index, slice):
            return type(self)(self.items[index], self._kept)
        place = range(len(self.items))[index]
        with self._lock:
            if place in self._held:
                self._held.move_to_end(place)
                return self._held[place]
        found = self.items[place].read()
        with self._lock:
            self._held[place] = found
            while len(self._held) > self._kept:
                self._held.popitem(last=False)
        return found


class LazyExamples(_Lazy[Example]):
    """The examples of pairs."""


class LazyImages(_Lazy[Image]):
    """The images of images without masks."""
