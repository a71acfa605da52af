from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from twinpack.ingest.threads import Behind, read_ahead


def test_items_come_in_order_and_one_ahead() -> None:
    taken: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for number in range(4):
            taken.append(number)
            if number == 1:
                second.set()
            yield number

    ahead = read_ahead(items())
    assert next(ahead) == 0
    assert second.wait(10), "the second is taken while the first is at work"
    assert len(taken) == 2
    assert list(ahead) == [1, 2, 3]


def test_an_error_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="broken"):
        next(ahead)


def test_work_is_done_in_order() -> None:
    done: list[int] = []
    with Behind() as behind:
        for number in range(20):
            behind.do(done.append, number)
        behind.wait()
        behind.wait()
    assert done == list(range(20))


def test_an_error_stops_what_comes_next() -> None:
    done: list[int] = []

    def fail() -> None:
        raise KeyError("full")

    with Behind() as behind:
        behind.do(fail)
        with pytest.raises(KeyError, match="full"):
            behind.do(done.append, 1)
    assert done == []
