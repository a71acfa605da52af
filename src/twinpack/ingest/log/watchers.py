"""What a live log tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class LogMovedError(Exception):
    """Another process put rows into the log since these were compared with it: compare them again."""


@dataclass(frozen=True)
class Written:
    """One append: how many rows, dead letters and bytes, and the seconds it took to force them to disk."""

    rows: int
    letters: int
    bytes: int
    sync_s: float


@dataclass(frozen=True)
class Watchers:
    """Who is told what happens; all are called from threads of the log and must return soon.

    Attributes:
        written: Each append that succeeded.
        sealed: First and end offset of each segment that was sealed.
        problem: Each failure of the sealing thread, which goes on trying.
    """

    written: Callable[[Written], None] | None = None
    sealed: Callable[[int, int], None] | None = None
    problem: Callable[[Exception], None] | None = None
