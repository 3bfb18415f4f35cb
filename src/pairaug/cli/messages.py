"""stderr as a place for messages that nobody has to read: where it is closed, what is said is dropped."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class Messages(io.TextIOBase):
    """Writes to whatever ``sys.stderr`` is at the moment; a reader that has gone ends nothing."""

    def write(self, text: str) -> int:
        stream = sys.stderr
        if stream is not None:  # None: closed before the program began
            try:
                stream.write(text)
                stream.flush()
            except (OSError, ValueError):
                _drop(stream)
        return len(text)

    def flush(self) -> None:
        """Every write has been flushed."""

    def isatty(self) -> bool:
        return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()

    def fileno(self) -> int:
        if sys.stderr is None:
            raise io.UnsupportedOperation("stderr is closed")
        return sys.stderr.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(sys.stderr, "encoding", None) or "utf-8"


def occupy_closed_streams() -> None:
    """Give descriptors 0 to 2 that are closed to the null device: no file of ours may become one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)


def _drop(stream: Any) -> None:
    """Python and torch would complain again at the end: what is left to say goes to the null device."""
    try:
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
    except (OSError, ValueError, AttributeError):
        pass
