"""Once a day: what the regressions say of each cell's capacity, resistance and self-discharge. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.history import PRIOR
from twinpack.detect.cells.linear import faded, inverted, product
from twinpack.detect.cells.state import (
    BASELINE,
    CAPACITY,
    COEFFICIENT,
    DAYS,
    DRIFT,
    FEATURES,
    FIRST_MOVED,
    FIRST_TOLD,
    HISTORY,
    HISTORY_DAYS,
    IMBALANCE,
    LEVELS,
    LOADED,
    MOVED,
    OFFSET,
    RESISTANCE,
    SELFDIS,
    SHIFT,
    SINCE,
    SQUARES,
    STEADY,
    SUMS,
    TREND,
    WEAK,
)
from twinpack.detect.cells.tracks import ALARM, BETWEEN, IN_CELLS, NORMAL, WATCH, judged, middle_and_scale, shown
from twinpack.filters.kernels import kernel

_LEAST_SIGMA_V, _LEAST_ROWS = 0.0003, 4.0
_HISTORY_DAYS = 120.0
_SOONER = 4.0
"""A self-discharge so many times the gate needs a third of the days."""
_GROWTH_DAYS, _GROWTH = 4.0, 0.5
"""A shift is a drift if it goes on for so many days, at so much of its slope."""
_RELATIVE = 0.6
"""A figure that became worse must at least be so much of a watch's against the others."""
_OF_A_CHANGE = np.sqrt(2.0)
"""A change is as uncertain as both figures that it lies between."""
_POOR = 0.9
"""Part of an alarm's z for a watch."""
_WEAKNESS, _RESISTANCE, _LEAK = range(3)
"""Figures."""


@kernel
def pass_time(normal: Any, fit: Any, own: Any, passed: int, keep: float) -> None:
    """Let the regressions' time begin `passed` days later, forget, and solve each cell's own history anew."""
    for other in range(FEATURES):
        normal[DRIFT, other] -= passed * normal[IMBALANCE, other]
    for other in range(FEATURES):
        normal[other, DRIFT] -= passed * normal[other, IMBALANCE]
    for cell in range(fit.shape[1]):
        fit[SUMS + DRIFT, cell] -= passed * fit[SUMS + IMBALANCE, cell]
    faded(normal, keep)
    faded(fit, keep)
    inverse, baseline = inverted(normal, PRIOR, STEADY), fit[BASELINE:]
    for cell in range(fit.shape[1]):
        for place in range(STEADY):
            own[COEFFICIENT + place, cell] = product(inverse, place, baseline, cell)


