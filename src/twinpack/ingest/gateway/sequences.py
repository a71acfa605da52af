"""Counters that vehicles put into their messages: what is missing, and which began again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class SequenceCheck:
    """Compares each vehicle's counter with the one before it. The first one after a start says nothing.

    Attributes:
        missing: Messages that did not come, by the counters.
        restarts: Counters that fell: the device was started again. That is no gap.
    """

    missing: int = 0
    restarts: int = 0
    _last: dict[str, int] = field(default_factory=dict)

    def take(self, counters: Iterable[tuple[str, int]]) -> None:
        """Take in vehicle and counter of messages that brought news, in the order of their arrival."""
        last = self._last
        for vehicle, number in counters:
            before = last.get(vehicle)
            last[vehicle] = number
            if before is None:
                continue
            if number > before:
                self.missing += number - before - 1
            elif number < before:
                self.restarts += 1
