"""A trainer whose scores are a known function of arm, size, seed and noise, and pairs for it to measure.

Its segmenters know the truth and spoil it until the Dice is the wanted one, so that everything else (plan, cells,
scores, statistics) is the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.evaluation.utility.disguise import Copy
from pairaug.evaluation.utility.identity import Fitting, fitting_of
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.evaluation.utility.options import REAL_ARMS, UtilityOptions
from pairaug.evaluation.utility.result import Compared, Utility
from pairaug.evaluation.utility.run import Setting, measure_utility
from pairaug.evaluation.utility.scenario import Scenario
from pairaug.files import digest_bytes
from pairaug.metrics.novelty import Share
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example, Look, Recipe

SIDE = 64
FIVE = (*REAL_ARMS, "synthetic", "synthetic-alone")


@lru_cache(maxsize=512)
def draw(number: int) -> Example:
    """A noisy picture with a mask of islands, no two alike."""
    rng = np.random.default_rng(number)
    field_ = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 4)
    labels = (field_ > np.quantile(field_, 0.6)).astype(np.uint8)
    image = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE, 1)), (1, 1, 0)) * 0.2 + 0.3 + 0.3 * labels[..., None]
    return Example(np.clip(image, 0, 1).astype(np.float32), labels)


def item_of(example: Example, name: str, group: str | None = None, **facts: object) -> LazyPair:
    image, mask = (digest_bytes(part.tobytes()) for part in (example.image, example.labels))
    return LazyPair(name, image, mask, group or name, lambda: example, **facts)  # type: ignore[arg-type]


def items(first: int, count: int, kind: str, group: Callable[[int], str] | None = None) -> list[LazyPair]:
    return [item_of(draw(n), f"{kind}{n}", group and group(n)) for n in range(first, first + count)]


@dataclass(frozen=True)
class Spoiler:
    """Predicts the truth but for as many foreground pixels as bring Dice to ``level(image)``."""

    truths: dict[bytes, NDArray[np.uint8]]
    level: Callable[[bytes], float]

    def predict(self, image: NDArray[np.floating]) -> NDArray[np.uint8]:  # type: ignore[type-arg]
        key = image.tobytes()
        found = self.truths[key].copy()
        wanted = float(np.clip(self.level(key), 0, 1))
        rows, columns = np.nonzero(found)
        kept = round(len(rows) * wanted / (2 - wanted))  # Dice of a subset: 2 f / (1 + f)
        found[rows[kept:], columns[kept:]] = 0
        return found

    def save(self, path: Path) -> None:
        raise NotImplementedError


@dataclass
class FakeTrainer:
    """Dice: 0.5 at 5 pairs, ``slope`` more for every doubling, ``gain[share]`` on top, and noise.

    ``plain``: what leaving out all augmentation gains.

    ``looks``: steps for each real pair, and what *real + classical* scores there more than at the end.

    ``shared``: what a seed does to every arm; ``own``: to this arm alone. A cell takes ``pace`` seconds of ``clock``.
    """

    tests: Sequence[LazyPair]
    gain: dict[float, float] = field(default_factory=dict)
    slope: float = 0.05
    plain: float = 0.0
    shared: float = 0.02
    own: float = 0.002
    pace: float = 60.0
    name: str = "fake"
    fits: list[tuple[Recipe, int]] = field(default_factory=list)
    clock: float = 0.0
    before: Callable[[int], None] = lambda count: None
    looks: dict[int, float] = field(default_factory=lambda: {50: 0.0, 100: 0.0})

    def schedule(self, pairs: int) -> tuple[int, ...]:
        return tuple(steps * pairs for steps in self.looks)

    def seconds(self, pairs: int) -> float:
        return 60.0

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter, look: Look | None = None) -> Spoiler:
        self.before(len(self.fits))
        self.fits.append((recipe, seed))
        self.clock += self.pace
        size = len(recipe.real)
        level = 0.5 + self.slope * np.log2(size / 5) + self.gain.get(recipe.synthetic_share, 0.0)
        level += self.plain if recipe.augmentation == "none" else 0.0
        level += np.random.default_rng([seed, 1]).normal(0, self.shared)
        arm = [seed, size, round(100 * recipe.synthetic_share), len(recipe.augmentation)]
        level += np.random.default_rng([*arm, 2]).normal(0, self.own)

        def at(key: bytes, more: float = 0.0) -> float:
            return float(level + more + np.random.default_rng([*arm, *key[:8]]).normal(0, self.own))

        truths = {item.read().image.tobytes(): item.read().labels for item in self.tests}
        for steps, more in self.looks.items():
            reporter.progress(steps, None, "steps")
            if look is not None:
                plain = recipe.synthetic_share == 0 and recipe.augmentation == "classical"
                look(steps * size, Spoiler(truths, partial(at, more=more if plain else 0.0)))
        return Spoiler(truths, at)


class Listener(Reporter):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@dataclass
class DrawnCase:
    """A drawn case: 25 real pairs of which the models saw the first 5, 12 test pairs, 20 synthetic ones."""

    cells: Path
    real: list[LazyPair] = field(default_factory=lambda: items(0, 25, "real"))
    test: list[LazyPair] | None = field(default_factory=lambda: items(100, 12, "test"))
    synthetic: list[LazyPair] = field(default_factory=lambda: items(200, 20, "new"))
    seen: int = 5
    grouped: bool = False
    listener: Listener = field(default_factory=Listener)

    def fitting(self) -> Fitting:
        return fitting_of(manifest_of(self.real[: self.seen]), self.synthetic)

    def trainer(self, **settings: object) -> FakeTrainer:
        return FakeTrainer(self.real if self.test is None else self.test, **settings)  # type: ignore[arg-type]

    def measure(
        self, trainer: FakeTrainer, fitting: Fitting | None = None, workers: int = 1, **options: object
    ) -> Utility:
        return measure_utility(
            self.real,
            self.synthetic,
            self.test,
            fitting or self.fitting(),
            Setting(2, "as drawn", self.grouped),
            trainer,
            UtilityOptions(**{"cells": self.cells, "arms": FIVE, "curve": REAL_ARMS} | options),  # type: ignore[arg-type]
            self.listener,
            clock=lambda: trainer.clock,
            workers=workers,
        )


def manifest_of(seen: Sequence[LazyPair]) -> dict[str, object]:
    facts = {"trained_on": [item.image_sha256 for item in seen]}
    return {"models": {"masks": {"trained_on": [item.mask_sha256 for item in seen]}, "translator": facts}}


class NoCopies:
    """In the place of the search for disguised copies, which has tests of its own and takes seconds."""

    power = Share(1.0, 1.0, 1.0, 1)

    def __init__(self, test: Sequence[LazyPair], rng: np.random.Generator) -> None:
        pass

    def copies(self, found: Sequence[LazyPair], reporter: Reporter) -> list[Copy]:
        return []

    def image_copies(self, found: Sequence[LazyImage], reporter: Reporter) -> list[Copy]:
        return []


def untold(*given: object) -> Scenario:
    """In the place of the look at all images, which has tests of its own and takes seconds."""
    return Scenario(None, None, "scenario: not looked for")


def difference(found: Utility, arm: str, baseline: str = "real + classical") -> Compared:
    return next(c for c in found.differences if (c.arm, c.baseline, c.measure) == (arm, baseline, "dice"))
