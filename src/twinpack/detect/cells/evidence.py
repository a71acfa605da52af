"""Findings, with their evidence in words and figures, from what the kernel told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.cells.state import (
    CELL_CODES,
    COOLING,
    HIGH,
    LOW,
    OUTLIER,
    PACK_CODES,
    PROBE_CODES,
    REGIMES,
    RESISTANCE,
    SELFDIS,
    SHIFT,
    SHIFTED,
    SPREAD,
    WEAK,
)
from twinpack.detect.cells.tracks import (
    ALARM,
    FIGURES,
    GROUP,
    IN_CELLS,
    IN_PACK,
    IN_PROBES,
    KIND,
    LEVEL,
    NORMAL,
    NUMBER,
    ROW,
    SINCE,
    TIMES,
)
from twinpack.detect.findings import GONE, RAISED, Change, Finding, Moment
from twinpack.detect.frames import Frames

Told = npt.NDArray[np.float64]
MINUTE_US = 60_000_000
CODES = (CELL_CODES, PROBE_CODES, PACK_CODES)
"""Codes by group and kind."""
_OF = ("cell", "probe", "")
"""What a finding of a group is about; "" for the pack."""


def findings(told: Told, frames: Frames) -> list[Finding]:
    """The findings behind changes, in their order.

    Args:
        told: Changes, (changes, `WIDTH`).
        frames: The samples that they came of.
    """
    return [_finding(one, frames) for one in told]


def _finding(one: Told, frames: Frames) -> Finding:
    row, group, kind, number = (int(one[at]) for at in (ROW, GROUP, KIND, NUMBER))
    level, since = int(one[LEVEL]), int(one[SINCE]) * MINUTE_US
    at = Moment(int(frames.lane[row]), int(frames.time_us[row]), int(frames.offset[row]))
    evidence = {
        **({_OF[group]: number} if _OF[group] else {}),
        "days": round((at.time_us - since) / 86.4e9, 2),
        **_FIGURES[group, kind](one[FIGURES:]),
    }
    known = {name: value for name, value in evidence.items() if value is not None}
    return finding_of(
        (group, kind, number), at, GONE if level == NORMAL else RAISED, level, since, int(one[TIMES]), known
    )


def finding_of(
    what: tuple[int, int, int],
    at: Moment,
    change: Change,
    level: int,
    since_us: int,
    occurrence: int,
    evidence: Mapping[str, Any],
) -> Finding:
    """The finding about one cell, one probe or the pack; `what` is its group, kind and number from 1."""
    group, kind, number = what
    return Finding(
        lane=at.lane,
        time_us=at.time_us,
        offset=at.offset,
        code=CODES[group][kind],
        subject=f"{_OF[group]} {number}" if _OF[group] else "",
        category="sensor" if group == IN_PROBES else "battery",
        change=change,
        level="alarm" if level == ALARM else "watch",
        severity=2 if level == ALARM else 1,
        since_us=since_us,
        status=0,
        occurrence=occurrence,
        evidence=evidence,
    )


def rounded(value: float, digits: int = 2) -> float | None:
    """A number for people, nothing where it is not known."""
    return round(float(value), digits) if np.isfinite(value) else None


def _deviation(f: Told) -> dict[str, Any]:
    regime = REGIMES[int(f[3])] if np.isfinite(f[3]) else None
    return {
        "z": rounded(f[0]),
        "deviation_mv": rounded(1e3 * f[1]),
        "scale_mv": rounded(1e3 * f[2]),
        "regime": regime,
        "blocks": None if regime is None else int(f[4]),
        "minutes": rounded(f[5] / 60.0, 1),
        "soc_pct": rounded(100.0 * f[6], 1),
        "c_rate": rounded(f[7], 3),
        "temp_c": rounded(f[8], 1),
    }


def _shift(f: Told) -> dict[str, Any]:
    return {
        "z": rounded(f[0]),
        "deviation_mv": rounded(1e3 * f[1]),
        "scatter_mv": rounded(1e3 * f[2]),
        "cusum": rounded(f[3], 1),
        "blocks": int(f[4]),
        "direction": "up" if f[1] > 0.0 else "down",
    }


def _trend(name: str, unit: float, digits: int) -> Callable[[Told], dict[str, Any]]:
    def shown(f: Told) -> dict[str, Any]:
        return {
            "z": rounded(f[0]),
            name: rounded(unit * f[1], digits),
            "standard_error": rounded(unit * f[2], digits + 1),
            "t": rounded(f[3], 1),
            "change": rounded(unit * f[4], digits),
            "days_of_data": int(f[5]),
            "scale": rounded(unit * f[6], digits + 1),
        }

    return shown


def _outlier(f: Told) -> dict[str, Any]:
    return {
        "z": rounded(f[0]),
        "deviation_k": rounded(f[1]),
        "scale_k": rounded(f[2]),
        "regime": None if not np.isfinite(f[3]) else "use" if f[3] else "rest",
        "blocks": None if not np.isfinite(f[4]) else int(f[4]),
    }


def _moved(f: Told) -> dict[str, Any]:
    return {
        "z": rounded(f[0]),
        "shift_k": rounded(f[1]),
        "scatter_k": rounded(f[2]),
        "cusum": rounded(f[3], 1),
        "blocks": int(f[4]),
    }


def _spread(f: Told) -> dict[str, Any]:
    return {
        "growth_mv_per_month": rounded(1e3 * f[0], 1),
        "t": rounded(f[1], 1),
        "spread_mv": rounded(1e3 * f[2], 1),
        "standard_error": rounded(1e3 * f[3], 2),
        "highest_cell": int(f[4]),
        "lowest_cell": int(f[5]),
        "days_of_data": int(f[6]),
    }


def _cooling(f: Told) -> dict[str, Any]:
    return {
        "fall_pct": rounded(100.0 * f[0], 1),
        "t": rounded(f[1], 1),
        "cooling_per_h_before": rounded(f[2], 3),
        "cooling_per_h": rounded(f[3], 3),
        "standard_error": rounded(f[4], 3),
        "rise_at_1c_before_k": rounded(f[5], 1),
        "rise_at_1c_k": rounded(f[5] * f[2] / f[3], 1) if f[3] > 0.0 else None,
        "cusum": rounded(f[6], 1),
        "against": "coolant" if f[7] else "air",
    }


_FIGURES: Mapping[tuple[int, int], Callable[[Told], dict[str, Any]]] = {
    (IN_CELLS, LOW): _deviation,
    (IN_CELLS, HIGH): _deviation,
    (IN_CELLS, SHIFT): _shift,
    (IN_CELLS, WEAK): _trend("capacity_lack_pct", 100.0, 2),
    (IN_CELLS, RESISTANCE): _trend("resistance_mv_per_c", 1e3, 2),
    (IN_CELLS, SELFDIS): _trend("loss_pct_per_day", 100.0, 4),
    (IN_PROBES, OUTLIER): _outlier,
    (IN_PROBES, SHIFTED): _moved,
    (IN_PACK, SPREAD): _spread,
    (IN_PACK, COOLING): _cooling,
}
