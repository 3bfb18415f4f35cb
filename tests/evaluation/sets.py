"""Drawn sets on the disk, and a segmenter that needs no training, for the tests of ``evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.evaluation.evaluate import EvaluationOptions, Sets, open_sets
from pairaug.machine.work import Work
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Recipe, Trainer
from tests.tangles import draw_tangle

SIDE = 72
REAL = 16
Masks = Sequence[NDArray[Any]]


def draw_masks(seed: int, count: int) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng([77, seed])
    return [draw_tangle(rng, SIDE) for _ in range(count)]


def paint(masks: Masks, seed: int) -> list[NDArray[np.uint8]]:
    """Grey images: the mask is brighter than the rest, with grain."""
    rng = np.random.default_rng([78, seed])
    return [
        np.clip(70 + 100 * (mask > 0) + rng.normal(0, 15, mask.shape) + rng.uniform(-8, 8), 0, 255).astype(np.uint8)
        for mask in masks
    ]


def write(folder: Path, masks: Masks, images: Sequence[NDArray[np.uint8]]) -> Path:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index, (mask, image) in enumerate(zip(masks, images, strict=True)):
        Image.fromarray(image).save(folder / "images" / f"p{index:03d}.png")
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder / "masks" / f"p{index:03d}.png")
    return folder


def drawn(folder: Path, seed: int, count: int) -> Path:
    masks = draw_masks(seed, count)
    return write(folder, masks, paint(masks, seed))


@dataclass
class Threshold:
    """Calls everything bright foreground."""

    level: float = 0.47

    def predict(self, image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        return (image[..., 0] > self.level).astype(np.uint8)

    def save(self, path: Path) -> None:
        path.write_text(str(self.level))


@dataclass
class InstantTrainer(Trainer):
    """Fits in no time, and remembers on what."""

    name: str = "fake"
    expected: float = 0.0
    recipes: list[Recipe] = field(default_factory=list)
    loaded: int = 0

    def seconds(self, pairs: int) -> float:
        return self.expected

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter) -> Threshold:
        self.recipes.append(recipe)
        reporter.progress(1, 1, "steps")
        return Threshold()

    def load(self, path: Path) -> Threshold:
        self.loaded += 1
        return Threshold(float(path.read_text()))


class Listener(Reporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.lines.append(text)


def work(deadline: float | None = None, workers: int = 2) -> Work:
    return Work(workers, Reporter(), deadline)


def opened(real: Path, synthetic: Path, **options: Any) -> Any:
    """``with opened(real, synthetic) as sets``."""
    return open_sets(real, synthetic, EvaluationOptions(**options), Reporter())


__all__ = [
    "REAL",
    "SIDE",
    "InstantTrainer",
    "Listener",
    "Sets",
    "Threshold",
    "draw_masks",
    "drawn",
    "opened",
    "paint",
    "work",
]
