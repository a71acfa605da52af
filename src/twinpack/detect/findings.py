"""What detection tells: a code that was raised or is gone, with its evidence; and a trouble code's way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

Category = Literal["battery", "sensor", "data"]
"""What is at fault: the battery, a sensor of it, or the data that tell of it."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
Level = Literal["watch", "alarm"]
"""Whether people should look at it some time, or now."""
LEVELS: tuple[Level, ...] = get_args(Level)
"""The lower first."""
Change = Literal["pending", "raised", "passed", "gone"]

PENDING: Change = "pending"
"""A test failed, in too few operation cycles yet to be believed."""
RAISED: Change = "raised"
"""It is so: first, again after it had passed, or at a higher level than before."""
PASSED: Change = "passed"
"""It is not so at the moment; whoever fixed nothing should still look."""
GONE: Change = "gone"
"""Healed: not so for long enough to be over, cleared by a command, or never confirmed."""


class Moment(NamedTuple):
    """Whom a finding is about, the sample time it came about and the log offset of what brought it about."""

    lane: int
    time_us: int
    offset: int


@dataclass(frozen=True)
class Finding:
    """One step in the life of a fault.

    Attributes:
        lane: The vehicle, as the index that detection was given.
        time_us: Sample time of the row that brought it about (of a silence: of the vehicle's last row).
        offset: Log offset of that row (of a silence: of the tick).
        code: Trouble code (`P0AA6`) or the name of an own rule (`TP-CELL-LOW`).
        subject: What of the pack it is about: `cell 81`, `probe 3` (from 1), or "" for the pack.
        category: What is at fault.
        change: What happened.
        level: `watch` or `alarm`.
        severity: 0 none, 1 drives normally, 2 limited performance, 3 stop or call rescue.
        since_us: Sample time from which on it was so.
        status: Status byte of ISO 14229 after the change; 0 for findings without a life cycle.
        occurrence: How often it was raised so far, this time included.
        evidence: Figures that show why, JSON values: numbers, texts, lists of numbers.
    """

    lane: int
    time_us: int
    offset: int
    code: str
    subject: str
    category: Category
    change: Change
    level: Level
    severity: int
    since_us: int
    status: int
    occurrence: int
    evidence: Mapping[str, Any]
