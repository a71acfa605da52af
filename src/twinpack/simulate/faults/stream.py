"""What becomes of rows on their way: sentinels, missing values, delays, duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpack.battery.arrays import Floats, Index
from twinpack.simulate.faults.state import COLUMNS, Rows
from twinpack.simulate.faults.traits import Traits

SENTINEL_V = 65.535
NO_PROBE_C = -40.0

_LATE_SHARE, _TWICE_SHARE, _MISSING_SHARE = 0.0004, 0.001, 0.0004
_MAY_BE_MISSING = tuple(
    COLUMNS.index(name) for name in ("soc_pct", "pack_current_a", "speed_kmh", "coolant_temp_c", "ambient_temp_c")
)


@dataclass(frozen=True)
class Sent:
    """Rows as they arrive, N of them.

    Attributes:
        row: Which row each is, shape (N,).
        received_s: When it arrives, true time, s since the start, shape (N,), rising.
    """

    row: Index
    received_s: Floats


def disturb(rows: Rows, count: int, traits: Traits) -> None:
    """Put sentinels and missing values into the first `count` rows: frames that were not complete when told."""
    luck, vehicle = rows.luck[:count], rows.vehicle[:count]
    spoiled = np.flatnonzero(luck[:, 0] < traits.sentinels[vehicle])
    # what is left of the number is again uniform
    again = luck[spoiled, 0] / traits.sentinels[vehicle[spoiled]]
    for row, u in zip(spoiled.tolist(), again.tolist(), strict=True):
        _spoil(rows, row, u)
    missing = np.flatnonzero(luck[:, 0] > 1.0 - _MISSING_SHARE)
    which = ((1.0 - luck[missing, 0]) / _MISSING_SHARE * len(_MAY_BE_MISSING)).astype(np.int64)
    rows.scalars[missing, np.array(_MAY_BE_MISSING)[which]] = np.nan


def _spoil(rows: Rows, row: int, u: float) -> None:
    """One frame: all cells, a few, or a probe."""
    cells, probes = rows.cells.shape[1], rows.probes.shape[1]
    again = (u * 4.0) % 1.0
    if u < 0.25:
        rows.cells[row] = SENTINEL_V
    elif u < 0.75:
        first, count = int(again * cells), 1 + int((again * 97.0) % 1.0 * 5.0)
        rows.cells[row, first : first + count] = SENTINEL_V if u < 0.5 else 0.0
    else:
        rows.probes[row, int(again * probes)] = NO_PROBE_C


def send(rows: Rows, count: int) -> Sent:
    """When the first `count` rows arrive: after 0.5 to 3 s, a few minutes late, a few twice."""
    luck = rows.luck[:count]
    # rows of one vehicle do not overtake each other but when they are late
    delay_s = 0.5 + 2.5 * luck[:, 2]
    late = luck[:, 1] < _LATE_SHARE
    delay_s = delay_s + np.where(late, 30.0 + 270.0 * luck[:, 1] / _LATE_SHARE, 0.0)
    twice = np.flatnonzero(luck[:, 1] > 1.0 - _TWICE_SHARE)
    row = np.concatenate([np.arange(count), twice])
    received_s = np.concatenate([rows.time_s[:count] + delay_s, rows.time_s[twice] + delay_s[twice] + 20.0])
    order = np.argsort(received_s, kind="stable")
    return Sent(row[order], received_s[order])
