"""A child process whose file operations are counted, and which is killed or made to fail at the n-th of them.

Children are forks of a process that has everything imported, so that a point costs a few hundredths of a second.
Counted: open for writing, write, fsync, replace, link, unlink, mkdir, rmdir.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pairaug.errors import PairaugError
from pairaug.files import TEMPORARY_PREFIX
from tests.conftest import contents

TRACEBACK = 99
FOREIGN = "notes of the user.txt"
# What a full disk refuses; the others it allows.
_NEEDS_SPACE = {"open", "write", "fsync", "mkdir", "link"}

Work = Callable[[Path], object]


@dataclass(frozen=True)
class Fault:
    """``kind``: kill, or the name of an error of the system; a full disk (ENOSPC) stays full."""

    kind: str
    at: int


class Operations:
    """Counts, in this process, and lets the fault happen."""

    def __init__(self, fault: Fault | None) -> None:
        self.count, self.fault = 0, fault

    def step(self, name: str) -> bool:
        """Count one operation. Raises what the fault says; True where a write is to be torn and then killed."""
        self.count += 1
        fault = self.fault
        if fault is None or self.count < fault.at:
            return False
        if fault.kind == "kill":
            if name == "write":
                return True
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == fault.at or (fault.kind == "ENOSPC" and name in _NEEDS_SPACE):
            if name == "write" and fault.kind == "ENOSPC":
                return True
            raise OSError(getattr(errno, fault.kind), os.strerror(getattr(errno, fault.kind)))
        return False

    def install(self) -> None:
        for name in ("fsync", "replace", "link", "unlink", "mkdir", "rmdir"):
            setattr(os, name, self._counted(name, getattr(os, name)))
        original = builtins.open

        def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            writes = any(letter in mode for letter in "wax+")
            if not writes or isinstance(file, int):
                return original(file, mode, *arguments, **named)
            self.step("open")
            return self._watched(original(file, mode, *arguments, **named))

        builtins.open = io.open = opened  # type: ignore[assignment]

    def _counted(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step(name)
            return original(*arguments, **named)

        return call

    def _watched(self, file: Any) -> Any:
        operations = self

        class Watched:
            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *error: Any) -> None:
                file.close()

            def __iter__(self) -> Any:
                return iter(file)

            def write(self, data: Any) -> int:
                if operations.step("write"):
                    file.write(data[: len(data) // 2])
                    file.flush()
                    if operations.fault is not None and operations.fault.kind == "kill":
                        os.kill(os.getpid(), signal.SIGKILL)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return int(file.write(data))

        return Watched()


def run_child(work: Work, folder: Path, fault: Fault | None) -> tuple[int, int]:
    """(exit code, operations counted); a killed child has the code -9 and 0 operations."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = TRACEBACK
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            if not os.environ.get("FAULTS_SHOW"):
                os.dup2(null, 1), os.dup2(null, 2)
            operations = Operations(fault)
            operations.install()
            try:
                work(folder)
                code = 0
            except PairaugError as error:
                print(error.message, file=sys.stderr)
                code = error.exit_code
            except OSError as error:
                print(repr(error), file=sys.stderr)
                code = 7  # as the command line has it
            except BaseException:
                import traceback

                traceback.print_exc()
            os.write(writing, str(operations.count).encode())
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        counted = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), int(counted or 0)


@dataclass
class Outcome:
    """``failures``: one line a point that did not end as it should."""

    points: int = 0
    operations: int = 0
    failures: list[str] = field(default_factory=list)


def temporaries(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.startswith((TEMPORARY_PREFIX, "pairaug-evaluate-"))]


@contextmanager
def _copy(base: Path, place: Path) -> Iterator[Path]:
    shutil.copytree(base, place, symlinks=True)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def try_points(work: Work, base: Path, scratch: Path, kinds: dict[str, int], judged: Callable[[Path], Any]) -> Outcome:
    """``work`` on a copy of ``base`` once undisturbed, and once for each kind of fault at every step-th operation.

    ``kinds``: kind -> step; the last ten operations are tried for each kind. ``judged``: what of the folder must be
    the same in the end. The foreign file in ``base`` must stay.
    """
    outcome = Outcome()
    with _copy(base, scratch / "whole") as whole:
        code, outcome.operations = run_child(work, whole, None)
        assert code == 0, f"undisturbed: exit {code}"
        expected = judged(whole)
    for kind, step in kinds.items():
        last = range(max(1, outcome.operations - 9), outcome.operations + 1)
        for at in sorted({*range(1, outcome.operations + 1, step), *last}):
            outcome.points += 1
            with _copy(base, scratch / "tried") as tried:
                for problem in _problems(work, tried, Fault(kind, at), expected, judged):
                    outcome.failures.append(f"{kind} at {at} of {outcome.operations}: {problem}")
            print(f"{kind} at {at} of {outcome.operations} tried, {len(outcome.failures)} failed so far", flush=True)
    return outcome


def _problems(work: Work, tried: Path, fault: Fault, expected: Any, judged: Callable[[Path], Any]) -> Iterator[str]:
    foreign = {path: path.read_bytes() for path in tried.rglob(FOREIGN)}
    code, _ = run_child(work, tried, fault)
    if code == TRACEBACK:
        yield "ended with a traceback"
    if fault.kind != "kill" and temporaries(tried):
        yield f"left {temporaries(tried)[0]}"
    again, _ = run_child(work, tried, None)
    if again:
        yield f"(exit {code}), then the same command: exit {again}"
    elif judged(tried) != expected:
        there, wanted = judged(tried), expected
        names = [name for name in sorted({*there, *wanted}) if there.get(name) != wanted.get(name)]
        yield f"(exit {code}), then other bytes: {names[:3]}"
    if temporaries(tried):
        yield f"kept {temporaries(tried)[0]}"
    if any(not path.is_file() or path.read_bytes() != data for path, data in foreign.items()):
        yield "lost a file of the user"


def all_files(folder: Path) -> dict[str, bytes]:
    return contents(folder)
