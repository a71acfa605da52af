"""What was found out a moment ago, kept for a moment."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Answers by name for a short while; the oldest goes when there are too many. Safe for many threads."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        """Keep at most so many, each for so long."""
        self._seconds, self._most, self._clock = seconds, most, clock
        self._lock = Lock()
        self._kept: OrderedDict[bytes, tuple[float, T]] = OrderedDict()
        self.generation = 0

    def get(self, name: bytes) -> T | None:
        """What was kept, None when there is nothing, or it is too old."""
        found = self._kept.get(name)
        return found[1] if found is not None and self._clock() < found[0] else None

    def put(self, name: bytes, value: T, generation: int) -> None:
        """Keep what was looked up in a generation; what was forgotten meanwhile stays so."""
        with self._lock:
            if generation == self.generation:
                self._kept.pop(name, None)
                self._kept[name] = (self._clock() + self._seconds, value)
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)

    def forget(self) -> None:
        """Keep nothing of what was found out up to now."""
        with self._lock:
            self.generation += 1
            self._kept.clear()
