"""Waiting for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0
"""Far more than anything takes: a wait that is over tells of a fault, not of a slow machine."""


def until(reached: Callable[[], object], what: Callable[[], object] | str = "") -> None:
    """Wait until something is so; `what` tells what is wrong when it never is."""
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, f"never reached: {what() if callable(what) else what}"
        time.sleep(0.01)
