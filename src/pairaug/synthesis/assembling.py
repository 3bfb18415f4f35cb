"""From pairs that can be made to a finished set on disk: locked, continued where it was left, its records at the end.

What the pairs are made by is no matter here: ``Plan.render`` gives the outcome for each index, originals first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pairaug.errors import OutputError
from pairaug.files import clear_temporaries, no_temporaries_left, probe_output
from pairaug.fitted.space import bytes_of_pairs
from pairaug.locking import folder_lock
from pairaug.machine.ranks import Ranks
from pairaug.machine.workers import default_threads
from pairaug.reporting import Reporter
from pairaug.synthesis.descriptions import write_descriptions
from pairaug.synthesis.formats.base import Format, Written
from pairaug.synthesis.ledger import Ledger
from pairaug.synthesis.making import Crew
from pairaug.synthesis.options import SynthesisOptions
from pairaug.synthesis.provenance import counts
from pairaug.synthesis.rows import Outcome
from pairaug.synthesis.splits import Row, Split, worth_of


class Synthesized(NamedTuple):
    """``rows``: those of the manifest, in index order; ``given_up``: pairs that no gate let pass."""

    path: Path
    rows: list[dict[str, Any]]
    given_up: int


@dataclass(frozen=True)
class Plan:
    """What a set is to be: ``originals`` pairs that are taken over and ``count`` new ones.

    ``render``: indices of the set -> their pairs; ``identity``: what runs have in common that may continue each other;
    ``facts``: what the manifest says whatever is counted; ``remarks``: to be told when the work begins; ``splits``:
    those of the finished rows; ``splits_wanted``: the user is told what they are worth.
    """

    render: Callable[[Sequence[int]], list[Outcome]]
    format: Format
    originals: int
    count: int
    identity: Mapping[str, Any]
    facts: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    splits: Callable[[Sequence[Row]], tuple[Split, ...]] = lambda rows: ()
    splits_wanted: bool = False

    @property
    def total(self) -> int:
        return self.originals + self.count


@dataclass(frozen=True)
class Assembly:
    """A set in work. ``options``: threads, batch size, overwriting and the terms of use count here."""

    out: Path
    plan: Plan
    options: SynthesisOptions
    ranks: Ranks
    reporter: Reporter

    def run(self) -> Synthesized:
        """Make what is missing; on several ranks together. The bytes are those of one process."""
        ledgers: list[Ledger] = []
        with ExitStack() as held:
            missing = self.ranks.told(lambda: self._opened(held, ledgers))
            if missing is not None:
                self._crew(ledgers[0] if ledgers else None).make(missing)
                self.ranks.told(lambda: self._finish(ledgers[0]))
                self._tell_rejects(ledgers)
            return self.ranks.told(lambda: Synthesized(self.out, _rows(ledgers[0]), len(ledgers[0].judged.gaps)))

    def _crew(self, ledger: Ledger | None) -> Crew:
        threads = self.options.threads or max(1, default_threads() // self.ranks.here)
        batch_size, total = self.options.batch_size, self.plan.total
        return Crew(self.out, self.plan.render, ledger, total, threads, batch_size, self.ranks, self.reporter)

    def _opened(self, held: ExitStack, ledgers: list[Ledger]) -> list[int] | None:
        """Lock the output for as long as ``held`` lasts; what is missing of the set, None where it is complete."""
        held.enter_context(folder_lock(self.out))
        held.enter_context(no_temporaries_left(self.out))
        clear_temporaries(self.out)
        plan = self.plan
        ledger = Ledger(self.out, plan.identity, overwrite=self.options.overwrite, originals=plan.originals)
        ledgers.append(ledger)
        there = max([ledger.most, *(index + 1 for index in ledger.rows)]) - plan.originals
        if there > plan.count:
            raise OutputError(
                f"{self.out}: already holds {there} pairs, more than --count {plan.count}; choose another --out"
            )
        missing = ledger.missing(plan.total)
        if ledger.complete and not missing and ledger.agrees(self._body(ledger)):
            ledger.close()
            self.reporter.note("already complete")
            return None
        if ledger.rows:
            self.reporter.note(f"{len(ledger.rows)} of {plan.total} pairs are there already")
        translator = plan.format.translator
        plain = translator.shape.channels * (2 if translator.intensity[1] > 255 else 1)
        probe_output(self.out, bytes_of_pairs(len(missing), [pair.size for pair in translator.pairs], plain))
        ledger.begin(plan.total)
        for remark in plan.remarks:
            self.reporter.note(remark)
        return missing

    def _tell_rejects(self, ledgers: list[Ledger]) -> None:
        for said in filter(None, [ledger.judged.sentence() for ledger in ledgers]):
            self.reporter.note(said)

    def _finish(self, ledger: Ledger) -> None:
        """The records, each of them after all that it describes."""
        digest, body = ledger.write_metadata(), self._body(ledger)
        rows = _rows(ledger)
        written = Written(ledger.folder, rows, self.options.license, self.plan.splits(rows))
        if self.plan.splits_wanted:
            self.reporter.note(worth_of(written.splits))
        write_descriptions(self.plan.format, written, body, digest, ledger.beside)
        ledger.finish(body, digest)

    def _body(self, ledger: Ledger) -> dict[str, Any]:
        counted = counts(self.plan.count, len(ledger.rows), self.plan.originals, ledger.judged.rejected)
        return {**self.plan.facts, "counts": counted, **ledger.judged.facts()}


def _rows(ledger: Ledger) -> list[dict[str, Any]]:
    return [ledger.rows[index] for index in sorted(ledger.rows)]
