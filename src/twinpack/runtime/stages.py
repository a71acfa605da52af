"""Where the time of a command goes: seconds by stage, whose sum is the time that passed within stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIMULATE, IMPORT, LEARN, LIVE = "simulate", "import", "learn", "live"
READ, FOLD, COMPILE, FILTER = "read log", "fold", "compile", "filter"
COMMIT, SNAPSHOT, COMPACT, LAKE = "commit", "snapshot", "compact", "lake"
VERIFY, SCORE, FORECAST, REPORT, APP, OTHER = "verify", "score", "forecast", "report", "app", "other"


class Stages:
    """A stage clock of one thread.

    Stages may lie within each other; the time of an inner one is not that of the outer one too. So what filters take
    within a fold (`timed`) is told apart from the rest of it. What another thread does meanwhile counts only where this
    one waits for it.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Count from a clock that tells seconds."""
        self._clock = clock
        self._open: list[str] = []
        self._since = 0.0
        self.seconds: dict[str, float] = {}

    @property
    def total_s(self) -> float:
        """Seconds within stages."""
        return sum(self.seconds.values())

    @contextmanager
    def within(self, stage: str) -> Iterator[None]:
        """Count what happens inside as that stage's."""
        self._turn()
        self._open.append(stage)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def shares(self) -> dict[str, float]:
        """Share of each stage, 0 to 1, in the order in which they began; none when no time passed."""
        total = self.total_s
        return {stage: seconds / total for stage, seconds in self.seconds.items()} if total else {}

    def _turn(self) -> None:
        """Give the time since the last change to the innermost open stage."""
        now = self._clock()
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + now - self._since
        self._since = now
