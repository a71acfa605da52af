"""What nothing can be learned from is refused with the reason; what is thin is said on the model's card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.errors import LearningError
from twinpack.learn.prototype import TrainingTrip
from twinpack.twin.words import counted, number

Floats = npt.NDArray[np.float64]

LEAST_TRIPS = 2
"""One alone does not tell a wrong start from a wrong capacity."""
LEAST_STEPS = 30

LEAST_CURRENT_C = 0.02
"""Current that changes by less than this, over the capacity, tells nothing of resistance."""
LEAST_VOLTAGE_V = 0.001
"""Voltage of one cell that changes by less is that of a stuck sensor."""

FEW_VEHICLES, FEW_TRIPS = 5, 10
NARROW_C, NARROW_SOC = 25.0, 0.5

_SIGNALS = {"pack voltage": "voltage_v", "pack current": "current_a", "cell temperature": "temp_c"}
_BEYOND = 0.15
"""Part of a cell's voltage limits by which a measured voltage may lie beyond them."""
_TEMP_C, _MOST_C_RATE = (-60.0, 120.0), 50.0
_NAMED = 5


def check_trips(trips: Sequence[TrainingTrip], pack: PackSpec) -> list[str]:
    """Refuse trips of a pack that cannot teach a model of it.

    Args:
        trips: What is to be learned from.
        pack: The pack they were driven with.

    Returns:
        What is thin about them, in sentences.

    Raises:
        LearningError: A signal is missing, impossible or never changes, or there are too few trips; with what to do.
    """
    _check_signals(trips)
    usable = [trip for trip in trips if np.isfinite(trip.voltage_v).sum() >= LEAST_STEPS]
    if len(usable) < LEAST_TRIPS:
        raise LearningError(
            f"{counted(len(usable), 'trip')} of pack {pack.name} with {LEAST_STEPS} measured steps, and "
            f"{LEAST_TRIPS} are the least to learn from: import more data or raise --trips"
        )
    _check_values(usable, pack)
    _check_changes(usable, pack)
    return thin(usable, pack)


def thin(trips: Sequence[TrainingTrip], pack: PackSpec) -> list[str]:
    """What is thin about trips that can be learned from, in sentences for a card."""
    vehicles = len({trip.vehicle_id for trip in trips})
    temp = np.concatenate([trip.temp_c for trip in trips])
    swing = max(float(np.ptp(_charge(trip, pack))) for trip in trips)
    span = float(np.nanmax(temp) - np.nanmin(temp))
    told = []
    if vehicles < FEW_VEHICLES:
        told.append(f"{counted(vehicles, 'vehicle')}: how far others lie from them is a guess")
    if len(trips) < FEW_TRIPS:
        told.append(f"{counted(len(trips), 'trip')}: the model's own error is held for larger than it may be")
    if span < NARROW_C:
        told.append(
            f"temperature within {number(span)} K: how resistance goes with it is a guess beyond "
            f"{number(float(np.nanmin(temp)))} to {number(float(np.nanmax(temp)))} °C"
        )
    if swing < NARROW_SOC:
        told.append(f"no trip moves the charge by more than {number(100 * swing)} %: capacity is hardly known")
    return told


def _check_signals(trips: Sequence[TrainingTrip]) -> None:
    """Refuse a signal that no trip has."""
    for name, attribute in _SIGNALS.items():
        missing = [trip for trip in trips if not np.isfinite(getattr(trip, attribute)).any()]
        if trips and len(missing) == len(trips):
            raise LearningError(
                f"{name} is missing in all {counted(len(trips), 'trip')} of {_named(missing)}: every value is NaN; see "
                "`twinpack query` for what was imported, or map the column in the import profile"
            )


