"""Ending politely: the first SIGINT or SIGTERM asks, the second leaves at once.

with Interruption(note) as interruption:
    for step in steps:
        ...
        if interruption.signal: save and raise interruption.error("what is saved")
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from pairaug.errors import Interrupted

# Not every system has each of them.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


@contextmanager
def ending_by_signal() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, by an exception, so that what it opened is closed and cleared away."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number, "interrupted; nothing is left behind; the same command starts again")

    try:
        previous = signal.signal(signal.SIGTERM, end)
    except (ValueError, AttributeError):  # not the main thread: the caller's handler stays; or there is no such signal
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class Interruption:
    """Context in which signals only set ``signal``; outside the main thread it does nothing."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.signal = 0
        self._note = note
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        for number in _SIGNALS:
            try:
                self._previous[number] = signal.signal(number, self._receive)
            except ValueError:  # not the main thread: the caller's handlers stay
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            _show_cursor()
            os._exit(128 + number)
        self.signal = number
        self._note(f"{signal.Signals(number).name}: finishing this step and saving; again to leave at once")

    def error(self, saved: str, signal_number: int = 0) -> Interrupted:
        """``signal_number``: that of another rank, where it is not this one's."""
        return Interrupted(signal_number or self.signal, f"interrupted; {saved}; the same command continues")


def _show_cursor() -> None:
    """A progress bar hides the terminal's cursor, and nothing of ours runs after ``os._exit``."""
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\x1b[?25h")
