"""Makes this process a machine that has none of the habits of Linux: the worst of Windows and macOS together.

A child process of ``tests/machine/test_other_systems.py`` becomes so after torch is loaded and before pairaug is. What
Windows does to open files cannot be had here: whatever closes a file too late goes unnoticed.
"""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def become() -> None:
    multiprocessing.set_start_method("spawn")
    sys.modules["fcntl"] = None  # type: ignore[assignment]
    sys.modules["msvcrt"] = _msvcrt()
    for module, names in ((os, ("sched_getaffinity", "fork", "O_NONBLOCK")), (signal, ("SIGTERM", "SIGPIPE"))):
        for name in names:
            delattr(module, name)
    os.link = _refused  # as on exFAT
    os.symlink = _refused
    os.open = _of_files(os.open)
    os.rename = _not_over(os.rename)


def _refused(*given: Any, **named: Any) -> Any:
    raise OSError(errno.EPERM, "Operation not permitted")


def _of_files(original: Callable[..., int]) -> Callable[..., int]:
    """Windows opens no folder, so that none can be locked or flushed to the disk."""

    def call(path: Any, *given: Any, **named: Any) -> int:
        if os.path.isdir(path) and "dir_fd" not in named:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path, *given, **named)

    return call


def _not_over(original: Callable[..., None]) -> Callable[..., None]:
    def call(source: Any, target: Any, **named: Any) -> None:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "File exists", str(target))
        original(source, target, **named)

    return call


def _msvcrt() -> ModuleType:
    """``locking`` as Windows has it: of one process a second handle is kept out too."""
    module: Any = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    module.locking = locking
    return module
