"""A fleet of constant-speed routes: planned distance, duration and load, and a voltage that falls along the way.

One cell stands for the battery, as in published examples of living twins: no current, no charge, only voltage over
distance. A route takes energy in proportion to its distance, to a quadratic in speed and to a line in load:

    V = a f(e(speed, load) distance / a)

`f` is the discharge curve of the new battery (1 = empty) and `a` its hidden wear: 1 when new, less after each route
by a factor whose logarithm is the vehicle's own with a scatter of 6 %. Worn batteries start lower and end sooner. A
route ends where planned or with an empty battery. Samples lie 1.6 km apart, in the last tenth of the way 0.16 km.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.battery.arrays import Floats, Numeric
from twinpack.simulate.settings import RouteSettings, vehicle_ids
from twinpack.simulate.vehicles import generator
from twinpack.telemetry.schema import TELEMETRY, TIME_TYPE

_USED = np.array([0.0, 0.02, 0.10, 0.55, 0.80, 0.90, 0.96, 1.0])
_CURVE_V = np.array([4.75, 4.69, 4.50, 4.30, 4.16, 4.04, 3.76, 3.00])
_SPEED_KMH, _LOAD_KG, _RANGE_KM = 58.0, 4500.0, 240.0
_COARSE_KM, _FINE_KM, _FINE_SHARE = 1.6, 0.16, 0.1
_FIRST_HOUR = 8


@dataclass(frozen=True)
class _Plan:
    """Routes of the fleet, vehicles x routes."""

    speed_kmh: Floats
    duration_h: Floats
    load_kg: Floats
    wear: Floats

    @property
    def planned_km(self) -> Floats:
        return self.speed_kmh * self.duration_h

    @property
    def range_km(self) -> Floats:
        return np.asarray(self.wear / energy_per_km(self.speed_kmh, self.load_kg))

    @property
    def driven_km(self) -> Floats:
        return np.minimum(self.planned_km, self.range_km)


def energy_per_km(speed_kmh: Numeric, load_kg: Numeric) -> Floats:
    """Share of a new battery that a kilometre takes."""
    speed = np.asarray(speed_kmh) / _SPEED_KMH
    load = np.asarray(load_kg) / _LOAD_KG
    return np.asarray((0.45 + 0.10 * speed + 0.45 * speed**2) * (0.70 + 0.30 * load) / _RANGE_KM)


def voltage(wear: Numeric, speed_kmh: Numeric, load_kg: Numeric, distance_km: Numeric) -> Floats:
    """True voltage of the cell after a distance, V."""
    used = energy_per_km(speed_kmh, load_kg) * distance_km / wear
    return np.asarray(wear * np.interp(used, _USED, _CURVE_V))


class RouteFleet:
    """A simulated fleet of constant-speed routes, one a vehicle and day.

    Attributes:
        settings: What was asked for.
        vehicle_ids: Ids, in order.
    """

    def __init__(self, settings: RouteSettings) -> None:
        """Draw routes and wear; samples are made when `tables` is read."""
        self.settings = settings
        self.vehicle_ids = vehicle_ids(settings.prefix, settings.vehicles)
        self._plan = _plan(settings)
        start = datetime.combine(settings.start, datetime.min.time(), tzinfo=UTC)
        self._start_us = round(start.timestamp()) * 1_000_000 + _FIRST_HOUR * 3_600_000_000

    def tables(self) -> Iterator[pa.Table]:
        """Samples in the `TELEMETRY` schema, one table a day of the whole fleet, in order of receipt."""
        before_km = np.cumsum(self._plan.driven_km, axis=1) - self._plan.driven_km
        for route in range(self.settings.routes):
            yield self._day(route, before_km[:, route])

    def truth(self) -> pa.Table:
        """Hidden wear. Columns: vehicle_id, trip_number (from 1), sample_time, sample_time_us, wear, range_km."""
        settings = self.settings
        start_us = np.tile(self._start_us + self._day_us(np.arange(settings.routes)), settings.vehicles)
        columns: dict[str, Any] = {
            "vehicle_id": np.repeat(self.vehicle_ids, settings.routes),
            "trip_number": np.tile(np.arange(1, settings.routes + 1), settings.vehicles),
            "sample_time": pa.array(start_us).cast(TIME_TYPE),
            "sample_time_us": start_us,
            "wear": self._plan.wear.ravel(),
            "range_km": self._plan.range_km.ravel(),
        }
        return pa.table(columns)

    def _day_us(self, route: Any) -> Any:
        return np.int64(86_400_000_000) * route

    def _day(self, route: int, before_km: Floats) -> pa.Table:
        plan = self._plan
        ways = [_points_km(km) for km in plan.driven_km[:, route]]
        vehicle = np.repeat(np.arange(len(ways)), [len(way) for way in ways])
        distance = np.concatenate(ways)
        noise = [generator(self.settings.seed, v, route, 1).standard_normal(len(way)) for v, way in enumerate(ways)]
        speed, load = plan.speed_kmh[vehicle, route], plan.load_kg[vehicle, route]
        true_v = voltage(plan.wear[vehicle, route], speed, load, distance)
        time_us = self._start_us + self._day_us(route) + np.round(distance / speed * 3.6e9).astype(np.int64)
        order = np.argsort(time_us, kind="stable")
        values = {
            "pack_voltage_v": true_v + self.settings.noise_v * np.concatenate(noise),
            "speed_kmh": speed,
            "odometer_km": before_km[vehicle] + distance,
            "load_kg": load,
            "planned_distance_km": plan.planned_km[vehicle, route],
            "planned_duration_s": 3600.0 * plan.duration_h[vehicle, route],
        }
        given: dict[str, Any] = {name: pa.array(column[order]) for name, column in values.items()}
        given["vehicle_id"] = pa.array(self.vehicle_ids).take(pa.array(vehicle[order]))
        given["sample_time"] = given["receipt_time"] = pa.array(time_us[order]).cast(TIME_TYPE)
        given["is_charging"] = pa.array(np.zeros(len(order), dtype=np.bool_))
        columns = [given.get(field.name, pa.nulls(len(order), field.type)) for field in TELEMETRY]
        return pa.Table.from_arrays(columns, schema=TELEMETRY)


def _plan(settings: RouteSettings) -> _Plan:
    """Routes and wear, each vehicle from its own generator."""
    generators = [generator(settings.seed, v) for v in range(settings.vehicles)]
    own = np.stack([g.standard_normal(2) for g in generators])
    # drawn route by route, so that more routes leave the first ones as they are
    n = np.clip(np.stack([g.standard_normal((settings.routes, 4)) for g in generators]), -3.0, 3.0)
    rate = 0.0155 * np.exp(0.12 * np.clip(own[:, 0], -2.5, 2.5))
    lost = np.cumsum(rate[:, None] * (1.0 + 0.06 * n[:, :, 3]), axis=1)
    before = np.concatenate([np.zeros((settings.vehicles, 1)), lost[:, :-1]], axis=1)
    return _Plan(
        speed_kmh=_SPEED_KMH * (1.0 + 0.1 * n[:, :, 0]),
        duration_h=5.0 + 0.5 * n[:, :, 1],
        load_kg=_LOAD_KG * (1.0 + 0.1 * n[:, :, 2]),
        wear=np.exp(-before),
    )


def _points_km(driven_km: float) -> Floats:
    """Distances at which a route is sampled: coarse, then fine in its last part, and its end."""
    turn = (1.0 - _FINE_SHARE) * driven_km
    fine = np.arange(turn, driven_km - 1e-6, _FINE_KM)
    return np.concatenate([np.arange(0.0, turn - 1e-9, _COARSE_KM), fine, [driven_km]])
