"""How well the pack is cooled, against how well it was: a regression over minutes of use. Compiled.

Over five minutes of use the pack's temperature changes by

    dT/dt = warming x heat - cooling x (T - Tref) + rest

with the squared rate, as it would heat at the temperature of the moment, for heat, and the coolant's temperature (else
the air's) for Tref. `cooling` is the inverse of heat capacity times thermal resistance, 1/h. Only steps count in which
pack and coolant are well apart: where they are close, noise would hide it. A CUSUM over what steps are short of what
the long memory expects finds a loss; a fit that remembers few steps tells its size. Steps are forgotten as others come,
not as time passes: in a mild month there may be none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.linear import inverted
from twinpack.detect.cells.state import COOLING
from twinpack.detect.cells.tracks import ALARM, BETWEEN, IN_PACK, NORMAL, WATCH, judged, shown
from twinpack.filters.kernels import kernel

_BEGIN_US, _END_US, _BEGIN_C, _END_C, _SECONDS, _HEAT, _OVER, _BY_COOLANT, _LACKING = range(9)
_SLOW, _FAST = 16, 32
"""Where each fit lies: 9 of the normal matrix, 3 of the right-hand side, the squares, the rows."""
_SUMS, _SQUARES, _ROWS = 9, 12, 13
_STEP_S = 300.0
_PRIOR = np.full(3, 1e-3)
_LEAST_ROWS, _LEAST_RECENT = 12.0, 6.0
_CORRELATION = 3.0
_KNOWN = 5.0
"""Standard errors that the cooling must lie over zero to be known."""
_CLIP, _SLACK, _LEAST_VARIANCE = 3.0, 0.75, 1.0
_SUSPECT = 0.25
"""From this part of the CUSUM's limit on the long memory learns no more."""


@kernel
def take_cooling(
    c: Any, now: int, dt_s: float, gates: Any, temp_c: float, reference_c: float, coolant: bool, heat: float
) -> None:
    """Take a sample of use.

    Args:
        c: `cooling` of the vehicle, written in place.
        now: Sample time, µs.
        dt_s: Time since the sample before, s.
        gates: `CellSettings`.
        temp_c: Mean temperature of the probes, °C.
        reference_c: Temperature of coolant or air.
        coolant: Whether it is the coolant's.
        heat: Squared C-rate, as it would heat at 25 °C.
    """
    if coolant and c[_BY_COOLANT] == 0.0:
        for place in range(len(c)):
            c[place] = 0.0  # what was learned against the air is no use
        c[_BY_COOLANT] = 1.0
    known = temp_c == temp_c and reference_c == reference_c and heat == heat
    if not known or (c[_BY_COOLANT] == 1.0 and not coolant):
        c[_BEGIN_US] = 0.0
        return
    goes_on = c[_BEGIN_US] != 0.0 and now - c[_END_US] <= gates.hold_active_s * 1e6
    if goes_on:
        c[_SECONDS] += dt_s
        c[_HEAT] += dt_s * heat
        c[_OVER] += dt_s * (0.5 * (temp_c + c[_END_C]) - reference_c)
        if c[_SECONDS] >= _STEP_S:
            if abs(c[_OVER]) >= gates.cooling_least_k * c[_SECONDS]:
                rate = (temp_c - c[_BEGIN_C]) / c[_SECONDS] * 3600.0
                _learn(c, gates, rate, c[_HEAT] / c[_SECONDS], c[_OVER] / c[_SECONDS])
            goes_on = False
    if not goes_on:
        c[_BEGIN_US], c[_BEGIN_C] = now, temp_c
        c[_SECONDS] = c[_HEAT] = c[_OVER] = 0.0
    c[_END_US], c[_END_C] = now, temp_c


