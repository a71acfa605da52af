"""The day's greatest charge between two states that can be known: at rest before it, and at its end."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

BROKEN_S = 600.0
"""Silence within which what flows is still known well enough to be counted, seconds."""

_REST_SAMPLES = 5
_LEAST_SHARE = 0.05  # of the rated capacity, charged: less tells nothing

COLUMNS = (
    "charge_silence_s",
    "charge_rest_v",
    "charge_net_ah",
    "charge_swing_ah",
    "charge_last_c",
    "charge_last_v",
    "charge_after_v",
    "charge_after_s",
)
"""Silence before the stretch of samples with that charge (null when it began the day), pack voltage at rest at its
begin, net charge from there to the end of charging, that of charging alone, current by the rated capacity and voltage
in its last sample, voltage at rest after it, and how long that rest lasted."""


def anchored(
    time_us: Ints,
    silence_s: Floats,
    volts: Floats,
    amps: Floats,
    rate: Floats,
    charging: Bools,
    rest_c: float,
    starts: Ints,
    first: Bools,
) -> dict[str, Floats]:
    """What the greatest charge of each group of samples says of the states around it.

    Args:
        time_us: Sample times, shape (N,).
        silence_s: Time since the sample before, 0 for a group's first.
        volts: Pack voltage, V.
        amps: Pack current, A, positive charges.
        rate: The same by the rated capacity, 1/h.
        charging: Whether it charges from outside.
        rest_c: Current by the rated capacity up to which a pack rests.
        starts: First sample of each group, shape (G,).
        first: Whether a sample is a group's first.

    Returns:
        `COLUMNS` by name, shape (G,), NaN where nothing is told.
    """
    found = {name: np.full(len(starts), np.nan) for name in COLUMNS}
    stops = np.append(starts[1:], len(time_us))
    group = np.cumsum(first) - 1
    charging = charging & (rate > rest_c)  # a plug that stays in after the end is rest
    for at in np.unique(group[charging]):
        some = slice(int(starts[at]), int(stops[at]))
        told = _of_day(time_us[some], silence_s[some], volts[some], amps[some], rate[some], charging[some], rest_c)
        for name, value in told.items():
            found[name][at] = value
    return found


def _of_day(
    time_us: Ints, silence_s: Floats, volts: Floats, amps: Floats, rate: Floats, charging: Bools, rest_c: float
) -> dict[str, float]:
    breaks = np.flatnonzero(silence_s > BROKEN_S)
    stretch = np.searchsorted(breaks, np.arange(len(time_us)), side="right")
    step_h = np.where(silence_s > BROKEN_S, 0.0, silence_s) / 3600.0
    mean = np.concatenate([[0.0], 0.5 * (amps[1:] + amps[:-1])])
    flown = np.where(np.isfinite(mean), mean, 0.0) * step_h
    into = np.bincount(stretch, np.where(charging, np.maximum(flown, 0.0), 0.0))
    best = int(into.argmax())
    rows = np.flatnonzero(stretch == best)
    begin, last = int(rows[0]), int(rows[charging[rows]][-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        rated_ah = float(np.nanmedian(np.where(rate != 0, amps / rate, np.nan)))
    if not into[best] > _LEAST_SHARE * rated_ah or not np.isfinite(amps[begin : last + 1]).all():
        return {}
    still = np.abs(rate) <= rest_c
    after = rows[rows > last]
    rests = after[: int(np.argmin(still[after]))] if len(after) and not still[after].all() else after
    return {
        "charge_silence_s": float(silence_s[begin]) if begin else np.nan,
        "charge_rest_v": _voltage(volts, rows[: _leading(still[rows])]),
        "charge_net_ah": float(flown[begin + 1 : last + 1].sum()),
        "charge_swing_ah": float(into[best]),
        "charge_last_c": float(rate[last]),
        "charge_last_v": float(volts[last]),
        "charge_after_v": float(volts[rests[-1]]) if len(rests) else np.nan,
        "charge_after_s": float(time_us[rests[-1]] - time_us[last]) / 1e6 if len(rests) else np.nan,
    }


def _leading(still: Bools) -> int:
    """How many samples rest before anything flows, a few at most."""
    count = len(still) if still.all() else int(np.argmin(still))
    return min(count, _REST_SAMPLES)


def _voltage(volts: Floats, rows: Ints) -> float:
    known = volts[rows][np.isfinite(volts[rows])]
    return float(np.median(known)) if len(known) else np.nan
