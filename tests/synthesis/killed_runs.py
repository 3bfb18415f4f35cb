"""What the tests that kill a run let run."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pairaug.synthesis import ledger, shards
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.killed import wait_to_be_killed


def synthesize_until(ready: Connection, rows: int, out: Path, options: SynthesisOptions, shard_pairs: int) -> None:
    """Synthesise until ``rows`` pairs are on record."""
    shards.SHARD_PAIRS = shard_pairs
    original = ledger.Ledger.add

    def add(self: ledger.Ledger, made: Any) -> None:
        original(self, made)
        if len(self.rows) >= rows:
            wait_to_be_killed(ready)

    ledger.Ledger.add = add  # type: ignore[method-assign]
    synthesize(out, options)
