"""What goes where: data on stdout, everything else on stderr; errors as one line, or as JSON for ``--json``."""

from __future__ import annotations

import atexit
import io
import os
import sys
import time
from collections.abc import Mapping
from typing import IO, Any, cast

import typer

from pairaug.cli.messages import Messages
from pairaug.errors import PairaugError
from pairaug.json_text import json_text
from pairaug.reporting import Reporter, spoken_time

SCHEMA_VERSION = 1
PLAIN_SECONDS = 30.0
BROKEN_PIPE = 141
# What would move the cursor, colour the screen or rename the window if a file name held it.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}


def emit(text: str) -> None:
    """Text on stdout, a line or several; a terminal is shown its control characters, a pipe gets them as they are.

    A reader that has gone ends the program with 141, as the shell expects.
    """
    try:
        sys.stdout.write((printable(text) if sys.stdout.isatty() else text) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain again when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None


def emit_json(content: Mapping[str, Any]) -> None:
    emit(json_text({"schema_version": SCHEMA_VERSION, **content}))


def report_error(error: PairaugError, *, as_json: bool) -> None:
    """The error on stderr: ``pairaug: what, value, remedy`` and its details, or one JSON object."""
    if as_json:
        content = {
            "schema_version": SCHEMA_VERSION,
            "error": {
                "kind": error.kind,
                "exit_code": error.exit_code,
                "message": error.message,
                "details": list(error.details),
            },
        }
        print(json_text(content), file=Messages())
        return
    print(f"pairaug: {_one_line(error.message)}", file=Messages())
    for detail in error.details[:20]:
        print(f"  {_one_line(detail)}", file=Messages())
    if len(error.details) > 20:
        print(f"  and {len(error.details) - 20} more (--json lists all)", file=Messages())


def accept_any_file_name(*, windows: bool = os.name == "nt") -> None:
    """A name that is no text in this machine's encoding leaves as the bytes that it is made of.

    On ``windows`` a pipe would get another alphabet and lines that end with ``\\r\\n``: it gets what it gets elsewhere.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
        if windows and not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")


def printable(text: str) -> str:
    """``text`` with control characters shown (``\\x1b``), so that a file name cannot steer a terminal."""
    return text.translate(_CONTROLS)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split("\n")))


def escape(text: str) -> str:
    """``text`` for a Rich console: markup taken literally, control characters shown."""
    from rich.markup import escape as escaped

    return escaped(printable(text))


class ConsoleReporter(Reporter):
    """Notes on stderr; progress as a live bar on a terminal, as one plain line every 30 s elsewhere."""

    def __init__(self, *, quiet: bool, verbose: bool = False) -> None:
        from rich.console import Console

        self.console = Console(file=cast(IO[str], Messages()), highlight=False, soft_wrap=True)
        self.quiet, self.verbose = quiet, verbose
        self._live: Any = None
        self._task: Any = None
        self._began = self._spoke = time.monotonic()
        self._first = 0

    def note(self, text: str) -> None:
        if not self.quiet:
            self.console.print(escape(text))

    def warn(self, text: str) -> None:
        self.console.print(f"[yellow]warning:[/] {escape(text)}")

    def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
        if self.quiet:
            return
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._bar(done, total, unit, detail)
            return
        now = time.monotonic()
        if self._first == 0:
            self._began = self._spoke = now
            self._first = done
        if now - self._spoke >= PLAIN_SECONDS:
            self._spoke = now
            self.console.print(escape(self._plain(done, total, unit, detail, now - self._began)))

    def end_progress(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            atexit.unregister(self.end_progress)
        self._first = 0

    def _plain(self, done: int, total: int | None, unit: str, detail: str, seconds: float) -> str:
        rate = (done - self._first) / seconds if seconds > 0 else 0.0
        left = f", {spoken_time((total - done) / rate)} left" if total and rate else ""
        return f"{done}/{total or '?'} {unit}, {rate:.2f}/s{left}" + (f"; {detail}" if detail and self.verbose else "")

    def _bar(self, done: int, total: int | None, unit: str, detail: str) -> None:
        if self._live is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._live = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}", style="dim"),
                console=self.console,
                transient=True,
            )
            atexit.register(self.end_progress)  # however it ends, the cursor is shown again
            self._live.start()
            self._began, self._first = time.monotonic(), done
            self._task = self._live.add_task(unit, total=total, completed=done, detail="", rate="")
        seconds = time.monotonic() - self._began
        rate = f"{(done - self._first) / seconds:.2f}/s" if seconds > 1 else ""
        self._live.update(self._task, completed=done, total=total, detail=escape(detail), rate=rate)