@kernel
def judge_figures(
    clock: Any,
    totals: Any,
    normal: Any,
    fit: Any,
    own: Any,
    count: Any,
    when: Any,
    gates: Any,
    start: int,
    out: Any,
    told: int,
) -> int:
    """Judge capacity, resistance and self-discharge of every cell of a vehicle.

    Args:
        clock: `clock` of the vehicle.
        totals: `totals`, written in place as are `own`, `count` and `when`.
        normal: `normal`.
        fit: `cell_fit`.
        own: `cell_own`.
        count: `cell_count`.
        when: `cell_when`.
        gates: `CellSettings`.
        start: End of the day, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    cells, rows = fit.shape[1], normal[OFFSET, OFFSET]
    if rows < _LEAST_ROWS:
        return told
    inverse = inverted(normal, PRIOR, FEATURES)
    sums, worse, error = fit[SUMS : SUMS + FEATURES], np.empty(cells), np.empty(cells)
    sigma = np.empty(cells)
    for cell in range(cells):
        unexplained = fit[SQUARES, cell]
        for place in range(FEATURES):
            unexplained -= product(inverse, place, sums, cell) * sums[place, cell]
        sigma[cell] = max(np.sqrt(max(unexplained, 0.0) / rows), _LEAST_SIGMA_V)
    slope = normal[OFFSET, IMBALANCE] / rows
    for figure in range(3):
        if figure != _RESISTANCE and not slope >= gates.slope_information_v:
            continue
        place = CAPACITY if figure == _WEAKNESS else LOADED if figure == _RESISTANCE else DRIFT
        for cell in range(cells):
            # a loss of charge shows as a falling one
            worse[cell] = (-1.0 if figure == _LEAK else 1.0) * product(inverse, place, sums, cell)
            error[cell] = sigma[cell] * np.sqrt(inverse[place, place] * gates.row_correlation)
        told = _judge(
            figure, clock[DAYS], totals[HISTORY_DAYS], slope, worse, error, own, count, when, gates, start, out, told
        )
    totals[HISTORY_DAYS] += 1.0
    return told


@kernel
def _judge(
    figure: int,
    days: int,
    known_days: float,
    slope: float,
    worse: Any,
    error: Any,
    own: Any,
    count: Any,
    when: Any,
    gates: Any,
    start: int,
    out: Any,
    told: int,
) -> int:
    """Judge one figure of every cell."""
    cells = len(worse)
    centre, spread, _ = middle_and_scale(worse, np.empty(cells))
    if figure == _WEAKNESS:
        kind, alarm, watch = WEAK, gates.capacity_alarm, gates.capacity_watch
        floor, least_z, most = gates.capacity_floor, gates.trend_z, gates.capacity_change
    elif figure == _RESISTANCE:
        kind, alarm, watch = RESISTANCE, gates.resistance_alarm_v, gates.resistance_watch_v
        floor, least_z, most = gates.resistance_floor_v, gates.resistance_z, gates.resistance_change_v
    else:
        kind, alarm, watch = SELFDIS, gates.selfdischarge_alarm, gates.selfdischarge_watch
        floor, least_z, most = gates.selfdischarge_floor, gates.trend_z, np.inf
    scale = max(spread, floor)
    rate = 1.0 / min(known_days + 1.0, _HISTORY_DAYS)
    heal = int(gates.heal_blocks / 4.0) + 1
    levels, since = count[LEVELS:], when[SINCE:]
    bad_days, poor_days = count[TREND + figure], count[TREND + 3 + figure]
    for cell in range(cells):
        value = worse[cell] - centre
        z, t, change = value / max(scale, error[cell]), value / error[cell], np.nan
        lost = False
        if figure != _LEAK:
            slow = own[HISTORY + figure]
            change = value - slow[cell] if known_days > 0.0 else 0.0
            drawn = known_days >= gates.learning_days and change >= 0.5 * most
            lost = (
                drawn and change >= max(most, gates.trend_t * _OF_A_CHANGE * error[cell]) and value >= _RELATIVE * watch
            )
            if not drawn:
                slow[cell] += rate * (value - slow[cell])
        long = figure != _LEAK or days >= gates.selfdischarge_days
        long = long or (3.0 * days >= gates.selfdischarge_days and value >= _SOONER * alarm)
        settled = figure != _LEAK or levels[SHIFT, cell] == NORMAL or _grows(own, when, cell, value * slope, start)
        sure = long and settled and t >= gates.trend_t
        bad = lost or (sure and z >= least_z and value >= alarm)
        poor = bad or (sure and z >= _POOR * least_z and value >= watch)
        bad_days[cell] = min(bad_days[cell] + 1, 100) if bad else 0
        poor_days[cell] = min(poor_days[cell] + 1, 100) if poor else 0
        want = NORMAL
        if bad_days[cell] >= gates.trend_days:
            want = ALARM
        elif poor_days[cell] >= gates.trend_days:
            want = WATCH
        elif value >= gates.normal_part * watch and z >= 0.5 * least_z:
            want = BETWEEN
        if want != NORMAL or levels[kind, cell] != NORMAL:
            figures = shown(z, value, error[cell], t, change, float(days), scale, np.nan)
            told = judged(levels, since, 6, IN_CELLS, kind, cell, want, start, heal, figures, out, told)
    return told


@kernel
def _grows(own: Any, when: Any, cell: int, drift_v: float, start: int) -> bool:
    """Whether a shift that was told goes on as a drift, V a day, would have it: a step leaves a slope behind, too."""
    days = (start - when[FIRST_TOLD, cell]) / 1440.0
    grown = own[FIRST_MOVED, cell] - own[MOVED + 1, cell]
    return bool(days >= _GROWTH_DAYS and grown >= _GROWTH * drift_v * days)
