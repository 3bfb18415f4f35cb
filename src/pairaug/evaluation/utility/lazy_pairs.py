"""Pairs as utility needs them: who they are, which group they belong to, and their pixels only when asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import overload

import numpy as np
from numpy.typing import NDArray

from pairaug.segmenter.base import Example

KEPT = 8


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
    """One image without a mask."""

    name: str
    image_sha256: str
    group: str
    read: Callable[[], NDArray[np.float32]]


class LazyImages(Sequence[NDArray[np.float32]]):
    def __init__(self, items: Sequence[LazyImage]) -> None:
        self.items = tuple(items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> NDArray[np.float32]:  # type: ignore[override]
        return self.items[index].read()


class LazyExamples(Sequence[Example]):
    """The examples of items, decoded when they are looked at; the last ``kept`` stay in memory."""

    def __init__(self, items: Sequence[LazyPair], kept: int = KEPT) -> None:
        self.items, self._kept = tuple(items), kept
        self._held: OrderedDict[int, Example] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> LazyExamples: ...
    def __getitem__(self, index: int | slice) -> Example | LazyExamples:
        if isinstance(index, slice):
            return LazyExamples(self.items[index], self._kept)
        place = range(len(self.items))[index]
        with self._lock:
            if place in self._held:
                self._held.move_to_end(place)
                return self._held[place]
        example = self.items[place].read()
        with self._lock:
            self._held[place] = example
            while len(self._held) > self._kept:
                self._held.popitem(last=False)
        return example
