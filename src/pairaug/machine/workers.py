"""One engine for doing the same to many items in several threads.

    with working(render, indices, 4, one_thread=True) as results:
        for index, made in results:
            ...

The caller's thread hands out the items, one by one as there is room, and receives the results as they are finished;
signals and clocks are looked at there. The first error ends it all: no item is begun after it, those under way are
told by ``stop``, and the error is raised when the last of them has ended.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LISTENING = 0.5  # seconds after which a signal is noticed


def default_threads() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def working(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    *,
    ahead: int = 0,
    one_thread: bool = False,
    stop: threading.Event | None = None,
    listen: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[tuple[Item, Result]]]:
    """Pairs of an item and ``function`` of it, in the order in which they are finished.

    ``ahead``: items handed out beyond the one that each worker is at; ``one_thread``: inside each numerical operation.
    ``stop`` is set at the first error and at the end; a function that takes long asks it. ``listen`` is called before
    items are handed out and every ``LISTENING`` seconds, and may raise.
    """
    ended = stop or threading.Event()

    def unless_ended(item: Item) -> list[Result]:
        if ended.is_set():
            return []
        try:
            return [function(item)]
        except BaseException:
            ended.set()  # here, since the caller may be busy with an earlier result
            raise

    with ExitStack() as stack:
        begin = stack.enter_context(_one_thread()) if one_thread else None
        pool = ThreadPoolExecutor(workers, initializer=begin)
        try:
            yield _results(pool, unless_ended, iter(items), workers + ahead, listen)
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)


def in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> list[Result]:
    """``function`` of every item, in the order of the items."""
    with working(lambda entry: function(entry[1]), enumerate(items), workers, ahead=workers) as results:
        return put_in_order((place, result) for (place, _), result in results)


def put_in_order(results: Iterable[tuple[int, Result]]) -> list[Result]:
    """Results by their places, each of which is there once."""
    return [result for _, result in sorted(results, key=lambda entry: entry[0])]


def _results(
    pool: ThreadPoolExecutor,
    function: Callable[[Item], list[Result]],
    items: Iterator[Item],
    most: int,
    listen: Callable[[], None],
) -> Iterator[tuple[Item, Result]]:
    running: dict[Future[list[Result]], Item] = {}
    while True:
        listen()
        for item in itertools.islice(items, most - len(running)):
            running[pool.submit(function, item)] = item
        if not running:
            return
        done = wait(running, LISTENING, FIRST_COMPLETED).done
        for future in [future for future in running if future in done]:  # the same order whatever their addresses
            item = running.pop(future)
            for result in future.result():
                yield item, result


@contextmanager
def _one_thread() -> Iterator[Callable[[], None]]:
    from pairaug.machine.threads import one_thread_each, stay_at_one_thread  # torch: not for those who only read files

    with one_thread_each():
        yield stay_at_one_thread
