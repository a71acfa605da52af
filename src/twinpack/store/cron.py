"""Schedules as cron writes them, in UTC: five fields, or six with the second in front."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("weekday", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)
_LONGEST_WAIT_DAYS = 8 * 366  # a 29th of February, over a year such as 2100


@dataclass(frozen=True)
class Cron:
    """A schedule.

    Attributes:
        seconds: Seconds of a minute it is due at, and likewise below.
        weekdays: 0 is Sunday.
        either: Whether a day that fits one of `days` and `weekdays` is enough: so where both are narrowed.
    """

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read a schedule such as `0 3 * * *` (each night at three) or `*/10 * * * * *` (each ten seconds).

        Raises:
            ValueError: Says which field is wrong and what it may be.
        """
        parts = text.lower().split()
        if len(parts) not in (5, 6):
            raise ValueError("it has 5 fields (minute hour day month weekday), or 6 with the second in front")
        parts = parts if len(parts) == 6 else ["0", *parts]
        sets = (_values(part, *field) for part, field in zip(parts, _FIELDS, strict=True))
        seconds, minutes, hours, days, months, weekdays = sets
        weekdays = frozenset(day % 7 for day in weekdays)
        return cls(seconds, minutes, hours, days, months, weekdays, len(days) < 31 and len(weekdays) < 7)

    def last(self, now: datetime) -> datetime | None:
        """The last time at which it was due, `now` included; None when there is no such day."""
        now = now.astimezone(UTC).replace(microsecond=0)
        limit: tuple[int, int, int] = (now.hour, now.minute, now.second)
        for back in range(_LONGEST_WAIT_DAYS):
            day = now - timedelta(days=back)
            found = self._last_of_day(limit) if self._is_day(day) else None
            if found is not None:
                return day.replace(hour=found[0], minute=found[1], second=found[2])
            limit = (23, 59, 59)
        return None

    def _is_day(self, day: datetime) -> bool:
        fits, falls = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (fits or falls if self.either else fits and falls)

    def _last_of_day(self, limit: tuple[int, int, int]) -> tuple[int, int, int] | None:
        for hour in sorted(self.hours, reverse=True):
            if hour < limit[0]:
                return hour, max(self.minutes), max(self.seconds)
            if hour == limit[0]:
                for minute in sorted(self.minutes, reverse=True):
                    seconds = [s for s in self.seconds if (minute, s) <= limit[1:]]
                    if seconds:
                        return hour, minute, max(seconds)
        return None


def _values(text: str, name: str, least: int, most: int, words: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        matched = _PART.fullmatch(part)
        if matched is None:
            raise ValueError(f"{name} {part!r} is not {least} to {most}, *, a range a-b, or one of these with /step")
        star, first, last, step = matched.groups()
        low = least if star else _value(first, name, least, most, words)
        # `5/10` means from 5 on, as cron has it.
        high = most if star or (step and not last) else _value(last or first, name, least, most, words)
        if high < low or (step is not None and int(step) < 1):
            raise ValueError(f"{name} {part!r} holds no value")
        found.update(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _value(text: str, name: str, least: int, most: int, words: dict[str, int]) -> int:
    value = words.get(text, int(text) if text.isascii() and text.isdigit() else -1)
    if not least <= value <= most:
        raise ValueError(f"{name} {text!r} is not from {least} to {most}")
    return value
