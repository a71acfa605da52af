"""Notice a current whose sign is the wrong way round: the charge falls while the current says it rises."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.readings import Floats, Integers

_LONGEST_STEP_S = 120.0
_PIECE_US = 1_800_000_000
"""Drives and charges of days cancel out; what is left of both says nothing. Half an hour is seldom of both."""
_LEAST_SWING_PCT = 1.0
_ENOUGH_SWING_PCT = 3.0
_OPPOSED = 0.8


class SignCheck:
    """Compares the charge moved with the change of the state of charge, over the tables of one file."""

    def __init__(self) -> None:
        """Begin without evidence."""
        self._agreeing = 0.0
        self._opposed = 0.0

    def add(self, vehicle: npt.NDArray[np.int64], time_us: Integers, current_a: Floats, soc_pct: Floats) -> None:
        """Take in N rows: vehicle number, time, current and state of charge, each of shape (N,)."""
        known = np.flatnonzero(np.isfinite(current_a) & np.isfinite(soc_pct))
        order = known[np.lexsort((time_us[known], vehicle[known]))]
        if len(order) < 2:
            return
        step_s = np.diff(time_us[order]) / 1e6
        inside = (np.diff(vehicle[order]) == 0) & (step_s <= _LONGEST_STEP_S)
        moved = np.where(inside, (current_a[order[1:]] + current_a[order[:-1]]) / 2 * step_s, 0.0)
        swing = np.where(inside, np.diff(soc_pct[order]), 0.0)
        piece = time_us[order[1:]] // _PIECE_US
        starts = np.flatnonzero(np.diff(vehicle[order[1:]], prepend=-1) | np.diff(piece, prepend=piece[0]))
        for moved_as, swing_pct in zip(np.add.reduceat(moved, starts), np.add.reduceat(swing, starts), strict=True):
            self._weigh(float(moved_as), float(swing_pct))

    def wrong(self) -> bool:
        """Whether most of a swing worth the name went against the current."""
        total = self._agreeing + self._opposed
        return total >= _ENOUGH_SWING_PCT and self._opposed >= _OPPOSED * total

    def _weigh(self, moved_as: float, swing_pct: float) -> None:
        if abs(swing_pct) < _LEAST_SWING_PCT:
            return
        if moved_as * swing_pct < 0:
            self._opposed += abs(swing_pct)
        else:
            self._agreeing += abs(swing_pct)
