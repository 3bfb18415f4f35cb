"""Curves of a fit for TensorBoard (``--tensorboard DIR``): losses, learning rates, steps a second, sample sheets.

They are written by torch's own writer, which needs the package ``tensorboard`` (Apache-2.0) and nothing of TensorFlow;
both are loaded here alone, and only when asked for. The horizontal axis counts images seen. A fit of a kind has a
folder of its own in DIR, ``masks`` or ``translator``, which TensorBoard shows as a run. Where a fit is continued, what
was written after its last checkpoint is purged, so that the curves are those of one fit.
A disk that fails costs the curves, and not the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.files import mark_own, probe_output
from pairaug.reporting import Reporter
from pairaug.training.history import PLACES, Row, Watcher

_EVENTS = "events.out.tfevents.*"


class Board(Watcher):
    """Writes what it is shown to event files in ``folder``."""

    def __init__(self, folder: Path, reporter: Reporter) -> None:
        """Raises StorageError where the folder cannot be written."""
        mark_own(folder.parent)
        mark_own(folder)
        probe_output(folder)
        self.folder, self._reporter = folder, reporter
        self._writer: Any = None  # torch's SummaryWriter, which has no types
        self._failed = False

    def begin(self, images: int, rows: Sequence[Row]) -> None:
        self.end()
        first = not any(self.folder.glob(_EVENTS))
        self._tell(lambda: self._open(images))
        for row in rows if first else ():  # the fit began without us
            self._tell(lambda row=row: self._losses(row))  # type: ignore[misc]

    def row(self, row: Row, rates: Mapping[str, float], pace: float) -> None:
        def write() -> None:
            self._losses(row)
            for name, rate in rates.items():
                self._writer.add_scalar(f"rate/{name}", rate, row["images"])
            if pace:
                self._writer.add_scalar("pace/steps a second", pace, row["images"])
            self._writer.flush()  # before a checkpoint knows of the line

        self._tell(write)

    def sheet(self, images: int, picture: NDArray[np.uint8]) -> None:
        self._tell(lambda: self._writer.add_image("samples", picture, images, dataformats="HWC"))

    def end(self) -> None:
        if self._writer is not None:
            self._tell(self._writer.close)
        self._writer = None

    def _open(self, images: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self.folder), purge_step=images + 1)

    def _losses(self, row: Row) -> None:
        for name, value in row.items():
            if name not in PLACES:
                self._writer.add_scalar(f"loss/{name}", value, row["images"])
        self._writer.add_scalar("epoch", row["epoch"], row["images"])

    def _tell(self, write: Callable[[], Any]) -> None:
        if self._failed:
            return
        try:
            write()
        except OSError as error:
            self._failed = True
            self._reporter.warn(f"{self.folder}: {error.strerror or error}; the fit goes on without --tensorboard")
