"""How many threads a numerical operation uses, and holding it to one.

Torch's count is the process's as torch documents it, and each thread's own as OpenMP keeps it: a thread takes it over
from the process when it first computes. So regions of one thread are counted: the first to be entered remembers the
count, the last to be left brings it back, in whatever order threads of the caller enter and leave theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import ThreadpoolController, threadpool_limits


class _Here(threading.local):
    """How deep this thread is in regions."""

    depth = 0


class _Regions:
    """Those that threads are in, and what to bring back when the last is left."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.here = _Here()
        self.threads_in, self.torch_before = 0, 1
        self.blas: threadpool_limits | None = None

    def enter(self) -> None:
        with self.lock:
            self.here.depth += 1
            if self.here.depth > 1:
                return
            if not self.threads_in:
                self.torch_before = torch.get_num_threads()
                self.blas = threadpool_limits(limits=1, user_api="blas")
            self.threads_in += 1
            torch.set_num_threads(1)

    def leave(self) -> None:
        with self.lock:
            self.here.depth -= 1
            if self.here.depth:
                return
            self.threads_in -= 1
            if self.threads_in:  # only this thread's own count, which others that are still inside do not see
                ThreadpoolController().select(user_api="openmp").limit(limits=self.torch_before)
                return
            torch.set_num_threads(self.torch_before)
            if self.blas is not None:
                self.blas.restore_original_limits()


_regions = _Regions()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """One thread inside each numerical operation of this thread: its result then does not depend on how many there are.

    Threads that are started within call ``stay_at_one_thread`` first. Any number of threads may be inside at once.
    """
    _regions.enter()
    try:
        yield
    finally:
        _regions.leave()


def stay_at_one_thread() -> None:
    """For a thread that lives no longer than a region of another: one thread each for all its life."""
    _regions.here.depth += 1
    torch.set_num_threads(1)