def _check_values(trips: Sequence[TrainingTrip], pack: PackSpec) -> None:
    """Refuse values that no battery of the pack can have."""
    lowest, highest = (1 - _BEYOND) * pack.cell_voltage_min_v, (1 + _BEYOND) * pack.cell_voltage_max_v
    _refuse_if(
        trips,
        lambda trip: _outside(np.nanmedian(trip.voltage_v), lowest, highest),
        lambda trip: (
            f"the voltage is about {number(pack.series * float(np.nanmedian(trip.voltage_v)), 1)} V, which over "
            f"{pack.series} in series is {number(float(np.nanmedian(trip.voltage_v)), 2)} V a cell, outside "
            f"{pack.cell_voltage_min_v:g} to {pack.cell_voltage_max_v:g} V: is `series` of pack {pack.name} right, and "
            "is the column that of the pack?"
        ),
    )
    _refuse_if(
        trips,
        lambda trip: _outside(trip.temp_c, *_TEMP_C),
        lambda trip: (
            f"temperature reaches {_worst(trip.temp_c, *_TEMP_C)} °C: is its unit right in the import profile?"
        ),
    )
    most = _MOST_C_RATE * pack.capacity_ah
    _refuse_if(
        trips,
        lambda trip: _outside(trip.current_a, -most, most),
        lambda trip: (
            f"current reaches {_worst(trip.current_a, -most, most)} A with {pack.capacity_ah:g} Ah: is its unit right "
            "in the import profile, and `capacity_ah` of the pack?"
        ),
    )
    _refuse_if(
        trips,
        lambda trip: not -0.05 <= trip.soc <= 1.1,
        lambda trip: f"it begins at {number(100 * trip.soc)} % charge: is the unit of `soc_pct` right in the profile?",
    )
    _refuse_if(
        trips,
        lambda trip: bool((np.diff(trip.time_s) < 0).any()),
        lambda trip: "its time runs backwards",
    )


def _check_changes(trips: Sequence[TrainingTrip], pack: PackSpec) -> None:
    """Refuse an input that never changes where the fit needs it."""
    current = np.concatenate([trip.current_a for trip in trips]) / pack.capacity_ah
    if float(np.nanmax(current) - np.nanmin(current)) < LEAST_CURRENT_C:
        raise LearningError(
            f"current is {number(float(np.nanmedian(current)) * pack.capacity_ah, 2)} A in all "
            f"{counted(len(trips), 'trip')} of {_named(trips)}: resistance cannot be learned from a current that never "
            "changes; give drives, or charges of different current"
        )
    stuck = [trip for trip in trips if np.ptp(trip.voltage_v[np.isfinite(trip.voltage_v)]) < LEAST_VOLTAGE_V]
    if len(stuck) == len(trips):
        raise LearningError(
            f"voltage is always the same in {counted(len(trips), 'trip')} of {_named(trips)} while current flows: the "
            "sensor is stuck, or the column is not that of the pack's voltage"
        )


def _refuse_if(
    trips: Iterable[TrainingTrip],
    wrong: Callable[[TrainingTrip], bool],
    why: Callable[[TrainingTrip], str],
) -> None:
    found = [trip for trip in trips if wrong(trip)]
    if found:
        trips_of = f"{counted(len(found), 'trip')} of {_named(found)} cannot be right"
        raise LearningError(f"{trips_of}: {why(found[0])}")


def _outside(values: Floats | np.floating | float, low: float, high: float) -> bool:
    known = np.asarray(values)[np.isfinite(values)]
    return bool(((known < low) | (known > high)).any())


def _worst(values: Floats, low: float, high: float) -> str:
    known = values[np.isfinite(values)]
    return number(float(known[np.argmax(np.maximum(low - known, known - high))]), 1)


def _named(trips: Iterable[TrainingTrip]) -> str:
    """The vehicles of some trips, the first few by name."""
    names = list(dict.fromkeys(trip.vehicle_id for trip in trips))
    more = f" and {counted(len(names) - _NAMED, 'more vehicle')}" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _charge(trip: TrainingTrip, pack: PackSpec) -> Floats:
    """State of charge at each step from the start, nothing flowing where the current is not known."""
    current = np.nan_to_num(trip.current_a)
    step = np.diff(trip.time_s, prepend=trip.time_s[:1])
    return np.asarray(np.cumsum(current * step) / 3600.0 / pack.capacity_ah)
