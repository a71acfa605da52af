"""What was made a while ago and may be asked for again: as much of it as is worth keeping."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, each made of something: it is made anew when that is another thing. Any thread may ask."""

    def __init__(self, most: int) -> None:
        """Keep so many, those asked for last."""
        self._most = most
        self._held: OrderedDict[K, tuple[object, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, source: object, make: Callable[[], V]) -> V:
        """The value of a key, made when it is not there or was made of another source."""
        with self._lock:
            kept = self._held.get(key)
            if kept is not None and kept[0] is source:
                self._held.move_to_end(key)
                return kept[1]
        made = make()
        with self._lock:
            self._held[key] = (source, made)
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return made
