"""stderr as a place for messages that nobody has to read: where it is closed, what is said is dropped."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class Messages(io.TextIOBase):
    """Writes to what ``sys.stderr`` is when this is made (Rich puts itself in its place later, and would be called in
    circles); a reader that has gone ends nothing.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr

    def write(self, text: str) -> int:
        stream = self._stream
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
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("stderr is closed")
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"


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
