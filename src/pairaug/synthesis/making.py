"""Making what is missing of a set: in batches, in threads, and on several ranks where there are some.

A thread drafts, paints and encodes a batch and writes its files; the rows are entered by the first rank alone. With
several ranks the work goes in rounds, at whose end each tells the first what it has written.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pairaug.machine.ranks import Ranks
from pairaug.machine.signals import Interruption
from pairaug.machine.workers import working
from pairaug.reporting import Reporter
from pairaug.synthesis.ledger import Entry, Ledger, place
from pairaug.synthesis.rows import Made, Outcome

_WRITERS = 2
_ROUND = 4  # batches of each thread in a round


@dataclass(frozen=True)
class Crew:
    """Who makes the pairs: ``threads`` on each of the ``ranks``, ``batch_size`` pairs at a time in each thread.

    ``render``: indices of the set -> their pairs; ``ledger``: of the set, on the first rank; ``total``: pairs wanted.
    """

    folder: Path
    render: Callable[[Sequence[int]], list[Outcome]]
    ledger: Ledger | None
    total: int
    threads: int
    batch_size: int
    ranks: Ranks
    reporter: Reporter

    def make(self, missing: Sequence[int]) -> None:
        """Bring ``missing`` indices into the set. Raises Interrupted after a signal, all that is written on record."""
        with Interruption(self.reporter.warn) as interruption:
            if self.ranks.count == 1:
                assert self.ledger is not None
                for _ in self._outcomes(missing, self.ledger.add, interruption):
                    self._progress()
                signal = interruption.signal
            else:
                signal = self._in_rounds(missing, interruption)
            if signal:
                written = self.ranks.told(lambda: len(self.ledger.rows) if self.ledger else 0)
                raise interruption.error(f"{written} of {self.total} pairs are written", signal)
        self.reporter.end_progress()

    def _progress(self) -> None:
        if self.ledger is not None:
            self.reporter.progress(len(self.ledger.rows), self.total, "pairs")

    def _in_rounds(self, missing: Sequence[int], interruption: Interruption) -> int:
        """The signal that ended it on any rank, 0 for none."""

        def put(outcome: Outcome) -> None:
            if isinstance(outcome, Made):
                place(self.folder, outcome)

        size = self.batch_size * self.threads * self.ranks.count * _ROUND
        for start in range(0, len(missing), size):
            share = missing[start : start + size][self.ranks.rank :: self.ranks.count]
            mine = [Entry.of(outcome) for outcome in self._outcomes(share, put, interruption)]
            for entry in itertools.chain.from_iterable(self.ranks.gathered(mine)):
                if self.ledger is not None:
                    self.ledger.enter(entry)
            if signal := self.ranks.largest(interruption.signal):  # one that comes later is for the next round
                return signal
            self._progress()
        return 0

    def _outcomes(
        self, indices: Sequence[int], write: Callable[[Outcome], None], interruption: Interruption
    ) -> Iterator[Outcome]:
        """Each outcome as soon as it is written; nothing is begun after a signal."""
        rendering, stop = threading.Semaphore(self.threads), threading.Event()

        def make(batch: Sequence[int]) -> list[Outcome]:
            with rendering:
                outcomes = self.render(batch)
            for outcome in outcomes:
                if not stop.is_set():  # a write that failed is followed by no other
                    write(outcome)
            return outcomes

        wanted = itertools.takewhile(lambda _: not interruption.signal, _batches(indices, self._batch(len(indices))))
        with working(make, wanted, self.threads + _WRITERS, one_thread=True, stop=stop) as results:
            for _, outcomes in results:
                yield from outcomes

    def _batch(self, count: int) -> int:
        """No larger than what gives every thread something to do."""
        return max(1, min(self.batch_size, -(-count // self.threads)))


def _batches(indices: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    remaining = iter(indices)
    while batch := tuple(itertools.islice(remaining, size)):
        yield batch
