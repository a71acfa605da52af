"""Findings, with their evidence in words and figures, from what the kernel told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.cells.state import CELL_CODES, HIGH, LOW, PACK_CODES, PROBE_CODES, REGIMES
from twinpack.detect.cells.tracks import (
    ALARM,
    FIGURES,
    GROUP,
    IN_CELLS,
    IN_PROBES,
    KIND,
    LEVEL,
    NORMAL,
    NUMBER,
    ROW,
    SINCE,
    TIMES,
)
from twinpack.detect.findings import GONE, RAISED, Category, Finding, Level
from twinpack.detect.frames import Frames

Told = npt.NDArray[np.float64]
MINUTE_US = 60_000_000
_CODES = (CELL_CODES, PROBE_CODES, PACK_CODES)


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
    subject = f"cell {number}" if group == IN_CELLS else f"probe {number}" if group == IN_PROBES else ""
    at_us = int(frames.time_us[row])
    evidence = {
        **({"cell": number} if group == IN_CELLS else {"probe": number} if group == IN_PROBES else {}),
        "days": round((at_us - since) / 86.4e9, 2),
        **_FIGURES[group, kind](one[FIGURES:]),
    }
    shown: Level = "alarm" if level == ALARM else "watch"
    category: Category = "sensor" if group == IN_PROBES else "battery"
    return Finding(
        lane=int(frames.lane[row]),
        time_us=at_us,
        offset=int(frames.offset[row]),
        code=_CODES[group][kind],
        subject=subject,
        category=category,
        change=GONE if level == NORMAL else RAISED,
        level=shown,
        severity=2 if level == ALARM else 1,
        since_us=since,
        status=0,
        occurrence=int(one[TIMES]),
        evidence={name: value for name, value in evidence.items() if value is not None},
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


_FIGURES: Mapping[tuple[int, int], Callable[[Told], dict[str, Any]]] = {
    (IN_CELLS, LOW): _deviation,
    (IN_CELLS, HIGH): _deviation,
}
