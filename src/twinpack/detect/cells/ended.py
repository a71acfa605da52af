"""What is over because of a repair: every finding that was raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.cells.state import (
    CELL_CODES,
    LEVELS,
    PACK_CODES,
    PROBE_CODES,
    PROBE_LEVELS,
    PROBE_SINCE,
    PROBE_TIMES,
    SINCE,
    TIMES_RAISED,
    CellsState,
)
from twinpack.detect.findings import GONE, Category, Finding

ALARM = 2
"""Level of an alarm; 1 is a watch, 0 normal."""
_MINUTE_US = 60_000_000
_GROUPS: tuple[tuple[str, tuple[str, ...], str, Category, tuple[int, int, int]], ...] = (
    ("cell", CELL_CODES, "cell", "battery", (LEVELS, TIMES_RAISED, SINCE)),
    ("probe", PROBE_CODES, "probe", "sensor", (PROBE_LEVELS, PROBE_TIMES, PROBE_SINCE)),
    ("pack", PACK_CODES, "", "battery", (0, len(PACK_CODES), 0)),
)
"""Arrays, codes and subject of each kind of finding, and the first rows of level, times raised and since when."""


def ended(
    state: CellsState, lanes: npt.NDArray[Any], time_us: int, offset: int, told: Mapping[str, Any]
) -> list[Finding]:
    """A `gone` for each finding of some vehicles that is raised.

    Args:
        state: State before the repair.
        lanes: The vehicles.
        time_us: When it was done.
        offset: Log offset of the command.
        told: What to keep in the evidence: who did it, and why.
    """
    found: dict[tuple[int, str, str], Finding] = {}
    for name, codes, of, category, rows in _GROUPS:
        count, when = getattr(state, f"{name}_count"), getattr(state, f"{name}_when")
        for lane in lanes.tolist():
            level, times = (count[lane, row : row + len(codes)] for row in rows[:2])
            since = when[lane, rows[2] : rows[2] + len(codes)]
            for kind, which in np.argwhere(level > 0).tolist():
                subject = f"{of} {which + 1}" if of else ""
                alarm = int(level[kind, which]) == ALARM
                found[lane, codes[kind], subject] = Finding(
                    lane=lane,
                    time_us=time_us,
                    offset=offset,
                    code=codes[kind],
                    subject=subject,
                    category=category,
                    change=GONE,
                    level="alarm" if alarm else "watch",
                    severity=2 if alarm else 1,
                    since_us=int(since[kind, which]) * _MINUTE_US,
                    status=0,
                    occurrence=int(times[kind, which]),
                    evidence={"text": "repaired", "because": "repair", **told},
                )
    return list(found.values())


def highest(state: CellsState) -> npt.NDArray[np.int8]:
    """Highest level of a cell of each vehicle, shape (L,)."""
    levels = state.cell_count[:, LEVELS : LEVELS + len(CELL_CODES)]
    worst: npt.NDArray[np.int8] = levels.reshape(state.lanes, -1).max(axis=1, initial=0)
    return worst
