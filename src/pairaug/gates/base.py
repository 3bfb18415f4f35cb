"""The contract of a gate, and the set of gates that a synthesis passes its pairs through.

A gate looks at one mask, or at one image with its mask, and lets it pass or not. What it rejects is drawn again from
other random numbers; no other pair moves. A gate decides from what it is shown and from what it was fitted on alone,
so that the same models and the same seed give the same set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.uint8]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Judgement:
    """``score``: what the gate measured; ``limit``: what it allows; ``what``: of several things that it asks, which."""

    passed: bool
    score: float
    limit: float
    what: str = ""


class MaskGate(Protocol):
    """``name``: a word for the reason of a rejection; ``digest``: of everything that its judgements follow from."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of it beside its name and digest."""
        ...

    def judge(self, classes: Classes) -> Judgement:
        """Of a mask (H, W) of classes in [0, K), at its final size. Called from several threads."""
        ...


class ImageGate(Protocol):
    """``name``: a word for the reason of a rejection; ``digest``: of everything that its judgements follow from."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of it beside its name and digest."""
        ...

    def judge(self, pixels: Pixels, classes: Classes) -> Judgement:
        """Of an image (H, W, C) in grey levels and its mask (H, W), at their final size. From several threads."""
        ...


@dataclass(frozen=True)
class Reject:
    """An attempt that did not pass: the ``attempt``-th, 0 the first, of a pair. ``gate``: with what it asked for."""

    attempt: int
    gate: str
    score: float
    limit: float

    def row(self, index: int) -> dict[str, Any]:
        """As JSON has it, for the pair ``index`` of a set."""
        score, limit = (round(value, 6) for value in (self.score, self.limit))
        return {"index": index, "attempt": self.attempt, "gate": self.gate, "score": score, "limit": limit}


@dataclass(frozen=True)
class Gates:
    """What a mask and what an image has to pass, in this order; after ``attempts`` rejections a pair is given up."""

    masks: tuple[MaskGate, ...] = ()
    images: tuple[ImageGate, ...] = ()
    attempts: int = 20

    def __iter__(self) -> Iterator[MaskGate | ImageGate]:
        yield from self.masks
        yield from self.images

    def mask_failure(self, classes: Classes, attempt: int) -> Reject | None:
        """The first gate that rejects the mask."""
        for gate in self.masks:
            judged = gate.judge(classes)
            if not judged.passed:
                return _reject(attempt, gate, judged)
        return None

    def image_failure(self, pixels: Pixels, classes: Classes, attempt: int) -> Reject | None:
        """The first gate that rejects the image."""
        for gate in self.images:
            judged = gate.judge(pixels, classes)
            if not judged.passed:
                return _reject(attempt, gate, judged)
        return None

    def manifest(self) -> list[dict[str, Any]]:
        """What a manifest says of them."""
        return [{"name": gate.name, "sha256": gate.digest, **gate.manifest()} for gate in self]

    def identity(self) -> dict[str, Any]:
        """What decides which pairs pass; empty where there is no gate."""
        digests = {gate.name: gate.digest for gate in self}
        return {**digests, "attempts": self.attempts} if digests else {}


def _reject(attempt: int, gate: MaskGate | ImageGate, judged: Judgement) -> Reject:
    return Reject(attempt, f"{gate.name} {judged.what}".strip(), judged.score, judged.limit)