@kernel
def _learn(c: Any, gates: Any, rate: float, heat: float, over: float) -> None:
    """A step into the CUSUM and both fits, K/h over squared rate and K; a suspect one is kept from the long memory."""
    features = np.array([1.0, heat, -over])
    if c[_SLOW + _ROWS] >= _LEAST_ROWS:
        left = rate - _expected(c, features)
        spread = np.sqrt(max(_left(c, _SLOW), _LEAST_VARIANCE))
        z = min(max((left if over > 0.0 else -left) / spread, -_CLIP), _CLIP)
        c[_LACKING] = min(max(0.0, c[_LACKING] + z - _SLACK), 2.0 * gates.cooling_cusum)
    for at in (_SLOW, _FAST):
        if at == _SLOW and c[_LACKING] > _SUSPECT * gates.cooling_cusum:
            continue
        keep = np.exp(-1.0 / (gates.cooling_memory_steps if at == _SLOW else gates.cooling_recent_steps))
        for place in range(_ROWS + 1):
            c[at + place] *= keep
        for row in range(3):
            for column in range(3):
                c[at + 3 * row + column] += features[row] * features[column]
            c[at + _SUMS + row] += features[row] * rate
        c[at + _SQUARES] += rate * rate
        c[at + _ROWS] += 1.0


@kernel
def _inverse(c: Any, at: int) -> Any:
    return inverted(c[at : at + 9].copy().reshape(3, 3), _PRIOR, 3)


@kernel
def _coefficient(c: Any, at: int, inverse: Any, row: int) -> float:
    total = 0.0
    for column in range(3):
        total += inverse[row, column] * c[at + _SUMS + column]
    return total


@kernel
def _expected(c: Any, features: Any) -> float:
    """What the long memory expects of a step, K/h."""
    inverse, total = _inverse(c, _SLOW), 0.0
    for row in range(3):
        total += features[row] * _coefficient(c, _SLOW, inverse, row)
    return total


@kernel
def _left(c: Any, at: int) -> float:
    """Variance of steps about a fit."""
    inverse, left = _inverse(c, at), c[at + _SQUARES]
    for row in range(3):
        left -= _coefficient(c, at, inverse, row) * c[at + _SUMS + row]
    return float(max(left, 0.0) / max(c[at + _ROWS] - 3.0, 1.0))


@kernel
def _fit(c: Any, at: int) -> tuple[float, float, float]:
    """Cooling, 1/h, its standard error, and warming, K/h at 1 C."""
    inverse = _inverse(c, at)
    error = np.sqrt(_CORRELATION * _left(c, at) * inverse[2, 2])
    return _coefficient(c, at, inverse, 2), error, _coefficient(c, at, inverse, 1)


@kernel
def judge_cooling(c: Any, count: Any, when: Any, days: int, gates: Any, start: int, out: Any, told: int) -> int:
    """End a day: compare the fits.

    Args:
        c: `cooling` of the vehicle; it and the next two are written in place.
        count: `pack_count`.
        when: `pack_when`.
        days: Days with data.
        gates: `CellSettings`.
        start: End of the day, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    enough = c[_SLOW + _ROWS] >= _LEAST_ROWS and c[_FAST + _ROWS] >= _LEAST_RECENT
    if enough and days >= gates.learning_days:
        before, error_before, warming = _fit(c, _SLOW)
        recent, error, _ = _fit(c, _FAST)
        fall = 1.0 - recent / before if before > 0.0 else 0.0
        t = (before - recent) / np.sqrt(error * error + error_before * error_before)
        known = before > _KNOWN * error_before
        lacking = c[_LACKING] >= gates.cooling_cusum and t >= gates.cooling_t
        want = NORMAL
        if known and lacking and fall >= gates.cooling_watch:
            want = ALARM if fall >= gates.cooling_alarm else WATCH
        elif known and (c[_LACKING] > _SUSPECT * gates.cooling_cusum or fall >= gates.cooling_watch):
            want = BETWEEN
        heal = int(gates.heal_blocks / 4.0) + 1
        rise = warming / before if before > 0.0 else np.nan
        figures = shown(fall, t, before, recent, error, rise, c[_LACKING], c[_BY_COOLANT])
        told = judged(count, when, 2, IN_PACK, COOLING, 0, want, start, heal, figures, out, told)
    return told
