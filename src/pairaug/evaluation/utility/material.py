"""What cells train on: recipes made of real, synthetic, pseudo-labelled and further pairs.

The same pairs are the same sequence in every recipe, so that a trainer may keep what it makes of them.
The teacher of *self-training* is the segmenter of *real + classical* with the same pairs and seed. That cell leaves it
on disk; where it is not there, it is fitted once more. Equal either way, for a fit follows from its recipe and seed.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pairaug.errors import ModelError
from pairaug.evaluation.utility.arms import Arm
from pairaug.evaluation.utility.cells import CellFolder, Context
from pairaug.evaluation.utility.lazy_pairs import LazyExamples, LazyImage, LazyImages, LazyPair
from pairaug.evaluation.utility.plan import Cell
from pairaug.files import write_atomic
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example, Recipe, Segmenter, Trainer

Key = tuple[tuple[int, ...], int]  # the pairs and the seed of a cell


class Material:
    """Recipes of the cells of one measurement. Cells on several threads may ask at once.

    ``teaching``: cells of *self-training* are to come, for which the baseline's segmenters are kept.
    """

    def __init__(self, context: Context, cells: CellFolder, trainer: Trainer, *, teaching: bool) -> None:
        self._context, self._cells, self._trainer, self._teaching = context, cells, trainer, teaching
        self._synthetic, self._oracle = LazyExamples(context.synthetic), LazyExamples(context.oracle)
        self._unlabelled = LazyImages(context.unlabelled)
        self._real: dict[tuple[int, ...], LazyExamples] = {}
        self._labelled: dict[Key, LazyExamples] = {}
        self._locks: dict[Key, threading.Lock] = {}

    def recipe(self, cell: Cell, reporter: Reporter) -> Recipe:
        """What the cell's run sees; ``reporter`` is told of the steps of a teacher that has to be fitted for it."""
        arm, real = cell.arm, self._real_of(cell)
        return Recipe(
            real,
            self._others(cell, real, reporter),
            arm.share,
            arm.augmentation,
            arm.last_share,
            arm.change,
            self._unlabelled if _takes_appearance(arm) else (),
        )

    def keep_teacher(self, cell: Cell, segmenter: Segmenter) -> None:
        """Keep the segmenter of a baseline's cell, where a cell of *self-training* may wait for it."""
        if cell.arm.option == "classical" and self._teaching:
            _save(segmenter, self._cells.teacher(cell))

    def _others(self, cell: Cell, real: LazyExamples, reporter: Reporter) -> Sequence[Example]:
        match cell.arm.others:
            case "none":
                return ()
            case "real":
                return real
            case "synthetic":
                return self._synthetic
            case "oracle":
                return self._oracle
            case "pseudo-labelled":
                return self._pseudo_labelled(cell, reporter)

    def _real_of(self, cell: Cell) -> LazyExamples:
        return self._real.setdefault(cell.pairs, LazyExamples(self._context.real_of(cell)))

    def _pseudo_labelled(self, cell: Cell, reporter: Reporter) -> LazyExamples:
        key = cell.pairs, cell.seed
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._labelled:
                teacher = self._teacher(cell, reporter)
                self._labelled[key] = LazyExamples([_labelled(item, teacher) for item in self._context.unlabelled])
            return self._labelled[key]

    def _teacher(self, cell: Cell, reporter: Reporter) -> Segmenter:
        path = self._cells.teacher(cell)
        if path.is_file():
            try:
                return self._trainer.load(path)
            except ModelError:  # it is written anew
                pass
        fitted = self._trainer.fit(Recipe(self._real_of(cell)), self._context.classes, cell.seed, reporter)
        _save(fitted, path)
        return fitted


def _takes_appearance(arm: Arm) -> bool:
    return arm.change in ("histogram matching", "amplitude swap")


def _save(segmenter: Segmenter, path: Path) -> None:
    with TemporaryDirectory() as folder:
        written = Path(folder) / "teacher"
        segmenter.save(written)
        write_atomic(path, written.read_bytes())


def _labelled(item: LazyImage, teacher: Segmenter) -> LazyPair:
    """The image with the teacher's labels, which are kept compressed."""
    labels = teacher.predict(item.read())
    packed, shape = zlib.compress(labels.tobytes()), labels.shape

    def read() -> Example:
        return Example(item.read(), np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape))

    return LazyPair(item.name, item.image_sha256, "", item.group, read)
