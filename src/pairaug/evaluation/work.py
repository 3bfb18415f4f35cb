"""Doing the same for many items on every core (``machine.workers``), with progress and a clock.

Each item is one thread's, and the libraries' own threads are kept to one: small matrix products would otherwise
fight for the cores. Results come in the order of the items, so that nothing depends on the number of workers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from pairaug.machine.workers import put_in_order, working
from pairaug.reporting import Reporter, spoken_time

Result = TypeVar("Result")


class OutOfTime(Exception):
    """The time that was granted is over; what was under way is not measured."""


@dataclass(frozen=True)
class Work:
    """Workers, who listens, and until when (``time.monotonic``; None: as long as it takes)."""

    workers: int
    reporter: Reporter
    deadline: float | None = None

    def check(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfTime("--max-minutes was over before it was done")

    def refuse_longer(self, seconds: float) -> None:
        """Raises OutOfTime where ``seconds`` more would not fit."""
        if self.deadline is not None and time.monotonic() + seconds > self.deadline:
            raise OutOfTime(f"takes about {spoken_time(seconds)}, more than is left of --max-minutes")

    def each(self, function: Callable[[int], Result], items: int | Iterable[int], unit: str) -> list[Result]:
        """``function`` of every index; raises OutOfTime when the clock runs out."""
        indices = list(range(items) if isinstance(items, int) else items)
        done: list[tuple[int, Result]] = []

        def of_index(entry: tuple[int, int]) -> Result:
            return function(entry[1])

        try:
            with working(of_index, enumerate(indices), self.workers, ahead=self.workers, one_thread=True) as results:
                for (place, _), result in results:
                    done.append((place, result))
                    self.check()
                    self.reporter.progress(len(done), len(indices), unit)
        finally:
            self.reporter.end_progress()
        return put_in_order(done)


class SharedProgress:
    """The counted work of several long tasks that run side by side, as one; it ends them all with the first that fails.

    ``listener(place)`` is the reporter of one task.
    """

    def __init__(self, work: Work, tasks: int) -> None:
        self._work = work
        self._done = [0] * tasks
        self._lock = threading.Lock()
        self.stop = threading.Event()

    def listener(self, place: int) -> Reporter:
        return _Listener(self, place)

    def count(self, place: int, done: int, total: int | None, unit: str) -> None:
        if self.stop.is_set():
            raise OutOfTime("another task ended")
        with self._lock:
            self._done[place] = done
            whole = None if total is None else total * len(self._done)
            self._work.reporter.progress(sum(self._done), whole, unit)
        self._work.check()


class _Listener(Reporter):
    def __init__(self, shared: SharedProgress, place: int) -> None:
        self._shared, self._place = shared, place

    def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
        self._shared.count(self._place, done, total, unit)
