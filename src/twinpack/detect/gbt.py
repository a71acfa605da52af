"""Alarms as GB/T 32960.3-2016 sends them: the highest level, and a bit for each of 19 general alarms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes import CodesState, active
from twinpack.detect.rules import PackRules

ALARMS: tuple[str, ...] = (
    "temperature difference",
    "battery high temperature",
    "energy storage over-voltage",
    "energy storage under-voltage",
    "state of charge low",
    "cell over-voltage",
    "cell under-voltage",
    "state of charge too high",
    "state of charge jumps",
    "energy storage mismatch",
    "poor cell consistency",
    "insulation",
    "DC-DC temperature",
    "brake system",
    "DC-DC status",
    "drive motor controller temperature",
    "high-voltage interlock",
    "drive motor temperature",
    "energy storage over-charge",
)
"""What each bit means, from bit 0."""

CONSISTENCY = 10
"""Bit of the cell anomalies: a cell that deviates, drifts or discharges itself."""


def gbt_alarms(state: CodesState, rules: PackRules) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Level and flags of every vehicle from its codes that are confirmed and fail now, both shape (V,)."""
    now = active(state)
    severity = np.array([one.rule.severity for one in rules.rules], dtype=np.uint8)
    bits = np.array([0 if one.rule.gbt is None else 1 << one.rule.gbt for one in rules.rules], dtype=np.uint32)
    level = np.where(now, severity, 0).max(axis=1, initial=0).astype(np.uint8)
    flags = np.bitwise_or.reduce(np.where(now, bits, 0), axis=1)
    return level, flags.astype(np.uint32)
