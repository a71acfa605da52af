"""A fleet's first trips, cut from the log as the fold cuts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec, load_pack
from twinpack.fleet.commands import registers
from twinpack.learn.prototype import TrainingTrip
from twinpack.learn.route import RouteTrip
from twinpack.telemetry.arrivals import arrivals
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.steps import StepCarry, Steps, steps
from twinpack.telemetry.trips import CutSettings, Segment, TripCarry, cut
from twinpack.twin.routes import DISTANCE, LOAD, SPEED, WAY, RouteTwins, told_along, way_along

Floats = npt.NDArray[np.float64]

T = TypeVar("T")


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What sessions are read as.

    Attributes:
        signals: Signals of a step that are needed.
        kinds: Kinds of sessions that count.
        made: Makes one of its vehicle, number, signals (with `time_us`) and pack; None when it teaches nothing.
    """

    signals: tuple[str, ...]
    kinds: tuple[str, ...]
    made: Callable[[str, int, Mapping[str, Floats], PackSpec], T | None]


@dataclass
class _Vehicle(Generic[T]):
    pack: str
    trips: list[T] = field(default_factory=list)
    open: list[dict[str, Floats]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


class FirstTrips(Generic[T]):
    """Gathers each vehicle's first trips of one pack from batches in log order."""

    def __init__(self, count: int, step_us: int, settings: CutSettings, pack: str | None, reading: Reading[T]) -> None:
        """Gather `count` sessions a vehicle, of `pack` if it is named."""
        self._count, self._step_us, self._settings, self._pack = count, step_us, settings, pack
        self._reading = reading
        self._vehicles: dict[str, _Vehicle[T]] = {}
        self._steps, self._cut = StepCarry.empty(0), TripCarry.empty(0)

    @property
    def trips(self) -> list[T]:
        """The trips so far: vehicles in the order of their registration, each one's trips in time order."""
        return [trip for vehicle in self._vehicles.values() for trip in vehicle.trips]

    @property
    def packs(self) -> tuple[str, ...]:
        """Names of the packs met."""
        return tuple(sorted({load_pack(one.pack).name for one in self._vehicles.values()}))

    @property
    def spec(self) -> PackSpec | None:
        """Specification of the pack learned for, once one of its vehicles was met."""
        return next((load_pack(one.pack) for one in self._vehicles.values() if self._wanted(one)), None)

    @property
    def missing(self) -> dict[str, list[str]]:
        """Vehicles of the pack that never told a signal, by the signal; those that all told are left out."""
        wanted = {name: one for name, one in self._vehicles.items() if self._wanted(one)}
        found = {
            signal: [name for name, one in wanted.items() if signal not in one.told] for signal in self._reading.signals
        }
        return {signal: names for signal, names in found.items() if names}

    def take(self, batch: SampleBatch) -> None:
        """Take the next batch of the log."""
        self._register(batch)
        ids = tuple(self._vehicles)
        index = {vehicle: lane for lane, vehicle in enumerate(ids) if self._awaits(self._vehicles[vehicle])}
        lane_of = np.array([index.get(vehicle, -1) for vehicle in batch.vehicle_ids], dtype=np.int32)
        gap = self._settings.gap_us
        arrived = arrivals(batch, lane_of, self._steps.newest_us)
        self._steps, taken = steps(self._steps, batch, arrived, step_us=self._step_us, close_after_us=gap, gap_us=gap)
        capacity = np.array([load_pack(one.pack).capacity_ah for one in self._vehicles.values()])
        self._cut, cuts = cut(self._cut, taken, ids, capacity, self._settings)
        for segment in cuts.segments:
            self._add(ids[segment.lane], segment, taken)

    def _wanted(self, vehicle: _Vehicle[T]) -> bool:
        return self._pack is None or load_pack(vehicle.pack).name == self._pack

    def _awaits(self, vehicle: _Vehicle[T]) -> bool:
        return self._wanted(vehicle) and len(vehicle.trips) < self._count

    def _register(self, batch: SampleBatch) -> None:
        for _, body in batch.commands:
            if registers(body) and body["vehicle"] not in self._vehicles:
                self._vehicles[body["vehicle"]] = _Vehicle(body["pack"])
        self._steps = self._steps.grown(len(self._vehicles))
        self._cut = self._cut.grown(len(self._vehicles))

    def _add(self, vehicle_id: str, segment: Segment, taken: Steps) -> None:
        vehicle = self._vehicles[vehicle_id]
        if len(vehicle.told) < len(self._reading.signals):
            rows = slice(segment.start, segment.stop)
            vehicle.told |= {name for name in self._reading.signals if np.isfinite(taken.values[name][rows]).any()}
        if segment.kind not in self._reading.kinds or not self._awaits(vehicle):
            return
        if segment.stop > segment.start:
            rows = slice(segment.start, segment.stop)
            part = {name: taken.values[name][rows] for name in self._reading.signals}
            part["time_us"] = taken.time_us[rows].astype(np.float64)
            vehicle.open.append(part)
        if segment.closed_by is not None and vehicle.open:
            joined = {name: np.concatenate([one[name] for one in vehicle.open]) for name in vehicle.open[0]}
            vehicle.open = []
            trip = self._reading.made(vehicle_id, segment.number, joined, load_pack(vehicle.pack))
            if trip is not None:
                vehicle.trips.append(trip)


def _training(vehicle_id: str, number: int, values: Mapping[str, Floats], pack: PackSpec) -> TrainingTrip | None:
    """A training trip, or None when its start or current is not known or it is too short to teach anything."""
    told = values["soc_pct"][np.isfinite(values["soc_pct"])]
    current = values["pack_current_a"]
    if len(current) < 60 or not len(told) or not np.isfinite(current).all():
        return None
    temp = values["cell_temp_avg_c"]
    known = np.isfinite(temp)
    if not known.any():
        temp = np.full(len(temp), 25.0)
    elif not known.all():
        temp = np.interp(np.arange(len(temp)), np.flatnonzero(known), temp[known])
    time = values["time_us"]
    return TrainingTrip(
        vehicle_id,
        (time - time[0]) / 1e6,
        values["pack_voltage_v"] / pack.series,
        current,
        temp,
        float(told[0]) / 100,
        int(time[0]),
    )


def _route(vehicle_id: str, number: int, values: Mapping[str, Floats], pack: PackSpec) -> RouteTrip | None:
    """A route, or None when nowhere on it speed, load, distance and voltage are known."""
    time_us = values["time_us"].astype(np.int64)[:, None]
    present, opens = np.ones_like(time_us, dtype=np.bool_), np.ones(1, dtype=np.bool_)
    signals = {name: values[name][:, None] for name in RouteTwins.signals}
    way = way_along(time_us, present, opens, signals, np.zeros((WAY, 1)), time_us[0])
    told = told_along(way)[:, 0]
    voltage = np.where(told, values["pack_voltage_v"], np.nan)
    if not np.isfinite(voltage).any():
        return None
    speed, load, distance = (np.where(told, way[row, :, 0], np.nan) for row in (SPEED, LOAD, DISTANCE))
    return RouteTrip(vehicle_id, number, int(time_us[0, 0]), speed, load, distance, voltage)


TRIPS = Reading(("pack_voltage_v", "pack_current_a", "cell_temp_avg_c", "soc_pct"), ("driving", "charging"), _training)
"""Drives and charges, for models that are driven by current."""

ROUTES = Reading(("pack_voltage_v", *RouteTwins.signals), ("driving",), _route)
"""Drives, for models of speed, load and distance."""


def first_trips(
    batches: Iterable[SampleBatch], count: int, step_us: int, settings: CutSettings, pack: str | None = None
) -> FirstTrips[TrainingTrip]:
    """Each vehicle's first `count` driving or charging sessions; arguments as for `first_of`."""
    return first_of(TRIPS, batches, count, step_us, settings, pack)


def first_routes(
    batches: Iterable[SampleBatch], count: int, step_us: int, settings: CutSettings, pack: str | None = None
) -> FirstTrips[RouteTrip]:
    """Each vehicle's first `count` routes; arguments as for `first_of`."""
    return first_of(ROUTES, batches, count, step_us, settings, pack)


def first_of(
    reading: Reading[T],
    batches: Iterable[SampleBatch],
    count: int,
    step_us: int,
    settings: CutSettings,
    pack: str | None = None,
) -> FirstTrips[T]:
    """Each vehicle's first `count` trips.

    Args:
        reading: What they are read as.
        batches: The log from its start, read to its end: a file may bring a new vehicle when all others have
            their trips.
        count: Sessions a vehicle.
        step_us: Width of a step.
        settings: Where sessions end.
        pack: Only vehicles of this pack.
    """
    found = FirstTrips(count, step_us, settings, pack, reading)
    for batch in batches:
        found.take(batch)
    return found
