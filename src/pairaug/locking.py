"""Locks that die with their owner, and scratch folders that nobody else clears away while they are in use."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pairaug.errors import OutputError
from pairaug.files import refuse_folder, storage_errors, write_atomic

LOCK_NAME = ".pairaug.lock"
HELD_NAME = f"{LOCK_NAME}.held"


def _module(name: str) -> Any:
    """A module that one system has and another has not; None where it is not here."""
    try:
        return import_module(name)
    except ImportError:
        return None


fcntl, msvcrt = _module("fcntl"), _module("msvcrt")  # Unix has the one, Windows the other


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the operating system releases it when the process ends, however it ends.

    The folder itself is locked where the platform allows it, so that no lock file can be removed under another
    process; else ``.pairaug.lock.held`` in it. ``.pairaug.lock`` only names the owner. Raises OutputError naming the
    process that holds it.
    """
    owner = folder / LOCK_NAME
    if not folder.is_dir() and os.path.lexists(folder):
        raise OutputError(f"{folder}: is not a folder; move it away or choose another place")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    refuse_folder(owner)
    with _locked(folder) as held:
        if not held:
            raise OutputError(f"{folder}: in use by {_owner(owner)}; wait for it or choose another place")
        try:
            # Put in place by a rename: a link of that name is replaced, and what it names stays as it is.
            write_atomic(owner, f"pairaug (process {os.getpid()})".encode(), sync=False)
            yield
        finally:
            with contextlib.suppress(OSError):  # the lock is the folder's; a name left behind is written over
                owner.unlink(missing_ok=True)


def _owner(path: Path) -> str:
    if path.is_file() and not path.is_symlink():
        return path.read_text(encoding="utf-8").strip()
    return "another process"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    if fcntl is None:
        with _held_file(folder / HELD_NAME) as held:
            yield held
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _held_file(path: Path) -> Iterator[bool]:
    """A file that is locked, for Windows, where a folder cannot be opened, nor a file removed that another has open."""
    held = False
    try:
        with open(path, "a+b") as handle:
            with contextlib.suppress(OSError):  # another process has it
                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
                held = True
            yield held
    finally:
        if held:
            with contextlib.suppress(OSError):  # another process has opened it meanwhile, or the folder is gone
                path.unlink()


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A folder of the system's for temporary files, removed in the end; those of killed processes are removed first.

    Each is locked by its owner, so that only what nobody works in is removed.
    """
    place = Path(tempfile.gettempdir())
    for stale in place.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # another user's, or gone by now
            if stale.is_dir() and not stale.is_symlink():
                with _locked(stale) as free:
                    if free:
                        shutil.rmtree(stale, ignore_errors=True)
                if free:  # Windows removes no file that is open, as the lock's was
                    shutil.rmtree(stale, ignore_errors=True)
    folder = None
    try:
        with contextlib.ExitStack() as held:
            folder = _own_folder(place, prefix, held)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)  # what could not be removed the first time


def _own_folder(place: Path, prefix: str, held: contextlib.ExitStack) -> Path:
    """A new folder, locked for as long as ``held`` lasts.

    Until it is locked another process may take it for a stale one and remove it; then there is a next one.
    """
    while True:
        with storage_errors(place):
            folder = Path(tempfile.mkdtemp(prefix=prefix))
        with contextlib.suppress(FileNotFoundError):
            if held.enter_context(_locked(folder)) and folder.is_dir():
                return folder
