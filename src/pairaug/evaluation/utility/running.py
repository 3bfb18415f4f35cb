"""Running cells side by side: as many at once as there are workers, one thread inside each.

A fit then does not depend on how many cores a machine has, and two fits on one thread each take less time than one
after the other on two. A cell is written as soon as it is scored; a run that is killed loses the cells under way.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pairaug.errors import Interrupted
from pairaug.evaluation.utility.cells import CellFolder, Context, Scored
from pairaug.evaluation.utility.lazy_pairs import LazyExamples
from pairaug.evaluation.utility.material import Material
from pairaug.evaluation.utility.plan import Cell
from pairaug.machine.ranks import ALONE, Ranks
from pairaug.machine.signals import Interruption
from pairaug.machine.workers import working
from pairaug.metrics.pair_scores import PairScores, score_pair
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Segmenter, Trainer

SIGINT = 2
GRACE = 1.1


@dataclass(frozen=True)
class CellSetup:
    """What cells are run with.

    ``budget``: seconds from now after which no cell may be expected to end; one that is under way when they are over by
    ``GRACE`` is given up. None: as long as it takes.
    """

    cells: CellFolder
    context: Context
    tests: LazyExamples
    trainer: Trainer
    reporter: Reporter
    clock: Callable[[], float]
    budget: float | None
    workers: int
    ranks: Ranks = ALONE


def run_cells(left: list[Cell], done: dict[Cell, Scored], setup: CellSetup) -> None:
    """Run the cells of ``left`` in order into ``done``, until one would end after the budget.

    Several ranks take every so many-th cell each, and know all of them in the end. Raises Interrupted after SIGINT or
    SIGTERM; finished cells are saved then.
    """
    total = len(done) + len(left)
    teaching = any(cell.arm.others == "pseudo-labelled" for cell in left)
    left = left[setup.ranks.rank :: setup.ranks.count]
    steps = _Steps(setup, sum(setup.trainer.schedule(cell.size)[-1] for cell in left))
    material = Material(setup.context, setup.cells, setup.trainer, teaching=teaching)
    pace = _Pace(setup)

    def saved() -> str:
        return f"{len(done)} of {total} cells are saved"

    def run(cell: Cell) -> Scored | None:
        try:
            return _run(cell, setup, material, steps)
        except _Late:
            return None

    with Interruption(setup.reporter.note) as asked:

        def listen() -> None:
            if asked.signal:
                raise asked.error(saved())

        cells = itertools.takewhile(pace.allows, left)
        try:
            with working(run, cells, setup.workers, one_thread=True, stop=steps.stop, listen=listen) as results:
                for cell, scored in results:
                    if scored is None:
                        continue
                    done[cell] = scored
                    setup.cells.write(cell, scored)
                    pace.learn(cell, scored.seconds)
        except KeyboardInterrupt:  # where no handler could be set
            raise Interrupted(SIGINT, f"interrupted; {saved()}; the same command continues") from None
        finally:
            setup.reporter.end_progress()
    for others in setup.ranks.gathered({cell: done[cell] for cell in left if cell in done}):
        done.update(others)


def _run(cell: Cell, setup: CellSetup, material: Material, counted: _Steps) -> Scored:
    start = setup.clock()
    listener = _Listener(counted, cell.title)
    classes, slender = setup.context.classes, setup.context.slender
    looks: dict[int, tuple[PairScores, ...]] = {}

    def look(steps: int, segmenter: Segmenter) -> None:
        looks[steps] = tuple(
            score_pair(segmenter.predict(test.image), test.labels, classes, slender) for test in setup.tests
        )

    recipe = material.recipe(cell, listener)
    material.keep_teacher(cell, setup.trainer.fit(recipe, classes, cell.seed, listener, look))
    return Scored(tuple(looks), tuple(looks.values()), setup.clock() - start)


class _Pace:
    """How long cells take beside what was expected, and whether another one would end in time."""

    def __init__(self, setup: CellSetup) -> None:
        self._setup = setup
        self._began = setup.clock()
        self._expected = self._spent = 0.0

    def learn(self, cell: Cell, seconds: float) -> None:
        self._expected += self._setup.trainer.seconds(cell.size)
        self._spent += seconds

    def allows(self, cell: Cell) -> bool:
        if self._setup.budget is None:
            return True
        pace = self._spent / self._expected if self._expected > 0 else 1.0
        ends = self._setup.clock() - self._began + pace * self._setup.trainer.seconds(cell.size)
        return ends <= self._setup.budget


class _Stopped(Exception):
    """The run is over; what is under way is given up."""


class _Late(Exception):
    """The budget is over; the cell that is under way is given up."""


class _Steps:
    """Optimiser steps of all cells together, and a way to end those under way."""

    def __init__(self, setup: CellSetup, total: int) -> None:
        self.stop = threading.Event()
        self._reporter, self._total, self._done = setup.reporter, total, 0
        self._clock = setup.clock
        self._end = None if setup.budget is None else setup.clock() + GRACE * setup.budget
        self._lock = threading.Lock()

    def count(self, title: str) -> None:
        if self.stop.is_set():
            raise _Stopped
        if self._end is not None and self._clock() > self._end:
            raise _Late
        with self._lock:
            self._done += 1
            self._reporter.progress(self._done, max(self._done, self._total), "steps", title)


class _Listener(Reporter):
    """What one fit tells: its steps are counted with those of the others."""

    def __init__(self, steps: _Steps, title: str) -> None:
        self._steps, self._title = steps, title

    def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
        self._steps.count(self._title)
