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
from pairaug.evaluation.utility.material import Examples
from pairaug.evaluation.utility.plan import Cell
from pairaug.evaluation.utility.ruler import Ruler
from pairaug.machine.signals import Interruption
from pairaug.machine.workers import working
from pairaug.metrics.pair_scores import score_pair
from pairaug.reporting import Reporter

SIGINT = 2


@dataclass(frozen=True)
class Bench:
    """What cells are run with. ``budget``: seconds from now after which none may be expected to end; None: any."""

    cells: CellFolder
    context: Context
    tests: Examples
    ruler: Ruler
    reporter: Reporter
    clock: Callable[[], float]
    budget: float | None
    workers: int


def run_cells(left: list[Cell], done: dict[Cell, Scored], bench: Bench) -> None:
    """Run the cells of ``left`` in order into ``done``, until one would end after the budget.

    Raises Interrupted after SIGINT or SIGTERM; finished cells are saved then.
    """
    total = len(done) + len(left)
    steps = _Steps(bench, sum(bench.ruler.steps(cell.size) for cell in left))
    stock, pace = _Stock(bench.context), _Pace(bench)

    def saved() -> str:
        return f"{len(done)} of {total} cells are saved"

    def run(cell: Cell) -> Scored:
        return _run(cell, bench, stock, steps)

    with Interruption(bench.reporter.note) as asked:

        def listen() -> None:
            if asked.signal:
                raise asked.error(saved())

        cells = itertools.takewhile(pace.allows, left)
        try:
            with working(run, cells, bench.workers, one_thread=True, stop=steps.stop, listen=listen) as results:
                for cell, scored in results:
                    done[cell] = scored
                    bench.cells.write(cell, scored)
                    pace.learn(cell, scored.seconds)
        except KeyboardInterrupt:  # where no handler could be set
            raise Interrupted(SIGINT, f"interrupted; {saved()}; the same command continues") from None
        finally:
            bench.reporter.end_progress()


def _run(cell: Cell, bench: Bench, stock: _Stock, steps: _Steps) -> Scored:
    start = bench.clock()
    recipe = cell.arm.recipe(stock.real(cell), stock.synthetic)
    segmenter = bench.ruler.fit(recipe, bench.context.classes, cell.seed, _Listener(steps, cell.title))
    classes, slender = bench.context.classes, bench.context.slender
    items = tuple(score_pair(segmenter.predict(test.image), test.labels, classes, slender) for test in bench.tests)
    return Scored(items, bench.clock() - start)


class _Stock:
    """What cells train on: the very same sequence for the same pairs, so that a ruler may keep what it makes of it."""

    def __init__(self, context: Context) -> None:
        self.synthetic = Examples(context.synthetic)
        self._context = context
        self._real: dict[tuple[int, ...], Examples] = {}

    def real(self, cell: Cell) -> Examples:
        return self._real.setdefault(cell.pairs, Examples(self._context.real_of(cell)))


class _Pace:
    """How long cells take beside what was expected, and whether another one would end in time."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._began = bench.clock()
        self._expected = self._spent = 0.0

    def learn(self, cell: Cell, seconds: float) -> None:
        self._expected += self._bench.ruler.seconds(cell.size)
        self._spent += seconds

    def allows(self, cell: Cell) -> bool:
        if self._bench.budget is None:
            return True
        pace = self._spent / self._expected if self._expected > 0 else 1.0
        ends = self._bench.clock() - self._began + pace * self._bench.ruler.seconds(cell.size)
        return ends <= self._bench.budget


class _Stopped(Exception):
    """The run is over; what is under way is given up."""


class _Steps:
    """Optimiser steps of all cells together, and a way to end those under way."""

    def __init__(self, bench: Bench, total: int) -> None:
        self.stop = threading.Event()
        self._reporter, self._total, self._done = bench.reporter, total, 0
        self._lock = threading.Lock()

    def count(self, title: str) -> None:
        if self.stop.is_set():
            raise _Stopped
        with self._lock:
            self._done += 1
            self._reporter.progress(self._done, self._total, "steps", title)


class _Listener(Reporter):
    """What one fit tells: its steps are counted with those of the others."""

    def __init__(self, steps: _Steps, title: str) -> None:
        self._steps, self._title = steps, title

    def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
        self._steps.count(self._title)
