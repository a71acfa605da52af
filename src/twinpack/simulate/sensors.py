"""What the vehicle reports of what happened: sensors, the BMS's own idea of charge, and a stream that is not perfect.

- voltage: noise of 0.15 V, steps of 0.1 V; current: gain error below 0.3 %, offset below 0.3 A, noise of 0.25 A,
  steps of 0.1 A; temperature: noise of 0.15 °C, steps of 0.5 °C
- charge: counted from a start that is wrong by 1 to 2 points (always the same way in a vehicle) and half a point more
  a session, with a capacity the BMS learned some drives ago; steps of 0.5 points
- stream: rows arrive 0.5 to 3 s after they were taken, in a session by nearly the same time; a few arrive minutes
  late, a few twice; short gaps; one vehicle in ten has a clock that is off by 15 to 45 s
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats, Index
from twinpack.simulate.drives import CHARGE_SAMPLES, Draws

_LATE_SHARE, _TWICE_SHARE = 0.0004, 0.0015
# a part of a second, so that rows of one session do not overtake each other
_JITTER_S = 0.4
_DRIVE_GAP_S, _DRIVE_GAP_MORE_S = 25.0, 50.0
_DRIVE_GAP_SHARES, _CHARGE_GAP_SHARE = (0.5, 0.15), 0.3


@dataclass(frozen=True)
class Instruments:
    """Faults of the sensors of each session's vehicle, one entry a session."""

    current_gain: Floats
    current_offset_a: Floats
    soc_bias: Floats
    capacity_ah: Floats
    bms_capacity_ah: Floats


@dataclass(frozen=True)
class Stream:
    """How rows travel, sessions x samples: when each arrives after it was taken (s), how often (0, 1 or 2)."""

    delay_s: Floats
    copies: NDArray[np.int64]


def measured_voltage(voltage_v: Floats, draws: Draws) -> Floats:
    """Pack voltage as reported."""
    return np.asarray(np.round(voltage_v + 0.15 * draws.noise[:, 0], 1))


def measured_current(current_a: Floats, faults: Instruments, draws: Draws) -> Floats:
    """Pack current as reported."""
    true = current_a * faults.current_gain[:, None] + faults.current_offset_a[:, None]
    return np.asarray(np.round(true + 0.25 * draws.noise[:, 1], 1))


def measured_temp(temp_c: Floats, draws: Draws) -> Floats:
    """Mean cell temperature as reported."""
    return np.asarray(np.round(2.0 * (temp_c + 0.15 * draws.noise[:, 2])) / 2.0)


def bms_soc_pct(soc: Floats, faults: Instruments, draws: Draws) -> Floats:
    """State of charge as the BMS counts it, %: a drive and a charge each start anew."""
    scale = (faults.capacity_ah / faults.bms_capacity_ah)[:, None]
    counted = np.empty_like(soc)
    for session, part in enumerate((slice(0, -CHARGE_SAMPLES), slice(-CHARGE_SAMPLES, None))):
        start = soc[:, part][:, :1]
        wrong = (faults.soc_bias + 0.005 * draws.normal[:, 6 + session])[:, None]
        counted[:, part] = start + wrong + scale * (soc[:, part] - start)
    return np.clip(np.round(200.0 * counted) / 2.0, 0.0, 100.0)


def travel(draws: Draws, drive_count: Index, charge_count: Index, period_s: float, disturbed: bool) -> Stream:
    """Delay and number of copies of every row; rows beyond a session's count are 0."""
    sample = np.arange(draws.stream.shape[2])[None, :]
    of_charge = sample - (draws.stream.shape[2] - CHARGE_SAMPLES)
    exists = np.where(of_charge < 0, sample < drive_count[:, None], of_charge < charge_count[:, None])
    delay_s = 0.5 + (2.5 - _JITTER_S) * draws.uniform[:, 0, None] + _JITTER_S * draws.stream[:, 0]
    if not disturbed:
        return Stream(delay_s, exists.astype(np.int64))
    late = draws.stream[:, 1] < _LATE_SHARE
    delay_s = delay_s + np.where(late, 30.0 + 120.0 * draws.stream[:, 2], 0.0)
    lost = _gaps(draws.uniform, drive_count, charge_count, sample, period_s)
    twice = draws.stream[:, 1] > 1.0 - _TWICE_SHARE
    return Stream(delay_s, np.where(exists & ~lost, 1 + twice, 0))


def _gaps(u: Floats, drive_count: Index, charge_count: Index, sample: Index, period_s: float) -> NDArray[np.bool_]:
    """Rows lost: half a minute or more of a drive, once or twice; 2 or 3 of a charge. A session's first row is not."""
    lost = np.zeros((len(u), sample.shape[1]), dtype=np.bool_)
    charge = sample.shape[1] - CHARGE_SAMPLES
    for share, column in ((_DRIVE_GAP_SHARES[0], 10), (_DRIVE_GAP_SHARES[1], 13)):
        length = (_DRIVE_GAP_S + _DRIVE_GAP_MORE_S * u[:, column + 2]) / period_s
        _lose(lost, u[:, column] < share, 1 + np.floor(u[:, column + 1] * drive_count), length, charge)
    begin = charge + 1 + np.floor(u[:, 17] * charge_count)
    _lose(lost, u[:, 16] < _CHARGE_GAP_SHARE, begin, 2.0 + 2.0 * u[:, 18], sample.shape[1])
    return lost


def _lose(lost: NDArray[np.bool_], chosen: NDArray[np.bool_], begin: Floats, length: Floats, end: int) -> None:
    """Mark the rows of the chosen sessions from `begin` on, but none from `end` on."""
    for session in np.flatnonzero(chosen).tolist():
        first = int(begin[session])
        lost[session, first : min(first + int(length[session]), end)] = True
