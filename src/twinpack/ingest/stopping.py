"""How work that goes on until it is told to stop is told."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that an interrupt or a termination signal sets, in place of ending the process."""
    stopped = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_with_input(stopped: threading.Event) -> None:
    """Set an event when standard input ends: with whoever started this process, at the latest."""
    threading.Thread(target=_read_to_the_end, args=(stopped,), name="standard-input", daemon=True).start()


def _read_to_the_end(stopped: threading.Event) -> None:
    # Read without a buffer: a thread that waits inside one would disturb the interpreter's end.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stopped.set()
