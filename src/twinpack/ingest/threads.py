"""Work beside the work: what is read next, and what is written last, while something else is computed.

Reading, compressing and writing leave Python's lock alone, so that a second core does them. Never more than one thing
is under way on either side, so that memory stays bounded; errors come out where the work is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

_END = object()


def read_ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items, each taken from `items` while the one before it is at work."""
    with ThreadPoolExecutor(1) as pool:
        coming: Future[Any] = pool.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = pool.submit(next, items, _END)
            yield item


class Behind:
    """Does one thing after the other in a thread of its own, in order."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[Any] | None = None

    def __enter__(self) -> Behind:
        """Use as a context manager, to end the thread."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread once what it does is done; call `wait` first to meet its error."""
        self._pool.shutdown()

    def do(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Begin something once what came before is done; raises the error of that."""
        self.wait()
        self._last = self._pool.submit(work, *arguments)

    def wait(self) -> None:
        """Wait for what is under way; raises its error."""
        last, self._last = self._last, None
        if last is not None:
            last.result()
