"""A limit on how long queries run."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


class Limit:
    """Interrupts what runs longer than a time on a connection.

    One thread looks in from time to time: starting one for each query would take as long as the query.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, limit_s: float) -> None:
        """Watch over a connection; the thread starts with the first query."""
        self._watched = _Watched(connection, limit_s)
        self._end: weakref.finalize[[_Watched, threading.Thread], Limit] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """A query runs inside."""
        if self._end is None:
            thread = threading.Thread(target=self._watched.look, name="routing-limit", daemon=True)
            thread.start()
            # At the latest when the interpreter exits: a thread that it has to kill may take the process down.
            self._end = weakref.finalize(self, _end, self._watched, thread)
        self._watched.mark(time.monotonic())
        try:
            yield
        finally:
            self._watched.mark(None)

    def close(self) -> None:
        """End the thread."""
        if self._end is not None:
            self._end()


def _end(watched: _Watched, thread: threading.Thread) -> None:
    watched.ended.set()
    if thread is not threading.current_thread():  # which may be the one that collects garbage
        thread.join()


class _Watched:
    """What the thread of a `Limit` sees; it holds no reference to the limit, whose end it waits for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, limit_s: float) -> None:
        self.ended = threading.Event()
        self._connection = connection
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._since: float | None = None

    def mark(self, since: float | None) -> None:
        """A query began at a time, or (None) ended."""
        with self._lock:
            self._since = since

    def look(self) -> None:
        """Interrupt what is over its time, until ended."""
        while not self.ended.wait(self._limit_s / 4):
            with self._lock:
                if self._since is not None and time.monotonic() - self._since > self._limit_s:
                    self._connection.interrupt()
