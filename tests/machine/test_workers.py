"""The engine of workers, and the threads inside each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from pairaug.machine.threads import one_thread_each
from pairaug.machine.workers import in_order, put_in_order, working

OUTSIDE = 3


@pytest.fixture
def outside() -> Iterator[None]:
    """A count of threads that is not 1, so that one left behind is seen."""
    before = torch.get_num_threads()
    torch.set_num_threads(OUTSIDE)
    yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_items_whichever_is_finished_first() -> None:
    second_done = threading.Event()

    def work(item: str) -> str:
        if item == "first":
            assert second_done.wait(60)
        else:
            second_done.set()
        return item.upper()

    assert in_order(work, ["first", "second"], 2) == ["FIRST", "SECOND"]


def test_results_are_received_as_they_are_finished() -> None:
    received = threading.Event()

    def work(item: str) -> str:
        assert item == "second" or received.wait(60)
        return item

    with working(work, ["first", "second"], 2) as results:
        order = []
        for item, _ in results:
            order.append(item)
            received.set()
    assert order == ["second", "first"]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (3, 0), (2, 2)])
def test_no_more_items_are_taken_than_are_in_work(workers: int, ahead: int) -> None:
    """A source that makes its items, or stops by what was learnt, is asked only when there is room."""
    taken = received = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for item in range(20):
            taken += 1
            assert taken - received <= workers + ahead
            yield item

    with working(lambda item: item, source(), workers, ahead=ahead) as results:
        for _ in results:
            received += 1
    assert taken == received == 20


def test_after_the_first_error_no_item_is_begun_and_those_under_way_are_told() -> None:
    begun: list[int] = []
    stop, both = threading.Event(), threading.Barrier(2, timeout=60)

    def work(item: int) -> int:
        begun.append(item)
        both.wait()
        if item == 1:
            raise KeyError("the second")
        assert stop.wait(60)
        return item

    with pytest.raises(KeyError, match="the second"), working(work, range(100), 2, ahead=50, stop=stop) as results:
        list(results)
    assert sorted(begun) == [0, 1]


def test_an_error_of_the_receiver_ends_the_work_too() -> None:
    stop, told, begun = threading.Event(), threading.Event(), threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert begun.wait(60)
        else:
            begun.set()
            assert stop.wait(60)
            told.set()
        return item

    with pytest.raises(ZeroDivisionError), working(work, range(2), 2, stop=stop) as results:
        assert 1 // next(results)[0]
    assert told.is_set(), "an item was still under way"


def test_a_listener_is_heard_while_an_item_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairaug.machine.workers.LISTENING", 0.01)
    stop, heard = threading.Event(), 0

    def listen() -> None:
        nonlocal heard
        heard += 1
        if heard == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError), working(lambda _: stop.wait(60), [0], 1, stop=stop, listen=listen) as results:
        list(results)
    assert heard == 3


@pytest.mark.usefixtures("outside")
def test_workers_compute_on_one_thread_each_and_the_caller_has_its_own_count_again() -> None:
    with working(lambda _: torch.get_num_threads(), range(4), 2, one_thread=True) as results:
        assert {count for _, count in results} == {1}
    assert torch.get_num_threads() == OUTSIDE


@pytest.mark.usefixtures("outside")
def test_a_region_inside_another_and_inside_a_worker_leaves_one_thread_to_the_outer_one() -> None:
    def work(_: int) -> tuple[int, int]:
        with one_thread_each():
            inside = torch.get_num_threads()
        return inside, torch.get_num_threads()

    with one_thread_each():
        with working(work, range(4), 2, one_thread=True) as results:
            assert {counts for _, counts in results} == {(1, 1)}
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == OUTSIDE


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("first_out", [0, 1])
def test_two_threads_in_a_region_leave_the_right_count_behind_whoever_goes_first(first_out: int) -> None:
    both_in, one_out = threading.Barrier(2, timeout=60), threading.Event()

    def region(place: int) -> tuple[int, int]:
        with one_thread_each():
            both_in.wait()
            if place != first_out:
                assert one_out.wait(60)
            inside = torch.get_num_threads()
        after = torch.get_num_threads()
        one_out.set()
        return inside, after

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(region, range(2))) == [(1, OUTSIDE)] * 2
        assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [OUTSIDE] * 4
    assert torch.get_num_threads() == OUTSIDE


@pytest.mark.usefixtures("outside")
def test_an_error_in_a_region_brings_the_count_back() -> None:
    with pytest.raises(ZeroDivisionError), one_thread_each():
        raise ZeroDivisionError
    assert torch.get_num_threads() == OUTSIDE


def test_results_are_sorted_by_their_places_alone() -> None:
    assert put_in_order([(1, object), (0, print)]) == [print, object]
