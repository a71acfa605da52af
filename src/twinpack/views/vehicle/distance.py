"""How far a vehicle had gone at moments of its past: by its odometer, or by its trips where it tells none."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from twinpack.views.columns import numbers
from twinpack.views.telemetry.samples import Samples
from twinpack.views.telemetry.steps import Floats, Ints, values_of
from twinpack.views.vehicle.lake import VehicleRows

_LOOKS = 16
"""Moments at which the odometer is looked up; between them it is taken to rise evenly."""

_ODOMETER = "odometer_km"
_BEFORE_US = 900_000_000
_REMEMBERED = 2_000


class Distances:
    """Looks distances up; any thread may ask."""

    def __init__(self, samples: Samples, rows: VehicleRows) -> None:
        """Look them up in telemetry and trips."""
        self._samples = samples
        self._rows = rows
        self._looked: OrderedDict[tuple[str, int, int], tuple[Ints, Floats]] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, vehicle_id: str, time_us: Ints, now_km: float) -> Floats:
        """Distance at some times, kilometres, NaN where it is not known.

        Args:
            vehicle_id: The vehicle.
            time_us: Microseconds since the epoch, ascending, shape (N,).
            now_km: Distance at its newest sample, NaN when it is not known.

        Raises:
            WorkspaceError: The lake cannot be read.
        """
        if not len(time_us) or not np.isfinite(now_km):
            return np.full(len(time_us), np.nan)
        at, km = self._odometer(vehicle_id, time_us)
        if len(at):
            return np.interp(time_us.astype(np.float64), at.astype(np.float64), km)
        return self._by_trips(vehicle_id, time_us, now_km)

    def _odometer(self, vehicle_id: str, time_us: Ints) -> tuple[Ints, Floats]:
        """Some of the times, and what the odometer said; none where it says nothing."""
        key = (vehicle_id, int(time_us[0]), int(time_us[-1]))
        with self._lock:
            if key in self._looked:
                self._looked.move_to_end(key)
                return self._looked[key]
        places = np.linspace(0, len(time_us) - 1, min(_LOOKS, len(time_us))).round().astype(np.int64)
        chosen = np.unique(time_us[places])
        told = np.array([self._before(vehicle_id, int(one)) for one in chosen.tolist()], dtype=np.float64)
        known = np.isfinite(told)
        found = (chosen[known], told[known])
        with self._lock:
            self._looked[key] = found
            while len(self._looked) > _REMEMBERED:
                self._looked.popitem(last=False)
        return found

    def _before(self, vehicle_id: str, time_us: int) -> float:
        rows = self._samples.rows(vehicle_id, time_us - _BEFORE_US, time_us + 1, (_ODOMETER,))
        values = values_of(rows, _ODOMETER)
        known = values[np.isfinite(values)]
        return float(known[-1]) if len(known) else np.nan

    def _by_trips(self, vehicle_id: str, time_us: Ints, now_km: float) -> Floats:
        """Distance now less that of the trips since."""
        trips = self._rows.trips(vehicle_id)
        driven = np.nan_to_num(numbers(trips, "distance_km"))
        end_us = np.asarray(trips.column("end_us").to_numpy(), dtype=np.int64)
        order = np.argsort(end_us, kind="stable")
        since = np.concatenate([np.cumsum(driven[order][::-1])[::-1], [0.0]])
        at = np.searchsorted(end_us[order], time_us, side="right")
        return np.maximum(now_km - since[at], 0.0)
