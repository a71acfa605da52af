"""What is over because of a repair: every finding that was raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.cells.evidence import CODES, MINUTE_US, finding_of
from twinpack.detect.cells.state import (
    CELL_CODES,
    LEVELS,
    PACK_CODES,
    PROBE_LEVELS,
    PROBE_SINCE,
    PROBE_TIMES,
    SINCE,
    TIMES_RAISED,
    CellsState,
)
from twinpack.detect.findings import GONE, Finding, Moment

_ROWS = (
    ("cell", (LEVELS, TIMES_RAISED, SINCE)),
    ("probe", (PROBE_LEVELS, PROBE_TIMES, PROBE_SINCE)),
    ("pack", (0, len(PACK_CODES), 0)),
)
"""Arrays of each group of findings, and the first rows of level, times raised and since when."""


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
    evidence = {"text": "repaired", "because": "repair", **told}
    found: dict[tuple[int, str, str], Finding] = {}
    for group, (name, rows) in enumerate(_ROWS):
        count, when, kinds = getattr(state, f"{name}_count"), getattr(state, f"{name}_when"), len(CODES[group])
        for lane in lanes.tolist():
            level, times = (count[lane, row : row + kinds] for row in rows[:2])
            since = when[lane, rows[2] : rows[2] + kinds]
            for kind, which in np.argwhere(level > 0).tolist():
                since_us, occurrence = int(since[kind, which]) * MINUTE_US, int(times[kind, which])
                what, at = (group, kind, which + 1), Moment(lane, time_us, offset)
                one = finding_of(what, at, GONE, int(level[kind, which]), since_us, occurrence, evidence)
                found[lane, one.code, one.subject] = one
    return list(found.values())


def highest(state: CellsState) -> npt.NDArray[np.int8]:
    """Highest level of a cell of each vehicle, shape (L,)."""
    levels = state.cell_count[:, LEVELS : LEVELS + len(CELL_CODES)]
    worst: npt.NDArray[np.int8] = levels.reshape(state.lanes, -1).max(axis=1, initial=0)
    return worst
