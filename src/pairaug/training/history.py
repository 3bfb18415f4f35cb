"""The history of a fit: the mean losses since the line before, line by line, and who watches them come.

Enters: the losses of single steps. Leaves: ``history.jsonl``, the same bytes for a run that was cut off and continued.
A ``Watcher`` is told of each line as it is closed, with what is not the same in two runs: how quick the steps were.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.files import json_lines, read_json_lines, write_atomic
from pairaug.reporting import Reporter
from pairaug.training.checkpoint import Progress

HISTORY = "history.jsonl"
PLACES = ("images", "epoch", "skipped_steps")  # of a line: what says where it stands, and is no loss

Row = dict[str, float | int]


class Watcher:
    """Is shown how a fit goes, step by images seen. The base class looks away."""

    def begin(self, images: int, rows: Sequence[Row]) -> None:
        """The fit goes on after ``images``, up to which ``rows`` tell; what was shown of later ones is void."""

    def row(self, row: Row, rates: Mapping[str, float], pace: float) -> None:
        """A line of the history; the learning rate of each optimiser, and the steps a second since the line before."""

    def sheet(self, images: int, picture: NDArray[np.uint8]) -> None:
        """A sample sheet (H, W, 3), as it is drawn after some epochs."""

    def end(self) -> None:
        """The fit is over, or was interrupted."""


class History:
    """The lines so far; ``progress`` of the run holds the losses of the line that is not closed yet."""

    def __init__(self, folder: Path, progress: Progress, watcher: Watcher, reporter: Reporter) -> None:
        """Takes up the lines that the checkpoint knows of; later ones were written by a run that was cut off."""
        self.path, self.watcher = folder / HISTORY, watcher
        self.rows: list[Row] = []
        try:
            self.rows = read_json_lines(self.path) if self.path.exists() else []
        except DataError as error:
            reporter.warn(f"{error.message.partition(';')[0]}; the curves begin anew")
        self.go_on_from(progress)

    def go_on_from(self, progress: Progress) -> None:
        """Only what ``progress`` knows of holds."""
        self.rows = self.rows[: progress.lines]
        progress.lines = len(self.rows)
        self._steps, self._seconds = 0, 0.0
        self.watcher.begin(progress.images, self.rows)

    def count(self, progress: Progress, losses: Mapping[str, float], began: float) -> None:
        """One step that ``began`` then (``time.perf_counter``) had these losses."""
        for name, value in losses.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        progress.counted += 1
        self._steps += 1
        self._seconds += time.perf_counter() - began

    def close_line(self, progress: Progress, count: int, rates: Mapping[str, float]) -> None:
        """Close one line, if anything was counted since the last one; ``count``: images of an epoch."""
        if not progress.counted:
            return
        row: Row = {"images": progress.images, "epoch": round(progress.images / count, 4)}
        row |= {name: value / progress.counted for name, value in progress.sums.items()}
        if progress.skipped:
            row["skipped_steps"] = progress.skipped
        self.rows.append(row)
        progress.lines += 1
        progress.sums, progress.counted = {}, 0
        self.watcher.row(row, rates, self._steps / self._seconds if self._seconds else 0.0)
        self._steps, self._seconds = 0, 0.0

    def write(self) -> None:
        write_atomic(self.path, json_lines(self.rows))
